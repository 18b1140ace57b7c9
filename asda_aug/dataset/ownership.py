"""Whether an image is held by nobody but the sample that it came in: its pixels then need no copy to be written over.

References are counted, as NumPy does before it writes into an operand that nobody will see again. How many there must
be is counted on images that are made here, so that it does not hang on how a version of Python or PyTorch counts. What
is in doubt, such as an image of a class of its own, counts as held.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from asda_aug.scene.scene import Scene

Counts = tuple[int, ...]
TRIALS = 100
"""Python compiles what often runs anew; counting must not change with it."""
PACKAGE = __name__.partition(".")[0] + "."


def keeps_nothing(kind: type) -> bool:
    """Whether it is one of this package's classes, which keep no image that they have seen."""
    return kind.__module__.startswith(PACKAGE)


def is_unshared(held: list[Any], scene: Scene) -> bool:
    """Whether an array or a tensor can be seen through nothing but the sample that it came in.

    Args:
        held: One sample, as the base returned it; nothing else may refer to it, no variable either.
        scene: What an adapter read of it. Its pixels have not been looked at yet, because views are references.
    """
    if type(scene.image) is np.ndarray:
        alone = scene.image.flags.owndata and _references(held, scene) == _TO_ARRAY
    else:
        tensor = type(scene.image) is torch.Tensor and scene.image.layout is torch.strided and _TO_TENSOR is not None
        alone = tensor and _references_to_tensor(held, scene) == _TO_TENSOR
    return alone and _is_in(held[0], scene.image)


def _references(held: list[Any], scene: Scene) -> Counts:
    """How many there are to the sample and to its image."""
    return (
        sys.getrefcount(held[0]) - (held[0] is scene.image),
        sys.getrefcount(scene.image),
        weakref.getweakrefcount(scene.image),
    )


def _references_to_tensor(held: list[Any], scene: Scene) -> Counts | None:
    """The same, and how many there are within PyTorch to the image and to its memory.

    Not all versions of PyTorch count their own references to a tensor as Python's.

    Returns:
        None if two of its pixels may be the same, or if the memory is not PyTorch's alone, which may not resize that of
        NumPy or of a file, nor what was once seen as an array.
    """
    storage = scene.image.untyped_storage()
    own = storage.resizable() and not storage.is_shared() and not scene.image.requires_grad
    if not own or storage.nbytes() != scene.image.nbytes:
        return None
    holders = torch._C._storage_Use_Count(storage._cdata)
    return *_references(held, scene), scene.image._use_count(), sys.getrefcount(storage), holders


def _is_in(sample: Any, image: Any) -> bool:
    """Whether a sample is an image or holds it itself, and not in something that others may hold.

    Samples of classes of their own may show what they do not hold, and be held weakly.
    """
    if type(sample) is dict:
        sample = sample.values()
    elif type(sample) not in (tuple, list):
        return sample is image
    return any(value is image for value in sample)


def _expected(make: Callable[[], Any], count: Callable[[list[Any], Scene], Counts | None]) -> Counts | None:
    """What is counted of an image that nobody else holds; None if it is not always the same."""
    counts = set()
    for _ in range(TRIALS):
        held = [(make(),)]
        counts.add(count(held, Scene(held[0][0])))
    return counts.pop() if len(counts) == 1 else None


_TO_ARRAY = _expected(lambda: np.zeros((8, 8, 3)), _references)
_TO_TENSOR = None
# Both are PyTorch's own; without them nothing is known of a tensor.
if hasattr(torch.Tensor, "_use_count") and hasattr(torch._C, "_storage_Use_Count"):
    _TO_TENSOR = _expected(lambda: torch.zeros(3, 8, 8, device="cpu"), _references_to_tensor)
