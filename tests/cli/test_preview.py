"""``partpool preview``: parts on pictures before anybody trains with them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from conftest import Cli, one_sentence
from partpool import build, find_lip
from partpool.synthetic.people import draw_person


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of a synthetic person, with her keypoints beside it."""
    person = draw_person(np.random.default_rng(3), "whole")
    path = tmp_path / "photo.png"
    Image.fromarray(person.image).save(path)
    path.with_suffix(".json").write_text(json.dumps(person.keypoints.tolist()))
    return path


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_a_grid(cli: Cli, pool: Path, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "a preview.png"
    run = cli("preview", pool, "--image", photo, "--keypoints", photo.with_suffix(".json"), "--out", out)
    assert (run.code, run.err) == (0, "")
    assert str(out) in run.out
    one = pixels(out)
    assert one.std() > 5
    run = cli("preview", pool, "--image", photo, "--image", photo, "--out", out, "--num-parts", "3")
    assert run.code == 0
    assert len(pixels(out)) > 1.5 * len(one)


def test_the_seed_decides(cli: Cli, pool: Path, photo: Path, tmp_path: Path) -> None:
    seen = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert cli("preview", pool, "--image", photo, "--seed", seed, "--out", tmp_path / f"{name}.png").code == 0
        seen.append((tmp_path / f"{name}.png").read_bytes())
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK"])
def test_pictures_of_any_mode(cli: Cli, pool: Path, photo: Path, tmp_path: Path, mode: str) -> None:
    with Image.open(photo) as picture:
        picture.convert(mode).save(tmp_path / "other.tiff")
    assert cli("preview", pool, "--image", tmp_path / "other.tiff", "--out", tmp_path / "out.png").code == 0


def test_a_picture_is_shown_upright(cli: Cli, pool: Path, photo: Path, tmp_path: Path) -> None:
    turned = tmp_path / "turned" / photo.name
    turned.parent.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(photo) as picture:
        picture.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif)
    for path, out in ((photo, "a.png"), (turned, "b.png")):
        assert cli("preview", pool, "--image", path, "--out", tmp_path / out).code == 0
    assert (pixels(tmp_path / "a.png") == pixels(tmp_path / "b.png")).all()


def _text(path: Path) -> None:
    path.write_text("no picture")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (Path.unlink, "is missing"),
        (_text, "not a picture"),
        (_cut, "truncated"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.unlink() or path.mkdir(), "directory"),
    ],
    ids=["missing", "text", "truncated", "empty", "folder"],
)
def test_what_is_no_picture(
    cli: Cli, pool: Path, photo: Path, tmp_path: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(photo)
    run = cli("preview", pool, "--image", photo, "--out", tmp_path / "out.png")
    assert (run.code, run.out) == (4, "")
    message = one_sentence(run.err)
    assert said in message
    assert str(photo) in message
    assert not (tmp_path / "out.png").exists()


def test_keypoints_that_do_not_belong(cli: Cli, pool: Path, photo: Path, tmp_path: Path) -> None:
    keypoints = photo.with_suffix(".json")
    run = cli(
        "preview", pool, "--image", photo, "--image", photo, "--keypoints", keypoints, "--out", tmp_path / "out.png"
    )
    assert run.code == 2
    assert "one --image" in one_sentence(run.err)
    keypoints.write_text(json.dumps([{"image": "other.jpg", "keypoints": [[1, 2, 2]]}]))
    run = cli("preview", pool, "--image", photo, "--keypoints", keypoints, "--out", tmp_path / "out.png")
    assert run.code == 4
    assert "none of photo.png; it has those of: other.jpg" in one_sentence(run.err)
    run = cli("preview", pool, "--image", photo, "--keypoints", tmp_path / "no.csv", "--out", tmp_path / "out.png")
    assert run.code == 4
    assert "no.csv is missing" in one_sentence(run.err)


@pytest.mark.parametrize("args", [["--num-parts", "0"], ["--num-parts", "101"], ["--seed", "-1"], ["--image"]])
def test_wrong_options(cli: Cli, pool: Path, photo: Path, tmp_path: Path, args: list[str]) -> None:
    run = cli("preview", pool, "--image", photo, "--out", tmp_path / "out.png", *args)
    assert (run.code, run.out) == (2, "")
    assert not (tmp_path / "out.png").exists()


def test_a_pool_without_parts(cli: Cli, people: Path, photo: Path, tmp_path: Path) -> None:
    build(find_lip(people).items[:0], tmp_path / "empty.h5")
    run = cli("preview", tmp_path / "empty.h5", "--image", photo, "--out", tmp_path / "out.png")
    assert run.code == 4
    assert "no parts" in one_sentence(run.err)


def test_a_pool_that_is_none(cli: Cli, photo: Path, tmp_path: Path) -> None:
    run = cli("preview", tmp_path / "no.h5", "--image", photo, "--out", tmp_path / "out.png")
    assert run.code == 4
    assert "there is no pool file" in one_sentence(run.err)


@pytest.mark.parametrize("out", ["no/out.png", "out.foo", "out"])
def test_outputs_that_cannot_be_written(cli: Cli, pool: Path, photo: Path, tmp_path: Path, out: str) -> None:
    before = sorted(tmp_path.iterdir())
    run = cli("preview", pool, "--image", photo, "--out", tmp_path / out)
    assert (run.code, run.out) == (5, "")
    one_sentence(run.err)
    assert sorted(tmp_path.iterdir()) == before


def test_it_needs_no_torch(process: Cli, pool: Path, photo: Path, tmp_path: Path) -> None:
    script = tmp_path / "without_torch.py"
    script.write_text(
        "import sys\n"
        "sys.modules['torch'] = None\n"  # importing it fails
        "from partpool_cli.main import app\n"
        "app(sys.argv[1:])\n"
    )
    keypoints, out = photo.with_suffix(".json"), tmp_path / "out.png"
    run = process(
        "preview", pool, "--image", photo, "--keypoints", keypoints, "--out", out, prefix=(sys.executable, str(script))
    )
    assert (run.code, run.err) == (0, "")
    assert out.exists()


def test_real_annotations(cli: Cli, pool: Path, shared_data: Path, tmp_path: Path) -> None:
    coco = shared_data / "pose" / "tiny_coco" / "tiny_coco"
    annotations = coco / "annotations" / "person_keypoints_val2017.json"
    annotated = {annotation["image_id"] for annotation in json.loads(annotations.read_text())["annotations"]}
    pictures = [path for path in sorted((coco / "val2017").iterdir()) if int(path.stem) in annotated]
    lip = shared_data / "lip" / "TrainVal_pose_annotations" / "lip_val_set.csv"
    people = sorted((shared_data / "pose" / "lip_val" / "images").iterdir())
    for images, keypoints in ((pictures[:3], annotations), (people[:3], lip)):
        assert images
        args = [part for image in images for part in ("--image", image)]
        run = cli("preview", pool, *args, "--keypoints", keypoints, "--out", tmp_path / "out.png")
        assert (run.code, run.err) == (0, "")


def test_a_generator_places_the_parts(cli: Cli, pool: Path, photo: Path, tmp_path: Path) -> None:
    from asda_aug import Generator
    from partpool import PartPool

    generator, fresh = tmp_path / "gen.safetensors", tmp_path / "fresh.png"
    Generator(PartPool(pool).classes, input_size=(32, 24)).save(generator)
    arguments = ("preview", pool, "--image", photo, "--seed", 4)
    assert cli(*arguments, "--generator", generator, "--out", fresh).code == 0
    assert cli(*arguments, "--out", tmp_path / "random.png").code == 0
    assert np.abs(pixels(fresh) - pixels(tmp_path / "random.png")).max() > 50


def test_generators_that_do_not_fit(cli: Cli, pool: Path, photo: Path, tmp_path: Path, monkeypatch: Any) -> None:
    from asda_aug import Generator

    def message(generator: Path, code: int) -> str:
        run = cli("preview", pool, "--image", photo, "--generator", generator, "--out", tmp_path / "out.png")
        assert run.code == code
        assert not (tmp_path / "out.png").exists()
        return one_sentence(run.err)

    assert "there is no file" in message(tmp_path / "no.safetensors", 4)
    assert "damaged or no safetensors file" in message(photo, 4)
    Generator(("hat", "face"), input_size=(32, 24)).save(tmp_path / "two.safetensors")
    assert "is for 2 classes (hat, face, …), but 26" in message(tmp_path / "two.safetensors", 4)
    monkeypatch.delitem(vars(sys.modules["asda_aug"]), "GeneratorPlacer", raising=False)
    monkeypatch.delitem(sys.modules, "asda_aug.adversarial.generator_placer")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.delitem(sys.modules, "asda_aug.adversarial.generator")
    monkeypatch.delitem(sys.modules, "asda_aug.adversarial.checkpoint")
    assert 'pip install "partpool[torch]"' in message(tmp_path / "two.safetensors", 2)
