"""Running means of what kinds of samples cost."""

from __future__ import annotations

import math

import pytest
import torch

from asda_aug.adversarial.running_losses import RunningLosses


def after(*batches: tuple[list[float], list[int]], decay: float = 0.5) -> RunningLosses:
    losses = RunningLosses(decay)
    for loss, kind in batches:
        losses.update(torch.tensor(loss), torch.tensor(kind))
    return losses


def test_each_kind_has_its_own_mean_and_older_batches_count_less() -> None:
    losses = after(([1.0, 4.0, 8.0], [0, 1, 1]), ([3.0], [1]))
    # Random samples: 4 and 8 at half weight, 3 at full.
    assert losses.means[:2].tolist() == pytest.approx([1.0, (0.5 * 12 + 3) / 2])
    assert math.isnan(losses.by_kind()["generated"])
    assert math.isnan(losses.advantage)


def test_the_advantage_is_relative() -> None:
    assert after(([2.0, 3.0], [1, 2])).advantage == pytest.approx(0.5)
    assert math.isnan(after(([0.0, 3.0], [1, 2])).advantage)


def test_what_is_not_finite_counts_nothing_and_is_readable_only_if_it_is_no_inf() -> None:
    losses = after(([2.0, math.nan, math.inf], [1, 1, 1]))
    assert losses.means[1] == 2
    assert losses.readable(torch.tensor([5.9, 6.1, math.inf, math.nan]), 3.0).tolist() == [True, False, False, True]
    assert RunningLosses().readable(torch.tensor([1e9]), 3.0).tolist() == [True]


def test_a_state_goes_on_where_it_was() -> None:
    losses, again = after(([1.0, 2.0], [1, 2])), RunningLosses(0.5)
    again.load_state_dict(losses.state_dict())
    for each in (losses, again):
        each.update(torch.tensor([4.0]), torch.tensor([1]))
    assert torch.equal(again.means[1:], losses.means[1:])
