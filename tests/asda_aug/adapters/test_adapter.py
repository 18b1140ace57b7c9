"""Adapters of one's own, with and without the base class."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from asda_aug import Adapter, ASDADataset, Scene
from asda_aug.adapters.adapter import ForeignAdapter
from asda_aug.errors import AdapterError
from asda_aug_samples import XY, adapter_for, differences, pixels


class Plain:
    """Nothing but ``read`` and ``write``."""

    def read(self, sample: Any) -> Scene:
        return Scene(sample["rgb"], sample["joints"], visible=sample["seen"])

    def write(self, sample: Any, scene: Scene) -> Any:
        return {**sample, "rgb": scene.image, "seen": scene.visible[0]}


class Derived(Plain, Adapter):
    """The same with the base class."""


class Full(Plain):
    """All methods, without the base class."""

    for_keypoints = "ask for joints"

    def recognises(self, sample: Any) -> bool:
        return "rgb" in sample

    def attach(self, sample: Any, name: str, value: Any) -> Any:
        return {**sample, name: value}

    def with_place_for_marks(self, sample: Any) -> Any:
        return {**sample, "place": True}


class NoScene(Plain):
    def read(self, sample: Any) -> Any:
        return sample["rgb"]


def sample() -> dict[str, Any]:
    seen = np.array([True, False, True, True])
    return {"rgb": pixels(), "joints": XY[[0, 1, 3, 4]], "seen": seen, "more": object()}


@pytest.mark.parametrize("own", [Plain(), Derived()])
def test_read_and_write_are_enough(pasting: dict[str, Any], own: Any) -> None:
    whole = sample()
    adapter = adapter_for(whole, own)
    scene = adapter.read(whole)
    scene.visible = scene.visible & [[False, True, False, True]]
    written = adapter.write(whole, scene)
    assert written["seen"].tolist() == [False, False, False, True]
    assert written["more"] is whole["more"]
    wrapped = ASDADataset([whole], **pasting, adapter=own, on_occlusion="mark", seed=0)
    assert differences(whole, wrapped[0]).keys() <= {".rgb", ".seen"}


@pytest.mark.parametrize("own", [Plain(), Derived()])
def test_what_is_not_said_has_a_default(own: Any) -> None:
    whole = sample()
    adapter = adapter_for(whole, own)
    assert adapter.recognises(5)
    assert adapter.attach(whole, "asda", 7) == (whole, 7)
    assert adapter.with_place_for_marks(whole) is whole
    assert adapter.for_keypoints == ""


@pytest.mark.parametrize("carried", [lambda adapter: adapter, lambda adapter: pickle.loads(pickle.dumps(adapter))])
def test_what_an_object_says_itself_counts(carried: Any) -> None:
    adapter, whole = carried(ForeignAdapter(Full())), sample()
    assert adapter.recognises(whole)
    assert not adapter.recognises({})
    assert adapter.attach({}, "asda", 7) == {"asda": 7}
    assert adapter.with_place_for_marks({}) == {"place": True}
    assert adapter.for_keypoints == "ask for joints"
    assert adapter.read(whole).people == 1


def test_the_base_class_asks_for_both_methods() -> None:
    class Half(Adapter):
        def read(self, sample: Any) -> Scene:
            return Scene(sample)

    with pytest.raises(TypeError, match="write"):
        Half()  # type: ignore[abstract]


def test_an_adapter_that_returns_no_scene_is_named() -> None:
    with pytest.raises(AdapterError, match=r"NoScene\.read must return a Scene, but got ndarray"):
        adapter_for(sample(), NoScene())


def test_the_adapter_of_the_documentation_keeps_types_where_samples_are_left_alone(pasting: dict[str, Any]) -> None:
    text = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text("utf-8")
    code = re.search(r"^class MyAdapter\(Adapter\):.*?(?=^train)", text, re.MULTILINE | re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {"Adapter": Adapter, "Scene": Scene, "torch": torch}
    exec(code[0], names)
    for seen in (torch.tensor([1.0, 0.0, 1.0, 1.0]), torch.tensor([True, False, True, True])):
        whole = {"rgb": pixels(), "joints": torch.from_numpy(XY[[0, 1, 3, 4]]), "seen": seen}
        wrapped = ASDADataset([whole] * 20, **pasting, p=0.5, seed=0, on_occlusion="mark", adapter=names["MyAdapter"]())
        batch = default_collate([wrapped[index] for index in range(20)])
        assert 0 < wrapped.stats()["touched"] < 20
        assert batch["seen"].dtype == seen.dtype
        assert not batch["seen"][:, 1].any()
