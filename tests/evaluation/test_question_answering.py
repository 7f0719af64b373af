"""Results on sets of questions: rules by language, tables, means, and the matrix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xlretrieval.data.answers.questions import Question, QuestionSet
from xlretrieval.evaluation.question_answering import (
    answer_measurements,
    draw_matrix,
    mean_scores,
    notes_on_answers,
    score_question_set,
    write_predictions,
)


def question_set(context: str, question: str) -> QuestionSet:
    rows = [
        Question(name, "?", "Der Rhein, der Main", (text,), (0,)) for name, text in (("1", "Der Rhein"), ("2", "Main"))
    ]
    return QuestionSet(f"{context}-{question}", context, question, tuple(rows))


GIVEN = {"1": "Rhein", "2": "Elbe"}


def test_the_language_of_the_context_decides() -> None:
    german = score_question_set(question_set("de", "en"), GIVEN, {"questions cut": 3})
    assert (german.rules, german.scores.exact_match, german.scores.f1) == ("mlqa", 50, 50)
    french = score_question_set(question_set("fr", "de"), {"1": "Rhein"})
    # "der" is no article in SQuAD's rules.
    assert (french.rules, french.scores.exact_match, french.scores.f1) == ("squad", 0, pytest.approx(100 / 3))
    assert notes_on_answers([german, french]) == [
        "de-en: 3 questions cut",
        "fr-de: 1 questions without a prediction; scored by SQuAD's rules",
    ]
    assert mean_scores([german, french]) == {"exact_match": 25, "f1": pytest.approx((50 + 100 / 3) / 2)}
    assert score_question_set(question_set("de", "en"), GIVEN, rules="squad").scores.exact_match == 0


def test_tables_compare_by_question() -> None:
    sets = [question_set("de", "en"), question_set("en", "de")]
    after = [score_question_set(part, {"1": "Der Rhein", "2": "Main"}) for part in sets]
    before = [score_question_set(part, GIVEN) for part in sets]
    rows = answer_measurements(after, before)
    assert [(row.task, row.metric) for row in rows] == [
        (name, metric) for name in ("de-en", "en-de", "mean") for metric in ("EM", "F1")
    ][:4] + [("mean", "EM"), ("mean", "F1")]
    assert (rows[0].n, rows[0].after.value, rows[0].before.value, rows[0].difference.value) == (2, 100, 50, 50)


def test_files(tmp_path: Path) -> None:
    results = [score_question_set(question_set(*pair), GIVEN) for pair in (("de", "en"), ("en", "de"))]
    assert not draw_matrix(tmp_path / "one.png", results, "F1")  # two directions of one pair
    results.append(score_question_set(question_set("de", "de"), GIVEN))
    assert draw_matrix(tmp_path / "map.png", results, "F1")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    write_predictions(tmp_path / "p" / "de-en.json", {"1": "北京"})
    assert json.loads((tmp_path / "p" / "de-en.json").read_text(encoding="utf-8")) == {"1": "北京"}


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="de-en: predictions must be of questions in the references"):
        score_question_set(question_set("de", "en"), {"9": "x"})
    with pytest.raises(ValueError, match="rules must be one of mlqa, squad, got 'bleu'"):
        score_question_set(question_set("de", "en"), GIVEN, rules="bleu")
