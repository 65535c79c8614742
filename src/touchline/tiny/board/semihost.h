/* What a program on QEMU's boards asks of the machine below it: Arm's semihosting calls. */
#ifndef TOUCHLINE_SEMIHOST_H
#define TOUCHLINE_SEMIHOST_H

#include <stdint.h>
#include <string.h>

enum { SYS_OPEN = 1, SYS_CLOSE = 2, SYS_WRITE = 5, SYS_READ = 6, SYS_EXIT_EXTENDED = 0x20 };
enum { READ_BINARY = 1, WRITE_BINARY = 5 };

static inline int32_t semihost(int32_t what, const void *arguments)
{
    register int32_t r0 __asm__("r0") = what;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static inline void leave(int32_t status)
{
    /* 0x20026: the program ended by itself. */
    int32_t arguments[2] = {0x20026, status};
    semihost(SYS_EXIT_EXTENDED, arguments);
    for (;;) {
    }
}

/* A handle; negative where there is no such file. */
static inline int32_t open_file(const char *name, int32_t mode)
{
    uintptr_t file[3] = {(uintptr_t)name, (uintptr_t)mode, strlen(name)};
    return semihost(SYS_OPEN, file);
}

/* Bytes that were not transferred. what: SYS_READ or SYS_WRITE. */
static inline uint32_t transfer_some(int32_t what, int32_t handle, void *data, uint32_t bytes)
{
    uintptr_t block[3] = {(uintptr_t)handle, (uintptr_t)data, bytes};
    return (uint32_t)semihost(what, block);
}

/* All of it, or the program ends. */
static inline void transfer(int32_t what, int32_t mode, const char *name, void *data, uint32_t bytes)
{
    int32_t handle = open_file(name, mode);
    if (handle < 0 || transfer_some(what, handle, data, bytes) != 0) leave(2);
    semihost(SYS_CLOSE, &handle);
}

#endif
