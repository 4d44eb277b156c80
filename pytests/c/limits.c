/* Containers with limits: what holds, what is counted, how one ends by them; and what is left where nothing holds. */
#include "have_cgroups.h"

static minicontain_container *start(minicontain_spec *spec)
{
    minicontain_container *container = NULL;

    CHECK_OK(minicontain_container_start(spec, &container));
    minicontain_spec_free(spec);
    return container;
}

/* Counts what is read of a container's standard output until it closes it. */
static void drain(const minicontain_container *container)
{
    char buffer[256];

    while (read(minicontain_container_stream(container, STDOUT_FILENO), buffer, sizeof buffer) > 0)
        continue;
}

static void limits_hold_and_are_told(void)
{
    minicontain_spec *spec = shell("echo ready; exec sleep 60");
    minicontain_container *container;
    const minicontain_cgroup *cgroup;
    const minicontain_outcome *outcome = NULL;
    const minicontain_stats *last;
    minicontain_stats *stats = NULL;
    minicontain_pids *pids = NULL;
    size_t count = 0;
    char ready[6], *json;

    CHECK_OK(minicontain_spec_set_memory(spec, 16 << 20));
    CHECK_OK(minicontain_spec_set_pids_limit(spec, 8));
    container = start(spec);
    CHECK(read(minicontain_container_stream(container, STDOUT_FILENO), ready, 6) == 6);
    cgroup = minicontain_container_cgroup(container);
    CHECK(cgroup != NULL && minicontain_container_cgroup(container) == cgroup);
    CHECK(minicontain_cgroup_populated(cgroup));
    CHECK_OK(minicontain_cgroup_processes(cgroup, &pids));
    minicontain_pids_data(pids, &count);
    CHECK(count == 2);
    minicontain_pids_free(pids);

    CHECK_OK(minicontain_container_stats(container, &stats));
    CHECK(minicontain_stats_memory_limit(stats) == 16 << 20);
    CHECK(minicontain_stats_memory_current(stats) > 0);
    CHECK(minicontain_stats_memory_current(stats) <= 16 << 20);
    CHECK(minicontain_stats_memory_anon(stats) <= minicontain_stats_memory_current(stats));
    CHECK(minicontain_stats_oom_kills(stats) == 0);
    CHECK(minicontain_stats_pids_current(stats) == 2);
    CHECK(minicontain_stats_pids_limit(stats) == 8);
    CHECK(minicontain_stats_pids_limit_hits(stats) == 0);
    json = minicontain_stats_to_json(stats);
    CHECK_CONTAINS(json, "\"limit\":16777216");
    minicontain_string_free(json);
    minicontain_stats_free(stats);

    CHECK_OK(minicontain_container_kill(container));
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_KILLED);
    CHECK(minicontain_outcome_oom_kills(outcome) == 0);
    CHECK(minicontain_victims_count(minicontain_outcome_oom_victims(outcome)) == 0);
    last = minicontain_outcome_stats(outcome);
    CHECK(minicontain_stats_memory_limit(last) == 16 << 20);
    CHECK(minicontain_stats_pids_limit(last) == 8);
    CHECK_ERROR(minicontain_container_stats(container, &stats), MINICONTAIN_CODE_CGROUP_NOT_FOUND);
    CHECK(stats == NULL);
    minicontain_container_free(container);
}

static void who_wants_more_memory_is_killed(void)
{
    minicontain_spec *spec = shell("exec tail /dev/zero");
    minicontain_result *result;
    const minicontain_outcome *outcome;
    const minicontain_stats *stats;
    const minicontain_victims *victims;
    bool readable = access("/dev/kmsg", R_OK) == 0;

    CHECK_OK(minicontain_spec_set_memory(spec, 16 << 20));
    result = run(spec);
    outcome = minicontain_result_outcome(result);
    stats = minicontain_outcome_stats(outcome);
    victims = minicontain_outcome_oom_victims(outcome);
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_OOM);
    CHECK_STRING(minicontain_outcome_reason_name(outcome), "oom");
    CHECK(minicontain_outcome_signal(outcome) == 9);
    CHECK(minicontain_outcome_oom_kills(outcome) == 1);
    CHECK(minicontain_stats_oom_kills(stats) == 1);
    CHECK(minicontain_stats_memory_limit_hits(stats) > 0);
    CHECK(minicontain_stats_memory_peak(stats) == UINT64_MAX ||
          minicontain_stats_memory_peak(stats) <= 16 << 20);
    /* The kernel's log may be nobody's, or have been overwritten. */
    if (readable && minicontain_victims_count(victims) > 0) {
        CHECK(minicontain_victims_count(victims) == 1);
        CHECK_STRING(minicontain_victims_name(victims, 0), "tail");
        CHECK(minicontain_victims_pid(victims, 0) > 1);
    }
    CHECK(minicontain_victims_pid(victims, 1) == -1);
    CHECK_STRING(minicontain_victims_name(victims, 1), "");
    minicontain_result_free(result);
}

static void what_happens_in_a_container_is_seen(void)
{
    minicontain_spec *spec = shell("read line; exec tail /dev/zero");
    minicontain_container *container;
    minicontain_watch *watch = NULL;
    const minicontain_outcome *outcome = NULL;
    uint32_t events = 0, all = 0;

    CHECK_OK(minicontain_spec_set_memory(spec, 16 << 20));
    CHECK_OK(minicontain_spec_set_stream(spec, STDIN_FILENO, MINICONTAIN_STDIO_PIPE));
    container = start(spec);
    CHECK_OK(minicontain_watch_new(minicontain_container_cgroup(container), &watch));
    CHECK(write(minicontain_container_stream(container, STDIN_FILENO), "\n", 1) == 1);
    while ((all & MINICONTAIN_EVENT_OOM_KILL) == 0) {
        CHECK_OK(minicontain_watch_wait(watch, 20000, &events));
        if (events == 0)
            break;
        all |= events;
    }
    CHECK((all & MINICONTAIN_EVENT_OOM_KILL) != 0);
    CHECK(minicontain_cgroup_event_count(minicontain_container_cgroup(container), MINICONTAIN_EVENT_OOM_KILL) == 1);
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_OOM);
    minicontain_watch_free(watch);
    minicontain_container_free(container);
}

static void forks_are_refused_and_counted(void)
{
    minicontain_spec *spec = shell("for i in 1 2 3 4 5 6; do sleep 1 & done");
    minicontain_result *result;
    const minicontain_stats *stats;

    CHECK_OK(minicontain_spec_set_pids_limit(spec, 4));
    result = run(spec);
    stats = minicontain_outcome_stats(minicontain_result_outcome(result));
    CHECK_CONTAINS(minicontain_result_stderr(result, NULL), "fork");
    CHECK(minicontain_stats_pids_limit_hits(stats) > 0);
    CHECK(minicontain_stats_pids_peak(stats) == 4 || minicontain_stats_pids_peak(stats) == UINT64_MAX);
    minicontain_result_free(result);
}

static void without_limits_it_is_measured_on_demand(void)
{
    minicontain_spec *spec = shell("i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done");
    minicontain_result *result;
    minicontain_container *container = start(shell("sleep 0.1"));
    const minicontain_outcome *outcome = NULL;
    const minicontain_stats *stats;
    minicontain_stats *own = NULL;
    size_t i, count;
    int32_t resource;

    CHECK(minicontain_container_cgroup(container) == NULL);
    CHECK_ERROR(minicontain_container_stats(container, &own), MINICONTAIN_CODE_NOT_SUPPORTED);
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    CHECK(minicontain_outcome_stats(outcome) == NULL);
    minicontain_container_free(container);

    CHECK_OK(minicontain_spec_set_cgroup(spec, true));
    result = run(spec);
    stats = minicontain_outcome_stats(minicontain_result_outcome(result));
    CHECK(stats != NULL);
    CHECK(minicontain_stats_cpu_usage_ns(stats) > 0);
    CHECK(minicontain_stats_cpu_usage_ns(stats) != UINT64_MAX);
    CHECK(minicontain_stats_cpu_user_ns(stats) != UINT64_MAX);
    CHECK(minicontain_stats_cpu_limit(stats) == -1);
    CHECK(minicontain_stats_pids_limit(stats) == UINT64_MAX);
    for (resource = MINICONTAIN_RESOURCE_CPU; resource <= MINICONTAIN_RESOURCE_IO; resource++) {
        double waited = minicontain_stats_pressure(stats, resource, 10);
        CHECK(waited == -1 || (waited >= 0 && waited <= 100));
        CHECK((waited == -1) == (minicontain_stats_pressure_ns(stats, resource) == UINT64_MAX));
        CHECK(minicontain_stats_pressure(stats, resource, 7) == -1);
    }
    CHECK(minicontain_stats_pressure(stats, 3, 10) == -1);
    count = minicontain_stats_device_count(stats);
    for (i = 0; i < count; i++) {
        CHECK_CONTAINS(minicontain_stats_device(stats, i), ":");
        CHECK(minicontain_stats_device_reads(stats, i) != UINT64_MAX);
        CHECK(minicontain_stats_device_writes(stats, i) != UINT64_MAX);
    }
    CHECK_STRING(minicontain_stats_device(stats, count), "");
    CHECK(minicontain_stats_device_read_bytes(stats, count) == UINT64_MAX);
    CHECK(minicontain_stats_device_write_bytes(stats, count) == UINT64_MAX);
    count = minicontain_stats_hugetlb_count(stats);
    for (i = 0; i < count; i++)
        CHECK_CONTAINS(minicontain_stats_hugetlb_page_size(stats, i), "B");
    CHECK_STRING(minicontain_stats_hugetlb_page_size(stats, count), "");
    CHECK(minicontain_stats_hugetlb_current(stats, count) == UINT64_MAX);
    minicontain_result_free(result);
}

static void cpu_time_is_limited(void)
{
    minicontain_spec *spec = shell("i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done");
    minicontain_result *result;
    const minicontain_stats *stats;

    CHECK_OK(minicontain_spec_set_cpus(spec, 0.2));
    CHECK_OK(minicontain_spec_set_cpu_period(spec, 50000));
    result = run(spec);
    stats = minicontain_outcome_stats(minicontain_result_outcome(result));
    CHECK(minicontain_stats_cpu_limit(stats) > 0.19 && minicontain_stats_cpu_limit(stats) < 0.21);
    CHECK(minicontain_stats_cpu_periods(stats) > 0);
    CHECK(minicontain_stats_cpu_throttled_periods(stats) > 0);
    CHECK(minicontain_stats_cpu_throttled_ns(stats) > 0);
    minicontain_result_free(result);
}

/* How a cgroup that was made by own_name is named as a parent. */
static const char *parent_of(const minicontain_cgroup *cgroup)
{
    static const char mount[] = "/sys/fs/cgroup";

    /* In the tree it need not be below the caller's. Elsewhere its path is another in each hierarchy. */
    if (minicontain_cgroup_directory_count(cgroup) == 1 && minicontain_cgroup_directory_version(cgroup, 0) == 2)
        return minicontain_cgroup_directory_path(cgroup, 0) + strlen(mount);
    return own_name();
}

static void its_place_can_be_chosen_and_given_away(void)
{
    minicontain_spec *spec = shell("echo ready; sleep 60");
    minicontain_cgroup *above = NULL;
    minicontain_container *container;
    const minicontain_outcome *outcome = NULL;
    char ready[6];
    size_t i, inside = 0;

    CHECK_OK(minicontain_cgroup_create(own_name(), NULL, &above));
    CHECK_OK(minicontain_spec_set_cgroup(spec, true));
    CHECK_OK(minicontain_spec_set_cgroup_parent(spec, parent_of(above)));
    container = start(spec);
    CHECK(read(minicontain_container_stream(container, STDOUT_FILENO), ready, 6) == 6);
    for (i = 0; i < minicontain_cgroup_directory_count(minicontain_container_cgroup(container)); i++)
        inside += strstr(minicontain_cgroup_directory_path(minicontain_container_cgroup(container), i), own_name()) != NULL;
    CHECK(inside > 0);
    CHECK(minicontain_cgroup_populated(above));
    CHECK_OK(minicontain_cgroup_freeze(above));
    CHECK_OK(minicontain_cgroup_thaw(above));
    CHECK_OK(minicontain_cgroup_kill(above));
    drain(container);
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_KILLED);
    minicontain_container_free(container);
    CHECK_OK(minicontain_cgroup_remove(above));
    minicontain_cgroup_free(above);

    spec = shell("for d in /sys/fs/cgroup /sys/fs/cgroup/*; do "
                 "test -e $d/cgroup.procs && mkdir $d/own && echo made; done | head -1");
    CHECK_OK(minicontain_spec_set_cgroup_delegate(spec, true));
    CHECK_PRINTS(spec, "made\n");
}

static void what_no_cgroup_holds_is_told(void)
{
    minicontain_spec *spec = shell("ulimit -d");
    minicontain_plan *plan = NULL;
    minicontain_container *container;
    minicontain_result *result = NULL;
    const minicontain_outcome *outcome = NULL;
    minicontain_stats *stats = NULL;
    char *enforced;

    CHECK_OK(minicontain_spec_set_memory(spec, 64 << 20));
    CHECK_OK(minicontain_plan_new(spec, &plan));
    enforced = minicontain_plan_enforced_to_json(plan);
    CHECK_CONTAINS(enforced, "RLIMIT_DATA holds for each process by itself");
    CHECK_CONTAINS(enforced, "\"state\":\"partial\"");
    minicontain_string_free(enforced);
    minicontain_plan_free(plan);
    CHECK_PRINTS(spec, "65536\n");

    spec = shell("true");
    CHECK_OK(minicontain_spec_set_memory(spec, 64 << 20));
    container = start(spec);
    CHECK(minicontain_container_cgroup(container) == NULL);
    CHECK_ERROR(minicontain_container_stats(container, &stats), MINICONTAIN_CODE_NOT_SUPPORTED);
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    CHECK(minicontain_outcome_stats(outcome) == NULL);
    CHECK(minicontain_outcome_oom_kills(outcome) == 0);
    minicontain_container_free(container);

    spec = shell("true");
    CHECK_OK(minicontain_spec_set_memory(spec, 64 << 20));
    CHECK_OK(minicontain_spec_require(spec, "memory"));
    CHECK_ERROR(minicontain_run(spec, NULL, 0, 20000, &result), MINICONTAIN_CODE_NOT_ENFORCED);
    minicontain_spec_free(spec);

    spec = shell("true");
    CHECK_OK(minicontain_spec_set_cpus(spec, 0.5));
    CHECK_ERROR(minicontain_run(spec, NULL, 0, 20000, &result), MINICONTAIN_CODE_NOT_ENFORCED);
    CHECK(result == NULL);
    CHECK_OK(minicontain_spec_set_best_effort(spec, true));
    result = run(spec);
    CHECK(minicontain_outcome_status(minicontain_result_outcome(result)) == 0);
    enforced = minicontain_result_enforced_to_json(result);
    CHECK_CONTAINS(enforced, "\"cpu\":{\"reason\":\"/");
    minicontain_string_free(enforced);
    minicontain_result_free(result);

    spec = shell("true");
    CHECK_OK(minicontain_spec_set_cgroup(spec, true));
    CHECK_ERROR(minicontain_run(spec, NULL, 0, 20000, &result), MINICONTAIN_CODE_PERMISSION_DENIED);
    CHECK_OK(minicontain_spec_set_best_effort(spec, true));
    minicontain_result_free(run(spec));
}

static void a_null_handle_has_an_answer(void)
{
    minicontain_stats *stats = NULL;

    CHECK_ERROR(minicontain_container_stats(NULL, &stats), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK(minicontain_container_cgroup(NULL) == NULL);
    CHECK(minicontain_outcome_stats(NULL) == NULL);
    CHECK(minicontain_outcome_oom_victims(NULL) == NULL);
    CHECK(minicontain_outcome_oom_kills(NULL) == 0);
    CHECK(minicontain_stats_memory_current(NULL) == UINT64_MAX);
    CHECK(minicontain_stats_memory_swap(NULL) == UINT64_MAX);
    CHECK(minicontain_stats_memory_file(NULL) == UINT64_MAX);
    CHECK(minicontain_stats_memory_kernel(NULL) == UINT64_MAX);
    CHECK(minicontain_stats_cpu_system_ns(NULL) == UINT64_MAX);
    CHECK(minicontain_stats_cpu_limit(NULL) == -1);
    CHECK(minicontain_stats_pressure(NULL, MINICONTAIN_RESOURCE_CPU, 10) == -1);
    CHECK(minicontain_stats_device_count(NULL) == 0 && minicontain_stats_hugetlb_count(NULL) == 0);
    CHECK(minicontain_stats_to_json(NULL) == NULL);
}

int main(void)
{
    struct belongings before;

    warm_up();
    before = belongings();

    a_null_handle_has_an_answer();
    if (have_cgroups()) {
        limits_hold_and_are_told();
        who_wants_more_memory_is_killed();
        what_happens_in_a_container_is_seen();
        forks_are_refused_and_counted();
        without_limits_it_is_measured_on_demand();
        cpu_time_is_limited();
        its_place_can_be_chosen_and_given_away();
    } else {
        what_no_cgroup_holds_is_told();
    }
    check_nothing_left(__FILE__, before);
    return check_result();
}
