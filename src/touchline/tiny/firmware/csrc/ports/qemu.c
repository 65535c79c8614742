/* A node on QEMU's Cortex-M boards: lines go out by UART 0, which a box can hear as a serial line.
 *
 * Samples come from samples.bin by semihosting, in place of a microphone's or a motion sensor's DMA: each chunk in
 * the interrupt in which, by the board's clock, it would be full. boot.bin holds the number of starts. At the end,
 * ended.bin: bytes of stack that were used, and milliseconds that chunks waited for a free buffer. */
#include <stddef.h>
#include <string.h>

#include "../port.h"
#include "../touchline_node.h"
#include "semihost.h"

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SCB_CPACR (*(volatile uint32_t *)0xE000ED88u)
#define UART ((volatile uint32_t *)PORT_UART) /* Arm's CMSDK APB UART: data, state, control, status, divider */
enum { UART_DATA = 0, UART_STATE = 1, UART_CONTROL = 2, UART_DIVIDER = 4, BAUD = 115200, STACK_MARK = 0x55AA55AA };

int main(void);
void reset(void);
static void fault(void);
static void tick(void);
extern uint32_t stack_bottom, stack_top;

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    &stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
    (void *)fault, (void *)fault, NULL, NULL, NULL, NULL, NULL, NULL, NULL, (void *)tick,
};

/* The interrupt fills halves in turn, the program empties them; each counts its own. */
static int16_t halves[2][NODE_CHUNK_VALUES];
static volatile uint32_t filled, emptied, ended, late_ms;
static uint64_t now_ms;
static int32_t recording;

static void fault(void) { leave(3); }

static void tick(void)
{
    now_ms++;
    uint64_t needed = ((uint64_t)filled + 1) * NODE_CHUNK * FRONT_SAMPLES * NODE_MS_OVER;
    if (ended || now_ms * NODE_MS_UNDER < needed) return;
    if (filled - emptied == 2) {
        late_ms++;
        return;
    }
    if (transfer_some(SYS_READ, recording, halves[filled & 1], sizeof halves[0]) != 0) ended = 1;
    else filled++;
}

uint32_t port_boot(void)
{
    uint32_t boot = 0;
    int32_t handle = open_file("boot.bin", READ_BINARY);
    if (handle >= 0) {
        if (transfer_some(SYS_READ, handle, &boot, sizeof boot) != 0) leave(2);
        semihost(SYS_CLOSE, &handle);
    }
    boot++;
    transfer(SYS_WRITE, WRITE_BINARY, "boot.bin", &boot, sizeof boot);
    return boot;
}

const int16_t *port_take(void)
{
    static int32_t held;
    if (held) emptied++;
    while (filled == emptied) {
        if (ended) return NULL;
        __asm__ volatile("wfi" ::: "memory");
    }
    held = 1;
    return halves[emptied & 1];
}

void port_say(const char *line, uint32_t bytes)
{
    for (uint32_t at = 0; at < bytes; at++) {
        while (UART[UART_STATE] & 1) {
        }
        UART[UART_DATA] = (uint8_t)line[at];
    }
}

static uint32_t stack_used(void)
{
    const uint32_t *at = &stack_bottom;
    while (at < &stack_top && *at == STACK_MARK) at++;
    return (uint32_t)((uintptr_t)&stack_top - (uintptr_t)at);
}

static void run(void)
{
    UART[UART_DIVIDER] = PORT_CLOCK_HZ / BAUD;
    UART[UART_CONTROL] = 1; /* it sends */
    recording = open_file("samples.bin", READ_BINARY);
    if (recording < 0) leave(2);
    SYST_RVR = PORT_CLOCK_HZ / 1000 - 1;
    SYST_CSR = 7; /* the processor's clock, an interrupt each millisecond, on */
    main();
    SYST_CSR = 0;
    uint32_t said[2] = {stack_used(), late_ms};
    transfer(SYS_WRITE, WRITE_BINARY, "ended.bin", said, sizeof said);
    leave(0);
}

void reset(void)
{
    SCB_CPACR |= 0xFu << 20; /* the floating-point and vector unit, where there is one */
    __asm__ volatile("dsb\n isb");
    for (uint32_t *at = &stack_bottom; at < (uint32_t *)__builtin_frame_address(0) - 16; at++) *at = STACK_MARK;
    run();
}
