"""What an augmentation needs to know of a sample, whatever the sample looks like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asda_aug.errors import AdapterError
from asda_aug.placement import Frame
from asda_aug.scene.image_arrays import as_array
from asda_aug.scene.normalisation import channels_last

CONTEXT = 1.25
"""Top-down crops show this much more than the person's box (HRNet, SimpleBaseline, MMPose)."""

Box = tuple[float, float, float, float]
NOTHING_YET = object()
"""Stands for the image that views have been taken of, before there are any."""


class Scene:
    """One image and the people on it.

    An adapter's ``read`` makes it; its ``write`` takes from it ``image`` (the same kind of object as it was given),
    and ``visible`` and ``labelled``, in which covered joints are marked or dropped, if that was asked for.

    Args:
        image: A NumPy array (uint8 or float; [H, W], [H, W, C] or [C, H, W]), a tensor of the same kinds, or a PIL
            image.
        keypoints: Pixels of the image, [P, K, 2] for P people, or [K, 2] for one. None if unknown.
        labelled: Which keypoints are annotated, bool [P, K] or [K]; None is all. Others pass through untouched.
        visible: Which are not occluded, bool [P, K] or [K]; None is all.
        boxes: Box of every person, x0 y0 x1 y1 in pixels, [P, 4] or [4]; None if unknown.
        crop: Whether the image is a crop around one person, as top-down networks take them, and not a whole photograph.
        mean: What was subtracted from the colours in [0, 1] of a float image, in its channel order; None if nothing.
        std: What they were then divided by.
        bgr: Whether the image's channels are BGR.
        keypoint_names: Name of each keypoint, such as ``"left_elbow"``; None if unknown.

    Attributes:
        alpha: Soft coverage of what was pasted, float32 [H, W]; None until it is asked for.

    Raises:
        ValueError: If the arrays do not fit each other.
    """

    __slots__ = (
        "_array", "_given", "_pixels", "_viewed", "alpha", "bgr", "boxes", "crop", "image", "keypoint_names",
        "keypoints", "labelled", "mean", "std", "visible",
    )  # fmt: skip

    def __init__(
        self,
        image: Any,
        keypoints: ArrayLike | None = None,
        *,
        labelled: ArrayLike | None = None,
        visible: ArrayLike | None = None,
        boxes: ArrayLike | None = None,
        crop: bool = True,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        bgr: bool = False,
        keypoint_names: Sequence[str] | None = None,
    ) -> None:
        self.image = image
        self._viewed: Any = NOTHING_YET
        self._array: Any = None
        self._pixels: Any = None
        self.crop = crop
        self.mean, self.std, self.bgr = mean, std, bgr
        self.keypoint_names = keypoint_names
        self.alpha: NDArray[np.float32] | None = None
        self.boxes = None if boxes is None else _per_person(boxes, "boxes", 4, float)
        people = len(self.boxes) if self.boxes is not None else 1
        if keypoints is None:
            keypoints = np.zeros((people, 0, 2))
        points = _per_person(keypoints, "keypoints", 2, float, axes=3)
        if self.boxes is not None and len(points) != people:
            raise ValueError(f"keypoints of {len(points)} people do not fit boxes of {people}")
        self.keypoints: NDArray[np.float64] = points
        self.labelled = _flags(labelled, "labelled", points.shape[:2])
        self.visible = _flags(visible, "visible", points.shape[:2])
        self._given = self._flag_bytes()

    @property
    def array(self) -> NDArray[Any]:
        """The image as an array of its own shape; a view where it is an array or a tensor.

        Raises:
            AdapterError: If it is no image that can be pasted into.
        """
        if self._viewed is not self.image:
            self._take_views()
        return self._array

    @property
    def pixels(self) -> NDArray[Any]:
        """The same array as [H, W, C]."""
        if self._viewed is not self.image:
            self._take_views()
        return self._pixels

    def _take_views(self) -> None:
        """Take views of the image, good for as long as it is the same object: it is replaced, never changed."""
        self._array = as_array(self.image)
        try:
            self._pixels = channels_last(self._array)
        except (TypeError, ValueError) as error:
            raise AdapterError(str(error)) from None
        self._viewed = self.image

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the image.

        Raises:
            AdapterError: If it is no image.
        """
        height, width = self.pixels.shape[:2]
        return width, height

    @property
    def relabelled(self) -> bool:
        """Whether keypoints were marked or dropped since the scene was made."""
        return self._flag_bytes() != self._given

    def _flag_bytes(self) -> tuple[bytes, bytes]:
        return self.labelled.tobytes(), self.visible.tobytes()

    @property
    def people(self) -> int:
        """Number of people on the image."""
        return len(self.keypoints)

    def box(self, person: int, size: tuple[int, int], how: str = "auto") -> Box | None:
        """Box of a person: what the size of parts is aligned to.

        Args:
            person: Which one.
            size: Width and height of the image.
            how: ``"auto"`` takes the given box; else, in a crop, the middle of the image, (W, H) / 1.25, which is how
                crops are cut; else the box of the labelled joints. ``"joints"`` takes the labelled joints' box × 1.2
                wherever at least 6 are labelled.

        Returns:
            x0 y0 x1 y1 in pixels; None if nothing is known.
        """
        if how == "joints" and np.count_nonzero(self.labelled[person]) >= 6:
            return _around(self._joints(person))
        if self.boxes is not None:
            x0, y0, x1, y1 = self.boxes[person].tolist()
            if 0 < x1 - x0 < math.inf and 0 < y1 - y0 < math.inf:
                return x0, y0, x1, y1
        if self.crop:
            width, height = size
            margin = (1 - 1 / CONTEXT) / 2
            return margin * width, margin * height, (1 - margin) * width, (1 - margin) * height
        joints = self._joints(person)
        return _around(joints) if len(joints) >= 2 else None

    def _joints(self, person: int) -> NDArray[np.float64]:
        """Labelled keypoints of a person, [n, 2]."""
        return self.keypoints[person][self.labelled[person]]

    def frame(self, person: int, size: tuple[int, int], box: Box) -> Frame:
        """What placements are relative to: a crop as a whole, or the surroundings of a person on a photograph."""
        return Frame.of_image(*size) if self.crop else Frame.of_box(box, CONTEXT)


def _around(joints: NDArray[np.float64]) -> Box | None:
    (x0, y0), (x1, y1) = joints.min(axis=0).tolist(), joints.max(axis=0).tolist()
    grow_x, grow_y = 0.1 * (x1 - x0), 0.1 * (y1 - y0)
    box = (x0 - grow_x, y0 - grow_y, x1 + grow_x, y1 + grow_y)
    return box if box[2] > box[0] and box[3] > box[1] else None


def _per_person(given: ArrayLike, what: str, last: int, kind: type, axes: int = 2) -> NDArray[Any]:
    """Numbers of every person; those of a single one get an axis of 1."""
    array: NDArray[Any] = np.asarray(given, kind)
    if array.ndim == axes - 1:
        array = array[None]
    if array.ndim != axes or array.shape[-1] != last:
        dims = "(P, K, 2) or (K, 2)" if axes == 3 else "(P, 4) or (4,)"
        raise ValueError(f"{what} must have shape {dims}, but got {np.shape(given)}")
    return array


def _flags(given: ArrayLike | None, what: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    if given is None:
        return np.ones(shape, bool)
    array: NDArray[np.bool_] = np.asarray(given, np.bool_)
    if array.ndim == 1:
        array = array[None]
    if array.shape != shape:
        raise ValueError(f"{what} must have one flag per keypoint {shape}, but got {array.shape}")
    return array
