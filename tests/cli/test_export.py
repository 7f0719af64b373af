"""`xlretrieval export`: what it prints and writes, and what is left when it refuses."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from xlretrieval import load_exported
from xlretrieval.cli.main import main

MakeCheckpoint = Callable[[str], Path]


def export(*arguments: object) -> int:
    return main(["export", *map(str, arguments)])


@pytest.mark.slow
def test_a_long_encoder(long_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = tmp_path / "exported"
    assert export(long_folder, "--output", output, "--int8") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"{output / 'model.onnx'}: up to 64 tokens, opset 20"
    assert printed[1].startswith("  largest difference from the model's scores: ")
    assert printed[1].endswith(" at 64 tokens")
    assert printed[2] == f"{output / 'model_int8.onnx'}: weights of 8 bits"
    files = {path.name for path in output.iterdir()}
    assert {"model.onnx", "model_int8.onnx", "config.json", "tokenizer.json", "export.json"} <= files
    assert not [name for name in files if name.endswith((".safetensors", ".partial"))]
    ranked = load_exported(output).rank("the city", ["die stadt", "der fluss", ""], top_k=2)
    assert len(ranked) == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("BertModel", "must have a trained relevance head"),
        ("BertForQuestionAnswering", "must have a trained relevance head"),
        ("without tokenizer", "tokenizer"),
        ("nowhere", "nowhere"),
    ],
)
def test_what_is_no_reranker_is_refused_and_nothing_is_left(
    name: str, message: str, tiny_checkpoint: MakeCheckpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    if name == "nowhere":
        folder = tmp_path / "nowhere"
    elif name == "without tokenizer":
        folder = shutil.copytree(tiny_checkpoint("BertForSequenceClassification"), tmp_path / "checkpoint")
        for path in folder.glob("tokenizer*"):
            path.unlink()
    else:
        folder = tiny_checkpoint(name)
    assert export(folder, "--output", tmp_path / "exported") == 2
    assert message in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if "exported" in path.name]


def test_an_output_with_files_is_kept(long_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "notes.txt").write_text("mine")
    assert export(long_folder, "--output", tmp_path) == 2
    assert "must be new or empty" in capsys.readouterr().err
    assert (tmp_path / "notes.txt").read_text() == "mine"
