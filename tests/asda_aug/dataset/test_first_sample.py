"""What cannot work or cannot have an effect says so when the data set is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from asda_aug import ROR, ASDADataset, Cutout, JointPlacer
from asda_aug.adapters.hints import Hints
from asda_aug.adapters.simple import ImageAdapter
from asda_aug.dataset.first_sample import check_base, probe
from asda_aug_data import HRNetLike, Pairs
from partpool.errors import ConfigError

OPTIONS: dict[str, Any] = {"seed": 7, "min_parts": 1, "classes": ["upper-clothes", "left-arm", "face"]}


def dataset(pool: Any, base: Any = None, **options: Any) -> ASDADataset:
    return ASDADataset(HRNetLike() if base is None else base, pool, **{**OPTIONS, **options})


def test_settings_without_effect_warn(pool: Path) -> None:
    class Images(Pairs):
        def __getitem__(self, index: int) -> Any:
            return self.samples[index][0]

    with pytest.warns(
        UserWarning, match="on_occlusion='mark' has no effect: no keypoints are found on the first sample$"
    ):
        dataset(pool, Images(), on_occlusion="mark")
    with pytest.warns(UserWarning, match="anchor='joint' has no effect: no keypoints"):
        dataset(pool, Images(), placer=JointPlacer())
    for options in ({"feather": 3}, {"inplace": True}, {"on_occlusion": "mark"}):
        with pytest.warns(UserWarning, match="no effect with defer=True"):
            dataset(pool, defer=True, **options)
    with pytest.warns(UserWarning, match="nothing can be pasted over the first sample"):
        dataset(pool, person=3)
    with pytest.warns(UserWarning, match="nothing can be pasted over the first sample"):
        ASDADataset(Images(), ROR())


def test_flags_that_are_no_visibility_warn(pool: Path) -> None:
    class Flags(Pairs):
        def __getitem__(self, index: int) -> Any:
            image, keypoints = super().__getitem__(index)
            return image, np.minimum(keypoints, [1e3, 1e3, 1]).astype(np.float32)

    with pytest.warns(UserWarning, match="no keypoint is visible. v is read as COCO's"):
        dataset(pool, Flags(), on_occlusion="mark")


def test_keypoints_that_are_shares_of_the_image_warn(pool: Path) -> None:
    class Shares(Pairs):
        def __getitem__(self, index: int) -> Any:
            image, keypoints = super().__getitem__(index)
            return image, (keypoints / [80, 96, 1]).astype(np.float32)

    with pytest.warns(UserWarning, match="keypoints must be pixels, not shares of the image"):
        dataset(pool, Shares())


def test_unnamed_skeletons_warn_around_joints(pool: Path) -> None:
    class Fourteen(Pairs):
        def __getitem__(self, index: int) -> Any:
            image, keypoints = super().__getitem__(index)
            return image, keypoints[:14]

    with pytest.warns(UserWarning, match="takes any keypoint"):
        dataset(pool, Fourteen(), placer=JointPlacer())
    dataset(pool, Fourteen(), placer=JointPlacer(), skeleton="lsp")
    with pytest.raises(ConfigError, match="16 names, but the first sample has 14"):
        dataset(pool, Fourteen(), skeleton="mpii")


def test_a_base_without_indices_is_refused(pool: Path) -> None:
    with pytest.raises(ConfigError, match=r"map-style data set, .*but got list_iterator"):
        dataset(pool, iter([1, 2]))


def test_looking_changes_neither_the_sample_nor_the_scene() -> None:
    adapter, image = ImageAdapter(Hints()), np.full((32, 24, 3), 9, np.uint8)
    before = image.copy()
    probe(adapter, image, Cutout())
    np.testing.assert_array_equal(image, before)


def test_whole_body_skeletons_may_have_more_keypoints_than_names(pool: Path) -> None:
    class Whole(Pairs):
        def __getitem__(self, index: int) -> Any:
            image, keypoints = super().__getitem__(index)
            return image, np.concatenate([keypoints, keypoints])

    assert dataset(pool, Whole(), skeleton="coco")[0]
    with pytest.raises(ConfigError, match="16 names, but the first sample has 34"):
        dataset(pool, Whole(), skeleton="mpii")


def test_an_iterable_data_set_is_told_of_the_transform() -> None:
    class Stream(torch.utils.data.IterableDataset[Any]):
        def __len__(self) -> int:
            return 3

        def __iter__(self) -> Any:
            return iter(range(3))

        def __getitem__(self, index: int) -> Any:
            return index

    with pytest.raises(ConfigError, match="an iterable one can use PasteParts as a transform"):
        check_base(Stream())
