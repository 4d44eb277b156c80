/* What the C tests share: checks that say what failed and where, and a look at what a test left behind. */
#ifndef CHECK_H
#define CHECK_H

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <minicontain.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int check_failures;

static inline void check_report(const char *file, int line, const char *what, const char *found)
{
    printf("%s:%d: %s%s%s\n", file, line, what, found ? ": found " : "", found ? found : "");
    fflush(stdout);
    check_failures++;
}

/* The condition holds. */
#define CHECK(condition) ((condition) ? (void)0 : check_report(__FILE__, __LINE__, #condition, NULL))

/* Two strings are equal. */
#define CHECK_STRING(found, wanted)                                                                          \
    do {                                                                                                     \
        const char *check_found = (found);                                                                   \
        if (check_found == NULL || strcmp(check_found, (wanted)) != 0)                                       \
            check_report(__FILE__, __LINE__, #found " is " #wanted, check_found ? check_found : "NULL");     \
    } while (0)

/* A string is somewhere in another. */
#define CHECK_CONTAINS(found, wanted)                                                                        \
    do {                                                                                                     \
        const char *check_found = (found);                                                                   \
        if (check_found == NULL || strstr(check_found, (wanted)) == NULL)                                    \
            check_report(__FILE__, __LINE__, #found " contains " #wanted, check_found ? check_found : "NULL"); \
    } while (0)

/* A call succeeds. */
#define CHECK_OK(call)                                                                                       \
    do {                                                                                                     \
        minicontain_error *check_error = (call);                                                             \
        if (check_error != NULL)                                                                             \
            check_report(__FILE__, __LINE__, #call " succeeds", minicontain_error_message(check_error));     \
        minicontain_error_free(check_error);                                                                 \
    } while (0)

/* A call fails with this code. */
#define CHECK_ERROR(call, code)                                                                              \
    do {                                                                                                     \
        minicontain_error *check_error = (call);                                                             \
        if (minicontain_error_code(check_error) != (int32_t)(code))                                          \
            check_report(__FILE__, __LINE__, #call " fails with " #code, minicontain_error_message(check_error)); \
        minicontain_error_free(check_error);                                                                 \
    } while (0)

/* A spec for a shell command, with standard output and error as pipes. */
static inline minicontain_spec *shell(const char *command)
{
    const char *argv[] = {"sh", "-c", NULL};
    minicontain_spec *spec = NULL;
    argv[2] = command;
    CHECK_OK(minicontain_spec_new(argv, 3, &spec));
    CHECK_OK(minicontain_spec_set_stream(spec, STDIN_FILENO, MINICONTAIN_STDIO_NULL));
    CHECK_OK(minicontain_spec_set_stream(spec, STDOUT_FILENO, MINICONTAIN_STDIO_PIPE));
    CHECK_OK(minicontain_spec_set_stream(spec, STDERR_FILENO, MINICONTAIN_STDIO_PIPE));
    return spec;
}

/* Runs a spec to its end, and frees it. */
static inline minicontain_result *run(minicontain_spec *spec)
{
    minicontain_result *result = NULL;
    CHECK_OK(minicontain_run(spec, NULL, 0, 20000, &result));
    minicontain_spec_free(spec);
    return result;
}

/* What a spec prints, for the caller to free; the spec is freed. */
static inline char *output(minicontain_spec *spec)
{
    minicontain_result *result = run(spec);
    char *text = strdup(minicontain_result_stdout(result, NULL));
    if (minicontain_result_stderr(result, NULL)[0] != '\0')
        check_report(__FILE__, __LINE__, "nothing on standard error", minicontain_result_stderr(result, NULL));
    minicontain_result_free(result);
    return text;
}

/* A spec prints this. */
#define CHECK_PRINTS(spec, wanted)                                                                           \
    do {                                                                                                     \
        char *check_text = output(spec);                                                                     \
        CHECK_STRING(check_text, wanted);                                                                    \
        free(check_text);                                                                                    \
    } while (0)

static inline int check_count(const char *directory)
{
    DIR *entries = opendir(directory);
    int count = 0;
    while (entries != NULL && readdir(entries) != NULL)
        count++;
    if (entries != NULL)
        closedir(entries);
    return count;
}

static inline int check_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    int c, count = 0;
    while (file != NULL && (c = getc(file)) != EOF)
        count += c == '\n';
    if (file != NULL)
        fclose(file);
    return count;
}

/* The library keeps two descriptors: of the table of mounts from the first plan or cgroup on, of init from the
 * first container. */
static inline void warm_up(void)
{
    minicontain_result_free(run(shell("true")));
}

/* What this process has: descriptors, threads and mounts. */
struct belongings {
    int descriptors, threads, mounts;
};

static inline struct belongings belongings(void)
{
    struct belongings now;
    now.descriptors = check_count("/proc/self/fd");
    now.threads = check_count("/proc/self/task");
    now.mounts = check_lines("/proc/self/mountinfo");
    return now;
}

/* Nothing is left of what was made since, and no child. */
static inline void check_nothing_left(const char *where, struct belongings before)
{
    struct belongings now = belongings();
    char found[200];
    int child = waitpid(-1, NULL, WNOHANG | __WALL);
    int childless = child < 0 && errno == ECHILD;

    if (childless && now.descriptors == before.descriptors && now.threads == before.threads &&
        now.mounts == before.mounts)
        return;
    snprintf(found, sizeof found, "%d descriptors (%d before), %d threads (%d), %d mounts (%d), %s",
             now.descriptors, before.descriptors, now.threads, before.threads, now.mounts, before.mounts,
             childless ? "no child" : "a child");
    check_report(where, 0, "nothing is left", found);
}

/* The test's exit status. */
static inline int check_result(void)
{
    if (check_failures > 0)
        printf("%d checks failed\n", check_failures);
    return check_failures > 0;
}

#endif
