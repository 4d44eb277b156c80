/*
 * Runs a scenario of pytests/conformance through the C face.
 *
 *     conformance [-i INPUT] [-t MILLISECONDS] [SPEC]
 *
 * SPEC is a spec in JSON; it is read from standard input where it is not given. INPUT goes to the program's standard
 * input. Standard output and error of the program are captured where the spec does not send them elsewhere. One JSON
 * object is printed:
 *
 *     {"reason": "exited", "status": 0, "signal": null, "stdout": "…", "stderr": "…", "error_code": null}
 *     {"reason": null, …, "error_code": "program_not_found", "errno": "ENOENT", "step": 165, "syscall": "execve",
 *      "path": "…", "message": "…", "hint": "…", "fields": []}
 *
 * Output that is not UTF-8 is shown with U+FFFD, where bytes.decode(errors="replace") of Python has one. The exit
 * status is 0 unless the scenario could not be read.
 */
#include <minicontain.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * How many bytes the UTF-8 character at the start of `text` has (RFC 3629). Where there is none, how many bytes look
 * like the beginning of one, at least 1; that is what one U+FFFD stands for, as Unicode recommends.
 */
static size_t character(const unsigned char *text, size_t len, int *valid)
{
    unsigned char first = text[0], low = 0x80, high = 0xbf;
    size_t i, size = 0;

    if (first < 0x80)
        size = 1;
    else if (first >= 0xc2 && first < 0xf5)
        size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first == 0xe0)
        low = 0xa0;
    if (first == 0xed)
        high = 0x9f;
    if (first == 0xf0)
        low = 0x90;
    if (first == 0xf4)
        high = 0x8f;
    for (i = 1; i < size && i < len && text[i] >= low && text[i] <= high; i++) {
        low = 0x80;
        high = 0xbf;
    }
    *valid = i == size;
    return i;
}

static void print_string(const char *text, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t i, size;
    int valid;

    putchar('"');
    for (i = 0; i < len; i += size) {
        size = character(bytes + i, len - i, &valid);
        if (!valid)
            fputs("\\ufffd", stdout);
        else if (bytes[i] == '"' || bytes[i] == '\\')
            printf("\\%c", bytes[i]);
        else if (bytes[i] < 0x20)
            printf("\\u%04x", bytes[i]);
        else
            fwrite(text + i, 1, size, stdout);
    }
    putchar('"');
}

static void print_field(const char *name, const char *text)
{
    printf(", \"%s\": ", name);
    print_string(text, strlen(text));
}

static void print_error(const minicontain_error *error)
{
    size_t i;

    fputs("{\"reason\": null, \"status\": null, \"signal\": null, \"stdout\": \"\", \"stderr\": \"\"", stdout);
    print_field("error_code", minicontain_error_code_name(error));
    print_field("errno", minicontain_error_errno_name(error));
    printf(", \"step\": %ld", (long)minicontain_error_step_index(error));
    print_field("syscall", minicontain_error_syscall(error));
    print_field("path", minicontain_error_path(error));
    print_field("message", minicontain_error_message(error));
    print_field("hint", minicontain_error_hint(error));
    fputs(", \"fields\": [", stdout);
    for (i = 0; i < minicontain_error_fault_count(error); i++) {
        const char *field = minicontain_error_fault_field(error, i);
        fputs(i > 0 ? ", " : "", stdout);
        print_string(field, strlen(field));
    }
    fputs("]}\n", stdout);
}

static void print_result(const minicontain_result *result)
{
    const minicontain_outcome *outcome = minicontain_result_outcome(result);
    const char *text;
    size_t len;

    printf("{\"reason\": \"%s\"", minicontain_outcome_reason_name(outcome));
    if (minicontain_outcome_status(outcome) >= 0)
        printf(", \"status\": %d, \"signal\": null", minicontain_outcome_status(outcome));
    else
        printf(", \"status\": null, \"signal\": %d", minicontain_outcome_signal(outcome));
    fputs(", \"stdout\": ", stdout);
    text = minicontain_result_stdout(result, &len);
    print_string(text, len);
    fputs(", \"stderr\": ", stdout);
    text = minicontain_result_stderr(result, &len);
    print_string(text, len);
    fputs(", \"error_code\": null}\n", stdout);
}

/* Makes a pipe of a stream that the spec leaves to be inherited. */
static minicontain_error *capture(minicontain_spec *spec, int stream, const char *inherited)
{
    /* This is how a spec is written; inside a string the quotation marks would be escaped. */
    char *json = minicontain_spec_to_json(spec);
    int found = json != NULL && strstr(json, inherited) != NULL;

    minicontain_string_free(json);
    return found ? minicontain_spec_set_stream(spec, stream, MINICONTAIN_STDIO_PIPE) : NULL;
}

/* Reads all of standard input, for the caller to free; NULL if that cannot be. */
static char *read_all(void)
{
    size_t len = 0, room = 4096, count = 1;
    char *text = malloc(room);

    while (text != NULL && count > 0) {
        if (len + 1 == room) {
            char *more = realloc(text, room *= 2);
            if (more == NULL) {
                free(text);
                return NULL;
            }
            text = more;
        }
        count = fread(text + len, 1, room - 1 - len, stdin);
        len += count;
    }
    if (text != NULL)
        text[len] = '\0';
    return text;
}

int main(int argc, char **argv)
{
    minicontain_spec *spec = NULL;
    minicontain_result *result = NULL;
    minicontain_error *error;
    const char *input = NULL, *given = NULL;
    char *text = NULL;
    long timeout = -1;
    int i;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-i") == 0 && i + 1 < argc)
            input = argv[++i];
        else if (strcmp(argv[i], "-t") == 0 && i + 1 < argc)
            timeout = strtol(argv[++i], NULL, 10);
        else
            given = argv[i];
    }
    if (given == NULL)
        given = text = read_all();
    if (given == NULL)
        return 2;
    error = minicontain_spec_from_json(given, &spec);
    free(text);
    if (error == NULL)
        error = capture(spec, STDOUT_FILENO, "\"stdout\":\"inherit\"");
    if (error == NULL)
        error = capture(spec, STDERR_FILENO, "\"stderr\":\"inherit\"");
    if (error == NULL)
        error = minicontain_run(spec, input, input == NULL ? 0 : strlen(input), timeout, &result);
    if (error == NULL)
        print_result(result);
    else
        print_error(error);
    minicontain_error_free(error);
    minicontain_result_free(result);
    minicontain_spec_free(spec);
    return 0;
}
