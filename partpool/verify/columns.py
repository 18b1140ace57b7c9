"""Whether the columns of a pool file agree with each other and with what the file says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partpool.errors import ConfigError
from partpool.filters.config import FilterConfig, Measures, reject_by_pixels, reject_by_shape
from partpool.pool.codec import CODECS
from partpool.pool.file import PoolFile
from partpool.pool.format import QUALITY
from partpool.pool.outcomes import KEPT
from partpool.pool.sorted_parts import digest_halves, order_of_sources

Array = NDArray[Any]
ROUNDING = 1e-5
"""Relative error of quality columns, which are stored in 32 bits."""


def crosscheck(file: PoolFile) -> Iterator[tuple[int | None, str]]:
    """What contradicts itself in a pool file: the part, or None for the whole, and a sentence without a subject."""
    yield from ((None, problem) for problem in _source_problems(file))
    yield from ((None, problem) for problem in _count_problems(file))
    for rows, problem in _row_problems(file):
        yield from ((int(row), problem) for row in np.flatnonzero(rows))
    yield from _filter_problems(file)


def _source_problems(file: PoolFile) -> Iterator[str]:
    sources = {"name": file["sources/name"], "digest": file["sources/digest"]}
    if not np.array_equal(order_of_sources(sources), np.arange(file.sources)):
        yield "/sources are not sorted by name and digest"
    digests = np.stack(digest_halves(sources["digest"]), axis=1)
    if len(np.unique(digests, axis=0)) != file.sources:
        yield "/sources hold an item twice"
    for name in sources["name"].tolist():
        try:
            empty = not name.decode("utf-8")
        except UnicodeDecodeError:
            yield f"the source name {name!r} is not UTF-8"
        else:
            if empty:
                yield "a source has no name"


def _count_problems(file: PoolFile) -> Iterator[str]:
    counts = np.diff(file["start"].astype(np.int64)).tolist()
    for name, count in zip(file.taxonomy.names, counts, strict=True):
        kept = file.attributes["stats"].get(name, {}).get(KEPT, 0)
        if kept != count:
            yield f"stats count {kept} parts of class {name!r}, but there are {count}"
    items, failed = file.attributes["source"].get("n_items", 0), sum(file.attributes["errors"].values())
    if file.sources + failed > items:
        yield f"{file.sources} sources and {failed} failed items are more than its {items} items"


def _row_problems(file: PoolFile) -> Iterator[tuple[Array, str]]:
    """Rows that are wrong, as a mask, and why."""
    size, source = file.sources, file["source"].astype(np.int64)
    yield source >= size, f"its source is not among the {size}"
    class_id = file["class_id"]
    unsorted = np.zeros(len(source), np.bool_)
    unsorted[1:] = (class_id[1:] == class_id[:-1]) & (source[1:] < source[:-1])
    yield unsorted, "it is not sorted by source"
    box, person = file["box"].astype(np.int64), file["person_box"].astype(np.int64)
    yield ~_boxes_inside(box, person), "its box does not lie in its person's box"
    if size:
        existing = np.minimum(source, size - 1)
        zero = np.zeros(len(existing), np.int64)
        picture = np.stack([zero, zero, file["sources/width"][existing], file["sources/height"][existing]], axis=1)
        yield ~_boxes_inside(person, picture), "its person's box does not lie in the picture"
    width, height = (box[:, 2] - box[:, 0]), (box[:, 3] - box[:, 1])
    side, limit = np.maximum(width, height), file.attributes["config"].get("max_side", 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.minimum(1, limit / side)
    for name, original in (("width", width), ("height", height)):
        stored = file[name].astype(np.int64)
        yield np.abs(stored - np.maximum(1, original * scale)) > 1, f"its {name} does not fit its box"
    yield (file["area"] < 1) | (file["area"] > width * height), "its area does not fit its box"
    codec = file.attributes["config"].get("codec")
    expected = CODECS.index(codec) if codec in CODECS else -1
    yield file["codec"] != expected, f"its codec is not {codec}"
    yield np.diff(file["offset"].astype(np.int64)) <= 0, "it has no bytes"
    quality = file["quality"]
    yield np.asarray((~np.isfinite(quality) | (quality < 0)).any(axis=1)), "its quality is not a number above 0"
    yield np.abs(quality[:, 0] - file["area"]) > ROUNDING * file["area"], "its quality names another area"
    if file.has_keypoints:
        keypoints = file["keypoints"]
        half = np.isnan(keypoints[..., 0]) != np.isnan(keypoints[..., 1])
        yield half.any(axis=1) | np.isinf(keypoints).any(axis=(1, 2)), "a keypoint of it is no point"


def _boxes_inside(inner: Array, outer: Array) -> Array:
    within = np.concatenate([outer[:, :2] <= inner[:, :2], inner[:, 2:] <= outer[:, 2:]], axis=1)
    return np.logical_and(within.all(axis=1), (inner[:, :2] < inner[:, 2:]).all(axis=1))


def _filter_problems(file: PoolFile) -> Iterator[tuple[int | None, str]]:
    """Parts that the file's own filters would have rejected."""
    try:
        config = FilterConfig.from_dict(file.attributes["config"].get("filters", {}))
    except (ConfigError, TypeError, ValueError) as error:
        yield None, f"its filter configuration is damaged: {error}"
        return
    box, names = file["box"], file.taxonomy.names
    areas, classes = file["area"].tolist(), file["class_id"].tolist()
    quality = dict(zip(QUALITY, file["quality"].T, strict=True))
    # A value on the threshold may be rounded to its other side.
    down, up = 1 - ROUNDING, 1 + ROUNDING
    for row, (area, class_id) in enumerate(zip(areas, classes, strict=True)):
        x0, y0, x1, y1 = box[row].tolist()
        if x0 >= x1 or y0 >= y1:
            continue
        measured = Measures(
            area, x1 - x0, y1 - y0, quality["largest"][row] * up, quality["raggedness"][row] * down,
            quality["border"][row] * down, quality["texture"][row] * up,
        )  # fmt: skip
        name = names[class_id]
        reason = reject_by_shape(config, name, measured) or reject_by_pixels(config, name, measured)
        if reason is not None:
            yield row, f"its own filters would have rejected it as {reason}"
