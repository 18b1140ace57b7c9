"""Parts travel in the shapes that are promised."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import default_collate

from asda_aug import PartBatch
from part_batches import random_parts


def single(seed: int) -> PartBatch:
    """The parts of one sample, as a data set gives them: without the axis of the batch."""
    return PartBatch(*(tensor[0] for tensor in random_parts(np.random.default_rng(seed), (20, 30), number=2, side=32)))


def test_collating_adds_the_axis_of_the_batch() -> None:
    batch = default_collate([single(0), single(1), single(2)])
    assert isinstance(batch, PartBatch)
    assert batch.patch.shape == (3, 2, 4, 32, 32)
    assert batch.valid.shape == (3, 2)
    for name, tensor in batch._asdict().items():
        assert torch.equal(tensor[1], getattr(single(1), name))


def test_moving_moves_every_field_and_keeps_dtypes() -> None:
    parts = single(0)
    moved = parts.to("meta")
    assert isinstance(moved, PartBatch)
    assert all(tensor.device.type == "meta" for tensor in moved)
    assert [tensor.dtype for tensor in moved] == [tensor.dtype for tensor in parts]
    assert all(torch.equal(*pair) for pair in zip(parts.to("cpu", non_blocking=True), parts, strict=True))
