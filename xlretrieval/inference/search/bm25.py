"""Documents of a language that share words with a query, by BM25 (bm25s, the variant of Lucene).

The statistics (how many documents have a word, how long documents are) are those of all documents of the language that
are in the index now, not of a segment, so it does not matter in which order documents came. bm25s keeps the scores
themselves, which change with the statistics; they are therefore computed when a language is first searched after the
index was opened or changed, from the counts that the segments store: some 50 microseconds a document.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from bm25s import BM25

from .segment import Segment
from .words import words


class SharedWords:
    """All documents of one language, by their words.

    Args:
        segments: Of the index.
        language: Its main code: "zh" takes in "zh-Hans". "" are the documents of unknown language.
    """

    def __init__(self, segments: Sequence[Segment], language: str):
        self._bm25: BM25 | None = None
        vocabulary: dict[str, int] = {}
        parts = [_counts(segment, language, vocabulary) for segment in segments]
        self._segments = np.concatenate(
            [np.full(len(rows), number) for number, (rows, *_) in enumerate(parts)] or [[]]
        )
        self._rows = np.concatenate([rows for rows, *_ in parts] or [[]])
        if not vocabulary:
            return
        starts = np.cumsum([0, *(len(rows) for rows, *_ in parts)])
        documents = np.concatenate([start + found for start, (_, found, _, _) in zip(starts, parts, strict=False)])
        numbers = np.concatenate([found for _, _, found, _ in parts])
        counts = np.concatenate([found for _, _, _, found in parts])
        self._bm25 = _bm25(documents, numbers, counts, len(self._rows), vocabulary)

    def search(self, query: str, count: int) -> list[tuple[int, int, float]]:
        """The best documents, and as many more as are equally good: (segment, row, score), in no order.

        Documents without any word of the query are none of them.
        """
        known = self._bm25.get_tokens_ids(list(words(query))) if self._bm25 is not None else []
        if not known:
            return []
        scores = self._bm25.get_scores_from_ids(known)
        found = np.flatnonzero(scores > 0)
        if len(found) > count:
            found = found[scores[found] >= np.partition(scores[found], len(found) - count)[len(found) - count]]
        columns = self._segments[found], self._rows[found], scores[found]
        return list(zip(*(column.tolist() for column in columns), strict=True))


def _counts(
    segment: Segment, language: str, vocabulary: dict[str, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The documents of a language in a segment.

    Args:
        segment: The segment.
        language: Main code.
        vocabulary: Word -> number; gets the words of the segment.

    Returns:
        Their rows; and for every word of every document its place among these rows, the word's number, and how often
        it is there.
    """
    codes = segment.table["language"].unique().to_pylist()
    chosen = pa.array([code for code in codes if code.split("-")[0] == language], pa.string())
    rows = np.flatnonzero(pc.is_in(segment.table["language"], value_set=chosen).to_numpy() & segment.live)
    found = segment.table.select(["words", "counts"]).take(pa.array(rows)).combine_chunks()
    if not len(rows):
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, nothing, nothing
    numbers = np.array([vocabulary.setdefault(word, len(vocabulary)) for word in segment.vocabulary], np.int64)
    documents = pc.list_parent_indices(found["words"]).to_numpy()
    local = pc.list_flatten(found["words"]).to_numpy()
    return rows, documents, numbers[local], pc.list_flatten(found["counts"]).to_numpy()


def _bm25(
    documents: np.ndarray, numbers: np.ndarray, counts: np.ndarray, size: int, vocabulary: dict[str, int]
) -> BM25:
    """What `BM25.index` makes of the same documents, from their counts: 7 times as fast as from their words.

    Args:
        documents: Of every word of every document, the document, sorted.
        numbers: The word.
        counts: How often it is there.
        size: Documents.
        vocabulary: Word -> number.
    """
    bm25 = BM25(method="lucene")
    lengths = np.bincount(documents, weights=counts, minlength=size)
    having = np.bincount(numbers, minlength=len(vocabulary))
    idf = np.log(1 + (size - having + 0.5) / (having + 0.5))
    tf = counts / (counts + bm25.k1 * (1 - bm25.b + bm25.b * lengths[documents] / (lengths.mean() or 1.0)))
    order = np.argsort(numbers, kind="stable")
    bm25.scores = {
        "data": (idf[numbers] * tf)[order].astype(np.float32),
        "indices": documents[order].astype(np.int32),
        "indptr": np.concatenate([[0], np.cumsum(having)]),
        "num_docs": size,
    }
    bm25.vocab_dict, bm25.nonoccurrence_array = vocabulary, None
    return bm25
