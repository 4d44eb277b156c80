/*
 * The benchmark's C program: the same work as floor.c, through libminicontain.
 *
 *     run [--net] [--user] [--defaults [--no-init]] [--planned] [--rss MIB] [--threads T] [--repeat] ROOTDIR N
 */
#define _GNU_SOURCE
#include "../timing.h"

#include <minicontain.h>

struct plan {
    minicontain_spec *spec;
    minicontain_plan *planned; /* NULL: every run plans */
};

static void check(minicontain_error *error)
{
    if (error) {
        fprintf(stderr, "%s\n", minicontain_error_message(error));
        exit(1);
    }
}

/* What the floor does not do is switched off. */
static void make_spec(struct plan *plan, const struct options *options)
{
    static const char *const off[][2] = {
        {"loopback", "false"}, {"sys", "false"}, {"dev", "false"}, {"tmp", "false"}, {"masked_paths", "[]"},
        {"readonly_paths", "[]"}, {"cap_add", "[\"ALL\"]"}, {"no_new_privileges", "false"},
        {"new_keyring", "false"}, {"start_new_session", "false"}, {"init", "false"},
    };
    const char *args[] = {"/bin/true"};

    check(minicontain_spec_new(args, 1, &plan->spec));
    if (options->no_init)
        check(minicontain_spec_set(plan->spec, "init", "false"));
    if (options->defaults)
        return;
    for (size_t i = 0; i < sizeof off / sizeof off[0]; i++)
        check(minicontain_spec_set(plan->spec, off[i][0], off[i][1]));
    check(minicontain_spec_set_rootfs(plan->spec, options->root));
    check(minicontain_spec_set_namespace_host(plan->spec, "time"));
    if (!options->net)
        check(minicontain_spec_set_namespace_host(plan->spec, "net"));
    if (options->user) {
        check(minicontain_spec_set(plan->spec, "uidmap", "[\"0:0:1\"]"));
        check(minicontain_spec_set(plan->spec, "gidmap", "[\"0:0:1\"]"));
    } else {
        check(minicontain_spec_set_namespace_host(plan->spec, "user"));
    }
}

static void make_plan(struct plan *plan, const struct options *options)
{
    make_spec(plan, options);
    plan->planned = NULL;
    if (options->planned)
        check(minicontain_plan_new(plan->spec, &plan->planned));
}

static uint64_t run_once(const struct plan *plan, void *stack)
{
    minicontain_container *container;
    const minicontain_outcome *outcome;
    uint64_t start = now();

    (void)stack;
    if (plan->planned)
        check(minicontain_container_start_plan(plan->planned, &container));
    else
        check(minicontain_container_start(plan->spec, &container));
    check(minicontain_container_wait(container, -1, &outcome));
    if (minicontain_outcome_status(outcome) != 0)
        die("/bin/true failed", ECHILD);
    /* A part of the run: whoever makes many of them frees each. */
    minicontain_container_free(container);
    return now() - start;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct plan plan;

    make_plan(&plan, &options);
    measure_all(&plan, &options);
    minicontain_plan_free(plan.planned);
    minicontain_spec_free(plan.spec);
    return 0;
}
