"""The bytes of a dump, whatever it is compressed with: told by its first bytes, never by its name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# What the decompressors raise on a file that is cut or damaged.
BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError)

_CHUNK = 1 << 18
_BZ2 = b"BZh"
_GZIP = b"\x1f\x8b"
_XZ = b"\xfd7zXZ\x00"


class _Range(io.RawIOBase):
    """Bytes `start` up to `end` of a file, as a file of their own."""

    def __init__(self, file: BinaryIO, start: int, end: int | None):
        self._file = file
        self._left = end - start if end is not None else None
        file.seek(start)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        wanted = len(buffer) if self._left is None else min(len(buffer), self._left)
        data = self._file.read(wanted)
        if self._left is not None:
            self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


def is_bz2(path: str | Path) -> bool:
    """Whether a file is compressed with bzip2."""
    with Path(path).open("rb") as file:
        return file.read(len(_BZ2)) == _BZ2


def read_chunks(path: str | Path, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Yields the decompressed bytes of a file or of a part of it, up to 256 KiB at a time.

    All that can be decompressed of a broken file comes before the error.

    Args:
        path: bz2 (of one or many streams), gzip, xz, or plain.
        start: Where a compressed stream begins, in bytes of the file.
        end: Where one ends, None for the end of the file.

    Raises:
        EOFError: The file is cut.
        OSError: It cannot be read, or is damaged; or `zlib.error` or `lzma.LZMAError`, as in `BROKEN`.
    """
    with Path(path).open("rb") as file:
        file.seek(start)
        magic = file.read(len(_XZ))
        raw = io.BufferedReader(_Range(file, start, end), _CHUNK)
        if magic.startswith(_BZ2):
            stream: BinaryIO = bz2.BZ2File(raw)
        elif magic.startswith(_GZIP):
            stream = gzip.GzipFile(fileobj=raw)
        elif magic.startswith(_XZ):
            stream = lzma.LZMAFile(raw)
        else:
            stream = raw
        # `read1` returns what one step of the decompressor yields; `read` would lose it when a later step fails.
        while chunk := stream.read1(_CHUNK):
            yield chunk
