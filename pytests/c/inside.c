/* Threads that go into namespaces and come back, and names that keep them: what root may, and what others are told. */
#include "namespaces.h"
#include <signal.h>
#include <sys/mount.h>

/* A name that no other run of the tests has. */
static const char *own_name(void)
{
    static char name[64];
    snprintf(name, sizeof name, "minicontain-c-%d", (int)getpid());
    return name;
}

static void an_ordinary_user_is_told_what_works(void)
{
    minicontain_namespace *net = NULL;
    minicontain_error *error = minicontain_unshare(CLONE_NEWUTS);

    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_PERMISSION_DENIED);
    CHECK(minicontain_error_errno(error) == EPERM);
    CHECK_CONTAINS(minicontain_error_message(error), "unshare(CLONE_NEWUTS)");
    CHECK_CONTAINS(minicontain_error_hint(error), "CLONE_NEWUSER");
    minicontain_error_free(error);
    error = minicontain_namespace_create("net", &net);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_PERMISSION_DENIED);
    CHECK_CONTAINS(minicontain_error_message(error), "unshare(CLONE_NEWNET) = EPERM");
    CHECK_CONTAINS(minicontain_error_hint(error), "make a user namespace first");
    minicontain_error_free(error);
    CHECK_ERROR(minicontain_namespace_create_named("uts", "mc-c-test", &net), MINICONTAIN_CODE_PERMISSION_DENIED);
    CHECK_ERROR(minicontain_namespace_of(1, "net", &net), MINICONTAIN_CODE_PERMISSION_DENIED);
    CHECK(net == NULL);
}

/* What root may */

static void *leave_elsewhere(void *inside)
{
    minicontain_error *error = minicontain_inside_leave(inside);
    CHECK(minicontain_error_code(error) == MINICONTAIN_FACE_CODE_WRONG_THREAD);
    CHECK_STRING(minicontain_error_code_name(error), "wrong_thread");
    CHECK_CONTAINS(minicontain_error_message(error), "another thread");
    minicontain_error_free(error);
    return NULL;
}

static void a_thread_goes_in_and_comes_back(const char *kind)
{
    minicontain_namespace *before = of(0, kind), *ns = make(kind, NULL);
    minicontain_inside *inside = NULL;

    CHECK_OK(minicontain_namespace_enter(ns, &inside));
    CHECK(within(ns));
    in_a_thread(leave_elsewhere, inside);
    CHECK(within(ns));
    CHECK_OK(minicontain_inside_leave(inside));
    CHECK(within(before));
    CHECK_OK(minicontain_inside_leave(inside));
    minicontain_inside_free(inside);
    CHECK(within(before));

    CHECK_OK(minicontain_namespace_enter(ns, &inside));
    minicontain_inside_free(inside);
    CHECK(within(before));
    minicontain_namespace_free(ns);
    minicontain_namespace_free(before);
}

static void a_mount_namespace_gives_the_directory_back(void)
{
    minicontain_namespace *mounts = make("mnt", NULL);
    minicontain_inside *inside = NULL;
    char place[256] = "";

    /* No other thread shares this one's root. */
    CHECK(chdir("/usr") == 0);
    CHECK_OK(minicontain_namespace_enter(mounts, &inside));
    CHECK(within(mounts));
    CHECK_OK(minicontain_inside_leave(inside));
    CHECK(!within(mounts));
    CHECK_STRING(getcwd(place, sizeof place), "/usr");
    CHECK(chdir("/") == 0);
    minicontain_inside_free(inside);
    minicontain_namespace_free(mounts);
}

/* A thread that enters, and its handle, which another one frees. */
struct stay {
    minicontain_namespace *ns;
    minicontain_inside *inside;
    pthread_barrier_t barrier;
};

static void *go_in(void *arg)
{
    struct stay *stay = arg;

    CHECK_OK(minicontain_namespace_enter(stay->ns, &stay->inside));
    pthread_barrier_wait(&stay->barrier);
    pthread_barrier_wait(&stay->barrier);
    CHECK(within(stay->ns));
    return NULL;
}

static void what_another_thread_frees_moves_nobody(void)
{
    minicontain_namespace *other = make("uts", NULL);
    minicontain_inside *inside = NULL;
    struct stay stay;
    pthread_t thread;

    stay.ns = make("uts", NULL);
    stay.inside = NULL;
    CHECK(pthread_barrier_init(&stay.barrier, NULL, 2) == 0);
    CHECK(pthread_create(&thread, NULL, go_in, &stay) == 0);
    pthread_barrier_wait(&stay.barrier);
    /* Neither to where that thread is, nor to where it came from. */
    CHECK_OK(minicontain_namespace_enter(other, &inside));
    minicontain_inside_free(stay.inside);
    CHECK(within(other));
    minicontain_inside_free(inside);
    pthread_barrier_wait(&stay.barrier);
    CHECK(pthread_join(thread, NULL) == 0);
    pthread_barrier_destroy(&stay.barrier);
    minicontain_namespace_free(stay.ns);
    minicontain_namespace_free(other);
}

enum { THREADS = 8, TIMES = 50 };

static void *go_in_and_out(void *unused)
{
    minicontain_namespace *ns = make("net", NULL);
    int i;

    (void)unused;
    for (i = 0; i < TIMES; i++) {
        minicontain_inside *inside = NULL;
        CHECK_OK(minicontain_namespace_enter(ns, &inside));
        CHECK(within(ns));
        CHECK_OK(minicontain_inside_leave(inside));
        CHECK(!within(ns));
        minicontain_inside_free(inside);
    }
    minicontain_namespace_free(ns);
    return NULL;
}

static void many_threads_are_each_in_their_own(void)
{
    pthread_t threads[THREADS];
    size_t i;

    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, go_in_and_out, NULL) == 0);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static int look(void *ns)
{
    return within(ns) ? 42 : 1;
}

static void a_function_is_called_inside(const char *kind)
{
    minicontain_namespace *ns = make(kind, NULL);
    int result = 0;

    CHECK_OK(minicontain_namespace_call(ns, look, ns, &result));
    CHECK(result == 42);
    CHECK_OK(minicontain_namespace_call(ns, look, ns, NULL));
    CHECK_ERROR(minicontain_namespace_call(ns, NULL, ns, &result), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK(result == -1 && !within(ns));
    minicontain_namespace_free(ns);
}

/* Whether a command succeeds. */
static bool succeeds(const char *format, const char *name)
{
    char command[200];
    snprintf(command, sizeof command, format, name);
    return system(command) == 0;
}

static void a_name_keeps_one(const char *kind)
{
    minicontain_namespace *ns = NULL, *again = (minicontain_namespace *)&again, *open = NULL;
    minicontain_namespaces *all = NULL;
    size_t i;
    bool listed = false;

    CHECK_OK(minicontain_namespace_create_named(kind, own_name(), &ns));
    CHECK_STRING(minicontain_namespace_name(ns), own_name());
    CHECK_ERROR(minicontain_namespace_create_named(kind, own_name(), &again), MINICONTAIN_CODE_NAME_TAKEN);
    CHECK(again == NULL);
    CHECK_OK(minicontain_namespace_open_named(kind, own_name(), &open));
    CHECK(minicontain_namespace_equal(ns, open));
    CHECK_STRING(minicontain_namespace_name(open), own_name());
    CHECK_OK(minicontain_namespaces_named(kind, &all));
    for (i = 0; i < minicontain_namespaces_count(all); i++)
        listed = listed || strcmp(minicontain_namespace_name(minicontain_namespaces_at(all, i)), own_name()) == 0;
    CHECK(listed && minicontain_namespaces_contain(all, ns));
    minicontain_namespaces_free(all);
    if (strcmp(kind, "net") == 0)
        CHECK(succeeds("ip netns list | grep -qw %s", own_name()));
    minicontain_namespace_free(ns);

    CHECK_OK(minicontain_namespace_remove(open));
    CHECK_ERROR(minicontain_namespace_remove(open), MINICONTAIN_CODE_NAMESPACE_NOT_FOUND);
    CHECK_ERROR(minicontain_namespace_open_named(kind, own_name(), &again), MINICONTAIN_CODE_NAMESPACE_NOT_FOUND);
    minicontain_namespace_free(open);
}

static void what_ip_made_is_used(void)
{
    minicontain_namespace *net = NULL;
    minicontain_spec *spec = shell("readlink /proc/self/ns/net | tr -d '\\n'");
    int result = 0;

    CHECK(succeeds("ip netns add %s", own_name()));
    CHECK_OK(minicontain_namespace_open_named("net", own_name(), &net));
    CHECK_OK(minicontain_namespace_call(net, look, net, &result));
    CHECK(result == 42);
    CHECK_OK(minicontain_spec_set_namespace_fd(spec, "net", minicontain_namespace_fd(net)));
    CHECK_PRINTS(spec, text_of(net));
    CHECK_OK(minicontain_namespace_remove(net));
    minicontain_namespace_free(net);
    CHECK(!succeeds("ip netns list | grep -qw %s", own_name()));
}

static int sleep_on(void *unused)
{
    (void)unused;
    return pause();
}

/* It stays where it goes, and ends. */
static void *move_for_good(void *arg)
{
    const minicontain_child *child = arg;
    minicontain_namespace *before = of(0, "uts"), *uts = of(minicontain_child_pid(child), "uts");
    minicontain_namespace *net = of(minicontain_child_pid(child), "net");

    CHECK_OK(minicontain_unshare(CLONE_NEWUTS));
    CHECK(!within(before));
    CHECK_OK(minicontain_setns(minicontain_namespace_fd(before), 0));
    CHECK(within(before));
    CHECK_ERROR(minicontain_setns(minicontain_namespace_fd(before), CLONE_NEWNET), MINICONTAIN_CODE_NAMESPACE_NOT_FOUND);
    CHECK_OK(minicontain_setns(minicontain_child_pidfd(child), CLONE_NEWUTS | CLONE_NEWNET));
    CHECK(within(uts) && within(net));
    minicontain_namespace_free(before);
    minicontain_namespace_free(uts);
    minicontain_namespace_free(net);
    return NULL;
}

static void a_thread_moves_for_good(void)
{
    minicontain_child *child = NULL;
    int status = 0;

    CHECK_OK(minicontain_clone(sleep_on, NULL, CLONE_NEWUTS | CLONE_NEWNET, &child));
    in_a_thread(move_for_good, child);
    CHECK_OK(minicontain_child_send_signal(child, SIGKILL));
    CHECK_OK(minicontain_child_wait(child, &status));
    minicontain_child_free(child);
}

/* Mounts that names need, as that of /run/netns, stay; here they go with this process. */
static void have_mounts_of_its_own(void)
{
    static const char *const kinds[] = {"net", "uts"};
    size_t i;

    CHECK(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    for (i = 0; i < 2; i++) {
        minicontain_namespace *ns = NULL;
        CHECK_OK(minicontain_namespace_create_named(kinds[i], own_name(), &ns));
        CHECK_OK(minicontain_namespace_remove(ns));
        minicontain_namespace_free(ns);
    }
}

int main(void)
{
    static const char *const kinds[] = {"net", "uts", "ipc", "cgroup", "mnt"};
    struct belongings before;
    size_t i;

    warm_up();
    if (geteuid() != 0) {
        before = belongings();
        an_ordinary_user_is_told_what_works();
        check_nothing_left(__FILE__, before);
        return check_result();
    }
    have_mounts_of_its_own();
    before = belongings();
    for (i = 0; i < 5; i++) {
        a_thread_goes_in_and_comes_back(kinds[i]);
        a_function_is_called_inside(kinds[i]);
    }
    a_mount_namespace_gives_the_directory_back();
    what_another_thread_frees_moves_nobody();
    many_threads_are_each_in_their_own();
    a_name_keeps_one("net");
    a_name_keeps_one("uts");
    what_ip_made_is_used();
    a_thread_moves_for_good();
    settle(before);
    check_nothing_left(__FILE__, before);
    return check_result();
}
