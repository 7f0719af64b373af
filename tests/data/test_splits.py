"""Splits by article."""

from __future__ import annotations

import pytest

from xlretrieval.data.sections import assign_split


def test_the_split_of_an_article_never_changes() -> None:
    """Literal values: another release of the package must not move articles between training and test."""
    keys = [f"article {number}" for number in range(12)]

    assert " ".join(assign_split(key, 0.25, 0.25, seed=0) for key in keys[:7]) == (
        "test validation test test train test train"
    )
    assert [assign_split(key, 0.25, 0.25, seed=1) for key in keys[:4]] == ["test", "train", "test", "train"]
    # More validation articles are taken from training, not from test.
    test = {key for key in keys if assign_split(key, 0.25, 0.25, 0) == "test"}
    assert {key for key in keys if assign_split(key, 0.6, 0.25, 0) == "test"} == test


def test_split_fractions_are_met() -> None:
    splits = [assign_split(f"{number}", 0.1, 0.2, seed=3) for number in range(20_000)]

    assert splits.count("validation") == pytest.approx(2_000, abs=150)
    assert splits.count("test") == pytest.approx(4_000, abs=200)


@pytest.mark.parametrize("validation, test", [(-0.1, 0), (1.0, 0), (0.5, 0.5), (0, float("nan"))])
def test_fractions_out_of_range(validation: float, test: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        assign_split("a", validation, test, 0)
