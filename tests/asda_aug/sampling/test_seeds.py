from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from itertools import count, islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asda_aug.sampling.seeds import fresh_generator, fresh_seed, random_state_kept, sample_generator

SEEDS = st.integers(0, 2**63 - 1)
EPOCHS, INDICES = st.integers(0, 2**20), st.integers(0, 2**31)


@given(seed=SEEDS, epoch=EPOCHS, index=INDICES)
def test_a_sample_starts_from_seed_epoch_and_index(seed: int, epoch: int, index: int) -> None:
    drawn = sample_generator(seed, epoch, index).bit_generator.random_raw(3)
    assert drawn.tolist() == list(islice(sfc64(seed, epoch, index), 12, 15))


def sfc64(a: int, b: int, c: int) -> Iterator[int]:
    """PractRand's generator of that name, as its author describes it."""
    mask = 2**64 - 1
    for counter in count(1):
        drawn = (a + b + counter) & mask
        a, b, c = b ^ (b >> 11), (c + (c << 3)) & mask, (((c << 24) | (c >> 40)) + drawn) & mask
        yield drawn


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


@pytest.mark.parametrize("word", [0, 1, 2])
def test_a_bit_of_any_word_changes_half_of_the_bits_drawn(word: int) -> None:
    rng = np.random.default_rng(word)
    changed = []
    for bit in np.tile(np.arange(40), 25).tolist():
        words = rng.integers(0, 2**20, 3).tolist()
        first = sample_generator(*words).bit_generator.random_raw()
        words[word] ^= 1 << bit
        changed.append((first ^ sample_generator(*words).bit_generator.random_raw()).bit_count())
    # A thousand numbers of 64 bits: six standard deviations.
    assert abs(np.mean(changed) - 32) < 6 * 4 / 1000**0.5


def test_neighbouring_samples_are_not_correlated() -> None:
    drawn = np.array([sample_generator(0, 0, index).random(4) for index in range(10_000)])
    among = np.corrcoef(np.hstack([drawn[:-1], drawn[1:]]).T) - np.eye(8)
    assert abs(among).max() < 0.05
    assert abs(drawn.mean(axis=0) - 0.5).max() < 0.02


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
