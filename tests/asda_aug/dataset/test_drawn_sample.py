"""A batch is read, drawn for, its parts decoded, and only then pasted."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from asda_aug import ASDADataset, Scene
from asda_aug.adapters.hints import Hints
from asda_aug.adapters.simple import ImageAdapter
from asda_aug.dataset.drawn_sample import DrawnSample
from asda_aug.occluders.rectangles import rectangle
from asda_aug_data import HRNetLike

OPTIONS: dict[str, Any] = {"seed": 7, "min_parts": 1, "classes": ["upper-clothes", "left-arm", "face"]}


def dataset(pool: Any, base: Any = None, **options: Any) -> ASDADataset:
    return ASDADataset(HRNetLike() if base is None else base, pool, **{**OPTIONS, **options})


class Batches(HRNetLike):
    """A data set that reads batches, and watches which of its images are still alive."""

    def __init__(self) -> None:
        super().__init__()
        self.lacking = 0
        self.batch: list[Any] = []
        self.images: list[weakref.ref[torch.Tensor]] = []

    def __getitems__(self, indices: list[int]) -> list[Any]:
        batch = [self[index] for index in indices[self.lacking :]]
        self.images = [weakref.ref(sample[0]) for sample in batch]
        return batch

    def alive(self) -> int:
        return sum(image() is not None for image in self.images)


def test_samples_of_a_batch_are_let_go_of_one_by_one(pool: Path) -> None:
    base, alive = Batches(), []
    wrapped = dataset(pool, base)
    apply = wrapped.occluder.apply

    def watched(*args: Any, **options: Any) -> Any:
        alive.append(base.alive())
        return apply(*args, **options)

    wrapped.occluder.apply = watched
    wrapped.__getitems__(list(range(10)))
    assert alive == list(range(10, 0, -1))


def test_the_parts_of_a_batch_are_read_one_after_the_other(pool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped, steps = dataset(pool, num_parts=2), []
    kind = type(wrapped.occluder.pool.later(0))
    apply, load = wrapped.occluder.apply, kind.load
    monkeypatch.setattr(kind, "load", lambda part: (steps.append("load"), load(part))[1])
    monkeypatch.setattr(
        wrapped.occluder, "apply", lambda *args, **options: (steps.append("apply"), apply(*args, **options))
    )
    wrapped.__getitems__([0, 1, 2])
    assert steps == ["load"] * 6 + ["apply"] * 3


def test_a_batch_that_the_base_keeps_stays_whole(pool: Path) -> None:
    base = Batches()
    kept = [base[index] for index in range(5)]
    base.__getitems__ = lambda indices: kept  # type: ignore[method-assign]
    copies = [sample[0].clone() for sample in kept]
    assert len(dataset(pool, base).__getitems__(list(range(5)))) == len(kept) == 5
    assert all(torch.equal(sample[0], image) for sample, image in zip(kept, copies, strict=True))


def test_a_batch_of_another_length_is_refused(pool: Path) -> None:
    base = Batches()
    base.lacking = 1
    with pytest.raises(ValueError, match="Batches returned 4 samples for 5 indices"):
        dataset(pool, base).__getitems__(list(range(5)))


def test_no_samples_at_all(pool: Path) -> None:
    assert dataset(pool).__getitems__([]) == []


def test_it_says_why_nothing_has_changed_and_counts_keypoints_before_any_is_dropped() -> None:
    adapter = ImageAdapter(Hints())
    scene = Scene(np.zeros((9, 9, 3), np.uint8), np.zeros((5, 2)), labelled=[1, 1, 0, 1, 0])
    paste = rectangle(np.zeros((3, 3, 3), np.uint8), 0, 0, "square", 0, (0.0, 0.0, 9.0, 9.0))
    drawn = DrawnSample(0, adapter, scene, None, [paste])
    scene.labelled = scene.labelled & False
    assert drawn.labelled == 3
    assert drawn.why_untouched == "off-image"
    assert DrawnSample(0, adapter, scene).why_untouched == "empty"
    left = DrawnSample(0, adapter, None, "closed")
    assert (left.why_untouched, left.labelled, left.pastes) == ("closed", 0, [])
