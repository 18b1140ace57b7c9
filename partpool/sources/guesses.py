"""What a folder that is not LIP probably is, so that a wrong path costs one message and not an afternoon."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from partpool.sources.pictures import IMAGE_ENDINGS, MIRRORED, ending, files_by_stem
from partpool.sources.tree import Tree, without_ending

SHOWN = 6
OTHER_ARCHIVES = (".tar", ".tgz", ".gz", ".xz", ".bz2", ".7z", ".rar")
LAYOUTS = (
    ("Category_ids", "CIHP", "--images {0}/Images --labels {0}/Category_ids --scheme cihp"),
    ("SegmentationClassAug", "ATR", "--images {0}/JPEGImages --labels {0}/SegmentationClassAug --scheme atr"),
)
"""A folder that tells another data set, its name, and how to build that."""


def not_lip(tree: Tree, wanted: Sequence[str]) -> str:
    """Why a tree is not LIP: what was looked for, what is there, and the nearest guess.

    Args:
        tree: What was found.
        wanted: The splits.
    """
    root = tree.root
    expected = " and ".join(f"{split}_images with {split}_segmentations" for split in wanted)
    if not tree.files and not tree.folders:
        why = f" ({'; '.join(tree.notes)})" if tree.notes else ""
        return f"{root} is empty{why}; expected LIP's folders {expected}"
    paths = [path.split("/") for path in sorted(_folder_paths(tree))]
    mirrored = sorted({name for path in paths for name in path if MIRRORED.search(name)})
    names = {name for path in paths if not any(map(MIRRORED.search, path)) for name in path}
    other = [name for name in ("train", "val") if {f"{name}_images", f"{name}_segmentations"} <= names]
    if other:
        return f"{root} holds no {wanted[0]} split, only {other[0]}; pass --split {other[0]}"
    if mirrored:
        return (
            f"{root} holds {mirrored[0]}: labels of the mirrored images, whose sides are swapped; "
            f"they do not fit the images. Expected LIP's folders {expected}"
        )
    guess = _nearest_guess(tree, wanted)
    return f"{root} is not LIP: expected {expected}, found {_top_level_names(tree)}{guess and f'. {guess}'}"


def _folder_paths(tree: Tree) -> set[str]:
    """Paths of all folders on disk and in archives."""
    inside = (path.rpartition("/")[0] for path, _ in tree.files)
    return {without_ending(path) for path in (*tree.folders, *inside) if path}


def _top_level_names(tree: Tree) -> str:
    here = sorted({path.partition("/")[0] for path in (*tree.folders, *(path for path, _ in tree.files))})
    return ", ".join(here[:SHOWN]) + (", …" if len(here) > SHOWN else "")


def _nearest_guess(tree: Tree, wanted: Sequence[str]) -> str:
    guesses = (
        _guess_lip_above(tree.root, wanted),
        _guess_other_data_set(tree),
        _guess_misspelt(tree, wanted),
        _guess_packed(tree),
        _guess_pairs(tree),
    )
    return next((guess for guess in guesses if guess), "")


def _guess_lip_above(root: Path, wanted: Sequence[str]) -> str:
    """The folder was given that is inside LIP, not LIP."""
    for parent in list(root.absolute().parents)[:3]:
        for split in (*wanted, "train", "val"):
            if (parent / f"{split}_images").is_dir() and (parent / f"{split}_segmentations").is_dir():
                return f"LIP is the folder above: pass --lip {parent}"
        if (parent / "TrainVal_images").is_dir() and (parent / "TrainVal_parsing_annotations").is_dir():
            return f"LIP is the folder above: pass --lip {parent}"
    return ""


def _guess_other_data_set(tree: Tree) -> str:
    for mark, name, options in LAYOUTS:
        for path in sorted(_folder_paths(tree)):
            if path.rpartition("/")[2] == mark:
                folder = tree.root / path.rpartition("/")[0]
                return f"This looks like {name}: pass {options.format(folder)}"
    return ""


def _guess_misspelt(tree: Tree, wanted: Sequence[str]) -> str:
    paths = {path.rpartition("/")[2]: path for path in sorted(_folder_paths(tree), reverse=True)}
    for split in wanted:
        for name in (f"{split}_images", f"{split}_segmentations"):
            near = difflib.get_close_matches(name, paths, 1, 0.75)
            if near and near[0].lower() != name:
                return f"Is {paths[near[0]]} what LIP calls {name}? Then rename it"
    for split in wanted:
        present = [name for name in (f"{split}_images", f"{split}_segmentations") if name in paths]
        if present:
            missing = {f"{split}_images", f"{split}_segmentations"} - {*present}
            return f"Only {missing.pop()} is missing"
    return ""


def _guess_packed(tree: Tree) -> str:
    packed = [path for path, _ in tree.files if ending(path) in OTHER_ARCHIVES]
    return f"Unpack {packed[0]} first; of archives only .zip is read" if packed else "; ".join(tree.notes[:2])


def _guess_pairs(tree: Tree) -> str:
    """Two folders whose pictures have the same names, of which one may hold the label maps of the other."""
    stems: dict[str, set[str]] = {}
    kinds: dict[str, Counter[str]] = {}
    for path, file in tree.files:
        folder, _, name = path.rpartition("/")
        if ending(path) in IMAGE_ENDINGS and not file.members:
            stems.setdefault(folder, set()).update(files_by_stem([(name, file)], IMAGE_ENDINGS))
            kinds.setdefault(folder, Counter())[ending(path)] += 1
    maps = [folder for folder in sorted(stems) if set(kinds[folder]) == {".png"}]
    for labels in maps:
        shared = {folder: len(stems[folder] & stems[labels]) for folder in sorted(stems) if folder != labels}
        images = max(shared, key=shared.__getitem__, default=None)
        if images is not None and shared[images]:
            return (
                f"If {labels or '.'} holds the label maps of {images or '.'}, pass --images {tree.root / images} "
                f"--labels {tree.root / labels} --scheme NAME"
            )
    return ""
