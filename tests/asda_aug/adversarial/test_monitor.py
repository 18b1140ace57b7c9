"""The numbers say what the generator does, and a collapse is named once."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from asda_aug import AdversarialAugmenter
from asda_aug.adversarial.generator import RANGES
from asda_aug.adversarial.monitor import BINS, Monitor
from asda_aug.batch.occupancy import Occupancy, occupancy
from part_batches import random_parts
from players import CLASSES, SHAPE, small_batch, small_generator


def recorded(placed: Any, *, batches: int = 1, **covered: Any) -> Monitor:
    """A monitor that saw placements r, tx, ty of single parts [B, 3] in shares of their range."""
    monitor = Monitor(CLASSES, RANGES)
    rng = np.random.default_rng(0)
    batch = len(placed)
    parts = random_parts(rng, SHAPE, batch=batch, side=32)._replace(
        class_id=torch.arange(batch)[:, None] % len(CLASSES)
    )
    theta = torch.tensor(placed)[:, None] * torch.tensor(RANGES)
    nothing = Occupancy(torch.zeros(batch), torch.zeros(batch), torch.zeros(batch, 1, dtype=torch.bool))
    for _ in range(batches):
        monitor.record(parts, theta, nothing._replace(**covered), torch.ones(batch, dtype=torch.bool))
    return monitor


def test_histograms_of_each_class() -> None:
    monitor = recorded([[-0.99, 0.01, 0.5], [0.0, 0.0, 1.0]])
    histograms = monitor.histograms()
    assert set(histograms) == {CLASSES[0], CLASSES[1]}
    assert [np.argmax(histograms[CLASSES[0]][name]) for name in ("r", "tx", "ty")] == [0, 10, 15]
    assert histograms[CLASSES[1]]["ty"][-1] == 1
    assert all(len(row) == BINS and sum(row) == 1 for each in histograms.values() for row in each.values())


def test_shares() -> None:
    monitor = recorded(
        [[0.0, 0.96, 0.0], [0.5, 0.5, 0.5]],
        joints=torch.tensor([0.5, 0.0]), person=torch.tensor([0.25, 0.25]), off_frame=torch.tensor([[True], [True]]),
    )  # fmt: skip
    assert monitor.shares() == pytest.approx(
        {"saturated": 0.5, "off_frame": 1.0, "covered_person": 0.25, "covered_joints": 0.25}
    )


@pytest.mark.parametrize(
    ("placed", "covered", "message"),
    [
        ([[0.0, 0.99, 0.0]], {}, "end of their range"),
        ([[0.0, 0.0, 0.0]], {"off_frame": torch.ones(1, 1, dtype=torch.bool)}, "beside the image"),
        ([[0.0, 0.0, 0.0]], {"person": torch.ones(1)}, "most of the person is covered"),
    ],
)
def test_a_collapse_is_named_once(placed: Any, covered: Any, message: str) -> None:
    monitor = recorded(placed, batches=100, **covered)
    with pytest.warns(UserWarning, match=message):
        monitor.warn_on_collapse()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monitor.warn_on_collapse()
        recorded([[0.0, 0.0, 0.0]], batches=100).warn_on_collapse()
        recorded(placed, batches=99, **covered).warn_on_collapse()


def test_stats_of_training() -> None:
    images, parts, _ = small_batch(batch=16)
    asda = AdversarialAugmenter(small_generator(), seed=0)
    empty = asda.stats
    assert empty["steps"] == 0
    assert math.isnan(empty["advantage"])
    assert math.isnan(empty["covered_joints"])
    pasted = asda(images, parts)
    kind = asda._batch[2].kind
    asda.observe(torch.tensor([1.0, 2.0, 3.0])[kind])
    pasted.sum().backward()
    asda.step()
    stats = asda.stats
    assert stats["loss"] == pytest.approx({"clean": 1, "random": 2, "generated": 3})
    assert stats["advantage"] == pytest.approx(0.5)
    assert stats["steps"] == 1
    number = sum(sum(each["r"]) for each in stats["theta"].values())
    assert number == parts.valid[kind == 2].sum()


def test_off_frame_parts_are_counted() -> None:
    rng = np.random.default_rng(0)
    parts = random_parts(rng, SHAPE, batch=2)
    theta = torch.tensor([[[1.0, 0.0, 5.0, 0.0]], [[1.0, 0.0, 0.0, 0.0]]])
    assert occupancy(parts, theta, SHAPE[::-1]).off_frame.tolist() == [[True], [False]]
