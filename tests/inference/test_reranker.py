import copy
import logging

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, BertForSequenceClassification, BertModel

from xlretrieval.data.collators import RelevanceRankingCollator
from xlretrieval.data.examples import RankingGroup
from xlretrieval.inference.reranker import Reranker

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
        np.testing.assert_allclose(scores, expected, atol=1e-6)
    np.testing.assert_allclose(reranker.score(PAIRS[::-1]), expected[::-1], atol=1e-6)
    assert reranker.score([]).shape == (0,)


def test_pairs_are_encoded_as_the_tokenizer_does(scorer, tokenizer):
    reranker = Reranker(scorer, tokenizer, max_query_length=16)
    for row, pair in zip(reranker._encode(PAIRS), PAIRS, strict=True):
        expected = tokenizer(*pair)
        assert (row.ids, row.token_type_ids) == (expected["input_ids"], expected["token_type_ids"])
    assert (reranker.truncated, reranker.truncated_queries) == (0, 0)


def test_the_document_gives_way_and_the_query_keeps_its_cap(scorer, tokenizer):
    reranker = Reranker(scorer, tokenizer, max_query_length=4, max_length=12)
    rows = reranker._encode([("abcde", "q" * 50), ("ab", "yz"), ("ab", "w" * 20)])
    tokens = [tokenizer.convert_ids_to_tokens(row.ids) for row in rows]
    assert tokens[0] == ["[CLS]", "a", "##b", "##c", "##d", "[SEP]", "q", "##q", "##q", "##q", "##q", "[SEP]"]
    assert tokens[1] == ["[CLS]", "a", "##b", "[SEP]", "y", "##z", "[SEP]"]
    assert len(tokens[2]) == 12 and tokens[2][:4] == ["[CLS]", "a", "##b", "[SEP]"]
    assert rows[0].token_type_ids == [0] * 6 + [1] * 6
    assert (reranker.truncated_queries, reranker.truncated) == (1, 2)


def test_batches_are_those_of_training(long_checkpoint, scorer, tokenizer, monkeypatch):
    """A native encoder gets no mask of global tokens; a long one the mask of the collator it was trained with."""
    pair = ("fox [SEP]", "the lazy dog")
    group = RankingGroup(pair[0], [pair[1]], "en", "en", seed=0, pair="en-en")
    for reranker, long in (
        (Reranker(scorer, tokenizer, max_query_length=16), False),
        (Reranker.from_pretrained(long_checkpoint, device="cpu", max_query_length=16), True),
    ):
        seen = []
        forward = reranker.model.forward
        monkeypatch.setattr(
            reranker.model, "forward", lambda f=forward, s=seen, **batch: s.append(batch) or f(**batch)
        )
        reranker.score([pair])
        collator = RelevanceRankingCollator(tokenizer, 64, 16, global_attention=long)
        expected = collator([group])
        del expected["labels"]
        assert ("global_attention_mask" in expected) == long
        assert {name: values.tolist() for name, values in seen[0].items()} == {
            name: values.tolist() for name, values in expected.items()
        }


def test_special_tokens_in_a_text_are_text(scorer, tokenizer):
    (row,) = Reranker(scorer, tokenizer, max_query_length=16)._encode([("a [SEP] b", "[CLS]")])
    # [ and ] are not in the vocabulary.
    words = "[CLS] a [UNK] s ##e ##p [UNK] b [SEP] [UNK] c ##l ##s [UNK] [SEP]"
    assert tokenizer.convert_ids_to_tokens(row.ids) == words.split()
    assert row.number_of_global == 9


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
    with pytest.raises(ValueError, match="room for a document beside 61 query tokens and 3 special ones, got 64"):
        Reranker(scorer, tokenizer, max_query_length=61)
    with pytest.raises(ValueError, match="max_query_length must be at least 1, got 0"):
        Reranker(scorer, tokenizer, max_query_length=0)


def test_an_empty_document_is_still_a_pair(scorer, tokenizer):
    # tokenizer("ab", "") leaves out the second separator, so such a document would be scored as a single text.
    reranker = Reranker(scorer, tokenizer, max_query_length=16)
    (row,) = reranker._encode([("ab", "")])
    assert tokenizer.convert_ids_to_tokens(row.ids) == ["[CLS]", "a", "##b", "[SEP]", "[SEP]"]
    with torch.no_grad():
        ids, types = torch.tensor([row.ids]), torch.tensor([[0, 0, 0, 0, 1]])
        expected = scorer(input_ids=ids, token_type_ids=types).logits[:, 0]
    np.testing.assert_allclose(reranker.score([("ab", "")]), expected, atol=1e-6)


def test_tokenizers_written_in_python_encode_pairs_too(scorer, python_tokenizer):
    reranker = Reranker(scorer, python_tokenizer, max_query_length=4, max_length=12)
    rows = reranker._encode([("abcde", "q" * 50), ("ab", "yz")])
    cls, sep = python_tokenizer.cls_token_id, python_tokenizer.sep_token_id
    assert rows[0].ids == [cls, *map(ord, "abcd"), sep, *map(ord, "qqqqq"), sep]
    assert rows[1].ids == python_tokenizer("ab", "yz")["input_ids"]
    assert (reranker.truncated_queries, reranker.truncated) == (1, 1)


def test_long_checkpoints_score_with_their_head(long_checkpoint):
    reranker = Reranker.from_pretrained(long_checkpoint, device="cpu", max_query_length=16)
    assert type(reranker.model).__name__ == "BertLongForXLRetrieval"
    scores = reranker.score(PAIRS)
    np.testing.assert_allclose(reranker.score(PAIRS, batch_tokens=1), scores, atol=1e-6)
    # One at a time, as a user would; the model finds the global tokens itself.
    tokenizer = AutoTokenizer.from_pretrained(long_checkpoint)
    with torch.no_grad():
        expected = [reranker.model(**tokenizer(*pair, return_tensors="pt")).logits.item() for pair in PAIRS]
    np.testing.assert_allclose(scores, expected, atol=1e-6)
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
