"""``partpool preview``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from partpool.errors import ConfigError, FileError, ImageError, PoolError, SourceError

from .output import Output, examples, reports_errors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from asda_aug.occluders.paste_parts import PasteParts
    from asda_aug.sampling.placers import Placer
    from asda_aug.scene.scene import Scene
    from partpool.pool.reader import PartPool
    from partpool.sources.annotations import AnnotationFile

EXAMPLES = examples(
    "partpool preview pool.h5 --image photo.jpg --out preview.png",
    "partpool preview pool.h5 --image 000000000785.jpg --keypoints person_keypoints_val2017.json --out preview.png",
    "partpool preview pool.h5 --image one.jpg --image two.jpg --num-parts 2 --seed 7 --out preview.png",
    "partpool preview pool.h5 --image photo.jpg --generator gen.safetensors --out preview.png",
)


@reports_errors
def preview(
    pool: Annotated[Path, typer.Argument(readable=False, help="The pool file.")],
    image: Annotated[
        list[Path],
        typer.Option(readable=False, metavar="<path>", help="A picture of a person to paste over; repeatable."),
    ],
    out: Annotated[Path, typer.Option(readable=False, help="The picture to write.")],
    keypoints: Annotated[
        Path | None,
        typer.Option(readable=False, help="Their keypoints: COCO's JSON, LIP's CSV, or x, y, v per line or in JSON."),
    ] = None,
    num_parts: Annotated[int, typer.Option(min=1, max=100, help="Parts on every picture.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Which parts, and where.")] = 0,
    generator: Annotated[
        Path | None, typer.Option(readable=False, help="A trained generator that places the parts; needs PyTorch.")
    ] = None,
) -> None:
    """Draw pictures before and after parts are pasted over them, and which keypoints became covered.

    With keypoints, parts are sized and placed by the person's box, as on a photograph; without, the picture is taken as
    a crop around one person. Exit codes: 0 done, 2 wrong option or no PyTorch for a generator, 4 pool, picture,
    keypoints or generator not found or not understood, 5 the output cannot be written.
    """
    from partpool.pool.reader import PartPool

    draw(PartPool(pool), image, keypoints, out, num_parts=num_parts, seed=seed, generator=generator)
    Output().result(f"Wrote the preview {out}")


def draw(
    pool: PartPool,
    images: list[Path],
    keypoints: Path | None,
    out: Path,
    *,
    num_parts: int,
    seed: int,
    generator: Path | None = None,
) -> None:
    """Write a preview."""
    from asda_aug.occluders.preview import before_and_after
    from partpool.pool.contact_sheet import save_picture
    from partpool.sources.annotations import AnnotationFile

    occluder = _occluder(pool, num_parts, None if generator is None else _load_placer(generator, pool))
    annotations = None if keypoints is None else AnnotationFile(keypoints)
    if annotations is not None and not annotations.names_pictures and len(images) > 1:
        raise ConfigError(f"{keypoints} has the keypoints of one picture; pass one --image, or a file that names them")
    scenes = [(path.name, _scene(path, annotations)) for path in images]
    save_picture(before_and_after(occluder, scenes, seed=seed), out)


def _load_placer(generator: Path, pool: PartPool) -> Placer:
    from asda_aug.errors import CheckpointError, MissingTorchError

    try:
        from asda_aug import GeneratorPlacer

        return GeneratorPlacer(generator, classes=pool.classes)
    except MissingTorchError as error:
        raise ConfigError(f"--generator: {error}") from None
    except CheckpointError as error:
        raise SourceError(str(error)) from None


def _occluder(pool: PartPool, num_parts: int, placer: Placer | None) -> PasteParts:
    from asda_aug.occluders.paste_parts import PasteParts

    classes = [part.name for part in pool.classes if pool.count(part.name)]
    if not classes:
        raise PoolError(f"{pool!r} holds no parts, so there is nothing to paste")
    # A preview of a small pool is as good as one of a large one.
    return PasteParts(pool, num_parts=num_parts, classes=classes, min_parts=1, placer=placer)


def _scene(path: Path, annotations: AnnotationFile | None) -> Scene:
    from asda_aug.scene.scene import Scene

    picture = _read_photograph(path)
    if annotations is None:
        return Scene(picture)
    found = annotations.person_on(path)
    # Two keypoints are the least that has an extent; without one the picture is the person's.
    crop = found.box is None and found.labelled.sum() < 2
    return Scene(
        picture, found.points, labelled=found.labelled, visible=found.visible, boxes=found.box, crop=crop,
        keypoint_names=found.names,
    )  # fmt: skip


def _read_photograph(path: Path) -> NDArray[np.uint8]:
    from partpool.sources import SourceFile
    from partpool.sources.decoding import read_photograph
    from partpool.sources.reading import MAX_FILE

    try:
        return read_photograph(SourceFile(path).read(MAX_FILE)[0])
    except (FileError, ImageError) as error:
        raise SourceError(f"{path}: {str(error).removeprefix('the image ')}") from None
