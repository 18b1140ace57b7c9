"""The sample of HRNet, SimpleBaseline and their many descendants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from asda_aug.adapters.annotations import same_sequence, to_array, with_flags_cleared
from asda_aug.adapters.hints import Hints
from asda_aug.pixels import is_image
from asda_aug.scene import Scene


class HRNetAdapter:
    """``(input, target, target_weight, meta)``: a crop, its heat maps, their weights, and a dictionary.

    Required: ``input`` [3, H, W] normalised tensor, or [H, W, 3] uint8 without transform; BGR unless the data set has
    ``color_rgb``. ``meta["joints"]`` [K, 2 or 3] pixels of the crop, ``meta["joints_vis"]`` [K, …], 0 is unlabelled
    (MPII: or occluded).

    Modified: ``input``; ``meta["joints_vis"]`` 0 where a covered joint is marked or dropped; ``target`` [K, h, w] and
    ``target_weight`` [K, 1] 0 where it is dropped. Marked joints stay supervised.

    Added: ``meta["asda"]``, ``meta["asda_mask"]`` on request.
    """

    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    @staticmethod
    def recognises(sample: Any) -> bool:
        """Whether the sample has this structure."""
        return (
            isinstance(sample, (tuple, list))
            and len(sample) == 4
            and is_image(sample[0])
            and isinstance(sample[3], Mapping)
            and {"joints", "joints_vis"} <= sample[3].keys()
        )

    def read(self, sample: Any) -> Scene:
        """See :class:`asda_aug.adapters.Adapter`."""
        image, _, _, meta = sample
        joints = to_array(meta["joints"])
        labelled = _flags(meta["joints_vis"])
        hints = self._hints
        return Scene(
            image, joints[:, :2], labelled=labelled, visible=labelled, mean=hints.mean, std=hints.std,
            bgr=hints.bgr is not False, keypoint_names=hints.names_of(len(joints)),
        )  # fmt: skip

    def write(self, sample: Any, scene: Scene) -> Any:
        """See :class:`asda_aug.adapters.Adapter`."""
        _, target, weight, meta = sample
        before = _flags(meta["joints_vis"])
        dropped = before & ~scene.labelled[0]
        changed = dropped | (before & ~scene.visible[0])
        if changed.any():
            meta = {**meta, "joints_vis": with_flags_cleared(meta["joints_vis"], changed)}
            # Networks with several stages may come with a list of heat maps.
            several = isinstance(target, (list, tuple))
            target = (
                same_sequence(target, [with_flags_cleared(each, dropped) for each in target])
                if several
                else with_flags_cleared(target, dropped)
            )
            weight = with_flags_cleared(weight, dropped)
        return same_sequence(sample, (scene.image, target, weight, meta))

    def attach(self, sample: Any, name: str, value: Any) -> Any:
        """Add a field to ``meta``."""
        return same_sequence(sample, (*sample[:3], {**sample[3], name: value}))


def _flags(visibility: Any) -> np.ndarray[Any, np.dtype[np.bool_]]:
    array = to_array(visibility)
    return (array if array.ndim == 1 else array[:, 0]) > 0
