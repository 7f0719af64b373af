"""The passage of a document that matters most for a query: a few sentences to highlight."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from sentencex import get_sentence_boundaries

from .documents import SearchDocument
from .words import words

WORDS = 60
# Of a longer document the first windows are compared, some 3,800 words: it is a highlight, no score depends on it.
_WINDOWS = 64
_CHARACTERS = 40_000

Span = tuple[int, int]


def windows(text: str, language: str = "") -> list[Span]:
    """Cuts a text into passages of whole sentences with about 60 words; a longer sentence is cut between words.

    Args:
        text: The text.
        language: Language code, "" when it is not known.

    Returns:
        Characters (start, end) of the first passages, 64 at most, without white space at their ends; none of a text
        that has no words.
    """
    found: list[Span] = []
    size = WORDS  # of the last passage
    for start, end in _sentences(text[:_CHARACTERS], language):
        number = sum(1 for _ in words(text[start:end]))
        if number == 0:
            continue
        if found and size + number <= WORDS:
            found[-1] = found[-1][0], end
            size += number
        else:
            found.append((start, end))
            size = number
    return found[:_WINDOWS]


def _sentences(text: str, language: str) -> list[Span]:
    """Sentences, and pieces of those that are too long, without white space around them."""
    spans: list[Span] = []
    for sentence in get_sentence_boundaries(language.split("-")[0] or "en", text):
        piece, end = sentence["start_index"], sentence["end_index"]
        while piece < end:
            stop = _cut(text, piece, end)
            inner = text[piece:stop]
            start = piece + len(inner) - len(inner.lstrip())
            spans.append((start, start + len(inner.strip())))
            piece = stop
    return spans


def _cut(text: str, start: int, end: int) -> int:
    """Where a piece of a sentence ends: with the sentence, or at white space after about 60 words."""
    place, number = start, 0
    while place < end and number < WORDS:
        # A step is a word with the space before it, or 60 characters where there are no spaces.
        limit = min(place + WORDS, end)
        step = next((at for at in range(place + 1, limit) if text[at].isspace()), limit)
        number += sum(1 for _ in words(text[place:step]))
        place = step
    return place


def best_passages(
    query: str,
    documents: Sequence[SearchDocument],
    score: Callable[[str, list[str]], np.ndarray],
) -> list[Span | None]:
    """The best passage of every document.

    Args:
        query: The query.
        documents: The documents.
        score: From the query and passages to their scores, `(passages,)`.

    Returns:
        Characters (start, end) of the text; of equally good passages the first one; None where there is no text.
    """
    spans = [windows(document.text, document.language) for document in documents]
    # One passage needs no comparison.
    compared = [
        document.text[start:end]
        for document, found in zip(documents, spans, strict=True)
        if len(found) > 1
        for start, end in found
    ]
    scores = iter(score(query, compared).tolist() if compared else [])
    best: list[Span | None] = []
    for found in spans:
        if len(found) > 1:
            values = [next(scores) for _ in found]
            best.append(found[values.index(max(values))])
        else:
            best.append(found[0] if found else None)
    return best
