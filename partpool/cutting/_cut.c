/* The pixel loops of partpool.cutting.patch.cut.

   A BGRA pixel is handled as one 32-bit number with blue in its lowest byte. Two of its channels, 16 bits apart, make
   room for sums of 257 pixels: that is how four channels are added up at once below.

   patch.py has the same in NumPy and OpenCV, for where no compiler was at hand. Change both: patches that are not
   shrunk must be equal to the bit. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#define WITH_SSE2
#endif

#ifdef WORDS_BIGENDIAN
#error "pixels are taken for little-endian numbers; without this module NumPy and OpenCV do its work"
#endif

#define CELL 8                     /* patch.EXTEND, even; sums over 3 x 3 cells reach 9 * 16 * 255, of 65535. */
#define BLOCKS (CELL / 2)
#define MAX_SIDE 65535             /* Products of sides and bytes are far from overflowing. */
#define MOST 64                    /* Times that a patch may be smaller; the less of a row there is, the more is cut off. */
#define WHOLE 65535u               /* Sum of weights; of products with them the upper 16 bits are taken. */
#define OPAQUE 0xff000000u
#define EVEN 0x00ff00ff00ff00ffu   /* Blue and red of two pixels; green and alpha, once they are moved there. */
#define FULL (CELL * CELL / 4 * 255) /* Weight of a cell that lies in the part as a whole. */

/* Rows of pixels in memory; a row's own are next to each other. */
typedef struct {
    uint8_t *first;
    Py_ssize_t stride;
    size_t height, width;
} Plane;

static inline uint8_t *row_of(const Plane *plane, size_t row)
{
    return plane->first + (Py_ssize_t)row * plane->stride;
}

/* Rows of the caller's arrays need not be aligned. Compilers make one instruction of it. */
static inline uint32_t load(const uint8_t *row, size_t column)
{
    uint32_t pixel;
    memcpy(&pixel, row + 4 * column, 4);
    return pixel;
}

static inline void store(uint8_t *row, size_t column, uint32_t pixel)
{
    memcpy(row + 4 * column, &pixel, 4);
}

static inline size_t smaller(size_t one, size_t other)
{
    return one < other ? one : other;
}

/* The part's own pixels of a row, opaque; 0 elsewhere. */
static void own_pixels(uint8_t *to, const uint8_t *pixels, const uint8_t *mask, size_t width)
{
    for (size_t x = 0; x < width; x++) {
        uint32_t inside = mask[x] ? UINT32_MAX : 0; /* Not a branch, which would keep compilers from vector code. */
        store(to, x, (load(pixels, x) | OPAQUE) & inside);
    }
}

/* Weight of the first `units` of `all`; that of any of them is a difference of two, so that the sum is always WHOLE. */
static inline uint32_t weight_of(size_t units, size_t all)
{
    return (uint32_t)((units * WHOLE + all / 2) / all);
}

/* For each pixel of a row that is shrunk: the first of the columns that it covers, and how much that and the next weigh.
   All have as many `taps`; the last ones may weigh nothing. */
static void weigh(uint32_t *table, size_t columns, size_t width, size_t taps)
{
    /* A column is `width` units wide, a pixel `columns`. */
    for (size_t x = 0; x < width; x++) {
        size_t done = 0, next = width - x * columns % width;
        *table++ = (uint32_t)(x * columns / width);
        for (size_t tap = 0; tap < taps; tap++, next += width) {
            next = smaller(next, columns);
            *table++ = weight_of(next, columns) - weight_of(done, columns);
            done = next;
        }
    }
}

/* Bytes as 256ths of a level, weighted: the upper 16 bits of each product are added to the sums. */
static void add_weighted(uint16_t *restrict sums, const uint8_t *restrict bytes, uint32_t weight, size_t count)
{
    size_t i = 0;
#ifdef WITH_SSE2
    const __m128i zero = _mm_setzero_si128(), factor = _mm_set1_epi16((short)weight);
    for (; i + 16 <= count; i += 16) {
        __m128i levels = _mm_loadu_si128((const __m128i *)(bytes + i)), *sum = (__m128i *)(sums + i);
        __m128i low = _mm_mulhi_epu16(_mm_unpacklo_epi8(zero, levels), factor);
        __m128i high = _mm_mulhi_epu16(_mm_unpackhi_epi8(zero, levels), factor);
        _mm_storeu_si128(sum, _mm_add_epi16(_mm_loadu_si128(sum), low));
        _mm_storeu_si128(sum + 1, _mm_add_epi16(_mm_loadu_si128(sum + 1), high));
    }
#endif
    for (; i < count; i++)
        sums[i] = (uint16_t)(sums[i] + (((uint32_t)bytes[i] << 8) * weight >> 16));
}

/* A colour over its alpha, both weighted. */
static inline uint32_t over(uint32_t colour, uint32_t alpha)
{
    return smaller((255 * colour + alpha / 2) / alpha, 255);
}

/* Four channels of columns next to each other, weighted: the upper 16 bits of each product, added up. */
static inline uint64_t weighted(const uint16_t *column, const uint32_t *weights, size_t taps)
{
    uint64_t result;
#ifdef WITH_SSE2
    __m128i sum = _mm_setzero_si128();
    for (size_t tap = 0; tap < taps; tap++) {
        __m128i four = _mm_loadl_epi64((const __m128i *)(column + 4 * tap));
        __m128i weight = _mm_shufflelo_epi16(_mm_cvtsi32_si128((int)weights[tap]), 0);
        sum = _mm_add_epi16(sum, _mm_mulhi_epu16(four, weight));
    }
    _mm_storel_epi64((__m128i *)&result, sum);
#else
    result = 0;
    for (size_t tap = 0; tap < taps; tap++, column += 4)
        for (int channel = 0; channel < 4; channel++)
            result += (uint64_t)(column[channel] * weights[tap] >> 16) << 16 * channel;
#endif
    return result;
}

/* A row of the patch from sums of columns. `lack`: how much alpha may lack of 255 because products are cut off. Alpha becomes the share of a pixel that is the part's, at least 1 if there is
   any, and the colour its average over that share. */
static inline void shrink_across(uint8_t *to, const uint16_t *sums, const uint32_t *table, size_t first, size_t end,
                                 size_t taps, uint32_t lack)
{
    table += first * (taps + 1);
    for (size_t x = first; x < end; x++, table += taps + 1) {
        uint64_t four = weighted(sums + 4 * (size_t)table[0], table + 1, taps);
        uint32_t alpha = (uint32_t)(four >> 48), pixel = 0;
        if (alpha + lack >= 255 * 256) {
            four += 0x0000008000800080u;
            pixel = (four >> 8 & 0xff) | (four >> 16 & 0xff00) | (four >> 24 & 0xff0000) | OPAQUE;
        } else if (alpha) {
            uint32_t share = (alpha + 128 + lack / 2) >> 8; /* A half stays a half. */
            pixel = over(four & 0xffff, alpha) | over(four >> 16 & 0xffff, alpha) << 8
                    | over(four >> 32 & 0xffff, alpha) << 16 | (share ? share : 1) << 24;
        }
        store(to, x, pixel);
    }
}

/* The patch of a part that is larger: averages of areas over the part's own pixels; alpha says whether half of a pixel
   was the part's, or as much as of any. Whether there was memory for it. */
static int shrink(const Plane *image, const Plane *mask, const Plane *patch)
{
    size_t rows = mask->height, columns = mask->width, width = patch->width, taps = (columns - 1) / width + 2;
    size_t padded = 4 * (columns + taps), weights = width * (taps + 1);
    uint32_t *table = malloc(weights * sizeof *table + padded * sizeof(uint16_t) + 4 * columns);
    if (!table)
        return 0;
    uint16_t *sums = (uint16_t *)(table + weights);
    uint8_t *own = (uint8_t *)(sums + padded);
    uint32_t lack = (uint32_t)(rows / patch->height + taps + 3);
    weigh(table, columns, width, taps);
    memset(sums, 0, padded * sizeof *sums);

    /* A row is `patch->height` units high, one of the patch `rows`: it ends in the row that is looked at, or goes on.
       All that it is made of lies in the columns `from` ... `to`. */
    size_t from = columns, to = 0, y = 0, done = 0;
    for (size_t row = 0; row < rows; row++) {
        const uint8_t *inside = row_of(mask, row);
        size_t left = 0, right = columns, next = smaller(done + patch->height, rows);
        while (left < right && !inside[left])
            left++;
        while (left < right && !inside[right - 1])
            right--;
        size_t count = right - left, rest = done + patch->height - next;
        own_pixels(own, row_of(image, row) + 4 * left, inside + left, count);
        add_weighted(sums + 4 * left, own, weight_of(next, rows) - weight_of(done, rows), 4 * count);
        done = next;
        if (count) {
            from = smaller(from, left);
            to = right > to ? right : to;
        }
        if (done < rows)
            continue;
        uint8_t *shrunk = row_of(patch, y++);
        memset(shrunk, 0, 4 * width);
        if (from < to) {
            size_t first = from * width / columns, end = (to * width - 1) / columns + 1;
            if (taps == 3) /* Often so, and a known number makes faster code. */
                shrink_across(shrunk, sums, table, first, end, 3, lack);
            else
                shrink_across(shrunk, sums, table, first, end, taps, lack);
            memset(sums + 4 * from, 0, 4 * (to - from) * sizeof *sums);
        }
        from = columns;
        to = 0;
        done = rest;
        if (rest && count) {
            add_weighted(sums + 4 * left, own, weight_of(rest, rows), 4 * count);
            from = left;
            to = right;
        }
    }
    free(table);

    uint32_t most = 0;
    for (y = 0; y < patch->height && most < 128; y++)
        for (size_t x = 0; x < width; x++) {
            uint32_t share = load(row_of(patch, y), x) >> 24;
            most = share > most ? share : most;
        }
    uint32_t half = most == 0 ? 1 : most < 128 ? most : 128;
    for (y = 0; y < patch->height; y++) {
        uint8_t *row = row_of(patch, y);
        for (size_t x = 0; x < width; x++) {
            uint32_t pixel = load(row, x);
            store(row, x, pixel >> 24 >= half ? pixel | OPAQUE : 0);
        }
    }
    return 1;
}

/* The average of 2 x 2 pixels, rounded, of which two are in one number: four channels of 16 bits. */
static inline uint64_t average_of(uint64_t upper, uint64_t lower)
{
    uint64_t even = (upper & EVEN) + (lower & EVEN), odd = (upper >> 8 & EVEN) + (lower >> 8 & EVEN);
    even += (even >> 32) + 0x00020002u;
    odd += (odd >> 32) + 0x00020002u;
    return (even >> 2 & 0x00ff00ffu) | (odd >> 2 & 0x00ff00ffu) << 32;
}

/* Averages of 2 x 2 pixels in two rows; there are none to the right of an odd width. */
static void average_blocks(uint64_t *blocks, const uint8_t *upper, const uint8_t *lower, size_t width)
{
    for (size_t block = 0; block < width / 2; block++) {
        uint64_t two_above, two_below;
        memcpy(&two_above, upper + 8 * block, 8);
        memcpy(&two_below, lower + 8 * block, 8);
        blocks[block] = average_of(two_above, two_below);
    }
    if (width % 2)
        blocks[width / 2] = average_of(load(upper, width - 1), load(lower, width - 1));
}

/* Sums of channels over their weight, as a transparent pixel. */
static uint32_t divided(uint64_t blue, uint64_t green, uint64_t red, uint64_t weight)
{
    if (!weight)
        return 0;
    return (uint32_t)((510 * blue + weight) / (2 * weight)) | (uint32_t)((510 * green + weight) / (2 * weight)) << 8
           | (uint32_t)((510 * red + weight) / (2 * weight)) << 16;
}

#define BLUE(cell) ((cell) & 0xffff)
#define RED(cell) ((cell) >> 16 & 0xffff)
#define GREEN(cell) ((cell) >> 32 & 0xffff)
#define WEIGHT(cell) ((cell) >> 48)

/* Outside the part its colour goes on: in every cell that of the part's own pixels in it, in the 3 x 3 cells around it,
   or of all. `cells` is one cell wider on each side, and zero; so are two rows of blocks of 2 x 2 pixels. */
static void go_on_outside(const Plane *patch, uint64_t *cells, uint64_t *blocks)
{
    size_t across = (patch->width + CELL - 1) / CELL, wide = across + 2;
    const uint8_t *nothing = (const uint8_t *)(blocks + BLOCKS * across);
    uint64_t blue = 0, green = 0, red = 0, weight = 0;

    for (size_t y = 0; y < patch->height; y += 2) {
        uint64_t *here = cells + (y / CELL + 1) * wide + 1;
        average_blocks(blocks, row_of(patch, y), y + 1 < patch->height ? row_of(patch, y + 1) : nothing, patch->width);
        for (size_t x = 0; x < BLOCKS * across; x++)
            here[x / BLOCKS] += blocks[x];
    }
    for (size_t y = 0; y < patch->height; y += CELL)
        for (size_t x = 0; x < across; x++) {
            uint64_t cell = cells[(y / CELL + 1) * wide + 1 + x];
            blue += BLUE(cell);
            green += GREEN(cell);
            red += RED(cell);
            weight += WEIGHT(cell);
        }
    uint32_t mean = divided(blue, green, red, weight);

    for (size_t top = 0; top < patch->height; top += CELL) {
        const uint64_t *above = cells + top / CELL * wide, *here = above + wide, *below = here + wide;
        for (size_t x = 0; x < across; x++) {
            if (WEIGHT(here[x + 1]) == FULL)
                continue;
            uint64_t sum = here[x + 1];
            if (!WEIGHT(sum))
                for (size_t near = x; near < x + 3; near++)
                    sum += above[near] + here[near] + below[near];
            uint32_t colour = mean;
            if (WEIGHT(sum))
                colour = divided(BLUE(sum), GREEN(sum), RED(sum), WEIGHT(sum));
            size_t bottom = smaller(top + CELL, patch->height), right = smaller((x + 1) * CELL, patch->width);
            for (size_t y = top; y < bottom; y++) {
                uint8_t *row = row_of(patch, y);
                for (size_t column = x * CELL; column < right; column++)
                    store(row, column, load(row, column) ? load(row, column) : colour);
            }
        }
    }
}

/* Everything there is to do without the interpreter; whether there was memory for it. */
static int cut_part(const Plane *image, const Plane *mask, const Plane *patch)
{
    size_t down = (patch->height + CELL - 1) / CELL, across = (patch->width + CELL - 1) / CELL;
    size_t cells = (down + 2) * (across + 2);
    uint64_t *sums = calloc(cells + 2 * BLOCKS * across, sizeof *sums);
    int enough = sums != NULL;

    if (patch->height < mask->height || patch->width < mask->width)
        enough = enough && shrink(image, mask, patch);
    else
        for (size_t y = 0; y < patch->height; y++)
            own_pixels(row_of(patch, y), row_of(image, y), row_of(mask, y), patch->width);
    if (enough)
        go_on_outside(patch, sums, sums + cells);
    free(sums);
    return enough;
}

/* Take hold of an array of bytes with `channels` (0: [h, w]), whose rows need not follow each other. */
static int hold(PyObject *array, Py_buffer *view, Plane *plane, const char *name, int channels, int writable)
{
    if (PyObject_GetBuffer(array, view, writable ? PyBUF_RECORDS : PyBUF_RECORDS_RO) < 0)
        return 0;
    int dense = channels
        ? view->ndim == 3 && view->shape[2] == channels && view->strides[2] == 1 && view->strides[1] == channels
        : view->ndim == 2 && view->strides[1] == 1;
    if (!dense || view->itemsize != 1 || (view->format && strcmp(view->format, "B") != 0))
        PyErr_Format(PyExc_ValueError, "%s must be uint8 [h, w%s] with dense rows", name, channels ? ", 4" : "");
    else if (view->shape[0] < 1 || view->shape[0] > MAX_SIDE || view->shape[1] < 1 || view->shape[1] > MAX_SIDE)
        PyErr_Format(PyExc_ValueError, "the sides of %s must lie in [1, %d], but are %zd and %zd", name, MAX_SIDE,
                     view->shape[0], view->shape[1]);
    else {
        plane->first = view->buf;
        plane->stride = view->strides[0];
        plane->height = (size_t)view->shape[0];
        plane->width = (size_t)view->shape[1];
        return 1;
    }
    PyBuffer_Release(view);
    return 0;
}

static PyObject *cut(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *arrays[3];
    Py_ssize_t x0, y0, x1, y1;
    if (!PyArg_ParseTuple(arguments, "OO(nnnn)O:cut", &arrays[0], &arrays[1], &x0, &y0, &x1, &y1, &arrays[2]))
        return NULL;

    static const char *const names[3] = {"image", "mask", "patch"};
    Py_buffer views[3];
    Plane planes[3], *image = planes, *mask = planes + 1, *patch = planes + 2;
    int held = 0, enough = 0;
    while (held < 3 && hold(arrays[held], &views[held], &planes[held], names[held], held == 1 ? 0 : 4, held == 2))
        held++;
    if (held == 3) {
        if (x0 < 0 || x0 >= x1 || x1 > (Py_ssize_t)image->width || x1 - x0 != (Py_ssize_t)mask->width
            || y0 < 0 || y0 >= y1 || y1 > (Py_ssize_t)image->height || y1 - y0 != (Py_ssize_t)mask->height)
            PyErr_SetString(PyExc_ValueError, "box must lie in the image and be as large as the mask");
        else if (patch->height > mask->height || patch->width > mask->width)
            PyErr_SetString(PyExc_ValueError, "patch must not be larger than the mask");
        else if (mask->height > MOST * patch->height || mask->width > MOST * patch->width)
            PyErr_Format(PyExc_ValueError, "patch must not be more than %d times smaller than the mask", MOST);
        else {
            image->first += y0 * image->stride + 4 * x0;
            Py_BEGIN_ALLOW_THREADS
            enough = cut_part(image, mask, patch);
            Py_END_ALLOW_THREADS
            if (!enough)
                PyErr_NoMemory();
        }
    }
    while (held)
        PyBuffer_Release(&views[--held]);
    if (!enough)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"cut", cut, METH_VARARGS,
     "cut(image, mask, box, patch)\n--\n\n"
     "Write the patch of a part, shrunk by area averaging if ``patch`` is smaller than the mask."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#ifdef Py_MOD_PER_INTERPRETER_GIL_SUPPORTED
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#ifdef Py_MOD_GIL_NOT_USED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_cut", "The pixel loops of cutting.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__cut(void)
{
    return PyModuleDef_Init(&definition);
}
