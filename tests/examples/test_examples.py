"""Every example runs as its first lines say."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest
import yaml
from warm_processes import run_warm

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(name: str, *words: object) -> str:
    done = run_warm([EXAMPLES / name, *words])
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_both_ways_to_score_agree(long_folder):
    pair = ("the city in the mountain", "die stadt auf dem berg")
    ours = float(run("rerank.py", long_folder, *pair).split()[0])
    theirs = float(run("with_sentence_transformers.py", long_folder, *pair))
    assert ours == pytest.approx(theirs, abs=1e-3)  # printed with three decimals


@pytest.mark.slow
def test_an_exported_model_scores_the_same(tiny_checkpoint, tmp_path):
    pair = ("the city in the mountain", "die stadt auf dem berg")
    checkpoint = tiny_checkpoint("BertForSequenceClassification")
    ours = float(run("rerank.py", checkpoint, *pair).split()[0])
    line = run("export_onnx.py", checkpoint, tmp_path / "exported", *pair, "ein anderer satz").splitlines()
    exported = next(float(text.split()[0]) for text in line if text.endswith(pair[1]))
    assert len(line) == 2 and exported == pytest.approx(ours, abs=1e-3)


@pytest.mark.slow
def test_a_model_is_loaded_in_three_ways(long_folder):
    pair = ("the city in the mountain", "die stadt auf dem berg")
    lines = run("from_pretrained.py", long_folder, *pair).splitlines()
    scores = {line.split()[0]: float(line.split()[1]) for line in lines}
    assert list(scores) == ["xlretrieval", "transformers", "sentence-transformers"]
    assert list(scores.values()) == pytest.approx([scores["xlretrieval"]] * 3, abs=1e-5)


@pytest.mark.slow
def test_a_card_is_written_and_the_files_are_listed(long_folder, tmp_path):
    folder = shutil.copytree(long_folder, tmp_path / "model")
    output = run("push_to_hub.py", folder, "me/ranker", "--dry-run")
    assert "model.safetensors" in output and output.endswith("would be at https://huggingface.co/me/ranker\n")
    assert 'Reranker.from_pretrained("me/ranker")' in (folder / "README.md").read_text()


def test_examples_are_short():
    long = {path.name for path in EXAMPLES.glob("*.py") if len(path.read_text().splitlines()) > 40}
    assert long <= {"pretrain_real_text.py"}  # an experiment


def configurations() -> dict[str, tuple[type, type]]:
    """Configuration -> the classes whose fields are its options."""
    from xlretrieval.cli import finetune_qa, finetune_ranking, pretrain
    from xlretrieval.trainers.arguments import XLPretrainingArguments
    from xlretrieval.trainers.question_answering_arguments import QuestionAnsweringArguments
    from xlretrieval.trainers.ranking_arguments import RankingArguments

    return {
        "pretrain.yaml": (pretrain.RunArguments, XLPretrainingArguments),
        "finetune_ranking.yaml": (finetune_ranking.RunArguments, RankingArguments),
        "finetune_qa.yaml": (finetune_qa.QuestionAnsweringRun, QuestionAnsweringArguments),
    }


def test_configurations_name_options_that_exist():
    from dataclasses import fields

    for name, classes in configurations().items():
        known = {option.name for options in classes for option in fields(options)}
        assert set(yaml.safe_load((EXAMPLES / name).read_text())) <= known, name


def test_launch_configurations_are_accelerates():
    from accelerate.commands.config.config_args import load_config_from_file

    for path in (EXAMPLES / "accelerate").glob("*.yaml"):
        assert load_config_from_file(str(path)).mixed_precision == "bf16"


def test_the_real_text_experiment_imports():
    spec = importlib.util.spec_from_file_location("pretrain_real_text", EXAMPLES / "pretrain_real_text.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.ARMS["document masking"] == {"mask_mode": "document"}
