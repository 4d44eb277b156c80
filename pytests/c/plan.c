/* A plan: the steps as data, and every view of them. */
#include "check.h"

static void the_steps_can_be_walked(void)
{
    minicontain_spec *spec = shell("true");
    minicontain_plan *plan = NULL;
    size_t i, count, clones = 0, inside = 0;

    CHECK_OK(minicontain_spec_set_hostname(spec, "walked"));
    CHECK_OK(minicontain_plan_new(spec, &plan));
    minicontain_spec_free(spec);
    count = minicontain_plan_step_count(plan);
    CHECK(count > 20);
    for (i = 0; i < count; i++) {
        const char *side = minicontain_plan_step_side(plan, i);
        CHECK(strcmp(side, "caller") == 0 || strcmp(side, "container") == 0);
        CHECK(minicontain_plan_step_syscall(plan, i)[0] != '\0');
        CHECK(minicontain_plan_step_what(plan, i)[0] != '\0');
        CHECK(minicontain_plan_step_why(plan, i)[0] != '\0');
        clones += strncmp(minicontain_plan_step_syscall(plan, i), "clone", 5) == 0;
        inside += strcmp(side, "container") == 0;
        if (strcmp(minicontain_plan_step_syscall(plan, i), "sethostname") == 0)
            CHECK_CONTAINS(minicontain_plan_step_arguments(plan, i), "\"walked\"");
        if (strcmp(minicontain_plan_step_syscall(plan, i), "pivot_root") == 0)
            CHECK_STRING(minicontain_plan_step_needs(plan, i), "CAP_SYS_ADMIN");
    }
    CHECK(clones >= 1);
    CHECK(inside > 10);
    CHECK_STRING(minicontain_plan_step_syscall(plan, count), "");
    CHECK_STRING(minicontain_plan_step_why(plan, (size_t)-1), "");
    minicontain_plan_free(plan);
}

static void every_view_shows_the_same(void)
{
    minicontain_spec *spec = shell("echo 'a b'");
    minicontain_plan *plan = NULL;
    char *explained, *json, *script, *enforced;

    CHECK_OK(minicontain_plan_new(spec, &plan));
    minicontain_spec_free(spec);
    explained = minicontain_plan_explain(plan);
    json = minicontain_plan_to_json(plan);
    script = minicontain_plan_to_shell(plan);
    enforced = minicontain_plan_enforced_to_json(plan);
    CHECK_CONTAINS(explained, "pivot_root");
    CHECK_CONTAINS(json, "\"syscall\":\"pivot_root\"");
    CHECK_CONTAINS(json, "\"enforced\":");
    CHECK_CONTAINS(script, "unshare");
    CHECK_CONTAINS(enforced, "\"namespaces\":{");
    CHECK_CONTAINS(enforced, "\"state\":\"enforced\"");
    minicontain_string_free(explained);
    minicontain_string_free(json);
    minicontain_string_free(script);
    minicontain_string_free(enforced);
    minicontain_plan_free(plan);
}

static void what_cannot_be_is_said_before_it_is_made(void)
{
    minicontain_spec *spec = shell("true");
    minicontain_plan *plan = NULL;
    minicontain_error *error;

    CHECK_OK(minicontain_spec_set_user(spec, "a:b:c"));
    CHECK_ERROR(minicontain_plan_new(spec, &plan), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_OK(minicontain_spec_set_user(spec, "nosuchuser"));
    error = minicontain_plan_new(spec, &plan);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_USER_NOT_FOUND);
    CHECK_CONTAINS(minicontain_error_hint(error), "/etc/passwd");
    minicontain_error_free(error);
    CHECK_OK(minicontain_spec_set_user(spec, NULL));
    /* Not asked for, so not enforced; required, so an error. */
    CHECK_OK(minicontain_spec_require(spec, "read_only"));
    CHECK_ERROR(minicontain_plan_new(spec, &plan), MINICONTAIN_CODE_NOT_ENFORCED);
    CHECK(plan == NULL);
    minicontain_spec_free(spec);
}

int main(void)
{
    struct belongings before;

    /* Not warm_up(): valgrind runs this, which cannot run a container. The first plan opens the table of mounts. */
    the_steps_can_be_walked();
    before = belongings();

    the_steps_can_be_walked();
    every_view_shows_the_same();
    what_cannot_be_is_said_before_it_is_made();
    check_nothing_left(__FILE__, before);
    return check_result();
}
