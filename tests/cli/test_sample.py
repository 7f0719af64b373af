"""`xlretrieval sample`."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from xlretrieval.cli import sample


def run(*words: str) -> None:
    parser = argparse.ArgumentParser()
    sample.add_arguments(parser)
    sample.run(parser.parse_args(words))


def test_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("babel")
    folder = tmp_path / "sample"
    run("--output", str(folder), "--size", "0.05")
    said = capsys.readouterr().out
    assert said.startswith(f"{folder}: articles de ")
    assert "de-en: " in said and "CLEF-style: " in said and "MLQA-style: " in said
    with pytest.raises(ValueError, match="must be new or empty"):
        run("--output", str(folder), "--size", "0.05")
    run("--output", str(folder), "--size", "0.05", "--seed", "3", "--overwrite")
    assert '"seed": 3' in (folder / "provenance.json").read_text()
