/* clone3 for a child that shares this memory, as floor.c and limits_floor.c make it. */
#ifndef CLONE3_H
#define CLONE3_H

#include <linux/sched.h>
#include <sys/syscall.h>

/*
 * The raw system call: libc offers no clone3, and a child that starts on a stack of its own cannot return
 * through syscall(2)'s frame. The child calls child(arg), which must not return; the parent gets the result
 * or -errno.
 */
static long clone3(struct clone_args *args, void (*child)(void *), void *arg)
{
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "mov %[arg], %%rdi\n\t"
                     "call *%[child]\n\t"
                     "ud2\n"
                     "1:"
                     : "=a"(result)
                     : "0"((long)SYS_clone3), "D"(args), "S"(sizeof *args), [child] "r"(child), [arg] "r"(arg)
                     : "rcx", "r11", "cc", "memory");
    return result;
#elif defined(__aarch64__)
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = sizeof *args;
    register long x8 __asm__("x8") = SYS_clone3;
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x0, %[arg]\n\t"
                     "blr %[child]\n\t"
                     "brk #0\n"
                     "1:"
                     : "+r"(x0)
                     : "r"(x1), "r"(x8), [child] "r"(child), [arg] "r"(arg)
                     : "x30", "cc", "memory");
    return x0;
#else
#error "this knows x86-64 and aarch64"
#endif
}

#endif
