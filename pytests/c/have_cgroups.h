/* Whether the tests' user can have cgroups. */
#ifndef HAVE_CGROUPS_H
#define HAVE_CGROUPS_H

#include "check.h"

/* A name that no other run of the tests has. */
static inline const char *own_name(void)
{
    static char name[64];
    snprintf(name, sizeof name, "minicontain-c-%d", (int)getpid());
    return name;
}

/* Whether some hierarchy may be written to at its root: asked of the host, not of the library. */
static inline bool host_gives_cgroups(void)
{
    FILE *mounts = fopen("/proc/self/mountinfo", "r");
    char line[4096], place[4096];
    bool found = false;

    while (mounts != NULL && fgets(line, sizeof line, mounts) != NULL)
        if (strstr(line, " - cgroup") != NULL && sscanf(line, "%*s %*s %*s %*s %4095s", place) == 1)
            found = found || access(place, W_OK) == 0;
    if (mounts != NULL)
        fclose(mounts);
    return found;
}

static inline bool have_cgroups(void)
{
    minicontain_cgroup *cgroup = (minicontain_cgroup *)&cgroup;
    minicontain_error *error = minicontain_cgroup_create(own_name(), NULL, &cgroup);

    if (error == NULL) {
        CHECK_OK(minicontain_cgroup_remove(cgroup));
        minicontain_cgroup_free(cgroup);
        return true;
    }
    CHECK(cgroup == NULL);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_PERMISSION_DENIED);
    if (host_gives_cgroups())
        check_report(__FILE__, __LINE__, "there are cgroups", minicontain_error_message(error));
    minicontain_error_free(error);
    return false;
}

/* A spec of nothing but limits: this much memory and so many processes. */
static inline minicontain_spec *limits(uint64_t memory, uint64_t processes)
{
    minicontain_spec *spec = NULL;

    CHECK_OK(minicontain_spec_new(NULL, 0, &spec));
    CHECK_OK(minicontain_spec_set_memory(spec, memory));
    CHECK_OK(minicontain_spec_set_pids_limit(spec, processes));
    return spec;
}

/* The version of cgroups that has a controller, or for "" the newest that there is. */
static inline int version_of(const minicontain_cgroup *cgroup, const char *controller)
{
    int version = 0;
    size_t i;

    for (i = 0; i < minicontain_cgroup_directory_count(cgroup); i++) {
        int here = minicontain_cgroup_directory_version(cgroup, i);
        if (strstr(minicontain_cgroup_directory_controllers(cgroup, i), controller) != NULL && here > version)
            version = here;
    }
    return version;
}

#endif
