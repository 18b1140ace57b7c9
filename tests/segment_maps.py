"""Label maps for tests of segmentation."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from partpool import LIP

Block = tuple[str, int, int, int, int]
"""A label and the box it fills: x0, y0, x1, y1, half-open."""
CORNERS: tuple[Block, ...] = (("hat", 0, 0, 1, 1), ("hat", 59, 79, 60, 80))
"""Two pixels that stretch the person's box over a whole map of 60 × 80 pixels."""


def noise(height: int, width: int, labels: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, labels, (height, width), np.uint8)


@st.composite
def label_maps(draw: st.DrawFn) -> NDArray[np.uint8]:
    """Noise, blocks, stripes, lone pixels or rings, at any place in a larger array."""
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 60))
    labels = draw(st.sampled_from([2, 3, 8, 256]))
    found = noise(height, width, labels, draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["noise", "blocks", "stripes", "pixels", "rings"]))
    if kind == "blocks":
        size = draw(st.integers(2, 20))
        found = np.kron(found, np.ones((size, size), np.uint8))[:height, :width]
    elif kind == "stripes":
        found[:] = found[:, :1] if draw(st.booleans()) else found[:1]
    elif kind == "pixels":
        found[np.random.default_rng(labels).random(found.shape) < 0.95] = draw(st.sampled_from([0, 1]))
    elif kind == "rings":
        rows, columns = np.mgrid[:height, :width]
        found[:] = np.minimum.reduce([rows, columns, height - 1 - rows, width - 1 - columns]) % labels
    return np.pad(found, 1)[:, draw(st.integers(0, 1)) :] if draw(st.booleans()) else found


def draw_blocks(*blocks: Block, size: tuple[int, int] = (60, 80)) -> NDArray[np.uint8]:
    """A label map [H, W] of rectangles, later ones over earlier ones; ``size`` is width and height.

    60 × 80 has a diagonal of 100, so that gap and reach are whole pixels: 4 and 16.
    """
    label_map = np.zeros(size[::-1], np.uint8)
    for label, x0, y0, x1, y1 in blocks:
        label_map[y0:y1, x0:x1] = LIP.labels.index(label)
    return label_map


def neck_map(length: int, *more: Block) -> NDArray[np.uint8]:
    """A face 11 pixels wide over the middle of a coat, ``length`` rows apart, in a person of diagonal 100."""
    return draw_blocks(
        ("coat", 10, 20 + length, 51, 60), ("face", 25, 6, 36, 20), *more,
        ("left-shoe", 0, 0, 1, 1), ("left-shoe", 59, 79, 60, 80),
    )  # fmt: skip
