"""Reads the results folders of `xlretrieval evaluate` back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from xlretrieval.evaluation.report import Estimate, Measurement
from xlretrieval.evaluation.significance import PairedTest

from .evaluation import Evaluation
from .json_records import read_record


def read_evaluations(folders: Iterable[str | Path], taken: Iterable[str] = ()) -> list[Evaluation]:
    """Reads results folders; the second of two folders of one name is called `name-2`.

    Args:
        folders: As `xlretrieval evaluate --output` wrote them.
        taken: Names that other evaluations have.

    Raises:
        ValueError: results.json is damaged or not of this command (the file is named).
        OSError: There is no results.json.
    """
    evaluations: list[Evaluation] = []
    names = set(taken)
    for folder in map(Path, folders):
        stem = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-") or "evaluation"
        name = next(
            name for number in range(1, 1000) if (name := stem if number == 1 else f"{stem}-{number}") not in names
        )
        names.add(name)
        if not (folder / "results.json").is_file():
            raise FileNotFoundError(
                f"An evaluation must hold results.json, got {folder} without one. "
                "Give a folder that `xlretrieval evaluate --output` wrote."
            )
        evaluations.append(read_evaluation(folder / "results.json", folder / "heatmap.png", name))
    return evaluations


def read_evaluation(path: Path, picture: Path, name: str) -> Evaluation:
    """Reads one evaluation.

    Args:
        path: Its results.json.
        picture: Its heat map, which need not be there.
        name: How it is called.

    Raises:
        ValueError: The file is damaged or not of this command.
        OSError: It cannot be read.
    """
    record = read_record(path)
    task = str(record.get("command", "")).removeprefix("evaluate ")
    rows = record.get("measurements")
    if task not in ("ranking", "alignment", "qa") or not isinstance(rows, list) or not rows:
        number = len(rows) if isinstance(rows, list) else "no"
        raise ValueError(
            f"{path}: results must be of `xlretrieval evaluate` and have measurements, got command "
            f"{record.get('command')!r} with {number} measurements. Evaluate again."
        )
    return Evaluation(
        name=name,
        task=task,
        arguments=record.get("arguments", {}),
        versions=record.get("versions", {}),
        measurements=_measurements(rows, path),
        details=tuple(record.get("details", ())),
        heat_map=picture if picture.is_file() else None,
        record=record,
    )


def _measurements(rows: Sequence[Any], path: Path) -> tuple[Measurement, ...]:
    measurements = []
    for number, row in enumerate(rows, start=1):
        try:
            estimates = {side: _estimate(row.get(side)) for side in ("before", "after", "difference")}
            test = PairedTest(**row["test"]) if row.get("test") else None
            measurement = Measurement(str(row["task"]), str(row["metric"]), int(row["n"]), **estimates, test=test)
            if measurement.after is None:
                raise ValueError("no value after")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: measurement {number} must have task, metric, n and an estimate `after`, got {row!r} "
                f"({type(error).__name__}: {error}). Evaluate again."
            ) from None
        measurements.append(measurement)
    return tuple(measurements)


def _estimate(numbers: dict[str, Any] | None) -> Estimate | None:
    if numbers is None:
        return None
    interval = (None if numbers.get(end) is None else float(numbers[end]) for end in ("low", "high"))
    return Estimate(float(numbers["value"]), *interval)
