"""What a sample does not say of itself, and the data set that it comes from may."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from asda_aug.keypoints import BY_LENGTH, keypoint_names

DEPTH = 8
"""How many wrappers are descended through."""


@dataclass(frozen=True)
class Hints:
    """How images are stored and joints are called.

    Attributes:
        mean: What was subtracted from the colours in [0, 1], in the image's channel order; None if nothing.
        std: What they were then divided by.
        bgr: Whether channels are BGR; None leaves it to the adapter.
        names: Keypoint names in order; None goes by their number.
        photograph: Whether images are whole photographs and not crops around one person; None leaves it to the adapter.
    """

    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    bgr: bool | None = None
    names: Sequence[str] | None = None
    photograph: bool | None = None

    def names_of(self, count: int) -> Sequence[str] | None:
        """Names of ``count`` keypoints, if known."""
        return self.names if self.names is not None else BY_LENGTH.get(count)


def find_hints(base: Any) -> Hints:
    """What a data set, or the one it wraps, says: ``transform``, ``color_rgb``, ``metainfo``.

    Args:
        base: A data set; wrappers are looked through by their ``dataset`` or ``datasets``.
    """
    mean = std = names = bgr = None
    for dataset in _unwrapped(base):
        if mean is None:
            mean, std = _normalisation(getattr(dataset, "transform", None))
        if bgr is None and hasattr(dataset, "color_rgb"):
            bgr = not dataset.color_rgb
        if names is None:
            names = _mmpose_names(getattr(dataset, "metainfo", None))
    return Hints(mean, std, bgr, names)


def merge_hints(
    found: Hints,
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    bgr: bool | None = None,
    skeleton: str | Sequence[str] | None = None,
    photograph: bool | None = None,
) -> Hints:
    """Hints in which what a user passed comes before what was found."""
    return Hints(
        found.mean if mean is None else tuple(mean),
        found.std if std is None else tuple(std),
        found.bgr if bgr is None else bgr,
        keypoint_names(skeleton) or found.names,
        photograph,
    )


def _unwrapped(dataset: Any) -> Iterator[Any]:
    for _ in range(DEPTH):
        if dataset is None:
            return
        yield dataset
        several = getattr(dataset, "datasets", None)
        dataset = several[0] if isinstance(several, (list, tuple)) and several else getattr(dataset, "dataset", None)


def _normalisation(transform: Any) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Mean and standard deviation of the last normalising step, as ``torchvision.transforms.Normalize`` has them."""
    steps = getattr(transform, "transforms", None)
    for step in reversed(steps if isinstance(steps, (list, tuple)) else [transform]):
        if hasattr(step, "mean") and hasattr(step, "std"):
            mean, std = np.ravel(step.mean), np.ravel(step.std)
            return tuple(mean.astype(float).tolist()), tuple(std.astype(float).tolist())
    return None, None


def _mmpose_names(metainfo: Any) -> Sequence[str] | None:
    if not isinstance(metainfo, dict) or "keypoint_id2name" not in metainfo:
        return None
    by_id = metainfo["keypoint_id2name"]
    return [by_id[index] for index in sorted(by_id)]
