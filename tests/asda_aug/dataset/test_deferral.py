from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from asda_aug import ROR, ASDADataset, Frame, JointPlacer, PartBatch, Placement, forward_matrix
from asda_aug_data import MEAN, STD, HRNetLike, Pairs
from oracles import pasting
from partpool.errors import ConfigError

OPTIONS: dict[str, Any] = {"seed": 7, "min_parts": 1, "classes": ["upper-clothes", "left-arm", "face"]}


def dataset(pool: Path, base: Any = None, **options: Any) -> ASDADataset:
    return ASDADataset(HRNetLike() if base is None else base, pool, defer=True, **{**OPTIONS, **options})


@pytest.mark.filterwarnings("ignore:.*pin_memory.*:UserWarning")
@pytest.mark.parametrize("workers", [0, 2])
def test_default_collate_stacks_parts(pool: Path, workers: int) -> None:
    wrapped = dataset(pool, num_parts={0, 1, 3}, tile=96)
    loader = DataLoader(wrapped, 8, num_workers=workers, pin_memory=True)
    images, _, _, meta = next(iter(loader))
    parts = meta["asda"]
    assert isinstance(parts, PartBatch)
    shapes = {name: tuple(getattr(parts, name).shape) for name in parts._fields}
    assert shapes == {
        "patch": (8, 3, 4, 96, 96), "size": (8, 3, 2), "class_id": (8, 3), "diagonal": (8, 3), "scale": (8, 3),
        "frame": (8, 3, 4), "valid": (8, 3), "points": (8, 17, 2), "labelled": (8, 17), "person": (8, 4),
        "mean": (8, 3), "std": (8, 3),
    }  # fmt: skip
    kinds = {name: getattr(parts, name).dtype for name in parts._fields}
    assert kinds["patch"] == torch.uint8
    assert kinds["class_id"] == torch.int64
    assert kinds["valid"] == kinds["labelled"] == torch.bool
    assert {kinds[name] for name in kinds if name not in ("patch", "class_id", "valid", "labelled")} == {torch.float32}
    np.testing.assert_allclose(parts.mean[0], MEAN, rtol=1e-6)
    np.testing.assert_allclose(parts.std[0], STD, rtol=1e-6)
    assert torch.equal(images, torch.stack([HRNetLike()[index][0] for index in range(8)]))
    assert {int(count) for count in parts.valid.sum(dim=1)} <= {0, 1, 3}
    assert isinstance(parts.to("cpu"), PartBatch)


def test_points_and_people(pool: Path) -> None:
    wrapped = dataset(pool)
    *_, meta = wrapped[2]
    parts = meta["asda"]
    np.testing.assert_allclose(parts.points, meta["joints"][:, :2], rtol=1e-6)
    np.testing.assert_array_equal(parts.labelled, meta["joints_vis"][:, 0] > 0)
    width, height = 48 / 1.25, 64 / 1.25
    np.testing.assert_allclose(parts.person, [24 - width / 2, 32 - height / 2, 24 + width / 2, 32 + height / 2])
    np.testing.assert_allclose(parts.frame[0], [24, 32, 24, 32])


def test_frames_of_joints(pool: Path) -> None:
    wrapped = dataset(pool, placer=JointPlacer())
    for index in range(10):
        *_, meta = wrapped[index]
        frame = meta["asda"].frame[0]
        distance = np.abs(meta["joints"][:, :2] - frame[:2].numpy()).max(axis=1)
        assert distance.min() < 1e-4
        np.testing.assert_allclose(frame[2:], [48 / 1.25 / 4, 64 / 1.25 / 4], rtol=1e-6)


def draw(parts: PartBatch, place: int, placement: Placement, shape: tuple[int, int]) -> tuple[Any, Any]:
    """A tile where θ puts it, by the oracle: colour [H, W, 3] and soft alpha."""
    tile: NDArray[np.float64] = parts.patch[place].numpy().astype(float)
    side = tile.shape[-1]
    width, height = parts.size[place].tolist()
    frame = Frame(*parts.frame[place].tolist())
    matrix = forward_matrix(placement, (width, height), float(parts.diagonal[place]), frame)
    corner = np.array([[1, 0, -(side - width) / 2], [0, 1, -(side - height) / 2], [0, 0, 1]])
    return pasting.render(tile[:3].transpose(1, 2, 0), tile[3] / 255, matrix @ corner, shape, 1)


@pytest.mark.parametrize("bgr", [False, True])
@pytest.mark.parametrize("tile", [64, 192])
def test_deferred_parts_are_what_would_have_been_pasted(pool: Path, bgr: bool, tile: int) -> None:
    """The tile, drawn where the described placement puts it, is the picture that the wrapper pastes itself."""
    now = ASDADataset(Pairs(), pool, mask=True, bgr=bgr, **OPTIONS)
    later = dataset(pool, Pairs(), tile=tile, bgr=bgr)
    for index in range(4):
        (image, _), mask = now[index]
        _, parts = later[index]
        (paste,) = later.describe(index)
        assert paste.part.class_id == parts.class_id[0]
        assert paste.placement.s == pytest.approx(float(parts.scale[0]))
        colour, alpha = draw(parts, 0, paste.placement, image.shape[:2])
        inside = (mask.numpy() > 0.99) & (alpha > 0.99)
        # Half a pixel of centring and another resampling are allowed, and little else.
        assert abs(alpha.sum() - float(mask.sum())) <= 0.03 * float(mask.sum()) + 12
        if inside.sum() > 60:
            assert np.abs(colour - image)[inside].mean() < 12


def test_tiles_are_centred_and_have_a_margin(pool: Path) -> None:
    wrapped = dataset(pool, tile=64)
    for index in range(len(wrapped)):
        *_, meta = wrapped[index]
        parts = meta["asda"]
        mask = parts.patch[0, 3].numpy()
        assert not mask[:2].any()
        assert not mask[-2:].any()
        assert not mask[:, :2].any()
        assert not mask[:, -2:].any()
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        width, height = parts.size[0].tolist()
        assert (width % 2, height % 2) == (0, 0)
        assert abs(rows[0] - (64 - height) / 2) <= 1
        assert abs(columns[-1] + 1 - (64 + width) / 2) <= 1
        # The colour goes on over the whole tile: no black surroundings.
        assert parts.patch[0, :3].numpy().astype(int).sum(axis=0).min() > 0


def test_diagonals_are_those_at_scale_one(pool: Path) -> None:
    wrapped = dataset(pool)
    *_, meta = wrapped[1]
    (paste,) = wrapped.describe(1)
    parts = meta["asda"]
    height, width = paste.part.mask.shape
    assert float(parts.diagonal[0]) / math.hypot(*parts.size[0].tolist()) == pytest.approx(
        paste.diagonal / math.hypot(width, height) * max(1.0, max(width, height) / 188), rel=0.02
    )


def test_only_pools_can_be_deferred(pool: Path) -> None:
    with pytest.raises(ConfigError, match="only parts of a pool can be deferred, but got ROR"):
        ASDADataset(HRNetLike(), ROR(), defer=True)


def test_untouched_samples_carry_no_valid_part(pool: Path) -> None:
    wrapped = dataset(pool, p=0.3, num_parts=2)
    valid = torch.stack([wrapped[index][3]["asda"].valid for index in range(24)])
    assert 0 < valid.all(dim=1).sum() < 16
    assert torch.equal(valid[:, 0], valid[:, 1])
