"""What a JPEG says of itself before it is decoded."""

from __future__ import annotations

import struct


def jpeg_layout(data: bytes) -> tuple[int, int, bool]:
    """Stored width and height of a JPEG, and whether its end marker follows the start of its picture data.

    Decoders paint the missing part of a truncated JPEG grey and only warn. An end marker before the picture data
    belongs to an embedded thumbnail.
    """
    width = height = 0
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            break
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and position + 9 <= len(data):
            height, width = struct.unpack_from(">HH", data, position + 5)
        if marker == 0xDA:
            return width, height, data.find(b"\xff\xd9", position + 2 + length) >= 0
        position += 2 + length
    return width, height, False
