"""Zip archives as folders. Nothing is extracted under a name that an archive chooses.

Archives are hostile input: a member's size is checked before it is unpacked, and never more than that is unpacked;
encrypted members and rare compression methods are refused; names that leave the archive are no members.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import weakref
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO, cast

from partpool.errors import FileError

MAX_DEPTH = 3
"""Archives in archives in archives are opened, deeper ones are not."""
MAX_NESTED = 2**37
"""Unpacked bytes of an archive in an archive; larger ones are refused ..."""
MAX_RATIO = 100
"""... as are those that are compressed by more than this: pictures hardly compress, bombs do."""
OPEN_ARCHIVES = 16
ENCRYPTED = 0x1
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
UNSAFE = re.compile(r"^$|^[/~]|^[A-Za-z]:|\\|\0|(^|/)\.\.(/|$)")


def list_members(path: Path, archive: tuple[str, ...] = ()) -> tuple[list[str], int]:
    """Names of an archive's files, each as often as it occurs, and the number of names that are unsafe.

    Args:
        path: An archive on disk.
        archive: Names that lead to an archive inside it.

    Raises:
        FileError: If it cannot be read or is no zip archive.
    """
    with _opened_archive(path, archive) as (opened, _):
        names = [info.filename for info in opened.infolist() if not info.filename.endswith("/")]
    safe = [name for name in names if not UNSAFE.search(name)]
    return safe, len(names) - len(safe)


def stat_member(path: Path, members: tuple[str, ...]) -> tuple[int, float]:
    """Unpacked size of a member, and modification time of the archive on disk.

    Raises:
        FileError: If it is missing or its archive cannot be read.
    """
    with _opened_archive(path, members[:-1]) as (archive, mtime):
        return _member_info(archive, members[-1]).file_size, mtime


def read_member(path: Path, members: tuple[str, ...], limit: int) -> tuple[bytes, float]:
    """Bytes of a member, and modification time of the archive on disk.

    Raises:
        FileError: If it is missing, has more than ``limit`` bytes, is encrypted or damaged.
    """
    with _opened_archive(path, members[:-1]) as (archive, mtime):
        info = _member_info(archive, members[-1])
        if info.file_size > limit:
            raise FileError("too-large", f"has {info.file_size:,} bytes; more than {limit:,} are refused")
        with archive.open(info) as file:
            # An unbounded read would unpack more than the size that was checked.
            data = file.read(info.file_size)
        if len(data) != info.file_size:
            raise FileError("unreadable", f"ends after {len(data):,} of {info.file_size:,} bytes in its archive")
        return data, mtime


@contextlib.contextmanager
def _opened_archive(path: Path, archive: tuple[str, ...]) -> Iterator[tuple[zipfile.ZipFile, float]]:
    """An open archive and its modification time; whatever goes wrong with it is a FileError."""
    shown = "/".join((path.name, *archive))
    try:
        status = path.stat()
        yield _open_archive(path, archive, status.st_size, status.st_mtime_ns), status.st_mtime
    except FileError:
        raise
    except FileNotFoundError:
        raise FileError("missing", f"is missing with its archive {shown}") from None
    except OSError as error:
        raise FileError("unreadable", f"cannot be read from {shown}: {error.strerror or error}") from None
    # What zipfile raises on damaged archives is not documented.
    except Exception as error:
        raise FileError("unreadable", f"cannot be unpacked from {shown}: {error}") from None


@lru_cache(OPEN_ARCHIVES)
def _open_archive(path: Path, archive: tuple[str, ...], size: int, mtime_ns: int) -> zipfile.ZipFile:
    """An archive, opened once per process; size and time make it another one when it has changed."""
    if not archive:
        return zipfile.ZipFile(path)
    outer = _open_archive(path, archive[:-1], size, mtime_ns)
    info = _member_info(outer, archive[-1])
    if info.file_size > MAX_NESTED or info.file_size > MAX_RATIO * info.compress_size:
        raise FileError("too-large", f"is in the archive {archive[-1]}, which would unpack to {info.file_size:,} bytes")
    # A compressed archive cannot be read at any place. The file has no name, and is gone with this process.
    unpacked = cast("IO[bytes]", tempfile.TemporaryFile())  # noqa: SIM115 - it stays open as long as the archive
    try:
        with outer.open(info) as packed:
            shutil.copyfileobj(packed, unpacked, 2**20)
        opened = zipfile.ZipFile(unpacked)
    except BaseException:
        unpacked.close()
        raise
    weakref.finalize(opened, unpacked.close)
    return opened


def _member_info(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise FileError("missing", "is missing in its archive") from None
    if info.flag_bits & ENCRYPTED:
        raise FileError("encrypted", "is encrypted in its archive; unpack it with its password first")
    if info.compress_type not in METHODS:
        raise FileError("unreadable", f"is compressed by method {info.compress_type} in its archive; unpack it first")
    return info
