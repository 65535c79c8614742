/* Runs a model on one of QEMU's Cortex-M boards: reads input.bin by semihosting, writes output.bin, and counts.
 *
 * Counting: under `-icount shift=0` QEMU's virtual time moves on by 1 ns with each instruction, and SysTick counts
 * that time at the board's clock: 40 instructions a tick at 25 MHz, 31.25 at 32 MHz. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "run.h"
#include "semihost.h"

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define SCB_CPACR (*(volatile uint32_t *)0xE000ED88u)

extern uint32_t stack_top;
void reset(void);
static void fault(void);

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    &stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
};

static void fault(void) { leave(3); }

static int8_t arena[TOUCHLINE_HARNESS_ARENA_BYTES] __attribute__((aligned(16)));
static int8_t inputs[TOUCHLINE_HARNESS_INPUTS_BYTES], outputs[TOUCHLINE_HARNESS_OUTPUTS_BYTES];

/* Markers for whoever counts from outside. */
void touchline_harness_begins(void);
void touchline_harness_ended(void);
__attribute__((noinline)) void touchline_harness_begins(void) { __asm__ volatile("" ::: "memory"); }
__attribute__((noinline)) void touchline_harness_ended(void) { __asm__ volatile("nop" ::: "memory"); }

static uint32_t run_once(void)
{
    memset(arena, 0x55, sizeof arena);
    for (uint32_t i = 0, at = 0; i < TOUCHLINE_HARNESS_INPUTS; at += touchline_harness_inputs[i].bytes, i++)
        memcpy(arena + touchline_harness_inputs[i].offset, inputs + at, touchline_harness_inputs[i].bytes);
    SYST_CVR = 0;
    __asm__ volatile("dsb\n isb" ::: "memory");
    uint32_t begin = SYST_CVR;
    touchline_harness_begins();
    touchline_harness_run(arena);
    touchline_harness_ended();
    uint32_t end = SYST_CVR;
    for (uint32_t i = 0, at = 0; i < TOUCHLINE_HARNESS_OUTPUTS; at += touchline_harness_outputs[i].bytes, i++)
        memcpy(outputs + at, arena + touchline_harness_outputs[i].offset, touchline_harness_outputs[i].bytes);
    return (begin - end) & 0xFFFFFFu;
}

void reset(void)
{
    SCB_CPACR |= 0xFu << 20; /* the floating-point and vector unit, where there is one */
    __asm__ volatile("dsb\n isb");
    SYST_RVR = 0xFFFFFFu;
    SYST_CSR = 5; /* the processor's clock, on, no interrupt */
    transfer(SYS_READ, READ_BINARY, "input.bin", inputs, sizeof inputs);
    uint32_t ticks = run_once();
    transfer(SYS_WRITE, WRITE_BINARY, "output.bin", outputs, sizeof outputs);
    transfer(SYS_WRITE, WRITE_BINARY, "ticks.bin", &ticks, sizeof ticks);
    leave(0);
}
