"""From scores of first and last tokens to answers: the rules that are published with SQuAD's baselines.

In each window the `n_best` tokens with the highest start scores and those with the highest end scores are combined;
pairs outside of the context, backwards or longer than `max_answer_length` are left out; the pair with the highest sum
over all windows is the answer. With a null threshold, a question is unanswered when the score of its first token, the
lowest of all windows, is higher than the answer's by more than the threshold. All pairs of all windows of a batch are
handled as one array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from xlretrieval.data.question_features import QuestionFeatures

# Spans, scores, scores of no answer, windows seen.
ExtractorState = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
_COLUMNS = ("question", "window", "first", "last", "start_character", "end_character")


@dataclass(frozen=True)
class AnswerCandidate:
    """A possible answer.

    Attributes:
        text: As it stands in the context; "" for no answer.
        start: Its first character there.
        score: Sum of two logits.
        probability: Among the candidates of the question.
    """

    text: str
    start: int
    score: float
    probability: float


@dataclass(frozen=True)
class ExtractedAnswer:
    """The answer to a question.

    Attributes:
        text: The answer; "" for none.
        null_difference: Score of no answer minus that of the best span; it decides, with the threshold.
        candidates: The best spans, and no answer where it is allowed, by falling score.
    """

    text: str
    null_difference: float
    candidates: tuple[AnswerCandidate, ...] = field(repr=False)

    @property
    def span(self) -> str:
        """The best span, whether or not no answer scores higher; "" where the rules allow none."""
        return next((candidate.text for candidate in self.candidates if candidate.text), "")


@dataclass(frozen=True)
class ExtractionOptions:
    """The rules' numbers.

    Attributes:
        n_best: Start and end tokens of a window that are combined, and candidates that are kept of a question.
        max_answer_length: Most tokens of an answer.
        null_threshold: How much better no answer must be than the best span; None where every question has an answer.

    Raises:
        ValueError: A number is below 1.
    """

    n_best: int = 20
    max_answer_length: int = 30
    null_threshold: float | None = None

    def __post_init__(self):
        for name in ("n_best", "max_answer_length"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}. The defaults are 20 and 30.")


class AnswerExtractor:
    """Collects the candidates of batches of windows, and answers the questions at the end.

    Args:
        features: The windows.
        options: The rules' numbers.
    """

    def __init__(self, features: QuestionFeatures, options: ExtractionOptions | None = None):
        self.features = features
        self.options = options or ExtractionOptions()
        self._parts: list[tuple[np.ndarray, np.ndarray]] = []
        self._nulls = np.full(len(features.questions), np.inf)
        self._seen = np.zeros(len(features), dtype=bool)

    def add(self, indices: np.ndarray, start_logits: np.ndarray, end_logits: np.ndarray) -> None:
        """Takes the scores of some windows.

        Args:
            indices: Numbers of the windows, `(windows,)`.
            start_logits: `(windows, length)`, padded on the right; what padding scores does not matter.
            end_logits: The same.

        Raises:
            ValueError: A token's score is not finite.
        """
        indices = np.asarray(indices, dtype=np.int64)
        starts = np.asarray(start_logits, dtype=np.float64)
        ends = np.asarray(end_logits, dtype=np.float64)
        real = np.arange(starts.shape[1]) < self.features.row_lengths(indices)[:, None]
        if not (np.isfinite(starts) | ~real).all() or not (np.isfinite(ends) | ~real).all():
            raise ValueError("Scores of tokens must be finite, got others. Lower the learning rate, or take float32.")
        np.minimum.at(self._nulls, self.features.question[indices], starts[:, 0] + ends[:, 0])
        self._seen[indices] = True
        self._parts.append(self._candidates(indices, np.where(real, starts, -np.inf), np.where(real, ends, -np.inf)))

    def _candidates(self, indices: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The best spans of each window: `_COLUMNS`, int64 `(spans, 6)`, and scores."""
        n_best = min(self.options.n_best, starts.shape[1])
        first, last = (np.argsort(-logits, axis=1, kind="stable")[:, :n_best] for logits in (starts, ends))
        scores = np.take_along_axis(starts, first, 1)[:, :, None] + np.take_along_axis(ends, last, 1)[:, None, :]
        begin = self.features.document_starts(indices)
        size = (self.features.end - self.features.begin)[indices]
        first, last = (places - begin[:, None] for places in (first, last))
        inside = [(places >= 0) & (places < size[:, None]) for places in (first, last)]
        lengths = last[:, None, :] - first[:, :, None] + 1
        valid = inside[0][:, :, None] & inside[1][:, None, :] & (lengths >= 1)
        valid &= (lengths <= self.options.max_answer_length) & np.isfinite(scores)
        rows, starting, ending = np.nonzero(valid)
        windows = indices[rows]
        shift = self.features.begin[windows]
        tokens = np.column_stack([first[rows, starting] + shift, last[rows, ending] + shift])
        scores = scores[rows, starting, ending]
        characters = self._characters(windows, tokens)
        spans = np.column_stack([self.features.question[windows], windows, tokens, characters])
        visible = characters[:, 0] < characters[:, 1]
        return _best_of_groups(spans[visible], scores[visible], 1, self.options.n_best)

    def _characters(self, windows: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """Characters of the context that spans of tokens cover, `(spans, 2)`."""
        characters = np.zeros(tokens.shape, dtype=np.int64)
        for window in np.unique(windows):
            chosen = windows == window
            context = self.features.contexts[self.features.context_of[self.features.question[window]]]
            characters[chosen, 0] = context.starts[tokens[chosen, 0]]
            characters[chosen, 1] = context.ends[tokens[chosen, 1]]
        return characters

    def state(self) -> ExtractorState:
        """What it has seen, to be given to another process."""
        spans, scores = self._collected()
        return spans, scores, self._nulls, self._seen

    def merge(self, states: Sequence[ExtractorState]) -> None:
        """Takes over what extractors of the same windows have seen, besides its own."""
        for spans, scores, nulls, seen in states:
            self._parts.append((spans, scores))
            self._nulls = np.minimum(self._nulls, nulls)
            self._seen = self._seen | seen

    def _collected(self) -> tuple[np.ndarray, np.ndarray]:
        """The best spans of each question."""
        spans = np.concatenate([np.zeros((0, len(_COLUMNS)), np.int64), *(part[0] for part in self._parts)])
        scores = np.concatenate([np.zeros(0), *(part[1] for part in self._parts)])
        return _best_of_groups(*_without_repeats(spans, scores), 0, self.options.n_best)

    def answers(self) -> dict[str, ExtractedAnswer]:
        """Question id -> answer, in the order of the questions.

        A question without any span that the rules allow is unanswered.

        Raises:
            ValueError: The scores of a window were not given.
        """
        if not self._seen.all():
            raise ValueError(
                f"All {len(self._seen)} windows must be scored, got {int(self._seen.sum())}. Add the others."
            )
        spans, scores = self._collected()
        numbers = np.arange(len(self.features.questions))
        bounds = np.searchsorted(spans[:, 0], [numbers, numbers + 1])
        return {
            question.id: self._answer(number, spans[low:high, 4:], scores[low:high])
            for number, (question, low, high) in enumerate(zip(self.features.questions, *bounds, strict=True))
        }

    def _answer(self, number: int, characters: np.ndarray, scores: np.ndarray) -> ExtractedAnswer:
        context = self.features.questions[number].context
        texts = [(context[start:end], start) for start, end in characters.tolist()]
        null, threshold = float(self._nulls[number]), self.options.null_threshold
        best = scores[0] if len(scores) else -np.inf
        difference = null - float(best)
        if threshold is not None:
            place = int((scores >= null).sum())
            texts.insert(place, ("", 0))
            scores = np.insert(scores, place, null)
        weights = np.exp(scores - scores.max()) if len(scores) else scores
        candidates = tuple(
            AnswerCandidate(text, start, float(score), float(weight))
            for (text, start), score, weight in zip(texts, scores, weights / weights.sum(), strict=True)
        )
        answered = np.isfinite(best) and (threshold is None or difference <= threshold)
        text = next((candidate.text for candidate in candidates if candidate.text), "") if answered else ""
        return ExtractedAnswer(text, difference, candidates)


def _best_of_groups(spans: np.ndarray, scores: np.ndarray, column: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The spans with the highest scores of each group, sorted by group and falling score.

    Of equal ones, that of the earlier window and the earlier tokens comes first, in whatever order they were added.
    """
    order = np.lexsort((spans[:, 3], spans[:, 2], spans[:, 1], -scores, spans[:, column]))
    spans, scores = spans[order], scores[order]
    groups = spans[:, column]
    rank = np.arange(len(groups)) - np.searchsorted(groups, groups)
    return spans[rank < most], scores[rank < most]


def _without_repeats(spans: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A span that two windows hold once, with its higher score."""
    order = np.lexsort((spans[:, 1], -scores, spans[:, 3], spans[:, 2], spans[:, 0]))
    spans, scores = spans[order], scores[order]
    same = np.zeros(len(spans), dtype=bool)
    same[1:] = (spans[1:, [0, 2, 3]] == spans[:-1, [0, 2, 3]]).all(1)
    return spans[~same], scores[~same]
