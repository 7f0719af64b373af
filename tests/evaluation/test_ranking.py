import math
import sys

import numpy as np
import pytest

from xlretrieval.evaluation.ranking import bootstrap_interval, evaluate_run

# q1 ranks d3 d1 d2 (relevant: d1, d2), q2 ranks d9 d8 (relevant: d7, not found, and d8), q3 is not in the run.
RUN = {"q1": {"d1": 2.0, "d2": 1.0, "d3": 3.5}, "q2": {"d9": 0.2, "d8": -1.0}, "q9": {"d1": 1.0}}
QRELS = {"q1": {"d1": 1, "d2": 2, "d3": 0}, "q2": {"d7": 1, "d8": 1}, "q3": {"d1": 1}}


def test_metrics_are_those_computed_by_hand():
    result = evaluate_run(RUN, QRELS)
    ndcg_1 = (1 / math.log2(3) + 2 / math.log2(4)) / (2 + 1 / math.log2(3))
    ndcg_2 = (1 / math.log2(3)) / (1 + 1 / math.log2(3))
    assert result.per_query["q1"] == pytest.approx({"AP": (1 / 2 + 2 / 3) / 2, "RR": 0.5, "nDCG@10": ndcg_1})
    assert result.per_query["q2"] == pytest.approx({"AP": (1 / 2) / 2, "RR": 0.5, "nDCG@10": ndcg_2})
    assert result.per_query["q3"] == {"AP": 0, "RR": 0, "nDCG@10": 0}
    assert result.mean == pytest.approx({"AP": (7 / 12 + 1 / 4) / 3, "RR": 1 / 3, "nDCG@10": (ndcg_1 + ndcg_2) / 3})
    assert (result.missing, result.unjudged) == (["q3"], ["q9"])
    assert result.values("RR") == [0.5, 0.5, 0]


def test_a_query_without_documents_is_missing_too():
    assert evaluate_run({"q1": {}}, {"q1": {"d1": 1}}).missing == ["q1"]
    assert evaluate_run({}, {"q1": {"d1": 1}}).mean == {"AP": 0, "RR": 0, "nDCG@10": 0}


@pytest.mark.parametrize("metric", ["AP", "RR", "RR@10", "nDCG@10"])
def test_ties_break_by_document_id_for_every_metric(metric):
    # trec_eval puts the greater id first. Scores are float32 there, so the second pair is a tie as well.
    for scores in ((1.0, 1.0), (1.0 + 1e-9, 1.0)):
        run = {"q": {"a": scores[0], "b": scores[1]}}
        assert evaluate_run(run, {"q": {"b": 1}}, [metric]).mean[metric] == 1
        assert evaluate_run(run, {"q": {"a": 1}}, [metric]).mean[metric] < 1


def test_unknown_metrics_and_empty_qrels_are_errors():
    with pytest.raises(ValueError, match="A metric must be one that ir-measures knows, got 'precission'"):
        evaluate_run(RUN, QRELS, ["precission"])
    with pytest.raises(ValueError, match="Metrics must be different ones, got P@10 and Precision@10"):
        evaluate_run(RUN, QRELS, ["P@10", "Precision@10"])
    with pytest.raises(ValueError, match="There must be at least one metric, got none. The default is AP,RR,nDCG@10"):
        evaluate_run(RUN, QRELS, [])
    with pytest.raises(ValueError, match="qrels must have at least one query"):
        evaluate_run(RUN, {})


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    with pytest.raises(ValueError, match=r"pip install xlretrieval\[ir\]"):
        evaluate_run(RUN, QRELS)


def test_bootstrap_interval_is_that_of_the_normal_distribution():
    values = np.random.default_rng(0).normal(0.4, 0.2, size=400)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std(ddof=1) / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.002)
    assert bootstrap_interval(values) == (low, high) != bootstrap_interval(values, seed=1)
    narrow = bootstrap_interval(values, level=0.5)
    assert low < narrow[0] < narrow[1] < high


def test_bootstrap_of_one_or_equal_values_has_no_width():
    assert bootstrap_interval([0.3]) == (0.3, 0.3)
    assert bootstrap_interval([1, 1, 1]) == (1, 1)


@pytest.mark.parametrize(("values", "options"), [([], {}), ([1, math.nan], {}), ([1], {"level": 1}), ([[1]], {})])
def test_bootstrap_of_nothing_is_an_error(values, options):
    with pytest.raises(ValueError, match="must be"):
        bootstrap_interval(values, **options)
