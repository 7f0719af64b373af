"""sentence-transformers: a folder of ours is a CrossEncoder, and its evaluator measures what ours does."""

from __future__ import annotations

from typing import Any

import pytest

from xlretrieval.evaluation.ranking import evaluate_run

torch = pytest.importorskip("torch")
library = pytest.importorskip("sentence_transformers")


@pytest.fixture(scope="module")
def cross_encoder(task: Any) -> Any:
    return library.CrossEncoder(str(task.folder), trust_remote_code=True, activation_fn=torch.nn.Identity())


def test_a_cross_encoder_gives_our_scores(task: Any, cross_encoder: Any) -> None:
    pairs = [(task.queries[query], task.documents[name]) for query, of in task.run.items() for name in of]
    ours = [score for of in task.run.values() for score in of.values()]
    assert len(pairs) == 240 and cross_encoder.predict(pairs).tolist() == pytest.approx(ours, abs=1e-5)


def test_its_reranking_evaluator_gives_our_figures(task: Any, cross_encoder: Any) -> None:
    from sentence_transformers.cross_encoder.evaluation import CrossEncoderRerankingEvaluator

    samples = [
        {
            "query": task.queries[query],
            "positive": [task.documents[name] for name in of if task.qrels[query].get(name)],
            "negative": [task.documents[name] for name in of if not task.qrels[query].get(name)],
        }
        for query, of in task.run.items()
    ]
    theirs = CrossEncoderRerankingEvaluator(samples, write_csv=False)(cross_encoder)
    ours = evaluate_run(task.run, task.qrels, ("AP", "RR@10", "nDCG@10")).mean
    assert 0.2 < ours["AP"] < 0.9
    expected = {"map": ours["AP"], "mrr@10": ours["RR@10"], "ndcg@10": ours["nDCG@10"]}
    assert {name: theirs[name] for name in expected} == pytest.approx(expected, abs=1e-6)
