/* Touchline's int8 kernels for microcontrollers. Plain C99: no malloc, no interpreter, only stdint, stddef and memcpy.
 *
 * Every layer is one constant structure (it stays in flash) and one call. Tensors are NHWC with N = 1 and dense in
 * channels. Results are bit for bit those of TFLite's reference kernels (gemmlowp's double rounding).
 *
 * Flavours. A name without suffix is portable C99. `_dsp` is for Cortex-M4, M7 and M33 (SMLAD, SXTB16); it also
 * compiles and gives the same bits without those instructions, slowly: that is how it is tested on a desk. `_mve` is
 * for Cortex-M55 (Helium) and compiles only there. A structure is packed for one flavour; see `packing` at each.
 *
 * Folded bias. Wherever weights meet inputs, the bias holds the input's zero point already:
 *     bias' = bias - in_zero * sum(weights of that output)
 * and a tap that lies outside of the input reads in_zero, so it adds nothing.
 *
 * Channel records, int32 each, by flavour ("shift" is TFLite's: positive is to the left):
 *   portable, dsp with fast = 0:  {bias', multiplier, shift} per channel
 *   dsp with fast = 1:            {2 * bias', multiplier, -shift - 1} per channel
 *   mve:                          groups of 4 channels {bias'[4], multiplier[4], shift[4]}, the last padded with zeros
 *   dsp pads an odd number of channels with one zero record.
 * fast = 1 is allowed in mve if all shifts are negative; in dsp if for all channels -31 <= shift <= -1,
 *   255 * sum|weights| + |bias| < 2^30, and (2 * |out_zero| + 1) * 2^(-shift - 1) + 2^30 < 2^31; and if for all odd channels
 *   (the upper ones of pairs; not in depthwise) sum|weights| < 65536.
 *
 * scratch is aligned to 8 bytes; tensors need no alignment. Sizes are in bytes. R4(n) rounds n up to a multiple of 4.
 */
#ifndef TOUCHLINE_KERNELS_H
#define TOUCHLINE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* ---- element by element: `out` may be either input -------------------------------------------------------------- */

/* TFLite ADD. Numbers as TFLite prepares them: left_shift is 20; m1, m2, m_out and their shifts (never positive). */
typedef struct {
    int32_t zero1, zero2, out_zero; /* zero points, as they stand in the file */
    int32_t m1, s1, m2, s2, m_out, s_out;
    int32_t low, high; /* activation clamp */
} tl_add;

typedef void tl_add_fn(const tl_add *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n);
tl_add_fn tl_add_s8, tl_add_s8_dsp, tl_add_s8_mve;

/* TFLite MUL: (a - zero1) * (b - zero2) * multiplier * 2^shift + out_zero. b is repeated every `period` elements
 * (period = n for equal shapes, channels for a vector per channel, 1 for a scalar). */
typedef struct {
    int32_t zero1, zero2, out_zero, multiplier, shift, low, high, n, period;
} tl_mul;
void tl_mul_s8(const tl_mul *p, const int8_t *a, const int8_t *b, int8_t *out);

/* ADD with b repeated every `period` elements (bias-like constants). n is a multiple of period. */
void tl_add_period_s8(const tl_add *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t period);

/* SUB and SQUARED_DIFFERENCE (left_shift is 7), b repeated like that. */
void tl_sub_s8(const tl_add *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t period);
void tl_squared_difference_s8(const tl_add *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t period);

/* DIV, b repeated like that. By 0: the bound on the side of the numerator's sign, or the zero point for 0. */
typedef struct {
    int32_t zero1, zero2, out_zero, multiplier, shift, low, high;
} tl_div;
void tl_div_s8(const tl_div *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t period);

/* Comparisons, b repeated like that, to 0 and 1. holds: for which order, 1 if a is less, 2 if they are the same, 4 if a is greater. */
typedef struct {
    int32_t zero1, zero2, m1, s1, m2, s2;
    uint8_t holds;
} tl_compare;
void tl_compare_s8(const tl_compare *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t period);
void tl_select_s8(const int8_t *condition, const int8_t *a, const int8_t *b, int8_t *out, int32_t n);

/* PRELU, alpha repeated like that: inputs of zero and more by m_positive, a negative one's product with alpha by m_negative. */
typedef struct {
    int32_t zero, alpha_zero, out_zero, m_positive, s_positive, m_negative, s_negative;
} tl_prelu;
void tl_prelu_s8(const tl_prelu *p, const int8_t *in, const int8_t *alpha, int8_t *out, int32_t n, int32_t period);

/* MAXIMUM and MINIMUM of equally quantised tensors, b repeated like that. */
void tl_maximum_s8(const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t period);
void tl_minimum_s8(const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t period);

/* out[i] = table[in[i] + 128]: logistic, tanh, requantise, leaky ReLU, hard swish ... and lone clamps. */
void tl_lookup_s8(const int8_t table[256], const int8_t *in, int8_t *out, int32_t n);

/* ---- convolution (also pointwise, causal, dilated) --------------------------------------------------------------
 * packing, with K = kernel_h * kernel_w * in_c and weights given as OHWI:
 *   portable: weights[out_c][K] as they are
 *   dsp: K is padded with zeros to K4 = R4(K), k is put in the order 0 2 1 3 within each four. Two channels a = 2i,
 *        b = 2i + 1 (b = 0 where there is none) make one int16 per k: 256 * b + a. Then blocks of two such pairs:
 *        int16 [out_c / 4][K4 / 2][2 pairs][2 k]; if a pair is left over: int16 [K4 / 2][2 k] after them.
 *        256 * b + a has to fit int16: where b = -128 and a < 0, use portable.
 *   mve: int8 [R4(out_c) / 4][K16 / 16][4 channels][16 k], K16 = K rounded up to 16, zeros in between
 * scratch: portable  R4(K)       + add + ring
 *          dsp       6 * K4      + add + ring
 *          mve       2 * K16     + add + ring
 *   add  = add_with ? 2 * out_c rounded up to 8 : 0      (portable, too)
 *   ring = ring_rows * in_w * in_c rounded up to 8
 * in place (out == in):
 *   a 1x1 kernel with stride 1 and out_c <= in_c, dense rows: always, ring_rows = 0.
 *   else with a ring that keeps the rows which are overwritten but still wanted, in and out dense:
 *   ring_rows = max over y of saved(y) - max(0, y * stride_h - pad_top), and out_h * out_w * out_c <= in_h * in_w * in_c;
 *   saved(y) = min(in_h, ceil((y + 1) * out_w * out_c / (in_w * in_c))). (3x3, stride 1, same shape: 2 rows.)
 *   With add_with, `out` is the residual as well: out = ADD(conv(in), out); then out must not be in (no ring).
 * A patch of a larger tensor: in points at the patch's first pixel, in_h and in_w are what may be read, in_row and
 * out_row are the bytes between rows of the tensors they lie in. Taps outside of in_h x in_w read in_zero. pad_top
 * and pad_left may be negative (begin further in). Right and bottom padding follow from out_h and out_w. */
typedef struct {
    const void *weights;
    const int32_t *channels;
    tl_add_fn *add_with; /* NULL, or the tl_add_s8 flavour that sums the residual in */
    const tl_add *add;   /* a = the convolution's result (zero1, m1), b = the residual (zero2, m2) */
    int32_t in_row, out_row;
    int16_t in_h, in_w, in_c, out_h, out_w, out_c;
    int16_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int16_t ring_rows; /* 0: not in place */
    int8_t in_zero, out_zero, low, high;
    uint8_t fast; /* portable: 0 */
} tl_conv;
void tl_conv_s8(const tl_conv *p, const int8_t *in, int8_t *out, void *scratch);
void tl_conv_s8_dsp(const tl_conv *p, const int8_t *in, int8_t *out, void *scratch);
void tl_conv_s8_mve(const tl_conv *p, const int8_t *in, int8_t *out, void *scratch);

/* ---- depthwise convolution --------------------------------------------------------------------------------------
 * Same structure. out_c = in_c * multiplier (any multiplier >= 1 in portable; dsp and mve: 1). add_with: NULL.
 * packing, T = kernel_h * kernel_w, weights given as TFLite's 1HWO, [T][out_c]:
 *   portable: int8 [T][out_c] as they are
 *   dsp: int16 [R4(out_c) / 4][ceil(T / 2)][4 channels][2 taps], zeros beyond T and out_c
 *   mve: int8 [R16(out_c) / 16][2 * ceil(T / 2)][16 channels], zeros beyond T and out_c
 * channel records: as above, but dsp pads the channels to a multiple of 4, mve to a multiple of 16, and of those sixteen 0 4 8 12
 * make one group of records, then 2 6 10 14, 1 5 9 13, 3 7 11 15. mve, fast = 1: also no weight is -128 and the clamp is -128 .. 127.
 * scratch: portable  ring
 *          dsp       R4(in_c) + 8 * ceil(T / 2) + ring, rounded up to 8
 *          mve       R8(in_c) + 8 * ceil(T / 2) + ring, rounded up to 8
 * in place (out == in): multiplier 1, with a ring as for tl_conv. */
void tl_depthwise_s8(const tl_conv *p, const int8_t *in, int8_t *out, void *scratch);
void tl_depthwise_s8_dsp(const tl_conv *p, const int8_t *in, int8_t *out, void *scratch);
void tl_depthwise_s8_mve(const tl_conv *p, const int8_t *in, int8_t *out, void *scratch);

/* ---- transposed convolution (portable) --------------------------------------------------------------------------
 * weights OHWI as they are; the structure of tl_conv (dilation 1, add_with NULL, ring_rows 0, dense). pad_top and
 * pad_left are those of the forward convolution. Channel records: bias is NOT folded (what an output sees varies);
 * behind all of them, for each output and tap, in_zero * sum(weights of that tap): int32 [out_c][kernel_h * kernel_w].
 * No scratch. Never in place. */
void tl_transposed_conv_s8(const tl_conv *p, const int8_t *in, int8_t *out);

/* ---- fully connected --------------------------------------------------------------------------------------------
 * packing, weights given as [outputs][inputs] (K = inputs):
 *   portable: as they are
 *   dsp: pairs of outputs and order of k as in tl_conv (K4 padded). int16 [outputs / 8][K4 / 4][4 pairs][2][2 k], then each
 *        pair that is left over: int16 [K4 / 2][2 k]
 *   mve: as tl_conv
 * Per-tensor scales: repeat the multiplier and shift for each output. No scratch. Never in place. */
typedef struct {
    const void *weights;
    const int32_t *channels;
    int32_t batches, inputs, outputs;
    int8_t in_zero, out_zero, low, high;
    uint8_t fast;
} tl_fully_connected;
void tl_fully_connected_s8(const tl_fully_connected *p, const int8_t *in, int8_t *out);
void tl_fully_connected_s8_dsp(const tl_fully_connected *p, const int8_t *in, int8_t *out);
void tl_fully_connected_s8_mve(const tl_fully_connected *p, const int8_t *in, int8_t *out);

/* ---- the product of two matrices, neither of them known before --------------------------------------------------
 * a[rows][inner] times b[inner][columns], or b[columns][inner] where `transposed`; BATCH_MATMUL, and FULLY_CONNECTED with
 * weights that are computed. bias: one per column, or NULL. Never in place.
 * scratch: portable none, dsp 16 * ceil(inner / 4), mve 4 * inner rounded up to 8. */
typedef struct {
    const int32_t *bias;
    int32_t rows, columns, inner, zero1, zero2, out_zero, multiplier, shift, low, high;
    uint8_t transposed;
} tl_matmul;
void tl_matmul_s8(const tl_matmul *p, const int8_t *a, const int8_t *b, int8_t *out, void *scratch);
void tl_matmul_s8_dsp(const tl_matmul *p, const int8_t *a, const int8_t *b, int8_t *out, void *scratch);
void tl_matmul_s8_mve(const tl_matmul *p, const int8_t *a, const int8_t *b, int8_t *out, void *scratch);

/* ---- pools and mean ---------------------------------------------------------------------------------------------
 * Windows are clipped to the input, an average divides by what is left (TFLite). Dense. In place (out == in) is safe
 * if pad_top = pad_left = 0. */
typedef struct {
    int16_t in_h, in_w, channels, out_h, out_w;
    int16_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left;
    int8_t low, high;
} tl_pool;
void tl_average_pool_s8(const tl_pool *p, const int8_t *in, int8_t *out);
void tl_max_pool_s8(const tl_pool *p, const int8_t *in, int8_t *out);

/* Mean over the middle of [outer][count][inner]: out[outer][inner] = (sum - count * in_zero) * multiplier * 2^shift + out_zero.
 * The compiler puts 1 / count into the multiplier as TFLite does. TFLite SUM: the same without 1 / count.
 * In place: out may be in. */
typedef struct {
    int32_t outer, count, inner;
    int32_t in_zero, out_zero, multiplier, shift;
} tl_mean;
void tl_mean_s8(const tl_mean *p, const int8_t *in, int8_t *out);

/* ---- softmax over the last axis: in place is safe ----------------------------------------------------------------
 * multiplier, left_shift, diff_min as TFLite's PreprocessSoftmaxScaling and CalculateInputRadius(5, left_shift, 31) give them. */
typedef struct {
    int32_t rows, depth, multiplier, left_shift, diff_min;
} tl_softmax;
void tl_softmax_s8(const tl_softmax *p, const int8_t *in, int8_t *out);
void tl_softmax_s8_s16(const tl_softmax *p, const int8_t *in, int8_t *out); /* out: int16; never in place */

/* Its logarithm: back and back_shift as TFLite's PreprocessLogSoftmaxScalingExp gives them. In place is safe. */
typedef struct {
    int32_t rows, depth, multiplier, left_shift, diff_min, back, back_shift;
} tl_log_softmax;
void tl_log_softmax_s8(const tl_log_softmax *p, const int8_t *in, int8_t *out);

/* L2_NORMALIZATION over rows of `depth`; the output has scale 1/128. In place is safe. */
void tl_l2_norm_s8(const int8_t *in, int8_t *out, int32_t rows, int32_t depth, int32_t zero);

/* ARG_MAX, and ARG_MIN where `least`: int32 or int64, by `bytes`. Never in place. */
typedef struct {
    int32_t outer, count, inner;
    uint8_t least, bytes;
} tl_arg_max;
void tl_arg_max_s8(const tl_arg_max *p, const int8_t *in, int8_t *out);

/* QUANTIZE where one side has 16 or 32 bits. Never in place. */
typedef struct {
    int32_t n, in_bytes, out_bytes, in_signed, zero, out_zero, multiplier, shift, low, high;
} tl_requantise;
void tl_requantise_any(const tl_requantise *p, const int8_t *in, int8_t *out);

/* ---- moving bytes ------------------------------------------------------------------------------------------------
 * concat, split, slice without strides: copy `rows` blocks of `bytes`, each row in_step and out_step further on. */
void tl_copy_s8(const int8_t *in, int8_t *out, int32_t rows, int32_t bytes, int32_t in_step, int32_t out_step);

/* PAD, four dimensions (leading ones where there are fewer). Never in place. */
typedef struct {
    int32_t in[4], before[4], after[4];
    int8_t value;
} tl_pad;
void tl_pad_s8(const tl_pad *p, const int8_t *in, int8_t *out);

/* STRIDED_SLICE, four dimensions, begin and stride resolved (stride may be negative), out = how many are taken.
 * In place is safe where all strides are positive. */
typedef struct {
    int32_t in[4], begin[4], stride[4], out[4];
} tl_slice;
void tl_slice_s8(const tl_slice *p, const int8_t *in, int8_t *out);

/* out[i, j, ...] = in[offset + i * stride[0] + j * stride[1] + ...], size[k] values of each index; the last axes are the
 * inner ones. Never in place. */
typedef struct {
    int32_t size[6], stride[6], offset;
} tl_rearrange;
void tl_rearrange_s8(const tl_rearrange *p, const int8_t *in, int8_t *out);

/* Of [outer][in_step / inner][inner] the entries `indices` of the middle. Never in place. */
typedef struct {
    const int32_t *indices;
    int32_t outer, count, inner, in_step;
} tl_take;
void tl_take_s8(const tl_take *p, const int8_t *in, int8_t *out);

/* The same by int32 indices that are computed, each held within `entries`; wraps: negative ones count from the end. Never in place. */
typedef struct {
    int32_t outer, count, inner, entries;
    uint8_t wraps;
} tl_pick;
void tl_gather_s8(const tl_pick *p, const int8_t *in, const int8_t *indices, int8_t *out);

/* RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR. Nearest: the rows and columns to read, counted by the compiler.
 * Bilinear: TFLite's integers, scale_h = (1024 * in_h + out_h / 2) / out_h, or with align_corners and out_h > 1
 * (1024 * (in_h - 1) + (out_h - 1) / 2) / (out_h - 1); the same for w. Never in place. */
typedef struct {
    const int16_t *rows, *columns; /* out_h and out_w indices */
    int16_t in_w, channels, out_h, out_w;
} tl_resize_nearest;
void tl_resize_nearest_s8(const tl_resize_nearest *p, const int8_t *in, int8_t *out);

typedef struct {
    int32_t scale_h, scale_w;
    int16_t in_h, in_w, channels, out_h, out_w;
    uint8_t half_pixel;
} tl_resize_bilinear;
void tl_resize_bilinear_s8(const tl_resize_bilinear *p, const int8_t *in, int8_t *out);

/* ---- streaming ---------------------------------------------------------------------------------------------------
 * The state of a causal convolution: the last `slots` frames of `bytes` each, oldest first, as one dense [slots][bytes] tensor
 * a tl_conv reads with kernel_h = slots (or dilated) and out_h = 1. Push moves the state on by one frame. */
void tl_stream_push_s8(int8_t *state, const int8_t *frame, int32_t slots, int32_t bytes);

/* TFLite's UNIDIRECTIONAL_SEQUENCE_LSTM, int8 with an int16 cell, from a state of zero. in[steps][inputs], out[steps][n]. Of the input
 * gate, the forget gate, the candidate and the output gate, in this order: weights [4][n][inputs], state_weights [4][n][n], and
 * folded biases [4][n] of both (of the state: -state_zero * sum(weights)). sigmoid: 256 values. scratch: 10 * n rounded up to 8. `out`
 * may be `in` where n <= inputs. */
typedef struct {
    const int8_t *weights, *state_weights;
    const int32_t *bias, *state_bias;
    const uint16_t *sigmoid;
    int32_t steps, inputs, n;
    int32_t m_input[4], s_input[4], m_state[4], s_state[4];
    int32_t m_keep, s_keep, m_fresh, s_fresh, m_hidden, s_hidden;
    int32_t state_zero, cell_low, cell_clip, tanh_factor, tanh_shift;
} tl_lstm_sequence;
void tl_lstm_sequence_s8(const tl_lstm_sequence *p, const int8_t *in, int8_t *out, void *scratch);

/* SVDF. The state is [filters][memory], oldest first; `out` may be `state`. push: behind the state, the features that a fully connected
 * layer made with zero point 0. time: of `length` = rank * memory entries each, with folded biases. The s16 forms: a state of int16. */
void tl_svdf_push_s8(const int8_t *features, const int8_t *state, int8_t *out, int32_t filters, int32_t memory, int32_t zero);

typedef struct {
    const int8_t *weights; /* [filters][inputs] */
    const int32_t *bias;   /* folded */
    int32_t inputs, filters, memory, multiplier, shift, zero;
} tl_svdf_state;
void tl_svdf_state_s16(const tl_svdf_state *p, const int8_t *in, const int8_t *state, int8_t *out);

typedef struct {
    const void *weights; /* [units][length], int8 or int16 */
    const int32_t *bias;
    int32_t units, length, multiplier, shift, out_zero;
} tl_svdf_time;
void tl_svdf_time_s8(const tl_svdf_time *p, const int8_t *state, int8_t *out);
void tl_svdf_time_s16(const tl_svdf_time *p, const int8_t *state, int8_t *out);

/* One step of n LSTM or GRU cells, after the fully connected layers. Tables of 256 bytes as for tl_lookup_s8: a sigmoid's output has
 * scale 1/256 and zero point -128, a tanh's 1/128 and 0. hidden: scale 1/128, zero point 0. All halves round upwards.
 *
 * LSTM: gates[4][n] = input, forget, candidate, output, each in its table's scale.
 *   cell' = forget * cell + input * candidate, int16 of scale 2^-cell_bits, 7 <= cell_bits <= 14, saturated;
 *   hidden = output * tanh(cell'), the table indexed by cell' / 2^tanh_shift, saturated. */
typedef struct {
    const int8_t *input, *forget, *candidate, *output, *tanh;
    int32_t n, cell_bits, tanh_shift;
} tl_lstm;
void tl_lstm_s8(const tl_lstm *p, const int8_t *gates, int16_t *cell, int8_t *hidden);

/* GRU (reset after the product, as in PyTorch): gates[4][n] = reset, update, input's and state's part of the candidate; the last two
 * share one scale with zero point 0, the candidate table's. hidden' = update * hidden + (1 - update) * candidate. */
typedef struct {
    const int8_t *reset, *update, *candidate;
    int32_t n;
} tl_gru;
void tl_gru_s8(const tl_gru *p, const int8_t *gates, int8_t *hidden);

#endif
