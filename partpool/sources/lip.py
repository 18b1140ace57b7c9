"""LIP in every layout it circulates in: flat, nested, in its original archives, or a mixture."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from partpool.errors import ConfigError, FileError, SourceError
from partpool.sources.files import SourceFile
from partpool.sources.guesses import not_lip
from partpool.sources.items import Item, Source, ordered
from partpool.sources.pictures import IMAGE_ENDINGS, MIRRORED, ending, files_by_stem, paired_item, stem_of
from partpool.sources.pose import Keypoints, read_pose
from partpool.sources.tree import Tree, without_ending
from partpool.taxonomy.schemes import LIP

Split = Literal["train", "val", "all"]
LIP_COUNTS = {"train": 30462, "val": 10000}
LIP_LICENSE = "LIP (Look Into Person): non-commercial research use only; the photographs belong to their owners"
MAX_TEXT = 2**28
"""Larger id lists are refused."""

Entries = list[tuple[str, SourceFile]]


def find_lip(root: str | os.PathLike[str], split: Split = "train") -> Source:
    """Find LIP by walking: ``train_images``, ``train_segmentations``, ``train_id.txt`` and the same for val, anywhere.

    Folders may be nested and may be in zip archives, also archives in archives. Of several copies the one with the
    most pictures is taken. Id lists are optional. A listed image or label map that is missing becomes a failed item,
    an unlisted file a note. Keypoints come from ``lip_train_set.csv`` and ``lip_val_set.csv``, if they are there.
    Items have the same names in every layout: ``train_images/684_2150041.jpg``.

    Args:
        root: A folder or archive that holds these folders, at any depth.
        split: ``"train"``, ``"val"`` or ``"all"``.

    Raises:
        SourceError: If the folder does not exist or is not LIP; the message says what was looked for and found.
        ConfigError: If there is no such split.
    """
    if split not in ("train", "val", "all"):
        raise ConfigError(f"split must be train, val or all, but got {split!r}")
    wanted = ("train", "val") if split == "all" else (split,)
    tree = Tree(Path(root))
    finder = _Finder(tree)
    found = [name for name in wanted if finder.has(f"{name}_images") and finder.has(f"{name}_segmentations")]
    if not found:
        raise SourceError(not_lip(tree, wanted))
    items: list[Item] = []
    notes = [*tree.notes]
    for name in wanted:
        if name not in found:
            notes.append(f"no {name} split: {name}_images and {name}_segmentations were not both found")
            continue
        part, part_notes = _items_of_split(finder, name)
        items += part
        notes += part_notes
    return Source(ordered(items), LIP, "lip", split, LIP_LICENSE, tuple(notes))


class _Finder:
    """LIP's folders and lists among all files of a tree."""

    def __init__(self, tree: Tree) -> None:
        self.root = tree.root
        self._copies: dict[str, dict[str, Entries]] = {}
        self._lists: dict[str, Entries] = {}
        for path in tree.folders:
            if not _is_mirrored(path):
                self._copies.setdefault(_folder_name(path), {})[path] = []
        for path, file in tree.files:
            parent, _, name = path.rpartition("/")
            self._lists.setdefault(name.lower(), []).append((path, file))
            if not _is_mirrored(parent):
                self._file_under_its_folder(path, file)

    def _file_under_its_folder(self, path: str, file: SourceFile) -> None:
        folders = path.split("/")[:-1]
        for depth in range(len(folders), 0, -1):
            name = _folder_name(folders[depth - 1])
            if name.endswith(("_images", "_segmentations")):
                folder = "/".join(folders[:depth])
                inner = path[len(folder) + 1 :]
                self._copies.setdefault(name, {}).setdefault(folder, []).append((inner, file))
                return

    def has(self, name: str) -> bool:
        """Whether there is such a folder."""
        return name in self._copies

    def folder(self, name: str, notes: list[str]) -> Entries:
        """Files of the most complete copy of a folder; a note for the others."""
        copies = self._copies[name]
        chosen, *others = sorted(copies, key=lambda path: _preference(path, copies[path]))
        others = [path for path in others if copies[path]]
        if others:
            notes.append(f"{name} is there {len(others) + 1} times: took {chosen}, left out {', '.join(others)}")
        return copies[chosen]

    def poses(self, split: str, notes: list[str]) -> dict[str, Keypoints]:
        """Keypoints of a split by image name; empty if there are none."""
        name = f"lip_{split}_set.csv"
        found = sorted(self._lists.get(name, ()), key=lambda entry: (entry[0].count("/"), entry[0]))
        if not found:
            return {}
        if len(found) > 1:
            notes.append(f"{name} is there {len(found)} times: took {found[0][0]}")
        poses, wrong = read_pose(found[0][1])
        if wrong:
            notes.append(f"{wrong:,} rows of {name} were not understood and were left out")
        return poses

    def ids(self, split: str, notes: list[str]) -> list[str] | None:
        """The ids of a split's list, each once, or None if there is no list."""
        name = f"{split}_id.txt"
        if name in self._copies:
            raise SourceError(f"{self.root / next(iter(self._copies[name]))} is a folder, not a text file of ids")
        found = sorted(self._lists.get(name, ()), key=lambda entry: (entry[0].count("/"), entry[0]))
        if not found:
            return None
        lists = [_read_ids(file) for _, file in found]
        if any(ids != lists[0] for ids in lists[1:]):
            notes.append(f"{len(found)} different {name} were found: took {found[0][0]}")
        return lists[0]


def _folder_name(path: str) -> str:
    return without_ending(path).rpartition("/")[2].lower()


def _is_mirrored(path: str) -> bool:
    return any(map(MIRRORED.search, without_ending(path).split("/")))


def _preference(path: str, files: Entries) -> tuple[int, int, int, str]:
    pictures = sum(1 for inner, _ in files if ending(inner) in IMAGE_ENDINGS)
    archive = max((len(file.members) for _, file in files), default=0)
    return -pictures, archive, path.count("/"), path


def _items_of_split(finder: _Finder, split: str) -> tuple[list[Item], list[str]]:
    notes: list[str] = []
    images = files_by_stem(finder.folder(f"{split}_images", notes), IMAGE_ENDINGS)
    labels = files_by_stem(finder.folder(f"{split}_segmentations", notes), IMAGE_ENDINGS)
    listed = finder.ids(split, notes)
    stems: Iterable[str] = images.keys() | labels.keys() if listed is None else listed
    poses = finder.poses(split, notes)
    items = [
        replace(
            paired_item(f"{split}_images/", stem, images.get(stem, []), labels.get(stem, [])),
            keypoints=poses.get(stem.rpartition("/")[2]),
        )
        for stem in stems
    ]
    if not items:
        raise SourceError(f"{finder.root}: {split}_images holds no images")
    if listed is not None:
        unlisted = len((images.keys() | labels.keys()) - set(listed))
        if unlisted:
            notes.append(f"{unlisted} {split} files are not in {split}_id.txt and were left out")
    without = sum(1 for item in items if item.keypoints is None)
    if poses and without:
        notes.append(f"{without:,} of {len(items):,} {split} items have no keypoints")
    if len(items) != LIP_COUNTS[split]:
        notes.append(f"{len(items):,} {split} items; the complete LIP has {LIP_COUNTS[split]:,}")
    return items, notes


def _read_ids(file: SourceFile) -> list[str]:
    try:
        text = file.read(MAX_TEXT)[0].decode("utf-8-sig")
    except FileError as error:
        raise SourceError(f"{file} {error}") from None
    except UnicodeDecodeError:
        raise SourceError(f"{file} is not a text file of ids, one per line") from None
    entries = (line.strip() for line in text.splitlines())
    return list(dict.fromkeys(stem_of(entry) for entry in entries if entry))
