"""Changing an index: one writer at a time, and every change is whole or did not happen.

A change writes a new segment beside the others, renames it to its place, and replaces the manifest: that is the moment
at which it happens. Whatever a kill leaves is named by no manifest, and the next writer removes it.

Segments are merged so that each is more than twice as large as the next smaller one: a thousand additions leave ten
segments at most, and a document is copied some ten times. Vectors and words are copied, not computed again. Deleted
documents drop out when their segment is merged, or when they are a quarter of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from .documents import SearchDocument
from .manifest import MANIFEST, Manifest, SegmentEntry, present_manifest, sync_folder, write_manifest
from .segment_writer import SegmentWriter
from .snapshot import SEGMENTS, Snapshot

_LOCK = ".lock"
Blocks = Iterable[tuple[Sequence[SearchDocument], np.ndarray]]


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Holds the lock of an index; the system releases it when the process dies.

    Raises:
        ValueError: Somebody else writes.
        FileNotFoundError: There is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"An index must be a folder, got none at {folder}. It was removed: build it again.")
    try:
        lock = FileLock(folder / _LOCK, timeout=0)
        lock.acquire()
    except Timeout:
        raise ValueError(
            f"An index must have one writer at a time, got a second one for {folder}. Wait for the other to end."
        ) from None
    try:
        yield
    finally:
        lock.release()


def check_folder(folder: Path) -> None:
    """Raises ValueError where there is something else than an index, or the rest of one that was never finished."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"An index must be a folder, got the file {folder}. Choose another name.")
    ours = {SEGMENTS, _LOCK, MANIFEST, f".{MANIFEST}"}
    if folder.is_dir() and not (folder / MANIFEST).exists():
        others = sorted(path.name for path in folder.iterdir() if path.name not in ours)
        if others:
            raise ValueError(
                f"The folder of an index must be new or empty, got {folder} with {others[0]}. Choose another."
            )


def write_documents(folder: Path, manifest: Manifest, state: Snapshot | None, blocks: Blocks) -> tuple[Manifest, int]:
    """Adds documents and commits; a document with the id of one that is there replaces it.

    Args:
        folder: Of the index, for which `writing` is held.
        manifest: The state to add to.
        state: The same, opened; None when it has no segments.
        blocks: Documents, each id once in all of them, and their vectors.

    Returns:
        The new state, and how many documents were replaced. Without any document, the state that there was.
    """
    remove_leftovers(folder)
    with _new_segment(folder, manifest) as (name, writer):
        ids: list[str] = []
        for documents, vectors in blocks:
            writer.add(documents, vectors)
            ids += [document.id for document in documents]
        if not ids and state is not None:
            return manifest, 0
        rows, replaced = state.rows_of(ids) if state else ([], set())
        return _merge(folder, manifest, state, rows, name, writer), len(replaced)


def delete_documents(folder: Path, manifest: Manifest, state: Snapshot, rows: Sequence[np.ndarray]) -> Manifest:
    """Deletes rows of every segment and commits; returns the new state."""
    remove_leftovers(folder)
    with _new_segment(folder, manifest) as (name, writer):
        return _merge(folder, manifest, state, rows, name, writer)


@contextmanager
def _new_segment(folder: Path, manifest: Manifest) -> Iterator[tuple[str, SegmentWriter]]:
    """A segment under a name of its own, beside the place where it will stand; what is left of it is removed."""
    name = f"{manifest.generation + 1:08}"
    partial = folder / SEGMENTS / f".{name}"
    writer = SegmentWriter(partial, manifest.dimensions)
    try:
        yield name, writer
    finally:
        writer.abort()
        shutil.rmtree(partial, ignore_errors=True)


def _merge(
    folder: Path,
    manifest: Manifest,
    state: Snapshot | None,
    deleted: Sequence[np.ndarray],
    name: str,
    writer: SegmentWriter,
) -> Manifest:
    """Marks rows as deleted, adds the segments that are to be merged to the new one, and commits."""
    entries = []
    for entry, rows in zip(manifest.segments, deleted or [()] * len(manifest.segments), strict=True):
        entries.append(replace(entry, deleted=tuple(sorted({*entry.deleted, *map(int, rows)}))))
    kept: list[SegmentEntry] = []
    total = writer.rows
    for place in sorted(range(len(entries)), key=lambda place: (entries[place].live, place)):
        entry = entries[place]
        if entry.live <= 2 * total or 4 * len(entry.deleted) > entry.rows:
            segment = state.segments[place]
            segment.live[list(entry.deleted)] = False
            writer.copy(segment)
            total += entry.live
        else:
            kept.append(entry)
    if writer.rows:
        files = writer.close(manifest.approximate_from)
        writer.folder.rename(folder / SEGMENTS / name)
        sync_folder(folder / SEGMENTS)
        kept.append(SegmentEntry(name, writer.rows, files))
    after = manifest.next(kept)
    write_manifest(folder, after)
    remove_leftovers(folder)
    return after


def remove_leftovers(folder: Path) -> None:
    """Removes what the manifest does not name: what a kill left, and segments of the states before."""
    manifest = present_manifest(folder)
    names = {entry.name for entry in manifest.segments} if manifest else set()
    for path in (folder / SEGMENTS).iterdir():
        if path.name not in names:
            shutil.rmtree(path, ignore_errors=True)
