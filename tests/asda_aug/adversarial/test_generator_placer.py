"""A generator places parts in data set workers as it would on the device."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from asda_aug import ASDADataset, Generator, GeneratorPlacer
from asda_aug.errors import CheckpointError
from partpool import ASDA26, PartPool
from partpool.errors import ConfigError
from partpool.synthetic.people import draw_person


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    generator = Generator(ASDA26.classes, input_size=(64, 48))
    torch.nn.init.normal_(generator.head.weight, std=0.1)
    path = tmp_path_factory.mktemp("generator") / "gen.safetensors"
    generator.save(path)
    return path


@pytest.fixture(scope="module")
def people_images() -> list[tuple[Any, Any]]:
    return [
        (person.image, person.keypoints)
        for person in (draw_person(np.random.default_rng(seed), "whole") for seed in range(4))
    ]


def wrap(base: Any, pool: Path, placer: Any, **options: Any) -> ASDADataset:
    opened = PartPool(pool)
    classes = [name for name in ASDA26.names if opened.count(name)]
    return ASDADataset(
        base, pool, placer=placer, classes=classes, min_parts=1, seed=0, skeleton="mpii", **options
    )  # fmt: skip


def test_placements_are_the_generators(checkpoint: Path, people_images: Any, pool: Path) -> None:
    data = wrap(people_images, pool, GeneratorPlacer(checkpoint))
    generator = Generator.load(checkpoint).eval()
    for index, (image, _) in enumerate(people_images):
        (paste,) = data.describe(index)
        pixels = torch.from_numpy(image.transpose(2, 0, 1).copy()).float() / 255
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (generator.mean, generator.std))
        with torch.no_grad():
            expected = generator(((pixels - mean) / std)[None])[0, paste.part.class_id].tolist()
        assert paste.placement[1:] == pytest.approx(expected, abs=1e-5)
        assert 0.7 <= paste.placement.s <= 1.3
        assert not np.array_equal(data[index][0], image)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.slow
def test_in_workers(method: str, checkpoint: Path, people_images: Any, pool: Path) -> None:
    data = wrap(people_images, pool, GeneratorPlacer(checkpoint))
    data.set_epoch(0)
    here = [data[index][0] for index in range(4)]
    loader = DataLoader(data, batch_size=None, num_workers=2, multiprocessing_context=method)
    for expected, (image, _) in zip(here, loader, strict=True):
        difference = np.abs(np.asarray(image).astype(int) - expected.astype(int))
        # Another number of threads may round otherwise.
        assert (difference > 2).mean() < 0.001


def test_it_travels_without_its_weights(checkpoint: Path) -> None:
    placer = GeneratorPlacer(checkpoint, anchor="joint")
    assert len(pickle.dumps(placer)) < 10_000
    assert repr(pickle.loads(pickle.dumps(placer))) == repr(placer)


def test_anchored_on_joints(checkpoint: Path, people_images: Any, pool: Path) -> None:
    data = wrap(people_images, pool, GeneratorPlacer(checkpoint, anchor="joint"))
    (paste,) = data.describe(0)
    assert paste.joint is not None
    x, y = people_images[0][1][paste.joint, :2]
    assert (paste.frame.cx, paste.frame.cy) == pytest.approx((x, y), abs=1e-3)


def test_grey_and_float_images(checkpoint: Path, people_images: Any, pool: Path) -> None:
    image, keypoints = people_images[0]
    grey = [(image.mean(axis=2, keepdims=True).astype(np.uint8), keypoints)]
    floats = [((image / 255).astype(np.float32), keypoints)]
    seen = [
        wrap(base, pool, GeneratorPlacer(checkpoint)).describe(0)[0].placement for base in (people_images, grey, floats)
    ]
    assert seen[2] == pytest.approx(seen[0], abs=1e-4)
    assert seen[1] != pytest.approx(seen[0], abs=1e-3)


def test_errors(checkpoint: Path, people_images: Any, pool: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no file"):
        GeneratorPlacer(tmp_path / "nothing.safetensors")
    with pytest.raises(ConfigError, match="s must be a number or a range"):
        GeneratorPlacer(checkpoint, s=(0.0, 1.0))
    with pytest.raises(ConfigError, match="anchor must be"):
        GeneratorPlacer(checkpoint, anchor="nose")  # type: ignore[arg-type]
    names = ASDA26.names[1:] + ASDA26.names[:1]
    Generator(names, input_size=(64, 48)).save(tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="was trained for other classes"):
        wrap(people_images, pool, GeneratorPlacer(tmp_path / "other.safetensors")).describe(0)
