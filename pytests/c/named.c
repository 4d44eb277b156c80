/* Containers with names: found by other processes, and outliving their handles. */
#include "check.h"
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

static char name[64];
static char runtime[] = "/tmp/minicontain-c-XXXXXX";

/* An ordinary user's state needs a directory of his. */
static void make_state_directory(void)
{
    snprintf(name, sizeof name, "c-%d", (int)getpid());
    if (geteuid() == 0)
        return;
    CHECK(mkdtemp(runtime) != NULL);
    CHECK(setenv("XDG_RUNTIME_DIR", runtime, 1) == 0);
}

/* What is kept of containers goes with the last of them: the directory above is empty. */
static void remove_state_directory(void)
{
    CHECK(geteuid() == 0 || rmdir(runtime) == 0);
}

static minicontain_container *start(const char *command, const char *called, bool detach)
{
    const char *argv[] = {"sh", "-c", NULL};
    minicontain_spec *spec = NULL;
    minicontain_container *container = NULL;

    argv[2] = command;
    CHECK_OK(minicontain_spec_new(argv, 3, &spec));
    CHECK_OK(minicontain_spec_set_name(spec, called));
    CHECK_OK(minicontain_spec_set_detach(spec, detach));
    CHECK_OK(minicontain_container_start(spec, &container));
    minicontain_spec_free(spec);
    return container;
}

/* The containers that there are, and where ours is among them. */
static minicontain_list *listed(const char *called, size_t *index)
{
    minicontain_list *list = NULL;

    CHECK_OK(minicontain_containers(&list));
    for (*index = 0; *index < minicontain_list_count(list); ++*index)
        if (strcmp(minicontain_list_name(list, *index), called) == 0)
            break;
    return list;
}

static void a_detached_one_outlives_its_handle(void)
{
    minicontain_container *container =
        start("trap 'exit 7' TERM; echo said; while :; do sleep 0.05; done", name, true), *found = NULL;
    const minicontain_outcome *outcome = NULL;
    minicontain_list *list;
    size_t index;
    char log[400], said[8] = "";
    int i, pid = minicontain_container_pid(container);

    CHECK_STRING(minicontain_container_name(container), name);
    snprintf(log, sizeof log, "%s", minicontain_container_log_path(container));
    minicontain_container_free(container);
    CHECK(kill(pid, 0) == 0);

    CHECK_OK(minicontain_attach(name, &found));
    CHECK(minicontain_container_pid(found) == pid);
    CHECK_STRING(minicontain_container_name(found), name);
    CHECK_STRING(minicontain_container_log_path(found), log);
    CHECK(minicontain_container_stream(found, STDOUT_FILENO) == -1);
    CHECK(minicontain_trace_count(minicontain_container_trace(found)) == 0);
    /* With its first word it listens to SIGTERM. */
    for (i = 0; i < 500 && strcmp(said, "said\n") != 0; i++) {
        FILE *file = fopen(log, "r");
        usleep(10000);
        if (file != NULL) {
            CHECK(fgets(said, sizeof said, file) != NULL || feof(file));
            fclose(file);
        }
    }
    CHECK_STRING(said, "said\n");

    list = listed(name, &index);
    CHECK(minicontain_list_pid(list, index) == pid);
    CHECK(minicontain_list_running(list, index));
    CHECK(!minicontain_list_paused(list, index));
    CHECK(minicontain_list_outcome(list, index) == NULL);
    CHECK(minicontain_list_created(list, index) + 600 > (uint64_t)time(NULL));
    CHECK_CONTAINS(minicontain_list_spec(list, index), "\"detach\":true");
    CHECK_STRING(minicontain_list_log_path(list, index), log);
    minicontain_list_free(list);

    CHECK_OK(minicontain_container_pause(found));
    list = listed(name, &index);
    CHECK(minicontain_list_running(list, index));
    CHECK(minicontain_list_paused(list, index));
    minicontain_list_free(list);
    CHECK_OK(minicontain_container_resume(found));

    CHECK_ERROR(minicontain_remove(name), MINICONTAIN_CODE_STILL_RUNS);
    CHECK_OK(minicontain_container_stop(found, 20000, &outcome));
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_EXITED);
    CHECK(minicontain_outcome_status(outcome) == 7);
    minicontain_container_free(found);

    CHECK_ERROR(minicontain_attach(name, &found), MINICONTAIN_CODE_ENDED);
    CHECK(found == NULL);
    list = listed(name, &index);
    CHECK(!minicontain_list_running(list, index));
    CHECK(minicontain_list_pid(list, index) == -1);
    CHECK(minicontain_outcome_status(minicontain_list_outcome(list, index)) == 7);
    minicontain_list_free(list);
    CHECK_OK(minicontain_remove(name));
    CHECK_ERROR(minicontain_remove(name), MINICONTAIN_CODE_NO_SUCH_CONTAINER);
    CHECK_ERROR(minicontain_attach(name, &found), MINICONTAIN_CODE_NO_SUCH_CONTAINER);
    CHECK(access(log, F_OK) == -1);
}

static void a_detached_one_without_a_name_gets_one(void)
{
    minicontain_container *container = start("exec sleep 600", NULL, true);
    const minicontain_outcome *outcome = NULL;
    char given[64];

    snprintf(given, sizeof given, "%s", minicontain_container_name(container));
    CHECK(strlen(given) == 12);
    CHECK_OK(minicontain_container_kill(container));
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_KILLED);
    minicontain_container_free(container);
    CHECK_OK(minicontain_remove(given));
}

static void a_program_can_join_one_that_was_found(void)
{
    minicontain_container *container = start("exec sleep 600", name, true), *found = NULL, *beside = NULL;
    const minicontain_output *output = NULL;
    const minicontain_outcome *outcome = NULL;
    minicontain_spec *spec = shell("cat /proc/2/comm");

    CHECK_OK(minicontain_attach(name, &found));
    CHECK_OK(minicontain_container_exec(found, spec, &beside));
    minicontain_spec_free(spec);
    CHECK_OK(minicontain_container_communicate(beside, NULL, 0, 20000, &output));
    CHECK_STRING(minicontain_output_stdout(output, NULL), "sleep\n");
    minicontain_container_free(beside);
    CHECK_OK(minicontain_container_kill(found));
    /* Both see the end. */
    CHECK_OK(minicontain_container_wait(found, 20000, &outcome));
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_KILLED);
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_KILLED);
    minicontain_container_free(found);
    minicontain_container_free(container);
    CHECK_OK(minicontain_remove(name));
}

static void a_name_is_taken_once_and_free_again_after(void)
{
    minicontain_container *first = start("exec sleep 600", name, false), *second = first;
    minicontain_spec *spec = shell("true");

    CHECK_STRING(minicontain_container_name(first), name);
    CHECK_STRING(minicontain_container_log_path(first), "");
    CHECK_OK(minicontain_spec_set_name(spec, name));
    CHECK_ERROR(minicontain_container_start(spec, &second), MINICONTAIN_CODE_NAME_TAKEN);
    CHECK(second == NULL);
    minicontain_spec_free(spec);
    CHECK_OK(minicontain_attach(name, &second));
    CHECK(minicontain_container_pid(second) == minicontain_container_pid(first));
    minicontain_container_free(second);
    minicontain_container_free(first);
    CHECK_ERROR(minicontain_attach(name, &second), MINICONTAIN_CODE_NO_SUCH_CONTAINER);
    minicontain_container_free(start("exec sleep 600", name, false));
}

static void what_cannot_be_is_told(void)
{
    minicontain_container *container = NULL;
    minicontain_list *list = NULL;
    minicontain_spec *spec = shell("true");
    minicontain_error *error;

    CHECK_OK(minicontain_spec_set_name(spec, "../up"));
    error = minicontain_spec_validate(spec);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_STRING(minicontain_error_fault_field(error, 0), "name");
    minicontain_error_free(error);
    CHECK_OK(minicontain_spec_set_name(spec, NULL));
    CHECK_OK(minicontain_spec_validate(spec));
    CHECK_OK(minicontain_container_start(spec, &container));
    minicontain_spec_free(spec);
    CHECK_STRING(minicontain_container_name(container), "");
    CHECK_STRING(minicontain_container_log_path(container), "");
    minicontain_container_free(container);

    CHECK_ERROR(minicontain_attach("../up", &container), MINICONTAIN_CODE_NO_SUCH_CONTAINER);
    CHECK_ERROR(minicontain_remove(""), MINICONTAIN_CODE_NO_SUCH_CONTAINER);
    CHECK_ERROR(minicontain_attach(NULL, &container), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_attach("x", NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_attach("\xff", &container), MINICONTAIN_FACE_CODE_NOT_UTF8);
    CHECK_ERROR(minicontain_remove(NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_containers(NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_spec_set_name(NULL, "x"), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_spec_set_detach(NULL, true), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_STRING(minicontain_container_name(NULL), "");
    CHECK_STRING(minicontain_container_log_path(NULL), "");

    CHECK_OK(minicontain_containers(&list));
    {
        size_t beyond = minicontain_list_count(list);
        CHECK_STRING(minicontain_list_name(list, beyond), "");
        CHECK_STRING(minicontain_list_spec(list, beyond), "");
        CHECK_STRING(minicontain_list_log_path(list, beyond), "");
        CHECK(minicontain_list_pid(list, beyond) == -1);
        CHECK(minicontain_list_created(list, beyond) == 0);
        CHECK(!minicontain_list_running(list, beyond) && !minicontain_list_paused(list, beyond));
        CHECK(minicontain_list_outcome(list, beyond) == NULL);
    }
    minicontain_list_free(list);
    CHECK(minicontain_list_count(NULL) == 0);
    CHECK_STRING(minicontain_list_name(NULL, 0), "");
    minicontain_list_free(NULL);
}

int main(void)
{
    struct belongings before;

    make_state_directory();
    warm_up();
    before = belongings();

    a_detached_one_outlives_its_handle();
    a_detached_one_without_a_name_gets_one();
    a_program_can_join_one_that_was_found();
    a_name_is_taken_once_and_free_again_after();
    what_cannot_be_is_told();
    check_nothing_left(__FILE__, before);
    remove_state_directory();
    return check_result();
}
