/* What tests of links and networks share: networks of their own, as root and as anyone. */
#ifndef LINKS_H
#define LINKS_H

#include "namespaces.h"

/* The user namespace that owns what an ordinary user makes; NULL for root. */
static minicontain_namespace *owner;

/* A new network namespace. */
static inline minicontain_namespace *new_net(void)
{
    return make("net", owner);
}

static inline minicontain_link *link_of(const minicontain_namespace *ns, const char *name)
{
    minicontain_link *link = NULL;
    CHECK_OK(minicontain_link_get(ns, name, &link));
    return link;
}

static inline minicontain_link_state *state_of(const minicontain_link *link)
{
    minicontain_link_state *state = NULL;
    CHECK_OK(minicontain_link_state_of(link, &state));
    return state;
}

static inline bool is_up(const minicontain_link *link)
{
    minicontain_link_state *state = state_of(link);
    bool up = minicontain_link_state_up(state);
    minicontain_link_state_free(state);
    return up;
}

/* Whether a text is among these. */
static inline bool is_among(const minicontain_strings *strings, const char *wanted)
{
    size_t i;
    for (i = 0; i < minicontain_strings_count(strings); i++)
        if (strcmp(minicontain_strings_at(strings, i), wanted) == 0)
            return true;
    return false;
}

/* Whether the links of a namespace are these many. */
static inline bool has_links(const minicontain_namespace *ns, size_t wanted)
{
    minicontain_links *links = NULL;
    size_t count;
    CHECK_OK(minicontain_links_of(ns, &links));
    count = minicontain_links_count(links);
    minicontain_links_free(links);
    return count == wanted;
}

#endif
