/* The least a Cortex-M under QEMU needs to reach main with newlib's semihosting. */
#include <stdint.h>

extern uint32_t stack_top[];
extern char end[], heap_end[];
void _start(void);
void *_sbrk(int more);

/* The heap, below 32 KB of stack. newlib's own trusts QEMU's word on where memory is, which is wrong on the M55 board. */
void *_sbrk(int more)
{
    static char *top = end;
    char *from = top;
    if (from + more > heap_end) return (void *)-1;
    top += more;
    return from;
}

static void reset(void)
{
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* CPACR: floating point and vectors on */
    __asm__ volatile("dsb\n isb");
    _start();
}

static void fault(void)
{
    for (;;) __asm__ volatile("mov r0, #0x18\n ldr r1, =0x20023\n bkpt #0xab" ::: "r0", "r1"); /* exit, run-time error */
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_top, (const void *)reset, (const void *)fault, (const void *)fault, (const void *)fault, (const void *)fault,
    (const void *)fault,
};
