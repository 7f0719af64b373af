"""The documents of a collection by their ids, memory-mapped.

Half a million newspaper articles are 1.5 GB as Python strings and are read from SGML in minutes, so they are written
once into an uncompressed Arrow file in the cache, with a sorted table of hashed ids beside it: 8 + 8 bytes a document.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from .documents import Document, LocatedDocument
from .problems import Problems

_SCHEMA = pa.schema({"id": pa.string(), "title": pa.large_string(), "text": pa.large_string()})
# Rows that are written, or read one after the other, at a time.
_ROWS_PER_BATCH = 1_000


def default_cache() -> Path:
    """`xlretrieval` in the Hugging Face assets cache."""
    from huggingface_hub import cached_assets_path

    return cached_assets_path("xlretrieval", namespace="collections")


def _hash(document_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(document_id.encode(), digest_size=8).digest(), "little")


class DocumentStore(Mapping[str, Document]):
    """Documents by id, memory-mapped: `store["FR940101-000001"].text`. Iterates over ids, in the order of the files.

    Pickles as its path and is opened again where it is unpickled, so worker processes map the same memory.

    Args:
        folder: What `build_store` wrote.

    Attributes:
        record: What was counted while reading, by kind: `{"count": 2, "examples": ["a.sgml, line 3: ..."]}`.
        sources: Name of a source -> number of documents.

    Raises:
        OSError: It is not there.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        description = json.loads((self.folder / "store.json").read_text(encoding="utf-8"))
        self.record: dict[str, Any] = description["record"]
        self.sources: dict[str, int] = description["sources"]
        self._hashes = np.load(self.folder / "hashes.npy", mmap_mode="r")
        self._rows = np.load(self.folder / "rows.npy", mmap_mode="r")

    # Mappings are equal when all their items are, which here means reading everything.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        return DocumentStore, (self.folder,)

    def __repr__(self) -> str:
        return f"DocumentStore({str(self.folder)!r}, {len(self):,} documents)"

    def __len__(self) -> int:
        return len(self._hashes)

    def __iter__(self) -> Iterator[str]:
        for chunk in self.ids.chunks:
            yield from chunk.to_pylist()

    def __contains__(self, document_id: object) -> bool:
        return isinstance(document_id, str) and self._row(document_id) is not None

    def __getitem__(self, document_id: str) -> Document:
        """Raises KeyError when there is no such document."""
        row = self._row(document_id)
        if row is None:
            raise KeyError(document_id)
        return Document(document_id, self._value("title", row), self._value("text", row))

    @property
    def ids(self) -> pa.ChunkedArray:
        """All ids, memory-mapped."""
        return self._table["id"]

    def content(self, document_id: str) -> str:
        """Title and text, as a model reads them. Raises KeyError when there is no such document."""
        return self[document_id].content

    def _row(self, document_id: str) -> int | None:
        try:
            wanted = np.uint64(_hash(document_id))
        except UnicodeEncodeError:  # no file holds half a character
            return None
        place = int(np.searchsorted(self._hashes, wanted))
        while place < len(self._hashes) and self._hashes[place] == wanted:
            row = int(self._rows[place])
            if self._value("id", row) == document_id:
                return row
            place += 1
        return None

    def _value(self, column: str, row: int) -> str:
        chunk = bisect_right(self._starts, row) - 1
        return self._chunks[column][chunk][row - self._starts[chunk]].as_py()

    @cached_property
    def _table(self) -> pa.Table:
        return pa.ipc.open_file(pa.memory_map(str(self.folder / "documents.arrow"))).read_all()

    @cached_property
    def _chunks(self) -> dict[str, list[pa.Array]]:
        return {name: self._table[name].chunks for name in _SCHEMA.names}

    @cached_property
    def _starts(self) -> list[int]:
        return np.cumsum([0, *(len(chunk) for chunk in self.ids.chunks[:-1])]).tolist()


def build_store(
    documents: Mapping[str, Iterable[LocatedDocument]], folder: str | Path, problems: Problems | None = None
) -> DocumentStore:
    """Writes documents to a folder that is whole or not there, and opens it.

    While it writes, memory grows by some 250 bytes a document: ids are remembered to find those that occur twice.

    Args:
        documents: Name of a source -> its documents, with where they are.
        folder: Where they go; what is there is replaced.
        problems: Takes documents with the id of an earlier one, which counts. Its record is kept in the store.

    Raises:
        ValueError: There is no document at all; or there is a problem, and problems are errors.
    """
    problems = problems or Problems()
    folder = Path(folder)
    partial = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.partial")
    partial.mkdir(parents=True)
    try:
        ids = _Ids(problems)
        with pa.ipc.new_file(str(partial / "documents.arrow"), _SCHEMA) as writer:
            sources = {name: _write(ids.first_ones(found), writer) for name, found in documents.items()}
        if not any(sources.values()):
            names = ", ".join(documents) or "no source"
            raise ValueError(f"a collection must have documents, got none from {names}. Check the folders.")
        order = np.argsort(ids.hashes, kind="stable")
        np.save(partial / "hashes.npy", ids.hashes[order])
        np.save(partial / "rows.npy", order.astype(np.int64))
        description = json.dumps({"sources": sources, "record": problems.record()}, indent=2, ensure_ascii=False)
        (partial / "store.json").write_text(description + "\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return DocumentStore(folder)


class _Ids:
    """Ids that have been written, as hashes; 128 bits to tell equal ids, of which 64 go into the table."""

    def __init__(self, problems: Problems):
        self._problems = problems
        self._places: dict[bytes, str] = {}
        self._hashes = array("Q")

    @property
    def hashes(self) -> np.ndarray:
        return np.array(self._hashes, np.uint64)

    def first_ones(self, documents: Iterable[LocatedDocument]) -> Iterator[Document]:
        """Documents whose id is new."""
        for document, where in documents:
            key = hashlib.blake2b(document.id.encode(), digest_size=16).digest()
            first = self._places.setdefault(key, where)
            if first is not where:
                message = f"a document id must occur once, got {document.id} which is also at {first}. Remove one."
                self._problems.report("duplicate document", where, message)
                continue
            self._hashes.append(_hash(document.id))
            yield document


def _write(documents: Iterable[Document], writer: pa.RecordBatchFileWriter) -> int:
    rows: list[Document] = []
    count = 0

    def flush() -> None:
        columns = [[getattr(row, name) for row in rows] for name in _SCHEMA.names]
        arrays = [pa.array(values, field.type) for values, field in zip(columns, _SCHEMA, strict=True)]
        writer.write_batch(pa.record_batch(arrays, schema=_SCHEMA))
        rows.clear()

    for document in documents:
        rows.append(document)
        count += 1
        if len(rows) == _ROWS_PER_BATCH:
            flush()
    if rows:
        flush()
    return count
