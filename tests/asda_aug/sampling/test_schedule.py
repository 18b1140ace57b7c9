from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from asda_aug.sampling.schedule import Schedule
from partpool.errors import ConfigError


def test_a_number_is_the_same_in_every_epoch() -> None:
    schedule = Schedule(0.3)
    assert [schedule(epoch) for epoch in (0, 7, 1000)] == [0.3] * 3
    assert not schedule.is_closed(10**6)


def test_numpys_numbers_are_numbers() -> None:
    assert Schedule(np.float32(0.5))(0) == 0.5
    assert Schedule(np.int64(1))(3) == 1


def test_points_are_joined_by_lines_and_go_on_at_the_ends() -> None:
    schedule = Schedule([(10, 1.0), (0, 0.0), (20, 0.5)])
    assert [schedule(epoch) for epoch in (0, 5, 10, 15, 20, 90)] == pytest.approx([0, 0.5, 1, 0.75, 0.5, 0.5])


def test_a_function_is_asked() -> None:
    assert Schedule(lambda epoch: epoch / 10)(3) == 0.3
    with pytest.raises(ConfigError, match=r"p\(20\) must lie in \[0, 1\], but got 2"):
        Schedule(lambda epoch: epoch / 10)(20)


def test_the_last_epochs_are_closed() -> None:
    schedule = Schedule(1.0, epochs=210, close_last_epochs=30)
    assert [schedule.is_closed(epoch) for epoch in (0, 179, 180, 209, 300)] == [False, False, True, True, True]


@pytest.mark.parametrize("options", [{"p": 0}, {"p": [(0, 0), (5, 0)]}, {"epochs": 5, "close_last_epochs": 5}])
def test_what_can_never_touch_anything_says_so(options: dict[str, Any]) -> None:
    assert Schedule(**options).never
    assert not Schedule(0.1).never
    assert not Schedule(lambda _: 0.0).never


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"p": -0.1}, "p must lie"),
        ({"p": [(0, 2)]}, "p must lie"),
        ({"p": []}, "a number, points"),
        ({"p": None}, "a number, points .* but got None"),
        ({"p": "0.5"}, "but got '0.5'"),
        ({"p": {0: 0.5}}, "a number, points"),
        ({"close_last_epochs": 3}, "needs epochs"),
        ({"close_last_epochs": -1, "epochs": 10}, "must not be negative"),
        ({"epochs": 0}, "must not be negative"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Schedule(**options)
