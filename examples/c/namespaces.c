/*
 * A walk through namespaces: a copy of this process with a host name of its own, then a network that is made, named, seen
 * by ip(8), entered, left and removed.
 *
 *     ./namespaces
 *
 * Anybody may do the first, in a user namespace of his own; names need root.
 */
#define _GNU_SOURCE
#include <minicontain.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void print_hostname(const char *where)
{
    char name[65] = "";
    gethostname(name, sizeof name - 1);
    printf("%s: host name %s, process %d\n", where, name, (int)getpid());
    /* A copy has what is not written yet, too, and would write it again. */
    fflush(stdout);
}

/* Who calls, as his ids were before. */
struct caller {
    uid_t uid;
    gid_t gid;
};

/* In the copy, which is root of a user namespace, and process 1 of a PID namespace. */
static int in_the_copy(void *arg)
{
    const struct caller *caller = arg;
    minicontain_error *error = minicontain_map_root(caller->uid, caller->gid);

    if (error != NULL || sethostname("box", strlen("box")) != 0)
        return 1;
    print_hostname("inside");
    return 0;
}

static minicontain_error *copy(void)
{
    struct caller caller;
    minicontain_child *child = NULL;
    minicontain_error *error;
    int status = 0;

    caller.uid = geteuid();
    caller.gid = getegid();
    print_hostname("outside");
    error = minicontain_clone(in_the_copy, &caller, CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWPID, &child);
    if (error == NULL)
        error = minicontain_child_wait(child, &status);
    if (error == NULL)
        printf("the copy exited with status %d\n", WEXITSTATUS(status));
    minicontain_child_free(child);
    print_hostname("outside");
    return error;
}

/* The network that this thread is in. */
static minicontain_error *print_network(const char *where)
{
    minicontain_namespace *own = NULL;
    minicontain_error *error = minicontain_namespace_of(0, "net", &own);

    if (error == NULL)
        printf("%s: net:[%llu]\n", where, (unsigned long long)minicontain_namespace_id(own));
    minicontain_namespace_free(own);
    return error;
}

static minicontain_error *network(const char *name)
{
    minicontain_namespace *net = NULL;
    minicontain_inside *inside = NULL;
    minicontain_error *error = minicontain_namespace_create_named("net", name, &net), *left;

    if (error != NULL)
        return error;
    printf("made: %s, net:[%llu]\n", name, (unsigned long long)minicontain_namespace_id(net));
    fflush(stdout);
    if (system("ip netns list") != 0)
        fputs("ip(8) is not installed\n", stderr);

    error = print_network("before");
    if (error == NULL)
        error = minicontain_namespace_enter(net, &inside);
    if (error == NULL)
        error = print_network("inside");
    if (error == NULL)
        error = minicontain_inside_leave(inside);
    if (error == NULL)
        error = print_network("after");
    minicontain_inside_free(inside);

    /* Whatever happened, its name goes; and it with the handle, since nobody is in it. */
    left = minicontain_namespace_remove(net);
    minicontain_namespace_free(net);
    if (error == NULL)
        return left;
    minicontain_error_free(left);
    return error;
}

int main(void)
{
    minicontain_error *error = copy();
    char name[32];
    int failed;

    snprintf(name, sizeof name, "lesson-%d", (int)getpid());
    if (error == NULL)
        error = network(name);
    failed = error != NULL;
    if (failed)
        fprintf(stderr, "namespaces: %s\n", minicontain_error_message(error));
    minicontain_error_free(error);
    return failed;
}
