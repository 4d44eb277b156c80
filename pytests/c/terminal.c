/* Terminals of the container's own. */
#include "check.h"
#include <signal.h>

static minicontain_container *start(const char *command)
{
    const char *argv[] = {"sh", "-c", NULL};
    minicontain_spec *spec = NULL;
    minicontain_container *container = NULL;

    argv[2] = command;
    CHECK_OK(minicontain_spec_new(argv, 3, &spec));
    CHECK_OK(minicontain_spec_set_tty(spec, true));
    CHECK_OK(minicontain_spec_set_tty_size(spec, 33, 77));
    CHECK_OK(minicontain_container_start(spec, &container));
    minicontain_spec_free(spec);
    return container;
}

/* Reads what is shown until a text comes (or, for NULL, until nobody has the terminal open), without returns. */
static void shown(int terminal, const char *until, char *text, size_t size)
{
    size_t len = strlen(text);
    char c;

    while (len < size - 1 && (until == NULL || strstr(text, until) == NULL) && read(terminal, &c, 1) == 1) {
        if (c != '\r')
            text[len++] = c;
        text[len] = '\0';
    }
}

static int status(minicontain_container *container)
{
    const minicontain_outcome *outcome = NULL;
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    return minicontain_outcome_status(outcome);
}

static void the_program_has_a_terminal(void)
{
    minicontain_container *container = start("tty; stty size; test -t 0 -a -t 1 -a -t 2");
    char text[200] = "";

    CHECK(minicontain_container_stream(container, STDOUT_FILENO) == -1);
    shown(minicontain_container_terminal(container), NULL, text, sizeof text);
    CHECK_STRING(text, "/dev/pts/0\n33 77\n");
    CHECK(status(container) == 0);
    minicontain_container_free(container);
}

static void what_is_typed_reaches_it(void)
{
    minicontain_container *container = start("read line; echo got $line; exec sleep 600");
    const minicontain_outcome *outcome = NULL;
    int terminal = minicontain_container_terminal(container);
    char text[200] = "";

    CHECK(write(terminal, "hello\n", 6) == 6);
    shown(terminal, "got hello\n", text, sizeof text);
    CHECK_CONTAINS(text, "got hello\n");
    CHECK(write(terminal, "\x03", 1) == 1);
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    CHECK(minicontain_outcome_signal(outcome) == SIGINT);
    minicontain_container_free(container);
}

static void it_is_told_when_the_window_changes(void)
{
    minicontain_container *container =
        start("trap 'stty size; exit 4' WINCH; echo ready; while :; do sleep 0.05; done");
    int terminal = minicontain_container_terminal(container);
    char text[200] = "";

    shown(terminal, "ready\n", text, sizeof text);
    CHECK_OK(minicontain_container_resize(container, 50, 132));
    shown(terminal, NULL, text, sizeof text);
    CHECK_STRING(text, "ready\n50 132\n");
    CHECK(status(container) == 4);
    minicontain_container_free(container);
}

static void it_is_lent_or_taken(void)
{
    minicontain_container *container = start("read line; exit 5");
    int terminal = minicontain_container_take_terminal(container);

    CHECK(terminal >= 0);
    CHECK(minicontain_container_terminal(container) == -1);
    CHECK(minicontain_container_take_terminal(container) == -1);
    CHECK_ERROR(minicontain_container_resize(container, 50, 132), MINICONTAIN_CODE_NOT_SUPPORTED);
    CHECK(write(terminal, "x\n", 2) == 2);
    CHECK(status(container) == 5);
    CHECK(close(terminal) == 0);
    minicontain_container_free(container);

    /* Who closes it hangs up. */
    container = start("trap 'exit 6' HUP; echo ready; while :; do sleep 0.05; done");
    terminal = minicontain_container_take_terminal(container);
    {
        char text[200] = "";
        shown(terminal, "ready\n", text, sizeof text);
    }
    CHECK(close(terminal) == 0);
    CHECK(status(container) == 6);
    minicontain_container_free(container);
}

static void one_without_is_told(void)
{
    minicontain_spec *spec = shell("true");
    minicontain_container *container = NULL;
    minicontain_error *error;

    CHECK_OK(minicontain_container_start(spec, &container));
    CHECK(minicontain_container_terminal(container) == -1);
    CHECK(minicontain_container_take_terminal(container) == -1);
    error = minicontain_container_resize(container, 50, 132);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_NOT_SUPPORTED);
    CHECK_CONTAINS(minicontain_error_hint(error), "tty");
    minicontain_error_free(error);
    minicontain_container_free(container);

    /* Its streams are pipes. */
    CHECK_OK(minicontain_spec_set_tty(spec, true));
    error = minicontain_spec_validate(spec);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_INVALID_SPEC);
    CHECK(minicontain_error_fault_count(error) == 3);
    minicontain_error_free(error);
    minicontain_spec_free(spec);

    CHECK(minicontain_container_terminal(NULL) == -1);
    CHECK(minicontain_container_take_terminal(NULL) == -1);
    CHECK_ERROR(minicontain_container_resize(NULL, 1, 1), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_spec_set_tty(NULL, true), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_spec_set_tty_size(NULL, 1, 1), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
}

static void a_program_that_joins_can_have_one_too(void)
{
    minicontain_container *container = NULL, *beside = NULL;
    const char *argv[] = {"tty"};
    minicontain_spec *spec = shell("exec sleep 600");
    char text[200] = "";

    CHECK_OK(minicontain_container_start(spec, &container));
    minicontain_spec_free(spec);
    CHECK_OK(minicontain_spec_new(argv, 1, &spec));
    CHECK_OK(minicontain_spec_set_tty(spec, true));
    CHECK_OK(minicontain_container_exec(container, spec, &beside));
    minicontain_spec_free(spec);
    shown(minicontain_container_terminal(beside), NULL, text, sizeof text);
    CHECK_STRING(text, "/dev/pts/0\n");
    CHECK(status(beside) == 0);
    minicontain_container_free(beside);
    minicontain_container_free(container);
}

int main(void)
{
    struct belongings before;

    warm_up();
    before = belongings();

    the_program_has_a_terminal();
    what_is_typed_reaches_it();
    it_is_told_when_the_window_changes();
    it_is_lent_or_taken();
    one_without_is_told();
    a_program_that_joins_can_have_one_too();
    check_nothing_left(__FILE__, before);
    return check_result();
}
