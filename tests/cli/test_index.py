"""`xlretrieval index`: files in, an index on disk, and what was done written beside it."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from xlretrieval.cli.main import main
from xlretrieval.inference.search import Index

ROWS = [
    {"id": "d1", "text": "die stadt am fluss", "language": "de", "title": "Stadt"},
    {"id": "d2", "text": "haus und berg"},
    {"id": 3, "text": "the house", "language": "en"},
]


def write(path: Path, rows: list) -> Path:
    lines = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    path.write_bytes(gzip.compress(lines.encode()) if path.suffix == ".gz" else lines.encode())
    return path


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., int]:
    """Runs `xlretrieval index ACTION --index tmp/index ...`."""

    def call(action: str, *words: object) -> int:
        return main([str(word) for word in ("index", action, "--index", tmp_path / "index", *words)])

    return call


@pytest.fixture
def model(tiny_checkpoint) -> Path:
    return tiny_checkpoint("BertModel")


def history(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "index/history.jsonl").read_text().splitlines()]


def texts(folder: Path) -> dict[str, tuple[str, str]]:
    return {hit.id: (hit.text, hit.language) for hit in Index.open(folder / "index").search("haus", top_k=99)}


def test_the_road_of_an_index(command, model, tmp_path, capsys) -> None:
    first = write(tmp_path / "a.jsonl", [*ROWS[:2], ""])
    second = write(tmp_path / "b.jsonl.gz", ROWS[2:])
    assert (
        command("build", "--model", model, "--language", "fr", "--pooling", "cls", "--layer", "1", first, second) == 0
    )
    assert "index: 3 documents added; it has 3\n" in capsys.readouterr().out
    assert texts(tmp_path) == {
        "d1": ("die stadt am fluss", "de"),
        "d2": ("haus und berg", "fr"),
        "3": ("the house", "en"),
    }
    assert Index.open(tmp_path / "index").manifest.layer == 1
    more = write(tmp_path / "c.jsonl", [{"id": "d2", "text": "anders"}, {"id": "d4", "text": "x " * 99}])
    assert command("add", more) == 0
    out = capsys.readouterr().out
    assert "2 documents added, of which 1 replace older ones; it has 4\n" in out
    assert "1 are longer than the encoder reads" in out
    assert texts(tmp_path)["d2"] == ("anders", "")
    (tmp_path / "ids").write_text("d4\n\n3\n")
    assert command("delete", "d1", "--ids", tmp_path / "ids") == 0
    assert "3 documents deleted; it has 1\n" in capsys.readouterr().out
    assert command("info") == 0
    out = capsys.readouterr().out
    for text in ("documents  1", "languages  unknown 1", str(model), "32 dimensions, cls of layer 1", "changes    3"):
        assert text.replace(" ", "") in out.replace(" ", "").replace("\n", "")
    lines = history(tmp_path)
    assert [line["action"] for line in lines] == ["build", "add", "delete"]
    assert [line["documents_after"] for line in lines] == [3, 4, 1]
    assert (lines[1]["added"], lines[1]["replaced"], lines[1]["truncated"], lines[1]["problems"]) == (2, 1, 1, {})
    assert lines[0]["documents"] == [str(first), str(second)] and lines[0]["model"] == str(model)
    assert set(lines[0]["versions"]) == {"xlretrieval", "transformers", "torch"}


def test_bad_rows_are_left_out_and_counted(command, model, tmp_path, capsys) -> None:
    bad = ["{", {"id": "x"}, {"id": "y", "text": "\ud800"}, {"id": "d1", "text": "again"}, [1]]
    path = write(tmp_path / "a.jsonl", [*ROWS, *bad])
    assert command("build", "--model", model, path, "--on-error", "skip") == 0
    out = capsys.readouterr().out
    assert "3 documents added; it has 3" in out
    assert f"no document: 4, such as {path}, line 4: a row must be JSON, got '{{'" in out
    assert f"duplicate document: 1, such as {path}, line 7: an id must occur once, got 'd1' which is also at" in out
    assert {kind: found["count"] for kind, found in history(tmp_path)[0]["problems"].items()} == {
        "duplicate document": 1,
        "no document": 4,
    }


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "line 4: a row must be JSON, got '{'"),
        ({"id": "x"}, "line 4: document 'x' must have a text or a title, got neither. Leave it out."),
        ({"text": "x"}, "line 4: id must not be empty, got None"),
        ({"id": "y", "text": "\ud800"}, "line 4: text must be Unicode text, without half surrogate pairs"),
        ({"id": "3", "text": "again"}, "a.jsonl, line 3. Remove one."),
    ],
)
def test_bad_rows_stop(row, message, command, model, tmp_path, capsys) -> None:
    path = write(tmp_path / "a.jsonl", [*ROWS, row])
    assert command("build", "--model", model, path) == 2
    error = capsys.readouterr().err
    assert message in error and str(path) in error
    assert not (tmp_path / "index/manifest.json").exists()
    assert command("build", "--model", model, write(path, ROWS)) == 0
    assert command("add", write(path, [*ROWS, row])) == 2
    assert len(Index.open(tmp_path / "index")) == 3 and len(history(tmp_path)) == 1


def test_standard_input(command, model, tmp_path) -> None:
    path = write(tmp_path / "a.jsonl", ROWS)
    kept, opened = os.dup(0), os.open(path, os.O_RDONLY)
    try:
        os.dup2(opened, 0)
        assert command("build", "--model", model, "-") == 0
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(opened)
    assert len(Index.open(tmp_path / "index")) == 3


def test_a_collection(command, model, judged, judged_yaml, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HF_ASSETS_CACHE", str(tmp_path / "assets"))
    assert command("build", "--model", model, "--collection", judged_yaml) == 0
    index = Index.open(tmp_path / "index")
    assert index.languages == {"de": len(judged.documents)}
    document = next(iter(judged.documents.values()))
    hit = next(hit for hit in index.search(document.text, "de", top_k=999) if hit.id == document.id)
    assert (hit.text, hit.title) == (document.text, document.title)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["build", "--model", "MODEL"], "Files of documents or --collection must be given, got neither"),
        (["build", "ROWS"], "--model must be given, got none"),
        (["build", "--model", "MODEL", "EMPTY"], "documents must hold at least one document, got none"),
        (["build", "--model", "MODEL", "missing.jsonl"], "missing.jsonl"),
        (["build", "--model", "MODEL", "--layer", "7", "ROWS"], "layer must be between -3 and 2, got 7"),
        (["add", "ROWS"], "An index must be a folder, got none at"),
        (["delete", "x"], "An index must be a folder, got none at"),
        (["delete"], "Ids must be given, got none"),
        (["info"], "An index must be a folder, got none at"),
    ],
)
def test_mistakes(words, message, command, model, tmp_path, capsys) -> None:
    places = {"MODEL": model, "ROWS": write(tmp_path / "a.jsonl", ROWS), "EMPTY": write(tmp_path / "e.jsonl", [])}
    assert command(*(places.get(word, word) for word in words)) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "index/manifest.json").exists()


def test_an_index_that_is_there(command, model, tmp_path, capsys) -> None:
    path = write(tmp_path / "a.jsonl", ROWS)
    assert command("build", "--model", model, path) == 0
    assert command("build", "--model", model, path) == 2
    assert "must be new or empty" in capsys.readouterr().err
    assert command("delete", "d1", "nothing") == 2
    assert "ids must be in the index, got 'nothing': 1 of 2 are not" in capsys.readouterr().err
    assert command("build", "--model", model, write(path, ROWS[:1]), "--overwrite") == 0
    assert len(Index.open(tmp_path / "index")) == 1


def test_the_index_of_another_model(command, model, tiny_checkpoint, tmp_path, capsys) -> None:
    path = write(tmp_path / "a.jsonl", ROWS)
    assert command("build", "--model", model, path) == 0
    other = tiny_checkpoint("XLMRobertaModel")
    assert command("add", "--model", other, path) == 2
    error = capsys.readouterr().err
    assert str(model) in error and str(other) in error and "The encoder must be the one of the index" in error


def test_options_from_a_file(command, model, tmp_path) -> None:
    (tmp_path / "index.yaml").write_text(f"model: {model}\npooling: cls\napproximate-from: 2\nlanguage: de\n")
    path = write(tmp_path / "a.jsonl", ROWS)
    assert command("build", "--config", tmp_path / "index.yaml", path) == 0
    manifest = Index.open(tmp_path / "index").manifest
    assert (manifest.pooling, manifest.approximate_from) == ("cls", 2)
    assert "graph.usearch" in manifest.segments[0].files
