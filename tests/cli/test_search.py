"""`xlretrieval search`: one query or many, as a table, JSON lines, or a run."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from xlretrieval.cli.main import main
from xlretrieval.data.trec import read_run
from xlretrieval.inference.search import Index

DOCUMENTS = [
    {"id": "d1", "text": "die stadt am fluss. " * 30 + "das wasser", "language": "de", "title": "Stadt"},
    {"id": "d2", "text": "haus [bold]und\x1b[31m berg", "language": "de"},
    {"id": "e1", "text": "the house", "language": "en"},
    {"id": "e2", "text": "city river house", "language": "en"},
]
HEAD = "BertForSequenceClassification"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint) -> Path:
    folder = tmp_path_factory.mktemp("search") / "index"
    Index.build(DOCUMENTS, folder, str(tiny_checkpoint("BertModel")), show_progress=False)
    return folder


def search(*words: object) -> int:
    return main([str(word) for word in ("search", *words)])


def test_one_query(folder, capsys) -> None:
    assert search("--index", folder, "--query", "city house", "--language", "en", "--top-k", "3") == 0
    row = json.loads(capsys.readouterr().out)
    hits = Index.open(folder).search("city house", "en", 3)
    assert row == json.loads(json.dumps({"id": "query", "query": "city house", "hits": [*map(asdict, hits)]}))
    ranks = {hit["id"]: hit["words_rank"] for hit in row["hits"] if hit["words_rank"]}
    assert ranks == {"e2": 1, "e1": 2}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("queries.tsv", "q1\tcity house\nq2\thaus\n"),
        ("queries.jsonl", '{"id": "q1", "title": "city house"}\n{"id": "q2", "title": "haus"}\n'),
    ],
)
def test_many_queries(name, content, folder, tmp_path, tiny_checkpoint, capsys) -> None:
    (tmp_path / name).write_text(content)
    words = ["--index", folder, "--queries", tmp_path / name, "--language", "all", "--reranker", tiny_checkpoint(HEAD)]
    assert search(*words) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["id"], row["query"]) for row in rows] == [("q1", "city house"), ("q2", "haus")]
    index = Index.open(folder, reranker=str(tiny_checkpoint(HEAD)))
    for row in rows:
        hits = index.search(row["query"], "all")
        assert [hit["id"] for hit in row["hits"]] == [hit.id for hit in hits]
        assert [hit["score"] for hit in row["hits"]] == pytest.approx([hit.score for hit in hits], abs=1e-6)
    assert search(*words, "--format", "trec", "--output", tmp_path / "out/run.trec") == 0
    run = read_run(tmp_path / "out/run.trec")
    assert {query: list(found) for query, found in run.items()} == {
        row["id"]: [hit["id"] for hit in row["hits"]] for row in rows
    }
    capsys.readouterr()
    assert search(*words, "--format", "trec") == 0
    assert capsys.readouterr().out == (tmp_path / "out/run.trec").read_text()
    assert search(*words, "--output", tmp_path / "hits.jsonl") == 0
    assert [json.loads(line) for line in (tmp_path / "hits.jsonl").read_text().splitlines()] == rows


def test_a_table_for_people(folder, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert search("--index", folder, "--query", "haus", "--language", "de", "--format", "table") == 0
    out = capsys.readouterr().out
    assert out.split("\n")[0].split() == ["fused", "vector", "words", "language", "document"]
    lines = [line for line in out.split("\n") if " de " in line or " en " in line]
    assert len(lines) == 4 and sum(line.rstrip().endswith("Stadt") for line in lines) == 1
    # What data holds is shown, not obeyed.
    assert "haus [bold]und\N{REPLACEMENT CHARACTER}[31m berg" in out and "\x1b" not in out
    # Of the long text one passage.
    one_line = " ".join(out.split())
    assert one_line.count("die stadt am fluss.") == 15 and "das wasser" not in out and "fluss. ..." in one_line


def test_a_title_is_an_id_of_several_words_in_a_run(tmp_path, tiny_checkpoint, capsys) -> None:
    Index.build([{"id": "two words", "text": "x"}], tmp_path / "index", str(tiny_checkpoint("BertModel")))
    words = ["--index", tmp_path / "index", "--query", "haus", "--format"]
    assert search(*words, "trec") == 2
    assert "A document id must be one word, got 'two words'" in capsys.readouterr().err
    assert search(*words, "jsonl") == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--index", "INDEX"], "--query or --queries must be given, got neither"),
        (["--index", "INDEX", "--query", "x", "--queries", "y"], "--query or --queries must be given, got both"),
        (["--query", "x"], "--index must be given, got none"),
        (["--index", "missing", "--query", "x"], "An index must be a folder, got none at missing"),
        (["--index", "INDEX", "--query", " "], "query must not be empty, got ' '"),
        (["--index", "INDEX", "--query", "x", "--language", "Deutsch"], "language must be a code such as 'de'"),
        (["--index", "INDEX", "--query", "x", "--top-k", "0"], "top_k must be at least 1, got 0"),
        (["--index", "INDEX", "--query", "x", "--reranker", "ENCODER"], "must have a trained relevance head"),
        (["--index", "INDEX", "--query", "x", "--model", "OTHER"], "The encoder must be the one of the index"),
        (["--index", "INDEX", "--queries", "missing.tsv"], "missing.tsv"),
        (["--index", "INDEX", "--queries", "BAD"], "bad.tsv, line 2"),
        (["--index", "INDEX", "--queries", "BAD", "--format", "table"], "--format table must be for one --query"),
    ],
)
def test_mistakes(words, message, folder, tmp_path, tiny_checkpoint, capsys) -> None:
    bad = tmp_path / "bad.tsv"
    bad.write_text("q1\tcity\nno tab\n")
    places = {"INDEX": folder, "ENCODER": tiny_checkpoint("BertModel"), "BAD": bad}
    places |= {"OTHER": tiny_checkpoint("XLMRobertaModel")}
    assert search(*(places.get(word, word) for word in words)) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.out == ""
