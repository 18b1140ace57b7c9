"""Builds in process groups of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from partpool.synthetic.people import draw_person

WORKERS = 2
COMMAND = (sys.executable, "-m", "partpool_cli", "build", "--quiet")


class FaultError(Exception):
    """Something was not as it must be."""


def write_people(root: Path, count: int) -> None:
    """Small pictures of a few people, ever darker, so that all differ."""
    drawn = [draw_person(np.random.default_rng(seed)) for seed in range(8)]
    for folder in ("train_images", "train_segmentations"):
        (root / folder).mkdir(parents=True)
    for number in range(count):
        person = drawn[number % len(drawn)]
        image = person.image[::3, ::3] - np.minimum(person.image[::3, ::3], number // len(drawn))
        Image.fromarray(image).save(root / "train_images" / f"{number:06d}.jpg", quality=95)
        Image.fromarray(person.labels[::3, ::3]).save(root / "train_segmentations" / f"{number:06d}.png")


def start(lip: Path, out: Path, *options: str, script: str | None = None) -> subprocess.Popen[bytes]:
    """A build in a process group of its own."""
    command = [*COMMAND] if script is None else [sys.executable, "-c", script, *COMMAND[3:]]
    command += ["--lip", str(lip), "--out", str(out), "--workers", str(WORKERS), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


def alive(group: int) -> list[int]:
    """Processes of a group that have not ended."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


def owner(out: Path) -> int | None:
    """Process that holds the spool."""
    try:
        return int(json.loads((out.with_name(out.name + ".spool") / "owner.json").read_text())["pid"])
    except (OSError, ValueError):
        return None
