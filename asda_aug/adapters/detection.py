"""Pairs of a photograph and its people: torchvision's detection targets and COCO's own annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asda_aug.adapters.annotations import boxes_xyxy, changed_points, read_points, write_points
from asda_aug.adapters.built_in import BuiltInAdapter
from asda_aug.adapters.containers import like_numbers, like_sequence, to_array, with_fields
from asda_aug.scene.image_arrays import is_image
from asda_aug.scene.scene import Scene

COCO_PERSON = 1
"""COCO's category of people."""


class DetectionAdapter(BuiltInAdapter):
    """``(image, target)`` as torchvision's detection models take them, plain or ``tv_tensors``.

    Required: ``target["boxes"]`` [P, 4], x0 y0 x1 y1, or ``tv_tensors.BoundingBoxes`` of any upright format; or
    ``target["keypoints"]`` [P, K, 3] with v of COCO, or [P, K, 2] with v in ``target["visibility"]`` [P, K]. Without
    keypoints, people are boxes whose ``labels`` are 1 and ``iscrowd`` 0, where there are such fields. Without boxes,
    the keypoints of a single person make the image a crop.

    Modified: the image; v where a covered keypoint is marked (1) or dropped (0).

    Added: ``target["asda"]``, ``target["asda_mask"]`` on request.
    """

    def recognises(self, sample: Any) -> bool:
        """Whether the sample has this structure."""
        return is_pair(sample) and isinstance(sample[1], Mapping) and ("boxes" in sample[1] or "keypoints" in sample[1])

    def read(self, sample: Any) -> Scene:
        """The image and its people: their boxes and keypoints."""
        image, target = sample
        points = read_points(target)
        boxes = boxes_xyxy(target["boxes"]) if "boxes" in target else None
        if boxes is not None and points is None:
            boxes = boxes[_are_people(target, len(boxes))]
        crop = boxes is None and points is not None and len(points.points) == 1
        return self._hints.scene(image, points, boxes=boxes, crop=crop)

    def write(self, sample: Any, scene: Scene) -> Any:
        """The pair with the scene's image, and a copy of the target where v has changed."""
        fields = changed_points(sample[1], scene)
        return like_sequence(sample, (scene.image, with_fields(sample[1], fields) if fields else sample[1]))

    def attach(self, sample: Any, name: str, value: Any) -> Any:
        """Add a field to the target."""
        return like_sequence(sample, (sample[0], with_fields(sample[1], {name: value})))


class CocoAdapter(BuiltInAdapter):
    """``(image, annotations)`` as ``torchvision.datasets.CocoDetection`` gives them.

    Required: each annotation's ``bbox``, x y w h. Optional: ``keypoints``, a flat list x y v …. People are annotations
    with keypoints or of category 1, but no crowds.

    Modified: the image; v where a covered keypoint is marked (1) or dropped (0), in copies of the annotations.
    """

    def recognises(self, sample: Any) -> bool:
        """Whether the sample has this structure; an image may have no annotations."""
        return (
            is_pair(sample)
            and isinstance(sample[1], (list, tuple))
            and all(isinstance(each, Mapping) and "bbox" in each for each in sample[1])
        )

    def read(self, sample: Any) -> Scene:
        """The photograph and the people among its annotations."""
        image, annotations = sample
        people = [each for each in annotations if _is_person(each)]
        boxes = np.array([each["bbox"] for each in people], float).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        # Whoever has fewer keypoints than others gets unlabelled ones.
        flat = np.zeros((len(people), max((len(_keypoints(each)) for each in people), default=0)))
        for row, person in zip(flat, people, strict=True):
            row[: len(_keypoints(person))] = _keypoints(person)
        points = read_points({"keypoints": flat.reshape(len(people), -1, 3)}) if flat.size else None
        return self._hints.scene(image, points, boxes=boxes, crop=False)

    def write(self, sample: Any, scene: Scene) -> Any:
        """The pair with the scene's image, and copies of the annotations where v has changed."""
        if not scene.relabelled:
            return like_sequence(sample, (scene.image, sample[1]))
        flags = zip(scene.labelled, scene.visible, strict=True)
        annotations = [_written(each, *next(flags)) if _is_person(each) else each for each in sample[1]]
        return like_sequence(sample, (scene.image, like_sequence(sample[1], annotations)))


def _are_people(target: Mapping[str, Any], count: int) -> NDArray[np.bool_]:
    people = np.ones(count, bool)
    for key, wanted in (("labels", COCO_PERSON), ("iscrowd", 0)):
        found = to_array(target[key]).ravel() if key in target else ()
        if len(found) == count:
            people &= found == wanted
    return people


def is_pair(sample: Any) -> bool:
    """Whether it is an image and one more thing."""
    return isinstance(sample, (tuple, list)) and len(sample) == 2 and is_image(sample[0])


def _keypoints(annotation: Mapping[str, Any]) -> Any:
    return annotation.get("keypoints") or ()


def _is_person(annotation: Mapping[str, Any]) -> bool:
    known = bool(_keypoints(annotation)) or annotation.get("category_id", COCO_PERSON) == COCO_PERSON
    return known and not annotation.get("iscrowd")


def _written(annotation: Mapping[str, Any], labelled: Any, visible: Any) -> Mapping[str, Any]:
    flat = _keypoints(annotation)
    count = len(flat) // 3
    triples = {"keypoints": np.reshape(flat, (count, 3))}
    changed = write_points(triples, labelled[None, :count], visible[None, :count]) if count else {}
    if not changed:
        return annotation
    return with_fields(annotation, {"keypoints": like_numbers(flat, changed["keypoints"].ravel())})
