"""The results folder of `xlretrieval evaluate`, read back, and what can be said of it in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlretrieval.data.languages import parse_pair
from xlretrieval.evaluation.report import Estimate, Measurement

from .records import read_record

# As the literature names the mean of a metric over queries.
LABELS = {"RR": "MRR", "AP": "MAP"}


@dataclass(frozen=True)
class Evaluation:
    """One results folder.

    Attributes:
        name: Name of the folder, made unique among the evaluations of a card.
        task: "ranking" or "alignment".
        arguments: Of the command.
        versions: Of the libraries.
        measurements: All rows of the table; rows of task "mean" are over the others.
        details: Per model and task: what was cut or dropped.
        heat_map: The picture by direction, None without.
    """

    name: str
    task: str
    arguments: dict[str, Any]
    versions: dict[str, str]
    measurements: tuple[Measurement, ...]
    details: tuple[dict[str, Any], ...]
    heat_map: Path | None

    @property
    def digits(self) -> int:
        """Decimals: alignment is in percent, ranking between 0 and 1."""
        return 1 if self.task == "alignment" else 3

    @property
    def highest(self) -> float:
        """The best value a metric can have."""
        return 100.0 if self.task == "alignment" else 1.0

    @property
    def metric(self) -> str:
        """The metric of headlines and matrices: RR where it was measured, else the first."""
        metrics = [row.metric for row in self.measurements]
        return "RR" if "RR" in metrics else metrics[0]

    @property
    def title(self) -> str:
        """What was measured, as the title of a section."""
        arguments = self.arguments
        if arguments.get("run"):
            return "Ranking of a run" if isinstance(arguments["run"], str) else "Ranking of runs"
        if arguments.get("collection"):
            return f"Ranking of the collection {Path(arguments['collection']).stem}"
        kind = "Ranking" if self.task == "ranking" else "Alignment"
        if arguments.get("corpus"):
            held_out = "held-out" if arguments.get("split") in ("validation", "test") else arguments.get("split")
            return f"{kind} of {held_out} sections"
        source = {
            "tatoeba": "Tatoeba sentences",
            "xnli": "XNLI sentences",
            "ntrex": f"NTREX {'documents' if arguments.get('documents') else 'sentences'}",
            "lines": f"aligned {'documents' if arguments.get('ids') else 'lines'}",
            "jsonl": "sections",
        }
        return f"{kind} of {next((text for key, text in source.items() if arguments.get(key)), 'texts')}"

    def rows(self, metric: str | None = None, mean: bool = False) -> list[Measurement]:
        """Rows of one metric: per task, or the mean over them."""
        metric = metric or self.metric
        return [row for row in self.measurements if row.metric == metric and (row.task == "mean") == mean]

    def summary(self) -> Measurement:
        """The row that stands for all: the mean over tasks, or the only task."""
        return (self.rows(mean=True) or self.rows())[0]

    def verdict(self) -> tuple[int, int, int]:
        """Tasks with a difference beyond chance upwards, downwards, and tasks compared."""
        differences = [row.difference for row in self.rows() if row.difference and row.difference.low is not None]
        better = sum(difference.low > 0 for difference in differences)
        worse = sum(difference.high < 0 for difference in differences)
        return better, worse, len(differences)

    def headline(self) -> str:
        """One line: `Ranking of held-out sections: MRR 0.210 → 0.470 (+0.260, 95% +0.220 to +0.300)`.

        A mean over tasks has no interval; instead it is said in how many of them the difference is beyond chance.
        """
        row, digits = self.summary(), self.digits
        text = f"{self.title}: {label(row.metric)} "
        if row.before is None or row.difference is None:
            return text + f"{row.after.value:.{digits}f}"
        text += f"{row.before.value:.{digits}f} → {row.after.value:.{digits}f} ({row.difference.value:+.{digits}f}"
        if row.difference.low is not None and row.difference.high is not None:
            return text + f", 95% {row.difference.low:+.{digits}f} to {row.difference.high:+.{digits}f})"
        better, worse, compared = self.verdict()
        what = "directions" if self.task == "ranking" else "pairs"
        return text + f"; beyond chance: better in {better} and worse in {worse} of {compared} {what})"

    def directions(self) -> dict[tuple[str, str], Measurement]:
        """(Query language, document language) -> row of the headline's metric, where tasks are directions."""
        found = {}
        for row in self.measurements:
            if self.task == "alignment" and (match := re.fullmatch(r"P@1 (\S+)>(\S+)", row.metric)):
                found.setdefault((match[1], match[2]), row)
            elif self.task == "ranking" and self._by_direction and row.metric == self.metric:
                if languages := _languages(row.task):
                    found[languages] = row
        return found

    @property
    def _by_direction(self) -> bool:
        """Whether tasks are called after their languages: those of runs are after files."""
        return bool(self.arguments.get("corpus") or self.arguments.get("collection"))

    def chance(self) -> float | None:
        """MRR of a random order, where every query has the same number of candidates and one relevant document."""
        candidates = self.arguments.get("candidates")
        short = any(detail.get("short") for detail in self.details)
        if self.metric != "RR" or not self.arguments.get("corpus") or not candidates or short:
            return None
        return sum(1 / rank for rank in range(1, candidates + 1)) / candidates

    def protocol(self) -> str:
        """How it was measured, one sentence from the command's options."""
        arguments = self.arguments
        if arguments.get("run"):
            before = f" Before: run {_file_names(arguments['baseline'])}." if arguments.get("baseline") else ""
            return f"Run {_file_names(arguments['run'])}, judgements {_file_names(arguments['qrels'])}.{before}"
        if self.task == "alignment":
            return self._alignment_protocol()
        first = "hard negatives (mostly sections of the same article) first" if arguments.get("hard") else "at random"
        by = "the relevance head" if arguments.get("scorer") == "head" else "cosine of embeddings"
        if arguments.get("collection"):
            return self._collection_protocol(by)
        return (
            f"A random sentence of a section looks for the aligned section in the other language among "
            f"{arguments.get('candidates')} candidates, {first}; at most {arguments.get('queries')} queries a "
            f"direction; ranked by {by}. {self._models()}"
        )

    def _alignment_protocol(self) -> str:
        """How texts were compared."""
        arguments = self.arguments
        layer, pooling = arguments.get("layer", -1), arguments.get("pooling", "mean")
        csls = arguments.get("similarity") == "csls"
        similarity = f"CSLS (k = {arguments.get('neighbours', 10)})" if csls else "cosine"
        text = (
            "Each text looks for its translation among all texts of the other language, by "
            f"{similarity} of "
            f"{'query-style' if pooling == 'query' else f'{pooling}-pooled'} vectors of "
            f"{'the last layer' if layer == -1 else f'layer {layer}'}"
        )
        if arguments.get("long") == "windows":
            text += ", of long texts the mean of their windows"
        return f"{text}; P@1 in percent. {self._models()}"

    def _collection_protocol(self, by: str) -> str:
        """What of a collection was ranked, and how."""
        arguments = self.arguments
        if arguments.get("candidates_run"):
            number = f"first {arguments['top_k']} documents" if arguments.get("top_k") else "documents"
            candidates = f"the {number} of the run {_file_names(arguments['candidates_run'])}"
        elif arguments.get("first_stage"):
            candidates = self._first_stage()
        else:
            candidates = "the judged documents of each query"
        if arguments.get("mix_languages"):
            candidates += ", of all languages in one pool"
        passage = {"maxp": "best", "firstp": "first", "meanp": "mean"}.get(arguments.get("passages") or "")
        long = f", long documents by their {passage} passage" if passage else ""
        text = f"Ranked are {candidates}" + (f", by {by}{long}" if arguments.get("model") else "")
        if arguments.get("limit_queries"):
            text += f"; at most {arguments['limit_queries']} queries a direction"
        if arguments.get("baseline"):
            text += f". Before: run {_file_names(arguments['baseline'])}"
        return f"{text}. {self._models()}"

    def _first_stage(self) -> str:
        """What an encoder found among all documents."""
        arguments = self.arguments
        layer, pooling = arguments.get("first_stage_layer", -1), arguments.get("first_stage_pooling", "mean")
        return (
            f"the {arguments['top_k']} documents of the whole collection that are nearest to each query by "
            f"`{Path(arguments['first_stage']).name}` (cosine of {pooling}-pooled "
            f"vectors of {'the last layer' if layer == -1 else f'layer {layer}'})"
        )

    def _models(self) -> str:
        """Which checkpoints were measured, by the last part of their paths, and on how much of the texts."""
        model = self.arguments.get("model") or self.arguments.get("first_stage") or ""
        after, before = (Path(name).name for name in (model, self.arguments.get("before") or ""))
        text = f"Before: `{before}`; after: `{after}`." if before else f"Measured: `{after}`."
        longest = self.arguments.get("max_length")
        return f"{text} Inputs of at most {longest} tokens." if longest else text


def _file_names(paths: str | Sequence[str]) -> str:
    """One path or several, by their last parts."""
    return ", ".join(f"`{Path(path).name}`" for path in ([paths] if isinstance(paths, str) else paths))


def label(metric: str) -> str:
    """`RR` -> `MRR`: the name of a metric's mean over queries."""
    return LABELS.get(metric, metric)


def _languages(task: str) -> tuple[str, str] | None:
    try:
        return parse_pair(task)
    except ValueError:
        return None


def read_evaluations(folders: Iterable[str | Path]) -> list[Evaluation]:
    """Reads results folders; the second of two folders of one name is called `name-2`.

    Args:
        folders: As `xlretrieval evaluate --output` wrote them.

    Raises:
        ValueError: results.json is damaged or not of this command (the file is named).
        OSError: There is no results.json.
    """
    evaluations: list[Evaluation] = []
    names: set[str] = set()
    for folder in map(Path, folders):
        stem = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-") or "evaluation"
        name = next(
            name for number in range(1, 1000) if (name := stem if number == 1 else f"{stem}-{number}") not in names
        )
        names.add(name)
        evaluations.append(_read(folder, name))
    return evaluations


def _read(folder: Path, name: str) -> Evaluation:
    path = folder / "results.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"An evaluation must hold results.json, got {folder} without one. "
            "Give a folder that `xlretrieval evaluate --output` wrote."
        )
    record = read_record(path)
    task = str(record.get("command", "")).removeprefix("evaluate ")
    rows = record.get("measurements")
    if task not in ("ranking", "alignment") or not isinstance(rows, list) or not rows:
        number = len(rows) if isinstance(rows, list) else "no"
        raise ValueError(
            f"{path}: results must be of `xlretrieval evaluate` and have measurements, got command "
            f"{record.get('command')!r} with {number} measurements. Evaluate again."
        )
    picture = folder / "heatmap.png"
    return Evaluation(
        name=name,
        task=task,
        arguments=record.get("arguments", {}),
        versions=record.get("versions", {}),
        measurements=_measurements(rows, path),
        details=tuple(record.get("details", ())),
        heat_map=picture if picture.is_file() else None,
    )


def _measurements(rows: Sequence[Any], path: Path) -> tuple[Measurement, ...]:
    measurements = []
    for number, row in enumerate(rows, start=1):
        try:
            estimates = {side: _estimate(row.get(side)) for side in ("before", "after", "difference")}
            measurement = Measurement(str(row["task"]), str(row["metric"]), int(row["n"]), **estimates)
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
