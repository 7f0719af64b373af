"""Writing a segment: documents and vectors one block after the other, from an encoder or from older segments."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from .documents import SearchDocument
from .graph import GRAPH, write_graph
from .manifest import sync_folder
from .segment import DOCUMENTS, SCHEMA, VECTORS, VOCABULARY, Segment
from .words import words


class SegmentWriter:
    """Makes the folder of a segment.

    Words are counted once, here: a segment stores for every document which words it has and how often, as numbers
    of its own vocabulary.

    Args:
        folder: A new folder.
        dimensions: Of the vectors.
    """

    def __init__(self, folder: Path, dimensions: int):
        folder.mkdir(parents=True)
        self.folder, self.dimensions, self.rows = folder, dimensions, 0
        self._numbers: dict[str, int] = {}
        self._table = pa.ipc.new_file(str(folder / DOCUMENTS), SCHEMA)
        self._vectors = (folder / VECTORS).open("wb")

    def add(self, documents: Sequence[SearchDocument], vectors: np.ndarray) -> None:
        """Adds documents with their vectors, `(documents, dimensions)`."""
        counted = [Counter(words(document.content)) for document in documents]
        columns = {name: [getattr(document, name) for document in documents] for name in SCHEMA.names[:4]}
        columns["words"] = [[self._number(word) for word in counts] for counts in counted]
        columns["counts"] = [list(counts.values()) for counts in counted]
        self._write(pa.RecordBatch.from_pydict(columns, SCHEMA), vectors)

    def copy(self, segment: Segment) -> None:
        """Adds the documents of another segment that are not deleted."""
        numbers = np.array([self._number(word) for word in segment.vocabulary], np.int32)
        start = 0
        for batch in segment.table.to_batches():
            stop = start + len(batch)
            live = segment.live[start:stop]
            kept = batch.filter(pa.array(live))
            found = kept["words"]
            renumbered = pa.ListArray.from_arrays(found.offsets, pa.array(numbers[found.flatten().to_numpy()]))
            columns = [renumbered if name == "words" else kept[name] for name in SCHEMA.names]
            self._write(pa.RecordBatch.from_arrays(columns, schema=SCHEMA), segment.vectors[start:stop][live])
            start = stop

    def close(self, approximate_from: int) -> dict[str, int]:
        """Ends the segment, and makes it last.

        Args:
            approximate_from: Documents from which it gets a graph.

        Returns:
            Name of a file -> bytes.
        """
        self._table.close()
        self._vectors.close()
        vocabulary = pa.table({"word": pa.array(list(self._numbers), pa.string())})
        with pa.ipc.new_file(str(self.folder / VOCABULARY), vocabulary.schema) as writer:
            writer.write_table(vocabulary)
        if self.rows >= approximate_from:
            vectors = np.memmap(self.folder / VECTORS, np.float32, "r", shape=(self.rows, self.dimensions))
            write_graph(self.folder / GRAPH, vectors)
        files = sorted(self.folder.iterdir())
        for path in files:
            with path.open("rb") as file:
                os.fsync(file.fileno())
        sync_folder(self.folder)
        return {path.name: path.stat().st_size for path in files}

    def abort(self) -> None:
        """Closes the files of a segment that is not wanted any more."""
        # A second close of the table would write its footer again, into a file that is in its place by now.
        if not self._vectors.closed:
            self._table.close()
            self._vectors.close()

    def _number(self, word: str) -> int:
        return self._numbers.setdefault(word, len(self._numbers))

    def _write(self, batch: pa.RecordBatch, vectors: np.ndarray) -> None:
        if len(batch):
            self._table.write_batch(batch)
            self._vectors.write(np.ascontiguousarray(vectors, np.float32).tobytes())
            self.rows += len(batch)
