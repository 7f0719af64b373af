"""A question about a text, and the checks that every reader runs: an answer must stand where its offset says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

OnProblem = Literal["raise", "drop"]
ON_PROBLEM = ("raise", "drop")


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the text that is asked, and the right answers.

    Attributes:
        id: Unique in its set; the same question has it in every language.
        question: The question.
        context: The text that the answer stands in.
        answers: Right answers, none for an impossible question.
        starts: Where each begins in the context, in code points.
        title: Of the article.
    """

    id: str
    question: str
    context: str
    answers: tuple[str, ...]
    starts: tuple[int, ...]
    title: str = ""


@dataclass(frozen=True)
class QuestionSet:
    """Questions of one pair of languages, in the order of their file.

    Attributes:
        name: Such as "de-en": context in German, question in English.
        context_language: Language of the contexts, in which answers are normalised; "" where unknown.
        question_language: Of the questions.
        questions: The questions.
        problems: What was wrong with those that were dropped, one line each, with file and row.
    """

    name: str
    context_language: str
    question_language: str
    questions: tuple[Question, ...]
    problems: tuple[str, ...] = ()

    @property
    def references(self) -> dict[str, tuple[str, ...]]:
        """Question id -> right answers, as metrics take them."""
        return {question.id: question.answers for question in self.questions}


@dataclass
class QuestionChecks:
    """Takes what a file says of its questions, and keeps those that are right.

    Args:
        path: Name of the file, for messages.
        on_problem: Whether a wrong question is an error, or is dropped and listed.

    Raises:
        ValueError: `on_problem` is neither.
    """

    path: str
    on_problem: OnProblem = "raise"
    questions: list[Question] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _row_of: dict[str, int] = field(default_factory=dict)
    _row: int = 0

    def __post_init__(self):
        if self.on_problem not in ON_PROBLEM:
            raise ValueError(f"on_problem must be raise or drop, got {self.on_problem!r}. Choose one.")

    def add(
        self,
        id: object,
        question: object,
        context: object,
        answers: Sequence[tuple[object, object]] | None,
        title: object = "",
        impossible: bool | None = None,
    ) -> None:
        """Checks a question, with its answers as pairs of text and start.

        Args:
            id: Of the question.
            question: The question.
            context: The text.
            answers: Text and start of each; None when the file has something else there.
            title: Of the article.
            impossible: What the file says; None when such a file only leaves the answers out.

        Raises:
            ValueError: With file and row, something is wrong and `on_problem` is "raise".
        """
        self._row += 1
        problem = self._problem(id, question, context, answers, impossible)
        if problem:
            shown = f" (id {id!r})" if isinstance(id, str) and id else ""
            line = f"{self.path}, question {self._row}{shown}: {problem}"
            if self.on_problem == "raise":
                raise ValueError(f"{line} Correct the file, or drop such questions.")
            self.problems.append(line)
            return
        self._row_of[id] = self._row
        texts, starts = tuple(text for text, _ in answers), tuple(start for _, start in answers)
        self.questions.append(Question(id, question, context, texts, starts, title if isinstance(title, str) else ""))

    def _problem(
        self,
        id: object,
        question: object,
        context: object,
        answers: Sequence[tuple[object, object]] | None,
        impossible: bool | None,
    ) -> str:
        for name, value in (("id", id), ("question", question), ("context", context)):
            if not isinstance(value, str) or not value.strip():
                return f"{name} must be a text that is not empty, got {_short(value)}."
        if id in self._row_of:
            return f"id must occur once, got the one of question {self._row_of[id]} again."
        if answers is None:
            return "answers must be a list of texts and starts, got something else."
        if impossible and answers:
            return f"an impossible question must have no answer, got {_short(answers[0][0])}."
        if impossible is False and not answers:
            return "a question must have an answer or be marked is_impossible, got neither."
        return next(filter(None, (_answer_problem(context, text, start) for text, start in answers)), "")


def _answer_problem(context: str, text: object, start: object) -> str:
    if not isinstance(text, str) or not text.strip():
        return f"an answer must be a text that is not empty, got {_short(text)}."
    if not isinstance(start, int) or isinstance(start, bool) or start < 0:
        return f"answer_start must be a number from 0, got {_short(start)}."
    if start + len(text) > len(context):
        return (
            f"an answer must end within its context of {len(context)} characters, got {_short(text)} from {start} "
            f"to {start + len(text)}."
        )
    if not context.startswith(text, start):
        found = context[start : start + len(text)]
        where = context.find(text)
        hint = f"it stands at {where}" if where >= 0 else "it stands nowhere"
        return f"the context must have the answer {_short(text)} at {start}, got {_short(found)} ({hint})."
    return ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
