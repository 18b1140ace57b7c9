/* The loops over pixels of asda_aug.warp and asda_aug.paste.
 *
 * Between warping and blending a part, general filters visit its whole rectangle several times, most of which the part
 * does not cover. Here each is one pass that leaves transparent pixels alone.
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

/* Coordinates are 64-bit numbers with 32 bits behind the point. */
#define POINT 4294967296.0
/* Beyond this, in pixels, they might not fit. */
#define FARTHEST 1e8
/* Transparent pixels around a patch: sampling meets them instead of a border that has to be asked for. */
#define MARGIN 1

typedef struct {
    uint32_t *pixels; /* colour in the lower three bytes, alpha in the highest, with a margin */
    Py_ssize_t height, width, stride;
} Patch;

/* The margin repeats the colour of the patch's edge, because colour goes on where the mask does not. */
static int pack(Patch *patch, const uint8_t *colour, const uint8_t *mask, int flags, int bgr)
{
    const Py_ssize_t height = patch->height, width = patch->width, stride = width + 2 * MARGIN;
    patch->stride = stride;
    patch->pixels = malloc((size_t)(height + 2 * MARGIN) * (size_t)stride * sizeof(uint32_t));
    if (patch->pixels == NULL)
        return 0;
    for (Py_ssize_t y = 0; y < height; y++) {
        uint32_t *row = patch->pixels + (y + MARGIN) * stride;
        for (Py_ssize_t x = 0; x < width; x++, colour += 3, mask++) {
            uint32_t rgb = (uint32_t)colour[0] | (uint32_t)colour[1] << 8 | (uint32_t)colour[2] << 16;
            if (bgr)
                rgb = rgb >> 16 | (rgb & 0xff00) | (rgb & 0xff) << 16;
            row[x + MARGIN] = rgb | (flags && *mask ? 255u : *mask) << 24;
        }
        row[0] = row[1] & 0xffffff;
        row[width + MARGIN] = row[width] & 0xffffff;
    }
    for (Py_ssize_t x = 0; x < stride; x++) {
        uint32_t *column = patch->pixels + x;
        column[0] = column[stride] & 0xffffff;
        column[(height + MARGIN) * stride] = column[height * stride] & 0xffffff;
    }
    return 1;
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

/* Narrow the columns first ... last to those where start + step * column lies between low and high, and a few more. */
static void narrow(double start, double step, double low, double high, Py_ssize_t *first, Py_ssize_t *last)
{
    double one, other;
    if (fabs(step) < 1e-9) {
        if (start <= low || start >= high)
            *last = *first;
        return;
    }
    one = (low - start) / step;
    other = (high - start) / step;
    if (one > other) {
        double swap = one;
        one = other;
        other = swap;
    }
    if (one - 1 > (double)*first)
        *first = one - 1 < (double)*last ? (Py_ssize_t)(one - 1) : *last;
    if (other + 2 < (double)*last)
        *last = other + 2 > (double)*first ? (Py_ssize_t)(other + 2) : *first;
}

/* Output is transparent beforehand. In the packed patch, between centres of pixels, u = inverse[0] * x + inverse[1] * y
 * + inverse[2], and v likewise. */
static void warp(const Patch *patch, const double inverse[6], Py_ssize_t height, Py_ssize_t width, uint8_t *colour,
                 uint8_t *alpha)
{
    const int64_t du = (int64_t)(inverse[0] * POINT), dv = (int64_t)(inverse[3] * POINT);
    const uint64_t end_u = (uint64_t)(patch->width + MARGIN) << 32, end_v = (uint64_t)(patch->height + MARGIN) << 32;
    for (Py_ssize_t y = 0; y < height; y++) {
        double u0 = inverse[1] * (double)y + inverse[2], v0 = inverse[4] * (double)y + inverse[5];
        Py_ssize_t first = 0, last = width;
        narrow(u0, inverse[0], 0, (double)(patch->width + MARGIN), &first, &last);
        narrow(v0, inverse[3], 0, (double)(patch->height + MARGIN), &first, &last);
        if (first >= last)
            continue;
        int64_t u = (int64_t)((u0 + inverse[0] * (double)first) * POINT);
        int64_t v = (int64_t)((v0 + inverse[3] * (double)first) * POINT);
        for (Py_ssize_t x = first; x < last; x++, u += du, v += dv) {
            uint64_t upper, lower;
            uint32_t pixel;
            if ((uint64_t)u >= end_u || (uint64_t)v >= end_v)
                continue;
            const uint32_t *place = patch->pixels + (v >> 32) * patch->stride + (u >> 32);
            memcpy(&upper, place, 8);
            memcpy(&lower, place + patch->stride, 8);
            if (!((upper | lower) & 0xff000000ff000000))
                continue;
            pixel = between(upper, lower, (uint32_t)(v >> 24 & 255), (uint32_t)(u >> 16 & 65535));
            if (!(pixel >> 24))
                continue;
            alpha[y * width + x] = (uint8_t)(pixel >> 24);
            uint8_t *out = colour + 3 * (y * width + x);
            out[0] = (uint8_t)pixel;
            out[1] = (uint8_t)(pixel >> 8);
            out[2] = (uint8_t)(pixel >> 16);
        }
    }
}

/* Whether anything can be seen: the map can be inverted, and a pixel of the image is not a million of the patch's. */
static int invert(const double rows[6], double x0, double y0, double out[6])
{
    const double a = rows[0], b = rows[1], d = rows[3], e = rows[4], area = a * e - b * d;
    /* The centre of the rectangle's first pixel, from where the patch's corner goes. */
    const double x = x0 + 0.5 - rows[2], y = y0 + 0.5 - rows[5];
    out[0] = e / area;
    out[1] = -b / area;
    out[2] = (e * x - b * y) / area - 0.5 + MARGIN;
    out[3] = -d / area;
    out[4] = a / area;
    out[5] = (a * y - d * x) / area - 0.5 + MARGIN;
    for (int i = 0; i < 6; i++)
        if (!(fabs(out[i]) < FARTHEST))
            return 0;
    return 1;
}

static int is_bytes(const Py_buffer *view, int dimensions)
{
    return view->ndim == dimensions && view->itemsize == 1 && (!strcmp(view->format, "B") || !strcmp(view->format, "?"));
}

static int same_size(const Py_buffer *colour, const Py_buffer *alpha)
{
    return colour->shape[0] == alpha->shape[0] && colour->shape[1] == alpha->shape[1];
}

PyDoc_STRVAR(warp_doc,
             "warp(colour, mask, matrix, corner, bgr, out_colour, out_alpha)\n--\n\n"
             "Sample a patch bilinearly; its colour goes on beyond it, its mask does not.\n\n"
             "Args:\n"
             "    colour: uint8 [h, w, 3] RGB.\n"
             "    mask: bool [h, w], or uint8 with 255 for opaque.\n"
             "    matrix: a, b, c, d, e, f: patch pixel to image pixel, centres at +0.5.\n"
             "    corner: x, y of the rectangle's first pixel.\n"
             "    bgr: Whether BGR is wanted.\n"
             "    out_colour: uint8 [H, W, 3]; 0 where alpha is.\n"
             "    out_alpha: uint8 [H, W].\n\n"
             "Raises:\n"
             "    ValueError: If arrays do not fit each other.");

static PyObject *py_warp(PyObject *self, PyObject *args)
{
    PyObject *objects[4];
    Py_buffer views[4];
    double rows[6], x0, y0, inverse[6];
    int bgr, held = 0;
    PyObject *result = NULL;
    (void)self;
    if (!PyArg_ParseTuple(args, "OO(dddddd)(dd)pOO:warp", &objects[0], &objects[1], &rows[0], &rows[1], &rows[2],
                          &rows[3], &rows[4], &rows[5], &x0, &y0, &bgr, &objects[2], &objects[3]))
        return NULL;
    for (; held < 4; held++)
        if (PyObject_GetBuffer(objects[held], &views[held],
                               PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (held < 2 ? 0 : PyBUF_WRITABLE)))
            goto done;
    const Py_buffer *colour = &views[0], *mask = &views[1], *out = &views[2], *alpha = &views[3];
    if (!is_bytes(colour, 3) || !is_bytes(mask, 2) || !is_bytes(out, 3) || !is_bytes(alpha, 2) || colour->shape[2] != 3
        || out->shape[2] != 3 || !same_size(colour, mask) || !same_size(out, alpha)) {
        PyErr_SetString(PyExc_ValueError, "colour and mask must be bytes [h, w, 3] and [h, w] of one size each");
        goto done;
    }
    if (!mask->len) {
        PyErr_SetString(PyExc_ValueError, "the patch is empty");
        goto done;
    }
    Patch patch = {NULL, mask->shape[0], mask->shape[1], 0};
    const int flags = !strcmp(mask->format, "?"), visible = invert(rows, x0, y0, inverse);
    int enough;
    Py_BEGIN_ALLOW_THREADS
    memset(out->buf, 0, (size_t)out->len);
    memset(alpha->buf, 0, (size_t)alpha->len);
    enough = !visible || pack(&patch, colour->buf, mask->buf, flags, bgr);
    if (visible && enough)
        warp(&patch, inverse, alpha->shape[0], alpha->shape[1], out->buf, alpha->buf);
    free(patch.pixels);
    Py_END_ALLOW_THREADS
    if (!enough) {
        PyErr_NoMemory();
        goto done;
    }
    result = Py_NewRef(Py_None);
done:
    while (held--)
        PyBuffer_Release(&views[held]);
    return result;
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

/* Erode by one pixel, then blur by one. */
static int soften(uint8_t *alpha, Py_ssize_t height, Py_ssize_t width)
{
    const size_t size = (size_t)(height * width);
    uint8_t *rows = malloc(2 * size + ((size_t)width + 2) * sizeof(uint16_t));
    if (rows == NULL)
        return 0;
    /* The sums come first, where malloc aligns. */
    uint16_t *sums = (uint16_t *)rows;
    uint8_t *narrowed = rows + ((size_t)width + 2) * sizeof(uint16_t), *eroded = narrowed + size;
    for (Py_ssize_t y = 0; y < height; y++)
        erode_row(alpha + y * width, narrowed + y * width, width);
    for (Py_ssize_t y = 0; y < height; y++)
        erode_column(narrowed + (y ? y - 1 : 0) * width, narrowed + y * width,
                     narrowed + (y < height - 1 ? y + 1 : y) * width, eroded + y * width, width);
    for (Py_ssize_t y = 0; y < height; y++)
        blur_row(eroded + (y ? y - 1 : 0) * width, eroded + y * width, eroded + (y < height - 1 ? y + 1 : y) * width,
                 sums, alpha + y * width, width);
    free(rows);
    return 1;
}

PyDoc_STRVAR(soften_doc,
             "soften(alpha)\n--\n\n"
             "Erode by one pixel and blur by one (1 2 1), in place.\n\n"
             "Args:\n"
             "    alpha: uint8 [h, w].\n\n"
             "Raises:\n"
             "    ValueError: If it is something else.");

static PyObject *py_soften(PyObject *self, PyObject *object)
{
    Py_buffer alpha;
    int enough = 1;
    (void)self;
    if (PyObject_GetBuffer(object, &alpha, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | PyBUF_WRITABLE))
        return NULL;
    if (!is_bytes(&alpha, 2)) {
        PyBuffer_Release(&alpha);
        PyErr_SetString(PyExc_ValueError, "alpha must be bytes [h, w]");
        return NULL;
    }
    if (alpha.len) {
        Py_BEGIN_ALLOW_THREADS
        enough = soften(alpha.buf, alpha.shape[0], alpha.shape[1]);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&alpha);
    return enough ? Py_NewRef(Py_None) : PyErr_NoMemory();
}

/* A byte between what it was and a colour, rounded; the shifts divide by 255. */
static uint8_t mixed(uint32_t behind, uint32_t colour, uint32_t alpha)
{
    uint32_t sum = colour * alpha + behind * (255 - alpha) + 128;
    return (uint8_t)((sum + (sum >> 8)) >> 8);
}

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
    for (end = *x; end < width && alpha[end]; end++)
        ;
    return end;
}

static void blend_bytes(uint8_t *row, const Py_ssize_t strides[2], Py_ssize_t width, Py_ssize_t channels,
                        const uint8_t *restrict colour, const uint8_t *restrict alpha)
{
    const Py_ssize_t along = strides[0], second = channels > 1 ? strides[1] : 0, third = 2 * second;
    for (Py_ssize_t x = 0, end; x < width; ) {
        end = next_run(alpha, &x, width);
        uint8_t *restrict pixel = row + x * along;
        const uint8_t *restrict front = colour + x * channels;
        for (; x < end; x++, pixel += along, front += channels) {
            const uint32_t share = alpha[x];
            pixel[0] = mixed(pixel[0], front[0], share);
            if (channels == 3) {
                pixel[second] = mixed(pixel[second], front[1], share);
                pixel[third] = mixed(pixel[third], front[2], share);
            }
        }
    }
}

static void blend_floats(uint8_t *row, const Py_ssize_t strides[2], Py_ssize_t width, Py_ssize_t channels,
                         const uint8_t *restrict colour, const uint8_t *restrict alpha, const float gain[3],
                         const float offset[3])
{
    for (Py_ssize_t x = 0, end; x < width; x = end) {
        end = next_run(alpha, &x, width);
        for (Py_ssize_t c = 0; c < channels; c++) {
            const float high = gain[c], low = offset[c];
            for (Py_ssize_t i = x; i < end; i++) {
                float *restrict pixel = (float *)(row + i * strides[0] + c * strides[1]);
                *pixel += ((float)colour[i * channels + c] * high + low - *pixel) * ((float)alpha[i] * (1 / 255.0f));
            }
        }
    }
}

PyDoc_STRVAR(blend_doc,
             "blend(window, colour, alpha, gain, offset)\n--\n\n"
             "Put colours over a part of an image: colour * alpha + window * (1 - alpha), in place.\n\n"
             "Args:\n"
             "    window: uint8 or float32 [h, w, c], c 1 or 3, with any strides.\n"
             "    colour: uint8 [h, w, c].\n"
             "    alpha: uint8 [h, w]; where it is 0, nothing is written.\n"
             "    gain: c numbers; with offset they turn bytes into values of a float image.\n"
             "    offset: c numbers.\n\n"
             "Raises:\n"
             "    ValueError: If arrays do not fit each other.");

static int read_numbers(PyObject *sequence, Py_ssize_t count, float *out)
{
    PyObject *items = PySequence_Fast(sequence, "gain and offset must be sequences");
    if (items == NULL)
        return -1;
    if (PySequence_Fast_GET_SIZE(items) != count) {
        Py_DECREF(items);
        PyErr_SetString(PyExc_ValueError, "gain and offset must have one number per channel");
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        out[i] = (float)PyFloat_AsDouble(PySequence_Fast_GET_ITEM(items, i));
    Py_DECREF(items);
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *py_blend(PyObject *self, PyObject *args)
{
    PyObject *objects[3], *gain_object, *offset_object, *result = NULL;
    Py_buffer views[3];
    float gain[3], offset[3];
    int held = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOOOO:blend", &objects[0], &objects[1], &objects[2], &gain_object, &offset_object))
        return NULL;
    for (; held < 3; held++)
        if (PyObject_GetBuffer(objects[held], &views[held],
                               PyBUF_FORMAT | (held ? PyBUF_C_CONTIGUOUS : PyBUF_STRIDES | PyBUF_WRITABLE)))
            goto done;
    const Py_buffer *window = &views[0], *colour = &views[1], *alpha = &views[2];
    int floats = window->itemsize == 4 && !strcmp(window->format, "f");
    if (window->ndim != 3 || (!floats && !is_bytes(window, 3)) || !is_bytes(colour, 3) || !is_bytes(alpha, 2)
        || !same_size(window, alpha) || !same_size(colour, alpha) || window->shape[2] != colour->shape[2]
        || (colour->shape[2] != 1 && colour->shape[2] != 3)) {
        PyErr_SetString(PyExc_ValueError, "window [h, w, c] must be uint8 or float32, and colour and alpha fit it");
        goto done;
    }
    const Py_ssize_t width = window->shape[1], channels = window->shape[2];
    if (read_numbers(gain_object, channels, gain) || read_numbers(offset_object, channels, offset))
        goto done;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t y = 0; y < window->shape[0]; y++) {
        uint8_t *row = (uint8_t *)window->buf + y * window->strides[0];
        const uint8_t *colours = (const uint8_t *)colour->buf + y * width * channels;
        const uint8_t *alphas = (const uint8_t *)alpha->buf + y * width;
        if (floats)
            blend_floats(row, window->strides + 1, width, channels, colours, alphas, gain, offset);
        else
            blend_bytes(row, window->strides + 1, width, channels, colours, alphas);
    }
    Py_END_ALLOW_THREADS
    result = Py_NewRef(Py_None);
done:
    while (held--)
        PyBuffer_Release(&views[held]);
    return result;
}

static PyMethodDef methods[] = {
    {"warp", py_warp, METH_VARARGS, warp_doc},
    {"soften", py_soften, METH_O, soften_doc},
    {"blend", py_blend, METH_VARARGS, blend_doc},
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
    .m_doc = "Loops over pixels of warp and paste.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__draw(void)
{
    return PyModuleDef_Init(&module);
}
