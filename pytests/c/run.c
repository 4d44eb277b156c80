/* Running to the end: what goes in, what comes out, what the fields of a spec do, and how it ended. */
#include "check.h"
#include <signal.h>

static void it_says_how_it_ended(void)
{
    minicontain_result *result = run(shell("printf out; printf err >&2; exit 7"));
    const minicontain_outcome *outcome = minicontain_result_outcome(result);
    char *enforced = minicontain_result_enforced_to_json(result);
    size_t len = 0;

    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_EXITED);
    CHECK_STRING(minicontain_outcome_reason_name(outcome), "exited");
    CHECK(minicontain_outcome_status(outcome) == 7);
    CHECK(minicontain_outcome_signal(outcome) == 0);
    CHECK(!minicontain_outcome_core_dumped(outcome));
    CHECK(minicontain_outcome_wall_ns(outcome) > 0);
    CHECK(minicontain_outcome_user_ns(outcome) + minicontain_outcome_system_ns(outcome) > 0);
    CHECK(minicontain_outcome_peak_memory(outcome) < (uint64_t)1 << 40);
    CHECK_STRING(minicontain_result_stdout(result, &len), "out");
    CHECK(len == 3);
    CHECK_STRING(minicontain_result_stderr(result, NULL), "err");
    CHECK_CONTAINS(enforced, "\"capabilities\"");
    minicontain_string_free(enforced);
    minicontain_result_free(result);
}

static void an_end_by_a_signal_is_none_by_status(void)
{
    minicontain_spec *spec = shell("kill -15 $$; exit 5");
    minicontain_result *result = run(shell("kill -15 $$"));

    CHECK(minicontain_outcome_reason(minicontain_result_outcome(result)) == MINICONTAIN_REASON_SIGNALED);
    CHECK(minicontain_outcome_signal(minicontain_result_outcome(result)) == SIGTERM);
    CHECK(minicontain_outcome_status(minicontain_result_outcome(result)) == -1);
    minicontain_result_free(result);

    result = run(shell("exit 143"));
    CHECK(minicontain_outcome_reason(minicontain_result_outcome(result)) == MINICONTAIN_REASON_EXITED);
    CHECK(minicontain_outcome_signal(minicontain_result_outcome(result)) == 0);
    CHECK(minicontain_outcome_status(minicontain_result_outcome(result)) == 143);
    minicontain_result_free(result);

    /* Without init the program is process 1, which ignores what it does not handle. */
    CHECK_OK(minicontain_spec_set_init(spec, false));
    result = run(spec);
    CHECK(minicontain_outcome_status(minicontain_result_outcome(result)) == 5);
    minicontain_result_free(result);
}

static void the_trace_says_what_was_done(void)
{
    minicontain_result *result = run(shell("true"));
    const minicontain_trace *trace = minicontain_result_trace(result);
    size_t i, count = minicontain_trace_count(trace), executed = 0;
    char *json = minicontain_trace_to_json(trace), *text = minicontain_trace_to_text(trace);

    CHECK(count > 20);
    for (i = 0; i < count; i++) {
        CHECK(minicontain_trace_entry_syscall(trace, i)[0] != '\0');
        CHECK(minicontain_trace_entry_result(trace, i)[0] != '\0');
        CHECK(minicontain_trace_entry_step(trace, i) >= (int64_t)i);
        CHECK(minicontain_trace_entry_start_ns(trace, i) < UINT64_C(60000000000));
        CHECK(minicontain_trace_entry_what(trace, i)[0] != '\0');
        CHECK(minicontain_trace_entry_why(trace, i)[0] != '\0');
        if (strcmp(minicontain_trace_entry_syscall(trace, i), "execve") == 0 &&
            minicontain_trace_entry_value(trace, i) == 0) {
            executed++;
            CHECK_STRING(minicontain_trace_entry_side(trace, i), "container");
            CHECK_CONTAINS(minicontain_trace_entry_arguments(trace, i), "/sh\"");
            CHECK_STRING(minicontain_trace_entry_result(trace, i), "0");
            CHECK(minicontain_trace_entry_ns(trace, i) > 0);
        }
    }
    CHECK(executed == 1);
    CHECK(minicontain_trace_setup_ns(trace) > 0);
    CHECK(minicontain_trace_setup_ns(trace) <= minicontain_outcome_wall_ns(minicontain_result_outcome(result)));
    CHECK_STRING(minicontain_trace_entry_syscall(trace, count), "");
    CHECK(minicontain_trace_entry_step(trace, count) == -1);
    CHECK_CONTAINS(json, "\"syscall\":\"execve\"");
    CHECK_CONTAINS(text, "execve(");
    minicontain_string_free(json);
    minicontain_string_free(text);
    minicontain_result_free(result);
}

static void bytes_go_in_and_come_out_as_they_are(void)
{
    const char *const argv[] = {"cat"};
    static char input[3 << 20];
    minicontain_spec *spec = NULL;
    minicontain_result *result = NULL;
    size_t i, len = 0;

    /* More than any pipe holds, with every byte there is. */
    for (i = 0; i < sizeof input; i++)
        input[i] = (char)(i * 31 + i / 256);
    CHECK_OK(minicontain_spec_new(argv, 1, &spec));
    CHECK_OK(minicontain_spec_set_stream(spec, STDOUT_FILENO, MINICONTAIN_STDIO_PIPE));
    CHECK_OK(minicontain_run(spec, input, sizeof input, 20000, &result));
    CHECK(memcmp(minicontain_result_stdout(result, &len), input, sizeof input) == 0);
    CHECK(len == sizeof input);
    CHECK(minicontain_result_stdout(result, NULL)[len] == '\0');
    minicontain_result_free(result);

    /* Input of no bytes is an end at once, not a terminal. */
    CHECK_OK(minicontain_run(spec, "", 0, 20000, &result));
    minicontain_result_stdout(result, &len);
    CHECK(len == 0);
    CHECK(minicontain_outcome_status(minicontain_result_outcome(result)) == 0);
    minicontain_result_free(result);
    minicontain_spec_free(spec);
}

static void both_outputs_can_be_large_at_once(void)
{
    minicontain_result *result =
        run(shell("head -c 1000000 /dev/zero & head -c 1000000 /dev/zero >&2; wait"));
    size_t out = 0, err = 0;

    minicontain_result_stdout(result, &out);
    minicontain_result_stderr(result, &err);
    CHECK(out == 1000000);
    CHECK(err == 1000000);
    minicontain_result_free(result);
}

static void time_runs_out(void)
{
    minicontain_spec *spec = shell("echo begun; sleep 60 & sleep 60");
    minicontain_result *result = NULL;
    const minicontain_outcome *outcome;

    CHECK_OK(minicontain_run(spec, NULL, 0, 300, &result));
    outcome = minicontain_result_outcome(result);
    CHECK(minicontain_outcome_reason(outcome) == MINICONTAIN_REASON_TIMED_OUT);
    CHECK_STRING(minicontain_outcome_reason_name(outcome), "timed_out");
    CHECK(minicontain_outcome_status(outcome) == -1);
    CHECK(minicontain_outcome_signal(outcome) == 9);
    CHECK(minicontain_outcome_wall_ns(outcome) >= UINT64_C(300000000));
    CHECK(minicontain_outcome_wall_ns(outcome) < UINT64_C(20000000000));
    CHECK_STRING(minicontain_result_stdout(result, NULL), "begun\n");
    minicontain_result_free(result);
    minicontain_spec_free(spec);
}

static void streams_go_where_they_are_sent(void)
{
    char path[] = "/tmp/minicontain-c-XXXXXX", text[64] = "";
    int fd = mkstemp(path), pair[2];
    minicontain_spec *spec;

    CHECK(fd >= 0);
    spec = shell("echo one; echo two >&2");
    CHECK_OK(minicontain_spec_set_stream(spec, STDERR_FILENO, MINICONTAIN_STDIO_MERGE));
    CHECK_PRINTS(spec, "one\ntwo\n");

    spec = shell("echo nothing; echo nothing >&2");
    CHECK_OK(minicontain_spec_set_stream(spec, STDOUT_FILENO, MINICONTAIN_STDIO_NULL));
    CHECK_OK(minicontain_spec_set_stream(spec, STDERR_FILENO, MINICONTAIN_STDIO_NULL));
    CHECK_PRINTS(spec, "");

    spec = shell("echo to a file");
    CHECK_OK(minicontain_spec_set_stream_file(spec, STDOUT_FILENO, path));
    CHECK_PRINTS(spec, "");
    CHECK(read(fd, text, sizeof text - 1) == 10);
    CHECK_STRING(text, "to a file\n");

    spec = shell("cat");
    CHECK_OK(minicontain_spec_set_stream_file(spec, STDIN_FILENO, path));
    CHECK_PRINTS(spec, "to a file\n");

    CHECK(pipe(pair) == 0);
    spec = shell("echo to a descriptor");
    CHECK_OK(minicontain_spec_set_stream_fd(spec, STDOUT_FILENO, pair[1]));
    CHECK_PRINTS(spec, "");
    close(pair[1]);
    memset(text, 0, sizeof text);
    CHECK(read(pair[0], text, sizeof text - 1) == 16);
    CHECK_STRING(text, "to a descriptor\n");
    close(pair[0]);
    close(fd);
    unlink(path);
}

static void only_passed_descriptors_arrive(void)
{
    enum { PASSED = 9 };
    int pair[2];
    char text[16] = "";
    minicontain_spec *spec;

    CHECK(pipe(pair) == 0);
    CHECK(dup2(pair[1], PASSED) == PASSED);
    spec = shell("echo passed >&9");
    CHECK_OK(minicontain_spec_pass_fd(spec, PASSED));
    CHECK_PRINTS(spec, "");
    /* 0, 1, 2, and the one by which ls reads the directory. */
    CHECK_PRINTS(shell("ls /proc/self/fd | wc -l"), "4\n");
    close(PASSED);
    close(pair[1]);
    CHECK(read(pair[0], text, sizeof text - 1) == 7);
    CHECK_STRING(text, "passed\n");
    close(pair[0]);
}

static void the_fields_do_what_they_say(void)
{
    minicontain_spec *spec;
    char host[256] = "";

    spec = shell("hostname; cat /proc/sys/kernel/domainname");
    CHECK_OK(minicontain_spec_set_hostname(spec, "box"));
    CHECK_OK(minicontain_spec_set_domainname(spec, "lab"));
    CHECK_PRINTS(spec, "box\nlab\n");

    CHECK(gethostname(host, sizeof host - 2) == 0);
    spec = shell("hostname");
    CHECK_OK(minicontain_spec_set_namespace_host(spec, "uts"));
    CHECK_PRINTS(spec, strcat(host, "\n"));

    setenv("MINICONTAIN_SECRET", "hunter2", 1);
    setenv("MINICONTAIN_SHARED", "yes", 1);
    spec = shell("echo $A$MINICONTAIN_SHARED$MINICONTAIN_SECRET; pwd; umask");
    CHECK_OK(minicontain_spec_set_env(spec, "A", "b"));
    CHECK_OK(minicontain_spec_set_env(spec, "MINICONTAIN_SHARED", NULL));
    CHECK_OK(minicontain_spec_set_cwd(spec, "/usr/bin"));
    CHECK_OK(minicontain_spec_set_umask(spec, 077));
    CHECK_PRINTS(spec, "byes\n/usr/bin\n0077\n");

    spec = shell("ulimit -n; ulimit -Hn; ulimit -c");
    CHECK_OK(minicontain_spec_set_ulimit(spec, "nofile", 32, 64));
    CHECK_OK(minicontain_spec_set_ulimit(spec, "core", 0, 0));
    CHECK_PRINTS(spec, "32\n64\n0\n");

    spec = shell("cat /proc/sys/net/ipv4/ip_forward");
    CHECK_OK(minicontain_spec_set_sysctl(spec, "net.ipv4.ip_forward", "1"));
    CHECK_PRINTS(spec, "1\n");

    spec = shell("grep CapEff /proc/self/status");
    CHECK_OK(minicontain_spec_cap_drop(spec, "ALL"));
    CHECK_OK(minicontain_spec_cap_add(spec, "CAP_CHOWN"));
    CHECK_PRINTS(spec, "CapEff:\t0000000000000001\n");

    spec = shell("stat -f -c %T /mnt; stat -c %a /mnt; test -f /srv/true && echo there; "
                 "touch /srv/x 2>/dev/null || echo refused");
    CHECK_OK(minicontain_spec_add_tmpfs(spec, "/mnt", 1 << 20, 0700));
    CHECK_OK(minicontain_spec_add_volume(spec, "/usr/bin", "/srv", true));
    CHECK_PRINTS(spec, "tmpfs\n700\nthere\nrefused\n");

    spec = shell("ls /home | wc -l; touch /x 2>/dev/null || echo refused; id -u; id -g");
    CHECK_OK(minicontain_spec_set_host_files(spec, "/home", "hidden"));
    CHECK_OK(minicontain_spec_set_read_only(spec, true));
    CHECK_OK(minicontain_spec_set_user(spec, "0:0"));
    CHECK_PRINTS(spec, "0\nrefused\n0\n0\n");

    /* Any other field, by its name. */
    spec = shell("test -e /proc/self || echo no proc");
    CHECK_OK(minicontain_spec_set(spec, "proc", "false"));
    CHECK_PRINTS(spec, "no proc\n");
}

int main(void)
{
    struct belongings before;

    warm_up();
    before = belongings();

    it_says_how_it_ended();
    an_end_by_a_signal_is_none_by_status();
    the_trace_says_what_was_done();
    bytes_go_in_and_come_out_as_they_are();
    both_outputs_can_be_large_at_once();
    time_runs_out();
    streams_go_where_they_are_sent();
    only_passed_descriptors_arrive();
    the_fields_do_what_they_say();
    check_nothing_left(__FILE__, before);
    return check_result();
}
