"""`xlretrieval finetune ranking`: every encoder, what it writes, kills, processes, and mistakes."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import time
from pathlib import Path

import pytest
import yaml
from warm_processes import run_warm, start_warm

from xlretrieval.cli.main import main
from xlretrieval.data.trec import read_run
from xlretrieval.inference.reranker import Reranker

REPOSITORY = Path(__file__).resolve().parents[2]
ENCODER_TYPES = REPOSITORY / "tests" / "trainers" / "encoder_types.py"
NAME = "little.en-de"

specification = importlib.util.spec_from_file_location("encoder_types", ENCODER_TYPES)
encoder_types = importlib.util.module_from_spec(specification)
specification.loader.exec_module(encoder_types)

OPTIONS = {
    "folds": 3,
    "num_train_epochs": 2,
    "eval_delay": 1,
    "per_device_train_batch_size": 8,
    "learning_rate": "1e-3",  # YAML reads 1e-3 as a string
    "max_length": 64,
    "max_query_length": 16,
    "use_cpu": True,
    "disable_tqdm": True,
}


@pytest.fixture
def config(long_folder, judged_yaml, tmp_path) -> Path:
    path = tmp_path / "finetune.yaml"
    options = {"model": str(long_folder), "collections": [str(judged_yaml)], "output_dir": str(tmp_path / "out")}
    path.write_text(yaml.safe_dump({**options, "cache_dir": str(judged_yaml.parent / "cache"), **OPTIONS}))
    return path


def change(config: Path, **options) -> None:
    config.write_text(yaml.safe_dump({**yaml.safe_load(config.read_text()), **options}))


def test_the_folds_and_what_is_written(config, tmp_path, capsys):
    assert main(["finetune", "ranking", str(config), "--negatives", "2"]) == 0
    output = tmp_path / "out"
    names = {"finetuning.json", "results.json", "table.md", "folds.txt", f"{NAME}.run", f"{NAME}.qrels"}
    assert {path.name for path in output.iterdir()} == names | {"fold-1", "fold-2", "fold-3"}
    record = json.loads((output / "finetuning.json").read_text())
    assert record["experiment"]["negatives"] == 2 and record["experiment"]["learning_rate"] == 1e-3
    assert record["experiment"]["seed"] == 611 and record["experiment"]["examples_per_step"] == 8
    assert record["collections"][NAME]["counts"]["topics"] == 20 and "transformers" in record["versions"]
    assert record["folds"]["1"]["ranked"]["pairs"] == 7 * 12
    summary = json.loads((output / "results.json").read_text())
    printed = capsys.readouterr().out
    assert f"{summary['map']:.4f}" in printed and "best epoch" in printed
    # What was written is what the other command measures.
    words = ["--run", str(output / f"{NAME}.run"), "--qrels", str(output / f"{NAME}.qrels"), "--metrics", "AP"]
    assert main(["evaluate", "ranking", *words]) == 0
    assert f"{summary['map']:.3f}" in capsys.readouterr().out


def test_the_model_of_all_queries(config, tmp_path, capsys):
    """It learns from every query for the median of the folds' epochs, and is not trained again."""
    assert main(["finetune", "ranking", str(config)]) == 0
    output = tmp_path / "out"
    folds = (output / "results.json").read_text()
    words = ["finetune", "ranking", str(config), "--final_model", "true"]
    assert main(words) == 0
    assert (output / "results.json").read_text() == folds
    final = json.loads((output / "finetuning.json").read_text())["final_model"]
    epochs = sorted(fold["best_epoch"] for fold in json.loads(folds)["folds"])
    examples = final["examples"][NAME]["examples"]
    assert final["epochs"] == epochs[1] and examples == 60 and final["steps"] == final["epochs"] * -(-examples // 8)
    weights = (output / "model.safetensors").read_bytes()
    assert not (output / "final").exists() and Reranker.from_pretrained(str(output)).score([("a", "b")]).shape == (1,)
    assert main(words) == 0 and (output / "model.safetensors").read_bytes() == weights
    assert capsys.readouterr().out.count("the model of all queries") == 1
    assert main([*words, "--fold", "1"]) == 2
    assert "final_model must come after all folds" in capsys.readouterr().err


def test_folds_are_not_published(config, tmp_path, capsys):
    assert main(["finetune", "ranking", str(config), "--push_to_hub", "true"]) == 2
    assert "each fold would replace the one before" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_one_fold_after_the_other(config, tmp_path, capsys):
    (tmp_path / "folds").write_text("".join(f"{number} {number % 3}\n" for number in range(1, 22)))
    change(config, fold_file=str(tmp_path / "folds"), num_train_epochs=1, keep_models=True)
    for fold in (3, 1):
        assert main(["finetune", "ranking", str(config), "--fold", str(fold)]) == 0
    assert "folds 1, 3 of 3 are finished" in capsys.readouterr().out
    output = tmp_path / "out"
    assert not (output / "results.json").exists() and (output / "fold-1" / "model" / "config.json").exists()
    assert main(["finetune", "ranking", str(config), "--fold", "2"]) == 0
    tested = json.loads((output / "fold-1" / "metrics.json").read_text())["average_precision"][NAME]
    assert list(tested) == [str(number) for number in range(1, 21) if number % 3 == 0]
    record = json.loads((output / "finetuning.json").read_text())
    assert json.loads((output / "results.json").read_text())["queries"] == 20
    assert record["topics of the fold file that no collection has"] == 1


def test_data_sets_with_a_teacher(config, judged, judged_yaml, tmp_path):
    teacher = tmp_path / "teacher.jsonl"
    rows = [
        {"query": query, "document": document, "score": 3.0 * grade}
        for query, documents in judged.qrels.items()
        for document, grade in documents.items()
    ]
    teacher.write_text("".join(json.dumps(row) + "\n" for row in rows))
    other = tmp_path / "other.yaml"
    other.write_text(judged_yaml.read_text().replace("name: little", "name: other").replace(": ", ": ", 1))
    for name in ("documents.jsonl", "topics.tsv", "qrels.txt"):
        (tmp_path / name).write_text((judged_yaml.parent / name).read_text())
    distilled = {"config": str(judged_yaml), "loss": "kl", "teacher": str(teacher), "teacher_column": "score"}
    change(config, collections=[distilled, {"config": str(other), "weight": 0.5, "train_only": True}])
    assert main(["finetune", "ranking", str(config), "--direction", "en-de", "--fold", "1"]) == 0
    counts = json.loads((tmp_path / "out" / "fold-1" / "metrics.json").read_text())["counts"]["examples"]
    assert counts["other.en-de"]["examples"] == 60 and counts[NAME]["examples"] == 18
    entries = json.loads((tmp_path / "out" / "finetuning.json").read_text())["experiment"]["collections"]
    assert entries[0]["loss"] == "kl" and entries[1]["direction"] == "en-de"


@pytest.mark.slow
@pytest.mark.parametrize("name", encoder_types.ENCODERS)
def test_every_encoder(name, config, tiny_checkpoint, long_folder, tmp_path):
    model = encoder_types.encoder_folder(name, tiny_checkpoint, long_folder, tmp_path)
    change(config, model=str(model), keep_models=True)
    assert main(["finetune", "ranking", str(config), "--fold", "1"]) == 0
    folder = tmp_path / "out" / "fold-1"
    run = read_run(folder / f"{NAME}.run")
    scores = [score for documents in run.values() for score in documents.values()]
    assert len(scores) == 7 * 12 and len(set(scores)) > 60  # it tells documents apart
    from xlretrieval.inference.reranker import Reranker

    reranker = Reranker.from_pretrained(str(folder / "model"))
    assert reranker.model.config.num_labels == 1
    if name == "xlm-100":
        assert "token_type_ids" not in reranker.collator.tokenizer.model_input_names


def assert_same_run(first: Path, second: Path) -> None:
    one, two = read_run(first), read_run(second)
    assert list(one) == list(two)
    for query, documents in one.items():
        assert list(documents) == list(two[query])  # in the same order
        assert two[query] == pytest.approx(documents, abs=1e-6)


@pytest.mark.slow
def test_killed_in_the_middle_of_a_fold(config, tmp_path, one_thread):
    change(config, num_train_epochs=4, eval_delay=1)
    assert main(["finetune", "ranking", str(config), "--output_dir", str(tmp_path / "whole")]) == 0
    command = ["-m", "xlretrieval", "finetune", "ranking", config, "--output_dir", tmp_path / "killed"]
    process = start_warm(command, tmp_path / "stdout", tmp_path / "stderr")
    deadline = time.monotonic() + 120
    while not list((tmp_path / "killed" / "fold-2" / "checkpoints").glob("checkpoint-*/trainer_state.json")):
        assert process.is_alive() and time.monotonic() < deadline, "it ended, or hangs, before it could be killed"
        time.sleep(0.002)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "fold-2" / "metrics.json").exists()
    assert main(["finetune", "ranking", str(config), "--output_dir", str(tmp_path / "killed")]) == 0
    for name in ("results.json", "table.md"):
        assert (tmp_path / "killed" / name).read_text() == (tmp_path / "whole" / name).read_text()
    assert_same_run(tmp_path / "whole" / f"{NAME}.run", tmp_path / "killed" / f"{NAME}.run")


@pytest.mark.slow
def test_two_processes_share_the_batches(config, tmp_path, one_thread):
    """A process each for half of a batch, and half of what is ranked: the same run to 1e-6."""
    assert main(["finetune", "ranking", str(config), "--fold", "1", "--output_dir", str(tmp_path / "one")]) == 0
    command = ["-m", "xlretrieval", "finetune", "ranking", config, "--fold", "1"]
    command += ["--per_device_train_batch_size", "4", "--ddp_backend", "gloo", "--output_dir", tmp_path / "two"]
    done = run_warm(command, processes=2)
    assert done.returncode == 0, done.stderr[-3000:]
    assert_same_run(tmp_path / "one" / "fold-1" / f"{NAME}.run", tmp_path / "two" / "fold-1" / f"{NAME}.run")


@pytest.mark.slow
def test_processes_share_the_folds(config, tmp_path, one_thread, monkeypatch, capsys):
    """Each as if it were alone, and the last one writes the table."""
    change(config, num_train_epochs=1)
    assert main(["finetune", "ranking", str(config), "--output_dir", str(tmp_path / "one")]) == 0
    for rank, folds in ((0, "folds 1, 3 of 3 are finished"), (1, "best epoch")):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        for name, value in {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": 1}.items():
            monkeypatch.setenv(name, str(value))
        words = ["--spread", "folds", "--output_dir", str(tmp_path / "two")]
        capsys.readouterr()
        assert main(["finetune", "ranking", str(config), *words]) == 0
        assert folds in capsys.readouterr().out
        assert os.environ["CUDA_VISIBLE_DEVICES"] == str(rank) and "RANK" not in os.environ
    for name in ("results.json", "table.md", f"{NAME}.run"):
        assert (tmp_path / "one" / name).read_text() == (tmp_path / "two" / name).read_text()


def test_refuses_to_add_to_another_experiment(config, capsys):
    assert main(["finetune", "ranking", str(config), "--fold", "1"]) == 0
    assert main(["finetune", "ranking", str(config), "--fold", "2", "--seed", "7"]) == 2
    assert "seed 611 -> 7" in capsys.readouterr().err
    # Cut otherwise it is the same experiment.
    words = ["--per_device_train_batch_size", "4", "--gradient_accumulation_steps", "2"]
    assert main(["finetune", "ranking", str(config), "--fold", "2", *words]) == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modle": "x"}, "line 11: an option must be known, got 'modle'. Did you mean 'model'?"),
        ({"collections": [{"direction": "en-de"}]}, "a data set must have 'config', got direction"),
        ({"collections": [{"config": "a", "wieght": 2}]}, "got 'wieght'"),
        ({"collections": [{"config": "a", "loss": "kl"}]}, "loss kl must have a teacher"),
        ({"collections": [{"config": "a", "weight": "2"}]}, "weight of a data set must be of type float, got '2'"),
        ({"collections": [{"config": "a", "negatives_from": "b"}]}, "negatives_from of a data set must be one of"),
        ({"collections": ["/no/such.yaml"]}, "/no/such.yaml"),
        ({"collections": None}, "collections must be given, got none"),
        ({"direction": "en-fr"}, "direction must be one of en-de, got 'en-fr'"),
        ({"folds": 30}, "folds must be at most the number of queries, got 30 of 20"),
        ({"fold": 4}, "fold must be between 1 and 3, got 4"),
        ({"fold": 1, "spread": "folds"}, "fold must not be given where folds are spread, got 1"),
        ({"max_length": 512}, "max_length must be at most 96"),
        ({"freeze_layers": 3}, "freeze_layers must be between -1 and the 2 layers"),
        ({"loss": "hinge"}, "hinge"),
        ({"model": "/no/such/model"}, "/no/such/model"),
    ],
)
def test_mistakes(changes, message, config, tmp_path, capsys):
    change(config, **changes)
    try:
        code = main(["finetune", "ranking", str(config)])
    except SystemExit as leaving:  # argparse leaves by itself
        code = leaving.code
    assert code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out" / "fold-1" / "metrics.json").exists()


def test_the_example_names_options_that_exist():
    from dataclasses import fields

    from xlretrieval.cli.finetune_ranking import RunArguments
    from xlretrieval.trainers.data_sets import parse_data_set
    from xlretrieval.trainers.ranking_arguments import RankingArguments

    options = yaml.safe_load((REPOSITORY / "examples" / "finetune_ranking.yaml").read_text())
    assert set(options) <= {option.name for option in [*fields(RunArguments), *fields(RankingArguments)]}
    assert parse_data_set(options["collections"][0]).direction == "en-de"
