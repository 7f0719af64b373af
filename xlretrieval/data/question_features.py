"""Questions to inputs of an encoder: `[CLS] question [SEP] window of the context [SEP]`.

A context longer than the input is read in windows that share `stride` tokens, so that an answer of up to that many
tokens is whole in one of them, wherever it stands. Tokens are kept once for a context, and a window costs 20 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase

from .answers.questions import Question
from .context_tokens import ContextTokens, tokenize_contexts
from .templates import EncodedPair, pair_template
from .tokenization import tokenize

# What a window holds of the answer, beside its place in the context's tokens.
NONE, PART = -1, -2


@dataclass(frozen=True)
class QuestionWindow:
    """One input.

    Attributes:
        row: Token ids, and where question and context are in it.
        start: Position of the answer's first token in the row; 0, the first token, where the window has no answer.
        end: Of its last token.
    """

    row: EncodedPair
    start: int
    end: int


class QuestionFeatures(Dataset):
    """Windows of questions, in the order of the questions.

    Args:
        tokenizer: One that tells where its tokens are.
        questions: The questions.
        max_length: Longest input in tokens, special ones included.
        stride: Tokens of the context that two neighbouring windows share.
        max_query_length: Longest question in tokens; what is cut is counted.
        training: Whether to leave out windows that hold a part of the answer only: they neither have the answer nor
            lack it.

    Attributes:
        contexts: Tokens of each different context.
        context_of: Number of each question's context, `(questions,)`.
        question_ids: Token ids of each question.
        question: Number of each window's question, int32 `(windows,)`.
        begin: First token of the context in the window.
        end: Token after the last one in the window.
        answer: First and last token of the answer in the context, int32 `(windows, 2)`; NONE or PART.
        lost: Ids of the questions with an answer that no window holds whole.
        unaligned: Ids of those whose answer begins or ends inside a token, so that what can be extracted is longer.

    Raises:
        ValueError: The lengths leave no room, or the tokenizer cannot tell where its tokens are.

    Example:
        >>> features = QuestionFeatures(tokenizer, mlqa.questions, max_length=384, stride=128)  # doctest: +SKIP
        >>> features[0].row.ids, features[0].start, features.counts  # doctest: +SKIP
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        questions: Sequence[Question],
        max_length: int = 512,
        stride: int = 128,
        max_query_length: int = 64,
        training: bool = False,
    ):
        self.template = pair_template(tokenizer)
        self.template.check_lengths(max_length, max_query_length)
        room = max_length - self.template.specials - max_query_length
        if not 0 <= stride < room:
            raise ValueError(
                f"stride must be from 0 to {room - 1}, below the tokens that max_length {max_length} leaves for the "
                f"context beside a question of {max_query_length}, got {stride}. Lower it."
            )
        if not self.template.prefix:
            raise ValueError("The tokenizer must put a token before a pair, which stands for no answer, got none.")
        self.questions = list(questions)
        self.max_length, self.max_query_length = max_length, max_query_length
        numbers = {text: number for number, text in enumerate(dict.fromkeys(row.context for row in self.questions))}
        self.contexts = tokenize_contexts(tokenizer, list(numbers))
        self.context_of = np.array([numbers[row.context] for row in self.questions], dtype=np.int32)
        wanted = [max_query_length + 1] * len(self.questions)
        ids = tokenize(tokenizer, [row.question for row in self.questions], wanted)
        self._truncated_questions = sum(len(row) > max_query_length for row in ids)
        self.question_ids = [np.array(row[:max_query_length], dtype=np.int32) for row in ids]
        self._lay_out(stride, training)

    def _lay_out(self, stride: int, training: bool) -> None:
        """Cuts the contexts into windows and finds the answers in them."""
        parts: list[np.ndarray] = []
        self.lost, self.unaligned = [], []
        left_out = 0
        for number, question in enumerate(self.questions):
            tokens = self.contexts[self.context_of[number]]
            room = self.max_length - self.template.specials - len(self.question_ids[number])
            begins = _window_begins(len(tokens.ids), room, stride)
            ends = np.minimum(begins + room, len(tokens.ids))
            answer = self._answer_tokens(question, tokens) if question.answers else None
            places = _places(answer, begins, ends)
            if question.answers and (places[:, 0] < 0).all():
                self.lost.append(question.id)
            kept = places[:, 0] != PART if training else np.ones(len(begins), dtype=bool)
            left_out += int((~kept).sum())
            parts.append(np.column_stack([np.full(len(begins), number), begins, ends, places])[kept])
        rows = np.concatenate([np.zeros((0, 5)), *parts]).astype(np.int32)
        self.question, self.begin, self.end = (np.ascontiguousarray(rows[:, column]) for column in range(3))
        self.answer = np.ascontiguousarray(rows[:, 3:])
        self.counts = {
            "questions": len(self.questions),
            "impossible": sum(not question.answers for question in self.questions),
            "contexts": len(self.contexts),
            "windows": len(rows),
            "windows with part of an answer, left out": left_out,
            "questions cut": self._truncated_questions,
            "answers in no window": len(self.lost),
            "answers that begin or end inside a token": len(self.unaligned),
        }

    def _answer_tokens(self, question: Question, tokens: ContextTokens) -> tuple[int, int] | None:
        """Tokens of the first answer, which is the one to learn."""
        text, start = question.answers[0], question.starts[0]
        start += len(text) - len(text.lstrip())
        end = start + len(text.strip())
        found = tokens.find(start, end)
        if found is None or (tokens.starts[found[0]], tokens.ends[found[1]]) != (start, end):
            self.unaligned.append(question.id)
        return found

    def __len__(self) -> int:
        return len(self.question)

    def __getitem__(self, index: int) -> QuestionWindow:
        number = self.question[index]
        ids = self.contexts[self.context_of[number]].ids[self.begin[index] : self.end[index]]
        row = self.template.join(
            self.question_ids[number].tolist(), ids.tolist(), self.max_length, self.max_query_length
        )
        first, last = self.answer[index].tolist()
        if first < 0:
            return QuestionWindow(row, 0, 0)
        shift = row.document.start - int(self.begin[index])
        return QuestionWindow(row, first + shift, last + shift)

    def document_starts(self, indices: np.ndarray) -> np.ndarray:
        """Position of the context's first token in the rows of some windows, `(indices,)`."""
        lengths = np.array([len(self.question_ids[number]) for number in self.question[indices]], dtype=np.int64)
        return len(self.template.prefix) + lengths + len(self.template.middle)

    def row_lengths(self, indices: np.ndarray | None = None) -> np.ndarray:
        """Tokens of the rows of some windows, or of all, without padding."""
        indices = np.arange(len(self)) if indices is None else indices
        tokens = self.end[indices] - self.begin[indices]
        return self.document_starts(indices) + tokens + len(self.template.suffix)


def _window_begins(tokens: int, room: int, stride: int) -> np.ndarray:
    """First token of each window; the last one reaches the end of the context."""
    step = room - stride
    return np.arange(1 + max(0, -(-(tokens - room) // step))) * step


def _places(answer: tuple[int, int] | None, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Where the answer is, for each window, `(windows, 2)`."""
    places = np.full((len(begins), 2), NONE)
    if answer is not None:
        first, last = answer
        places[(first < ends) & (last >= begins)] = PART
        places[(first >= begins) & (last < ends)] = answer
    return places
