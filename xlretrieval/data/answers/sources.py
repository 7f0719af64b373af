"""Where question files are: a folder or a zip, each file plain or gzipped."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path


def read_plain(path: str | Path) -> bytes:
    """Bytes of a file, unpacked if it ends in `.gz`.

    Raises:
        ValueError: The gzip stream is broken.
        OSError: The file cannot be read.
    """
    return _unpacked(Path(path).read_bytes(), str(path))


def _unpacked(content: bytes, path: str) -> bytes:
    if not path.endswith(".gz"):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: the gzip stream must be whole, got {error}. Download the file again.") from None


class QuestionFiles:
    """JSON and Parquet files of a folder, with all its folders, or JSON files of a zip, by name without `.gz`.

    Args:
        source: The folder or the zip.

    Raises:
        FileNotFoundError: There is no such folder or file.
        ValueError: It is no zip, or has two files of the same name.
    """

    def __init__(self, source: str | Path):
        self.source = Path(source)
        self._zipped = not self.source.is_dir()
        if not self.source.exists():
            raise FileNotFoundError(
                f"The questions must be in a folder or a zip, got {source}, which is not there. Check its name."
            )
        self._places: dict[str, str] = {}
        for place in self._list():
            path = Path(place)
            name = path.name.removesuffix(".gz")
            # What a Mac puts into a zip beside each file begins with a dot.
            if not name.endswith(".json") or name.startswith("."):
                continue
            if name in self._places:
                raise ValueError(
                    f"{source}: a file name must occur once, got {place} beside {self._places[name]}. Remove one."
                )
            self._places[name] = place

    def _list(self) -> list[str]:
        if not self._zipped:
            return sorted(str(path.relative_to(self.source)) for path in self.source.rglob("*") if path.is_file())
        try:
            with zipfile.ZipFile(self.source) as archive:
                return sorted(name for name in archive.namelist() if not name.endswith("/"))
        except zipfile.BadZipFile:
            raise ValueError(f"{self.source}: the source must be a folder or a zip, got another file.") from None

    @property
    def names(self) -> list[str]:
        """Names of the JSON files, sorted, without `.gz`."""
        return sorted(self._places)

    def read(self, name: str) -> tuple[bytes, str]:
        """Content of a file, and its full name for messages.

        Raises:
            FileNotFoundError: There is none of this name.
            ValueError: It cannot be unpacked.
        """
        if name not in self._places:
            shown = ", ".join(self.names[:10]) + (" ..." if len(self.names) > 10 else "")
            raise FileNotFoundError(
                f"{self.source}: there must be a file {name}, got {shown or 'none'}. Check the languages."
            )
        place = self._places[name]
        label = f"{self.source}/{place}"
        if not self._zipped:
            return _unpacked((self.source / place).read_bytes(), label), label
        try:
            with zipfile.ZipFile(self.source) as archive:
                return _unpacked(archive.read(place), label), label
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
            raise ValueError(f"{label}: the zip must be whole and open, got {error}. Download it again.") from None
