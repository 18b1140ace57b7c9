"""Hostile input: damaged files of every kind that partpool reads, each of which must end in data or in one clear error.

    python benchmarks/fuzz.py --cases 10000

A case takes a small good file, damages it (flipped bits, cut, repeated, spliced, absurd numbers), and lets the code
that reads such files read it. Cases run in a child process with little address space. A case fails if it raises
anything but partpool's own errors, kills or hangs its process, takes too much memory, or leaves a file outside the
folder it was given. Failed inputs are kept; the exit code is their number, at most 100.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import queue
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from partpool import PartPool, build, find_lip, load_taxonomy, merge
from partpool.errors import PartPoolError
from partpool.pool.codec import CODECS, decode
from partpool.sources.annotations import AnnotationFile
from partpool.sources.decoding import PNG_SIGNATURE, read_image, read_label_map
from partpool.synthetic.people import draw_person
from partpool.taxonomy.schemes import LIP
from partpool.verify.verifier import verify

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]

ADDRESS_SPACE = 3 * 2**30
RESIDENT = 1.2 * 2**30
"""Bytes that no case may take; imported libraries take a sixth of it."""
TOO_MUCH = "took too much memory"
HANG = 30.0
"""Seconds that no case may take."""
ABSURD = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)


@dataclass
class Target:
    """Code that reads files of one kind.

    Attributes:
        make: Makes good files.
        read: Reads one, which lies in an empty folder where it may write.
        ending: Of the file's name.
        words: Pieces of text that mean something to it.
    """

    make: Callable[[], tuple[bytes, ...]]
    read: Callable[[Path], object]
    ending: str
    words: tuple[bytes, ...] = ()

    @cached_property
    def seeds(self) -> tuple[bytes, ...]:
        """Good files."""
        return self.make()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000, help="how many, over all kinds of files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one kind of file")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="folder for inputs of failed cases")
    options = parser.parse_args()
    names = [options.only] if options.only else list(TARGETS)
    share = -(-options.cases // len(names))
    failures = 0
    for name in names:
        began = time.monotonic()
        outcomes, failed = fuzz(name, range(options.seed * share, (options.seed + 1) * share), options.keep)
        failures += failed
        shown = ", ".join(f"{outcome} {count:,}" for outcome, count in sorted(outcomes.items()))
        print(f"{name:>10}: {share:,} cases in {time.monotonic() - began:.0f} s: {shown}", flush=True)
    print(f"{share * len(names):,} cases, {failures} failures")
    sys.exit(min(failures, 100))


def fuzz(name: str, cases: range, keep: Path) -> tuple[dict[str, int], int]:
    """Run cases; returns how they ended, and how many failed."""
    outcomes: dict[str, int] = {}
    failures, following = 0, cases.start
    context = get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        while following < cases.stop:
            answers = context.Queue()
            child = context.Process(target=run_cases, args=(name, range(following, cases.stop), folder, answers))
            child.start()
            for number, outcome in listen(child, answers, range(following, cases.stop)):
                following = number + 1
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
                if outcome not in ("data", "error"):
                    failures += 1
                    keep.mkdir(exist_ok=True)
                    (keep / f"{name}-{number}{TARGETS[name].ending}").write_bytes(case(name, number))
                    print(f"  {name} case {number}: {outcome}", flush=True)
            child.kill()
            child.join()
    return outcomes, failures


def listen(child: SpawnProcess, answers: Any, cases: range) -> Any:
    """Number and outcome of the cases until one ends its process, which is an outcome, too."""
    # Importing and making the good files takes its time, and is no case.
    answers.get(timeout=10 * HANG)
    for number in cases:
        end = time.monotonic() + HANG
        while True:
            try:
                number, ended = answers.get(timeout=0.2)
                yield number, ended
                if ended == TOO_MUCH:
                    # The peak of a process stays.
                    return
                break
            except queue.Empty:
                if not child.is_alive() and answers.empty():
                    yield number, f"killed its process ({child.exitcode})"
                    return
                if time.monotonic() > end:
                    yield number, f"took more than {HANG:.0f} s"
                    return


def run_cases(name: str, cases: range, folder: str, answers: Any) -> None:
    """In the child: read what each case gives."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    # What C libraries print about damaged files.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    warnings.simplefilter("error")
    root = Path(folder)
    os.chdir(root)
    answers.put(TARGETS[name].seeds and None)
    for number in cases:
        work = root / f"{name}-{number}"
        (work / "in").mkdir(parents=True)
        path = work / "in" / f"case{TARGETS[name].ending}"
        path.write_bytes(case(name, number))
        answers.put((number, outcome(TARGETS[name], path)))
        shutil.rmtree(work)


def outcome(target: Target, path: Path) -> str:
    """How reading a file ends."""
    around = {entry for entry in path.parents[2].iterdir() if entry != path.parents[1]}
    try:
        target.read(path)
        ended = "data"
    except PartPoolError as error:
        ended = "error" if "\n" not in str(error) and str(error) else f"an error of several lines: {str(error)!r}"
    except BaseException:
        return f"raised {traceback.format_exc(limit=-3)}"
    if {entry for entry in path.parents[2].iterdir() if entry != path.parents[1]} != around:
        return "left a file outside its folder"
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > RESIDENT:
        return TOO_MUCH
    return ended


def case(name: str, number: int) -> bytes:
    """The damaged file of a case; the same for the same number."""
    target, rng = TARGETS[name], random.Random(f"{name} {number}")
    data = bytearray(rng.choice(target.seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8, 40))):
        damage(data, rng, target)
    return with_checksums(data) if rng.random() < 0.7 else bytes(data)


def with_checksums(data: bytearray) -> bytes:
    """A PNG whose chunks have the checksums of what they hold now, so that damage gets further; others as they are."""
    position = len(PNG_SIGNATURE)
    while data.startswith(PNG_SIGNATURE) and position + 12 <= len(data):
        end = position + 8 + int.from_bytes(data[position : position + 4], "big")
        if end + 4 > len(data):
            break
        data[end : end + 4] = zlib.crc32(data[position + 4 : end]).to_bytes(4, "big")
        position = end + 4
    return bytes(data)


def damage(data: bytearray, rng: random.Random, target: Target) -> None:
    """Change something; more often near the beginning, where headers are."""
    size = max(1, len(data))
    place = rng.choice((rng.randrange(size), rng.randrange(min(size, 256)), rng.randrange(min(size, 8192))))
    length = rng.choice((1, 2, 4, 8, 30, 300))
    kind = rng.randrange(9)
    if kind == 0:
        data[place : place + 1] = bytes([(data[place] if data else 0) ^ 1 << rng.randrange(8)])
    elif kind == 1:
        data[place : place + length] = rng.randbytes(length)
    elif kind == 2:
        width = rng.choice((1, 2, 4, 8))
        number = rng.choice(ABSURD) & (1 << 8 * width) - 1
        data[place : place + width] = number.to_bytes(width, rng.choice(("little", "big")))
    elif kind == 3:
        del data[place:]
    elif kind == 4:
        del data[place : place + length]
    elif kind == 5:
        data[place:place] = data[place : place + length] * rng.choice((1, 2, 50))
    elif kind == 6:
        other = rng.choice(target.seeds)
        cut = rng.randrange(max(1, len(other)))
        data[place : place + length] = other[cut : cut + length]
    elif kind == 7 and target.words:
        data[place : place + rng.choice((0, length))] = rng.choice(target.words)
    else:
        data[place : place + length] = bytes([rng.choice((0, 255, 10, 34))]) * length


def small_pool(codec: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write_people(Path(folder))
        build(find_lip(folder), Path(folder) / "pool.h5", codec=codec)
        return (Path(folder) / "pool.h5").read_bytes()


@cache
def few_people() -> dict[str, bytes]:
    """Files of a LIP folder of three people, by their path."""
    files = {}
    for number in range(3):
        person = draw_person(np.random.default_rng(number))
        for name, array in (("train_images/{}.jpg", person.image), ("train_segmentations/{}.png", person.labels)):
            file = io.BytesIO()
            Image.fromarray(array[::4, ::4]).save(file, "JPEG" if name.endswith("jpg") else "PNG")
            files[name.format(number)] = file.getvalue()
    return files


def write_people(root: Path) -> None:
    for name, data in few_people().items():
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_bytes(data)


@cache
def example() -> tuple[np.ndarray, np.ndarray]:
    """A small photograph and its label map."""
    person = draw_person(np.random.default_rng(5))
    return np.ascontiguousarray(person.image[::6, ::6]), np.ascontiguousarray(person.labels[::6, ::6])


def picture(kind: str, *, labels: bool = False, mode: str | None = None) -> bytes:
    image = Image.fromarray(example()[1 if labels else 0])
    if mode == "P":
        image.putpalette([value * 37 % 256 for value in range(768)])
    elif mode:
        image = image.convert(mode)
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def lip_zip(compression: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write_people(Path(folder))
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", compression) as archive:
            for path in sorted(Path(folder).rglob("*.*")):
                archive.write(path, path.relative_to(folder))
        return file.getvalue()


def nested_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("outer/inner.zip", lip_zip(zipfile.ZIP_STORED))
    return file.getvalue()


def read_pool(path: Path) -> None:
    pool = PartPool(path)
    pool.info()
    for name in pool.columns:
        pool.columns[name].sum()
    error = None
    for index in range(len(pool)):
        try:
            pool[index].hflip()
        except PartPoolError as reason:
            error = reason
    verify(pool, strict=True)
    merge([path], path.with_name("merged.h5"))
    if error is not None:
        raise error


def read_patches(path: Path) -> None:
    """The bytes of a patch are given to every codec, with the size that they had and with others."""
    data = path.read_bytes()
    for codec in range(len(CODECS)):
        for height, width in ((20, 30), (1, 1), (65535, 65535)):
            try:
                decode(codec, data, height, width)
            except PartPoolError as error:
                reason = error
    raise reason


def read_labels(path: Path) -> None:
    read_label_map(path.read_bytes(), LIP)


def read_photograph(path: Path) -> None:
    height, width = example()[0].shape[:2]
    read_image(path.read_bytes(), (width, height))


def read_id_list(path: Path) -> None:
    write_people(path.parent)
    path.rename(path.with_name("train_id.txt"))
    build(find_lip(path.parent), path.parent / "pool.h5")


def read_zip(path: Path) -> None:
    build(find_lip(path), path.with_name("pool.h5"))


def read_pose_rows(path: Path) -> None:
    write_people(path.parent)
    (path.parent / "TrainVal_pose_annotations").mkdir()
    path.rename(path.parent / "TrainVal_pose_annotations" / "lip_train_set.csv")
    build(find_lip(path.parent), path.with_name("pool.h5"))


def read_annotations(path: Path) -> None:
    AnnotationFile(path).person_on(Path("train_images/0.jpg"))


def generator() -> bytes:
    from asda_aug.adversarial.checkpoint import write_checkpoint

    described = {
        "classes": ["hat"], "input_size": "half", "ranges": [1.0], "mean": [0.5], "std": [0.5], "bgr": False,
        "backbone": "resnet18",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(Path(folder) / "g.safetensors", {"last": torch.arange(12.0).reshape(3, 4)}, described)
        return (Path(folder) / "g.safetensors").read_bytes()


def weights() -> bytes:
    file = io.BytesIO()
    torch.save({"last": torch.arange(12.0).reshape(3, 4), "count": torch.zeros(())}, file)
    return file.getvalue()


def read_generator(path: Path) -> None:
    from asda_aug.adversarial.checkpoint import read_checkpoint

    read_checkpoint(path)


def read_weights(path: Path) -> None:
    from asda_aug.adversarial.checkpoint import read_weights

    read_weights(path)


def read_spool(path: Path) -> None:
    """A spool's own file, as a damaged disk may leave it."""
    write_people(path.parent)
    spool = path.with_name("pool.h5.spool")
    spool.mkdir()
    (spool / "00000000.npz").write_bytes(path.read_bytes())
    (spool / "00000000.blob").write_bytes(b"")
    path.rename(spool / "build.json")
    build(find_lip(path.parent), path.with_name("pool.h5"))


def array(dtype: str) -> bytes:
    file = io.BytesIO()
    np.save(file, example()[1].astype(dtype))
    return file.getvalue()


def encoded_patches() -> tuple[bytes, ...]:
    from partpool.pool.codec import encode

    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 4), np.uint8)
    pixels[..., 3] = np.where(pixels[..., 3] > 128, 255, 0)
    return tuple(encode(codec, pixels) for codec in range(len(CODECS)))


POSE_ROW = b"0.jpg" + b"".join(b",%d,%d,%d" % (7 * joint, 9 * joint, joint % 2) for joint in range(16)) + b"\n"
COCO = json.dumps({
    "images": [{"id": 1, "file_name": "train_images/0.jpg"}],
    "categories": [{"id": 1, "keypoints": ["nose", "left_eye"]}],
    "annotations": [{"image_id": 1, "category_id": 1, "keypoints": [1, 2, 2, 3, 4, 1], "bbox": [0, 0, 9, 9]}],
}).encode()  # fmt: skip
TOML = b"""
name = "mine"
extends = "asda26"
[[class]]
name = "arms"
labels = ["left-arm", "right-arm"]
size = 0.4
requires = [["left-arm"], ["right-arm"]]
keypoints = ["left_wrist"]
"""
OWN_SCHEME = b"""
[scheme]
name = "own"
labels = ["background", "a", "b"]
[[class]]
name = "x"
labels = ["a"]
bridge = ["b"]
size = 0.4
mirror = "x"
split = false
"""
WORDS = (
    b"[[class]]", b"name", b"labels", b"size", b"= 1e999", b"= nan", b"= -1", b"= true", b"= {}", b"= []", b"[scheme]",
    b"scheme", b"extends", b"mirror", b"bridge", b'""', b"'''", b"[" * 3000, b"a.b.c = 1", b"requires = [[]]", b"\xff",
    b"split = true", b"1979-05-27", b"keypoints", b"neck", b'"hat"', b"= 10000000000000000000000000000",
)  # fmt: skip
TARGETS = {
    "pool": Target(lambda: (small_pool("jpeg"), small_pool("raw")), read_pool, ".h5"),
    "patch": Target(encoded_patches, read_patches, ".bin"),
    "labels": Target(
        lambda: (picture("PNG", labels=True), picture("PNG", labels=True, mode="P"), picture("PNG", mode="L")),
        read_labels, ".png",
    ),
    "photograph": Target(
        lambda: tuple(picture(kind) for kind in ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF"))
        + (picture("JPEG", mode="L"), picture("JPEG", mode="CMYK"), picture("TIFF", mode="F")),
        read_photograph, ".jpg",
    ),
    "id list": Target(
        lambda: (b"0\n1\n", b"\xef\xbb\xbf0.jpg\r\n1.jpg\r\n"), read_id_list, ".txt",
        (b"../../../etc/passwd\n", b"\0", b"/etc/passwd", b"train_images/0", b"\n" * 99, b"a" * 70000, b"\xff\xfe"),
    ),
    "array": Target(
        lambda: (array("u1"), array("<i8"), array("?"), array("<f4")), read_labels, ".npy",
        (b"'descr': '|O'", b"(99999999999, 9)", b"fortran_order': True", b"<U9999999", b"'shape': (", b"{", b"}"),
    ),
    "pose rows": Target(
        lambda: (POSE_ROW * 2, b"0.jpg" + b",nan" * 48 + b"\n"), read_pose_rows, ".csv",
        (b",", b"nan", b"inf", b"1e999", b'"', b"\r", b"\0", b"0.jpg", b"-", b"9" * 500, b"," * 9999),
    ),
    "keypoints": Target(
        lambda: (COCO, POSE_ROW, b"x,y,v\n1,2,2\n3,4,1\n"), read_annotations, ".json",
        (b"[" * 5000, b"{}", b"null", b'"keypoints": 3', b"1e999", b"NaN", b'"image_id": {}', b"-1", b'"\\ud800"'),
    ),
    "taxonomy": Target(lambda: (TOML, OWN_SCHEME), lambda path: load_taxonomy(path), ".toml", WORDS),
    "zip": Target(
        lambda: (lip_zip(zipfile.ZIP_STORED), lip_zip(zipfile.ZIP_DEFLATED), nested_zip()), read_zip, ".zip",
        (b"../../../escaped.jpg", b"/tmp/escaped", b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04", b"train_images/0.jpg"),
    ),
    "spool": Target(
        lambda: (b'{"token": "1"}\n{"codec": "jpeg"}\n["train_images/0.jpg", "", [[1, 1.0], null, null]]\n',),
        read_spool, ".json",
    ),
}  # fmt: skip
"""What is damaged, by name."""
if torch is not None:
    TARGETS |= {
        "generator": Target(
            lambda: (generator(),), read_generator, ".safetensors",
            (b"F64", b"BOOL", b'"shape":[9999999999]', b'"data_offsets":[0,99999999999]', b"{", b'"__metadata__"'),
        ),
        "weights": Target(
            lambda: (weights(),), read_weights, ".pth",
            (b"cos\nsystem\n(S'true'\ntR.", b"PK\x05\x06", b"\x80\x04\x95", b"ctorch\n", b"data.pkl"),
        ),
    }  # fmt: skip

if __name__ == "__main__":
    main()
