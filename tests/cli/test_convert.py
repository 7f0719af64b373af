"""`xlretrieval convert`: what it writes, what it prints, and what is left when it refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, GPT2Config, GPT2LMHeadModel

from xlretrieval import BertLongConfig, BertLongForXLRetrieval, __version__
from xlretrieval.cli.main import main

MakeCheckpoint = Callable[[str], Path]


def convert(*arguments: object) -> int:
    return main(["convert", *map(str, arguments)])


def test_bert(tiny_checkpoint: MakeCheckpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output, source = tmp_path / "long", tiny_checkpoint("BertForPreTraining")
    assert convert("--model", source, "--output", output, "--max-length", 150, "--attention-window", 8) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith(f"{output}: BertLongForXLRetrieval, 3") and printed[0].endswith(" parameters")
    assert printed[1:] == [
        "  longest input 150 tokens",
        "  not in the checkpoint, start at random: classifier.bias, classifier.weight",
    ]
    model = AutoModelForSequenceClassification.from_pretrained(output)
    assert type(model).__name__ == "BertLongForXLRetrieval"
    assert model.config.layer_windows == [8, 8]
    assert model(torch.full((1, 150), 60)).logits.shape == (1, 1)
    assert AutoTokenizer.from_pretrained(output).model_max_length == 150
    assert sorted(path.name for path in output.iterdir()) == [
        "attention.py",
        "attention_kernels.py",
        "config.json",
        "configuration_bert_long.py",
        "conversion.json",
        "fused_attention.py",
        "fused_layer.py",
        "fused_linear.py",
        "heads.py",
        "layer_kernels.py",
        "model.safetensors",
        "modeling_bert_long.py",
        "packed_attention.py",
        "rows.py",
        "tiled_attention.py",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    record = json.loads((output / "conversion.json").read_text())
    assert record["arguments"] == {
        "model": str(source),
        "output": str(output),
        "max_length": 150,
        "attention_window": [8],
        "released": False,
        "overwrite": False,
    }
    assert record["new_parameters"] == ["classifier.bias", "classifier.weight"]
    assert record["versions"]["xlretrieval"] == __version__


def test_nothing_new_is_not_mentioned(oracle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = tmp_path / "long"
    assert convert("--model", oracle / "checkpoints_tiny" / "long", "--released", "--output", output) == 0
    assert "not in the checkpoint" not in capsys.readouterr().out
    assert AutoModelForSequenceClassification.from_pretrained(output).config.longest_input == 128


def test_a_window_per_layer(tiny_checkpoint: MakeCheckpoint, tmp_path: Path):
    source = tiny_checkpoint("XLMRobertaForMaskedLM")
    arguments = ["--model", source, "--output", tmp_path / "long", "--max-length", 100, "--attention-window", 4, 16]
    assert convert(*arguments) == 0
    assert json.loads((tmp_path / "long" / "config.json").read_text())["attention_window"] == [4, 16]


def test_an_output_with_files_is_replaced_only_when_asked(
    tiny_checkpoint: MakeCheckpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "notes.txt").write_text("mine")
    arguments = ["--model", tiny_checkpoint("BertModel"), "--output", tmp_path, "--max-length", 64]
    assert convert(*arguments) == 2
    assert "The output folder must be new or empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert convert(*arguments, "--overwrite") == 0
    assert not (tmp_path / "notes.txt").exists()
    assert (tmp_path / "model.safetensors").is_file()


# Refusals: exit code 2, one line, no output


def break_nothing(folder: Path) -> None:
    """The options are at fault."""


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def remove_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


def make_gpt2(folder: Path) -> None:
    config = GPT2Config(n_layer=1, n_head=2, n_embd=8, vocab_size=20, bos_token_id=0, eos_token_id=0)
    GPT2LMHeadModel(config).save_pretrained(folder)


def make_two_labels(folder: Path) -> None:
    sizes = {"vocab_size": 200, "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8}
    config = BertLongConfig(**sizes, num_hidden_layers=1, max_position_embeddings=64, id2label={0: "no", 1: "yes"})
    BertLongForXLRetrieval(config).save_pretrained(folder)


def truncate_weights(folder: Path) -> None:
    path = next(path for path in folder.iterdir() if path.name in ("model.safetensors", "pytorch_model.bin"))
    path.write_bytes(path.read_bytes()[:9000])


class Intruder:
    def __reduce__(self):
        return print, ("run",)


def pickle_code(folder: Path) -> None:
    torch.save({"bert": Intruder()}, folder / "pytorch_model.bin")


def refusal(arguments: list[object], output: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error; checks the exit code and that nothing is left."""
    assert convert(*arguments, "--output", output) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = [line for line in captured.err.splitlines() if line and "Loading weights" not in line]
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("xlretrieval convert: error: ")
    assert not output.exists()
    assert not list(output.parent.glob(".*partial*"))
    return lines[0]


@pytest.mark.parametrize(
    ("damage", "options", "message"),
    [
        (break_nothing, ["--max-length", 32], "max_length must be at least the checkpoint's own length 64, got 32."),
        (break_nothing, ["--attention-window", 8, 8, 8], "one number for each of the 2 layers, got 3 numbers."),
        (break_nothing, ["--attention-window", 0], "attention_window must be positive, got 0."),
        (make_gpt2, [], "must be one of bert, xlm-roberta, bert-long, got 'gpt2'"),
        (make_two_labels, [], "must have one relevance label if any, got 2."),
        (remove_folder, [], "must be a Hub id or a folder with config.json"),
        (remove_tokenizer, [], "must come with its tokenizer"),
        (truncate_weights, [], "must hold whole weights"),
        (break_nothing, ["--released"], "must have pytorch_model.bin"),
    ],
    ids=lambda value: getattr(value, "__name__", "") or ("-".join(map(str, value)) if isinstance(value, list) else ""),
)
def test_refused(
    tiny_checkpoint: MakeCheckpoint,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], None],
    options: list[object],
    message: str,
):
    source = tmp_path / "source"
    shutil.copytree(tiny_checkpoint("BertForPreTraining"), source)
    damage(source)
    capsys.readouterr()
    assert message in refusal(["--model", source, *options], tmp_path / "output", capsys)


@pytest.mark.parametrize(
    ("checkpoint", "damage", "message"),
    [
        ("long", truncate_weights, "pytorch_model.bin must be a whole file of tensors"),
        ("long", pickle_code, "got pickled objects other than tensors"),
        ("base_src", break_nothing, "must hold the heads mlm_cls and seqcls_classifier, got cls."),
    ],
)
def test_released_refused(
    oracle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    checkpoint: str,
    damage: Callable[[Path], None],
    message: str,
):
    source = tmp_path / "source"
    shutil.copytree(oracle / "checkpoints_tiny" / checkpoint, source)
    damage(source)
    assert message in refusal(["--model", source, "--released"], tmp_path / "output", capsys)
