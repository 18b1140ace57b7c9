"""Pasting parts into an image. Draws nothing at random and needs no PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from asda_aug.pasting import compiled
from asda_aug.pasting.warp import Warped, feather_radius, warp
from asda_aug.placement import Matrix
from asda_aug.ranges import NUMBERS
from asda_aug.scene.normalisation import Colours, Image, channels_last, copied, gain_and_offset
from partpool.pool.part import Part

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
    stack = np.zeros(channels_last(image).shape[:2], np.float32)
    if not pasted and out is None:
        return image, stack
    result = copied(image) if out is None else _written(image, out)
    feathers = [feather] * len(pasted) if isinstance(feather, NUMBERS) else feather
    paste_into(result, pasted, feathers, mean, std, bgr, stack)
    return result, stack


def paste_into(
    image: NDArray[Any],
    pasted: Pasted,
    feathers: Sequence[float],
    mean: Colours = None,
    std: Colours = None,
    bgr: bool = False,
    stack: NDArray[np.float32] | None = None,
) -> list[bool]:
    """Paste in place as :func:`paste` does, and say which parts can be seen.

    Args:
        image: uint8 or float; [H, W], [H, W, C] or [C, H, W] with 1 or 3 channels.
        pasted: Parts and where their patch pixels go, float64 [2, 3].
        feathers: Width of the soft edge in pixels, one per part.
        mean: What was subtracted from the colours in [0, 1] of a float image, in its channel order.
        std: What they were then divided by.
        bgr: Whether the image's channels are BGR.
        stack: Soft coverage of the image by earlier parts, float32 [H, W], to which that of these is added; None if it
            is not asked for.
    """
    pixels = channels_last(image)
    gain, offset = gain_and_offset(pixels, mean, std)
    at_once = compiled.COMPILED and pixels.dtype in COMPILED_TYPES and pixels.flags.aligned
    seen = []
    for (part, matrix), feather in zip(pasted, feathers, strict=True):
        radius = feather_radius(feather)
        if at_once and radius <= 1:
            colour, mask = np.ascontiguousarray(part.rgb), np.ascontiguousarray(part.mask, np.bool_)
            where = np.ascontiguousarray(matrix, np.float64)
            seen.append(compiled.loops.paste(pixels, colour, mask, where, radius == 1, bgr, gain, offset, stack))
            continue
        warped = warp(part, matrix, pixels.shape[:2], feather=feather, bgr=bgr)
        seen.append(warped is not None and _blend(pixels, warped, gain, offset, bgr, stack))
    return seen


def _blend(
    pixels: NDArray[Any],
    warped: Warped,
    gain: Sequence[float],
    offset: Sequence[float],
    bgr: bool,
    stack: NDArray[np.float32] | None,
) -> bool:
    """Blend what was drawn of a part into an image, and its coverage into the stack's; whether there is anything."""
    x, y, colour, alpha = warped
    rectangle = slice(y, y + alpha.shape[0]), slice(x, x + alpha.shape[1])
    if pixels.shape[2] == 1:
        colour = cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY if bgr else cv2.COLOR_RGB2GRAY)[..., None]
    if pixels.dtype == np.uint8:
        _blend_bytes(pixels[rectangle], colour, alpha)
    else:
        _blend_floats(pixels[rectangle], colour, alpha, gain, offset)
    if stack is not None:
        stack[rectangle] += (1 - stack[rectangle]) * (alpha * np.float32(1 / 255))
    return cv2.countNonZero(alpha) > 0


def _written(image: Image, out: Image) -> Image:
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
    weight, opaque, seen = alpha * kind(1 / 255), alpha == 255, alpha > 0
    # Plane by plane: a last axis of three is too short for NumPy's loops.
    for channel, colours in enumerate(cv2.split(colour)):
        front = colours.astype(kind) * kind(gain[channel]) + kind(offset[channel])
        plane = window[..., channel]
        mixed = np.where(opaque, front, plane + (front - plane) * weight)
        np.copyto(plane, mixed, "same_kind", seen)
