"""A folder, or a zip archive, and everything below it as one tree of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from partpool.errors import FileError, SourceError
from partpool.sources import archives
from partpool.sources.files import SourceFile

ARCHIVE = ".zip"


@dataclass
class Tree:
    """Files by their POSIX path below a root; an archive in the way counts as a folder.

    What macOS leaves behind, and hidden files, are not in it. Links to folders are followed, each folder once.

    Args:
        root: A folder or a zip archive.
        inside: Whether archives below a folder are opened, too.

    Attributes:
        files: The files, sorted by path. A path is there more than once if an archive holds it more than once.
        folders: Paths of the folders on disk.
        notes: What a user should know: archives that cannot be read, names that leave their archive.

    Raises:
        SourceError: If the root does not exist or a folder cannot be read.
    """

    root: Path
    inside: bool = True
    files: list[tuple[str, SourceFile]] = field(init=False)
    folders: list[str] = field(init=False, default_factory=list)
    notes: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        if self.root.suffix.lower() == ARCHIVE and self.root.is_file():
            found = self._walk_archive(SourceFile(self.root), "")
        else:
            found = self._walk_folder(readable_folder(self.root))
        self.files = sorted(found, key=lambda entry: entry[0])

    def _walk_folder(self, root: Path) -> Iterator[tuple[str, SourceFile]]:
        def refuse(error: OSError) -> None:
            raise SourceError(f"{error.filename} cannot be read: {error.strerror}")

        seen: set[tuple[int, int]] = set()
        for parent, subfolders, files in os.walk(root, onerror=refuse, followlinks=True):
            here = Path(parent)
            if _identity(here) in seen:
                # A link back to a folder that has been walked.
                subfolders.clear()
                continue
            seen.add(_identity(here))
            subfolders[:] = sorted(name for name in subfolders if not _is_hidden(name))
            self.folders += [(here / name).relative_to(root).as_posix() for name in subfolders]
            prefix = "" if here == root else f"{here.relative_to(root).as_posix()}/"
            for name in files:
                if _is_hidden(name):
                    continue
                file = SourceFile(here / name)
                if self.inside and name.lower().endswith(ARCHIVE):
                    yield from self._walk_archive(file, f"{prefix}{name}/")
                else:
                    yield prefix + name, file

    def _walk_archive(self, archive: SourceFile, prefix: str) -> Iterator[tuple[str, SourceFile]]:
        try:
            names, unsafe = archives.list_members(archive.path, archive.members)
        except FileError as error:
            self.notes.append(f"{archive} was left out: it {error}")
            return
        if unsafe:
            self.notes.append(f"{archive}: {unsafe} names that lead out of the archive were left out")
        for name in names:
            if any(_is_hidden(part) for part in name.split("/")):
                continue
            file = SourceFile(archive.path, (*archive.members, name))
            if not name.lower().endswith(ARCHIVE):
                yield prefix + name, file
            elif len(archive.members) < archives.MAX_DEPTH - 1:
                yield from self._walk_archive(file, f"{prefix}{name}/")
            else:
                self.notes.append(f"{file} was left out: archives are opened only {archives.MAX_DEPTH} deep")


def readable_folder(path: str | os.PathLike[str]) -> Path:
    """A folder that can be read.

    Raises:
        SourceError: If it is none.
    """
    path = Path(path)
    try:
        exists = path.is_dir()
        next(path.iterdir(), None) if exists else None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    if not exists:
        raise SourceError(f"{path} is not a folder" if path.exists() else f"there is no folder {path}")
    return path


def without_ending(path: str) -> str:
    """The path of a folder, in which an archive is the folder that it is named after."""
    return "/".join(part[: -len(ARCHIVE)] if part.lower().endswith(ARCHIVE) else part for part in path.split("/"))


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    return status.st_dev, status.st_ino


def _is_hidden(name: str) -> bool:
    # What macOS leaves in folders and archives looks like pictures but is not.
    return name.startswith(".") or name == "__MACOSX"
