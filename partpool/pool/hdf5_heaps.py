"""HDF5's global heaps, where variable-length strings lie, looked at before HDF5 does.

The library follows an object of size 0 in a damaged heap forever. A heap begins with ``GCOL``, a version, and its size;
its objects begin with a number, a count of references, and a size, and follow each other. Object 0 is free space.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator

MARK = b"GCOL\x01\0\0\0"
HEADER, OBJECT = struct.Struct("<8sQ"), struct.Struct("<HHIQ")
MAX_METADATA = 2**26
"""Bytes outside of columns that a pool may have; a hundred times what the largest taxonomy needs."""


def heaps_are_sound(descriptor: int, size: int, columns: Iterable[tuple[int, int]]) -> bool:
    """Whether every heap of a file can be walked through to its end.

    Args:
        descriptor: The file, open for reading.
        size: Bytes of the file.
        columns: First and last byte of what needs not be looked at.
    """
    gaps = list(_gaps_between(size, columns))
    if sum(last - first for first, last in gaps) > MAX_METADATA:
        return False
    return all(_heaps_end(os.pread(descriptor, last - first, first)) for first, last in gaps)


def _gaps_between(size: int, columns: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    position = 0
    for first, last in sorted(columns):
        if position < first:
            yield position, first
        position = max(position, last)
    if position < size:
        yield position, size


def _heaps_end(data: bytes) -> bool:
    start = data.find(MARK)
    while start >= 0:
        if start + HEADER.size > len(data):
            return False
        end = start + HEADER.unpack_from(data, start)[1]
        if end > len(data):
            return False
        position = start + HEADER.size
        while position + OBJECT.size <= end:
            number, _, _, size = OBJECT.unpack_from(data, position)
            step = OBJECT.size + -(-size // 8) * 8 if number else size
            if step < OBJECT.size:
                return False
            position += step
        if position > end:
            return False
        start = data.find(MARK, start + 1)
    return True
