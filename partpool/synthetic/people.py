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

from partpool.pool.part import MPII_KEYPOINTS
from partpool.synthetic.figure import Canvas, Figure, Point
from partpool.synthetic.labels import BODY, NECK
from partpool.taxonomy.schemes import LIP, LabelScheme

View = Literal["whole", "portrait", "legs"]
VIEWS: tuple[View, ...] = ("whole", "whole", "portrait", "portrait", "legs")
WINDOWS = {"whole": (-0.04, 1.05), "portrait": (-0.03, 0.62), "legs": (0.42, 1.05)}
"""What each view shows, from top to bottom, in heights of the person."""
HEIGHTS = {"whole": (430, 620), "portrait": (850, 1050), "legs": (820, 980)}
"""Height of the person in pixels in each view."""
SKIN = ((242, 208, 180), (224, 172, 135), (189, 136, 98), (141, 92, 60), (92, 60, 42))


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
    figure, joints, height = _dressed(rng, view)
    points = np.array([joints[name] for name in MPII_KEYPOINTS])
    inside = np.all((points >= 0) & (points < figure.size), axis=1, keepdims=True)
    keypoints = np.concatenate([points, inside], axis=1).astype(np.float32)
    labels = _labelled(figure, joints, height, scheme)
    return SyntheticPerson(figure.paint(), labels, keypoints)


def draw_label_map(rng: np.random.Generator, view: View | None = None, scheme: LabelScheme = LIP) -> NDArray[np.uint8]:
    """Only the label map of the person that :func:`draw_person` draws, which takes a fraction of the time."""
    return _labelled(*_dressed(rng, view), scheme)


def _dressed(rng: np.random.Generator, view: View | None) -> tuple[Figure, dict[str, Point], float]:
    """A person before it is painted, its joints and its height in pixels."""
    view = view or VIEWS[rng.integers(len(VIEWS))]
    height = rng.uniform(*HEIGHTS[view])
    top, bottom = (edge * height for edge in WINDOWS[view])
    size = (round(rng.uniform(0.52, 0.66) * height), round(bottom - top))
    joints = _pose(rng, height, np.array([size[0] / 2, -top]))
    figure = Figure(size, rng)
    _dress(figure, joints, height, rng)
    return figure, joints, height


def _labelled(figure: Figure, joints: dict[str, Point], height: float, scheme: LabelScheme) -> NDArray[np.uint8]:
    from_front = bool(joints["left_shoulder"][0] > joints["right_shoulder"][0])
    return figure.label_map(_body(figure.size, joints, height), scheme, from_front)


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


def _body(size: tuple[int, int], joints: dict[str, Point], height: float) -> NDArray[np.uint8]:
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


def _pose(rng: np.random.Generator, height: float, origin: Point) -> dict[str, Point]:
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


def _dress(figure: Figure, joints: dict[str, Point], height: float, rng: np.random.Generator) -> None:
    """Draw the person from the back to the front."""
    tone = np.array(SKIN[rng.integers(len(SKIN))], float)
    outfit = ("separates", "separates", "dress", "jumpsuits")[rng.integers(4)]
    from_front = joints["left_shoulder"][0] > joints["right_shoulder"][0]
    hair = rng.uniform(20, 140) * np.array([1, 0.75, 0.55])
    if rng.random() < 0.5:
        figure.polygon(figure.material("hair", hair), _long_hair(joints, height))
    cloth = None if outfit == "separates" else figure.material(outfit)
    _legs(figure, joints, height, tone, outfit, cloth, rng)
    figure.limb(
        figure.material(NECK, tone * 0.9), joints["upper_neck"], joints["thorax"], 0.03 * height, 0.034 * height
    )
    _torso(figure, joints, height, outfit, cloth, rng)
    _arms(figure, joints, height, tone, rng)
    if rng.random() < 0.4:
        scarf = figure.material("scarf")
        figure.ellipse(scarf, joints["thorax"], 0.075 * height, 0.026 * height)
        figure.limb(
            scarf, joints["thorax"], joints["thorax"] + [0.02 * height, 0.16 * height], 0.02 * height, 0.026 * height
        )
    _head(figure, joints, height, tone, hair, from_front, rng)


def _long_hair(joints: dict[str, Point], height: float) -> list[Point]:
    top, neck = joints["head_top"], joints["upper_neck"]
    offsets = ((-0.06, 0.03), (0.06, 0.03), (0.075, 0.19), (-0.075, 0.19))
    return [np.array([(top[0] + neck[0]) / 2 + dx * height, top[1] + dy * height]) for dx, dy in offsets]


def _legs(
    figure: Figure, joints: dict[str, Point], height: float, tone: Point, outfit: str, suit: int | None,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    lower = ("pants", "pants", "skirt", "shorts")[rng.integers(4)] if outfit == "separates" else outfit
    socks = figure.material("socks") if rng.random() < 0.6 else None
    sock_top = rng.uniform(0.35, 0.75)
    cloth = suit if lower == "jumpsuits" else figure.material("pants") if lower in ("pants", "shorts") else None
    for side in ("left", "right"):
        hip, knee, ankle = (joints[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle"))
        leg = figure.material(f"{side}-leg", tone)
        figure.limb(leg, hip, knee, 0.048 * height, 0.036 * height)
        figure.limb(leg, knee, ankle, 0.036 * height, 0.024 * height)
        if socks is not None:
            figure.limb(socks, ankle + (knee - ankle) * sock_top, ankle, 0.034 * height, 0.027 * height)
        toe = ankle + np.array([0.02 * height * np.sign(ankle[0] - hip[0]), 0.042 * height])
        figure.limb(figure.material(f"{side}-shoe"), ankle + [0, 0.012 * height], toe, 0.03 * height, 0.03 * height)
        if cloth is not None:
            figure.limb(cloth, hip, knee, 0.056 * height, 0.044 * height)
            if lower != "shorts":
                figure.limb(
                    cloth,
                    knee,
                    knee + (ankle - knee) * (0.85 if socks is not None else 0.95),
                    0.044 * height,
                    0.034 * height,
                )
    if lower == "skirt":
        _flare(
            figure,
            figure.material("skirt"),
            joints,
            height,
            joints["pelvis"][1] - 0.03 * height,
            rng.uniform(0.16, 0.26),
        )
    elif cloth is not None:
        knees = [joints[f"{side}_hip"] * 0.7 + joints[f"{side}_knee"] * 0.3 for side in ("left", "right")]
        figure.polygon(
            cloth, [joints["left_hip"], knees[0], joints["pelvis"] + [0, 0.06 * height], knees[1], joints["right_hip"]]
        )
        figure.limb(cloth, joints["left_hip"], joints["right_hip"], 0.055 * height, 0.055 * height)


def _flare(figure: Figure, material: int, joints: dict[str, Point], height: float, top: float, length: float) -> None:
    x, below = joints["pelvis"][0], joints["pelvis"][1] + length * height
    offsets = ((-0.085, top), (0.085, top), (0.13, below), (-0.13, below))
    figure.polygon(material, [np.array([x + dx * height, y]) for dx, y in offsets])


def _torso(
    figure: Figure, joints: dict[str, Point], height: float, outfit: str, suit: int | None, rng: np.random.Generator
) -> None:
    material = figure.material("upper-clothes") if suit is None else suit
    left, right, pelvis = joints["left_shoulder"], joints["right_shoulder"], joints["pelvis"]
    waist = 0.085 * height * (1 if left[0] > right[0] else -1)
    figure.limb(material, left, right, 0.034 * height, 0.034 * height)
    figure.polygon(material, [left, right, pelvis - [waist, 0], pelvis + [waist, 0]])
    figure.ellipse(material, pelvis, abs(waist), 0.03 * height)
    if outfit == "dress":
        _flare(figure, material, joints, height, pelvis[1] - 0.12 * height, rng.uniform(0.12, 0.3))
    if rng.random() < 0.45:
        coat, hem = figure.material("coat"), rng.uniform(0.0, 0.2) * height
        if rng.random() < 0.6:
            figure.limb(coat, left * 0.7 + right * 0.3, left * 0.3 + right * 0.7, 0.03 * height, 0.03 * height)
        for shoulder, sign in ((left, 1), (right, -1)):
            edge = pelvis + [sign * waist * 1.35, hem]
            figure.polygon(
                coat, [shoulder, shoulder * 0.45 + (left + right) * 0.275, pelvis + [sign * waist * 0.45, hem], edge]
            )
            figure.ellipse(coat, shoulder, 0.038 * height, 0.038 * height)


def _arms(figure: Figure, joints: dict[str, Point], height: float, tone: Point, rng: np.random.Generator) -> None:
    gloves = figure.material("glove") if rng.random() < 0.5 else None
    for side in ("left", "right"):
        shoulder, elbow, wrist = (joints[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist"))
        arm = figure.material(f"{side}-arm", tone)
        figure.limb(arm, shoulder + (elbow - shoulder) * 0.15, elbow, 0.032 * height, 0.026 * height)
        figure.limb(arm, elbow, wrist, 0.026 * height, 0.02 * height)
        hand = wrist + (wrist - elbow) * 0.2
        figure.limb(gloves if gloves is not None else arm, wrist, hand, 0.026 * height, 0.028 * height)


def _head(
    figure: Figure, joints: dict[str, Point], height: float, tone: Point, hair: Point, from_front: bool,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    top, neck = joints["head_top"], joints["upper_neck"]
    centre = top * 0.5 + neck * 0.5 + [0, 0.012 * height]
    covered = figure.material("hair", hair)
    figure.ellipse(covered, centre - [0, 0.022 * height], 0.058 * height, 0.066 * height)
    if from_front:
        figure.ellipse(figure.material("face", tone), centre, 0.047 * height, 0.063 * height)
        if rng.random() < 0.5:
            glasses = figure.material("sunglasses", rng.uniform(10, 70, 3))
            for sign in (-1, 1):
                figure.ellipse(
                    glasses, centre + [sign * 0.026 * height, -0.012 * height], 0.025 * height, 0.02 * height
                )
            figure.limb(
                glasses,
                centre + [-0.04 * height, -0.016 * height],
                centre + [0.04 * height, -0.016 * height],
                0.005 * height,
                0.005 * height,
            )
    if rng.random() < 0.5:
        hat = figure.material("hat")
        figure.ellipse(hat, centre - [0, 0.055 * height], 0.052 * height, 0.045 * height)
        figure.ellipse(hat, centre - [0, 0.04 * height], 0.09 * height, 0.014 * height)
