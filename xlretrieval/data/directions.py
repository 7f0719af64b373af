"""One language pair of a split, asked from either side: queries, documents, and the negatives of a query."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .examples import pick_sentence
from .sections import AlignedSections, PairTable

# A negative is drawn anew so often before all documents are searched for one that is allowed: a search costs
# milliseconds with 100,000 documents, and with a tenth of them forbidden one draw in 10**8 comes to it.
EASY_DRAWS = 8


class Direction:
    """One language pair of a split, with the queries on one side and the documents on the other.

    Args:
        corpus: Aligned sections.
        table: The pair.
        indices: Those of its pairs that are in the split.
        flipped: False asks in the first language of the pair, True in the second.
    """

    def __init__(self, corpus: AlignedSections, table: PairTable, indices: np.ndarray, flipped: bool):
        languages, rows = (table.source_language, table.target_language), (table.source, table.target)
        self.query_sections = corpus.sections(languages[flipped])
        self.document_sections = corpus.sections(languages[not flipped])
        self.query_rows, self.document_rows = rows[flipped], rows[not flipped]
        self.hard_negatives = table.source_negatives if flipped else table.target_negatives
        # A plain array: taking one number out of a memory-mapped one costs five times as much.
        self.document_lengths = np.asarray(self.document_sections.text_lengths)
        self.documents = np.unique(self.document_rows[indices])
        self._aligned = _several_values(self.query_rows, self.document_rows)

    def query(self, pair: int, uniform: float, min_characters: int) -> str:
        """A sentence of the pair's section on the query side; see `pick_sentence`."""
        text = self.query_sections.text(self.query_rows[pair])
        return pick_sentence(text, self.query_sections.language, uniform, min_characters)

    def aligned(self, pair: int) -> set[int]:
        """Rows of all documents that are aligned with the pair's query, in any split: none may be a negative."""
        return self._aligned.get(int(self.query_rows[pair])) or {int(self.document_rows[pair])}

    def may_oppose(self, row: int, aligned: set[int]) -> bool:
        """Whether a document may be a negative: it is not aligned with the query and has the text of none that is."""
        # Reading a text costs more than all the rest of a draw, so only those of the same length are read.
        lengths, text = self.document_lengths, self.document_sections.text
        return row not in aligned and not any(
            lengths[row] == lengths[other] and text(row) == text(other) for other in aligned
        )

    def draw_negatives(self, pair: int, uniforms: np.ndarray) -> list[int]:
        """Rows of negatives: easy with probability (3/4)^(number of hard ones), else a hard one; all different.

        Args:
            pair: Index of the pair.
            uniforms: In [0, 1), `(negatives, 2 + EASY_DRAWS)`.

        Raises:
            ValueError: No document is unlike the positive.
        """
        aligned, documents = self.aligned(pair), self.documents
        hard = self.hard_negatives(pair)
        easy = 0.75 ** len(hard)
        drawn: list[int] = []

        def differs(row: int) -> bool:
            return self.may_oppose(row, aligned)

        def allowed(row: int) -> bool:
            return row not in drawn and differs(row)

        for kind, choice, *easy_draws in uniforms.tolist():
            row = _choose(hard, choice, allowed) if kind >= easy else None
            if row is None:
                candidates = (int(documents[int(uniform * len(documents))]) for uniform in easy_draws)
                row = next(filter(allowed, candidates), None)
            if row is None:
                row = _choose(documents, choice, allowed)
            if row is None:  # fewer different texts than negatives: one comes twice
                row = _choose(documents, choice, differs)
            if row is None:
                raise ValueError(
                    f"Negatives in {self.document_sections.language!r} must differ from their positive, got "
                    f"{len(documents)} documents that all have its text or its query, "
                    f"{self.document_sections.text(self.document_rows[pair])[:40]!r}. Import more sections, or leave "
                    "the pair out."
                )
            drawn.append(row)
        return drawn


def _choose(rows: np.ndarray, uniform: float, allowed: Callable[[int], bool]) -> int | None:
    """One of the allowed rows, all equally likely, or None when there is none."""
    candidates = [row for row in rows.tolist() if allowed(row)]
    return candidates[int(uniform * len(candidates))] if candidates else None


def _several_values(keys: np.ndarray, values: np.ndarray) -> dict[int, set[int]]:
    """The values of the keys that occur more than once. Few do, so this is small however long the arrays are."""
    unique, counts = np.unique(keys, return_counts=True)
    several = np.isin(keys, unique[counts > 1])
    found: dict[int, set[int]] = {}
    for key, value in zip(keys[several].tolist(), values[several].tolist(), strict=True):
        found.setdefault(key, set()).add(value)
    return found


class SplitPair:
    """One language pair of a corpus, restricted to a split.

    Args:
        corpus: Aligned sections.
        pair: Name of the pair.
        split: Name of the split.

    Raises:
        ValueError: The split has none of this pair.
    """

    def __init__(self, corpus: AlignedSections, pair: str, split: str):
        table = corpus.pair(pair)
        self.name = table.name
        self.indices = table.rows(split)
        if not len(self.indices):
            raise ValueError(
                f"split {split!r} must have sections of {pair}, got none. Import more, or leave the pair out."
            )
        self.directions = tuple(Direction(corpus, table, self.indices, flipped) for flipped in (False, True))

    def check_negatives(self, negatives: int) -> None:
        """Raises ValueError when a group of 1 + `negatives` documents would have one twice."""
        for direction in self.directions:
            if len(direction.documents) <= negatives:
                raise ValueError(
                    f"negatives must be below the {len(direction.documents)} {direction.document_sections.language} "
                    f"documents of {self.name}, got {negatives}. Draw fewer, or leave the pair out."
                )
