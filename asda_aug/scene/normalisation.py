"""Between bytes and the values an image holds: 0 … 255, [0, 1], or normalised by a mean and a spread."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Image = TypeVar("Image", bound=NDArray[Any])
IMAGE_TYPES = np.dtype(np.uint8).char + np.typecodes["Float"]
Colours = float | Sequence[float] | NDArray[Any] | None
"""A mean or a spread of colours: one for all channels, one per channel, or none."""


def channels_last(image: NDArray[Any]) -> NDArray[Any]:
    """The same image as [H, W, C], without a copy.

    Raises:
        TypeError: If it is not a uint8 or float array.
        ValueError: If its shape is not that of an image.
    """
    if not isinstance(image, np.ndarray) or image.dtype.char not in IMAGE_TYPES:
        kind = f"dtype {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"image must be an array of uint8 or floats, but got {kind}")
    if image.ndim == 2:
        return image[..., None]
    if image.ndim == 3 and image.shape[2] in (1, 3):
        return image
    if image.ndim == 3 and image.shape[0] in (1, 3):
        return image.transpose(1, 2, 0)
    raise ValueError(f"image must have shape (H, W), (H, W, C) or (C, H, W) with C 1 or 3, but got {image.shape}")


def copied(image: Image) -> Image:
    """A copy in the same memory layout; of a mirrored view one that is mirrored, too."""
    if min(image.strides) >= 0:
        return image.copy(order="K")
    turned = tuple(slice(None, None, -1 if stride < 0 else 1) for stride in image.strides)
    return cast(Image, image[turned].copy(order="K")[turned])


def gain_and_offset(image: NDArray[Any], mean: Colours, std: Colours) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What turns bytes into the image's values: value = byte · gain + offset, one of each per channel.

    Args:
        image: [H, W, C].
        mean: What was subtracted from the colours in [0, 1] of a float image; None is 0.
        std: What they were then divided by; None is 1.

    Raises:
        ValueError: If ``mean`` or ``std`` do not fit the image.
    """
    channels = image.shape[2]
    if image.dtype == np.uint8:
        if mean is not None or std is not None:
            raise ValueError("mean and std are for float images, but got a uint8 image")
        return (1.0,) * channels, (0.0,) * channels
    return _gain_and_offset(channels, _per_channel(mean, 0.0), _per_channel(std, 1.0))


def _per_channel(colours: Colours, default: float) -> tuple[float, ...]:
    if colours is None:
        return (default,)
    return colours if isinstance(colours, tuple) else tuple(np.ravel(colours).astype(float).tolist())


@lru_cache
def _gain_and_offset(
    channels: int, mean: tuple[float, ...], std: tuple[float, ...]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if not {len(mean), len(std)} <= {1, channels}:
        raise ValueError(
            f"mean and std must have 1 or {channels} values for this image, but got {len(mean)} and {len(std)}"
        )
    if not all(value > 0 for value in std):
        raise ValueError(f"std must be positive, but got {std}")
    shift, scale = (each * (channels // len(each)) for each in (mean, std))
    gain = tuple(1 / (255 * value) for value in scale)
    return gain, tuple(-low / high for low, high in zip(shift, scale, strict=True))


def as_rgb_bytes(image: NDArray[Any], mean: Colours, std: Colours, bgr: bool) -> NDArray[np.uint8]:
    """An image or a window of one as RGB bytes, uint8 [H, W, 3].

    Args:
        image: [H, W, C], as :func:`channels_last` gives it.
        mean: What was subtracted from the colours in [0, 1] of a float image; None is 0.
        std: What they were then divided by; None is 1.
        bgr: Whether its channels are BGR.
    """
    if image.dtype != np.uint8:
        gain, offset = gain_and_offset(image, mean, std)
        image = np.clip(np.rint((image - np.array(offset)) / np.array(gain)), 0, 255).astype(np.uint8)
    image = np.ascontiguousarray(image)
    if image.shape[2] == 1:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if bgr else image
