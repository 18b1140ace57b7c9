"""Colours of parts, brought nearer to a picture's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2lab

from asda_aug.pasting.harmonize import colour_moments, harmonize
from partpool.pool.part import Part

BOX = np.array([0, 0, 40, 50], np.int32)
SEEDS = st.integers(0, 2**32 - 1)


def noise(rng: np.random.Generator, height: int, width: int, spread: float = 12) -> np.ndarray:
    """A picture whose colours stay clear of the ends."""
    return np.clip(rng.uniform(90, 165, 3) + rng.normal(0, spread, (height, width, 3)), 40, 215).astype(np.uint8)


def a_part(rng: np.random.Generator) -> Part:
    mask = np.zeros((50, 40), bool)
    mask[5:45, 8:30] = True
    return Part(noise(rng, 50, 40), mask, 0, "hat", BOX, BOX, "")


def lab_mean(rgb: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """An independent opinion, in units of L 0 … 100."""
    lab = rgb2lab(rgb)
    return (lab[mask] if mask is not None else lab.reshape(-1, 3)).mean(axis=0)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.floats(0, 1))
def test_the_mean_moves_as_far_as_the_strength_says(seed: int, strength: float) -> None:
    rng = np.random.default_rng(seed)
    part, picture = a_part(rng), noise(rng, 60, 60)
    changed = harmonize(part, colour_moments(picture), strength)
    before, goal = lab_mean(part.rgb, part.mask), lab_mean(picture)
    np.testing.assert_allclose(lab_mean(changed.rgb, part.mask), before + strength * (goal - before), atol=1.5)
    assert changed.mask is part.mask


def test_no_strength_leaves_the_part() -> None:
    rng = np.random.default_rng(0)
    part = a_part(rng)
    assert harmonize(part, colour_moments(noise(rng, 60, 60)), 0) is part


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 59))
def test_padding_has_no_colour(seed: int, rows: int) -> None:
    picture = noise(np.random.default_rng(seed), 60, 60)
    padded = np.concatenate([picture, np.zeros((rows, 60, 3), np.uint8)])
    for with_padding, without in zip(colour_moments(padded), colour_moments(picture), strict=True):
        np.testing.assert_allclose(with_padding, without, atol=2.5)


def test_a_black_picture_is_black() -> None:
    mean, spread = colour_moments(np.zeros((30, 30, 3), np.uint8))
    assert mean[0] == 0
    assert spread.tolist() == [0, 0, 0]


@pytest.mark.parametrize("side", [1, 3, 64, 65, 700])
def test_pictures_of_any_size(side: int) -> None:
    mean, _ = colour_moments(np.full((side, 2 * side, 3), 128, np.uint8))
    assert mean[0] == pytest.approx(137, abs=2)
