"""From collections to what is ranked: candidates, limits, and pools of several languages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xlretrieval.data.collections import Collection, load_collection
from xlretrieval.evaluation import reranking
from xlretrieval.evaluation.candidates import rank_candidates
from xlretrieval.evaluation.collection_task import collection_task, mix_languages
from xlretrieval.evaluation.reranking import rerank
from xlretrieval.inference.reranker import Reranker


@pytest.fixture
def collections(two_languages: Path, tmp_path: Path) -> list[Collection]:
    return [load_collection(two_languages, direction, tmp_path / "cache") for direction in ("en-de", "en-fr")]


def test_the_task_of_a_collection(collections: list[Collection]) -> None:
    task = collection_task(collections[0])
    assert task.name == "en-de"
    assert task.queries == {"41-AH": "river water", "43-AH": "music"}
    assert task.candidates == {"41-AH": ["D1", "D2"], "43-AH": ["D1", "D2", "D3"]}
    assert dict(task.documents) == {
        "D1": "der Fluss und das Wasser",
        "D2": "die Musik",
        "D3": "der Berg",
    }
    assert task.qrels == {"41-AH": {"D1": 1, "D2": 0}, "43-AH": {"D2": 1, "D3": 0, "D1": 0}}
    assert task.dropped == {"topics without judgements": 2}


def test_a_limit_draws_queries_and_keeps_their_order(collections: list[Collection]) -> None:
    names = [f"q{number}" for number in range(50)]
    many = replace(collections[0], queries=dict.fromkeys(names, "x"), qrels={name: {"D1": 1} for name in names})
    ten, twenty = (list(collection_task(many, limit, seed=3).queries) for limit in (10, 20))
    assert len(ten) == 10 and set(ten) < set(twenty)
    assert twenty == sorted(twenty, key=names.index) and twenty != names[:20]
    assert ten != list(collection_task(many, 10, seed=4).queries)
    assert collection_task(many, 10).dropped["queries beyond the limit"] == 40
    assert list(collection_task(many, 99).queries) == names
    with pytest.raises(ValueError, match="limit must be at least 1 query, got 0"):
        collection_task(many, 0)
    with pytest.raises(ValueError, match="two en-de: a collection must have judgements to be measured by"):
        collection_task(replace(many, qrels={}))


def test_a_query_without_candidates_stays(collections: list[Collection]) -> None:
    task = collection_task(collections[0].with_run({"41-AH": {"D3": 1.0}}))
    assert task.candidates == {"41-AH": ["D3"], "43-AH": []} and len(task.qrels) == 2


def test_languages_are_mixed_by_topic(collections: list[Collection]) -> None:
    mixed = mix_languages(collections)
    assert mixed.direction == "en-de+fr"
    # Joined by number, by the ids of the first.
    assert mixed.candidates == {"41-AH": ["D1", "D2", "F1", "F2"], "43-AH": ["D1", "D2", "D3"], "C042": ["F1", "F2"]}
    assert mixed.qrels["41-AH"] == {"D1": 1, "D2": 0, "F1": 1, "F2": 0}
    assert [mixed.documents.language(document) for document in ("D1", "F2")] == ["de", "fr"]
    assert mixed.documents["F2"].text == "la maison rouge" and len(mixed.documents) == 5
    assert sorted(mixed.documents) == ["D1", "D2", "D3", "F1", "F2"]
    assert "D9" not in mixed.documents
    with pytest.raises(KeyError):
        mixed.documents.language("D9")
    task = collection_task(mixed)
    assert task.name == "en-de+fr" and task.documents["D2"] == "die Musik"
    assert task.dropped == {"topics without judgements": 4}
    run = {"41-AH": {"F1": 2.0, "D3": 1.0, "D1": 0.0}}
    assert mixed.with_run(run, top_k=2).candidates["41-AH"] == ["F1", "D3"]


def test_what_cannot_be_mixed(collections: list[Collection]) -> None:
    german, french = collections
    for wrong in ([german], [german, german], [german, replace(french, query_language="es")], []):
        with pytest.raises(ValueError, match="Collections that are mixed must have queries in the same language"):
            mix_languages(wrong)
    with pytest.raises(ValueError, match="Collections that are mixed must have judgements, got en-fr without"):
        mix_languages([german, replace(french, qrels={})])
    twice = mix_languages([german, replace(german, document_language="nl")])
    with pytest.raises(ValueError, match="must have one language, got D1 in de and nl"):
        twice.documents.language("D1")


def test_parts_change_nothing(
    collections: list[Collection], tiny_checkpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    checkpoint, lengths = tiny_checkpoint("BertForSequenceClassification"), {"max_query_length": 2, "max_length": 8}
    reranker = Reranker.from_pretrained(checkpoint, device="cpu", **lengths, long_documents="firstp")
    task = collection_task(mix_languages(collections))
    whole, counts = rerank(reranker, task)
    # Queries are cut to 2 tokens, documents to the 3 that are left. "wasser" is a token, "Wasser" too.
    assert counts.pairs == counts.passages == 9 and counts.split == counts.truncated_documents > 0
    monkeypatch.setattr(reranking, "_PAIRS", 2)
    parts, again = rerank(reranker, task)
    plain = rank_candidates(reranker, task)
    for query, documents in task.candidates.items():
        assert list(whole[query]) == list(parts[query]) == documents
        values = [list(run[query].values()) for run in (whole, parts, plain)]
        np.testing.assert_allclose(values[0], values[1], atol=1e-5)
        np.testing.assert_allclose(values[0], values[2], atol=1e-5)
    assert counts == again
    _, counts = rerank(Reranker.from_pretrained(checkpoint, device="cpu", **lengths), task)
    assert counts.truncated_documents == 0 and counts.split == again.split
    assert counts.passages > 9
