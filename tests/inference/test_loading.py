"""Checkpoints that are not whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from xlretrieval.inference.encoder import Encoder
from xlretrieval.inference.reranker import Reranker


@pytest.mark.parametrize("name", ["BertForSequenceClassification", "XLMRobertaForSequenceClassification"])
def test_a_folder_without_tokenizer(name: str, tiny_checkpoint, tmp_path: Path) -> None:
    """transformers makes an empty one of it, to which every word is unknown."""
    folder = tmp_path / "model"
    shutil.copytree(tiny_checkpoint(name), folder, ignore=shutil.ignore_patterns("*token*", "vocab*"))
    for load in (Reranker.from_pretrained, Encoder.from_pretrained):
        with pytest.raises(OSError, match=f"{folder} must have a tokenizer, got none"):
            load(str(folder), device="cpu")


def test_a_long_encoder_without_tokenizer(long_checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(long_checkpoint, tmp_path / "model", ignore=shutil.ignore_patterns("*token*", "vocab*"))
    with pytest.raises(OSError, match="must have a tokenizer, got none that loads"):
        Reranker.from_pretrained(tmp_path / "model")


def test_no_such_checkpoint_is_named_on_one_line(long_checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(long_checkpoint, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    for load in (Reranker.from_pretrained, Encoder.from_pretrained):
        with pytest.raises(OSError, match=rf"must be a Hub id .*, got {folder} \(.*Check its name") as caught:
            load(str(folder))
        assert "\n" not in str(caught.value)


def test_a_damaged_tokenizer(long_checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(long_checkpoint, tmp_path / "model")
    (tmp_path / "model" / "tokenizer.json").write_text('{"version": ')
    with pytest.raises(OSError, match="must have a tokenizer, got none that loads"):
        Reranker.from_pretrained(tmp_path / "model")


@pytest.mark.parametrize("kept", [0, 4, 1000, -1])
def test_damaged_weights_are_named(kept: int, long_checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(long_checkpoint, tmp_path / "model")
    file = tmp_path / "model" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ValueError, match=f"{file}: weights must be a whole safetensors file, got: Error while"):
        Reranker.from_pretrained(tmp_path / "model")
