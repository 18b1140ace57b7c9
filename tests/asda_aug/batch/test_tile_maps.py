"""The batched maps are those of ``forward_matrix``, one part at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asda_aug.batch.tile_maps import tile_maps
from part_batches import random_parts, random_theta, tile_matrix


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_each_is_the_matrix_of_its_part(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = random_parts(rng, (40, 30), batch=2, number=2, side=32)
    theta = random_theta(rng, parts).double()
    maps = tile_maps(parts, theta)
    for sample in range(2):
        for number in range(2):
            expected = tile_matrix(parts, theta, sample, number)
            # Ours count from the middle of the tile.
            expected[:, 2] += expected[:, :2] @ (16, 16)
            forward, inverse = maps.forward[sample, number].numpy(), maps.inverse[sample, number].numpy()
            np.testing.assert_allclose(forward, expected, atol=1e-4)
            there = forward[:, :2] @ (3.0, -5.0) + forward[:, 2]
            np.testing.assert_allclose(inverse[:, :2] @ there + inverse[:, 2], (3.0, -5.0), atol=1e-9)
            scale = float(maps.scale[sample, number])
            assert np.linalg.det(forward[:, :2]) == pytest.approx(scale**2)


def test_where_there_is_no_part_whatever_stands_there_is_not_read() -> None:
    rng = np.random.default_rng(0)
    parts = random_parts(rng, (40, 30), number=2, side=32)
    parts.valid[0, 1] = False
    parts.frame[0, 1], parts.diagonal[0, 1] = float("nan"), float("nan")
    theta = random_theta(rng, parts)
    theta[0, 1] = float("nan")
    theta.requires_grad_()
    maps = tile_maps(parts, theta)
    assert torch.equal(maps.forward[0, 1], torch.eye(2, 3))
    assert torch.equal(maps.inverse[0, 1], torch.eye(2, 3))
    maps.forward.sum().backward()
    assert theta.grad is not None
    assert theta.grad.isfinite().all()
    assert theta.grad[0, 0].any()
    assert not theta.grad[0, 1].any()
