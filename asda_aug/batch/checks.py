"""Whether images and deferred parts fit each other and the generator."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from asda_aug.batch.part_batch import PartBatch

Colours = Tensor | Sequence[float] | None


def check_batch(images: Tensor, parts: PartBatch) -> None:
    """Refuse images and parts that do not fit together.

    Raises:
        ValueError: If a shape is wrong.
        TypeError: If a dtype is.
    """
    if not images.is_floating_point():
        raise TypeError(f"images must be floating and normalised, but got {images.dtype}")
    if parts.patch.dtype != torch.uint8:
        raise TypeError(f"parts.patch must be uint8, but got {parts.patch.dtype}")
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"images must have shape (B, 3, H, W), but got {tuple(images.shape)}")
    if parts.valid.ndim != 2 or len(parts.valid) != len(images):
        raise ValueError(
            f"parts.valid must have shape ({len(images)}, N) for {len(images)} images, but got "
            f"{tuple(parts.valid.shape)}; images and parts must be of the same batch"
        )


def check_classes(parts: PartBatch, number: int) -> None:
    """Refuse parts of classes that a generator for so many does not know.

    Only looked at on a CPU, where loaders put them: on a device one would have to wait for it.

    Raises:
        ValueError: If there are such parts.
    """
    if parts.class_id.device.type != "cpu":
        return
    classes = parts.class_id[parts.valid]
    if len(classes) and not 0 <= int(classes.min()) <= int(classes.max()) < number:
        raise ValueError(
            f"parts must be of the generator's {number} classes, but got class_id {int(classes.max())}; "
            "make the generator with Generator(pool.classes)"
        )


def check_normalised(images: Tensor, parts: PartBatch, mean: Colours, std: Colours) -> None:
    """Refuse images that are far from what their normalisation can give, such as 0 … 255.

    Raises:
        ValueError: If they are.
    """
    mean, std = (
        torch.as_tensor(parts.mean if mean is None else mean),
        torch.as_tensor(parts.std if std is None else std),
    )
    limit = 10 * float((torch.maximum(mean.abs(), (1 - mean).abs()) / std).max())
    largest = float(images.detach().abs().max())
    if largest > limit:
        raise ValueError(
            f"images must be normalised as the parts say (mean {mean.flatten()[:3].tolist()}, "
            f"std {std.flatten()[:3].tolist()}), but hold values up to {largest:g}; "
            "normalise them, or pass mean and std"
        )


def per_sample(loss: Tensor, kind: Tensor, name: str) -> Tensor:
    """Losses of the samples of a batch, [B], without their graph.

    Raises:
        ValueError: If there is not one per sample.
    """
    if loss.shape != kind.shape:
        raise ValueError(f"{name} must have shape ({len(kind)},), but got {tuple(loss.shape)}; use reduction='none'")
    return loss.detach().to(kind.device)
