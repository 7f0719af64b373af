"""Files: read line by line, so that every reader names file and line when something is wrong; written whole or not."""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path


def read_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    r"""Yields the lines of a UTF-8 file, `.gz` or plain, without their ends.

    Lines end at `\n` or `\r\n` only: `str.splitlines` would also cut at U+2028 and others, which occur inside real
    sentences and shift one side of two aligned files. A byte order mark is removed.

    Args:
        path: The file.

    Yields:
        Line number (from 1) and text.

    Raises:
        ValueError: A line is not UTF-8 (file and line named), or the gzip stream is cut off or broken.
        OSError: The file cannot be opened.
    """
    path = Path(path)
    opened = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
    number = 0
    with opened as file:
        try:
            for number, line in enumerate(file, start=1):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                yield number, text.rstrip("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}, line {number}: text must be UTF-8, got byte 0x{error.object[error.start]:02x} at position "
                f"{error.start}. Convert the file with `iconv -t UTF-8`."
            ) from None
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(
                f"{path}, after line {number}: the gzip stream must be whole, got {error}. Download the file again."
            ) from None


def write_bytes(path: str | Path, content: bytes) -> None:
    """Writes a file whole or not at all: beside its place, then renamed. Makes the folder when needed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        # mkstemp makes files that only their owner reads; a result is an ordinary file.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(partial, 0o666 & ~umask)
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise


def write_text(path: str | Path, content: str) -> None:
    """Writes UTF-8 text whole or not at all."""
    write_bytes(path, content.encode("utf-8"))
