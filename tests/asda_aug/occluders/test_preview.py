"""Pictures before and after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asda_aug.occluders.cutout import Cutout
from asda_aug.occluders.paste_parts import PasteParts
from asda_aug.occluders.preview import CELL, COVERED, GAP, OCCLUDED, VISIBLE, before_and_after, draw_cell
from asda_aug.scene.scene import Scene

GREY = 128


def has(picture: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((picture == colour).all(axis=-1).any())


def grey(width: int, height: int, keypoints: object = None, **options: object) -> Scene:
    return Scene(np.full((height, width, 3), GREY, np.uint8), keypoints, **options)


@pytest.mark.parametrize(
    ("visible", "covered", "colour"), [(1, 0, VISIBLE), (0, 0, OCCLUDED), (1, 1, COVERED), (0, 1, COVERED)]
)
def test_the_colour_of_a_keypoint(visible: int, covered: int, colour: tuple[int, int, int]) -> None:
    scene = grey(100, 100, [[50.0, 50.0]], visible=[visible])
    cell = draw_cell(scene, np.array([[bool(covered)]]), ())
    others = {VISIBLE, OCCLUDED, COVERED} - {colour}
    assert has(cell, colour)
    assert not any(has(cell, other) for other in others)
    # Half an image to the right and down is half a cell.
    middle = GAP + CELL // 2
    assert tuple(cell[middle, middle]) == colour


def test_keypoints_without_a_label_are_not_drawn() -> None:
    cell = draw_cell(grey(100, 100, [[50.0, 50.0]], labelled=[False]), np.array([[False]]), ())
    assert not any(has(cell, colour) for colour in (VISIBLE, OCCLUDED, COVERED))


def test_a_photograph_is_shown_around_its_person() -> None:
    image = np.zeros((400, 1000, 3), np.uint8)
    image[100:200, 600:700] = (250, 0, 250)
    whole = draw_cell(Scene(image), np.zeros((1, 0), bool), ())
    near = draw_cell(Scene(image, boxes=[600, 100, 700, 200], crop=False), np.zeros((1, 0), bool), ())
    share = [(cell == (250, 0, 250)).all(axis=-1).sum() / CELL**2 for cell in (whole, near)]
    assert share[0] == pytest.approx(0.01, rel=0.2)
    assert share[1] == pytest.approx(1 / 1.5**2, rel=0.05)


def test_covered_keypoints_are_shown_and_the_first_cell_is_untouched() -> None:
    scene = grey(200, 200, [[100.0, 100.0], [3.0, 3.0]])
    occluder = Cutout(size=(1, 1), fill=(0, 0, 0))
    sheet = before_and_after(occluder, [("grey.png", scene)], columns=3)
    cells = np.split(sheet[: CELL + 2 * GAP], 4, axis=1)
    assert not has(cells[0], COVERED)
    assert not has(cells[0], (0, 0, 0))
    assert all(has(cell, COVERED) and has(cell, (0, 0, 0)) for cell in cells[1:])
    assert (scene.image == GREY).all()
    assert scene.visible.all()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700), st.booleans(), st.integers(1, 3), st.integers(0, 2**40))
def test_any_shape(pool: Path, width: int, height: int, crop: bool, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-50, 750, (5, 2))
    scenes = [
        ("a picture with a rather long name that must not run over.jpg", grey(width, height, points, crop=crop)),
        ("b.jpg", grey(height, width)),
    ]
    occluder = PasteParts(pool, classes=["left-arm", "whole-body"], min_parts=1, num_parts=2)
    sheet = before_and_after(occluder, scenes, columns=columns, seed=seed)
    assert sheet.dtype == np.uint8
    assert sheet.shape[1:] == ((columns + 1) * (CELL + 2 * GAP), 3)
    assert (sheet == before_and_after(occluder, scenes, columns=columns, seed=seed)).all()
