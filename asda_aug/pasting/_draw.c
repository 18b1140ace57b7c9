/* Pasting one part into an image, and how much it covers points: what warp, paste and coverage do, in one go.
 *
 * General filters visit the whole rectangle of a part several times, most of which it does not cover, and every step
 * between them is a call from Python with an array of its own. Here each pass leaves transparent pixels alone.
 */
#include "_patch.h"

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

/* Some rows of a rectangle: each is drawn, softened and blended while what it needs of its neighbours is there. */
#define ROWS 4
typedef struct {
    Py_ssize_t height, width;
    uint32_t *colour;
    uint8_t *alpha, *narrowed, *eroded;
    uint16_t *sums;
} Rows;

/* Where row y is kept; beyond the ends of the rectangle it is the last one. */
static uint8_t *kept(const Rows *rows, uint8_t *first, Py_ssize_t y)
{
    y = y < 0 ? 0 : y < rows->height ? y : rows->height - 1;
    return first + y % ROWS * rows->width;
}

/* Once row y is drawn: erode the one before it by one pixel, and blur the one before that. */
static void soften(const Rows *rows, Py_ssize_t y)
{
    uint8_t *narrowed = rows->narrowed, *eroded = rows->eroded;
    if (y < rows->height)
        erode_row(kept(rows, rows->alpha, y), kept(rows, narrowed, y), rows->width);
    if (y >= 1 && y - 1 < rows->height)
        erode_column(kept(rows, narrowed, y - 2), kept(rows, narrowed, y - 1), kept(rows, narrowed, y),
                     kept(rows, eroded, y - 1), rows->width);
    if (y >= 2)
        blur_row(kept(rows, eroded, y - 3), kept(rows, eroded, y - 2), kept(rows, eroded, y - 1), rows->sums,
                 kept(rows, rows->alpha, y - 2), rows->width);
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

/* The first of three colours becomes the brightness of all (BT.601), as OpenCV has it. */
static void make_grey(uint32_t *colour, const uint8_t *alpha, Py_ssize_t size)
{
    for (Py_ssize_t i = 0; i < size; i++)
        if (alpha[i])
            colour[i] = (9798 * (colour[i] & 255) + 19235 * (colour[i] >> 8 & 255) + 3735 * (colour[i] >> 16 & 255)
                         + 16384) >> 15;
}

typedef struct {
    Py_buffer image, colour, mask, stack;
    int bgr, soft, stacked;
    float gain[3], offset[3];
} Paste;

/* Blend what was drawn of a row into the image, and its alpha into the stack's; whether there is anything. */
static int blend(const Paste *paste, const Rectangle *box, Py_ssize_t y, uint32_t *colour, const uint8_t *alpha)
{
    const Py_ssize_t width = box->x1 - box->x0, *strides = paste->image.strides;
    const int channels = (int)paste->image.shape[2];
    uint8_t *row = (uint8_t *)paste->image.buf + (box->y0 + y) * strides[0] + box->x0 * strides[1];
    float *stack = paste->stacked ? (float *)paste->stack.buf + (box->y0 + y) * paste->image.shape[1] + box->x0 : NULL;
    int seen = 0;
    if (channels == 1)
        make_grey(colour, alpha, width);
    for (Py_ssize_t x = 0, end; x < width; x = end) {
        end = next_run(alpha, &x, width);
        if (x == end)
            break;
        seen = 1;
        if (paste->image.itemsize == 1)
            blend_bytes(row + x * strides[1], strides + 1, channels, end - x, colour + x, alpha + x);
        else
            blend_floats(row + x * strides[1], strides + 1, channels, end - x, colour + x, alpha + x, paste->gain,
                         paste->offset);
        for (Py_ssize_t i = x; stack && i < end; i++)
            stack[i] += (1 - stack[i]) * ((float)alpha[i] * (1 / 255.0f));
    }
    return seen;
}

/* Whether anything was drawn; -1 if there is no memory. */
static int draw(const Paste *paste, Matrix map)
{
    Patch patch = {NULL, paste->mask.shape[0], paste->mask.shape[1], 0};
    double inverse[6];
    int result = -1;
    const int grey = paste->image.shape[2] == 1, count = halvings(&map);
    Patch small = patch;
    for (int i = 0; i < count; i++) {
        small.height = (small.height + 1) / 2;
        small.width = (small.width + 1) / 2;
        map.a *= 2, map.b *= 2, map.d *= 2, map.e *= 2;
    }
    const Rectangle box = reached(&small, &map, paste->image.shape[0], paste->image.shape[1]);
    if (box.x0 >= box.x1 || box.y0 >= box.y1 || !invert(&map, &box, inverse))
        return 0;
    Rows rows = {.height = box.y1 - box.y0, .width = box.x1 - box.x0};
    const Py_ssize_t size = ROWS * rows.width, behind = paste->soft ? 2 : 0;
    rows.colour = malloc((size_t)size * (sizeof(uint32_t) + 3) + (size_t)(rows.width + 2) * sizeof(uint16_t));
    if (rows.colour != NULL && pack(&patch, paste->colour.buf, paste->mask.buf, paste->bgr && !grey)) {
        rows.sums = (uint16_t *)(rows.colour + size);
        rows.alpha = (uint8_t *)(rows.sums + rows.width + 2);
        rows.narrowed = rows.alpha + size;
        rows.eroded = rows.narrowed + size;
        for (int i = 0; i < count; i++)
            halve(&patch);
        result = 0;
        for (Py_ssize_t y = 0; y < rows.height + behind; y++) {
            const Py_ssize_t done = y - behind;
            if (y < rows.height)
                warp_row(&patch, inverse, &paste->image, &box, y, rows.colour + y % ROWS * rows.width,
                         kept(&rows, rows.alpha, y));
            if (paste->soft)
                soften(&rows, y);
            if (done >= 0)
                result |= blend(paste, &box, done, rows.colour + done % ROWS * rows.width,
                                kept(&rows, rows.alpha, done));
        }
    }
    free(patch.pixels);
    free(rows.colour);
    return result;
}

static int is_type(const Py_buffer *view, int dimensions, const char *format)
{
    return view->ndim == dimensions && !strcmp(view->format, format);
}

/* Whether it is numbers that may lie anywhere, aligned or not. */
static int is_doubles(const Py_buffer *view, int dimensions)
{
    return is_type(view, dimensions, "d") || is_type(view, dimensions, "=d");
}

/* Read a matrix, which must map the patch onto an area; 0 if that fails. */
static int read_matrix(PyObject *object, Matrix *map)
{
    Py_buffer view;
    int right = 0;
    if (PyObject_GetBuffer(object, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT))
        return 0;
    if (is_doubles(&view, 2) && view.shape[0] == 2 && view.shape[1] == 3) {
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
static int read_colours(PyObject *numbers, Py_ssize_t channels, float out[3])
{
    if (PyTuple_GET_SIZE(numbers) != channels) {
        PyErr_SetString(PyExc_ValueError, "gain and offset must have one number per channel");
        return 0;
    }
    for (Py_ssize_t c = 0; c < channels; c++)
        out[c] = (float)PyFloat_AsDouble(PyTuple_GET_ITEM(numbers, c));
    return !PyErr_Occurred();
}

static int fits(const Paste *paste)
{
    const Py_buffer *image = &paste->image, *colour = &paste->colour, *mask = &paste->mask, *stack = &paste->stack;
    return (is_type(image, 3, "B") || is_type(image, 3, "f"))
        && (image->shape[2] == 1 || image->shape[2] == 3) && is_type(colour, 3, "B")
        && colour->shape[2] == 3 && is_type(mask, 2, "?") && mask->shape[0] == colour->shape[0]
        && mask->shape[1] == colour->shape[1] && mask->len
        && (!paste->stacked
            || (is_type(stack, 2, "f") && stack->shape[0] == image->shape[0] && stack->shape[1] == image->shape[1]));
}

PyDoc_STRVAR(paste_doc,
             "paste(image, colour, mask, matrix, soft, bgr, gain, offset, stack)\n--\n\n"
             "Paste one part into an image, in place.\n\n"
             "Args:\n"
             "    image: uint8 or float32 [H, W, C] of 1 or 3 channels, with any strides.\n"
             "    colour: uint8 [h, w, 3] RGB.\n"
             "    mask: bool [h, w].\n"
             "    matrix: Patch pixels to image pixels, centres at +0.5, float64 [2, 3].\n"
             "    soft: Whether the edge is eroded and blurred by one pixel.\n"
             "    bgr: Whether the image's channels are BGR.\n"
             "    gain: C numbers; with offset they turn bytes into values of a float image.\n"
             "    offset: C numbers.\n"
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
    if (!PyArg_ParseTuple(args, "OOOOppO!O!O:paste", &objects[0], &objects[1], &objects[2], &matrix, &paste.soft,
                          &paste.bgr, &PyTuple_Type, &gain, &PyTuple_Type, &offset, &objects[3])
        || !read_matrix(matrix, &map))
        return NULL;
    paste.stacked = objects[3] != Py_None;
    for (; held < 3 + paste.stacked; held++)
        if (PyObject_GetBuffer(objects[held], views[held], flags[held] | PyBUF_FORMAT))
            goto done;
    if (!fits(&paste)) {
        PyErr_SetString(PyExc_ValueError,
                        "image must be uint8 or float32 [H, W, 1 or 3], colour and mask uint8 [h, w, 3] and bool [h, w] of "
                        "one size and not empty, and stack float32 [H, W] or None");
        goto done;
    }
    if (!read_colours(gain, paste.image.shape[2], paste.gain)
        || !read_colours(offset, paste.image.shape[2], paste.offset))
        goto done;
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
             "How much of each point that its patch can reach a part covers; see asda_aug.pasting.coverage.shares.\n\n"
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
    if (is_type(mask, 2, "?") && is_doubles(points, 2) && points->shape[1] == 2 && is_type(asked, 1, "?")
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
    .m_name = "asda_aug.pasting._draw",
    .m_doc = "Pasting one part, and how much it covers points.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__draw(void)
{
    return PyModuleDef_Init(&module);
}
