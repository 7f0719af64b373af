"""Output folders that are whole or not there: written beside their place, then renamed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def check_new_folder(path: str | Path, overwrite: bool = False) -> None:
    """Raises what `new_folder` would.

    Raises:
        ValueError: When `path` is a file, or has files in it and `overwrite` is false.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise ValueError(f"The output must be a folder, got the file {path}. Choose another name.")
    if path.is_dir() and any(path.iterdir()) and not overwrite:
        raise ValueError(f"The output folder must be new or empty, got {path}. Choose another, or pass --overwrite.")


@contextmanager
def new_folder(path: str | Path, overwrite: bool = False) -> Iterator[Path]:
    """Yields a temporary folder that becomes `path` when the block ends well and vanishes when it does not.

    Args:
        path: Where the folder will stand.
        overwrite: Whether a folder that has files in it may be replaced.

    Raises:
        ValueError: When `path` is a file, or has files in it and `overwrite` is false.
    """
    path = Path(path)
    check_new_folder(path, overwrite)
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    if path.is_dir():
        shutil.rmtree(path)
    partial.rename(path)
