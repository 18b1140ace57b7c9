"""Samples without a framework: an image alone, with keypoints, or in a dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from asda_aug.adapters.annotations import is_keypoints, read_points, same_sequence, write_points
from asda_aug.adapters.detection import boxes_xyxy, target_points, write_target
from asda_aug.adapters.hints import Hints
from asda_aug.pixels import is_image
from asda_aug.scene import Scene


class PairAdapter:
    """``(image, keypoints)``.

    Required: keypoints [K, 2], [K, 3], or those for P people, with v of COCO in a third column.

    Modified: the image; v where a covered keypoint is marked (1) or dropped (0).
    """

    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    @staticmethod
    def recognises(sample: Any) -> bool:
        """Whether the sample has this structure."""
        return (
            isinstance(sample, (tuple, list)) and len(sample) == 2 and is_image(sample[0]) and is_keypoints(sample[1])
        )

    def read(self, sample: Any) -> Scene:
        """See :class:`asda_aug.adapters.Adapter`."""
        image, keypoints = sample
        points = read_points(keypoints, "the keypoints")
        several = len(points.points) > 1
        crop = not (several if self._hints.photograph is None else self._hints.photograph)
        return Scene(
            image, points.points, labelled=points.labelled, visible=points.visible, crop=crop,
            mean=self._hints.mean, std=self._hints.std, bgr=bool(self._hints.bgr),
            keypoint_names=self._hints.names_of(points.points.shape[1]),
        )  # fmt: skip

    def write(self, sample: Any, scene: Scene) -> Any:
        """See :class:`asda_aug.adapters.Adapter`."""
        return same_sequence(sample, (scene.image, write_points(sample[1], scene, "the keypoints")))


class MappingAdapter:
    """A dictionary, as Albumentations and many loops use it.

    Required: ``image``. Optional: ``keypoints`` [K, 2 or 3], or those for P people, with v of COCO in a third column or
    in ``visibility``; ``bbox`` or ``bboxes`` or ``boxes``, x0 y0 x1 y1: with them the image is a photograph.

    Modified: ``image``; v where a covered keypoint is marked (1) or dropped (0).

    Added: ``asda``, ``asda_mask`` on request.
    """

    BOXES = ("bboxes", "bbox", "boxes")

    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    @staticmethod
    def recognises(sample: Any) -> bool:
        """Whether the sample has this structure."""
        return isinstance(sample, Mapping) and "image" in sample and is_image(sample["image"])

    def read(self, sample: Any) -> Scene:
        """See :class:`asda_aug.adapters.Adapter`."""
        points = target_points(sample, "'keypoints'") if self._has_keypoints(sample) else None
        key = next((key for key in self.BOXES if key in sample and np.size(sample[key])), None)
        boxes = None if key is None else boxes_xyxy(sample[key])
        if boxes is not None and points is not None and len(boxes) != len(points.points):
            # Boxes of things without keypoints: the people cannot be told, the picture can.
            boxes = None
        several = boxes is not None or (points is not None and len(points.points) > 1)
        hints = self._hints
        return Scene(
            sample["image"], None if points is None else points.points, boxes=boxes,
            crop=not (several if hints.photograph is None else hints.photograph),
            labelled=None if points is None else points.labelled, visible=None if points is None else points.visible,
            mean=hints.mean, std=hints.std, bgr=bool(hints.bgr),
            keypoint_names=None if points is None else hints.names_of(points.points.shape[1]),
        )  # fmt: skip

    def write(self, sample: Any, scene: Scene) -> Any:
        """See :class:`asda_aug.adapters.Adapter`."""
        if self._has_keypoints(sample):
            sample = write_target(sample, scene, "'keypoints'")
        return {**sample, "image": scene.image}

    def attach(self, sample: Any, name: str, value: Any) -> Any:
        """Add a field to the dictionary."""
        return {**sample, name: value}

    @staticmethod
    def _has_keypoints(sample: Mapping[str, Any]) -> bool:
        return "keypoints" in sample and np.size(sample["keypoints"]) > 0


class ImageAdapter:
    """A bare image, taken as a crop around one person."""

    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    @staticmethod
    def recognises(sample: Any) -> bool:
        """Whether the sample has this structure."""
        return is_image(sample)

    def read(self, sample: Any) -> Scene:
        """See :class:`asda_aug.adapters.Adapter`."""
        return Scene(sample, mean=self._hints.mean, std=self._hints.std, bgr=bool(self._hints.bgr))

    def write(self, sample: Any, scene: Scene) -> Any:
        """See :class:`asda_aug.adapters.Adapter`."""
        del sample
        return scene.image
