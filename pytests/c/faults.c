/* A fault sweep: every step of a start fails once, and each time nothing is left. */
#include "check.h"

static void every_step_fails_once(int error_number)
{
    minicontain_spec *spec = shell("exit 4");
    minicontain_plan *plan = NULL;
    size_t step, count, refused = 0;

    CHECK_OK(minicontain_spec_add_tmpfs(spec, "/mnt", 0, 01777));
    CHECK_OK(minicontain_spec_add_volume(spec, "/usr", "/srv", true));
    CHECK_OK(minicontain_plan_new(spec, &plan));
    count = minicontain_plan_step_count(plan);
    for (step = 0; step < count; step++) {
        struct belongings before = belongings();
        minicontain_container *container = NULL;
        const minicontain_outcome *outcome = NULL;
        minicontain_error *error = minicontain_container_start_with_fault(plan, step, error_number, &container);
        char where[160];

        snprintf(where, sizeof where, "%s: step %u, %s(%.60s), errno %d", __FILE__, (unsigned)step,
                 minicontain_plan_step_syscall(plan, step), minicontain_plan_step_arguments(plan, step),
                 error_number);
        if (error != NULL) {
            refused++;
            CHECK(container == NULL);
            CHECK(minicontain_error_message(error)[0] != '\0');
            CHECK(minicontain_error_trace(error) != NULL);
            /* The failure that is told is the one that was made, or, of an execve, the last that was tried. */
            if (minicontain_error_step_index(error) != (int64_t)step &&
                strcmp(minicontain_error_syscall(error), "execve") != 0)
                check_report(where, 0, "the step is told", minicontain_error_message(error));
            else
                CHECK(minicontain_error_errno(error) == error_number ||
                      strcmp(minicontain_error_syscall(error), "execve") == 0);
        } else {
            /* The failure was one that does not matter, or of a step that is not performed. */
            CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
            if (minicontain_outcome_status(outcome) != 4)
                check_report(where, 0, "the program ran", minicontain_outcome_reason_name(outcome));
        }
        minicontain_error_free(error);
        minicontain_container_free(container);
        check_nothing_left(where, before);
    }
    CHECK(refused > count / 2);
    minicontain_plan_free(plan);
    minicontain_spec_free(spec);
}

int main(void)
{
    warm_up();
    every_step_fails_once(EIO);
    every_step_fails_once(EPERM);
    return check_result();
}
