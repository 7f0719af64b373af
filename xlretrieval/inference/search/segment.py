"""Reading a segment: documents, vectors and words, memory-mapped when it is opened: removing it then does no harm."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from .documents import SearchDocument
from .graph import GRAPH, Graph
from .manifest import SegmentEntry

DOCUMENTS, VOCABULARY, VECTORS = "documents.arrow", "vocabulary.arrow", "vectors.f32"
SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "language": pa.string(),
        "title": pa.large_string(),
        "text": pa.large_string(),
        # Numbers of the segment's vocabulary and how often the document has each; every word once.
        "words": pa.list_(pa.int32()),
        "counts": pa.list_(pa.int32()),
    }
)
# Two orders of adding up a cosine in float32 differ by less.
_ROUNDING = 1e-5


class Segment:
    """Some of the documents of an index.

    Args:
        folder: Its folder.
        entry: What the manifest says of it.
        dimensions: Of a vector.

    Attributes:
        live: Which rows are not deleted, bool `(rows,)`.
        table: The columns of `SCHEMA`.
        vectors: `(rows, dimensions)`, float32, of length 1.

    Raises:
        FileNotFoundError: It is not there.
        ValueError: A file is damaged.
    """

    def __init__(self, folder: Path, entry: SegmentEntry, dimensions: int):
        self.folder, self.entry = folder, entry
        for name, size in entry.files.items():
            found = (folder / name).stat().st_size
            if found != size:
                raise ValueError(
                    f"{folder / name} must have {size} bytes, got {found}. The file is damaged: build the index again."
                )
        try:
            self.table = self._open(DOCUMENTS)
            self._vocabulary = self._open(VOCABULARY)
            self.vectors = np.memmap(folder / VECTORS, np.float32, "r", shape=(entry.rows, dimensions))
            self._graph = Graph(folder / GRAPH) if GRAPH in entry.files else None
        except (pa.ArrowInvalid, ValueError, OSError) as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise ValueError(f"{folder} must be readable, got: {error}. Build the index again.") from None
        if self.table.schema != SCHEMA or len(self.table) != entry.rows:
            raise ValueError(
                f"{folder / DOCUMENTS} must have {entry.rows} documents with {', '.join(SCHEMA.names)}, got "
                f"{len(self.table)} with {', '.join(self.table.schema.names)}. Build the index again."
            )
        self.live = np.ones(entry.rows, dtype=bool)
        self.live[list(entry.deleted)] = False
        self._starts = np.cumsum([0, *(len(chunk) for chunk in self.table["id"].chunks[:-1])]).tolist()

    def _open(self, name: str) -> pa.Table:
        return pa.ipc.open_file(pa.memory_map(str(self.folder / name))).read_all()

    @cached_property
    def vocabulary(self) -> list[str]:
        """Words by their numbers."""
        return self._vocabulary["word"].to_pylist()

    def document(self, row: int) -> SearchDocument:
        """The document of a row."""
        try:
            return SearchDocument(*(self._value(name, row) for name in ("id", "text", "title", "language")))
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{self.folder / DOCUMENTS}, row {row} must be UTF-8, got: {error}. The file is damaged: build the "
                "index again."
            ) from None

    def id(self, row: int) -> str:
        """Id of the document of a row."""
        return self._value("id", row)

    def _value(self, column: str, row: int) -> str:
        # By hand: a chunked array walks over its chunks one by one.
        chunk = bisect_right(self._starts, row) - 1
        return self.table[column].chunk(chunk)[row - self._starts[chunk]].as_py()

    def nearest(self, query: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows with the largest cosines, and as many more as are equally near; in no order.

        Args:
            query: `(dimensions,)`, float32, of length 1.
            count: How many; all where there are fewer.

        Returns:
            Rows, int64, and their cosines, float32: the same wherever a vector is stored.
        """
        count = min(count, self.entry.live)
        if count == 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        if self._graph is not None:
            rows = self._approximate(self._graph, query, count)
        else:
            rounded = np.where(self.live, self.vectors @ query, -np.inf)
            rows = np.flatnonzero((rounded >= _largest(rounded, count) - _ROUNDING) & self.live)
        # Row by row in float64: a matrix product adds in an order that depends on the size of the matrix.
        products = self.vectors[rows].astype(np.float64) * query.astype(np.float64)
        cosines = products.sum(axis=1).astype(np.float32)
        best = cosines >= _largest(cosines, min(count, len(cosines)))
        return rows[best], cosines[best]

    def _approximate(self, graph: Graph, query: np.ndarray, count: int) -> np.ndarray:
        """Rows that the graph finds; more of them when deleted ones are among the nearest."""
        wanted = min(-(-count * self.entry.rows // self.entry.live), self.entry.rows)
        while True:
            found = graph.search(query, wanted)
            rows = found[self.live[found]]
            if len(rows) >= count or wanted == self.entry.rows:
                return rows
            wanted = min(2 * wanted, self.entry.rows)


def _largest(values: np.ndarray, count: int) -> np.floating:
    """The `count`-th largest value."""
    place = len(values) - count
    return np.partition(values, place)[place]
