"""The compiled loops over regions equal NumPy and OpenCV, and refuse what would make them look outside an array.

That both are right is for test_segment and test_quads, which compare them with independent implementations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from partpool import LIP
from partpool.segment import regions
from partpool.segment import regions_numpy as plain_regions
from partpool.segment.neck import NeckLabels
from partpool.segment.regions import find_regions

if regions.loops is plain_regions:
    pytest.skip(
        "partpool.segment._regions is not built: there was no C compiler when partpool was installed",
        allow_module_level=True,
    )

from partpool.segment import _regions

LabelMap = NDArray[np.uint8]


def noise(height: int, width: int, labels: int, seed: int = 0) -> LabelMap:
    return np.random.default_rng(seed).integers(0, labels, (height, width), np.uint8)


@st.composite
def label_maps(draw: st.DrawFn) -> LabelMap:
    """Noise, blocks, stripes, lone pixels or rings, at any place in a larger array."""
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 60))
    labels = draw(st.sampled_from([2, 3, 8, 256]))
    found = noise(height, width, labels, draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["noise", "blocks", "stripes", "pixels", "rings"]))
    if kind == "blocks":
        size = draw(st.integers(2, 20))
        found = np.kron(found, np.ones((size, size), np.uint8))[:height, :width]
    elif kind == "stripes":
        found[:] = found[:, :1] if draw(st.booleans()) else found[:1]
    elif kind == "pixels":
        found[np.random.default_rng(labels).random(found.shape) < 0.95] = draw(st.sampled_from([0, 1]))
    elif kind == "rings":
        rows, columns = np.mgrid[:height, :width]
        found[:] = np.minimum.reduce([rows, columns, height - 1 - rows, width - 1 - columns]) % labels
    return np.pad(found, 1)[:, draw(st.integers(0, 1)) :] if draw(st.booleans()) else found


@settings(max_examples=300, deadline=None)
@given(label_maps(), st.integers(0, 999), st.data())
@example(noise(60, 60, 250), 0, None)
@example(np.zeros((3, 4), np.uint8), 1, None)
@example(np.ones((1, 300), np.uint8), 2, None)
@example(np.arange(256, dtype=np.uint8).reshape(1, 256), 3, None)
@example(np.arange(256, dtype=np.uint8).reshape(256, 1), 4, None)
def test_both_ways_find_the_same(label_map: LabelMap, seed: int, data: st.DataObject | None) -> None:
    compiled, rows, pairs = _regions.find(label_map)
    plain, expected_rows, expected_pairs = plain_regions.find(label_map)
    assert rows == expected_rows
    assert pairs == expected_pairs
    assert _regions.label_boxes(label_map) == plain_regions.label_boxes(label_map)
    grey = noise(*label_map.shape, 256, seed)
    assert _regions.moments(compiled, grey) == plain_regions.moments(plain, grey)
    if len(rows) == 1:
        return
    numbers = st.lists(st.integers(1, len(rows) - 1), min_size=1, max_size=9)
    for members in [data.draw(numbers)] if data else [[1], [*range(1, len(rows), 3)], [*range(1, len(rows))]]:
        assert _regions.steps(compiled, members) == plain_regions.steps(plain, members)
        height, width = label_map.shape
        x0, y0 = (data.draw(st.integers(0, side - 1)) if data else 0 for side in (width, height))
        x1, y1 = (data.draw(st.integers(low + 1, side)) if data else side for low, side in ((x0, width), (y0, height)))
        one, other = (np.zeros((y1 - y0, x1 - x0), np.uint8) for _ in range(2))
        _regions.fill(compiled, members, (x0, y0), one)
        plain_regions.fill(plain, members, (x0, y0), other)
        np.testing.assert_array_equal(one, other)


@settings(max_examples=200, deadline=None)
@given(label_maps(), st.tuples(*[st.booleans()] * 4))
@example(np.ones((1, 1), np.uint8), (True, True, True, True))
@example(np.ones((7, 700), np.uint8), (True, False, False, True))
def test_both_ways_see_the_same_rim(mask: LabelMap, sides: tuple[bool, bool, bool, bool]) -> None:
    assert _regions.rim(mask, sides) == plain_regions.rim(mask, sides)


@settings(max_examples=100, deadline=None)
@given(label_maps())
def test_regions_are_numbered_by_label_and_box(label_map: LabelMap) -> None:
    _, rows, _ = _regions.find(label_map)
    assert rows[0] == (0, 0, (0, 0, 0, 0))
    keys = [(label, box) for label, _, box in rows]
    assert sorted(set(keys)) == keys
    assert sum(area for _, area, _ in rows) == np.count_nonzero(label_map)


def test_the_caller_s_label_map_stays_as_it_is() -> None:
    """A neck is filled in a copy, although the person fills the picture."""
    label_map = np.zeros((60, 40), np.uint8)
    face, coat = LIP.ids(("face", "coat"))
    label_map[:25], label_map[30:] = face, coat
    before = label_map.copy()
    found = find_regions(label_map, NeckLabels((face,), (coat,)))
    assert found is not None
    assert found.labels == [0, coat, face, regions.NECK]
    assert found.necks == [3]
    np.testing.assert_array_equal(label_map, before)


FOUND = _regions.find(np.ones((4, 6), np.uint8))[0]
READ_ONLY = np.zeros((2, 2), np.uint8)
READ_ONLY.flags.writeable = False
MAP = np.zeros((4, 6), np.uint8)


@pytest.mark.parametrize("function", [_regions.find, _regions.label_boxes])
@pytest.mark.parametrize(
    ("array", "error"),
    [
        (None, TypeError), (3, TypeError), (np.zeros(4, np.uint8), ValueError), (MAP[:, ::2], ValueError),
        (MAP.T, ValueError), (MAP.astype(np.int8), ValueError), (MAP.astype(np.int32), ValueError),
        (MAP[:0], ValueError), (MAP[:, :0], ValueError), (np.zeros((1, 65536), np.uint8), ValueError),
        (np.lib.stride_tricks.as_strided(MAP, (65535, 65535), (0, 1)), ValueError),
    ],
    ids=["none", "number", "1-d", "columns", "transposed", "int8", "int32", "no-rows", "no-columns", "wide", "large"],
)  # fmt: skip
def test_only_label_maps_are_searched(function: Callable[..., Any], array: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        function(array)


@pytest.mark.parametrize(
    ("function", "arguments", "error"),
    [
        (_regions.fill, (FOUND, [1], (0, 0)), TypeError),
        (_regions.fill, (MAP, [1], (0, 0), MAP), ValueError),
        (_regions.fill, (FOUND, [0], (0, 0), MAP), ValueError),
        (_regions.fill, (FOUND, [2], (0, 0), MAP), ValueError),
        (_regions.fill, (FOUND, [-1], (0, 0), MAP), ValueError),
        (_regions.fill, (FOUND, [2**70], (0, 0), MAP), ValueError),
        (_regions.fill, (FOUND, ["1"], (0, 0), MAP), TypeError),
        (_regions.fill, (FOUND, 1, (0, 0), MAP), TypeError),
        (_regions.fill, (FOUND, [1], (1, 0), MAP), ValueError),
        (_regions.fill, (FOUND, [1], (0, 1), MAP), ValueError),
        (_regions.fill, (FOUND, [1], (-1, 0), MAP[:2, :2]), ValueError),
        (_regions.fill, (FOUND, [1], (0, -1), MAP[:2, :2]), ValueError),
        (_regions.fill, (FOUND, [1], (2**62, 0), MAP[:2, :2]), ValueError),
        (_regions.fill, (FOUND, [1], (0, 0), READ_ONLY), ValueError),
        (_regions.steps, (FOUND,), TypeError),
        (_regions.steps, (None, [1]), ValueError),
        (_regions.steps, (FOUND, [2]), ValueError),
        (_regions.moments, (FOUND, MAP[:, :5]), ValueError),
        (_regions.moments, (FOUND, MAP[:3]), ValueError),
        (_regions.moments, (None, MAP), ValueError),
        (_regions.rim, (MAP, (True, True)), TypeError),
        (_regions.rim, (MAP[0], (True,) * 4), ValueError),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    function: Callable[..., Any], arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        function(*arguments)
