from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from asda_aug import Cutout, JointPlacer, PasteParts, RectanglePaste, Scene
from asda_aug.occluders.cutout import covered_area
from partpool import PartPool
from partpool.errors import ConfigError


def scene() -> Scene:
    return Scene(np.full((200, 160, 3), 90, np.uint8), np.random.default_rng(0).uniform(0, 160, (17, 2)))


def paster(parts: PartPool) -> PasteParts:
    return PasteParts(parts, num_parts=2, min_parts=1, classes=["upper-clothes", "left-arm", "face"])


def test_one_rectangle_of_the_persons_size() -> None:
    for seed in range(30):
        each, augmentation = scene(), Cutout(size=(0.3, 0.3), fill=(1, 2, 3))
        pastes = augmentation.draw(each, np.random.default_rng(seed))
        augmentation.apply(each, pastes, alpha=True)
        changed = (each.image == (1, 2, 3)).all(axis=2)
        assert each.alpha is not None
        np.testing.assert_array_equal(changed, each.alpha == 1)
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        # The middle lies in the person's box, so no more than half of a rectangle lies outside the image.
        assert len(rows) <= 49
        assert len(columns) <= 39
        assert changed.sum() == len(rows) * len(columns)


def test_a_rectangle_for_every_part(parts: PartPool) -> None:
    for seed in range(20):
        like = paster(parts)
        originals = like.draw(scene(), np.random.default_rng(seed))
        rectangles = Cutout(like).draw(scene(), np.random.default_rng(seed))
        assert len(rectangles) == len(originals)
        for original, rectangle in zip(originals, rectangles, strict=True):
            height, width = rectangle.part.mask.shape
            # Sides are whole pixels.
            assert abs(width * height - covered_area(original)) <= (width + height) / 2 + 1
            old_height, old_width = original.part.mask.shape
            middle = original.matrix @ (old_width / 2, old_height / 2, 1)
            np.testing.assert_allclose(rectangle.matrix @ (width / 2, height / 2, 1), middle, atol=1)
            assert rectangle.part.mask.all()


def test_noise() -> None:
    each = scene()
    (paste,) = Cutout(fill="noise").draw(each, np.random.default_rng(0))
    assert paste.part.rgb.std() > 50


def test_what_it_pastes_is_called() -> None:
    assert Cutout().names == ("cutout",)


def test_options_are_those_of_what_they_stand_in_for(parts: PartPool) -> None:
    like = PasteParts(parts, min_parts=1, classes=["face"], p=0.3, on_occlusion="drop", placer=JointPlacer())
    for kind in (Cutout, RectanglePaste):
        assert (kind(like).p, kind(like).on_occlusion, kind(like).anchor) == (0.3, "drop", "joint")
        assert kind(like, p=0.5).p == 0.5
        with pytest.raises(ConfigError, match="person have no effect beside like"):
            kind(like, person="largest")
        with pytest.raises(ConfigError, match="like must be a PasteParts"):
            kind("pool.h5")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="size has no effect beside like"):
        Cutout(like, size=0.3)


@pytest.mark.parametrize(
    "options", [{"size": (0, 1)}, {"size": (0.5, 0.4)}, {"fill": (1, 2)}, {"fill": (0, 0, 256)}, {"fill": "red"}]
)
def test_wrong_options_are_named(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        Cutout(**options)
