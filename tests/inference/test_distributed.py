"""Every pair is scored once, however many processes there are."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from xlretrieval.inference import distributed
from xlretrieval.inference.distributed import encode_once, main_first, score_collection, score_once, together
from xlretrieval.inference.encoder import Encoder
from xlretrieval.inference.reranker import Reranker


@pytest.fixture
def reranker(long_folder) -> Reranker:
    lengths = {"max_length": 12, "max_query_length": 8}
    return Reranker.from_pretrained(str(long_folder), device="cpu", **lengths, long_documents="firstp")


def test_one_process_scores_as_the_reranker(reranker, judged):
    pairs = [(judged.queries["1"], judged.documents.content(document)) for document in judged.documents]
    expected, expected_counts = reranker.score_counted(pairs)
    scores, counts = score_once(reranker, pairs)
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert counts == expected_counts and counts.truncated_documents > 0
    assert score_once(reranker, [])[0].shape == (0,)


def test_a_collection_in_chunks(reranker, judged, monkeypatch):
    run, counts = score_collection(reranker, judged, ["3", "1"])
    assert list(run) == ["3", "1"] and all(list(run[query]) == judged.candidates[query] for query in run)
    assert counts["pairs"] == 24 and counts["truncated_queries"] == 0 < counts["truncated_documents"]
    monkeypatch.setattr(distributed, "PAIRS_PER_CHUNK", 5)
    again, same_counts = score_collection(reranker, judged, ["3", "1"])
    assert same_counts == counts
    for query, documents in run.items():
        assert again[query] == pytest.approx(documents, abs=1e-6)


@pytest.mark.parametrize("processes", [2, 3])
def test_every_pair_on_one_process(processes, reranker, judged, threads, monkeypatch):
    """The same run and counts everywhere as on one; a real group is in the tests of the command."""
    queries = list(judged.queries)[:7]
    expected, expected_counts = score_collection(reranker, judged, queries)
    group, scored = threads(processes), [[] for _ in range(processes)]
    monkeypatch.setattr(distributed, "dist", group)

    def work(rank: int):
        mine = Reranker(reranker.model, reranker.collator.tokenizer, 8, 12, long_documents="firstp")
        score = mine.score_counted
        mine.score_counted = lambda pairs, *options: scored[rank].extend(pairs) or score(pairs, *options)
        return score_collection(mine, judged, queries)

    results = group.run(work)
    assert [len(pairs) for pairs in scored] == [7 * 12 // processes] * processes
    assert sorted(pair for pairs in scored for pair in pairs) == sorted(
        (judged.queries[query], judged.documents.content(document))
        for query in queries
        for document in judged.candidates[query]
    )
    for run, counts in results:
        assert run == results[0][0] and counts == expected_counts
        for query, documents in expected.items():
            assert run[query] == pytest.approx(documents, abs=1e-6)


def test_fewer_pairs_than_processes(reranker, threads, monkeypatch):
    expected = reranker.score([("water", "wasser")])
    group = threads(3)
    monkeypatch.setattr(distributed, "dist", group)
    tokenizer = reranker.collator.tokenizer
    scores = group.run(lambda rank: score_once(Reranker(reranker.model, tokenizer), [("water", "wasser")])[0])
    np.testing.assert_allclose(scores, [expected] * 3, atol=1e-6)


def test_a_bad_score_is_an_error_on_every_process(reranker, judged, threads, monkeypatch):
    """One that left alone would leave the others waiting."""
    group = threads(2)
    monkeypatch.setattr(distributed, "dist", group)

    def work(rank: int) -> str:
        mine = Reranker(reranker.model, reranker.collator.tokenizer)
        if rank == 1:
            monkeypatch.setattr(mine, "score_counted", raise_problem)
        with pytest.raises(ValueError, match="Scores must be finite") as raised:
            score_collection(mine, judged, ["1"])
        return str(raised.value)

    assert group.run(work) == ["Scores must be finite, got nan"] * 2


def test_an_error_names_the_pair_of_the_caller(reranker, judged, threads, monkeypatch):
    """And not its place in what a process scores, or in a part of the collection."""
    tokenizer, model = reranker.collator.tokenizer, copy.deepcopy(reranker.model)
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight[tokenizer.convert_tokens_to_ids("z")] = float("nan")
    pairs = [("a", "b" * length) for length in (1, 2, 3, 4)] + [("a", "z"), ("a", "b")]
    documents = judged.documents
    chosen = list(judged.candidates["1"])[6]
    content = lambda document: "z" if document == chosen else "b"  # noqa: E731
    monkeypatch.setattr(type(documents), "content", lambda self, document: content(document))
    monkeypatch.setattr(distributed, "PAIRS_PER_CHUNK", 5)

    def work(rank: int) -> None:
        mine = Reranker(model, tokenizer)
        with pytest.raises(ValueError, match="Scores must be finite, got nan for pair 4"):
            score_once(mine, pairs)
        with pytest.raises(ValueError, match=f"got nan for document {chosen} of query 1"):
            score_collection(mine, judged, ["1"])
        with pytest.raises(ValueError, match="The document of pair 5 must be"):
            score_once(mine, [*pairs[:5], ("a", None)])

    work(0)
    group = threads(2)
    monkeypatch.setattr(distributed, "dist", group)
    group.run(work)


def raise_problem(*_, **__) -> None:
    raise ValueError("Scores must be finite, got nan")


def test_the_main_process_is_first(threads, monkeypatch):
    assert main_first(lambda: 7) == 7 and together(lambda: 8) == [8]
    group, order = threads(3), []
    monkeypatch.setattr(distributed, "dist", group)

    def work(rank: int) -> int:
        return main_first(lambda: order.append(rank) or rank)

    assert group.run(work) == [0, 1, 2]
    assert order[0] == 0 and sorted(order) == [0, 1, 2]
    assert group.run(lambda rank: together(lambda: rank)) == [[0, 1, 2]] * 3

    def fail(rank: int) -> str:
        with pytest.raises(ValueError, match=r"No such file or directory: '/no/such'") as raised:
            main_first(lambda: open("/no/such"))
        return str(raised.value)

    assert len(set(group.run(fail))) == 1


def test_every_text_on_one_process(model, tokenizer, threads, monkeypatch):
    texts = ["water", "a long river of water and of houses", "house", "a river", "and another house by the river"]
    encoder = Encoder(model, tokenizer)
    expected = encoder.encode(texts, "cls", max_length=8)
    cut, group, encoded = encoder.truncated, threads(2), []
    monkeypatch.setattr(distributed, "dist", group)

    def work(rank: int) -> tuple[np.ndarray, int]:
        mine = Encoder(model, tokenizer)
        encode = mine.encode
        mine.encode = lambda found, **options: encoded.extend(found) or encode(found, **options)
        return encode_once(mine, texts, pooling="cls", max_length=8), mine.truncated

    for vectors, truncated in group.run(work):
        np.testing.assert_allclose(vectors, expected, atol=1e-6)
        assert truncated == cut > 0
    assert sorted(encoded) == sorted(texts)
