"""What all occluders share: whom they cover, what becomes of keypoints, and the transform form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from asda_aug import Cutout, JointPlacer, RandomPlacer, Scene
from asda_aug.occluders.occluder import coloured, normalisation
from asda_aug.occluders.rectangles import rectangle
from asda_aug_pasters import FULL, image, paster, rng, scene
from partpool import PartPool


@pytest.mark.parametrize("policy", ["keep", "mark", "drop"])
def test_what_becomes_of_covered_keypoints(parts: PartPool, policy: Any) -> None:
    each = scene()
    augmentation = paster(parts, on_occlusion=policy, placer=FULL, classes=["upper-clothes"])
    pastes = augmentation.draw(each, rng())
    covered = augmentation.apply(each, pastes)[0]
    assert 0 < covered.sum() < 12
    labelled = np.arange(17) > 4
    assert each.visible[0].tolist() == (labelled & ~covered if policy == "mark" else labelled).tolist()
    assert each.labelled[0].tolist() == (labelled & ~covered if policy == "drop" else labelled).tolist()
    assert pastes[0].covered == [(0, joint) for joint in np.flatnonzero(covered)]
    assert pastes[0].seen


def test_which_person_is_covered(parts: PartPool) -> None:
    boxes = [[0, 0, 20, 20], [30, 30, 90, 120], [5, 5, 5, 9]]
    crowd = Scene(image(), np.full((3, 17, 2), 50.0), boxes=boxes, crop=False)
    drawn = [paster(parts).draw(crowd, rng(seed))[0].person for seed in range(40)]
    assert set(drawn) == {0, 1}
    assert {paster(parts, person="largest").draw(crowd, rng(seed))[0].person for seed in range(10)} == {1}
    assert paster(parts, person=0).draw(crowd, rng())[0].person == 0
    assert paster(parts, person=-2).draw(crowd, rng())[0].person == 1
    assert paster(parts, person=2).draw(crowd, rng()) == []
    assert paster(parts, person=7).draw(crowd, rng()) == []
    (paste,) = paster(parts, person=1).draw(crowd, rng())
    assert paste.diagonal == pytest.approx(np.hypot(60, 90) * parts.classes[paste.part.class_id].size)


def test_nobody_to_cover(parts: PartPool) -> None:
    nobody = Scene(image(), np.zeros((0, 17, 2)), boxes=np.zeros((0, 4)), crop=False)
    assert paster(parts).draw(nobody, rng()) == []


@pytest.mark.parametrize("kind", ["array", "planes", "mirrored", "tensor", "pil", "channels last"])
def test_as_a_transform_it_returns_what_it_got(parts: PartPool, kind: str) -> None:
    pixels = image()
    tensor = torch.from_numpy(pixels.transpose(2, 0, 1).copy())
    sample: Any = {
        "array": pixels, "planes": pixels.transpose(2, 0, 1), "mirrored": pixels[:, ::-1],
        "tensor": tensor, "pil": Image.fromarray(pixels),
        "channels last": tensor[None].contiguous(memory_format=torch.channels_last)[0],
    }[kind]  # fmt: skip
    torch.manual_seed(0)
    result = paster(parts, placer=FULL)(sample)
    assert type(result) is type(sample)
    assert not np.array_equal(np.asarray(result), np.asarray(sample))
    if kind == "pil":
        assert (result.mode, result.size) == (sample.mode, sample.size)
    elif hasattr(sample, "stride"):
        assert result.stride() == sample.stride()
    else:
        assert result.strides == sample.strides


def test_torchs_seed_repeats_a_transform(parts: PartPool) -> None:
    augmentation = paster(parts, placer=FULL)
    results = []
    for seed in (1, 2, 1):
        torch.manual_seed(seed)
        results.append(augmentation(image()))
    np.testing.assert_array_equal(results[0], results[2])
    assert not np.array_equal(results[0], results[1])


def test_nothing_pasted_is_the_same_object(parts: PartPool) -> None:
    sample = {"image": image(), "keypoints": np.zeros((17, 3))}
    assert paster(parts, p=0)(sample) is sample
    pair = (image(), np.zeros((17, 3)))
    result = paster(parts, p=0)(*pair)
    assert result[0] is pair[0]


def test_about_p_of_the_samples_are_touched(parts: PartPool) -> None:
    torch.manual_seed(0)
    sample, augmentation = image(), paster(parts, p=0.3)
    touched = sum(augmentation(sample) is not sample for _ in range(300))
    assert 60 < touched < 120


def test_as_a_transform_it_is_told_what_samples_do_not_say(parts: PartPool) -> None:
    solid = np.full((128, 96, 3), (200, 10, 10), np.uint8)
    results = []
    for bgr in (False, True):
        torch.manual_seed(0)
        results.append(paster(parts, placer=FULL, bgr=bgr)(solid))
    changed = (results[0] != solid).any(axis=2) & (results[1] != solid).any(axis=2)
    inside = changed & (np.abs(results[0].astype(int) - results[1][..., ::-1]).max(axis=2) <= 1)
    assert inside.sum() > 0.5 * changed.sum()
    joints = np.full((14, 3), 50.0)
    for _ in range(5):
        paster(parts, placer=JointPlacer(), skeleton="lsp")(solid, joints)


def test_beside_the_image_the_same_object_comes_back(parts: PartPool) -> None:
    sample = image()
    assert paster(parts, placer=RandomPlacer(tx=(9, 9)))(sample) is sample


def test_pixels_are_written_over_only_if_that_is_asked_for_and_allowed() -> None:
    square = rectangle(np.full((9, 9, 3), 77, np.uint8), 4, 4, "square", 0, (0.0, 0.0, 96.0, 128.0))
    for inplace, frozen in ((False, False), (True, False), (True, True)):
        each = scene()
        source = each.image
        source.flags.writeable = not frozen
        Cutout().apply(each, [square], inplace=inplace)
        assert (each.image is source) == (inplace and not frozen)
        assert (each.image[4:13, 4:13] == 77).all()
        assert square.seen


def test_bytes_have_no_normalisation_whatever_the_data_set_says() -> None:
    assert normalisation(Scene(image(), mean=(0.5,), std=(0.5,))) == (None, None)
    assert normalisation(Scene(image() / np.float32(255), mean=(0.5,), std=(0.25,))) == ((0.5,), (0.25,))


def test_only_what_is_to_be_harmonized_changes_its_colour(parts: PartPool) -> None:
    first, second = paster(parts, num_parts=2).draw(scene(), rng())
    first.harmonize = 1.0
    changed, same = (part for part, _ in coloured(scene(), [first, second]))
    assert not np.array_equal(changed.rgb, first.part.rgb)
    assert same is second.part
