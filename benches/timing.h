/*
 * The command line, the timing and the answer that floor.c and c/run.c have in common. A program that includes
 * this defines struct plan, make_plan, which says what a run is, and run_once, which makes one and returns its
 * nanoseconds; `stack` is a thread's own STACK_SIZE bytes.
 */
#ifndef TIMING_H
#define TIMING_H

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { STACK_SIZE = 64 * 1024, PAGE = 4096, MIB = 1024 * 1024 };

struct options {
    int net, user, defaults, no_init, planned, repeat;
    long rss, threads, runs;
    const char *root;
};

struct plan;
static void make_plan(struct plan *plan, const struct options *options);
static uint64_t run_once(const struct plan *plan, void *stack);

struct worker {
    const struct plan *plan;
    pthread_barrier_t *start;
    uint64_t *ns, began, ended;
    long runs;
};

static void die(const char *step, int error)
{
    fprintf(stderr, "floor: %s: %s\n", step, strerror(error));
    exit(1);
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    void *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED)
        die("mmap", errno);

    run_once(worker->plan, stack);
    pthread_barrier_wait(worker->start);
    worker->began = now();
    for (long i = 0; i < worker->runs; i++)
        worker->ns[i] = run_once(worker->plan, stack);
    worker->ended = now();
    munmap(stack, STACK_SIZE);
    return NULL;
}

/* A large caller. Small pages, since it is their number that makes a fork slow, and a heap has them. */
static void make_resident(size_t bytes)
{
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        die("mmap", errno);
    madvise(memory, bytes, MADV_NOHUGEPAGE); /* EINVAL where the kernel has no huge pages: as good */
    for (size_t at = 0; at < bytes; at += PAGE)
        memory[at] = 1;
}

static long number(const char *text, long least)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < least)
        die(text, EINVAL);
    return value;
}

/* All threads make their runs once; prints what they took. */
static void measure(const struct plan *plan, long threads, long runs)
{
    long workers = threads ? threads : 1, count = workers * runs;
    uint64_t *ns = calloc((size_t)count, sizeof *ns), began = UINT64_MAX, ended = 0;
    struct worker *worker = calloc((size_t)workers, sizeof *worker);
    pthread_t *thread = calloc((size_t)workers, sizeof *thread);
    pthread_barrier_t start;
    if (!ns || !worker || !thread)
        die("calloc", errno);

    pthread_barrier_init(&start, NULL, (unsigned)workers);
    for (long i = 0; i < workers; i++) {
        worker[i] = (struct worker){.plan = plan, .start = &start, .ns = ns + i * runs, .runs = runs};
        int error = pthread_create(&thread[i], NULL, work, &worker[i]);
        if (error)
            die("pthread_create", error);
    }
    for (long i = 0; i < workers; i++) {
        pthread_join(thread[i], NULL);
        began = worker[i].began < began ? worker[i].began : began;
        ended = worker[i].ended > ended ? worker[i].ended : ended;
    }
    pthread_barrier_destroy(&start);

    printf("%s[", threads ? "{\"ns\": " : "");
    for (long i = 0; i < count; i++)
        printf("%s%llu", i ? ", " : "", (unsigned long long)ns[i]);
    printf("]");
    if (threads)
        printf(", \"per_second\": %.1f}", (double)count * 1e9 / (double)(ended - began));
    printf("\n");
    fflush(stdout);

    free(thread);
    free(worker);
    free(ns);
}

static struct options parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"net", no_argument, NULL, 'n'},
        {"user", no_argument, NULL, 'u'},
        {"defaults", no_argument, NULL, 'd'},
        {"no-init", no_argument, NULL, 'i'},
        {"planned", no_argument, NULL, 'p'},
        {"rss", required_argument, NULL, 'r'},
        {"threads", required_argument, NULL, 't'},
        {"repeat", no_argument, NULL, 'a'},
        {0},
    };
    struct options options = {0};

    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'n': options.net = 1; break;
        case 'u': options.user = 1; break;
        case 'd': options.defaults = 1; break;
        case 'i': options.no_init = 1; break;
        case 'p': options.planned = 1; break;
        case 'r': options.rss = number(optarg, 0); break;
        case 't': options.threads = number(optarg, 1); break;
        case 'a': options.repeat = 1; break;
        default: exit(2);
        }
    }
    if (argc - optind != 2) {
        fprintf(stderr, "usage: [--net] [--user] [--defaults [--no-init]] [--planned] [--rss MIB] [--threads T] [--repeat] ROOTDIR N\n");
        exit(2);
    }
    options.root = argv[optind];
    options.runs = number(argv[optind + 1], 1);
    return options;
}

static void measure_all(const struct plan *plan, const struct options *options)
{
    if (options->rss)
        make_resident((size_t)options->rss * MIB);
    if (!options->repeat)
        measure(plan, options->threads, options->runs);
    for (char line[16]; options->repeat && fgets(line, sizeof line, stdin);)
        measure(plan, options->threads, options->runs);
}

#endif
