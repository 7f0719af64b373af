"""What an encoder finds in a whole collection: the same as comparing everything with everything."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from xlretrieval.data.collections import load_collection
from xlretrieval.data.trec import rank_documents
from xlretrieval.inference import distributed, first_stage
from xlretrieval.inference.encoder import Encoder
from xlretrieval.inference.first_stage import first_stage as search

TEXTS = ["water river", "old house", "river", "music and people", "mountain", "river water house", "the land", "rain"]


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """Three queries; 61 documents, of which D5, D13, ... have the same text, and so on."""
    folder = tmp_path_factory.mktemp("first-stage")
    rows = [{"id": f"D{number}", "text": TEXTS[number % 8] + " x" * (number // 40)} for number in range(61)]
    (folder / "documents.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "topics.tsv").write_text("1\triver water\n2\tmusic\n3\told mountain house\n")
    (folder / "qrels.txt").write_text("".join(f"{query} 0 D{query} 1\n" for query in (1, 2, 3)))
    (folder / "c.yaml").write_text(
        "name: c\ntopics: {en: topics.tsv}\ndocuments: {de: documents.jsonl}\nqrels: {de: qrels.txt}\n"
    )
    return load_collection(folder / "c.yaml", cache_dir=folder / "cache")


@pytest.fixture
def encoder(model, tokenizer) -> Encoder:
    return Encoder(model, tokenizer)


def cosines(encoder: Encoder, collection, **options) -> dict[str, dict[str, float]]:
    """All of them."""
    ids = list(collection.documents)
    queries, documents = (
        encoder.encode(texts, **options).astype(np.float64)
        for texts in (list(collection.queries.values()), [collection.documents[id].content for id in ids])
    )
    matrix = queries @ documents.T
    return {
        query: dict(zip(ids, row.tolist(), strict=True)) for query, row in zip(collection.queries, matrix, strict=True)
    }


@pytest.mark.parametrize(("block", "top_k"), [(4096, 5), (7, 5), (7, 20), (1, 3), (61, 61), (10, 999)])
def test_the_same_as_comparing_everything(block, top_k, encoder, collection, monkeypatch):
    monkeypatch.setattr(first_stage, "_BLOCK", block)
    monkeypatch.setattr(first_stage, "_QUERIES", 2)
    options = {"pooling": "cls", "layer": 2}
    run, counts = search(encoder, collection, top_k, **options)
    assert counts == {"documents": 61, "truncated_documents": 0, "truncated_queries": 0}
    assert list(run) == ["1", "2", "3"]
    for query, expected in cosines(encoder, collection, **options).items():
        found = run[query]
        assert len(found) == min(top_k, 61) and list(found) == rank_documents(found)
        assert found == pytest.approx({document: expected[document] for document in found}, abs=1e-6)
        left = [score for document, score in expected.items() if document not in found]
        assert not left or max(left) <= min(found.values()) + 1e-6


@pytest.mark.parametrize("block", [4096, 7])
def test_equal_documents_rank_by_their_ids(block, collection, encoder, monkeypatch):
    """As trec_eval has it: the later id first, whatever block it is in."""
    monkeypatch.setattr(first_stage, "_BLOCK", block)
    monkeypatch.setattr(encoder, "encode", lambda texts, *_, **__: np.full((len(texts), 2), 0.5, np.float32))
    run, _ = search(encoder, collection, 4)
    assert {query: list(found) for query, found in run.items()} == dict.fromkeys("123", ["D9", "D8", "D7", "D60"])


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_share_the_documents(processes, encoder, collection, threads, monkeypatch):
    monkeypatch.setattr(first_stage, "_BLOCK", 9)
    alone = search(encoder, collection, 6, max_length=5)
    assert alone[1]["truncated_documents"] > 0
    group, read = threads(processes), [[] for _ in range(processes)]
    monkeypatch.setattr(distributed, "dist", group)

    def work(rank: int):
        mine = Encoder(encoder.model, encoder.tokenizer)
        encode = mine.encode
        mine.encode = lambda texts, *rest, **options: read[rank].append(len(texts)) or encode(texts, *rest, **options)
        return search(mine, collection, 6, max_length=5)

    for run, counts in group.run(work):
        assert (run, counts) == alone and [*run["1"]] == [*alone[0]["1"]]
    assert sum(map(sum, read)) == 61 + 3 * processes


def test_more_candidates_begin_with_the_fewer(encoder, collection):
    few, many = (search(encoder, collection, top_k)[0] for top_k in (4, 30))
    for query, found in few.items():
        assert list(many[query])[:4] == list(found)
    candidates = collection.with_run(many, 4).candidates
    assert candidates == {query: list(found) for query, found in few.items()}


def test_mistakes(encoder, collection, monkeypatch):
    with pytest.raises(ValueError, match="top_k must be at least 1, got 0"):
        search(encoder, collection, 0)
    with pytest.raises(ValueError, match="layer must be between -4 and 3, got 9"):
        search(encoder, replace(collection, candidates={}), layer=9)
    nan = [np.ones((3, 2), np.float32), np.ones((61, 2), np.float32)]
    nan[1][4] = np.nan
    monkeypatch.setattr(encoder, "encode", lambda *_, **__: nan.pop(0))
    with pytest.raises(ValueError, match="Vectors must be finite, got NaN or infinity for D4"):
        search(encoder, collection)
