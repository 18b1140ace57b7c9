"""Slow, obvious pasting: what ``asda_aug.paste`` and ``asda_aug.compose`` must equal.

Every step is a whole-picture operation of SciPy in float64, and every rule is one sentence of design.md §8. OpenCV
serves only the kernel that the edge is defined by.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[np.float64]
Layer = tuple[Image, Image, NDArray[np.float64]]
"""Colour [h, w, C], extended outside the mask; mask [h, w] in [0, 1]; the map from patch to image pixels [2, 3]."""


def paste(image: Image, layers: Sequence[Layer], feather: float = 1.0) -> tuple[Image, Image]:
    """Paste layers onto an image [H, W, C], later over earlier ones; the image and the alpha of the stack [H, W]."""
    image = np.array(image, np.float64)
    clear = np.ones(image.shape[:2])
    for colour, mask, matrix in layers:
        part, alpha = render(colour, mask, matrix, image.shape[:2], feather)
        image = part * alpha[..., None] + image * (1 - alpha[..., None])
        clear *= 1 - alpha
    return image, 1 - clear


def render(
    colour: Image, mask: Image, matrix: NDArray[np.float64], shape: tuple[int, ...], feather: float
) -> tuple[Image, Image]:
    """A patch where its matrix puts it, in a picture of that shape: colour [H, W, C] and soft alpha [H, W].

    A patch drawn below half its size is averaged over the area of every pixel; any other is sampled at its centre.
    """
    scale = math.sqrt(abs(np.linalg.det(matrix[:, :2])))
    n = 2 * math.ceil(1 / scale) if scale < 0.5 else 1
    rows, columns = (np.mgrid[: n * shape[0], : n * shape[1]] + 0.5) / n
    points = np.stack([columns.ravel() - matrix[0, 2], rows.ravel() - matrix[1, 2]])
    u, v = np.linalg.solve(matrix[:, :2], points)
    at = np.stack([v, u]).reshape(2, *rows.shape) - 0.5
    planes = [ndimage.map_coordinates(plane, at, order=1, mode="nearest") for plane in np.moveaxis(colour, -1, 0)]
    planes.append(ndimage.map_coordinates(mask, at, order=1, mode="grid-constant"))
    drawn = np.stack(planes, axis=-1).reshape(shape[0], n, shape[1], n, -1).mean(axis=(1, 3))
    return drawn[..., :-1], soften(drawn[..., -1], round(feather))


def soften(alpha: Image, radius: int) -> Image:
    """The edge: eroded by a square, then blurred; at the picture's border the alpha goes on."""
    side = 2 * radius + 1
    alpha = ndimage.minimum_filter(alpha, side, mode="constant", cval=np.inf)
    kernel = cv2.getGaussianKernel(side, 0).ravel()
    for axis in (0, 1):
        alpha = ndimage.correlate1d(alpha, kernel, axis=axis, mode="nearest")
    return alpha
