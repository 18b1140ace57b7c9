"""Dictionaries, pairs and bare images in their variants."""

from __future__ import annotations

from collections import OrderedDict, UserDict
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from asda_aug import ASDADataset
from asda_aug.adapters.hints import Hints
from asda_aug.adapters.simple import MappingAdapter, PairAdapter
from asda_aug_samples import XY, V, adapter_for, boxed, pixels, triples


def test_a_dictionary_keeps_its_type_and_order() -> None:
    for kind in (OrderedDict, UserDict):
        sample = kind({"file": "1.jpg", "keypoints": triples()[0], "image": pixels()})
        adapter = adapter_for(sample)
        scene = adapter.read(sample)
        scene.labelled = scene.labelled & False
        written = adapter.write(sample, scene)
        assert type(written) is kind
        assert list(written) == ["file", "keypoints", "image"]
        assert written["keypoints"][:, 2].tolist() == [0] * 5
        assert sample["keypoints"][:, 2].tolist() == V.tolist()


def test_boxes_of_things_without_keypoints_tell_no_people() -> None:
    scene = MappingAdapter(Hints()).read({**boxed(), "bboxes": [(0, 0, 9, 9)] * 5})
    assert (scene.people, scene.boxes, scene.crop) == (2, None, False)
    scene = MappingAdapter(Hints()).read({**boxed(), "bboxes": torch.zeros(0, 4)})
    assert (scene.people, scene.boxes, scene.crop) == (2, None, False)


def test_boxes_alone_make_a_photograph() -> None:
    scene = MappingAdapter(Hints()).read({"image": pixels(), "boxes": torch.tensor([[1.0, 2, 30, 40]] * 3)})
    assert (scene.people, scene.crop) == (3, False)


def test_photograph_overrules() -> None:
    for photograph in (True, False):
        hints = Hints(photograph=photograph)
        assert PairAdapter(hints).read((pixels(), triples(1))).crop is not photograph
        assert PairAdapter(hints).read((pixels(), triples(2))).crop is not photograph


def test_pairs_without_anybody(pasting: dict[str, Any]) -> None:
    sample = (pixels(), np.zeros((0, 5, 3)))
    assert type(adapter_for(sample)) is PairAdapter
    assert isinstance(ASDADataset([sample], **pasting)[0], tuple)


def test_an_image_keeps_what_PIL_knows_of_it(pasting: dict[str, Any]) -> None:  # noqa: N802
    image = Image.fromarray(pixels())
    image.info["dpi"] = (72, 72)
    for result in (ASDADataset([image], **pasting, seed=0)[0] for _ in range(5)):
        assert (type(result), result.mode, result.size) == (Image.Image, "RGB", (48, 64))
        assert result.info == {"dpi": (72, 72)}


LAYOUTS: dict[str, Any] = {
    "HWC": lambda image: image,
    "CHW": lambda image: np.ascontiguousarray(image.transpose(2, 0, 1)),
    "CHW view": lambda image: image.transpose(2, 0, 1),
    "Fortran": np.asfortranarray,
    "grey": lambda image: image[..., 0].copy(),
    "grey HW1": lambda image: image[..., :1].copy(),
    "grey 1HW": lambda image: image[None, ..., 0].copy(),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@given(
    height=st.integers(8, 90), width=st.integers(8, 90), kind=st.sampled_from(["u1", "f2", "f4", "f8"]),
    tensor=st.booleans(), seed=st.integers(0, 2**32),
)  # fmt: skip
def test_every_kind_of_image_comes_back_as_it_was(
    pasting: dict[str, Any], layout: str, height: int, width: int, kind: str, tensor: bool, seed: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    image = LAYOUTS[layout](image if kind == "u1" else (image / 255).astype(kind))
    sample = torch.from_numpy(image) if tensor else image
    before = image.tobytes()
    result = ASDADataset([sample], **pasting, seed=seed)[0]
    array = result.numpy() if tensor else result
    assert (type(result), array.dtype, array.shape, array.strides) == (
        type(sample), image.dtype, image.shape, image.strides,
    )  # fmt: skip
    assert image.tobytes() == before
    assert array.min() >= -1e-3
    assert array.max() <= (255 if kind == "u1" else 1.001)


@given(seed=st.integers(0, 2**32), policy=st.sampled_from(["keep", "mark", "drop"]), num_parts=st.integers(1, 4))
def test_labels_after_a_paste_are_those_of_its_record(
    pasting: dict[str, Any], seed: int, policy: Any, num_parts: int
) -> None:
    points = np.column_stack([np.nan_to_num(XY, posinf=0) % 60, V])
    base = [{"image": pixels(), "keypoints": points}]
    wrapped = ASDADataset(base, **pasting, seed=seed, num_parts=num_parts, on_occlusion=policy)
    written = wrapped[0]["keypoints"]
    covered = {joint for paste in wrapped.describe(0) for _, joint in paste.covered}
    expected = points.copy()
    for joint in covered:
        assert V[joint] > 0
        if policy != "keep":
            expected[joint, 2] = 0 if policy == "drop" else min(V[joint], 1)
    assert written.tobytes() == expected.tobytes()
    assert wrapped.describe(0)[0].index is not None
