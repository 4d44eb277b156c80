/*
 * Runs a program with 16 MB of memory and 8 processes, tells what happens to it as it happens, and what it used.
 *
 *     ./limits                        a program that wants more of both
 *     ./limits python3 -c 'print(1)'
 *
 * A container's cgroup is a descriptor for poll(2), too: readable when a limit was met. An ordinary user to whom no
 * cgroup is delegated has none. Then each process is limited by itself, and nothing is told of all together.
 */
#include <inttypes.h>
#include <minicontain.h>
#include <poll.h>
#include <stdio.h>

/*
 * Nine children are too many beside init and two shells; then memory until there is no more. It begins slowly: what
 * happened before the watch was there is counted, but is no event.
 */
static const char *const greedy[] = {
    "sh", "-c",
    "sleep 0.3; (for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2 & done; wait) 2>/dev/null; exec tail /dev/zero",
};

static minicontain_error *start(const char *const *argv, size_t argc, minicontain_container **container)
{
    minicontain_spec *spec = NULL;
    minicontain_error *error = minicontain_spec_new(argv, argc, &spec);

    if (error == NULL)
        error = minicontain_spec_set_memory(spec, 16 << 20);
    if (error == NULL)
        error = minicontain_spec_set_pids_limit(spec, 8);
    if (error == NULL)
        error = minicontain_container_start(spec, container);
    minicontain_spec_free(spec);
    return error;
}

static void print_events(uint32_t events)
{
    uint32_t bit;

    for (bit = 1; bit != 0; bit <<= 1)
        if ((events & bit) != 0)
            printf("event: %s\n", minicontain_event_name(bit));
    fflush(stdout);
}

/* Until it has ended. */
static minicontain_error *loop(const minicontain_container *container, const minicontain_watch *watch,
                               const minicontain_outcome **outcome)
{
    minicontain_error *error = NULL;
    struct pollfd watched[2];

    watched[0].fd = minicontain_container_pidfd(container);
    /* -1 without a watch, which poll passes over. */
    watched[1].fd = minicontain_watch_fd(watch);
    watched[0].events = watched[1].events = POLLIN;
    while (error == NULL && *outcome == NULL) {
        if (poll(watched, 2, -1) <= 0)
            continue;
        /* First, because the cgroup goes when the container is waited for. */
        print_events(minicontain_watch_read(watch));
        if (watched[0].revents != 0)
            error = minicontain_container_try_wait(container, outcome);
    }
    return error;
}

static void print_number(const char *what, uint64_t number, const char *unit)
{
    if (number == UINT64_MAX)
        printf("  %s: not told here\n", what);
    else
        printf("  %s: %" PRIu64 "%s\n", what, number, unit);
}

static void print_ending(const minicontain_outcome *outcome)
{
    const minicontain_victims *victims = minicontain_outcome_oom_victims(outcome);
    const minicontain_stats *stats = minicontain_outcome_stats(outcome);
    size_t i;

    if (minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_EXITED)
        printf("ended: exited with status %d\n", minicontain_outcome_status(outcome));
    else
        printf("ended: %s\n", minicontain_outcome_reason_name(outcome));
    for (i = 0; i < minicontain_victims_count(victims); i++)
        printf("killed for want of memory: %s\n", minicontain_victims_name(victims, i));
    if (stats == NULL) {
        puts("used: this user has no cgroup to tell");
        return;
    }
    puts("used:");
    print_number("memory at most", minicontain_stats_memory_peak(stats), " bytes");
    print_number("of", minicontain_stats_memory_limit(stats), " bytes");
    print_number("killed for want of it", minicontain_stats_oom_kills(stats), "");
    print_number("processes at most", minicontain_stats_pids_peak(stats), "");
    print_number("of", minicontain_stats_pids_limit(stats), "");
    print_number("forks refused", minicontain_stats_pids_limit_hits(stats), "");
    print_number("CPU time", minicontain_stats_cpu_usage_ns(stats), " ns");
}

int main(int argc, char **argv)
{
    minicontain_container *container = NULL;
    minicontain_watch *watch = NULL;
    const minicontain_cgroup *cgroup;
    const minicontain_outcome *outcome = NULL;
    minicontain_error *error;
    int failed;

    if (argc > 1)
        error = start((const char *const *)argv + 1, (size_t)argc - 1, &container);
    else
        error = start(greedy, sizeof greedy / sizeof *greedy, &container);
    /* It belongs to the container. */
    cgroup = minicontain_container_cgroup(container);
    if (error == NULL && cgroup != NULL)
        error = minicontain_watch_new(cgroup, &watch);
    if (error == NULL)
        error = loop(container, watch, &outcome);
    if (error == NULL)
        print_ending(outcome);
    failed = error != NULL;
    if (failed)
        fprintf(stderr, "limits: %s\n", minicontain_error_message(error));
    minicontain_error_free(error);
    minicontain_watch_free(watch);
    minicontain_container_free(container);
    return failed;
}
