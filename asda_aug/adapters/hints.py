"""What a sample does not say of itself, and the data set that it comes from may."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from asda_aug.adapters.annotations import Points
from asda_aug.scene.scene import Scene
from asda_aug.scene.skeletons import BY_LENGTH, keypoint_names
from partpool.errors import ConfigError

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

    def scene(
        self, image: Any, people: Points | None = None, *, boxes: Any = None, crop: bool = True, bgr: bool = False
    ) -> Scene:
        """The scene of a sample.

        Args:
            image: The sample's image.
            people: Its keypoints; None if it has none.
            boxes: Box of every person; None if it has none.
            crop: Whether such samples are crops, unless ``photograph`` says it.
            bgr: Whether such samples are BGR, unless ``bgr`` says it.
        """
        points, labelled, visible = people or (None, None, None)
        names = self.names if self.names is not None else BY_LENGTH.get(0 if points is None else points.shape[1])
        return Scene(
            image, points, labelled=labelled, visible=visible, boxes=boxes,
            crop=crop if self.photograph is None else not self.photograph,
            mean=self.mean, std=self.std, bgr=bgr if self.bgr is None else self.bgr, keypoint_names=names,
        )  # fmt: skip


def find_hints(base: Any) -> Hints:
    """What a data set, or the ones it is joined of, say of themselves.

    Raises:
        ConfigError: If joined data sets store their images in different ways.
    """
    several = getattr(base, "datasets", None)
    if not isinstance(several, (list, tuple)) or not several:
        return _hints_of(base)
    first, *others = (find_hints(each) for each in several)
    for other in others:
        if (other.mean, other.std, other.bgr) != (first.mean, first.std, first.bgr):
            raise ConfigError(
                f"the joined data sets store images in different ways ({first} and {other}); "
                "wrap each before joining them"
            )
    return first


def _hints_of(base: Any) -> Hints:
    """What a data set, or the one it wraps, says: ``transform`` or ``transforms``, ``color_rgb``, ``metainfo``.

    Args:
        base: A data set; wrappers are looked through by their ``dataset``.
    """
    mean = std = names = bgr = None
    for dataset in unwrapped(base):
        for attribute in ("transform", "transforms"):
            if mean is None:
                mean, std = _normalisation(getattr(dataset, attribute, None))
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
        found.mean if mean is None else _floats(mean),
        found.std if std is None else _floats(std),
        found.bgr if bgr is None else bgr,
        keypoint_names(skeleton) or found.names,
        photograph,
    )


def unwrapped(dataset: Any) -> Iterator[Any]:
    """A data set, and those that it wraps one within the other."""
    for _ in range(DEPTH):
        if dataset is None:
            return
        yield dataset
        dataset = getattr(dataset, "dataset", None)


def _normalisation(transform: Any) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Mean and standard deviation of the last normalising step, as ``torchvision.transforms.Normalize`` has them.

    ``Compose`` keeps its steps in ``transforms``, a torchvision data set its two functions in ``StandardTransform``.
    """
    if getattr(transform, "mean", None) is not None and getattr(transform, "std", None) is not None:
        return _floats(transform.mean), _floats(transform.std)
    steps = getattr(transform, "transforms", None)
    for step in reversed(steps) if isinstance(steps, (list, tuple)) else [getattr(transform, "transform", None)]:
        mean, std = _normalisation(step) if step is not None else (None, None)
        if mean is not None:
            return mean, std
    return None, None


def _floats(colours: Any) -> tuple[float, ...]:
    return tuple(np.ravel(colours).astype(float).tolist())


def _mmpose_names(metainfo: Any) -> Sequence[str] | None:
    if not isinstance(metainfo, dict) or "keypoint_id2name" not in metainfo:
        return None
    by_id = metainfo["keypoint_id2name"]
    return [by_id[index] for index in sorted(by_id)]
