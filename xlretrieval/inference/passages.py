"""Documents longer than the model: read passage by passage, the score of a document made of theirs.

MaxP takes the best passage, FirstP the first, MeanP the mean (Dai and Callan 2019, with MeanP for their SumP: a sum
would favour long documents). Passages are cut from the tokens of the whole document, not from its characters, so a
document that fits is encoded as in training.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from xlretrieval.data.pairs import PairCollator
from xlretrieval.data.templates import EncodedPair
from xlretrieval.data.tokenization import token_ids, tokenize

LongDocuments = Literal["maxp", "firstp", "meanp"]

# Tokenizers keep settings that a call with others changes, and two threads that do so at once end in "Already
# borrowed". Held while texts are tokenized, which the tokenizer itself spreads over the cores.
_TOKENIZING = threading.Lock()


def passage_starts(length: int, window: int, stride: int) -> list[int]:
    """Where the passages of a document begin.

    Every passage of a document that is longer than the window is a whole window: the last one ends where the document
    does, and overlaps more, so that no passage is a few words.

    Args:
        length: Tokens of the document.
        window: Tokens of a passage.
        stride: Tokens from the start of one to the next, at most `window`.

    Example:
        ```python
        passage_starts(5, window=8, stride=4) == [0]
        passage_starts(19, window=8, stride=4) == [0, 4, 8, 11]
        ```
    """
    if length <= window:
        return [0]
    return [*range(0, length - window, stride), length - window]


@dataclass(frozen=True)
class ScoreCounts:
    """What became of the texts of some pairs.

    Attributes:
        pairs: How many there were.
        passages: How many passages were scored, one at least for every pair.
        split: Documents that were longer than a passage.
        truncated_documents: Documents that were cut: with "firstp" those that were longer than a passage, else none.
        truncated_queries: Pairs whose query was cut to its cap.
    """

    pairs: int = 0
    passages: int = 0
    split: int = 0
    truncated_documents: int = 0
    truncated_queries: int = 0

    def __add__(self, other: ScoreCounts) -> ScoreCounts:
        return ScoreCounts(*(mine + vars(other)[name] for name, mine in vars(self).items()))


@dataclass(frozen=True)
class PassageRows:
    """Passages of some pairs, as rows of batches.

    Attributes:
        rows: Those of the first pair, then those of the second, and so on.
        numbers: How many rows every pair has.
        counts: What became of the texts.
    """

    rows: list[EncodedPair]
    numbers: list[int]
    counts: ScoreCounts


class PassageEncoder:
    """Cuts documents into passages and joins each with the query.

    Args:
        collator: How pairs are encoded.
        long_documents: "maxp", "firstp" or "meanp".
        window: Most tokens of a passage, the same for every query; by default all that the query leaves.
        stride: Tokens from one passage to the next; by default half the window, rounded up, so that what a cut
            separates stands together in another passage.

    Raises:
        ValueError: `long_documents` is another word, the window does not fit beside the longest query, or the stride
            is not between 1 and the window.
    """

    def __init__(
        self,
        collator: PairCollator,
        long_documents: LongDocuments = "maxp",
        window: int | None = None,
        stride: int | None = None,
    ):
        room = collator.max_length - collator.template.specials - collator.max_query_length
        if long_documents not in get_args(LongDocuments):
            names = ", ".join(get_args(LongDocuments))
            raise ValueError(f"long_documents must be one of {names}, got {long_documents!r}. Choose one.")
        if window is not None and not 1 <= window <= room:
            raise ValueError(
                f"A passage must have 1 to {room} tokens, which {collator.max_query_length} of the query leave of "
                f"{collator.max_length}, got {window}. Choose another window."
            )
        # Without a window, a query of the most tokens leaves the smallest.
        if stride is not None and not 1 <= stride <= (window or room):
            raise ValueError(
                f"The stride of passages must be 1 to {window or room} tokens, the window, so that nothing is left "
                f"out between two, got {stride}. Choose another stride."
            )
        self.collator, self.long_documents, self.window, self.stride = collator, long_documents, window, stride

    def encode(self, pairs: Sequence[tuple[str, str]]) -> PassageRows:
        """Rows of every document's passages; a query that several pairs share is tokenized once."""
        collator = self.collator
        queries = list(dict.fromkeys(query for query, _ in pairs))
        documents = [document for _, document in pairs]
        room = self.window or collator.max_length - collator.template.specials
        with _TOKENIZING:
            of_queries = tokenize(collator.tokenizer, queries, [collator.max_query_length] * len(queries))
            if self.long_documents == "firstp":
                of_documents = tokenize(collator.tokenizer, documents, [room] * len(documents))
            else:
                of_documents = token_ids(collator.tokenizer, documents)
        query_ids = dict(zip(queries, of_queries, strict=True))
        rows: list[EncodedPair] = []
        numbers: list[int] = []
        split = truncated_queries = 0
        for (query, _), ids in zip(pairs, of_documents, strict=True):
            passages, longer = self._passages(query_ids[query], ids)
            rows += passages
            numbers.append(len(passages))
            split += longer
            truncated_queries += passages[0].truncated_query
        cut = split if self.long_documents == "firstp" else 0
        return PassageRows(rows, numbers, ScoreCounts(len(pairs), len(rows), split, cut, truncated_queries))

    def _passages(self, query: list[int], document: list[int]) -> tuple[list[EncodedPair], bool]:
        """Rows of one document, and whether it is longer than a passage."""
        collator = self.collator
        room = collator.max_length - collator.template.specials - min(len(query), collator.max_query_length)
        window = self.window or room
        starts = passage_starts(len(document), window, self.stride or -(-window // 2))
        rows = [
            collator.template.join(
                query, document[start : start + window], collator.max_length, collator.max_query_length
            )
            for start in (starts[:1] if self.long_documents == "firstp" else starts)
        ]
        return rows, len(starts) > 1

    def aggregate(self, scores: np.ndarray, numbers: Sequence[int]) -> np.ndarray:
        """Scores of pairs from those of their passages.

        Args:
            scores: Of the rows, `(rows,)`.
            numbers: How many rows every pair has, one at least.
        """
        if len(scores) == len(numbers):
            return scores
        starts = np.cumsum([0, *numbers[:-1]])
        if self.long_documents == "meanp":
            return np.add.reduceat(scores, starts) / np.array(numbers, dtype=np.float32)
        return np.maximum.reduceat(scores, starts)
