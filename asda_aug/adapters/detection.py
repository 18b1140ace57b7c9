"""Pairs of a photograph and its people: torchvision's detection targets and COCO's own annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asda_aug.adapters.annotations import (
    Points,
    like_values,
    read_points,
    same_sequence,
    to_array,
    with_flags_cleared,
    write_points,
)
from asda_aug.adapters.hints import Hints
from asda_aug.errors import AdapterError
from asda_aug.pixels import is_image
from asda_aug.scene import Scene

VISIBILITY = ("visibility", "visible", "keypoints_visible", "keypoint_visibility")
"""Where a target keeps v if its keypoints are x y only, as ``tv_tensors.KeyPoints`` are."""


class DetectionAdapter:
    """``(image, target)`` as torchvision's detection models take them, plain or ``tv_tensors``.

    Required: ``target["boxes"]`` [P, 4], x0 y0 x1 y1, or ``tv_tensors.BoundingBoxes`` of any upright format.
    Optional: ``target["keypoints"]`` [P, K, 3] with v of COCO, or [P, K, 2] with v in ``target["visibility"]`` [P, K].

    Modified: the image; v where a covered keypoint is marked (1) or dropped (0).

    Added: ``target["asda"]``, ``target["asda_mask"]`` on request.
    """

    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    @staticmethod
    def recognises(sample: Any) -> bool:
        """Whether the sample has this structure."""
        return _is_pair(sample) and isinstance(sample[1], Mapping) and "boxes" in sample[1]

    def read(self, sample: Any) -> Scene:
        """See :class:`asda_aug.adapters.Adapter`."""
        image, target = sample
        boxes = boxes_xyxy(target["boxes"])
        points = target_points(target, "target['keypoints']") if "keypoints" in target and len(boxes) else None
        return photograph(image, boxes, points, self._hints)

    def write(self, sample: Any, scene: Scene) -> Any:
        """See :class:`asda_aug.adapters.Adapter`."""
        target = sample[1]
        if "keypoints" in target and scene.people:
            target = write_target(target, scene, "target['keypoints']")
        return same_sequence(sample, (scene.image, target))

    def attach(self, sample: Any, name: str, value: Any) -> Any:
        """Add a field to the target."""
        return same_sequence(sample, (sample[0], {**sample[1], name: value}))


class CocoAdapter:
    """``(image, annotations)`` as ``torchvision.datasets.CocoDetection`` gives them.

    Required: each annotation's ``bbox``, x y w h. Optional: ``keypoints``, a flat list x y v …. Crowds are nobody.

    Modified: the image; v where a covered keypoint is marked (1) or dropped (0), in copies of the annotations.
    """

    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    @staticmethod
    def recognises(sample: Any) -> bool:
        """Whether the sample has this structure."""
        return (
            _is_pair(sample)
            and isinstance(sample[1], (list, tuple))
            and bool(sample[1])
            and all(isinstance(each, Mapping) and "bbox" in each for each in sample[1])
        )

    def read(self, sample: Any) -> Scene:
        """See :class:`asda_aug.adapters.Adapter`."""
        image, annotations = sample
        people = [each for each in annotations if _is_person(each)]
        boxes = np.array([each["bbox"] for each in people], float).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        points = None
        if people and any("keypoints" in each for each in people):
            length = max(len(each.get("keypoints", ())) for each in people)
            flat = np.array([each.get("keypoints") or [0] * length for each in people], float)
            points = read_points(flat.reshape(len(people), -1, 3), "keypoints")
        return photograph(image, boxes, points, self._hints)

    def write(self, sample: Any, scene: Scene) -> Any:
        """See :class:`asda_aug.adapters.Adapter`."""
        flags = zip(scene.labelled, scene.visible, strict=True)
        annotations = [_written(each, *next(flags)) if _is_person(each) else each for each in sample[1]]
        return same_sequence(sample, (scene.image, same_sequence(sample[1], annotations)))


def photograph(image: Any, boxes: NDArray[Any], points: Points | None, hints: Hints) -> Scene:
    """The scene of a photograph with boxes [P, 4] and perhaps keypoints."""
    return Scene(
        image, None if points is None else points.points, boxes=boxes, crop=False,
        labelled=None if points is None else points.labelled, visible=None if points is None else points.visible,
        mean=hints.mean, std=hints.std, bgr=bool(hints.bgr),
        keypoint_names=None if points is None else hints.names_of(points.points.shape[1]),
    )  # fmt: skip


def boxes_xyxy(boxes: Any) -> NDArray[np.float64]:
    """Boxes of a target as x0 y0 x1 y1, float64 [P, 4].

    Raises:
        AdapterError: If their format is a turned one.
    """
    array = to_array(boxes).astype(np.float64).reshape(-1, 4) if np.size(boxes) != 0 else np.zeros((0, 4))
    form = getattr(getattr(boxes, "format", None), "name", "XYXY")
    if form == "XYWH":
        array[:, 2:] += array[:, :2]
    elif form == "CXCYWH":
        array = np.concatenate([array[:, :2] - array[:, 2:] / 2, array[:, :2] + array[:, 2:] / 2], axis=1)
    elif form != "XYXY":
        raise AdapterError(f"boxes have the format {form}; expected XYXY, XYWH or CXCYWH")
    return array


def target_points(target: Mapping[str, Any], where: str) -> Points:
    """Keypoints of a target, with v beside them if it is not among them."""
    points = read_points(target["keypoints"], where)
    key = _visibility_key(target)
    if key is None or np.shape(target["keypoints"])[-1] != 2:
        return points
    flags = _two_axes(to_array(target[key]))
    return Points(points.points, flags > 0, flags > 1 if flags.dtype != bool else flags)


def write_target(target: Mapping[str, Any], scene: Scene, where: str) -> dict[str, Any]:
    """The target with v changed where the scene's flags have; the same object if none have."""
    key = _visibility_key(target)
    if key is None or np.shape(target["keypoints"])[-1] != 2:
        keypoints = write_points(target["keypoints"], scene, where)
        return target if keypoints is target["keypoints"] else {**target, "keypoints": keypoints}  # type: ignore[return-value]
    before = target_points(target, where)
    dropped, marked = before.labelled & ~scene.labelled, before.visible & ~scene.visible
    if not (dropped | marked).any():
        return target  # type: ignore[return-value]
    shape = np.shape(target[key])
    if to_array(target[key]).dtype == bool:
        return {**target, key: with_flags_cleared(target[key], (dropped | marked).reshape(shape))}
    ones = np.where(marked & ~dropped, 1, _two_axes(to_array(target[key]))).reshape(shape)
    return {**target, key: with_flags_cleared(like_values(target[key], ones), dropped.reshape(shape))}


def _visibility_key(target: Mapping[str, Any]) -> str | None:
    return next((key for key in VISIBILITY if key in target), None)


def _two_axes(flags: NDArray[Any]) -> NDArray[Any]:
    return flags[None] if flags.ndim == 1 else flags


def _is_pair(sample: Any) -> bool:
    return isinstance(sample, (tuple, list)) and len(sample) == 2 and is_image(sample[0])


def _is_person(annotation: Mapping[str, Any]) -> bool:
    return not annotation.get("iscrowd") and annotation.get("category_id", 1) == 1


def _written(annotation: Mapping[str, Any], labelled: Any, visible: Any) -> Mapping[str, Any]:
    if not annotation.get("keypoints"):
        return annotation
    flat = list(annotation["keypoints"])
    for joint, value in enumerate(flat[2::3]):
        flat[3 * joint + 2] = 0 if not labelled[joint] else min(value, 2 if visible[joint] else 1)
    return {**annotation, "keypoints": flat}
