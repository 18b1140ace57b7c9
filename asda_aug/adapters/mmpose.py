"""The samples of MMPose, in the middle of a pipeline and at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asda_aug.adapters.annotations import Points
from asda_aug.adapters.built_in import BuiltInAdapter
from asda_aug.adapters.containers import Array, like_sequence, to_array, with_empty_maps, with_fields, with_zeros
from asda_aug.errors import AdapterError
from asda_aug.scene.image_arrays import is_image, is_tensor
from asda_aug.scene.scene import Scene

FLAGS = ("keypoints_visible", "keypoints_visible_weights")
"""Fields [N, K] or [N, K, …] that are 0 for an unlabelled keypoint."""
INTO_PIPELINE = "put PasteParts into the pipeline before GenerateTarget"


class MMPoseAdapter(BuiltInAdapter):
    """The dictionary that MMPose's transforms hand on.

    Required: ``img`` [H, W, 3] BGR. ``transformed_keypoints`` [N, K, 2], pixels of the crop (after ``TopdownAffine``),
    or before it ``keypoints`` [N, K, 2] and ``bbox`` [N, 4] x0 y0 x1 y1, pixels of the photograph;
    ``keypoints_visible`` [N, K] or [N, K, 2], 0 is unlabelled.

    Modified: ``img``; where a covered keypoint is dropped ``keypoints_visible`` and, if they exist already,
    ``keypoint_weights``, ``keypoints_visible_weights`` and ``heatmaps``, lists of several encoders included. MMPose has
    one flag for labelled and visible, and trains on it; a marked keypoint therefore keeps it, and

    Added: ``keypoints_occluded`` bool [N, K] says which are marked. ``asda``, ``asda_mask`` on request.
    """

    def recognises(self, sample: Any) -> bool:
        """Whether the sample has this structure."""
        return isinstance(sample, Mapping) and "img" in sample and is_image(sample["img"])

    def read(self, sample: Any) -> Scene:
        """The crop or photograph, and the keypoints and boxes of its people."""
        crop = "transformed_keypoints" in sample or "bbox" not in sample
        boxes = None if crop else sample["bbox"]
        return self._hints.scene(sample["img"], _points(sample), boxes=boxes, crop=crop, bgr=True)

    def write(self, sample: Any, scene: Scene) -> Any:
        """A copy of the dictionary with the scene's image, and flags, weights and heat maps as the scene has them."""
        fields = {"img": scene.image}
        before = _points(sample) if scene.relabelled else None
        if before is not None:
            dropped: NDArray[np.bool_] = before.labelled & ~scene.labelled
            fields |= {key: with_zeros(sample[key], dropped) for key in FLAGS if key in sample}
            if "keypoint_weights" in sample:
                fields["keypoint_weights"] = _unweighted(sample["keypoint_weights"], dropped)
            if "heatmaps" in sample:
                fields["heatmaps"] = _without(sample["heatmaps"], dropped)
            if not scene.visible.all():
                fields["keypoints_occluded"] = ~scene.visible
        return with_fields(sample, fields)

    def with_place_for_marks(self, sample: Any) -> Any:
        """Add ``keypoints_occluded`` without a mark: packing and collating want it in every sample or in none."""
        points = _points(sample)
        if points is None or "keypoints_occluded" in sample:
            return sample
        return with_fields(sample, {"keypoints_occluded": np.zeros(points.labelled.shape, bool)})

    def attach(self, sample: Any, name: str, value: Any) -> Any:
        """Add a field to the dictionary."""
        return with_fields(sample, {name: value})


class PackedMMPoseAdapter(BuiltInAdapter):
    """What a top-down pipeline ends in: ``{"inputs": [3, H, W] uint8 BGR, "data_samples": PoseDataSample}``.

    Keypoints of the crop are ``gt_instances.transformed_keypoints`` where ``pack_transformed=True`` put them, else the
    peaks of ``gt_fields.heatmaps``, up to half a cell off; ``keypoints`` are those of the photograph.
    ``gt_instance_labels.keypoint_weights`` [1, K], or [L, 1, K] of L encoders, is 0 for an unlabelled keypoint.

    Modified: ``inputs``; where a covered keypoint is dropped ``gt_fields.heatmaps`` and ``keypoint_weights``, in
    copies. Marking needs the transform in the pipeline.

    Added: ``asda``, ``asda_mask`` in the outer dictionary on request.
    """

    for_keypoints = "pass pack_transformed=True to PackPoseInputs"

    def recognises(self, sample: Any) -> bool:
        """Whether the sample has this structure."""
        return (
            isinstance(sample, Mapping) and "inputs" in sample and hasattr(sample.get("data_samples"), "gt_instances")
        )

    def read(self, sample: Any) -> Scene:
        """The crop and the keypoints of its person."""
        return self._hints.scene(sample["inputs"], _packed_points(sample), bgr=True)

    def write(self, sample: Any, scene: Scene) -> Any:
        """A copy of the dictionary with the scene's image, and of ``data_samples`` where keypoints are dropped."""
        fields = {"inputs": scene.image}
        before = _packed_points(sample) if scene.relabelled else None
        if before is not None:
            if not scene.visible.all():
                raise AdapterError(
                    f"a packed MMPose sample has no place to mark a covered keypoint; {INTO_PIPELINE}, "
                    "or pass on_occlusion='keep' or 'drop'"
                )
            dropped: NDArray[np.bool_] = before.labelled & ~scene.labelled
            if dropped.any():
                fields["data_samples"] = _dropped(sample["data_samples"], dropped)
        return with_fields(sample, fields)

    def attach(self, sample: Any, name: str, value: Any) -> Any:
        """Add a field to the outer dictionary."""
        return with_fields(sample, {name: value})


def _points(sample: Mapping[str, Any]) -> Points | None:
    """Keypoints of a dictionary; ``TopdownAffine`` makes a number of them if there are none."""
    points = to_array(sample.get("transformed_keypoints", sample.get("keypoints", 0.0)))
    if points.ndim != 3:
        return None
    labelled = np.ones(points.shape[:2], bool)
    if "keypoints_visible" in sample:
        labelled = to_array(sample["keypoints_visible"]).reshape(*labelled.shape, -1)[..., 0] > 0
    return Points(points[..., :2], labelled, np.ones_like(labelled))


def _packed_points(sample: Mapping[str, Any]) -> Points | None:
    packed = sample["data_samples"]
    labels, fields = packed.get("gt_instance_labels"), packed.get("gt_fields")
    if labels is None or "keypoint_weights" not in labels:
        return None
    weights = to_array(labels.keypoint_weights)
    # Packing stacks what several encoders have returned.
    labelled: NDArray[np.bool_] = np.any(weights.reshape(-1, *weights.shape[-2:]) > 0, axis=0)
    if len(labelled) != 1:
        raise AdapterError(f"a packed MMPose sample of {len(labelled)} people cannot be read; {INTO_PIPELINE}")
    if "transformed_keypoints" in packed.gt_instances:
        points = to_array(packed.gt_instances.transformed_keypoints)[..., :2]
    else:
        maps: Any = None if fields is None else fields.get("heatmaps")
        maps = maps[-1] if isinstance(maps, (list, tuple)) and maps else maps
        if not is_tensor(maps) or len(maps) != labelled.shape[1]:
            return None
        points = _peaks(to_array(maps), sample["inputs"].shape)[None]
    return Points(points, labelled, np.ones_like(labelled))


def _peaks(heatmaps: Array, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Place of the largest value of every heat map [K, h, w], in pixels of an image [3, H, W].

    MMPose's codecs put a keypoint at x on the cell round(x · w / W).
    """
    count, height, width = heatmaps.shape
    rows, columns = np.divmod(heatmaps.reshape(count, -1).argmax(axis=1), width)
    return np.stack([columns * shape[2] / width, rows * shape[1] / height], axis=1)


def _dropped(packed: Any, dropped: NDArray[np.bool_]) -> Any:
    """A copy of a ``PoseDataSample`` in which keypoints are without weight and heat map."""
    # MMEngine's clone shares what is inside.
    packed, labels = packed.clone(), packed.gt_instance_labels.clone()
    labels.keypoint_weights = _unweighted(labels.keypoint_weights, dropped)
    packed.gt_instance_labels = labels
    if "heatmaps" in packed.get("gt_fields", ()):
        fields = packed.gt_fields.clone()
        fields.heatmaps = _without(fields.heatmaps, dropped)
        packed.gt_fields = fields
    return packed


def _unweighted(weights: Any, dropped: NDArray[np.bool_]) -> Any:
    """Weights of keypoints that are 0 where ``dropped`` is set.

    Args:
        weights: [N, K] or [N, K, …]; of several encoders a list of such, or [L, N, K].
        dropped: bool [N, K].
    """
    shape = np.shape(weights)
    if shape[:2] == dropped.shape:
        return with_zeros(weights, dropped)
    if isinstance(weights, list):
        return like_sequence(weights, [with_zeros(each, dropped) for each in weights])
    return with_zeros(weights, np.broadcast_to(dropped, shape))


def _without(heatmaps: Any, dropped: NDArray[np.bool_]) -> Any:
    if not dropped.any():
        return heatmaps
    if len(dropped) != 1:
        raise AdapterError(
            f"{len(dropped)} people share heat maps, so one's keypoint cannot be dropped; {INTO_PIPELINE}"
        )
    return with_empty_maps(heatmaps, dropped[0])
