"""Reciprocal rank fusion of rankings (Cormack, Clarke and Büttcher, SIGIR 2009).

Ranks, not scores: cosines of one encoder lie between .6 and .9, BM25 scores have no upper end, and the scale of both
changes with model, language and collection.
"""

from __future__ import annotations

from collections.abc import Sequence

K = 60  # of the paper; it says how much less the tenth place counts than the first


def fuse(rankings: Sequence[Sequence[str]]) -> dict[str, float]:
    """The sum of `1 / (60 + rank)` over the rankings that a document is in.

    Args:
        rankings: Each the ids of documents, the best first.
    """
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, document in enumerate(ranking, start=1):
            scores[document] = scores.get(document, 0.0) + 1 / (K + rank)
    return scores
