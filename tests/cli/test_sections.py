"""`xlretrieval sections`: what a user types, and what comes back."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from xlretrieval.cli.main import main
from xlretrieval.data.sections import AlignedSections


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr("xlretrieval.data.section_table.default_cache", lambda: folder)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """20 documents of 2 sections in English and German."""
    path = tmp_path / "rows.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for language, word in (("en", "Valley"), ("de", "Tal")):
            for number in range(40):
                row = {
                    "doc": f"{number // 2}",
                    "sec": number,
                    "lang": language,
                    "doctitle": word,
                    "title": f"§ {number}",
                }
                print(json.dumps(row | {"text": f"{word} number {number}.\n\x1b[31m" + "x" * 300}), file=file)
    return path


def run(*words: object) -> int:
    return main(["sections", *map(str, words)])


def test_import_and_show(rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "corpus"
    flags = ["--validation", 0.2, "--test", 0.2, "--max-negatives", 1, "--min-characters", 10, "--seed", 4]
    assert run("import", "--jsonl", rows, "--pairs", "en-de", "--output", output, *flags) == 0
    assert f"written to {output}" in capsys.readouterr().out
    assert run("show", output) == 0
    lines = capsys.readouterr().out.splitlines()

    corpus = AlignedSections.load(output)
    pair = corpus.pair("en-de")
    counts = [len(pair.rows(split)) for split in ("train", "validation", "test")]
    assert sum(counts) == 40 and min(counts) > 0
    assert corpus.provenance["arguments"]["seed"] == 4
    assert pair.source_negatives(0).tolist() == [1]
    assert [line.split() for line in lines[:7]] == [
        ["language", "sections", "mean", "characters"],
        ["de", "40", f"{corpus.sections('de').text_lengths.mean():.0f}"],
        ["en", "40", f"{corpus.sections('en').text_lengths.mean():.0f}"],
        [],
        ["pair", "train", "validation", "test"],
        ["en-de", *map(str, counts)],
        [],
    ]
    assert lines[7:9] == ["en Valley > § 0", "    Valley number 0. \N{REPLACEMENT CHARACTER}[31m" + "x" * 51 + "..."]
    assert lines[9] == "de Tal > § 0"
    assert sum(line.startswith("en ") for line in lines) == 3  # a language and two examples
    assert max(map(len, lines)) <= 80


def test_a_config_file_is_overridden_by_flags(rows: Path, tmp_path: Path) -> None:
    config = tmp_path / "corpus.yaml"
    config.write_text(
        f"jsonl: {rows}\npairs: [en-de]\noutput: {tmp_path / 'corpus'}\nmin-characters: 5\nmax_negatives: 0\nseed: 1\n"
    )
    assert run("import", "--config", config, "--seed", 2) == 0

    arguments = AlignedSections.load(tmp_path / "corpus").provenance["arguments"]
    assert (arguments["min_characters"], arguments["max_negatives"], arguments["seed"]) == (5, 0, 2)
    assert arguments["files"] == [str(rows)]


def test_released_pickles(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "enfr"
    folder.mkdir(parents=True)
    tables = {
        "en_np": {1: {"p": 2, "n": []}},
        "en_text": {1: "sea"},
        "fr_np": {2: {"p": 1, "n": []}},
        "fr_text": {2: "mer"},
    }
    for name, table in tables.items():
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(table, protocol=3))
    assert run("import", "--released", tmp_path / "data", "--pairs", "en-fr", "--output", tmp_path / "corpus") == 0

    corpus = AlignedSections.load(tmp_path / "corpus")
    assert (corpus.sections("en").text(0), corpus.sections("fr").text(0)) == ("sea", "mer")
    assert corpus.provenance["source"] == "released"


def test_mistakes_are_one_line_and_exit_2(rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, config, bad = tmp_path / "corpus", tmp_path / "c.yaml", tmp_path / "bad.jsonl"
    config.write_text("jsonl: x\nmin-charcters: 5\n")
    bad.write_text("{}\n")
    given = ["--pairs", "en-de", "--output", output]
    for words, message in (
        (given, "--jsonl or --released must be given, got neither."),
        (["--jsonl", rows, "--released", tmp_path, *given], "--jsonl or --released must be given, got both."),
        (["--jsonl", rows, "--output", output], "--pairs must be given, got none."),
        (["--jsonl", rows, "--pairs", "en-de"], "--output must be given, got none."),
        (["--jsonl", rows, "--pairs", "en-fr", "--output", output], "got no section in 'fr'"),
        (["--jsonl", bad, *given], f"{bad}, line 1: row must have the field 'doc'"),
        (["--jsonl", tmp_path / "nowhere", *given], "No such file or directory"),
        (["--jsonl", tmp_path / "nowhere", *given], f"{tmp_path}/nowhere must be a path that can be used, got: "),
        (["--jsonl", rows, "--pairs", "en-de", "--output", rows], "output must be a folder, got the file"),
        (["--config", config, *given], f"{config}, line 2: a key must be an option of the command"),
        (["--config", config, *given], "Did you mean 'min-characters'?"),
    ):
        assert run("import", *words) == 2
        error = capsys.readouterr().err
        assert error.startswith("xlretrieval sections: error: ") and error.count("\n") == 1
        assert message in error
    assert run("show", output) == 2
    assert "folder of aligned sections must exist" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.jsonl", "c.yaml", "rows.jsonl"]


def test_overwriting_has_to_be_asked_for(rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["import", "--jsonl", rows, "--pairs", "en-de", "--output", tmp_path / "corpus"]
    assert run(*words) == 0
    assert run(*words) == 2
    assert "output must be new or empty, got" in capsys.readouterr().err
    assert run(*words, "--overwrite", "--seed", 9) == 0
    assert AlignedSections.load(tmp_path / "corpus").provenance["arguments"]["seed"] == 9
