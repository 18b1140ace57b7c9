"""The transforms of MMPose, in a registry of the same manners."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from asda_aug_samples import JOINTS, V, differences, mmpose
from partpool.errors import ConfigError

MODULE = "asda_aug.integrations.mmpose"


class Registry:
    """As much of MMEngine's registry as the integration uses."""

    def __init__(self) -> None:
        self.modules: dict[str, Any] = {}

    def register_module(self, module: Any = None) -> Any:
        def register(kind: Any) -> Any:
            assert kind.__name__ not in self.modules
            self.modules[kind.__name__] = kind
            return kind

        return register if module is None else register(module)

    def build(self, config: dict[str, Any]) -> Any:
        options = dict(config)
        return self.modules[options.pop("type")](**options)


@pytest.fixture
def transforms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """The registry, with the integration registered."""
    registry = Registry()
    fake = ModuleType("mmpose")
    fake.registry = ModuleType("mmpose.registry")  # type: ignore[attr-defined]
    fake.registry.TRANSFORMS = registry  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mmpose", fake)
    monkeypatch.setitem(sys.modules, "mmpose.registry", fake.registry)
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    importlib.import_module(MODULE)
    yield registry
    sys.modules.pop(MODULE, None)


def of_pool(pool: Path, **options: Any) -> dict[str, Any]:
    return {"type": "PasteParts", "pool": str(pool), "classes": ["upper-clothes", "hair"], "min_parts": 1, **options}


def test_registered_names(transforms: Registry) -> None:
    assert {"PasteParts", "ROR", "Cutout", "RectanglePaste", "RandomPlacer", "JointPlacer"} == transforms.modules.keys()


@pytest.mark.parametrize("call", ["__call__", "transform"])
def test_pastes_between_affine_and_target(transforms: Registry, pool: Path, call: str) -> None:
    torch.manual_seed(0)
    step: Callable[[Any], Any] = getattr(transforms.build(of_pool(pool, num_parts=2)), call)
    sample = mmpose(crop=True)
    found = [differences(sample, step(sample)) for _ in range(5)]
    assert {".img": "values"} in found
    assert all(each in ({}, {".img": "values"}) for each in found)
    assert not differences(sample, mmpose(crop=True))


def test_dropped_keypoints_reach_the_flags_that_targets_are_made_of(transforms: Registry, pool: Path) -> None:
    torch.manual_seed(0)
    step = transforms.build(of_pool(pool, num_parts=3, on_occlusion="drop"))
    lost = np.zeros(JOINTS, int)
    for _ in range(10):
        flags = step(mmpose(crop=True))["keypoints_visible"][0, :, 0]
        assert (flags <= np.minimum(V, 1)).all()
        lost += (flags < np.minimum(V, 1)).astype(int)
    assert lost.sum() > 0
    assert lost[2] == 0


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
def test_marked_keypoints_have_their_field_in_every_sample(transforms: Registry, pool: Path, p: float) -> None:
    torch.manual_seed(0)
    step = transforms.build(of_pool(pool, on_occlusion="mark", p=p))
    marks = [step(mmpose(crop=True))["keypoints_occluded"] for _ in range(40)]
    assert all(each.shape == (1, JOINTS) and each.dtype == bool for each in marks)
    assert any(each.any() for each in marks) == (p > 0)
    assert "keypoints_occluded" not in step({"img": mmpose(crop=True)["img"]})


@pytest.mark.parametrize(
    ("kind", "like"), [("ROR", False), ("Cutout", False), ("Cutout", True), ("RectanglePaste", True)]
)
def test_the_baselines(transforms: Registry, pool: Path, kind: str, like: bool) -> None:
    step = transforms.build({"type": kind, **({"like": of_pool(pool)} if like else {})})
    sample = mmpose(crop=True)
    assert any(differences(sample, step(sample)) == {".img": "values"} for _ in range(10))


def test_objects_are_written_as_dictionaries(transforms: Registry, pool: Path) -> None:
    step = transforms.build(of_pool(pool, placer={"type": "JointPlacer", "s": (1.0, 1.0)}))
    assert step.placer.anchor == "joint"
    assert step.placer.s == (1.0, 1.0)


def test_wrong_options_are_named(transforms: Registry, pool: Path) -> None:
    with pytest.raises(ConfigError, match="on_occlusion must be 'keep', 'mark' or 'drop', but got 'hide'"):
        transforms.build(of_pool(pool, on_occlusion="hide"))
