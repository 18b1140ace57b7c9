"""Where a part goes: parameters, frames, and the matrices they mean.

Coordinates are pixels, x right, y down, pixel centres at integer + ½. A placement is *forward*: it says where a pixel
of the part lands in the image. Rotation and scale are isotropic in pixels, so nothing is sheared on a 192 × 256 image.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


class Frame(NamedTuple):
    """The region of the image that a placement is relative to, in pixels.

    Attributes:
        cx: Its centre.
        cy: Its centre.
        half_w: Half its width.
        half_h: Half its height.
    """

    cx: float
    cy: float
    half_w: float
    half_h: float

    @classmethod
    def of_image(cls, width: float, height: float) -> Frame:
        """The whole image."""
        return cls(width / 2, height / 2, width / 2, height / 2)

    @classmethod
    def of_box(cls, box: tuple[float, float, float, float], factor: float = 1.0) -> Frame:
        """A box x0 y0 x1 y1 about its own centre, ``factor`` times as large."""
        x0, y0, x1, y1 = box
        return cls((x0 + x1) / 2, (y0 + y1) / 2, factor * (x1 - x0) / 2, factor * (y1 - y0) / 2)


class Placement(NamedTuple):
    """θ = (s, r, tx, ty) of ASDA §3.1, as a forward map.

    Attributes:
        s: Scale, over 1 enlarges.
        r: Rotation in radians, over 0 turns clockwise on screen.
        tx: Shift to the right in half widths of the frame.
        ty: Shift down in half heights of the frame.
    """

    s: float = 1.0
    r: float = 0.0
    tx: float = 0.0
    ty: float = 0.0


def forward_matrix(placement: Placement, size: tuple[float, float], diagonal: float, frame: Frame) -> Matrix:
    """The map from patch pixels to image pixels.

    (1, 0, 0, 0) puts the centre of the patch on the frame's centre, unrotated, at its aligned size.

    Args:
        placement: θ.
        size: Width and height of the patch.
        diagonal: Aligned diagonal of the patch in image pixels: what it has at s = 1.
        frame: What the shift is relative to.

    Returns:
        float64 [2, 3].

    Raises:
        ValueError: If the size or the diagonal is not positive, or a number is not finite.
    """
    s, r, tx, ty = placement
    width, height = size
    if not (width > 0 and height > 0 and diagonal > 0 and s > 0):
        raise ValueError(f"size, diagonal and s must be positive, but got {size}, {diagonal} and {s}")
    scale = s * diagonal / math.hypot(width, height)
    cos, sin = scale * math.cos(r), scale * math.sin(r)
    x = frame.cx + tx * frame.half_w - (cos * width - sin * height) / 2
    y = frame.cy + ty * frame.half_h - (sin * width + cos * height) / 2
    if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(scale)):
        raise ValueError(f"a placement must be finite, but got {placement} in {frame}")
    return np.array([[cos, -sin, x], [sin, cos, y]])


def checked_matrix(matrix: Matrix) -> list[list[float]]:
    """The rows of a map from patch to image.

    Raises:
        ValueError: If it is not two rows of three finite numbers, or maps the patch onto a line.
    """
    array = np.asarray(matrix, np.float64)
    rows: list[list[float]] = array.tolist()
    if array.shape == (2, 3):
        (a, b, c), (d, e, f) = rows
        area = a * e - b * d
        if area and math.isfinite(area + c + f):
            return rows
    raise ValueError(f"a matrix must be 2 x 3, finite and invertible, but got {matrix!r}")


def to_cv2(matrix: Matrix) -> Matrix:
    """The same map for ``cv2.warpAffine``, which puts pixel centres at integers; float64 [2, 3]."""
    shifted = np.array(matrix, np.float64)
    shifted[:, 2] += shifted[:, :2].sum(axis=1) / 2 - 0.5
    return shifted


def paper_matrix(placement: Placement) -> Matrix:
    """The paper's H (eqs 1, 2): the backward map from target to source in normalised coordinates; float64 [2, 3].

    It equals the forward map for a part that is drawn at its aligned size in the middle of a square canvas equal to the
    frame: H = (1/s)·R(−r) and −(1/s)·R(−r)·t. ``torch.nn.functional.affine_grid(H, size, align_corners=False)`` samples
    that canvas. The paper's own scale and shift are those of this backward map.
    """
    s, r, tx, ty = placement
    cos, sin = math.cos(r) / s, math.sin(r) / s
    return np.array([[cos, sin, -(cos * tx + sin * ty)], [-sin, cos, sin * tx - cos * ty]])
