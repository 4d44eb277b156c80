/*
 * A plugin host: runs a program that it does not trust on one request, as a game server or a database might do.
 *
 *     ./sandbox                         runs a few plugins, good and bad
 *     ./sandbox python3 plugin.py       runs this one
 *
 * The plugin gets its request on standard input and answers on standard output. It has no capabilities, no network, no
 * processes but its own, a read-only root, none of the host's home directories, and half a second.
 */
#include <minicontain.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TIME_LIMIT_MS 500

/* What every plugin may see and do. */
static minicontain_error *describe(const char *const *argv, size_t argc, minicontain_spec **spec)
{
    minicontain_error *error = minicontain_spec_new(argv, argc, spec);

    if (error == NULL)
        error = minicontain_spec_set_hostname(*spec, "plugin");
    if (error == NULL)
        error = minicontain_spec_set_read_only(*spec, true);
    if (error == NULL)
        error = minicontain_spec_set_host_files(*spec, "/home", "hidden");
    if (error == NULL)
        error = minicontain_spec_cap_drop(*spec, "ALL");
    if (error == NULL)
        error = minicontain_spec_set_ulimit(*spec, "nofile", 64, 64);
    if (error == NULL)
        error = minicontain_spec_set_ulimit(*spec, "core", 0, 0);
    if (error == NULL)
        error = minicontain_spec_set_stream(*spec, STDOUT_FILENO, MINICONTAIN_STDIO_PIPE);
    if (error == NULL)
        error = minicontain_spec_set_stream(*spec, STDERR_FILENO, MINICONTAIN_STDIO_PIPE);
    /* Where this cannot be had, it is better not to run the plugin at all. */
    if (error == NULL)
        error = minicontain_spec_require(*spec, "capabilities");
    if (error == NULL)
        error = minicontain_spec_require(*spec, "read_only");
    return error;
}

/* What went wrong, taken apart. */
static void print_error(const minicontain_error *error)
{
    size_t i;

    printf("  not run: %s (code %d)\n", minicontain_error_code_name(error), (int)minicontain_error_code(error));
    for (i = 0; i < minicontain_error_fault_count(error); i++)
        printf("  field %s: %s\n", minicontain_error_fault_field(error, i), minicontain_error_fault_problem(error, i));
    if (minicontain_error_step_index(error) >= 0)
        printf("  at step %d: %s = %s\n", (int)minicontain_error_step_index(error),
               minicontain_error_syscall(error), minicontain_error_errno_name(error));
    else
        printf("  %s\n", minicontain_error_message(error));
    if (minicontain_error_hint(error)[0] != '\0')
        printf("  hint: %s\n", minicontain_error_hint(error));
}

static void print_result(const minicontain_result *result)
{
    const minicontain_outcome *outcome = minicontain_result_outcome(result);
    /* Any bytes, with a NUL behind them: as strings they end at the first NUL, which is enough here. */
    const char *answer = minicontain_result_stdout(result, NULL);
    const char *complaint = minicontain_result_stderr(result, NULL);

    printf("  answer: %.*s\n", (int)strcspn(answer, "\n"), answer);
    if (complaint[0] != '\0')
        printf("  complaint: %.*s\n", (int)strcspn(complaint, "\n"), complaint);
    switch (minicontain_outcome_reason(outcome)) {
    case MINICONTAIN_REASON_EXITED:
        printf("  ended by itself with status %d\n", minicontain_outcome_status(outcome));
        break;
    case MINICONTAIN_REASON_TIMED_OUT:
        printf("  killed: it took longer than %d ms\n", TIME_LIMIT_MS);
        break;
    default:
        printf("  %s, signal %d\n", minicontain_outcome_reason_name(outcome), minicontain_outcome_signal(outcome));
    }
}

/* Gives a request to a plugin. 0 if it could be run, however it ended. */
static int ask(const char *const *argv, size_t argc, const char *request)
{
    minicontain_spec *spec = NULL;
    minicontain_result *result = NULL;
    minicontain_error *error = describe(argv, argc, &spec);
    int status = 0;

    if (error == NULL)
        error = minicontain_run(spec, request, strlen(request), TIME_LIMIT_MS, &result);
    if (error == NULL) {
        print_result(result);
    } else {
        print_error(error);
        status = 1;
    }
    minicontain_error_free(error);
    minicontain_result_free(result);
    minicontain_spec_free(spec);
    return status;
}

int main(int argc, char **argv)
{
    static const char *const upper[] = {"tr", "a-z", "A-Z"};
    static const char *const slow[] = {"sleep", "60"};
    static const char *const nosy[] = {"sh", "-c", "echo mine > /etc/motd; ls /home | wc -l; exit 3"};
    static const char *const broken[] = {"/opt/plugins/not-there"};

    if (argc > 1)
        return ask((const char *const *)argv + 1, (size_t)argc - 1, "a request\n");
    printf("a good plugin:\n");
    ask(upper, 3, "a request\n");
    printf("one that never answers:\n");
    ask(slow, 2, "a request\n");
    printf("one that writes and looks where it should not:\n");
    ask(nosy, 3, "a request\n");
    printf("one that is not there:\n");
    ask(broken, 1, "a request\n");
    return 0;
}
