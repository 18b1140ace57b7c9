"""Figures of the builder and the reader, each as a ratio to its floor in the same run.

    python -m benchmarks.build --photos PHOTOS --lip LIP

Pictures: photographs with LIP label maps as they are (192 x 256); the same enlarged to 350 x 450 and saved as JPEG
with about as many bits per pixel as genuine LIP pictures; genuine LIP pairs; and synthetic people, which need no data.
The floor is what nobody can avoid: decoding each JPEG and PNG once with OpenCV. Floor and build alternate in rounds,
and the medians are compared, because machines are noisy.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import h5py
import numpy as np
from PIL import Image

from partpool import PartPool, build, find_lip
from partpool.cutting.compiled import COMPILED
from partpool.sources import Source
from partpool.sources.reading import MAX_FILE
from partpool.synthetic.people import write_lip_dataset

LARGE = (350, 450)
ROUNDS = 5
ITEMS = 240
"""Pictures of a set; more take longer and say the same."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="photographs in LIP layout")
    parser.add_argument("--lip", type=Path, help="genuine LIP pairs")
    parser.add_argument("--only", choices=("build", "workers", "memory", "read", "open", "cli"), help="one section")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, ",
        end="",
    )
    print(f"OpenCV {cv2.__version__}, NumPy {np.__version__}, h5py {h5py.__version__}, ", end="")
    print(f"compiled: {COMPILED}")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        needs_pictures = options.only in (None, "build", "workers", "read")
        sets = list(data_sets(Path(folder), options.photos, options.lip)) if needs_pictures else []
        sections: dict[str, Callable[[], None]] = {
            "build": lambda: build_ratios(sets, Path(folder)),
            "workers": lambda: worker_scaling(sets[0][1], Path(folder)),
            "memory": lambda: peak_memory(Path(folder)),
            "read": lambda: random_reads(sets[0][1], Path(folder)),
            "open": lambda: opening(Path(folder)),
            "cli": cli_start,
        }
        for name, section in sections.items():
            if options.only in (None, name):
                section()


def data_sets(folder: Path, photos: Path | None, lip: Path | None) -> Iterator[tuple[str, Source]]:
    """The pictures to measure on; the first is used where one set is enough."""
    if photos is not None:
        bits = bits_per_pixel(find_lip(lip, "all")) if lip else 2.2
        small = find_lip(photos).limit(ITEMS)
        enlarge(small, folder / "large", bits)
        yield f"photographs {LARGE[0]}x{LARGE[1]} at LIP's {bits:.1f} bits/pixel", find_lip(folder / "large")
        yield "photographs 192x256", small
    if lip is not None:
        yield "genuine LIP pairs", repeated(find_lip(lip, "all"), folder / "genuine", ITEMS // 2)
    write_lip_dataset(folder / "people", 100)
    yield "synthetic people", find_lip(folder / "people")


def bits_per_pixel(source: Source) -> float:
    return statistics.mean(
        8 * item.image.stat()[0] / np.prod(Image.open(item.image.path).size) for item in source if item.image
    )


def enlarge(source: Source, root: Path, bits: float) -> None:
    """Enlarge photographs; the JPEG quality is the lowest that reaches ``bits`` per pixel on average."""
    images, labels = root / "train_images", root / "train_segmentations"
    for target in (images, labels):
        target.mkdir(parents=True)
    large = []
    for item in source:
        assert item.image
        assert item.labels
        with Image.open(item.image.path) as picture, Image.open(item.labels.path) as label_map:
            large.append(np.asarray(picture.convert("RGB").resize(LARGE, Image.Resampling.BICUBIC)))
            label_map.resize(LARGE, Image.Resampling.NEAREST).save(labels / f"{item.image.path.stem}.png")
    quality = next((q for q in range(75, 100) if mean_bits(large[::20], q) >= bits), 99)
    print(f"(photographs enlarged to {LARGE[0]}x{LARGE[1]}, JPEG quality {quality})")
    for item, picture in zip(source, large, strict=True):
        assert item.image
        Image.fromarray(picture).save(images / f"{item.image.path.stem}.jpg", quality=quality)


def mean_bits(pictures: list[np.ndarray], quality: int) -> float:
    sizes = [len(cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]) for picture in pictures]
    return 8 * statistics.mean(sizes) / (LARGE[0] * LARGE[1])


def repeated(source: Source, root: Path, times: int) -> Source:
    """The same pairs many times; a byte behind the end marker makes each copy an item of its own."""
    for folder in ("train_images", "train_segmentations"):
        (root / folder).mkdir(parents=True)
    for number in range(times):
        for item in source:
            assert item.image
            assert item.labels
            stem = f"{number:04d}_{item.image.path.stem}"
            data = item.image.read(MAX_FILE)[0] + number.to_bytes(2, "little")
            (root / "train_images" / f"{stem}.jpg").write_bytes(data)
            shutil.copy(item.labels.path, root / "train_segmentations" / f"{stem}.png")
    return find_lip(root)


def decode_all(source: Source) -> None:
    for item in source:
        assert item.image
        assert item.labels
        assert cv2.imread(str(item.image.path), cv2.IMREAD_COLOR) is not None
        assert cv2.imread(str(item.labels.path), cv2.IMREAD_UNCHANGED) is not None


def seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def build_ratios(sets: list[tuple[str, Source]], folder: Path) -> None:
    print("\nWhole build to disk in one process, over decoding each JPEG and PNG once (goal: jpeg 6, raw 5)")
    for name, source in sets:
        times: dict[str, list[float]] = {"floor": [], "jpeg": [], "raw": []}
        for _ in range(ROUNDS):
            times["floor"].append(seconds(lambda: decode_all(source)))
            for codec in ("jpeg", "raw"):
                out = folder / "ratio.h5"
                times[codec].append(seconds(lambda: build(source, out, codec=codec)))
                # Not within the time of the next build: giving back the pages of a file takes long, too.
                out.unlink()
        floor = statistics.median(times["floor"])
        ratios = {codec: statistics.median(times[codec]) / floor for codec in ("jpeg", "raw")}
        print(
            f"  {name}: decode {floor / len(source) * 1e3:.2f} ms per item; "
            + ", ".join(f"{codec} {ratio:.1f} x" for codec, ratio in ratios.items())
            + f" ({len(source) / statistics.median(times['jpeg']):.0f} items/s)"
        )


def worker_scaling(source: Source, folder: Path) -> None:
    many = folder / "many"
    scale = repeated(source, many, max(1, 6 * ITEMS // len(source)))
    times = {
        workers: statistics.median(
            seconds(lambda: build(scale, folder / "workers.h5", workers=workers, overwrite=True)) for _ in range(ROUNDS)
        )
        for workers in (1, 2)
    }
    print(f"\nTwo workers over one, {len(scale):,} items: {times[1] / times[2]:.2f} x (goal: 1.8)")
    shutil.rmtree(many)


MEMORY = """
import resource, sys
from partpool import build, find_lip
build(find_lip(sys.argv[1]), sys.argv[2], overwrite=True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak_memory(folder: Path) -> None:
    write_lip_dataset(folder / "base", 100, seed=1)
    peaks = []
    for count in (500, 5000):
        repeated(find_lip(folder / "base"), folder / f"people-{count}", count // 100)
        command = [sys.executable, "-c", MEMORY, str(folder / f"people-{count}"), str(folder / "memory.h5")]
        peaks.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        shutil.rmtree(folder / f"people-{count}")
    few, many = peaks
    print(f"\nPeak memory of a build: 500 items {few:.0f} MiB, 5,000 items {many:.0f} MiB (goal: < 1024 and flat)")


def random_reads(source: Source, folder: Path) -> None:
    print("\nRandom read and decode of a part, warm")
    for codec in ("jpeg", "raw", "zstd", "png"):
        path = folder / "read.h5"
        build(source, path, codec=codec, overwrite=True)
        pool = PartPool(path)
        pixels = pool.columns["height"].astype(int) * pool.columns["width"]
        order = np.random.default_rng(0).permutation(len(pool))[:2000].tolist()
        took = np.array([[seconds(lambda: pool[index]) for index in order] for _ in range(7)]).min(axis=0) * 1e6
        small = np.abs(pixels[order] - 10_000) < 2_000
        line = f"  {codec}: {np.median(took[small]):.1f} us at 10,000 pixels, median {np.median(took):.0f} us"
        if codec == "jpeg":
            bound = 20 + 0.005 * pixels[order]
            line += f", {np.median(took / bound):.2f} of 20 us + 5 ns/pixel (goal: 1.0)"
        print(line + (" (goal: 15)" if codec == "raw" else ""))


def opening(folder: Path) -> None:
    """A pool of a million patches, made by repeating the rows of a small one."""
    write_lip_dataset(folder / "few", 20, seed=2)
    build(find_lip(folder / "few"), folder / "few.h5")
    times, path = 1 + 1_000_000 // len(PartPool(folder / "few.h5")), folder / "million.h5"
    with h5py.File(folder / "few.h5") as small, h5py.File(path, "w") as large:
        large.attrs.update(small.attrs)
        for name, dataset in ((n, d) for g in small for n, d in ((f"{g}/{k}", small[g][k]) for k in small[g])):
            data = dataset[...]
            if name == "patches/offset":
                data = np.concatenate([[0], np.cumsum(np.repeat(np.diff(data), times))]).astype("u8")
            elif name == "patches/data":
                data = np.zeros(int(small["patches/offset"][-1]) * times, "u1")
            elif name == "classes/start":
                data = data * np.uint64(times)
            elif name.startswith("patches/"):
                data = np.repeat(data, times, axis=0)
            large.create_dataset(name, data=data, dtype=dataset.dtype)
        large["patches/quality"].attrs.update(small["patches/quality"].attrs)
    took = [seconds(lambda: PartPool(path)) for _ in range(9)]
    print(f"\nOpening {len(PartPool(path)):,} patches: {statistics.median(took) * 1e3:.1f} ms warm (goal: 50)")


def cli_start() -> None:
    command = [str(Path(sys.executable).with_name("partpool")), "--help"]
    took = [seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(11)]
    print(f"\npartpool --help: {statistics.median(took) * 1e3:.0f} ms (goal: 250)")


if __name__ == "__main__":
    main()
