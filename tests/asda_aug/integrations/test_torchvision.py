"""torchvision's data sets and pipelines, and pycocotools, on real pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from asda_aug import ASDADataset, PasteParts

COCO = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed").COCO
try:
    from torchvision import tv_tensors
    from torchvision.datasets import CocoDetection, wrap_dataset_for_transforms_v2
    from torchvision.transforms import v2
except (ImportError, RuntimeError) as error:
    pytest.skip(f"torchvision does not work with this PyTorch: {error}", allow_module_level=True)


# What pycocotools' own masks are to NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


@pytest.fixture
def pasting(pool: Path) -> dict[str, Any]:
    """Two parts on every sample."""
    return {"pool": pool, "classes": ["upper-clothes", "hair"], "min_parts": 1, "num_parts": 2}


@pytest.fixture
def coco(shared_data: Path) -> tuple[Path, Path]:
    """Folder and annotations of MMPose's four pictures of COCO."""
    folder = shared_data / "pose" / "mmpose" / "coco"
    return folder, folder / "test_coco.json"


def test_wrapped_detection_targets(coco: tuple[Path, Path], pasting: dict[str, Any]) -> None:
    base = wrap_dataset_for_transforms_v2(CocoDetection(*coco), target_keys=("boxes", "labels", "masks"))
    wrapped = ASDADataset(base, **pasting, seed=0)
    for index in range(len(base)):
        (image, target), (pasted, kept) = base[index], wrapped[index]
        assert np.shape(image) == np.shape(pasted)
        assert kept.keys() == target.keys()
        assert all(torch.equal(kept[key], target[key]) and type(kept[key]) is type(target[key]) for key in target)
    assert wrapped.stats()["touched"] == len(base)


def test_a_detection_pipeline(coco: tuple[Path, Path], pasting: dict[str, Any]) -> None:
    """Boxes move with the picture, and not with what is pasted into it."""

    def pipeline(*steps: Any) -> Any:
        return v2.Compose([
            v2.ToImage(), v2.RandomHorizontalFlip(), v2.ScaleJitter((320, 320), (0.5, 1.5)),
            v2.RandomIoUCrop(), v2.SanitizeBoundingBoxes(), *steps, v2.ToDtype(torch.float32, scale=True),
        ])  # fmt: skip

    changed = 0
    for index in range(len(wrap_dataset_for_transforms_v2(CocoDetection(*coco)))):
        seen = []
        for steps in ([], [PasteParts(**pasting)]):
            data = wrap_dataset_for_transforms_v2(CocoDetection(*coco, transforms=pipeline(*steps)))
            torch.manual_seed(index)
            seen.append(data[index])
        (plain, expected), (pasted, target) = seen
        assert type(pasted) is tv_tensors.Image
        assert pasted.shape == plain.shape
        assert pasted.dtype == torch.float32
        assert type(target["boxes"]) is tv_tensors.BoundingBoxes
        assert torch.equal(target["boxes"], expected["boxes"])
        assert torch.equal(target["labels"], expected["labels"])
        changed += not torch.equal(plain, pasted)
    assert changed > 0


class People:
    """Pictures and annotations as pycocotools gives them: (RGB uint8 [H, W, 3], list of annotations)."""

    def __init__(self, folder: Path, annotations: Path) -> None:
        self._folder, self.coco = folder, COCO(str(annotations))
        with_files = [
            key for key in sorted(self.coco.imgs)
            if (folder / self.coco.imgs[key]["file_name"]).exists() and self.coco.getAnnIds(key, iscrowd=False)
        ]  # fmt: skip
        self.keys = with_files

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> tuple[np.ndarray, list[dict[str, Any]]]:
        key = self.keys[index]
        with Image.open(self._folder / self.coco.imgs[key]["file_name"]) as image:
            return np.asarray(image.convert("RGB")), self.coco.loadAnns(self.coco.getAnnIds(key, iscrowd=False))


@pytest.mark.parametrize("policy", ["mark", "drop"])
def test_annotations_of_pycocotools(
    shared_data: Path, pasting: dict[str, Any], policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = shared_data / "pose" / "tiny_coco" / "tiny_coco"
    base = People(root / "train2017", root / "annotations" / "person_keypoints_train2017.json")
    wrapped = ASDADataset(base, **pasting, on_occlusion=policy, seed=0)
    settled = 0
    for index in range(len(base)):
        (image, annotations), (pasted, written) = base[index], wrapped[index]
        assert pasted.shape == image.shape
        for before, after in zip(annotations, written, strict=True):
            assert {**after, "keypoints": 0} == {**before, "keypoints": 0}
            flags = list(zip(before["keypoints"][2::3], after["keypoints"][2::3], strict=True))
            assert all(new == old or new == (0 if policy == "drop" else 1) for old, new in flags)
            settled += sum(old != new for old, new in flags)
            # pycocotools still understands what comes back.
            assert np.array_equal(base.coco.annToMask(after), base.coco.annToMask(before))
    assert settled > 0
    assert len(base) > 20
    capsys.readouterr()
