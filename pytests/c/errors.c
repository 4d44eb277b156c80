/* Errors for people: each its own code, with the step, the system call, errno, path and hint; and nothing left. */
#include "check.h"
#include <sys/stat.h>

/* Runs a spec that cannot be started, frees it, and gives the error. */
static minicontain_error *failing(minicontain_spec *spec)
{
    minicontain_result *result = NULL;
    minicontain_error *error = minicontain_run(spec, NULL, 0, 20000, &result);
    CHECK(result == NULL);
    CHECK(error != NULL);
    minicontain_spec_free(spec);
    return error;
}

static minicontain_spec *program(const char *path)
{
    minicontain_spec *spec = NULL;
    CHECK_OK(minicontain_spec_new(&path, 1, &spec));
    return spec;
}

static void a_program_that_is_not_there(void)
{
    minicontain_error *error = failing(program("/no/such/program"));

    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_PROGRAM_NOT_FOUND);
    CHECK_STRING(minicontain_error_code_name(error), "program_not_found");
    CHECK(minicontain_error_step_index(error) > 0);
    CHECK(minicontain_error_step(error)[0] != '\0');
    CHECK_STRING(minicontain_error_syscall(error), "execve");
    CHECK_CONTAINS(minicontain_error_arguments(error), "\"/no/such/program\"");
    CHECK(minicontain_error_errno(error) == ENOENT);
    CHECK_STRING(minicontain_error_errno_name(error), "ENOENT");
    CHECK_STRING(minicontain_error_path(error), "/no/such/program");
    CHECK_CONTAINS(minicontain_error_hint(error), "/no/such/program");
    CHECK_CONTAINS(minicontain_error_message(error), "ENOENT");
    CHECK(minicontain_error_fault_count(error) == 0);
    minicontain_error_free(error);

    error = failing(program("no-such-program"));
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_PROGRAM_NOT_FOUND);
    CHECK_CONTAINS(minicontain_error_hint(error), "PATH");
    minicontain_error_free(error);
}

/* A file of the host with these contents and this mode, seen inside under /srv/file. */
static minicontain_error *executing(const char *contents, size_t len, mode_t mode)
{
    char path[] = "/tmp/minicontain-c-XXXXXX";
    int fd = mkstemp(path);
    minicontain_spec *spec = program("/srv/file");
    minicontain_error *error;
    char directory[] = "/tmp/minicontain-d-XXXXXX", file[64];

    CHECK(fd >= 0 && write(fd, contents, len) == (ssize_t)len);
    CHECK(mkdtemp(directory) != NULL && chmod(directory, 0755) == 0);
    snprintf(file, sizeof file, "%s/file", directory);
    CHECK(fchmod(fd, mode) == 0 && close(fd) == 0 && rename(path, file) == 0);
    CHECK_OK(minicontain_spec_add_volume(spec, directory, "/srv", true));
    error = failing(spec);
    unlink(file);
    rmdir(directory);
    return error;
}

static void a_program_that_cannot_be_executed(void)
{
    char elf[64] = "\x7f" "ELF\x02\x01\x01";
    minicontain_error *error = executing("#!/bin/sh\n", 10, 0644);

    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_PROGRAM_NOT_EXECUTABLE);
    CHECK(minicontain_error_errno(error) == EACCES);
    minicontain_error_free(error);

    error = executing("#!/no/interpreter\n", 18, 0755);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_INTERPRETER_NOT_FOUND);
    CHECK_CONTAINS(minicontain_error_hint(error), "/no/interpreter");
    minicontain_error_free(error);

    error = executing("neither\n", 8, 0755);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_WRONG_FORMAT);
    minicontain_error_free(error);

    /* An executable for s390. */
    elf[16] = 2;
    elf[18] = 22;
    error = executing(elf, sizeof elf, 0755);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_WRONG_FORMAT);
    CHECK_CONTAINS(minicontain_error_hint(error), "s390");
    minicontain_error_free(error);
}

static void places_that_are_not_there(void)
{
    minicontain_spec *spec = shell("true");
    minicontain_error *error;

    CHECK_OK(minicontain_spec_set_cwd(spec, "/no/such/place"));
    error = failing(spec);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_CWD_NOT_FOUND);
    CHECK_STRING(minicontain_error_syscall(error), "chdir");
    CHECK_STRING(minicontain_error_path(error), "/no/such/place");
    minicontain_error_free(error);

    spec = shell("true");
    CHECK_OK(minicontain_spec_add_volume(spec, "/no/such/volume", "/srv", false));
    error = failing(spec);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_SOURCE_NOT_FOUND);
    CHECK_CONTAINS(minicontain_error_message(error), "/no/such/volume");
    minicontain_error_free(error);

    spec = shell("true");
    CHECK_OK(minicontain_spec_set_rootfs(spec, "/no/such/root"));
    error = failing(spec);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_SOURCE_NOT_FOUND);
    minicontain_error_free(error);

    spec = shell("true");
    CHECK_OK(minicontain_spec_set_namespace_path(spec, "net", "/no/such/namespace"));
    CHECK(minicontain_error_code(error = failing(spec)) != 0);
    minicontain_error_free(error);

    spec = shell("true");
    CHECK_OK(minicontain_spec_set_stream_fd(spec, STDOUT_FILENO, 1000));
    error = failing(spec);
    CHECK(minicontain_error_errno(error) == EBADF);
    minicontain_error_free(error);
}

static void a_failed_start_brings_its_trace(void)
{
    minicontain_spec *spec = program("/no/such/program");
    minicontain_container *container = NULL;
    minicontain_error *error = minicontain_container_start(spec, &container);
    const minicontain_trace *trace = minicontain_error_trace(error);
    size_t i, failed = 0;

    CHECK(container == NULL);
    for (i = 0; i < minicontain_trace_count(trace); i++) {
        if (minicontain_trace_entry_step(trace, i) == minicontain_error_step_index(error)) {
            failed++;
            CHECK_STRING(minicontain_trace_entry_result(trace, i), "-1 ENOENT");
            CHECK(minicontain_trace_entry_value(trace, i) == -ENOENT);
        }
    }
    CHECK(failed == 1);
    minicontain_error_free(error);
    minicontain_spec_free(spec);
}

static void too_much_is_said_beforehand(void)
{
    const char *argv[64];
    char *large = malloc(128 * 1024);
    minicontain_spec *spec = NULL;
    size_t i;

    memset(large, 'x', 128 * 1024 - 2);
    large[128 * 1024 - 2] = '\0';
    for (i = 0; i < 64; i++)
        argv[i] = large;
    argv[0] = "true";
    CHECK_OK(minicontain_spec_new(argv, 64, &spec));
    CHECK_ERROR(failing(spec), MINICONTAIN_CODE_ARGUMENTS_TOO_LONG);
    free(large);
}

int main(void)
{
    struct belongings before;

    warm_up();
    before = belongings();

    a_program_that_is_not_there();
    a_program_that_cannot_be_executed();
    places_that_are_not_there();
    a_failed_start_brings_its_trace();
    too_much_is_said_beforehand();
    check_nothing_left(__FILE__, before);
    return check_result();
}
