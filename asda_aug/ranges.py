"""Ranges that numbers are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from partpool.errors import ConfigError

NUMBERS = (int, float, np.integer, np.floating)
"""What counts as a number in options: NumPy's are neither ``int`` nor ``float``."""
Range = tuple[float, float]
Span = float | Range
"""A range, or a number that stands for a range of it alone."""


def as_range(value: Any, name: str, low: float, high: float) -> Range:
    """A number, or a pair of a smaller and a larger one, as a pair.

    Args:
        value: What a user passed.
        name: Of the option.
        low: Smallest possible value.
        high: Largest possible value.

    Raises:
        ConfigError: If it is neither, or lies outside ``low`` … ``high``.
    """
    pair = (value, value) if isinstance(value, NUMBERS) else value
    if isinstance(pair, (Sequence, np.ndarray)) and len(pair) == 2 and all(isinstance(each, NUMBERS) for each in pair):
        start, end = float(pair[0]), float(pair[1])
        if low <= start <= end <= high:
            return start, end
    raise ConfigError(f"{name} must be a number or a range (smaller, larger) in [{low:g}, {high:g}], but got {value!r}")


def draw_from(rng: np.random.Generator, limits: Range) -> float:
    """A number of the range, uniform."""
    start, end = limits
    return start if start == end else between(limits, rng.random())


def between(limits: Range, share: float) -> float:
    """The number that lies at a share, 0 to 1, of the range."""
    start, end = limits
    return start + share * (end - start)
