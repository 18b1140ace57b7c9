"""One backward pass for both players."""

from __future__ import annotations

import copy
from typing import Any

import torch

from asda_aug import AdversarialAugmenter
from asda_aug.adversarial.gradient_reversal import Gate, attach, reverse
from players import gradients, small_batch, small_generator, small_pose_network


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


def test_values_stay_and_gradients_turn_by_what_each_sample_pays() -> None:
    theta = torch.randn(3, 2, 4, requires_grad=True)
    gate = Gate(torch.ones(3))
    same = reverse(theta, gate)
    assert torch.equal(same, theta)
    # Looked up when the gradient arrives.
    gate.reward = torch.tensor([1.0, 0.0, -0.5])
    slope = torch.randn(3, 2, 4)
    same.backward(slope)
    assert torch.equal(theta.grad, -slope * gate.reward[:, None, None])


def test_an_attached_tensor_is_reached_with_a_gradient_of_zero() -> None:
    images, source = torch.randn(2, 3, requires_grad=True), torch.randn(5, dtype=torch.float64, requires_grad=True)
    attached = attach(images, source)
    assert torch.equal(attached, images)
    attached.sum().backward()
    assert images.grad is not None
    assert images.grad.eq(1).all()
    assert source.grad is not None
    assert source.grad.dtype == torch.float64
    assert not source.grad.any()
