"""What holds for samples of every structure: nothing but the image and the covered joints' visibility changes."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import default_collate

from asda_aug import ASDADataset, Cutout, PartBatch, PasteParts, Scene
from asda_aug.adapters.adapter import Adapter, attach
from asda_aug.adapters.auto import BUILT_IN, find_adapter, outline
from asda_aug.adapters.hints import Hints, merge_hints
from asda_aug.errors import AdapterError
from asda_aug.occluders.rectangles import rectangle
from asda_aug_samples import COVERED, STRUCTURES, XY, Structure, V, differences, hrnet, pixels
from partpool.errors import ConfigError

WITH_JOINTS = [name for name, structure in STRUCTURES.items() if structure.drop]
POLICIES = ("keep", "mark", "drop")
OWN_DICTIONARY = {"hrnet": "[3]", "detection": "[1]", "mmpose": "", "mmpose-packed": "", "dict": ""}
"""Where a sample keeps fields that have names."""


def adapter_of(structure: Structure, sample: Any, choice: str = "auto") -> Adapter:
    return find_adapter(choice, sample, merge_hints(Hints(), **structure.options))


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
    assert type(find_adapter(structure.adapter, sample, merge_hints(Hints(), **structure.options))) is type(adapter)
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
    marked = attach(adapter_of(structure, sample), sample, "asda", "parts")
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


def test_samples_of_several_structures_in_one_data_set(pasting: dict[str, Any]) -> None:
    base = [STRUCTURES[name].make() for name in ("pair", "coco", "array", "mmpose crop")]
    wrapped = ASDADataset(base, **pasting, seed=0, num_parts=3)
    transform = PasteParts(**pasting, num_parts=3)
    for index in (0, 1, 2, 3, 2, 1, 0):
        for sample in (wrapped[index], transform(base[index])):
            assert set(differences(base[index], sample).values()) <= {"values"}
    with pytest.raises(AdapterError, match=r"the sample is a list .* which adapter 'pair' cannot read"):
        ASDADataset([base[0], list(base[1])], **pasting, adapter="pair")[1]


def test_the_documentation_lists_every_adapter() -> None:
    table = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text("utf-8")
    assert set(re.findall(r'^\|[^|]*\| `"([a-z-]+)"` \|', table, re.MULTILINE)) == BUILT_IN.keys()


def test_the_adapter_of_the_documentation_keeps_types_where_samples_are_left_alone(pasting: dict[str, Any]) -> None:
    text = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text("utf-8")
    code = re.search(r"^class MyAdapter:.*?(?=^train)", text, re.MULTILINE | re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {"Scene": Scene, "torch": torch}
    exec(code[0], names)
    for seen in (torch.tensor([1.0, 0.0, 1.0, 1.0]), torch.tensor([True, False, True, True])):
        sample = {"rgb": pixels(), "joints": torch.from_numpy(XY[[0, 1, 3, 4]]), "seen": seen}
        base = [sample] * 20
        wrapped = ASDADataset(base, **pasting, p=0.5, seed=0, on_occlusion="mark", adapter=names["MyAdapter"]())
        batch = default_collate([wrapped[index] for index in range(20)])
        assert 0 < wrapped.stats()["touched"] < 20
        assert batch["seen"].dtype == seen.dtype
        assert not batch["seen"][:, 1].any()


class Own:
    """An adapter of NumPy arrays."""

    def read(self, sample: Any) -> Scene:
        return Scene(sample["rgb"], sample["joints"], visible=sample["seen"])

    def write(self, sample: Any, scene: Scene) -> Any:
        return {**sample, "rgb": scene.image, "seen": scene.visible[0]}


def test_an_adapter_of_ones_own(pasting: dict[str, Any]) -> None:
    sample = {
        "rgb": pixels(),
        "joints": XY[[0, 1, 3, 4]],
        "seen": np.array([True, False, True, True]),
        "more": object(),
    }
    adapter = find_adapter(Own(), sample)
    scene = adapter.read(sample)
    cover(scene, "mark", [0, 2])
    written = adapter.write(sample, scene)
    assert written["seen"].tolist() == [False, False, False, True]
    assert written["more"] is sample["more"]
    assert attach(adapter, sample, "asda", 5) == (sample, 5)
    wrapped = ASDADataset([sample], **pasting, adapter=Own(), on_occlusion="mark", seed=0)
    assert differences(sample, wrapped[0]).keys() <= {".rgb", ".seen"}


class NoScene(Own):
    def read(self, sample: Any) -> Any:
        return sample["rgb"]


@pytest.mark.parametrize("wrong", [Own, object(), 5, None])
def test_what_is_no_adapter_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="an object with the methods read and write, but got"):
        find_adapter(wrong, {"rgb": pixels()})


def test_an_adapter_that_returns_no_scene_is_refused() -> None:
    with pytest.raises(AdapterError, match=r"NoScene\.read must return a Scene, but got ndarray"):
        find_adapter(NoScene(), {"rgb": pixels()})


UNKNOWN = [
    (5, "the sample is int"),
    ((pixels(), 3), r"a tuple \(ndarray \(64, 48, 3\) uint8, int\)"),
    ((pixels(), np.zeros((4, 4))), r"ndarray \(4, 4\) float64"),
    ((pixels(), np.zeros((4, 2)), "name"), r"a tuple \(ndarray .*, str\)"),
    ({"picture": pixels(), "more": {"a": {"b": 1}}}, r"a dict \{'picture': .*, 'more': a dict \{'a': a dict of 1\}\}"),
    ([1, 2, 3, 4, 5, 6, 7, 8], r"a list \(int, int, int, int, int, int, …\)"),
    (np.zeros((64, 48, 4), np.uint8), r"ndarray \(64, 48, 4\) uint8"),
    (torch.zeros(17, 3), r"Tensor \(17, 3\) torch.float32"),
]  # fmt: skip


@pytest.mark.parametrize(("sample", "message"), UNKNOWN)
def test_an_unknown_structure_is_described_with_the_way_out(sample: Any, message: str) -> None:
    with pytest.raises(AdapterError, match=message) as error:
        find_adapter("auto", sample)
    assert "pass adapter=…" in str(error.value)
    assert "\n" not in str(error.value)


def test_named_adapters_say_what_they_cannot_read() -> None:
    with pytest.raises(ConfigError, match="there is no adapter 'hr'; there are: auto, hrnet, "):
        find_adapter("hr", pixels())
    with pytest.raises(AdapterError, match=r"ndarray .* which adapter 'hrnet' cannot read"):
        find_adapter("hrnet", pixels())


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (Image.new("RGBA", (40, 40)), r"mode RGB or L, but got RGBA; use image.convert\('RGB'\)"),
        (np.zeros((40, 40, 3), np.uint16), "uint8 or floats, but got dtype uint16"),
        (torch.zeros(3, 40, 40, dtype=torch.bfloat16), "bfloat16, which NumPy lacks"),
        (np.full((40, 40, 3), 200.0), "from 200 to 200: neither bytes nor in .* pass mean and std"),
        (hrnet()[0], "its normalisation is not known; pass mean and std"),
    ],
)
def test_images_that_cannot_be_pasted_into_say_why(image: Any, message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        find_adapter("auto", image)


def test_a_wrong_normalisation_is_noticed() -> None:
    hints = merge_hints(Hints(), mean=(123.7, 116.3, 103.5), std=(58.4, 57.1, 57.4))
    with pytest.raises(AdapterError, match=r"with mean \(123.7, .* undone, the image's values reach from .* not "):
        find_adapter("auto", hrnet(), hints)
    with pytest.raises(AdapterError, match=r"the sample is .* cannot be read: mean and std must have 1 or 3 values"):
        find_adapter("auto", hrnet(), merge_hints(Hints(), mean=(0.5, 0.5), std=(0.5, 0.5)))


def test_a_little_overshoot_is_no_normalisation() -> None:
    image = pixels() / 255 * 1.04 - 0.02
    assert find_adapter("auto", image.astype(np.float16))


def test_outline_of_deep_samples_is_short() -> None:
    deep: Any = 1
    for _ in range(50):
        deep = {f"{index}": copy.copy(deep) for index in range(3)}
    assert len(outline(deep)) < 300
