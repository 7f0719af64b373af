"""How well a model answers: exact match and F1 on sets of questions, one for each pair of languages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from xlretrieval.data.answers.questions import QuestionSet
from xlretrieval.data.files import write_text

from .answer_normalisation import LANGUAGES
from .answers import AnswerScores, score_answers
from .report import Measurement, heat_map, mean_over_tasks

METRICS = ("exact_match", "f1")
RULES = ("mlqa", "squad")


@dataclass(frozen=True)
class QuestionSetResult:
    """Scores on a set of questions.

    Attributes:
        name: Of the set, such as "de-en".
        languages: Of contexts and of questions.
        scores: For each question.
        rules: "mlqa" or "squad".
        predictions: Question id -> text.
        counts: Of the windows and what they lose, where a model answered.
        best_threshold: Of impossible questions, the best null threshold and its scores, where it was looked for.
    """

    name: str
    languages: tuple[str, str]
    scores: AnswerScores
    rules: str
    predictions: dict[str, str] = field(repr=False)
    counts: dict[str, int] = field(default_factory=dict)
    best_threshold: dict[str, float] | None = None

    def as_dict(self) -> dict[str, object]:
        """For JSON, without the predictions."""
        return {
            "name": self.name,
            "context_language": self.languages[0],
            "question_language": self.languages[1],
            "rules": self.rules,
            "questions": len(self.scores.ids),
            "unanswered": list(self.scores.unanswered),
            **self.scores.summary(),
            "counts": self.counts,
            "best_threshold": self.best_threshold,
        }


def rules_for(language: str) -> str:
    """MLQA's rules, "mlqa", for the languages whose articles they name, else "squad"."""
    return "mlqa" if language in LANGUAGES else "squad"


def score_question_set(
    questions: QuestionSet,
    predictions: Mapping[str, str],
    counts: Mapping[str, int] | None = None,
    rules: str | None = None,
) -> QuestionSetResult:
    """Scores predictions, by MLQA's rules in the language of the contexts.

    Args:
        questions: The set.
        predictions: Question id -> text.
        counts: What the features counted.
        rules: "mlqa" or "squad"; by default as `rules_for` says.

    Raises:
        ValueError: The rules are unknown, or those of MLQA do not know the language; the set is empty, or a prediction
            is of no question in it.
    """
    rules = rules_for(questions.context_language) if rules is None else rules
    if rules not in RULES:
        raise ValueError(f"rules must be one of {', '.join(RULES)}, got {rules!r}. Choose one.")
    language = questions.context_language if rules == "mlqa" else None
    try:
        scores = score_answers(predictions, questions.references, language)
    except ValueError as error:
        raise ValueError(f"{questions.name}: {error}") from None
    languages = (questions.context_language, questions.question_language)
    return QuestionSetResult(questions.name, languages, scores, rules, dict(predictions), dict(counts or {}))


def mean_scores(results: Sequence[QuestionSetResult]) -> dict[str, float]:
    """`exact_match` and `f1` in percent as means over the sets, which weigh the same."""
    return {metric: float(np.mean([getattr(result.scores, metric) for result in results])) for metric in METRICS}


def answer_measurements(
    results: Sequence[QuestionSetResult], before: Sequence[QuestionSetResult] | None = None
) -> list[Measurement]:
    """Rows of a table in percent, with intervals over questions, and the means over sets of two and more.

    Args:
        results: Of the model in question.
        before: Of the model it is compared with, on the same sets.
    """
    rows = []
    for place, result in enumerate(results):
        earlier = before[place].scores if before else None
        for metric, values in (("EM", "exact_matches"), ("F1", "f1s")):
            rows.append(
                Measurement.of(
                    result.name,
                    metric,
                    100 * getattr(result.scores, values),
                    None if earlier is None else 100 * getattr(earlier, values),
                )
            )
    return rows + mean_over_tasks(rows)


def notes_on_answers(results: Sequence[QuestionSetResult]) -> list[str]:
    """What was lost, and by which rules was scored where they are not those of MLQA; one line for each set."""
    notes = []
    for result in results:
        parts = [
            f"{result.counts[name]} {name}"
            for name in ("questions cut", "answers in no window", "answers that begin or end inside a token")
            if result.counts.get(name)
        ]
        if result.scores.unanswered:
            parts.append(f"{len(result.scores.unanswered)} questions without a prediction")
        if result.rules != "mlqa":
            parts.append("scored by SQuAD's rules")
        if parts:
            notes.append(f"{result.name}: {'; '.join(parts)}")
    return notes


def draw_matrix(path: str | Path, results: Sequence[QuestionSetResult], title: str) -> bool:
    """Draws F1 as a heat map, languages of contexts in rows and of questions in columns; `heat_map` says when not."""
    values = {result.languages: result.scores.f1 for result in results}
    return heat_map(path, values, title)


def write_predictions(path: str | Path, predictions: Mapping[str, str]) -> None:
    """Writes a file that the official scorers read: question id -> text."""
    write_text(path, json.dumps(predictions, ensure_ascii=False, indent=0) + "\n")
