"""MLQA and XQuAD as data sets of `datasets`."""

from __future__ import annotations

from pathlib import Path

import pytest

from xlretrieval.data.answers.dataset import CrossLingualQuestions


def prepare(folder: Path, tmp_path: Path, config: str):
    builder = CrossLingualQuestions(config_name=config, data_dir=folder, cache_dir=str(tmp_path / "cache"))
    builder.download_and_prepare()
    return builder.as_dataset()


def test_prepared_rows(mlqa_folder: Path, tmp_path: Path) -> None:
    prepared = prepare(mlqa_folder, tmp_path, "mlqa.en.de")
    assert {split: len(rows) for split, rows in prepared.items()} == {"validation": 2, "test": 2}
    assert prepared["validation"][1] == {
        "id": "q1",
        "title": "Rhine",
        "context": "The Rhine is 1230 km long. It rises in the Alps.",
        "question": "Wo?",
        "answers": {"text": ["the Alps"], "answer_start": [39]},
    }


def test_prepared_again_when_a_file_changes(xquad_folder: Path, tmp_path: Path) -> None:
    assert prepare(xquad_folder, tmp_path, "xquad.de.en")["validation"][1]["question"] == "Where?"
    path = xquad_folder / "xquad.en.json"
    path.write_text(path.read_text().replace("Where?", "Where, then?"))
    assert prepare(xquad_folder, tmp_path, "xquad.de.en")["validation"][1]["question"] == "Where, then?"


def test_a_configuration_that_is_not_there(mlqa_folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="configuration must be one of mlqa.de.de, .* got mlqa.de.fr"):
        CrossLingualQuestions(config_name="mlqa.de.fr", data_dir=mlqa_folder)
