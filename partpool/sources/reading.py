"""Item → photograph and label map of one person."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partpool.errors import FileError, ImageError, ItemError, LabelMapError
from partpool.sources import Item, SourceFile
from partpool.sources.decoding import read_image, read_index_map, read_label_map
from partpool.taxonomy.schemes import LabelScheme

MAX_FILE = 2**29
"""Larger files are refused before they are read."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What was read of an item.

    Attributes:
        image: uint8 [H, W, 3] BGR.
        label_map: uint8 [H, W], only this person's labels.
        digest: blake2b-128 of image bytes, label bytes and, where there are several, the person.
        mtime: Newest modification time of its files, in seconds.
    """

    image: NDArray[np.uint8]
    label_map: NDArray[np.uint8]
    digest: bytes
    mtime: float


def read_item(item: Item, scheme: LabelScheme) -> Picture:
    """Read and check everything that belongs to an item.

    Raises:
        ItemError: If the item cannot be used.
    """
    if item.problem:
        raise ItemError(item.reason, item.problem)
    files: list[tuple[SourceFile | None, str]] = [(file, "label") for _, file in item.masks]
    files = files or [(item.labels, "label")]
    if item.persons is not None:
        files.append((item.persons, "persons"))
    *maps, (image_data, image_time) = [_read_file(file, what) for file, what in (*files, (item.image, "image"))]
    newest = max(image_time, *(mtime for _, mtime in maps))
    data = [each for each, _ in maps]
    persons_data = data.pop() if item.persons is not None else None
    if item.masks:
        label_map = _label_map_of_masks(
            [(value, read_mask(each)) for (value, _), each in zip(item.masks, data, strict=True)]
        )
    else:
        label_map = read_label_map(data[0], scheme)
    digest = hashlib.blake2b(b"".join((image_data, *data)), digest_size=16)
    if persons_data is not None:
        label_map = _labels_of_person(label_map, read_index_map(persons_data), item.person)
        digest.update(str(item.person).encode())
    height, width = label_map.shape
    return Picture(read_image(image_data, (width, height)), label_map, digest.digest(), newest)


def read_mask(data: bytes) -> NDArray[np.bool_]:
    """Decode a mask: a single-channel PNG or a NumPy array of at most two values, of which 0 is outside.

    Returns:
        bool [H, W].

    Raises:
        LabelMapError: If the bytes are anything else.
    """
    mask = read_index_map(data, sixteen_bit=True)
    found = np.unique(mask[mask != 0])
    if len(found) > 1:
        raise LabelMapError(
            "label-not-binary",
            f"the mask holds {len(found) + 1} values ({found[0]}, {found[1]} …); expected 0 and another",
        )
    return mask != 0


def _read_file(file: SourceFile | None, what: str) -> tuple[bytes, float]:
    error = ImageError if what == "image" else LabelMapError
    if file is None:
        raise error(f"{what}-missing", f"the {what} file is missing")
    try:
        return file.read(MAX_FILE)
    except FileError as reason:
        raise error(f"{what}-{reason.reason}", f"the {what} file {reason}") from None


def _labels_of_person(
    label_map: NDArray[np.uint8], persons: NDArray[np.integer], person: int | None
) -> NDArray[np.uint8]:
    """The labels of one person; the others become background."""
    if persons.shape != label_map.shape:
        raise LabelMapError(
            "persons-mismatch",
            f"the map of persons is {_size_text(persons)}, but the label map {_size_text(label_map)}",
        )
    return np.where(persons == person, label_map, np.uint8(0))


def _label_map_of_masks(masks: list[tuple[int, NDArray[np.bool_]]]) -> NDArray[np.uint8]:
    """A label map of masks; where they overlap, the smaller one lies on the larger."""
    shapes = {mask.shape for _, mask in masks}
    if len(shapes) > 1:
        raise LabelMapError(
            "label-mismatch", f"its masks differ in size: {', '.join(map(_size_text, (m for _, m in masks)))}"
        )
    label_map = np.zeros(shapes.pop(), np.uint8)
    for value, mask in sorted(masks, key=lambda entry: -np.count_nonzero(entry[1])):
        label_map[mask] = value
    return label_map


def _size_text(array: NDArray[np.generic]) -> str:
    return f"{array.shape[1]}×{array.shape[0]}"
