/*
 * Runs a command in a container with every default, prints its output as it comes, how it ended and what was done to
 * start it.
 *
 *     ./run sh -c 'hostname; id -u; ls /proc | head -3'
 */
#include <minicontain.h>
#include <stdio.h>
#include <unistd.h>

/* Copies what the container writes to our own standard output, until it closes its end. */
static void copy_output(const minicontain_container *container)
{
    /* Borrowed: it is closed when the container is freed. */
    int fd = minicontain_container_stream(container, STDOUT_FILENO);
    char buffer[4096];
    ssize_t count;

    while ((count = read(fd, buffer, sizeof buffer)) > 0)
        fwrite(buffer, 1, (size_t)count, stdout);
    fflush(stdout);
}

static void print_ending(const minicontain_outcome *outcome)
{
    printf("-- %s", minicontain_outcome_reason_name(outcome));
    if (minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_EXITED)
        printf(" with status %d", minicontain_outcome_status(outcome));
    else
        printf(" by signal %d", minicontain_outcome_signal(outcome));
    printf(" after %.2f ms\n", (double)minicontain_outcome_wall_ns(outcome) / 1e6);
}

static void print_trace(const minicontain_trace *trace)
{
    size_t i, count = minicontain_trace_count(trace);

    printf("-- %lu steps, %.2f ms until the program was executed\n", (unsigned long)count,
           (double)minicontain_trace_setup_ns(trace) / 1e6);
    for (i = 0; i < count; i++)
        printf("%-9s %s(%s) = %s\n", minicontain_trace_entry_side(trace, i),
               minicontain_trace_entry_syscall(trace, i), minicontain_trace_entry_arguments(trace, i),
               minicontain_trace_entry_result(trace, i));
}

int main(int argc, char **argv)
{
    minicontain_spec *spec = NULL;
    minicontain_container *container = NULL;
    const minicontain_outcome *outcome = NULL;
    minicontain_error *error;
    int status = 1;

    if (argc < 2) {
        fprintf(stderr, "usage: %s program [argument...]\n", argv[0]);
        return 2;
    }
    error = minicontain_spec_new((const char *const *)argv + 1, (size_t)argc - 1, &spec);
    if (error == NULL)
        error = minicontain_spec_set_stream(spec, STDOUT_FILENO, MINICONTAIN_STDIO_PIPE);
    if (error == NULL)
        error = minicontain_container_start(spec, &container);
    if (error == NULL) {
        copy_output(container);
        error = minicontain_container_wait(container, -1, &outcome);
    }
    if (error == NULL) {
        print_ending(outcome);
        print_trace(minicontain_container_trace(container));
        status = 0;
    } else {
        fprintf(stderr, "run: %s\n", minicontain_error_message(error));
    }
    minicontain_error_free(error);
    minicontain_container_free(container);
    minicontain_spec_free(spec);
    return status;
}
