"""Documents in passages: where they are cut, and what their scores are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlretrieval.inference.passages import ScoreCounts, passage_starts
from xlretrieval.inference.reranker import Reranker

LONG = "the quick brown fox jumps over the lazy dog and the cat"
SHORT = [("a cat", "fox"), ("zebra", "dog"), ("fox", "lazy dog"), ("a", "")]
METHODS = ["maxp", "firstp", "meanp"]


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


@pytest.mark.parametrize("method", METHODS)
def test_documents_that_fit_are_scored_whole(scorer, tokenizer, method: str) -> None:
    plain = Reranker(scorer, tokenizer, max_query_length=8, long_documents="firstp").score(SHORT)
    scores, counts = Reranker(scorer, tokenizer, max_query_length=8, long_documents=method).score_counted(SHORT)
    np.testing.assert_array_equal(scores, plain)
    assert counts == ScoreCounts(pairs=4, passages=4)
    # Beside longer ones, but for the rounding of other batches.
    narrow = Reranker(scorer, tokenizer, max_query_length=8, long_documents=method, passage_tokens=8)
    scores, counts = narrow.score_counted([*SHORT, ("a cat", LONG)])
    np.testing.assert_allclose(scores[:4], plain, atol=1e-6)
    assert counts.split == 1 and narrow.score([]).shape == (0,)


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
    for method, expected in (("maxp", scores.max()), ("firstp", scores[0]), ("meanp", scores.mean())):
        passages = Reranker(scorer, tokenizer, max_query_length=8, long_documents=method, passage_tokens=8)
        found, counts = passages.score_counted(pairs)
        assert found[1] == pytest.approx(expected, abs=1e-6)
        assert counts == ScoreCounts(2, *((2, 1, 1) if method == "firstp" else (1 + len(starts), 1, 0)))


def test_nothing_is_cut_unless_asked_for(scorer, tokenizer) -> None:
    """What stands beyond the model's length counts by default."""
    lengths = {"max_query_length": 4, "max_length": 16}
    beginning = "the quick brown"
    pairs = [("fox", f"{beginning} {word}") for word in ("", "fox", "zebra", "lazy dog", "xylophone")]
    first, counts = Reranker(scorer, tokenizer, **lengths, long_documents="firstp").score_counted(pairs)
    np.testing.assert_allclose(first, first[0], atol=1e-6)
    assert counts.truncated_documents == 5
    mean, counts = Reranker(scorer, tokenizer, **lengths, long_documents="meanp").score_counted(pairs)
    assert np.ptp(mean) > 1e-3 and counts.truncated_documents == 0 and counts.split == 5
    best, counts = Reranker(scorer, tokenizer, **lengths).score_counted(pairs)
    assert (best >= mean).all() and (best >= first - 1e-6).all() and counts.truncated_documents == 0


def test_passages_of_a_long_encoder(long_checkpoint) -> None:
    """They carry the number of global tokens."""
    reranker = Reranker.from_pretrained(long_checkpoint, device="cpu", max_query_length=8, passage_tokens=8)
    assert reranker.collator.global_attention
    whole = Reranker.from_pretrained(long_checkpoint, device="cpu", max_query_length=8)
    np.testing.assert_array_equal(reranker.score(SHORT), whole.score(SHORT))
    assert reranker.score([("a cat", LONG)])[0] != whole.score([("a cat", LONG)])[0]


def test_parts_and_chunks_change_nothing(scorer, tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many texts are tokenized and scored at a time."""
    reranker = Reranker(scorer, tokenizer, max_query_length=8, max_length=20)
    pairs = [*SHORT, ("a cat", LONG), ("dog", LONG * 3), ("a", "fox"), ("dog", LONG)]
    scores, counts = reranker.score_counted(pairs)
    for name, value in (("_TOKENS", 30), ("_CHARACTERS", 60), ("TOKENIZE_CHUNK", 2)):
        monkeypatch.setattr(f"xlretrieval.inference.reranker.{name}", value)
        again, same = reranker.score_counted(pairs)
        np.testing.assert_allclose(again, scores, atol=1e-6)
        assert same == counts


def test_wrong_passages_are_named(scorer, tokenizer) -> None:
    lengths = {"max_query_length": 4, "max_length": 16}
    with pytest.raises(ValueError, match="long_documents must be one of maxp, firstp, meanp, got 'sump'"):
        Reranker(scorer, tokenizer, **lengths, long_documents="sump")
    for window in (0, 10):
        with pytest.raises(
            ValueError, match="A passage must have 1 to 9 tokens, which 4 of the query leave of 16, got"
        ):
            Reranker(scorer, tokenizer, **lengths, passage_tokens=window)
    for stride in (0, 6):
        with pytest.raises(ValueError, match="The stride of passages must be 1 to 5 tokens"):
            Reranker(scorer, tokenizer, **lengths, passage_tokens=5, passage_stride=stride)
