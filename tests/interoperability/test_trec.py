"""TREC files: what we write, the tools of the field read, and they measure the same. So does PyTerrier, which reads
these files and measures with ir_measures; it needs Java, and is not run here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from xlretrieval.data.collections import load_collection
from xlretrieval.data.trec import read_run, write_qrels, write_run
from xlretrieval.evaluation.ranking import evaluate_run
from xlretrieval.inference.reranker import Reranker


def test_runs_and_judgements_are_read_by_ir_measures_and_pytrec_eval(task: Any, tmp_path: Path) -> None:
    ir_measures = pytest.importorskip("ir_measures")
    pytrec_eval = pytest.importorskip("pytrec_eval")
    write_run(task.run, tmp_path / "ours.run")
    write_qrels(task.qrels, tmp_path / "ours.qrels")
    ours = evaluate_run(task.run, task.qrels, ("AP", "RR", "nDCG@10")).mean
    measures = {name: ir_measures.parse_measure(name) for name in ours}
    theirs = ir_measures.calc_aggregate(
        measures.values(),
        list(ir_measures.read_trec_qrels(str(tmp_path / "ours.qrels"))),
        list(ir_measures.read_trec_run(str(tmp_path / "ours.run"))),
    )
    assert {name: theirs[measure] for name, measure in measures.items()} == pytest.approx(ours, abs=1e-9)
    with (tmp_path / "ours.qrels").open() as qrels, (tmp_path / "ours.run").open() as run:
        evaluator = pytrec_eval.RelevanceEvaluator(pytrec_eval.parse_qrel(qrels), {"map", "recip_rank"})
        values = evaluator.evaluate(pytrec_eval.parse_run(run)).values()
    assert sum(of["map"] for of in values) / len(values) == pytest.approx(ours["AP"], abs=1e-9)
    assert sum(of["recip_rank"] for of in values) / len(values) == pytest.approx(ours["RR"], abs=1e-9)


def test_a_run_of_another_tool_is_read(task: Any, tmp_path: Path) -> None:
    lines = [
        f"{query}\tQ0 {name}  {rank} {score:.6f} other-tool\n"
        for query, of in task.run.items()
        for rank, (name, score) in enumerate(sorted(of.items(), key=lambda row: -row[1]))
    ]
    (tmp_path / "theirs.run").write_text("".join(lines))
    run = read_run(tmp_path / "theirs.run")
    metrics = ("AP", "nDCG@10")
    assert evaluate_run(run, task.qrels, metrics).mean == evaluate_run(task.run, task.qrels, metrics).mean


def test_a_collection_of_ir_datasets_goes_the_whole_way(
    task: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path / "home"))
    ir_datasets = pytest.importorskip("ir_datasets")
    ir_measures = pytest.importorskip("ir_measures")
    (tmp_path / "docs.tsv").write_text("".join(f"{name}\t{text}\n" for name, text in task.documents.items()))
    (tmp_path / "queries.tsv").write_text("".join(f"{name}\t{text}\n" for name, text in task.queries.items()))
    write_qrels(task.qrels, tmp_path / "qrels.txt")
    files = {"docs_tsv": "docs.tsv", "queries_tsv": "queries.tsv", "qrels_trec": "qrels.txt"}
    made = ir_datasets.create_dataset(**{kind: str(tmp_path / name) for kind, name in files.items()})
    name = "xlretrieval-interoperability"
    if name not in ir_datasets.registry:
        ir_datasets.registry.register(name, made)
    source = f"irds:{name}"
    config = {"name": "theirs", "documents": {"de": source}, "topics": {"en": source}, "qrels": {"de": source}}
    collection = load_collection(config, cache_dir=tmp_path / "cache")
    reranker = Reranker.from_pretrained(str(task.folder))
    run = {}
    for query, names in collection.candidates.items():
        texts = [collection.documents[name].text for name in names]
        ranked = reranker.rank(collection.queries[query], texts)
        run[query] = {names[index]: score for index, score in ranked}
    assert len(run) == 20 and all(of == pytest.approx(task.run[query], abs=1e-5) for query, of in run.items())
    measure = ir_measures.parse_measure("AP")
    theirs = ir_measures.calc_aggregate([measure], ir_datasets.load(name).qrels_iter(), run)[measure]
    assert theirs == pytest.approx(evaluate_run(task.run, task.qrels, ("AP",)).mean["AP"], abs=1e-9)
