"""The control without an outline."""

from __future__ import annotations

import numpy as np
import pytest

from asda_aug import PasteParts, RectanglePaste, Scene
from asda_aug.occluders.cutout import covered_area
from partpool import PartPool


def scene() -> Scene:
    return Scene(np.full((200, 160, 3), 90, np.uint8), np.random.default_rng(0).uniform(0, 160, (17, 2)))


def paster(parts: PartPool) -> PasteParts:
    return PasteParts(parts, num_parts=2, min_parts=1, classes=["upper-clothes", "left-arm", "face"])


def test_parts_without_their_outline(parts: PartPool) -> None:
    for seed in range(20):
        like = paster(parts)
        originals = like.draw(scene(), np.random.default_rng(seed))
        rectangles = RectanglePaste(like).draw(scene(), np.random.default_rng(seed))
        for original, rectangle in zip(originals, rectangles, strict=True):
            assert covered_area(rectangle) == pytest.approx(covered_area(original))
            np.testing.assert_array_equal(rectangle.part.rgb, original.part.rgb)
            height, width = original.part.mask.shape
            middle = (width / 2, height / 2, 1)
            np.testing.assert_allclose(rectangle.matrix @ middle, original.matrix @ middle)
            assert rectangle.part.mask.all()
            assert not original.part.mask.all()


def test_what_it_pastes_is_called_as_the_parts(parts: PartPool) -> None:
    assert RectanglePaste(paster(parts)).names == parts.taxonomy.names
