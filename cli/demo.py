"""``partpool demo``."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from partpool.errors import OutputError

from .output import Output, examples, reports_errors

if TYPE_CHECKING:
    import numpy as np

EXAMPLES = examples("partpool demo", "partpool demo --out /tmp/people --people 200")
MARK = ".partpool-demo"
LICENSE = "synthetic people, free to use"
TARGETS = 2
"""People that parts are pasted over; they are not in the pool."""


@reports_errors
def demo(
    out: Annotated[Path, typer.Option(readable=False, help="Folder to write into.")] = Path("partpool-demo"),
    people: Annotated[int, typer.Option(min=1, help="Number of people to draw.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Which people.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the folder of an earlier demo.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages.")] = False,
) -> None:
    """Draw a small LIP-layout data set of synthetic people, build a pool of it, and show it and what it is for.

    Needs no data and no network. Exit codes: 0 done, 5 the folder exists or cannot be written.
    """
    import numpy as np

    from partpool.pool.contact_sheet import contact_sheet, save_picture
    from partpool.pool.reader import PartPool
    from partpool.sources import find_lip
    from partpool.synthetic.people import write_lip_dataset

    from . import build_report, inspect, preview

    output = Output(quiet)
    _prepare_folder(out, overwrite)
    lip, pool, sheet, pasted = out / "LIP", out / "pool.h5", out / "sheet.png", out / "preview.png"
    output.message(f"Drawing {people:,} synthetic people into {lip}")
    try:
        write_lip_dataset(lip, people, seed, pose=True)
        targets, keypoints = _draw_targets(out / "targets", np.random.default_rng((seed, people)))
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}") from None
    output.message(f"$ partpool build --lip {lip} --license-note {shlex.quote(LICENSE)} --out {pool}")
    source = replace(find_lip(lip), license_note=LICENSE)
    build_report.run_build(output, source, pool, overwrite=True, resume=False)
    output.message(f"$ partpool inspect {pool} --sheet {sheet}")
    opened = PartPool(pool)
    inspect.show(output, opened)
    save_picture(contact_sheet(opened), sheet)
    images = " ".join(f"--image {path}" for path in targets)
    output.message(f"$ partpool preview {pool} {images} --keypoints {keypoints} --seed {seed} --out {pasted}")
    preview.draw(opened, targets, keypoints, pasted, num_parts=1, seed=seed)
    output.result(f"Wrote {pool}, the contact sheet {sheet} and the preview {pasted}")
    output.result("")
    output.result(f"Open {pasted}: people before and after parts were pasted over them; {sheet} shows the parts.")
    output.result("With your own data: partpool build --lip DIR --out pool.h5")
    output.result("            or: partpool build --images DIR --labels DIR --scheme NAME --out pool.h5")
    output.result(f"then: partpool preview pool.h5 --image PHOTO.jpg --out {pasted.name}")


def _draw_targets(folder: Path, rng: np.random.Generator) -> tuple[list[Path], Path]:
    """Draw the people to paste over: their pictures, and a file of their keypoints."""
    from PIL import Image

    from partpool.synthetic.people import draw_person

    folder.mkdir(exist_ok=True)
    paths, records = [folder / f"{number}.jpg" for number in range(TARGETS)], []
    for path in paths:
        person = draw_person(rng, "whole")
        Image.fromarray(person.image).save(path, quality=92)
        # COCO's v: 2 is visible.
        keypoints = [(x, y, 2 * v) for x, y, v in person.keypoints.tolist()]
        records.append({"image": path.name, "keypoints": keypoints})
    annotations = folder / "keypoints.json"
    annotations.write_text(json.dumps(records, indent=1), "utf-8")
    return paths, annotations


def _prepare_folder(out: Path, overwrite: bool) -> None:
    """Make the folder; what is in it already is only ever removed if an earlier demo made it."""
    mark = out / MARK
    try:
        if out.exists():
            if not out.is_dir():
                raise OutputError(f"{out} is not a folder; pass another --out")
            if any(out.iterdir()) and not mark.exists():
                raise OutputError(f"{out} exists and was not made by partpool demo; pass another --out")
            if mark.exists() and not overwrite:
                raise OutputError(f"{out} holds an earlier demo; pass --overwrite to replace it, or another --out")
            if mark.exists():
                _remove_people(out / "LIP")
        out.mkdir(parents=True, exist_ok=True)
        mark.touch()
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}") from None


def _remove_people(lip: Path) -> None:
    """Remove what an earlier demo has drawn, and nothing else."""
    for pattern in ("train_images/??????.jpg", "train_segmentations/??????.png"):
        for path in lip.glob(pattern):
            if path.stem.isdecimal():
                path.unlink()
