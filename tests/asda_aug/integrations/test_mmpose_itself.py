"""The transforms in MMPose's own pipelines, on its own sample data."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from asda_aug import ASDADataset

# What MMPose and what it is made of say when they are imported or look for their configuration files.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The metainfo config file:UserWarning"),
    pytest.mark.filterwarnings("ignore:Use the existing .bbox_center. and .bbox_scale.:UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
pytest.importorskip("mmpose.datasets", reason="MMPose is not installed")

DATA_SETS = {"CocoDataset": ("coco", "test_coco.json", 12), "MpiiDataset": ("mpii", "test_mpii.json", 5)}
SIZE = (48, 64)
CODEC = {"type": "MSRAHeatmap", "input_size": SIZE, "heatmap_size": (12, 16), "sigma": 1}
PASTING: dict[str, Any] = {"classes": ["upper-clothes", "hair"], "min_parts": 1, "num_parts": 2}


@pytest.fixture(params=DATA_SETS)
def data_set(request: pytest.FixtureRequest, shared_data: Path) -> Any:
    """Makes a data set with MMPose's whole top-down pipeline, and more steps before the heat maps are drawn."""
    from mmengine.registry import init_default_scope
    from mmpose.registry import DATASETS

    importlib.import_module("asda_aug.integrations.mmpose")
    init_default_scope("mmpose")
    folder, annotations, _ = DATA_SETS[request.param]
    folder = shared_data / "pose" / "mmpose" / folder

    def make(*steps: dict[str, Any]) -> Any:
        pipeline = [
            {"type": "LoadImage"}, {"type": "GetBBoxCenterScale"}, {"type": "RandomFlip", "direction": "horizontal"},
            {"type": "RandomHalfBody"}, {"type": "RandomBBoxTransform"},
            {"type": "TopdownAffine", "input_size": SIZE}, *steps,
            {"type": "GenerateTarget", "encoder": CODEC}, {"type": "PackPoseInputs"},
        ]  # fmt: skip
        made = DATASETS.build({
            "type": request.param, "data_mode": "topdown", "ann_file": str(folder / annotations),
            "data_prefix": {"img": str(folder)}, "pipeline": pipeline,
        })  # fmt: skip
        assert len(made) == DATA_SETS[request.param][2]
        return made

    return make


def read(data: Any, index: int) -> Any:
    """A sample, with MMPose's own randomness the same for the same index."""
    np.random.seed(index)  # noqa: NPY002
    return data[index]


def heat_maps(sample: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Of a packed sample, and the weights of its joints."""
    packed = sample["data_samples"]
    return packed.gt_fields.heatmaps, packed.gt_instance_labels.keypoint_weights[0]


def test_dropped_joints_have_no_heat_map(data_set: Any, pool: Path) -> None:
    step = {"type": "PasteParts", "pool": str(pool), "on_occlusion": "drop", **PASTING}
    plain, dropping = data_set(), data_set(step)
    lost = 0
    for index in range(len(plain)):
        before, after = read(plain, index), read(dropping, index)
        assert not torch.equal(before["inputs"], after["inputs"])
        (all_maps, all_weights), (maps, weights) = heat_maps(before), heat_maps(after)
        assert (weights <= all_weights).all()
        assert torch.equal(maps, all_maps * weights[:, None, None])
        lost += int((weights < all_weights).sum())
    assert lost > 0


@pytest.mark.parametrize("kind", ["ROR", "Cutout", "RectanglePaste"])
def test_the_baselines_change_pixels_alone(data_set: Any, pool: Path, kind: str) -> None:
    like = {"type": "PasteParts", "pool": str(pool), **PASTING}
    plain, covering = data_set(), data_set({"type": kind, **({} if kind == "ROR" else {"like": like})})
    changed = 0
    for index in range(len(plain)):
        before, after = read(plain, index), read(covering, index)
        changed += not torch.equal(before["inputs"], after["inputs"])
        for expected, seen in zip(heat_maps(before), heat_maps(after), strict=True):
            assert torch.equal(expected, seen)
    assert changed > 0


def test_a_data_set_that_packs_its_samples_is_wrapped(data_set: Any, pool: Path) -> None:
    plain = data_set()
    wrapped = ASDADataset(plain, pool, **PASTING, seed=0)
    for index in range(len(plain)):
        before, after = read(plain, index), read(wrapped, index)
        assert before["inputs"].dtype == after["inputs"].dtype == torch.uint8
        assert before["inputs"].shape == after["inputs"].shape
        for expected, seen in zip(heat_maps(before), heat_maps(after), strict=True):
            assert torch.equal(expected, seen)
    assert wrapped.stats()["touched"] > 0
    assert wrapped.metainfo["dataset_name"] == plain.metainfo["dataset_name"]
