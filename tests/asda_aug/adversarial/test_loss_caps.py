"""Samples that cost so much that nobody could read them pay nothing."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

from asda_aug import AdversarialAugmenter
from asda_aug.adversarial.guards import Guards
from asda_aug.adversarial.loss_caps import LossCaps
from players import small_batch, small_generator, small_pose_network


def observed(losses: list[float], kinds: list[int], **options: Any) -> list[float]:
    """What samples pay after two batches of those losses and kinds."""
    images, parts, _ = small_batch()
    asda = AdversarialAugmenter(small_generator(), max_joints=None, max_person=None, **options)
    for _ in range(2):
        asda(images, parts)
        asda._batch[2].kind[:] = torch.tensor(kinds)
        asda.observe(torch.tensor(losses))
    return asda._gate.reward.tolist()


def test_a_loss_far_above_that_of_random_parts_pays_nothing() -> None:
    assert observed([1.0, 2.9, 3.1, 50.0], [1, 2, 2, 2]) == [1, 1, 0, 0]
    assert observed([1.0, 2.9, 3.1, 50.0], [1, 2, 2, 2], max_loss=None) == [1] * 4
    assert observed([1.0, 2.9, 3.1, 50.0], [2, 2, 2, 2]) == [1] * 4
    assert observed([1.0, float("nan"), 3.1, float("inf")], [1, 2, 2, 2]) == [1, 1, 0, 0]


def test_what_the_teacher_cannot_read_pays_nothing() -> None:
    images, parts, _ = small_batch()
    network = small_pose_network()
    asda = AdversarialAugmenter(
        small_generator(), teacher=True, discriminator=network, max_joints=None, max_person=None
    )  # fmt: skip
    for _ in range(2):
        asda(images, parts)
        asda._batch[2].kind[:] = torch.tensor([1, 2, 2, 2])
        asda.observe(torch.ones(4), teacher_loss=torch.tensor([1.0, 2.0, 4.0, 9.0]))
    assert asda._gate.reward.tolist() == [1, 1, 0, 0]


def test_a_negative_reward_stays_beyond_a_cap() -> None:
    caps, kind = LossCaps(Guards(max_loss=2.0)), torch.tensor([1, 2, 2])
    losses = torch.tensor([1.0, 1.0, 9.0])
    caps.capped(torch.ones(3), losses, None, kind)
    assert caps.capped(torch.tensor([1.0, -1.0, -1.0]), losses, None, kind).tolist() == [1, -1, -1]
    with pytest.raises(ValueError, match=r"teacher_loss must have shape \(3,\), but got \(2,\)"):
        caps.capped(torch.ones(3), losses, torch.ones(2), kind)


def test_it_warns_once_and_only_if_losses_are_wanted() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LossCaps(Guards()).warn_if_unobserved(wanted=False)
        told = LossCaps(Guards())
        told.capped(torch.ones(1), torch.ones(1), None, torch.zeros(1, dtype=torch.int64))
        told.warn_if_unobserved(wanted=True)
    caps = LossCaps(Guards())
    with pytest.warns(UserWarning, match="was not called before backward"):
        caps.warn_if_unobserved(wanted=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        caps.warn_if_unobserved(wanted=True)
