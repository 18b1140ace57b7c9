"""Each guard acts: without it the generator goes where the guard forbids."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from asda_aug import AdversarialAugmenter
from asda_aug.adversarial.guards import GUARDED, PAPER, Guards, reward
from asda_aug.batch.occupancy import Occupancy
from part_batches import random_parts
from players import CLASSES, SHAPE, assert_same, gradients, small_batch, small_generator, small_pose_network, weights


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


def test_the_teacher_follows_slowly_and_gets_no_gradient() -> None:
    images, parts, _ = small_batch()
    network = small_pose_network()
    asda = AdversarialAugmenter(small_generator(), teacher=True, discriminator=network, preset="paper")
    before = weights(asda.teacher.module)
    for _ in range(2):
        asda(images, parts).sum().backward()
        with torch.no_grad():
            network[0].weight.add_(1.0)
        asda.step()
    moved = asda.teacher.module[0].weight - before["0.weight"]
    assert (moved > 0).all()
    assert moved.mean() < 1.5
    assert not asda.teacher.training
    assert not any(each.requires_grad for each in asda.teacher.parameters())
    assert network.training


def test_the_gate_stops_and_turns_the_gradient_of_single_samples() -> None:
    images, parts, target = small_batch()
    generator, network = small_generator(norm=False), small_pose_network(norm=False)

    def slopes(paid: list[float]) -> dict[str, Any]:
        asda = AdversarialAugmenter(copy.deepcopy(generator), preset="paper")
        loss = ((network(asda(images, parts)) - target) ** 2).mean()
        asda._gate.reward = torch.tensor(paid)
        loss.backward()
        return gradients(asda.generator)

    one, other, turned = slopes([1, 1, 0, 0]), slopes([0, 0, 1, 1]), slopes([-1, -1, 1, 1])
    assert not any(slope.any() for slope in slopes([0, 0, 0, 0]).values())
    for name, slope in turned.items():
        torch.testing.assert_close(slope, other[name] - one[name], atol=1e-6, rtol=1e-4)


def test_shares_of_clean_random_and_generated_samples() -> None:
    images, parts, _ = small_batch(batch=300, number=1, shape=(16, 12))
    asda = AdversarialAugmenter(small_generator(), seed=0)
    with torch.no_grad():
        pasted = asda(images, parts)
    kind = asda._batch[2].kind
    assert (torch.bincount(kind) / 300).tolist() == pytest.approx([0.1, 0.3, 0.6], abs=0.06)
    assert torch.equal(pasted[kind == 0], images[kind == 0])


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


def test_the_gradient_is_clipped() -> None:
    images, parts, target = small_batch()
    network = small_pose_network()
    norms = []
    for clip in (None, 0.01):
        asda = AdversarialAugmenter(small_generator(), preset="paper", clip=clip)
        asda.optimizer = torch.optim.SGD(asda.generator.parameters(), 1.0)
        before = weights(asda.generator)
        (1e4 * ((network(asda(images, parts)) - target) ** 2).mean()).backward()
        asda.step()
        moved = [(each - before[name]).flatten() for name, each in asda.generator.named_parameters()]
        norms.append(torch.cat(moved).norm().item())
    assert norms[1] == pytest.approx(0.01, rel=0.02)
    assert norms[0] > 0.1


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


def test_past_generators_place_their_share() -> None:
    images, parts, _ = small_batch(batch=64, number=1, shape=(16, 12))
    past = small_generator(norm=False, seed=5)
    asda = AdversarialAugmenter(small_generator(norm=False), preset="paper", replay=1, replay_share=0.25, seed=0)
    asda._replay.keep(past)
    pasted = asda(images, parts)
    replayed = asda._batch[2].replayed
    assert 0.1 < replayed.float().mean() < 0.4
    alone = AdversarialAugmenter(past, preset="paper")(images, parts)
    own = AdversarialAugmenter(asda.generator, preset="paper")(images, parts)
    assert torch.equal(pasted[replayed], alone[replayed])
    assert torch.equal(pasted[~replayed], own[~replayed])
    pasted[replayed].sum().backward()
    assert not any(slope.any() for slope in gradients(asda.generator).values())


def test_the_ring_keeps_the_newest_and_is_not_changed_by_training() -> None:
    images, parts, target = small_batch()
    network = small_pose_network()
    asda = AdversarialAugmenter(small_generator(), preset="paper", replay=2, replay_every=2)
    kept = []
    for step in range(1, 9):
        ((network(asda(images, parts)) - target) ** 2).mean().backward()
        asda.step()
        if step % 2 == 0:
            kept.append(weights(asda.generator))
    ring = asda._replay.state_dict()
    assert len(ring) == 2
    for past, expected in zip(ring, kept[-2:], strict=True):
        # Statistics go on with the pictures that the past generator sees.
        learnt = dict(asda.generator.named_parameters())
        assert_same({name: past[name] for name in learnt}, {name: expected[name] for name in learnt})


def test_presets() -> None:
    assert AdversarialAugmenter(small_generator()).guards == GUARDED
    assert AdversarialAugmenter(small_generator(), preset="paper").guards == PAPER
    assert AdversarialAugmenter(small_generator(), preset=Guards(every=3), clip=None).guards == Guards(
        every=3, clip=None
    )
    assert (GUARDED.clean, GUARDED.random) == (0.1, 0.3)
