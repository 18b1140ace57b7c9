/* The regions of a label map, for partpool.segment.regions.

   A row is kept as runs of equal pixels: there are some thirty times fewer of them than pixels, and everything that is
   asked about regions can be answered from them. plain_regions.py has the same in NumPy and OpenCV, for where no
   compiler was at hand; all results are equal. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIDE 65535 /* Sums of squares in a row fit 32 bits. */
#define SLOTS 1024     /* Power of two. */
#define CAPSULE "partpool.segment._regions.find"

/* Ends where the next one begins; the last of a row has no pixels and begins at its end. */
typedef struct {
    int32_t start;
    int32_t number; /* Of the label at first, then of the region; 0 is background. */
} Run;

/* Sorted by what is in `key`. No two regions of a label have the same box: they would have to cross. */
typedef struct {
    int32_t key[5]; /* Label, x0, y0, x1, y1, half-open. */
    int32_t area;
    int32_t found; /* How many were found before this one. */
} Region;

/* 2 x 2 pixels of more than one region: upper left, upper right, lower left, lower right. */
typedef struct {
    int32_t numbers[4];
    int32_t count;
} Window;

typedef struct {
    size_t height, width, run_count, run_room, region_count, region_room, window_count, window_room;
    size_t *rows; /* First run of every row. */
    Run *runs;
    Region *regions; /* The background is the first. */
    Window *windows; /* Each at least once. */
} Map;

/* Make room for `more` elements of an array; whether there was memory for it. */
static int make_room(void **array, size_t *room, size_t count, size_t more, size_t size)
{
    if (count + more <= *room)
        return 1;
    size_t larger = 2 * *room + more;
    void *moved = larger <= PY_SSIZE_T_MAX / size ? realloc(*array, larger * size) : NULL;
    if (!moved)
        return 0;
    *array = moved;
    *room = larger;
    return 1;
}

static void free_map(Map *map)
{
    free(map->rows);
    free(map->runs);
    free(map->regions);
    free(map->windows);
    free(map);
}

static inline uint8_t *row_of(const Py_buffer *view, Py_ssize_t y)
{
    return (uint8_t *)view->buf + y * view->strides[0];
}

/* First pixel after `x` that differs from it. */
static inline size_t end_of_run(const uint8_t *row, size_t x, size_t width)
{
    uint8_t value = row[x++];
    uint64_t eight = value * 0x0101010101010101u, next;
    for (; x + 8 <= width; x += 8) {
        memcpy(&next, row + x, 8);
        if (next != eight)
            break;
    }
    while (x < width && row[x] == value)
        x++;
    return x;
}

static int find_runs(Map *map, const Py_buffer *view)
{
    for (size_t y = 0; y < map->height; y++) {
        const uint8_t *row = row_of(view, (Py_ssize_t)y);
        if (!make_room((void **)&map->runs, &map->run_room, map->run_count, map->width + 1, sizeof(Run)))
            return 0;
        map->rows[y] = map->run_count;
        Run *run = map->runs + map->run_count;
        for (size_t x = 0; x < map->width; x = end_of_run(row, x, map->width))
            *run++ = (Run){(int32_t)x, row[x]};
        *run++ = (Run){(int32_t)map->width, 0};
        map->run_count = (size_t)(run - map->runs);
    }
    return 1;
}

static inline int32_t root_of(int32_t *parent, int32_t run)
{
    while (parent[run] != run)
        run = parent[run] = parent[parent[run]];
    return run;
}

/* The first run of a set is its root. */
static inline void unite(int32_t *parent, int32_t one, int32_t other)
{
    one = root_of(parent, one);
    other = root_of(parent, other);
    if (one < other)
        parent[other] = one;
    else
        parent[one] = other;
}

/* Unite runs of a label whose pixels are 8-neighbours. */
static void unite_rows(const Map *map, int32_t *parent)
{
    const Run *runs = map->runs;
    for (size_t y = 1; y < map->height; y++) {
        size_t above = map->rows[y - 1];
        for (size_t below = map->rows[y]; runs[below].start < (int32_t)map->width; below++) {
            while (runs[above + 1].start < runs[below].start)
                above++;
            if (!runs[below].number)
                continue;
            int32_t end = runs[below + 1].start;
            for (size_t near = above; runs[near].start <= end && runs[near].start < (int32_t)map->width; near++)
                if (runs[near].number == runs[below].number)
                    unite(parent, (int32_t)near, (int32_t)below);
        }
    }
}

static int compare_regions(const void *one, const void *other)
{
    const int32_t *left = ((const Region *)one)->key, *right = ((const Region *)other)->key;
    for (int i = 0; i < 5; i++)
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    return 0;
}

/* Runs come row by row; a region without any has no box yet. */
static void add_run(Region *region, int32_t x0, int32_t x1, int32_t y)
{
    int32_t *key = region->key, is_first = !region->area;
    key[1] = is_first || x0 < key[1] ? x0 : key[1];
    key[2] = is_first ? y : key[2];
    key[3] = x1 > key[3] ? x1 : key[3];
    key[4] = y + 1;
    region->area += x1 - x0;
}

/* Number the regions from 1 and write that into the runs. `parent` is used up. */
static int number_regions(Map *map, int32_t *parent)
{
    for (size_t y = 0; y < map->height; y++)
        for (size_t i = map->rows[y]; map->runs[i].start < (int32_t)map->width; i++) {
            Run *run = map->runs + i;
            if (!run->number)
                continue;
            if (parent[i] == (int32_t)i) {
                if (!make_room((void **)&map->regions, &map->region_room, map->region_count, 1, sizeof(Region)))
                    return 0;
                parent[i] = (int32_t)map->region_count++;
                map->regions[parent[i]] = (Region){{run->number, 0, 0, 0, 0}, 0, parent[i]};
            } else
                parent[i] = parent[parent[i]]; /* Its number: that run comes earlier. */
            run->number = parent[i];
            add_run(map->regions + parent[i], run->start, run[1].start, (int32_t)y);
        }
    qsort(map->regions, map->region_count, sizeof(Region), compare_regions);
    for (size_t number = 0; number < map->region_count; number++)
        parent[map->regions[number].found] = (int32_t)number; /* There are fewer regions than runs. */
    for (size_t i = 0; i < map->run_count; i++)
        map->runs[i].number = parent[map->runs[i].number];
    return 1;
}

/* Count a window, unless all of it is one region. A slot holds the last one of those that share it, so that there are
   few entries for the same; one more does not matter. */
static inline int add_window(Map *map, int32_t *slots, int32_t a, int32_t b, int32_t c, int32_t d, int32_t count)
{
    if (count <= 0 || (a == b && a == c && a == d))
        return 1;
    uint32_t hash = ((((uint32_t)a * 31 + (uint32_t)b) * 31 + (uint32_t)c) * 31 + (uint32_t)d) * 2654435761u;
    int32_t *slot = slots + hash / (UINT32_MAX / SLOTS + 1);
    if (*slot >= 0) {
        Window *last = map->windows + *slot;
        if (last->numbers[0] == a && last->numbers[1] == b && last->numbers[2] == c && last->numbers[3] == d) {
            last->count += count;
            return 1;
        }
    }
    if (!make_room((void **)&map->windows, &map->window_room, map->window_count, 1, sizeof(Window)))
        return 0;
    *slot = (int32_t)map->window_count++;
    map->windows[*slot] = (Window){{a, b, c, d}, count};
    return 1;
}

/* The windows of two rows; background lies to the left and to the right. */
static int find_windows(Map *map, int32_t *slots, const Run *above, const Run *below)
{
    int32_t a = 0, c = 0, from = 0, at;
    do {
        at = above->start < below->start ? above->start : below->start;
        int32_t b = above->start == at ? above++->number : a;
        int32_t d = below->start == at ? below++->number : c;
        if (!add_window(map, slots, a, a, c, c, at - from - 1) || !add_window(map, slots, a, b, c, d, 1))
            return 0;
        a = b;
        c = d;
        from = at;
    } while (at < (int32_t)map->width);
    return 1;
}

static int find_all_windows(Map *map)
{
    const Run nothing[2] = {{0, 0}, {(int32_t)map->width, 0}};
    int32_t slots[SLOTS];
    memset(slots, -1, sizeof slots);
    for (size_t y = 0; y <= map->height; y++)
        if (!find_windows(map, slots, y ? map->runs + map->rows[y - 1] : nothing,
                          y < map->height ? map->runs + map->rows[y] : nothing))
            return 0;
    return 1;
}

/* All there is to find without the interpreter; whether there was memory for it. */
static int find_all(Map *map, const Py_buffer *view)
{
    map->rows = malloc(map->height * sizeof *map->rows);
    if (!map->rows || !find_runs(map, view)
        || !make_room((void **)&map->regions, &map->region_room, 0, 32, sizeof(Region)))
        return 0;
    map->regions[0] = (Region){{0, 0, 0, 0, 0}, 0, 0};
    map->region_count = 1;
    int32_t *parent = malloc(map->run_count * sizeof *parent);
    if (!parent)
        return 0;
    for (size_t i = 0; i < map->run_count; i++)
        parent[i] = (int32_t)i;
    unite_rows(map, parent);
    int enough = number_regions(map, parent) && find_all_windows(map);
    free(parent);
    return enough;
}

/* Take hold of uint8 [h, w] with dense rows, which need not follow each other. */
static int hold(PyObject *array, Py_buffer *view, int writable)
{
    if (PyObject_GetBuffer(array, view, writable ? PyBUF_RECORDS : PyBUF_RECORDS_RO) < 0)
        return 0;
    if (view->ndim != 2 || view->itemsize != 1 || view->strides[1] != 1 || (view->format && strcmp(view->format, "B")))
        PyErr_SetString(PyExc_ValueError, "an array must be uint8 [h, w] with dense rows");
    else if (view->shape[0] < 1 || view->shape[0] > MAX_SIDE || view->shape[1] < 1 || view->shape[1] > MAX_SIDE
             || view->shape[0] + 1 > INT32_MAX / (view->shape[1] + 1)) /* There may be as many windows. */
        PyErr_Format(PyExc_ValueError, "the sides of an array must lie in [1, %d] and have a product below 2^31, "
                     "but are %zd and %zd", MAX_SIDE, view->shape[0], view->shape[1]);
    else
        return 1;
    PyBuffer_Release(view);
    return 0;
}

/* The map in a capsule, and 1 for each of its regions that is a member, to be freed; NULL if there is an error. */
static const Map *map_of(PyObject *capsule, PyObject *members, uint8_t **is_member)
{
    const Map *map = PyCapsule_GetPointer(capsule, CAPSULE);
    PyObject *numbers = map ? PySequence_Tuple(members) : NULL; /* Which nobody else can change. */
    if (!numbers)
        return NULL;
    *is_member = calloc(map->region_count, 1);
    if (!*is_member)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; *is_member && i < PyTuple_GET_SIZE(numbers); i++) {
        Py_ssize_t number = PyNumber_AsSsize_t(PyTuple_GET_ITEM(numbers, i), PyExc_ValueError);
        if (number >= 1 && number < (Py_ssize_t)map->region_count)
            (*is_member)[number] = 1;
        else {
            if (!PyErr_Occurred())
                PyErr_Format(PyExc_ValueError, "there is no region %zd", number);
            free(*is_member);
            *is_member = NULL;
        }
    }
    Py_DECREF(numbers);
    return *is_member ? map : NULL;
}

static void free_capsule(PyObject *capsule)
{
    free_map(PyCapsule_GetPointer(capsule, CAPSULE));
}

/* Add the pairs of regions that touch, smaller number first, to a set; whether there was no error. */
static int add_pairs(PyObject *set, const Map *map)
{
    uint64_t slots[SLOTS] = {0}; /* What was added last: a pair is seen often. */
    for (size_t i = 0; i < map->window_count; i++)
        for (int one = 0; one < 3; one++)
            for (int other = one + 1; other < 4; other++) {
                uint32_t low = (uint32_t)map->windows[i].numbers[one], high = (uint32_t)map->windows[i].numbers[other];
                if (!low || !high || low == high)
                    continue;
                uint64_t code = low < high ? (uint64_t)low << 32 | high : (uint64_t)high << 32 | low;
                uint64_t *slot = slots + (low + high) % SLOTS;
                if (*slot == code)
                    continue;
                *slot = code;
                PyObject *pair = Py_BuildValue("II", (unsigned)(code >> 32), (unsigned)code);
                int added = pair && PySet_Add(set, pair) == 0;
                Py_XDECREF(pair);
                if (!added)
                    return 0;
            }
    return 1;
}

static PyObject *find(PyObject *module, PyObject *label_map)
{
    (void)module;
    Py_buffer view;
    if (!hold(label_map, &view, 0))
        return NULL;
    Map *map = calloc(1, sizeof *map);
    int enough = map != NULL;
    if (enough) {
        map->height = (size_t)view.shape[0];
        map->width = (size_t)view.shape[1];
        Py_BEGIN_ALLOW_THREADS
        enough = find_all(map, &view);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&view);
    PyObject *capsule = enough ? PyCapsule_New(map, CAPSULE, free_capsule) : PyErr_NoMemory();
    if (!capsule) {
        if (map)
            free_map(map);
        return NULL;
    }
    PyObject *regions = PyList_New((Py_ssize_t)map->region_count), *pairs = PySet_New(NULL);
    int fine = regions && pairs;
    for (size_t i = 0; fine && i < map->region_count; i++) {
        const int32_t *key = map->regions[i].key;
        PyObject *region = Py_BuildValue("ii(iiii)", key[0], map->regions[i].area, key[1], key[2], key[3], key[4]);
        fine = region && PyList_SetItem(regions, (Py_ssize_t)i, region) == 0;
    }
    if (!fine || !add_pairs(pairs, map)) {
        Py_XDECREF(regions);
        Py_XDECREF(pairs);
        Py_DECREF(capsule);
        return NULL;
    }
    return Py_BuildValue("NNN", capsule, regions, pairs);
}

static PyObject *label_boxes(PyObject *module, PyObject *label_map)
{
    (void)module;
    Py_buffer view;
    if (!hold(label_map, &view, 0))
        return NULL;
    Region labels[256] = {{{0}, 0, 0}};
    size_t width = (size_t)view.shape[1];
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t y = 0; y < view.shape[0]; y++) {
        const uint8_t *row = row_of(&view, y);
        for (size_t x = 0, end; x < width; x = end) {
            end = end_of_run(row, x, width);
            add_run(labels + row[x], (int32_t)x, (int32_t)end, (int32_t)y);
        }
    }
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&view);
    PyObject *boxes = PyDict_New();
    for (int label = 1; boxes && label < 256; label++)
        if (labels[label].area) {
            const int32_t *key = labels[label].key;
            PyObject *number = PyLong_FromLong(label), *box = Py_BuildValue("iiii", key[1], key[2], key[3], key[4]);
            if (!number || !box || PyDict_SetItem(boxes, number, box) < 0)
                Py_CLEAR(boxes);
            Py_XDECREF(number);
            Py_XDECREF(box);
        }
    return boxes;
}

static PyObject *fill(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *capsule, *members, *array;
    Py_ssize_t x0, y0;
    Py_buffer view;
    uint8_t *is_member;
    if (!PyArg_ParseTuple(arguments, "OO(nn)O:fill", &capsule, &members, &x0, &y0, &array) || !hold(array, &view, 1))
        return NULL;
    const Map *map = map_of(capsule, members, &is_member);
    int fine = map && x0 >= 0 && x0 <= (Py_ssize_t)map->width - view.shape[1] && y0 >= 0
               && y0 <= (Py_ssize_t)map->height - view.shape[0];
    if (fine) {
        int32_t left = (int32_t)x0, right = (int32_t)(x0 + view.shape[1]);
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t y = 0; y < view.shape[0]; y++) {
            uint8_t *row = row_of(&view, y);
            for (const Run *run = map->runs + map->rows[y0 + y]; run->start < right; run++)
                if (is_member[run->number] && run[1].start > left) {
                    int32_t first = run->start > left ? run->start : left;
                    memset(row + (first - left), 255, (size_t)((run[1].start < right ? run[1].start : right) - first));
                }
        }
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&view);
    if (map)
        free(is_member);
    if (!fine && map)
        PyErr_SetString(PyExc_ValueError, "the mask must lie in the map");
    if (!fine)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *steps(PyObject *module, PyObject *arguments)
{
    (void)module;
    /* By what lies inside, see quads.STEPS: upper left 1, upper right 2, lower left 4, lower right 8. */
    static const uint8_t straight[16] = {0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0};
    static const uint8_t diagonal[16] = {0, 0, 0, 0, 0, 0, 2, 1, 0, 2, 0, 1, 0, 1, 1, 0};
    PyObject *capsule, *members;
    uint8_t *is_member;
    const Map *map;
    if (!PyArg_ParseTuple(arguments, "OO:steps", &capsule, &members) || !(map = map_of(capsule, members, &is_member)))
        return NULL;
    long long sums[2] = {0, 0};
    for (size_t i = 0; i < map->window_count; i++) {
        const int32_t *numbers = map->windows[i].numbers;
        int pattern = is_member[numbers[0]] | is_member[numbers[1]] << 1 | is_member[numbers[2]] << 2
                      | is_member[numbers[3]] << 3;
        sums[0] += (long long)straight[pattern] * map->windows[i].count;
        sums[1] += (long long)diagonal[pattern] * map->windows[i].count;
    }
    free(is_member);
    return Py_BuildValue("LL", sums[0], sums[1]);
}

static PyObject *moments(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *capsule, *grey, *list = NULL;
    Py_buffer view;
    if (!PyArg_ParseTuple(arguments, "OO:moments", &capsule, &grey) || !hold(grey, &view, 0))
        return NULL;
    const Map *map = PyCapsule_GetPointer(capsule, CAPSULE);
    uint64_t *sums = NULL;
    if (map && ((size_t)view.shape[0] != map->height || (size_t)view.shape[1] != map->width))
        PyErr_SetString(PyExc_ValueError, "the picture must be as large as the map");
    else if (map && !(sums = calloc(map->region_count, 2 * sizeof *sums)))
        PyErr_NoMemory();
    if (sums) {
        Py_BEGIN_ALLOW_THREADS
        for (size_t y = 0; y < map->height; y++) {
            const uint8_t *row = row_of(&view, (Py_ssize_t)y);
            for (const Run *run = map->runs + map->rows[y]; run->start < (int32_t)map->width; run++) {
                if (!run->number)
                    continue;
                uint32_t sum = 0, squares = 0;
                for (int32_t x = run->start; x < run[1].start; x++) {
                    sum += row[x];
                    squares += (uint32_t)row[x] * row[x];
                }
                sums[2 * run->number] += sum;
                sums[2 * run->number + 1] += squares;
            }
        }
        Py_END_ALLOW_THREADS
        list = PyList_New((Py_ssize_t)map->region_count);
    }
    for (size_t i = 0; list && i < map->region_count; i++) {
        PyObject *pair = Py_BuildValue("KK", (unsigned long long)sums[2 * i], (unsigned long long)sums[2 * i + 1]);
        if (!pair || PyList_SetItem(list, (Py_ssize_t)i, pair) < 0)
            Py_CLEAR(list);
    }
    free(sums);
    PyBuffer_Release(&view);
    return list;
}

/* The pixels of a mask with an 8-neighbour outside, and how many lie on those of its sides (left, top, right, bottom)
   that are asked for. `inner` is two pixels wider than the mask, and zero. */
static void count_rim(const Py_buffer *view, const int sides[4], uint8_t *inner, size_t counts[2])
{
    size_t width = (size_t)view->shape[1];
    Py_ssize_t last = view->shape[0] - 1;
    for (Py_ssize_t y = 0; y <= last; y++) {
        const uint8_t *here = row_of(view, y);
        int edge = y == 0 || y == last, whole = (sides[1] && y == 0) || (sides[3] && y == last);
        const uint8_t *above = edge ? here : row_of(view, y - 1), *below = edge ? here : row_of(view, y + 1);
        /* No && nor ||, and sums of bytes: compilers make vector code of it. */
        for (size_t x = 0; x < width; x++)
            inner[x + 1] = (above[x] != 0) & (here[x] != 0) & (below[x] != 0) & !edge;
        for (size_t from = 0; from < width; from += 128) {
            size_t end = from + 128 < width ? from + 128 : width;
            uint8_t own = 0, within = 0;
            for (size_t x = from; x < end; x++) {
                own += here[x] != 0;
                within += inner[x] & inner[x + 1] & inner[x + 2];
            }
            counts[0] += whole ? own : 0;
            counts[1] += (size_t)(own - within);
        }
        if (!whole) {
            counts[0] += sides[0] && here[0];
            counts[0] += sides[2] && here[width - 1] && !(sides[0] && width == 1);
        }
    }
}

static PyObject *rim(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *mask;
    Py_buffer view;
    int sides[4];
    size_t counts[2] = {0, 0};
    if (!PyArg_ParseTuple(arguments, "O(pppp):rim", &mask, &sides[0], &sides[1], &sides[2], &sides[3])
        || !hold(mask, &view, 0))
        return NULL;
    uint8_t *inner = calloc((size_t)view.shape[1] + 2, 1);
    if (inner) {
        Py_BEGIN_ALLOW_THREADS
        count_rim(&view, sides, inner, counts);
        Py_END_ALLOW_THREADS
        free(inner);
    }
    PyBuffer_Release(&view);
    return inner ? Py_BuildValue("nn", (Py_ssize_t)counts[0], (Py_ssize_t)counts[1]) : PyErr_NoMemory();
}

static PyMethodDef methods[] = {
    {"find", find, METH_O,
     "find(label_map)\n--\n\nThe regions: for the other functions, as label, area and box, and the pairs that touch."},
    {"label_boxes", label_boxes, METH_O, "label_boxes(label_map)\n--\n\nTight box of every label but 0."},
    {"fill", fill, METH_VARARGS,
     "fill(found, members, corner, mask)\n--\n\nWrite 255 where a member is into a mask that lies at x, y."},
    {"steps", steps, METH_VARARGS,
     "steps(found, members)\n--\n\nStraight and diagonal steps of the contours of some regions taken together."},
    {"moments", moments, METH_VARARGS,
     "moments(found, grey)\n--\n\nSum and sum of squares of the grey levels of every region."},
    {"rim", rim, METH_VARARGS,
     "rim(mask, sides)\n--\n\nNumber of pixels on some sides (left, top, right, bottom) and with an 8-neighbour outside."},
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
    PyModuleDef_HEAD_INIT, "_regions", "The regions of a label map.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__regions(void)
{
    return PyModuleDef_Init(&definition);
}
