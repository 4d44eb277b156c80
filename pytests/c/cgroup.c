/* Cgroups by name: made, limited, filled, frozen, watched, killed, removed; and what a user without any is told. */
#include "have_cgroups.h"
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

static minicontain_cgroup *make(minicontain_spec *limits)
{
    minicontain_cgroup *cgroup = NULL;

    CHECK_OK(minicontain_cgroup_create(own_name(), limits, &cgroup));
    minicontain_spec_free(limits);
    return cgroup;
}

static void destroy(minicontain_cgroup *cgroup)
{
    CHECK_OK(minicontain_cgroup_kill(cgroup));
    CHECK_OK(minicontain_cgroup_remove(cgroup));
    minicontain_cgroup_free(cgroup);
}

/* A child that forks once for each byte that it reads, as far as it may, and stays. */
static pid_t forker(int *tell)
{
    int pair[2];
    char byte;
    pid_t pid;

    CHECK(pipe(pair) == 0);
    pid = fork();
    if (pid == 0) {
        close(pair[1]);
        while (read(pair[0], &byte, 1) == 1)
            if (fork() == 0)
                pause();
        pause();
        _exit(0);
    }
    close(pair[0]);
    *tell = pair[1];
    return pid;
}

static void it_is_made_found_and_removed(void)
{
    minicontain_cgroup *cgroup = make(limits(16 << 20, 8)), *again = NULL, *child = NULL;
    minicontain_stats *stats = NULL;
    size_t i, count = minicontain_cgroup_directory_count(cgroup);
    struct stat found;

    CHECK(count > 0);
    for (i = 0; i < count; i++) {
        const char *path = minicontain_cgroup_directory_path(cgroup, i);
        int version = minicontain_cgroup_directory_version(cgroup, i);
        CHECK_CONTAINS(path, own_name());
        CHECK(stat(path, &found) == 0 && S_ISDIR(found.st_mode));
        CHECK(version == 1 || version == 2);
        CHECK(version == 2 || minicontain_cgroup_directory_controllers(cgroup, i)[0] != '\0');
    }
    CHECK_STRING(minicontain_cgroup_directory_path(cgroup, count), "");
    CHECK_STRING(minicontain_cgroup_directory_controllers(cgroup, count), "");
    CHECK(minicontain_cgroup_directory_version(cgroup, count) == 0);

    again = cgroup;
    CHECK_ERROR(minicontain_cgroup_create(own_name(), NULL, &again), MINICONTAIN_CODE_NAME_TAKEN);
    CHECK(again == NULL);
    CHECK_OK(minicontain_cgroup_open(own_name(), &again));
    CHECK_STRING(minicontain_cgroup_directory_path(again, 0), minicontain_cgroup_directory_path(cgroup, 0));

    CHECK_OK(minicontain_cgroup_child(again, "inner", NULL, &child));
    CHECK_CONTAINS(minicontain_cgroup_directory_path(child, 0), "/inner");
    minicontain_cgroup_free(child);
    minicontain_cgroup_free(again);

    CHECK(!minicontain_cgroup_populated(cgroup));
    CHECK_OK(minicontain_cgroup_remove(cgroup));
    CHECK_OK(minicontain_cgroup_remove(cgroup));
    CHECK_ERROR(minicontain_cgroup_stats(cgroup, &stats), MINICONTAIN_CODE_CGROUP_NOT_FOUND);
    CHECK_ERROR(minicontain_cgroup_open(own_name(), &again), MINICONTAIN_CODE_CGROUP_NOT_FOUND);
    CHECK(again == NULL && stats == NULL);
    minicontain_cgroup_free(cgroup);
}

static void limits_are_changed_and_told(void)
{
    minicontain_cgroup *cgroup = make(NULL);
    minicontain_spec *wanted = limits((16 << 20) + 1, 8);
    minicontain_held *held = NULL;
    minicontain_stats *stats = NULL;
    minicontain_error *error;
    char *text = NULL;
    size_t i, rounded = 0, count;

    CHECK_OK(minicontain_cgroup_stats(cgroup, &stats));
    CHECK(minicontain_stats_pids_limit(stats) == UINT64_MAX);
    CHECK(minicontain_stats_pids_current(stats) == 0);
    minicontain_stats_free(stats);

    CHECK_OK(minicontain_cgroup_set(cgroup, wanted, &held));
    count = minicontain_held_count(held);
    CHECK(count >= 2);
    for (i = 0; i < count; i++) {
        if (strcmp(minicontain_held_written(held, i), "16777217") == 0) {
            rounded++;
            CHECK_CONTAINS(minicontain_held_file(held, i), "memory.");
            CHECK_STRING(minicontain_held_now(held, i), "16777216");
        }
    }
    CHECK(rounded == 1);
    CHECK_STRING(minicontain_held_file(held, count), "");
    CHECK_STRING(minicontain_held_written(held, count), "");
    CHECK_STRING(minicontain_held_now(held, count), "");
    minicontain_held_free(held);

    /* Nobody has to ask. What is not named stays. */
    CHECK_OK(minicontain_spec_set_memory(wanted, UINT64_MAX));
    CHECK_OK(minicontain_spec_set_pids_limit(wanted, 9));
    CHECK_OK(minicontain_cgroup_set(cgroup, wanted, NULL));
    CHECK_OK(minicontain_cgroup_stats(cgroup, &stats));
    CHECK(minicontain_stats_memory_limit(stats) == 16 << 20);
    CHECK(minicontain_stats_pids_limit(stats) == 9);
    minicontain_stats_free(stats);

    CHECK_OK(minicontain_spec_set_memory(wanted, 1000));
    held = (minicontain_held *)&held;
    error = minicontain_cgroup_set(cgroup, wanted, &held);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_STRING(minicontain_error_fault_field(error, 0), "memory");
    CHECK(held == NULL);
    minicontain_error_free(error);
    minicontain_spec_free(wanted);

    /* Any file by its name. */
    CHECK_OK(minicontain_cgroup_write(cgroup, "pids.max", "5"));
    CHECK_OK(minicontain_cgroup_read(cgroup, "pids.max", &text));
    CHECK_STRING(text, "5");
    minicontain_string_free(text);
    CHECK_ERROR(minicontain_cgroup_write(cgroup, "pids.max", "five"), MINICONTAIN_CODE_IO);
    CHECK_ERROR(minicontain_cgroup_read(cgroup, "pids.most", &text), MINICONTAIN_CODE_CGROUP_NOT_FOUND);
    CHECK(text == NULL);
    CHECK_ERROR(minicontain_cgroup_read(cgroup, "../pids.max", &text), MINICONTAIN_CODE_CGROUP_NOT_FOUND);
    destroy(cgroup);
}

static void processes_are_listed_frozen_and_killed(void)
{
    minicontain_cgroup *cgroup = make(NULL), *of = NULL;
    minicontain_pids *pids = NULL;
    minicontain_stats *stats = NULL;
    size_t count = 7, i;
    int tell, status;
    pid_t pid = forker(&tell);

    CHECK_OK(minicontain_cgroup_processes(cgroup, &pids));
    minicontain_pids_data(pids, &count);
    CHECK(count == 0);
    minicontain_pids_free(pids);

    CHECK_OK(minicontain_cgroup_add(cgroup, pid));
    CHECK_OK(minicontain_cgroup_processes(cgroup, &pids));
    CHECK(minicontain_pids_data(pids, &count)[0] == pid);
    CHECK(count == 1);
    minicontain_pids_free(pids);
    CHECK_OK(minicontain_cgroup_threads(cgroup, &pids));
    CHECK(minicontain_pids_data(pids, NULL)[0] == pid);
    minicontain_pids_free(pids);
    CHECK_OK(minicontain_cgroup_of(pid, &of));
    for (i = 0, count = 0; i < minicontain_cgroup_directory_count(of); i++)
        count += strcmp(minicontain_cgroup_directory_path(of, i), minicontain_cgroup_directory_path(cgroup, 0)) == 0;
    CHECK(count == 1);
    minicontain_cgroup_free(of);
    CHECK(minicontain_cgroup_populated(cgroup));
    CHECK_OK(minicontain_cgroup_stats(cgroup, &stats));
    CHECK(minicontain_stats_pids_current(stats) == 1);
    minicontain_stats_free(stats);

    CHECK(!minicontain_cgroup_frozen(cgroup));
    CHECK_OK(minicontain_cgroup_freeze(cgroup));
    CHECK(minicontain_cgroup_frozen(cgroup));
    /* What is frozen does not fork, and can be killed. */
    CHECK(write(tell, "1", 1) == 1);
    usleep(50000);
    CHECK_OK(minicontain_cgroup_processes(cgroup, &pids));
    minicontain_pids_data(pids, &count);
    CHECK(count == 1);
    minicontain_pids_free(pids);
    CHECK_OK(minicontain_cgroup_thaw(cgroup));
    CHECK(!minicontain_cgroup_frozen(cgroup));
    CHECK_ERROR(minicontain_cgroup_remove(cgroup), MINICONTAIN_CODE_STILL_RUNS);
    CHECK_OK(minicontain_cgroup_freeze(cgroup));
    CHECK_OK(minicontain_cgroup_kill(cgroup));
    CHECK(!minicontain_cgroup_populated(cgroup));
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
    CHECK_ERROR(minicontain_cgroup_add(cgroup, pid), MINICONTAIN_CODE_ENDED);
    CHECK_ERROR(minicontain_cgroup_of(pid, &of), MINICONTAIN_CODE_ENDED);
    close(tell);
    destroy(cgroup);
}

/* Lets a child fork that may not, and looks until that was counted. */
static void refuse(const minicontain_cgroup *cgroup, int tell)
{
    uint64_t before = minicontain_cgroup_event_count(cgroup, MINICONTAIN_EVENT_PIDS_LIMIT), now = before;
    int i;

    CHECK(write(tell, "1", 1) == 1);
    for (i = 0; i < 2000 && now == before; i++) {
        usleep(10000);
        now = minicontain_cgroup_event_count(cgroup, MINICONTAIN_EVENT_PIDS_LIMIT);
    }
    CHECK(now == before + 1);
}

static void what_happens_is_told(void)
{
    minicontain_cgroup *cgroup = make(limits(UINT64_MAX, 1));
    minicontain_watch *watch = NULL;
    struct pollfd ready = {0, POLLIN, 0};
    uint32_t events = 7;
    /* Version 1 wakes nobody for any of this, but tells who asks. */
    bool wakes = version_of(cgroup, "pids") == 2, tree = version_of(cgroup, "") == 2;
    int tell, status;
    pid_t pid = forker(&tell);

    CHECK_OK(minicontain_cgroup_add(cgroup, pid));
    CHECK_OK(minicontain_watch_new(cgroup, &watch));
    ready.fd = minicontain_watch_fd(watch);
    CHECK(ready.fd >= 0);
    CHECK(minicontain_watch_read(watch) == 0);
    CHECK_OK(minicontain_watch_wait(watch, 0, &events));
    CHECK(events == 0);
    CHECK_OK(minicontain_watch_wait(watch, 30, &events));
    CHECK(events == 0);
    CHECK(poll(&ready, 1, 0) == 0);
    CHECK(minicontain_cgroup_event_count(cgroup, MINICONTAIN_EVENT_PIDS_LIMIT) == 0);

    refuse(cgroup, tell);
    CHECK(!wakes || poll(&ready, 1, 20000) == 1);
    CHECK(minicontain_watch_read(watch) == MINICONTAIN_EVENT_PIDS_LIMIT);
    CHECK(minicontain_watch_read(watch) == 0);
    CHECK(minicontain_cgroup_event_count(cgroup, MINICONTAIN_EVENT_OOM_KILL) == 0);
    CHECK(minicontain_cgroup_event_count(cgroup, MINICONTAIN_EVENT_FROZEN) == UINT64_MAX);
    CHECK(minicontain_cgroup_event_count(cgroup, 3) == UINT64_MAX);

    refuse(cgroup, tell);
    CHECK_OK(minicontain_watch_wait(watch, -1, &events));
    CHECK(events == MINICONTAIN_EVENT_PIDS_LIMIT);
    CHECK_OK(minicontain_cgroup_freeze(cgroup));
    CHECK(!tree || poll(&ready, 1, 20000) == 1);
    CHECK_OK(minicontain_watch_wait(watch, INT64_MAX, &events));
    CHECK(events == MINICONTAIN_EVENT_FROZEN);
    CHECK_OK(minicontain_cgroup_kill(cgroup));
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(!tree || poll(&ready, 1, 20000) == 1);
    CHECK((minicontain_watch_read(watch) & MINICONTAIN_EVENT_EMPTY) != 0);
    close(tell);
    /* It does not need the handle. */
    destroy(cgroup);
    minicontain_watch_read(watch);
    minicontain_watch_free(watch);
}

static void names_are_told_and_arguments_checked(void)
{
    minicontain_cgroup *cgroup = NULL;
    minicontain_pids *pids = NULL;
    minicontain_stats *stats = NULL;
    minicontain_watch *watch = NULL;
    uint32_t events = 7;
    size_t count = 7;
    char *text = NULL;

    CHECK_STRING(minicontain_event_name(MINICONTAIN_EVENT_OOM_KILL), "oom_kill");
    CHECK_STRING(minicontain_event_name(MINICONTAIN_EVENT_THAWED), "thawed");
    CHECK_STRING(minicontain_event_name(0), "");
    CHECK_STRING(minicontain_event_name(3), "");

    CHECK_ERROR(minicontain_cgroup_create("../up", NULL, &cgroup), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_ERROR(minicontain_cgroup_open("", &cgroup), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_ERROR(minicontain_cgroup_open(own_name(), &cgroup), MINICONTAIN_CODE_CGROUP_NOT_FOUND);
    CHECK_ERROR(minicontain_cgroup_create("\xff", NULL, &cgroup), MINICONTAIN_FACE_CODE_NOT_UTF8);
    CHECK_ERROR(minicontain_cgroup_create(NULL, NULL, &cgroup), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_cgroup_create("a", NULL, NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_cgroup_child(NULL, "a", NULL, &cgroup), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_cgroup_of(1, NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_OK(minicontain_cgroup_of(getpid(), &cgroup));
    CHECK_ERROR(minicontain_cgroup_set(cgroup, NULL, NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_cgroup_read(cgroup, NULL, &text), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_cgroup_read(cgroup, "a", NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_cgroup_write(cgroup, "a", NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_watch_new(cgroup, NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    minicontain_cgroup_free(cgroup);

    CHECK_ERROR(minicontain_cgroup_add(NULL, 1), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_cgroup_processes(NULL, &pids), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_cgroup_threads(NULL, &pids), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_cgroup_stats(NULL, &stats), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_cgroup_freeze(NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_cgroup_thaw(NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_cgroup_kill(NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_cgroup_remove(NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_watch_new(NULL, &watch), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_watch_wait(NULL, 0, &events), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK(events == 0);
    CHECK(minicontain_watch_fd(NULL) == -1 && minicontain_watch_read(NULL) == 0);
    CHECK(!minicontain_cgroup_frozen(NULL) && !minicontain_cgroup_populated(NULL));
    CHECK(minicontain_cgroup_event_count(NULL, MINICONTAIN_EVENT_OOM_KILL) == UINT64_MAX);
    CHECK(minicontain_cgroup_oom_victims(NULL) == NULL);
    CHECK(minicontain_cgroup_directory_count(NULL) == 0);
    CHECK(minicontain_victims_count(NULL) == 0 && minicontain_victims_pid(NULL, 0) == -1);
    CHECK_STRING(minicontain_victims_name(NULL, 0), "");
    minicontain_pids_data(NULL, &count);
    CHECK(count == 0 && minicontain_held_count(NULL) == 0);
    minicontain_cgroup_free(NULL);
    minicontain_watch_free(NULL);
    minicontain_pids_free(NULL);
    minicontain_held_free(NULL);
    minicontain_victims_free(NULL);
    minicontain_stats_free(NULL);
}

static void a_limit_without_cgroups_is_an_error(void)
{
    minicontain_spec *wanted = limits(16 << 20, 8);
    minicontain_cgroup *cgroup = NULL;
    minicontain_error *error = minicontain_cgroup_create(own_name(), wanted, &cgroup);

    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_NOT_ENFORCED);
    CHECK(minicontain_error_hint(error)[0] != '\0');
    minicontain_error_free(error);
    minicontain_spec_free(wanted);
}

int main(void)
{
    struct belongings before;

    warm_up();
    before = belongings();

    names_are_told_and_arguments_checked();
    if (have_cgroups()) {
        it_is_made_found_and_removed();
        limits_are_changed_and_told();
        processes_are_listed_frozen_and_killed();
        what_happens_is_told();
    } else {
        a_limit_without_cgroups_is_an_error();
    }
    check_nothing_left(__FILE__, before);
    return check_result();
}
