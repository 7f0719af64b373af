"""Early stopping by what the log says."""

from __future__ import annotations

import pytest
from transformers import TrainingArguments

from xlretrieval.trainers.early_stopping import chosen_metric, out_of_patience


@pytest.mark.parametrize(
    ("values", "patience", "stops"),
    [
        ([0.1, 0.2, 0.3], 1, False),
        ([0.3, 0.2], 1, True),
        ([0.3, 0.2, 0.2], 3, False),
        ([0.3, 0.2, 0.3, 0.3], 3, True),  # as good is not better
        ([0.3, 0.2, 0.4, 0.1], 2, False),
        ([], 1, False),
        ([0.3, 0.2, 0.1], None, False),
    ],
)
def test_patience(values, patience, stops):
    history = [row for value in values for row in ({"loss": 1.0}, {"eval_map": value})]
    assert out_of_patience(history, patience) is stops


def test_a_loss_and_the_value_before_the_first_step():
    history = [{"step": step, "eval_loss": value} for step, value in enumerate((0.1, 0.5, 0.4, 0.45))]
    assert out_of_patience(history, 1, "eval_loss", greater_is_better=False)
    assert not out_of_patience(history[:3], 1, "eval_loss", greater_is_better=False)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("eval_loss", False)),
        ({"metric_for_best_model": "rr_loss"}, ("eval_rr_loss", False)),
        ({"metric_for_best_model": "eval_mrr"}, ("eval_mrr", True)),
        ({"metric_for_best_model": "mrr", "greater_is_better": False}, ("eval_mrr", False)),
    ],
)
def test_the_metric_that_chooses(options, expected, tmp_path):
    assert chosen_metric(TrainingArguments(output_dir=str(tmp_path), use_cpu=True, **options)) == expected
