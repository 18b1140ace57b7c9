"""One file of a data set: on disk, or inside a zip archive that stays as it is."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path

from partpool.errors import FileError
from partpool.sources import archives


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file on disk or in a zip archive. It holds no descriptor, so it can be pickled, and be read in any process.

    Attributes:
        path: The file, or the archive that it is in.
        members: Its name in that archive; for an archive in an archive, the names from the outermost to the innermost.
    """

    path: Path
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Last part of its path."""
        return self.members[-1].rpartition("/")[2] if self.members else self.path.name

    def __str__(self) -> str:
        return "/".join((str(self.path), *self.members))

    def absolute(self) -> SourceFile:
        """The same file, found from any working directory."""
        return replace(self, path=self.path.absolute())

    def stat(self) -> tuple[int, float]:
        """Size in bytes, and modification time in seconds: its archive's, if it is in one.

        Raises:
            FileError: If it is missing or cannot be read.
        """
        if self.members:
            return archives.stat_member(self.path, self.members)
        try:
            status = self.path.stat()
        except FileNotFoundError:
            raise FileError("missing", "is missing") from None
        except OSError as error:
            raise FileError("unreadable", f"cannot be read: {error.strerror}") from None
        return status.st_size, status.st_mtime

    def read(self, limit: int) -> tuple[bytes, float]:
        """All its bytes and its modification time.

        Args:
            limit: Larger files are refused before they are read.

        Raises:
            FileError: If it is missing, larger, encrypted, not a regular file, or cannot be read.
        """
        if self.members:
            return archives.read_member(self.path, self.members, limit)
        try:
            # Opening a pipe would wait for somebody to write into it.
            with open(self.path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise FileError("unreadable", "is not a regular file")
                if status.st_size > limit:
                    raise FileError("too-large", f"has {status.st_size:,} bytes; more than {limit:,} are refused")
                return file.read(), status.st_mtime
        except FileError:
            raise
        except FileNotFoundError:
            raise FileError("missing", "is missing") from None
        except OSError as error:
            raise FileError("unreadable", f"cannot be read: {error.strerror}") from None
