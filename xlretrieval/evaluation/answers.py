"""Exact match and F1 of extracted answers, by the rules of MLQA and of SQuAD.

Functions over plain dictionaries, and `evaluate.Metric` classes over the rows that metrics of `evaluate` take. Both
work without a network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import datasets
import evaluate
import numpy as np

from .answer_normalisation import normalise_squad, normaliser

_ROW_FEATURES = {
    "predictions": {"id": datasets.Value("string"), "prediction_text": datasets.Value("string")},
    "references": {
        "id": datasets.Value("string"),
        "answers": {
            "text": datasets.List(datasets.Value("string")),
            "answer_start": datasets.List(datasets.Value("int32")),
        },
    },
}


@dataclass(frozen=True)
class AnswerScores:
    """Scores of the answers to a set of questions.

    Attributes:
        ids: Of the questions, in the order of the references.
        exact_matches: 0 or 1 for each question.
        f1s: In [0, 1], for each question.
        answerable: Whether the question has an answer, for each.
        unanswered: Ids of questions without a prediction; they score 0.
    """

    ids: tuple[str, ...]
    exact_matches: np.ndarray
    f1s: np.ndarray
    answerable: np.ndarray
    unanswered: tuple[str, ...]

    @property
    def exact_match(self) -> float:
        """Mean in percent."""
        return 100.0 * float(self.exact_matches.mean())

    @property
    def f1(self) -> float:
        """Mean in percent."""
        return 100.0 * float(self.f1s.mean())

    def summary(self) -> dict[str, float]:
        """`exact_match` and `f1`; of answerable and of impossible questions too, where there are both."""
        result = {"exact_match": self.exact_match, "f1": self.f1}
        if self.answerable.any() and not self.answerable.all():
            for name, chosen in (("has_answer", self.answerable), ("no_answer", ~self.answerable)):
                result[f"{name}_exact_match"] = 100.0 * float(self.exact_matches[chosen].mean())
                result[f"{name}_f1"] = 100.0 * float(self.f1s[chosen].mean())
        return result


def score_answers(
    predictions: Mapping[str, str], references: Mapping[str, Sequence[str]], language: str | None = None
) -> AnswerScores:
    """Scores predictions; of several right answers the nearest one counts.

    A question without a right answer is impossible: the empty prediction, or one of nothing but articles and
    punctuation, scores 1 and every other 0. Where the references have such questions, an answer that normalises to
    nothing matches one that does too, as SQuAD 2.0 has it; else its F1 is 0, as SQuAD 1.1 and MLQA have it.

    Args:
        predictions: Question id -> text; "" for no answer.
        references: Question id -> right answers.
        language: Of the contexts, for MLQA's rules; None for SQuAD's.

    Raises:
        ValueError: There is no reference, or a prediction has none, or MLQA's rules do not know the language.
    """
    if not references:
        raise ValueError("references must name at least one question, got none. Give the right answers.")
    foreign = [question for question in predictions if question not in references]
    if foreign:
        raise ValueError(
            f"predictions must be of questions in the references, got {len(foreign)} others, the first with id "
            f"{foreign[0]!r}. Give the references of the same data set."
        )
    normalise = normalise_squad if language is None else normaliser(language)
    impossible = any(not answers for answers in references.values())
    scores = np.zeros((2, len(references)))
    for place, (question, answers) in enumerate(references.items()):
        if question in predictions:
            scores[:, place] = _best(predictions[question], answers or [""], normalise, impossible)
    answerable = np.array([bool(answers) for answers in references.values()])
    unanswered = tuple(question for question in references if question not in predictions)
    return AnswerScores(tuple(references), scores[0], scores[1], answerable, unanswered)


def _best(
    prediction: str, answers: Sequence[str], normalise: Callable[[str], str], empty_matches: bool
) -> tuple[float, float]:
    """Highest exact match and highest F1 over the right answers."""
    given = normalise(prediction)
    right = [normalise(answer) for answer in answers]
    if empty_matches and any(right):
        right = [answer for answer in right if answer]
    exact = float(given in right)
    return exact, max(token_f1(given, answer, empty_matches) for answer in right)


def token_f1(prediction: str, answer: str, empty_matches: bool = False) -> float:
    """F1 of the tokens that two normalised texts share, with their numbers, in [0, 1].

    Args:
        prediction: Tokens joined by spaces.
        answer: The same.
        empty_matches: Whether two empty texts score 1 and not 0.

    Example:
        >>> token_f1("king of spain", "king felipe")
        0.4
    """
    predicted, right = prediction.split(), answer.split()
    if not predicted and not right:
        return float(empty_matches)
    shared = sum((Counter(predicted) & Counter(right)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(predicted), shared / len(right)
    return 2 * precision * recall / (precision + recall)


class _AnswerMetric(evaluate.Metric):
    """What both metrics share: the rows."""

    description = ""
    citation = ""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=self.description,
            citation=self.citation,
            inputs_description="predictions: [{id, prediction_text}]; references: [{id, answers: {text: [...], "
            "answer_start: [...]}}], no text for an impossible question.",
            features=datasets.Features(_ROW_FEATURES),
        )

    @staticmethod
    def _score(predictions: list[dict], references: list[dict], language: str | None) -> dict[str, float]:
        right = _by_id(references, "references")
        given = _by_id(predictions, "predictions")
        missing = [question for question in right if question not in given]
        if missing:
            raise ValueError(
                f"predictions must answer every question of the references, got none for {missing[0]!r} and "
                f"{len(missing) - 1} others. Predict the empty text where there is no answer."
            )
        scores = score_answers(
            {question: row["prediction_text"] for question, row in given.items()},
            {question: row["answers"]["text"] for question, row in right.items()},
            language,
        )
        return scores.summary()


class MLQA(_AnswerMetric):
    """MLQA's measure: answers are normalised in the language of the context.

    Example:
        >>> right = [{"id": "1", "answers": {"text": ["das Brandenburger Tor"], "answer_start": [4]}}]
        >>> MLQA().compute(  # doctest: +SKIP
        ...     predictions=[{"id": "1", "prediction_text": "Brandenburger Tor!"}], references=right, language="de"
        ... )
        {'exact_match': 100.0, 'f1': 100.0}
    """

    description = "Exact match and F1 in percent of extracted answers, by the rules of MLQA."
    citation = "Lewis et al. 2020, MLQA: Evaluating Cross-lingual Extractive Question Answering, ACL"

    def _compute(self, predictions: list[dict], references: list[dict], language: str) -> dict[str, float]:
        return self._score(predictions, references, language)


class SQuAD(_AnswerMetric):
    """SQuAD's measure, of 1.1 and, where references have no answer, of 2.0."""

    description = "Exact match and F1 in percent of extracted answers, by the rules of SQuAD 1.1 and 2.0."
    citation = "Rajpurkar et al. 2016 and 2018, SQuAD, EMNLP and ACL"

    def _compute(self, predictions: list[dict], references: list[dict]) -> dict[str, float]:
        return self._score(predictions, references, None)


def _by_id(rows: list[dict], name: str) -> dict[str, dict]:
    result: dict[str, dict] = {}
    for place, row in enumerate(rows):
        if row["id"] in result:
            raise ValueError(f"{name} must have every id once, got {row['id']!r} again in row {place}. Remove one.")
        result[row["id"]] = row
    return result
