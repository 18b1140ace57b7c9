"""Detection pairs, COCO's annotations, and torchvision's own tensors where torchvision imports."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from asda_aug import ASDADataset, PasteParts
from asda_aug.adapters.detection import CocoAdapter, DetectionAdapter
from asda_aug.adapters.hints import Hints
from asda_aug.errors import AdapterError
from asda_aug_samples import XY, V, adapter_for, coco, differences, pixels, triples

CHW = torch.from_numpy(pixels()).permute(2, 0, 1)


@pytest.fixture
def torchvision() -> Any:
    """torchvision, where it works beside this torch."""
    try:
        from torchvision import tv_tensors
    except Exception as error:
        pytest.skip(f"torchvision does not import here: {error}")
    return tv_tensors


def test_a_target_without_boxes() -> None:
    one = DetectionAdapter(Hints()).read((CHW, {"keypoints": triples(1)}))
    several = DetectionAdapter(Hints()).read((CHW, {"keypoints": triples(2)}))
    assert (one.crop, one.people, one.boxes) == (True, 1, None)
    assert (several.crop, several.people, several.boxes) == (False, 2, None)
    assert DetectionAdapter(Hints(photograph=True)).read((CHW, {"keypoints": triples(1)})).crop is False


@pytest.mark.parametrize("target", [{"boxes": torch.zeros(0, 4)}, {"boxes": [], "keypoints": torch.zeros(0, 5, 3)}])
def test_a_picture_without_people_comes_back(target: dict[str, Any], pasting: dict[str, Any]) -> None:
    sample = (CHW, target)
    assert DetectionAdapter(Hints()).read(sample).people == 0
    wrapped = ASDADataset([sample], **pasting)
    assert wrapped[0] is sample
    assert wrapped.stats()["untouched"]["empty"] == 1


def test_keypoints_that_do_not_fit_the_boxes_are_refused() -> None:
    sample = (CHW, {"boxes": torch.zeros(3, 4), "keypoints": triples(2)})
    with pytest.raises(AdapterError, match="cannot be read: keypoints of 2 people do not fit boxes of 3"):
        adapter_for(sample)


def test_coco_people_are_those_with_keypoints_or_of_the_category() -> None:
    scene = CocoAdapter(Hints()).read(coco())
    assert scene.boxes is not None
    assert scene.boxes.tolist() == [[5, 5, 40, 60], [9, 9, 18, 18], [10, 5, 45, 60]]
    # Person 4 has no keypoints and person 5 one less.
    assert scene.labelled.tolist() == [(V > 0).tolist(), [False] * 5, [True, True, False, True, False]]
    animal = {"bbox": [0, 0, 9, 9], "category_id": 7, "keypoints": [1, 2, 2]}
    assert CocoAdapter(Hints()).read((CHW, [animal])).people == 1


def test_coco_annotations_keep_integers_and_their_own_length() -> None:
    adapter = CocoAdapter(Hints())
    sample = coco()
    scene = adapter.read(sample)
    scene.labelled = scene.labelled & False
    written = adapter.write(sample, scene)[1]
    assert [each.get("keypoints", [])[2::3] for each in written] == [[0] * 5, [0] * 5, [], [], [0] * 4]
    assert all(type(value) is int for value in written[0]["keypoints"])
    assert written[1] is sample[1][1]


def test_coco_images_without_annotations(pasting: dict[str, Any]) -> None:
    base = [(CHW, []), coco()]
    wrapped = ASDADataset(base, **pasting, seed=0)
    assert wrapped[0] is base[0]
    assert any(differences(base[1], wrapped[1]) for _ in range(5))


@pytest.mark.parametrize("form", ["XYXY", "XYWH", "CXCYWH"])
def test_tv_tensors_of_any_upright_format(torchvision: Any, form: str, pasting: dict[str, Any]) -> None:
    from torchvision.transforms.v2.functional import convert_bounding_box_format

    xyxy = torchvision.BoundingBoxes([[5.0, 5, 40, 60]], format="XYXY", canvas_size=(64, 48))
    target = {
        "boxes": convert_bounding_box_format(xyxy, new_format=form),
        "keypoints": torchvision.KeyPoints(torch.from_numpy(XY)[None], canvas_size=(64, 48)),
        "visibility": torch.from_numpy(V)[None],
    }
    sample = torchvision.Image(CHW), target
    scene = adapter_for(sample).read(sample)
    assert scene.boxes is not None
    assert scene.boxes.tolist() == [[5, 5, 40, 60]]
    wrapped = ASDADataset([sample], **pasting, num_parts=3, on_occlusion="drop", seed=0)
    for epoch in range(8):
        image, written = wrapped[0]
        covered = [joint for paste in wrapped.describe(0, epoch) for _, joint in paste.covered]
        expected = V.copy()
        expected[covered] = 0
        assert written["visibility"][0].tolist() == expected.tolist()
        assert type(image) is torchvision.Image
        assert differences((sample[1]["boxes"], target["keypoints"]), (written["boxes"], written["keypoints"])) == {}
        assert written["boxes"].format == target["boxes"].format
        assert written["keypoints"].canvas_size == (64, 48)


def test_turned_boxes_are_refused(torchvision: Any) -> None:
    boxes = torchvision.BoundingBoxes([[20.0, 30, 10, 20, 45]], format="CXCYWHR", canvas_size=(64, 48))
    with pytest.raises(AdapterError, match="format CXCYWHR; expected XYXY, XYWH or CXCYWH"):
        adapter_for((torchvision.Image(CHW), {"boxes": boxes}))


def test_a_step_of_torchvisions_compose(torchvision: Any, pasting: dict[str, Any]) -> None:
    from torchvision.transforms import v2

    transform = v2.Compose([v2.RandomHorizontalFlip(1), PasteParts(**pasting), v2.ToDtype(torch.float32, scale=True)])
    torch.manual_seed(0)
    target = {"keypoints": torchvision.KeyPoints(torch.from_numpy(XY[:2]), canvas_size=(64, 48)), "label": 3}
    images = [transform(torchvision.Image(CHW), target)[0] for _ in range(5)]
    flipped = CHW.flip(2).float() / 255
    assert all(type(image) is torchvision.Image and image.dtype == torch.float32 for image in images)
    assert sum(not torch.equal(image, flipped) for image in images) >= 3
    alone = transform(torchvision.Image(CHW))
    assert type(alone) is torchvision.Image


def test_coco_detection_of_torchvision(torchvision: Any, shared_data: Any, pasting: dict[str, Any]) -> None:
    pytest.importorskip("pycocotools")
    from torchvision.datasets import CocoDetection

    folder = shared_data / "pose" / "mmpose" / "coco"
    base = CocoDetection(folder, folder / "test_coco.json")
    wrapped = ASDADataset(base, **pasting, on_occlusion="mark", seed=0)
    for index in range(len(base)):
        image, annotations = wrapped[index]
        assert type(image).__name__ == "Image"
        before = base[index][1]
        for covered, plain in zip(annotations, before, strict=True):
            assert {**covered, "keypoints": 0} == {**plain, "keypoints": 0}
            assert covered["keypoints"][0::3] == plain["keypoints"][0::3]
    assert wrapped.stats()["touched"] == len(base)


def test_arrays_of_boxes_become_float64() -> None:
    scene = DetectionAdapter(Hints()).read((pixels(), {"boxes": np.array([[1, 2, 3, 4]], np.int16)}))
    assert scene.boxes is not None
    assert scene.boxes.dtype == np.float64
