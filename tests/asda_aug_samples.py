"""Small samples of every structure that asda_aug reads, and what differs between two samples.

Each has joint 2 unlabelled, with coordinates that must survive to the bit; joint 1 is occluded where the structure
can say so. Joints 0 and 3 are the ones that tests cover.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from asda_aug.adapters.adapter import Adapter
from asda_aug.adapters.auto import AdapterFinder
from asda_aug.adapters.hints import Hints, merge_hints
from asda_aug_data import MEAN, STD

WIDTH, HEIGHT = 48, 64
XY = np.array([[10.5, 12.25], [30, 14], [-7.3, 1e30], [24.75, 40], [40, 60]])
V = np.array([2, 1, 0, 2, 2])
JOINTS = len(V)
COVERED = [0, 3]


class Pair(NamedTuple):
    """A pair with names."""

    picture: Any
    points: Any


class Element:
    """As much of MMEngine's ``BaseDataElement`` as counts: attributes, and a clone that shares what is inside."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __contains__(self, name: str) -> bool:
        return name in self.__dict__

    def get(self, name: str, default: Any = None) -> Any:
        return self.__dict__.get(name, default)

    def clone(self) -> Element:
        return Element(**self.__dict__)


@dataclass(frozen=True)
class Structure:
    """A kind of sample.

    Attributes:
        adapter: Name of the built-in adapter that reads it.
        make: Makes one, the same every time.
        drop: Paths that change where joints are dropped, besides the image.
        mark: Paths that change where joints are marked.
        image: Path of the image.
        people: Number of people.
        crop: Whether the image is a crop.
        bgr: Whether it is BGR.
        options: What has to be said of it.
    """

    adapter: str
    make: Callable[[], Any]
    drop: tuple[str, ...] = ()
    mark: tuple[str, ...] = ()
    image: str = "[0]"
    people: int = 1
    crop: bool = True
    bgr: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


def adapter_for(sample: Any, choice: Any = "auto", **options: Any) -> Adapter:
    """The adapter that is found for a sample; options say what it does not say of itself."""
    return AdapterFinder(choice, merge_hints(Hints(), **options)).find(sample)


def pixels() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def normalised(layout: torch.memory_format = torch.contiguous_format) -> torch.Tensor:
    image = torch.from_numpy(pixels()).permute(2, 0, 1).float() / 255
    image = (image - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    return image[None].contiguous(memory_format=layout)[0]


def triples(people: int = 1) -> NDArray[np.float64]:
    one = np.column_stack([XY, V])
    return np.stack([one + (5 * person, 0, 0) for person in range(people)])


def hrnet(image: Any = None, maps: int = JOINTS) -> tuple[Any, ...]:
    flags = np.minimum(V, 1).astype(float)
    target = torch.rand(maps, 16, 12, generator=torch.Generator().manual_seed(0)) + 1
    meta = {
        "image": "1.jpg", "filename": "", "imgnum": 0, "joints": np.column_stack([XY, np.zeros(JOINTS)]),
        "joints_vis": np.column_stack([flags, flags, np.zeros(JOINTS)]), "center": np.array([24.0, 32]),
        "scale": np.array([0.24, 0.32]), "rotation": 0, "score": 1,
    }  # fmt: skip
    return normalised() if image is None else image, target, torch.from_numpy(flags[:, None]).float(), meta


def mmpose(crop: bool, people: int = 1) -> dict[str, Any]:
    points = triples(people)[..., :2].astype(np.float32)
    flags = np.minimum(triples(people)[..., 2], 1).astype(np.float32)
    sample = {"img": pixels(), "img_path": "1.jpg", "bbox": np.array([[5, 5, 40, 60.0]] * people), "id": 3,
              "keypoints": points + 100 * crop, "keypoints_visible": flags}  # fmt: skip
    if crop:
        sample |= {"transformed_keypoints": points, "keypoints_visible": np.stack([flags, flags], axis=-1)}
        sample |= {"keypoint_weights": flags, "heatmaps": np.ones((JOINTS, 16, 12), np.float32), "input_size": (48, 64)}
    return sample


def packed(transformed: bool = True) -> dict[str, Any]:
    crop = mmpose(crop=True)
    fields = {"transformed_keypoints": crop["transformed_keypoints"]} if transformed else {}
    heatmaps = torch.zeros(JOINTS, 16, 12)
    for joint in range(JOINTS):
        if V[joint]:
            column, row = np.minimum(XY[joint] / 4 + 0.5, (11, 15)).astype(int)
            heatmaps[joint, row, column] = 1
    return {
        "inputs": torch.from_numpy(pixels()).permute(2, 0, 1).contiguous(),
        "data_samples": Element(
            gt_instances=Element(keypoints=crop["keypoints"], bboxes=crop["bbox"], **fields),
            gt_instance_labels=Element(keypoint_weights=torch.from_numpy(crop["keypoint_weights"])),
            gt_fields=Element(heatmaps=heatmaps),
        ),
    }


def detection() -> tuple[Any, dict[str, Any]]:
    target = {
        "boxes": torch.tensor([[5, 5, 40, 60], [10, 5, 45, 60.0]]), "labels": torch.tensor([1, 1]),
        "keypoints": torch.from_numpy(triples(2)).float(), "image_id": 7,
    }  # fmt: skip
    return torch.from_numpy(pixels()).permute(2, 0, 1).contiguous().float() / 255, target


def coco() -> tuple[Any, list[dict[str, Any]]]:
    flat = [[round(value) if value < 100 else 0 for value in person.ravel().tolist()] for person in triples(2)]
    return Image.fromarray(pixels()), [
        {"id": 1, "category_id": 1, "iscrowd": 0, "bbox": [5, 5, 35, 55], "keypoints": flat[0], "num_keypoints": 4},
        {"id": 2, "category_id": 1, "iscrowd": 1, "bbox": [0, 0, 48, 64], "keypoints": [0] * 15},
        {"id": 3, "category_id": 18, "iscrowd": 0, "bbox": [0, 0, 9, 9]},
        {"id": 4, "category_id": 1, "iscrowd": 0, "bbox": [9, 9, 9, 9]},
        {"id": 5, "category_id": 1, "iscrowd": 0, "bbox": [10, 5, 35, 55], "keypoints": flat[1][:12]},
    ]


def boxed() -> dict[str, Any]:
    return {
        "image": pixels(), "keypoints": triples(2)[..., :2].astype(np.float32), "file": "1.jpg",
        "visibility": np.stack([V, V]), "bboxes": [(5, 5, 40, 60, "person"), (10, 5, 45, 60, "person")],
    }  # fmt: skip


NORMALISED = {"mean": MEAN, "std": STD}
HRNET_DROP, HRNET_MARK = ("[1]", "[2]", "[3].joints_vis"), ("[3].joints_vis",)
PACKED_DROP = (".data_samples.gt_instance_labels.keypoint_weights", ".data_samples.gt_fields.heatmaps")
STRUCTURES = {
    "hrnet": Structure("hrnet", hrnet, HRNET_DROP, HRNET_MARK, bgr=True, options=NORMALISED),
    "hrnet channels last": Structure(
        "hrnet", lambda: hrnet(normalised(torch.channels_last)), HRNET_DROP, HRNET_MARK,
        bgr=True, options=NORMALISED,
    ),
    "hrnet without transform": Structure(
        "hrnet", lambda: list(hrnet(pixels(), 3 * JOINTS)), HRNET_DROP, HRNET_MARK, bgr=True
    ),
    "mmpose crop": Structure(
        "mmpose", lambda: mmpose(crop=True), (".keypoints_visible", ".keypoint_weights", ".heatmaps"),
        (".keypoints_occluded",), ".img", bgr=True,
    ),
    "mmpose photograph": Structure(
        "mmpose", lambda: mmpose(crop=False, people=2), (".keypoints_visible",), (".keypoints_occluded",), ".img", 2,
        crop=False, bgr=True,
    ),
    "mmpose packed": Structure(
        "mmpose-packed", packed, PACKED_DROP, (), ".inputs", bgr=True,
    ),
    "detection": Structure("detection", detection, ("[1].keypoints",), ("[1].keypoints",), people=2, crop=False),
    "coco": Structure("coco", coco, ("[1][0].keypoints",), ("[1][0].keypoints",), people=3, crop=False),
    "dict": Structure(
        "dict", lambda: {"image": pixels(), "keypoints": [tuple(each) for each in triples()[0].tolist()]},
        (".keypoints",), (".keypoints",), ".image",
    ),
    "dict with boxes": Structure("dict", boxed, (".visibility",), (".visibility",), ".image", 2, crop=False),
    "pair": Structure("pair", lambda: (Image.fromarray(pixels()), triples()[0]), ("[1]",), ("[1]",)),
    "named pair": Structure(
        "pair", lambda: Pair(np.asfortranarray(pixels()), torch.from_numpy(triples(2))), ("[1]",), ("[1]",), people=2,
        crop=False,
    ),
    "PIL image": Structure("image", lambda: Image.fromarray(pixels()[..., 0]), image=""),
    "array": Structure("image", lambda: pixels()[..., 0] / np.float32(255), image=""),
    "tensor": Structure("image", lambda: torch.from_numpy(pixels()).permute(2, 0, 1), image=""),
}  # fmt: skip
"""Samples by what they are called in the tests."""


def differences(a: Any, b: Any, path: str = "") -> dict[str, str]:
    """Where two samples differ, and in what: type, dtype, shape, strides or values, to the bit."""
    if type(a) is not type(b):
        return {path: f"type {type(a).__name__} → {type(b).__name__}"}
    if isinstance(a, (Mapping, Element)):
        left, right = (dict(each) if isinstance(each, Mapping) else vars(each) for each in (a, b))
        new = {f"{path}.{key}": "key" for key in left.keys() ^ right.keys()}
        return new | _inside((f"{path}.{key}", left[key], right[key]) for key in left.keys() & right.keys())
    if isinstance(a, (tuple, list)):
        if len(a) != len(b):
            return {path: f"length {len(a)} → {len(b)}"}
        return _inside((f"{path}[{index}]", *pair) for index, pair in enumerate(zip(a, b, strict=True)))
    for name, value in _facts(a).items():
        other = _facts(b)[name]
        if value != other:
            return {path: "values" if name == "values" else f"{name} {value} → {other}"}
    return {}


def _inside(children: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, a, b in children:
        found |= differences(a, b, path)
    return found


def _facts(value: Any) -> dict[str, Any]:
    if isinstance(value, torch.Tensor):
        value = value.as_subclass(torch.Tensor)
        facts = {"dtype": value.dtype, "strides": _strides(value.shape, value.stride())}
        return {"shape": value.shape, **facts, "values": value.numpy().tobytes()}
    if isinstance(value, np.ndarray):
        facts = {"dtype": value.dtype, "strides": _strides(value.shape, value.strides)}
        return {"shape": value.shape, **facts, "values": value.tobytes()}
    if isinstance(value, Image.Image):
        return {"mode": value.mode, "size": value.size, "info": value.info, "values": value.tobytes()}
    return {"values": repr(value)}


def _strides(shape: Any, strides: Any) -> list[int]:
    """Strides of the axes that have any."""
    return [stride for size, stride in zip(shape, strides, strict=True) if size > 1]
