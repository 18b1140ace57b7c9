"""Finding the adapter that reads a sample, by the structure of the sample and never by what is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from asda_aug.adapters.adapter import Adapter, ForeignAdapter, ReadsAndWrites
from asda_aug.adapters.built_in import BuiltInAdapter
from asda_aug.adapters.detection import CocoAdapter, DetectionAdapter
from asda_aug.adapters.hints import Hints
from asda_aug.adapters.hrnet import HRNetAdapter
from asda_aug.adapters.mmpose import MMPoseAdapter, PackedMMPoseAdapter
from asda_aug.adapters.simple import ImageAdapter, MappingAdapter, PairAdapter
from asda_aug.errors import AdapterError
from asda_aug.scene.image_arrays import is_image
from asda_aug.scene.normalisation import gain_and_offset
from asda_aug.scene.scene import Scene
from partpool.errors import ConfigError

BUILT_IN: Mapping[str, type[BuiltInAdapter]] = {
    "hrnet": HRNetAdapter,
    "mmpose-packed": PackedMMPoseAdapter,
    "mmpose": MMPoseAdapter,
    "detection": DetectionAdapter,
    "coco": CocoAdapter,
    "dict": MappingAdapter,
    "pair": PairAdapter,
    "image": ImageAdapter,
}
"""The built-in adapters by name, in the order in which a sample is tried with them."""

OVERSHOOT = 0.05
"""How far a float image may leave [0, 1], as resampling and jitter let it."""
WRONG_SCALE = 5.0
"""How far one of known normalisation may, noise and all; mean and std on a scale of 255 are farther off."""


class AdapterFinder:
    """Finds the adapter of each sample: the one that was used last while it fits, else another.

    Args:
        choice: ``"auto"``, the name of a built-in adapter, an :class:`~asda_aug.adapters.adapter.Adapter`, or another
            object with the methods ``read`` and ``write``.
        hints: What samples do not say of themselves; only built-in adapters use it.

    Raises:
        ConfigError: If it is none of these.
    """

    def __init__(self, choice: Adapter | ReadsAndWrites | str, hints: Hints) -> None:
        self._choice, self._name = _checked_choice(choice), type(choice).__name__
        self._hints = hints
        self._last: Adapter | None = None

    def find(self, sample: Any) -> Adapter:
        """The adapter of a sample; another than the last one is tried on it.

        Raises:
            AdapterError: If no adapter recognises the sample, or it cannot be read.
        """
        if self._last is None or not self._last.recognises(sample):
            self._last = self._tried(sample)
        return self._last

    def _tried(self, sample: Any) -> Adapter:
        named = isinstance(self._choice, str)
        adapter = _recognising(self._choice, sample, self._hints) if isinstance(self._choice, str) else self._choice
        try:
            scene = adapter.read(sample)
            if not isinstance(scene, Scene):
                raise AdapterError(f"{self._name}.read must return a Scene, but got {type(scene).__name__}")
            if named and not is_image(scene.image):
                raise AdapterError(f"the sample is {outline(sample)}, in which {outline(scene.image)} is no image")
            check_colour_range(scene)
        except ValueError as error:
            raise AdapterError(f"the sample is {outline(sample)}, which cannot be read: {error}") from error
        return adapter


def check_colour_range(scene: Scene) -> None:
    """Make sure that it is known what black and white are in a scene's image.

    Raises:
        AdapterError: If it is no image, or a float image is neither in [0, 1] nor normalised in a known way.
        ValueError: If mean and std do not fit the image.
    """
    pixels = scene.pixels
    if pixels.dtype == np.uint8:
        return
    gain, offset = gain_and_offset(pixels, scene.mean, scene.std)
    colours = (pixels - np.array(offset)) / (255 * np.array(gain))
    low, high = float(colours.min()), float(colours.max())
    unknown = scene.mean is None and scene.std is None
    slack = OVERSHOOT if unknown else WRONG_SCALE
    if low >= -slack and high <= 1 + slack:
        return
    reach = f"reach from {low:.3g} to {high:.3g}"
    if unknown:
        problem = f"the image's values {reach}: neither bytes nor in [0, 1], and its normalisation is not known"
    else:
        problem = f"with mean {scene.mean} and std {scene.std} undone, the image's values {reach}, not from 0 to 1"
    scale = "; floats on a scale of 255 are mean=0, std=1/255" if low >= 0 and high > 50 else ""
    raise AdapterError(f"{problem}; pass mean and std (in [0, 1], in the image's channel order){scale}")


def _checked_choice(choice: Adapter | ReadsAndWrites | str) -> Adapter | str:
    if isinstance(choice, str):
        if choice != "auto" and choice not in BUILT_IN:
            raise ConfigError(f"there is no adapter {choice!r}; there are: auto, {', '.join(BUILT_IN)}, or your own")
        return choice
    if isinstance(choice, type) or not isinstance(choice, ReadsAndWrites):
        came = f"the class {choice.__name__}" if isinstance(choice, type) else type(choice).__name__
        raise ConfigError(f"an adapter must be an object with the methods read and write, but got {came}")
    return choice if isinstance(choice, Adapter) else ForeignAdapter(choice)


def _recognising(name: str, sample: Any, hints: Hints) -> Adapter:
    """The built-in adapter of that name, or with ``"auto"`` the first that recognises the sample."""
    if name != "auto":
        adapter = BUILT_IN[name](hints)
        if not adapter.recognises(sample):
            raise AdapterError(f"the sample is {outline(sample)}, which adapter {name!r} cannot read")
        return adapter
    for kind in BUILT_IN.values():
        adapter = kind(hints)
        if adapter.recognises(sample):
            return adapter
    raise AdapterError(
        f"the sample is {outline(sample)}, a structure that is not known; pass adapter=… with the two methods read and "
        "write (see docs/datasets.md), or one of: " + ", ".join(BUILT_IN)
    )


def outline(sample: Any, depth: int = 2) -> str:
    """The structure of a sample in a few words, for messages."""
    if isinstance(sample, Mapping):
        if depth == 0:
            return f"a dict of {len(sample)}"
        inside = ", ".join(f"{key!r}: {outline(value, depth - 1)}" for key, value in list(sample.items())[:8])
        return f"a dict {{{inside}{', …' if len(sample) > 8 else ''}}}"
    if isinstance(sample, (tuple, list)):
        if depth == 0:
            return f"a {type(sample).__name__} of {len(sample)}"
        inside = ", ".join(outline(value, depth - 1) for value in sample[:6])
        return f"a {type(sample).__name__} ({inside}{', …' if len(sample) > 6 else ''})"
    shape = getattr(sample, "shape", None)
    if shape is not None:
        return f"{type(sample).__name__} {tuple(shape)} {getattr(sample, 'dtype', '')}".strip()
    return type(sample).__name__
