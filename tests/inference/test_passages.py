"""Documents in passages: where they are cut, and what their scores are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlretrieval.inference.passages import PassageReranker, passage_starts
from xlretrieval.inference.reranker import Reranker

LONG = "the quick brown fox jumps over the lazy dog and the cat"
SHORT = [("a cat", "fox"), ("zebra", "dog"), ("fox", "lazy dog"), ("a", "")]


def test_where_passages_begin() -> None:
    assert passage_starts(0, 8, 4) == passage_starts(8, 8, 4) == [0]
    assert passage_starts(9, 8, 4) == [0, 1]
    assert passage_starts(16, 8, 4) == [0, 4, 8]
    assert passage_starts(19, 8, 4) == [0, 4, 8, 11]
    assert passage_starts(16, 8, 8) == [0, 8]


@given(st.integers(0, 300), st.integers(1, 40), st.data())
def test_passages_leave_nothing_out(length: int, window: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, window))
    starts = passage_starts(length, window, stride)
    covered = {token for start in starts for token in range(start, min(length, start + window))}
    assert covered == set(range(length))
    assert starts == sorted(set(starts)) and (len(starts) == 1) == (length <= window)
    # All are whole but that of a shorter document.
    assert len(starts) == 1 or all(start + window <= length for start in starts)


@pytest.mark.parametrize("aggregation", ["maxp", "firstp", "meanp"])
def test_documents_that_fit_have_exactly_the_plain_scores(scorer, tokenizer, aggregation: str) -> None:
    reranker = Reranker(scorer, tokenizer, max_query_length=8)
    passages = PassageReranker(reranker, aggregation)
    np.testing.assert_array_equal(passages.score(SHORT), reranker.score(SHORT))
    assert (passages.split, passages.passages, passages.truncated) == (0, 4, 0)
    # Beside longer ones, but for the rounding of other batches.
    narrow = PassageReranker(reranker, aggregation, window=8)
    mixed = narrow.score([*SHORT, ("a cat", LONG)])
    np.testing.assert_allclose(mixed[:4], reranker.score(SHORT), atol=1e-6)
    assert narrow.split == 1 and narrow.score([]).shape == (0,)


def test_scores_are_those_of_the_passages(scorer, tokenizer) -> None:
    reranker = Reranker(scorer, tokenizer, max_query_length=8)
    ids = tokenizer(LONG, add_special_tokens=False)["input_ids"]
    template = reranker.collator.template
    query = tokenizer("a cat", add_special_tokens=False)["input_ids"]
    starts = passage_starts(len(ids), 8, 4)
    assert len(starts) > 3
    rows = [template.join(query, ids[start : start + 8], 40, 8) for start in starts]
    scores = reranker.score_rows(rows)
    assert np.ptp(scores) > 1e-3
    pairs = [("fox", "dog"), ("a cat", LONG)]
    for aggregation, expected in (("maxp", scores.max()), ("firstp", scores[0]), ("meanp", scores.mean())):
        passages = PassageReranker(reranker, aggregation, window=8)
        assert passages.score(pairs)[1] == pytest.approx(expected, abs=1e-6)
        assert passages.split == 1
        assert (passages.truncated, passages.passages) == ((1, 2) if aggregation == "firstp" else (0, 1 + len(starts)))


def test_the_first_passage_is_what_the_reranker_keeps(scorer, tokenizer) -> None:
    reranker = Reranker(scorer, tokenizer, max_query_length=4, max_length=16)
    pairs = [("abcde", LONG), ("ab", LONG), ("ab", "cat")]
    first = PassageReranker(reranker, "firstp")
    np.testing.assert_array_equal(first.score(pairs), reranker.score(pairs))
    assert (first.truncated, first.truncated_queries) == (reranker.truncated, reranker.truncated_queries) == (2, 1)


def test_passages_of_a_long_encoder(long_checkpoint) -> None:
    """They carry the number of global tokens."""
    reranker = Reranker.from_pretrained(long_checkpoint, device="cpu", max_query_length=8)
    assert reranker.collator.global_attention
    passages = PassageReranker(reranker)
    np.testing.assert_array_equal(passages.score(SHORT), reranker.score(SHORT))
    many = PassageReranker(reranker, window=8).score([("a cat", LONG)])
    assert many[0] != reranker.score([("a cat", LONG)])[0]


def test_wrong_passages_are_named(scorer, tokenizer) -> None:
    reranker = Reranker(scorer, tokenizer, max_query_length=4, max_length=16)
    with pytest.raises(ValueError, match="aggregation must be one of maxp, firstp, meanp, got 'sump'"):
        PassageReranker(reranker, "sump")
    for window in (0, 10):
        with pytest.raises(
            ValueError, match="A passage must have 1 to 9 tokens, which 4 of the query leave of 16, got"
        ):
            PassageReranker(reranker, window=window)
    for stride in (0, 6):
        with pytest.raises(ValueError, match="The stride of passages must be 1 to 5 tokens"):
            PassageReranker(reranker, window=5, stride=stride)
