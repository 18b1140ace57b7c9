/* A patch in memory of its own: packed with a margin, halved, and sampled where a matrix puts it; part of _draw.c. */
#ifndef ASDA_AUG_PATCH_H
#define ASDA_AUG_PATCH_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef WORDS_BIGENDIAN
#error "Pixels are little-endian numbers here; without this module NumPy and OpenCV do its work."
#endif

#if !defined(PARTPOOL_SCALAR) && (defined(__SSE2__) || defined(_M_X64))
#include <emmintrin.h>
#define WITH_SSE2
#endif
/* What not every processor has is compiled beside the rest, and used if it is there. */
#if defined(WITH_SSE2) && defined(__GNUC__)
#include <tmmintrin.h>
#define WITH_SSSE3
#endif

/* Coordinates are 64-bit numbers with 32 bits behind the point. */
#define POINT 4294967296.0
/* Bytes that caches hold together. */
#define LINE 64
/* Beyond this, in pixels, they might not fit. */
#define FARTHEST 1e8
/* Transparent pixels around a patch: sampling meets them instead of a border that has to be asked for. */
#define MARGIN 1
/* As SHRINK and MAX_HALVINGS of asda_aug/pasting/warp.py. */
#define SHRINK 0.5
#define MAX_HALVINGS 4

typedef struct {
    uint32_t *pixels; /* colour in the lower three bytes, alpha in the highest, with a margin */
    Py_ssize_t height, width, stride;
} Patch;

/* Columns and rows of the image, half-open. */
typedef struct {
    Py_ssize_t x0, y0, x1, y1;
} Rectangle;

/* From patch to image: x = a u + b v + c, y = d u + e v + f. */
typedef struct {
    double a, b, c, d, e, f;
} Matrix;

#ifdef WITH_SSSE3
/* Pack what is left of a row by fours, as far as 16 bytes may be read; the number of packed pixels is returned. */
__attribute__((target("ssse3"))) static Py_ssize_t pack_fours(uint32_t *out, const uint8_t *colour, const uint8_t *mask,
                                                              Py_ssize_t width, const uint8_t *end, int bgr)
{
    const __m128i zero = _mm_setzero_si128();
    const __m128i order = bgr ? _mm_setr_epi8(2, 1, 0, -1, 5, 4, 3, -1, 8, 7, 6, -1, 11, 10, 9, -1)
                              : _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
    Py_ssize_t x = 0;
    for (; x + 4 <= width && end - (colour + 3 * x) >= 16; x += 4) {
        int32_t flags;
        memcpy(&flags, mask + x, 4);
        __m128i clear = _mm_cmpeq_epi8(_mm_cvtsi32_si128(flags), zero);
        __m128i opaque = _mm_andnot_si128(clear, _mm_set1_epi8(-1));
        __m128i alpha = _mm_unpacklo_epi16(zero, _mm_unpacklo_epi8(zero, opaque));
        __m128i rgb = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(colour + 3 * x)), order);
        _mm_storeu_si128((__m128i *)(out + x), _mm_or_si128(rgb, alpha));
    }
    return x;
}
#endif

/* The margin repeats the colour of the patch's edge, because colour goes on where the mask does not. */
static void draw_margin(const Patch *patch)
{
    const Py_ssize_t height = patch->height, width = patch->width, stride = patch->stride;
    for (Py_ssize_t y = MARGIN; y < height + MARGIN; y++) {
        uint32_t *row = patch->pixels + y * stride;
        row[0] = row[1] & 0xffffff;
        row[width + MARGIN] = row[width] & 0xffffff;
    }
    for (Py_ssize_t x = 0; x < stride; x++) {
        uint32_t *column = patch->pixels + x;
        column[0] = column[stride] & 0xffffff;
        column[(height + MARGIN) * stride] = column[height * stride] & 0xffffff;
    }
}

static int pack(Patch *patch, const uint8_t *colour, const uint8_t *mask, int bgr)
{
    const Py_ssize_t height = patch->height, width = patch->width, stride = width + 2 * MARGIN;
    patch->stride = stride;
    patch->pixels = malloc((size_t)(height + 2 * MARGIN) * (size_t)stride * sizeof(uint32_t));
    if (patch->pixels == NULL)
        return 0;
#ifdef WITH_SSSE3
    const uint8_t *end = colour + 3 * height * width;
    const int by_fours = __builtin_cpu_supports("ssse3");
#endif
    for (Py_ssize_t y = 0; y < height; y++, colour += 3 * width, mask += width) {
        uint32_t *out = patch->pixels + (y + MARGIN) * stride + MARGIN;
        Py_ssize_t x = 0;
#ifdef WITH_SSSE3
        if (by_fours)
            x = pack_fours(out, colour, mask, width, end, bgr);
#endif
        for (; x < width; x++) {
            const uint8_t *rgb = colour + 3 * x;
            out[x] = (uint32_t)rgb[bgr ? 2 : 0] | (uint32_t)rgb[1] << 8 | (uint32_t)rgb[bgr ? 0 : 2] << 16
                   | (mask[x] ? 0xff000000u : 0);
        }
    }
    draw_margin(patch);
    return 1;
}

/* The mean of four pixels, in the order in which they are stored. */
static uint32_t mean(uint64_t upper, uint64_t lower)
{
#ifdef WITH_SSE2
    const __m128i zero = _mm_setzero_si128();
    __m128i one = _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)&upper), zero);
    __m128i both = _mm_add_epi16(one, _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)&lower), zero));
    __m128i sum = _mm_add_epi16(_mm_add_epi16(both, _mm_srli_si128(both, 8)), _mm_set1_epi16(2));
    return (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(_mm_srli_epi16(sum, 2), zero));
#else
    uint32_t result = 0;
    for (int shift = 0; shift < 32; shift += 8)
        result |= (uint32_t)((upper >> shift & 255) + (upper >> (shift + 32) & 255) + (lower >> shift & 255)
                             + (lower >> (shift + 32) & 255) + 2) >> 2 << shift;
    return result;
#endif
}

/* Half as many rows and columns; an odd one is averaged with the margin. What is written lies before what is read. */
static void halve(Patch *patch)
{
    const Py_ssize_t height = (patch->height + 1) / 2, width = (patch->width + 1) / 2, stride = width + 2 * MARGIN;
    for (Py_ssize_t y = 0; y < height; y++) {
        const uint32_t *in = patch->pixels + (2 * y + MARGIN) * patch->stride + MARGIN;
        uint32_t *out = patch->pixels + (y + MARGIN) * stride + MARGIN;
        for (Py_ssize_t x = 0; x < width; x++) {
            uint64_t upper, lower;
            memcpy(&upper, in + 2 * x, 8);
            memcpy(&lower, in + patch->stride + 2 * x, 8);
            out[x] = mean(upper, lower);
        }
    }
    patch->height = height;
    patch->width = width;
    patch->stride = stride;
    draw_margin(patch);
}

/* Patches drawn small are halved first, because bilinear sampling would skip pixels. */
static int halvings(const Matrix *map)
{
    const double scale = sqrt(fabs(map->a * map->e - map->b * map->d));
    return scale < SHRINK ? (int)fmin(MAX_HALVINGS, rint(-log2(scale))) : 0;
}

/* Where centres of pixels are that the mask can reach; empty if nowhere. */
static Rectangle reached(const Patch *patch, const Matrix *map, Py_ssize_t height, Py_ssize_t width)
{
    const double h = (double)patch->height, w = (double)patch->width;
    /* Bilinear sampling carries the mask half a patch pixel beyond its own box. */
    const double far_x = (fabs(map->a) * (w + 1) + fabs(map->b) * (h + 1)) / 2 + 0.5;
    const double far_y = (fabs(map->d) * (w + 1) + fabs(map->e) * (h + 1)) / 2 + 0.5;
    const double x = (map->a * w + map->b * h) / 2 + map->c, y = (map->d * w + map->e * h) / 2 + map->f;
    /* Compared as they are: these may be too large for whole numbers. */
    Rectangle box = {x - far_x > 0 ? (Py_ssize_t)fmin(floor(x - far_x), (double)width) : 0,
                     y - far_y > 0 ? (Py_ssize_t)fmin(floor(y - far_y), (double)height) : 0,
                     x + far_x < (double)width ? (Py_ssize_t)fmax(ceil(x + far_x), 0) : width,
                     y + far_y < (double)height ? (Py_ssize_t)fmax(ceil(y + far_y), 0) : height};
    return box;
}

/* Between four pixels colours are taken first down, by 256ths (256 as well), then across, by 65536ths, then rounded. */
#ifdef WITH_SSE2
/* In the order in which pixels are stored: what is to be added up of the left ones, and of the right ones. */
static __m128i halves(const uint32_t *place, Py_ssize_t stride, __m128i low, __m128i up, __m128i right)
{
    const __m128i zero = _mm_setzero_si128(), left = _mm_set_epi32(0, 0, -1, -1);
    __m128i one = _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)place), zero);
    __m128i other = _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)(place + stride)), zero);
    __m128i both = _mm_add_epi16(_mm_mullo_epi16(one, up), _mm_mullo_epi16(other, low));
    return _mm_mulhi_epu16(both, _mm_xor_si128(right, left));
}

static uint32_t between(const uint32_t *place, Py_ssize_t stride, uint32_t down, uint32_t right)
{
    /* Complements are taken in the register: on the way there, compilers store 16 bits and stall loading 32. */
    const __m128i low = _mm_set1_epi16((short)down), up = _mm_sub_epi16(_mm_set1_epi16(256), low);
    __m128i both = halves(place, stride, low, up, _mm_set1_epi16((short)right));
    __m128i sum = _mm_add_epi16(_mm_add_epi16(both, _mm_srli_si128(both, 8)), _mm_set1_epi16(129));
    return (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(_mm_srli_epi16(sum, 8), _mm_setzero_si128()));
}

/* Each 32-bit number's upper half, in both halves. */
static __m128i twice(__m128i numbers)
{
    __m128i upper = _mm_srli_epi32(numbers, 16);
    return _mm_or_si128(upper, _mm_slli_epi32(upper, 16));
}

/* What the loop of warp_row() does, for as many columns as come in fours; u, v and the first column move on. */
static void warp_fours(const Patch *patch, int64_t *u, int64_t *v, int64_t du, int64_t dv, Py_ssize_t *first,
                       Py_ssize_t last, uint32_t *colour, uint8_t *alpha)
{
    const __m128i half = _mm_set1_epi16(129), all = _mm_set1_epi16(256);
    /* Of coordinates, what lies behind the point is a number of 32 bits that may overflow. */
    __m128i us = _mm_set_epi32((int)(*u + 3 * du), (int)(*u + 2 * du), (int)(*u + du), (int)*u);
    __m128i vs = _mm_set_epi32((int)(*v + 3 * dv), (int)(*v + 2 * dv), (int)(*v + dv), (int)*v);
    const __m128i step_u = _mm_set1_epi32((int)(4 * (uint64_t)du)), step_v = _mm_set1_epi32((int)(4 * (uint64_t)dv));
    for (; *first + 4 <= last; *first += 4) {
        const uint32_t *places[4];
        uint64_t any = 0, pair;
        for (int i = 0; i < 4; i++, *u += du, *v += dv) {
            places[i] = patch->pixels + (*v >> 32) * patch->stride + (*u >> 32);
            memcpy(&pair, places[i], 8);
            any |= pair;
            memcpy(&pair, places[i] + patch->stride, 8);
            any |= pair;
        }
        /* The average of a number and 0 is half of it, rounded. */
        const __m128i lows = _mm_avg_epu16(_mm_srli_epi16(twice(vs), 7), _mm_setzero_si128());
        const __m128i ups = _mm_sub_epi16(all, lows), rights = twice(us);
        us = _mm_add_epi32(us, step_u);
        vs = _mm_add_epi32(vs, step_v);
        if (!(any & 0xff000000ff000000))
            continue;
#define HALVES(i) \
    halves(places[i], patch->stride, _mm_shuffle_epi32(lows, (i) * 0x55), _mm_shuffle_epi32(ups, (i) * 0x55), \
           _mm_shuffle_epi32(rights, (i) * 0x55))
        __m128i one = HALVES(0), two = HALVES(1), three = HALVES(2), four = HALVES(3);
#undef HALVES
        __m128i front = _mm_add_epi16(_mm_unpacklo_epi64(one, two), _mm_unpackhi_epi64(one, two));
        __m128i back = _mm_add_epi16(_mm_unpacklo_epi64(three, four), _mm_unpackhi_epi64(three, four));
        __m128i pixels = _mm_packus_epi16(_mm_srli_epi16(_mm_add_epi16(front, half), 8),
                                          _mm_srli_epi16(_mm_add_epi16(back, half), 8));
        _mm_storeu_si128((__m128i *)(colour + *first), pixels);
        __m128i high = _mm_packs_epi32(_mm_srli_epi32(pixels, 24), _mm_setzero_si128());
        int32_t four_alphas = _mm_cvtsi128_si32(_mm_packus_epi16(high, high));
        memcpy(alpha + *first, &four_alphas, 4);
    }
}
#else
static uint32_t between(const uint32_t *place, Py_ssize_t stride, uint32_t down, uint32_t right)
{
    uint32_t result = 0;
    for (int shift = 0; shift < 32; shift += 8) {
        uint32_t left = (place[0] >> shift & 255) * (256 - down) + (place[stride] >> shift & 255) * down;
        uint32_t next = (place[1] >> shift & 255) * (256 - down) + (place[stride + 1] >> shift & 255) * down;
        result |= ((left * (65535 - right) >> 16) + (next * right >> 16) + 129) >> 8 << shift;
    }
    return result;
}
#endif

/* Narrow the columns first ... last to those where start + column / columns lies between 0 and high, and a few more. */
static void narrow(double start, double columns, double high, Py_ssize_t *first, Py_ssize_t *last)
{
    if (fabs(columns) > 1e9) {
        if (start <= 0 || start >= high)
            *last = *first;
        return;
    }
    const double begin = -start * columns, end = (high - start) * columns;
    const double one = begin < end ? begin : end, other = begin < end ? end : begin;
    if (one - 1 > (double)*first)
        *first = one - 1 < (double)*last ? (Py_ssize_t)(one - 1) : *last;
    if (other + 2 < (double)*last)
        *last = other + 2 > (double)*first ? (Py_ssize_t)(other + 2) : *first;
}

/* Whether anything can be seen: a pixel of the image is not a million of the patch's. In the packed patch, between
 * centres of pixels, u = out[0] * x + out[1] * y + out[2], and v likewise; x and y count the rectangle's pixels. */
static int invert(const Matrix *map, const Rectangle *box, double out[6])
{
    const double area = map->a * map->e - map->b * map->d;
    const double x = (double)box->x0 + 0.5 - map->c, y = (double)box->y0 + 0.5 - map->f;
    out[0] = map->e / area;
    out[1] = -map->b / area;
    out[2] = (map->e * x - map->b * y) / area - 0.5 + MARGIN;
    out[3] = -map->d / area;
    out[4] = map->a / area;
    out[5] = (map->a * y - map->d * x) / area - 0.5 + MARGIN;
    for (int i = 0; i < 6; i++)
        if (!(fabs(out[i]) < FARTHEST))
            return 0;
    return 1;
}

#ifdef __GNUC__
/* What only asks for memory would be taken for a call that does nothing, and left out. */
#define ALWAYS_INLINE __attribute__((always_inline)) static inline
#else
#define ALWAYS_INLINE static inline
#endif

/* Ask for columns of a row of the image, a little before they are blended into: in a batch of pictures they have often
 * left the caches. */
ALWAYS_INLINE void fetch(const Py_buffer *image, Py_ssize_t y, Py_ssize_t first, Py_ssize_t last)
{
#ifdef __GNUC__
    const Py_ssize_t *strides = image->strides, along = strides[1] < 0 ? -strides[1] : strides[1];
    const Py_ssize_t planes = strides[2] >= LINE || strides[2] <= -LINE ? image->shape[2] : 1;
    const char *start = (const char *)image->buf + y * strides[0] + (strides[1] < 0 ? last - 1 : first) * strides[1];
    /* Of a turned picture, whose rows are columns in memory, every pixel would be a line of its own. */
    for (Py_ssize_t plane = 0; along < LINE && plane < planes; plane++)
        for (Py_ssize_t byte = 0; byte < (last - first) * along; byte += LINE)
            __builtin_prefetch(start + plane * strides[2] + byte, 1);
#else
    (void)image, (void)y, (void)first, (void)last;
#endif
}

/* Draw row y of a rectangle: alpha, and colour where that is not 0. */
static void warp_row(const Patch *patch, const double inverse[6], const Py_buffer *image, const Rectangle *box,
                     Py_ssize_t y, uint32_t *colour, uint8_t *alpha)
{
    const int64_t du = (int64_t)(inverse[0] * POINT), dv = (int64_t)(inverse[3] * POINT);
    const uint64_t end_u = (uint64_t)(patch->width + MARGIN) << 32, end_v = (uint64_t)(patch->height + MARGIN) << 32;
    const double u0 = inverse[1] * (double)y + inverse[2], v0 = inverse[4] * (double)y + inverse[5];
    Py_ssize_t first = 0, last = box->x1 - box->x0;
    memset(alpha, 0, (size_t)last);
    narrow(u0, 1 / inverse[0], (double)(patch->width + MARGIN), &first, &last);
    narrow(v0, 1 / inverse[3], (double)(patch->height + MARGIN), &first, &last);
    if (first >= last)
        return;
    int64_t u = (int64_t)((u0 + inverse[0] * (double)first) * POINT);
    int64_t v = (int64_t)((v0 + inverse[3] * (double)first) * POINT);
    /* A line meets a rectangle in one piece: within its ends there is nothing to ask. */
    for (; first < last && ((uint64_t)u >= end_u || (uint64_t)v >= end_v); first++, u += du, v += dv)
        ;
    while (first < last && ((uint64_t)(u + (last - 1 - first) * du) >= end_u
                            || (uint64_t)(v + (last - 1 - first) * dv) >= end_v))
        last--;
    fetch(image, box->y0 + y, box->x0 + first, box->x0 + last);
#ifdef WITH_SSE2
    warp_fours(patch, &u, &v, du, dv, &first, last, colour, alpha);
#endif
    for (Py_ssize_t x = first; x < last; x++, u += du, v += dv) {
        const uint32_t *place = patch->pixels + (v >> 32) * patch->stride + (u >> 32);
        if (!((place[0] | place[1] | place[patch->stride] | place[patch->stride + 1]) & 0xff000000))
            continue;
        colour[x] = between(place, patch->stride, (uint32_t)((v >> 23 & 511) + 1) >> 1, (uint32_t)(u >> 16 & 65535));
        alpha[x] = (uint8_t)(colour[x] >> 24);
    }
}

#endif
