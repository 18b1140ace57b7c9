"""Colours of a part brought nearer to those of the picture it is pasted into (Reinhard et al. 2001, in Lab)."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from partpool.pool.part import Part

MAX_GAIN = 2.0
"""Spread is at most changed by this factor: a plain part must not become noise."""
SAMPLES = 64
"""Rows and columns of the picture that its statistics are taken from."""

Moments = tuple[NDArray[np.float64], NDArray[np.float64]]


def colour_moments(rgb: NDArray[np.uint8]) -> Moments:
    """Mean and standard deviation of the Lab channels of a picture, each float64 [3].

    Pure black does not count where there is anything else: crops that reach beyond their photograph are filled with it.

    Args:
        rgb: uint8 [H, W, 3].
    """
    rows, columns = (max(1, side // SAMPLES) for side in rgb.shape[:2])
    sampled = np.ascontiguousarray(rgb[::rows, ::columns])
    counted: NDArray[np.uint8] = sampled.max(axis=2)
    lab = cv2.cvtColor(sampled, cv2.COLOR_RGB2LAB)
    return _moments(lab, counted if counted.any() else None)


def harmonize(part: Part, target: Moments, strength: float) -> Part:
    """The part with mean and spread of its colour moved towards a picture's.

    Args:
        part: The part.
        target: What :func:`colour_moments` says of the picture.
        strength: 0 leaves the part, 1 takes the picture's mean and spread.
    """
    if strength <= 0:
        return part
    lab = cv2.cvtColor(part.rgb, cv2.COLOR_RGB2LAB)
    mean, spread = _moments(lab, part.mask.view(np.uint8))
    gain = np.clip(target[1] / np.maximum(spread, 1e-3), 1 / MAX_GAIN, MAX_GAIN)
    gain = 1 + strength * (gain - 1)
    offset = mean + strength * (target[0] - mean) - gain * mean
    # One table of 256 entries per channel instead of arithmetic on every pixel.
    table = np.arange(256)[:, None] * gain + offset
    lab = cv2.LUT(lab, np.clip(np.rint(table), 0, 255).astype(np.uint8)[None])
    return replace(part, rgb=cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))


def _moments(lab: NDArray[np.uint8], mask: NDArray[np.uint8] | None) -> Moments:
    mean, spread = cv2.meanStdDev(lab, mask=mask)
    return mean[:, 0], spread[:, 0]
