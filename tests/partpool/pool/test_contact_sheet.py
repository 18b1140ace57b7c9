"""Contact sheets: parts on a checkerboard, and pictures that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from partpool import Part, PartPool
from partpool.errors import ConfigError, OutputError
from partpool.pool.contact_sheet import TILE, captioned_sheet, contact_sheet, draw_part, save_picture

BOX = np.zeros(4, np.int32)
RED = np.array([200, 10, 10], np.uint8)


def red(height: int, width: int, mask: bool = True) -> Part:
    return Part(np.full((height, width, 3), RED), np.full((height, width), mask), 0, "hat", BOX, BOX, "a.jpg")


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 300), width=st.integers(1, 300), side=st.integers(16, 120))
def test_a_part_lies_whole_in_the_middle_of_its_tile(height: int, width: int, side: int) -> None:
    tile = draw_part(red(height, width), side)
    assert tile.shape == (side, side, 3)
    rows, columns = np.nonzero((tile == RED).all(axis=2))
    scale = min(1, side / max(height, width))
    assert len(rows) == max(1, round(height * scale)) * max(1, round(width * scale))
    for ends, length in ((rows, side), (columns, side)):
        assert abs(ends.min() - (length - 1 - ends.max())) <= 1


def test_nothing_of_a_part_shows_outside_its_mask() -> None:
    np.testing.assert_array_equal(draw_part(red(40, 30, mask=False)), draw_part(red(1, 1, mask=False)))


def test_a_sheet_shows_a_row_for_each_class_and_is_drawn_again_alike(pool: Path) -> None:
    opened = PartPool(pool)
    sheet = contact_sheet(opened, columns=4, seed=3)
    np.testing.assert_array_equal(sheet, contact_sheet(opened, columns=4, seed=3))
    assert (sheet != contact_sheet(opened, columns=4, seed=4)).any()
    two = contact_sheet(opened, classes=["hat", "face"], columns=4)
    assert two.shape[1] == sheet.shape[1]
    filled = sum(bool(opened.count(part.name)) for part in opened.classes)
    assert sheet.shape[0] > two.shape[0] * filled / 3
    assert contact_sheet(opened, classes=["face"], columns=2).shape[0] > 2 * TILE
    with pytest.raises(ConfigError, match="there is no class 'tail'"):
        contact_sheet(opened, classes=["tail"])


@pytest.mark.parametrize("count", [0, 1, 12, 13, 40])
def test_captioned_tiles_fill_rows(count: int) -> None:
    tile = np.full((TILE, TILE, 3), RED)
    sheet = captioned_sheet("a title", [(tile, (f"line {number}" * 9, "0.5")) for number in range(count)])
    assert np.count_nonzero((sheet == RED).all(axis=2)) == count * TILE * TILE
    title = captioned_sheet("a title", [])
    band = captioned_sheet("a title", [(tile, ("", ""))]).shape[0] - title.shape[0]
    assert sheet.shape == (title.shape[0] + -(-count // 12) * band, title.shape[1], 3)


def test_a_picture_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    save_picture(picture, tmp_path / "sheet.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "sheet.png")), picture)
    for path, said in ((tmp_path / "sheet.txt", "use .png or .jpg"), (tmp_path / "no" / "a.png", "cannot be written")):
        with pytest.raises(OutputError, match=said):
            save_picture(picture, path)
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
