"""`xlretrieval evaluate ranking --first-stage`: candidates out of the whole collection, measured and ranked again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xlretrieval.cli.main import main
from xlretrieval.data.trec import read_run
from xlretrieval.evaluation.ranking import evaluate_run
from xlretrieval.hub.evaluations import read_evaluations
from xlretrieval.inference.encoder import Encoder

HEAD = "BertForSequenceClassification"


@pytest.fixture
def evaluate(tmp_path: Path, judged_yaml: Path) -> Callable[..., dict[str, Any]]:
    """Runs the command into `tmp_path / name` and returns results.json."""

    def call(name: str, *options: object) -> dict[str, Any]:
        argv = ["evaluate", "ranking", "--collection", judged_yaml, "--cache-dir", judged_yaml.parent / "cache"]
        assert main([str(word) for word in (*argv, *options, "--output", tmp_path / name)]) == 0
        return json.loads((tmp_path / name / "results.json").read_text(encoding="utf-8"))

    return call


def nearest(checkpoint: Path, collection, top_k: int) -> dict[str, list[str]]:
    """Query -> the nearest documents, by comparing everything."""
    encoder = Encoder.from_pretrained(str(checkpoint), device="cpu")
    ids = list(collection.documents)
    documents = encoder.encode([collection.documents.content(document) for document in ids], "cls", 1)
    queries = encoder.encode(list(collection.queries.values()), "cls", 1)
    order = np.argsort(-(queries @ documents.T), axis=1)[:, :top_k]
    return {query: [ids[column] for column in row] for query, row in zip(collection.queries, order, strict=True)}


def test_the_first_stage_is_measured(evaluate, judged, tiny_checkpoint, tmp_path, capsys) -> None:
    options = ["--first-stage", tiny_checkpoint(HEAD), "--first-stage-pooling", "cls", "--first-stage-layer", "1"]
    content = evaluate("out", *options, "--top-k", "7", "--metrics", "AP,RR")
    run = read_run(tmp_path / "out/runs/en-de.candidates.run")
    expected = nearest(tiny_checkpoint(HEAD), judged, 7)
    assert {query: sorted(found) for query, found in run.items()} == {
        query: sorted(found) for query, found in expected.items()
    }
    assert read_run(tmp_path / "out/runs/en-de.after.run") == run
    # Relevant documents that were not found count: the judgements are all there.
    values = {row["metric"]: row["after"]["value"] for row in content["measurements"]}
    assert values["AP"] == pytest.approx(evaluate_run(run, judged.qrels, ["AP"]).mean["AP"])
    relevant = {query: {id for id, grade in grades.items() if grade > 0} for query, grades in judged.qrels.items()}
    found = [len(relevant[query] & set(run[query])) for query in relevant]
    note = (
        f"en-de: the first 7 of {len(judged.documents)} documents by {tiny_checkpoint(HEAD).name} have {sum(found)} "
        f"of {sum(map(len, relevant.values()))} relevant ones, and none for {found.count(0)} of 20 queries"
    )
    assert 0 < found.count(0) < 20
    for text in (capsys.readouterr().out, (tmp_path / "out/table.md").read_text()):
        assert note in " ".join(text.split())
    assert content["collections"]["en-de"]["candidates"]["source"] == "first stage"
    assert content["details"][0]["pairs"] == 140
    evaluation = read_evaluations([tmp_path / "out"])[0]
    assert evaluation.protocol().startswith(
        f"Ranked are the 7 documents of the whole collection that are nearest to each query by "
        f"`{tiny_checkpoint(HEAD).name}` (cosine of cls-pooled vectors of layer 1). Measured: "
    )


def test_what_it_found_is_ranked_again(evaluate, judged, tiny_checkpoint, tmp_path) -> None:
    checkpoint = tiny_checkpoint(HEAD)
    content = evaluate("out", "--first-stage", checkpoint, "--top-k", "5", "--model", checkpoint)
    assert content["arguments"]["top_k"] == 5 and content["arguments"]["first_stage_pooling"] == "mean"
    runs = tmp_path / "out/runs"
    candidates, after = read_run(runs / "en-de.candidates.run"), read_run(runs / "en-de.after.run")
    assert {query: set(found) for query, found in after.items()} == {
        query: set(found) for query, found in candidates.items()
    }
    assert after != candidates and content["measurements"][0]["n"] == 20
    # The same as with the file that was written.
    options = ["--candidates-run", runs / "en-de.candidates.run", "--model", checkpoint]
    assert evaluate("again", *options)["measurements"] == content["measurements"]
    compared = evaluate("compared", "--first-stage", checkpoint, "--top-k", "9", "--limit-queries", "6")
    assert compared["measurements"][0]["n"] == len(read_run(tmp_path / "compared/runs/en-de.candidates.run")) == 6
