"""Steps of the generator's optimiser."""

from __future__ import annotations

import pytest
import torch

from asda_aug import AdversarialAugmenter
from asda_aug.adversarial.generator_trainer import GeneratorTrainer
from players import small_batch, small_generator, small_pose_network, weights


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


def test_without_a_gradient_there_is_no_step() -> None:
    network = torch.nn.Linear(2, 1)
    with pytest.raises(RuntimeError, match=r"call loss.backward\(\) before it"):
        GeneratorTrainer(network, None).step(torch.optim.SGD(network.parameters(), 1.0), None)


@pytest.mark.parametrize("scale", [1.0, 2.0**12])
def test_a_pass_of_its_own_is_one_step_down_the_loss_however_scaled(scale: float) -> None:
    network = torch.nn.Linear(2, 1, bias=False)
    before = network.weight.detach().clone()
    optimizer = torch.optim.SGD(network.parameters(), 0.5)
    trainer, scaler = GeneratorTrainer(network, None), torch.amp.GradScaler("cpu", init_scale=scale)
    trainer.backward_and_step(network(torch.tensor([[1.0, 3.0]])).sum(), optimizer, scaler)
    torch.testing.assert_close(network.weight.detach(), before - 0.5 * torch.tensor([[1.0, 3.0]]))
    assert network.weight.grad is None
    assert trainer.network_on(torch.device("cpu")) is network
