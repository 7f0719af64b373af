"""Two systems over several tasks: rows, tests, Holm's families; and the table of queries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xlretrieval.evaluation.comparison import MeasuredRanking, Ranking, measure
from xlretrieval.evaluation.query_table import query_rows, write_query_table

# The relevant document is at the rank that a list says; 0: the query is missing.
QRELS = {f"q{number}": {"r": 1, "x": 0} for number in range(1, 7)}


def run(*ranks: int) -> dict[str, dict[str, float]]:
    return {
        query: {"r": float(-rank), "last": -99.0} | {f"o{other}": -other + 0.5 for other in range(1, rank)}
        for query, rank in zip(QRELS, ranks, strict=True)
        if rank
    }


def ranking(task: str, after: tuple[int, ...], before: tuple[int, ...] | None = None) -> MeasuredRanking:
    runs = ({"before": run(*before)} if before else {}) | {"after": run(*after)}
    return MeasuredRanking.of(Ranking(task, QRELS, runs, {"q1": "red\tfox"}), ["RR", "AP@1"])


def test_p_values_are_corrected_over_tasks_by_metric() -> None:
    better = ranking("en-de", (1, 1, 1, 1, 1, 1), (2, 2, 2, 2, 2, 2))
    mixed = ranking("en-fr", (1, 1, 1, 2, 2, 2), (2, 2, 2, 1, 1, 1))
    lost = ranking("en-it", (2, 2, 2, 2, 2, 2), (1, 1, 1, 1, 1, 0))
    rows = {(row.task, row.metric): row for row in measure([better, mixed, lost])}
    assert list(rows) == [(task, metric) for task in ("en-de", "en-fr", "en-it") for metric in ("RR", "AP@1")]
    first, second, third = (rows[task, "RR"] for task in ("en-de", "en-fr", "en-it"))
    # All six signs alike: 2 of 64 patterns.
    assert first.test.randomisation == 2 / 64 and first.test.randomisation_holm == 3 * 2 / 64
    assert (first.test.better, first.test.worse, first.test.family) == (6, 0, 3)
    assert second.test.randomisation == second.test.randomisation_holm == 1
    assert (third.test.better, third.test.worse) == (1, 5)
    assert first.difference.value == 0.5 and first.after.value == 1
    # Equal differences have no variance.
    assert first.test.t_test == 0 and first.test.t_test_holm == 0


def test_one_system_is_not_tested() -> None:
    rows = measure([ranking("en-de", (1, 2, 0, 1, 1, 4))])
    assert [(row.metric, row.test, row.before) for row in rows] == [("RR", None, None), ("AP@1", None, None)]
    assert rows[0].after.value == pytest.approx((1 + 0.5 + 0 + 1 + 1 + 0.25) / 6)


def test_the_table_of_queries(tmp_path: Path) -> None:
    measured = [ranking("en-de", (1, 2, 0, 1, 1, 4), (2, 2, 1, 1, 1, 1))]
    rows = query_rows(measured)
    assert rows[0] == {
        "task": "en-de",
        "query": "q1",
        "text": "red\tfox",
        "judged": 2,
        "relevant": 1,
        "retrieved.before": 3,
        "retrieved.after": 2,
        "RR.before": 0.5,
        "RR.after": 1.0,
        "RR.difference": 0.5,
        "AP@1.before": 0.0,
        "AP@1.after": 1.0,
        "AP@1.difference": 1.0,
    }
    assert [row["RR.difference"] for row in rows] == [0.5, 0, -1, 0, 0, -0.75]
    assert (rows[2]["retrieved.after"], rows[2]["RR.after"]) == (0, 0)
    write_query_table(measured, tmp_path)
    lines = (tmp_path / "queries.tsv").read_text().splitlines()
    assert lines[0].split("\t") == list(rows[0]) and len(lines) == 7
    assert lines[1].split("\t")[:9] == ["en-de", "q1", "red fox", "2", "1", "3", "2", "0.500000", "1.000000"]
    assert json.loads((tmp_path / "queries.json").read_text()) == rows
