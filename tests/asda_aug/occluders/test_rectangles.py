"""Rectangles go over the image as they are."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from asda_aug import paste
from asda_aug.occluders.rectangles import NO_CLASS, rectangle


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(-25, 25), st.integers(-25, 25), st.integers(0, 99))
def test_its_pixels_are_those_of_the_image_to_the_bit(height: int, width: int, left: int, top: int, seed: int) -> None:
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    record = rectangle(rgb, left, top, "square", 2, (1.0, 2.0, 3.0, 4.0))
    assert (record.name, record.person, record.box, record.part.class_id) == (
        "square",
        2,
        (1.0, 2.0, 3.0, 4.0),
        NO_CLASS,
    )
    expected = np.full((80, 80, 3), 7, np.uint8)
    expected[30 + top : 30 + top + height, 30 + left : 30 + left + width] = rgb
    image, alpha = paste(np.full((20, 20, 3), 7, np.uint8), [(record.part, record.matrix)], feather=0)
    np.testing.assert_array_equal(image, expected[30:50, 30:50])
    covered = np.zeros((80, 80), bool)
    covered[30 + top : 30 + top + height, 30 + left : 30 + left + width] = True
    np.testing.assert_array_equal(alpha == 1, covered[30:50, 30:50])
