"""Data sets that workers can unpickle: in the structure of HRNet, and of plain pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Normalize:
    """What torchvision's class of that name looks like from outside."""

    mean, std = MEAN, STD


class HRNetLike:
    """``(input, target, target_weight, meta)`` with normalised RGB tensors of 64 × 48."""

    transform = Normalize()
    color_rgb = True
    num_joints = 17

    def __init__(self, length: int = 24) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]]:
        rng = np.random.default_rng(index)
        image = torch.from_numpy(rng.normal(0, 1, (3, 64, 48)).astype(np.float32))
        joints, seen = np.zeros((17, 3)), np.zeros((17, 3))
        joints[:, :2] = rng.uniform(0, 48, (17, 2))
        seen[:, :2] = (rng.random(17) < 0.8)[:, None]
        weight = torch.from_numpy(seen[:, :1].astype(np.float32))
        meta = {"image": f"{index}.jpg", "joints": joints, "joints_vis": seen, "score": 1.0}
        return image, torch.from_numpy(rng.random((17, 16, 12), np.float32)), weight, meta


class Pairs:
    """``(image, keypoints)`` with uint8 images and x y v."""

    def __init__(self, length: int = 12) -> None:
        self.samples = [self._make(index) for index in range(length)]

    @staticmethod
    def _make(index: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        rng = np.random.default_rng(index)
        keypoints = np.concatenate([rng.uniform(0, 80, (17, 2)), rng.integers(0, 3, (17, 1))], axis=1)
        return rng.integers(0, 256, (96, 80, 3), np.uint8), keypoints.astype(np.float32)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        return self.samples[index]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        return [self.samples[index] for index in indices]


def half(epoch: int) -> float:
    """A schedule that workers can unpickle."""
    return 0.5 if epoch else 0.0


def is_even(sample: Any) -> bool:
    """Whether to skip a sample of :class:`HRNetLike`."""
    return int(sample[3]["image"].partition(".")[0]) % 2 == 0
