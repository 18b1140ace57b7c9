"""How often samples are touched, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from asda_aug.ranges import NUMBERS
from partpool.errors import ConfigError

Probability = float | Sequence[tuple[float, float]] | Callable[[int], float]


class Schedule:
    """The probability of touching a sample in an epoch.

    Args:
        p: A number; points (epoch, p) that are joined by lines, such as ``[(0, 0), (10, 1)]`` for a warm-up; or a
            function of the epoch, at module level where workers are spawned.
        epochs: Number of epochs of the training; needed for ``close_last_epochs``.
        close_last_epochs: Epochs at the end in which nothing is touched, as today's trainers switch occlusion off.

    Raises:
        ConfigError: If a number is out of range, or one of the two is missing beside the other.
    """

    def __init__(self, p: Probability = 1.0, epochs: int | None = None, close_last_epochs: int = 0) -> None:
        if close_last_epochs and epochs is None:
            raise ConfigError(
                f"close_last_epochs={close_last_epochs} needs epochs, the number of epochs of the training"
            )
        if close_last_epochs < 0 or (epochs is not None and epochs < 1):
            raise ConfigError(
                f"epochs and close_last_epochs must not be negative, but got {epochs} and {close_last_epochs}"
            )
        self._p = p
        self._first_closed = None if epochs is None or not close_last_epochs else epochs - close_last_epochs
        self._points: tuple[list[float], list[float]] | None = None
        if isinstance(p, NUMBERS):
            _checked(float(p), "p")
        elif not callable(p):
            points = _as_points(p)
            self._points = [epoch for epoch, _ in points], [value for _, value in points]

    def is_closed(self, epoch: int) -> bool:
        """Whether the epoch is one of the last, in which nothing is touched."""
        return self._first_closed is not None and epoch >= self._first_closed

    def __call__(self, epoch: int) -> float:
        """The probability in an epoch, counted from 0."""
        if isinstance(self._p, NUMBERS):
            return float(self._p)
        if self._points is not None:
            return float(np.interp(epoch, *self._points))
        assert callable(self._p), "the constructor has looked"
        return _checked(float(self._p(epoch)), f"p({epoch})")

    @property
    def never(self) -> bool:
        """Whether nothing can ever be touched, as far as that can be told."""
        return (self._first_closed is not None and self._first_closed <= 0) or (
            self._p == 0 if self._points is None else max(self._points[1]) == 0
        )


def _as_points(p: Any) -> list[tuple[float, float]]:
    try:
        points = sorted((float(epoch), float(value)) for epoch, value in p)
    except (TypeError, ValueError):
        points = []
    if not points:
        raise ConfigError(f"p must be a number, points (epoch, p) or a function of the epoch, but got {p!r}")
    return [(epoch, _checked(value, "p")) for epoch, value in points]


def _checked(p: float, name: str) -> float:
    if not 0 <= p <= 1:
        raise ConfigError(f"{name} must lie in [0, 1], but got {p}")
    return p
