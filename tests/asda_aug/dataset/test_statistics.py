"""What was done is counted, whichever process did it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from asda_aug import ASDADataset, RandomPlacer
from asda_aug.dataset.statistics import REASONS, Statistics
from asda_aug.occluders.occluder import Paste
from asda_aug.occluders.rectangles import rectangle
from asda_aug_data import HRNetLike, Pairs

OPTIONS: dict[str, Any] = {"seed": 7, "min_parts": 1, "classes": ["upper-clothes", "left-arm", "face"]}
FULL = RandomPlacer(s=(3, 3), tx=(0, 0), ty=(0, 0))


def dataset(pool: Any, base: Any = None, **options: Any) -> ASDADataset:
    return ASDADataset(HRNetLike() if base is None else base, pool, **{**OPTIONS, **options})


def images(loader: DataLoader[Any]) -> torch.Tensor:
    return torch.cat([batch[0] for batch in loader])


@pytest.mark.parametrize("workers", [0, 2])
def test_stats_count_across_workers(pool: Path, workers: int) -> None:
    wrapped = dataset(pool, HRNetLike(40), num_parts=2, placer=FULL)
    images(DataLoader(wrapped, 8, num_workers=workers))
    stats = wrapped.stats()
    assert (stats["samples"], stats["touched"], stats["pastes"]) == (40, 40, 80)
    assert sum(each["pastes"] for each in stats["classes"].values()) == 80
    assert stats["keypoints"] == sum(int((wrapped.base[i][3]["joints_vis"][:, 0] > 0).sum()) for i in range(40))
    assert 0 < stats["covered"] <= sum(each["covered"] for each in stats["classes"].values())
    assert {name for name, each in stats["classes"].items() if each["pastes"]} <= set(OPTIONS["classes"])


def test_what_falls_beside_the_image_is_counted_and_changes_nothing(pool: Path) -> None:
    base = Pairs()
    wrapped = dataset(pool, base, placer=RandomPlacer(tx=(9, 9)))
    assert all(wrapped[index] is base.samples[index] for index in range(len(base)))
    assert wrapped.stats()["untouched"]["off-image"] == len(base)


def pasted(name: str, *covered: tuple[int, int]) -> Paste:
    paste = rectangle(np.zeros((3, 3, 3), np.uint8), 0, 0, name, 0, (0.0, 0.0, 9.0, 9.0))
    paste.covered = list(covered)
    return paste


def test_a_keypoint_under_two_parts_is_covered_once_but_by_both() -> None:
    statistics = Statistics(("hat", "face"))
    statistics.count_touched([pasted("hat", (0, 1), (0, 2)), pasted("face", (0, 2)), pasted("face")], labelled=9)
    for reason in REASONS:
        statistics.count_untouched(reason)
    summary = statistics.summary()
    assert (summary["samples"], summary["touched"], summary["pastes"]) == (6, 1, 3)
    assert (summary["keypoints"], summary["covered"]) == (9, 2)
    assert summary["classes"] == {"hat": {"pastes": 1, "covered": 2}, "face": {"pastes": 2, "covered": 1}}
    assert summary["untouched"] == dict.fromkeys(REASONS, 1)
