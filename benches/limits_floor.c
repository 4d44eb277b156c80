/*
 * limits_floor: the least that limits can cost.
 *
 *     limits_floor CGROUPS...
 *
 * Each argument lists cgroups that a process is to be in: the directory in which one is made, and what is written there
 * before, as in "/sys/fs/cgroup/pids pids.max=64 /sys/fs/cgroup/cpu cpu.cfs_quota_us=50000"; an empty one lists none.
 * A line of standard input names arguments by their places, from 0, and is answered with a JSON list of the nanoseconds
 * that each took: make the cgroups, write the limits, start a process that shares this memory, which is made in the
 * cgroup (v2) or writes itself into its tasks (v1) and exits; reap it, and remove the cgroups.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clone3.h"

enum { MOST = 16, STACK_SIZE = 64 * 1024 };

struct cgroup {
    char path[PATH_MAX / 2];
    int tree, made, entrance, count;
    char *file[MOST], *value[MOST];
};

struct cgroups {
    struct cgroup all[MOST];
    int count;
};

struct run {
    const struct cgroups *cgroups;
    int error;
};

static char stack[STACK_SIZE] __attribute__((aligned(16)));

static void remove_all(struct cgroups *cgroups)
{
    for (int i = 0; i < cgroups->count; i++)
        /* Who has just ended may be in it for a moment still. */
        while (cgroups->all[i].made && rmdir(cgroups->all[i].path) && errno == EBUSY)
            sched_yield();
}

static void die(struct cgroups *cgroups, const char *step, int error)
{
    remove_all(cgroups);
    fprintf(stderr, "limits_floor: %s: %s\n", step, strerror(error));
    exit(1);
}

static int open_in(struct cgroups *cgroups, const struct cgroup *cgroup, const char *file, int flags)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", cgroup->path, file);
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        die(cgroups, path, errno);
    return fd;
}

/* In its parent's memory: it only makes system calls. */
static void child_main(void *argument)
{
    struct run *run = argument;

    for (int i = 0; i < run->cgroups->count; i++)
        if (!run->cgroups->all[i].tree && write(run->cgroups->all[i].entrance, "0", 1) < 0)
            run->error = errno;
    for (;;)
        syscall(SYS_exit_group, 0);
}

static uint64_t run_once(struct cgroups *cgroups)
{
    struct timespec began, ended;
    struct run run = {.cgroups = cgroups};
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = STACK_SIZE,
    };

    clock_gettime(CLOCK_MONOTONIC, &began);
    for (int i = 0; i < cgroups->count; i++) {
        struct cgroup *cgroup = &cgroups->all[i];
        if (mkdir(cgroup->path, 0755))
            die(cgroups, cgroup->path, errno);
        cgroup->made = 1;
        for (int n = 0; n < cgroup->count; n++) {
            int fd = open_in(cgroups, cgroup, cgroup->file[n], O_WRONLY);
            if (write(fd, cgroup->value[n], strlen(cgroup->value[n])) < 0)
                die(cgroups, cgroup->file[n], errno);
            close(fd);
        }
        cgroup->entrance = cgroup->tree ? open_in(cgroups, cgroup, ".", O_PATH) : open_in(cgroups, cgroup, "tasks", O_WRONLY);
        if (cgroup->tree) {
            args.flags |= CLONE_INTO_CGROUP;
            args.cgroup = (uint64_t)cgroup->entrance;
        }
    }
    long pid = clone3(&args, child_main, &run);
    if (pid < 0)
        die(cgroups, "clone3", (int)-pid);
    if (waitpid((pid_t)pid, NULL, 0) < 0)
        die(cgroups, "waitpid", errno);
    for (int i = 0; i < cgroups->count; i++)
        close(cgroups->all[i].entrance);
    remove_all(cgroups);
    clock_gettime(CLOCK_MONOTONIC, &ended);

    if (run.error)
        die(cgroups, "tasks", run.error);
    return (uint64_t)(ended.tv_sec - began.tv_sec) * 1000000000u + (uint64_t)ended.tv_nsec - (uint64_t)began.tv_nsec;
}

static void parse(struct cgroups *cgroups, char *text)
{
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
        struct cgroup *cgroup = &cgroups->all[cgroups->count];
        char *equals = strchr(word, '=');
        if (word[0] == '/') {
            if (cgroups->count == MOST)
                die(cgroups, word, E2BIG);
            snprintf(cgroup->path, sizeof cgroup->path, "%s/cgroup.controllers", word);
            cgroup->tree = access(cgroup->path, F_OK) == 0;
            snprintf(cgroup->path, sizeof cgroup->path, "%s/minicontain-floor-%d", word, (int)getpid());
            cgroups->count++;
        } else if (equals && cgroups->count > 0 && cgroup[-1].count < MOST) {
            *equals = '\0';
            cgroup[-1].file[cgroup[-1].count] = word;
            cgroup[-1].value[cgroup[-1].count++] = equals + 1;
        } else {
            die(cgroups, word, EINVAL);
        }
    }
}

int main(int argc, char **argv)
{
    struct cgroups *cgroups = calloc((size_t)argc, sizeof *cgroups);
    char line[4096];

    /* It ends with its input, and leaves no cgroup behind. */
    signal(SIGINT, SIG_IGN);
    if (!cgroups)
        return 1;
    for (int i = 1; i < argc; i++)
        parse(&cgroups[i - 1], argv[i]);
    while (fgets(line, sizeof line, stdin)) {
        const char *before = "[";
        for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
            int place = atoi(word);
            if (place < 0 || place >= argc - 1)
                return 2;
            printf("%s%llu", before, (unsigned long long)run_once(&cgroups[place]));
            before = ", ";
        }
        printf("]\n");
        fflush(stdout);
    }
    free(cgroups);
    return 0;
}
