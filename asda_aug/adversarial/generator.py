"""The generator: looks at the person and says where each class of part is to go (ASDA §3.2)."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from asda_aug.adversarial.checkpoint import read_checkpoint, read_weights, write_checkpoint
from asda_aug.adversarial.resnet import ResNet18
from asda_aug.errors import CheckpointError
from partpool.errors import ConfigError
from partpool.taxonomy.part_classes import PartClass

InputSize = Literal["half", "full"] | tuple[int, int]
Classes = Sequence[PartClass] | Sequence[str]
RANGES = (math.pi / 2, 1.2, 1.2)
CELLS = (4, 3)
"""Rows and columns that the features are averaged to, so that the head knows where in the image they are."""
WIDTH = 16
"""Hidden units of each class."""
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Generator(nn.Module):
    """Images → rotation and shift for every part class; a fresh one gives 0 everywhere.

    The scale is drawn, never predicted: a generator that may choose it covers the whole person (ASDA §3.2).

    Args:
        classes: The part classes, or their names, in the order of the pool (``pool.classes``).
        input_size: What images are shrunk to: ``"half"``, ``"full"``, or height and width.
        weights: File of trunk weights (a ``torch.save``d state dict of torchvision's ResNet-18, or safetensors), or a
            state dict; None starts at random. A classifier in it is ignored.
        backbone: Another trunk: a module from images [B, 3, H, W] to features [B, C] or [B, C, h, w].
        ranges: Largest rotation in radians, shift to the right and shift down in half sizes of the frame.
        mean: What was subtracted from the colours in [0, 1] of the images that it is trained on; only remembered, for
            ``GeneratorPlacer``.
        std: What their colours were then divided by; only remembered.
        bgr: Whether their channels are BGR; only remembered.

    Attributes:
        classes: Names of the part classes.

    Raises:
        ConfigError: If an argument is out of range.
        CheckpointError: If the weights cannot be read or do not fit.
    """

    def __init__(
        self,
        classes: Classes,
        *,
        input_size: InputSize = "half",
        weights: str | os.PathLike[str] | Mapping[str, Tensor] | None = None,
        backbone: nn.Module | None = None,
        ranges: Sequence[float] = RANGES,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        bgr: bool = False,
    ) -> None:
        super().__init__()
        self.classes = class_names(classes)
        self.input_size = _checked_size(input_size)
        self.ranges = tuple(float(value) for value in ranges)
        if len(self.ranges) != 3 or not all(0 < value < math.inf for value in self.ranges):
            raise ConfigError(f"ranges must be three positive numbers for r, tx and ty, but got {tuple(ranges)}")
        self.mean, self.std, self.bgr = tuple(mean), tuple(std), bgr
        self.backbone = ResNet18() if backbone is None else backbone
        if weights is not None:
            _load_trunk(self.backbone, weights)
        features = self._count_features()
        number = len(self.classes)
        self.hidden = nn.Linear(features, number * WIDTH)
        # A group of hidden units per class: no class's placements are read off another's.
        self.head = nn.Conv1d(number * WIDTH, number * 3, 1, groups=number)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """Predict placements.

        Args:
            images: Normalised images, floating [B, 3, H, W].

        Returns:
            r in radians, tx and ty in half sizes of the frame, for every class: [B, n_classes, 3], at least float32.
        """
        if images.dtype != self.head.weight.dtype and not torch.is_autocast_enabled(images.device.type):
            images = images.to(self.head.weight.dtype)
        features = self._features(self._resized(images))
        raw = self.head(torch.relu(self.hidden(features))[..., None])
        raw = raw.unflatten(1, (len(self.classes), 3))[..., 0]
        raw = raw.to(torch.promote_types(raw.dtype, torch.float32))
        return torch.tanh(raw) * raw.new_tensor(self.ranges)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write weights, class names, ranges, input size and normalisation as safetensors; whole or not at all.

        Raises:
            OSError: If the file cannot be written.
        """
        described = {
            "classes": list(self.classes),
            "input_size": self.input_size if isinstance(self.input_size, str) else list(self.input_size),
            "ranges": list(self.ranges),
            "mean": list(self.mean),
            "std": list(self.std),
            "bgr": self.bgr,
            "backbone": type(self.backbone).__name__,
        }
        write_checkpoint(path, self.state_dict(), described)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        classes: Classes | None = None,
        backbone: nn.Module | None = None,
    ) -> Generator:
        """Read a generator. Nothing in the file can execute code.

        Args:
            path: File that :meth:`save` wrote.
            classes: The classes that are expected (``pool.classes``); None takes those of the file.
            backbone: The trunk, if it is not the default one: a module of the kind that was saved.

        Raises:
            CheckpointError: If the file is missing, damaged, of another version, or for other classes or another trunk.
        """
        weights, described = read_checkpoint(path)
        if classes is not None and class_names(classes) != tuple(described["classes"]):
            raise CheckpointError(_other_classes(path, class_names(classes), described["classes"]))
        expected = ResNet18.__name__ if backbone is None else type(backbone).__name__
        if described["backbone"] != expected:
            raise CheckpointError(
                f"{path} has a trunk of kind {described['backbone']}, but {expected} was expected; "
                f"pass backbone={described['backbone']}(…)"
            )
        size = described["input_size"]
        try:
            generator = cls(
                described["classes"],
                input_size=_checked_size(size if isinstance(size, str) else tuple(size)),
                backbone=backbone,
                **{name: described[name] for name in ("ranges", "mean", "std", "bgr")},
            )
            generator.load_state_dict(weights)
        except (RuntimeError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path} does not fit what it says it is: {error}") from None
        return generator

    def _resized(self, images: Tensor) -> Tensor:
        if self.input_size == "full":
            return images
        if self.input_size == "half":
            return functional.avg_pool2d(images, 2, ceil_mode=True)
        return functional.interpolate(images, self.input_size, mode="area")

    def _features(self, images: Tensor) -> Tensor:
        features = self.backbone(images)
        if features.ndim == 4:
            features = functional.adaptive_avg_pool2d(features, CELLS).flatten(1)
        return features

    def _count_features(self) -> int:
        size = self.input_size if isinstance(self.input_size, tuple) else (64, 64)
        parameter = next(self.backbone.parameters(), torch.empty(0))
        training = self.backbone.training
        self.backbone.eval()
        with torch.no_grad():
            features = self._features(torch.zeros(1, 3, *size, dtype=parameter.dtype, device=parameter.device))
        self.backbone.train(training)
        if features.ndim != 2:
            raise ConfigError(
                "backbone must give features of shape (B, C) or (B, C, h, w), "
                f"but gave {tuple(features.shape)} for images of shape {(1, 3, *size)}"
            )
        return features.shape[1]


def class_names(classes: Classes) -> tuple[str, ...]:
    """Names of part classes.

    Raises:
        ConfigError: If there are none, or a name comes twice.
    """
    names = tuple(each.name if isinstance(each, PartClass) else each for each in classes)
    valid = not isinstance(classes, str) and all(isinstance(name, str) for name in names)
    if not valid or not names or len(set(names)) != len(names):
        raise ConfigError(f"classes must be different part classes or their names, such as pool.classes; got {classes}")
    return names


def _checked_size(size: Any) -> InputSize:
    if size in ("half", "full"):
        return "half" if size == "half" else "full"
    if isinstance(size, tuple) and len(size) == 2 and all(isinstance(side, int) and side > 0 for side in size):
        return size
    raise ConfigError(f"input_size must be 'half', 'full' or (height, width), but got {size!r}")


def _load_trunk(backbone: nn.Module, weights: str | os.PathLike[str] | Mapping[str, Tensor]) -> None:
    state = dict(weights) if isinstance(weights, Mapping) else read_weights(weights)
    wanted = backbone.state_dict()
    state = {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}
    # Weight files from before PyTorch 0.4.1 lack the counters.
    missing = {name for name in wanted.keys() - state.keys() if not name.endswith("num_batches_tracked")}
    unexpected = state.keys() - wanted.keys()
    if missing or unexpected:
        raise CheckpointError(
            f"weights do not fit {type(backbone).__name__}: "
            f"missing {sorted(missing)[:3]}, unexpected {sorted(unexpected)[:3]}"
        )
    try:
        backbone.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise CheckpointError(f"weights do not fit {type(backbone).__name__}: {error}") from None


def _other_classes(path: object, expected: Sequence[str], found: Sequence[str]) -> str:
    return (
        f"{path} is for {len(found)} classes ({', '.join(found[:3])}, …), but {len(expected)} "
        f"({', '.join(expected[:3])}, …) were expected in this order; "
        "train a generator for this taxonomy, or use the pool that it was trained with"
    )
