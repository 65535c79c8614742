/* ADD for Cortex-M55, four at a time. */
#include "touchline_mve.h"

#if defined(__ARM_FEATURE_MVE)
/* Any number's rounding shift, all lanes by the same. */
static inline int32x4_t tl_scaled(int32x4_t x, int32_t multiplier, int32_t shift)
{
    x = vqrdmulhq_n_s32(x, multiplier);
    if (shift == 0) return x;
    x = vqaddq_s32(x, vshrq_n_s32(x, 31));
    return vrshlq_n_s32(x, shift);
}

void tl_add_s8_mve(const tl_add *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n)
{
    for (int32_t left = n; left > 0; left -= 4, a += 4, b += 4, out += 4) {
        mve_pred16_t some = vctp32q((uint32_t)left);
        int32x4_t x = vshlq_n_s32(vsubq_n_s32(vldrbq_z_s32(a, some), p->zero1), 20);
        int32x4_t y = vshlq_n_s32(vsubq_n_s32(vldrbq_z_s32(b, some), p->zero2), 20);
        x = vaddq_s32(tl_scaled(x, p->m1, p->s1), tl_scaled(y, p->m2, p->s2));
        x = vaddq_n_s32(tl_scaled(x, p->m_out, p->s_out), p->out_zero);
        vstrbq_p_s32(out, tl_clamp4(x, p->low, p->high), some);
    }
}
#endif
