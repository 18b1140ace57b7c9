/* Runs of drawn pixels, and mixing them into bytes or floats of an image in any layout; part of _draw.c. */
#ifndef ASDA_AUG_BLEND_H
#define ASDA_AUG_BLEND_H

#include "_patch.h"

/* A byte between what it was and a colour, rounded; the shifts divide by 255. */
static uint8_t mixed(uint32_t behind, uint32_t colour, uint32_t alpha)
{
    uint32_t sum = (colour & 255) * alpha + behind * (255 - alpha) + 128;
    return (uint8_t)((sum + (sum >> 8)) >> 8);
}

#ifdef WITH_SSE2
/* The same for the three channels of a pixel. */
static uint32_t mixed_pixel(uint32_t behind, uint32_t colour, uint32_t alpha)
{
    const __m128i zero = _mm_setzero_si128(), share = _mm_set1_epi16((short)alpha);
    const __m128i rest = _mm_sub_epi16(_mm_set1_epi16(255), share);
    __m128i front = _mm_mullo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128((int)colour), zero), share);
    __m128i back = _mm_mullo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128((int)behind), zero), rest);
    __m128i sum = _mm_add_epi16(_mm_add_epi16(front, back), _mm_set1_epi16(128));
    sum = _mm_srli_epi16(_mm_add_epi16(sum, _mm_srli_epi16(sum, 8)), 8);
    return (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(sum, zero));
}
#endif

/* The next run of columns, from x on, in which something is to be drawn; its end is returned. */
static Py_ssize_t next_run(const uint8_t *alpha, Py_ssize_t *x, Py_ssize_t width)
{
    Py_ssize_t end;
    uint64_t eight = 0;
    for (; *x + 8 <= width; *x += 8) {
        memcpy(&eight, alpha + *x, 8);
        if (eight)
            break;
    }
    while (*x < width && !alpha[*x])
        ++*x;
    for (end = *x; end + 8 <= width; end += 8) {
        memcpy(&eight, alpha + end, 8);
        /* Whether any byte is 0: only such a one borrows from above it without having had the bit set. */
        if ((eight - 0x0101010101010101) & ~eight & 0x8080808080808080)
            break;
    }
    while (end < width && alpha[end])
        end++;
    return end;
}

/* Where a run of opaque pixels from i on ends. */
static Py_ssize_t opaque_end(const uint8_t *alpha, Py_ssize_t i, Py_ssize_t count)
{
    uint64_t eight;
    for (; i + 8 <= count; i += 8) {
        memcpy(&eight, alpha + i, 8);
        if (eight != UINT64_MAX)
            break;
    }
    while (i < count && alpha[i] == 255)
        i++;
    return i;
}

/* Strides count bytes from pixel to pixel and from channel to channel. */
static void blend_bytes(uint8_t *restrict pixel, const Py_ssize_t strides[2], int channels, Py_ssize_t count,
                        const uint32_t *restrict colour, const uint8_t *restrict alpha)
{
    const Py_ssize_t along = strides[0], second = strides[1], third = 2 * second;
    const int packed = channels == 3 && along == 3 && second == 1;
    for (Py_ssize_t i = 0; i < count; i++, pixel += along) {
        if (packed && alpha[i] == 255) {
            /* The fourth byte is that of the next pixel, which is written over as well. */
            for (Py_ssize_t last = opaque_end(alpha, i, count) - 1; i < last; i++, pixel += 3)
                memcpy(pixel, colour + i, 4);
        }
        const uint32_t front = colour[i];
#ifdef WITH_SSE2
        if (packed && i + 1 < count) {
            uint32_t behind;
            memcpy(&behind, pixel, 4);
            behind = mixed_pixel(behind, front, alpha[i]);
            /* Three bytes and no more: reading the next pixel would have to wait for a fourth. */
            memcpy(pixel, &behind, 2);
            pixel[2] = (uint8_t)(behind >> 16);
            continue;
        }
#endif
        pixel[0] = mixed(pixel[0], front, alpha[i]);
        if (channels == 3) {
            pixel[second] = mixed(pixel[second], front >> 8, alpha[i]);
            pixel[third] = mixed(pixel[third], front >> 16, alpha[i]);
        }
    }
}

static void blend_plane(float *restrict pixel, Py_ssize_t count, const uint32_t *restrict colour, int shift,
                        const uint8_t *restrict alpha, float gain, float offset)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        const float front = (float)(int32_t)(colour[i] >> shift & 255) * gain + offset, behind = pixel[i];
        const float mixed = behind + (front - behind) * ((float)alpha[i] * (1 / 255.0f));
        pixel[i] = alpha[i] == 255 ? front : mixed;
    }
}

#ifdef WITH_SSE2
/* The same for as many pixels as come in fours, in planes that lie so many bytes apart; their number is returned. Where
 * nothing shines through, what was there is not even looked at: it has often left the caches. */
static Py_ssize_t blend_fours(uint8_t *pixels, Py_ssize_t apart, int channels, Py_ssize_t count, const uint32_t *colour,
                              const uint8_t *alpha, const float gain[3], const float offset[3])
{
    const __m128i byte = _mm_set1_epi32(255), zero = _mm_setzero_si128();
    Py_ssize_t i = 0;
    for (; i + 4 <= count; i += 4) {
        uint32_t alphas;
        memcpy(&alphas, alpha + i, 4);
        __m128i four = _mm_loadu_si128((const __m128i *)(colour + i));
        __m128i shares = _mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128((int32_t)alphas), zero), zero);
        const __m128 share = _mm_mul_ps(_mm_cvtepi32_ps(shares), _mm_set1_ps(1 / 255.0f));
        const __m128 opaque = _mm_castsi128_ps(_mm_cmpeq_epi32(shares, byte));
        for (int c = 0; c < channels; c++, four = _mm_srli_epi32(four, 8)) {
            float *plane = (float *)(pixels + c * apart) + i;
            __m128 front = _mm_mul_ps(_mm_cvtepi32_ps(_mm_and_si128(four, byte)), _mm_set1_ps(gain[c]));
            front = _mm_add_ps(front, _mm_set1_ps(offset[c]));
            if (alphas != UINT32_MAX) {
                __m128 behind = _mm_loadu_ps(plane);
                behind = _mm_add_ps(behind, _mm_mul_ps(_mm_sub_ps(front, behind), share));
                front = _mm_or_ps(_mm_and_ps(opaque, front), _mm_andnot_ps(opaque, behind));
            }
            _mm_storeu_ps(plane, front);
        }
    }
    return i;
}
#endif

static void blend_floats(uint8_t *pixels, const Py_ssize_t strides[2], int channels, Py_ssize_t count,
                         const uint32_t *colour, const uint8_t *alpha, const float gain[3], const float offset[3])
{
    Py_ssize_t done = 0;
#ifdef WITH_SSE2
    if (strides[0] == sizeof(float))
        done = blend_fours(pixels, strides[1], channels, count, colour, alpha, gain, offset);
#endif
    for (int c = 0; c < channels; c++, pixels += strides[1]) {
        if (strides[0] == sizeof(float)) {
            blend_plane((float *)pixels + done, count - done, colour + done, 8 * c, alpha + done, gain[c], offset[c]);
            continue;
        }
        for (Py_ssize_t i = 0; i < count; i++)
            blend_plane((float *)(pixels + i * strides[0]), 1, colour + i, 8 * c, alpha + i, gain[c], offset[c]);
    }
}

#endif
