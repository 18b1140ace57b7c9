"""Images of any kind as NumPy arrays, and back to the same kind."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asda_aug.errors import AdapterError

PIL_MODES = ("RGB", "L")
SMALLEST = 8
"""Sides of an image; what is smaller is taken for numbers of another kind."""


def is_tensor(value: object) -> bool:
    """Whether it is a PyTorch tensor; PyTorch is not imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_image(value: object) -> bool:
    """Whether it is a PIL image, or an array or a tensor that has an image's shape."""
    if not (isinstance(value, np.ndarray) or is_tensor(value)):
        return isinstance(value, Image.Image)
    shape = value.shape  # type: ignore[attr-defined]
    if len(shape) == 3:
        return (shape[0] in (1, 3) or shape[2] in (1, 3)) and sorted(shape)[1] >= SMALLEST
    return len(shape) == 2 and min(shape) >= SMALLEST


def as_array(image: Any) -> NDArray[Any]:
    """The image's pixels; a view where the image is an array or a tensor.

    Raises:
        AdapterError: If it is no image that can be pasted into.
    """
    if isinstance(image, np.ndarray):
        return image
    if is_tensor(image):
        return _tensor_as_array(image)
    if not isinstance(image, Image.Image):
        raise AdapterError(f"an image must be a PIL image, an array or a tensor, but got {type(image).__name__}")
    if image.mode not in PIL_MODES:
        raise AdapterError(f"a PIL image must have mode RGB or L, but got {image.mode}; use image.convert('RGB')")
    return np.asarray(image)


def like(image: Any, array: NDArray[Any]) -> Any:
    """Pixels as the kind of object that ``image`` is: a PIL image, a tensor of its class, or the array."""
    if isinstance(image, Image.Image):
        result = Image.fromarray(array)
        result.info = dict(image.info)
        return result
    if is_tensor(image):
        tensor = sys.modules["torch"].from_numpy(array)
        return tensor if type(image) is type(tensor) else tensor.as_subclass(type(image))
    return array


def _tensor_as_array(tensor: Any) -> NDArray[Any]:
    torch = sys.modules["torch"]
    if type(tensor) is not torch.Tensor:
        tensor = tensor.as_subclass(torch.Tensor)
    # Asking a tensor beforehand would cost as much as the call; hardly any cannot be seen as an array.
    try:
        return tensor.numpy()
    except (TypeError, RuntimeError) as error:
        if not tensor.is_cpu:
            raise AdapterError(
                f"the image is on {tensor.device}; data set workers paste on the CPU. "
                "Move it later, or pass defer=True and paste on the device with asda_aug.compose"
            ) from None
        if tensor.dtype == torch.bfloat16:
            raise AdapterError("the image is bfloat16, which NumPy lacks; convert it after pasting") from None
        if not tensor.requires_grad:
            raise AdapterError(f"the image cannot be seen as an array: {error}") from None
    return tensor.detach().numpy()
