"""Each guard acts: without it the generator goes where the guard forbids."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch

from asda_aug import AdversarialAugmenter
from asda_aug.adversarial.guards import GUARDED, PAPER, Guards, reward
from asda_aug.batch.occupancy import Occupancy
from part_batches import random_parts
from players import CLASSES, SHAPE, small_batch, small_generator, small_pose_network, weights


class Covered(torch.nn.Module):
    """A loss without bound: the more the joints are covered, the larger, and each joint is felt from afar."""

    def __init__(self, parts: Any, shape: tuple[int, int]) -> None:
        super().__init__()
        rows, columns = torch.meshgrid(*(torch.arange(side) + 0.5 for side in shape), indexing="ij")
        distance = (columns - parts.points[:, :, 0, None, None]) ** 2 + (rows - parts.points[:, :, 1, None, None]) ** 2
        self.near = torch.exp(-distance / 200).sum(dim=1)

    def forward(self, difference: Any) -> Any:
        """What each sample costs, [B]."""
        return (self.near * difference.abs().sum(dim=1)).mean(dim=(1, 2))


def play(steps: int, **options: Any) -> tuple[AdversarialAugmenter, float, float]:
    """Train against :class:`Covered`; the covered share of joints and the loss at the end."""
    rng = np.random.default_rng(0)
    parts = random_parts(rng, SHAPE, batch=8, side=64, scale=(0.45, 0.45), classes=len(CLASSES), points=6)
    # All joints in one corner, so that one part can cover them.
    parts.points[:] = torch.tensor([9.0, 12.0]) + torch.from_numpy(rng.uniform(-6, 6, (8, 6, 2))).float()
    parts.patch[:, :, :3] = 255
    images = torch.full((8, 3, *SHAPE), -2.0)
    hurt = Covered(parts, SHAPE)
    asda = AdversarialAugmenter(small_generator(moved=0.0), lr=5e-3, warmup=0, clean=0.0, random=0.0, seed=0, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(steps):
            loss = hurt(asda(images, parts) - images)
            if asda.guards.every == 1 or asda._learning:
                loss.mean().backward()
            asda.step()
    return asda, asda.stats["covered_joints"], loss.mean().item()


@pytest.mark.slow
def test_the_paper_preset_runs_to_full_cover_and_the_guarded_one_stays_under_its_caps() -> None:
    _, covered, loss = play(120, preset="paper")
    assert covered > 0.8
    guarded, kept, less = play(240, preset="guarded", max_joints=0.5, max_person=None)
    assert kept < 0.5
    assert less < loss
    assert guarded.stats["saturated"] < 0.5


def test_the_share_of_the_person_is_capped() -> None:
    covered = Occupancy(torch.zeros(5), torch.tensor([0.1, 0.4, 0.45, 0.5, 0.9]), torch.zeros(5, 1, dtype=torch.bool))
    paid = reward(Guards(max_joints=None, max_person=0.5), covered)
    torch.testing.assert_close(paid, torch.tensor([1.0, 1.0, 0.0, -1.0, -1.0]), atol=1e-5, rtol=0)
    both = reward(Guards(max_joints=0.2, max_person=0.5), covered._replace(joints=torch.full((5,), 0.18)))
    torch.testing.assert_close(both, torch.tensor([0.0, 0.0, 0.0, -1.0, -1.0]), atol=1e-5, rtol=0)
    assert reward(PAPER, covered).tolist() == [1] * 5


def test_the_generator_learns_in_every_second_step_only() -> None:
    images, parts, target = small_batch()
    network = small_pose_network()
    asda = AdversarialAugmenter(small_generator(), preset="paper", every=2)
    changed = []
    for _ in range(4):
        before = weights(asda.generator)["head.weight"]
        loss = ((network(asda(images, parts)) - target) ** 2).mean()
        loss.backward()
        asda.step()
        changed.append(not torch.equal(weights(asda.generator)["head.weight"], before))
    assert changed == [True, False, True, False]


def test_strength_takes_placements_from_random_to_generated() -> None:
    images, parts, _ = small_batch()
    asda = AdversarialAugmenter(small_generator(), preset="paper", warmup=4, seed=1)
    seen = []
    for _ in range(6):
        seen.append(asda.strength)
        asda(images, parts).sum().backward()
        asda.step()
    assert seen == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    asda.strength = 0.0
    generator = AdversarialAugmenter(small_generator(seed=9), preset="paper", seed=asda._rng.initial_seed())
    generator._rng.set_state(asda._rng.get_state())
    generator.strength = 0.0
    with torch.no_grad():
        assert torch.equal(asda(images, parts), generator(images, parts))
    with pytest.raises(ValueError, match="strength must lie in"):
        asda.strength = 1.5


def test_presets() -> None:
    assert AdversarialAugmenter(small_generator()).guards == GUARDED
    assert AdversarialAugmenter(small_generator(), preset="paper").guards == PAPER
    assert AdversarialAugmenter(small_generator(), preset=Guards(every=3), clip=None).guards == Guards(
        every=3, clip=None
    )
    assert (GUARDED.clean, GUARDED.random) == (0.1, 0.3)
