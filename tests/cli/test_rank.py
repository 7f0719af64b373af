"""`xlretrieval rank`: what it reads, what it writes, and what it says of bad input."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from xlretrieval.data.trec import read_run
from xlretrieval.inference.reranker import Reranker

DOCUMENTS = {
    "D1": "Der Fluss und das Wasser",
    "D2": "die Musik",
    "D3": "la maison rouge et le fleuve",
    "D4": "The river and the water, and the house at the river. " * 8,
}
QUERIES = {"q1": "river water", "q2": "red house"}


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    rows = [{"id": name, "text": text} for name, text in DOCUMENTS.items()]
    rows[1] = {"id": "D2", "title": "die", "text": "Musik"}
    file = tmp_path / "documents.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture
def model(tiny_checkpoint) -> str:
    return str(tiny_checkpoint("BertForSequenceClassification"))


@pytest.fixture
def rank(model, capsys):
    """Runs the command; returns the exit code, the rows of its output and what it told."""
    from xlretrieval.cli.main import main

    def run(*words: object) -> tuple[int, list[dict], str]:
        code = main(["rank", "--model", model, "--dtype", "float32", *map(str, words)])
        found = capsys.readouterr()
        return code, [json.loads(line) for line in found.out.splitlines()], found.err

    return run


def expected_scores(model: str, query: str, **options: object) -> dict[str, float]:
    reranker = Reranker.from_pretrained(model, "float32", device="cpu", **options)
    texts = DOCUMENTS | {"D2": "die\nMusik"}
    return dict(zip(texts, reranker.score([(query, text) for text in texts.values()]).tolist(), strict=True))


def test_one_query_over_a_file(rank, documents, model) -> None:
    code, rows, told = rank("--query", "river water", documents)
    assert code == 0
    scores = expected_scores(model, "river water")
    assert [row["document"] for row in rows] == sorted(scores, key=scores.get, reverse=True)
    assert [(row["query"], row["rank"]) for row in rows] == [("1", 1), ("1", 2), ("1", 3), ("1", 4)]
    assert {row["document"]: row["score"] for row in rows} == pytest.approx(scores, abs=1e-6)
    # D4 has some 100 tokens, the model takes 64.
    assert "4 documents scored for 1 queries; 1 longer than a passage, 6 passages in all\n" in told


def test_queries_over_standard_input(rank, documents, tmp_path, monkeypatch) -> None:
    tsv, jsonl = tmp_path / "queries.tsv", tmp_path / "queries.jsonl"
    tsv.write_text("".join(f"{name}\t{text}\n" for name, text in QUERIES.items()))
    jsonl.write_text("".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in QUERIES.items()))
    code, expected, _ = rank("--queries", tsv, documents, "--top-k", 2)
    assert code == 0 and [row["query"] for row in expected] == ["q1", "q1", "q2", "q2"]
    for words in (("--queries", jsonl), ("--queries", jsonl, "-")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(documents.read_bytes())))
        assert rank(*words, "--top-k", 2)[1] == expected
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    code, rows, told = rank("--queries", tsv)
    assert (code, rows) == (0, []) and "0 documents scored" in told


def test_a_run_is_ranked_again(rank, documents, model, tmp_path) -> None:
    tsv, first, again = tmp_path / "queries.tsv", tmp_path / "first.run", tmp_path / "out" / "again.run"
    tsv.write_text("q1\triver water\nq2\tred house\n")
    first.write_text("q1 Q0 D1 1 9.0 bm25\nq1 Q0 D3 2 8.0 bm25\nq2 Q0 D2 1 7.0 bm25\n")
    words = ["--queries", tsv, "--run", first, documents]
    code, rows, _ = rank(*words, "--format", "trec", "--output", again)
    assert (code, rows) == (0, [])
    run = read_run(again)
    scores = {query: expected_scores(model, text) for query, text in QUERIES.items()}
    assert run["q1"] == pytest.approx({name: scores["q1"][name] for name in ("D1", "D3")}, abs=1e-6)
    assert run["q2"] == pytest.approx({"D2": scores["q2"]["D2"]}, abs=1e-6)
    # The same on standard output, in the other format too.
    assert {(row["query"], row["document"]) for row in rank(*words)[1]} == {("q1", "D1"), ("q1", "D3"), ("q2", "D2")}
    assert again.read_text().splitlines()[0].split()[5] == "xlretrieval"


def test_a_run_of_a_collection(rank, judged_yaml, tmp_path) -> None:
    run = tmp_path / "first.run"
    run.write_text("".join(f"{query} Q0 D{query:02}{place:02} 1 1.0 x\n" for query in (1, 3) for place in range(5)))
    cache = judged_yaml.parent / "cache"
    words = ["--collection", judged_yaml, "--cache-dir", cache, "--run", run]
    code, rows, told = rank(*words, "--top-k", 3)
    assert code == 0 and [row["query"] for row in rows] == ["1"] * 3 + ["3"] * 3
    assert "10 documents scored for 2 queries" in told
    for wrong, message in (
        ([*words, "--query", "a"], "--collection has queries and documents, got --query too"),
        (words[:-2], "--collection must be given with --run"),
    ):
        code, _, told = rank(*wrong)
        assert code == 2 and message in told


@pytest.mark.parametrize("how", ["maxp", "meanp", "firstp"])
def test_long_documents(how, rank, documents, model) -> None:
    _, rows, told = rank("--query", "river water", "--long-documents", how, "--max-length", 40, documents)
    scores = expected_scores(model, "river water", max_length=40, long_documents=how)
    assert {row["document"]: row["score"] for row in rows} == pytest.approx(scores, abs=1e-6)
    assert ("cut: 1 documents" in told) == (how == "firstp")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 5: a row must be JSON, got '{'"),
        ('{"text": "a"}', 'line 5: a row must be an object with an "id"'),
        ('{"id": "D5", "text": "x"}\n{"id": "D5", "text": 3}', "line 6: text must be Unicode text, got 3"),
        ('{"id": "D5", "text": "\\ud83d"}', "line 5: text must be Unicode text, got"),
        ('{"id": "D5", "text": null}', "line 5: a document must have text, got none. Add it, or leave the row out."),
        ('{"id": "D 5", "text": ""}', "line 5: a document id must be one word, got 'D 5'"),
        ('{"id": "D1", "text": "a"}', "line 5: a document id must occur once, got D1 which is also in"),
    ],
)
def test_bad_rows_are_named_by_line(line, message, rank, documents, monkeypatch) -> None:
    documents.write_bytes(documents.read_bytes() + line.encode() + b"\n")
    code, rows, told = rank("--query", "a", documents)
    assert (code, rows) == (2, []) and f"error: {documents}, {message}" in told
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(documents.read_bytes())))
    code, rows, told = rank("--query", "a")
    assert (code, rows) == (2, []) and f"error: standard input, {message}" in told


def test_other_bad_input(rank, documents, model, tmp_path) -> None:
    tsv, run = tmp_path / "queries.tsv", tmp_path / "first.run"
    tsv.write_text("q1\triver\n")
    run.write_text("q1 Q0 D9 1 9.0 bm25\n")
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes(b'{"id": "a", "text": "b"}\n{"id": "c", "text": "\xe9"}\n')
    for words, message in (
        ([documents], "Ranking must be given --query or --queries, got neither"),
        (["--query", "a", "--queries", tsv, documents], "got both"),
        (["--query", " ", documents], "--query: a query must have text, got none"),
        (["--query", "a", tmp_path / "none.jsonl"], f"No such file: {tmp_path}/none.jsonl"),
        (["--query", "a", latin], f"{latin}, line 2: text must be UTF-8, got byte 0xe9"),
        (["--queries", tsv, "--run", run, documents], f"{run}: documents of a run must be given, got D9 of query q1"),
        (["--query", "a", "--run", run, documents], f"{run}: queries of a run must be given, got q1"),
        (["--query", "a", "--top-k", 0, documents], "--top-k must be at least 1, got 0"),
        (["--query", "a", "--batch-tokens", -1, documents], "--batch-tokens must be at least 1, got -1"),
        (["--query", "a", "--dtype", "fp8", documents], "got fp8. Choose one of them, or int8 for a reranker."),
        (["--query", "a", "--max-length", 999, documents], "max_length must be at most 64"),
        (["--query", "a", "--model", tmp_path / "no", documents], "no"),
    ):
        code, rows, told = rank(*words)
        assert (code, rows) == (2, []) and message in told, told
    for text, message in (("q1\ta\nq1\tb\n", "line 2: a query id must occur once"), ("q1 a\n", "a tab and a query")):
        tsv.write_text(text)
        code, _, told = rank("--queries", tsv, documents)
        assert code == 2 and f"{tsv}, line" in told and message in told
    tsv.write_text("q1\ta\n\nq2\t\n")
    code, _, told = rank("--queries", tsv, documents)
    assert code == 2 and f"{tsv}, line 3: a query must have text" in told
    assert rank("--query", "a", documents)[0] == 0


def test_models_that_are_not_whole(rank, documents, model, tmp_path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    words = ["--query", "a", "--model", folder, documents]
    assert rank(*words)[0] == 0
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    code, rows, told = rank(*words)
    assert (code, rows) == (2, []) and f"{weights}: weights must be a whole safetensors file" in told
    shutil.copy(f"{model}/model.safetensors", weights)
    for file in folder.glob("token*"):
        file.unlink()
    code, rows, told = rank(*words)
    assert (code, rows) == (2, []) and f"Checkpoint {folder} must have a tokenizer, got none" in told


def test_options_from_a_file(rank, documents, tmp_path) -> None:
    config = tmp_path / "rank.yaml"
    config.write_text("query: river water\ntop-k: 1\nlong-documents: meanp\n")
    _, rows, _ = rank("--config", config, documents)
    assert len(rows) == 1


@pytest.mark.slow
def test_from_a_pipe(documents, model, tmp_path) -> None:
    words = [sys.executable, "-m", "xlretrieval", "rank", "--model", model, "--query", "river water"]
    done = subprocess.run(words, input=documents.read_bytes(), capture_output=True, timeout=200)
    assert done.returncode == 0, done.stderr
    scores = [json.loads(line)["score"] for line in done.stdout.splitlines()]
    assert len(scores) == 4 and scores == sorted(scores, reverse=True) and np.isfinite(scores).all()
    help_text = subprocess.run([*words[:4], "--help"], capture_output=True, text=True, timeout=200).stdout
    assert "--long-documents" in help_text and "standard input" in help_text
