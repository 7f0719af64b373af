import copy
import functools
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertForSequenceClassification, BertModel

from xlretrieval.data.collators import RelevanceRankingCollator
from xlretrieval.data.examples import RankingGroup
from xlretrieval.inference import reranker as reranking
from xlretrieval.inference.passages import ScoreCounts
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
    encoded = reranker.passages.encode(PAIRS)
    for row, pair in zip(encoded.rows, PAIRS, strict=True):
        expected = tokenizer(*pair)
        assert (row.ids, row.token_type_ids) == (expected["input_ids"], expected["token_type_ids"])
    assert encoded.counts == ScoreCounts(pairs=5, passages=5)


def test_the_document_gives_way_and_the_query_keeps_its_cap(scorer, tokenizer):
    reranker = Reranker(scorer, tokenizer, max_query_length=4, max_length=12, long_documents="firstp")
    encoded = reranker.passages.encode([("abcde", "q" * 50), ("ab", "yz"), ("ab", "w" * 20)])
    rows = encoded.rows
    tokens = [tokenizer.convert_ids_to_tokens(row.ids) for row in rows]
    assert tokens[0] == ["[CLS]", "a", "##b", "##c", "##d", "[SEP]", "q", "##q", "##q", "##q", "##q", "[SEP]"]
    assert tokens[1] == ["[CLS]", "a", "##b", "[SEP]", "y", "##z", "[SEP]"]
    assert len(tokens[2]) == 12 and tokens[2][:4] == ["[CLS]", "a", "##b", "[SEP]"]
    assert rows[0].token_type_ids == [0] * 6 + [1] * 6
    assert (encoded.counts.truncated_queries, encoded.counts.truncated_documents) == (1, 2)


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
    (row,) = Reranker(scorer, tokenizer, max_query_length=16).passages.encode([("a [SEP] b", "[CLS]")]).rows
    # [ and ] are not in the vocabulary.
    words = "[CLS] a [UNK] s ##e ##p [UNK] b [SEP] [UNK] c ##l ##s [UNK] [SEP]"
    assert tokenizer.convert_ids_to_tokens(row.ids) == words.split()
    assert row.number_of_global == 9


def test_truncation_is_counted_and_logged(scorer, tokenizer, caplog):
    reranker = Reranker(scorer, tokenizer, max_query_length=4, max_length=12, long_documents="firstp")
    with caplog.at_level(logging.WARNING):
        _, counts = reranker.score_counted([("abcde", "q" * 50), ("ab", "yz")])
    assert counts == ScoreCounts(pairs=2, passages=2, split=1, truncated_documents=1, truncated_queries=1)
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
    (row,) = reranker.passages.encode([("ab", "")]).rows
    assert tokenizer.convert_ids_to_tokens(row.ids) == ["[CLS]", "a", "##b", "[SEP]", "[SEP]"]
    with torch.no_grad():
        ids, types = torch.tensor([row.ids]), torch.tensor([[0, 0, 0, 0, 1]])
        expected = scorer(input_ids=ids, token_type_ids=types).logits[:, 0]
    np.testing.assert_allclose(reranker.score([("ab", "")]), expected, atol=1e-6)


def test_tokenizers_written_in_python_encode_pairs_too(scorer, python_tokenizer):
    reranker = Reranker(scorer, python_tokenizer, max_query_length=4, max_length=12, long_documents="firstp")
    encoded = reranker.passages.encode([("abcde", "q" * 50), ("ab", "yz")])
    rows = encoded.rows
    cls, sep = python_tokenizer.cls_token_id, python_tokenizer.sep_token_id
    assert rows[0].ids == [cls, *map(ord, "abcd"), sep, *map(ord, "qqqqq"), sep]
    assert rows[1].ids == python_tokenizer("ab", "yz")["input_ids"]
    assert (encoded.counts.truncated_queries, encoded.counts.truncated_documents) == (1, 1)


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
    # The number is that of the pair, not of a passage.
    scorer = copy.deepcopy(scorer)
    torch.nn.init.zeros_(scorer.classifier.bias)
    reranker = Reranker(scorer, tokenizer, max_query_length=4, max_length=12)
    with torch.no_grad():
        scorer.bert.embeddings.word_embeddings.weight[tokenizer.convert_tokens_to_ids("z")] = float("nan")
    with pytest.raises(ValueError, match="Scores must be finite, got nan for pair 2"):
        reranker.score([("a", "b" * 30), ("a", "b" * 40), ("a", "z"), ("a", "z")])


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


@pytest.mark.parametrize("kind", ["native", "long"])
def test_threads_get_the_scores_of_one(kind, scorer, long_checkpoint, tokenizer):
    """Of one reranker, and of several on one model that is in training mode, as within a training."""
    long = AutoModelForSequenceClassification.from_pretrained(long_checkpoint)
    model = (copy.deepcopy(scorer) if kind == "native" else long).train()
    lengths = {"max_query_length": 8, "max_length": 24}
    texts = ["quick brown fox", "lazy dog " * 6, "zebra", "the cat and the dog " * 3, "b"]
    calls = [[(query, text * number) for text in texts for query in ("a cat", "fox")] for number in (1, 2, 3, 4)] * 4
    one = Reranker(model, tokenizer, **lengths)
    expected = [one.score_counted(pairs) for pairs in calls]
    shared = Reranker(model, tokenizer, **lengths)
    with ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit((shared if index % 2 else Reranker(model, tokenizer, **lengths)).score_counted, pairs)
            for index, pairs in enumerate(calls)
        ]
        ranked = list(pool.map(lambda _: shared.rank("fox", texts), range(16)))
    for (scores, counts), job in zip(expected, jobs, strict=True):
        np.testing.assert_array_equal(job.result()[0], scores)
        assert job.result()[1] == counts
    assert all(ranking == one.rank("fox", texts) for ranking in ranked)
    assert all(module.training for module in model.modules())


def test_scores_do_not_depend_on_order_or_company(scorer, long_checkpoint, tokenizer):
    words = "the quick brown fox jumps over the lazy dog and the cat sat on a mat".split()
    rng = np.random.default_rng(0)
    pairs = [(words[i % 16], " ".join(rng.choice(words, rng.integers(0, 30)))) for i in range(60)]
    order = rng.permutation(60)
    for reranker in (
        Reranker(scorer, tokenizer, max_query_length=16),
        Reranker.from_pretrained(long_checkpoint, dtype="float32", device="cpu", max_query_length=16),
    ):
        scores = reranker.score(pairs)
        assert len(np.unique(scores)) > 50
        alone = [reranker.score([pair])[0] for pair in pairs]
        np.testing.assert_allclose(alone, scores, rtol=0, atol=1e-6)
        shuffled = reranker.score([pairs[place] for place in order], batch_tokens=200)
        np.testing.assert_allclose(shuffled, scores[order], rtol=0, atol=1e-6)


def test_bad_texts_are_named_by_their_place(scorer, tokenizer):
    reranker = Reranker(scorer, tokenizer, max_query_length=16)
    for query in ("", " \n", None):
        with pytest.raises(ValueError, match="A query must have text, got"):
            reranker.rank(query, ["fox"])
    with pytest.raises(ValueError, match="Document 2 must be text, got None. Give a string"):
        reranker.rank("fox", ["a", "", None])
    with pytest.raises(ValueError, match="Document 1 must be text, got 7"):
        reranker.rank("fox", ["a", 7])
    with pytest.raises(ValueError, match="Document 1 must be Unicode text, got half of a surrogate .* at character 4"):
        reranker.rank("fox", ["a", "the \ud83d"])
    with pytest.raises(ValueError, match="The query of pair 0 must be Unicode text, got half of a surrogate pair"):
        reranker.score([("\udc00", "a")])
    with pytest.raises(ValueError, match="The document of pair 1 must be text, got None"):
        reranker.score([("a", "b"), ("a", None)])
    for pair in ("ab", ("a", "b", "c"), None):
        with pytest.raises(ValueError, match="Pair 1 must be a query and a document, got"):
            reranker.score([("a", "b"), pair])
    with pytest.raises(ValueError, match="Documents must be a list of strings, got one string"):
        reranker.rank("fox", "a document")
    with pytest.raises(ValueError, match="batch_tokens must be at least 1, got 0"):
        reranker.score([("a", "b")], batch_tokens=0)
    with pytest.raises(ValueError, match="top_k must be at least 1, got 0"):
        reranker.rank("fox", ["a"], top_k=0)


@pytest.mark.slow
def test_a_document_of_megabytes_is_scored_in_windows(scorer, tokenizer):
    reranker = Reranker(scorer, tokenizer, max_query_length=16)
    text = ("x" * 1109 + " ") * 4_500  # each word is one unknown token, of which 5 MB are few enough for a test
    assert len(text) == 4_995_000
    reranker.score([("fox", "dog")])
    watch = Path("/proc/self/clear_refs")
    if watch.exists():
        watch.write_text("5")  # the peak so far, of whatever test was before, is no peak
    before = resident("VmRSS")
    scores, counts = reranker.score_counted([("fox", text), ("fox", "dog")])
    assert counts.pairs == 2 and counts.split == 1 and counts.truncated_documents == 0
    # 58 tokens a passage, half of which are new, and the other document.
    assert counts.passages == len(range(0, 4_500 - 58, 29)) + 2 and np.isfinite(scores).all()
    # The tokenizer takes some 50 bytes a character while it works.
    assert resident("VmHWM") - before < 400_000


def resident(name: str) -> int:
    """Memory of this process in KiB, VmRSS now and VmHWM at most; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


@pytest.mark.slow
def test_one_compiled_graph_serves_all_lengths(long_checkpoint, monkeypatch):
    graphs = []

    def count(graph, example_inputs):
        graphs.append(graph)
        return graph.forward

    plain = Reranker.from_pretrained(long_checkpoint, device="cpu", max_query_length=16)
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=count))
    compiled = Reranker.from_pretrained(long_checkpoint, device="cpu", max_query_length=16, compile=True)
    for length in (30, 3, 21, 40):
        pairs = [("a cat", "b" * length), ("fox", "b" * (length + 1))]
        np.testing.assert_allclose(compiled.score(pairs), plain.score(pairs), atol=1e-5)
    assert len(graphs) == 1
    torch.compiler.reset()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_scores_in_parts(long_checkpoint, monkeypatch):
    words = "the quick brown fox jumps over the lazy dog and the cat sat on a mat".split()
    rng = np.random.default_rng(0)
    pairs = [(words[i % 16], " ".join(rng.choice(words, rng.integers(0, 30)))) for i in range(300)]
    expected = Reranker.from_pretrained(long_checkpoint, dtype="float32", device="cpu").score(pairs)
    monkeypatch.setattr(reranking, "_ACCELERATED_CHARACTERS", 2000)
    monkeypatch.setattr(reranking, "_ACCELERATED_TOKENS", 500)
    for dtype, allowed in (("float32", 1e-4), ("bfloat16", 0.05)):
        on_gpu = Reranker.from_pretrained(long_checkpoint, dtype=dtype, device="cuda")
        np.testing.assert_allclose(on_gpu.score(pairs, batch_tokens=700), expected, atol=allowed)
