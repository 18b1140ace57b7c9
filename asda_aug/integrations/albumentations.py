"""The augmentation as a transform of Albumentations 2.0 and of AlbumentationsX, which provide the same package.

In a pipeline::

    from asda_aug.integrations.albumentations import PasteParts

    transform = A.Compose(
        [A.Affine(rotate=(-30, 30)), PasteParts("pool.h5"), A.Normalize()],
        keypoint_params=A.KeypointParams("xy", label_fields=["visibility"], remove_invisible=False),
    )
    transform(image=rgb, keypoints=xy, visibility=v)
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from albumentations import DualTransform
from albumentations.core.type_definitions import Targets
from numpy.typing import NDArray

from asda_aug.adapters.auto import check_colour_range
from asda_aug.adapters.hints import Hints, merge_hints
from asda_aug.adapters.simple import MappingAdapter
from asda_aug.errors import AdapterError
from asda_aug.occluders import paste_parts
from asda_aug.occluders.occluder import Occluder, Paste
from asda_aug.pasting.coverage import COVERED, coverage
from partpool.errors import ConfigError
from partpool.pool.reader import PartPool

Array = NDArray[Any]

if hasattr(DualTransform, "sample_parameters"):
    from albumentations.core.transform_params import SampledParams
elif not hasattr(DualTransform, "get_params_dependent_on_data"):
    raise ImportError(
        "asda_aug.integrations.albumentations is written for albumentations 2.0 and albumentationsx from 2.5 on, and "
        "another one is installed; asda_aug.PasteParts(pool) takes the dictionary that any Compose returns"
    )


class PasteParts(DualTransform):  # type: ignore[misc]
    """:class:`asda_aug.PasteParts` for ``albumentations.Compose``, before ``Normalize``.

    Required: ``image`` uint8, or float in [0, 1]. Optional: ``keypoints``, of one person or of several, one after
    another; ``bboxes`` of all people, which make the image a photograph.

    Modified: ``image``; with ``on_occlusion`` ``"mark"`` or ``"drop"`` the label field that keeps v of COCO (0
    unlabelled, 1 occluded, 2 visible). Keypoints are neither moved nor removed.

    Randomness is Albumentations' own: ``Compose(seed=…)`` repeats it.

    Args:
        pool: A pool or the path of its file; or another :class:`~asda_aug.occluders.occluder.Occluder` such as
            :class:`~asda_aug.occluders.ror.ROR`.
        visibility: The label field that keeps v.
        p: Probability that a sample is touched; an occluder's own ``p`` comes on top.
        bgr: Whether images are BGR.
        skeleton: ``"coco"``, ``"mpii"``, ``"lsp"``, ``"crowdpose"`` or names in order; None goes by their number.
        **options: Of :class:`asda_aug.PasteParts`.

    Raises:
        ConfigError: If an option is wrong.
    """

    _targets = (Targets.IMAGE, Targets.MASK, Targets.BBOXES, Targets.KEYPOINTS)

    def __init__(
        self,
        pool: Occluder | PartPool | str | os.PathLike[str],
        *,
        visibility: str = "visibility",
        p: float = 1.0,
        bgr: bool = False,
        skeleton: str | Sequence[str] | None = None,
        **options: Any,
    ) -> None:
        if isinstance(pool, Occluder) and options:
            raise ConfigError(f"pass {', '.join(options)} to {type(pool).__name__}, not beside it")
        self.occluder = pool if isinstance(pool, Occluder) else paste_parts.PasteParts(pool, **options)
        super().__init__(p=p * self.occluder.p)
        self.visibility = visibility
        self._adapter = MappingAdapter(merge_hints(Hints(), bgr=bgr, skeleton=skeleton))
        self._arguments = {"pool": pool, "visibility": visibility, "bgr": bgr, "skeleton": skeleton, **options}

    def get_transform_init_args(self) -> dict[str, Any]:
        """What the transform was made of, for ``repr`` and serialisation."""
        return self._arguments

    # AlbumentationsX refuses a class that has the hook of Albumentations 2.0.
    if hasattr(DualTransform, "sample_parameters"):

        def sample_parameters(self, params: dict[str, Any], data: dict[str, Any], targets: Any, sampling: Any) -> Any:
            """Draw what is pasted over the people of ``data``."""
            del targets
            return SampledParams(params={"pastes": self._draw(data, params["shape"], sampling.random_generator)})

    else:

        def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
            """Draw what is pasted over the people of ``data``."""
            return {"pastes": self._draw(data, params["shape"], self.random_generator)}

    def apply(self, img: Array, pastes: Sequence[Paste] = (), **params: Any) -> Array:
        """Paste into an image."""
        del params
        scene = self._adapter.read({"image": img})
        self.occluder.apply(scene, pastes)
        return scene.image

    def apply_to_keypoints(self, keypoints: Array, pastes: Sequence[Paste] = (), **params: Any) -> Array:
        """Mark or drop the keypoints that are covered, float [N, 5 + label fields]."""
        if self.occluder.on_occlusion == "keep" or not pastes:
            return keypoints
        column = self._column_of_v(keypoints)
        if column is None:
            raise AdapterError(
                f"on_occlusion={self.occluder.on_occlusion!r} needs the visibility of keypoints; pass "
                f"A.KeypointParams(…, label_fields=[{self.visibility!r}], remove_invisible=False), or visibility=…"
            )
        pasted = [(paste.load(), paste.matrix) for paste in pastes]
        covered = coverage(pasted, keypoints[:, :2], params["shape"][:2]) > COVERED
        keypoints = keypoints.copy()
        v = keypoints[:, column]
        v[covered] = 0 if self.occluder.on_occlusion == "drop" else np.minimum(v[covered], 1)
        return keypoints

    def apply_to_bboxes(self, bboxes: Array, **params: Any) -> Array:
        """Boxes stay."""
        del params
        return bboxes

    def apply_to_mask(self, mask: Array, **params: Any) -> Array:
        """Masks stay."""
        del params
        return mask

    def _draw(self, data: dict[str, Any], shape: tuple[int, ...], rng: np.random.Generator) -> Sequence[Paste]:
        """What is pasted over the people of ``data``."""
        scene = self._adapter.read(self._sample(data, shape))
        check_colour_range(scene)
        return self.occluder.draw(scene, rng)

    def _sample(self, data: dict[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
        """The data as :class:`~asda_aug.adapters.simple.MappingAdapter` reads them: pixels, people apart."""
        height, width = shape[:2]
        sample = {"image": data["image"]}
        if "bboxes" in data:
            boxes = np.reshape(data["bboxes"], (len(data["bboxes"]), -1))[:, :4]
            sample["bboxes"] = boxes * (width, height, width, height) if len(boxes) else []
        if len(data.get("keypoints", ())):
            keypoints = data["keypoints"]
            people = len(sample.get("bboxes", ())) or 1
            people = people if len(keypoints) % people == 0 else 1
            sample["keypoints"] = keypoints[:, :2].reshape(people, -1, 2)
            column = self._column_of_v(keypoints)
            if column is not None:
                sample["visibility"] = keypoints[:, column].reshape(people, -1)
        return sample

    def _column_of_v(self, keypoints: Array) -> int | None:
        """Where Albumentations keeps the label field among the columns of keypoints."""
        processor = self.get_processor("keypoints")
        fields = list(processor.params.label_fields or ()) if processor is not None else []
        return keypoints.shape[1] - len(fields) + fields.index(self.visibility) if self.visibility in fields else None
