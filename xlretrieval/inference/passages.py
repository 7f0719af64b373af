"""Documents longer than the model: scored passage by passage, the score of a document made of theirs.

MaxP takes the best passage, FirstP the first, MeanP the mean (Dai and Callan 2019, with MeanP for their SumP: a sum
would favour long documents). Passages are cut from the tokens of the whole document, not from its characters, so a
document that fits is encoded exactly as `Reranker` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from xlretrieval.data.templates import EncodedPair
from xlretrieval.data.tokenization import token_ids, tokenize

from .batching import TOKENIZE_CHUNK
from .reranker import Reranker

Aggregation = Literal["maxp", "firstp", "meanp"]


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


class PassageReranker:
    """Scores documents by their passages.

    Args:
        reranker: Scores the passages.
        aggregation: "maxp", "firstp" or "meanp".
        window: Most tokens of a passage, the same for every query; by default all that the query leaves.
        stride: Tokens from one passage to the next; by default half the window, rounded up, so that what a cut
            separates stands together in another passage.

    Attributes:
        truncated: How many documents of the last `score` were cut: with "firstp", else none.
        truncated_queries: How many queries of the last `score` were cut.
        split: How many documents of the last `score` were longer than a passage.
        passages: How many passages the last `score` scored, one at least for every pair.

    Raises:
        ValueError: The aggregation is unknown, the window does not fit beside the longest query, or the stride is not
            between 1 and the window.
    """

    def __init__(
        self,
        reranker: Reranker,
        aggregation: Aggregation = "maxp",
        window: int | None = None,
        stride: int | None = None,
    ):
        collator = reranker.collator
        room = collator.max_length - collator.template.specials - collator.max_query_length
        if aggregation not in get_args(Aggregation):
            raise ValueError(
                f"aggregation must be one of {', '.join(get_args(Aggregation))}, got {aggregation!r}. Choose one."
            )
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
        self.reranker, self.aggregation, self.window, self.stride = reranker, aggregation, window, stride
        self.truncated = self.truncated_queries = self.split = self.passages = 0

    def score(
        self, pairs: Sequence[tuple[str, str]], batch_tokens: int = 16384, show_progress: bool | None = None
    ) -> np.ndarray:
        """Scores pairs of query and document.

        Args:
            pairs: Queries and documents.
            batch_tokens: Most tokens in a batch, padding included.
            show_progress: By default, only on a terminal.

        Returns:
            Logits, `(pairs,)`, float32; higher is more relevant. Where no document of the call is longer than a
            passage, exactly those of the reranker; else equal to rounding for those that are not, as their batches
            differ.

        Raises:
            ValueError: A score is not finite.
        """
        self.truncated = self.truncated_queries = self.split = 0
        rows: list[EncodedPair] = []
        numbers: list[int] = []
        for start in range(0, len(pairs), TOKENIZE_CHUNK):
            for passages in self._encode(pairs[start : start + TOKENIZE_CHUNK]):
                rows += passages
                numbers.append(len(passages))
        self.passages = len(rows)
        scores = self.reranker.score_rows(rows, batch_tokens, show_progress)
        if not numbers:
            return scores
        starts = np.cumsum([0, *numbers[:-1]])
        if self.aggregation == "meanp":
            return np.add.reduceat(scores, starts) / np.array(numbers, dtype=np.float32)
        return np.maximum.reduceat(scores, starts)

    def _encode(self, pairs: Sequence[tuple[str, str]]) -> list[list[EncodedPair]]:
        """Rows of every document's passages; counts what was split and cut."""
        collator = self.reranker.collator
        queries = tokenize(collator.tokenizer, [query for query, _ in pairs], [collator.max_query_length] * len(pairs))
        documents = token_ids(collator.tokenizer, [document for _, document in pairs])
        return [self._passages(query, document) for query, document in zip(queries, documents, strict=True)]

    def _passages(self, query: list[int], document: list[int]) -> list[EncodedPair]:
        collator = self.reranker.collator
        room = collator.max_length - collator.template.specials - min(len(query), collator.max_query_length)
        window = self.window or room
        starts = passage_starts(len(document), window, self.stride or -(-window // 2))
        self.split += len(starts) > 1
        if self.aggregation == "firstp":
            self.truncated += len(starts) > 1
            starts = starts[:1]
        rows = [
            collator.template.join(
                query, document[start : start + window], collator.max_length, collator.max_query_length
            )
            for start in starts
        ]
        self.truncated_queries += rows[0].truncated_query
        return rows
