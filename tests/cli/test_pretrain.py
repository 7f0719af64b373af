"""`xlretrieval pretrain`: YAML and overrides, what it writes, going on after a kill, and mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from xlretrieval.cli.main import main

OPTIONS = {
    "max_steps": 4,
    "per_device_train_batch_size": 2,
    "learning_rate": "1e-4",  # YAML reads 1e-4 as a string
    "max_length": 64,
    "max_query_length": 16,
    "save_steps": 2,
    "logging_steps": 1,
    "use_cpu": True,
    "disable_tqdm": True,
}


@pytest.fixture
def config(long_folder, corpus_folder, tmp_path) -> Path:
    path = tmp_path / "pretrain.yaml"
    output = tmp_path / "out"
    options = {"model": str(long_folder), "corpus": str(corpus_folder), "output_dir": str(output), **OPTIONS}
    path.write_text(yaml.safe_dump(options))
    return path


def test_trains_and_writes_what_it_did(config, tmp_path, capsys):
    words = ["--eval_strategy", "steps", "--eval_steps", "4", "--eval_pairs", "4", "--language_pairs", "fr-en"]
    assert main(["pretrain", str(config), *words]) == 0
    output = tmp_path / "out"
    record = json.loads((output / "pretraining.json").read_text())
    assert record["arguments"]["language_pairs"] == ["fr-en"] and record["steps"] == 4
    assert record["arguments"]["learning_rate"] == 1e-4 and record["arguments"]["examples_per_step"] == 2
    assert record["pairs"]["en-fr"]["train"] > 50 and record["truncated"]["examples"] >= 4 * 2
    assert {"model.safetensors", "tokenizer.json", "curves.png", "trainer_state.json"} <= {
        path.name for path in output.iterdir()
    }
    assert "before" in capsys.readouterr().out

    from transformers import AutoModelForSequenceClassification

    assert AutoModelForSequenceClassification.from_pretrained(output).config.num_labels == 1


def test_goes_on_from_the_last_whole_checkpoint(config, tmp_path, caplog):
    assert main(["pretrain", str(config)]) == 0
    output = tmp_path / "out"
    (output / "checkpoint-4" / "trainer_state.json").write_text("{")  # killed while it was written
    assert main(["pretrain", str(config), "--max_steps", "6"]) == 0
    assert "checkpoint-4: not whole, passed over" in caplog.text
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    assert [row["step"] for row in history if "grad_norm" in row] == [1, 2, 3, 4, 5, 6]


def test_a_run_that_was_stopped_early_is_over(config, tmp_path):
    """Started again, it trains no further, and the model is still that of the best step."""
    words = "--eval_strategy steps --eval_steps 2 --eval_pairs 4 --eval_candidates 3 --learning_rate 0".split()
    words += "--early_stopping_patience 1 --load_best_model_at_end true --max_steps 20".split()
    assert main(["pretrain", str(config), *words]) == 0
    output = tmp_path / "out"

    def outcome() -> tuple[bytes, list[int]]:
        history = json.loads((output / "trainer_state.json").read_text())["log_history"]
        return (output / "model.safetensors").read_bytes(), [row["step"] for row in history if "eval_loss" in row]

    before = outcome()
    assert before[1] == [0, 2, 4]
    (output / "model.safetensors").unlink()
    assert main(["pretrain", str(config), *words]) == 0
    assert outcome() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seed", "7"], "seed 42 -> 7"),
        (["--mask_mode", "document"], "mask_mode 'query' -> 'document'"),
    ],
)
def test_refuses_to_continue_another_experiment(words, message, config, capsys):
    assert main(["pretrain", str(config)]) == 0
    assert main(["pretrain", str(config), *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modle": "x"}, "an option must be known, got 'modle'. Did you mean 'model'?"),
        ({"corpus": "/no/such/folder"}, "folder of aligned sections must exist"),
        ({"language_pairs": ["en-xx"]}, "pair must be one of en-de, en-fr, got 'en-xx'"),
        ({"max_length": 512}, "max_length must be at most 96, the positions of this model, got 512"),
        ({"rr_loss": "hinge"}, "hinge"),
        ({"early_stopping_patience": 2}, "eval_strategy must be steps or epoch to stop early, got 'no'"),
    ],
)
def test_mistakes(change, message, config, tmp_path, capsys):
    config.write_text(yaml.safe_dump({**yaml.safe_load(config.read_text()), **change}))
    try:
        code = main(["pretrain", str(config)])
    except SystemExit as leaving:  # argparse leaves by itself
        code = leaving.code
    assert code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_options_without_a_configuration(config, tmp_path):
    """The value of the first option is not taken for the configuration file."""
    values = yaml.safe_load(config.read_text())
    words = [word for name, value in values.items() for word in (f"--{name}", str(value))]
    assert main(["pretrain", *words, "--max_steps", "1"]) == 0
    assert (tmp_path / "out" / "model.safetensors").exists()


def test_a_configuration_that_is_no_mapping(config, capsys):
    config.write_text("- model\n")
    assert main(["pretrain", str(config)]) == 2
    assert str(config) in capsys.readouterr().err


def test_help_names_our_options(capsys):
    with pytest.raises(SystemExit):
        main(["pretrain", "--help"])
    printed = capsys.readouterr().out
    assert "--mask_probability" in printed and "--rr_loss" in printed and "--corpus" in printed
