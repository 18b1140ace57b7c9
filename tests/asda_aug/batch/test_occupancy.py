"""What is said to be covered is what the pasted picture shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asda_aug import compose
from asda_aug.batch.occupancy import occupancy
from part_batches import layers, random_parts, random_theta


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_coverage_is_that_of_the_picture(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = random_parts(rng, (60, 45), batch=3, number=2, points=200)
    parts = parts._replace(
        valid=torch.from_numpy(rng.random((3, 2)) < 0.8), labelled=torch.from_numpy(rng.random((3, 200)) < 0.7)
    )
    theta = random_theta(rng, parts)
    covered = occupancy(parts, theta, (45, 60))
    _, alpha = compose(torch.zeros(3, 3, 60, 45), parts, theta, feather=0)
    for sample in range(3):
        mask = alpha[sample, 0].numpy() > 0.5
        points = parts.points[sample, parts.labelled[sample]].numpy().astype(int)
        assert abs(float(covered.joints[sample]) - mask[points[:, 1], points[:, 0]].mean()) < 0.08
        x0, y0, x1, y1 = parts.person[sample].round().int().tolist()
        assert abs(float(covered.person[sample]) - mask[y0:y1, x0:x1].mean()) < 0.08
        alone = [not _seen(layer, (60, 45)) for layer in layers(parts, theta, sample)]
        assert covered.off_frame[sample][parts.valid[sample]].tolist() == pytest.approx(alone, abs=0)
        assert not covered.off_frame[sample][~parts.valid[sample]].any()


def _seen(layer: tuple[object, np.ndarray, np.ndarray], shape: tuple[int, int]) -> bool:
    """Whether a point of a fine grid over the mask lies in the image."""
    _, mask, matrix = layer
    # The same points that a part is looked at with: those near its corners may be all that is in the image.
    rows, columns = np.nonzero(mask)
    low, high = np.array([columns.min(), rows.min()]), np.array([columns.max(), rows.max()]) + 1
    line = (np.arange(12) + 0.5) / 12
    spots = low + np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2) * (high - low)
    x, y = matrix[:, :2] @ spots.T + matrix[:, 2:]
    return bool(((x >= 0) & (y >= 0) & (x < shape[1]) & (y < shape[0])).any())


def test_nothing_is_covered_without_parts_or_joints() -> None:
    rng = np.random.default_rng(0)
    parts = random_parts(rng, (40, 40), batch=2, points=0)
    covered = occupancy(parts, random_theta(rng, parts), (40, 40))
    assert covered.joints.tolist() == [0, 0]
    parts = parts._replace(valid=torch.zeros(2, 1, dtype=torch.bool))
    covered = occupancy(parts, torch.full((2, 1, 4), float("nan")), (40, 40))
    assert covered.person.tolist() == [0, 0]
    assert not covered.off_frame.any()
