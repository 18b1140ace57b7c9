"""What holds for samples of every structure: nothing but the image and the covered joints' visibility changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from asda_aug import ASDADataset, Cutout, PartBatch, PasteParts, Scene
from asda_aug.adapters.adapter import Adapter
from asda_aug.adapters.auto import BUILT_IN
from asda_aug.errors import AdapterError
from asda_aug.occluders.rectangles import rectangle
from asda_aug_samples import COVERED, STRUCTURES, XY, Structure, V, adapter_for, differences

WITH_JOINTS = [name for name, structure in STRUCTURES.items() if structure.drop]
POLICIES = ("keep", "mark", "drop")
OWN_DICTIONARY = {"hrnet": "[3]", "detection": "[1]", "mmpose": "", "mmpose-packed": "", "dict": ""}
"""Where a sample keeps fields that have names."""


def adapter_of(structure: Structure, sample: Any, choice: str = "auto") -> Adapter:
    return adapter_for(sample, choice, **structure.options)


def cover(scene: Scene, policy: Any, joints: list[int] = COVERED) -> None:
    """Paste a small square over joints of the first person."""
    rgb = np.full((5, 5, 3), 77, np.uint8)
    corners = [np.floor(scene.keypoints[0, joint] - 2).astype(int).tolist() for joint in joints]
    pastes = [rectangle(rgb, x, y, "square", 0, (0.0, 0.0, 48.0, 64.0)) for x, y in corners]
    Cutout(on_occlusion=policy).apply(scene, pastes)


def covered(structure: Structure, sample: Any, policy: Any) -> tuple[Any, Scene]:
    adapter = adapter_of(structure, sample)
    scene = adapter.read(sample)
    cover(scene, policy) if structure.drop else cover(scene_with_a_joint(scene), policy, [0])
    return adapter.write(sample, scene), scene


def scene_with_a_joint(scene: Scene) -> Scene:
    scene.keypoints, scene.labelled, scene.visible = XY[None, :1], np.ones((1, 1), bool), np.ones((1, 1), bool)
    return scene


@pytest.fixture(params=STRUCTURES)
def structure(request: pytest.FixtureRequest) -> Structure:
    return STRUCTURES[request.param]


def test_each_structure_is_recognised_and_read(structure: Structure) -> None:
    sample = structure.make()
    adapter = adapter_of(structure, sample)
    assert type(adapter) is BUILT_IN[structure.adapter]
    assert type(adapter_of(structure, sample, structure.adapter)) is type(adapter)
    scene = adapter.read(sample)
    assert (scene.people, scene.crop, scene.bgr) == (structure.people, structure.crop, structure.bgr)
    if structure.drop:
        assert scene.labelled[0].tolist() == [True, True, False, True, True]
        # Half a pixel where joints are stored as integers.
        np.testing.assert_allclose(scene.keypoints[0][V > 0], XY[V > 0], atol=0.5)
    if structure.adapter not in ("hrnet", "mmpose", "mmpose-packed") and structure.drop:
        assert scene.visible[0].tolist() == [True, False, False, True, True]
    if not structure.crop:
        assert scene.boxes is None or scene.boxes[0].tolist() == [5, 5, 40, 60]
    assert not differences(sample, structure.make())


@pytest.mark.parametrize("policy", POLICIES)
def test_only_the_image_and_covered_joints_change(structure: Structure, policy: str) -> None:
    sample = structure.make()
    if policy == "mark" and structure.adapter == "mmpose-packed":
        with pytest.raises(AdapterError, match="before GenerateTarget, or pass on_occlusion='keep' or 'drop'"):
            covered(structure, sample, policy)
        return
    written, _ = covered(structure, sample, policy)
    paths = {structure.image, *{"keep": (), "mark": structure.mark, "drop": structure.drop}[policy]}
    found = differences(sample, written)
    assert {next((path for path in paths if each.startswith(path)), each) for each in found} == paths
    assert set(found.values()) <= {"values", "key"}
    assert not differences(sample, structure.make()), "the data set's own objects have changed"


@pytest.mark.parametrize("name", WITH_JOINTS)
@pytest.mark.parametrize("policy", ["mark", "drop"])
def test_what_was_written_reads_back(name: str, policy: str) -> None:
    structure = STRUCTURES[name]
    if not structure.mark and policy == "mark":
        pytest.skip("a packed MMPose sample cannot say it")
    written, scene = covered(structure, structure.make(), policy)
    again = adapter_of(structure, written).read(written)
    expected = scene.labelled.copy()
    if structure.adapter == "hrnet":
        expected &= scene.visible
    np.testing.assert_array_equal(again.labelled, expected)
    np.testing.assert_array_equal(again.keypoints[again.labelled], scene.keypoints[again.labelled])
    if structure.adapter not in ("hrnet", "mmpose", "mmpose-packed"):
        np.testing.assert_array_equal(again.visible, scene.visible & scene.labelled)


def test_nothing_covered_leaves_labels_the_same_objects(structure: Structure) -> None:
    sample = structure.make()
    adapter = adapter_of(structure, sample)
    written = adapter.write(sample, adapter.read(sample))
    assert not differences(sample, written)
    if isinstance(sample, tuple):
        assert all(a is b for a, b in zip(sample[1:], written[1:], strict=True) if not isinstance(a, list))


GREY = ("PIL image", "array")
"""Structures whose image has one channel, which compose cannot paste into."""


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("defer", [False, True])
def test_a_data_set_of_each_structure(pasting: dict[str, Any], name: str, defer: bool) -> None:
    structure = STRUCTURES[name]
    base = [structure.make() for _ in range(4)]
    if defer and name in GREY:
        with pytest.raises(AdapterError, match="needs images of 3 channels"):
            ASDADataset(base, **pasting, defer=True)
        return
    # A list has no attributes that could tell how it was normalised.
    wrapped = ASDADataset(base, **pasting, seed=1, defer=defer, num_parts=2, **structure.options)
    changed = 0
    for epoch in range(5):
        for index in range(len(base)):
            sample, seen = wrapped[index], any(paste.seen for paste in wrapped.describe(index, epoch))
            if not defer:
                found = differences(base[index], sample)
                assert found in ({}, {structure.image: "values"}) if seen else sample is base[index]
                changed += bool(found)
            elif structure.adapter in OWN_DICTIONARY:
                assert differences(base[index], sample) == {f"{OWN_DICTIONARY[structure.adapter]}.asda": "key"}
            else:
                assert sample[0] is base[index]
                assert isinstance(sample[1], PartBatch)
    assert all(not differences(sample, structure.make()) for sample in base)
    assert wrapped.stats()["touched"] > 10
    assert defer or changed > 10


@pytest.mark.parametrize("name", STRUCTURES)
def test_deferred_parts_go_into_the_samples_own_dictionary(name: str) -> None:
    structure = STRUCTURES[name]
    sample = structure.make()
    marked = adapter_of(structure, sample).attach(sample, "asda", "parts")
    expected = {
        "hrnet": "[3].asda",
        "detection": "[1].asda",
        "mmpose": ".asda",
        "mmpose-packed": ".asda",
        "dict": ".asda",
    }
    if structure.adapter in expected:
        assert differences(sample, marked) == {expected[structure.adapter]: "key"}
    else:
        assert marked[0] is sample
        assert marked[1] == "parts"
    assert not differences(sample, structure.make())


def test_transform_form(structure: Structure, pasting: dict[str, Any]) -> None:
    if structure.options:
        pytest.skip("a transform comes before normalisation")
    torch.manual_seed(0)
    transform = PasteParts(**pasting)
    sample = structure.make()
    results = [transform(sample) for _ in range(5)]
    assert any(differences(sample, result) == {structure.image: "values"} for result in results)
    if isinstance(sample, tuple):
        assert isinstance(transform(*sample), tuple)
