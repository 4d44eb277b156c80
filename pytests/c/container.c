/* A container's life: start, descriptors, wait, signals, the exchange, the end. */
#include "check.h"
#include <poll.h>
#include <signal.h>

static minicontain_container *start(minicontain_spec *spec)
{
    minicontain_container *container = NULL;
    CHECK_OK(minicontain_container_start(spec, &container));
    minicontain_spec_free(spec);
    return container;
}

static void it_starts_and_ends(void)
{
    minicontain_container *container = start(shell("exit 3"));
    const minicontain_outcome *outcome = NULL, *again = NULL;
    struct pollfd ended = {0, POLLIN, 0};

    CHECK(minicontain_container_pid(container) > 1);
    ended.fd = minicontain_container_pidfd(container);
    CHECK(poll(&ended, 1, 20000) == 1);
    CHECK_OK(minicontain_container_try_wait(container, &outcome));
    CHECK(minicontain_outcome_status(outcome) == 3);
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_EXITED);
    /* As often as one likes, and it is the same. */
    CHECK_OK(minicontain_container_wait(container, -1, &again));
    CHECK(again == outcome);
    CHECK_ERROR(minicontain_container_send_signal(container, SIGTERM), MINICONTAIN_CODE_ENDED);
    CHECK_OK(minicontain_container_kill(container));
    CHECK(minicontain_trace_count(minicontain_container_trace(container)) > 20);
    minicontain_container_free(container);
}

static void a_wait_has_an_end(void)
{
    minicontain_container *container = start(shell("sleep 60"));
    const minicontain_outcome *outcome = (const minicontain_outcome *)&container;

    CHECK_OK(minicontain_container_try_wait(container, &outcome));
    CHECK(outcome == NULL);
    CHECK_OK(minicontain_container_wait(container, 50, &outcome));
    CHECK(outcome == NULL);
    CHECK_OK(minicontain_container_kill(container));
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_KILLED);
    CHECK_STRING(minicontain_outcome_reason_name(outcome), "killed");
    CHECK(minicontain_outcome_signal(outcome) == SIGKILL);
    CHECK(minicontain_outcome_status(outcome) == -1);
    minicontain_container_free(container);
}

static void ignore(int number)
{
    (void)number;
}

static void a_signal_of_the_callers_does_not_end_a_wait(void)
{
    minicontain_container *container = start(shell("sleep 0.4; exit 5"));
    const minicontain_outcome *outcome = NULL;
    struct sigaction action, before;

    memset(&action, 0, sizeof action);
    action.sa_handler = ignore;
    CHECK(sigaction(SIGALRM, &action, &before) == 0);
    ualarm(50000, 50000);
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    ualarm(0, 0);
    sigaction(SIGALRM, &before, NULL);
    CHECK(minicontain_outcome_status(outcome) == 5);
    minicontain_container_free(container);
}

static void a_signal_reaches_the_program(void)
{
    minicontain_container *container = start(shell("trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done"));
    const minicontain_outcome *outcome = NULL;
    char ready[6];

    CHECK(read(minicontain_container_stream(container, STDOUT_FILENO), ready, 6) == 6);
    CHECK_ERROR(minicontain_container_send_signal(container, 12345), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_OK(minicontain_container_send_signal(container, SIGTERM));
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    CHECK(minicontain_outcome_status(outcome) == 9);
    minicontain_container_free(container);
}

static void it_is_asked_to_end_and_then_killed(void)
{
    minicontain_container *container = start(shell("trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done"));
    const minicontain_outcome *outcome = NULL;
    char ready[6];

    CHECK(read(minicontain_container_stream(container, STDOUT_FILENO), ready, 6) == 6);
    CHECK_OK(minicontain_container_stop(container, 20000, &outcome));
    CHECK(minicontain_outcome_status(outcome) == 9);
    CHECK_OK(minicontain_container_stop(container, 20000, &outcome));
    CHECK(minicontain_outcome_status(outcome) == 9);
    minicontain_container_free(container);

    container = start(shell("trap '' TERM; echo ready; sleep 60"));
    CHECK(read(minicontain_container_stream(container, STDOUT_FILENO), ready, 6) == 6);
    CHECK_OK(minicontain_container_stop(container, 100, &outcome));
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_KILLED);
    minicontain_container_free(container);
}

static void the_programs_process_is_not_inits(void)
{
    minicontain_container *container = start(shell("exec sleep 60"));
    const minicontain_outcome *outcome = NULL;
    int program = minicontain_container_program_pid(container);

    CHECK(program > 1 && program != minicontain_container_pid(container));
    CHECK(kill(program, SIGTERM) == 0);
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_SIGNALED);
    CHECK(minicontain_outcome_signal(outcome) == SIGTERM);
    CHECK(minicontain_container_program_pid(container) == -1);
    minicontain_container_free(container);
    CHECK(minicontain_container_program_pid(NULL) == -1);
}

static void a_paused_one_goes_on_or_is_killed(void)
{
    minicontain_container *container = start(shell("sleep 1"));
    const minicontain_outcome *outcome = NULL;
    minicontain_spec *spec = shell("sleep 60");

    CHECK(!minicontain_container_paused(container));
    CHECK_OK(minicontain_container_pause(container));
    CHECK(minicontain_container_paused(container));
    CHECK_OK(minicontain_container_wait(container, 1300, &outcome));
    CHECK(outcome == NULL);
    CHECK_OK(minicontain_container_resume(container));
    CHECK(!minicontain_container_paused(container));
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_EXITED);
    CHECK_ERROR(minicontain_container_pause(container), MINICONTAIN_CODE_ENDED);
    minicontain_container_free(container);

    container = start(shell("sleep 60"));
    CHECK_OK(minicontain_container_pause(container));
    CHECK_OK(minicontain_container_kill(container));
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_KILLED);
    minicontain_container_free(container);

    CHECK_OK(minicontain_spec_set_init(spec, false));
    container = start(spec);
    CHECK_ERROR(minicontain_container_pause(container), MINICONTAIN_CODE_NOT_SUPPORTED);
    CHECK(!minicontain_container_paused(container));
    minicontain_container_free(container);
}

static void pipes_are_lent_or_taken(void)
{
    minicontain_spec *spec = shell("cat; echo end");
    minicontain_container *container;
    const minicontain_outcome *outcome = NULL;
    char text[32] = "";
    int in, out;
    ssize_t count;
    size_t len = 0;

    CHECK_OK(minicontain_spec_set_stream(spec, STDIN_FILENO, MINICONTAIN_STDIO_PIPE));
    CHECK_OK(minicontain_spec_set_stream(spec, STDERR_FILENO, MINICONTAIN_STDIO_NULL));
    container = start(spec);
    CHECK(minicontain_container_stream(container, STDERR_FILENO) == -1);
    CHECK(minicontain_container_stream(container, 3) == -1);
    CHECK(minicontain_container_take_stream(container, -1) == -1);
    in = minicontain_container_take_stream(container, STDIN_FILENO);
    CHECK(in >= 0);
    CHECK(minicontain_container_stream(container, STDIN_FILENO) == -1);
    CHECK(minicontain_container_take_stream(container, STDIN_FILENO) == -1);
    CHECK(write(in, "hello\n", 6) == 6);
    CHECK(close(in) == 0);
    out = minicontain_container_stream(container, STDOUT_FILENO);
    while (len < sizeof text - 1 && (count = read(out, text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)count;
    CHECK_STRING(text, "hello\nend\n");
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    minicontain_container_free(container);
}

static void an_exchange_can_be_interrupted_and_goes_on(void)
{
    minicontain_spec *spec = shell("cat; echo err >&2; sleep 0.4; echo late");
    minicontain_container *container;
    const minicontain_output *output = NULL, *again = NULL;
    const minicontain_outcome *outcome = NULL;
    size_t len = 0;

    CHECK_OK(minicontain_spec_set_stream(spec, STDIN_FILENO, MINICONTAIN_STDIO_PIPE));
    container = start(spec);
    CHECK_OK(minicontain_container_communicate(container, "early ", 6, 100, &output));
    CHECK(output == NULL);
    CHECK_ERROR(minicontain_container_communicate(container, "more", 4, 0, &output), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK(output == NULL);
    CHECK_OK(minicontain_container_communicate(container, NULL, 0, -1, &output));
    CHECK_STRING(minicontain_output_stdout(output, &len), "early late\n");
    CHECK(len == 11);
    CHECK_STRING(minicontain_output_stderr(output, &len), "err\n");
    CHECK(len == 4);
    CHECK_OK(minicontain_container_communicate(container, NULL, 0, 0, &again));
    CHECK(again == output);
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    CHECK(minicontain_outcome_status(outcome) == 0);
    minicontain_container_free(container);

    container = start(shell("true"));
    CHECK_ERROR(minicontain_container_communicate(container, "x", 1, -1, &output), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_OK(minicontain_container_communicate(container, NULL, 0, -1, &output));
    CHECK_STRING(minicontain_output_stdout(output, NULL), "");
    minicontain_container_free(container);
}

static void freeing_ends_what_still_runs(void)
{
    minicontain_container *container = start(shell("sleep 60 & sleep 60"));
    int pid = minicontain_container_pid(container);

    minicontain_container_free(container);
    CHECK(kill(pid, 0) == -1 && errno == ESRCH);
}

static void a_plan_starts_any_number(void)
{
    minicontain_spec *spec = shell("hostname");
    minicontain_plan *plan = NULL;
    minicontain_container *containers[3] = {NULL, NULL, NULL};
    const minicontain_output *output = NULL;
    int i;

    CHECK_OK(minicontain_spec_set_hostname(spec, "many"));
    CHECK_OK(minicontain_plan_new(spec, &plan));
    minicontain_spec_free(spec);
    for (i = 0; i < 3; i++)
        CHECK_OK(minicontain_container_start_plan(plan, &containers[i]));
    minicontain_plan_free(plan);
    for (i = 0; i < 3; i++) {
        char *enforced = minicontain_container_enforced_to_json(containers[i]);
        CHECK_CONTAINS(enforced, "\"namespaces\"");
        minicontain_string_free(enforced);
        CHECK_OK(minicontain_container_communicate(containers[i], NULL, 0, 20000, &output));
        CHECK_STRING(minicontain_output_stdout(output, NULL), "many\n");
        minicontain_container_free(containers[i]);
    }
}

static void a_container_can_share_anothers_namespace(void)
{
    minicontain_spec *spec = shell("echo ready; sleep 60");
    minicontain_container *first;
    minicontain_spec *second;
    char ready[6];

    CHECK_OK(minicontain_spec_set_hostname(spec, "shared"));
    first = start(spec);
    CHECK(read(minicontain_container_stream(first, STDOUT_FILENO), ready, 6) == 6);
    second = shell("hostname");
    CHECK_OK(minicontain_spec_set_namespace_pid(second, "user", minicontain_container_pid(first)));
    CHECK_OK(minicontain_spec_set_namespace_pid(second, "uts", minicontain_container_pid(first)));
    CHECK_PRINTS(second, "shared\n");
    minicontain_container_free(first);
}

int main(void)
{
    struct belongings before;

    warm_up();
    before = belongings();

    it_starts_and_ends();
    a_wait_has_an_end();
    a_signal_of_the_callers_does_not_end_a_wait();
    a_signal_reaches_the_program();
    it_is_asked_to_end_and_then_killed();
    the_programs_process_is_not_inits();
    a_paused_one_goes_on_or_is_killed();
    pipes_are_lent_or_taken();
    an_exchange_can_be_interrupted_and_goes_on();
    freeing_ends_what_still_runs();
    a_plan_starts_any_number();
    a_container_can_share_anothers_namespace();
    check_nothing_left(__FILE__, before);
    return check_result();
}
