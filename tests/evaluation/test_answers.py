"""Exact match and F1: the official scorer's numbers, literal cases, and the metric classes."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlretrieval.evaluation.answer_normalisation import LANGUAGES, normalise_mlqa, normalise_squad
from xlretrieval.evaluation.answers import MLQA, SQuAD, score_answers, token_f1


def test_every_score_of_the_official_scorer(oracle: Path) -> None:
    sets = json.loads((oracle / "mlqa" / "official_scores.json").read_text(encoding="utf-8"))
    seen = 0
    for entry in sets:
        questions = entry["questions"]
        predictions = {row["id"]: row["prediction"] for row in questions}
        references = {row["id"]: row["answers"] for row in questions}
        scores = score_answers(predictions, references, entry["context_language"])
        assert list(scores.ids) == [row["id"] for row in questions]
        assert scores.exact_matches.tolist() == pytest.approx([row["exact_match"] for row in questions], abs=1e-9)
        assert scores.f1s.tolist() == pytest.approx([row["f1"] for row in questions], abs=1e-9)
        assert scores.summary() == pytest.approx(entry["total"], abs=1e-9)
        seen += len(questions)
    assert (len(sets), seen) == (14, 672)


@pytest.mark.parametrize(
    ("text", "language", "normal"),
    [
        ("The Thames, a river!", "en", "thames river"),
        ("anthem", "en", "anthem"),
        ("Das „Brandenburger  Tor“", "de", "brandenburger tor"),
        ("la Ciudad de las Artes", "es", "ciudad de artes"),
        ("¿Qué? $5", "es", "qué 5"),
        ("những con sông", "vi", "con sông"),
        ("النهر", "ar", "نهر"),
        ("गंगा।", "hi", "गंगा"),
        ("北京 Olympic Games，2008年", "zh", "北 京 olympic games2008 年"),
        ("the", "de", "the"),
    ],
)
def test_normalised_by_mlqa(text: str, language: str, normal: str) -> None:
    assert normalise_mlqa(text, language) == normal


def test_squad_leaves_punctuation_beyond_ascii() -> None:
    assert normalise_squad("The “Thames”, a river!") == "“thames” river"


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=40), language=st.sampled_from(LANGUAGES))
def test_an_answer_is_the_same_as_itself_between_punctuation(text: str, language: str) -> None:
    scores = score_answers({"1": f" «{text.upper().lower()}». "}, {"1": [text.upper().lower()]}, language)
    assert scores.exact_match == 100
    assert scores.f1 == (100 if normalise_mlqa(text.upper().lower(), language) else 0)


def test_the_nearest_answer_counts_and_tokens_count_with_their_numbers() -> None:
    scores = score_answers({"1": "New York York"}, {"1": ["Boston", "New York"]}, "en")
    assert (scores.exact_match, scores.f1) == (0, pytest.approx(100 * 0.8))
    assert token_f1("a b b", "b b b") == pytest.approx(2 / 3)


def test_impossible_questions() -> None:
    references = {"1": [], "2": [], "3": ["Rhine"], "4": ["the"]}
    scores = score_answers({"1": "", "2": "Rhine", "3": "Rhine", "4": "a"}, references)
    assert scores.exact_matches.tolist() == scores.f1s.tolist() == [1, 0, 1, 1]
    assert scores.summary() == {
        "exact_match": 75,
        "f1": 75,
        "has_answer_exact_match": 100,
        "has_answer_f1": 100,
        "no_answer_exact_match": 50,
        "no_answer_f1": 50,
    }
    # Without impossible questions the rules are those of 1.1, where nothing shares no token with nothing.
    scores = score_answers({"4": "a"}, {"4": ["the"]})
    assert (scores.exact_match, scores.f1) == (100, 0)


def test_a_question_without_prediction_scores_0_and_is_named() -> None:
    scores = score_answers({"1": "Rhine"}, {"1": ["Rhine"], "2": ["Elbe"]}, "de")
    assert (scores.exact_match, scores.unanswered) == (50, ("2",))


def rows(predictions: dict[str, str], references: dict[str, list[str]]) -> dict[str, list[dict]]:
    return {
        "predictions": [{"id": name, "prediction_text": text} for name, text in predictions.items()],
        "references": [
            {"id": name, "answers": {"text": texts, "answer_start": [0] * len(texts)}}
            for name, texts in references.items()
        ],
    }


def test_metric_classes_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args, **kwargs):
        raise AssertionError("no connection may be made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    german = rows({"1": "Brandenburger Tor!", "2": "der Rhein"}, {"1": ["das Brandenburger Tor"], "2": ["Main"]})
    assert MLQA().compute(**german, language="de") == {"exact_match": 50.0, "f1": 50.0}
    assert SQuAD().compute(**german)["f1"] == pytest.approx(100 * (0.8 + 0) / 2)
    assert SQuAD().compute(**rows({"1": "", "2": "x"}, {"1": [], "2": ["x"]}))["no_answer_f1"] == 100


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: score_answers({}, {}), "references must name at least one question"),
        (lambda: score_answers({"9": "x"}, {"1": ["x"]}), "got 1 others, the first with id '9'"),
        (lambda: score_answers({"1": "x"}, {"1": ["x"]}, "fr"), "language of the contexts must be one of en, es, de"),
        (lambda: SQuAD().compute(**rows({"1": "x"}, {"2": ["x"]})), "got none for '2' and 0 others"),
        (
            lambda: MLQA().compute(
                predictions=[{"id": "1", "prediction_text": "x"}] * 2,
                references=[{"id": "1", "answers": {"text": ["x"], "answer_start": [0]}}] * 2,
                language="en",
            ),
            "must have every id once, got '1' again in row 1",
        ),
    ],
)
def test_mistakes(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
