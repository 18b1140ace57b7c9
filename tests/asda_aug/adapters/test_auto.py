"""Adapters are found by the structure of samples, and what none can read is named."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from asda_aug import ASDADataset, PasteParts
from asda_aug.adapters.auto import BUILT_IN, AdapterFinder, outline
from asda_aug.adapters.hints import Hints
from asda_aug.adapters.simple import ImageAdapter
from asda_aug.errors import AdapterError
from asda_aug_samples import STRUCTURES, adapter_for, differences, hrnet, pixels
from partpool.errors import ConfigError


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
        adapter_for(sample)
    assert "pass adapter=…" in str(error.value)
    assert "\n" not in str(error.value)


def test_named_adapters_say_what_they_cannot_read() -> None:
    with pytest.raises(ConfigError, match="there is no adapter 'hr'; there are: auto, hrnet, "):
        adapter_for(pixels(), "hr")
    with pytest.raises(AdapterError, match=r"ndarray .* which adapter 'hrnet' cannot read"):
        adapter_for(pixels(), "hrnet")


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
        adapter_for(image)


def test_a_wrong_normalisation_is_noticed() -> None:
    with pytest.raises(AdapterError, match=r"with mean \(123.7, .* undone, the image's values reach from .* not "):
        adapter_for(hrnet(), mean=(123.7, 116.3, 103.5), std=(58.4, 57.1, 57.4))
    with pytest.raises(AdapterError, match=r"the sample is .* cannot be read: mean and std must have 1 or 3 values"):
        adapter_for(hrnet(), mean=(0.5, 0.5), std=(0.5, 0.5))


def test_a_little_overshoot_is_no_normalisation() -> None:
    image = pixels() / 255 * 1.04 - 0.02
    assert adapter_for(image.astype(np.float16))


def test_outline_of_deep_samples_is_short() -> None:
    deep: Any = 1
    for _ in range(50):
        deep = {f"{index}": copy.copy(deep) for index in range(3)}
    assert len(outline(deep)) < 300


@pytest.mark.parametrize("wrong", [ImageAdapter, object(), 5, None])
def test_what_is_no_adapter_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="an object with the methods read and write, but got"):
        AdapterFinder(wrong, Hints())
