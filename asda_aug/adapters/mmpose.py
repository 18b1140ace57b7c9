"""The samples of MMPose, in the middle of a pipeline and at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asda_aug.adapters.annotations import to_array, with_flags_cleared
from asda_aug.adapters.hints import Hints
from asda_aug.errors import AdapterError
from asda_aug.pixels import is_image
from asda_aug.scene import Scene


class MMPoseAdapter:
    """The dictionary that MMPose's transforms hand on.

    Required: ``img`` [H, W, 3] BGR. ``transformed_keypoints`` [N, K, 2], pixels of the crop (after ``TopdownAffine``),
    or before it ``keypoints`` [N, K, 2] and ``bbox`` [N, 4] x0 y0 x1 y1, pixels of the photograph;
    ``keypoints_visible`` [N, K] or [N, K, 2], 0 is unlabelled.

    Modified: ``img``; where a covered keypoint is dropped ``keypoints_visible`` and, if they exist already,
    ``keypoint_weights`` and ``heatmaps``. MMPose has one flag for labelled and visible, and trains on it; a marked
    keypoint therefore keeps it, and

    Added: ``keypoints_occluded`` bool [N, K] says which are marked. ``asda``, ``asda_mask`` on request.
    """

    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    @staticmethod
    def recognises(sample: Any) -> bool:
        """Whether the sample has this structure."""
        return isinstance(sample, Mapping) and "img" in sample and is_image(sample["img"])

    def read(self, sample: Any) -> Scene:
        """See :class:`asda_aug.adapters.Adapter`."""
        crop = "transformed_keypoints" in sample or "bbox" not in sample
        points = sample.get("transformed_keypoints", sample.get("keypoints"))
        labelled = None if points is None else _labelled(sample, np.shape(points)[:2])
        return Scene(
            sample["img"], points, labelled=labelled, boxes=None if crop else sample["bbox"], crop=crop,
            mean=self._hints.mean, std=self._hints.std, bgr=self._hints.bgr is not False,
            keypoint_names=None if points is None else self._hints.names_of(np.shape(points)[1]),
        )  # fmt: skip

    def write(self, sample: Any, scene: Scene) -> Any:
        """See :class:`asda_aug.adapters.Adapter`."""
        written = {**sample, "img": scene.image}
        if scene.labelled.size:
            dropped: NDArray[np.bool_] = np.asarray(_labelled(sample, scene.labelled.shape) & ~scene.labelled)
            for key in ("keypoints_visible", "keypoint_weights"):
                if key in sample:
                    written[key] = with_flags_cleared(sample[key], dropped)
            if "heatmaps" in sample and len(sample["heatmaps"]) == dropped.shape[1]:
                written["heatmaps"] = with_flags_cleared(sample["heatmaps"], np.asarray(dropped.any(axis=0)))
            if not scene.visible.all():
                written["keypoints_occluded"] = ~scene.visible
        return written

    def attach(self, sample: Any, name: str, value: Any) -> Any:
        """Add a field to the dictionary."""
        return {**sample, name: value}


class PackedMMPoseAdapter:
    """What ``PackPoseInputs`` makes: ``{"inputs": [3, H, W] uint8 BGR, "data_samples": PoseDataSample}``.

    Keypoints of the crop are ``gt_instances.transformed_keypoints`` where ``pack_transformed=True`` put them, else the
    peaks of ``gt_fields.heatmaps``, which are a few pixels off; ``keypoints`` are those of the photograph.

    Modified: ``inputs``; where a covered keypoint is dropped ``gt_fields.heatmaps`` and
    ``gt_instance_labels.keypoint_weights``. Marking needs the transform in the pipeline.

    Added: ``asda``, ``asda_mask`` in the outer dictionary on request.
    """

    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    @staticmethod
    def recognises(sample: Any) -> bool:
        """Whether the sample has this structure."""
        return isinstance(sample, Mapping) and "inputs" in sample and _is_packed(sample.get("data_samples"))

    def read(self, sample: Any) -> Scene:
        """See :class:`asda_aug.adapters.Adapter`."""
        points, labelled = self._keypoints(sample)
        return Scene(
            sample["inputs"], points, labelled=labelled, mean=self._hints.mean, std=self._hints.std,
            bgr=self._hints.bgr is not False,
            keypoint_names=None if points is None else self._hints.names_of(points.shape[1]),
        )  # fmt: skip

    def write(self, sample: Any, scene: Scene) -> Any:
        """See :class:`asda_aug.adapters.Adapter`."""
        written = {**sample, "inputs": scene.image}
        before = self._keypoints(sample)[1]
        if before is None or (scene.visible.all() and (before == scene.labelled).all()):
            return written
        dropped = before & ~scene.labelled
        if not dropped.any():
            raise AdapterError(
                "a packed MMPose sample has no place to mark a covered keypoint; "
                "put PasteParts into the pipeline before GenerateTarget, or pass on_occlusion='keep' or 'drop'"
            )
        packed = sample["data_samples"].clone()
        labels, fields = packed.gt_instance_labels, getattr(packed, "gt_fields", None)
        labels.keypoint_weights = with_flags_cleared(labels.keypoint_weights, dropped)
        if fields is not None and "heatmaps" in fields:
            fields.heatmaps = with_flags_cleared(fields.heatmaps, np.asarray(dropped.any(axis=0)))
        return {**written, "data_samples": packed}

    def attach(self, sample: Any, name: str, value: Any) -> Any:
        """Add a field to the outer dictionary."""
        return {**sample, name: value}

    def _keypoints(self, sample: Any) -> tuple[NDArray[Any] | None, NDArray[np.bool_] | None]:
        packed = sample["data_samples"]
        labels = getattr(packed, "gt_instance_labels", None)
        if labels is None or "keypoint_weights" not in labels:
            return None, None
        labelled = to_array(labels.keypoint_weights) > 0
        if "transformed_keypoints" in packed.gt_instances:
            return to_array(packed.gt_instances.transformed_keypoints), labelled
        fields = getattr(packed, "gt_fields", None)
        if fields is None or "heatmaps" not in fields or len(fields.heatmaps) != labelled.shape[1]:
            return None, None
        return _peaks(to_array(fields.heatmaps), sample["inputs"].shape)[None], labelled


def _is_packed(data_samples: Any) -> bool:
    return hasattr(data_samples, "gt_instances")


def _labelled(sample: Mapping[str, Any], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    if "keypoints_visible" not in sample:
        return np.ones(shape, bool)
    flags = to_array(sample["keypoints_visible"])
    return (flags if flags.ndim == 2 else flags[..., 0]) > 0


def _peaks(heatmaps: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Middle of the largest cell of every heat map [K, h, w], in pixels of an image [3, H, W]."""
    count, height, width = heatmaps.shape
    rows, columns = np.divmod(heatmaps.reshape(count, -1).argmax(axis=1), width)
    return np.stack([(columns + 0.5) * shape[2] / width, (rows + 0.5) * shape[1] / height], axis=1)
