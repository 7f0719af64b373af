"""Fine-tuning and measuring question answering from the command line: what is written, resumed, and refused."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import pytest
import yaml
from warm_processes import run_warm

from xlretrieval.cli import finetune_qa
from xlretrieval.cli.configuration import ConfigurableOptions
from xlretrieval.cli.evaluate import qa as evaluate_qa
from xlretrieval.cli.output import new_folder

CONTEXTS = {
    "en": ("the red house is in the city. the blue river is on the mountain.", ["the red house", "blue river"]),
    "de": ("das haus ist rot in der stadt. der fluss ist blau und der berg.", ["das haus", "der fluss"]),
    "fr": ("la maison rouge est dans la ville. la rivière est sur la montagne.", ["la maison rouge", "la rivière"]),
}
ASKED = {"en": ["house?", "river?"], "de": ["haus?", "fluss?"], "fr": ["maison?", "rivière?"]}


def document(context: str, question: str) -> dict:
    text, answers = CONTEXTS[context]
    rows = [
        {"id": f"q{n}", "question": asked, "answers": [{"text": answer, "answer_start": text.index(answer)}]}
        for n, (asked, answer) in enumerate(zip(ASKED[question], answers, strict=True))
    ]
    return {"version": "1.1", "data": [{"title": "x", "paragraphs": [{"context": text, "qas": rows}]}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """squad.json in English, and an MLQA of two languages with a dev and a test split."""
    (tmp_path / "squad.json").write_text(json.dumps(document("en", "en")))
    (tmp_path / "mlqa").mkdir()
    for split in ("dev", "test"):
        for context in ("en", "de"):
            for question in ("en", "de"):
                path = tmp_path / "mlqa" / f"{split}-context-{context}-question-{question}.json"
                path.write_text(json.dumps(document(context, question)))
    return tmp_path


@pytest.fixture
def config(folder: Path, tiny_checkpoint) -> Path:
    options = {
        "model": str(tiny_checkpoint("BertForMaskedLM")),
        "train": [str(folder / "squad.json")],
        "dev": str(folder / "mlqa"),
        "test": str(folder / "mlqa"),
        "output_dir": str(folder / "out"),
        "num_train_epochs": 2,
        "learning_rate": "1e-3",
        "max_length": 40,
        "stride": 8,
        "max_query_length": 8,
        "use_cpu": True,
        "disable_tqdm": True,
    }
    path = folder / "qa.yaml"
    path.write_text(yaml.safe_dump(options))
    return path


def finetune(config: Path, *words: str) -> None:
    finetune_qa.run(argparse.Namespace(config=config, options=list(words), list=False))


def evaluations(folder: Path) -> list[dict]:
    """What was logged of the evaluations, without times."""
    rows = json.loads((folder / "out" / "trainer_state.json").read_text())["log_history"]
    return [
        {name: row[name] for name in row if "per_second" not in name and "runtime" not in name}
        for row in rows
        if "eval_f1" in row
    ]


def evaluate(*words: str) -> Path | None:
    parser = argparse.ArgumentParser()
    evaluate_qa.add_qa_options(ConfigurableOptions(parser))
    arguments = parser.parse_args(list(words))
    arguments = arguments.configurable.resolve(arguments)
    arguments.task = "qa"
    if not arguments.output:
        return evaluate_qa.measure(arguments, None)
    with new_folder(arguments.output, arguments.overwrite) as folder:
        evaluate_qa.measure(arguments, folder)
    return arguments.output


def test_trains_measures_and_writes(config: Path, folder: Path) -> None:
    finetune(config, "--best_epoch", "pair")
    output = folder / "out"
    record = json.loads((output / "finetuning.json").read_text())
    assert (record["command"], record["steps"], record["train"]["windows"]) == ("finetune qa", 2, 2)
    assert record["experiment"]["learning_rate"] == 1e-3 and record["experiment"]["examples_per_step"] == 16
    assert {path.name for path in (output / "best").iterdir()} == {"en-en", "en-de", "de-en", "de-de"}
    assert (output / "model.safetensors").is_file()
    for name in ("dev", "test"):
        results = json.loads((output / name / "results.json").read_text())
        assert [row["name"] for row in results["sets"]] == ["de-de", "de-en", "en-de", "en-en"]
        assert {path.name for path in (output / name).iterdir()} == {
            "results.json",
            "table.md",
            "heatmap.png",
            "predictions",
        }
        assert "| mean | F1 | 8 |" in (output / name / "table.md").read_text()
        assert set(json.loads((output / name / "predictions" / "de-en.json").read_text())) == {"q0", "q1"}


def test_goes_on_from_a_checkpoint_and_refuses_another_run(config: Path, folder: Path) -> None:
    finetune(config)
    before = {name: (folder / "out" / name).read_bytes() for name in ("model.safetensors", "dev/results.json")}
    steps = evaluations(folder)
    finetune(config)  # the last checkpoint is the end: nothing is trained again
    assert evaluations(folder) == steps
    assert {name: (folder / "out" / name).read_bytes() for name in before} == before
    finetune(config, "--resume", "false", "--stride", "9")
    assert evaluations(folder) == steps  # the contexts are one window
    with pytest.raises(ValueError, match="must belong to this configuration to be continued.*stride 9 -> 8"):
        finetune(config)


def test_a_run_that_was_stopped_early_is_over(config: Path, folder: Path) -> None:
    words = ["--num_train_epochs", "9", "--learning_rate", "0", "--early_stopping_patience", "1"]
    words += ["--save_total_limit", "3"]  # the last checkpoint is there, as after a kill
    finetune(config, *words)
    before = (folder / "out" / "model.safetensors").read_bytes()
    (folder / "out" / "model.safetensors").unlink()
    finetune(config, *words)
    assert [row["epoch"] for row in evaluations(folder)] == [1.0, 2.0]
    assert (folder / "out" / "model.safetensors").read_bytes() == before


def test_measures_a_model_and_compares(config: Path, folder: Path) -> None:
    finetune(config)
    words = ["--max-length", "40", "--stride", "8", "--max-query-length", "8", "--questions", str(folder / "mlqa")]
    output = evaluate(
        "--model", str(folder / "out"), "--before", str(folder / "out"), *words, "--output", str(folder / "measured")
    )
    results = json.loads((output / "results.json").read_text())
    assert results["command"] == "evaluate qa" and len(results["details"]) == 8
    assert {row["difference"]["value"] for row in results["measurements"]} == {0.0}
    dev = json.loads((folder / "out" / "dev" / "results.json").read_text())
    assert results["mean"]["after"] == pytest.approx(dev["mean"])
    assert (output / "heatmap.png").read_bytes().startswith(b"\x89PNG")
    # The predictions are scored the same when they are read back.
    again = evaluate(
        "--predictions",
        str(output / "predictions"),
        "--questions",
        str(folder / "mlqa"),
        "--output",
        str(folder / "b"),
    )
    assert json.loads((again / "results.json").read_text())["mean"]["after"] == results["mean"]["after"]


def test_a_squad_file_of_a_language_without_rules(folder: Path, capsys) -> None:
    (folder / "fr.json").write_text(json.dumps(document("fr", "fr")))
    (folder / "given").mkdir()
    (folder / "given" / "fr-fr.json").write_text(json.dumps({"q0": "la maison rouge"}))
    evaluate("--predictions", str(folder / "given"), "--squad", str(folder / "fr.json"), "--language", "fr")
    printed = capsys.readouterr().out
    assert "50.0" in printed
    assert "fr-fr: 1 questions without a prediction; scored by SQuAD's rules" in printed
    with pytest.raises(ValueError, match="fr-fr: language of the contexts must be one of en, .* got 'fr'"):
        words = ["--squad", str(folder / "fr.json"), "--language", "fr", "--rules", "mlqa"]
        evaluate("--predictions", str(folder / "given"), *words)


def test_impossible_questions_and_their_threshold(config: Path, folder: Path) -> None:
    finetune(config, "--num_train_epochs", "1")
    content = document("en", "en")
    content["data"][0]["paragraphs"][0]["qas"][1] |= {"is_impossible": True, "answers": []}
    (folder / "two.json").write_text(json.dumps(content))
    words = [
        "--model",
        str(folder / "out"),
        "--squad",
        str(folder / "two.json"),
        "--max-length",
        "40",
        "--stride",
        "8",
    ]
    words += ["--max-query-length", "8", "--overwrite", "--output", str(folder / "measured")]

    def detail(*more: str) -> dict:
        return json.loads((evaluate(*words, *more) / "results.json").read_text())["details"][0]

    best = detail("--null-threshold", "-1000")["best_threshold"]
    assert best["f1"] >= 50  # the impossible one can always be left unanswered
    assert detail("--null-threshold", str(best["threshold"]))["f1"] == best["f1"]
    assert detail("--null-threshold", "-1000")["no_answer_f1"] == 100
    assert detail()["no_answer_f1"] == 0


def test_mistakes(config: Path, folder: Path, tiny_checkpoint) -> None:
    with pytest.raises(ValueError, match="one of --questions and --squad, got none"):
        evaluate("--model", "x")
    with pytest.raises(ValueError, match="--predictions must stand alone"):
        evaluate("--model", "x", "--predictions", str(folder), "--questions", str(folder / "mlqa"))
    with pytest.raises(ValueError, match="must be trained to answer questions, got .* without qa_outputs.bias"):
        model = str(tiny_checkpoint("BertForMaskedLM"))
        evaluate("--model", model, "--questions", str(folder / "mlqa"), "--max-length", "40", "--stride", "8")
    with pytest.raises(ValueError, match="de-de: predictions must be of questions in the references, got 1 others"):
        (folder / "given").mkdir()
        (folder / "given" / "de-de.json").write_text('{"other": "x"}')
        evaluate(
            "--predictions", str(folder / "given"), "--questions", str(folder / "mlqa"), "--configs", "mlqa.de.de"
        )
    with pytest.raises(ValueError, match="a pair of languages must be named once, got mlqa.de.en twice"):
        finetune(config, "--configs", "mlqa.de.en", "mlqa.de.en")
    with pytest.raises(ValueError, match="a question id must occur once, got 'q0' of .*squad.json again"):
        finetune(config, "--train", str(folder / "squad.json"), str(folder / "squad.json"))
    spoilt = document("en", "en")
    spoilt["data"][0]["paragraphs"][0]["qas"][1]["answers"][0]["answer_start"] = 900
    (folder / "squad.json").write_text(json.dumps(spoilt))
    with pytest.raises(ValueError, match=r"squad.json, question 2 \(id 'q1'\): an answer must end within its context"):
        finetune(config)
    assert not (folder / "out").exists()
    finetune(config, "--drop_wrong_questions", "true", "--configs", "mlqa.de.en")
    record = json.loads((folder / "out" / "finetuning.json").read_text())
    assert len(record["problems"]) == 1 and record["train"]["questions"] == 1


@pytest.mark.slow
def test_two_processes_answer_as_one(config: Path, folder: Path) -> None:
    """The same answers and scores, from half of the windows each, after the same steps."""
    options = yaml.safe_load(config.read_text())
    model = shutil.copytree(options["model"], folder / "model")
    settings = json.loads((model / "config.json").read_text())
    settings |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (model / "config.json").write_text(json.dumps(settings))
    config.write_text(yaml.safe_dump({**options, "model": str(model)}))
    more = document("de", "de")  # three windows: the last step of an epoch takes one of the next
    more["data"][0]["paragraphs"][0]["qas"][1:] = []
    more["data"][0]["paragraphs"][0]["qas"][0]["id"] = "q2"
    (folder / "more.json").write_text(json.dumps(more))
    common = ["--train", str(folder / "squad.json"), str(folder / "more.json"), "--logging_steps", "1"]
    finetune(config, "--output_dir", str(folder / "one"), "--per_device_train_batch_size", "2", *common)
    program = folder / "run.py"
    program.write_text(
        "import argparse, sys, pathlib\nfrom xlretrieval.cli import finetune_qa\n"
        "finetune_qa.run(argparse.Namespace(config=pathlib.Path(sys.argv[1]), options=sys.argv[2:], list=False))\n"
    )
    words = ["--output_dir", str(folder / "two"), "--per_device_train_batch_size", "1", "--ddp_backend", "gloo"]
    words += common
    done = run_warm([program, config, *words], processes=2)
    assert done.returncode == 0, done.stderr[-3000:]
    one, two = (json.loads((folder / name / "test" / "results.json").read_text()) for name in ("one", "two"))
    assert one["sets"] == two["sets"]
    rows = [json.loads((folder / name / "trainer_state.json").read_text())["log_history"] for name in ("one", "two")]
    rows = [[row["loss"] for row in of if "loss" in row] for of in rows]
    assert len(rows[0]) == 4 and rows[0] == pytest.approx(rows[1], rel=1e-4)
    assert [json.loads((folder / n / "finetuning.json").read_text())["steps"] for n in ("one", "two")] == [4, 4]
