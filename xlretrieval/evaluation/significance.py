"""Is the difference of two systems more than chance? Paired tests over queries, corrected for many directions.

The randomisation test asks nothing of the distribution of a metric; the t-test is given beside it, because readers
know it and both agree on the collections of TREC (Smucker, Allan and Carterette 2007). With a test per direction, one
in twenty is "significant" by chance at 5%: Holm's correction keeps the chance of one false claim at 5% for all.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PERMUTATIONS = 100_000
# 2^16 sign patterns are fewer than the permutations that would be drawn, so all of them are counted.
EXACT_QUERIES = 16

# Signs drawn at a time: 4 MB, and 32 MB while they are multiplied.
_CHUNK = 1 << 22


@dataclass(frozen=True)
class PairedTest:
    """Two systems on the same queries. All p-values are two-sided, between 0 and 1.

    Args:
        better: Queries on which `after` is higher than `before`.
        worse: Queries on which it is lower; on all others both are equal.
        randomisation: p of the paired randomisation test.
        t_test: p of the paired t-test; None for a single query, of which no variance is known.
        randomisation_holm: The first, by Holm's correction over all tasks with this metric.
        t_test_holm: The second, likewise.
        family: Number of tasks corrected for.
    """

    better: int
    worse: int
    randomisation: float
    t_test: float | None
    randomisation_holm: float | None = None
    t_test_holm: float | None = None
    family: int = 1


def paired_tests(after: np.ndarray, before: np.ndarray, seed: int = 0) -> list[PairedTest]:
    """Both tests for every metric of one task.

    Args:
        after: `(queries, metrics)`.
        before: `(queries, metrics)`, the same queries in the same order.
        seed: Of the permutations.

    Returns:
        One per metric, not yet corrected.

    Raises:
        ValueError: The shapes differ, there is no query, or a value is not finite.
    """
    differences = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    p_values = randomisation_test(differences, seed=seed)
    return [
        PairedTest(int((column > 0).sum()), int((column < 0).sum()), float(p), paired_t_test(column))
        for column, p in zip(differences.T, p_values, strict=True)
    ]


def randomisation_test(differences: np.ndarray, permutations: int = PERMUTATIONS, seed: int = 0) -> np.ndarray:
    """Paired randomisation test (Fisher's; Smucker, Allan and Carterette 2007), two-sided.

    If the systems do not differ, each difference could as well have the other sign. p is the share of sign patterns
    whose mean is at least as far from 0 as the mean that was measured: of all patterns for up to 16 queries that
    differ, else of random ones. A random sample counts the measured pattern too, so p is never 0 (Phipson and Smyth
    2010): with 100,000 permutations it is at least 0.00001.

    Args:
        differences: `(queries, metrics)`, one system minus the other. The metrics share the random signs.
        permutations: Random sign patterns.
        seed: Of the patterns.

    Returns:
        p-values, `(metrics,)`.

    Raises:
        ValueError: There is no query, a value is not finite, or there are no permutations.
    """
    differences = _check(differences)
    if permutations < 1:
        raise ValueError(f"permutations must be at least 1, got {permutations}. The default is {PERMUTATIONS:,}.")
    sums = np.abs(differences.sum(axis=0))
    # Sums of the same numbers in another order differ by rounding; as far from 0 as measured must count as such.
    bounds = sums - 1e-12 * np.abs(differences).sum(axis=0)
    # A query without a difference has the same part in every pattern: none.
    exact = np.count_nonzero(differences, axis=0) <= EXACT_QUERIES
    p_values = np.empty(differences.shape[1])
    for metric in np.flatnonzero(exact):
        column = differences[:, metric]
        p_values[metric] = (np.abs(_all_sums(column[column != 0])) >= bounds[metric]).mean()
    if not exact.all():
        sampled = np.flatnonzero(~exact)
        extreme = _count_extreme(differences[:, sampled], bounds[sampled], permutations, seed)
        p_values[sampled] = (extreme + 1) / (permutations + 1)
    return p_values


def _all_sums(values: np.ndarray) -> np.ndarray:
    """Sums of the values under all patterns of signs."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def _count_extreme(differences: np.ndarray, bounds: np.ndarray, permutations: int, seed: int) -> np.ndarray:
    """Random sign patterns whose sum is beyond the bound, per metric."""
    rng = np.random.Generator(np.random.Philox(seed))
    extreme = np.zeros(differences.shape[1], dtype=np.int64)
    total = differences.sum(axis=0)
    rows = max(1, _CHUNK // len(differences))
    for start in range(0, permutations, rows):
        flipped = rng.integers(2, size=(min(rows, permutations - start), len(differences)), dtype=np.int8)
        extreme += (np.abs(total - 2 * (flipped @ differences)) >= bounds).sum(axis=0)
    return extreme


def paired_t_test(differences: np.ndarray) -> float | None:
    """Paired t-test (Student's), two-sided.

    Args:
        differences: `(queries,)`, one system minus the other.

    Returns:
        p; 1 when no query differs, None for a single query.

    Raises:
        ValueError: There is no query, or a value is not finite.
    """
    from scipy import stats

    differences = _check(np.asarray(differences)[:, None])[:, 0]
    if not differences.any():
        return 1.0
    if len(differences) < 2:
        return None
    with warnings.catch_warnings():
        # Equal differences have no variance: p is then 0, which is what the test says, if with a warning.
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(stats.ttest_1samp(differences, 0.0).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): compare the results with the level as if there had been one test.

    Args:
        p_values: One per test of the family.

    Returns:
        Adjusted p-values, at most 1, in the order given.

    Raises:
        ValueError: A value is not between 0 and 1.
    """
    wrong = [p for p in p_values if not 0 <= p <= 1]
    if wrong:
        raise ValueError(f"p-values must be between 0 and 1, got {wrong[0]}. Pass the results of tests.")
    adjusted = [math.nan] * len(p_values)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _check(differences: np.ndarray) -> np.ndarray:
    differences = np.asarray(differences, dtype=np.float64)
    if differences.ndim != 2 or not len(differences) or not np.isfinite(differences).all():
        raise ValueError(
            f"differences must be finite and of at least one query, got shape {differences.shape}"
            f"{'' if np.isfinite(differences).all() else ' with NaN or infinity'}. Pass one row per query."
        )
    return differences
