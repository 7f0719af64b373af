"""What one example of a batch is: a query with its document (QLM), or with several documents (RR)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sentencex import segment

MIN_QUERY_CHARACTERS = 10


@dataclass(frozen=True, slots=True)
class QueryDocument:
    """A query and its document, for QLM.

    Attributes:
        query: One sentence of a section.
        document: The aligned section in the other language.
        query_language: Language code of the query.
        document_language: Language code of the document.
        seed: From which the collator draws the masks, 0 <= seed < 2**64.
        pair: The language pair as the corpus names it.
        objective: "qlm".
    """

    query: str
    document: str
    query_language: str
    document_language: str
    seed: int
    pair: str
    objective: Literal["qlm"] = "qlm"


@dataclass(frozen=True, slots=True)
class RankingGroup:
    """A query, its document and other documents, for RR.

    Attributes:
        query: One sentence of a section.
        documents: The aligned section first, then the negatives, all in the other language.
        query_language: Language code of the query.
        document_language: Language code of the documents.
        seed: As for `QueryDocument`.
        pair: The language pair as the corpus names it.
        objective: "rr".
    """

    query: str
    documents: list[str]
    query_language: str
    document_language: str
    seed: int
    pair: str
    objective: Literal["rr"] = "rr"


def pick_sentence(text: str, language: str, uniform: float, min_characters: int = MIN_QUERY_CHARACTERS) -> str:
    """One sentence of a text.

    Args:
        text: The section.
        language: Its language code, for the rules of sentencex.
        uniform: Which of the sentences, in [0, 1).
        min_characters: Shorter ones, and those without a letter, are passed over.

    Returns:
        The sentence; the whole text when it has none.
    """
    sentences = [
        sentence
        for sentence in map(str.strip, segment(language, text))
        if len(sentence) >= min_characters and any(map(str.isalpha, sentence))
    ]
    return sentences[int(uniform * len(sentences))] if sentences else text.strip()
