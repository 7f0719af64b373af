import copy
import logging

import numpy as np
import pytest
import torch
from transformers import BertForSequenceClassification, BertModel, CanineTokenizer

from xlretrieval.inference.reranker import Reranker, encode_pairs

PAIRS = [
    ("a cat", "the quick brown fox"),
    ("zebra", "dog"),
    ("fox", "jumps over the lazy dog"),
    ("a", "b"),
    ("a", "fox"),
]


def test_scores_are_those_of_one_pair_at_a_time(scorer, tokenizer):
    with torch.no_grad():
        expected = [scorer(**tokenizer(*pair, return_tensors="pt")).logits.item() for pair in PAIRS]
    reranker = Reranker(scorer, tokenizer, max_query_length=16)
    for batch_tokens in (1, 50, 16384):
        scores = reranker.score(PAIRS, batch_tokens=batch_tokens)
        assert scores.shape == (5,) and scores.dtype == np.float32
        np.testing.assert_allclose(scores, expected, atol=1e-5)
    np.testing.assert_allclose(reranker.score(PAIRS[::-1]), expected[::-1], atol=1e-5)
    assert reranker.score([]).shape == (0,)


def test_pairs_are_encoded_as_the_tokenizer_does(tokenizer):
    rows, queries, documents = encode_pairs(tokenizer, PAIRS, 64, 64)
    for row, pair in zip(rows, PAIRS, strict=True):
        expected = tokenizer(*pair)
        assert row == {name: expected[name] for name in ("input_ids", "token_type_ids")}
    assert (queries, documents) == (0, 0)


def test_the_document_gives_way_and_the_query_keeps_its_cap(tokenizer):
    rows, queries, documents = encode_pairs(tokenizer, [("abcde", "q" * 50), ("ab", "yz"), ("ab", "w" * 20)], 4, 12)
    tokens = [tokenizer.convert_ids_to_tokens(row["input_ids"]) for row in rows]
    assert tokens[0] == ["[CLS]", "a", "##b", "##c", "##d", "[SEP]", "q", "##q", "##q", "##q", "##q", "[SEP]"]
    assert tokens[1] == ["[CLS]", "a", "##b", "[SEP]", "y", "##z", "[SEP]"]
    assert len(tokens[2]) == 12 and tokens[2][:4] == ["[CLS]", "a", "##b", "[SEP]"]
    assert rows[0]["token_type_ids"] == [0] * 6 + [1] * 6
    assert (queries, documents) == (1, 2)


def test_truncation_is_counted_and_logged(scorer, tokenizer, caplog):
    reranker = Reranker(scorer, tokenizer, max_query_length=4, max_length=12)
    with caplog.at_level(logging.WARNING):
        reranker.score([("abcde", "q" * 50), ("ab", "yz")])
    assert (reranker.truncated, reranker.truncated_queries) == (1, 1)
    assert [record.getMessage() for record in caplog.records] == [
        "1 documents and 1 queries of 2 pairs were cut (12 tokens a pair, 4 a query)"
    ]


def test_rank_sorts_by_score_and_keeps_the_order_of_equal_ones(scorer, tokenizer):
    reranker = Reranker(scorer, tokenizer, max_query_length=16)
    documents = ["lazy dog", "fox", "lazy dog", "a brown fox", "zebra"]
    scores = reranker.score([("fox", document) for document in documents])
    ranked = reranker.rank("fox", documents)
    assert [index for index, _ in ranked] == np.argsort(-scores, kind="stable").tolist()
    indices = [index for index, _ in ranked]
    assert indices.index(0) + 1 == indices.index(2)
    assert reranker.rank("fox", documents, top_k=2) == ranked[:2]
    assert reranker.rank("fox", []) == []


def test_two_labels_must_be_converted(model, tokenizer):
    with pytest.raises(ValueError, match="must have one logit, got 2 labels. Convert the checkpoint"):
        Reranker(BertForSequenceClassification(model.config), tokenizer)


def test_the_query_cap_must_leave_room(scorer, tokenizer):
    with pytest.raises(ValueError, match="max_query_length must be between 1 and 60, .* got 61"):
        Reranker(scorer, tokenizer, max_query_length=61)


def test_an_empty_document_is_still_a_pair(tokenizer):
    # tokenizer("ab", "") leaves out the second separator, so such a document would be scored as a single text.
    rows, _, _ = encode_pairs(tokenizer, [("ab", "")], 64, 64)
    assert tokenizer.convert_ids_to_tokens(rows[0]["input_ids"]) == ["[CLS]", "a", "##b", "[SEP]", "[SEP]"]


def test_tokenizers_written_in_python_encode_pairs_too():
    tokenizer = CanineTokenizer()
    rows, queries, documents = encode_pairs(tokenizer, [("abcde", "q" * 50), ("ab", "yz")], 4, 12)
    cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
    assert rows[0]["input_ids"] == [cls, *map(ord, "abcd"), sep, *map(ord, "qqqqq"), sep]
    assert rows[1]["input_ids"] == tokenizer("ab", "yz")["input_ids"]
    assert (queries, documents) == (1, 1)


def test_long_checkpoints_score_with_their_head(long_checkpoint):
    reranker = Reranker.from_pretrained(long_checkpoint, device="cpu", max_query_length=16)
    assert type(reranker.model).__name__ == "BertLongForXLRetrieval"
    scores = reranker.score(PAIRS)
    np.testing.assert_allclose(reranker.score(PAIRS, batch_tokens=1), scores, atol=1e-6)
    assert len(set(scores.tolist())) == len(PAIRS)


def test_scores_that_are_not_finite_are_an_error(scorer, tokenizer):
    scorer = copy.deepcopy(scorer)
    torch.nn.init.constant_(scorer.classifier.bias, float("nan"))
    with pytest.raises(ValueError, match="Scores must be finite, got nan for pair 0"):
        Reranker(scorer, tokenizer, max_query_length=16).score(PAIRS)


def test_from_pretrained_needs_a_trained_head(scorer, tokenizer, tmp_path):
    scorer.save_pretrained(tmp_path / "trained")
    BertModel(scorer.config).save_pretrained(tmp_path / "bare")
    for name in ("trained", "bare"):
        tokenizer.save_pretrained(tmp_path / name)
    loaded = Reranker.from_pretrained(tmp_path / "trained", device="cpu", max_query_length=16)
    expected = Reranker(scorer, tokenizer, max_query_length=16).score(PAIRS)
    np.testing.assert_array_equal(loaded.score(PAIRS), expected)
    with pytest.raises(ValueError, match="must have a trained relevance head, got none for classifier.bias"):
        Reranker.from_pretrained(tmp_path / "bare")
