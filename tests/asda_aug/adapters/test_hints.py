"""What a data set says of its samples, through whatever it is wrapped in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, Subset, default_collate, random_split

from asda_aug import ASDADataset
from asda_aug.adapters.hints import Hints, find_hints, merge_hints
from asda_aug_data import MEAN, STD, HRNetLike
from asda_aug_samples import differences
from partpool.errors import ConfigError


class Compose:
    """As ``torchvision.transforms.Compose`` keeps its steps."""

    def __init__(self, *transforms: Any) -> None:
        self.transforms = list(transforms)


NORMALIZE = SimpleNamespace(mean=list(MEAN), std=torch.tensor(STD, dtype=torch.float64))
FOUND = (MEAN, STD)


@pytest.mark.parametrize(
    "base",
    [
        SimpleNamespace(transform=NORMALIZE),
        SimpleNamespace(transform=Compose(object(), NORMALIZE)),
        SimpleNamespace(transforms=Compose(Compose(NORMALIZE), object())),
        SimpleNamespace(
            transform=None, transforms=SimpleNamespace(transform=Compose(NORMALIZE), target_transform=None)
        ),
        SimpleNamespace(transform=Compose(SimpleNamespace(mean=(0, 0, 0), std=(9, 9, 9)), NORMALIZE)),
    ],
)
def test_the_last_normalisation_is_found(base: Any) -> None:
    hints = find_hints(base)
    assert (hints.mean, hints.std) == FOUND


@pytest.mark.parametrize(
    "base", [[], 5, SimpleNamespace(transform=lambda image: image), SimpleNamespace(transform=Compose())]
)
def test_nothing_is_found_where_nothing_is_said(base: Any) -> None:
    assert find_hints(base) == Hints()


def test_wrappers_are_looked_through() -> None:
    base = HRNetLike(6)
    half = random_split(base, [3, 3])[0]
    for wrapped in (Subset(base, [1]), ConcatDataset([base, base]), ConcatDataset([Subset(half, [0])])):
        assert find_hints(wrapped) == Hints(*FOUND, bgr=False)
    base.color_rgb = False
    assert find_hints(Subset(base, [0])).bgr is True


def test_a_chain_without_end_is_given_up() -> None:
    endless = SimpleNamespace()
    endless.dataset = endless
    assert find_hints(endless) == Hints()


def test_what_is_passed_comes_before_what_is_found() -> None:
    hints = merge_hints(find_hints(HRNetLike()), mean=[0.5], bgr=True, skeleton=["a", "b"], photograph=True)
    assert hints == Hints((0.5,), STD, bgr=True, names=["a", "b"], photograph=True)
    assert merge_hints(Hints(), skeleton="lsp").names[0] == "right_ankle"  # type: ignore[index]
    with pytest.raises(ConfigError, match="skeleton must be one of"):
        merge_hints(Hints(), skeleton="dog")


def test_names_of_keypoints() -> None:
    found = find_hints(SimpleNamespace(metainfo={"keypoint_id2name": {1: "b", 0: "a"}}))
    assert found.names == ["a", "b"]
    image = np.zeros((20, 20, 3), np.uint8)
    assert found.scene(image).keypoint_names == ["a", "b"]
    assert Hints().scene(image).keypoint_names is None


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("defer", [False, True])
def test_an_hrnet_loop_in_worker_processes(pasting: dict[str, Any], workers: int, defer: bool) -> None:
    base = ConcatDataset([HRNetLike(5), HRNetLike(3)])
    wrapped = ASDADataset(base, **pasting, num_parts=2, seed=0, defer=defer)
    assert wrapped.datasets[0].num_joints == 17
    changed = 0
    for number, (images, *labels, meta) in enumerate(DataLoader(wrapped, batch_size=4, num_workers=workers)):
        plain, *expected, plain_meta = default_collate([base[4 * number + index] for index in range(4)])
        parts = meta.pop("asda", None)
        assert not differences([*expected, plain_meta], [*labels, meta])
        changed += int((images != plain).any())
        if defer:
            assert parts.patch.shape == (4, 2, 4, 192, 192)
            assert torch.equal(parts.mean[0], torch.tensor(MEAN))
    assert changed == (0 if defer else 2)
    assert wrapped.stats()["samples"] == 8
