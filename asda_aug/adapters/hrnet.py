"""The sample of HRNet, SimpleBaseline and their many descendants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asda_aug.adapters.annotations import Points
from asda_aug.adapters.built_in import BuiltInAdapter
from asda_aug.adapters.containers import like_sequence, to_array, with_empty_maps, with_fields, with_zeros
from asda_aug.scene.scene import Scene


class HRNetAdapter(BuiltInAdapter):
    """``(input, target, target_weight, meta)``: a crop, its heat maps, their weights, and a dictionary.

    Required: ``input`` [3, H, W] normalised tensor, or [H, W, 3] uint8 without transform; BGR unless the data set has
    ``color_rgb``. ``meta["joints"]`` [K, 2 or 3] pixels of the crop, ``meta["joints_vis"]`` [K] or [K, 2 or 3], 0 is
    unlabelled (MPII: or occluded).

    Modified: ``input``; ``meta["joints_vis"]`` 0 where a covered joint is marked or dropped; ``target`` [K, h, w], or
    [n·K, h, w], or a list of such, and ``target_weight`` [K, 1] 0 where it is dropped. Marked joints stay supervised.

    Added: ``meta["asda"]``, ``meta["asda_mask"]`` on request.
    """

    def recognises(self, sample: Any) -> bool:
        """Whether the sample has this structure."""
        return (
            isinstance(sample, (tuple, list))
            and len(sample) == 4
            and isinstance(sample[3], Mapping)
            and "joints" in sample[3]
            and "joints_vis" in sample[3]
        )

    def read(self, sample: Any) -> Scene:
        """The crop and the joints of its person."""
        image, _, _, meta = sample
        labelled = _labelled(meta)[None]
        return self._hints.scene(image, Points(to_array(meta["joints"])[None, :, :2], labelled, labelled), bgr=True)

    def write(self, sample: Any, scene: Scene) -> Any:
        """The tuple with the scene's image, and copies of target, weights and ``meta`` where joints have changed."""
        _, target, weight, meta = sample
        if not scene.relabelled:
            return like_sequence(sample, (scene.image, target, weight, meta))
        before = _labelled(meta)
        dropped = before & ~scene.labelled[0]
        changed = dropped | (before & ~scene.visible[0])
        if changed.any():
            meta = with_fields(meta, {"joints_vis": with_zeros(meta["joints_vis"], changed)})
        if dropped.any():
            target, weight = with_empty_maps(target, dropped), with_zeros(weight, dropped)
        return like_sequence(sample, (scene.image, target, weight, meta))

    def attach(self, sample: Any, name: str, value: Any) -> Any:
        """Add a field to ``meta``."""
        return like_sequence(sample, (*sample[:3], with_fields(sample[3], {name: value})))


def _labelled(meta: Mapping[str, Any]) -> NDArray[np.bool_]:
    visibility = to_array(meta["joints_vis"])
    labelled: NDArray[np.bool_] = (visibility if visibility.ndim == 1 else visibility[:, 0]) > 0
    return labelled
