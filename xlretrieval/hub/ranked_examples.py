"""Queries with their candidates as two models rank them, for a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# The start of a text is what a reader compares; whole sections would bury the ranks.
SHOWN_CHARACTERS = 240
SHOWN_CANDIDATES = 5


@dataclass(frozen=True)
class RankedExample:
    """One query with its candidates before and after.

    Args:
        query: Its text.
        query_language: Its language code.
        document_language: The candidates' language code.
        before: (text, score, relevant) of every candidate, in any order; higher scores rank first.
        after: The same candidates with the other model's scores.
    """

    query: str
    query_language: str
    document_language: str
    before: Sequence[tuple[str, float, bool]]
    after: Sequence[tuple[str, float, bool]]


@dataclass(frozen=True)
class RankedCandidate:
    """A candidate at its place.

    Attributes:
        rank: From 1.
        text: Its beginning.
        score: The model's.
        relevant: Whether it is what was looked for.
        gap: Whether candidates between the one shown before and this one are left out.
    """

    rank: int
    text: str
    score: float
    relevant: bool
    gap: bool


def shown_candidates(
    candidates: Sequence[tuple[str, float, bool]], most: int = SHOWN_CANDIDATES
) -> list[RankedCandidate]:
    """The best candidates, and the relevant ones wherever they are; of equal scores, the earlier one ranks first.

    Args:
        candidates: (text, score, relevant).
        most: How many of the best.
    """
    order = sorted(range(len(candidates)), key=lambda index: -candidates[index][1])
    shown: list[RankedCandidate] = []
    for rank, index in enumerate(order, start=1):
        text, score, relevant = candidates[index]
        if rank <= most or relevant:
            gap = bool(shown) and rank > shown[-1].rank + 1
            shown.append(RankedCandidate(rank, shortened(text), float(score), bool(relevant), gap))
    return shown


def first_relevant_rank(candidates: Sequence[tuple[str, float, bool]]) -> int | None:
    """Rank of the best relevant candidate, None without one."""
    ranks = [candidate.rank for candidate in shown_candidates(candidates, 0)]
    return ranks[0] if ranks else None


def shortened(text: str, most: int = SHOWN_CHARACTERS) -> str:
    """One line of at most so many characters and an ellipsis, cut between words where the language has spaces."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    return text[:most].rsplit(" ", 1)[0] + " …"
