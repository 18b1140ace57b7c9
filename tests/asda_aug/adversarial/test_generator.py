"""The generator: where it starts, what bounds it, what it takes for a trunk, and its files."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from asda_aug import Generator
from asda_aug.adversarial.resnet import ResNet18
from asda_aug.errors import CheckpointError
from partpool import ASDA26
from partpool.errors import ConfigError
from players import CLASSES, Trunk, assert_same, small_generator, weights


def test_a_fresh_generator_leaves_every_part_in_the_middle() -> None:
    generator = Generator(ASDA26.classes)
    predicted = generator(torch.randn(2, 3, 64, 48))
    assert predicted.shape == (2, 26, 3)
    assert not predicted.any()
    predicted.sum().backward()
    assert generator.head.weight.grad.any()


def test_predictions_stay_in_their_ranges_and_differ_between_images() -> None:
    generator = small_generator(moved=100.0)
    predicted = generator(torch.randn(8, 3, 48, 36))
    limits = torch.tensor([torch.pi / 2, 1.2, 1.2])
    assert (predicted.abs() <= limits).all()
    assert (predicted.abs().amax(dim=(0, 1)) > 0.9 * limits).all()
    assert small_generator()(torch.randn(8, 3, 48, 36)).std(dim=0).min() > 0


def test_each_class_has_its_own_units() -> None:
    generator = small_generator()
    generator(torch.randn(4, 3, 48, 36))[:, 2].sum().backward()
    used = generator.hidden.weight.grad.flatten(1).any(dim=1).view(len(CLASSES), -1)
    assert not used[[0, 1, 3, 4, 5]].any()
    assert used[2].any()


@pytest.mark.parametrize("size", ["half", "full", (40, 24)])
@pytest.mark.parametrize("shape", [(64, 48), (33, 51)])
def test_input_sizes(size: Any, shape: tuple[int, int]) -> None:
    seen = []

    class Watching(Trunk):
        def forward(self, images: Any) -> Any:
            seen.append(tuple(images.shape[2:]))
            return super().forward(images)

    generator = Generator(CLASSES, backbone=Watching(), input_size=size)
    assert generator(torch.randn(2, 3, *shape)).shape == (2, 6, 3)
    half = tuple(-(-side // 2) for side in shape)
    assert seen[-1] == {"half": half, "full": shape}.get(size, size)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_floating_images(dtype: Any) -> None:
    generator = small_generator()
    images = torch.randn(2, 3, 48, 36)
    expected = generator(images)
    torch.testing.assert_close(generator(images.to(dtype)), expected, atol=0.05, rtol=0.05)
    double = generator.double()(images.double())
    assert double.dtype == torch.float64


def test_a_backbone_may_give_a_vector() -> None:
    trunk = torch.nn.Sequential(Trunk(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    generator = Generator(CLASSES, backbone=trunk)
    assert generator.hidden.in_features == 8
    assert trunk.training
    with pytest.raises(ConfigError, match=r"backbone must give features of shape \(B, C\) or \(B, C, h, w\)"):
        Generator(CLASSES, backbone=torch.nn.Flatten(start_dim=2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((),), "classes must be different"),
        ((("hat", "hat"),), "classes must be different"),
        (("hat",), "classes must be different"),
    ],
)
def test_wrong_classes(arguments: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Generator(*arguments)


@pytest.mark.parametrize("options", [{"input_size": "third"}, {"input_size": (0, 3)}, {"ranges": (1, 1)}])
def test_wrong_options(options: Any) -> None:
    with pytest.raises(ConfigError, match="must be"):
        Generator(CLASSES, **options)


@pytest.mark.parametrize("kind", ["torch", "safetensors", "mapping"])
def test_trunk_weights(kind: str, tmp_path: Path) -> None:
    trunk = ResNet18()
    state = {**trunk.state_dict(), "fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    state = {name: tensor for name, tensor in state.items() if "num_batches" not in name}
    source: Any = state
    if kind == "torch":
        source = tmp_path / "resnet18.pth"
        torch.save(state, source)
    elif kind == "safetensors":
        source = tmp_path / "resnet18.safetensors"
        save_file(state, source)
    assert_same(weights(Generator(CLASSES, weights=source).backbone), weights(trunk))


def test_trunk_weights_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"missing \['bn1.bias'"):
        Generator(CLASSES, weights={"conv1.weight": torch.zeros(64, 3, 7, 7)})
    state = ResNet18().state_dict()
    state["conv1.weight"] = torch.zeros(32, 3, 7, 7)
    with pytest.raises(CheckpointError, match="size mismatch"):
        Generator(CLASSES, weights=state)
    with pytest.raises(CheckpointError, match="there is no file"):
        Generator(CLASSES, weights=tmp_path / "nothing.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(CheckpointError, match="must hold a state dict of tensors, but holds list"):
        Generator(CLASSES, weights=tmp_path / "list.pth")


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_nothing_in_a_file_is_executed(name: str, tmp_path: Path) -> None:
    file, trace = tmp_path / name, tmp_path / "trace"
    for write in (
        lambda: torch.save({"conv1.weight": Trap(trace)}, file),
        lambda: file.write_bytes(pickle.dumps(Trap(trace), protocol=2)),
    ):
        write()
        with pytest.raises(CheckpointError):
            Generator(CLASSES, weights=file)
        with pytest.raises(CheckpointError):
            Generator.load(file)
    assert not trace.exists()


def test_a_generator_survives_its_file(tmp_path: Path) -> None:
    options: Any = {
        "input_size": (32, 24),
        "ranges": (1.0, 0.5, 0.25),
        "mean": (0.5,) * 3,
        "std": (0.2,) * 3,
        "bgr": True,
    }
    generator = Generator(CLASSES, backbone=Trunk(), **options)
    torch.nn.init.normal_(generator.head.weight)
    generator(torch.randn(4, 3, 48, 36))
    generator.save(tmp_path / "g.safetensors")
    loaded = Generator.load(tmp_path / "g.safetensors", classes=CLASSES, backbone=Trunk())
    assert_same(weights(loaded), weights(generator))
    assert {name: getattr(loaded, name) for name in options} == options
    assert loaded.classes == CLASSES
    images = torch.randn(2, 3, 48, 36)
    assert torch.equal(loaded.eval()(images), generator.eval()(images))
    assert [path.name for path in tmp_path.iterdir()] == ["g.safetensors"]


def test_the_default_trunk_needs_not_be_named(tmp_path: Path) -> None:
    Generator(ASDA26.classes).save(tmp_path / "g.safetensors")
    assert Generator.load(tmp_path / "g.safetensors").classes == ASDA26.names
    with pytest.raises(CheckpointError, match=r"is for 26 classes \(hat, hair, glove, …\), but 2 \(hat, face, …\)"):
        Generator.load(tmp_path / "g.safetensors", classes=("hat", "face"))
    with pytest.raises(CheckpointError, match="in this order"):
        Generator.load(tmp_path / "g.safetensors", classes=ASDA26.names[::-1])
    with pytest.raises(CheckpointError, match="has a trunk of kind ResNet18, but Trunk was expected"):
        Generator.load(tmp_path / "g.safetensors", backbone=Trunk())


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        small_generator().save(tmp_path / "nowhere" / "g.safetensors")
    (tmp_path / "g.safetensors").mkdir()
    with pytest.raises(OSError, match="directory"):
        small_generator().save(tmp_path / "g.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["g.safetensors"]


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    whole, file = tmp_path / "whole.safetensors", tmp_path / "g.safetensors"
    small_generator().save(whole)
    data = whole.read_bytes()
    for length in (0, 1, 7, 8, 100, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:length])
        with pytest.raises(CheckpointError, match="damaged or no safetensors file"):
            Generator.load(file, backbone=Trunk())
    with pytest.raises(CheckpointError, match="there is no file"):
        Generator.load(tmp_path / "nothing.safetensors")
    with pytest.raises(CheckpointError, match="damaged or no safetensors file"):
        Generator.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda meta: None, "holds weights, but no generator"),
        (lambda meta: {**meta, "version": "2"}, "has version 2, but this program reads 1: pip install"),
        (lambda meta: {**meta, "generator": "{"}, "does not say what generator it holds"),
        (lambda meta: {**meta, "generator": "[]"}, "does not say what generator it holds"),
        (lambda meta: {"format": meta["format"], "version": "1"}, "does not say what generator it holds"),
        (lambda meta: _with(meta, input_size="third"), "does not fit what it says it is: input_size"),
        (lambda meta: _with(meta, input_size=["a"]), "does not fit what it says it is: input_size"),
        (lambda meta: _with(meta, ranges=["x", 1, 2]), "does not fit what it says it is"),
        (lambda meta: _with(meta, classes=["hat"]), "does not fit what it says it is"),
        (lambda meta: _with(meta, classes=[1, 2]), "does not fit what it says it is: classes must be"),
        (lambda meta: _with(meta, mean=None), "does not say what generator it holds"),
    ],
)
def test_files_that_are_not_what_they_say(change: Any, message: str, tmp_path: Path) -> None:
    file = tmp_path / "g.safetensors"
    small_generator().save(file)
    from safetensors import safe_open

    with safe_open(file, framework="pt") as opened:
        metadata = opened.metadata()
    save_file(load_file(file), file, change(metadata))
    with pytest.raises(CheckpointError, match=message):
        Generator.load(file, backbone=Trunk())


def _with(metadata: dict[str, str], **changes: Any) -> dict[str, str]:
    return {**metadata, "generator": json.dumps({**json.loads(metadata["generator"]), **changes})}
