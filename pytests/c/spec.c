/* A spec: setters, JSON both ways, and everything that can be wrong with an argument. */
#include "check.h"

static const char *const argv_true[] = {"true"};

/* What minicontain_spec_to_json says, checked and freed. */
#define CHECK_JSON(spec, wanted)                      \
    do {                                              \
        char *json = minicontain_spec_to_json(spec);  \
        CHECK_CONTAINS(json, wanted);                 \
        minicontain_string_free(json);                \
    } while (0)

static void setters_set_their_fields(void)
{
    minicontain_spec *spec = NULL, *copy = NULL;
    minicontain_error *error;
    const char *const other[] = {"echo", "gr\xc3\xbc\xc3\x9f"};

    CHECK_OK(minicontain_spec_new(argv_true, 1, &spec));
    CHECK_JSON(spec, "\"args\":[\"true\"]");
    CHECK_OK(minicontain_spec_copy(spec, &copy));
    CHECK_OK(minicontain_spec_set_args(spec, other, 2));
    CHECK_JSON(spec, "\"args\":[\"echo\",\"gr\xc3\xbc\xc3\x9f\"]");
    CHECK_JSON(copy, "\"args\":[\"true\"]");
    CHECK_OK(minicontain_spec_set_hostname(spec, "box"));
    CHECK_JSON(spec, "\"hostname\":\"box\"");
    CHECK_OK(minicontain_spec_set_hostname(spec, NULL));
    CHECK_JSON(spec, "\"hostname\":null");
    CHECK_OK(minicontain_spec_set_domainname(spec, "lab"));
    CHECK_JSON(spec, "\"domainname\":\"lab\"");
    CHECK_OK(minicontain_spec_set_cwd(spec, "/tmp"));
    CHECK_JSON(spec, "\"cwd\":\"/tmp\"");
    CHECK_OK(minicontain_spec_set_user(spec, "0:0"));
    CHECK_JSON(spec, "\"user\":\"0:0\"");
    CHECK_OK(minicontain_spec_set_env(spec, "A", "1"));
    CHECK_OK(minicontain_spec_set_env(spec, "B", NULL));
    CHECK_JSON(spec, "\"env\":{\"A\":\"1\",\"B\":null}");
    CHECK_OK(minicontain_spec_set_umask(spec, 077));
    CHECK_JSON(spec, "\"umask\":63");
    CHECK_OK(minicontain_spec_set_rootfs(spec, "/srv"));
    CHECK_JSON(spec, "\"rootfs\":\"/srv\"");
    CHECK_OK(minicontain_spec_set_rootfs(spec, NULL));
    CHECK_OK(minicontain_spec_set_read_only(spec, true));
    CHECK_JSON(spec, "\"read_only\":true");
    CHECK_OK(minicontain_spec_set_host_files(spec, "/home", "hidden"));
    error = minicontain_spec_set_host_files(spec, "/home", "seen");
    CHECK_CONTAINS(minicontain_error_message(error), "host_files: there is no 'seen' (use overlay, ");
    minicontain_error_free(error);
    CHECK_JSON(spec, "\"host_files\":{\"/home\":\"hidden\"}");
    CHECK_OK(minicontain_spec_add_volume(spec, "/usr", "/mnt/a:b", true));
    CHECK_JSON(spec, "{\"source\":\"/usr\",\"target\":\"/mnt/a:b\",\"read_only\":true}");
    CHECK_OK(minicontain_spec_add_tmpfs(spec, "/scratch", 1 << 20, 0700));
    CHECK_JSON(spec, "{\"target\":\"/scratch\",\"size\":1048576,\"mode\":448}");
    CHECK_OK(minicontain_spec_cap_add(spec, "NET_ADMIN"));
    CHECK_OK(minicontain_spec_cap_drop(spec, "ALL"));
    CHECK_JSON(spec, "\"cap_add\":[\"NET_ADMIN\"],\"cap_drop\":[\"ALL\"]");
    CHECK_OK(minicontain_spec_set_ulimit(spec, "core", 0, UINT64_MAX));
    CHECK_JSON(spec, "\"ulimits\":{\"core\":{\"soft\":0,\"hard\":null}}");
    CHECK_OK(minicontain_spec_set_sysctl(spec, "net.ipv4.ip_forward", "1"));
    CHECK_JSON(spec, "\"net.ipv4.ip_forward\":\"1\"");
    CHECK_OK(minicontain_spec_pass_fd(spec, 7));
    CHECK_JSON(spec, "\"pass_fds\":[7]");
    CHECK_OK(minicontain_spec_require(spec, "root"));
    CHECK_JSON(spec, "\"require\":[\"root\"]");
    CHECK_OK(minicontain_spec_validate(spec));
    minicontain_spec_free(copy);
    minicontain_spec_free(spec);
}

static void limits_are_fields_like_others(void)
{
    minicontain_spec *spec = NULL;
    minicontain_error *error;
    const char *const rules[] = {"c 10:200 rwm"};

    CHECK_OK(minicontain_spec_new(argv_true, 1, &spec));
    CHECK_OK(minicontain_spec_set_memory(spec, 64 << 20));
    CHECK_JSON(spec, "\"memory\":67108864");
    CHECK_OK(minicontain_spec_set_memory_swap(spec, 65 << 20));
    CHECK_JSON(spec, "\"memory_swap\":68157440");
    CHECK_OK(minicontain_spec_set_memory_reservation(spec, 1 << 20));
    CHECK_JSON(spec, "\"memory_reservation\":1048576");
    CHECK_OK(minicontain_spec_set_memory_high(spec, 2 << 20));
    CHECK_JSON(spec, "\"memory_high\":2097152");
    CHECK_OK(minicontain_spec_set_memory_swappiness(spec, 0));
    CHECK_JSON(spec, "\"memory_swappiness\":0");
    CHECK_OK(minicontain_spec_set_oom_group(spec, true));
    CHECK_JSON(spec, "\"oom_group\":true");
    CHECK_OK(minicontain_spec_set_cpu_quota(spec, 20000));
    CHECK_OK(minicontain_spec_set_cpu_period(spec, 50000));
    CHECK_JSON(spec, "\"cpu_period\":50000,\"cpu_quota\":20000");
    CHECK_OK(minicontain_spec_set_cpu_shares(spec, 512));
    CHECK_JSON(spec, "\"cpu_shares\":512");
    CHECK_OK(minicontain_spec_set_cpuset_cpus(spec, "0-2,4"));
    CHECK_OK(minicontain_spec_set_cpuset_mems(spec, "0"));
    CHECK_JSON(spec, "\"cpuset_cpus\":\"0-2,4\",\"cpuset_mems\":\"0\"");
    CHECK_OK(minicontain_spec_set_pids_limit(spec, 8));
    CHECK_JSON(spec, "\"pids_limit\":8");
    CHECK_OK(minicontain_spec_set_blkio_weight(spec, 100));
    CHECK_JSON(spec, "\"blkio_weight\":100");
    CHECK_OK(minicontain_spec_set_device_read_bps(spec, "/dev/sda", 1));
    CHECK_OK(minicontain_spec_set_device_write_bps(spec, "/dev/sda", 2));
    CHECK_OK(minicontain_spec_set_device_read_iops(spec, "/dev/sda", 3));
    CHECK_OK(minicontain_spec_set_device_write_iops(spec, "/dev/sda", 4));
    CHECK_JSON(spec, "\"device_read_bps\":{\"/dev/sda\":1},\"device_write_bps\":{\"/dev/sda\":2}");
    CHECK_JSON(spec, "\"device_read_iops\":{\"/dev/sda\":3},\"device_write_iops\":{\"/dev/sda\":4}");
    CHECK_OK(minicontain_spec_set_hugetlb(spec, "2MB", 0));
    CHECK_JSON(spec, "\"hugetlb\":{\"2MB\":0}");
    CHECK_JSON(spec, "\"device_cgroup_rules\":null");
    CHECK_OK(minicontain_spec_set_device_cgroup_rules(spec, rules, 1));
    CHECK_JSON(spec, "\"device_cgroup_rules\":[\"c 10:200 rwm\"]");
    CHECK_OK(minicontain_spec_set_device_cgroup_rules(spec, NULL, 0));
    CHECK_JSON(spec, "\"device_cgroup_rules\":[]");
    CHECK_OK(minicontain_spec_set_cgroup(spec, true));
    CHECK_OK(minicontain_spec_set_cgroup_parent(spec, "mine"));
    CHECK_OK(minicontain_spec_set_cgroup_delegate(spec, true));
    CHECK_OK(minicontain_spec_set_best_effort(spec, true));
    CHECK_JSON(spec, "\"cgroup\":true,\"cgroup_parent\":\"mine\",\"cgroup_delegate\":true,\"best_effort\":true");
    CHECK_OK(minicontain_spec_validate(spec));

    /* What is taken back is not limited, whatever the field. */
    CHECK_OK(minicontain_spec_set_memory(spec, UINT64_MAX));
    CHECK_JSON(spec, "\"memory\":null");
    CHECK_OK(minicontain_spec_set_device_read_bps(spec, "/dev/sda", UINT64_MAX));
    CHECK_JSON(spec, "\"device_read_bps\":{}");
    CHECK_OK(minicontain_spec_set_cpuset_cpus(spec, NULL));
    CHECK_JSON(spec, "\"cpuset_cpus\":null");
    CHECK_OK(minicontain_spec_set_cpus(spec, -1));
    CHECK_JSON(spec, "\"cpus\":null");
    CHECK_OK(minicontain_spec_set(spec, "memory", "\"64M\""));
    CHECK_JSON(spec, "\"memory\":67108864");
    error = minicontain_spec_set(spec, "pids_limit", "\"many\"");
    CHECK_STRING(minicontain_error_fault_field(error, 0), "pids_limit");
    minicontain_error_free(error);

    /* 0 is a mistake, and not the same as no limit. */
    CHECK_OK(minicontain_spec_set_memory(spec, 0));
    CHECK_OK(minicontain_spec_set_memory_swap(spec, UINT64_MAX));
    CHECK_OK(minicontain_spec_set_memory_reservation(spec, UINT64_MAX));
    CHECK_OK(minicontain_spec_set_memory_high(spec, UINT64_MAX));
    CHECK_OK(minicontain_spec_set_pids_limit(spec, 0));
    CHECK_OK(minicontain_spec_set_cpu_quota(spec, UINT64_MAX));
    CHECK_OK(minicontain_spec_set_cpus(spec, 0));
    error = minicontain_spec_validate(spec);
    CHECK(minicontain_error_fault_count(error) == 3);
    CHECK_STRING(minicontain_error_fault_field(error, 0), "memory");
    CHECK_STRING(minicontain_error_fault_field(error, 1), "pids_limit");
    CHECK_STRING(minicontain_error_fault_field(error, 2), "cpus");
    minicontain_error_free(error);
    CHECK_ERROR(minicontain_spec_set_hugetlb(spec, NULL, 1), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_spec_set_memory(NULL, 1), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    minicontain_spec_free(spec);
}

static void streams_and_namespaces_have_every_source(void)
{
    minicontain_spec *spec = NULL;

    CHECK_OK(minicontain_spec_new(argv_true, 1, &spec));
    CHECK_JSON(spec, "\"stdin\":\"inherit\",\"stdout\":\"inherit\",\"stderr\":\"inherit\"");
    CHECK_OK(minicontain_spec_set_stream(spec, 0, MINICONTAIN_STDIO_NULL));
    CHECK_OK(minicontain_spec_set_stream(spec, 1, MINICONTAIN_STDIO_PIPE));
    CHECK_OK(minicontain_spec_set_stream(spec, 2, MINICONTAIN_STDIO_MERGE));
    CHECK_JSON(spec, "\"stdin\":\"null\",\"stdout\":\"pipe\",\"stderr\":\"stdout\"");
    CHECK_OK(minicontain_spec_set_stream(spec, 0, MINICONTAIN_STDIO_INHERIT));
    CHECK_OK(minicontain_spec_set_stream_fd(spec, 1, 5));
    CHECK_OK(minicontain_spec_set_stream_file(spec, 2, "/tmp/log"));
    CHECK_JSON(spec, "\"stdin\":\"inherit\",\"stdout\":{\"fd\":5},\"stderr\":{\"file\":\"/tmp/log\"}");
    CHECK_ERROR(minicontain_spec_set_stream(spec, 3, MINICONTAIN_STDIO_NULL), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_ERROR(minicontain_spec_set_stream(spec, 1, 99), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_ERROR(minicontain_spec_set_stream(spec, 1, -1), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_ERROR(minicontain_spec_set_stream_fd(spec, -1, 1), MINICONTAIN_CODE_INVALID_SPEC);

    CHECK_OK(minicontain_spec_set_namespace_host(spec, "net"));
    CHECK_OK(minicontain_spec_set_namespace_pid(spec, "ipc", 1));
    CHECK_OK(minicontain_spec_set_namespace_path(spec, "uts", "/proc/1/ns/uts"));
    CHECK_OK(minicontain_spec_set_namespace_fd(spec, "time", 9));
    CHECK_JSON(spec, "\"net\":\"host\"");
    CHECK_JSON(spec, "\"ipc\":{\"pid\":1}");
    CHECK_JSON(spec, "\"uts\":{\"path\":\"/proc/1/ns/uts\"}");
    CHECK_JSON(spec, "\"time\":{\"fd\":9}");
    CHECK_OK(minicontain_spec_set_namespace_new(spec, "net"));
    CHECK_JSON(spec, "\"net\":\"new\"");
    CHECK_ERROR(minicontain_spec_set_namespace_new(spec, "disk"), MINICONTAIN_CODE_INVALID_SPEC);
    minicontain_spec_free(spec);
}

static void every_field_can_be_set_by_name(void)
{
    minicontain_spec *spec = NULL;
    minicontain_error *error;

    CHECK_OK(minicontain_spec_new(NULL, 0, &spec));
    CHECK_OK(minicontain_spec_set_hostname(spec, "kept"));
    CHECK_OK(minicontain_spec_set(spec, "args", "[\"id\", \"-u\"]"));
    CHECK_OK(minicontain_spec_set(spec, "volumes", "[\"/usr:/mnt/usr:ro\"]"));
    CHECK_OK(minicontain_spec_set(spec, "storage_size", "\"64M\""));
    CHECK_JSON(spec, "\"args\":[\"id\",\"-u\"]");
    CHECK_JSON(spec, "\"target\":\"/mnt/usr\"");
    CHECK_JSON(spec, "\"storage_size\":67108864");
    CHECK_JSON(spec, "\"hostname\":\"kept\"");

    error = minicontain_spec_set(spec, "hostnam", "\"box\"");
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_INVALID_SPEC);
    CHECK(minicontain_error_fault_count(error) == 1);
    CHECK_STRING(minicontain_error_fault_field(error, 0), "hostnam");
    CHECK_CONTAINS(minicontain_error_fault_fix(error, 0), "hostname");
    minicontain_error_free(error);

    error = minicontain_spec_set(spec, "umask", "\"zero\"");
    CHECK_STRING(minicontain_error_fault_field(error, 0), "umask");
    minicontain_error_free(error);
    error = minicontain_spec_set(spec, "hostname", "no quotation marks");
    CHECK_STRING(minicontain_error_fault_field(error, 0), "hostname");
    minicontain_error_free(error);
    CHECK_JSON(spec, "\"hostname\":\"kept\"");
    minicontain_spec_free(spec);
}

static void json_goes_both_ways(void)
{
    minicontain_spec *spec = NULL, *again = NULL;
    minicontain_error *error;
    char *first, *second;
    const char *json = "{\"args\": [\"true\"], \"hostname\": \"box\", \"env\": {\"A\": \"1\"}}";

    CHECK_OK(minicontain_spec_from_json(json, &spec));
    first = minicontain_spec_to_json(spec);
    CHECK_OK(minicontain_spec_from_json(first, &again));
    second = minicontain_spec_to_json(again);
    CHECK_STRING(second, first);
    minicontain_string_free(first);
    minicontain_string_free(second);
    minicontain_spec_free(spec);
    minicontain_spec_free(again);

    /* Every fault at once, each with its field; and nothing to free. */
    again = (minicontain_spec *)&again;
    error = minicontain_spec_from_json("{\"args\": [], \"hostname\": \"no spaces\", \"umask\": 4096}", &again);
    CHECK(again == NULL);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_STRING(minicontain_error_code_name(error), "invalid_spec");
    CHECK(minicontain_error_fault_count(error) == 3);
    CHECK_STRING(minicontain_error_fault_field(error, 0), "args");
    CHECK_CONTAINS(minicontain_error_message(error), "no spaces");
    CHECK_STRING(minicontain_error_fault_field(error, 3), "");
    CHECK_STRING(minicontain_error_fault_problem(error, 3), "");
    CHECK(minicontain_error_errno(error) == EINVAL);
    CHECK(minicontain_error_step_index(error) == -1);
    CHECK_STRING(minicontain_error_syscall(error), "");
    CHECK(minicontain_error_trace(error) == NULL);
    minicontain_error_free(error);

    CHECK_ERROR(minicontain_spec_from_json("", &spec), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_ERROR(minicontain_spec_from_json("[]", &spec), MINICONTAIN_CODE_INVALID_SPEC);
    json = "{\"args\": [\"true\"], \"colour\": 1}";
    CHECK_ERROR(minicontain_spec_from_json(json, &spec), MINICONTAIN_CODE_INVALID_SPEC);
    json = "{\"args\": [\"a\\u0000b\"]}";
    CHECK_ERROR(minicontain_spec_from_json(json, &spec), MINICONTAIN_CODE_INVALID_SPEC);
}

static void values_are_checked_before_anything_is_made(void)
{
    minicontain_spec *spec = NULL;
    minicontain_plan *plan = NULL;
    minicontain_result *result = NULL;
    minicontain_container *container = NULL;

    CHECK_OK(minicontain_spec_new(NULL, 0, &spec));
    CHECK_ERROR(minicontain_spec_validate(spec), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_ERROR(minicontain_plan_new(spec, &plan), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_ERROR(minicontain_run(spec, NULL, 0, -1, &result), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_ERROR(minicontain_container_start(spec, &container), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK(plan == NULL && result == NULL && container == NULL);
    minicontain_spec_free(spec);
}

static void a_missing_pointer_is_an_error_with_its_name(void)
{
    minicontain_spec *spec = NULL;
    minicontain_error *error;
    const char *const hole[] = {"true", NULL};

    error = minicontain_spec_set_hostname(NULL, "box");
    CHECK(minicontain_error_code(error) == MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_STRING(minicontain_error_code_name(error), "null_argument");
    CHECK_CONTAINS(minicontain_error_message(error), "spec is NULL");
    minicontain_error_free(error);
    CHECK_ERROR(minicontain_spec_new(argv_true, 1, NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_spec_new(NULL, 1, &spec), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    error = minicontain_spec_new(hole, 2, &spec);
    CHECK(minicontain_error_code(error) == MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_CONTAINS(minicontain_error_message(error), "argv[1] is NULL");
    minicontain_error_free(error);
    CHECK_ERROR(minicontain_spec_from_json(NULL, &spec), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_spec_copy(NULL, &spec), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK(spec == NULL);

    CHECK_OK(minicontain_spec_new(argv_true, 1, &spec));
    CHECK_ERROR(minicontain_spec_set(spec, NULL, "1"), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_spec_set(spec, "umask", NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_spec_set_env(spec, NULL, "1"), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_spec_set_hostname(spec, "\xff\xfe"), MINICONTAIN_FACE_CODE_NOT_UTF8);
    CHECK_ERROR(minicontain_spec_set_namespace_host(spec, NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_plan_new(spec, NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_run(spec, NULL, 0, -1, NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_container_start(spec, NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    minicontain_spec_free(spec);
}

static void a_null_handle_has_an_answer(void)
{
    size_t len = 7;
    const minicontain_outcome *outcome = NULL;
    const minicontain_output *output = NULL;

    minicontain_spec_free(NULL);
    minicontain_plan_free(NULL);
    minicontain_container_free(NULL);
    minicontain_result_free(NULL);
    minicontain_error_free(NULL);
    minicontain_string_free(NULL);
    CHECK(minicontain_error_code(NULL) == 0);
    CHECK_STRING(minicontain_error_message(NULL), "");
    CHECK(minicontain_error_step_index(NULL) == -1);
    CHECK(minicontain_spec_to_json(NULL) == NULL);
    CHECK(minicontain_plan_step_count(NULL) == 0);
    CHECK_STRING(minicontain_plan_step_syscall(NULL, 0), "");
    CHECK(minicontain_plan_explain(NULL) == NULL);
    CHECK(minicontain_trace_count(NULL) == 0);
    CHECK(minicontain_trace_entry_step(NULL, 0) == -1);
    CHECK(minicontain_trace_to_text(NULL) == NULL);
    CHECK(minicontain_container_pid(NULL) == -1);
    CHECK(minicontain_container_pidfd(NULL) == -1);
    CHECK(minicontain_container_stream(NULL, 1) == -1);
    CHECK(minicontain_container_take_stream(NULL, 1) == -1);
    CHECK(minicontain_container_trace(NULL) == NULL);
    CHECK_ERROR(minicontain_container_kill(NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_container_wait(NULL, 0, &outcome), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_container_communicate(NULL, NULL, 0, 0, &output), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK(minicontain_outcome_reason(NULL) == MINICONTAIN_REASON_NONE);
    CHECK_STRING(minicontain_outcome_reason_name(NULL), "");
    CHECK(minicontain_outcome_status(NULL) == -1);
    CHECK_STRING(minicontain_result_stdout(NULL, &len), "");
    CHECK(len == 0);
    CHECK(minicontain_result_outcome(NULL) == NULL);
}

int main(void)
{
    CHECK_STRING(minicontain_version(), MINICONTAIN_VERSION);
    setters_set_their_fields();
    limits_are_fields_like_others();
    streams_and_namespaces_have_every_source();
    every_field_can_be_set_by_name();
    json_goes_both_ways();
    values_are_checked_before_anything_is_made();
    a_missing_pointer_is_an_error_with_its_name();
    a_null_handle_has_an_answer();
    return check_result();
}
