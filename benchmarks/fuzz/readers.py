"""Programs that read one file of a kind, which lies in an empty folder where they may write."""

from __future__ import annotations

from pathlib import Path

from benchmarks.fuzz.good_files import example, write_people
from partpool import PartPool, build, find_lip, merge
from partpool.errors import PartPoolError
from partpool.pool.codec import CODECS, decode
from partpool.sources.annotations import AnnotationFile
from partpool.sources.decoding import read_image, read_label_map
from partpool.taxonomy.schemes import LIP
from partpool.verify.verifier import verify


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


def read_spool(path: Path) -> None:
    """A spool's own file, as a damaged disk may leave it."""
    write_people(path.parent)
    spool = path.with_name("pool.h5.spool")
    spool.mkdir()
    (spool / "00000000.npz").write_bytes(path.read_bytes())
    (spool / "00000000.blob").write_bytes(b"")
    path.rename(spool / "build.json")
    build(find_lip(path.parent), path.with_name("pool.h5"))
