"""The one file that says what an index is: model, options, segments, and which of their documents are deleted."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class SegmentEntry:
    """One segment.

    Attributes:
        name: Of its folder.
        rows: Documents in it, deleted ones included.
        files: Name -> bytes.
        deleted: Rows that are not part of the index any more, in order.
    """

    name: str
    rows: int
    files: dict[str, int]
    deleted: tuple[int, ...] = ()

    @property
    def live(self) -> int:
        """Documents that are not deleted."""
        return self.rows - len(self.deleted)


@dataclass(frozen=True)
class Manifest:
    """State of an index.

    Attributes:
        generation: Counts the changes.
        model: Name or folder of the encoder.
        fingerprint: Of the encoder, see `fingerprint`.
        dimensions: Of a vector.
        pooling: Of the encoder.
        layer: Of the encoder.
        max_length: Most tokens of a text that the encoder reads; None for all it takes.
        approximate_from: Documents from which a segment has a graph.
        segments: The segments.
    """

    generation: int
    model: str
    fingerprint: str
    dimensions: int
    pooling: str
    layer: int
    max_length: int | None
    approximate_from: int
    segments: tuple[SegmentEntry, ...] = ()

    def __len__(self) -> int:
        return sum(segment.live for segment in self.segments)

    def next(self, segments: list[SegmentEntry]) -> Manifest:
        """The state after a change."""
        return replace(self, generation=self.generation + 1, segments=tuple(segments))


# Of Manifest, without the segments; None is told by hand.
_TYPES: dict[str, type | tuple[type, ...]] = {
    "generation": int,
    "model": str,
    "fingerprint": str,
    "dimensions": int,
    "pooling": str,
    "layer": int,
    "max_length": (int, type(None)),
    "approximate_from": int,
}


def read_manifest(folder: Path) -> Manifest:
    """Reads the manifest of an index.

    Raises:
        OSError: There is no such folder.
        ValueError: It is no index, the manifest is damaged, or of a later version of this package.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise FileNotFoundError(
            f"An index must be a folder, got none at {folder}. Make it with `xlretrieval index build`."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(
            f"An index must have a {MANIFEST}, got none in {folder}. It is no index, or its first build did not end: "
            "build it with `xlretrieval index build`."
        ) from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must be JSON, got: {error}. The file is damaged: build the index again.") from None
    try:
        return _parse(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _parse(content: Any) -> Manifest:
    again = "The file is damaged: build the index again."
    if not isinstance(content, dict) or not isinstance(content.get("format"), int):
        raise ValueError(f"a manifest must be an object with a format, got none. {again}")
    if content["format"] != FORMAT:
        raise ValueError(
            f"the format must be {FORMAT}, got {content['format']}. The index is of another version of this package."
        )
    for name, types in _TYPES.items():
        value = content.get(name)
        if name not in content or not isinstance(value, types) or isinstance(value, bool):
            raise ValueError(f"{name} must be there and of its type, got {value!r}. {again}")
    segments = content.get("segments")
    if not isinstance(segments, list):
        raise ValueError(f"segments must be a list, got {type(segments).__name__}. {again}")
    entries = []
    for entry in segments:
        try:
            found = SegmentEntry(**entry | {"deleted": tuple(entry["deleted"])})
            # A name is a folder of ours, never a way out of it.
            good = found.name.isdecimal() and set(map(type, (found.rows, *found.deleted, *found.files.values()))) == {
                int
            }
        except (TypeError, KeyError, AttributeError):
            good = False
        if not good or not all(0 <= row < found.rows for row in found.deleted):
            raise ValueError(f"segments must have name, rows, files and deleted rows, got {str(entry)[:80]}. {again}")
        entries.append(found)
    return Manifest(**{name: content[name] for name in _TYPES}, segments=tuple(entries))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replaces the manifest: after a crash the folder has the old one or the new one, and what it names."""
    content = json.dumps({"format": FORMAT, **asdict(manifest)}, ensure_ascii=False, indent=1)
    partial = folder / f".{MANIFEST}"
    with partial.open("w", encoding="utf-8") as file:
        file.write(content + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, folder / MANIFEST)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder last, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def present_manifest(folder: Path) -> Manifest | None:
    """The manifest that is there; None where there is none that can be read."""
    try:
        return read_manifest(folder)
    except (ValueError, OSError):
        return None
