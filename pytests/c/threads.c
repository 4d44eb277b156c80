/* Any thread may call anything: many run at once, and one stops what another waits for. */
#include "check.h"
#include <pthread.h>

enum { THREADS = 16, RUNS = 8 };

static minicontain_spec *shared;

static void *run_some(void *unused)
{
    int i;

    (void)unused;
    for (i = 0; i < RUNS; i++) {
        minicontain_result *result = NULL;
        CHECK_OK(minicontain_run(shared, "x", 1, 60000, &result));
        CHECK_STRING(minicontain_result_stdout(result, NULL), "x");
        CHECK(minicontain_trace_count(minicontain_result_trace(result)) > 20);
        minicontain_result_free(result);
    }
    return NULL;
}

/* Threads that do nothing but allocate and free, as the rest of a program does. */
static volatile int stop;

static void *allocate(void *unused)
{
    (void)unused;
    while (!stop) {
        char *some = malloc(4096);
        if (some != NULL)
            some[0] = 'x';
        free(some);
    }
    return NULL;
}

static void many_threads_run_one_spec(void)
{
    const char *const argv[] = {"cat"};
    pthread_t runners[THREADS], others[4];
    size_t i;

    CHECK_OK(minicontain_spec_new(argv, 1, &shared));
    CHECK_OK(minicontain_spec_set_stream(shared, STDOUT_FILENO, MINICONTAIN_STDIO_PIPE));
    for (i = 0; i < 4; i++)
        CHECK(pthread_create(&others[i], NULL, allocate, NULL) == 0);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&runners[i], NULL, run_some, NULL) == 0);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_join(runners[i], NULL) == 0);
    stop = 1;
    for (i = 0; i < 4; i++)
        CHECK(pthread_join(others[i], NULL) == 0);
    minicontain_spec_free(shared);
}

static void *wait_for(void *container)
{
    const minicontain_outcome *outcome = NULL;
    CHECK_OK(minicontain_container_wait(container, -1, &outcome));
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_KILLED);
    return (void *)outcome;
}

static void *exchange_with(void *container)
{
    const minicontain_output *output = NULL;
    CHECK_OK(minicontain_container_communicate(container, NULL, 0, -1, &output));
    CHECK_STRING(minicontain_output_stdout(output, NULL), "begun\n");
    return NULL;
}

static void one_stops_what_others_wait_for(void)
{
    minicontain_spec *spec = shell("echo begun; sleep 60");
    minicontain_container *container = NULL;
    pthread_t waiters[2], reader;
    void *first = NULL, *second = NULL;

    CHECK_OK(minicontain_container_start(spec, &container));
    CHECK(pthread_create(&waiters[0], NULL, wait_for, container) == 0);
    CHECK(pthread_create(&waiters[1], NULL, wait_for, container) == 0);
    usleep(50000);
    /* Its exchange begins while the others wait. */
    CHECK(pthread_create(&reader, NULL, exchange_with, container) == 0);
    usleep(50000);
    CHECK(minicontain_container_pid(container) > 1);
    CHECK_OK(minicontain_container_kill(container));
    CHECK(pthread_join(reader, NULL) == 0);
    CHECK(pthread_join(waiters[0], &first) == 0);
    CHECK(pthread_join(waiters[1], &second) == 0);
    CHECK(first == second);
    minicontain_container_free(container);
    minicontain_spec_free(spec);
}

int main(void)
{
    struct belongings before;

    warm_up();
    before = belongings();

    many_threads_run_one_spec();
    one_stops_what_others_wait_for();
    check_nothing_left(__FILE__, before);
    return check_result();
}
