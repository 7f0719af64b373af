"""The threshold between an answer and none: literal cases, and every threshold tried one by one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlretrieval.evaluation.answers import score_answers
from xlretrieval.evaluation.null_threshold import NullThreshold, best_null_threshold

SPANS = {"1": "Rhine", "2": "Main", "3": "Elbe"}
REFERENCES = {"1": ["Rhine"], "2": [], "3": ["Elbe"]}


def test_between_the_answerable_and_the_impossible() -> None:
    assert best_null_threshold(SPANS, {"1": -3.0, "2": 2.0, "3": 0.5}, REFERENCES) == NullThreshold(0.5, 100.0, 100.0)


def test_a_question_in_the_wrong_place_costs_one() -> None:
    chosen = best_null_threshold(SPANS, {"1": -3.0, "2": 1.0, "3": 1.5}, REFERENCES)
    assert (chosen.threshold, chosen.f1) == (-3.0, pytest.approx(200 / 3))


def test_none_is_answered_where_all_are_impossible() -> None:
    chosen = best_null_threshold(SPANS, {"1": -3.0, "2": 2.0, "3": 0.5}, dict.fromkeys("123", []))
    assert chosen.threshold < -3 and chosen.exact_match == 100


ROWS = st.lists(
    st.tuples(st.sampled_from(["Rhine", "Rhine river"]), st.integers(-3, 3), st.booleans()), min_size=1, max_size=8
)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, metric=st.sampled_from(["f1", "exact_match"]))
def test_no_other_threshold_is_better(rows: list[tuple[str, int, bool]], metric: str) -> None:
    spans = {str(number): span for number, (span, _, _) in enumerate(rows)}
    differences = {str(number): float(of) for number, (_, of, _) in enumerate(rows)}
    references = {str(number): ["Rhine"] if has else [] for number, (_, _, has) in enumerate(rows)}

    def score(threshold: float) -> float:
        texts = {name: span if differences[name] <= threshold else "" for name, span in spans.items()}
        return getattr(score_answers(texts, references), metric)

    chosen = best_null_threshold(spans, differences, references, metric)
    assert getattr(chosen, metric) == pytest.approx(score(chosen.threshold))
    assert getattr(chosen, metric) == pytest.approx(max(map(score, range(-4, 4))))


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="must be of the same questions, got 3, 1 and 3"):
        best_null_threshold(SPANS, {"1": 0.0}, REFERENCES)
    with pytest.raises(ValueError, match="metric must be f1 or exact_match, got 'em'"):
        best_null_threshold(SPANS, dict.fromkeys("123", 0.0), REFERENCES, "em")
