"""Label maps for tests of segmentation."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray


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
