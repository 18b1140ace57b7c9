from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from asda_aug import Scene
from asda_aug.errors import AdapterError

IMAGE = np.zeros((256, 192, 3), np.uint8)
SIZE = (192, 256)


def test_one_person_needs_no_axis() -> None:
    scene = Scene(IMAGE, [[1, 2], [3, 4]], labelled=[1, 0], visible=[0, 0], boxes=[0, 0, 5, 5])
    assert scene.people == 1
    assert scene.keypoints.shape == (1, 2, 2)
    assert scene.labelled.tolist() == [[True, False]]
    assert scene.visible.tolist() == [[False, False]]


@pytest.mark.parametrize("name", ["labelled", "visible"])
@pytest.mark.parametrize("in_place", [True, False])
def test_it_notices_changed_flags(name: str, in_place: bool) -> None:
    scene = Scene(IMAGE, [[1, 2], [3, 4]])
    flags = getattr(scene, name)
    setattr(scene, name, flags & True)
    assert not scene.relabelled
    changed = flags if in_place else flags.copy()
    changed[0, 1] = False
    setattr(scene, name, changed)
    assert scene.relabelled


@pytest.mark.parametrize(
    "image", [IMAGE, IMAGE[..., 0], IMAGE.transpose(2, 0, 1), torch.zeros(3, 256, 192), Image.fromarray(IMAGE)]
)
def test_a_canvas_is_height_width_and_channels(image: Any) -> None:
    scene = Scene(image)
    assert scene.pixels.shape[:2] == (256, 192)
    assert scene.pixels.ndim == 3
    assert scene.size == SIZE
    assert np.shares_memory(scene.pixels, scene.array)


def test_a_canvas_is_that_of_the_image_which_the_scene_has_now() -> None:
    scene = Scene(IMAGE)
    before = scene.pixels
    assert scene.pixels is before
    scene.image = IMAGE[:10] + 1
    assert scene.size == (192, 10)
    assert scene.pixels.min() == 1


@pytest.mark.parametrize("image", [None, "picture.jpg", np.zeros((8, 8), np.int64), np.zeros((8, 8, 8, 8), np.uint8)])
def test_what_is_no_image_has_no_canvas(image: Any) -> None:
    with pytest.raises(AdapterError, match="image must"):
        Scene(image).pixels  # noqa: B018


def test_the_box_of_a_crop_is_what_it_was_cut_by() -> None:
    x0, y0, x1, y1 = Scene(IMAGE).box(0, SIZE) or (0, 0, 0, 0)
    assert (x1 - x0, y1 - y0) == pytest.approx((192 / 1.25, 256 / 1.25))
    assert (x0 + x1, y0 + y1) == pytest.approx((192, 256))


def test_boxes_of_joints() -> None:
    points = np.array([[10, 20], [60, 120], [30, 30], [30, 40], [50, 50], [20, 60], [900, 900]], float)
    labelled = [1, 1, 1, 1, 1, 1, 0]
    crop = Scene(IMAGE, points, labelled=labelled)
    assert crop.box(0, SIZE, "joints") == pytest.approx((5, 10, 65, 130))
    few = Scene(IMAGE, points, labelled=[1, 1, 1, 1, 1, 0, 0])
    assert few.box(0, SIZE, "joints") == few.box(0, SIZE)
    photograph = Scene(IMAGE, points, labelled=labelled, crop=False)
    assert photograph.box(0, SIZE) == pytest.approx((5, 10, 65, 130))


def test_a_missing_box_gives_way_to_the_joints() -> None:
    missing = Scene(IMAGE, [[10, 20], [60, 120]], boxes=[0, 0, 0, 0], crop=False)
    assert missing.box(0, SIZE) == pytest.approx((5, 10, 65, 130))


def test_people_of_unknown_extent_have_no_box() -> None:
    assert Scene(IMAGE, crop=False).box(0, SIZE) is None
    assert Scene(IMAGE, boxes=[5, 5, 5, 9], crop=False).box(0, SIZE) is None
    assert Scene(IMAGE, boxes=[5, 5, np.inf, 9], crop=False).box(0, SIZE) is None
    assert Scene(IMAGE, [[5, 5], [5, 9]], crop=False).box(0, SIZE) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keypoints": np.zeros((3, 3))}, "keypoints must have shape"),
        ({"keypoints": np.zeros((2, 3, 2)), "boxes": np.zeros((1, 4))}, "2 people do not fit boxes of 1"),
        ({"keypoints": np.zeros((3, 2)), "visible": [1, 1]}, "visible must have one flag"),
        ({"boxes": np.zeros((2, 5))}, "boxes must have shape"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Scene(IMAGE, **arguments)
