"""`xlretrieval app --space`: the folder of a Hugging Face Space."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from xlretrieval import __version__
from xlretrieval.cli.main import main
from xlretrieval.inference.search import Index

if find_spec("gradio") is None:
    pytest.skip("needs gradio", allow_module_level=True)


def write(folder: Path, *arguments: object) -> int:
    return main(["app", "--space", str(folder), *map(str, arguments)])


def test_the_space_names_what_is_on_the_hub_and_carries_the_index(
    index_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    space = tmp_path / "space"
    words = [
        "--index",
        index_folder,
        "--index",
        "me/other-index",
        "--encoder",
        "me/encoder",
        "--reranker",
        "me/reranker",
    ]
    assert write(space, *words, "--example", 'the "city"') == 0
    assert capsys.readouterr().out.startswith(f"{space}: a Space.")
    settings = {
        node.arg: ast.literal_eval(node.value)
        for node in ast.walk(ast.parse((space / "app.py").read_text()))
        if isinstance(node, ast.keyword)
    }
    assert settings == {
        "indexes": ["indexes/cities", "me/other-index"],
        "rerankers": ["me/reranker"],
        "encoder": "me/encoder",
        "examples": ['the "city"'],
        "candidates": 30,
    }
    assert (space / "requirements.txt").read_text().splitlines()[-1] == f"xlretrieval[app]>={__version__}"
    front = yaml.safe_load((space / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert (front["sdk"], front["app_file"]) == ("gradio", "app.py")
    assert front["models"] == ["me/encoder", "me/reranker"]
    assert front["datasets"] == ["me/other-index"]
    assert len(Index.open(space / "indexes" / "cities")) == 5


def test_a_model_of_this_machine_is_refused_and_nothing_is_left(
    index_folder: Path, long_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    space = tmp_path / "space"
    assert write(space, "--index", index_folder) == 2
    assert "The encoder of a Space must be on the Hub, got the folder" in capsys.readouterr().err
    assert write(space, "--index", index_folder, "--encoder", "me/encoder", "--reranker", long_folder) == 2
    assert "Push it with `xlretrieval push`" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
