"""Every pair is scored once, however many processes there are."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from xlretrieval.inference import distributed
from xlretrieval.inference.distributed import score_collection, score_once
from xlretrieval.inference.reranker import Reranker


class Threads:
    """A process group of threads: what `torch.distributed` does for processes, as far as scoring asks for it."""

    def __init__(self, number: int):
        self.local, self.slots, self.barrier = threading.local(), [None] * number, threading.Barrier(number)

    def is_available(self) -> bool:
        return True

    def is_initialized(self) -> bool:
        return True

    def get_rank(self) -> int:
        return self.local.rank

    def get_world_size(self) -> int:
        return len(self.slots)

    def all_gather_object(self, gathered: list, value: object) -> None:
        self.slots[self.get_rank()] = value
        self.barrier.wait(60)
        gathered[:] = self.slots
        self.barrier.wait(60)

    def run(self, work: Callable[[int], object]) -> list:
        """What `work(rank)` returns on every thread."""

        def start(rank: int) -> object:
            self.local.rank = rank
            return work(rank)

        with ThreadPoolExecutor(len(self.slots)) as pool:
            futures = [pool.submit(start, rank) for rank in range(len(self.slots))]
        return [future.result() for future in futures]


@pytest.fixture
def reranker(long_folder) -> Reranker:
    return Reranker.from_pretrained(str(long_folder), device="cpu", max_length=12, max_query_length=8)


def test_one_process_scores_as_the_reranker(reranker, judged):
    pairs = [(judged.queries["1"], judged.documents.content(document)) for document in judged.documents]
    expected = reranker.score(pairs)
    cut = reranker.truncated
    np.testing.assert_allclose(score_once(reranker, pairs), expected, atol=1e-6)
    assert reranker.truncated == cut > 0
    assert score_once(reranker, []).shape == (0,)


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
def test_every_pair_on_one_process(processes, reranker, judged, monkeypatch):
    """The same run and counts everywhere as on one; a real group is in the tests of the command."""
    queries = list(judged.queries)[:7]
    expected, expected_counts = score_collection(reranker, judged, queries)
    group, scored = Threads(processes), [[] for _ in range(processes)]
    monkeypatch.setattr(distributed, "dist", group)

    def work(rank: int):
        mine = Reranker(reranker.model, reranker.collator.tokenizer, max_length=12, max_query_length=8)
        score = mine.score
        mine.score = lambda pairs, **options: scored[rank].extend(pairs) or score(pairs, **options)
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


def test_fewer_pairs_than_processes(reranker, monkeypatch):
    expected = reranker.score([("water", "wasser")])
    group = Threads(3)
    monkeypatch.setattr(distributed, "dist", group)
    tokenizer = reranker.collator.tokenizer
    scores = group.run(lambda rank: score_once(Reranker(reranker.model, tokenizer), [("water", "wasser")]))
    np.testing.assert_allclose(scores, [expected] * 3, atol=1e-6)


def test_a_bad_score_is_an_error_on_every_process(reranker, judged, monkeypatch):
    """One that left alone would leave the others waiting."""
    group = Threads(2)
    monkeypatch.setattr(distributed, "dist", group)

    def work(rank: int) -> str:
        mine = Reranker(reranker.model, reranker.collator.tokenizer)
        if rank == 1:
            monkeypatch.setattr(mine, "score", raise_problem)
        with pytest.raises(ValueError, match="Scores must be finite") as raised:
            score_collection(mine, judged, ["1"])
        return str(raised.value)

    assert group.run(work) == ["Scores must be finite, got nan"] * 2


def raise_problem(*_, **__) -> None:
    raise ValueError("Scores must be finite, got nan")
