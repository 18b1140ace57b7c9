"""What it costs to find and read a data set in zip archives, as ratios to the same files in folders.

    python -m benchmarks.sources --photos PHOTOS

Layouts: folders; LIP's original archives, stored and deflated; those in one more archive. Each round measures all of
them one after the other, in processor time of one process, and the medians are compared.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2

from partpool import build, find_lip
from partpool.sources import Source
from partpool.sources.reading import MAX_FILE
from partpool.synthetic.people import write_lip_dataset

ROUNDS = 5
PAIRS = 200
"""Pairs of a build."""
FOLDERS = (("TrainVal_images", "train_images"), ("TrainVal_parsing_annotations", "train_segmentations"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="photographs in LIP layout; without them people are drawn")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, OpenCV {cv2.__version__}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        roots = layouts(options.photos, folder)
        sources = {layout: find_lip(root) for layout, root in roots.items()}
        print(f"{len(sources['folders'])} pairs")
        compare("Finding", {layout: lambda root=root: find_lip(root) for layout, root in roots.items()})
        compare("Reading all bytes", {layout: lambda s=s: read_all(s) for layout, s in sources.items()})
        compare(
            "Whole build", {layout: lambda s=s: whole_build(s.limit(PAIRS), folder) for layout, s in sources.items()}
        )


def layouts(photos: Path | None, folder: Path) -> dict[str, Path]:
    """The same pairs in every layout."""
    flat = folder / "folders"
    if photos is None:
        write_lip_dataset(flat, 200)
    else:
        for _, part in FOLDERS:
            shutil.copytree(photos / part, flat / part, copy_function=shutil.copyfile)
    roots = {"folders": flat}
    for layout, method in (("stored zips", zipfile.ZIP_STORED), ("deflated zips", zipfile.ZIP_DEFLATED)):
        roots[layout] = folder / layout
        roots[layout].mkdir()
        for archive, part in FOLDERS:
            with zipfile.ZipFile(roots[layout] / f"{archive}.zip", "w", method) as file:
                for path in sorted((flat / part).iterdir()):
                    file.write(path, f"{archive}/{part}/{path.name}")
    roots["zips in a zip"] = folder / "nested"
    roots["zips in a zip"].mkdir()
    with zipfile.ZipFile(roots["zips in a zip"] / "LIP.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(roots["deflated zips"].iterdir()):
            file.write(path, path.name)
    return roots


def read_all(source: Source) -> None:
    for item in source:
        for file in item.files():
            file.read(MAX_FILE)


def whole_build(source: Source, folder: Path) -> None:
    build(source, folder / "pool.h5", overwrite=True)


def compare(what: str, functions: dict[str, Callable[[], object]]) -> None:
    times: dict[str, list[float]] = {layout: [] for layout in functions}
    for _ in range(ROUNDS):
        for layout, function in functions.items():
            began = time.process_time()
            function()
            times[layout].append(time.process_time() - began)
    floor = statistics.median(times["folders"])
    ratios = ", ".join(f"{layout} {statistics.median(took) / floor:.2f} x" for layout, took in times.items())
    goal = " (goal: 1.3)" if what == "Whole build" else ""
    print(f"{what} (folders: {floor * 1e3:.0f} ms): {ratios}{goal}")


if __name__ == "__main__":
    main()
