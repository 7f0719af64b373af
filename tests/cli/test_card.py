"""`xlretrieval card`: what it writes, and mistakes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from xlretrieval.cli.main import COMMANDS, main

RECORDS = Path(__file__).resolve().parents[1] / "hub" / "records"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(COMMANDS, "card", "write the model card of a model folder")
    shutil.copytree(RECORDS, tmp_path / "runs")
    monkeypatch.chdir(tmp_path / "runs")
    return tmp_path / "runs"


def test_writes_the_card_into_the_model_folder(folder, capsys):
    assert main(["card", "trained", "--evaluation", "ranking", "--evaluation", "alignment"]) == 0
    assert capsys.readouterr().out == "written to trained/README.md\n"
    card = ModelCard.load(folder / "trained" / "README.md")
    assert "Ranking of held-out sections: MRR 0.200 → 0.210" in card.text and len(card.data.eval_results) == 7
    assert main(["card", "trained"]) == 0  # its own card, again


def test_options_say_what_no_record_knows(folder):
    words = ["--base-model", "org/base", "--name", "me/model", "--license", "mit", "--dataset", "me/a"]
    words += ["--evaluation", "ranking", "--evaluation-dataset", "ranking=me/b", "--output", "cards/one/README.md"]
    assert main(["card", "trained", *words]) == 0
    data = ModelCard.load(folder / "cards" / "one" / "README.md").data
    assert (data.base_model, data.license, data.datasets) == ("org/base", "mit", ["me/a"])
    assert "id: me/b" in (folder / "cards" / "one" / ".eval_results" / "ranking.yaml").read_text()
    assert not (folder / "trained" / "README.md").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ranking"], "The model folder must hold config.json, got ranking without one."),
        (["nowhere"], "The model folder must hold config.json, got nowhere without one."),
        (["trained", "--evaluation", "start"], "An evaluation must hold results.json, got start without one."),
        (["trained", "--evaluation", "damaged"], "damaged/results.json, line 1: the file must be whole JSON"),
        (["trained", "--evaluation-dataset", "ranking"], "must be NAME=ORGANISATION/DATASET, got 'ranking'"),
        (["trained", "--name", 'a"b'], "The model's name must be letters, digits and any of . _ - + /, got 'a\"b'."),
        (["foreign"], "The card must not replace a file that this command did not write, got foreign/README.md."),
    ],
)
def test_mistakes(folder, words, message, capsys):
    (folder / "damaged").mkdir()
    (folder / "damaged" / "results.json").write_text("{")
    shutil.copytree(folder / "start", folder / "foreign")
    (folder / "foreign" / "README.md").write_text("mine")
    assert main(["card", *words]) == 2
    assert message in capsys.readouterr().err
    assert not (folder / "trained" / "README.md").exists()
    assert (folder / "foreign" / "README.md").read_text() == "mine"


def test_overwrite_replaces_a_foreign_card(folder):
    (folder / "start" / "README.md").write_text("mine")
    assert main(["card", "start", "--overwrite"]) == 0
    assert "not trained" in (folder / "start" / "README.md").read_text()
