"""What is asked of regions: their pixels, contours and texture, each against a look at every pixel."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from partpool import LIP
from partpool.segment import regions
from partpool.segment.neck import NeckLabels
from partpool.segment.regions import find_regions
from segment_maps import label_maps, noise

LabelMap = NDArray[np.uint8]


@settings(max_examples=150, deadline=None)
@given(label_maps(), st.integers(0, 999), st.integers(1, 9))
@example(noise(60, 60, 250), 0, 5)
@example(np.ones((1, 300), np.uint8), 2, 1)
def test_some_regions_taken_together(label_map: LabelMap, seed: int, count: int) -> None:
    label_map = np.minimum(label_map, 254)
    found = find_regions(label_map)
    assume(found is not None)
    assert found is not None
    x0, y0, x1, y1 = found.person_box
    assert found.shape == (y1 - y0, x1 - x0)
    rng = np.random.default_rng(seed)
    members = sorted(set(rng.integers(1, len(found.labels), count).tolist()))
    inside = np.isin(found.ids, members)
    labels = {found.labels[number] for number in members}
    assert set(label_map[y0:y1, x0:x1][inside].tolist()) == labels
    left, top = (int(rng.integers(0, side)) for side in (x1 - x0, y1 - y0))
    for box in ((0, 0, x1 - x0, y1 - y0), (left, top, left + 1, top + 1), (left, 0, x1 - x0, top + 1)):
        window = np.s_[box[1] : box[3], box[0] : box[2]]
        np.testing.assert_array_equal(found.mask(members, box), np.where(inside[window], 255, 0))
    grey = rng.integers(0, 256, found.shape, np.uint8)
    assert found.texture(members, grey) == pytest.approx(grey[inside].std(), abs=1e-6)
    contours, _ = cv2.findContours(np.pad(inside, 1).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    expected = sum(cv2.arcLength(contour, closed=True) for contour in contours)
    assert found.contour_length(members) == pytest.approx(expected, rel=1e-12)


def test_background_alone_has_no_regions() -> None:
    assert find_regions(np.zeros((3, 4), np.uint8)) is None


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
