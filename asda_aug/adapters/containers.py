"""Fields of a sample as arrays, and changed ones back in the types that they came in. Nothing is changed in place."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asda_aug.errors import AdapterError
from asda_aug.scene.image_arrays import is_tensor

Array = NDArray[Any]


def to_array(numbers: Any) -> Array:
    """Numbers in a tensor, an array or nested lists as an array; shared where that is possible."""
    if is_tensor(numbers):
        return numbers.detach().as_subclass(sys.modules["torch"].Tensor).cpu().numpy()
    return np.asarray(numbers)


def like_numbers(original: Any, array: Any) -> Any:
    """An array in the type of ``original``: a tensor of its class, an array, nested lists and tuples, or a number."""
    if is_tensor(original):
        return sys.modules["torch"].as_tensor(array).to(original).as_subclass(type(original))
    if isinstance(original, np.ndarray):
        return array.astype(original.dtype, copy=False)
    if isinstance(original, (list, tuple)):
        return like_sequence(original, [like_numbers(*pair) for pair in zip(original, array, strict=True)])
    return type(original)(array)


def like_sequence(original: Any, items: Sequence[Any]) -> Any:
    """Items in the type of ``original``: a tuple, a named tuple or a list."""
    kind = type(original)
    return kind(*items) if hasattr(kind, "_fields") else kind(items)


def with_fields(mapping: Mapping[str, Any], fields: Mapping[str, Any]) -> Any:
    """A copy of a mapping in its own type, in which fields are changed or added."""
    changed = copy.copy(mapping) if isinstance(mapping, MutableMapping) else dict(mapping)
    changed.update(fields)
    return changed


def with_zeros(numbers: Any, where: NDArray[np.bool_]) -> Any:
    """Weights, flags or heat maps with 0 where ``where`` is set; the same object if it is set nowhere.

    Args:
        numbers: Tensor, array or lists whose first axes are those of ``where``.
        where: bool.
    """
    if not where.any():
        return numbers
    array = to_array(numbers).copy(order="K")
    array[where] = 0
    return like_numbers(numbers, array)


def with_empty_maps(maps: Any, joints: NDArray[np.bool_]) -> Any:
    """Heat maps with 0 in those of some joints; the same object if there are none.

    Args:
        maps: Tensor or array, a map per joint [K, …], or several maps per joint one after another [n·K, …]; or a list
            of such, as networks with several stages have it.
        joints: bool [K].

    Raises:
        AdapterError: If the number of maps is no multiple of K.
    """
    if isinstance(maps, (list, tuple)):
        return like_sequence(maps, [with_empty_maps(each, joints) for each in maps])
    maps_per_joint, rest = divmod(len(maps), len(joints))
    if rest:
        raise AdapterError(
            f"{len(maps)} target maps do not fit {len(joints)} joints, so a covered joint's cannot be found; "
            "pass on_occlusion='keep' or 'mark', or paste before the targets are made"
        )
    return with_zeros(maps, np.repeat(joints, maps_per_joint))
