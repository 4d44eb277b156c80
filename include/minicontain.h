/*
 * minicontain: containers as a library. No daemon, no helper, inside the calling process.
 *
 * A spec says what is wanted, a plan is the list of system calls that make it, a container is what executing
 * the plan gave. minicontain_run does all three, and waits:
 *
 *     #include <minicontain.h>
 *     #include <stdio.h>
 *
 *     int main(void)
 *     {
 *         const char *argv[] = {"sh", "-c", "hostname; id -u"};
 *         minicontain_spec *spec = NULL;
 *         minicontain_result *result = NULL;
 *         minicontain_error *error = minicontain_spec_new(argv, 3, &spec);
 *         if (!error) error = minicontain_spec_set_hostname(spec, "box");
 *         if (!error) error = minicontain_spec_set_stream(spec, 1, MINICONTAIN_STDIO_PIPE);
 *         if (!error) error = minicontain_run(spec, NULL, 0, 5000, &result);
 *         if (error) {
 *             fprintf(stderr, "%s\n", minicontain_error_message(error));
 *         } else {
 *             const minicontain_outcome *outcome = minicontain_result_outcome(result);
 *             printf("%s%s with status %d\n", minicontain_result_stdout(result, NULL),
 *                    minicontain_outcome_reason_name(outcome), minicontain_outcome_status(outcome));
 *         }
 *         int failed = error != NULL;
 *         minicontain_error_free(error);
 *         minicontain_result_free(result);
 *         minicontain_spec_free(spec);
 *         return failed;
 *     }
 *
 *     cc program.c $(pkg-config --cflags --libs minicontain)
 *
 * Errors. What can fail returns a minicontain_error, NULL for success, for the caller to free; *out is NULL
 * after an error. What cannot fail accepts NULL for its handle and then answers 0, -1, "" or NULL, as it
 * says. Nothing here aborts or exits.
 *
 * Numbers. Where a size, a count or a time can be absent, it is UINT64_MAX: no limit, or nothing that this
 * host tells.
 *
 * Ownership. What an out parameter gives as T * is the caller's, to be freed by the function of its type, in
 * any order; what is const T * or const char * belongs to the handle that gave it, and lives as long; char *
 * is the caller's, to be freed with minicontain_string_free. free(3) frees nothing of this. Arguments are
 * copied.
 *
 * Threads. Every function may be called from any thread. Handles may be shared, except a spec and options
 * while they are being changed, a link while it is being renamed or moved, any handle while it is being
 * freed, and a minicontain_inside, which is its thread's.
 *
 * Strings are UTF-8 and end with a NUL. Descriptors that the library opens are closed on execve(2).
 *
 * Containers are children of the calling process, unless they are detached. It must not reap them itself: no
 * wait(2) for any child, no ignored SIGCHLD, where it wants to know how they ended.
 *
 * Generated from ffi/src by cbindgen: change it there. "MINICONTAIN_UPDATE_HEADER=1 cargo test -p
 * minicontain-ffi" writes it anew.
 */


#ifndef MINICONTAIN_H
#define MINICONTAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of this header, as minicontain_version is that of the library. */
#define MINICONTAIN_VERSION "0.1.0"

/**
 * Why a container ended. Numbers are never used again for something else; newer libraries may have more.
 */
typedef enum {
    /**
     * It has not ended, or the outcome is NULL.
     */
    MINICONTAIN_REASON_NONE = 0,
    /**
     * The program ended by itself, with an exit status.
     */
    MINICONTAIN_REASON_EXITED = 1,
    /**
     * A signal ended it.
     */
    MINICONTAIN_REASON_SIGNALED = 2,
    /**
     * Its time was up, and it was killed.
     */
    MINICONTAIN_REASON_TIMED_OUT = 3,
    /**
     * The kernel killed it for want of memory.
     */
    MINICONTAIN_REASON_OOM = 4,
    /**
     * It was killed from outside, with everything in it: by its owner, or by another process of the host.
     */
    MINICONTAIN_REASON_KILLED = 5,
} minicontain_reason;

/**
 * What kind of error it is. The numbers are part of the C interface: they are only ever appended to.
 */
enum minicontain_code
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The spec cannot be; see its faults.
     */
    MINICONTAIN_CODE_INVALID_SPEC = 1,
    /**
     * There is no such program in the container.
     */
    MINICONTAIN_CODE_PROGRAM_NOT_FOUND = 2,
    /**
     * The program's file may not be executed.
     */
    MINICONTAIN_CODE_PROGRAM_NOT_EXECUTABLE = 3,
    /**
     * The program names an interpreter (#!, or an ELF loader) that is not there.
     */
    MINICONTAIN_CODE_INTERPRETER_NOT_FOUND = 4,
    /**
     * The file is no program for this machine.
     */
    MINICONTAIN_CODE_WRONG_FORMAT = 5,
    /**
     * The working directory is not there, or cannot be entered.
     */
    MINICONTAIN_CODE_CWD_NOT_FOUND = 6,
    /**
     * A directory or file of the host that the spec names is not there.
     */
    MINICONTAIN_CODE_SOURCE_NOT_FOUND = 7,
    /**
     * The host does not let this caller make a user namespace.
     */
    MINICONTAIN_CODE_USER_NAMESPACE_FORBIDDEN = 8,
    /**
     * This kernel does not have a file system or feature that is needed.
     */
    MINICONTAIN_CODE_NOT_SUPPORTED = 9,
    /**
     * The caller lacks a privilege.
     */
    MINICONTAIN_CODE_PERMISSION_DENIED = 10,
    /**
     * A feature that the spec requires cannot be fully enforced.
     */
    MINICONTAIN_CODE_NOT_ENFORCED = 11,
    /**
     * A step failed for another reason.
     */
    MINICONTAIN_CODE_STEP_FAILED = 12,
    /**
     * The new process was killed before it executed the program.
     */
    MINICONTAIN_CODE_KILLED_IN_SETUP = 13,
    /**
     * Arguments and environment are larger than the kernel allows.
     */
    MINICONTAIN_CODE_ARGUMENTS_TOO_LONG = 14,
    /**
     * There is no such user or group in the container.
     */
    MINICONTAIN_CODE_USER_NOT_FOUND = 15,
    /**
     * A namespace or descriptor to be used is not there.
     */
    MINICONTAIN_CODE_NAMESPACE_NOT_FOUND = 16,
    /**
     * The container has ended.
     */
    MINICONTAIN_CODE_ENDED = 17,
    /**
     * Reading from or writing to the container failed.
     */
    MINICONTAIN_CODE_IO = 18,
    /**
     * A place inside to mount on is not there and cannot be made.
     */
    MINICONTAIN_CODE_TARGET_NOT_FOUND = 19,
    /**
     * The host is out of processes, memory or descriptors.
     */
    MINICONTAIN_CODE_OUT_OF_RESOURCES = 20,
    /**
     * The container is paused: nothing in it runs until it is resumed.
     */
    MINICONTAIN_CODE_PAUSED = 21,
    /**
     * Another container has that name.
     */
    MINICONTAIN_CODE_NAME_TAKEN = 22,
    /**
     * There is no container of that name.
     */
    MINICONTAIN_CODE_NO_SUCH_CONTAINER = 23,
    /**
     * The container still runs.
     */
    MINICONTAIN_CODE_STILL_RUNS = 24,
    /**
     * There is no such cgroup, or it has no such file.
     */
    MINICONTAIN_CODE_CGROUP_NOT_FOUND = 25,
    /**
     * There is no such link in the network namespace.
     */
    MINICONTAIN_CODE_LINK_NOT_FOUND = 26,
    /**
     * The network namespace has a link of that name.
     */
    MINICONTAIN_CODE_LINK_EXISTS = 27,
    /**
     * The address, subnet or route is in use.
     */
    MINICONTAIN_CODE_ADDRESS_IN_USE = 28,
    /**
     * There is no such network.
     */
    MINICONTAIN_CODE_NETWORK_NOT_FOUND = 29,
    /**
     * The host does not forward packets.
     */
    MINICONTAIN_CODE_FORWARDING_OFF = 30,
    /**
     * A CNI plugin failed.
     */
    MINICONTAIN_CODE_CNI_FAILED = 31,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum minicontain_code minicontain_code;
#else
typedef int32_t minicontain_code;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Codes of errors that only a C program can make. minicontain_error_code gives one of these or one of
 * minicontain_code; numbers are never used again for something else.
 */
typedef enum {
    /**
     * A pointer is NULL that must not be.
     */
    MINICONTAIN_FACE_CODE_NULL_ARGUMENT = 1001,
    /**
     * A string is not UTF-8.
     */
    MINICONTAIN_FACE_CODE_NOT_UTF8 = 1002,
    /**
     * A defect of the library: it panicked, and the call was given up. The handles of that call can only be
     * freed.
     */
    MINICONTAIN_FACE_CODE_PANIC = 1003,
    /**
     * The handle belongs to another thread.
     */
    MINICONTAIN_FACE_CODE_WRONG_THREAD = 1004,
} minicontain_face_code;

/**
 * Where a standard stream goes that needs nothing more said. Numbers are never used again for something
 * else.
 */
typedef enum {
    /**
     * The caller's own.
     */
    MINICONTAIN_STDIO_INHERIT = 0,
    /**
     * /dev/null.
     */
    MINICONTAIN_STDIO_NULL = 1,
    /**
     * A new pipe, whose other end the caller gets.
     */
    MINICONTAIN_STDIO_PIPE = 2,
    /**
     * For standard error: the same as standard output.
     */
    MINICONTAIN_STDIO_MERGE = 3,
} minicontain_stdio;

/**
 * What processes wait for, for minicontain_stats_pressure. Numbers are never used again for
 * something else.
 */
typedef enum {
    /**
     * A CPU.
     */
    MINICONTAIN_RESOURCE_CPU = 0,
    /**
     * Memory.
     */
    MINICONTAIN_RESOURCE_MEMORY = 1,
    /**
     * A block device.
     */
    MINICONTAIN_RESOURCE_IO = 2,
} minicontain_resource;

/**
 * What can happen to a cgroup, each a bit of its own. Bits are never used again for something else; newer libraries
 * may have more.
 */
typedef enum {
    /**
     * The kernel killed a process for want of memory.
     */
    MINICONTAIN_EVENT_OOM_KILL = 1,
    /**
     * The limit on memory was met.
     */
    MINICONTAIN_EVENT_MEMORY_LIMIT = 2,
    /**
     * It was slowed down for being above minicontain_spec_set_memory_high.
     */
    MINICONTAIN_EVENT_MEMORY_HIGH = 4,
    /**
     * A fork failed for the limit on processes.
     */
    MINICONTAIN_EVENT_PIDS_LIMIT = 8,
    /**
     * The first process came.
     */
    MINICONTAIN_EVENT_POPULATED = 16,
    /**
     * The last process has gone.
     */
    MINICONTAIN_EVENT_EMPTY = 32,
    /**
     * It is frozen.
     */
    MINICONTAIN_EVENT_FROZEN = 64,
    /**
     * It goes on.
     */
    MINICONTAIN_EVENT_THAWED = 128,
} minicontain_event;

/**
 * What a link counts, for minicontain_link_state_counter. Numbers are never used again for something else.
 */
typedef enum {
    /**
     * Bytes received.
     */
    MINICONTAIN_COUNTER_RX_BYTES = 0,
    /**
     * Packets received.
     */
    MINICONTAIN_COUNTER_RX_PACKETS = 1,
    /**
     * Packets that were received with an error.
     */
    MINICONTAIN_COUNTER_RX_ERRORS = 2,
    /**
     * Packets received and dropped for want of room or of somebody to take them.
     */
    MINICONTAIN_COUNTER_RX_DROPPED = 3,
    /**
     * Bytes sent.
     */
    MINICONTAIN_COUNTER_TX_BYTES = 4,
    /**
     * Packets sent.
     */
    MINICONTAIN_COUNTER_TX_PACKETS = 5,
    /**
     * Packets that could not be sent for an error.
     */
    MINICONTAIN_COUNTER_TX_ERRORS = 6,
    /**
     * Packets dropped on the way out.
     */
    MINICONTAIN_COUNTER_TX_DROPPED = 7,
    /**
     * Multicast packets received.
     */
    MINICONTAIN_COUNTER_MULTICAST = 8,
    /**
     * Collisions.
     */
    MINICONTAIN_COUNTER_COLLISIONS = 9,
} minicontain_counter;

/**
 * The bytes of a file. Any thread may read them. Free them with minicontain_bytes_free.
 */
typedef struct minicontain_bytes minicontain_bytes;

/**
 * A cgroup: processes that are limited, measured, frozen and killed together, see cgroups(7). It stays until it is
 * removed, whoever made it; the handle only says which it is. Any number of threads may use it at once. Free it with
 * minicontain_cgroup_free, except that of a container, which belongs to the container.
 */
typedef struct minicontain_cgroup minicontain_cgroup;

/**
 * A process that minicontain_clone made. Any number of threads may use it at once. Free it with
 * minicontain_child_free.
 */
typedef struct minicontain_child minicontain_child;

/**
 * A network as an administrator wrote it down for CNI plugins, the programs that attach containers for Kubernetes, Podman
 * and others: see https://www.cni.dev/docs/spec/. Plugins are looked for in CNI_PATH,
 * /opt/cni/bin and /usr/lib/cni, and run in the network namespace of the calling thread, which is the host to them.
 * Any number of threads may use it at once. Free it with minicontain_cni_free.
 *
 * A container is attached with an id, by a network namespace and the name of the interface there, "eth0" for NULL.
 * What is attached is written down until it is deleted.
 */
typedef struct minicontain_cni minicontain_cni;

/**
 * A container that was started, or found by its name, or a program that joined one. Any number of threads may use it
 * at once (one waits, another kills), but only one may free it, when no other uses it any more. Free it with
 * minicontain_container_free.
 */
typedef struct minicontain_container minicontain_container;

/**
 * What went wrong, and what to do about it. Any thread may read it. Free it with minicontain_error_free.
 */
typedef struct minicontain_error minicontain_error;

/**
 * Limits that were written, and what the kernel made of them: it rounds memory to pages. Any thread may read it. Free
 * it with minicontain_held_free.
 */
typedef struct minicontain_held minicontain_held;

/**
 * A thread's stay in a namespace, and the way back. It belongs to the thread that entered: only that can leave. Free it
 * with minicontain_inside_free.
 */
typedef struct minicontain_inside minicontain_inside;

/**
 * A link, which is a network interface in a network namespace, whether or not the caller is in that; see netdevice(7).
 * The handle says which it is: the link stays when that is freed, and goes with its namespace. Any number of threads may
 * use it at once; who renames or moves it must be alone with it. Free it with minicontain_link_free, except those of a
 * minicontain_links, which belong to it.
 *
 * A network namespace is that of the calling thread where it is NULL, as everywhere here. Changes need
 * CAP_NET_ADMIN in the user namespace that owns it: an ordinary user makes a user namespace, and the network namespace in
 * it by minicontain_namespace_create_in.
 *
 * Errors of every change are MINICONTAIN_CODE_PERMISSION_DENIED without that, and MINICONTAIN_CODE_LINK_NOT_FOUND when
 * the link was deleted, or moved by others. Their text has the command of ip(8) or tc(8) that does the same, and what
 * the kernel says.
 */
typedef struct minicontain_link minicontain_link;

/**
 * A link as it was when it was asked, all at one moment. Any thread may read it. Free it with
 * minicontain_link_state_free.
 */
typedef struct minicontain_link_state minicontain_link_state;

/**
 * The links of a network namespace, as they were when it was made, by their number. Any thread may read it. Free it with
 * minicontain_links_free.
 */
typedef struct minicontain_links minicontain_links;

/**
 * The containers of this user that have a name, as they were when it was made. Any thread may read it. Free it with
 * minicontain_list_free.
 */
typedef struct minicontain_list minicontain_list;

/**
 * A namespace, held by a descriptor: it lives at least as long as the handle, with or without a process in it. See
 * namespaces(7). Any number of threads may use it at once. Free it with minicontain_namespace_free, except those of
 * a minicontain_namespaces, which belong to it.
 *
 * A kind is "user", "mnt", "pid", "net", "ipc", "uts", "cgroup" or "time", as everywhere here.
 */
typedef struct minicontain_namespace minicontain_namespace;

/**
 * Namespaces, each held as by a handle of its own. Any thread may read it. Free it with minicontain_namespaces_free.
 */
typedef struct minicontain_namespaces minicontain_namespaces;

/**
 * A network for containers: a bridge, on which they reach each other, by address and by name, and the host. A container
 * is put on it by minicontain_spec_add_network. It stays until it is removed, or swept away after its maker's end; an
 * ordinary user's is in namespaces that the handle of its maker holds, and the containers on it. Any number of threads may
 * use it at once. Free it with minicontain_network_free.
 */
typedef struct minicontain_network minicontain_network;

/**
 * What a network shall be. Plain data: it can be used for any number of networks, and values are checked when one is
 * made. Any number of threads may read it at once; a thread that changes it must be alone with it. Free it with
 * minicontain_network_options_free.
 */
typedef struct minicontain_network_options minicontain_network_options;

/**
 * How a container ended, and what it used. Any thread may read it. It belongs to the container or result
 * that gave it, and lives as long.
 */
typedef struct minicontain_outcome minicontain_outcome;

/**
 * What a container wrote to its pipes. Any thread may read it. It belongs to the container, and lives as
 * long.
 */
typedef struct minicontain_output minicontain_output;

/**
 * Ids of processes or threads. Any thread may read it. Free it with minicontain_pids_free.
 */
typedef struct minicontain_pids minicontain_pids;

/**
 * The ordered list of system calls that make a container. Any thread may read it. Free it with
 * minicontain_plan_free.
 */
typedef struct minicontain_plan minicontain_plan;

/**
 * A container that has ended: how, what it said, and what was done to start it. Any thread may read it. Free
 * it with minicontain_result_free.
 */
typedef struct minicontain_result minicontain_result;

/**
 * What to run, and what it may see and do. Plain data: it touches nothing, and can be used for any number of
 * plans, containers and runs. Any number of threads may read it at once; a thread that changes it must be
 * alone with it. Free it with minicontain_spec_free.
 */
typedef struct minicontain_spec minicontain_spec;

/**
 * What a container or a cgroup used, as it was when it was asked. Sizes are in bytes, times in nanoseconds, both
 * counted for all its processes together, those that have ended included. What this host does not count is
 * UINT64_MAX, and so is a limit where there is none. Any thread may read it. Free it with
 * minicontain_stats_free, except that of an outcome, which belongs to the outcome.
 */
typedef struct minicontain_stats minicontain_stats;

/**
 * Several texts, in an order that means something. Any thread may read it. Free it with minicontain_strings_free.
 */
typedef struct minicontain_strings minicontain_strings;

/**
 * An executed plan: each step with what the kernel answered and how long it took. Any thread may read it. It
 * belongs to the container, result or error that gave it, and lives as long.
 */
typedef struct minicontain_trace minicontain_trace;

/**
 * Processes that the kernel killed for want of memory, as far as its log may be read and still tells. Any thread may
 * read it. Free it with minicontain_victims_free, except that of an outcome, which belongs to the outcome.
 */
typedef struct minicontain_victims minicontain_victims;

/**
 * Looks at what happens to a cgroup. It is a descriptor to poll, and no thread. Any thread may use it, one at a time:
 * others wait. It does not need the handle of the cgroup any more. Free it with minicontain_watch_free.
 */
typedef struct minicontain_watch minicontain_watch;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that is loaded, as MINICONTAIN_VERSION is that of the header: "0.1.0". It
 * lives as long as the program.
 */
const char *minicontain_version(void);

/**
 * Frees a string that this library gave as char *. NULL is fine. Strings given as const char * are not
 * freed.
 */
void minicontain_string_free(char *string);

/**
 * How many there are.
 */
size_t minicontain_strings_count(const minicontain_strings *strings);

/**
 * One of them; "" where index is too large. It belongs to the list.
 */
const char *minicontain_strings_at(const minicontain_strings *strings, size_t index);

/**
 * Frees them. NULL is fine.
 */
void minicontain_strings_free(minicontain_strings *strings);

/**
 * What kind of error it is: one of minicontain_code or minicontain_face_code, or a number that a newer
 * library has and this header has not. 0 for NULL, which is success.
 */
int32_t minicontain_error_code(const minicontain_error *error);

/**
 * The code's stable name: "program_not_found".
 */
const char *minicontain_error_code_name(const minicontain_error *error);

/**
 * The whole story in one line: what could not be done, the system call with its arguments, errno and the
 * hint.
 */
const char *minicontain_error_message(const minicontain_error *error);

/**
 * What to do about it, with the host's setting at fault where it is known; "" where nothing is known.
 */
const char *minicontain_error_hint(const minicontain_error *error);

/**
 * The kernel's answer, as in errno(3); 0 where the kernel was not asked.
 */
int minicontain_error_errno(const minicontain_error *error);

/**
 * The kernel's answer by name ("ENOENT"); "" where the kernel was not asked.
 */
const char *minicontain_error_errno_name(const minicontain_error *error);

/**
 * The failed step's place in the plan, from 0; -1 where no step failed.
 */
int64_t minicontain_error_step_index(const minicontain_error *error);

/**
 * Why the failed step is in the plan; "" where no step failed.
 */
const char *minicontain_error_step(const minicontain_error *error);

/**
 * The name of the system call that failed ("execve"); "" where no step failed.
 */
const char *minicontain_error_syscall(const minicontain_error *error);

/**
 * The arguments of the system call that failed, as a person would read them; "" where no step failed.
 */
const char *minicontain_error_arguments(const minicontain_error *error);

/**
 * The path at fault; "" where there is none.
 */
const char *minicontain_error_path(const minicontain_error *error);

/**
 * How many faults the spec has; 0 where the spec is not to blame. All are found at once.
 */
size_t minicontain_error_fault_count(const minicontain_error *error);

/**
 * The name of the field at fault; "" for the spec as a whole, or where index is too large.
 */
const char *minicontain_error_fault_field(const minicontain_error *error, size_t index);

/**
 * What is wrong with the field; "" where index is too large.
 */
const char *minicontain_error_fault_problem(const minicontain_error *error, size_t index);

/**
 * What to do about it; "" where index is too large.
 */
const char *minicontain_error_fault_fix(const minicontain_error *error, size_t index);

/**
 * How far a start came before it failed, failed step included; NULL where nothing was started, and from
 * minicontain_run. It belongs to the error.
 */
const minicontain_trace *minicontain_error_trace(const minicontain_error *error);

/**
 * Frees an error. NULL is fine.
 */
void minicontain_error_free(minicontain_error *error);

/**
 * Makes a spec that runs a program with every default: a user namespace and all others new, the host's files
 * under a throw-away layer, Docker's capabilities, the caller's standard streams.
 *
 * argv has argc strings: the program, looked for in the container's PATH if it has no slash, and its
 * arguments. They are copied. argc may be 0 where the arguments come later. Values are checked when a plan
 * is made of the spec, or by minicontain_spec_validate.
 */
minicontain_error *minicontain_spec_new(const char *const *argv, size_t argc, minicontain_spec **out);

/**
 * Makes a spec from a JSON object, as minicontain_spec_to_json writes it: {"args": ["true"], "hostname":
 * "box"}. Fields that are not named have their defaults.
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC with every fault: no JSON, an unknown field, a wrong type, a value
 * that cannot be.
 */
minicontain_error *minicontain_spec_from_json(const char *json, minicontain_spec **out);

/**
 * Makes a spec like another, to be changed on its own.
 */
minicontain_error *minicontain_spec_copy(const minicontain_spec *spec, minicontain_spec **out);

/**
 * Sets any field by its name in JSON, to a value in JSON: minicontain_spec_set(spec, "umask", "63"),
 * minicontain_spec_set(spec, "volumes", "[\"/srv:/srv:ro\"]"). What the field held before is gone; strings
 * need their quotation marks.
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC if there is no such field or it cannot hold such a value. The spec
 * is unchanged then.
 */
minicontain_error *minicontain_spec_set(minicontain_spec *spec, const char *field, const char *json);

/**
 * Checks every field, without touching the host. Planning does this too.
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC with every fault.
 */
minicontain_error *minicontain_spec_validate(const minicontain_spec *spec);

/**
 * The spec as JSON, every field written out. Free it with minicontain_string_free. NULL for NULL.
 */
char *minicontain_spec_to_json(const minicontain_spec *spec);

/**
 * Frees a spec. Plans and containers that were made of it stay. NULL is fine.
 */
void minicontain_spec_free(minicontain_spec *spec);

/**
 * Sets the program and its arguments: argc strings, which are copied.
 */
minicontain_error *minicontain_spec_set_args(minicontain_spec *spec, const char *const *argv, size_t argc);

/**
 * Sets an environment variable; with a value of NULL it is taken from the caller, where it is set there.
 * The container sees no other variables but PATH, HOME and TERM. See environ(7).
 */
minicontain_error *minicontain_spec_set_env(minicontain_spec *spec, const char *name, const char *value);

/**
 * Sets the working directory inside the container; NULL for the default, /. See chdir(2).
 */
minicontain_error *minicontain_spec_set_cwd(minicontain_spec *spec, const char *path);

/**
 * Sets who the program runs as: uid, uid:gid, name or name:group, as the container's /etc/passwd
 * knows them; NULL for the default, the container's root. See credentials(7).
 */
minicontain_error *minicontain_spec_set_user(minicontain_spec *spec, const char *user);

/**
 * Sets whether process 1 is a small init, as by default: it reaps orphans, hands on signals, and ends with the
 * program or with this process. Without one the program is process 1 itself. See pid_namespaces(7).
 */
minicontain_error *minicontain_spec_set_init(minicontain_spec *spec,
                                             bool init);

/**
 * Sets a name by which other processes of this user find the container (minicontain_attach): up to 64 letters,
 * digits, _, . and -, a letter or digit first; NULL for none, which is a random one where it is detached.
 */
minicontain_error *minicontain_spec_set_name(minicontain_spec *spec,
                                             const char *name);

/**
 * Sets whether the container outlives its handle and this process. It is nobody's child then; standard streams
 * that are not set come from /dev/null and go to its log (minicontain_container_log_path), and what is known of
 * it stays until minicontain_remove. A program that joins a container (minicontain_container_exec) has no log:
 * what it writes goes to /dev/null.
 */
minicontain_error *minicontain_spec_set_detach(minicontain_spec *spec,
                                               bool detach);

/**
 * Sets the file mode creation mask, 0 to 0777: umask(2).
 */
minicontain_error *minicontain_spec_set_umask(minicontain_spec *spec, uint32_t mask);

/**
 * Sets a resource limit by its name ("nofile", "core", "cpu", ...), in the units of setrlimit(2).
 * UINT64_MAX is unlimited. What is not set is as the caller has it.
 */
minicontain_error *minicontain_spec_set_ulimit(minicontain_spec *spec,
                                               const char *name,
                                               uint64_t soft,
                                               uint64_t hard);

/**
 * Sets where a standard stream goes. stream is 0, 1 or 2 (STDIN_FILENO, STDOUT_FILENO,
 * STDERR_FILENO); mode is one of minicontain_stdio.
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC if there is no such stream or mode.
 */
minicontain_error *minicontain_spec_set_stream(minicontain_spec *spec, int stream, int32_t mode);

/**
 * Connects a standard stream with an open descriptor of the caller's. The descriptor stays the caller's, and
 * must be open when the container starts. See dup(2).
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC if there is no such stream.
 */
minicontain_error *minicontain_spec_set_stream_fd(minicontain_spec *spec, int stream, int fd);

/**
 * Connects a standard stream with a file of the host: read for standard input, emptied and written for the
 * others. It is opened when the container starts, with the caller's rights. See open(2).
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC if there is no such stream.
 */
minicontain_error *minicontain_spec_set_stream_file(minicontain_spec *spec, int stream, const char *path);

/**
 * Gives the program a terminal of the container's own for its three streams, whose other end the caller gets
 * (minicontain_container_terminal). minicontain_run does not read it. See pty(7).
 */
minicontain_error *minicontain_spec_set_tty(minicontain_spec *spec, bool tty);

/**
 * Sets the size that the terminal begins with; 24 rows and 80 columns by default. See
 * minicontain_container_resize for later.
 */
minicontain_error *minicontain_spec_set_tty_size(minicontain_spec *spec, uint16_t rows, uint16_t columns);

/**
 * Passes on a descriptor of the caller's, 3 or above, under the same number. No others are inherited. It
 * stays the caller's, and must be open when the container starts.
 */
minicontain_error *minicontain_spec_pass_fd(minicontain_spec *spec, int fd);

/**
 * Uses a directory of the host as the root file system; NULL for the default, the host's own files under a
 * throw-away layer. See pivot_root(2).
 */
minicontain_error *minicontain_spec_set_rootfs(minicontain_spec *spec, const char *path);

/**
 * Says whether the root file system is read-only. /tmp, /dev/shm, volumes and tmpfs mounts are not part
 * of it.
 */
minicontain_error *minicontain_spec_set_read_only(minicontain_spec *spec, bool read_only);

/**
 * Says how a directory of the host is seen in the default file system: access is "overlay" (writes go to
 * the throw-away layer), "read-only", "hidden" (an empty directory in its place) or "full".
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC if there is no such access.
 */
minicontain_error *minicontain_spec_set_host_files(minicontain_spec *spec,
                                                   const char *path,
                                                   const char *access);

/**
 * Shows a directory or file of the host inside: both paths absolute. See mount(2), MS_BIND.
 */
minicontain_error *minicontain_spec_add_volume(minicontain_spec *spec,
                                               const char *source,
                                               const char *target,
                                               bool read_only);

/**
 * Mounts a fresh tmpfs inside, at an absolute path: size in bytes, 0 for as much as the spec's
 * storage_size; mode of its root directory (01777 is as /tmp has it). See tmpfs(5).
 */
minicontain_error *minicontain_spec_add_tmpfs(minicontain_spec *spec,
                                              const char *target,
                                              uint64_t size,
                                              uint32_t mode);

/**
 * Sets the host name, 1 to 64 letters, digits, - and .; NULL for the default, minicontain, or
 * on a network the container's name or one like ip-10-16-8-2. See sethostname(2).
 */
minicontain_error *minicontain_spec_set_hostname(minicontain_spec *spec, const char *name);

/**
 * Sets the NIS domain name; NULL to leave it. See setdomainname(2).
 */
minicontain_error *minicontain_spec_set_domainname(minicontain_spec *spec, const char *name);

/**
 * Gives the container a namespace of its own, which is the default. kind is "user", "mnt", "pid",
 * "net", "ipc", "uts", "cgroup" or "time". See namespaces(7).
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC if there is no such kind.
 */
minicontain_error *minicontain_spec_set_namespace_new(minicontain_spec *spec, const char *kind);

/**
 * Leaves the container in the caller's namespace of this kind; kinds as in
 * minicontain_spec_set_namespace_new.
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC if there is no such kind.
 */
minicontain_error *minicontain_spec_set_namespace_host(minicontain_spec *spec, const char *kind);

/**
 * Puts the container into the namespace of a process; kinds as in minicontain_spec_set_namespace_new. See
 * setns(2).
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC if there is no such kind.
 */
minicontain_error *minicontain_spec_set_namespace_pid(minicontain_spec *spec, const char *kind, int32_t pid);

/**
 * Puts the container into the namespace that a file stands for: /proc/PID/ns/net, /run/netns/NAME; kinds
 * as in minicontain_spec_set_namespace_new. It is opened when the container starts. See setns(2).
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC if there is no such kind.
 */
minicontain_error *minicontain_spec_set_namespace_path(minicontain_spec *spec,
                                                       const char *kind,
                                                       const char *path);

/**
 * Puts the container into the namespace that an open descriptor stands for: a namespace's, or a process's
 * (pidfd); kinds as in minicontain_spec_set_namespace_new. It stays the caller's, and must be open when
 * the container starts. See setns(2). With a handle, which must live as long:
 *
 *     error = minicontain_spec_set_namespace_fd(spec, "net", minicontain_namespace_fd(net));
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC if there is no such kind.
 */
minicontain_error *minicontain_spec_set_namespace_fd(minicontain_spec *spec, const char *kind, int fd);

/**
 * Sets a kernel setting of the container's own namespaces: "net.ipv4.ip_forward", "1". See sysctl(8).
 */
minicontain_error *minicontain_spec_set_sysctl(minicontain_spec *spec, const char *name, const char *value);

/**
 * Adds a capability to Docker's default set: "NET_ADMIN", with or without CAP_; "ALL" for every one.
 * See capabilities(7).
 */
minicontain_error *minicontain_spec_cap_add(minicontain_spec *spec, const char *name);

/**
 * Takes a capability from Docker's default set: "CHOWN", with or without CAP_; "ALL" for every one.
 * See capabilities(7).
 */
minicontain_error *minicontain_spec_cap_drop(minicontain_spec *spec, const char *name);

/**
 * Requires that a feature be fully enforced ("capabilities", "root", ..., the names in
 * minicontain_plan_enforced_to_json): where it cannot be, planning fails with
 * MINICONTAIN_CODE_NOT_ENFORCED.
 */
minicontain_error *minicontain_spec_require(minicontain_spec *spec, const char *feature);

/**
 * Puts the container on a network, by its name, to which :rate=10mbit may be added for a link of that speed; or on the one that a CNI configuration describes, by its absolute path.
 * ip is its address there, NULL for one that is free; aliases are count names beside its host name by which the
 * others find it. The first network that is added is eth0 in the container, the next one eth1.
 *
 *     const char *aliases[] = {"db", "database"};
 *     error = minicontain_spec_add_network(spec, "lab", "10.16.8.5", aliases, 2);
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC when the address is none of IPv4. That there is such a network is looked at when
 * a plan is made.
 */
minicontain_error *minicontain_spec_add_network(minicontain_spec *spec,
                                                const char *network,
                                                const char *ip,
                                                const char *const *aliases,
                                                size_t count);

/**
 * Leads a port of the host to one of the container, which must be on a network: "8080:80", "8080:80/udp",
 * "127.0.0.1:8080:80".
 *
 *     error = minicontain_spec_publish(spec, "8080:80/tcp");
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC when it is no such text. That the port is free is looked at when the container
 * starts: MINICONTAIN_CODE_ADDRESS_IN_USE. An ordinary user's is led by pasta(1).
 */
minicontain_error *minicontain_spec_publish(minicontain_spec *spec,
                                            const char *port);

/**
 * Limits the memory of all processes together, in bytes, 512 KiB or more; what the kernel holds for them counts, and
 * it rounds to pages. Who wants more is killed (MINICONTAIN_REASON_OOM). UINT64_MAX for no limit, which is the
 * default of this and all other limits. Where a host has no cgroup for the caller, each process is limited by
 * itself, and minicontain_plan_enforced_to_json says partial. Before that, on v2, an ordinary user's process asks
 * systemd's user manager for one, once, and is moved there, as by systemd-run --user --scope: so it ends with the
 * user's last login, unless loginctl enable-linger is said.
 */
minicontain_error *minicontain_spec_set_memory(minicontain_spec *spec,
                                               uint64_t size);

/**
 * Limits memory and swap together, in bytes: as much as the memory for no swap. The default is twice the memory.
 */
minicontain_error *minicontain_spec_set_memory_swap(minicontain_spec *spec,
                                                    uint64_t size);

/**
 * Sets how much memory, in bytes, it keeps when the host runs short of it.
 */
minicontain_error *minicontain_spec_set_memory_reservation(minicontain_spec *spec, uint64_t size);

/**
 * Sets above how much memory, in bytes, it is slowed down and its memory taken back. Version 2 of cgroups only.
 */
minicontain_error *minicontain_spec_set_memory_high(minicontain_spec *spec,
                                                    uint64_t size);

/**
 * Sets how willingly the kernel swaps, 0 to 100. Version 1 of cgroups only.
 */
minicontain_error *minicontain_spec_set_memory_swappiness(minicontain_spec *spec, uint64_t swappiness);

/**
 * Says whether all its processes are killed for want of memory, and not one. Version 2 of cgroups only.
 */
minicontain_error *minicontain_spec_set_oom_group(minicontain_spec *spec, bool oom_group);

/**
 * Limits CPU time to that of so many CPUs, such as 1.5; negative for no limit.
 */
minicontain_error *minicontain_spec_set_cpus(minicontain_spec *spec, double cpus);

/**
 * Sets over which time CPU time is counted for its limit, in microseconds, 1000 to 1000000. The default is 100000.
 */
minicontain_error *minicontain_spec_set_cpu_period(minicontain_spec *spec,
                                                   uint64_t microseconds);

/**
 * Limits CPU time to so many microseconds in each period: another way to say minicontain_spec_set_cpus.
 */
minicontain_error *minicontain_spec_set_cpu_quota(minicontain_spec *spec, uint64_t microseconds);

/**
 * Sets its share of CPU time when others want it too, 2 to 262144, where 1024 is everybody's.
 */
minicontain_error *minicontain_spec_set_cpu_shares(minicontain_spec *spec, uint64_t shares);

/**
 * Sets on which CPUs it runs, as "0-2,4"; NULL for all of them. See cpuset(7).
 */
minicontain_error *minicontain_spec_set_cpuset_cpus(minicontain_spec *spec, const char *list);

/**
 * Sets which memory nodes it uses, as "0-1"; NULL for all of them. See cpuset(7).
 */
minicontain_error *minicontain_spec_set_cpuset_mems(minicontain_spec *spec, const char *list);

/**
 * Limits how many processes and threads there are, init included. Further forks fail with EAGAIN: fork(2).
 */
minicontain_error *minicontain_spec_set_pids_limit(minicontain_spec *spec, uint64_t count);

/**
 * Sets its share of the disks' time when others want it too, 10 to 1000.
 */
minicontain_error *minicontain_spec_set_blkio_weight(minicontain_spec *spec, uint64_t weight);

/**
 * Limits how many bytes it reads in a second from a block device of the host, "/dev/sda".
 */
minicontain_error *minicontain_spec_set_device_read_bps(minicontain_spec *spec,
                                                        const char *device,
                                                        uint64_t rate);

/**
 * Limits how many bytes it writes in a second to a block device of the host.
 */
minicontain_error *minicontain_spec_set_device_write_bps(minicontain_spec *spec,
                                                         const char *device,
                                                         uint64_t rate);

/**
 * Limits how often it reads in a second from a block device of the host.
 */
minicontain_error *minicontain_spec_set_device_read_iops(minicontain_spec *spec,
                                                         const char *device,
                                                         uint64_t rate);

/**
 * Limits how often it writes in a second to a block device of the host.
 */
minicontain_error *minicontain_spec_set_device_write_iops(minicontain_spec *spec,
                                                          const char *device,
                                                          uint64_t rate);

/**
 * Limits how much memory in huge pages it has, in bytes, for a size of page: "2MB".
 */
minicontain_error *minicontain_spec_set_hugetlb(minicontain_spec *spec, const char *page_size, uint64_t size);

/**
 * Closes all devices but the usual harmless ones and those that count rules open, such as "c 10:200 rwm": kind,
 * numbers and access as docker run --device-cgroup-rule has them. A count of 0 opens no others; devices are not
 * limited where this is not called.
 */
minicontain_error *minicontain_spec_set_device_cgroup_rules(minicontain_spec *spec,
                                                            const char *const *rules,
                                                            size_t count);

/**
 * Says whether it has a cgroup of its own even if nothing is limited: it can then be measured
 * (minicontain_container_stats), watched and frozen (minicontain_container_cgroup).
 */
minicontain_error *minicontain_spec_set_cgroup(minicontain_spec *spec, bool cgroup);

/**
 * Sets the cgroup below which its own is made: a path from the hierarchy's root, or without a slash at its beginning
 * from the caller's cgroup; NULL for the default, which is found.
 */
minicontain_error *minicontain_spec_set_cgroup_parent(minicontain_spec *spec,
                                                      const char *path);

/**
 * Says whether /sys/fs/cgroup is writable inside, so that the container can have cgroups below its own.
 */
minicontain_error *minicontain_spec_set_cgroup_delegate(minicontain_spec *spec, bool delegate);

/**
 * Says whether limits that this host cannot hold are left out, which minicontain_plan_enforced_to_json tells;
 * otherwise they are an error, MINICONTAIN_CODE_NOT_ENFORCED.
 */
minicontain_error *minicontain_spec_set_best_effort(minicontain_spec *spec,
                                                    bool best_effort);

/**
 * Plans a container without making it. It reads the host, and changes nothing.
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC with every fault of the spec, and what of it cannot be on this
 * host: MINICONTAIN_CODE_USER_NOT_FOUND, MINICONTAIN_CODE_PERMISSION_DENIED,
 * MINICONTAIN_CODE_ARGUMENTS_TOO_LONG, MINICONTAIN_CODE_NOT_ENFORCED.
 */
minicontain_error *minicontain_plan_new(const minicontain_spec *spec, minicontain_plan **out);

/**
 * How many steps the plan has.
 */
size_t minicontain_plan_step_count(const minicontain_plan *plan);

/**
 * Who performs step index: "caller", or "container" for the new process between clone(2) and
 * execve(2); "" where there is no such step. Texts of a plan live as long as the plan.
 */
const char *minicontain_plan_step_side(const minicontain_plan *plan, size_t index);

/**
 * The system call's name: "mount"; its manual page has the same name.
 */
const char *minicontain_plan_step_syscall(const minicontain_plan *plan, size_t index);

/**
 * Its arguments as a person would read them; what is not known before it runs stands as <what it will be>.
 */
const char *minicontain_plan_step_arguments(const minicontain_plan *plan, size_t index);

/**
 * The capability that it needs ("CAP_SYS_ADMIN"), in the user namespace that owns what it changes; ""
 * where it needs none. See capabilities(7).
 */
const char *minicontain_plan_step_needs(const minicontain_plan *plan, size_t index);

/**
 * What the step is a part of, in a few words: "mount /proc".
 */
const char *minicontain_plan_step_what(const minicontain_plan *plan, size_t index);

/**
 * Why the step is there.
 */
const char *minicontain_plan_step_why(const minicontain_plan *plan, size_t index);

/**
 * The plan as text: what will be done and why, with every system call. Free it with
 * minicontain_string_free. NULL for NULL.
 */
char *minicontain_plan_explain(const minicontain_plan *plan);

/**
 * The plan as JSON: {"steps": [{"index", "side", "syscall", "arguments", "needs", "undo", "what", "why"},
 * ...], "enforced": ...}. Free it with minicontain_string_free. NULL for NULL.
 */
char *minicontain_plan_to_json(const minicontain_plan *plan);

/**
 * The plan as a script of the shell commands that people know: unshare(1), mount(8), ip(8), ... Free it with
 * minicontain_string_free. NULL for NULL.
 */
char *minicontain_plan_to_shell(const minicontain_plan *plan);

/**
 * How well each feature will hold, as JSON: {"capabilities": {"state": "enforced", "reason": ""}, ...}; the
 * states are enforced, partial and not_enforced. Free it with minicontain_string_free. NULL for
 * NULL.
 */
char *minicontain_plan_enforced_to_json(const minicontain_plan *plan);

/**
 * Frees a plan. Containers that were made of it stay. NULL is fine.
 */
void minicontain_plan_free(minicontain_plan *plan);

/**
 * Plans and starts a container. It returns once the program is being executed, in the time that the system
 * calls of the plan take; the calling process is not forked, and other threads of it go on meanwhile. See
 * clone3(2).
 *
 * Errors: as minicontain_plan_new, and the step that failed with its system call, arguments and errno
 * (minicontain_error_step_index, minicontain_error_trace). Nothing of the container is left then.
 */
minicontain_error *minicontain_container_start(const minicontain_spec *spec, minicontain_container **out);

/**
 * Starts a container by a plan, which stays the caller's and can be used again, by several threads at once: whoever makes
 * many alike plans them once. A plan is of the host as it was when it was made.
 *
 * Errors: the step that failed, as minicontain_container_start.
 */
minicontain_error *minicontain_container_start_plan(const minicontain_plan *plan,
                                                    minicontain_container **out);

/**
 * Starts a container by a plan, but lets step step fail with error_number (EPERM, ...) without asking
 * the kernel. With every step in turn this is a fault sweep: it shows that a start which fails leaves
 * nothing behind. A step whose failure is tolerated does not end the start, so there may be a container; see
 * errno(3).
 *
 * Errors: the step that failed, as minicontain_container_start.
 */
minicontain_error *minicontain_container_start_with_fault(const minicontain_plan *plan,
                                                          size_t step,
                                                          int error_number,
                                                          minicontain_container **out);

/**
 * The id of the container's first process, as the caller sees it: init's, where there is one; -1 for NULL.
 */
int32_t minicontain_container_pid(const minicontain_container *container);

/**
 * The id of the program's process, as the caller sees it; -1 once that has ended, and for NULL. To signal it,
 * minicontain_container_send_signal is better: it never meets another process that got its number.
 */
int32_t minicontain_container_program_pid(const minicontain_container *container);

/**
 * A descriptor of the first process, for poll(2) and friends: readable when it has ended. It belongs to the
 * container and must not be closed; -1 for NULL. See pidfd_open(2).
 */
int minicontain_container_pidfd(const minicontain_container *container);

/**
 * The caller's end of the pipe of standard stream 0, 1 or 2, to write to or read from. It belongs to the
 * container and must not be closed; -1 where there is none, or where it was taken. See pipe(7).
 */
int minicontain_container_stream(const minicontain_container *container, int stream);

/**
 * Takes the caller's end of the pipe of standard stream 0, 1 or 2 out of the container. It is the caller's
 * from then on, who closes it with close(2): for standard input that is how the program sees the end of its
 * input. -1 where there is none, or where it was taken.
 */
int minicontain_container_take_stream(const minicontain_container *container, int stream);

/**
 * Waits until the container has ended, at most timeout_ms milliseconds (negative: for ever). A signal does
 * not end the wait. Any number of threads may wait, and any number of times. See waitid(2).
 *
 * *out becomes the outcome, which belongs to the container, or NULL when the time is up.
 *
 * Errors: MINICONTAIN_CODE_ENDED if the kernel cannot tell how it ended, because something else reaped it.
 */
minicontain_error *minicontain_container_wait(const minicontain_container *container,
                                              int64_t timeout_ms,
                                              const minicontain_outcome **out);

/**
 * Looks whether the container has ended: minicontain_container_wait with a timeout of 0.
 */
minicontain_error *minicontain_container_try_wait(const minicontain_container *container,
                                                  const minicontain_outcome **out);

/**
 * Kills the container with everything in it, and returns without waiting. One that has ended is left as it
 * is. See pid_namespaces(7).
 */
minicontain_error *minicontain_container_kill(const minicontain_container *container);

/**
 * Sends a signal to the program, never to another process that got its number: signal(7). SIGKILL ends the
 * container with everything in it. Without an init, the program gets only the signals that it handles, and
 * SIGKILL and SIGSTOP: pid_namespaces(7).
 *
 * Errors: MINICONTAIN_CODE_ENDED when it has ended; MINICONTAIN_CODE_INVALID_SPEC when there is no such
 * signal.
 */
minicontain_error *minicontain_container_send_signal(const minicontain_container *container,
                                                     int signal_number);

/**
 * Asks the program to end with SIGTERM, and kills the container with everything in it if it has not ended
 * after timeout_ms milliseconds (negative: it is never killed). A signal does not end the wait.
 *
 * *out becomes the outcome, which belongs to the container.
 *
 * Errors: as minicontain_container_send_signal and minicontain_container_wait; a container that has ended
 * already is none.
 */
minicontain_error *minicontain_container_stop(const minicontain_container *container,
                                              int64_t timeout_ms,
                                              const minicontain_outcome **out);

/**
 * Stops every process in the container, until minicontain_container_resume. It can be killed meanwhile.
 *
 * Errors: MINICONTAIN_CODE_ENDED when it has ended; MINICONTAIN_CODE_NOT_SUPPORTED without an init, or without
 * a PID namespace of its own.
 */
minicontain_error *minicontain_container_pause(const minicontain_container *container);

/**
 * Lets every process in the container go on.
 *
 * Errors: as minicontain_container_pause.
 */
minicontain_error *minicontain_container_resume(const minicontain_container *container);

/**
 * Whether the container was paused, and not resumed; false for NULL.
 */
bool minicontain_container_paused(const minicontain_container *container);

/**
 * What was done to start it; nothing, where it was found by its name. It belongs to the container. NULL for
 * NULL.
 */
const minicontain_trace *minicontain_container_trace(const minicontain_container *container);

/**
 * How well each feature holds, as minicontain_plan_enforced_to_json. Free it with
 * minicontain_string_free. NULL for NULL.
 */
char *minicontain_container_enforced_to_json(const minicontain_container *container);

/**
 * Frees a container, with its outcome, output, trace and the descriptors that were not taken. One that still
 * runs is killed with everything in it, and waited for, unless it is detached or was found by its name: that
 * goes on. NULL is fine.
 */
void minicontain_container_free(minicontain_container *container);

/**
 * Gives input to a container and reads what it writes to standard output and error, all at once, so that no
 * full pipe stops either side, until every pipe is closed or timeout_ms milliseconds are over (negative:
 * never). It then owns the pipes that were not taken. Whether the container has ended is for
 * minicontain_container_wait to say.
 *
 * input is NULL, or input_len bytes, which are copied; standard input, if it is a pipe, is closed
 * after them. *out becomes what was written, which belongs to the container, or NULL when the time is
 * up: a further call, with NULL for its input, then goes on, and nothing is lost. One thread exchanges at a
 * time, and others that call this wait for it; every other function can be called meanwhile.
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC if there is input but no pipe to standard input, or input a second
 * time; MINICONTAIN_CODE_IO if a pipe cannot be read.
 */
minicontain_error *minicontain_container_communicate(const minicontain_container *container,
                                                     const void *input,
                                                     size_t input_len,
                                                     int64_t timeout_ms,
                                                     const minicontain_output **out);

/**
 * What the container wrote to standard output, where that was a pipe: any bytes, as many as len says
 * (which may be NULL), and a NUL behind them.
 */
const char *minicontain_output_stdout(const minicontain_output *output, size_t *len);

/**
 * What the container wrote to standard error, as minicontain_output_stdout.
 */
const char *minicontain_output_stderr(const minicontain_output *output, size_t *len);

/**
 * The caller's end of the container's terminal: what is typed is written to it, what is shown is read from it. It
 * belongs to the container and must not be closed; -1 where there is none, or where it was taken. Reading fails
 * with EIO once nobody has the other end open. See pty(7).
 */
int minicontain_container_terminal(const minicontain_container *container);

/**
 * Takes the caller's end of the terminal out of the container. It is the caller's from then on, who closes it with
 * close(2): the program then gets SIGHUP. -1 where there is none, or where it was taken.
 */
int minicontain_container_take_terminal(const minicontain_container *container);

/**
 * Tells the container's terminal how large the window is that shows it; the program hears of it by SIGWINCH. See
 * ioctl_tty(2).
 *
 * Errors: MINICONTAIN_CODE_NOT_SUPPORTED when there is none, or when it was taken: its owner then resizes it by
 * TIOCSWINSZ.
 */
minicontain_error *minicontain_container_resize(const minicontain_container *container,
                                                uint16_t rows,
                                                uint16_t columns);

/**
 * Starts a program in a container, beside its own: docker exec. It sees the container's files, processes and
 * network, and has no more rights than the container's program; what the spec does not say is as in the
 * container's.
 *
 * *out becomes a handle of its own, which is used as a container's: waited for, killed, polled. The program ends
 * with the container at the latest. With minicontain_spec_set_detach it goes on when the handle is freed, and when
 * the caller has ended; what it writes goes to /dev/null.
 *
 * Errors: as minicontain_container_start; MINICONTAIN_CODE_INVALID_SPEC for fields that say what the container
 * is, which cannot be chosen again; MINICONTAIN_CODE_ENDED when it has ended; MINICONTAIN_CODE_PAUSED while it
 * is paused.
 */
minicontain_error *minicontain_container_exec(const minicontain_container *container,
                                              const minicontain_spec *spec,
                                              minicontain_container **out);

/**
 * Starts a program beside a process of the host, in its namespaces and with its root: what nsenter(1) does. The
 * program has no more rights than a container's has by default. *out becomes a handle of its own, as from
 * minicontain_container_exec.
 *
 * Errors: as minicontain_container_exec; MINICONTAIN_CODE_ENDED when there is no such process,
 * MINICONTAIN_CODE_PERMISSION_DENIED when it may not be joined.
 */
minicontain_error *minicontain_enter(int32_t pid,
                                     const minicontain_spec *spec,
                                     minicontain_container **out);

/**
 * Writes data_len bytes into a file of the container, with this mode: chmod(2). The file belongs to the
 * container's root; one that is there is overwritten. path is looked up below the container's root and nowhere
 * else, links included. data may be NULL where there is nothing to write.
 *
 * Errors: MINICONTAIN_CODE_IO with the kernel's answer (ENOENT for a directory that is missing, EROFS, ...);
 * MINICONTAIN_CODE_ENDED when the container has ended, and its files with it.
 */
minicontain_error *minicontain_container_put(const minicontain_container *container,
                                             const char *path,
                                             const void *data,
                                             size_t data_len,
                                             uint32_t mode);

/**
 * Reads a file of the container. path is looked up as by minicontain_container_put.
 *
 * *out becomes what is in it: minicontain_bytes_data.
 *
 * Errors: as minicontain_container_put.
 */
minicontain_error *minicontain_container_get(const minicontain_container *container,
                                             const char *path,
                                             minicontain_bytes **out);

/**
 * Copies a file or directory of the host to a path in the container, with everything in it: files, directories,
 * and links as links. path is looked up as by minicontain_container_put; directories that are there are filled.
 *
 * Errors: as minicontain_container_put. What was copied before stays.
 */
minicontain_error *minicontain_container_put_tree(const minicontain_container *container,
                                                  const char *host_path,
                                                  const char *path);

/**
 * Copies a file or directory of the container to a path of the host, with everything in it: files, directories,
 * and links as links. What is copied belongs to the caller.
 *
 * Errors: as minicontain_container_put. What was copied before stays.
 */
minicontain_error *minicontain_container_get_tree(const minicontain_container *container,
                                                  const char *path,
                                                  const char *host_path);

/**
 * The bytes, as many as len says (which may be NULL), and a NUL behind them.
 */
const char *minicontain_bytes_data(const minicontain_bytes *handle, size_t *len);

/**
 * Frees bytes. NULL is fine.
 */
void minicontain_bytes_free(minicontain_bytes *bytes);

/**
 * Finds a container of this user by its name, whoever started it. It goes on when the handle is freed. It has no
 * pipes and no terminal, and its times are not known.
 *
 * Errors: MINICONTAIN_CODE_NO_SUCH_CONTAINER; MINICONTAIN_CODE_ENDED when it has ended.
 */
minicontain_error *minicontain_attach(const char *name,
                                      minicontain_container **out);

/**
 * Removes what is kept of a container that has ended: its state and its log.
 *
 * Errors: MINICONTAIN_CODE_NO_SUCH_CONTAINER; MINICONTAIN_CODE_STILL_RUNS while it runs.
 */
minicontain_error *minicontain_remove(const char *name);

/**
 * The container's name; "" where it has none. It belongs to the container.
 */
const char *minicontain_container_name(const minicontain_container *container);

/**
 * Where a detached container's output goes; "" where it is not detached. It belongs to the container.
 */
const char *minicontain_container_log_path(const minicontain_container *container);

/**
 * Lists the containers of this user that have a name, by name: those that run, and detached ones that have ended.
 *
 * Errors: MINICONTAIN_CODE_IO when they cannot be listed.
 */
minicontain_error *minicontain_containers(minicontain_list **out);

/**
 * How many there are.
 */
size_t minicontain_list_count(const minicontain_list *list);

/**
 * The name of the one at index; "" where index is too large.
 */
const char *minicontain_list_name(const minicontain_list *list, size_t index);

/**
 * The id of its first process; -1 where it has ended, or where index is too large.
 */
int32_t minicontain_list_pid(const minicontain_list *list, size_t index);

/**
 * Whether it runs, paused or not; false where index is too large.
 */
bool minicontain_list_running(const minicontain_list *list, size_t index);

/**
 * Whether it was paused, and not resumed; false where index is too large.
 */
bool minicontain_list_paused(const minicontain_list *list, size_t index);

/**
 * When it was started, in seconds since 1970: time(2). 0 where index is too large.
 */
uint64_t minicontain_list_created(const minicontain_list *list, size_t index);

/**
 * How it ended; NULL while it runs, or where index is too large. Its times are not known. It belongs to the
 * list.
 */
const minicontain_outcome *minicontain_list_outcome(const minicontain_list *list,
                                                    size_t index);

/**
 * What it was made of, as minicontain_spec_to_json writes it; "" where index is too large. It belongs to the
 * list.
 */
const char *minicontain_list_spec(const minicontain_list *list,
                                  size_t index);

/**
 * Where its output goes; "" where it is not detached, or where index is too large. It belongs to the list.
 */
const char *minicontain_list_log_path(const minicontain_list *list,
                                      size_t index);

/**
 * Frees a list, with its texts and outcomes. NULL is fine.
 */
void minicontain_list_free(minicontain_list *list);

/**
 * Why it ended.
 */
minicontain_reason minicontain_outcome_reason(const minicontain_outcome *outcome);

/**
 * Why it ended, as a word: "exited", "signaled", "timed_out", "oom" or "killed". It lives
 * as long as the program.
 */
const char *minicontain_outcome_reason_name(const minicontain_outcome *outcome);

/**
 * The exit status, 0 to 255; -1 where it did not exit. See exit(3).
 */
int minicontain_outcome_status(const minicontain_outcome *outcome);

/**
 * The signal that ended it; 0 where none did. See signal(7).
 */
int minicontain_outcome_signal(const minicontain_outcome *outcome);

/**
 * Whether the signal left a core: core(5).
 */
bool minicontain_outcome_core_dumped(const minicontain_outcome *outcome);

/**
 * How long it ran, in nanoseconds, from the start's first step to its end.
 */
uint64_t minicontain_outcome_wall_ns(const minicontain_outcome *outcome);

/**
 * CPU time in programs, in nanoseconds, of the first process and of those it waited for: getrusage(2).
 */
uint64_t minicontain_outcome_user_ns(const minicontain_outcome *outcome);

/**
 * CPU time in the kernel, in nanoseconds, of the first process and of those it waited for: getrusage(2).
 */
uint64_t minicontain_outcome_system_ns(const minicontain_outcome *outcome);

/**
 * The largest resident set of any one process, in bytes: getrusage(2). 0 where it was no more than the caller's
 * own, which the kernel counts in: the program's process began in the caller's memory.
 */
uint64_t minicontain_outcome_peak_memory(const minicontain_outcome *outcome);

/**
 * How many of its processes the kernel killed for want of memory. 0 where it had no cgroup of its own. The container
 * itself ended by that where the reason is MINICONTAIN_REASON_OOM.
 */
uint64_t minicontain_outcome_oom_kills(const minicontain_outcome *outcome);

/**
 * Which processes these were, as far as the kernel's log may be read and still tells. It belongs to the outcome.
 * NULL for NULL.
 */
const minicontain_victims *minicontain_outcome_oom_victims(const minicontain_outcome *outcome);

/**
 * What all its processes together used, to the end; NULL where it had no cgroup of its own: limit something, or use
 * minicontain_spec_set_cgroup. It belongs to the outcome.
 */
const minicontain_stats *minicontain_outcome_stats(const minicontain_outcome *outcome);

/**
 * What a container uses and has used: docker stats. Free *out with minicontain_stats_free.
 *
 * Who asks again is answered sooner: from then on the files are kept open, two dozen at most, until the container has
 * ended.
 *
 * Errors: MINICONTAIN_CODE_NOT_SUPPORTED when it has no cgroup of its own: limit something, or use
 * minicontain_spec_set_cgroup. MINICONTAIN_CODE_CGROUP_NOT_FOUND when it has ended: minicontain_outcome_stats
 * has the last ones.
 */
minicontain_error *minicontain_container_stats(const minicontain_container *container,
                                               minicontain_stats **out);

/**
 * Memory in use.
 */
uint64_t minicontain_stats_memory_current(const minicontain_stats *stats);

/**
 * The most memory that was in use. Version 2 of cgroups tells it from Linux 5.19 on.
 */
uint64_t minicontain_stats_memory_peak(const minicontain_stats *stats);

/**
 * The limit on memory that holds.
 */
uint64_t minicontain_stats_memory_limit(const minicontain_stats *stats);

/**
 * Swap in use.
 */
uint64_t minicontain_stats_memory_swap(const minicontain_stats *stats);

/**
 * The part of the memory in use that is the programs' own.
 */
uint64_t minicontain_stats_memory_anon(const minicontain_stats *stats);

/**
 * The part of the memory in use that holds what is in files.
 */
uint64_t minicontain_stats_memory_file(const minicontain_stats *stats);

/**
 * The part of the memory in use that is the kernel's, for these processes.
 */
uint64_t minicontain_stats_memory_kernel(const minicontain_stats *stats);

/**
 * How often the limit on memory was met, and some had to be taken back first.
 */
uint64_t minicontain_stats_memory_limit_hits(const minicontain_stats *stats);

/**
 * How many processes the kernel killed for want of memory.
 */
uint64_t minicontain_stats_oom_kills(const minicontain_stats *stats);

/**
 * CPU time.
 */
uint64_t minicontain_stats_cpu_usage_ns(const minicontain_stats *stats);

/**
 * CPU time in programs.
 */
uint64_t minicontain_stats_cpu_user_ns(const minicontain_stats *stats);

/**
 * CPU time in the kernel.
 */
uint64_t minicontain_stats_cpu_system_ns(const minicontain_stats *stats);

/**
 * The limit on CPU time, as that of so many CPUs; -1 where there is none, or the host does not tell.
 */
double minicontain_stats_cpu_limit(const minicontain_stats *stats);

/**
 * How many periods have passed in which CPU time was limited.
 */
uint64_t minicontain_stats_cpu_periods(const minicontain_stats *stats);

/**
 * In how many of these periods it had used up its CPU time, and waited.
 */
uint64_t minicontain_stats_cpu_throttled_periods(const minicontain_stats *stats);

/**
 * How long it waited in them.
 */
uint64_t minicontain_stats_cpu_throttled_ns(const minicontain_stats *stats);

/**
 * How many processes and threads there are.
 */
uint64_t minicontain_stats_pids_current(const minicontain_stats *stats);

/**
 * The most processes and threads that there were at once. Told from Linux 6.1 on.
 */
uint64_t minicontain_stats_pids_peak(const minicontain_stats *stats);

/**
 * The limit on processes and threads.
 */
uint64_t minicontain_stats_pids_limit(const minicontain_stats *stats);

/**
 * How often a fork failed for that limit.
 */
uint64_t minicontain_stats_pids_limit_hits(const minicontain_stats *stats);

/**
 * How many block devices there is something to tell of.
 */
size_t minicontain_stats_device_count(const minicontain_stats *stats);

/**
 * Which block device, as "8:0": its numbers, as in /proc/partitions; "" where index is too large.
 */
const char *minicontain_stats_device(const minicontain_stats *stats, size_t index);

/**
 * How many bytes were read from that device.
 */
uint64_t minicontain_stats_device_read_bytes(const minicontain_stats *stats, size_t index);

/**
 * How many bytes were written to that device.
 */
uint64_t minicontain_stats_device_write_bytes(const minicontain_stats *stats, size_t index);

/**
 * How often that device was read.
 */
uint64_t minicontain_stats_device_reads(const minicontain_stats *stats, size_t index);

/**
 * How often that device was written.
 */
uint64_t minicontain_stats_device_writes(const minicontain_stats *stats, size_t index);

/**
 * How many sizes of huge pages there are.
 */
size_t minicontain_stats_hugetlb_count(const minicontain_stats *stats);

/**
 * Which size of huge pages, as "2MB"; "" where index is too large.
 */
const char *minicontain_stats_hugetlb_page_size(const minicontain_stats *stats, size_t index);

/**
 * How much memory is in use in huge pages of that size.
 */
uint64_t minicontain_stats_hugetlb_current(const minicontain_stats *stats, size_t index);

/**
 * In which part of the last seconds, 10, 60 or 300, at least one process waited for a resource, one of
 * minicontain_resource: in percent; -1 where the host does not tell. Only version 2 of cgroups does: "PSI" in the
 * kernel's documentation.
 */
double minicontain_stats_pressure(const minicontain_stats *stats,
                                  int32_t resource,
                                  uint32_t seconds);

/**
 * How long at least one process waited for a resource, one of minicontain_resource.
 */
uint64_t minicontain_stats_pressure_ns(const minicontain_stats *stats, int32_t resource);

/**
 * The statistics as JSON, with null for what the host does not count. Free it with minicontain_string_free.
 * NULL for NULL.
 */
char *minicontain_stats_to_json(const minicontain_stats *stats);

/**
 * Frees statistics. NULL is fine.
 */
void minicontain_stats_free(minicontain_stats *stats);

/**
 * Runs a container to its end.
 *
 * input is NULL, or input_len bytes for standard input, which is a pipe then. What the container
 * writes to standard output and error is kept where these are pipes (minicontain_spec_set_stream). After
 * timeout_ms milliseconds (negative: never) it is killed with everything in it, and its reason is
 * MINICONTAIN_REASON_TIMED_OUT.
 *
 * Errors: as minicontain_container_start; nothing of the container is left then.
 */
minicontain_error *minicontain_run(const minicontain_spec *spec,
                                   const void *input,
                                   size_t input_len,
                                   int64_t timeout_ms,
                                   minicontain_result **out);

/**
 * How it ended. It belongs to the result. NULL for NULL.
 */
const minicontain_outcome *minicontain_result_outcome(const minicontain_result *result);

/**
 * What it wrote to standard output, where that was a pipe: any bytes, as many as len says (which may be
 * NULL), and a NUL behind them. They belong to the result.
 */
const char *minicontain_result_stdout(const minicontain_result *result, size_t *len);

/**
 * What it wrote to standard error, as minicontain_result_stdout.
 */
const char *minicontain_result_stderr(const minicontain_result *result, size_t *len);

/**
 * What was done to start it. It belongs to the result. NULL for NULL.
 */
const minicontain_trace *minicontain_result_trace(const minicontain_result *result);

/**
 * How well each feature held, as minicontain_plan_enforced_to_json. Free it with
 * minicontain_string_free. NULL for NULL.
 */
char *minicontain_result_enforced_to_json(const minicontain_result *result);

/**
 * Frees a result, with its outcome, output and trace. NULL is fine.
 */
void minicontain_result_free(minicontain_result *result);

/**
 * Makes a cgroup below the caller's own, with every controller that can be had there. name is "demo", or
 * "demo/inner" where demo is there.
 *
 * limits is a spec of which nothing but the limits is used, NULL for none:
 *
 *     minicontain_spec *limits = NULL;
 *     minicontain_cgroup *cgroup = NULL;
 *     minicontain_error *error = minicontain_spec_new(NULL, 0, &limits);
 *     if (!error) error = minicontain_spec_set_memory(limits, 64 << 20);
 *     if (!error) error = minicontain_cgroup_create("demo", limits, &cgroup);
 *     if (!error) error = minicontain_cgroup_add(cgroup, getpid());
 *
 * Errors: MINICONTAIN_CODE_NAME_TAKEN when it is there; MINICONTAIN_CODE_NOT_ENFORCED when a limit cannot be
 * held; MINICONTAIN_CODE_PERMISSION_DENIED when the caller may have no cgroup; MINICONTAIN_CODE_INVALID_SPEC when
 * a value cannot be.
 */
minicontain_error *minicontain_cgroup_create(const char *name,
                                             const minicontain_spec *limits,
                                             minicontain_cgroup **out);

/**
 * Finds a cgroup by the name that it was made with, below the caller's own.
 *
 * Errors: MINICONTAIN_CODE_CGROUP_NOT_FOUND.
 */
minicontain_error *minicontain_cgroup_open(const char *name, minicontain_cgroup **out);

/**
 * The cgroup that a process is in.
 *
 * Errors: MINICONTAIN_CODE_ENDED when there is no such process.
 */
minicontain_error *minicontain_cgroup_of(int32_t pid, minicontain_cgroup **out);

/**
 * The cgroup of a container, NULL where it has none: it has one when something is limited, and after
 * minicontain_spec_set_cgroup. It belongs to the container, and is removed when that has ended.
 */
const minicontain_cgroup *minicontain_container_cgroup(const minicontain_container *container);

/**
 * Makes a cgroup below another; limits as for minicontain_cgroup_create. On version 2 of cgroups, one whose
 * children have controllers can have no processes itself.
 *
 * Errors: as minicontain_cgroup_create.
 */
minicontain_error *minicontain_cgroup_child(const minicontain_cgroup *cgroup,
                                            const char *name,
                                            const minicontain_spec *limits,
                                            minicontain_cgroup **out);

/**
 * Changes limits; those that the spec does not set stay as they are.
 *
 * *out becomes what the kernel made of them, to be freed with minicontain_held_free; out may be NULL.
 *
 * Errors: MINICONTAIN_CODE_NOT_ENFORCED when a limit cannot be held; MINICONTAIN_CODE_INVALID_SPEC when a value
 * cannot be; MINICONTAIN_CODE_IO with EBUSY when more is in use than the new limit allows.
 */
minicontain_error *minicontain_cgroup_set(const minicontain_cgroup *cgroup,
                                          const minicontain_spec *limits,
                                          minicontain_held **out);

/**
 * Moves a process with all its threads into the cgroup; what it starts then is there, too.
 *
 * Errors: MINICONTAIN_CODE_ENDED when there is no such process; MINICONTAIN_CODE_PERMISSION_DENIED.
 */
minicontain_error *minicontain_cgroup_add(const minicontain_cgroup *cgroup, int32_t pid);

/**
 * Lists the processes in it, those of cgroups below it not included. Free *out with minicontain_pids_free.
 *
 * Errors: MINICONTAIN_CODE_CGROUP_NOT_FOUND when it was removed.
 */
minicontain_error *minicontain_cgroup_processes(const minicontain_cgroup *cgroup,
                                                minicontain_pids **out);

/**
 * Lists the threads in it, as minicontain_cgroup_processes.
 *
 * Errors: as minicontain_cgroup_processes.
 */
minicontain_error *minicontain_cgroup_threads(const minicontain_cgroup *cgroup, minicontain_pids **out);

/**
 * What its processes use and have used. Free *out with minicontain_stats_free.
 *
 * Errors: MINICONTAIN_CODE_CGROUP_NOT_FOUND when it was removed.
 */
minicontain_error *minicontain_cgroup_stats(const minicontain_cgroup *cgroup, minicontain_stats **out);

/**
 * Which of its processes, and of those of cgroups below it, the kernel killed for want of memory. Nobody, for
 * NULL and where the caller may not read the kernel's log. Free it with minicontain_victims_free.
 */
minicontain_victims *minicontain_cgroup_oom_victims(const minicontain_cgroup *cgroup);

/**
 * Stops every process in it and below it, and those that come meanwhile, until minicontain_cgroup_thaw. Nothing
 * inside can undo that, and nothing there sees a signal. Returns when all are stopped.
 *
 * Errors: MINICONTAIN_CODE_NOT_SUPPORTED when the host cannot; MINICONTAIN_CODE_IO when a process cannot be
 * stopped.
 */
minicontain_error *minicontain_cgroup_freeze(const minicontain_cgroup *cgroup);

/**
 * Lets what was frozen go on.
 *
 * Errors: as minicontain_cgroup_freeze.
 */
minicontain_error *minicontain_cgroup_thaw(const minicontain_cgroup *cgroup);

/**
 * Whether it is frozen; false, too, where the host cannot.
 */
bool minicontain_cgroup_frozen(const minicontain_cgroup *cgroup);

/**
 * Whether there is a process in it or below it.
 */
bool minicontain_cgroup_populated(const minicontain_cgroup *cgroup);

/**
 * Kills every process in it and below it, frozen ones too, and those that are being made. Returns when there is none
 * left. Nothing should be started in it after that: make another one.
 *
 * Errors: MINICONTAIN_CODE_IO when a process cannot be killed.
 */
minicontain_error *minicontain_cgroup_kill(const minicontain_cgroup *cgroup);

/**
 * Removes it and the cgroups below it, in which there must be no process: minicontain_cgroup_kill. The handle stays
 * to be freed. One that is gone already is no error.
 *
 * Errors: MINICONTAIN_CODE_STILL_RUNS while there is a process in it.
 */
minicontain_error *minicontain_cgroup_remove(const minicontain_cgroup *cgroup);

/**
 * Reads any file of it, "memory.max" in version 2 of cgroups, "memory.limit_in_bytes" in version 1, without the
 * line end. Free *out with minicontain_string_free.
 *
 * Errors: MINICONTAIN_CODE_CGROUP_NOT_FOUND when it has no such file, or was removed.
 */
minicontain_error *minicontain_cgroup_read(const minicontain_cgroup *cgroup,
                                           const char *file,
                                           char **out);

/**
 * Writes any file of it.
 *
 * Errors: as minicontain_cgroup_read; MINICONTAIN_CODE_IO when the kernel does not take the value.
 */
minicontain_error *minicontain_cgroup_write(const minicontain_cgroup *cgroup,
                                            const char *file,
                                            const char *value);

/**
 * In how many directories it is: one in each hierarchy of version 1 of cgroups, one in the tree of version 2.
 */
size_t minicontain_cgroup_directory_count(const minicontain_cgroup *cgroup);

/**
 * The path of a directory; "" where index is too large. It belongs to the handle.
 */
const char *minicontain_cgroup_directory_path(const minicontain_cgroup *cgroup, size_t index);

/**
 * Whose files are in a directory, 1 or 2 for the version of cgroups; 0 where index is too large.
 */
int minicontain_cgroup_directory_version(const minicontain_cgroup *cgroup, size_t index);

/**
 * The controllers of a directory with spaces between, "cpu memory pids"; "" where there is none, or where
 * index is too large. It belongs to the handle.
 */
const char *minicontain_cgroup_directory_controllers(const minicontain_cgroup *cgroup, size_t index);

/**
 * Frees the handle. The cgroup stays: minicontain_cgroup_remove. NULL is fine.
 */
void minicontain_cgroup_free(minicontain_cgroup *cgroup);

/**
 * The ids, as many as count says (which may be NULL). They belong to the list.
 */
const int32_t *minicontain_pids_data(const minicontain_pids *pids, size_t *count);

/**
 * Frees a list of ids. NULL is fine.
 */
void minicontain_pids_free(minicontain_pids *pids);

/**
 * How many files were written.
 */
size_t minicontain_held_count(const minicontain_held *held);

/**
 * Which file, "memory.max"; "" where index is too large.
 */
const char *minicontain_held_file(const minicontain_held *held, size_t index);

/**
 * What was written to it; "" where index is too large.
 */
const char *minicontain_held_written(const minicontain_held *held, size_t index);

/**
 * What it says now; what was written, where it cannot be read. "" where index is too large.
 */
const char *minicontain_held_now(const minicontain_held *held, size_t index);

/**
 * Frees it. NULL is fine.
 */
void minicontain_held_free(minicontain_held *held);

/**
 * How many are known. minicontain_outcome_oom_kills counts those, too, that are not.
 */
size_t minicontain_victims_count(const minicontain_victims *victims);

/**
 * Its id, as the host saw it; -1 where index is too large.
 */
int32_t minicontain_victims_pid(const minicontain_victims *victims, size_t index);

/**
 * Its program's name, as in /proc/PID/comm; "" where index is too large.
 */
const char *minicontain_victims_name(const minicontain_victims *victims, size_t index);

/**
 * Frees a list of victims. NULL is fine.
 */
void minicontain_victims_free(minicontain_victims *victims);

/**
 * How often something has happened to a cgroup since it was made: event is MINICONTAIN_EVENT_OOM_KILL (processes
 * killed), MINICONTAIN_EVENT_MEMORY_LIMIT, MINICONTAIN_EVENT_MEMORY_HIGH or MINICONTAIN_EVENT_PIDS_LIMIT (forks
 * refused). UINT64_MAX for what is not counted, and for NULL.
 */
uint64_t minicontain_cgroup_event_count(const minicontain_cgroup *cgroup,
                                        uint32_t event);

/**
 * An event's name, "oom_kill", for one bit; "" where there is no such event. It lives as long as the program.
 */
const char *minicontain_event_name(uint32_t event);

/**
 * Begins to look at what happens to a cgroup: inotify(7), and on version 1 of cgroups the eventfd(2) of
 * memory.oom_control.
 *
 * Version 1 wakes nobody but for MINICONTAIN_EVENT_OOM_KILL; that a fork was refused is told when somebody looks, or
 * with the next event. Where the host has the tree of version 2 besides, it tells of processes and of freezing.
 *
 * Errors: MINICONTAIN_CODE_CGROUP_NOT_FOUND when it was removed; MINICONTAIN_CODE_OUT_OF_RESOURCES without
 * descriptors left.
 */
minicontain_error *minicontain_watch_new(const minicontain_cgroup *cgroup,
                                         minicontain_watch **out);

/**
 * A descriptor for poll(2) and friends: readable when minicontain_watch_read may have something to tell. It belongs
 * to the watch and must not be closed; -1 for NULL.
 */
int minicontain_watch_fd(const minicontain_watch *watch);

/**
 * What happened since the last time, or since the watch began: bits of minicontain_event, 0 for nothing. It does not
 * wait.
 */
uint32_t minicontain_watch_read(const minicontain_watch *watch);

/**
 * Waits until something happens, at most timeout_ms milliseconds (negative: for ever). A signal does not end the
 * wait.
 *
 * *out becomes what happened, as from minicontain_watch_read; 0 when the time is up.
 *
 * Errors: MINICONTAIN_CODE_IO if the kernel refuses to wait.
 */
minicontain_error *minicontain_watch_wait(const minicontain_watch *watch,
                                          int64_t timeout_ms,
                                          uint32_t *out);

/**
 * Frees a watch, with its descriptor. NULL is fine.
 */
void minicontain_watch_free(minicontain_watch *watch);

/**
 * The namespace of a kind that a process is in; of the calling thread for a pid of 0.
 *
 *     minicontain_namespace *own = NULL, *first = NULL;
 *     minicontain_error *error = minicontain_namespace_of(0, "net", &own);
 *     if (!error) error = minicontain_namespace_of(1, "net", &first);
 *     if (!error) puts(minicontain_namespace_equal(own, first) ? "as process 1" : "another network");
 *
 * Errors: MINICONTAIN_CODE_NAMESPACE_NOT_FOUND when there is no such process, or this kernel lacks the kind;
 * MINICONTAIN_CODE_PERMISSION_DENIED when the process is another user's; MINICONTAIN_CODE_INVALID_SPEC if there is
 * no such kind. See proc_pid_ns(5).
 */
minicontain_error *minicontain_namespace_of(int32_t pid,
                                            const char *kind,
                                            minicontain_namespace **out);

/**
 * The namespace that a file stands for: /proc/PID/ns/net, /run/netns/NAME.
 *
 * Errors: MINICONTAIN_CODE_NAMESPACE_NOT_FOUND when the file is not there or stands for no namespace;
 * MINICONTAIN_CODE_PERMISSION_DENIED. See namespaces(7).
 */
minicontain_error *minicontain_namespace_open(const char *path, minicontain_namespace **out);

/**
 * The namespace that an open descriptor stands for. The descriptor stays the caller's, who may close it: the handle
 * has a duplicate.
 *
 * Errors: MINICONTAIN_CODE_NAMESPACE_NOT_FOUND when it stands for none; MINICONTAIN_CODE_OUT_OF_RESOURCES without
 * descriptors left. See ioctl_ns(2).
 */
minicontain_error *minicontain_namespace_from_fd(int fd,
                                                 minicontain_namespace **out);

/**
 * Makes a new namespace with no process in it, without moving the calling thread. A user namespace has the caller's
 * user as its root, and nobody else.
 *
 * Errors: MINICONTAIN_CODE_PERMISSION_DENIED without CAP_SYS_ADMIN, unless it is a user namespace;
 * MINICONTAIN_CODE_USER_NAMESPACE_FORBIDDEN; MINICONTAIN_CODE_NOT_SUPPORTED for "pid", which lives with its first
 * process: minicontain_clone; MINICONTAIN_CODE_INVALID_SPEC if there is no such kind. See unshare(2).
 */
minicontain_error *minicontain_namespace_create(const char *kind,
                                                minicontain_namespace **out);

/**
 * Makes a new namespace that a user namespace owns: its root has all rights in it. So an ordinary user has a network:
 *
 *     minicontain_namespace *user = NULL, *net = NULL;
 *     minicontain_error *error = minicontain_namespace_create("user", &user);
 *     if (!error) error = minicontain_namespace_create_in("net", user, &net);
 *
 * Errors: as minicontain_namespace_create; MINICONTAIN_CODE_INVALID_SPEC when the owner is no user namespace. See
 * user_namespaces(7).
 */
minicontain_error *minicontain_namespace_create_in(const char *kind,
                                                   const minicontain_namespace *owner,
                                                   minicontain_namespace **out);

/**
 * Makes a new namespace and keeps it under a name until minicontain_namespace_remove, whoever ends before; a network
 * namespace as ip netns add does.
 *
 * Errors: MINICONTAIN_CODE_NAME_TAKEN; MINICONTAIN_CODE_PERMISSION_DENIED without CAP_SYS_ADMIN to mount; as
 * minicontain_namespace_create; MINICONTAIN_CODE_INVALID_SPEC when it cannot be a name. See ip-netns(8).
 */
minicontain_error *minicontain_namespace_create_named(const char *kind,
                                                      const char *name,
                                                      minicontain_namespace **out);

/**
 * Finds a namespace by its name, whoever made it; a network namespace that ip netns made, too.
 *
 * Errors: MINICONTAIN_CODE_NAMESPACE_NOT_FOUND; MINICONTAIN_CODE_INVALID_SPEC when it cannot be a name, or if there
 * is no such kind. See ip-netns(8).
 */
minicontain_error *minicontain_namespace_open_named(const char *kind,
                                                    const char *name,
                                                    minicontain_namespace **out);

/**
 * Its kind, "net". It belongs to the handle.
 */
const char *minicontain_namespace_kind(const minicontain_namespace *ns);

/**
 * Its number, as /proc/PID/ns shows it (net:[4026531840]); 0 for NULL. No two that live have the same.
 */
uint64_t minicontain_namespace_id(const minicontain_namespace *ns);

/**
 * The name that it was made or opened by; "" where there was none. It belongs to the handle.
 */
const char *minicontain_namespace_name(const minicontain_namespace *ns);

/**
 * Its descriptor, for setns(2), minicontain_spec_set_namespace_fd and friends. It belongs to the handle and must not
 * be closed; -1 for NULL.
 */
int minicontain_namespace_fd(const minicontain_namespace *ns);

/**
 * Whether two handles stand for the same namespace; false for NULL.
 */
bool minicontain_namespace_equal(const minicontain_namespace *ns, const minicontain_namespace *other);

/**
 * The one above it, of a user or PID namespace. *out stays NULL where that is not below the caller's own, which is
 * no error.
 *
 * Errors: MINICONTAIN_CODE_NOT_SUPPORTED of another kind: those have no tree. See NS_GET_PARENT in ioctl_ns(2).
 */
minicontain_error *minicontain_namespace_parent(const minicontain_namespace *ns,
                                                minicontain_namespace **out);

/**
 * The user namespace that owns it, whose capabilities count in it; of a user namespace, the one above. *out stays
 * NULL where that is not the caller's own or below it, which is no error.
 *
 * Errors: MINICONTAIN_CODE_NAMESPACE_NOT_FOUND with what the kernel says. See NS_GET_USERNS in ioctl_ns(2).
 */
minicontain_error *minicontain_namespace_owner(const minicontain_namespace *ns,
                                               minicontain_namespace **out);

/**
 * The user who made a user namespace, as the caller sees its ids. *out is UINT32_MAX after an error.
 *
 * Errors: MINICONTAIN_CODE_NOT_SUPPORTED of another kind: ask its owner. See NS_GET_OWNER_UID in ioctl_ns(2).
 */
minicontain_error *minicontain_namespace_owner_uid(const minicontain_namespace *ns,
                                                   uint32_t *out);

/**
 * Makes a socket inside a network namespace, where it stays, without moving the calling thread; arguments as for
 * socket(2). *out becomes its descriptor, the caller's to close, which is closed on execve(2); -1 after an error.
 *
 *     int listener = -1;
 *     minicontain_error *error = minicontain_namespace_socket(net, AF_INET, SOCK_STREAM, 0, &listener);
 *
 * Errors: MINICONTAIN_CODE_PERMISSION_DENIED without rights in it; MINICONTAIN_CODE_INVALID_SPEC of another kind;
 * what the kernel says (minicontain_error_errno).
 */
minicontain_error *minicontain_namespace_socket(const minicontain_namespace *ns,
                                                int family,
                                                int socket_type,
                                                int protocol,
                                                int *out);

/**
 * Takes its name away: ip netns delete. It lives on while processes are in it, or something holds it, as the handle
 * does, which stays to be freed.
 *
 * Errors: MINICONTAIN_CODE_NAMESPACE_NOT_FOUND when it has no name, or none any more;
 * MINICONTAIN_CODE_PERMISSION_DENIED. See umount(2).
 */
minicontain_error *minicontain_namespace_remove(const minicontain_namespace *ns);

/**
 * Frees the handle, with its descriptor. A namespace goes when nothing holds it: no handle, no name, no process. NULL
 * is fine.
 */
void minicontain_namespace_free(minicontain_namespace *ns);

/**
 * The namespaces that a process is in, one of each kind that the kernel has; of the calling thread for a pid of 0.
 * Which of them it shares with another process:
 *
 *     for (i = 0; i < minicontain_namespaces_count(own); i++) {
 *         const minicontain_namespace *one = minicontain_namespaces_at(own, i);
 *         if (minicontain_namespaces_contain(others, one)) puts(minicontain_namespace_kind(one));
 *     }
 *
 * Errors: as minicontain_namespace_of. See proc_pid_ns(5).
 */
minicontain_error *minicontain_namespaces_of(int32_t pid,
                                             minicontain_namespaces **out);

/**
 * The namespaces of a kind that have a name, by name, those among them that ip netns made.
 *
 * Errors: MINICONTAIN_CODE_PERMISSION_DENIED when the caller may not look; MINICONTAIN_CODE_INVALID_SPEC if there is
 * no such kind. See ip-netns(8).
 */
minicontain_error *minicontain_namespaces_named(const char *kind,
                                                minicontain_namespaces **out);

/**
 * How many there are.
 */
size_t minicontain_namespaces_count(const minicontain_namespaces *namespaces);

/**
 * One of them, NULL where index is too large. It belongs to the list.
 */
const minicontain_namespace *minicontain_namespaces_at(const minicontain_namespaces *namespaces,
                                                       size_t index);

/**
 * Whether a namespace is among them; false for NULL.
 */
bool minicontain_namespaces_contain(const minicontain_namespaces *namespaces,
                                    const minicontain_namespace *ns);

/**
 * Frees it, with the handles in it. NULL is fine.
 */
void minicontain_namespaces_free(minicontain_namespaces *namespaces);

/**
 * Takes the calling thread into a namespace, until minicontain_inside_leave; other threads stay where they are. Threads
 * and processes that it makes meanwhile begin inside, and stay there; of a PID namespace only the processes, and not
 * the thread. Who enters several leaves them in the opposite order.
 *
 *     minicontain_inside *inside = NULL;
 *     minicontain_error *error = minicontain_namespace_enter(net, &inside);
 *     if (!error) listener = socket(AF_INET, SOCK_STREAM, 0);
 *     if (!error) error = minicontain_inside_leave(inside);
 *     minicontain_inside_free(inside);
 *
 * Errors: MINICONTAIN_CODE_PERMISSION_DENIED without CAP_SYS_ADMIN; MINICONTAIN_CODE_NOT_SUPPORTED for a user
 * namespace, out of which nobody comes back, and where the kernel forbids it to one thread of several, with the way that
 * works. See setns(2).
 */
minicontain_error *minicontain_namespace_enter(const minicontain_namespace *ns,
                                               minicontain_inside **out);

/**
 * Takes the thread back to where it was. One that has left already is no error. The handle stays to be freed.
 *
 * Errors: MINICONTAIN_FACE_CODE_WRONG_THREAD from another thread than that which entered: nothing has changed, and
 * that one can still leave; what the kernel says, as for minicontain_setns: the thread stays inside for good, and had
 * better end.
 */
minicontain_error *minicontain_inside_leave(const minicontain_inside *inside);

/**
 * Frees it; a thread that has not left yet is taken back first, without a word where that fails. From another thread it
 * is only freed: the thread that entered stays inside for good. NULL is fine.
 */
void minicontain_inside_free(minicontain_inside *inside);

/**
 * Calls a function inside, in a thread of its own that ends with it, and waits for that; the calling thread stays where
 * it is. *result becomes what the function gave, -1 after an error; result may be NULL.
 *
 *     static int count(void *names) { return count_links(names); }
 *
 *     minicontain_error *error = minicontain_namespace_call(net, count, names, &links);
 *
 * The function must return: it does not throw, longjmp(3) or pthread_exit(3). Its stack has 2 MiB.
 *
 * Errors: as minicontain_namespace_enter, but a mount namespace can be called into from any process;
 * MINICONTAIN_CODE_OUT_OF_RESOURCES when there can be no more threads. See setns(2).
 */
minicontain_error *minicontain_namespace_call(const minicontain_namespace *ns,
                                              int (*function)(void*),
                                              void *arg,
                                              int *result);

/**
 * Moves the calling thread into new namespaces, for good; flags as for unshare(2), from <sched.h>. A new PID or
 * time namespace is for the children that it makes from then on.
 *
 *     minicontain_error *error = minicontain_unshare(CLONE_NEWUTS | CLONE_NEWNET);
 *
 * Errors: MINICONTAIN_CODE_PERMISSION_DENIED without CAP_SYS_ADMIN; MINICONTAIN_CODE_USER_NAMESPACE_FORBIDDEN;
 * MINICONTAIN_CODE_NOT_SUPPORTED where the kernel forbids it to one thread of several, with the way that works;
 * MINICONTAIN_CODE_OUT_OF_RESOURCES.
 */
minicontain_error *minicontain_unshare(uint64_t flags);

/**
 * Moves the calling thread, for good, into the namespace that a descriptor stands for, or into several of the process
 * that a pidfd stands for; flags as for setns(2), from <sched.h>, and 0 for a namespace of any kind.
 *
 *     minicontain_error *error = minicontain_setns(minicontain_child_pidfd(child), CLONE_NEWUTS | CLONE_NEWNET);
 *
 * Errors: as minicontain_unshare; MINICONTAIN_CODE_NAMESPACE_NOT_FOUND when it does not stand for one of that kind;
 * MINICONTAIN_CODE_ENDED when the process has ended.
 */
minicontain_error *minicontain_setns(int fd,
                                     uint64_t flags);

/**
 * Calls a function in a copy of the calling process that begins in new namespaces, clone(2) as fork(2) does it: the copy
 * has memory and descriptors of its own. What the function gives, 0 to 255, is the copy's exit status. flags are
 * CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP,
 * CLONE_NEWTIME of <sched.h>, or 0.
 *
 *     static int inside(void *name) { return sethostname(name, strlen(name)) != 0; }
 *
 *     minicontain_child *child = NULL;
 *     int status = 0;
 *     minicontain_error *error = minicontain_clone(inside, "box", CLONE_NEWUTS, &child);
 *     if (!error) error = minicontain_child_wait(child, &status);
 *     minicontain_child_free(child);
 *
 * The copy ends as by _exit(2): what stdio holds is not written, so flush it before the call and before the end. In the
 * copy of a process with several threads only this one goes on, as after fork(2): locks that the others held stay taken,
 * and the function had better be async-signal-safe. It must not throw or longjmp(3). A user namespace has no ids mapped
 * at first: minicontain_map_root. Copying costs by the size of the process; a container does not.
 *
 * Errors: MINICONTAIN_CODE_PERMISSION_DENIED without CAP_SYS_ADMIN, unless CLONE_NEWUSER is among the flags;
 * MINICONTAIN_CODE_USER_NAMESPACE_FORBIDDEN; MINICONTAIN_CODE_OUT_OF_RESOURCES; MINICONTAIN_CODE_INVALID_SPEC for
 * other flags.
 */
minicontain_error *minicontain_clone(int (*function)(void*),
                                     void *arg,
                                     uint64_t flags,
                                     minicontain_child **out);

/**
 * Maps root of the calling process's new user namespace to a user and a group of the one above: the caller's own, as
 * they were before, where it has no rights above. To be done once, first thing in the function of minicontain_clone.
 *
 * Errors: MINICONTAIN_CODE_PERMISSION_DENIED when the kernel refuses. See user_namespaces(7).
 */
minicontain_error *minicontain_map_root(uint32_t uid,
                                        uint32_t gid);

/**
 * Its process id, as the caller sees it; -1 for NULL.
 */
int32_t minicontain_child_pid(const minicontain_child *child);

/**
 * A descriptor for poll(2) and friends: readable when it has ended. See pidfd_open(2). It belongs to the handle and must
 * not be closed; -1 for NULL.
 */
int minicontain_child_pidfd(const minicontain_child *child);

/**
 * Waits for its end, and reaps it. *status becomes what waitpid(2) would give, for WIFEXITED, WEXITSTATUS,
 * WTERMSIG of <sys/wait.h>, however often it is asked; -1 after an error. A signal does not end the wait.
 *
 * Errors: MINICONTAIN_CODE_ENDED when somebody else has reaped it.
 */
minicontain_error *minicontain_child_wait(const minicontain_child *child,
                                          int *status);

/**
 * As minicontain_child_wait, without waiting: *status becomes -1 while it runs.
 *
 * Errors: as minicontain_child_wait.
 */
minicontain_error *minicontain_child_try_wait(const minicontain_child *child, int *status);

/**
 * Sends it a signal, and never another process that has its id now: pidfd_send_signal(2).
 *
 * Errors: MINICONTAIN_CODE_ENDED when it has ended; MINICONTAIN_CODE_IO with what the kernel says (EINVAL).
 */
minicontain_error *minicontain_child_send_signal(const minicontain_child *child,
                                                 int signal);

/**
 * Frees the handle, with its descriptor. The process goes on; one that nobody waited for stays a zombie when it ends,
 * until the caller ends or reaps it by waitpid(2). NULL is fine.
 */
void minicontain_child_free(minicontain_child *child);

/**
 * Finds the link of that name: "lo".
 *
 *     minicontain_link *lo = NULL;
 *     minicontain_error *error = minicontain_link_get(net, "lo", &lo);
 *     if (!error) error = minicontain_link_up(lo);
 *     minicontain_link_free(lo);
 *
 * Errors: MINICONTAIN_CODE_LINK_NOT_FOUND; MINICONTAIN_CODE_PERMISSION_DENIED when the caller may not enter the
 * namespace; MINICONTAIN_CODE_INVALID_SPEC when it cannot be a name, or ns is of another kind. See ip-link(8).
 */
minicontain_error *minicontain_link_get(const minicontain_namespace *ns,
                                        const char *name,
                                        minicontain_link **out);

/**
 * Its name when the handle last saw it: when it was found, renamed or moved. It belongs to the handle, until that.
 */
const char *minicontain_link_name(const minicontain_link *link);

/**
 * Its number in the namespace, as if_nametoindex(3) gives it; 0 for NULL.
 */
uint32_t minicontain_link_index(const minicontain_link *link);

/**
 * The namespace that it is in, as a handle of its own, to be freed with minicontain_namespace_free.
 */
minicontain_error *minicontain_link_namespace(const minicontain_link *link, minicontain_namespace **out);

/**
 * Switches it on: ip link set dev LINK up.
 *
 * Errors: as for every change. See netdevice(7), IFF_UP.
 */
minicontain_error *minicontain_link_up(const minicontain_link *link);

/**
 * Switches it off; its routes go: ip link set dev LINK down.
 *
 * Errors: as for every change. See netdevice(7), IFF_UP.
 */
minicontain_error *minicontain_link_down(const minicontain_link *link);

/**
 * Gives it another name, of up to 15 bytes: ip link set dev LINK name NAME. Before Linux 6.2 it must be down.
 *
 * Errors: as for every change; MINICONTAIN_CODE_LINK_EXISTS; MINICONTAIN_CODE_INVALID_SPEC when it cannot be a name.
 * See ip-link(8).
 */
minicontain_error *minicontain_link_rename(minicontain_link *link,
                                           const char *name);

/**
 * Sets the largest packet that it carries, in bytes: ip link set dev LINK mtu MTU.
 *
 * Errors: as for every change; MINICONTAIN_CODE_IO when a link of its kind cannot have that. See ip-link(8).
 */
minicontain_error *minicontain_link_set_mtu(const minicontain_link *link,
                                            uint32_t mtu);

/**
 * Sets its own address, "02:00:00:00:00:01": ip link set dev LINK address MAC.
 *
 * Errors: as for every change; MINICONTAIN_CODE_IO for a multicast address; MINICONTAIN_CODE_INVALID_SPEC when it is
 * none. See ip-link(8).
 */
minicontain_error *minicontain_link_set_mac(const minicontain_link *link,
                                            const char *mac);

/**
 * Connects it to a bridge of its namespace, or takes it away, for a master of NULL: ip link set dev LINK master BRIDGE.
 *
 * Errors: as for every change; MINICONTAIN_CODE_IO when that link can have no others. See bridge(8).
 */
minicontain_error *minicontain_link_set_master(const minicontain_link *link,
                                               const minicontain_link *master);

/**
 * Gives it an address with the length of its network's prefix, "10.16.8.1/24" or "fd00::1/64": ip address add.
 *
 * Errors: as for every change; MINICONTAIN_CODE_ADDRESS_IN_USE when it has it; MINICONTAIN_CODE_INVALID_SPEC when it
 * is none. See ip-address(8).
 */
minicontain_error *minicontain_link_add_address(const minicontain_link *link,
                                                const char *address);

/**
 * Takes an address away: ip address del.
 *
 * Errors: as for every change; MINICONTAIN_CODE_IO when it does not have it; MINICONTAIN_CODE_INVALID_SPEC when it is
 * none. See ip-address(8).
 */
minicontain_error *minicontain_link_remove_address(const minicontain_link *link,
                                                   const char *address);

/**
 * Moves it to another network namespace, the calling thread's for NULL, and the handle with it: ip link set dev LINK
 * netns NAME. It is down there and has no addresses; its number may be another one.
 *
 * Errors: as for every change; MINICONTAIN_CODE_LINK_EXISTS when that namespace has a link of its name;
 * MINICONTAIN_CODE_NOT_SUPPORTED for a kind that stays where it was made, as bridges do. See ip-link(8).
 */
minicontain_error *minicontain_link_move_to(minicontain_link *link,
                                            const minicontain_namespace *ns);

/**
 * Deletes it; of a veth, the other end goes too: ip link del. The handle stays to be freed.
 *
 * Errors: as for every change; MINICONTAIN_CODE_NOT_SUPPORTED for the loopback and for hardware. See ip-link(8).
 */
minicontain_error *minicontain_link_delete(const minicontain_link *link);

/**
 * Frees the handle. The link stays: minicontain_link_delete. NULL is fine.
 */
void minicontain_link_free(minicontain_link *link);

/**
 * Makes a veth, one end of a cable, and the other end, peer, with it: ip link add NAME type veth peer name PEER. The
 * other end is made in peer_ns, in the same namespace for NULL; to move it there afterwards takes a hundred times
 * longer. It is found by minicontain_link_get.
 *
 *     minicontain_link *veth0 = NULL, *veth1 = NULL;
 *     minicontain_error *error = minicontain_link_create_veth(NULL, "veth0", net, "veth1", &veth0);
 *     if (!error) error = minicontain_link_add_address(veth0, "10.16.8.1/24");
 *     if (!error) error = minicontain_link_up(veth0);
 *     if (!error) error = minicontain_link_get(net, "veth1", &veth1);
 *
 * Errors, here and for all kinds: MINICONTAIN_CODE_LINK_EXISTS; MINICONTAIN_CODE_PERMISSION_DENIED without
 * CAP_NET_ADMIN; MINICONTAIN_CODE_NOT_SUPPORTED when this kernel has no such links;
 * MINICONTAIN_CODE_INVALID_SPEC when it cannot be. See veth(4).
 */
minicontain_error *minicontain_link_create_veth(const minicontain_namespace *ns,
                                                const char *name,
                                                const minicontain_namespace *peer_ns,
                                                const char *peer,
                                                minicontain_link **out);

/**
 * Makes a bridge, which is a switch: ip link add NAME type bridge.
 *
 *     minicontain_link *br0 = NULL;
 *     minicontain_error *error = minicontain_link_create_bridge(NULL, "br0", &br0);
 *     if (!error) error = minicontain_link_set_master(veth0, br0);
 *
 * Errors: as for all kinds. See bridge(8).
 */
minicontain_error *minicontain_link_create_bridge(const minicontain_namespace *ns,
                                                  const char *name,
                                                  minicontain_link **out);

/**
 * Makes a macvlan, a second link with a MAC address of its own on the link parent. mode says who on that link can
 * talk to whom: "bridge" (everybody; so for NULL), "private" (nobody), "vepa" (those who meet on the switch
 * outside) or "passthru" (there is one alone).
 *
 * Errors: as for all kinds; MINICONTAIN_CODE_LINK_NOT_FOUND for the parent. See ip-link(8).
 */
minicontain_error *minicontain_link_create_macvlan(const minicontain_namespace *ns,
                                                   const char *name,
                                                   const char *parent,
                                                   const char *mode,
                                                   minicontain_link **out);

/**
 * Makes an ipvlan, a second link with the MAC address of the link parent. mode says what tells them apart: "l2"
 * (addresses, with broadcast and ARP; so for NULL), "l3" (addresses, routed by the parent's namespace) or "l3s"
 * (the same through its firewall).
 *
 * Errors: as for all kinds; MINICONTAIN_CODE_LINK_NOT_FOUND for the parent. See ip-link(8).
 */
minicontain_error *minicontain_link_create_ipvlan(const minicontain_namespace *ns,
                                                  const char *name,
                                                  const char *parent,
                                                  const char *mode,
                                                  minicontain_link **out);

/**
 * Makes a VLAN, which is what the link parent carries with an IEEE 802.1Q tag, 1 to 4094.
 *
 * Errors: as for all kinds; MINICONTAIN_CODE_LINK_NOT_FOUND for the parent. See ip-link(8).
 */
minicontain_error *minicontain_link_create_vlan(const minicontain_namespace *ns,
                                                const char *name,
                                                const char *parent,
                                                uint16_t id,
                                                minicontain_link **out);

/**
 * Makes a VXLAN, Ethernet in UDP across routed networks, with the network's number, below 2^24. local is the address
 * that it sends from, remote who is at the other end or the multicast group of all; parent is the link below, which a
 * group needs. Each of the three may be NULL. A port of 0 is 4789, which IANA gave.
 *
 * Errors: as for all kinds; MINICONTAIN_CODE_LINK_NOT_FOUND for the parent. See ip-link(8).
 */
minicontain_error *minicontain_link_create_vxlan(const minicontain_namespace *ns,
                                                 const char *name,
                                                 uint32_t id,
                                                 const char *local,
                                                 const char *remote,
                                                 const char *parent,
                                                 uint16_t port,
                                                 minicontain_link **out);

/**
 * Makes a TAP device, Ethernet to and from a program that opens /dev/net/tun; it stays without one: ip tuntap add.
 *
 * Errors: as for all kinds; MINICONTAIN_CODE_PERMISSION_DENIED, too, when /dev/net/tun is not the caller's to open.
 * See ip-tuntap(8).
 */
minicontain_error *minicontain_link_create_tap(const minicontain_namespace *ns,
                                               const char *name,
                                               minicontain_link **out);

/**
 * Makes a TUN device, as minicontain_link_create_tap, with IP packets.
 *
 * Errors: as minicontain_link_create_tap. See ip-tuntap(8).
 */
minicontain_error *minicontain_link_create_tun(const minicontain_namespace *ns,
                                               const char *name,
                                               minicontain_link **out);

/**
 * Makes a link that drops everything: ip link add NAME type dummy.
 *
 * Errors: as for all kinds. See ip-link(8).
 */
minicontain_error *minicontain_link_create_dummy(const minicontain_namespace *ns,
                                                 const char *name,
                                                 minicontain_link **out);

/**
 * Lists the links of a network namespace, the calling thread's for NULL: ip link.
 *
 *     for (i = 0; i < minicontain_links_count(links); i++)
 *         puts(minicontain_link_name(minicontain_links_at(links, i)));
 *
 * Errors: MINICONTAIN_CODE_PERMISSION_DENIED when the caller may not enter the namespace;
 * MINICONTAIN_CODE_INVALID_SPEC when it is of another kind. See ip-link(8).
 */
minicontain_error *minicontain_links_of(const minicontain_namespace *ns, minicontain_links **out);

/**
 * How many there are.
 */
size_t minicontain_links_count(const minicontain_links *links);

/**
 * One of them, NULL where index is too large. It belongs to the list.
 */
const minicontain_link *minicontain_links_at(const minicontain_links *links, size_t index);

/**
 * Frees it, with the handles in it. NULL is fine.
 */
void minicontain_links_free(minicontain_links *links);

/**
 * Everything that is in a network namespace now, as JSON: {"links": [...], "routes": [...], "neighbours": [...]}, a
 * link as minicontain_link_describe writes it. Free *out with minicontain_string_free.
 *
 * Errors: as minicontain_links_of. See rtnetlink(7).
 */
minicontain_error *minicontain_links_describe(const minicontain_namespace *ns,
                                              char **out);

/**
 * Lists the routes of the main table, IPv4 first, as ip-route(8) writes them: "default via 10.16.8.1 dev veth0". Free
 * *out with minicontain_strings_free.
 *
 * Errors: as minicontain_links_of. See ip-route(8).
 */
minicontain_error *minicontain_routes(const minicontain_namespace *ns,
                                      minicontain_strings **out);

/**
 * Adds a route, written as minicontain_routes does: a network or default, then any of via ADDRESS, dev LINK,
 * src ADDRESS and metric NUMBER. default is of the family of the addresses that follow; without one it is IPv4,
 * and ::/0 is every IPv6 address.
 *
 *     minicontain_error *error = minicontain_route_add(net, "default via 10.16.8.1");
 *
 * Errors: MINICONTAIN_CODE_ADDRESS_IN_USE when there is such a one; MINICONTAIN_CODE_LINK_NOT_FOUND for the link;
 * MINICONTAIN_CODE_IO when the gateway cannot be reached; MINICONTAIN_CODE_PERMISSION_DENIED without CAP_NET_ADMIN;
 * MINICONTAIN_CODE_INVALID_SPEC when it is none. See ip-route(8).
 */
minicontain_error *minicontain_route_add(const minicontain_namespace *ns,
                                         const char *route);

/**
 * Removes the first route like it; what it does not name may be anything.
 *
 * Errors: as minicontain_route_add; MINICONTAIN_CODE_IO when there is none. See ip-route(8).
 */
minicontain_error *minicontain_route_remove(const minicontain_namespace *ns, const char *route);

/**
 * Asks the kernel what a link is like: ip -s link show dev LINK. Free *out with minicontain_link_state_free.
 *
 *     minicontain_link_state *state = NULL;
 *     minicontain_error *error = minicontain_link_state_of(link, &state);
 *     if (!error) puts(minicontain_link_state_up(state) ? "up" : "down");
 *     minicontain_link_state_free(state);
 *
 * Errors: MINICONTAIN_CODE_LINK_NOT_FOUND when it was deleted, or moved by others. See rtnetlink(7).
 */
minicontain_error *minicontain_link_state_of(const minicontain_link *link,
                                             minicontain_link_state **out);

/**
 * The same of the other end of a veth, wherever that is. *out stays NULL for other kinds, which is no error.
 *
 * Errors: as minicontain_link_state_of; MINICONTAIN_CODE_PERMISSION_DENIED when the caller may not look there.
 */
minicontain_error *minicontain_link_state_of_peer(const minicontain_link *link,
                                                  minicontain_link_state **out);

/**
 * Its name. It belongs to the state.
 */
const char *minicontain_link_state_name(const minicontain_link_state *state);

/**
 * Its number in the namespace; 0 for NULL.
 */
uint32_t minicontain_link_state_index(const minicontain_link_state *state);

/**
 * Its kind as the kernel names it: "veth", "bridge", ..., "tun" for TAP, too; "" for the loopback and for
 * hardware. It belongs to the state.
 */
const char *minicontain_link_state_kind(const minicontain_link_state *state);

/**
 * Whether it is switched on.
 */
bool minicontain_link_state_up(const minicontain_link_state *state);

/**
 * Whether it can carry packets, as ip-link(8) says it in small letters: "up", "down", "lowerlayerdown" (the other
 * end is off), "unknown" (that of the loopback), .... It belongs to the state.
 */
const char *minicontain_link_state_operstate(const minicontain_link_state *state);

/**
 * The largest packet that it carries, in bytes.
 */
uint32_t minicontain_link_state_mtu(const minicontain_link_state *state);

/**
 * Its own address, "02:00:00:00:00:01"; "" where it has none. It belongs to the state.
 */
const char *minicontain_link_state_mac(const minicontain_link_state *state);

/**
 * The number of the bridge or other link that it is part of; 0 where there is none.
 */
uint32_t minicontain_link_state_master(const minicontain_link_state *state);

/**
 * The number of the link below it, or of the other end of a veth, each in its own namespace; 0 where there is none.
 */
uint32_t minicontain_link_state_lower(const minicontain_link_state *state);

/**
 * What decides which packet is sent next: "noqueue", "tbf" for one with a limit, ..., see tc(8); "" where the
 * kernel does not say. It belongs to the state.
 */
const char *minicontain_link_state_qdisc(const minicontain_link_state *state);

/**
 * What it counted since it was made, counter of minicontain_counter; UINT64_MAX if there is no such counter.
 */
uint64_t minicontain_link_state_counter(const minicontain_link_state *state,
                                        int32_t counter);

/**
 * Frees it, with its texts. NULL is fine.
 */
void minicontain_link_state_free(minicontain_link_state *state);

/**
 * Lists the addresses of a link, with the lengths of their prefixes: "10.16.8.1/24". Free *out with
 * minicontain_strings_free.
 *
 * Errors: as minicontain_link_state_of. See ip-address(8).
 */
minicontain_error *minicontain_link_addresses(const minicontain_link *link, minicontain_strings **out);

/**
 * What a link is like, with its addresses, as JSON: {"name": "veth0", "index": 2, "kind": "veth", "up": true, ...}. Free
 * *out with minicontain_string_free.
 *
 * Errors: as minicontain_link_state_of.
 */
minicontain_error *minicontain_link_describe(const minicontain_link *link,
                                             char **out);

/**
 * What was done through this handle, refused changes too, as the commands of ip(8) and tc(8) that do the same: the last
 * 256. Nothing, for NULL. Free it with minicontain_strings_free.
 *
 *     minicontain_strings *done = minicontain_link_history(veth0);
 *     for (i = 0; i < minicontain_strings_count(done); i++)
 *         puts(minicontain_strings_at(done, i));
 *     minicontain_strings_free(done);
 */
minicontain_strings *minicontain_link_history(const minicontain_link *link);

/**
 * Limits how fast a link sends, in bits a second; a limit or delay that is there is replaced. What it receives is limited
 * at the other end. burst is how many bytes it may send at once after a silence, 0 for 32 KiB (or 10 ms of the rate, where
 * that is more); latency_ns how many nanoseconds a packet may wait before it is dropped, 0 for 50 ms.
 *
 *     minicontain_error *error = minicontain_link_limit(veth0, 10 * 1000 * 1000, 0, 0);
 *
 * Errors: as for every change of a link; MINICONTAIN_CODE_NOT_SUPPORTED when the kernel has no tbf;
 * MINICONTAIN_CODE_INVALID_SPEC when it cannot be. See tc-tbf(8).
 */
minicontain_error *minicontain_link_limit(const minicontain_link *link,
                                          uint64_t rate,
                                          uint32_t burst,
                                          uint64_t latency_ns);

/**
 * Delays each packet that a link sends, by so many nanoseconds, which may differ by jitter_ns from one to the next; a
 * limit or delay that is there is replaced.
 *
 * Errors: as for every change of a link; MINICONTAIN_CODE_NOT_SUPPORTED when the kernel has no netem;
 * MINICONTAIN_CODE_INVALID_SPEC when it cannot be. See tc-netem(8).
 */
minicontain_error *minicontain_link_delay(const minicontain_link *link,
                                          uint64_t delay_ns,
                                          uint64_t jitter_ns);

/**
 * Takes a limit or delay away.
 *
 * Errors: as for every change of a link; MINICONTAIN_CODE_IO when it has none. See tc(8).
 */
minicontain_error *minicontain_link_unlimit(const minicontain_link *link);

/**
 * Makes options with every default: addresses that are free, no way out of the host, gone with this process.
 */
minicontain_error *minicontain_network_options_new(minicontain_network_options **out);

/**
 * Sets its addresses, "10.16.8.0/24"; the gateway is the first, or the one that is named ("10.16.8.254/24"). NULL for
 * the default, the first of 10.89.0.0/16 that is free.
 */
minicontain_error *minicontain_network_options_set_subnet(minicontain_network_options *options,
                                                          const char *subnet);

/**
 * Sets its addresses of IPv6, "fd00:16:8::/64"; NULL for none, which is the default.
 */
minicontain_error *minicontain_network_options_set_subnet6(minicontain_network_options *options,
                                                           const char *subnet);

/**
 * Sets the largest packet, in bytes; 0 for the default, the kernel's.
 */
minicontain_error *minicontain_network_options_set_mtu(minicontain_network_options *options, uint32_t mtu);

/**
 * Says whether containers reach what the host reaches, behind the host's address, which is off by default. The host must
 * forward packets for that; forward says whether that is switched on, on the whole host, where it is off. See
 * ip_forward in ip(7).
 */
minicontain_error *minicontain_network_options_set_nat(minicontain_network_options *options,
                                                       bool nat,
                                                       bool forward);

/**
 * Adds a DNS server that containers ask, "10.16.8.53". Without any they ask the host's own that they can reach, or none
 * where there is no NAT. See resolv.conf(5).
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC when it is no address.
 */
minicontain_error *minicontain_network_options_add_dns(minicontain_network_options *options,
                                                       const char *server);

/**
 * Says whether programs that ask a DNS server, and do not read /etc/hosts (dig, nginx), find the names of containers as
 * well, which is off by default: each container's init answers at 127.0.0.11:53, by UDP, and asks the servers (three at
 * most) for all else. It takes that port of the container: who binds 0.0.0.0:53 there meets EADDRINUSE, and has to bind
 * another address. A container on such a network needs an init in a PID namespace of its own, and a loopback.
 *
 * See resolv.conf(5). minicontain_network_create fails with MINICONTAIN_CODE_INVALID_SPEC when 127.0.0.11 is one of
 * the servers.
 */
minicontain_error *minicontain_network_options_set_resolver(minicontain_network_options *options,
                                                            bool resolver);

/**
 * Says whether it stays when this process ends, until it is removed, which is off by default: the next process that makes
 * or lists networks sweeps it away. An ordinary user's cannot stay.
 */
minicontain_error *minicontain_network_options_set_persistent(minicontain_network_options *options,
                                                              bool persistent);

/**
 * Frees options. Networks that were made with them stay. NULL is fine.
 */
void minicontain_network_options_free(minicontain_network_options *options);

/**
 * Makes a network; options may be NULL for every default. An ordinary user's is in namespaces of its own.
 *
 *     minicontain_network_options *options = NULL;
 *     minicontain_network *lab = NULL;
 *     minicontain_error *error = minicontain_network_options_new(&options);
 *     if (!error) error = minicontain_network_options_set_subnet(options, "10.16.8.0/24");
 *     if (!error) error = minicontain_network_create("lab", options, &lab);
 *     if (!error) error = minicontain_spec_add_network(spec, "lab", NULL, NULL, 0);
 *     if (!error) error = minicontain_run(spec, NULL, 0, -1, &result);
 *     if (!error) error = minicontain_network_remove(lab);
 *
 * Errors: MINICONTAIN_CODE_NAME_TAKEN; MINICONTAIN_CODE_ADDRESS_IN_USE when the subnet overlaps another one or a route
 * of the host; MINICONTAIN_CODE_FORWARDING_OFF; MINICONTAIN_CODE_NOT_SUPPORTED without nftables, or pasta for an ordinary
 * user, where that is needed; MINICONTAIN_CODE_INVALID_SPEC when it cannot be. See bridge(8), nft(8), pasta(1).
 */
minicontain_error *minicontain_network_create(const char *name,
                                              const minicontain_network_options *options,
                                              minicontain_network **out);

/**
 * Finds a network of this user by its name, whoever made it.
 *
 * Errors: MINICONTAIN_CODE_NETWORK_NOT_FOUND, also when it is in another network namespace than the calling thread;
 * MINICONTAIN_CODE_INVALID_SPEC when it cannot be a name.
 */
minicontain_error *minicontain_network_open(const char *name,
                                            minicontain_network **out);

/**
 * Lists the names of this user's networks, those that the calling thread could open. Free *out with
 * minicontain_strings_free.
 *
 * Errors: MINICONTAIN_CODE_PERMISSION_DENIED when they may not be read.
 */
minicontain_error *minicontain_networks(minicontain_strings **out);

/**
 * Removes it: the bridge, its addresses, its rules, and what was written down. The handle stays to be freed.
 *
 * Errors: MINICONTAIN_CODE_STILL_RUNS while containers are on it; MINICONTAIN_CODE_PERMISSION_DENIED.
 */
minicontain_error *minicontain_network_remove(const minicontain_network *network);

/**
 * Its name. It belongs to the handle.
 */
const char *minicontain_network_name(const minicontain_network *network);

/**
 * Its addresses, "10.16.8.0/24". It belongs to the handle.
 */
const char *minicontain_network_subnet(const minicontain_network *network);

/**
 * Its addresses of IPv6; "" where it has none. It belongs to the handle.
 */
const char *minicontain_network_subnet6(const minicontain_network *network);

/**
 * The host's address on it, "10.16.8.1". It belongs to the handle.
 */
const char *minicontain_network_gateway(const minicontain_network *network);

/**
 * The namespace that the bridge is in: the one that it was made from, or one that was made for an ordinary user. It
 * belongs to the handle; NULL for NULL.
 */
const minicontain_namespace *minicontain_network_namespace(const minicontain_network *network);

/**
 * Finds its bridge. Free *out with minicontain_link_free.
 *
 * Errors: MINICONTAIN_CODE_NETWORK_NOT_FOUND when somebody removed it.
 */
minicontain_error *minicontain_network_bridge(const minicontain_network *network, minicontain_link **out);

/**
 * Lists the names on it as its containers see them, each with what it stands for, as hosts(5) has it: "10.16.8.2 web".
 * Free *out with minicontain_strings_free.
 *
 * Errors: MINICONTAIN_CODE_NETWORK_NOT_FOUND when it was removed.
 */
minicontain_error *minicontain_network_names(const minicontain_network *network,
                                             minicontain_strings **out);

/**
 * Its rules, as nft(8) lists them; "" where it has none. Free *out with minicontain_string_free.
 *
 * Errors: MINICONTAIN_CODE_NETWORK_NOT_FOUND when they are gone; MINICONTAIN_CODE_NOT_SUPPORTED without nft.
 */
minicontain_error *minicontain_network_rules(const minicontain_network *network,
                                             char **out);

/**
 * What it is, who is on it, its rules, and everything that minicontain_links_describe writes, as JSON. Free *out
 * with minicontain_string_free.
 *
 * Errors: as minicontain_links_of.
 */
minicontain_error *minicontain_network_describe(const minicontain_network *network,
                                                char **out);

/**
 * Frees the handle. The network stays: minicontain_network_remove. NULL is fine.
 */
void minicontain_network_free(minicontain_network *network);

/**
 * Reads a .conflist file, or a .conf or .json file with a single plugin.
 *
 * Errors: MINICONTAIN_CODE_SOURCE_NOT_FOUND or MINICONTAIN_CODE_IO when it cannot be read;
 * MINICONTAIN_CODE_INVALID_SPEC when it is no configuration.
 */
minicontain_error *minicontain_cni_load(const char *path, minicontain_cni **out);

/**
 * Reads a configuration from its text.
 *
 * Errors: MINICONTAIN_CODE_INVALID_SPEC when it is none.
 */
minicontain_error *minicontain_cni_from_json(const char *json, minicontain_cni **out);

/**
 * The network's name. It belongs to the handle.
 */
const char *minicontain_cni_name(const minicontain_cni *cni);

/**
 * Attaches a container: ADD of each plugin, in order. When one fails, those that were run are asked to delete.
 * capabilities is a JSON object of what only the caller knows, for the plugins that declare that they take it, NULL
 * for nothing: {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}. *out becomes what the last
 * plugin printed, JSON with interfaces, addresses and routes, to be freed with minicontain_string_free.
 *
 *     minicontain_cni *lab = NULL;
 *     char *result = NULL;
 *     minicontain_error *error = minicontain_cni_load("/etc/cni/net.d/lab.conflist", &lab);
 *     if (!error) error = minicontain_cni_add(lab, "box", net, NULL, NULL, &result);
 *     if (!error) error = minicontain_cni_check(lab, "box", net, NULL);
 *     if (!error) error = minicontain_cni_delete(lab, "box", net, NULL);
 *     minicontain_string_free(result);
 *     minicontain_cni_free(lab);
 *
 * Errors: MINICONTAIN_CODE_CNI_FAILED when a plugin is missing or fails, with what it says;
 * MINICONTAIN_CODE_NAME_TAKEN when it is attached already; MINICONTAIN_CODE_INVALID_SPEC for what cannot be.
 */
minicontain_error *minicontain_cni_add(const minicontain_cni *cni,
                                       const char *id,
                                       const minicontain_namespace *ns,
                                       const char *ifname,
                                       const char *capabilities,
                                       char **out);

/**
 * Checks that what was made for a container is still there: CHECK of each plugin, with what it was attached with.
 *
 * Errors: MINICONTAIN_CODE_CNI_FAILED when a plugin finds something amiss, or it is not attached;
 * MINICONTAIN_CODE_NAMESPACE_NOT_FOUND when its network namespace is gone; MINICONTAIN_CODE_NOT_SUPPORTED before
 * version 0.4.0 of CNI.
 */
minicontain_error *minicontain_cni_check(const minicontain_cni *cni,
                                         const char *id,
                                         const minicontain_namespace *ns,
                                         const char *ifname);

/**
 * Detaches a container: DEL of each plugin, in reverse order, with what it was attached with. It may be asked again and
 * again; ns is NULL when the network namespace is gone.
 *
 * Errors: MINICONTAIN_CODE_CNI_FAILED when a plugin is missing or fails: what is written down stays, to be tried again.
 */
minicontain_error *minicontain_cni_delete(const minicontain_cni *cni,
                                          const char *id,
                                          const minicontain_namespace *ns,
                                          const char *ifname);

/**
 * Frees the handle. What is attached stays. NULL is fine.
 */
void minicontain_cni_free(minicontain_cni *cni);

/**
 * How many steps were performed. Entries are in the order of the plan; steps that were not performed have
 * none.
 */
size_t minicontain_trace_count(const minicontain_trace *trace);

/**
 * The place in the plan of the step that entry index is about, from 0; -1 where there is no such entry.
 */
int64_t minicontain_trace_entry_step(const minicontain_trace *trace, size_t index);

/**
 * Who performed it: "caller", or "container" for the new process between clone(2) and execve(2).
 */
const char *minicontain_trace_entry_side(const minicontain_trace *trace, size_t index);

/**
 * The system call's name.
 */
const char *minicontain_trace_entry_syscall(const minicontain_trace *trace, size_t index);

/**
 * Its arguments as a person would read them, descriptors by number.
 */
const char *minicontain_trace_entry_arguments(const minicontain_trace *trace, size_t index);

/**
 * What the kernel answered, as strace(1) shows it: a value, or "-1 ENOENT".
 */
const char *minicontain_trace_entry_result(const minicontain_trace *trace, size_t index);

/**
 * The kernel's answer as it came: a value, or the negative errno.
 */
int64_t minicontain_trace_entry_value(const minicontain_trace *trace, size_t index);

/**
 * When it began, in nanoseconds since the first step.
 */
uint64_t minicontain_trace_entry_start_ns(const minicontain_trace *trace, size_t index);

/**
 * How long it took, in nanoseconds.
 */
uint64_t minicontain_trace_entry_ns(const minicontain_trace *trace, size_t index);

/**
 * What the step is a part of, in a few words: "mount /proc".
 */
const char *minicontain_trace_entry_what(const minicontain_trace *trace, size_t index);

/**
 * Why the step is there.
 */
const char *minicontain_trace_entry_why(const minicontain_trace *trace, size_t index);

/**
 * From the first step until the program was executed, in nanoseconds; 0 where it was not.
 */
uint64_t minicontain_trace_setup_ns(const minicontain_trace *trace);

/**
 * The trace as a JSON array of entries. Free it with minicontain_string_free. NULL for NULL.
 */
char *minicontain_trace_to_json(const minicontain_trace *trace);

/**
 * The trace as text, a step a line. Free it with minicontain_string_free. NULL for NULL.
 */
char *minicontain_trace_to_text(const minicontain_trace *trace);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* MINICONTAIN_H */
