"""One state of an index, opened: all of its segments, and the two rankings of a first stage over them."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlretrieval.data.trec import rank_documents

from .bm25 import SharedWords
from .documents import SearchDocument
from .manifest import Manifest, read_manifest
from .segment import Segment

SEGMENTS = "segments"
_ATTEMPTS = 20


class Snapshot:
    """A state of an index; it does not change, whatever is written meanwhile.

    Args:
        folder: Of the index.
        manifest: The state.

    Attributes:
        manifest: The state.
        segments: Opened.

    Raises:
        FileNotFoundError: A segment is not there.
        ValueError: A segment is damaged.
    """

    def __init__(self, folder: Path, manifest: Manifest):
        self.manifest = manifest
        self.segments = [
            Segment(folder / SEGMENTS / entry.name, entry, manifest.dimensions) for entry in manifest.segments
        ]
        self._words: dict[str, SharedWords] = {}
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path) -> Snapshot:
        """The present state.

        Raises:
            OSError: There is no such folder.
            ValueError: It is no index, or it is damaged.
        """
        missing: FileNotFoundError | None = None
        for _ in range(_ATTEMPTS):
            manifest = read_manifest(folder)
            try:
                return cls(folder, manifest)
            except FileNotFoundError as error:
                # A writer has removed the segments of this state: then there is another one.
                missing = error
                if read_manifest(folder).generation == manifest.generation:
                    break
        raise ValueError(
            f"{folder}: a segment of the manifest must be there, got {missing}. The index is damaged: build it again."
        )

    @property
    def languages(self) -> dict[str, int]:
        """Language code -> documents; "" for those of unknown language."""
        counts: dict[str, int] = {}
        for segment in self.segments:
            live = segment.table["language"].filter(pa.array(segment.live))
            for found in pc.value_counts(live).to_pylist():
                counts[found["values"]] = counts.get(found["values"], 0) + found["counts"]
        return dict(sorted(counts.items()))

    def rows_of(self, ids: list[str]) -> tuple[list[np.ndarray], set[str]]:
        """Where documents are: rows in every segment; and which of them are in the index."""
        wanted = pa.array(ids, pa.string())
        rows, found = [], set()
        for segment in self.segments:
            column = segment.table["id"]
            matches = np.flatnonzero(pc.is_in(column, value_set=wanted).to_numpy() & segment.live)
            rows.append(matches)
            found.update(segment.id(int(row)) for row in matches)
        return rows, found

    def nearest(self, query: np.ndarray, count: int) -> dict[str, tuple[int, int]]:
        """The documents with the largest cosines: id -> (segment, row), the best first."""
        scores: dict[str, float] = {}
        places: dict[str, tuple[int, int]] = {}
        for number, segment in enumerate(self.segments):
            rows, cosines = segment.nearest(query, count)
            for row, cosine in zip(rows.tolist(), cosines.tolist(), strict=True):
                name = segment.id(row)
                scores[name], places[name] = cosine, (number, row)
        return {name: places[name] for name in rank_documents(scores)[:count]}

    def sharing_words(self, query: str, language: str, count: int) -> dict[str, tuple[int, int]]:
        """The documents of a language with the largest BM25: id -> (segment, row), the best first."""
        found = self._words_of(language).search(query, count)
        scores = {self.segments[number].id(row): score for number, row, score in found}
        places = {self.segments[number].id(row): (number, row) for number, row, _ in found}
        return {name: places[name] for name in rank_documents(scores)[:count]}

    def document(self, place: tuple[int, int]) -> SearchDocument:
        """The document of a segment and row."""
        return self.segments[place[0]].document(place[1])

    def _words_of(self, language: str) -> SharedWords:
        with self._lock:
            if language not in self._words:
                self._words[language] = SharedWords(self.segments, language)
            return self._words[language]
