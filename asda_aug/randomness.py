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
EPOCH_BITS = 32
GOLDEN = 0x9E3779B97F4A7C15
"""2⁶⁴ over the golden ratio: multiples of it are far from each other, and from the small seeds that people choose."""


def sample_generator(seed: int, epoch: int, index: int, depth: int = 0) -> np.random.Generator:
    """The generator of one sample in one epoch; of wrappers around each other, each has another ``depth``.

    Philox is keyed rather than seeded: different keys are independent by construction, and making one takes a sixth of
    the time that hashing a seed does.
    """
    key: Any = _Key(seed + depth * GOLDEN, (epoch << EPOCH_BITS) + index)
    return np.random.Generator(np.random.Philox(key))


class _Key(ISeedSequence):
    """A key of Philox as a seed sequence: ``Philox(key=…)`` would ask the system for a seed as well, and drop it."""

    def __init__(self, *words: int) -> None:
        self._words = [word % WORD for word in words]

    def generate_state(self, n_words: int, dtype: object = np.uint64) -> NDArray[np.uint64]:
        """The key, as the two words that Philox asks for."""
        return np.array(self._words, np.uint64)


def fresh_seed() -> int:
    """A seed from PyTorch's generator where that is loaded (``torch.manual_seed`` repeats), else from the system."""
    torch = sys.modules.get("torch")
    if torch is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    return int(torch.randint(0, 2**63 - 1, (), dtype=torch.int64).item())


def fresh_generator() -> np.random.Generator:
    """A generator of its own for one call of a transform; see :func:`fresh_seed`."""
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
