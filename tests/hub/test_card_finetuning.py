"""What the card of a fine-tuned model says, on records whose every number is known (`records/`)."""

from __future__ import annotations

import json
import re
import runpy
import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard

from xlretrieval.hub.card import write_card
from xlretrieval.hub.card_options import stored_card

RECORDS = Path(__file__).with_name("records")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The records of the runs; paths in them are relative to this folder."""
    shutil.copytree(RECORDS, tmp_path / "runs")
    (tmp_path / "runs" / "trained" / "curves.png").write_bytes(b"\x89PNG curves")
    (tmp_path / "runs" / "answers" / "test" / "heatmap.png").write_bytes(b"\x89PNG of test")
    monkeypatch.chdir(tmp_path / "runs")
    return tmp_path / "runs"


def test_the_model_of_a_fold_needs_no_option(folder: Path) -> None:
    path = write_card(folder / "tuned" / "fold-2" / "model")
    text = path.read_text()
    assert "# tuned\n" in text and 'Reranker.from_pretrained("tuned/fold-2/model")' in text
    assert (
        "It was pretrained on pairs of aligned sections in de, en, fr.\n"
        "Then it was fine-tuned to rank documents, with the judged queries of clef.en-de.\n"
        "These are the weights of fold 2 of a cross validation.\n"
    ) in text
    assert "Made from `trained`, which was made from `start`, which was made from `google-bert/bert-base-mul" in text
    assert "- Ranking of clef.en-de after fine-tuning, cross validation over 3 folds: MAP 0.400 (95% 0." in text
    assert "over 6 queries\n" in text
    # The intervals are over the queries of a fold, and of all folds: a mean lies between its least and greatest.
    row = re.search(r"\| 2 \(these weights\) \| 2 \| 10 \| 0\.625 \| 0\.400 \[(0\.\d+), (0\.\d+)\] \|", text)
    assert row and 0.2 <= float(row[1]) < 0.4 < float(row[2]) <= 0.6
    assert re.search(r"\| all \| 6 \|  \|  \| \*\*0\.400 \[0\.2\d+, 0\.5\d+\]\*\* \|", text)
    assert "### Pretraining" in text and "| optimizer steps | 60 |" in text and "](curves.png)" in text
    assert "| clef.en-de | 1,000 documents, 7 topics, 1,200 judgements, candidates: judged pool, 1 topics wit" in text
    assert "| queries left out, without a relevant document | 1 |" in text  # of this fold
    assert "| lowest layers that stay as they were | 9 |" in text and "| learning rate | 2e-05 |" in text
    assert "| epoch of the weights | that of the best MAP on dev queries, from epoch 10 on |" in text
    assert "/home/me" not in text and (path.parent / "curves.png").is_file()
    data = ModelCard.load(path).data
    (result,) = data.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_name) == (
        "map",
        0.4,
        "clef.en-de, test queries of fold 2",
    )
    assert result.metric_args["queries"] == 2 and result.metric_args["map_of_all_folds"] == 0.4
    assert data.tags == ["xlretrieval", "cross-lingual", "cross-encoder", "reranker", "qlm", "rr"]


def test_the_folder_of_the_run_is_no_model(folder: Path) -> None:
    with pytest.raises(
        ValueError, match=r"must hold config\.json, got .*tuned without one\. Give one of its models: fold-2/m"
    ):
        write_card(folder / "tuned")
    shutil.rmtree(folder / "tuned" / "fold-2")
    (folder / "tuned" / "folds.txt").write_text("")
    with pytest.raises(
        ValueError, match="Give the model of a fold; a run of folds keeps them with `--keep_models true`"
    ):
        write_card(folder / "tuned")


def test_folds_that_are_not_finished_have_no_table(folder: Path) -> None:
    (folder / "tuned" / "results.json").unlink()
    text = write_card(folder / "tuned" / "fold-2" / "model").read_text()
    assert "Cross validation" not in text and "None is recorded: how well this model retrieves is unknown." in text


def test_a_model_without_the_models_before_it_tells_what_it_knows(folder: Path) -> None:
    shutil.rmtree(folder / "trained")
    text = write_card(folder / "tuned" / "fold-2" / "model").read_text()
    assert "It was fine-tuned to rank documents" in text and "Made from `trained`.\n" in text
    assert "### Pretraining" not in text and "**The relevance head was not trained**" not in text


def test_a_question_answerer(folder: Path) -> None:
    path = write_card(folder / "answers")
    text, data = path.read_text(), ModelCard.load(path).data
    assert "A model that finds the answer to a question in a text, across languages" in text
    assert "Then it was fine-tuned to answer questions, with 87,599 of them." in text
    assert "- Answers to test questions: F1 60.0\n" in text
    assert "| text \\ question | de | en |\n| --- | ---: | ---: |\n| de | 70.0 | 50.0 |\n| en | 60.0 |  |\n" in text
    assert (
        "An answer is a part of the text; test questions of `MLQA_V1.zip`; exact match (EM) and F1 in percent. "
        in text
    )
    assert "| best F1 on dev questions | 61.2 |" in text and "| questions cut | 3 |" in text
    assert "](evaluation-finetuning-test.png)" in text and (path.parent / "evaluation-finetuning-test.png").is_file()
    assert "CrossEncoder" not in text and "Reranker" not in text and "relevance head" not in text.split("## Arch")[0]
    assert "Scores order the documents" not in text and "/home/me" not in text
    assert data.pipeline_tag == "question-answering" and data.language == ["de", "en", "fr"]
    # What chose the epoch is no result.
    assert {result.dataset_split for result in data.eval_results} == {"test"} and len(data.eval_results) == 6
    assert data.metrics == ["exact_match", "f1"]


def test_an_evaluation_of_answers(folder: Path) -> None:
    def row(metric: str, before: float, after: float) -> dict:
        sides = {"before": before, "after": after, "difference": after - before}
        return {"task": "de-en", "metric": metric, "n": 100} | {
            side: {"value": value, "low": value - 5, "high": value + 5} for side, value in sides.items()
        }

    record = {
        "command": "evaluate qa",
        "arguments": {"model": "/home/me/answers", "before": "mbert", "questions": "xquad", "split": "test"},
        "measurements": [row("EM", 20.0, 30.0), row("F1", 40.0, 60.0)],
        "details": [],
    }
    (folder / "test").mkdir()
    (folder / "test" / "results.json").write_text(json.dumps(record))
    text = write_card(folder / "answers", [folder / "test"]).read_text()
    assert "- Answers to test questions: F1 40.0 → 60.0 (+20.0, 95% +15.0 to +25.0)\n" in text
    assert "test questions of `xquad`; exact match (EM) and F1 in percent. Before: `mbert`; after: `answers`." in text
    assert "| de-en | F1 | 100 | 40.0 [35.0, 45.0] | 60.0 [55.0, 65.0] | +20.0 [+15.0, +25.0] |" in text


def test_paired_tests_are_in_the_table_and_the_headline(folder: Path) -> None:
    results = folder / "ranking" / "results.json"
    record = json.loads(results.read_text())
    record["measurements"] = [row for row in record["measurements"] if row["task"] == "de-en"]
    test = {"better": 40, "worse": 20, "randomisation": 0.00001, "t_test": 0.0002}
    for row in record["measurements"]:
        row["test"] = test | {"randomisation_holm": 0.00002, "t_test_holm": 0.0004, "family": 2}
    results.write_text(json.dumps(record))
    path = write_card(folder / "trained", [folder / "ranking"])
    text = path.read_text()
    assert "| task | metric | n | before | after | difference | p | p (t) | p Holm | p Holm (t) |" in text
    assert "| +0.080 [+0.020, +0.140] | <0.0001 | 0.0002 | <0.0001 | 0.0004 |" in text
    assert "p: two-sided paired randomisation test; (t): paired t-test; Holm: corrected for 2 tasks." in text
    assert re.search(r"MRR 0\.170 → 0\.250 \(\+0\.080, 95% \+0\.020 to \+0\.140, p &lt;0\.0001\)", text)
    assert ModelCard.load(path).data.eval_results[0].metric_args["p"] == 0.00001
    record["measurements"][0]["test"] = {"better": 1}
    results.write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"results\.json: measurement 1 must have"):
        write_card(folder / "trained", [folder / "ranking"])


def test_a_model_type_shows_only_ways_that_work(folder: Path) -> None:
    config = folder / "trained" / "config.json"
    content = json.loads(config.read_text())
    del content["auto_map"]
    config.write_text(json.dumps(content))
    text = write_card(folder / "trained").read_text()
    assert "Reranker" in text and "CrossEncoder" not in text and "The folder lacks the code of this model type" in text
    config.write_text(json.dumps(content | {"architectures": ["BertModel"], "model_type": "bert"}))
    path = write_card(folder / "trained")
    assert "Encoder.from_pretrained" in path.read_text() and "Reranker" not in path.read_text()
    assert ModelCard.load(path).data.pipeline_tag == "feature-extraction"


def test_what_a_card_said_can_be_said_again(folder: Path) -> None:
    write_card(folder / "trained", [folder / "ranking"], "org/base")
    shutil.rmtree(folder / "ranking")
    options, (evaluation,) = stored_card(folder / "trained")
    assert options.base_model == "org/base" and evaluation.name == "ranking"
    assert evaluation.headline().startswith("Ranking of held-out sections: MRR 0.200 → 0.210")
    (folder / "trained" / "card.json").write_text('{"evaluations": [], "license": "mit"}')
    with pytest.raises(
        ValueError, match=r"card\.json: the file must hold the options of `xlretrieval card`, got .*license"
    ):
        stored_card(folder / "trained")
    (folder / "trained" / "evaluation-mine.json").write_text("{}")
    write_card(folder / "trained")  # replaces the record; what is not its own stays
    assert json.loads((folder / "trained" / "card.json").read_text())["licence"] == "apache-2.0"
    assert (folder / "trained" / "evaluation-mine.json").exists()


def test_the_usage_of_a_question_answerer_runs(long_folder: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    from xlretrieval.trainers.question_answerer import load_question_answerer

    torch.manual_seed(0)  # of the new head
    model, tokenizer = load_question_answerer(str(long_folder))
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    text = write_card(tmp_path / "model").read_text()
    assert "Train it first, as the answers of this checkpoint mean nothing." in text
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL)):
        (tmp_path / f"usage{number}.py").write_text(block.replace("384, 128, 64", "96, 8, 48"))
        runpy.run_path(str(tmp_path / f"usage{number}.py"))
    # Of a random head the two choose differently: ours looks among the 20 best tokens of either kind.
    ours, theirs = capsys.readouterr().out.splitlines()
    text = "Im Winter essen alle Zwiebelsuppe."
    assert ours in text
    assert theirs and theirs.replace("##", "").replace(" ", "") in text.lower().replace(" ", "")
