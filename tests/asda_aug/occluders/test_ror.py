from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asda_aug import ROR, Scene
from asda_aug.occluders.ror import OCCLUSION, REPETITION
from partpool.errors import ConfigError


def scene(seed: int, kind: str = "u1") -> Scene:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (96, 80, 3), np.uint8)
    points = rng.uniform(0, 80, (8, 2))
    image = pixels if kind == "u1" else np.ascontiguousarray((pixels / 255).astype("f4").transpose(2, 0, 1))
    return Scene(image, points, labelled=np.arange(8) > 1)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["u1", "f4"]))
def test_patches_are_copies_from_the_image_itself(seed: int, kind: str) -> None:
    before, after = scene(seed, kind), scene(seed, kind)
    augmentation = ROR(num_patches=1)
    pastes = augmentation.draw(after, np.random.default_rng(seed))
    covered = augmentation.apply(after, pastes)
    for paste in pastes:
        side = paste.part.mask.shape[0]
        x, y = paste.matrix[:, 2].astype(int)
        old, new = (image if kind == "u1" else image.transpose(1, 2, 0) for image in (before.image, after.image))
        copy = new[y : y + side, x : x + side]
        windows = np.lib.stride_tricks.sliding_window_view(old, (side, side, 3))[:, :, 0]
        differences = np.abs(windows - copy).max(axis=(2, 3, 4)) if kind == "f4" else None
        if kind == "u1":
            assert (windows == copy).all(axis=(2, 3, 4)).any()
        else:
            assert differences is not None
            assert differences.min() <= 0.5 / 255 + 1e-6
        old = old.copy()
        old[y : y + side, x : x + side] = copy
        np.testing.assert_array_equal(old, new)
    assert not covered[:, :2].any()


def test_occlusion_covers_a_keypoint_and_repetition_covers_none() -> None:
    kinds = set()
    for seed in range(60):
        each = scene(seed)
        augmentation = ROR()
        for paste in augmentation.draw(each, np.random.default_rng(seed)):
            covered = augmentation.apply(scene(seed), [paste])
            assert covered.any() == (paste.name == OCCLUSION)
            kinds.add(paste.name)
    assert kinds == {OCCLUSION, REPETITION}
    only = [ROR(occlude=1).draw(scene(seed), np.random.default_rng(seed)) for seed in range(20)]
    assert {paste.name for pastes in only for paste in pastes} == {OCCLUSION}


def test_without_keypoints_there_is_nothing_to_do() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    assert ROR().draw(Scene(image), np.random.default_rng(0)) == []
    unlabelled = Scene(image, [[5, 5]], labelled=[False])
    assert ROR().draw(unlabelled, np.random.default_rng(0)) == []
    assert ROR()(image) is image


def test_keypoints_everywhere_leave_no_background() -> None:
    grid = np.stack(np.meshgrid(np.arange(0, 40, 2), np.arange(0, 40, 2)), axis=-1).reshape(-1, 2)
    crowded = Scene(np.zeros((40, 40, 3), np.uint8), grid)
    assert ROR(num_patches=3).draw(crowded, np.random.default_rng(0)) == []


@pytest.mark.parametrize(
    "options", [{"num_patches": 0}, {"occlude": 1.2}, {"size": (0, 0.1)}, {"size": (0.2, 0.1)}, {"reach": (0, 1)}]
)
def test_wrong_options_are_named(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        ROR(**options)
