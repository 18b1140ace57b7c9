from __future__ import annotations

import random
from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asda_aug.randomness import fresh_generator, fresh_seed, random_state_kept, sample_generator

SEEDS = st.integers(0, 2**63 - 1)
EPOCHS, INDICES = st.integers(0, 2**20), st.integers(0, 2**31)


@given(seed=SEEDS, epoch=EPOCHS, index=INDICES)
def test_a_sample_is_keyed_by_seed_epoch_and_index(seed: int, epoch: int, index: int) -> None:
    key = np.array([seed, (epoch << 32) + index], np.uint64)
    expected = np.random.Generator(np.random.Philox(key=key)).random(4)
    assert sample_generator(seed, epoch, index).random(4).tolist() == expected.tolist()


@given(seed=SEEDS, epoch=EPOCHS, index=INDICES)
def test_neighbours_in_anything_draw_otherwise(seed: int, epoch: int, index: int) -> None:
    drawn = {
        sample_generator(*key).integers(2**63).item()
        for key in (
            (seed, epoch, index), (seed + 1, epoch, index), (seed, epoch + 1, index), (seed, epoch, index + 1),
            (seed, epoch, index, 1), (seed, epoch, index, 2),
        )
    }  # fmt: skip
    assert len(drawn) == 6


@pytest.mark.parametrize("seed", [-1, -(2**70), 2**64, 2**100])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    assert 0 <= sample_generator(seed, 0, 0).random() < 1


def test_fresh_seeds_follow_torchs_generator() -> None:
    torch.manual_seed(3)
    first = fresh_seed(), fresh_generator().random()
    assert (fresh_seed(), fresh_generator().random()) != first
    torch.manual_seed(3)
    assert (fresh_seed(), fresh_generator().random()) == first


def test_states_are_put_back_even_after_an_error() -> None:
    def draw() -> tuple[float, float, float]:
        return random.random(), float(np.random.random()), float(torch.rand(()))  # noqa: NPY002

    def seed_all() -> None:
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        torch.manual_seed(1)

    seed_all()
    expected = draw()
    seed_all()
    with suppress(OSError), random_state_kept():
        draw()
        raise OSError
    assert draw() == expected
