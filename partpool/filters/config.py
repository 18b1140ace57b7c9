"""Which segments are worth keeping.

ASDA §3.1 drops "scattered segments, segments with the area below 35² and segments with low semantics". The last is
not defined there; here it means thin, sparse, ragged, truncated or flat segments, and near-duplicates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from partpool.errors import ConfigError

REASONS = ("small", "scattered", "thin", "sparse", "ragged", "truncated", "flat", "duplicate")
"""Why a segment is rejected, in the order in which it is tried; the first that fails is the reason."""


MIN_LARGEST_OF: Mapping[str, float] = {"hair": 0.50, "head": 0.50}
MAX_RAGGEDNESS_OF: Mapping[str, float] = {
    "upper-body": 12.0, "upper-body-with-head": 12.0, "lower-body": 14.0, "whole-body": 14.0,
}  # fmt: skip


@dataclass(frozen=True)
class FilterConfig:
    """Thresholds of the segment filters. Areas and lengths are in pixels of the source image.

    Attributes:
        min_area: ``small`` below this mask area (paper: 35²).
        min_largest: ``scattered`` if the largest component is a smaller share of all the class's pixels.
        min_largest_of: The same for single classes; two-sided hair is good hair.
        min_side: ``thin`` if the shorter side of the box is smaller ...
        max_aspect: ... or the longer side is more than this many times the shorter.
        min_fill: ``sparse`` if the mask fills less of its box.
        max_raggedness: ``ragged`` if contour length² / (4π·area) is larger; 1 is a disc.
        max_raggedness_of: The same for single classes; limbs that stand out make a long contour, not a ragged one.
        smooth_classes: Classes that are never ragged (hair is).
        max_border: ``truncated`` if more of the mask's border pixels lie on the picture's own border.
        min_texture: ``flat`` if the standard deviation of the 8-bit luminance inside the mask is smaller.
        max_iou: ``duplicate`` if the intersection over union with an accepted segment of the person is larger.

    Raises:
        ConfigError: If a threshold lies outside its range.
    """

    min_area: int = 35**2
    min_largest: float = 0.90
    min_largest_of: Mapping[str, float] = field(default_factory=lambda: MIN_LARGEST_OF)
    min_side: int = 12
    max_aspect: float = 10.0
    min_fill: float = 0.15
    max_raggedness: float = 9.0
    max_raggedness_of: Mapping[str, float] = field(default_factory=lambda: MAX_RAGGEDNESS_OF)
    smooth_classes: tuple[str, ...] = ("hair",)
    max_border: float = 0.35
    min_texture: float = 4.0
    max_iou: float = 0.97

    def __post_init__(self) -> None:
        ranges = {
            "min_area": (1, 2**31), "min_largest": (0, 1), "min_side": (1, 2**15), "max_aspect": (1, 2**15),
            "min_fill": (0, 1), "max_raggedness": (1, 2**31), "max_border": (0, 1), "min_texture": (0, 128),
            "max_iou": (0, 1),
        }  # fmt: skip
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name} must lie in [{low}, {high}], but got {value}")
        for option, by_class in (("min_largest", self.min_largest_of), ("max_raggedness", self.max_raggedness_of)):
            low, high = ranges[option]
            for name, value in by_class.items():
                if not low <= value <= high:
                    raise ConfigError(f"{option} of {name!r} must lie in [{low}, {high}], but got {value}")

    def largest_share(self, class_name: str) -> float:
        """The ``scattered`` threshold of a class."""
        return self.min_largest_of.get(class_name, self.min_largest)

    def raggedness(self, class_name: str) -> float:
        """The ``ragged`` threshold of a class."""
        return self.max_raggedness_of.get(class_name, self.max_raggedness)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that :meth:`from_dict` reads."""
        return {**asdict(self), "smooth_classes": list(self.smooth_classes)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FilterConfig:
        """Build a configuration from plain data, as it stands in a pool.

        Raises:
            ConfigError: If a key is unknown or a value out of range.
        """
        unknown = set(data) - {item.name for item in fields(cls)}
        if unknown:
            raise ConfigError(f"unknown filter options: {', '.join(sorted(unknown))}")
        return cls(**{**data, "smooth_classes": tuple(data.get("smooth_classes", cls.smooth_classes))})


@dataclass(slots=True)
class Measures:
    """What the filters look at.

    Attributes:
        area: Mask pixels.
        width: Width of the tight box.
        height: Height of the tight box.
        largest: Largest component over all the class's pixels.
        raggedness: Contour length² / (4π·area); NaN if not measured yet.
        border: Share of the mask's border pixels that lie on the picture's border; NaN if not measured yet.
        texture: Standard deviation of the luminance; NaN if not measured yet.
        overlap: Intersection over union with the most similar accepted segment; NaN if not measured yet.
    """

    area: int
    width: int
    height: int
    largest: float
    raggedness: float = float("nan")
    border: float = float("nan")
    texture: float = float("nan")
    overlap: float = float("nan")


def reject_by_shape(config: FilterConfig, class_name: str, measured: Measures) -> str | None:
    """The first reason that needs no pixels, or None."""
    short, long = sorted((measured.width, measured.height))
    if measured.area < config.min_area:
        return "small"
    if measured.largest < config.largest_share(class_name):
        return "scattered"
    if short < config.min_side or long > config.max_aspect * short:
        return "thin"
    if measured.area < config.min_fill * measured.width * measured.height:
        return "sparse"
    return None


def reject_by_pixels(config: FilterConfig, class_name: str, measured: Measures) -> str | None:
    """The first reason that needs the mask or the picture, or None."""
    if measured.raggedness > config.raggedness(class_name) and class_name not in config.smooth_classes:
        return "ragged"
    if measured.border > config.max_border:
        return "truncated"
    if measured.texture < config.min_texture:
        return "flat"
    return None


def failed_threshold(
    config: FilterConfig, class_name: str, reason: str, measured: Measures
) -> tuple[str, float, float]:
    """What a filter measured on a segment that it rejected: the measure's name, its value and the threshold."""
    short, long = sorted((measured.width, measured.height))
    thin: tuple[str, float, float] = ("shorter side", short, config.min_side)
    if short >= config.min_side:
        thin = ("longer / shorter side", long / short, config.max_aspect)
    return {
        "small": ("area", measured.area, config.min_area),
        "scattered": ("share of the largest component", measured.largest, config.largest_share(class_name)),
        "thin": thin,
        "sparse": ("area / box area", measured.area / (measured.width * measured.height), config.min_fill),
        "ragged": ("contour² / 4π area", measured.raggedness, config.raggedness(class_name)),
        "truncated": ("share of the contour on the border", measured.border, config.max_border),
        "flat": ("deviation of the luminance", measured.texture, config.min_texture),
        "duplicate": ("overlap with another part", measured.overlap, config.max_iou),
    }[reason]
