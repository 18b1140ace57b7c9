"""Thresholds: their limits, their ranges, and what they are written as."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from partpool import LIP, FilterConfig
from partpool.errors import ConfigError, PartPoolError
from partpool.filters.config import Measures, reject_by_pixels, reject_by_shape

LabelMap = NDArray[np.uint8]

COAT, HAT, DRESS = LIP.ids(("coat", "hat", "dress"))


def coat(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (400, 400)) -> LabelMap:
    """A label map [H, W] of coats in boxes x0, y0, x1, y1; ``size`` is width and height."""
    label_map = np.zeros(size[::-1], np.uint8)
    for x0, y0, x1, y1 in boxes:
        label_map[y0:y1, x0:x1] = COAT
    return label_map


def test_limits_of_single_classes() -> None:
    config = FilterConfig()
    halves = Measures(area=5000, width=100, height=100, largest=0.6)
    assert [reject_by_shape(config, name, halves) for name in ("hair", "head", "coat")] == [None, None, "scattered"]
    long = Measures(area=5000, width=100, height=100, largest=1, raggedness=13, border=0, texture=50)
    names = ("hair", "whole-body", "lower-body", "upper-body", "upper-body-with-head", "coat")
    expected = [None, None, None, "ragged", "ragged", "ragged"]
    assert [reject_by_pixels(config, name, long) for name in names] == expected
    assert reject_by_pixels(FilterConfig(smooth_classes=()), "hair", long) == "ragged"


def test_what_is_on_a_limit_is_kept() -> None:
    config = FilterConfig(min_largest=0.5, max_raggedness=5, max_raggedness_of={})
    shape = Measures(area=1500, width=100, height=100, largest=0.5)
    assert reject_by_shape(config, "coat", shape) is None
    assert reject_by_shape(config, "coat", replace(shape, area=1499)) == "sparse"
    pixels = replace(shape, raggedness=5, border=0.35, texture=4)
    assert reject_by_pixels(config, "coat", pixels) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_area": 0}, "min_area must lie in [1, 2147483648], but got 0"),
        ({"min_largest": 1.5}, "min_largest must lie in [0, 1], but got 1.5"),
        ({"min_largest": -0.1}, "min_largest must lie in [0, 1], but got -0.1"),
        ({"min_side": 0}, "min_side must lie in [1, 32768], but got 0"),
        ({"max_aspect": 0.5}, "max_aspect must lie in [1, 32768], but got 0.5"),
        ({"min_fill": 2}, "min_fill must lie in [0, 1], but got 2"),
        ({"max_raggedness": 0.9}, "max_raggedness must lie in [1, 2147483648], but got 0.9"),
        ({"max_border": float("nan")}, "max_border must lie in [0, 1], but got nan"),
        ({"min_texture": 129}, "min_texture must lie in [0, 128], but got 129"),
        ({"max_iou": -1}, "max_iou must lie in [0, 1], but got -1"),
        ({"min_largest_of": {"hair": 2}}, "min_largest of 'hair' must lie in [0, 1], but got 2"),
        (
            {"max_raggedness_of": {"head": 20, "coat": 0}},
            "max_raggedness of 'coat' must lie in [1, 2147483648], but got 0",
        ),
    ],
)
def test_thresholds_out_of_range(options: dict[str, Any], message: str) -> None:
    for make in (lambda: FilterConfig(**options), lambda: FilterConfig.from_dict(options)):
        with pytest.raises(ConfigError) as caught:
            make()
        assert str(caught.value) == message
        assert isinstance(caught.value, PartPoolError)
        assert isinstance(caught.value, ValueError)


def test_the_ends_of_a_range_are_inside() -> None:
    FilterConfig(min_area=1, min_largest=0, min_side=1, max_aspect=1, min_fill=0, max_raggedness=1, max_border=0)
    FilterConfig(min_largest=1, min_fill=1, max_border=1, min_texture=128, max_iou=1)


@pytest.mark.parametrize(
    "config",
    [
        FilterConfig(),
        FilterConfig(min_area=7, min_largest_of={"scarf": 0.3}, max_raggedness_of={}, smooth_classes=(), max_iou=0.5),
    ],
    ids=["default", "changed"],
)
def test_configurations_survive_json(config: FilterConfig) -> None:
    data = json.loads(json.dumps(config.to_dict()))
    assert FilterConfig.from_dict(data) == config
    assert FilterConfig.from_dict({}) == FilterConfig()


def test_unknown_options_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        FilterConfig.from_dict({"min_area": 9, "min_size": 1, "max_size": 2})
    assert str(caught.value) == "unknown filter options: max_size, min_size"
