/* Pasting one part into an image, and how much it covers points: what warp, paste and coverage do, in one go.
 *
 * General filters visit the whole rectangle of a part several times, most of which it does not cover, and every step
 * between them is a call from Python with an array of its own. Here each pass leaves transparent pixels alone.
 */
#include "_patch.h"

#include "_blend.h"

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
