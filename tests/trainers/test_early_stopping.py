"""Early stopping by what the log says."""

from __future__ import annotations

import pytest

from xlretrieval.trainers.early_stopping import out_of_patience


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
