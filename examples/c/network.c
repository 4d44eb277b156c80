/*
 * The classic lesson: a network namespace that begins with nothing but a loopback that is off, a cable into it, and two
 * ends that answer each other. Each step is told as the command that does the same.
 *
 *     ./network
 *
 * This process plays the host in namespaces of its own, so nothing of the real one is touched, and nobody needs root.
 */
#define _GNU_SOURCE
#include <minicontain.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static void step(const minicontain_error *error, const char *what)
{
    if (error == NULL)
        printf("\n%s\n", what);
    fflush(stdout);
}

/* The command that does what was done last through a link, and where it is to be run. */
static void tell(const char *where, const minicontain_link *link)
{
    minicontain_strings *history = minicontain_link_history(link);
    size_t count = minicontain_strings_count(history);

    if (count > 0)
        printf("%s$ %s\n", where, minicontain_strings_at(history, count - 1));
    fflush(stdout);
    minicontain_strings_free(history);
}

/* Runs a command where this thread is. */
static int run(const char *where, const char *command)
{
    printf("%s$ %s\n", where, command);
    fflush(stdout);
    return system(command);
}

/* Shows what ping(8) says, inside of a network namespace, or outside for NULL. */
static minicontain_error *ping(const minicontain_namespace *net, const char *address, int *answered)
{
    minicontain_inside *inside = NULL;
    minicontain_error *error = net == NULL ? NULL : minicontain_namespace_enter(net, &inside);
    char command[80];

    snprintf(command, sizeof command, "ping -c 1 -W 5 %s", address);
    if (error == NULL)
        *answered = run(net == NULL ? "host" : minicontain_namespace_name(net), command) == 0;
    minicontain_inside_free(inside);
    return error;
}

/* Lists the links of a network namespace. */
static minicontain_error *show(const minicontain_namespace *net)
{
    minicontain_links *links = NULL;
    minicontain_error *error = minicontain_links_of(net, &links);
    size_t i, k;

    for (i = 0; error == NULL && i < minicontain_links_count(links); i++) {
        const minicontain_link *link = minicontain_links_at(links, i);
        minicontain_link_state *state = NULL;
        minicontain_strings *addresses = NULL;

        error = minicontain_link_state_of(link, &state);
        if (error == NULL)
            error = minicontain_link_addresses(link, &addresses);
        printf("  %s: %s", minicontain_link_name(link), minicontain_link_state_up(state) ? "up" : "down");
        for (k = 0; k < minicontain_strings_count(addresses); k++)
            printf(" %s", minicontain_strings_at(addresses, k));
        printf("\n");
        minicontain_strings_free(addresses);
        minicontain_link_state_free(state);
    }
    minicontain_links_free(links);
    return error;
}

/* Goes where nothing of the host is changed, and names of namespaces are its own. */
static minicontain_error *play_the_host(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    int flags = CLONE_NEWNS | CLONE_NEWNET | (uid == 0 ? 0 : CLONE_NEWUSER);
    minicontain_error *error = minicontain_unshare((uint64_t)flags);

    if (error == NULL && uid != 0)
        error = minicontain_map_root(uid, gid);
    if (error == NULL && (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
                          mount("run", "/run", "tmpfs", MS_NOSUID | MS_NODEV, NULL) != 0)) {
        perror("mount");
        exit(1);
    }
    return error;
}

/* One end's address, and the end switched on. */
static minicontain_error *connect_end(const char *where, const minicontain_link *end, const char *address)
{
    minicontain_error *error = minicontain_link_add_address(end, address);

    if (error == NULL) {
        tell(where, end);
        error = minicontain_link_up(end);
    }
    if (error == NULL)
        tell(where, end);
    return error;
}

static minicontain_error *lesson(const char *name, int *answered)
{
    minicontain_namespace *child = NULL;
    minicontain_link *lo = NULL, *veth0 = NULL, *veth1 = NULL;
    minicontain_error *error = NULL, *left;
    int loopback = 0, there = 0, back = 0;

    step(error, "A new network has a loopback alone, and that is off:");
    printf("host$ ip netns add %s\n", name);
    error = minicontain_namespace_create_named("net", name, &child);
    if (error == NULL)
        error = show(child);
    if (error == NULL && run("host", "ip netns list") != 0)
        fputs("ip(8) is not installed\n", stderr);

    step(error, "Its loopback is switched on, and answers:");
    if (error == NULL)
        error = minicontain_link_get(child, "lo", &lo);
    if (error == NULL)
        error = minicontain_link_up(lo);
    if (error == NULL) {
        tell(name, lo);
        error = ping(child, "127.0.0.1", &loopback);
    }

    step(error, "A cable is made on the host, and one end moves into the new network:");
    if (error == NULL)
        error = minicontain_link_create_veth(NULL, "veth0", NULL, "veth1", &veth0);
    if (error == NULL) {
        tell("host", veth0);
        error = minicontain_link_get(NULL, "veth1", &veth1);
    }
    if (error == NULL)
        error = minicontain_link_move_to(veth1, child);
    if (error == NULL)
        tell("host", veth1);

    step(error, "Each end has an address, and is switched on:");
    if (error == NULL)
        error = connect_end("host", veth0, "10.16.8.1/24");
    if (error == NULL)
        error = connect_end(name, veth1, "10.16.8.2/24");
    if (error == NULL)
        error = show(child);

    step(error, "They answer each other:");
    if (error == NULL)
        error = ping(NULL, "10.16.8.2", &there);
    if (error == NULL)
        error = ping(child, "10.16.8.1", &back);
    *answered = loopback && there && back;

    step(error, "With one end, the other goes; with its name, the network:");
    if (error == NULL)
        error = minicontain_link_delete(veth0);
    if (error == NULL) {
        tell("host", veth0);
        error = show(child);
    }
    minicontain_link_free(lo);
    minicontain_link_free(veth0);
    minicontain_link_free(veth1);
    if (child != NULL) {
        printf("host$ ip netns delete %s\n", name);
        left = minicontain_namespace_remove(child);
        minicontain_namespace_free(child);
        if (error == NULL)
            return left;
        minicontain_error_free(left);
    }
    return error;
}

int main(void)
{
    minicontain_error *error = play_the_host();
    int answered = 0, failed;

    if (error == NULL)
        error = lesson("child", &answered);
    failed = error != NULL || !answered;
    if (error != NULL)
        fprintf(stderr, "network: %s\n", minicontain_error_message(error));
    minicontain_error_free(error);
    return failed;
}
