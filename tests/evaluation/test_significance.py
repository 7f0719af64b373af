"""Paired tests: values computed by hand, and those of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from xlretrieval.evaluation.significance import (
    PairedTest,
    holm,
    paired_t_test,
    paired_tests,
    randomisation_test,
)


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_a_few_queries_are_counted_by_hand() -> None:
    # +++, and --- on the other side: 2 of 8 patterns.
    assert randomisation_test(column(1, 2, 3)) == [0.25]
    # The sum is 4; of the eight patterns 6, 4, -4 and -6 are as far from 0.
    assert randomisation_test(column(-1, 2, 3)) == [0.5]
    # All patterns are as far from 0.
    assert randomisation_test(column(0.3)) == [1]
    assert randomisation_test(column(1, -1)) == [1]
    assert randomisation_test(column(0, 0, 0)) == [1]


def test_queries_without_a_difference_change_nothing() -> None:
    differences = np.concatenate([column(1, 2, 3), np.zeros((500, 1))])
    assert randomisation_test(differences) == [0.25]


def test_rounding_is_no_difference() -> None:
    # The sum of 0.1 and 0.2 and 0.3 depends on their order.
    assert randomisation_test(column(0.1, 0.2, 0.3)) == randomisation_test(column(0.3, 0.2, 0.1)) == [0.25]
    assert randomisation_test(column(0.1, 0.2, -0.3, 0.6, -0.5)) == randomisation_test(column(1, 2, -3, 6, -5))


def test_exact_values_are_those_of_scipy() -> None:
    differences = np.random.default_rng(0).normal(0.2, 1, 12)
    theirs = stats.permutation_test(
        (differences,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert randomisation_test(differences[:, None])[0] == pytest.approx(theirs.pvalue, abs=1e-12)


def test_random_patterns_come_close_to_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = np.random.default_rng(1).normal(0.3, 1, (16, 3))
    exact = randomisation_test(differences)
    monkeypatch.setattr("xlretrieval.evaluation.significance.EXACT_QUERIES", 0)
    sampled = randomisation_test(differences)
    # Five standard errors of 100,000 draws.
    assert np.abs(sampled - exact).max() < 5 * np.sqrt(0.25 / 100_000)
    assert (sampled == randomisation_test(differences)).all() and (
        sampled != randomisation_test(differences, seed=1)
    ).any()
    # Drawn in one piece or in many.
    alone = randomisation_test(differences[:, :1])
    assert alone == sampled[:1]


def test_p_of_a_sample_is_never_zero() -> None:
    assert randomisation_test(np.ones((200, 1)), permutations=999) == [1 / 1000]


def test_without_a_difference_p_is_uniform() -> None:
    differences = np.random.default_rng(2).normal(size=(40, 400))
    p_values = randomisation_test(differences, permutations=2_000)
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_t_test_is_that_of_scipy() -> None:
    rng = np.random.default_rng(3)
    after, before = rng.uniform(size=(2, 50))
    assert paired_t_test(after - before) == pytest.approx(stats.ttest_rel(after, before).pvalue, abs=1e-12)
    # By hand: mean 2, standard deviation 1, t = 2 sqrt(3), and F(t) = 1/2 + t / (2 sqrt(2 + t^2)) with 2 degrees.
    assert paired_t_test(np.array([1, 2, 3])) == pytest.approx(1 - 2 * 3**0.5 / 14**0.5)
    assert paired_t_test(np.zeros(4)) == 1
    assert paired_t_test(np.ones(4)) == 0
    assert paired_t_test(np.array([0.5])) is None


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.04, 0.01, 0.6, 0.5]) == pytest.approx([0.12, 0.04, 1, 1])
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_holm_keeps_the_order_and_is_below_bonferroni() -> None:
    p_values = np.random.default_rng(4).uniform(size=30) ** 4
    adjusted = np.array(holm(p_values.tolist()))
    assert (np.diff(adjusted[np.argsort(p_values)]) >= 0).all()
    assert (p_values <= adjusted).all() and (adjusted <= np.minimum(1, 30 * p_values)).all()


def test_both_tests_of_a_task() -> None:
    after = np.array([[1.0, 0.5], [0.5, 0.5], [0.5, 0.5]])
    before = np.array([[0.5, 0.5], [0.75, 0.5], [0.25, 0.5]])
    first, second = paired_tests(after, before)
    # Differences 0.5, -0.25, 0.25: the patterns sum to 1, 0.5, 0.5, 0 and the opposites; 6 of 8 are as far from 0.
    assert (first.better, first.worse, first.randomisation) == (2, 1, 0.75)
    assert first.t_test == pytest.approx(stats.ttest_rel(after[:, 0], before[:, 0]).pvalue)
    assert second == PairedTest(better=0, worse=0, randomisation=1, t_test=1)


@pytest.mark.parametrize("differences", [np.zeros((0, 1)), column(np.nan), column(np.inf), np.zeros(3)])
def test_nothing_to_compare_is_an_error(differences: np.ndarray) -> None:
    with pytest.raises(ValueError, match="differences must be finite and of at least one query"):
        randomisation_test(differences)
    with pytest.raises(ValueError, match="permutations must be at least 1, got 0"):
        randomisation_test(column(1.0), permutations=0)
    with pytest.raises(ValueError, match="p-values must be between 0 and 1, got 1.5"):
        holm([1.5])
