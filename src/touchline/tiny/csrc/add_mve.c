/* ADD for Cortex-M55, four at a time. */
#include "touchline_arith.h"
#include "touchline_mve.h"

#if defined(__ARM_FEATURE_MVE)
void tl_add_s8_mve(const tl_add *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n)
{
    int32_t zero1 = tl_left(-p->zero1, 20), zero2 = tl_left(-p->zero2, 20);
    int32_t m1 = p->m1, s1 = p->s1, m2 = p->m2, s2 = p->s2, m_out = p->m_out, s_out = p->s_out, out_zero = p->out_zero;
    /* -1 where x < 0, if there is a shift. */
    int32x4_t sign1 = vdupq_n_s32(-(s1 < 0)), sign2 = vdupq_n_s32(-(s2 < 0)), sign_out = vdupq_n_s32(-(s_out < 0));
    for (int32_t left = n; left > 0; left -= 4, a += 4, b += 4, out += 4) {
        mve_pred16_t some = vctp32q((uint32_t)left);
        int32x4_t x = vqrdmulhq_n_s32(vaddq_n_s32(vshlq_n_s32(vldrbq_z_s32(a, some), 20), zero1), m1);
        int32x4_t y = vqrdmulhq_n_s32(vaddq_n_s32(vshlq_n_s32(vldrbq_z_s32(b, some), 20), zero2), m2);
        x = vrshlq_n_s32(vaddq_s32(x, vandq_s32(vshrq_n_s32(x, 31), sign1)), s1);
        y = vrshlq_n_s32(vaddq_s32(y, vandq_s32(vshrq_n_s32(y, 31), sign2)), s2);
        x = vqrdmulhq_n_s32(vaddq_s32(x, y), m_out);
        x = vrshlq_n_s32(vaddq_s32(x, vandq_s32(vshrq_n_s32(x, 31), sign_out)), s_out);
        vstrbq_p_s32(out, tl_clamp4(vaddq_n_s32(x, out_zero), p->low, p->high), some);
    }
}
#endif
