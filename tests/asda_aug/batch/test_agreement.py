"""The NumPy paste and the torch paste draw the same picture of the same tile and matrix (design: 2/255 on OpenCV 5)."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from asda_aug import Frame, PartBatch, Placement, compose, forward_matrix, paste
from asda_aug_parts import make_part, picture
from oracles import pasting
from partpool import Part

pytestmark = pytest.mark.usefixtures("loops")

SIDE, SIZE = 96, (110, 80)
TOLERANCE = 2 if int(cv2.__version__.partition(".")[0]) >= 5 else 8


def as_tile(part: Part) -> Part:
    """The part in the middle of a tile of 96 × 96, colour going on."""
    height, width = part.mask.shape
    left, top = (SIDE - width) // 2, (SIDE - height) // 2
    around = (top, SIDE - top - height, left, SIDE - left - width)
    rgb = cv2.copyMakeBorder(part.rgb, *around, cv2.BORDER_REPLICATE)
    mask = cv2.copyMakeBorder(part.mask.view(np.uint8), *around, cv2.BORDER_CONSTANT, value=0)
    box = np.array([0, 0, SIDE, SIDE], np.int32)
    return Part(rgb, mask.view(bool), 0, "hat", box, box, "")


def batch(tile: Part, size: tuple[int, int], diagonal: float) -> PartBatch:
    mask = tile.mask.view(np.uint8) * np.uint8(255)
    patch = torch.from_numpy(np.concatenate([tile.rgb.transpose(2, 0, 1), mask[None]]))[None, None]
    ones = torch.ones(1, 1)
    return PartBatch(
        patch=patch, size=torch.tensor([[size]], dtype=torch.float32), class_id=torch.zeros(1, 1, dtype=torch.int64),
        diagonal=ones * diagonal, scale=ones, frame=torch.tensor([[Frame.of_image(*SIZE)]], dtype=torch.float32),
        valid=ones > 0, points=torch.zeros(1, 0, 2), labelled=torch.zeros(1, 0, dtype=torch.bool),
        person=torch.zeros(1, 4), mean=torch.zeros(1, 3), std=torch.ones(1, 3),
    )  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.floats(0.12, 3), st.floats(-math.pi, math.pi), st.floats(-0.9, 0.9),
    st.floats(-0.9, 0.9), st.sampled_from([0, 1, 2]),
)  # fmt: skip
@pytest.mark.slow
def test_paste_and_compose_agree(seed: int, s: float, r: float, tx: float, ty: float, feather: int) -> None:
    # Where the number of halvings changes, the last bit of a float32 decides.
    assume(abs(s - 0.5) > 1e-3 and all(abs(s / 2 ** (-n - 0.5) - 1) > 1e-3 for n in range(1, 4)))
    rng = np.random.default_rng(seed)
    width, height = (2 * rng.integers(4, 46, 2)).tolist()
    tile, image = as_tile(make_part(rng, width, height)), picture(rng, *SIZE)
    theta, diagonal = Placement(s, r, tx, ty), math.hypot(width, height)
    # The tile's middle is the part's, so the same placement of the whole tile has a larger diagonal.
    whole = diagonal * math.hypot(SIDE, SIDE) / math.hypot(width, height)
    matrix = forward_matrix(theta, (SIDE, SIDE), whole, Frame.of_image(*SIZE))
    by_numpy, alpha = paste(image, [(tile, matrix)], feather=feather)
    tensor = torch.from_numpy(image.transpose(2, 0, 1).copy())[None].double() / 255
    composed, clear = compose(
        tensor, batch(tile, (width, height), diagonal), torch.tensor([[theta]], dtype=torch.float64), feather=feather
    )
    by_torch = composed[0].permute(1, 2, 0).numpy() * 255
    _, hard = pasting.render(tile.rgb.astype(float), tile.mask.astype(float), matrix, image.shape[:2], 0)
    inside = (hard > 0.5).astype(np.uint8)
    band = cv2.dilate(inside, np.ones((7, 7))) - cv2.erode(inside, np.ones((7, 7)))
    away = band == 0
    assert np.abs(by_numpy - by_torch)[away].max(initial=0) <= TOLERANCE
    assert np.abs(alpha - clear[0, 0].numpy())[away].max(initial=0) <= 0.02
    assert np.abs(alpha - clear[0, 0].numpy()).mean() <= 0.005


@pytest.mark.parametrize("s", [0.04, 0.26, 0.36, 0.49, 0.51, 0.99])
def test_they_average_alike_whatever_the_scale(s: float) -> None:
    rng = np.random.default_rng(0)
    part = make_part(rng, 90, 90, solid=True)
    noise = rng.integers(0, 256, (90, 90, 3), np.uint8)
    part.rgb[:] = noise
    tile, image = as_tile(part), np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    theta, diagonal = Placement(s, 0.3), math.hypot(90, 90)
    matrix = forward_matrix(theta, (SIDE, SIDE), diagonal * SIDE / 90, Frame.of_image(*SIZE))
    by_numpy, alpha = paste(image, [(tile, matrix)], feather=0)
    tensor = torch.zeros(1, 3, SIZE[1], SIZE[0], dtype=torch.float64)
    composed, _ = compose(
        tensor, batch(tile, (90, 90), diagonal), torch.tensor([[theta]], dtype=torch.float64), feather=0
    )
    inside = cv2.erode((alpha > 0.99).astype(np.uint8), np.ones((3, 3))) > 0
    difference = np.abs(by_numpy - composed[0].permute(1, 2, 0).numpy() * 255)[inside]
    assert difference.max(initial=0) <= TOLERANCE + 1
