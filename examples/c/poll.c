/*
 * Several containers, and a program that joins one of them, in one poll(2) loop: no thread, no signal handler. What
 * they say is printed as it comes; each has its own time, and is killed when that is over.
 *
 *     ./poll
 *
 * A container is two descriptors here: its pipe, readable when it says something, and its pidfd, readable when it has
 * ended. Any loop that watches descriptors can do the same: epoll, libevent, GLib, a game's own.
 */
#define _POSIX_C_SOURCE 200809L
#include <minicontain.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COUNT 4

/* Something that runs, and when its time is over. */
struct job {
    const char *name, *command;
    int64_t time_limit_ms, deadline;
    minicontain_container *container;
    /* -1 when there is nothing more to watch, which poll passes over. */
    int output, pidfd;
    int killed;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Starts a job: in a container of its own, or in another's. */
static minicontain_error *start(struct job *job, const minicontain_container *other)
{
    const char *argv[] = {"sh", "-c", NULL};
    minicontain_spec *spec = NULL;
    minicontain_error *error;

    argv[2] = job->command;
    error = minicontain_spec_new(argv, 3, &spec);
    if (error == NULL && other == NULL)
        error = minicontain_spec_set_hostname(spec, job->name);
    if (error == NULL)
        error = minicontain_spec_set_stream(spec, STDIN_FILENO, MINICONTAIN_STDIO_NULL);
    if (error == NULL)
        error = minicontain_spec_set_stream(spec, STDOUT_FILENO, MINICONTAIN_STDIO_PIPE);
    if (error == NULL && other == NULL)
        error = minicontain_container_start(spec, &job->container);
    else if (error == NULL)
        error = minicontain_container_exec(other, spec, &job->container);
    minicontain_spec_free(spec);
    if (error == NULL) {
        job->deadline = now_ms() + job->time_limit_ms;
        job->output = minicontain_container_stream(job->container, STDOUT_FILENO);
        job->pidfd = minicontain_container_pidfd(job->container);
    }
    return error;
}

/* There is something to read, or the end of it. */
static void read_output(struct job *job)
{
    char text[4096];
    ssize_t count = read(job->output, text, sizeof text - 1);
    char *line = text;

    if (count <= 0) {
        job->output = -1;
        return;
    }
    for (text[count] = '\0'; *line != '\0'; line += strspn(line, "\n")) {
        size_t len = strcspn(line, "\n");
        printf("%s: %.*s\n", job->name, (int)len, line);
        line += len;
    }
}

/* It has ended; asking how does not wait. */
static minicontain_error *tell_end(struct job *job)
{
    const minicontain_outcome *outcome = NULL;
    minicontain_error *error = minicontain_container_try_wait(job->container, &outcome);

    /* They stay open until the container is freed, which owns them. Something that the program left behind may have
       the pipe open still: this does not wait for that. */
    job->pidfd = job->output = -1;
    if (outcome == NULL)
        return error;
    if (minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_EXITED)
        printf("%s: exited with status %d\n", job->name, minicontain_outcome_status(outcome));
    else if (job->killed)
        printf("%s: killed, after %d ms\n", job->name, (int)job->time_limit_ms);
    else
        printf("%s: %s\n", job->name, minicontain_outcome_reason_name(outcome));
    return error;
}

/* Kills what is late. How long poll may sleep until the next one is: -1 for ever. */
static minicontain_error *look_at_the_clock(struct job *jobs, int *sleep_ms)
{
    minicontain_error *error = NULL;
    int64_t now = now_ms();
    int i;

    *sleep_ms = -1;
    for (i = 0; i < COUNT && error == NULL; i++) {
        int64_t left = jobs[i].deadline - now;
        if (jobs[i].pidfd < 0 || jobs[i].killed)
            continue;
        if (left <= 0) {
            jobs[i].killed = 1;
            error = minicontain_container_kill(jobs[i].container);
        } else if (*sleep_ms < 0 || left < *sleep_ms) {
            *sleep_ms = (int)left;
        }
    }
    return error;
}

/* Until nothing is left to watch. */
static minicontain_error *loop(struct job *jobs)
{
    struct pollfd watched[2 * COUNT];
    minicontain_error *error = NULL;

    while (error == NULL) {
        int i, sleep_ms, open = 0;

        for (i = 0; i < COUNT; i++) {
            /* poll looks at them in this order: who has ended has said everything when it comes to the pipe. */
            watched[2 * i].fd = jobs[i].pidfd;
            watched[2 * i + 1].fd = jobs[i].output;
            watched[2 * i].events = watched[2 * i + 1].events = POLLIN;
            open += jobs[i].pidfd >= 0;
        }
        if (open == 0)
            break;
        error = look_at_the_clock(jobs, &sleep_ms);
        if (error != NULL || poll(watched, 2 * COUNT, sleep_ms) <= 0)
            continue;
        for (i = 0; i < COUNT && error == NULL; i++) {
            /* The end is told when there is nothing more to read. */
            if (watched[2 * i + 1].revents != 0)
                read_output(&jobs[i]);
            else if (watched[2 * i].revents != 0)
                error = tell_end(&jobs[i]);
        }
        fflush(stdout);
    }
    return error;
}

int main(void)
{
    struct job jobs[COUNT] = {
        {"counter", "for i in 1 2 3; do echo $i; sleep 0.1; done", 10000, 0, NULL, -1, -1, 0},
        {"failing", "echo no; exit 3", 10000, 0, NULL, -1, -1, 0},
        {"endless", "echo here; exec sleep 600", 500, 0, NULL, -1, -1, 0},
        /* It joins the one before. */
        {"visitor", "echo in $(hostname)", 10000, 0, NULL, -1, -1, 0},
    };
    minicontain_error *error = NULL;
    int i, failed;

    for (i = 0; i < COUNT && error == NULL; i++)
        error = start(&jobs[i], i == COUNT - 1 ? jobs[i - 1].container : NULL);
    if (error == NULL)
        error = loop(jobs);
    failed = error != NULL;
    if (failed)
        fprintf(stderr, "%s\n", minicontain_error_message(error));
    minicontain_error_free(error);
    /* What joined goes first; whatever still runs is killed. */
    for (i = COUNT; i-- > 0;)
        minicontain_container_free(jobs[i].container);
    return failed;
}
