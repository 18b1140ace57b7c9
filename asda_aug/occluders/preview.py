"""What an augmentation does to pictures: each before and after, with the keypoints that became covered."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from asda_aug.occluders.occluder import Occluder, Paste
from asda_aug.sampling.seeds import sample_generator
from asda_aug.scene.scene import Scene

CELL, GAP, LINE, FONT = 256, 8, 18, 13
"""Side of a cell, space around it, height of a line of text and of its letters, in pixels."""
VIEW = 1.5
"""How much more than the person's box is shown of a photograph."""
INK, FAINT, PAPER = (20, 20, 20), (110, 110, 110), (255, 255, 255)
VISIBLE, OCCLUDED, COVERED = (70, 205, 90), (250, 190, 40), (225, 30, 50)
LEGEND = ((VISIBLE, "visible"), (OCCLUDED, "labelled as occluded"), (COVERED, "covered by what was pasted"))
TITLES = 2
"""Lines of text under a cell."""

Colour = tuple[int, int, int]
Picture = NDArray[np.uint8]


def before_and_after(
    occluder: Occluder, scenes: Sequence[tuple[str, Scene]], *, columns: int = 5, seed: int = 0
) -> Picture:
    """Draw a row per picture: as it is, then augmented several times.

    Cells are what ``ASDADataset(…, seed=seed)`` makes of sample *row* in epoch *column*. Of a photograph the
    surroundings of its people are shown.

    Args:
        occluder: The augmentation.
        scenes: Names and scenes; images are uint8 [H, W, 3] RGB.
        columns: Augmented cells in a row.
        seed: Decides everything that is random.

    Returns:
        uint8 [H, W, 3] RGB.
    """
    rows = [_row(occluder, name, scene, columns, seed, number) for number, (name, scene) in enumerate(scenes)]
    legend = any(scene.labelled.any() for _, scene in scenes)
    return np.concatenate([*rows, _legend(rows[0].shape[1])] if legend else rows)


def _row(occluder: Occluder, name: str, scene: Scene, columns: int, seed: int, number: int) -> Picture:
    cells = [draw_cell(scene, scene.labelled & False, (name, "before"))]
    for epoch in range(columns):
        after = copy.copy(scene)
        pastes = occluder.draw(after, sample_generator(seed, epoch, number))
        covered = occluder.apply(after, pastes)
        cells.append(draw_cell(after, covered, (_names(pastes), _count(covered, scene.labelled))))
    return np.concatenate(cells, axis=1)


def draw_cell(scene: Scene, covered: NDArray[np.bool_], titles: Sequence[str]) -> Picture:
    """A scene in a square with its keypoints, and lines of text under it.

    Args:
        scene: Its image is uint8 [H, W, 3] RGB.
        covered: Which keypoints are covered, bool [P, K].
        titles: Lines of text.

    Returns:
        uint8 [CELL + TITLES · LINE + 2 · GAP, CELL + 2 · GAP, 3] RGB.
    """
    x0, y0, x1, y1 = _view(scene)
    scale = CELL / max(x1 - x0, y1 - y0)
    size = (max(1, round(scale * (x1 - x0))), max(1, round(scale * (y1 - y0))))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture = cv2.resize(np.ascontiguousarray(scene.image[y0:y1, x0:x1]), size, interpolation=how)
    # OpenCV puts pixel centres at integers.
    points = (scene.keypoints - (x0, y0)) * scale - 0.5
    for person, joint in np.argwhere(scene.labelled).tolist():
        colour = COVERED if covered[person, joint] else VISIBLE if scene.visible[person, joint] else OCCLUDED
        _dot(picture, points[person, joint].tolist(), colour)
    cell: Picture = np.full((CELL + TITLES * LINE + 2 * GAP, CELL + 2 * GAP, 3), PAPER, np.uint8)
    left, top = GAP + (CELL - size[0]) // 2, GAP + (CELL - size[1]) // 2
    cell[top : top + size[1], left : left + size[0]] = picture
    canvas = Image.fromarray(cell)
    for number, text in enumerate(titles):
        y = GAP + CELL + 2 + number * LINE
        ImageDraw.Draw(canvas).text((GAP, y), _shortened(text), fill=FAINT if number else INK, font=_font())
    return np.asarray(canvas)


def _view(scene: Scene) -> tuple[int, int, int, int]:
    """Columns and rows that are shown, half-open: a whole crop, or the people of a photograph and what is around."""
    width, height = scene.size
    boxes = [scene.box(person, (width, height)) for person in range(scene.people)]
    known = [box for box in boxes if box is not None]
    if scene.crop or not known:
        return 0, 0, width, height
    low, high = np.min(known, axis=0)[:2], np.max(known, axis=0)[2:]
    reach = np.full(2, VIEW / 2 * float((high - low).max()))
    x0, y0 = (max(0, math.floor(value)) for value in ((low + high) / 2 - reach).tolist())
    x1, y1 = np.minimum(np.ceil((low + high) / 2 + reach), (width, height)).astype(int).tolist()
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else (0, 0, width, height)


def _dot(picture: Picture, at: list[float], colour: Colour) -> None:
    x, y = at
    # Far outside OpenCV's coordinates would overflow.
    if not (abs(x) < 2 * CELL and abs(y) < 2 * CELL):
        return
    # Sixteenths of a pixel.
    centre = (round(16 * x), round(16 * y))
    cv2.circle(picture, centre, round(16 * 4.5), INK, -1, cv2.LINE_AA, 4)
    cv2.circle(picture, centre, round(16 * 3.5), colour, -1, cv2.LINE_AA, 4)


def _legend(width: int) -> Picture:
    band: Picture = np.full((LINE + 2 * GAP, width, 3), PAPER, np.uint8)
    canvas = Image.fromarray(band)
    left = GAP
    dots: list[tuple[int, Colour]] = []
    for colour, text in LEGEND:
        dots.append((left + GAP, colour))
        ImageDraw.Draw(canvas).text((left + 2 * GAP + 2, GAP), text, fill=INK, font=_font())
        left += round(_font().getlength(text)) + 5 * GAP
    band = np.array(canvas)
    for x, colour in dots:
        _dot(band, [x, GAP + LINE / 2], colour)
    return band


def _names(pastes: Sequence[Paste]) -> str:
    return ", ".join(paste.name for paste in pastes if paste.seen) or "nothing pasted"


def _count(covered: NDArray[np.bool_], labelled: NDArray[np.bool_]) -> str:
    return f"{np.count_nonzero(covered)} of {np.count_nonzero(labelled)} keypoints covered" if labelled.any() else ""


def _shortened(text: str) -> str:
    """A text that fits below a cell."""
    if _font().getlength(text) <= CELL:
        return text
    while text and _font().getlength(f"{text}…") > CELL:
        text = text[:-1]
    return f"{text}…"


def _font() -> Any:
    return ImageFont.load_default(FONT)
