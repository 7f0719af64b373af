"""Where to draw the line between an answer and none, on questions that may be impossible (SQuAD 2.0).

To be chosen on the dev questions and then given to the extraction; on the questions that it was chosen on, its scores
are the best that any threshold gives, as in the official scorer's `best_f1`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .answers import score_answers


@dataclass(frozen=True)
class NullThreshold:
    """A threshold and what it gives.

    Attributes:
        threshold: A question is answered when its null difference is at most this.
        exact_match: Of the questions it was chosen on, in percent.
        f1: The same.
    """

    threshold: float
    exact_match: float
    f1: float


def best_null_threshold(
    spans: Mapping[str, str],
    null_differences: Mapping[str, float],
    references: Mapping[str, Sequence[str]],
    metric: str = "f1",
    language: str | None = None,
) -> NullThreshold:
    """The threshold with the highest score; of equal ones the lowest, which answers the fewest questions.

    Args:
        spans: Question id -> best span, whatever its score.
        null_differences: Question id -> score of no answer minus that of the span.
        references: Question id -> right answers, none for an impossible question.
        metric: "f1" or "exact_match".
        language: As for `score_answers`.

    Raises:
        ValueError: The three do not have the same questions, or the metric is another.
    """
    if metric not in ("f1", "exact_match"):
        raise ValueError(f"metric must be f1 or exact_match, got {metric!r}. Choose one.")
    if not spans.keys() == null_differences.keys() == references.keys():
        raise ValueError(
            f"spans, null differences and references must be of the same questions, got {len(spans)}, "
            f"{len(null_differences)} and {len(references)}. Give all of them."
        )
    answered = score_answers(spans, references, language)
    silent = score_answers(dict.fromkeys(references, ""), references, language)
    differences = np.array([null_differences[question] for question in references])
    order = np.argsort(differences, kind="stable")
    differences = differences[order]
    # Place k answers the k questions with the smallest differences; it is a threshold only after the last of equals.
    places = np.append(0, np.flatnonzero(np.diff(differences, append=np.inf) > 0) + 1)
    gains = {
        name: np.append(0, np.cumsum((getattr(answered, name) - getattr(silent, name))[order]))[places]
        for name in ("f1s", "exact_matches")
    }
    best = int(np.argmax(gains["f1s" if metric == "f1" else "exact_matches"]))
    place = places[best]
    threshold = float(differences[place - 1]) if place else float(np.nextafter(differences[0], -np.inf))
    scores = {name: 100 * (getattr(silent, name).sum() + gain[best]) / len(order) for name, gain in gains.items()}
    return NullThreshold(threshold, float(scores["exact_matches"]), float(scores["f1s"]))
