"""Ranking judged queries while training: what becomes of documents that are longer than the model is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from xlretrieval.data.collections.collection import Collection
from xlretrieval.data.ranking_examples import CollectionQueries
from xlretrieval.inference.reranker import Reranker
from xlretrieval.trainers.judged_queries import rank_queries
from xlretrieval.trainers.ranker import load_ranker
from xlretrieval.trainers.ranking_arguments import RankingArguments


def test_long_documents_by_their_best_passage(long_folder: Path, judged: Collection, tmp_path: Path) -> None:
    """10 tokens are less than the documents have."""
    query = next(iter(judged.queries))
    part = CollectionQueries(judged, (query,))
    model, tokenizer = load_ranker(str(long_folder))
    options = {"max_length": 10, "max_query_length": 3, "use_cpu": True}

    def ranked(**changes: str) -> tuple[dict[str, float], dict[str, int]]:
        args = RankingArguments(output_dir=str(tmp_path), **options, **changes)
        runs, counts = rank_queries(model, tokenizer, [part], args)
        return runs[part.name][query], counts

    first, counts = ranked()
    assert counts["truncated_documents"] == counts["pairs"] == len(first) > 0
    best, counts = ranked(long_documents="maxp")
    assert counts["truncated_documents"] == 0 and all(best[name] >= first[name] - 1e-6 for name in first)
    reranker = Reranker(model, tokenizer, 3, 10, "maxp")
    pairs = [(judged.queries[query], judged.documents.content(name)) for name in best]
    assert list(best.values()) == pytest.approx(reranker.score(pairs).tolist(), abs=1e-6)
    assert max(best[name] - first[name] for name in first) > 1e-4


def test_an_unknown_way(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="long_documents must be one of maxp, firstp, meanp, got 'best'"):
        RankingArguments(output_dir=str(tmp_path), long_documents="best", use_cpu=True)
