"""Synthetic people with label maps of any built-in scheme: drawn anywhere, for the demo, the tests and the docs.

A person is a skeleton of 16 joints, dressed at random in all 19 LIP labels, seen whole or close up. Like in LIP the
neck is skin in the picture and background in the label map, and left and right are the person's own sides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from partpool.synthetic.clothes import dress
from partpool.synthetic.figure import Canvas, Figure, Point
from partpool.synthetic.labels import BODY
from partpool.taxonomy.keypoints import MPII_KEYPOINTS
from partpool.taxonomy.schemes import LIP, LabelScheme

View = Literal["whole", "portrait", "legs"]
VIEWS: tuple[View, ...] = ("whole", "whole", "portrait", "portrait", "legs")
WINDOWS = {"whole": (-0.04, 1.05), "portrait": (-0.03, 0.62), "legs": (0.42, 1.05)}
"""What each view shows, from top to bottom, in heights of the person."""
HEIGHTS = {"whole": (430, 620), "portrait": (850, 1050), "legs": (820, 980)}
"""Height of the person in pixels in each view."""


@dataclass
class SyntheticPerson:
    """A drawn person.

    Attributes:
        image: uint8 [H, W, 3] RGB.
        labels: uint8 [H, W], indexes of a scheme.
        keypoints: float32 [16, 3], x y visible in pixels (pixel centres at +0.5), MPII order. Joints outside the
            picture are not visible.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    keypoints: NDArray[np.float32]


def draw_person(rng: np.random.Generator, view: View | None = None, scheme: LabelScheme = LIP) -> SyntheticPerson:
    """Draw one person.

    Args:
        rng: Decides everything but the labels.
        view: The whole person, the upper half or the legs close up; None draws one of them.
        scheme: Which labels its label map has; one of the built-in schemes.
    """
    figure, joints, height = _dressed_figure(rng, view)
    points = np.array([joints[name] for name in MPII_KEYPOINTS])
    inside = np.all((points >= 0) & (points < figure.size), axis=1, keepdims=True)
    keypoints = np.concatenate([points, inside], axis=1).astype(np.float32)
    labels = _label_map_of(figure, joints, height, scheme)
    return SyntheticPerson(figure.paint(), labels, keypoints)


def draw_label_map(rng: np.random.Generator, view: View | None = None, scheme: LabelScheme = LIP) -> NDArray[np.uint8]:
    """The label map alone of one person, for the same numbers the one of :func:`draw_person`; far quicker than both.

    Returns:
        uint8 [H, W], indexes of the scheme.
    """
    return _label_map_of(*_dressed_figure(rng, view), scheme)


def _dressed_figure(rng: np.random.Generator, view: View | None) -> tuple[Figure, dict[str, Point], float]:
    """A person before it is painted, its joints and its height in pixels."""
    view = view or VIEWS[rng.integers(len(VIEWS))]
    height = rng.uniform(*HEIGHTS[view])
    top, bottom = (edge * height for edge in WINDOWS[view])
    size = (round(rng.uniform(0.52, 0.66) * height), round(bottom - top))
    joints = _random_pose(rng, height, np.array([size[0] / 2, -top]))
    figure = Figure(size, rng)
    dress(figure, joints, height, rng)
    return figure, joints, height


def _label_map_of(figure: Figure, joints: dict[str, Point], height: float, scheme: LabelScheme) -> NDArray[np.uint8]:
    from_front = bool(joints["left_shoulder"][0] > joints["right_shoulder"][0])
    return figure.label_map(_body_map(figure.size, joints, height), scheme, from_front)


def write_lip_dataset(root: Path, people: int, seed: int = 0, *, pose: bool = False) -> None:
    """Draw a data set in LIP's flat layout: ``train_images``, ``train_segmentations`` and ``train_id.txt``.

    Args:
        root: Folder to write into.
        people: Number of people.
        seed: Which people.
        pose: Whether to write their keypoints, too: ``lip_train_set.csv``.
    """
    images, labels = root / "train_images", root / "train_segmentations"
    for folder in (images, labels):
        folder.mkdir(parents=True, exist_ok=True)
    names = [f"{index:06d}" for index in range(people)]
    rows = []
    for index, name in enumerate(names):
        person = draw_person(np.random.default_rng((seed, index)), VIEWS[index % len(VIEWS)])
        Image.fromarray(person.image).save(images / f"{name}.jpg", quality=92)
        Image.fromarray(person.labels).save(labels / f"{name}.png")
        # LIP counts whole pixels, and writes 0 for visible.
        points = [f"{math.floor(x)},{math.floor(y)},{1 - visible:.0f}" for x, y, visible in person.keypoints.tolist()]
        rows.append(f"{name}.jpg,{','.join(points)}\n")
    if pose:
        (root / "lip_train_set.csv").write_text("".join(rows), "utf-8")
    (root / "train_id.txt").write_text("".join(f"{name}\n" for name in names), "utf-8")


def write_pairs(root: Path, people: int, scheme: LabelScheme, seed: int = 0) -> None:
    """Draw ``images/*.jpg`` and ``labels/*.png`` of the same people as :func:`write_lip_dataset`, in any scheme.

    Args:
        root: Folder to write into.
        people: Number of people.
        scheme: One of the built-in schemes.
        seed: Which people.
    """
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for index in range(people):
        person = draw_person(np.random.default_rng((seed, index)), VIEWS[index % len(VIEWS)], scheme)
        Image.fromarray(person.image).save(root / "images" / f"{index:06d}.jpg", quality=92)
        Image.fromarray(person.labels).save(root / "labels" / f"{index:06d}.png")


def _body_map(size: tuple[int, int], joints: dict[str, Point], height: float) -> NDArray[np.uint8]:
    """The part of the body at every pixel, clothed or not, as an index into ``BODY``."""
    canvas = Canvas(size)
    left, right, pelvis = joints["left_shoulder"], joints["right_shoulder"], joints["pelvis"]
    waist = 0.085 * height * np.sign(left[0] - right[0])
    torso = BODY.index("torso")
    canvas.polygon(torso, [left, right, pelvis + [-waist, 0.03 * height], pelvis + [waist, 0.03 * height]])
    canvas.limb(torso, left, right, 0.034 * height, 0.034 * height)
    for side in ("left", "right"):
        for first, second, third, names, radii in (
            ("hip", "knee", "ankle", ("upper-leg", "lower-leg", "foot"), (0.056, 0.044, 0.034)),
            ("shoulder", "elbow", "wrist", ("upper-arm", "lower-arm", "hand"), (0.038, 0.03, 0.026)),
        ):
            start, middle, end = (joints[f"{side}_{joint}"] for joint in (first, second, third))
            tip = end + 0.2 * (end - middle) if first == "shoulder" else end + [0.02 * (end - start)[0], 0.045 * height]
            numbers = [BODY.index(f"{side}-{name}") for name in names]
            canvas.limb(numbers[2], end, tip, 0.03 * height, 0.03 * height)
            canvas.limb(numbers[1], middle, end, radii[1] * height, radii[2] * height)
            canvas.limb(numbers[0], start, middle, radii[0] * height, radii[1] * height)
    top, neck = joints["head_top"], joints["upper_neck"]
    canvas.ellipse(BODY.index("head"), (top + neck) / 2, 0.058 * height, 0.085 * height)
    return canvas.numbers


def _random_pose(rng: np.random.Generator, height: float, origin: Point) -> dict[str, Point]:
    """Joints of a person of that height, head top below ``origin``, in pixels."""
    lean = rng.uniform(-0.03, 0.03)
    # Seen from the front the person's left is on the picture's right.
    facing = 1 if rng.random() < 0.8 else -1
    joints = {
        "head_top": np.array([2.5 * lean, 0.0]),
        "upper_neck": np.array([2 * lean, 0.155]),
        "thorax": np.array([1.5 * lean, 0.2]),
        "pelvis": np.array([0.0, 0.52]),
    }
    for side, sign in (("left", facing), ("right", -facing)):
        arm, bend = math.radians(rng.uniform(8, 75)), math.radians(rng.uniform(-20, 70))
        leg, knee = math.radians(rng.uniform(2, 16)), math.radians(rng.uniform(-12, 6))
        for names, start, angles, lengths in (
            (("shoulder", "elbow", "wrist"), (0.105, 0.215), (arm, arm - bend), (0.16, 0.14)),
            (("hip", "knee", "ankle"), (0.065, 0.53), (leg, leg + knee), (0.22, 0.21)),
        ):
            at = np.array([sign * start[0] + (lean if start[1] < 0.5 else 0), start[1]])
            joints[f"{side}_{names[0]}"] = at
            for name, angle, length in zip(names[1:], angles, lengths, strict=True):
                at = at + length * np.array([sign * math.sin(angle), math.cos(angle)])
                joints[f"{side}_{name}"] = at
    return {name: origin + height * point for name, point in joints.items()}
