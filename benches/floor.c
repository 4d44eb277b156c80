/*
 * floor: the least a container can cost.
 *
 * It asks the kernel for one minimal container run after another, with no library in between, and prints how
 * long each took. What the kernel needs, nobody can go below: every other figure is read as a multiple of it.
 *
 *     floor [--net] [--user] [--rss MIB] [--threads T] [--repeat] ROOTDIR N
 *
 * One run: clone3 into new mount, PID, UTS, IPC and cgroup namespaces (and network, user), make ROOTDIR the
 * root, mount /proc, execute /bin/true, reap it. Timed from before clone3 until after waitid. It prints the N
 * runs' nanoseconds as a JSON list; with --threads, where each of T threads makes N runs, as
 * {"ns": [...], "per_second": X}. The first run of each thread is not counted: it warms caches. With --repeat
 * it does that, and prints a line, for each line that it reads: so several programs can take short turns.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "clone3.h"
#include "timing.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* What every run needs, prepared once: the child only reads it. */
struct plan {
    const char *root;
    uint64_t flags;
    char uid_map[32], gid_map[32];
};

/* One run, in memory that parent and child share: the child says here which step failed. */
struct run {
    const struct plan *plan;
    const char *failed;
    int error;
};

static __attribute__((noreturn)) void child_failed(struct run *run, const char *step)
{
    run->error = errno;
    run->failed = step;
    for (;;)
        syscall(SYS_exit_group, 127);
}

static void child_write(struct run *run, const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        child_failed(run, path);
    close(fd);
}

/* The container's side. It runs in the parent's memory, so it only makes system calls. */
static void child_main(void *argument)
{
    static char *const argv[] = {"/bin/true", NULL}, *const envp[] = {NULL};
    struct run *run = argument;
    const struct plan *plan = run->plan;

    if (plan->flags & CLONE_NEWUSER) {
        child_write(run, "/proc/self/uid_map", plan->uid_map);
        /* The kernel lets a process map its own group only once setgroups is given up. */
        child_write(run, "/proc/self/setgroups", "deny");
        child_write(run, "/proc/self/gid_map", plan->gid_map);
    }
    /* Private first: otherwise each of the following mounts would show on the host. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        child_failed(run, "mount / private");
    /* pivot_root wants a mount point. */
    if (mount(plan->root, plan->root, NULL, MS_BIND | MS_REC, NULL))
        child_failed(run, "bind the root");
    if (chdir(plan->root))
        child_failed(run, "chdir to the root");
    /* /proc while the host's is still in sight: in a user namespace the kernel refuses it afterwards. */
    if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
        child_failed(run, "mount proc");
    /* Both dots: the old root ends up on top of the new one, and needs no directory to be put in. */
    if (syscall(SYS_pivot_root, ".", "."))
        child_failed(run, "pivot_root");
    if (umount2(".", MNT_DETACH))
        child_failed(run, "detach the old root");
    execve(argv[0], argv, envp);
    child_failed(run, "execve /bin/true");
}

static uint64_t run_once(const struct plan *plan, void *stack)
{
    struct run run = {.plan = plan};
    int pidfd = -1;
    siginfo_t info = {0};
    /* VM and VFORK: no page table is copied, and this thread sleeps until the child has called execve. */
    struct clone_args args = {
        .flags = plan->flags,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = STACK_SIZE,
    };
    uint64_t start = now();

    long pid = clone3(&args, child_main, &run);
    if (pid < 0)
        die("clone3", (int)-pid);
    if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED))
        die("waitid", errno);
    uint64_t end = now();

    close(pidfd);
    if (run.failed)
        die(run.failed, run.error);
    if (info.si_code != CLD_EXITED || info.si_status != 0)
        die("/bin/true failed", ECHILD);
    return end - start;
}

static void make_plan(struct plan *plan, const struct options *options)
{
    plan->root = options->root;
    plan->flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND
                  | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
    if (options->net)
        plan->flags |= CLONE_NEWNET;
    if (options->user)
        plan->flags |= CLONE_NEWUSER;
    snprintf(plan->uid_map, sizeof plan->uid_map, "0 %u 1", (unsigned)geteuid());
    snprintf(plan->gid_map, sizeof plan->gid_map, "0 %u 1", (unsigned)getegid());
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct plan plan;

    make_plan(&plan, &options);
    measure_all(&plan, &options);
    return 0;
}
