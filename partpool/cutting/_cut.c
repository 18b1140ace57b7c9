/* The pixel loops of partpool.cutting.patch.cut_patch.

   A BGRA pixel is handled as one 32-bit number with blue in its lowest byte. Two of its channels, 16 bits apart, make
   room for sums of 257 pixels: that is how four channels are added up at once below.

   patch_numpy.py has the same in NumPy and OpenCV, for where no compiler was at hand. Change both: patches are equal to
   the bit. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef WORDS_BIGENDIAN
#error "pixels are taken for little-endian numbers; without this module NumPy and OpenCV do its work"
#endif

#if SIZE_MAX < UINT64_MAX
#error "sizes are taken for numbers of 64 bits; without this module NumPy and OpenCV do its work"
#endif

#define CELL 8                     /* patch_numpy.CELL, even; sums over 3 x 3 cells reach 9 * 16 * 255, of 65535. */
#define BLOCKS (CELL / 2)
#define MAX_SIDE (1 << 26)         /* Pixels of the largest picture; products of sides and bytes fit 64 bits. */
#define UNIT 256                   /* Sum of the weights of rows, or of columns: with bytes they stay below 65536. */
#define WHOLE (UNIT * UNIT)
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

/* Weight of the first `units` of `all`; that of any of them is a difference of two, so that the sum is always UNIT. */
static inline uint32_t weight_of(size_t units, size_t all)
{
    return (uint32_t)((units * UNIT + all / 2) / all);
}

/* For each of `new` rows, or columns: the first of the `old` ones that it covers, and how much that and the next weigh.
   All have as many `taps`; the last ones may weigh nothing. */
static void weigh(uint32_t *table, size_t old, size_t new, size_t taps)
{
    /* An old row is `new` units high, a new one `old`. */
    for (size_t x = 0; x < new; x++) {
        size_t done = 0, next = new - x * old % new;
        *table++ = (uint32_t)(x * old / new);
        for (size_t tap = 0; tap < taps; tap++, next += new) {
            next = smaller(next, old);
            *table++ = weight_of(next, old) - weight_of(done, old);
            done = next;
        }
    }
}

static void add_weighted(uint16_t *restrict sums, const uint8_t *restrict bytes, uint16_t weight, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sums[i] = (uint16_t)(sums[i] + bytes[i] * weight);
}

/* Whether eight bytes of a mask are all 0. */
static inline int is_empty(const uint8_t *eight)
{
    uint64_t bytes;
    memcpy(&bytes, eight, 8);
    return bytes == 0;
}

/* Add up the part's own pixels in the rows that a row of the patch covers; all of them lie in the columns that are
   returned by `from` and `to`. */
static void sum_rows(uint16_t *sums, uint8_t *own, const Plane *part, const Plane *mask, const uint32_t *weights,
                     size_t taps, size_t *from, size_t *to)
{
    size_t columns = mask->width, row = *weights++;
    *from = columns;
    *to = 0;
    for (size_t tap = 0; tap < taps; tap++, row++) {
        if (!weights[tap])
            continue;
        const uint8_t *inside = row_of(mask, row);
        size_t left = 0, right = columns;
        while (left + 8 <= right && is_empty(inside + left))
            left += 8;
        while (left < right && !inside[left])
            left++;
        while (left + 8 <= right && is_empty(inside + right - 8))
            right -= 8;
        while (left < right && !inside[right - 1])
            right--;
        if (left == right)
            continue;
        own_pixels(own, row_of(part, row) + 4 * left, inside + left, right - left);
        add_weighted(sums + 4 * left, own, (uint16_t)weights[tap], 4 * (right - left));
        *from = smaller(*from, left);
        *to = right > *to ? right : *to;
    }
}

/* Four channels of columns next to each other, weighted and added up: blue and red, green and alpha, 32 bits apart. */
static inline void sum_columns(uint64_t *even, uint64_t *odd, const uint16_t *column, const uint32_t *weights, size_t taps)
{
    uint64_t four;
    *even = *odd = 0;
    for (size_t tap = 0; tap < taps; tap++, column += 4) {
        memcpy(&four, column, 8);
        *even += (four & 0x0000ffff0000ffffu) * weights[tap];
        *odd += (four >> 16 & 0x0000ffff0000ffffu) * weights[tap];
    }
}

/* The average colour of the part's own pixels as an opaque pixel, and in `own` how much of WHOLE they are; 0 if none. */
static inline uint32_t average(uint64_t even, uint64_t odd, uint32_t *own)
{
    uint32_t alpha = (uint32_t)(odd >> 32), blue, green, red;
    if (alpha == 255u * WHOLE) {
        *own = WHOLE;
        even += 0x0000800000008000u;
        return (uint32_t)(even >> 16 & 0xff) | (uint32_t)((odd + 0x8000) >> 8 & 0xff00) | (uint32_t)(even >> 32 & 0xff0000)
               | OPAQUE;
    }
    if (!(*own = alpha / 255))
        return 0;
    blue = (2 * (uint32_t)even + *own) / (2 * *own);
    green = (2 * (uint32_t)odd + *own) / (2 * *own);
    red = (2 * (uint32_t)(even >> 32) + *own) / (2 * *own);
    return blue | green << 8 | red << 16 | OPAQUE;
}

/* The patch of a part that is larger: averages of areas over the part's own pixels; alpha says whether half of a pixel
   was the part's, or as much as of any. Whether there was memory for it. */
static int shrink(const Plane *part, const Plane *mask, const Plane *patch)
{
    size_t columns = mask->width, height = patch->height, width = patch->width;
    size_t down = (mask->height - 1) / height + 2, across = (columns - 1) / width + 2;
    size_t rows_size = height * (down + 1), columns_size = width * (across + 1), padded = 4 * (columns + across);
    uint32_t *by_row = calloc(rows_size + columns_size + height * width, sizeof *by_row);
    uint16_t *sums = calloc(padded, sizeof *sums);
    uint8_t *row = malloc(4 * columns);
    int enough = by_row && sums && row;

    if (enough) {
        uint32_t *by_column = by_row + rows_size, *shares = by_column + columns_size, most = 0;
        weigh(by_row, mask->height, height, down);
        weigh(by_column, columns, width, across);
        for (size_t y = 0; y < height; y++) {
            size_t from, to;
            sum_rows(sums, row, part, mask, by_row + y * (down + 1), down, &from, &to);
            if (from == columns)
                continue;
            for (size_t x = from * width / columns; x <= (to * width - 1) / columns; x++) {
                const uint32_t *weights = by_column + x * (across + 1);
                uint64_t even, odd;
                uint32_t own;
                if (across == 3) /* Often so, and a known number makes faster code. */
                    sum_columns(&even, &odd, sums + 4 * (size_t)weights[0], weights + 1, 3);
                else
                    sum_columns(&even, &odd, sums + 4 * (size_t)weights[0], weights + 1, across);
                store(row_of(patch, y), x, average(even, odd, &own));
                shares[y * width + x] = own;
                most = own > most ? own : most;
            }
            memset(sums + 4 * from, 0, 4 * (to - from) * sizeof *sums);
        }
        uint32_t least = most == 0 ? 1 : most < WHOLE / 2 ? most : WHOLE / 2;
        for (size_t y = 0; y < height; y++)
            for (size_t x = 0; x < width; x++) {
                uint32_t inside = shares[y * width + x] >= least ? UINT32_MAX : 0;
                store(row_of(patch, y), x, load(row_of(patch, y), x) & inside);
            }
    }
    free(by_row);
    free(sums);
    free(row);
    return enough;
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
static int cut_part(const Plane *part, const Plane *mask, const Plane *patch)
{
    size_t down = (patch->height + CELL - 1) / CELL, across = (patch->width + CELL - 1) / CELL;
    size_t cells = (down + 2) * (across + 2);
    uint64_t *sums = calloc(cells + 2 * BLOCKS * across, sizeof *sums);
    int enough = sums != NULL;

    if (patch->height < mask->height || patch->width < mask->width)
        enough = enough && shrink(part, mask, patch);
    else
        for (size_t y = 0; y < patch->height; y++)
            own_pixels(row_of(patch, y), row_of(part, y), row_of(mask, y), patch->width);
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
    if (!PyArg_ParseTuple(arguments, "OOO:cut", &arrays[0], &arrays[1], &arrays[2]))
        return NULL;

    static const char *const names[3] = {"part", "mask", "patch"};
    Py_buffer views[3];
    Plane planes[3], *part = planes, *mask = planes + 1, *patch = planes + 2;
    int held = 0, enough = 0;
    while (held < 3 && hold(arrays[held], &views[held], &planes[held], names[held], held == 1 ? 0 : 4, held == 2))
        held++;
    if (held == 3) {
        if (part->width != mask->width || part->height != mask->height)
            PyErr_SetString(PyExc_ValueError, "part and mask must be of one size");
        else if (patch->height > mask->height || patch->width > mask->width)
            PyErr_SetString(PyExc_ValueError, "patch must not be larger than the mask");
        else {
            Py_BEGIN_ALLOW_THREADS
            enough = cut_part(part, mask, patch);
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
     "cut(part, mask, patch)\n--\n\n"
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
