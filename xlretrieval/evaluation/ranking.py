"""Runs and relevance judgements in TREC format, and the metrics of one against the other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from xlretrieval.data.files import read_lines, write_text

Run = dict[str, dict[str, float]]
Qrels = dict[str, dict[str, int]]

METRICS = ("AP", "RR", "nDCG@10")

# Values resampled at a time: 32 MB of indices, whatever the number of queries.
BOOTSTRAP_CHUNK = 1 << 22


def _read_table(path: str | Path, columns: Sequence[str], value: int, kind: type) -> dict[str, dict[str, float]]:
    """Reads query, document (columns 0 and 2) and one value; every error names file and line."""
    table: dict[str, dict[str, float]] = {}
    places: dict[tuple[str, str], int] = {}
    for number, line in read_lines(path):
        cells = line.split()
        if not cells:
            continue
        if len(cells) != len(columns):
            raise ValueError(
                f"{path}, line {number}: a line must have {len(columns)} columns ({' '.join(columns)}), got "
                f"{len(cells)}. Repair the line."
            )
        query, document = cells[0], cells[2]
        try:
            parsed = kind(cells[value])
        except ValueError:
            parsed = math.nan
        if not math.isfinite(parsed):
            expected = "an integer" if kind is int else "a finite number"
            raise ValueError(
                f"{path}, line {number}: {columns[value]} must be {expected}, got {cells[value]!r}. Repair the line."
            )
        if (query, document) in places:
            raise ValueError(
                f"{path}, line {number}: a document must occur once per query, got {document} of query {query} which "
                f"is also in line {places[query, document]}. Remove one of them."
            )
        places[query, document] = number
        table.setdefault(query, {})[document] = parsed
    if not table:
        raise ValueError(f"{path}: a file must have at least one line, got none. Check the path.")
    return table


def read_run(path: str | Path) -> Run:
    """Reads a run: lines `query Q0 document rank score tag`, plain or `.gz`. The score counts, not the rank.

    Raises:
        ValueError: With file and line: another number of columns, a score that is not a finite number, a document
            twice for a query (both lines are named), not UTF-8; or an empty file.
    """
    return _read_table(path, ("query", "Q0", "document", "rank", "score", "tag"), 4, float)


def read_qrels(path: str | Path) -> Qrels:
    """Reads judgements: lines `query iteration document relevance`, plain or `.gz`.

    Raises:
        ValueError: As `read_run`; the relevance must be an integer.
    """
    return _read_table(path, ("query", "iteration", "document", "relevance"), 3, int)


def _order(documents: Mapping[str, float]) -> list[str]:
    """Documents as trec_eval ranks them: by score as float32, ties by document id, the later one first."""
    return sorted(documents, key=lambda document: (np.float32(documents[document]), document), reverse=True)


def _identifier(value: str, what: str) -> str:
    """An id that survives a file of whitespace-separated columns."""
    if not value or value.split() != [value]:
        raise ValueError(f"A {what} id must be one word, got {value!r}. Replace the white space in it.")
    return value


def write_run(run: Mapping[str, Mapping[str, float]], path: str | Path, tag: str = "xlretrieval") -> None:
    """Writes a run in TREC format, whole or not at all; ranks are the ones that trec_eval would give.

    Raises:
        ValueError: An id contains white space, or a score is not finite.
    """
    lines = []
    for query, documents in run.items():
        for rank, document in enumerate(_order(documents), start=1):
            score = float(documents[document])
            if not math.isfinite(score):
                raise ValueError(
                    f"A score must be finite, got {score} for document {document} of query {query}. "
                    "Look for NaN in the model."
                )
            ids = _identifier(query, "query"), _identifier(document, "document")
            lines.append(f"{ids[0]} Q0 {ids[1]} {rank} {score!r} {_identifier(tag, 'tag')}\n")
    write_text(path, "".join(lines))


def write_qrels(qrels: Mapping[str, Mapping[str, int]], path: str | Path) -> None:
    """Writes judgements in TREC format, whole or not at all.

    Raises:
        ValueError: An id contains white space.
    """
    lines = [
        f"{_identifier(query, 'query')} 0 {_identifier(document, 'document')} {int(relevance)}\n"
        for query, documents in qrels.items()
        for document, relevance in documents.items()
    ]
    write_text(path, "".join(lines))


@dataclass(frozen=True)
class RankingResult:
    """Metrics of a run, as fractions.

    Args:
        mean: Metric -> mean over all judged queries.
        per_query: Query -> metric -> value, in the order of the qrels.
        missing: Judged queries that the run does not have: they count 0.
        unjudged: Queries of the run without judgements: they count nothing.
    """

    mean: dict[str, float]
    per_query: dict[str, dict[str, float]]
    missing: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)

    def values(self, metric: str) -> list[float]:
        """The metric of every judged query, in the order of the qrels."""
        return [values[metric] for values in self.per_query.values()]


def _parse_metrics(names: Sequence[str]) -> dict[object, str]:
    """ir_measures' objects -> the names they were asked by."""
    try:
        import ir_measures
    except ImportError:
        raise ValueError(
            "Ranking metrics must have the package ir-measures, got no such module. "
            "Install it with `pip install xlretrieval[ir]`."
        ) from None
    measures = {}
    for name in names:
        try:
            measures[ir_measures.parse_measure(name)] = name
        except (NameError, ValueError) as error:
            raise ValueError(
                f"A metric must be one that ir-measures knows, got {name!r} ({error}). "
                "Take AP, RR, nDCG@10, R@100 or others of https://ir-measur.es/en/latest/measures.html."
            ) from None
    return measures


def evaluate_run(
    run: Mapping[str, Mapping[str, float]],
    qrels: Mapping[str, Mapping[str, int]],
    metrics: Sequence[str] = METRICS,
) -> RankingResult:
    """Metrics by ir-measures, averaged over all judged queries (`trec_eval -c`).

    Ties break by document id as in trec_eval, for every metric: ir-measures computes some of them (RR@10) with other
    tools that break ties otherwise, so documents are given their ranks as scores.

    Args:
        run: Query -> document -> score.
        qrels: Query -> document -> relevance; documents without one are not relevant.
        metrics: In the notation of ir-measures.

    Raises:
        ValueError: No qrels, an unknown metric, or ir-measures is not installed.
    """
    measures = _parse_metrics(metrics)
    import ir_measures

    if not qrels:
        raise ValueError("qrels must have at least one query, got none. Check the file.")
    ranked = {
        query: {document: float(-rank) for rank, document in enumerate(_order(documents))}
        for query, documents in run.items()
        if query in qrels
    }
    per_query: dict[str, dict[str, float]] = {query: dict.fromkeys(metrics, 0.0) for query in qrels}
    for result in ir_measures.iter_calc(list(measures), dict(qrels), ranked):
        per_query[result.query_id][measures[result.measure]] = float(result.value)
    mean = {name: float(np.mean([values[name] for values in per_query.values()])) for name in metrics}
    return RankingResult(
        mean,
        per_query,
        missing=[query for query in qrels if not run.get(query)],
        unjudged=[query for query in run if query not in qrels],
    )


def bootstrap_interval(
    values: Sequence[float] | np.ndarray, samples: int = 2000, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """Confidence interval of a mean by the percentile bootstrap (Efron and Tibshirani 1993, chapter 13).

    For the difference of two systems, pass the differences query by query: the queries are the same for both, and
    two intervals that overlap do not mean that the difference is by chance.

    Args:
        values: One value per query.
        samples: How many times the queries are drawn again, with replacement.
        seed: Of the draws.
        level: Share of the resampled means inside the interval.

    Returns:
        Lower and upper end.

    Raises:
        ValueError: No values, one that is not finite, or `level` outside of (0, 1).
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(
            f"values must be a list of at least one finite number, got shape {values.shape}"
            f"{'' if np.isfinite(values).all() else ' with NaN or infinity'}. Pass one value per query."
        )
    if not 0 < level < 1 or samples < 1:
        raise ValueError(
            f"level must be between 0 and 1 and samples at least 1, got {level} and {samples}. "
            "The defaults are 0.95 and 2000."
        )
    rng = np.random.Generator(np.random.Philox(seed))
    rows = max(1, BOOTSTRAP_CHUNK // len(values))
    means = np.concatenate(
        [
            values[rng.integers(len(values), size=(min(rows, samples - start), len(values)))].mean(axis=1)
            for start in range(0, samples, rows)
        ]
    )
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
