"""Skin, hair and clothes of a synthetic person, over its skeleton."""

from __future__ import annotations

import numpy as np

from partpool.synthetic.figure import Figure, Point
from partpool.synthetic.labels import NECK

SKIN = ((242, 208, 180), (224, 172, 135), (189, 136, 98), (141, 92, 60), (92, 60, 42))


def dress(figure: Figure, joints: dict[str, Point], height: float, rng: np.random.Generator) -> None:
    """Draw the person from the back to the front."""
    tone = np.array(SKIN[rng.integers(len(SKIN))], float)
    outfit = ("separates", "separates", "dress", "jumpsuits")[rng.integers(4)]
    from_front = joints["left_shoulder"][0] > joints["right_shoulder"][0]
    hair = rng.uniform(20, 140) * np.array([1, 0.75, 0.55])
    if rng.random() < 0.5:
        figure.polygon(figure.material("hair", hair), _long_hair_outline(joints, height))
    cloth = None if outfit == "separates" else figure.material(outfit)
    _draw_legs(figure, joints, height, tone, outfit, cloth, rng)
    figure.limb(
        figure.material(NECK, tone * 0.9), joints["upper_neck"], joints["thorax"], 0.03 * height, 0.034 * height
    )
    _draw_torso(figure, joints, height, outfit, cloth, rng)
    _draw_arms(figure, joints, height, tone, rng)
    if rng.random() < 0.4:
        scarf = figure.material("scarf")
        figure.ellipse(scarf, joints["thorax"], 0.075 * height, 0.026 * height)
        figure.limb(
            scarf, joints["thorax"], joints["thorax"] + [0.02 * height, 0.16 * height], 0.02 * height, 0.026 * height
        )
    _draw_head(figure, joints, height, tone, hair, from_front, rng)


def _long_hair_outline(joints: dict[str, Point], height: float) -> list[Point]:
    top, neck = joints["head_top"], joints["upper_neck"]
    offsets = ((-0.06, 0.03), (0.06, 0.03), (0.075, 0.19), (-0.075, 0.19))
    return [np.array([(top[0] + neck[0]) / 2 + dx * height, top[1] + dy * height]) for dx, dy in offsets]


def _draw_legs(
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
        _draw_flare(
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


def _draw_flare(
    figure: Figure, material: int, joints: dict[str, Point], height: float, top: float, length: float
) -> None:
    x, below = joints["pelvis"][0], joints["pelvis"][1] + length * height
    offsets = ((-0.085, top), (0.085, top), (0.13, below), (-0.13, below))
    figure.polygon(material, [np.array([x + dx * height, y]) for dx, y in offsets])


def _draw_torso(
    figure: Figure, joints: dict[str, Point], height: float, outfit: str, suit: int | None, rng: np.random.Generator
) -> None:
    material = figure.material("upper-clothes") if suit is None else suit
    left, right, pelvis = joints["left_shoulder"], joints["right_shoulder"], joints["pelvis"]
    waist = 0.085 * height * (1 if left[0] > right[0] else -1)
    figure.limb(material, left, right, 0.034 * height, 0.034 * height)
    figure.polygon(material, [left, right, pelvis - [waist, 0], pelvis + [waist, 0]])
    figure.ellipse(material, pelvis, abs(waist), 0.03 * height)
    if outfit == "dress":
        _draw_flare(figure, material, joints, height, pelvis[1] - 0.12 * height, rng.uniform(0.12, 0.3))
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


def _draw_arms(figure: Figure, joints: dict[str, Point], height: float, tone: Point, rng: np.random.Generator) -> None:
    gloves = figure.material("glove") if rng.random() < 0.5 else None
    for side in ("left", "right"):
        shoulder, elbow, wrist = (joints[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist"))
        arm = figure.material(f"{side}-arm", tone)
        figure.limb(arm, shoulder + (elbow - shoulder) * 0.15, elbow, 0.032 * height, 0.026 * height)
        figure.limb(arm, elbow, wrist, 0.026 * height, 0.02 * height)
        hand = wrist + (wrist - elbow) * 0.2
        figure.limb(gloves if gloves is not None else arm, wrist, hand, 0.026 * height, 0.028 * height)


def _draw_head(
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
