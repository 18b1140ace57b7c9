"""The teacher: a moving average that nothing trains."""

from __future__ import annotations

import torch

from asda_aug import AdversarialAugmenter
from asda_aug.adversarial.teacher import DECAY, Teacher
from players import assert_same, small_batch, small_generator, small_pose_network, weights


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


def test_it_moves_by_its_share_towards_the_network() -> None:
    network = small_pose_network()
    teacher = Teacher(network)
    before = weights(teacher.module)
    with torch.no_grad():
        network[0].weight.add_(1.0)
    # The first update takes the network as it is, as PyTorch's average does.
    teacher.follow(network)
    assert_same(weights(teacher.module), weights(network))
    with torch.no_grad():
        network[0].weight.add_(1.0)
    teacher.follow(network)
    moved = teacher.module[0].weight - before["0.weight"]
    torch.testing.assert_close(moved, torch.full_like(moved, 1 + (1 - DECAY)))


def test_what_wraps_a_network_is_taken_off() -> None:
    network = small_pose_network()

    class Wrapped(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = network

    assert weights(Teacher(Wrapped()).module).keys() == weights(network).keys()
