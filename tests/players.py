"""Small networks for both players, and how to compare their gradients."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from asda_aug.adversarial.generator import Generator
from asda_aug.batch.part_batch import PartBatch
from part_batches import random_parts

CLASSES = tuple(f"class-{number}" for number in range(6))
SHAPE = (48, 36)


class Trunk(nn.Module):
    """A trunk of a few thousand weights."""

    def __init__(self, norm: bool = True) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8) if norm else nn.GroupNorm(2, 8), nn.ReLU(),
            nn.Conv2d(8, 8, 3, 2, 1), nn.ReLU(),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


def small_generator(*, norm: bool = True, moved: float = 0.5, seed: int = 0) -> Generator:
    """A generator whose head is not zero, so that its placements depend on the image."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        generator = Generator(CLASSES, backbone=Trunk(norm))
        nn.init.normal_(generator.head.weight, std=moved)
    return generator


def small_pose_network(*, norm: bool = True, joints: int = 5, seed: int = 1) -> nn.Sequential:
    """Images → heat maps of half their size."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8) if norm else nn.GroupNorm(2, 8), nn.ReLU(),
            nn.Conv2d(8, joints, 3, 1, 1),
        )  # fmt: skip


def small_batch(
    seed: int = 0, *, batch: int = 4, number: int = 2, shape: tuple[int, int] = SHAPE, joints: int = 5
) -> tuple[Tensor, PartBatch, Tensor]:
    """Images, parts and target heat maps, float32."""
    rng = np.random.default_rng(seed)
    parts = random_parts(rng, shape, batch=batch, number=number, side=32, scale=(0.4, 0.8), classes=len(CLASSES))
    images = torch.from_numpy(rng.normal(size=(batch, 3, *shape))).float()
    target = torch.from_numpy(rng.random((batch, joints, -(-shape[0] // 2), -(-shape[1] // 2)))).float()
    return images, parts, target


def gradients(module: nn.Module) -> dict[str, Tensor]:
    """Copies of all gradients by name."""
    return {name: each.grad.clone() for name, each in module.named_parameters() if each.grad is not None}


def weights(module: nn.Module) -> dict[str, Tensor]:
    """Copies of all weights and buffers by name."""
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor], **tolerance: float) -> None:
    """Equal names and numbers; to the bit, without a tolerance."""
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], **(tolerance or {"atol": 0, "rtol": 0}), msg=name)
