"""Finding images and their label maps. Nothing is decoded here.

An :class:`Item` is one person in one picture. Items are ordered by name, and their name is the image's POSIX path
below the root, so that the order does not depend on the file system.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, overload

from partpool.errors import ConfigError, SourceError
from partpool.schemes import LIP, SCHEMES, LabelScheme

Split = Literal["train", "val", "all"]
LIP_COUNTS = {"train": 30462, "val": 10000}
LIP_LICENSE = "LIP (Look Into Person): non-commercial research use only; the photographs belong to their owners"
IMAGE_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
LABEL_ENDINGS = IMAGE_ENDINGS
MIRRORED = re.compile(
    r"reversed_labels?|labels?_rev(ersed)?$|_rev_ids$|reversed_segmentations|segmentations_reversed", re.I
)


@dataclass(frozen=True, slots=True)
class Item:
    """One person to cut.

    Attributes:
        name: POSIX path of the image below the root, NFC.
        image: The photograph, or None if it is missing.
        labels: Its label map, or None if it is missing.
        problem: Why the item cannot be used, if that is known without reading it.
    """

    name: str
    image: Path | None
    labels: Path | None
    problem: str | None = None


@dataclass(frozen=True)
class Source(Sequence[Item]):
    """The items of a data set, sorted by name, and what is known of it.

    Attributes:
        items: The items.
        scheme: What the pixel values of its label maps mean.
        kind: ``"lip"`` or ``"pairs"``.
        split: Which split was taken; empty if the data set has none.
        license_note: Terms that parts cut from it carry along.
        notes: What a user should know: files without a list entry, counts against the known ones.
    """

    items: tuple[Item, ...]
    scheme: LabelScheme
    kind: str
    split: str = ""
    license_note: str = ""
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, index: int | slice) -> Item | tuple[Item, ...]:
        return self.items[index]

    def limit(self, count: int) -> Source:
        """The same source with only its first ``count`` items."""
        return replace(self, items=self.items[:count])


def find_lip(root: str | os.PathLike[str], split: Split = "train") -> Source:
    """Find LIP in its flat layout: ``train_images``, ``train_segmentations``, ``train_id.txt`` and the same for val.

    Id lists are optional. A listed image or label map that is missing becomes a failed item, an unlisted file a note.

    Args:
        root: Folder that holds those folders.
        split: ``"train"``, ``"val"`` or ``"all"``.

    Raises:
        SourceError: If the folder does not exist or is not LIP; the message says what was looked for and found.
        ConfigError: If there is no such split.
    """
    root = _folder(root)
    if split not in ("train", "val", "all"):
        raise ConfigError(f"split must be train, val or all, but got {split!r}")
    wanted = ("train", "val") if split == "all" else (split,)
    found = [
        name for name in wanted if _is_folder(root / f"{name}_images") and _is_folder(root / f"{name}_segmentations")
    ]
    if not found:
        raise SourceError(_not_lip(root, wanted))
    items: list[Item] = []
    notes: list[str] = []
    for name in wanted:
        if name not in found:
            notes.append(f"no {name} split: {name}_images and {name}_segmentations were not both found")
            continue
        part, part_notes = _lip_split(root, name)
        items += part
        notes += part_notes
    return Source(_ordered(items), LIP, "lip", split, LIP_LICENSE, tuple(notes))


def find_pairs(images: str | os.PathLike[str], labels: str | os.PathLike[str], scheme: str | LabelScheme) -> Source:
    """Pair images and label maps of any data set by their path without ending, below either folder.

    Args:
        images: Folder of photographs, searched recursively.
        labels: Folder of label maps, searched recursively.
        scheme: Name of a built-in scheme, or a scheme.

    Raises:
        SourceError: If a folder does not exist, holds mirrored labels, or nothing pairs.
        ConfigError: If there is no such scheme.
    """
    images, labels = _folder(images), _folder(labels)
    if isinstance(scheme, str):
        if scheme not in SCHEMES:
            raise ConfigError(f"there is no scheme {scheme!r}; there are: {', '.join(SCHEMES)}")
        scheme = SCHEMES[scheme]
    _refuse_mirrored(labels)
    by_stem, label_of = _by_stem(images, IMAGE_ENDINGS), _by_stem(labels, LABEL_ENDINGS)
    if not by_stem:
        raise SourceError(f"{images} holds no images ({', '.join(sorted(IMAGE_ENDINGS))})")
    if not by_stem.keys() & label_of.keys():
        raise SourceError(
            f"no image in {images} has a label map of the same name in {labels}: "
            f"looked for {next(iter(sorted(by_stem)))}.png, found {next(iter(sorted(label_of)), 'nothing')}"
        )
    items = [_pair(images, stem, files, label_of.get(stem, [])) for stem, files in by_stem.items()]
    unused = len(label_of.keys() - by_stem.keys())
    notes = (f"{unused} label maps have no image",) if unused else ()
    return Source(_ordered(items), scheme, "pairs", notes=notes)


def _folder(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    try:
        exists = path.is_dir()
        next(path.iterdir(), None) if exists else None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    if not exists:
        raise SourceError(f"{path} is not a folder" if path.exists() else f"there is no folder {path}")
    return path


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _not_lip(root: Path, wanted: Sequence[str]) -> str:
    here = sorted(entry.name for entry in root.iterdir())
    expected = " and ".join(f"{name}_images with {name}_segmentations" for name in wanted)
    mirrored = [name for name in here if MIRRORED.search(name)]
    if not here:
        return f"{root} is empty; expected LIP's folders {expected}"
    other = [name for name in ("train", "val") if f"{name}_images" in here and f"{name}_segmentations" in here]
    if other:
        return f"{root} holds no {wanted[0]} split, only {other[0]}; pass --split {other[0]}"
    if mirrored:
        return (
            f"{root} holds {mirrored[0]}: labels of the mirrored images, whose sides are swapped; "
            f"they do not fit the images. Expected LIP's folders {expected}"
        )
    shown = ", ".join(here[:6]) + (", …" if len(here) > 6 else "")
    return f"{root} is not LIP: expected {expected}, found {shown}"


def _refuse_mirrored(labels: Path) -> None:
    # The folder itself, what it links to, and their parents: labels_rev/train is as wrong as labels_rev.
    if any(MIRRORED.search(name) for path in (labels, labels.resolve()) for name in path.parts[-2:]):
        raise SourceError(
            f"{labels} holds labels of the mirrored images (left and right swapped), which do not fit the images; "
            "pass the folder of the original labels"
        )


def _lip_split(root: Path, split: str) -> tuple[list[Item], list[str]]:
    images_root, labels_root = root / f"{split}_images", root / f"{split}_segmentations"
    images, labels = _by_stem(images_root, IMAGE_ENDINGS), _by_stem(labels_root, LABEL_ENDINGS)
    listed = _id_list(root / f"{split}_id.txt")
    stems: Iterable[str] = images.keys() | labels.keys() if listed is None else listed
    items = [_pair(root, f"{split}_images/{stem}", images.get(stem, []), labels.get(stem, [])) for stem in stems]
    if not items:
        raise SourceError(f"{images_root} holds no images")
    notes = []
    if listed is not None:
        unlisted = len((images.keys() | labels.keys()) - set(listed))
        if unlisted:
            notes.append(f"{unlisted} {split} files are not in {split}_id.txt and were left out")
    if len(items) != LIP_COUNTS[split]:
        notes.append(f"{len(items):,} {split} items; the complete LIP has {LIP_COUNTS[split]:,}")
    return items, notes


def _id_list(path: Path) -> list[str] | None:
    """The ids of a list, each once, or None if there is no list."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SourceError(f"{path} is not a text file of ids, one per line") from None
    entries = (line.strip() for line in text.splitlines())
    return list(dict.fromkeys(_stem(entry) for entry in entries if entry))


def _stem(name: str) -> str:
    """A name without a picture's ending, normalised."""
    base, ending = os.path.splitext(name)  # noqa: PTH122 - ids may hold dots and slashes
    return _normal(base if ending.lower() in IMAGE_ENDINGS else name)


def _normal(name: str) -> str:
    # Names that are no UTF-8 still need one spelling that is.
    return unicodedata.normalize("NFC", name).encode("utf-8", "backslashreplace").decode("utf-8")


def _pair(root: Path, stem: str, images: list[Path], labels: list[Path]) -> Item:
    image, label = (files[0] if files else None for files in (images, labels))
    problem = None
    for what, files in (("image", images), ("label map", labels)):
        if len(files) > 1:
            problem = f"{len(files)} {what}s share the name: {', '.join(path.name for path in files)}"
    name = _normal(image.relative_to(root).as_posix()) if image else stem
    return Item(name, image, label, problem)


def _by_stem(root: Path, endings: frozenset[str]) -> dict[str, list[Path]]:
    """Picture files below ``root`` by their POSIX path without ending; folders are walked, links to them are not."""
    found: dict[str, list[Path]] = {}
    for path in sorted(_walk(root)):
        if path.suffix.lower() in endings:
            found.setdefault(_stem(path.relative_to(root).as_posix()), []).append(path)
    return found


def _walk(root: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise SourceError(f"{error.filename} cannot be read: {error.strerror}")

    for folder, subfolders, files in os.walk(root, onerror=refuse):
        # What macOS leaves in folders and archives looks like pictures but is not.
        subfolders[:] = [name for name in subfolders if name != "__MACOSX" and not name.startswith(".")]
        for name in files:
            if not name.startswith("."):
                yield Path(folder, name)


def _ordered(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: item.name))
