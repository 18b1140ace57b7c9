"""Clothes: everything that LIP has a label for is worn by somebody, where it belongs."""

from __future__ import annotations

from collections import Counter

import numpy as np

from partpool import LIP
from partpool.synthetic.people import draw_label_map, draw_person


def test_every_label_is_worn_by_somebody_and_most_by_some_only() -> None:
    worn: Counter[int] = Counter()
    for seed in range(40):
        worn.update(np.unique(draw_label_map(np.random.default_rng(seed), "whole")).tolist())
    assert set(worn) == set(range(len(LIP.labels)))
    for label in ("hat", "scarf", "glove", "sunglasses", "coat", "socks", "dress", "jumpsuits"):
        assert worn[LIP.labels.index(label)] < 40, label


def test_clothes_lie_from_head_to_foot() -> None:
    order = ("hair", "upper-clothes", "pants", "left-shoe")
    heights: dict[str, list[float]] = {label: [] for label in order}
    for seed in range(40):
        labels = draw_label_map(np.random.default_rng(seed), "whole")
        for label in order:
            rows = np.nonzero(labels == LIP.labels.index(label))[0]
            if len(rows):
                heights[label].append(rows.mean() / len(labels))
    means = [float(np.mean(heights[label])) for label in order]
    assert means == sorted(means)
    assert all(len(found) > 5 for found in heights.values())


def test_the_neck_is_skin_in_the_picture_and_background_in_the_map() -> None:
    """Between face and torso a person in front shows skin that LIP leaves out."""
    face = LIP.labels.index("face")
    gaps = 0
    for seed in range(20):
        person = draw_person(np.random.default_rng(seed), "portrait")
        if not (person.labels == face).any():
            continue
        column = person.labels[:, int(person.keypoints[8, 0])]
        inside = np.flatnonzero(column)
        neck = [row for row in range(inside[0], inside[-1]) if column[row] == 0]
        gaps += bool(neck)
        skin = person.image[np.nonzero(person.labels == face)].mean(axis=0)
        for row in neck[2:-2]:
            assert np.abs(person.image[row, int(person.keypoints[8, 0])] - 0.9 * skin).max() < 90
    assert gaps > 5
