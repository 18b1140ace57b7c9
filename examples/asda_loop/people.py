"""People to train on, cropped for a top-down network: synthetic ones, or Leeds Sports Pose Extended."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset

from partpool import PartPool, build, find_lip
from partpool.synthetic.people import draw_person, write_lip_dataset
from partpool.taxonomy.keypoints import MPII_KEYPOINTS

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SHAPE = (96, 64)
"""Height and width of a crop."""
STRIDE, SIGMA = 4, 1.0
"""Pixels of the crop per pixel of a heat map, and the spread of a joint in it."""
TURN, ZOOM = math.radians(30), 0.2
"""How far augmentation turns and scales people."""
UPPER, LOWER = (8, 9, 12, 13), (1, 2, 3, 4)
"""Shoulders, neck and head top; knees and hips in LSP."""


class Person(NamedTuple):
    """Somebody in a picture.

    Attributes:
        image: uint8 [H, W, 3] RGB.
        joints: float [K, 3]: x, y, labelled.
        angle: Radians by which to turn the picture, clockwise, so that she stands upright.
    """

    image: NDArray[np.uint8]
    joints: NDArray[np.float32]
    angle: float = 0.0


class People(Dataset[dict[str, Any]]):
    """Normalised crops of people, as dictionaries that ``ASDADataset`` reads.

    Args:
        people: The people.
        skeleton: Name of the joints' skeleton.
        augment: Turn and scale a person afresh whenever she is read.
    """

    def __init__(self, people: list[Person], skeleton: str, augment: bool = False) -> None:
        self.people, self.skeleton, self.augment = people, skeleton, augment

    @property
    def joints(self) -> int:
        """Number of joints."""
        return len(self.people[0].joints)

    def __len__(self) -> int:
        return len(self.people)

    def __getitem__(self, index: int) -> dict[str, Any]:
        turn, zoom = (2 * torch.rand(2) - 1).tolist() if self.augment else (0, 0)
        return crop(self.people[index], TURN * turn, 1 + ZOOM * zoom)

    def split(self, number: int) -> tuple[People, People]:
        """The first people as they are, and the others, augmented."""
        return People(self.people[:number], self.skeleton), People(self.people[number:], self.skeleton, augment=True)


def synthetic(number: int, seed: int = 0) -> People:
    """Drawn people."""
    drawn = [draw_person(np.random.default_rng((seed, index)), "whole") for index in range(number)]
    assert len(MPII_KEYPOINTS) == drawn[0].keypoints.shape[0]
    return People([Person(person.image, person.keypoints) for person in drawn], "mpii")


def lspet(root: Path) -> People:
    """Those of Leeds Sports Pose Extended that are there, with at least 8 joints labelled."""
    from scipy.io import loadmat

    joints = loadmat(root / "joints.mat")["joints"].transpose(2, 0, 1).astype(np.float32)
    people = []
    for path in sorted((root / "images").glob("im*.jpg")):
        labelled = joints[int(path.stem[2:]) - 1]
        if (labelled[:, 2] > 0).sum() >= 8:
            image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
            people.append(Person(image, labelled, angle_to_upright(labelled)))
    return People(people, "lsp")


def angle_to_upright(joints: NDArray[np.float32]) -> float:
    """What turns head and shoulders of LSP's joints above hips and knees; 0 if none of them are labelled.

    A thousand gymnasts are too few to learn to see them upside down as well.
    """
    known = joints[:, 2] > 0
    upper, lower = ([joint for joint in group if known[joint]] for group in (UPPER, LOWER))
    if not upper or not lower:
        return 0.0
    x, y = joints[lower, :2].mean(axis=0) - joints[upper, :2].mean(axis=0)
    return math.atan2(x, y)


def crop(person: Person, turn: float = 0.0, zoom: float = 1.0) -> dict[str, Any]:
    """A person in the middle of a crop, with a quarter more around her box, as HRNet cuts them.

    Args:
        person: The person.
        turn: Radians by which to turn her further.
        zoom: How much larger she is to be.
    """
    image, joints, angle = person
    cos, sin = math.cos(angle + turn), math.sin(angle + turn)
    rotation = np.array([[cos, -sin], [sin, cos]])
    known = joints[:, 2] > 0
    around = joints[known, :2] @ rotation.T
    low, high = around.min(axis=0), around.max(axis=0)
    size = np.array(SHAPE[::-1])
    scale = zoom * (size / (1.1 * 1.25 * (high - low))).min()
    linear, shift = scale * rotation, size / 2 - scale * (low + high) / 2
    points = joints[:, :2] @ linear.T + shift
    # OpenCV puts pixel centres at integers.
    matrix = np.column_stack([linear, shift + linear.sum(axis=1) / 2 - 0.5])
    pixels = cv2.warpAffine(image, matrix, SHAPE[::-1], flags=cv2.INTER_LINEAR)
    inside = known & (points >= 0).all(axis=1) & (points < size).all(axis=1)
    keypoints = np.concatenate([points, 2.0 * inside[:, None]], axis=1).astype(np.float32)
    normalised = (pixels / 255 - MEAN) / STD
    return {
        "image": torch.from_numpy(normalised.transpose(2, 0, 1)).float().contiguous(),
        "keypoints": torch.from_numpy(keypoints),
        "target": heat_maps(keypoints),
    }


def heat_maps(keypoints: NDArray[np.float32]) -> Tensor:
    """A Gaussian at each joint, float32 [K, H / STRIDE, W / STRIDE]."""
    rows, columns = np.mgrid[: SHAPE[0] // STRIDE, : SHAPE[1] // STRIDE] + 0.5
    x, y = (keypoints[:, axis, None, None] / STRIDE for axis in (0, 1))
    return torch.from_numpy(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * SIGMA**2)).astype(np.float32))


class PoseNetwork(nn.Module):
    """Down to a sixteenth and up to a quarter of the image again, with skips: small, and quick to see joints."""

    def __init__(self, joints: int, width: int = 32) -> None:
        super().__init__()
        self.stem = nn.Sequential(block(3, width // 2, 2), block(width // 2, width, 2))
        self.down = nn.ModuleList([block(width, 2 * width, 2), block(2 * width, 4 * width, 2)])
        self.up = nn.ModuleList([block(4 * width, 2 * width), block(2 * width, width)])
        self.head = nn.Conv2d(width, joints, 1)

    def forward(self, images: Tensor) -> Tensor:
        """[B, 3, H, W] → [B, K, H / STRIDE, W / STRIDE]."""
        quarter = self.stem(images)
        eighth = self.down[0](quarter)
        features = self.down[1](eighth)
        for up, skip in zip(self.up, (eighth, quarter), strict=True):
            features = up(nn.functional.interpolate(features, scale_factor=2)) + skip
        return self.head(features)


def block(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    """A convolution with normalisation and activation."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def per_sample(heat: Tensor, batch: dict[str, Any]) -> Tensor:
    """Divergence of each labelled joint's heat map from its Gaussian (KL), mean per sample [B]; 0 if they are equal.

    It learns in hundreds of steps what mean squared error learns in thousands.
    """
    weight = (batch["keypoints"][..., 2] > 0).float()
    target = batch["target"].flatten(2)
    target = target / target.sum(dim=2, keepdim=True).clamp(min=1e-6)
    error = nn.functional.kl_div(heat.flatten(2).log_softmax(dim=2), target, reduction="none").sum(dim=2)
    return (error * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


def open_pool(path: Path | None, out: Path) -> PartPool:
    """The pool, or one of synthetic people that is built in ``out``."""
    if path is None:
        path = out / "pool.h5"
        if not path.exists():
            write_lip_dataset(out / "LIP", 40)
            build(find_lip(out / "LIP"), path)
    return PartPool(path)


def classes_in(pool: PartPool) -> list[str]:
    """The classes that a small pool has parts of."""
    return [part.name for part in pool.classes if pool.count(part.name)]
