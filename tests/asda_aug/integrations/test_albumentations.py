"""The transform of Albumentations and of AlbumentationsX, whichever is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asda_aug import ROR
from asda_aug.errors import AdapterError
from asda_aug_samples import V, pixels
from partpool.errors import ConfigError

A = pytest.importorskip("albumentations", reason="neither Albumentations nor AlbumentationsX is installed")

from asda_aug.integrations.albumentations import PasteParts  # noqa: E402

# AlbumentationsX wants to know which joints a flip exchanges; here none are.
pytestmark = pytest.mark.filterwarnings("ignore:label_fields are set but label_mapping is not provided:UserWarning")

POINTS = np.array([[12, 20], [30, 14], [20, 33], [24, 40], [40, 60]], np.float32)


def compose(pool: Any, seed: int = 0, labels: tuple[str, ...] = ("name", "visibility"), **options: Any) -> Any:
    options = options if isinstance(pool, ROR) else {"classes": ["upper-clothes", "hair"], "min_parts": 1, **options}
    params = A.KeypointParams("xy", label_fields=list(labels), remove_invisible=False)
    return A.Compose([A.HorizontalFlip(p=1), PasteParts(pool, **options)], keypoint_params=params, seed=seed)


def run(transform: Any, **more: Any) -> dict[str, Any]:
    return transform(image=pixels(), keypoints=POINTS, visibility=V, name=list("abcde"), **more)


@pytest.mark.parametrize("policy", ["keep", "mark", "drop"])
def test_keypoints_stay_and_covered_ones_are_settled(pool: Path, policy: str) -> None:
    settled = 0
    for seed in range(10):
        result = run(compose(pool, seed, num_parts=2, on_occlusion=policy))
        assert (result["image"] != pixels()[:, ::-1]).any()
        np.testing.assert_allclose(result["keypoints"], np.column_stack([47 - POINTS[:, 0], POINTS[:, 1]]), atol=1e-4)
        assert result["name"] == list("abcde")
        v = np.asarray(result["visibility"])
        changed = v != V
        assert (v[changed] == (0 if policy == "drop" else 1)).all()
        assert (V[changed] == 2).all() or policy == "drop"
        settled += changed.sum()
    assert (settled > 0) == (policy != "keep")


def test_composes_seed_repeats(pool: Path) -> None:
    first, second, other = (run(compose(pool, seed))["image"] for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_replay(pool: Path) -> None:
    transform = A.ReplayCompose([PasteParts(pool, classes=["upper-clothes"], min_parts=1)])
    first = transform(image=pixels())
    assert np.array_equal(A.ReplayCompose.replay(first["replay"], image=pixels())["image"], first["image"])


def test_boxes_make_a_photograph(pool: Path) -> None:
    params = A.BboxParams("pascal_voc", label_fields=["what"])
    step = PasteParts(pool, classes=["hair"], min_parts=1, person="largest")
    transform = A.Compose([step], bbox_params=params, seed=0)
    image = np.zeros((200, 300, 3), np.uint8)
    for _ in range(10):
        result = transform(image=image, bboxes=[(10, 10, 20, 20), (150, 20, 290, 190)], what=[1, 1])
        assert np.argwhere(result["image"].any(axis=-1))[:, 1].min() > 60
        np.testing.assert_allclose(result["bboxes"], [(10, 10, 20, 20), (150, 20, 290, 190)], atol=1e-3)


def test_another_occluder_and_its_p() -> None:
    step = PasteParts(ROR(num_patches=2, p=0.5), p=0.5)
    assert step.p == 0.25
    assert (run(compose(ROR(num_patches=3)))["image"] != pixels()[:, ::-1]).any()
    with pytest.raises(ConfigError, match="pass num_parts to ROR"):
        PasteParts(ROR(), num_parts=2)


def test_serialisation_and_repr(pool: Path) -> None:
    step = PasteParts(str(pool), classes=["hair"], min_parts=1, bgr=True, p=0.7)
    again = A.from_dict(A.to_dict(step))
    assert repr(again) == repr(step)
    assert "classes=['hair']" in repr(step)
    assert again.p == 0.7


def test_keypoints_without_visibility_cannot_be_dropped(pool: Path) -> None:
    transform = compose(pool, labels=("name",), num_parts=3, on_occlusion="drop")
    with pytest.raises(AdapterError, match=r"on_occlusion='drop' needs the visibility .*label_fields=\['visibility'\]"):
        transform(image=pixels(), keypoints=POINTS, name=list("abcde"))


def test_after_normalisation_is_too_late(pool: Path) -> None:
    late = A.Compose([A.Normalize(), PasteParts(pool, classes=["hair"], min_parts=1)])
    with pytest.raises(AdapterError, match="its normalisation is not known"):
        late(image=pixels())


def test_float_images(pool: Path) -> None:
    transform = A.Compose([A.ToFloat(), PasteParts(pool, classes=["hair"], min_parts=1)], seed=0)
    result = transform(image=pixels())["image"]
    assert result.dtype == np.float32
    assert 0 <= result.min() <= result.max() <= 1
