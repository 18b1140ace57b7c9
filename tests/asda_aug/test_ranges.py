"""Ranges that numbers are drawn from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asda_aug.ranges import as_range, between, draw_from
from partpool.errors import ConfigError


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2, (2, 2)), (np.float32(0.5), (0.5, 0.5)), ((1, 3), (1, 3)), ([0, 0], (0, 0)), (np.array([1, 2]), (1, 2))],
)
def test_numbers_and_pairs_are_ranges(value: Any, expected: tuple[float, float]) -> None:
    assert as_range(value, "size", 0, 5) == expected


@pytest.mark.parametrize("value", ["12", (1,), (1, 2, 3), (2, 1), (-1, 2), (1, 6), None, (1, "2"), float("nan")])
def test_anything_else_is_refused_by_name(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"size must be a number or a range \(smaller, larger\) in \[0, 5\], but got"):
        as_range(value, "size", 0, 5)


@given(st.floats(-10, 10), st.floats(0, 10), st.floats(0, 1), st.integers(0, 99))
def test_what_is_drawn_lies_within(low: float, length: float, share: float, seed: int) -> None:
    limits = (low, low + length)
    for drawn in (between(limits, share), draw_from(np.random.default_rng(seed), limits)):
        assert low - 1e-9 <= drawn <= low + length + 1e-9


def test_a_range_of_one_number_takes_no_randomness() -> None:
    rng, other = np.random.default_rng(0), np.random.default_rng(0)
    assert draw_from(rng, (3.0, 3.0)) == 3
    assert rng.random() == other.random()
