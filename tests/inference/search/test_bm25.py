"""The scores are those of bm25s over all documents of the language, however they are spread over segments."""

from __future__ import annotations

import bm25s
import numpy as np
import pytest

from xlretrieval.inference.search.bm25 import SharedWords
from xlretrieval.inference.search.words import words

RNG = np.random.default_rng(5)
VOCABULARY = [f"w{number}" for number in range(40)]
TEXTS = [" ".join(RNG.choice(VOCABULARY, RNG.integers(1, 30))) for _ in range(60)]


def oracle(texts: list[str], query: str) -> np.ndarray:
    bm25 = bm25s.BM25(method="lucene")
    bm25.index([list(words(text)) for text in texts], show_progress=False)
    return bm25.get_scores(list(words(query)))


@pytest.mark.parametrize("query", ["w3", "w1 w2 w39", "w5 w5 nothing", "W7, w8!"])
@pytest.mark.parametrize("cuts", [[], [7], [1, 2, 30, 45]])
def test_scores_are_those_of_bm25s(query, cuts, make) -> None:
    rows = [{"id": str(number), "text": text, "language": "xx"} for number, text in enumerate(TEXTS)]
    others = [{"id": f"other{number}", "text": "w3 w3 w1", "language": "yy"} for number in range(5)]
    parts = [rows[start:stop] for start, stop in zip([0, *cuts], [*cuts, 60], strict=True)]
    index = make([*others, *parts[0]])
    for part in parts[1:]:
        index.add(part)
    index.delete(["4", "50"])
    kept = [row for row in rows if row["id"] not in ("4", "50")]
    expected = oracle([row["text"] for row in kept], query)
    found = SharedWords(index._state.segments, "xx").search(query, 100)
    named = {index._state.segments[segment].id(row): score for segment, row, score in found}
    assert named == pytest.approx(
        {row["id"]: score for row, score in zip(kept, expected.tolist(), strict=True) if score > 0}, rel=1e-5
    )
    best = SharedWords(index._state.segments, "xx").search(query, 3)
    assert {index._state.segments[segment].id(row) for segment, row, _ in best} >= set(
        sorted(named, key=named.get, reverse=True)[:3]
    )


def test_a_language_takes_in_its_subtags(make) -> None:
    index = make(
        [
            {"id": "1", "text": "手机", "language": "zh-Hans"},
            {"id": "2", "text": "手机", "language": "zh"},
            {"id": "3", "text": "手机", "language": "ja"},
        ]
    )
    found = {hit.id: hit.words_rank for hit in index.search("手机", "zh-Hant")}
    assert found == {"1": 2, "2": 1, "3": None}
    assert {hit.id: hit.words_rank for hit in index.search("手机", "all")} == {"1": 2, "2": 1, "3": 1}
    assert {hit.words_rank for hit in index.search("手机")} == {None}


@pytest.mark.parametrize("query", ["nothing", "...", "fr"])
def test_nothing_in_common(query, make) -> None:
    hits = make().search(query, "en")
    assert len(hits) == 10 and {hit.words_rank for hit in hits} == {None}
    assert [hit.dense_rank for hit in hits] == list(range(1, 11))
    assert {hit.words_rank for hit in make(name="b").search("water", "fr")} == {None}


def test_documents_without_any_word(make) -> None:
    index = make([{"id": "1", "text": "...", "language": "en"}, {"id": "2", "text": "?!", "language": "en"}])
    assert {hit.words_rank for hit in index.search("water", "en")} == {None}
    index.add([{"id": "3", "text": "water", "language": "en"}])
    assert {hit.id: hit.words_rank for hit in index.search("water", "en")} == {"1": None, "2": None, "3": 1}
