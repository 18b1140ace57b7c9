"""Any data: images and label maps in two folders, paired by name; or images and a folder of masks per class."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from partpool.errors import SourceError
from partpool.sources.files import SourceFile
from partpool.sources.items import Item, Source, ordered
from partpool.sources.persons import each_person
from partpool.sources.pictures import IMAGE_ENDINGS, LABEL_ENDINGS, MIRRORED, files_by_stem, paired_item
from partpool.sources.tree import Tree
from partpool.taxonomy.schemes import CIHP, LabelScheme
from partpool.taxonomy.toml_file import load_scheme

PathLike = str | os.PathLike[str]
CIHP_LICENSE = "CIHP: non-commercial research use only; the photographs belong to their owners"
ATR_LICENSE = "ATR: non-commercial research use only; the photographs belong to their owners"
CIHP_LABELS, CIHP_PERSONS, ATR_LABELS = "Category_ids", "Human_ids", "SegmentationClassAug"
NO_PERSONS = (
    "CIHP shows several persons, and there is no map of them (Human_ids; Instance_ids holds their parts); "
    "pass --single-person if every picture shows one"
)
Stems = dict[str, list[SourceFile]]


def find_pairs(
    images: PathLike,
    labels: PathLike,
    scheme: str | LabelScheme,
    *,
    persons: PathLike | None = None,
    single_person: bool = False,
) -> Source:
    """Pair images and label maps of any data set by their path without ending, below either folder.

    Where maps of persons are given, or ``Human_ids`` lies beside the label folder ``Category_ids``, every person is an
    item of its own. Without them the pictures of scheme ``cihp`` are failed items, unless each shows one person.

    Args:
        images: Folder or zip archive of photographs, searched recursively.
        labels: Folder or zip archive of label maps, searched recursively.
        scheme: Name of a built-in scheme, a TOML file that has one, or a scheme.
        persons: Folder or zip archive of maps whose pixel values count the persons of a picture.
        single_person: Every picture shows one person; maps of persons are not looked for.

    Raises:
        SourceError: If a folder does not exist, holds mirrored labels, or nothing pairs.
        ConfigError: If there is no such scheme.
    """
    image_tree, label_tree = Tree(Path(images), inside=False), Tree(Path(labels), inside=False)
    scheme = load_scheme(scheme) if isinstance(scheme, str) else scheme
    _refuse_mirrored(label_tree.root)
    images_of, labels_of = _images_by_stem(image_tree), files_by_stem(label_tree.files, LABEL_ENDINGS)
    if not images_of.keys() & labels_of.keys():
        raise SourceError(
            f"no image in {images} has a label map of the same name in {labels}: "
            f"looked for {next(iter(sorted(images_of)))}.png, found {next(iter(sorted(labels_of)), 'nothing')}"
        )
    items = [paired_item("", stem, files, labels_of.get(stem, [])) for stem, files in images_of.items()]
    notes = [*image_tree.notes, *label_tree.notes]
    unused = len(labels_of.keys() - images_of.keys())
    if unused:
        notes.append(f"{unused} label maps have no image")
    if persons is None and not single_person:
        persons = _human_ids(label_tree.root)
    if persons is not None and not single_person:
        items, person_notes = _items_by_person(items, Tree(Path(persons), inside=False), images_of)
        notes += person_notes
    elif scheme == CIHP and not single_person:
        items = [replace(item, problem=item.problem or NO_PERSONS, reason="several-persons") for item in items]
    kind, license_note = _kind_and_license(label_tree.root)
    return Source(ordered(items), scheme, kind, license_note=license_note, notes=tuple(notes))


def find_masks(images: PathLike, masks: PathLike, scheme: str | LabelScheme | None = None) -> Source:
    """Pair images with binary masks, one folder per class: ``masks/left-arm/0001.png`` belongs to ``images/0001.jpg``.

    Where masks of a picture overlap, the smaller one lies on the larger.

    Args:
        images: Folder or zip archive of photographs, searched recursively.
        masks: Folder or zip archive with a folder of masks for each class.
        scheme: Whose labels the folders are named after; None makes a scheme of the folders.

    Raises:
        SourceError: If a folder does not exist, or nothing pairs.
        ConfigError: If there is no such scheme, or a folder is not one of its labels.
    """
    image_tree, mask_tree = Tree(Path(images), inside=False), Tree(Path(masks), inside=False)
    images_of = _images_by_stem(image_tree)
    files: dict[str, list[tuple[str, SourceFile]]] = {}
    for path, file in mask_tree.files:
        folder, slash, inner = path.partition("/")
        if slash:
            files.setdefault(folder.lower().replace("_", "-"), []).append((inner, file))
    masks_of = {label: files_by_stem(entries, LABEL_ENDINGS) for label, entries in sorted(files.items())}
    if scheme is None and masks_of:
        scheme = LabelScheme(Path(masks).name or "masks", ("background", *masks_of))
    if scheme is None or not any(images_of.keys() & stems.keys() for stems in masks_of.values()):
        raise SourceError(
            f"no image in {images} has a mask in {masks}: looked for CLASS/{next(iter(sorted(images_of)))}.png, "
            f"found {', '.join(masks_of) or 'no folders of classes'}"
        )
    scheme = load_scheme(scheme) if isinstance(scheme, str) else scheme
    scheme.check(*masks_of, where=f"{masks}")
    items = [_item_with_masks(stem, found, scheme, masks_of) for stem, found in images_of.items()]
    notes = (*image_tree.notes, *mask_tree.notes)
    return Source(ordered(items), scheme, "masks", notes=notes)


def _item_with_masks(stem: str, images: list[SourceFile], scheme: LabelScheme, masks_of: dict[str, Stems]) -> Item:
    item = paired_item("", stem, images, [])
    masks: list[tuple[int, SourceFile]] = []
    for label, stems in masks_of.items():
        found = stems.get(stem, [])
        if len(found) > 1:
            item = replace(item, problem=f"{len(found)} masks of {label} share its name")
        masks += [(scheme.labels.index(label), file) for file in found[:1]]
    return replace(item, masks=tuple(masks))


def _images_by_stem(tree: Tree) -> Stems:
    found = files_by_stem(tree.files, IMAGE_ENDINGS)
    if not found:
        raise SourceError(f"{tree.root} holds no images ({', '.join(sorted(IMAGE_ENDINGS))})")
    return found


def _items_by_person(items: Iterable[Item], tree: Tree, images_of: Stems) -> tuple[list[Item], list[str]]:
    persons_of = files_by_stem(tree.files, LABEL_ENDINGS)
    stem_of = {files[0]: stem for stem, files in images_of.items()}
    return each_person([(item, persons_of.get(stem_of[item.image], []) if item.image else []) for item in items])


def _human_ids(labels: Path) -> Path | None:
    """CIHP's maps of persons, beside its label maps."""
    if labels.name.lower() != CIHP_LABELS.lower():
        return None
    beside = (path for path in labels.absolute().parent.iterdir() if path.name.lower() == CIHP_PERSONS.lower())
    return next((path for path in beside if path.is_dir()), None)


def _kind_and_license(labels: Path) -> tuple[str, str]:
    """Kind and licence note of a data set whose layout is known."""
    name = labels.name.lower()
    if name == CIHP_LABELS.lower():
        return "cihp", CIHP_LICENSE
    return ("atr", ATR_LICENSE) if name == ATR_LABELS.lower() else ("pairs", "")


def _refuse_mirrored(labels: Path) -> None:
    # The folder itself, what it links to, and their parents: labels_rev/train is as wrong as labels_rev.
    if any(MIRRORED.search(name) for path in (labels, labels.resolve()) for name in path.parts[-2:]):
        raise SourceError(
            f"{labels} holds labels of the mirrored images (left and right swapped), which do not fit the images; "
            "pass the folder of the original labels"
        )
