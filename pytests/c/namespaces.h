/* What tests of namespaces share. */
#ifndef NAMESPACES_H
#define NAMESPACES_H

#include "check.h"
#include <pthread.h>
#include <sched.h>

/* As /proc/PID/ns shows it. */
static inline const char *text_of(const minicontain_namespace *ns)
{
    static char text[64];
    snprintf(text, sizeof text, "%s:[%llu]", minicontain_namespace_kind(ns),
             (unsigned long long)minicontain_namespace_id(ns));
    return text;
}

static inline minicontain_namespace *of(int pid, const char *kind)
{
    minicontain_namespace *ns = NULL;
    CHECK_OK(minicontain_namespace_of(pid, kind, &ns));
    return ns;
}

static inline minicontain_namespace *make(const char *kind, const minicontain_namespace *owner)
{
    minicontain_namespace *ns = NULL;
    if (owner != NULL)
        CHECK_OK(minicontain_namespace_create_in(kind, owner, &ns));
    else
        CHECK_OK(minicontain_namespace_create(kind, &ns));
    return ns;
}

/* Whether the calling thread is in it. */
static inline bool within(const minicontain_namespace *ns)
{
    minicontain_namespace *own = of(0, minicontain_namespace_kind(ns));
    bool same = minicontain_namespace_equal(own, ns);
    minicontain_namespace_free(own);
    return same;
}

static inline void in_a_thread(void *(*function)(void *), void *arg)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, function, arg) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

/* The kernel shows a thread for a moment after it was joined. */
static inline void settle(struct belongings before)
{
    int i;
    for (i = 0; i < 1000 && belongings().threads != before.threads; i++)
        usleep(1000);
}

#endif
