"""What fine-tuning left beside a model: its record, the folds of a cross validation, answers to held-out questions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xlretrieval.data.collections.topics import topic_key
from xlretrieval.data.languages import parse_pair
from xlretrieval.evaluation.report import Estimate, Measurement

from .evaluation import Evaluation
from .json_records import read_record

RECORD, RESULTS = "finetuning.json", "results.json"
# A published record says which fold's model it stands beside; in the folder of the run its path says so.
MODEL_OF_FOLD = "model_of_fold"
QUESTION_SPLITS = ("dev", "test")


@dataclass(frozen=True)
class Fold:
    """A fold of a cross validation.

    Attributes:
        number: From 1.
        queries: Test queries.
        best_epoch: Whose model was tested.
        dev_map: Its MAP on the queries that chose it.
        test_map: On the test queries, with an interval over them.
    """

    number: int
    queries: int
    best_epoch: float
    dev_map: float
    test_map: Estimate


@dataclass(frozen=True)
class FineTuning:
    """One fine-tuning.

    Attributes:
        task: "ranking" or "qa".
        record: finetuning.json.
        fold: Whose model this is, where the folder holds that of one fold.
        results: results.json of all folds, {} before they are finished.
        evaluations: Of questions: dev and test.
    """

    task: str
    record: dict[str, Any]
    fold: int | None = None
    results: dict[str, Any] = field(default_factory=dict)
    evaluations: tuple[Evaluation, ...] = ()

    @property
    def arguments(self) -> dict[str, Any]:
        """What was asked for, and what made the result."""
        return {**self.record.get("arguments", {}), **self.record.get("experiment", {})}

    @property
    def finished(self) -> bool:
        """Whether the model is that of a training that came to its end: a fold keeps none before."""
        return self.fold is not None or bool(self.record.get("steps"))

    @property
    def data_sets(self) -> list[str]:
        """Names of the collections, such as `clef.en-de`."""
        return list(self.record.get("collections", {}))

    @property
    def languages(self) -> set[str]:
        """Of the queries and documents it was trained on, as far as the names of the collections say."""
        return {language for name in self.data_sets for language in _languages(name.rpartition(".")[2])}

    @property
    def measured_languages(self) -> set[str]:
        """Of the questions and texts it was measured on."""
        return {
            language
            for evaluation in self.evaluations
            for languages in evaluation.directions()
            for language in languages
        }

    def folds(self) -> list[Fold]:
        """The folds in their order, [] before all are finished."""
        parts = self.record.get("experiment", {}).get("folds", {})
        folds = []
        for row in self.results.get("folds", []):
            values = [
                value
                for of in self.results["average_precision"].values()
                for query, value in of.items()
                if parts.get(topic_key(query)) == row["fold"]
            ]
            interval = Estimate.of(values) if len(values) == row["queries"] else Estimate(row["map"])
            measured = Estimate(row["map"], interval.low, interval.high)
            folds.append(Fold(row["fold"], row["queries"], row["best_epoch"], row["dev_map"], measured))
        return folds

    def pooled(self) -> dict[str, tuple[int, Estimate]]:
        """Data set -> number of queries, MAP with an interval over them, each query in the fold that tests it."""
        measured = self.results.get("average_precision", {})
        return {name: (len(of), Estimate.of(list(of.values()))) for name, of in measured.items() if of}

    def overall(self) -> tuple[int, Estimate] | None:
        """Number of queries and MAP over all data sets, None before all folds are finished."""
        values = [value for of in self.results.get("average_precision", {}).values() for value in of.values()]
        return (len(values), Estimate.of(values)) if values else None


def _languages(name: str) -> tuple[str, ...]:
    try:
        return parse_pair(name)
    except ValueError:
        return ()


def read_finetuning(folder: Path) -> FineTuning | None:
    """The record beside a model: in its folder, or in that of the run, where the model is one of its folds' or pairs'.

    Args:
        folder: Of the model.

    Raises:
        ValueError: A record is damaged (file named).
    """
    run, fold = folder, None
    if not (run / RECORD).is_file():
        run = folder.resolve()
        match = re.fullmatch(r"fold-(\d+)", run.parent.name) if run.name == "model" else None
        if match is None and run.parent.name != "best":
            return None
        run, fold = run.parent.parent, int(match[1]) if match else None
        if not (run / RECORD).is_file():
            return None
    record = read_record(run / RECORD)
    task = str(record.get("command", "")).removeprefix("finetune ")
    if task not in ("ranking", "qa"):
        raise ValueError(
            f"{run / RECORD}: the record must be of `xlretrieval finetune`, got command {record.get('command')!r}. "
            "Fine-tune again."
        )
    if task == "qa":
        splits = [name for name in QUESTION_SPLITS if (run / name / RESULTS).is_file()]
        return FineTuning(task, record, evaluations=tuple(_answers(run / name, record) for name in splits))
    results = read_record(run / RESULTS) if (run / RESULTS).is_file() else {}
    return FineTuning(task, record, fold or record.get(MODEL_OF_FOLD), results)


def _answers(folder: Path, record: dict[str, Any]) -> Evaluation:
    """The results of dev or test as those of `xlretrieval evaluate qa`; they have no intervals."""
    path, arguments = folder / RESULTS, record.get("arguments", {})
    content = read_record(path)
    rows = []
    try:
        for of in content["sets"]:
            rows += [
                Measurement(of["name"], metric, of["questions"], Estimate(of[key]))
                for metric, key in (("EM", "exact_match"), ("F1", "f1"))
            ]
        if len(content["sets"]) > 1:
            number = sum(of["questions"] for of in content["sets"])
            means = content["mean"]
            rows += [Measurement("mean", "EM", number, Estimate(means["exact_match"]))]
            rows += [Measurement("mean", "F1", number, Estimate(means["f1"]))]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: results must have sets of questions with exact_match and f1, got none ({error!r}). "
            "Fine-tune again."
        ) from None
    split = "test" if folder.name == "test" else "dev"
    options = {"questions": arguments.get(split), "split": split, "max_length": arguments.get("max_length")}
    # Beside a published model there is only the picture of its card.
    pictures = (folder / "heatmap.png", folder.parent / f"evaluation-finetuning-{split}.png")
    return Evaluation(
        name=f"finetuning-{split}",
        task="qa",
        arguments={**options, "model": str(folder.resolve().parent)},
        versions=content.get("versions", {}),
        measurements=tuple(rows),
        details=(),
        heat_map=next((picture for picture in pictures if picture.is_file()), None),
        record=content,
    )
