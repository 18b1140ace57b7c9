"""Tiles and their halvings in one picture, each with a transparent ring."""

from __future__ import annotations

import pytest
import torch

from asda_aug.batch.tile_pyramid import LEVELS, level_for, make_atlas


def tiles(side: int = 24) -> torch.Tensor:
    return torch.rand(2, 4, side, side, generator=torch.Generator().manual_seed(0))


def test_a_tile_is_halved_until_it_is_drawn_at_half_its_size_or_more() -> None:
    scale = torch.tensor([3.0, 1.0, 0.5, 0.49, 0.25, 0.1, 1e-3])
    assert level_for(scale).tolist() == [0, 0, 0, 1, 2, 3, 4]
    assert level_for(scale).max() == LEVELS[-1]
    within = (scale < 0.5) & (scale > 0.05)
    drawn = scale * torch.exp2(level_for(scale))
    assert ((drawn[within] > 0.7) & (drawn[within] < 1.42)).all()


@pytest.mark.parametrize("side", [16, 24, 31])
@pytest.mark.parametrize("level", LEVELS)
def test_what_is_drawn_from_is_the_mean_of_the_cells(side: int, level: int) -> None:
    whole = tiles(side)
    atlas = make_atlas(whole, torch.full((2,), 1.0 if level == 0 else 0.5**level * 0.99))
    assert atlas.reduction.tolist() == [2**level] * 2
    (x, y), (columns, rows) = atlas.corner[0].long().tolist(), atlas.cells[0].long().tolist()
    assert (columns, rows) == (-(-side // 2**level),) * 2
    cells = atlas.picture[:, :, y : y + rows, x : x + columns]
    kept = side // 2**level
    for row in range(kept):
        for column in range(kept):
            window = whole[:, :, row * 2**level : (row + 1) * 2**level, column * 2**level : (column + 1) * 2**level]
            torch.testing.assert_close(cells[:, :, row, column], window.mean(dim=(2, 3)))


def test_around_each_halving_colour_goes_on_and_the_mask_ends() -> None:
    for level in LEVELS:
        atlas = make_atlas(tiles(), torch.full((2,), 0.5**level * 0.99 if level else 1.0))
        (x, y), (columns, rows) = atlas.corner[0].long().tolist(), atlas.cells[0].long().tolist()
        ringed = atlas.picture[:, :, y - 1 : y + rows + 1, x - 1 : x + columns + 1]
        for edge, inner in ((ringed[..., 0], ringed[..., 1]), (ringed[..., -1, :], ringed[..., -2, :])):
            assert torch.equal(edge[:, :3], inner[:, :3])
            assert not edge[:, 3].any()


def test_asked_for_one_level_it_is_the_same_as_among_all() -> None:
    scale = torch.full((2,), 0.25)
    whole, one = make_atlas(tiles(), scale), make_atlas(tiles(), scale, [2])
    for atlas in (whole, one):
        (x, y), (columns, rows) = atlas.corner[0].long().tolist(), atlas.cells[0].long().tolist()
        cells = atlas.picture[:, :, y : y + rows, x : x + columns]
        torch.testing.assert_close(cells, torch.nn.functional.avg_pool2d(tiles(), 4))
