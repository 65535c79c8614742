/* Runs kernels on messages from a stream: `runner [in out]`, standard input and output without arguments.
 *
 * A message is int32 words: operator, buffer layout {out bytes, distance, scratch bytes}, count of numbers, the numbers,
 * count of blobs, then each blob as its size and its bytes padded to words. The last blob is what the output starts as,
 * the one before it the input. distance >= 0: the input lies that many bytes into the output's buffer; -1: apart.
 * The answer is the output's size, its bytes padded, and whether the kernel stayed inside of its buffers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "touchline_kernels.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

enum { GUARD = 16, MOST = 8 };

static FILE *from, *to;

static void take(void *bytes, size_t n)
{
    if (n > 0 && fread(bytes, 1, n, from) != n) exit(3);
}

static int32_t word(void)
{
    int32_t n;
    if (fread(&n, 1, 4, from) != 4) exit(0);
    return n;
}

typedef struct {
    unsigned char *base;
    int8_t *bytes;
    int32_t size;
} buffer;

/* Exactly `size` bytes at an address that is 8-aligned plus `skew`, between guards. */
static buffer make(int32_t size, int32_t skew)
{
    buffer b;
    b.base = malloc((size_t)size + 2 * GUARD + 8);
    if (b.base == NULL) exit(4);
    memset(b.base, 0x5a, (size_t)size + 2 * GUARD + 8);
    b.bytes = (int8_t *)b.base + ((16 - (size_t)b.base % 8) % 8) + 8 + skew;
    b.size = size;
    unsigned char *first = (unsigned char *)b.bytes, *end = first + size;
    ASAN_POISON_MEMORY_REGION(b.base, (size_t)(first - b.base));
    ASAN_POISON_MEMORY_REGION(end, (size_t)(b.base + size + 2 * GUARD + 8 - end));
    return b;
}

static int32_t whole(const buffer *b)
{
    ASAN_UNPOISON_MEMORY_REGION(b->base, (size_t)b->size + 2 * GUARD + 8);
    for (unsigned char *at = b->base; at < (unsigned char *)b->bytes; at++) {
        if (*at != 0x5a) return 0;
    }
    unsigned char *end = b->base + b->size + 2 * GUARD + 8;
    for (unsigned char *at = (unsigned char *)b->bytes + b->size; at < end; at++) {
        if (*at != 0x5a) return 0;
    }
    return 1;
}

/* Called around each kernel: what counts instructions looks for them. */
__attribute__((noinline)) void mark_begin(void)
{
    __asm__ volatile("");
}

__attribute__((noinline)) void mark_end(void)
{
    __asm__ volatile("");
}

static const int32_t *fill_add(tl_add *add, const int32_t *n)
{
    *add = (tl_add){n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10]};
    return n + 11;
}

static tl_add_fn *add_flavour(int32_t flavour)
{
#if defined(__ARM_FEATURE_MVE)
    if (flavour == 2) return tl_add_s8_mve;
#endif
    return flavour == 1 ? tl_add_s8_dsp : tl_add_s8;
}

static void convolve(int32_t op, const int32_t *n, buffer *b, const int8_t *in, int8_t *out, void *scratch)
{
    tl_add add;
    tl_conv p = {b[0].bytes, (const int32_t *)(void *)b[1].bytes, NULL, &add, n[0], n[1],
                 (int16_t)n[2], (int16_t)n[3], (int16_t)n[4], (int16_t)n[5], (int16_t)n[6], (int16_t)n[7],
                 (int16_t)n[8], (int16_t)n[9], (int16_t)n[10], (int16_t)n[11], (int16_t)n[12], (int16_t)n[13],
                 (int16_t)n[14], (int16_t)n[15], (int16_t)n[16], (int8_t)n[17], (int8_t)n[18], (int8_t)n[19],
                 (int8_t)n[20], (uint8_t)n[21]};
    if (n[22] >= 0) {
        p.add_with = add_flavour(n[22]);
        fill_add(&add, n + 23);
    }
    mark_begin();
    switch (op) {
    case 0: tl_conv_s8(&p, in, out, scratch); break;
    case 1: tl_conv_s8_dsp(&p, in, out, scratch); break;
    case 10: tl_depthwise_s8(&p, in, out, scratch); break;
    case 11: tl_depthwise_s8_dsp(&p, in, out, scratch); break;
    case 20: tl_transposed_conv_s8(&p, in, out); break;
#if defined(__ARM_FEATURE_MVE)
    case 2: tl_conv_s8_mve(&p, in, out, scratch); break;
    case 12: tl_depthwise_s8_mve(&p, in, out, scratch); break;
#endif
    default: exit(5);
    }
    mark_end();
}

static void connect(int32_t op, const int32_t *n, buffer *b, const int8_t *in, int8_t *out)
{
    tl_fully_connected p = {b[0].bytes, (const int32_t *)(void *)b[1].bytes, n[0], n[1], n[2],
                            (int8_t)n[3], (int8_t)n[4], (int8_t)n[5], (int8_t)n[6], (uint8_t)n[7]};
    mark_begin();
    switch (op) {
    case 30: tl_fully_connected_s8(&p, in, out); break;
    case 31: tl_fully_connected_s8_dsp(&p, in, out); break;
#if defined(__ARM_FEATURE_MVE)
    case 32: tl_fully_connected_s8_mve(&p, in, out); break;
#endif
    default: exit(5);
    }
    mark_end();
}

static void multiply(int32_t op, const int32_t *n, buffer *b, const int8_t *in, int8_t *out, void *scratch)
{
    const int32_t *bias = n[11] ? (const int32_t *)(void *)b[0].bytes : NULL;
    tl_matmul p = {bias, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], (uint8_t)n[10]};
    mark_begin();
    switch (op) {
    case 33: tl_matmul_s8(&p, in, b[1].bytes, out, scratch); break;
    case 34: tl_matmul_s8_dsp(&p, in, b[1].bytes, out, scratch); break;
#if defined(__ARM_FEATURE_MVE)
    case 35: tl_matmul_s8_mve(&p, in, b[1].bytes, out, scratch); break;
#endif
    default: exit(5);
    }
    mark_end();
}

static void axes(int32_t *to_axes, const int32_t *n)
{
    memcpy(to_axes, n, 16);
}

static void others(int32_t op, const int32_t *n, buffer *b, const int8_t *in, int8_t *out)
{
    tl_add add;
    if (op >= 40 && op < 43) {
        n = fill_add(&add, n);
        mark_begin();
        add_flavour(op - 40)(&add, in, b[0].bytes, out, n[0]);
        mark_end();
        return;
    }
    if (op == 43) {
        n = fill_add(&add, n);
        tl_add_period_s8(&add, in, b[0].bytes, out, n[0], n[1]);
        return;
    }
    tl_mul mul = {0};
    tl_pool pool = {0};
    tl_mean mean = {0};
    tl_softmax softmax = {0};
    tl_pad pad;
    tl_slice slice;
    tl_resize_nearest nearest;
    tl_resize_bilinear bilinear;
    switch (op) {
    case 44:
        mul = (tl_mul){n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8]};
        tl_mul_s8(&mul, in, b[0].bytes, out);
        break;
    case 45: tl_lookup_s8(b[0].bytes, in, out, n[0]); break;
    case 50:
    case 51:
        pool = (tl_pool){(int16_t)n[0], (int16_t)n[1], (int16_t)n[2], (int16_t)n[3], (int16_t)n[4], (int16_t)n[5],
                         (int16_t)n[6], (int16_t)n[7], (int16_t)n[8], (int16_t)n[9], (int16_t)n[10], (int8_t)n[11],
                         (int8_t)n[12]};
        mark_begin();
        if (op == 50) tl_average_pool_s8(&pool, in, out);
        if (op == 51) tl_max_pool_s8(&pool, in, out);
        mark_end();
        break;
    case 52:
        mean = (tl_mean){n[0], n[1], n[2], n[3], n[4], n[5], n[6]};
        tl_mean_s8(&mean, in, out);
        break;
    case 53:
        softmax = (tl_softmax){n[0], n[1], n[2], n[3], n[4]};
        mark_begin();
        tl_softmax_s8(&softmax, in, out);
        mark_end();
        break;
    case 60: tl_copy_s8(in, out, n[0], n[1], n[2], n[3]); break;
    case 61:
        axes(pad.in, n), axes(pad.before, n + 4), axes(pad.after, n + 8);
        pad.value = (int8_t)n[12];
        tl_pad_s8(&pad, in, out);
        break;
    case 62:
        axes(slice.in, n), axes(slice.begin, n + 4), axes(slice.stride, n + 8), axes(slice.out, n + 12);
        tl_slice_s8(&slice, in, out);
        break;
    case 63:
        nearest = (tl_resize_nearest){(const int16_t *)(void *)b[0].bytes, (const int16_t *)(void *)b[1].bytes,
                                      (int16_t)n[0], (int16_t)n[1], (int16_t)n[2], (int16_t)n[3]};
        tl_resize_nearest_s8(&nearest, in, out);
        break;
    case 64:
        bilinear = (tl_resize_bilinear){n[0], n[1], (int16_t)n[2], (int16_t)n[3], (int16_t)n[4], (int16_t)n[5],
                                        (int16_t)n[6], (uint8_t)n[7]};
        tl_resize_bilinear_s8(&bilinear, in, out);
        break;
    case 65: tl_stream_push_s8(out, in, n[0], n[1]); break;
    case 66: { /* the answer is the state, then what is hidden */
        tl_lstm p = {b[0].bytes, b[0].bytes + 256, b[0].bytes + 512, b[0].bytes + 768, b[0].bytes + 1024, n[0], n[1], n[2]};
        int16_t *cell = (int16_t *)(void *)b[1].bytes;
        tl_lstm_s8(&p, in, cell, out + 2 * n[0]);
        memcpy(out, cell, (size_t)(2 * n[0]));
        break;
    }
    case 67: {
        tl_gru p = {b[0].bytes, b[0].bytes + 256, b[0].bytes + 512, n[0]};
        tl_gru_s8(&p, in, out);
        break;
    }
    default: exit(5);
    }
}

static void answer(void)
{
    int32_t op = word(), out_size = word(), distance = word(), scratch_size = word(), count = word();
    int32_t *numbers = malloc((size_t)count * 4 + 4);
    buffer blobs[MOST], out, scratch = make(scratch_size, 0);
    take(numbers, (size_t)count * 4);
    int32_t blob_count = word();
    if (blob_count > MOST || blob_count < 2) exit(6);
    for (int32_t i = 0; i < blob_count; i++) {
        int32_t size = word(), pad = 0;
        /* Weights are aligned as a compiler aligns them; tensors stand anywhere. */
        blobs[i] = make(size, i == blob_count - 2 && distance < 0 ? 1 : 0);
        take(blobs[i].bytes, (size_t)size);
        take(&pad, (size_t)(-size & 3));
    }
    buffer *in = &blobs[blob_count - 2], *start = &blobs[blob_count - 1];
    int32_t end = distance + in->size;
    out = make(distance >= 0 && end > out_size ? end : out_size, distance < 0 ? 3 : 0);
    memset(out.bytes, 0, (size_t)out.size);
    memcpy(out.bytes, start->bytes, (size_t)start->size);
    const int8_t *source = in->bytes;
    if (distance >= 0) {
        memcpy(out.bytes + distance, in->bytes, (size_t)in->size);
        source = out.bytes + distance;
    }
    if (op < 30) {
        convolve(op, numbers, blobs, source, out.bytes, scratch.bytes);
    } else if (op < 33) {
        connect(op, numbers, blobs, source, out.bytes);
    } else if (op < 40) {
        multiply(op, numbers, blobs, source, out.bytes, scratch.bytes);
    } else {
        others(op, numbers, blobs, source, out.bytes);
    }
    int32_t fine = whole(&out) && whole(&scratch), pad = 0;
    for (int32_t i = 0; i < blob_count; i++) {
        fine = fine && whole(&blobs[i]);
        free(blobs[i].base);
    }
    fwrite(&out_size, 1, 4, to);
    fwrite(out.bytes, 1, (size_t)out_size, to);
    fwrite(&pad, 1, (size_t)(-out_size & 3), to);
    fwrite(&fine, 1, 4, to);
    fflush(to);
    free(out.base);
    free(scratch.base);
    free(numbers);
}

int main(int argc, char **argv)
{
    from = argc > 2 ? fopen(argv[1], "rb") : stdin;
    to = argc > 2 ? fopen(argv[2], "wb") : stdout;
    if (from == NULL || to == NULL) return 2;
    for (;;) answer();
}
