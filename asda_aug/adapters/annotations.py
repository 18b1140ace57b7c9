"""Keypoint annotations as people store them: x y, or x y v, in arrays, tensors, or lists.

v is read as COCO does: 0 unlabelled, 1 labelled but occluded, 2 visible.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asda_aug.errors import AdapterError
from asda_aug.pixels import is_tensor
from asda_aug.scene import Scene

Array = NDArray[Any]


class Points(NamedTuple):
    """Keypoints [P, K, 2] and their two flags [P, K]."""

    points: Array
    labelled: NDArray[np.bool_]
    visible: NDArray[np.bool_]


def to_array(values: Any) -> Array:
    """Numbers in a tensor, an array or nested lists as an array; shared where that is possible."""
    if is_tensor(values):
        return values.detach().as_subclass(sys.modules["torch"].Tensor).cpu().numpy()
    return np.asarray(values)


def like_values(original: Any, array: Array) -> Any:
    """An array in the type of ``original``: a tensor of its class, an array, or nested lists and tuples."""
    if is_tensor(original):
        return sys.modules["torch"].from_numpy(array).to(original.dtype).as_subclass(type(original))
    if isinstance(original, np.ndarray):
        return array.astype(original.dtype, copy=False)
    return type(original)(
        like_values(each, row) if isinstance(each, (list, tuple)) or hasattr(each, "shape") else type(each)(row)
        for each, row in zip(original, array, strict=True)
    )


def same_sequence(original: Any, values: Sequence[Any]) -> Any:
    """Values in the type of ``original``: a tuple, a named tuple or a list."""
    kind = type(original)
    return kind(*values) if hasattr(kind, "_fields") else kind(values)


def is_keypoints(values: Any) -> bool:
    """Whether it has the shape of keypoints: [K, 2 or 3] or [P, K, 2 or 3]."""
    if isinstance(values, (str, bytes, dict)) or not hasattr(values, "__len__"):
        return False
    try:
        array = to_array(values)
    except (ValueError, TypeError):
        return False
    return array.dtype.kind in "fi" and array.ndim in (2, 3) and array.shape[-1] in (2, 3)


def read_points(values: Any, where: str) -> Points:
    """Keypoints with or without v.

    Raises:
        AdapterError: If they have another shape.
    """
    array = to_array(values)
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or (array.size and array.shape[-1] < 2):
        raise AdapterError(f"{where} must have shape (K, 2), (K, 3) or those for every person, but got {array.shape}")
    if array.shape[-1] < 3:
        everywhere = np.asarray(np.isfinite(array).all(axis=-1))
        return Points(array[..., :2], everywhere, everywhere)
    return Points(array[..., :2], np.asarray(array[..., 2] > 0), np.asarray(array[..., 2] > 1))


def write_points(values: Any, scene: Scene, where: str) -> Any:
    """The same keypoints with v changed where the scene's flags have; the same object if none have.

    Raises:
        AdapterError: If there is no v to change.
    """
    before = read_points(values, where)
    dropped, marked = before.labelled & ~scene.labelled, before.visible & ~scene.visible
    if not (dropped | marked).any():
        return values
    array = to_array(values).copy()
    if array.shape[-1] < 3:
        raise AdapterError(
            f"{where} have no visibility, so a covered keypoint can be neither marked nor dropped; "
            "pass on_occlusion='keep', or add a third column (0 unlabelled, 1 occluded, 2 visible)"
        )
    flags = array[..., 2].reshape(dropped.shape)
    flags[marked] = 1
    flags[dropped] = 0
    array[..., 2] = flags.reshape(array.shape[:-1])
    return like_values(values, array)


def with_flags_cleared(values: Any, cleared: NDArray[np.bool_]) -> Any:
    """Weights or flags with 0 where ``cleared`` is set; the same object if nothing is.

    Args:
        values: Tensor or array whose first axes are those of ``cleared``.
        cleared: bool.
    """
    if not cleared.any():
        return values
    array = to_array(values).copy()
    array[cleared] = 0
    return like_values(values, array)
