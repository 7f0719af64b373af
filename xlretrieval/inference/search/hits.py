"""What a search returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """One document that was found.

    Attributes:
        id: Of the document.
        title: "" when it has none.
        text: Of the document, whole.
        language: Language code, "" when it is not known.
        score: What the hits are ordered by: the reranker's logit; without a reranker the sum of reciprocal ranks.
        first_rank: Place in the first stage, from 1.
        dense_rank: Place among the nearest vectors, from 1; None when it is not among the candidates.
        words_rank: Place among the documents of its language that share words with the query, from 1, or None.
        passage: Characters (start, end) of `text` that matter most; None without a text, or when not asked for.
    """

    id: str
    title: str
    text: str
    language: str
    score: float
    first_rank: int
    dense_rank: int | None
    words_rank: int | None
    passage: tuple[int, int] | None = None
