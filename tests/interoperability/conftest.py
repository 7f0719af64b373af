"""A ranking task of twenty queries, and what our reranker makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from xlretrieval.data.collections import Collection
from xlretrieval.inference.reranker import Reranker


@dataclass(frozen=True)
class Task:
    """English queries, German candidates, who is relevant, and our scores."""

    folder: Path
    queries: dict[str, str]
    documents: dict[str, str]
    qrels: dict[str, dict[str, int]]
    run: dict[str, dict[str, float]]


@pytest.fixture(scope="session")
def task(judged: Collection, long_folder: Path) -> Task:
    reranker = Reranker.from_pretrained(str(long_folder))
    documents = {name: judged.documents[name].text for names in judged.candidates.values() for name in names}
    run = {}
    for query, names in judged.candidates.items():
        scores = reranker.score([(judged.queries[query], documents[name]) for name in names])
        run[query] = dict(zip(names, scores.tolist(), strict=True))
    return Task(long_folder, dict(judged.queries), documents, judged.qrels, run)
