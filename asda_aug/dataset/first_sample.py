"""Looking at the first sample of a data set, so that what cannot work or cannot have an effect says so at once."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
from torch.utils.data import IterableDataset

from asda_aug.adapters.adapter import Adapter
from asda_aug.occluders.occluder import Occluder
from asda_aug.scene.scene import Scene
from asda_aug.scene.skeletons import COCO
from partpool.errors import ConfigError

TRIES = 8
"""Draws after which nothing is expected to be pasted any more."""
SCALED = 1.5
"""Keypoints that all lie within this are no pixels."""
STACK = 4
"""Where a warning points to: the line that makes the data set."""


def probe(adapter: Adapter, sample: Any, occluder: Occluder) -> None:
    """Read a sample, draw for it, and write it as if all its keypoints were covered.

    Warns of settings that have no effect on it.

    Raises:
        AdapterError: If covered keypoints cannot be marked or dropped.
        ConfigError: If keypoint names do not fit.
    """
    scene = adapter.read(sample)
    _check_names(scene)
    _check_scale(scene)
    _check_anchor(adapter, scene, occluder.anchor)
    _check_policy(adapter, sample, scene, occluder.on_occlusion)
    if scene.people and not any(occluder.draw(scene, np.random.default_rng(number)) for number in range(TRIES)):
        warn("nothing can be pasted over the first sample: nobody of known extent, no keypoint, or no such person")


def check_base(base: Any) -> None:
    """Make sure that it is a data set with lengths and indices.

    Raises:
        ConfigError: If it is not.
    """
    indexed = hasattr(base, "__getitem__") and hasattr(base, "__len__")
    if not indexed or isinstance(base, IterableDataset):
        raise ConfigError(
            f"base must be a map-style data set, with lengths and indices, but got {type(base).__name__}; "
            "an iterable one can use PasteParts as a transform"
        )


def warn(message: str) -> None:
    """Warn whoever makes a data set."""
    warnings.warn(message, stacklevel=STACK)


def _check_names(scene: Scene) -> None:
    names, count = scene.keypoint_names, scene.keypoints.shape[1]
    # Whole-body skeletons begin with COCO's.
    if names is None or not count or len(names) == count or (tuple(names) == COCO and count > len(COCO)):
        return
    raise ConfigError(f"the skeleton has {len(names)} names, but the first sample has {count} keypoints")


def _check_scale(scene: Scene) -> None:
    points = scene.keypoints[scene.labelled]
    if len(points) > 2 and np.abs(points).max() <= SCALED:
        warn(
            f"no keypoint of the first sample lies beyond {SCALED:g}: keypoints must be pixels, not shares of the image"
        )


def _check_anchor(adapter: Adapter, scene: Scene, anchor: str) -> None:
    if anchor == "image":
        return
    if not scene.keypoints.size:
        warn(f"anchor={anchor!r} has no effect: {_no_keypoints(adapter)}")
    elif scene.keypoint_names is None:
        warn(
            f"anchor={anchor!r} takes any keypoint: which of the {scene.keypoints.shape[1]} a part's class covers "
            "is not known; pass skeleton=…, a name or a list of names"
        )


def _check_policy(adapter: Adapter, sample: Any, scene: Scene, policy: str) -> None:
    if policy == "keep":
        return
    if not scene.keypoints.size:
        warn(f"on_occlusion={policy!r} has no effect: {_no_keypoints(adapter)}")
    elif not scene.labelled.any():
        warn(f"on_occlusion={policy!r} has no effect: the first sample has no labelled keypoints")
    elif policy == "mark" and not scene.visible.any():
        warn(
            "on_occlusion='mark' has no effect on the first sample: no keypoint is visible. v is read as COCO's, "
            "0 unlabelled, 1 occluded, 2 visible; where 1 means labelled and visible, pass v as bool"
        )
    covered = copy.copy(scene)
    if policy == "mark":
        covered.visible = np.zeros_like(scene.visible)
    else:
        covered.labelled = np.zeros_like(scene.labelled)
    adapter.write(sample, covered)


def _no_keypoints(adapter: Adapter) -> str:
    found = "no keypoints are found on the first sample"
    return f"{found}; if it has some, {adapter.for_keypoints}" if adapter.for_keypoints else found
