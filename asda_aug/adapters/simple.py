"""Samples without a framework: an image alone, with keypoints, or in a dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asda_aug.adapters.annotations import boxes_xyxy, changed_points, is_keypoints, read_points
from asda_aug.adapters.built_in import BuiltInAdapter
from asda_aug.adapters.containers import like_sequence, with_fields
from asda_aug.adapters.detection import is_pair
from asda_aug.scene.image_arrays import is_image
from asda_aug.scene.scene import Scene


class PairAdapter(BuiltInAdapter):
    """``(image, keypoints)``.

    Required: keypoints [K, 2], [K, 3], or those for P people, with v of COCO in a third column. Several people make
    the image a photograph.

    Modified: the image; v where a covered keypoint is marked (1) or dropped (0).
    """

    def recognises(self, sample: Any) -> bool:
        """Whether the sample has this structure."""
        return is_pair(sample) and is_keypoints(sample[1])

    def read(self, sample: Any) -> Scene:
        """The image and the keypoints of its people."""
        image, keypoints = sample
        points = read_points({"keypoints": keypoints})
        return self._hints.scene(image, points, crop=points is None or len(points.points) == 1)

    def write(self, sample: Any, scene: Scene) -> Any:
        """The pair with the scene's image, and v as the scene has it."""
        fields = {"keypoints": sample[1]}
        return like_sequence(sample, (scene.image, {**fields, **changed_points(fields, scene)}["keypoints"]))


class MappingAdapter(BuiltInAdapter):
    """A dictionary, as Albumentations and many loops use it.

    Required: ``image``. Optional: ``keypoints`` [K, 2 or 3], or those for P people, with v of COCO in a third column or
    in ``visibility``; ``bboxes`` or ``bbox`` or ``boxes``, x0 y0 x1 y1: with them, as with several people's keypoints,
    the image is a photograph.

    Modified: ``image``; v where a covered keypoint is marked (1) or dropped (0).

    Added: ``asda``, ``asda_mask`` on request.
    """

    BOXES = ("bboxes", "bbox", "boxes")

    def recognises(self, sample: Any) -> bool:
        """Whether the sample has this structure."""
        return isinstance(sample, Mapping) and "image" in sample and is_image(sample["image"])

    def read(self, sample: Any) -> Scene:
        """The image, and the keypoints and boxes of its people."""
        points = read_points(sample)
        boxes = next((boxes_xyxy(sample[key]) for key in self.BOXES if key in sample), None)
        people = 1 if points is None else len(points.points)
        crop = boxes is None and people == 1
        if boxes is not None and points is not None and len(boxes) != people:
            # Boxes of other things too: who of them the keypoints belong to cannot be told.
            boxes = None
        return self._hints.scene(sample["image"], points, boxes=boxes, crop=crop)

    def write(self, sample: Any, scene: Scene) -> Any:
        """A copy of the dictionary with the scene's image, and v as the scene has it."""
        return with_fields(sample, {"image": scene.image, **changed_points(sample, scene)})

    def attach(self, sample: Any, name: str, value: Any) -> Any:
        """Add a field to the dictionary."""
        return with_fields(sample, {name: value})


class ImageAdapter(BuiltInAdapter):
    """A bare image, taken as a crop around one person."""

    def recognises(self, sample: Any) -> bool:
        """Whether the sample has this structure."""
        return is_image(sample)

    def read(self, sample: Any) -> Scene:
        """The image."""
        return self._hints.scene(sample)

    def write(self, sample: Any, scene: Scene) -> Any:
        """The scene's image."""
        del sample
        return scene.image
