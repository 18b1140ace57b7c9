"""The augmentations as transforms of MMPose's pipelines.

Importing this module registers them, in a configuration by ``custom_imports``::

    custom_imports = dict(imports=["asda_aug.integrations.mmpose"])
    train_pipeline = [
        ...,
        dict(type="TopdownAffine", input_size=codec["input_size"]),
        dict(type="PasteParts", pool="pool.h5", num_parts=1),
        dict(type="GenerateTarget", encoder=codec),
        dict(type="PackPoseInputs"),
    ]

Options that are objects are written as dictionaries: ``placer=dict(type="JointPlacer")``, and
``dict(type="Cutout", like=dict(type="PasteParts", pool="pool.h5"))``.
"""

from __future__ import annotations

from typing import Any

from mmpose.registry import TRANSFORMS

from asda_aug.occluders import cutout, paste_parts, rectangle_paste, ror
from asda_aug.occluders.occluder import Occluder
from asda_aug.sampling.placers import JointPlacer, RandomPlacer

OBJECTS = (RandomPlacer, JointPlacer)
"""What options may name besides the transforms themselves."""


class _Transform(Occluder):
    """An occluder that is configured by dictionaries.

    Required: ``img`` [H, W, 3] uint8 BGR, and what else :class:`asda_aug.adapters.mmpose.MMPoseAdapter` reads.

    Modified: ``img``; with ``on_occlusion="drop"`` ``keypoints_visible``.

    Added: with ``on_occlusion="mark"`` ``keypoints_occluded`` bool [N, K].
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        built = {name: _built(value) for name, value in options.items()}
        super().__init__(*args, **{"adapter": "mmpose", **built})

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """The results with something pasted in; MMEngine calls transforms by this name too."""
        return super().__call__(results)

    __call__ = transform


@TRANSFORMS.register_module()
class PasteParts(_Transform, paste_parts.PasteParts):
    """:class:`asda_aug.PasteParts` for MMPose, after ``TopdownAffine`` and before ``GenerateTarget``."""


@TRANSFORMS.register_module()
class ROR(_Transform, ror.ROR):
    """:class:`asda_aug.ROR` for MMPose, at the same place."""


@TRANSFORMS.register_module()
class Cutout(_Transform, cutout.Cutout):
    """:class:`asda_aug.Cutout` for MMPose, at the same place."""


@TRANSFORMS.register_module()
class RectanglePaste(_Transform, rectangle_paste.RectanglePaste):
    """:class:`asda_aug.RectanglePaste` for MMPose, at the same place."""


for _kind in OBJECTS:
    TRANSFORMS.register_module(module=_kind)


def _built(option: Any) -> Any:
    return TRANSFORMS.build(option) if isinstance(option, dict) and "type" in option else option
