"""From rankings to measurements: metrics by query, differences of two systems, and tests over all tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .ranking import METRICS, Qrels, RankingResult, Run, evaluate_run
from .report import Measurement
from .significance import holm, paired_tests


@dataclass(frozen=True)
class Ranking:
    """What one or two systems made of the queries of a task.

    Args:
        task: "en-de", or the name of a run file.
        qrels: Query -> document -> relevance.
        runs: Side -> run: "after", and "before" where two systems are compared.
        queries: Query -> text, where it is known.
        languages: Of queries and documents, where each is one.
        document_languages: Document -> language, where documents of several languages compete; else {}.
    """

    task: str
    qrels: Qrels
    runs: Mapping[str, Run]
    queries: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, str] | None = None
    document_languages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MeasuredRanking:
    """A ranking with its metrics.

    Args:
        ranking: What was measured.
        results: Side -> metrics.
    """

    ranking: Ranking
    results: Mapping[str, RankingResult]

    @classmethod
    def of(cls, ranking: Ranking, metrics: Sequence[str] = METRICS) -> MeasuredRanking:
        """Measures all sides.

        Raises:
            ValueError: See `evaluate_run`.
        """
        return cls(ranking, {side: evaluate_run(run, ranking.qrels, metrics) for side, run in ranking.runs.items()})

    def matrix(self, side: str) -> np.ndarray:
        """`(queries, metrics)`, in the order of the qrels and of the metrics."""
        return np.array([list(values.values()) for values in self.results[side].per_query.values()])


def measure(measured: Sequence[MeasuredRanking], seed: int = 0) -> list[Measurement]:
    """One row per task and metric; where there are two sides, with paired tests.

    Holm's correction goes over the tasks, for each metric and test by itself: the claims that are made together are
    "better in these directions", while metrics are views of the same ranking.

    Args:
        measured: The tasks, all with the same metrics.
        seed: Of bootstrap and permutations.
    """
    rows: list[Measurement] = []
    for task in measured:
        after = task.matrix("after")
        before = task.matrix("before") if "before" in task.results else None
        tests = paired_tests(after, before, seed) if before is not None else None
        for column, metric in enumerate(task.results["after"].mean):
            values = (after[:, column], None if before is None else before[:, column])
            row = Measurement.of(task.ranking.task, metric, *values, seed)
            rows.append(replace(row, test=tests[column]) if tests else row)
    return _correct(rows)


def _correct(rows: Sequence[Measurement]) -> list[Measurement]:
    """Adds the corrected p-values."""
    corrected = list(rows)
    for metric in dict.fromkeys(row.metric for row in rows):
        family = [index for index, row in enumerate(rows) if row.metric == metric and row.test]
        for name in ("randomisation", "t_test"):
            # A task with a single query has no t-test and is none of that family.
            tested = [index for index in family if getattr(rows[index].test, name) is not None]
            adjusted = holm([getattr(rows[index].test, name) for index in tested])
            for index, p in zip(tested, adjusted, strict=True):
                test = replace(corrected[index].test, **{f"{name}_holm": p, "family": len(family)})
                corrected[index] = replace(corrected[index], test=test)
    return corrected
