"""What `xlretrieval evaluate` measured, and what can be said of it in one line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xlretrieval.data.languages import parse_pair
from xlretrieval.evaluation.report import Measurement, format_p_value

from . import protocols

# As the literature names the mean of a metric over queries.
LABELS = {"RR": "MRR", "AP": "MAP", "EM": "exact match"}


@dataclass(frozen=True)
class Evaluation:
    """One results folder.

    Attributes:
        name: Name of the folder, made unique among the evaluations of a card.
        task: "ranking", "alignment" or "qa".
        arguments: Of the command.
        versions: Of the libraries.
        measurements: All rows of the table; rows of task "mean" are over the others.
        details: Per model and task: what was cut or dropped.
        heat_map: The picture by direction, None without.
        record: results.json, {} where the measurements come from elsewhere.
    """

    name: str
    task: str
    arguments: dict[str, Any]
    versions: dict[str, str]
    measurements: tuple[Measurement, ...]
    details: tuple[dict[str, Any], ...]
    heat_map: Path | None
    record: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def digits(self) -> int:
        """Decimals: alignment and answers are in percent, ranking between 0 and 1."""
        return 3 if self.task == "ranking" else 1

    @property
    def highest(self) -> float:
        """The best value a metric can have."""
        return 1.0 if self.task == "ranking" else 100.0

    @property
    def metric(self) -> str:
        """The metric of headlines and matrices: RR or F1 where it was measured, else the first."""
        metrics = [row.metric for row in self.measurements]
        return next((metric for metric in ("RR", "F1") if metric in metrics), metrics[0])

    @property
    def title(self) -> str:
        """What was measured, as the title of a section."""
        arguments = self.arguments
        if self.task == "qa":
            return f"Answers to {'SQuAD' if arguments.get('squad') else arguments.get('split', '')} questions"
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
            text += f", 95% {row.difference.low:+.{digits}f} to {row.difference.high:+.{digits}f}"
            return f"{text}, p {format_p_value(row.test.randomisation)})" if row.test else f"{text})"
        better, worse, compared = self.verdict()
        what = "directions" if self.task == "ranking" else "pairs"
        return text + f"; beyond chance: better in {better} and worse in {worse} of {compared} {what})"

    def directions(self) -> dict[tuple[str, str], Measurement]:
        """(Query language, document language) -> row of the headline's metric, where tasks are directions.

        Of questions, the language of the text comes first: their tasks are called so.
        """
        found = {}
        for row in self.measurements:
            if self.task == "alignment" and (match := re.fullmatch(r"P@1 (\S+)>(\S+)", row.metric)):
                found.setdefault((match[1], match[2]), row)
            elif self._by_direction and row.metric == self.metric:
                if languages := _languages(row.task):
                    found[languages] = row
        return found

    @property
    def _by_direction(self) -> bool:
        """Whether tasks are called after their languages: those of runs are after files."""
        return self.task == "qa" or (
            self.task == "ranking" and bool(self.arguments.get("corpus") or self.arguments.get("collection"))
        )

    def protocol(self) -> str:
        """How it was measured, as Markdown."""
        return protocols.protocol(self.task, self.arguments)

    def chance(self) -> float | None:
        """MRR of a random order, where every query has the same number of candidates and one relevant document."""
        candidates = self.arguments.get("candidates")
        short = any(detail.get("short") for detail in self.details)
        if self.metric != "RR" or not self.arguments.get("corpus") or not candidates or short:
            return None
        return sum(1 / rank for rank in range(1, candidates + 1)) / candidates


def label(metric: str) -> str:
    """`RR` -> `MRR`: the name of a metric's mean over queries."""
    return LABELS.get(metric, metric)


def _languages(task: str) -> tuple[str, str] | None:
    codes = task.split("-")
    if codes[: len(codes) // 2] == codes[len(codes) // 2 :]:  # question and text in one language
        return "-".join(codes[: len(codes) // 2]), "-".join(codes[len(codes) // 2 :])
    try:
        return parse_pair(task)
    except ValueError:
        return None
