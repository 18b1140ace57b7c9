"""Whether an output may be written, asked before anything is done for it."""

from __future__ import annotations

from pathlib import Path

from partpool.errors import OutputError


def checked_output(path: Path, overwrite: bool) -> Path:
    """``path``, if a file can be written there.

    Raises:
        OutputError: If it is a folder or no regular file, exists and may not be replaced, or its folder is missing.
    """
    try:
        if path.is_dir():
            raise OutputError(f"{path} is a folder; --out takes the name of a file")
        if path.exists() and not path.is_file():
            raise OutputError(f"{path} is not a regular file, and will not be replaced")
        if (path.exists() or path.is_symlink()) and not overwrite:
            raise OutputError(f"{path} exists; pass --overwrite to replace it")
        if not path.parent.is_dir():
            raise OutputError(f"there is no folder {path.parent} to write {path.name} into")
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from None
    return path


def os_reason(error: BaseException) -> str:
    """What the operating system says, without the path."""
    return (isinstance(error, OSError) and error.strerror) or str(error)
