"""The metrics of a run against relevance judgements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from xlretrieval.data.trec import Qrels, Run, rank_documents, read_qrels, read_run, write_qrels, write_run

__all__ = [
    "METRICS",
    "Qrels",
    "RankingResult",
    "Run",
    "bootstrap_interval",
    "check_metrics",
    "evaluate_run",
    "read_qrels",
    "read_run",
    "write_qrels",
    "write_run",
]

METRICS = ("AP", "RR", "nDCG@10")

# Values resampled at a time: 32 MB of indices, whatever the number of queries.
BOOTSTRAP_CHUNK = 1 << 22


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


def check_metrics(names: Sequence[str]) -> None:
    """Raises what `evaluate_run` would, before hours are spent on a run.

    Raises:
        ValueError: A metric is unknown, there is none or one twice, or ir-measures is not installed.
    """
    _parse_metrics(names)


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
            measure = ir_measures.parse_measure(name)
        except (NameError, ValueError) as error:
            raise ValueError(
                f"A metric must be one that ir-measures knows, got {name!r} ({error}). "
                "Take AP, RR, nDCG@10, R@100 or others of https://ir-measur.es/en/latest/measures.html."
            ) from None
        # One metric under two names would be computed for one of them.
        first = measures.setdefault(measure, name)
        if first != name:
            raise ValueError(f"Metrics must be different ones, got {first} and {name}. Leave one of them out.")
    if not measures:
        raise ValueError(f"There must be at least one metric, got none. The default is {','.join(METRICS)}.")
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
        ValueError: No qrels, no metric, an unknown one or one under two names, or ir-measures is not installed.
    """
    measures = _parse_metrics(metrics)
    import ir_measures

    if not qrels:
        raise ValueError("qrels must have at least one query, got none. Check the file.")
    ranked = {
        query: {document: float(-rank) for rank, document in enumerate(rank_documents(documents))}
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
