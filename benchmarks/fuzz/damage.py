"""From good files to damaged ones."""

from __future__ import annotations

import random
import zlib

from benchmarks.fuzz.target import Target
from partpool.sources.decoding import PNG_SIGNATURE

ABSURD = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)


def damaged(name: str, number: int, target: Target) -> bytes:
    """The damaged file of case ``number`` of the target of that name; the same for the same number."""
    rng = random.Random(f"{name} {number}")
    data = bytearray(rng.choice(target.seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8, 40))):
        damage(data, rng, target)
    return with_checksums(data) if rng.random() < 0.7 else bytes(data)


def with_checksums(data: bytearray) -> bytes:
    """A PNG whose chunks have the checksums of what they hold now, so that damage gets further; others as they are."""
    position = len(PNG_SIGNATURE)
    while data.startswith(PNG_SIGNATURE) and position + 12 <= len(data):
        end = position + 8 + int.from_bytes(data[position : position + 4], "big")
        if end + 4 > len(data):
            break
        data[end : end + 4] = zlib.crc32(data[position + 4 : end]).to_bytes(4, "big")
        position = end + 4
    return bytes(data)


def damage(data: bytearray, rng: random.Random, target: Target) -> None:
    """Change something; more often near the beginning, where headers are."""
    size = max(1, len(data))
    place = rng.choice((rng.randrange(size), rng.randrange(min(size, 256)), rng.randrange(min(size, 8192))))
    length = rng.choice((1, 2, 4, 8, 30, 300))
    kind = rng.randrange(9)
    if kind == 0:
        data[place : place + 1] = bytes([(data[place] if data else 0) ^ 1 << rng.randrange(8)])
    elif kind == 1:
        data[place : place + length] = rng.randbytes(length)
    elif kind == 2:
        width = rng.choice((1, 2, 4, 8))
        number = rng.choice(ABSURD) & (1 << 8 * width) - 1
        data[place : place + width] = number.to_bytes(width, rng.choice(("little", "big")))
    elif kind == 3:
        del data[place:]
    elif kind == 4:
        del data[place : place + length]
    elif kind == 5:
        data[place:place] = data[place : place + length] * rng.choice((1, 2, 50))
    elif kind == 6:
        other = rng.choice(target.seeds)
        cut = rng.randrange(max(1, len(other)))
        data[place : place + length] = other[cut : cut + length]
    elif kind == 7 and target.words:
        data[place : place + rng.choice((0, length))] = rng.choice(target.words)
    else:
        data[place : place + length] = bytes([rng.choice((0, 255, 10, 34))]) * length
