"""Pasting parts into an image with NumPy and OpenCV. Draws nothing at random and needs no PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from asda_aug.loops import compiled
from asda_aug.placement import Matrix
from asda_aug.ranges import NUMBERS
from asda_aug.values import Colours, channels_last, gain_and_offset
from asda_aug.warp import Warped, warp
from partpool.part import Part

Image = TypeVar("Image", bound=NDArray[Any])
Pasted = Sequence[tuple[Part, Matrix]]
COMPILED_TYPES = (np.dtype(np.uint8), np.dtype(np.float32))


def paste(
    image: Image,
    pasted: Pasted,
    *,
    feather: float | Sequence[float] = 1.0,
    mean: Colours = None,
    std: Colours = None,
    bgr: bool = False,
    out: Image | None = None,
) -> tuple[Image, NDArray[np.float32]]:
    """Paste parts, later ones over earlier ones.

    out = part·α + image·(1 − α). Only the rectangles that parts cover are touched. Without anything to paste the same
    image comes back.

    Args:
        image: uint8 or float; [H, W], [H, W, C] or [C, H, W] with 1 or 3 channels. Float images are in [0, 1], or
            normalised by ``mean`` and ``std``. An array that could be either is taken as [H, W, C].
        pasted: Parts and where their patch pixels go, float64 [2, 3] (see
            :func:`~asda_aug.placement.forward_matrix`).
        feather: Width of the soft edge in pixels, one for all parts or one each.
        mean: What was subtracted from the colours in [0, 1], in the image's channel order; a float image only.
        std: What they were then divided by.
        bgr: Whether the image's channels are BGR.
        out: Array like ``image`` to write into; ``out=image`` works in place. None makes a new one.

    Returns:
        The image, and the soft coverage of the whole stack, float32 [H, W] in [0, 1].

    Raises:
        TypeError: If the image is not an array of a kind named above.
        ValueError: If its shape is another, or ``mean`` and ``std`` do not fit it.
    """
    shape = channels_last(image).shape
    if not pasted and out is None:
        return image, stack_alpha([], shape)
    result = image.copy(order="K") if out is None else _copied(image, out)
    feathers = [feather] * len(pasted) if isinstance(feather, NUMBERS) else feather
    return result, stack_alpha(paste_into(result, pasted, feathers, mean, std, bgr), shape)


def paste_into(
    image: NDArray[Any],
    pasted: Pasted,
    feathers: Sequence[float],
    mean: Colours = None,
    std: Colours = None,
    bgr: bool = False,
) -> list[Warped | None]:
    """Paste in place as :func:`paste` does, and return what was drawn of each part; None of one beside the image."""
    pixels = channels_last(image)
    shape = pixels.shape[:2]
    gain, offset = gain_and_offset(pixels, mean, std)
    drawn = []
    for (part, matrix), feather in zip(pasted, feathers, strict=True):
        warped = warp(part, matrix, shape, feather=feather, bgr=bgr)
        drawn.append(warped)
        if warped is None:
            continue
        height, width = warped.alpha.shape
        window = pixels[warped.y : warped.y + height, warped.x : warped.x + width]
        colour = warped.colour
        if pixels.shape[2] == 1:
            colour = cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY if bgr else cv2.COLOR_RGB2GRAY)[..., None]
        if compiled is not None and image.dtype in COMPILED_TYPES:
            compiled.blend(window, colour, warped.alpha, gain, offset)
        elif image.dtype == np.uint8:
            _blend_bytes(window, colour, warped.alpha)
        else:
            _blend_floats(window, colour, warped.alpha, gain, offset)
    return drawn


def stack_alpha(drawn: Sequence[Warped | None], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Soft coverage of parts over each other, float32 [H, W] in [0, 1]."""
    alpha = np.zeros(shape[:2], np.float32)
    for each in filter(None, drawn):
        height, width = each.alpha.shape
        window = alpha[each.y : each.y + height, each.x : each.x + width]
        window += (1 - window) * (each.alpha * np.float32(1 / 255))
    return alpha


def _copied(image: Image, out: Image) -> Image:
    if out is not image:
        if out.shape != image.shape or out.dtype != image.dtype:
            raise ValueError(f"out must be {image.dtype} {image.shape} like image, but got {out.dtype} {out.shape}")
        out[...] = image
    return out


def _blend_bytes(window: NDArray[np.uint8], colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> None:
    channels = window.shape[2]
    weight = alpha if channels == 1 else cv2.merge((alpha, alpha, alpha))
    behind = np.ascontiguousarray(window) if window.strides[1:] != (channels, 1) else window
    front = cv2.multiply(colour, weight, scale=1 / 255)
    window[...] = cv2.add(front, cv2.multiply(behind, cv2.bitwise_not(weight), scale=1 / 255)).reshape(window.shape)


def _blend_floats(
    window: NDArray[np.floating],
    colour: NDArray[np.uint8],
    alpha: NDArray[np.uint8],
    gain: Sequence[float],
    offset: Sequence[float],
) -> None:
    kind = np.promote_types(window.dtype, np.float32).type
    weight = alpha * kind(1 / 255)
    # Plane by plane: a last axis of three is too short for NumPy's loops.
    for channel, colours in enumerate(cv2.split(colour)):
        values = colours.astype(kind)
        values *= kind(gain[channel])
        plane = window[..., channel]
        values -= plane - kind(offset[channel])
        values *= weight
        plane += values.astype(plane.dtype, copy=False)
