"""mteb: a folder of ours is a cross-encoder for its reranking tasks; here, for one that is made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from xlretrieval.evaluation.ranking import evaluate_run

torch = pytest.importorskip("torch")
library = pytest.importorskip("sentence_transformers")


def reranking_task(task: Any) -> Any:
    """The task as mteb has it: corpus and queries as data sets, candidates as `top_ranked`."""
    from datasets import Dataset
    from mteb.abstasks.retrieval import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata

    class Little(AbsTaskRetrieval):
        metadata = TaskMetadata(
            name="LittleReranking",
            description="English queries, German documents.",
            dataset={"path": "nowhere/little", "revision": "1"},
            type="Reranking",
            eval_langs=["eng-Latn", "deu-Latn"],
            main_score="ndcg_at_10",
        )

        def load_data(self, *arguments: Any, **options: Any) -> None:
            rows = [{"id": name, "title": "", "text": text} for name, text in task.documents.items()]
            queries = [{"id": name, "text": text} for name, text in task.queries.items()]
            self.dataset = {
                "default": {
                    "test": {
                        "corpus": Dataset.from_list(rows),
                        "queries": Dataset.from_list(queries),
                        "relevant_docs": task.qrels,
                        "top_ranked": {query: list(of) for query, of in task.run.items()},
                    }
                }
            }
            self.data_loaded = True

    return Little()


def test_a_cross_encoder_on_a_reranking_task(task: Any, tmp_path: Path) -> None:
    mteb = pytest.importorskip("mteb")  # only here: it takes seconds, and every worker imports every test
    model = library.CrossEncoder(str(task.folder), trust_remote_code=True, activation_fn=torch.nn.Identity())
    result = mteb.evaluate(model, reranking_task(task), cache=None, show_progress_bar=False)
    (scores,) = result.task_results[0].scores["test"]
    ours = evaluate_run(task.run, task.qrels, ("AP", "RR@10", "nDCG@10")).mean
    theirs = {"AP": scores["map_at_1000"], "RR@10": scores["mrr_at_10"], "nDCG@10": scores["ndcg_at_10"]}
    assert theirs == pytest.approx(ours, abs=1e-5)
    assert scores["main_score"] == scores["ndcg_at_10"]
