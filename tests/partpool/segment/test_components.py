"""Components of all labels, against scikit-image's labelling of the whole map at once."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from numpy.typing import NDArray
from skimage.measure import label as number_all
from skimage.measure import regionprops

from partpool.segment.components import label_boxes, number_components
from segment_maps import label_maps, noise

LabelMap = NDArray[np.uint8]


def found(label_map: LabelMap) -> set[tuple[int, int, tuple[int, ...]]]:
    """Label, area and box of every component, as scikit-image finds them."""
    numbers = number_all(label_map, background=0, connectivity=2)
    rows = set()
    for region in regionprops(numbers):
        top, left, bottom, right = region.bbox
        row, column = region.coords[0]
        rows.add((int(label_map[row, column]), int(region.area), (left, top, right, bottom)))
    return rows


@settings(max_examples=150, deadline=None)
@given(label_maps())
@example(noise(60, 60, 250))
@example(np.ones((1, 300), np.uint8))
@example(np.arange(256, dtype=np.uint8).reshape(1, 256))
@example(np.arange(256, dtype=np.uint8).reshape(256, 1))
def test_components_are_those_of_scikit_image(label_map: LabelMap) -> None:
    ids, components = number_components(label_map, label_boxes(label_map))
    assert components[0] == (0, 0, (0, 0, 0, 0))
    assert set(components[1:]) == found(label_map)
    keys = [(component.label, component.box) for component in components]
    assert sorted(set(keys)) == keys
    for number, (label, area, (x0, y0, x1, y1)) in enumerate(components[1:], 1):
        own = ids == number
        assert np.count_nonzero(own) == np.count_nonzero(own[y0:y1, x0:x1]) == area
        assert (label_map[own] == label).all()
    np.testing.assert_array_equal(ids == 0, label_map == 0)


@settings(max_examples=150, deadline=None)
@given(label_maps())
def test_boxes_of_labels_are_tight(label_map: LabelMap) -> None:
    boxes = label_boxes(label_map)
    assert list(boxes) == [value for value in np.unique(label_map).tolist() if value]
    for value, box in boxes.items():
        rows, columns = np.nonzero(label_map == value)
        assert box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_more_components_than_sixteen_bits_count() -> None:
    """Every second pixel of every second row, in a map of an odd height."""
    label_map = np.zeros((5, 52_000), np.uint8)
    label_map[::2, ::2] = 5
    _, components = number_components(label_map, label_boxes(label_map))
    assert len(components) == 1 + 3 * 26_000


def test_more_components_than_a_byte_counts() -> None:
    label_map = np.zeros((64, 64), np.uint8)
    label_map[::2, ::2] = 7
    ids, components = number_components(label_map, label_boxes(label_map))
    assert len(components) == 1 + 32 * 32
    assert ids.dtype == np.int32
    assert (np.unique(ids) == np.arange(1025)).all()
