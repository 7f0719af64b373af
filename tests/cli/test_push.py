"""`xlretrieval push`: models and corpora, and every refusal in one line with exit code 2."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xlretrieval.cli.main import COMMANDS, main


@pytest.fixture
def hub() -> Iterator[Any]:
    """An empty Hub on the loopback. Tests are imported by path, so that the folder above is on no search path."""
    path = Path(__file__).resolve().parents[1] / "loopback_hub.py"
    spec = importlib.util.spec_from_file_location("loopback_hub", path)
    module = sys.modules["loopback_hub"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.serve_hub() as served:
        yield served


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "push", "publish a model, or a corpus")


@pytest.fixture
def model(long_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(long_folder, tmp_path / "model")


def test_a_model(hub: Any, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    hub.use_here(monkeypatch)
    words = ["--private", "--revision", "v1", "--message", "The first one"]
    assert main(["push", str(model), "user/ranker", *words]) == 0
    assert capsys.readouterr().out == f"published at {hub.url}/user/ranker/tree/v1\n"
    repository = hub.repositories["models", "user/ranker"]
    assert repository.private and repository.branches["v1"][-1].summary == "The first one"
    assert len(repository.branches["main"]) == 1 and (model / "README.md").is_file()


def test_a_corpus(
    hub: Any, corpus_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.use_here(monkeypatch)
    assert main(["push", str(corpus_folder), "user/sections"]) == 0
    assert capsys.readouterr().out == f"published at {hub.url}/datasets/user/sections\n"
    assert "pairs/en-de.parquet" in hub.repositories["datasets", "user/sections"].branches["main"][-1].files
    assert main(["push", str(corpus_folder), "user/sections", "--overwrite-card"]) == 2
    assert "--overwrite-card must be given with a model, got the corpus" in capsys.readouterr().err


def test_a_dry_run(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", str(model), "user/ranker", "--dry-run"]) == 0
    *lines, total = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines][:2] == ["file", "README.md"]
    assert total.startswith("18 files to https://huggingface.co/user/ranker") and not (model / "README.md").exists()


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (None, "The Hub must be given a token to publish user/ranker, got none (401). Run `hf auth login`, or set"),
        ("hf_wrong", "got one that it refuses (401: Invalid username or password.). Run `hf auth login`, or set"),
        ("hf_reader", "must have the right to write to user/ranker, got a refusal (403: You have read access but"),
    ],
)
def test_a_token_that_does_not_do(
    hub: Any,
    model: Path,
    token: str | None,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hub.use_here(monkeypatch, token)
    assert main(["push", str(model), "user/ranker"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("xlretrieval push: error: The ") and message in error


def test_no_hub_answers(hub: Any, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    hub.use_here(monkeypatch)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert main(["push", str(model), "user/ranker"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "The Hub must answer at http://127.0.0.1:9, got an error (" in error and "is not sent again" in error


@pytest.mark.parametrize(
    ("repo", "removed", "message"),
    [
        ("ranker", None, "repo must be a user's or an organization's, got 'ranker'. Write it like 'user/ranker'."),
        ("user/ranker", "config.json", "The model folder must hold config.json, got"),
        ("user/ranker", "model.safetensors", "The model folder must hold model.safetensors, got"),
        ("user/ranker", "tokenizer.json", "A checkpoint must come with its tokenizer, got none in"),
    ],
)
def test_mistakes(model: Path, repo: str, removed: str | None, message: str, capsys: Any) -> None:
    if removed:
        (model / removed).unlink()
    assert main(["push", str(model), repo, "--dry-run"]) == 2
    assert f"xlretrieval push: error: {message}" in capsys.readouterr().err
