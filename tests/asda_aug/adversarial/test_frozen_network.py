"""The pose network runs for the generator without a trace."""

from __future__ import annotations

import pytest
import torch

from asda_aug.adversarial.frozen_network import frozen
from players import assert_same, small_pose_network, weights


def test_neither_gradients_nor_statistics_are_left() -> None:
    network = small_pose_network()
    network[0].bias.requires_grad_(False)
    before, wanted = weights(network), [each.requires_grad for each in network.parameters()]
    images = torch.randn(4, 3, 16, 12, requires_grad=True)
    with frozen(network):
        assert network.training
        network(images).sum().backward()
    assert images.grad is not None
    assert all(each.grad is None for each in network.parameters())
    assert [each.requires_grad for each in network.parameters()] == wanted
    assert_same(weights(network), before)
    # Without it the statistics would have moved.
    network(images)
    assert any(not torch.equal(tensor, before[name]) for name, tensor in weights(network).items())


def test_an_error_inside_thaws_it_too() -> None:
    network = small_pose_network()
    before = weights(network)

    def broken_pass() -> None:
        with frozen(network):
            network(torch.randn(2, 3, 8, 8))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_pass()
    assert all(each.requires_grad for each in network.parameters())
    assert_same(weights(network), before)
