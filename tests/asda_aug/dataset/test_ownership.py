"""Pixels are written over only where nobody else could see it, however an image is held."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, Subset

from asda_aug import ASDADataset, PasteParts, RandomPlacer, Scene
from asda_aug.dataset import ownership
from asda_aug.dataset.ownership import is_unshared

OPTIONS: dict[str, Any] = {
    "seed": 7, "min_parts": 1, "classes": ["upper-clothes", "face"], "skeleton": ["a", "b", "c", "d"],
    "placer": RandomPlacer(s=(2, 2), tx=(0, 0), ty=(0, 0)),
}  # fmt: skip
READS = 300
"""More than Python takes to compile a function anew."""


class Images:
    """``(image, keypoints)``; ``make`` gives the image of an index, and remembers of it whatever it likes."""

    def __init__(self, make: Callable[[int], Any]) -> None:
        self.make = make
        self.addresses: list[int] = []

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Any:
        image = self.make(index)
        self.addresses.append(address(image))
        return image, np.full((4, 2), 20.0)


def address(image: Any) -> int:
    return int(image.data_ptr() if isinstance(image, torch.Tensor) else image.ctypes.data)


def unshared(held: list[Any]) -> bool:
    """Not asked for within an ``assert``, which pytest makes variables of."""
    return is_unshared(held, Scene(held[0]["image"] if isinstance(held[0], dict) else held[0][0]))


def tensor(index: int = 0) -> torch.Tensor:
    return torch.full((3, 48, 40), index / 10)


def array(index: int = 0) -> Any:
    return np.full((48, 40, 3), index, np.uint8)


@pytest.mark.parametrize(
    "make", [tensor, array, lambda index: tensor(index).clone(), lambda index: array(index).copy()]
)
@pytest.mark.parametrize(
    "wrap", [lambda base: base, lambda base: Subset(base, range(8)), lambda base: ConcatDataset([base])]
)
def test_what_was_made_for_the_sample_is_written_over(
    pool: Path, make: Callable[[int], Any], wrap: Callable[[Any], Any]
) -> None:
    base = Images(make)
    wrapped = ASDADataset(wrap(base), pool, **OPTIONS)
    copied = ASDADataset(wrap(Images(make)), pool, inplace=False, **OPTIONS)
    base.addresses.clear()
    for number in range(READS):
        image, expected = wrapped[number % 8][0], copied[number % 8][0]
        assert address(image) == base.addresses[-1]
        assert (image == expected).all()
        assert (image != make(number % 8)).any()


def test_those_of_a_batch_are_written_over(pool: Path) -> None:
    base = Images(tensor)
    wrapped = ASDADataset(base, pool, **OPTIONS)
    base.addresses.clear()
    assert [address(image) for image, _ in wrapped.__getitems__(list(range(8)))] == base.addresses


@pytest.mark.parametrize(
    "form", [lambda image, _: image, lambda image, keypoints: {"image": image, "keypoints": keypoints}]
)
def test_bare_images_and_dictionaries_are_written_over(pool: Path, form: Callable[[Any, Any], Any]) -> None:
    class Forms(Images):
        def __getitem__(self, index: int) -> Any:
            return form(*super().__getitem__(index))

    base = Forms(array)
    wrapped = ASDADataset(base, pool, **{**OPTIONS, "skeleton": None})
    base.addresses.clear()
    sample = wrapped[3]
    assert address(sample["image"] if isinstance(sample, dict) else sample) == base.addresses[-1]


class Keeping:
    """Ways to hold an image that is returned, or to return what is not plain memory of one's own."""

    def __init__(self, tmp_path: Path) -> None:
        self.path = tmp_path / "pixels"
        self.kept: Any = None

    def nothing(self) -> Any:
        return tensor()

    def no_array(self) -> Any:
        return array()

    def image(self) -> Any:
        self.kept = tensor()
        return self.kept

    def pixels(self) -> Any:
        self.kept = array()
        return self.kept

    def view(self) -> Any:
        image = tensor()
        self.kept = image[0]
        return image

    def detached(self) -> Any:
        image = tensor()
        self.kept = image.detach()
        return image

    def whole(self) -> Any:
        self.kept = torch.zeros(5, 3, 48, 40)
        return self.kept[2]

    def source(self) -> Any:
        self.kept = np.zeros((3, 48, 40), np.float32)
        return torch.from_numpy(self.kept)

    def tensor_of_it(self) -> Any:
        image = array()
        self.kept = torch.from_numpy(image)
        return image

    def array_of_it(self) -> Any:
        image = tensor()
        self.kept = image.numpy()
        return image

    def view_of_pixels(self) -> Any:
        image = array()
        self.kept = image[:4]
        return image

    def whole_array(self) -> Any:
        self.kept = np.zeros((5, 48, 40, 3), np.uint8)
        return self.kept[2]

    def memory(self) -> Any:
        image = array()
        self.kept = memoryview(image)
        return image

    def storage(self) -> Any:
        image = tensor()
        self.kept = image.untyped_storage()
        return image

    def graph(self) -> Any:
        image = tensor().requires_grad_()
        self.kept = image * image
        return image.detach()

    def weakly(self) -> Any:
        image = tensor()
        self.kept = weakref.ref(image)
        return image

    def pixels_weakly(self) -> Any:
        image = array()
        self.kept = weakref.ref(image)
        return image

    def file(self) -> Any:
        self.path.write_bytes(bytes(4 * 3 * 48 * 40))
        return torch.from_file(str(self.path), shared=True, size=3 * 48 * 40)

    def memory_map(self) -> Any:
        self.path.write_bytes(bytes(3 * 48 * 40))
        return np.memmap(self.path, np.uint8, "r+", shape=(48, 40, 3))

    def buffer(self) -> Any:
        self.kept = bytearray(3 * 48 * 40)
        return np.frombuffer(self.kept, np.uint8).reshape(48, 40, 3)

    def processes(self) -> Any:
        return tensor().share_memory_()

    def gradient(self) -> Any:
        return tensor().requires_grad_()

    def saved_for_backward(self) -> Any:
        image = tensor()
        self.kept = image * torch.ones(1, requires_grad=True)
        return image

    def expanded(self) -> Any:
        with torch.inference_mode():
            return torch.zeros(1, 48, 40).expand(3, -1, -1)

    def sparse(self) -> Any:
        return tensor(1).to_sparse()

    def tensor_of_a_class(self) -> Any:
        return tensor().as_subclass(type("Named", (torch.Tensor,), {}))

    def array_of_a_class(self) -> Any:
        return np.ndarray.__new__(type("Named", (np.ndarray,), {}), (48, 40, 3), np.uint8)


WAYS = [name for name in vars(Keeping) if not name.startswith("_")]
FREE = ("nothing", "no_array")


@pytest.mark.parametrize("way", WAYS)
def test_what_something_else_holds_is_not_written_over(tmp_path: Path, way: str) -> None:
    keeping = Keeping(tmp_path)
    for _ in range(READS):
        assert unshared([(getattr(keeping, way)(), None)]) == (way in FREE)


@pytest.mark.parametrize("make", [tensor, array])
@pytest.mark.parametrize("form", [lambda image: (image, 1), lambda image: [image], lambda image: {"image": image}])
def test_a_sample_that_is_kept_is_not_written_over(make: Callable[[], Any], form: Callable[[Any], Any]) -> None:
    for _ in range(READS):
        assert unshared([form(make())])
        kept = form(make())
        assert not unshared([kept])


def test_samples_of_classes_of_their_own_are_not_written_over() -> None:
    """They may show what they do not hold, and be held weakly."""
    for kind in (dict, list, tuple):
        held = [type("Own", (kind,), {})({"image": tensor()} if kind is dict else [tensor()])]
        assert not unshared(held)


@pytest.mark.parametrize("make", [tensor, array])
def test_an_image_that_is_twice_in_a_sample_is_not_written_over(make: Callable[[], Any]) -> None:
    def twice() -> Any:
        image = make()
        return image, image

    assert not unshared([twice()])


@pytest.mark.parametrize("make", [tensor, array])
def test_an_image_that_is_deeper_in_a_sample_is_not_written_over(make: Callable[[], Any]) -> None:
    inner = {"image": make()}
    held = [{"inputs": inner}]
    del inner
    result = is_unshared(held, Scene(held[0]["inputs"]["image"]))
    assert not result


@pytest.mark.parametrize("image", [tensor, array])
def test_kept_images_stay_as_they_were(pool: Path, image: Callable[[int], Any]) -> None:
    """The worst that could happen: a data set that keeps its images in memory, read again and again."""
    kept = [image(index) for index in range(8)]
    samples = [(image(index), np.full((4, 2), 20.0)) for index in range(8)]

    class Whole(Images):
        def __getitem__(self, index: int) -> Any:
            return samples[index]

    for base in (Images(kept.__getitem__), Whole(kept.__getitem__)):
        wrapped = ASDADataset(base, pool, **OPTIONS)
        for number in range(READS):
            assert (wrapped[number % 8][0] != image(number % 8)).any()
        wrapped.__getitems__([0, 1, 1, 0])
    for index in range(8):
        assert (kept[index] == image(index)).all()
        assert (samples[index][0] == image(index)).all()


class Clean:
    """An adapter that hands on the image as it was."""

    def read(self, sample: Any) -> Scene:
        return Scene(sample[0], sample[1])

    def write(self, sample: Any, scene: Scene) -> Any:
        return scene.image, sample[0]


class Remembers(RandomPlacer):
    """A placer that keeps images."""

    def place(self, rng: Any, scene: Scene, size: Any, targets: Any) -> Any:
        self.kept = scene.pixels
        return super().place(rng, scene, size, targets)


class Logs(PasteParts):
    """An occluder that keeps images."""

    def draw(self, scene: Scene, rng: Any) -> Any:
        self.kept = scene.pixels
        return super().draw(scene, rng)


def test_adapters_placers_and_occluders_of_others_may_keep_the_image(pool: Path) -> None:
    image, clean = ASDADataset(Images(tensor), pool, adapter=Clean(), **{**OPTIONS, "skeleton": None})[3]
    assert torch.equal(clean, tensor(3))
    assert not torch.equal(image, clean)
    placer = Remembers(s=(2, 2), tx=(0, 0), ty=(0, 0))
    ASDADataset(Images(tensor), pool, **{**OPTIONS, "placer": placer})[3]
    np.testing.assert_array_equal(placer.kept, tensor(3).numpy())
    logs = Logs(pool, **{name: value for name, value in OPTIONS.items() if name != "seed"})
    ASDADataset(Images(tensor), logs)[3]
    np.testing.assert_array_equal(logs.kept, tensor(3).numpy())


def test_skip_may_keep_a_sample(pool: Path) -> None:
    kept: list[Any] = []
    wrapped = ASDADataset(Images(tensor), pool, skip=lambda sample: kept.append(sample[0]), **OPTIONS)
    wrapped[3]
    assert torch.equal(kept[-1], tensor(3))


def test_without_counts_tensors_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unshared([(tensor(), None)])
    monkeypatch.setattr(ownership, "_TO_TENSOR", None)
    assert not unshared([(tensor(), None)])
