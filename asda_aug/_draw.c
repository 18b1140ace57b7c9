/* Pasting one part into an image, and how much it covers points: what asda_aug.warp, paste and coverage do, in one go.
 *
 * General filters visit the whole rectangle of a part several times, most of which it does not cover, and every step
 * between them is a call from Python with an array of its own. Here each pass leaves transparent pixels alone.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef WORDS_BIGENDIAN
#error "Pixels are little-endian numbers here; without this module NumPy and OpenCV do its work."
#endif

#if defined(__SSE2__) || defined(_M_X64)
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
/* See SHRINK and MAX_HALVINGS in asda_aug/warp.py. */
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

static void pack_row(uint32_t *out, const uint8_t *colour, const uint8_t *mask, Py_ssize_t width, const uint8_t *end,
                     int bgr)
{
    Py_ssize_t x = 0;
#ifdef WITH_SSSE3
    if (__builtin_cpu_supports("ssse3"))
        x = pack_fours(out, colour, mask, width, end, bgr);
#else
    (void)end;
#endif
    for (; x < width; x++) {
        const uint8_t *rgb = colour + 3 * x;
        out[x] = (uint32_t)rgb[bgr ? 2 : 0] | (uint32_t)rgb[1] << 8 | (uint32_t)rgb[bgr ? 0 : 2] << 16
               | (mask[x] ? 0xff000000u : 0);
    }
}

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
    const uint8_t *end = colour + 3 * height * width;
    for (Py_ssize_t y = 0; y < height; y++, colour += 3 * width, mask += width)
        pack_row(patch->pixels + (y + MARGIN) * stride + MARGIN, colour, mask, width, end, bgr);
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

/* Between four pixels, in the order in which they are stored: first down, by 256ths, then across, by 65536ths. */
static uint32_t between(uint64_t upper, uint64_t lower, uint32_t down, uint32_t right)
{
#ifdef WITH_SSE2
    const __m128i zero = _mm_setzero_si128();
    /* Complements are taken in the register: on the way there, compilers store 16 bits and stall loading 32. */
    const __m128i low = _mm_set1_epi16((short)down), up = _mm_sub_epi16(_mm_set1_epi16(256), low);
    const __m128i across = _mm_xor_si128(_mm_set1_epi16((short)right), _mm_set_epi32(0, 0, -1, -1));
    __m128i one = _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)&upper), zero);
    __m128i other = _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)&lower), zero);
    __m128i both = _mm_mulhi_epu16(_mm_add_epi16(_mm_mullo_epi16(one, up), _mm_mullo_epi16(other, low)), across);
    __m128i sum = _mm_add_epi16(_mm_add_epi16(both, _mm_srli_si128(both, 8)), _mm_set1_epi16(129));
    return (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(_mm_srli_epi16(sum, 8), zero));
#else
    uint32_t result = 0;
    for (int shift = 0; shift < 32; shift += 8) {
        uint32_t left = (upper >> shift & 255) * (256 - down) + (lower >> shift & 255) * down;
        uint32_t next = (upper >> (shift + 32) & 255) * (256 - down) + (lower >> (shift + 32) & 255) * down;
        result |= ((left * (65535 - right) >> 16) + (next * right >> 16) + 129) >> 8 << shift;
    }
    return result;
#endif
}

#ifdef WITH_SSE2
/* One of four pixels, as two halves whose sum is what between() rounds: left and right. */
static __m128i halves(const uint32_t *place, Py_ssize_t stride, __m128i low, __m128i up, __m128i right)
{
    const __m128i zero = _mm_setzero_si128(), left = _mm_set_epi32(0, 0, -1, -1);
    __m128i one = _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)place), zero);
    __m128i other = _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)(place + stride)), zero);
    __m128i both = _mm_add_epi16(_mm_mullo_epi16(one, up), _mm_mullo_epi16(other, low));
    return _mm_mulhi_epu16(both, _mm_xor_si128(right, left));
}

/* Each 32-bit number's upper half, in both halves, shifted right. */
static __m128i twice(__m128i numbers, int shift)
{
    __m128i upper = _mm_srli_epi32(numbers, 16);
    return _mm_srli_epi16(_mm_or_si128(upper, _mm_slli_epi32(upper, 16)), shift);
}

/* What the loop of warp() does, for as many columns as come in fours; u, v and the first column move on. */
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
        const __m128i rights = twice(us, 0), lows = twice(vs, 8), ups = _mm_sub_epi16(all, lows);
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

/* Ask for columns of a row of the image, which will be blended into when the part is drawn: in a batch of pictures it
 * has often left the caches. */
ALWAYS_INLINE void fetch(const Py_buffer *image, Py_ssize_t y, Py_ssize_t first, Py_ssize_t last)
{
#ifdef __GNUC__
    const Py_ssize_t *strides = image->strides, planes = strides[2] >= LINE || strides[2] <= -LINE ? 3 : 1;
    const char *start = (const char *)image->buf + y * strides[0] + (strides[1] < 0 ? last - 1 : first) * strides[1];
    const Py_ssize_t size = (last - first) * (strides[1] < 0 ? -strides[1] : strides[1]);
    for (Py_ssize_t plane = 0; plane < planes; plane++, start += strides[2])
        for (Py_ssize_t byte = 0; byte < size; byte += LINE)
            __builtin_prefetch(start + byte, 1);
#else
    (void)image, (void)y, (void)first, (void)last;
#endif
}

/* Alpha is 0 beforehand; colour is written where it is not 0 afterwards. */
static void warp(const Patch *patch, const double inverse[6], const Py_buffer *image, const Rectangle *box,
                 uint32_t *colour, uint8_t *alpha)
{
    const Py_ssize_t height = box->y1 - box->y0, width = box->x1 - box->x0;
    const int64_t du = (int64_t)(inverse[0] * POINT), dv = (int64_t)(inverse[3] * POINT);
    const uint64_t end_u = (uint64_t)(patch->width + MARGIN) << 32, end_v = (uint64_t)(patch->height + MARGIN) << 32;
    for (Py_ssize_t y = 0; y < height; y++, colour += width, alpha += width) {
        double u0 = inverse[1] * (double)y + inverse[2], v0 = inverse[4] * (double)y + inverse[5];
        Py_ssize_t first = 0, last = width;
        narrow(u0, 1 / inverse[0], (double)(patch->width + MARGIN), &first, &last);
        narrow(v0, 1 / inverse[3], (double)(patch->height + MARGIN), &first, &last);
        if (first >= last)
            continue;
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
            uint64_t upper, lower;
            memcpy(&upper, place, 8);
            memcpy(&lower, place + patch->stride, 8);
            if (!((upper | lower) & 0xff000000ff000000))
                continue;
            colour[x] = between(upper, lower, (uint32_t)(v >> 24 & 255), (uint32_t)(u >> 16 & 65535));
            alpha[x] = (uint8_t)(colour[x] >> 24);
        }
    }
}

static uint8_t least(uint8_t one, uint8_t other)
{
    return one < other ? one : other;
}

/* The least of each value and its neighbours in a line of bytes; beyond its ends there is none. */
static void erode_row(const uint8_t *restrict in, uint8_t *restrict out, Py_ssize_t width)
{
    if (width == 1) {
        out[0] = in[0];
        return;
    }
    out[0] = least(in[0], in[1]);
    for (Py_ssize_t x = 1; x < width - 1; x++)
        out[x] = least(least(in[x - 1], in[x]), in[x + 1]);
    out[width - 1] = least(in[width - 2], in[width - 1]);
}

static void erode_column(const uint8_t *above, const uint8_t *here, const uint8_t *below, uint8_t *restrict out,
                         Py_ssize_t width)
{
    for (Py_ssize_t x = 0; x < width; x++)
        out[x] = least(least(above[x], here[x]), below[x]);
}

/* Weights 1 2 1 down and across, over 16, rounded; what lies at an edge goes on beyond it. */
static void blur_row(const uint8_t *above, const uint8_t *here, const uint8_t *below, uint16_t *restrict sums,
                     uint8_t *restrict out, Py_ssize_t width)
{
    for (Py_ssize_t x = 0; x < width; x++)
        sums[x + 1] = (uint16_t)(above[x] + 2 * here[x] + below[x]);
    sums[0] = sums[1];
    sums[width + 1] = sums[width];
    for (Py_ssize_t x = 0; x < width; x++)
        out[x] = (uint8_t)((sums[x] + 2 * sums[x + 1] + sums[x + 2] + 8) >> 4);
}

/* Erode by one pixel, then blur by one. There is room for twice as many bytes, and a row of sums, in rows. */
static void soften(uint8_t *alpha, Py_ssize_t height, Py_ssize_t width, uint16_t *sums)
{
    const Py_ssize_t size = height * width;
    uint8_t *narrowed = (uint8_t *)(sums + width + 2), *eroded = narrowed + size;
    for (Py_ssize_t y = 0; y < height; y++)
        erode_row(alpha + y * width, narrowed + y * width, width);
    for (Py_ssize_t y = 0; y < height; y++)
        erode_column(narrowed + (y ? y - 1 : 0) * width, narrowed + y * width,
                     narrowed + (y < height - 1 ? y + 1 : y) * width, eroded + y * width, width);
    for (Py_ssize_t y = 0; y < height; y++)
        blur_row(eroded + (y ? y - 1 : 0) * width, eroded + y * width, eroded + (y < height - 1 ? y + 1 : y) * width,
                 sums, alpha + y * width, width);
}

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

/* Of three channels; strides count bytes from pixel to pixel and from channel to channel. */
static void blend_bytes(uint8_t *restrict pixel, const Py_ssize_t strides[2], Py_ssize_t count,
                        const uint32_t *restrict colour, const uint8_t *restrict alpha)
{
    const Py_ssize_t along = strides[0], second = strides[1], third = 2 * second;
    const int packed = along == 3 && second == 1;
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
        pixel[second] = mixed(pixel[second], front >> 8, alpha[i]);
        pixel[third] = mixed(pixel[third], front >> 16, alpha[i]);
    }
}

static void blend_plane(float *restrict pixel, Py_ssize_t count, const uint32_t *restrict colour, int shift,
                        const uint8_t *restrict alpha, float gain, float offset)
{
    for (Py_ssize_t i = 0; i < count; i++)
        pixel[i] += ((float)(int32_t)(colour[i] >> shift & 255) * gain + offset - pixel[i])
                  * ((float)alpha[i] * (1 / 255.0f));
}

static void blend_floats(uint8_t *pixels, const Py_ssize_t strides[2], Py_ssize_t count, const uint32_t *colour,
                         const uint8_t *alpha, const float gain[3], const float offset[3])
{
    for (int c = 0; c < 3; c++, pixels += strides[1]) {
        if (strides[0] == sizeof(float)) {
            blend_plane((float *)pixels, count, colour, 8 * c, alpha, gain[c], offset[c]);
            continue;
        }
        for (Py_ssize_t i = 0; i < count; i++)
            blend_plane((float *)(pixels + i * strides[0]), 1, colour + i, 8 * c, alpha + i, gain[c], offset[c]);
    }
}

typedef struct {
    Py_buffer image, colour, mask, stack;
    int bgr, soft, stacked;
    float gain[3], offset[3];
} Paste;

/* Blend what was drawn into a rectangle of the image, and its alpha into the stack's; whether there is anything. */
static int blend(const Paste *paste, const Rectangle *box, const uint32_t *colour, const uint8_t *alpha)
{
    const Py_ssize_t width = box->x1 - box->x0, *strides = paste->image.strides;
    int seen = 0;
    for (Py_ssize_t y = box->y0; y < box->y1; y++, colour += width, alpha += width) {
        uint8_t *row = (uint8_t *)paste->image.buf + y * strides[0] + box->x0 * strides[1];
        float *stack = paste->stacked ? (float *)paste->stack.buf + y * paste->image.shape[1] + box->x0 : NULL;
        for (Py_ssize_t x = 0, end; x < width; x = end) {
            end = next_run(alpha, &x, width);
            if (x == end)
                break;
            seen = 1;
            if (paste->image.itemsize == 1)
                blend_bytes(row + x * strides[1], strides + 1, end - x, colour + x, alpha + x);
            else
                blend_floats(row + x * strides[1], strides + 1, end - x, colour + x, alpha + x, paste->gain,
                             paste->offset);
            for (Py_ssize_t i = x; stack && i < end; i++)
                stack[i] += (1 - stack[i]) * ((float)alpha[i] * (1 / 255.0f));
        }
    }
    return seen;
}

/* Whether anything was drawn; -1 if there is no memory. */
static int draw(const Paste *paste, Matrix map)
{
    Patch patch = {NULL, paste->mask.shape[0], paste->mask.shape[1], 0};
    double inverse[6];
    int result = -1;
    const int count = halvings(&map);
    Patch small = patch;
    for (int i = 0; i < count; i++) {
        small.height = (small.height + 1) / 2;
        small.width = (small.width + 1) / 2;
        map.a *= 2, map.b *= 2, map.d *= 2, map.e *= 2;
    }
    const Rectangle box = reached(&small, &map, paste->image.shape[0], paste->image.shape[1]);
    if (box.x0 >= box.x1 || box.y0 >= box.y1 || !invert(&map, &box, inverse))
        return 0;
    const Py_ssize_t height = box.y1 - box.y0, width = box.x1 - box.x0, size = height * width;
    /* Colours, the sums of a row, and alpha as it is and in two stages of softening. */
    uint32_t *colour = malloc((size_t)size * (sizeof(uint32_t) + 3) + (size_t)(width + 2) * sizeof(uint16_t));
    if (colour != NULL && pack(&patch, paste->colour.buf, paste->mask.buf, paste->bgr)) {
        uint16_t *sums = (uint16_t *)(colour + size);
        uint8_t *alpha = (uint8_t *)(sums + width + 2) + 2 * size;
        for (int i = 0; i < count; i++)
            halve(&patch);
        memset(alpha, 0, (size_t)size);
        warp(&patch, inverse, &paste->image, &box, colour, alpha);
        if (paste->soft)
            soften(alpha, height, width, sums);
        result = blend(paste, &box, colour, alpha);
    }
    free(patch.pixels);
    free(colour);
    return result;
}

static int is_type(const Py_buffer *view, int dimensions, const char *format)
{
    return view->ndim == dimensions && !strcmp(view->format, format);
}

/* Read a matrix, which must map the patch onto an area; 0 if that fails. */
static int read_matrix(PyObject *object, Matrix *map)
{
    Py_buffer view;
    int right = 0;
    if (PyObject_GetBuffer(object, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT))
        return 0;
    if (is_type(&view, 2, "d") && view.shape[0] == 2 && view.shape[1] == 3) {
        memcpy(map, view.buf, sizeof(Matrix));
        const double area = map->a * map->e - map->b * map->d;
        right = area != 0 && isfinite(area + map->c + map->f);
    }
    PyBuffer_Release(&view);
    if (!right)
        PyErr_Format(PyExc_ValueError, "a matrix must be 2 x 3, finite and invertible, but got %R", object);
    return right;
}

/* Read one number per channel; 0 if that fails. */
static int read_colours(PyObject *object, float out[3])
{
    double values[3];
    if (!PyTuple_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "gain and offset must be tuples");
        return 0;
    }
    if (!PyArg_ParseTuple(object, "ddd", &values[0], &values[1], &values[2]))
        return 0;
    for (int c = 0; c < 3; c++)
        out[c] = (float)values[c];
    return 1;
}

static int fits(const Paste *paste)
{
    const Py_buffer *image = &paste->image, *colour = &paste->colour, *mask = &paste->mask, *stack = &paste->stack;
    return (is_type(image, 3, "B") || is_type(image, 3, "f")) && image->shape[2] == 3 && is_type(colour, 3, "B")
        && colour->shape[2] == 3 && is_type(mask, 2, "?") && mask->shape[0] == colour->shape[0]
        && mask->shape[1] == colour->shape[1] && mask->len
        && (!paste->stacked
            || (is_type(stack, 2, "f") && stack->shape[0] == image->shape[0] && stack->shape[1] == image->shape[1]));
}

PyDoc_STRVAR(paste_doc,
             "paste(image, colour, mask, matrix, soft, bgr, gain, offset, stack)\n--\n\n"
             "Paste one part into an image, in place.\n\n"
             "Args:\n"
             "    image: uint8 or float32 [H, W, 3], with any strides.\n"
             "    colour: uint8 [h, w, 3] RGB.\n"
             "    mask: bool [h, w].\n"
             "    matrix: Patch pixels to image pixels, centres at +0.5, float64 [2, 3].\n"
             "    soft: Whether the edge is eroded and blurred by one pixel.\n"
             "    bgr: Whether the image's channels are BGR.\n"
             "    gain: Three numbers; with offset they turn bytes into values of a float image.\n"
             "    offset: Three numbers.\n"
             "    stack: Coverage of the image so far, float32 [H, W], to which that of the part is added; or None.\n\n"
             "Returns:\n"
             "    Whether any of the part can be seen.\n\n"
             "Raises:\n"
             "    ValueError: If arrays do not fit each other, or the matrix is not finite and invertible.");

static PyObject *py_paste(PyObject *self, PyObject *args)
{
    PyObject *objects[4], *matrix, *gain, *offset, *result = NULL;
    Paste paste = {.stacked = 0};
    Py_buffer *views[4] = {&paste.image, &paste.colour, &paste.mask, &paste.stack};
    static const int flags[4] = {PyBUF_STRIDES | PyBUF_WRITABLE, PyBUF_C_CONTIGUOUS, PyBUF_C_CONTIGUOUS,
                                 PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE};
    Matrix map;
    int held = 0, seen;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOOOppOOO:paste", &objects[0], &objects[1], &objects[2], &matrix, &paste.soft,
                          &paste.bgr, &gain, &offset, &objects[3])
        || !read_matrix(matrix, &map) || !read_colours(gain, paste.gain) || !read_colours(offset, paste.offset))
        return NULL;
    paste.stacked = objects[3] != Py_None;
    for (; held < 3 + paste.stacked; held++)
        if (PyObject_GetBuffer(objects[held], views[held], flags[held] | PyBUF_FORMAT))
            goto done;
    if (!fits(&paste)) {
        PyErr_SetString(PyExc_ValueError,
                        "image must be uint8 or float32 [H, W, 3], colour and mask uint8 [h, w, 3] and bool [h, w] of "
                        "one size and not empty, and stack float32 [H, W] or None");
        goto done;
    }
    Py_BEGIN_ALLOW_THREADS
    seen = draw(&paste, map);
    Py_END_ALLOW_THREADS
    result = seen < 0 ? PyErr_NoMemory() : PyBool_FromLong(seen);
done:
    while (held--)
        PyBuffer_Release(views[held]);
    return result;
}

/* The mask between its pixels, 0 beyond it. */
static double sampled(const Py_buffer *mask, double u, double v)
{
    const double column = floor(u), row = floor(v), right = u - column, down = v - row;
    double total = 0;
    for (int i = 0; i < 4; i++) {
        const Py_ssize_t x = (Py_ssize_t)column + (i & 1), y = (Py_ssize_t)row + (i >> 1);
        if (x >= 0 && x < mask->shape[1] && y >= 0 && y < mask->shape[0]
            && ((const char *)mask->buf)[y * mask->strides[0] + x * mask->strides[1]])
            total += (i & 1 ? right : 1 - right) * (i >> 1 ? down : 1 - down);
    }
    return total;
}

/* A list of (index, share) of the points that are within reach. */
static PyObject *list_shares(const Py_buffer *mask, const Matrix *map, const Py_buffer *points, const Py_buffer *asked,
                             double height, double width)
{
    const double area = map->a * map->e - map->b * map->d;
    PyObject *shares = PyList_New(0);
    for (Py_ssize_t i = 0; shares && i < points->shape[0]; i++) {
        const char *point = (const char *)points->buf + i * points->strides[0];
        double x, y;
        if (!((const char *)asked->buf)[i * asked->strides[0]])
            continue;
        memcpy(&x, point, sizeof x);
        memcpy(&y, point + points->strides[1], sizeof y);
        if (!(x >= 0 && x < width && y >= 0 && y < height))
            continue;
        const double u = (map->e * (x - map->c) - map->b * (y - map->f)) / area - 0.5;
        const double v = (map->a * (y - map->f) - map->d * (x - map->c)) / area - 0.5;
        if (!(u > -1 && u < (double)mask->shape[1] && v > -1 && v < (double)mask->shape[0]))
            continue;
        PyObject *share = Py_BuildValue("nd", i, sampled(mask, u, v));
        if (share == NULL || PyList_Append(shares, share))
            Py_CLEAR(shares);
        Py_XDECREF(share);
    }
    return shares;
}

PyDoc_STRVAR(shares_doc,
             "shares(mask, matrix, points, asked, shape)\n--\n\n"
             "How much of each point that its patch can reach a part covers; see asda_aug.coverage.shares.\n\n"
             "Args:\n"
             "    mask: bool [h, w].\n"
             "    matrix: float64 [2, 3].\n"
             "    points: float64 [n, 2].\n"
             "    asked: Which of them matter, bool [n].\n"
             "    shape: Height and width of the image.\n\n"
             "Returns:\n"
             "    A list of (index, share).\n\n"
             "Raises:\n"
             "    ValueError: If arrays do not fit each other, or the matrix is not finite and invertible.");

static PyObject *py_shares(PyObject *self, PyObject *args)
{
    PyObject *objects[3], *matrix, *result = NULL;
    Py_buffer views[3];
    const Py_buffer *mask = &views[0], *points = &views[1], *asked = &views[2];
    Matrix map;
    double height, width;
    int held = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOOO(dd):shares", &objects[0], &matrix, &objects[1], &objects[2], &height, &width)
        || !read_matrix(matrix, &map))
        return NULL;
    for (; held < 3; held++)
        if (PyObject_GetBuffer(objects[held], &views[held], PyBUF_STRIDES | PyBUF_FORMAT))
            goto done;
    if (is_type(mask, 2, "?") && is_type(points, 2, "d") && points->shape[1] == 2 && is_type(asked, 1, "?")
        && asked->shape[0] == points->shape[0])
        result = list_shares(mask, &map, points, asked, height, width);
    else
        PyErr_SetString(PyExc_ValueError, "mask must be bool [h, w], points float64 [n, 2] and asked bool [n]");
done:
    while (held--)
        PyBuffer_Release(&views[held]);
    return result;
}

static PyMethodDef methods[] = {
    {"paste", py_paste, METH_VARARGS, paste_doc},
    {"shares", py_shares, METH_VARARGS, shares_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#ifdef Py_MOD_GIL_NOT_USED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "asda_aug._draw",
    .m_doc = "Pasting one part, and how much it covers points.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__draw(void)
{
    return PyModuleDef_Init(&module);
}
