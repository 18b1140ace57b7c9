"""Random numbers that are a function of (seed, epoch, index), whatever worker draws them."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

WORD = 1 << 64
GOLDEN = 0x9E3779B97F4A7C15
"""2⁶⁴ over the golden ratio: multiples of it are far from each other, and from the small seeds that people choose."""


def sample_generator(seed: int, epoch: int, index: int, depth: int = 0) -> np.random.Generator:
    """The generator of one sample in one epoch; of wrappers around each other, each has another ``depth``.

    SFC64 starts from three words, which are set here rather than hashed from a seed; it mixes them for twelve rounds
    before its first number. Hashing a seed would take several times as long.
    """
    words: Any = _Words(np.array([(seed + depth * GOLDEN) % WORD, epoch, index], np.uint64))
    return np.random.Generator(np.random.SFC64(words))


class _Words(ISeedSequence):
    """Words that a generator starts from, in the shape of a seed sequence."""

    def __init__(self, words: NDArray[np.uint64]) -> None:
        self._words = words

    def generate_state(self, n_words: int, dtype: object = np.uint64) -> NDArray[np.uint64]:
        """All of them."""
        return self._words


def fresh_seed() -> int:
    """A seed from PyTorch's generator where that is loaded (``torch.manual_seed`` repeats), else from the system."""
    torch = sys.modules.get("torch")
    if torch is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    return int(torch.randint(0, 2**63 - 1, (), dtype=torch.int64).item())


def fresh_generator() -> np.random.Generator:
    """A generator of its own for one call of a transform, from a :func:`fresh_seed`."""
    return sample_generator(fresh_seed(), 0, 0)


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Reading a sample to look at it must not change what a training draws."""
    import torch

    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002 - data sets use it
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
