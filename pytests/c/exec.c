/* Programs that join a running container, or a process. */
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

/* A container named "box" that stays. */
static minicontain_container *sleeper(void)
{
    minicontain_spec *spec = shell("exec sleep 600");
    CHECK_OK(minicontain_spec_set_hostname(spec, "box"));
    return start(spec);
}

static minicontain_container *join(minicontain_container *container, const char *command)
{
    minicontain_spec *spec = shell(command);
    minicontain_container *beside = NULL;
    CHECK_OK(minicontain_container_exec(container, spec, &beside));
    minicontain_spec_free(spec);
    return beside;
}

static minicontain_error *refused(minicontain_container *container, minicontain_spec *spec)
{
    minicontain_container *beside = container;
    minicontain_error *error = minicontain_container_exec(container, spec, &beside);
    CHECK(error != NULL && beside == NULL);
    minicontain_spec_free(spec);
    return error;
}

static void it_sees_what_the_container_sees(void)
{
    minicontain_container *container = sleeper(), *beside;
    const minicontain_output *output = NULL;

    beside = join(container, "hostname; id -u; cat /proc/2/comm; echo made > /tmp/made");
    CHECK_OK(minicontain_container_communicate(beside, NULL, 0, 20000, &output));
    CHECK_STRING(minicontain_output_stdout(output, NULL), "box\n0\nsleep\n");
    CHECK_STRING(minicontain_output_stderr(output, NULL), "");
    CHECK(minicontain_trace_count(minicontain_container_trace(beside)) > 5);
    minicontain_container_free(beside);

    beside = join(container, "cat /tmp/made");
    CHECK_OK(minicontain_container_communicate(beside, NULL, 0, 20000, &output));
    CHECK_STRING(minicontain_output_stdout(output, NULL), "made\n");
    minicontain_container_free(beside);
    minicontain_container_free(container);
}

static void its_handle_is_a_containers(void)
{
    minicontain_container *container = sleeper(), *beside = join(container, "echo ready; exec sleep 600");
    const minicontain_outcome *outcome = NULL;
    struct pollfd ended = {0, POLLIN, 0};
    char ready[6];

    CHECK(read(minicontain_container_stream(beside, STDOUT_FILENO), ready, 6) == 6);
    ended.fd = minicontain_container_pidfd(beside);
    CHECK(poll(&ended, 1, 0) == 0);
    CHECK_OK(minicontain_container_send_signal(beside, SIGTERM));
    CHECK(poll(&ended, 1, 20000) == 1);
    CHECK_OK(minicontain_container_wait(beside, 20000, &outcome));
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_SIGNALED);
    CHECK(minicontain_outcome_signal(outcome) == SIGTERM);
    minicontain_container_free(beside);

    beside = join(container, "exit 3");
    CHECK_OK(minicontain_container_wait(beside, 20000, &outcome));
    CHECK(minicontain_outcome_status(outcome) == 3);
    minicontain_container_free(beside);

    beside = join(container, "exec sleep 600");
    CHECK_OK(minicontain_container_kill(beside));
    CHECK_OK(minicontain_container_wait(beside, 20000, &outcome));
    CHECK(minicontain_outcome_signal(outcome) == SIGKILL);
    minicontain_container_free(beside);

    /* Freed while it runs. */
    minicontain_container_free(join(container, "exec sleep 600"));
    CHECK_OK(minicontain_container_try_wait(container, &outcome));
    CHECK(outcome == NULL);
    minicontain_container_free(container);
}

static void it_ends_with_the_container(void)
{
    minicontain_container *container = sleeper(), *beside = join(container, "exec sleep 600");
    const minicontain_outcome *outcome = NULL;

    minicontain_container_free(container);
    CHECK_OK(minicontain_container_wait(beside, 20000, &outcome));
    CHECK(minicontain_outcome_signal(outcome) == SIGKILL);
    minicontain_container_free(beside);
}

static void a_detached_one_outlives_its_handle(void)
{
    minicontain_container *container = sleeper(), *beside = NULL;
    const minicontain_outcome *outcome = NULL;
    minicontain_spec *spec = NULL;
    const char *args[] = {"sleep", "600"};
    int program;

    CHECK_OK(minicontain_spec_new(args, 2, &spec));
    CHECK_OK(minicontain_spec_set_detach(spec, true));
    CHECK_OK(minicontain_container_exec(container, spec, &beside));
    program = minicontain_container_pid(beside);
    minicontain_container_free(beside);
    CHECK(kill(program, 0) == 0);

    CHECK_OK(minicontain_container_exec(container, spec, &beside));
    minicontain_spec_free(spec);
    minicontain_container_free(container);
    CHECK_OK(minicontain_container_wait(beside, 20000, &outcome));
    CHECK(minicontain_outcome_signal(outcome) == SIGKILL);
    minicontain_container_free(beside);
}

static void what_cannot_be_is_told(void)
{
    minicontain_container *container = sleeper(), *beside = container;
    const minicontain_outcome *outcome = NULL;
    const char *missing[] = {"no-such-program"};
    minicontain_spec *spec = NULL;
    minicontain_error *error;

    CHECK_OK(minicontain_spec_new(missing, 1, &spec));
    error = refused(container, spec);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_PROGRAM_NOT_FOUND);
    CHECK(minicontain_error_step_index(error) >= 0);
    CHECK(minicontain_trace_count(minicontain_error_trace(error)) > 0);
    minicontain_error_free(error);

    spec = shell("true");
    CHECK_OK(minicontain_spec_set_hostname(spec, "other"));
    error = refused(container, spec);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_INVALID_SPEC);
    CHECK(minicontain_error_fault_count(error) == 1);
    CHECK_STRING(minicontain_error_fault_field(error, 0), "hostname");
    minicontain_error_free(error);

    CHECK_OK(minicontain_container_pause(container));
    error = refused(container, shell("true"));
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_PAUSED);
    CHECK_STRING(minicontain_error_code_name(error), "paused");
    minicontain_error_free(error);
    CHECK_OK(minicontain_container_resume(container));

    CHECK_OK(minicontain_container_kill(container));
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    error = refused(container, shell("true"));
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_ENDED);
    minicontain_error_free(error);

    spec = shell("true");
    CHECK_ERROR(minicontain_container_exec(NULL, spec, &beside), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK(beside == NULL);
    CHECK_ERROR(minicontain_container_exec(container, NULL, &beside), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_container_exec(container, spec, NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    minicontain_spec_free(spec);
    minicontain_container_free(container);
}

static void a_process_can_be_entered(void)
{
    minicontain_container *container = sleeper(), *beside = NULL;
    const minicontain_output *output = NULL;
    minicontain_spec *spec = shell("hostname");
    int pid = minicontain_container_pid(container);

    CHECK_OK(minicontain_enter(pid, spec, &beside));
    CHECK_OK(minicontain_container_communicate(beside, NULL, 0, 20000, &output));
    CHECK_STRING(minicontain_output_stdout(output, NULL), "box\n");
    minicontain_container_free(beside);
    minicontain_container_free(container);

    beside = (minicontain_container *)&spec;
    CHECK_ERROR(minicontain_enter(pid, spec, &beside), MINICONTAIN_CODE_ENDED);
    CHECK(beside == NULL);
    CHECK_ERROR(minicontain_enter(pid, NULL, &beside), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    minicontain_spec_free(spec);
}

int main(void)
{
    struct belongings before;

    warm_up();
    before = belongings();

    it_sees_what_the_container_sees();
    its_handle_is_a_containers();
    it_ends_with_the_container();
    a_detached_one_outlives_its_handle();
    what_cannot_be_is_told();
    a_process_can_be_entered();
    check_nothing_left(__FILE__, before);
    return check_result();
}
