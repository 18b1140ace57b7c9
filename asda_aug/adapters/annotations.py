"""Keypoints and boxes as people store them, in arrays, tensors or lists.

Keypoints are x y, or x y v. v is read as COCO does: 0 unlabelled, 1 labelled but occluded, 2 visible.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asda_aug.adapters.containers import Array, like_numbers, to_array
from asda_aug.errors import AdapterError
from asda_aug.scene.scene import Scene

VISIBILITY = ("visibility", "visible", "keypoints_visible", "keypoint_visibility")
"""Fields that v may be kept in if the keypoints are x y only, as ``tv_tensors.KeyPoints`` are. True in a bool field
means labelled and visible, False unlabelled."""


class Points(NamedTuple):
    """Keypoints [P, K, 2] and their two flags [P, K]."""

    points: Array
    labelled: NDArray[np.bool_]
    visible: NDArray[np.bool_]


def is_keypoints(field: Any) -> bool:
    """Whether it has the shape of keypoints: [K, 2 or 3], [P, K, 2 or 3], or none at all."""
    if isinstance(field, (str, bytes, Mapping)) or not hasattr(field, "__len__"):
        return False
    try:
        array = to_array(field)
    except (ValueError, TypeError):
        return False
    return array.dtype.kind in "fi" and (array.size == 0 or _has_shape(array))


def read_points(fields: Mapping[str, Any]) -> Points | None:
    """Keypoints and their v, which is their third column or a field beside them; None if there are none.

    Keypoints without v are labelled where they are finite.

    Raises:
        AdapterError: If their shape is not that of keypoints, or v does not fit them.
    """
    if "keypoints" not in fields:
        return None
    array = to_array(fields["keypoints"])
    if not array.size:
        return None
    if not _has_shape(array):
        raise AdapterError(
            f"keypoints must have shape (K, 2), (K, 3), or one of them for each of P people, but got {array.shape}"
        )
    points = array[..., :2].reshape(-1, array.shape[-2], 2)
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(axis=-1))
    place = _place_of_v(fields)
    if place is None:
        return Points(points, finite, finite)
    v = to_array(fields[place[0]])[place[1]]
    if v.size != finite.size:
        raise AdapterError(f"{place[0]} must have one value per keypoint {finite.shape}, but got {v.shape}")
    v = v.reshape(finite.shape)
    return Points(points, finite & (v > 0), finite & (v if v.dtype == bool else v > 1))


def write_points(fields: Mapping[str, Any], labelled: NDArray[np.bool_], visible: NDArray[np.bool_]) -> dict[str, Any]:
    """The field that keeps v, changed where the flags are no longer those that were read; empty if they all are.

    Args:
        fields: What :func:`read_points` read.
        labelled: bool [P, K].
        visible: bool [P, K].

    Raises:
        AdapterError: If there is no v to change.
    """
    before = read_points(fields)
    if before is None:
        return {}
    dropped, marked = before.labelled & ~labelled, before.visible & ~visible
    if not (dropped | marked).any():
        return {}
    place = _place_of_v(fields)
    if place is None:
        raise AdapterError(
            "the keypoints have no visibility, so a covered one can be neither marked nor dropped; pass "
            "on_occlusion='keep', or add a third column or a field 'visibility' (0 unlabelled, 1 occluded, 2 visible)"
        )
    key, column = place
    array = to_array(fields[key]).copy(order="K")
    v = array[column]
    # A bool has no third value for what is labelled but occluded.
    v[marked.reshape(v.shape)] = 0 if v.dtype == bool else 1
    v[dropped.reshape(v.shape)] = 0
    return {key: like_numbers(fields[key], array)}


def changed_points(fields: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
    """The field that keeps v as the scene now has it; empty if it still has it as it was read."""
    return write_points(fields, scene.labelled, scene.visible) if scene.relabelled else {}


def boxes_xyxy(boxes: Any) -> NDArray[np.float64]:
    """Boxes as x0 y0 x1 y1, float64 [P, 4].

    Args:
        boxes: x0 y0 x1 y1 [P, 4], more columns (labels, as in Albumentations) are left out; one box [4]; or
            ``tv_tensors.BoundingBoxes`` of any upright format.

    Raises:
        AdapterError: If their shape is another, or their format a turned one.
    """
    array = to_array(boxes)
    if not array.size:
        return np.zeros((0, 4))
    if array.ndim not in (1, 2) or array.shape[-1] < 4:
        raise AdapterError(f"boxes must have shape (P, 4) or (4,), but got {array.shape}")
    first, second = np.split(np.atleast_2d(array)[:, :4].astype(np.float64), 2, axis=1)
    form = getattr(getattr(boxes, "format", None), "name", "XYXY")
    if form == "XYXY":
        corners = first, second
    elif form == "XYWH":
        corners = first, first + second
    elif form == "CXCYWH":
        corners = first - second / 2, first + second / 2
    else:
        raise AdapterError(f"boxes have the format {form}; expected XYXY, XYWH or CXCYWH")
    return np.concatenate(corners, axis=1)


def _has_shape(array: Array) -> bool:
    return array.ndim in (2, 3) and array.shape[-1] in (2, 3)


def _place_of_v(fields: Mapping[str, Any]) -> tuple[str, Any] | None:
    """The field that keeps v, and which of its last axis; None if there is none."""
    if to_array(fields["keypoints"]).shape[-1] == 3:
        return "keypoints", (..., 2)
    key = next((key for key in VISIBILITY if key in fields), None)
    return None if key is None else (key, ...)
