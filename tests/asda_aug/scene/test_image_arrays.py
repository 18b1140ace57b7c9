from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from asda_aug.errors import AdapterError
from asda_aug.scene.image_arrays import as_array, is_image, is_tensor, like


class Tagged(torch.Tensor):
    """A tensor of a class of its own, as ``tv_tensors`` are."""


PICTURE = np.arange(12 * 10 * 3, dtype=np.uint8).reshape(12, 10, 3)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Image.new("L", (4, 4)), True),
        (np.zeros((8, 8)), True),
        (np.zeros((8, 9, 3)), True),
        (torch.zeros(1, 8, 9), True),
        (np.zeros((7, 9)), False),
        (np.zeros((17, 3)), False),
        (np.zeros((8, 9, 4)), False),
        (torch.zeros(2, 3, 8, 9), False),
        ([[0] * 9] * 9, False),
        (None, False),
    ],
)
def test_what_is_an_image(value: object, expected: bool) -> None:
    assert is_image(value) is expected


def test_only_tensors_are_tensors() -> None:
    assert is_tensor(torch.zeros(2))
    assert not is_tensor(np.zeros(2))


@pytest.mark.parametrize(
    "image",
    [
        PICTURE,
        PICTURE[:, ::-1],
        torch.from_numpy(PICTURE.copy()),
        torch.from_numpy(PICTURE.copy()).permute(2, 0, 1),
        torch.from_numpy(PICTURE / 255).requires_grad_(),
        torch.from_numpy(PICTURE.copy()).as_subclass(Tagged),
    ],
)
def test_arrays_and_tensors_are_viewed_and_come_back_as_they_were(image: Any) -> None:
    array = as_array(image)
    assert array.shape == tuple(image.shape)
    pointer = image.ctypes.data if isinstance(image, np.ndarray) else image.data_ptr()
    assert array.ctypes.data == pointer
    back = like(image, array.copy())
    assert type(back) is type(image)
    assert back.dtype == image.dtype
    assert np.array_equal(as_array(back), array)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pil_images_keep_their_information(mode: str) -> None:
    image = Image.fromarray(PICTURE).convert(mode)
    image.info["dpi"] = (72, 72)
    back = like(image, as_array(image).copy())
    assert (back.mode, back.size, back.info) == (mode, image.size, {"dpi": (72, 72)})
    assert back.tobytes() == image.tobytes()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (Image.new("P", (9, 9)), r"mode RGB or L, but got P; use image.convert\('RGB'\)"),
        (torch.zeros(3, 9, 9, dtype=torch.bfloat16), "bfloat16, which NumPy lacks"),
        (torch.zeros(3, 9, 9, device="meta"), "the image is on meta; .*defer=True"),
        ("picture.jpg", "an array or a tensor, but got str"),
    ],
)
def test_what_cannot_be_pasted_into_says_why(image: Any, message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        as_array(image)
