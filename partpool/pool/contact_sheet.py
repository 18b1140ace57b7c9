"""Contact sheets: a row of random parts per class, to judge a pool by eye."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from partpool.errors import OutputError
from partpool.pool.part import Part
from partpool.pool.reader import PartPool

TILE = 96
"""Side of a part's tile in pixels; larger parts are shrunk into it, smaller ones stay."""
GAP = 6
LEGEND = 216
FONT, SMALL_FONT, CAPTION_FONT, LINE = 17, 14, 10, 22
INK, FAINT, PAPER = (20, 20, 20), (110, 110, 110), (255, 255, 255)
CHECKERBOARD = (225, 190)

Picture = NDArray[np.uint8]


def contact_sheet(pool: PartPool, *, classes: Sequence[str] | None = None, columns: int = 12, seed: int = 0) -> Picture:
    """Draw random parts of every class on a checkerboard, with names, counts and median sizes.

    A single class fills a grid of rows instead of one.

    Args:
        pool: The pool.
        classes: Names of the classes to draw; None draws all.
        columns: Parts in a row.
        seed: Which parts are drawn.

    Returns:
        uint8 [H, W, 3] RGB.

    Raises:
        ConfigError: If there is no such class.
    """
    names = list(classes) if classes else list(pool.taxonomy.names)
    rows = columns if len(names) == 1 else 1
    rng = np.random.default_rng(seed)
    bands = [_class_band(pool, name, rows, columns, rng) for name in names if pool.count(name)]
    empty = [name for name in names if not pool.count(name)]
    title = f"{len(pool):,} parts, {pool.taxonomy.name}"
    if empty:
        title += f"; none of: {', '.join(empty)}"
    width = LEGEND + columns * (TILE + GAP) + GAP
    return np.concatenate([_title_band(title, width), *bands])


def captioned_sheet(title: str, tiles: Sequence[tuple[Picture, tuple[str, str]]], *, columns: int = 12) -> Picture:
    """Draw tiles in a grid, each with two lines under it.

    Args:
        title: What stands above.
        tiles: uint8 [TILE, TILE, 3] RGB, and the lines.
        columns: Tiles in a row.

    Returns:
        uint8 [H, W, 3] RGB.
    """
    width = columns * (TILE + GAP) + GAP
    height = TILE + 2 * SMALL_FONT + 3 * GAP
    bands = [_title_band(title, width)]
    for first in range(0, len(tiles), columns):
        band = np.full((height, width, 3), PAPER, np.uint8)
        row = tiles[first : first + columns]
        for place, (tile, _) in enumerate(row):
            left = GAP + place * (TILE + GAP)
            band[:TILE, left : left + TILE] = tile
        image = Image.fromarray(band)
        draw = ImageDraw.Draw(image)
        for place, (_, lines) in enumerate(row):
            for number, (line, colour) in enumerate(zip(lines, (INK, FAINT), strict=True)):
                at = (GAP + place * (TILE + GAP), TILE + number * SMALL_FONT)
                draw.text(at, line, fill=colour, font=_font_that_fits(line, CAPTION_FONT, TILE))
        bands.append(np.asarray(image))
    return np.concatenate(bands)


def save_picture(picture: Picture, path: Path) -> None:
    """Write a picture; the file appears whole or not at all.

    Raises:
        OutputError: If the ending is not a picture's, or the file cannot be written.
    """
    partial = path.with_name(f".partial-{path.name}")
    try:
        Image.fromarray(picture).save(partial)
        partial.replace(path)
    except ValueError:
        raise OutputError(f"{path} has no picture's ending; use .png or .jpg") from None
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)


def draw_part(part: Part, side: int = TILE) -> Picture:
    """A part on a checkerboard, centred in a square tile, shrunk to fit if it is larger; uint8 RGB [side, side, 3]."""
    tile = _checkerboard(side)
    height, width = part.mask.shape
    scale = min(1.0, side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    colour = cv2.resize(part.rgb, size, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(part.mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)[..., None]
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    window = tile[top : top + size[1], left : left + size[0]]
    window[:] = np.rint(colour * alpha + window * (1 - alpha)).astype(np.uint8)
    return tile


def _checkerboard(side: int) -> Picture:
    cells = np.add.outer(np.arange(side) // 8, np.arange(side) // 8)
    return np.repeat(np.where(cells % 2, *map(np.uint8, CHECKERBOARD))[..., None], 3, axis=2)


def _class_band(pool: PartPool, name: str, rows: int, columns: int, rng: np.random.Generator) -> Picture:
    indices = pool.indices(name)
    shown = rng.choice(indices, min(rows * columns, len(indices)), replace=False)
    rows = -(-len(shown) // columns)
    band = np.full((rows * (TILE + GAP) + GAP, LEGEND + columns * (TILE + GAP) + GAP, 3), PAPER, np.uint8)
    for place, index in enumerate(shown.tolist()):
        top, left = GAP + place // columns * (TILE + GAP), LEGEND + GAP + place % columns * (TILE + GAP)
        band[top : top + TILE, left : left + TILE] = draw_part(pool[index])
    width, height = (np.median(pool.columns[side][indices]) for side in ("width", "height"))
    part = pool.taxonomy[name]
    lines = [name, f"{len(indices):,} parts", f"median {width:.0f} x {height:.0f} px", f"size {part.size:g}"]
    return _with_text(band, [(lines[0], FONT, INK), *((line, SMALL_FONT, FAINT) for line in lines[1:])])


def _font_that_fits(line: str, size: int, width: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font in which a line fits into a width, of that size at most."""
    font = ImageFont.load_default(size)
    length = font.getlength(line)
    return font if length <= width else ImageFont.load_default(size * width / length)


def _title_band(text: str, width: int) -> Picture:
    font = ImageFont.load_default(FONT)
    lines: list[str] = [""]
    for word in text.split():
        if font.getlength(f"{lines[-1]} {word}") > width - 4 * GAP:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    band = np.full((LINE * len(lines) + 3 * GAP, width, 3), PAPER, np.uint8)
    return _with_text(band, [(line, FONT, INK) for line in lines])


def _with_text(picture: Picture, lines: Sequence[tuple[str, int, tuple[int, int, int]]]) -> Picture:
    """The picture with lines of text on it: what, font size, colour."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    for number, (line, size, colour) in enumerate(lines):
        draw.text((2 * GAP, 2 * GAP + number * LINE), line, fill=colour, font=ImageFont.load_default(size))
    return np.asarray(image)
