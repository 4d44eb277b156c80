/* Files into a running container and out of it. */
#include "check.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

/* A container that ran a script, and stays. */
static minicontain_container *start(const char *script)
{
    char command[500], ready[6];
    minicontain_spec *spec;
    minicontain_container *container = NULL;

    snprintf(command, sizeof command, "%s; echo ready; exec sleep 600", script);
    spec = shell(command);
    CHECK_OK(minicontain_container_start(spec, &container));
    minicontain_spec_free(spec);
    CHECK(read(minicontain_container_stream(container, STDOUT_FILENO), ready, 6) == 6);
    return container;
}

/* A program in the container prints this. */
static void check_inside(minicontain_container *container, const char *command, const char *wanted)
{
    minicontain_container *beside = NULL;
    minicontain_spec *spec = shell(command);
    const minicontain_output *output = NULL;

    CHECK_OK(minicontain_container_exec(container, spec, &beside));
    minicontain_spec_free(spec);
    CHECK_OK(minicontain_container_communicate(beside, NULL, 0, 20000, &output));
    CHECK_STRING(minicontain_output_stdout(output, NULL), wanted);
    CHECK_STRING(minicontain_output_stderr(output, NULL), "");
    minicontain_container_free(beside);
}

static void check_content(const char *path, const char *wanted)
{
    char content[100] = "";
    FILE *file = fopen(path, "r");

    CHECK(file != NULL);
    if (file == NULL)
        return;
    CHECK(fread(content, 1, sizeof content - 1, file) == strlen(wanted));
    CHECK_STRING(content, wanted);
    fclose(file);
}

static void a_file_goes_in_and_comes_out(void)
{
    minicontain_container *container = start("true");
    minicontain_bytes *bytes = NULL;
    size_t len = 99;

    CHECK_OK(minicontain_container_put(container, "/tmp/in", "data\0more", 9, 0640));
    check_inside(container, "stat -c '%u %g %a %s' /tmp/in; echo changed >> /tmp/in", "0 0 640 9\n");
    CHECK_OK(minicontain_container_get(container, "/tmp/in", &bytes));
    CHECK(memcmp(minicontain_bytes_data(bytes, &len), "data\0morechanged\n", 18) == 0);
    CHECK(len == 17);
    minicontain_bytes_free(bytes);

    CHECK_OK(minicontain_container_put(container, "/tmp/in", NULL, 0, 0600));
    CHECK_OK(minicontain_container_get(container, "/tmp/in", &bytes));
    CHECK_STRING(minicontain_bytes_data(bytes, &len), "");
    CHECK(len == 0);
    CHECK_STRING(minicontain_bytes_data(bytes, NULL), "");
    minicontain_bytes_free(bytes);
    minicontain_container_free(container);
}

static void a_tree_goes_in_and_comes_out(void)
{
    char directory[] = "/tmp/minicontain-c-XXXXXX", target[20] = "";
    minicontain_container *container = start("true");
    FILE *file;

    CHECK(mkdtemp(directory) != NULL && chdir(directory) == 0);
    CHECK(mkdir("in", 0755) == 0);
    CHECK(symlink("file", "in/link") == 0);
    file = fopen("in/file", "w");
    CHECK(file != NULL && fputs("in a tree\n", file) >= 0 && fclose(file) == 0);
    CHECK(chmod("in/file", 0604) == 0);

    CHECK_OK(minicontain_container_put_tree(container, "in", "/tmp/tree"));
    check_inside(container, "cat /tmp/tree/link; stat -c '%u %a' /tmp/tree/file; echo new > /tmp/tree/new",
                 "in a tree\n0 604\n");
    CHECK_OK(minicontain_container_get_tree(container, "/tmp/tree", "out"));
    minicontain_container_free(container);

    CHECK(readlink("out/link", target, sizeof target - 1) == 4);
    CHECK_STRING(target, "file");
    check_content("out/file", "in a tree\n");
    check_content("out/new", "new\n");
    CHECK(unlink("out/link") == 0 && unlink("out/file") == 0 && unlink("out/new") == 0 && rmdir("out") == 0);
    CHECK(unlink("in/link") == 0 && unlink("in/file") == 0 && rmdir("in") == 0);
    CHECK(chdir("/") == 0 && rmdir(directory) == 0);
}

static void a_link_never_leads_to_the_hosts_files(void)
{
    char secret[] = "/tmp/minicontain-c-XXXXXX", script[200];
    minicontain_container *container;
    minicontain_bytes *bytes = (minicontain_bytes *)secret;
    int fd = mkstemp(secret);

    CHECK(fd >= 0 && write(fd, "the host's\n", 11) == 11 && close(fd) == 0);
    snprintf(script, sizeof script, "ln -s %s /tmp/link; ln -s ../../../../../..%s /tmp/up", secret, secret);
    container = start(script);
    CHECK_ERROR(minicontain_container_get(container, "/tmp/link", &bytes), MINICONTAIN_CODE_IO);
    CHECK(bytes == NULL);
    CHECK_ERROR(minicontain_container_get(container, "/tmp/up", &bytes), MINICONTAIN_CODE_IO);
    CHECK_OK(minicontain_container_put(container, "/tmp/up", "inside", 6, 0600));
    check_inside(container, "cat /tmp/link", "inside");
    check_content(secret, "the host's\n");
    CHECK(unlink(secret) == 0);
    minicontain_container_free(container);
}

static void what_cannot_be_is_told(void)
{
    minicontain_container *container = start("mkfifo /tmp/pipe");
    const minicontain_outcome *outcome = NULL;
    minicontain_bytes *bytes = NULL;
    minicontain_error *error;

    error = minicontain_container_put(container, "/no/such/directory", "x", 1, 0644);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_IO);
    CHECK(minicontain_error_errno(error) == ENOENT);
    CHECK_STRING(minicontain_error_path(error), "/no/such/directory");
    minicontain_error_free(error);
    CHECK_ERROR(minicontain_container_get(container, "/no/such/file", &bytes), MINICONTAIN_CODE_IO);
    CHECK_ERROR(minicontain_container_get(container, "/tmp/pipe", &bytes), MINICONTAIN_CODE_IO);
    CHECK_ERROR(minicontain_container_get(container, "/tmp", &bytes), MINICONTAIN_CODE_IO);
    CHECK(bytes == NULL);
    CHECK_ERROR(minicontain_container_put_tree(container, "/no/such/tree", "/tmp/x"), MINICONTAIN_CODE_IO);
    CHECK_ERROR(minicontain_container_get_tree(container, "/no/such/tree", "/tmp/x"), MINICONTAIN_CODE_IO);

    CHECK_ERROR(minicontain_container_put(container, NULL, "x", 1, 0644), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_container_put(container, "/tmp/x", NULL, 1, 0644), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_container_put(NULL, "/tmp/x", "x", 1, 0644), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_container_get(container, NULL, &bytes), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_container_get(container, "/tmp/x", NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_container_get(container, "\xff", &bytes), MINICONTAIN_FACE_CODE_NOT_UTF8);
    CHECK_ERROR(minicontain_container_put_tree(container, NULL, "/tmp/x"), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_container_get_tree(container, "/tmp/x", NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_STRING(minicontain_bytes_data(NULL, NULL), "");
    minicontain_bytes_free(NULL);

    CHECK_OK(minicontain_container_kill(container));
    CHECK_OK(minicontain_container_wait(container, 20000, &outcome));
    CHECK_ERROR(minicontain_container_put(container, "/tmp/x", "x", 1, 0644), MINICONTAIN_CODE_ENDED);
    CHECK_ERROR(minicontain_container_get(container, "/tmp/x", &bytes), MINICONTAIN_CODE_ENDED);
    CHECK(bytes == NULL);
    minicontain_container_free(container);
}

int main(void)
{
    struct belongings before;

    warm_up();
    before = belongings();

    a_file_goes_in_and_comes_out();
    a_tree_goes_in_and_comes_out();
    a_link_never_leads_to_the_hosts_files();
    what_cannot_be_is_told();
    check_nothing_left(__FILE__, before);
    return check_result();
}
