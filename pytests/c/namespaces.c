/* Namespaces as objects: looked at, made, joined by a container; copies that begin in new ones. Nobody needs root. */
#include "namespaces.h"
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

static void own_ones_are_those_of_proc(void)
{
    minicontain_namespaces *all = NULL;
    size_t i, count;

    CHECK_OK(minicontain_namespaces_of(0, &all));
    count = minicontain_namespaces_count(all);
    CHECK(count >= 7 && count <= 8);
    for (i = 0; i < count; i++) {
        const minicontain_namespace *one = minicontain_namespaces_at(all, i);
        minicontain_namespace *same = of(getpid(), minicontain_namespace_kind(one)), *opened = NULL;
        char path[64], link[64] = "";
        int fd;

        snprintf(path, sizeof path, "/proc/self/ns/%s", minicontain_namespace_kind(one));
        CHECK(readlink(path, link, sizeof link - 1) > 0);
        CHECK_STRING(text_of(one), link);
        CHECK_STRING(minicontain_namespace_name(one), "");
        CHECK(minicontain_namespace_equal(one, same) && minicontain_namespaces_contain(all, same));
        minicontain_namespace_free(same);
        CHECK_OK(minicontain_namespace_open(path, &opened));
        CHECK(minicontain_namespace_equal(opened, one));
        minicontain_namespace_free(opened);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        CHECK_OK(minicontain_namespace_from_fd(fd, &opened));
        CHECK(close(fd) == 0);
        CHECK(minicontain_namespace_fd(opened) >= 0 && within(opened));
        CHECK(fcntl(minicontain_namespace_fd(opened), F_GETFD) == FD_CLOEXEC);
        minicontain_namespace_free(opened);
    }
    CHECK(minicontain_namespaces_at(all, count) == NULL);
    CHECK(!minicontain_namespaces_contain(all, NULL));
    minicontain_namespaces_free(all);
}

static void what_cannot_be_is_told(void)
{
    minicontain_namespace *ns = (minicontain_namespace *)&ns;
    minicontain_namespaces *all = (minicontain_namespaces *)&all;
    minicontain_error *error = minicontain_namespace_of(0, "nut", &ns);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), number = 7;
    uint32_t uid = 7;

    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_INVALID_SPEC && ns == NULL);
    CHECK_STRING(minicontain_error_fault_field(error, 0), "kind");
    CHECK_CONTAINS(minicontain_error_message(error), " uts,");
    minicontain_error_free(error);
    CHECK_ERROR(minicontain_namespace_of(INT_MAX, "net", &ns), MINICONTAIN_CODE_NAMESPACE_NOT_FOUND);
    CHECK_ERROR(minicontain_namespaces_of(INT_MAX, &all), MINICONTAIN_CODE_NAMESPACE_NOT_FOUND);
    CHECK(all == NULL);
    CHECK_ERROR(minicontain_namespace_open("/dev/null", &ns), MINICONTAIN_CODE_NAMESPACE_NOT_FOUND);
    CHECK_ERROR(minicontain_namespace_open("/no/such", &ns), MINICONTAIN_CODE_NAMESPACE_NOT_FOUND);
    CHECK_ERROR(minicontain_namespace_from_fd(fd, &ns), MINICONTAIN_CODE_NAMESPACE_NOT_FOUND);
    CHECK_ERROR(minicontain_setns(fd, 0), MINICONTAIN_CODE_NAMESPACE_NOT_FOUND);
    close(fd);
    CHECK_ERROR(minicontain_namespace_from_fd(fd, &ns), MINICONTAIN_CODE_NAMESPACE_NOT_FOUND);
    CHECK_ERROR(minicontain_namespace_from_fd(-1, &ns), MINICONTAIN_CODE_NAMESPACE_NOT_FOUND);
    CHECK_ERROR(minicontain_setns(-1, 0), MINICONTAIN_CODE_NAMESPACE_NOT_FOUND);
    CHECK_ERROR(minicontain_namespace_open_named("net", "../x", &ns), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_ERROR(minicontain_namespace_open_named("net", "no-such-name", &ns), MINICONTAIN_CODE_NAMESPACE_NOT_FOUND);
    CHECK_ERROR(minicontain_clone(NULL, NULL, 0, NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);

    CHECK_ERROR(minicontain_namespace_of(0, NULL, &ns), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_namespace_of(0, "net", NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_namespace_parent(NULL, &ns), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_namespace_owner_uid(NULL, &uid), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK(uid == UINT32_MAX);
    CHECK_ERROR(minicontain_namespace_socket(NULL, AF_INET, SOCK_STREAM, 0, &number), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK(number == -1);
    CHECK_ERROR(minicontain_inside_leave(NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_child_wait(NULL, &number), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK(minicontain_namespace_id(NULL) == 0 && minicontain_namespace_fd(NULL) == -1);
    CHECK(!minicontain_namespace_equal(NULL, NULL) && !minicontain_namespaces_contain(NULL, NULL));
    CHECK(minicontain_child_pid(NULL) == -1 && minicontain_child_pidfd(NULL) == -1);
    minicontain_namespace_free(NULL);
    minicontain_namespaces_free(NULL);
    minicontain_inside_free(NULL);
    minicontain_child_free(NULL);
}

static int never(void *called)
{
    *(int *)called = 1;
    return 0;
}

static void a_user_namespace_owns_others(void)
{
    minicontain_namespace *own = of(0, "user"), *user = make("user", NULL), *net = make("net", user);
    minicontain_namespace *found = (minicontain_namespace *)&found;
    minicontain_inside *inside = (minicontain_inside *)&inside;
    minicontain_error *error;
    uint32_t uid = 0;
    int called = 0, result = 7;

    CHECK_OK(minicontain_namespace_parent(own, &found));
    CHECK(found == NULL);
    CHECK_OK(minicontain_namespace_parent(user, &found));
    CHECK(minicontain_namespace_equal(found, own));
    minicontain_namespace_free(found);
    CHECK_OK(minicontain_namespace_owner(net, &found));
    CHECK(minicontain_namespace_equal(found, user));
    minicontain_namespace_free(found);
    CHECK_OK(minicontain_namespace_owner_uid(user, &uid));
    CHECK(uid == geteuid());
    CHECK_ERROR(minicontain_namespace_owner_uid(net, &uid), MINICONTAIN_CODE_NOT_SUPPORTED);
    CHECK_ERROR(minicontain_namespace_parent(net, &found), MINICONTAIN_CODE_NOT_SUPPORTED);
    CHECK_ERROR(minicontain_namespace_create_in("uts", net, &found), MINICONTAIN_CODE_INVALID_SPEC);
    error = minicontain_namespace_create_in("pid", user, &found);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_NOT_SUPPORTED && found == NULL);
    CHECK_CONTAINS(minicontain_error_hint(error), "first process");
    minicontain_error_free(error);

    /* Nobody comes back out of one. */
    CHECK_ERROR(minicontain_namespace_enter(user, &inside), MINICONTAIN_CODE_NOT_SUPPORTED);
    CHECK(inside == NULL);
    CHECK_ERROR(minicontain_namespace_call(user, never, &called, &result), MINICONTAIN_CODE_NOT_SUPPORTED);
    CHECK(called == 0 && result == -1);
    CHECK_ERROR(minicontain_namespace_remove(net), MINICONTAIN_CODE_NAMESPACE_NOT_FOUND);
    minicontain_namespace_free(own);
    minicontain_namespace_free(user);
    minicontain_namespace_free(net);
}

static void a_socket_is_where_it_was_made(void)
{
    minicontain_namespace *user = make("user", NULL), *net = make("net", user);
    struct sockaddr_in somebody;
    int inside = -1;

    memset(&somebody, 0, sizeof somebody);
    somebody.sin_family = AF_INET;
    somebody.sin_port = htons(9);
    somebody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_OK(minicontain_namespace_socket(net, AF_INET, SOCK_STREAM, 0, &inside));
    CHECK(fcntl(inside, F_GETFD) == FD_CLOEXEC);
    /* The loopback of a new network is down. */
    CHECK(connect(inside, (struct sockaddr *)&somebody, sizeof somebody) == -1 && errno == ENETUNREACH);
    close(inside);
    CHECK_ERROR(minicontain_namespace_socket(user, AF_INET, SOCK_STREAM, 0, &inside), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK(inside == -1);
    minicontain_namespace_free(user);
    minicontain_namespace_free(net);
}

/* What a copy is told. */
struct caller {
    uid_t uid;
    gid_t gid;
};

static int be_root(void *arg)
{
    const struct caller *caller = arg;
    minicontain_error *error = minicontain_map_root(caller->uid, caller->gid);

    return error == NULL && geteuid() == 0 && getpid() == 1 && sethostname("copy", 4) == 0 ? 42 : 1;
}

static int sleep_on(void *unused)
{
    (void)unused;
    return pause();
}

static void a_copy_begins_in_new_namespaces(void)
{
    struct caller caller;
    minicontain_child *child = (minicontain_child *)&child;
    char before[80] = "", after[80] = "";
    int status = 0;

    caller.uid = geteuid();
    caller.gid = getegid();
    CHECK(gethostname(before, sizeof before) == 0);
    CHECK_OK(minicontain_clone(be_root, &caller, CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWPID, &child));
    CHECK_OK(minicontain_child_wait(child, &status));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    status = 0;
    CHECK_OK(minicontain_child_try_wait(child, &status));
    CHECK_OK(minicontain_child_wait(child, &status));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    CHECK_ERROR(minicontain_child_send_signal(child, SIGTERM), MINICONTAIN_CODE_ENDED);
    CHECK(gethostname(after, sizeof after) == 0);
    CHECK_STRING(after, before);
    minicontain_child_free(child);
    CHECK_ERROR(minicontain_clone(never, NULL, CLONE_VM, &child), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK(child == NULL);
}

static void *killed(void *child)
{
    int status = 0;
    CHECK_OK(minicontain_child_wait(child, &status));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return NULL;
}

static void a_copy_is_looked_at_killed_and_waited_for(void)
{
    minicontain_child *child = NULL;
    minicontain_namespaces *own = NULL, *theirs = NULL;
    pthread_t waiters[4];
    struct pollfd ended;
    size_t i;
    int status = 0;

    CHECK_OK(minicontain_clone(sleep_on, NULL, CLONE_NEWUSER | CLONE_NEWNET, &child));
    CHECK_OK(minicontain_child_try_wait(child, &status));
    CHECK(status == -1 && minicontain_child_pid(child) > 1);
    CHECK_OK(minicontain_namespaces_of(0, &own));
    CHECK_OK(minicontain_namespaces_of(minicontain_child_pid(child), &theirs));
    for (i = 0; i < minicontain_namespaces_count(theirs); i++) {
        const minicontain_namespace *one = minicontain_namespaces_at(theirs, i);
        const char *kind = minicontain_namespace_kind(one);
        bool other = strcmp(kind, "user") == 0 || strcmp(kind, "net") == 0;
        CHECK(minicontain_namespaces_contain(own, one) != other);
    }
    minicontain_namespaces_free(own);
    minicontain_namespaces_free(theirs);

    for (i = 0; i < 4; i++)
        CHECK(pthread_create(&waiters[i], NULL, killed, child) == 0);
    CHECK_ERROR(minicontain_child_send_signal(child, 1000), MINICONTAIN_CODE_IO);
    ended.fd = minicontain_child_pidfd(child);
    ended.events = POLLIN;
    CHECK(poll(&ended, 1, 0) == 0);
    CHECK_OK(minicontain_child_send_signal(child, SIGKILL));
    CHECK(poll(&ended, 1, 20000) == 1);
    for (i = 0; i < 4; i++)
        CHECK(pthread_join(waiters[i], NULL) == 0);
    minicontain_child_free(child);

    /* Somebody else may have reaped it, or does when nobody holds it any more. */
    CHECK_OK(minicontain_clone(sleep_on, NULL, 0, &child));
    CHECK_OK(minicontain_child_send_signal(child, SIGTERM));
    CHECK(waitpid(minicontain_child_pid(child), &status, 0) > 0 && WTERMSIG(status) == SIGTERM);
    minicontain_child_free(child);
}

static void a_container_joins_a_handle(void)
{
    minicontain_namespace *user = make("user", NULL), *net = make("net", user);
    minicontain_spec *spec = shell("readlink /proc/self/ns/net | tr -d '\\n'");

    CHECK_OK(minicontain_spec_set_namespace_fd(spec, "user", minicontain_namespace_fd(user)));
    CHECK_OK(minicontain_spec_set_namespace_fd(spec, "net", minicontain_namespace_fd(net)));
    CHECK_PRINTS(spec, text_of(net));
    minicontain_namespace_free(user);
    minicontain_namespace_free(net);
}

int main(void)
{
    struct belongings before;

    warm_up();
    before = belongings();

    own_ones_are_those_of_proc();
    what_cannot_be_is_told();
    a_user_namespace_owns_others();
    a_socket_is_where_it_was_made();
    a_copy_begins_in_new_namespaces();
    a_copy_is_looked_at_killed_and_waited_for();
    a_container_joins_a_handle();
    settle(before);
    check_nothing_left(__FILE__, before);
    return check_result();
}
