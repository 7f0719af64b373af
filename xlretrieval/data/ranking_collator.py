"""Groups of judged documents to batches."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .collators import RelevanceRankingCollator
from .padding import Batch
from .ranking_examples import JudgedGroup


class JudgedGroupCollator(RelevanceRankingCollator):
    """Rows of a query with its relevant document and with the others, one group after the other.

    As `RelevanceRankingCollator`, but the labels are those of the groups: 1 and zeros, or the scores of a teacher.
    Arguments, attributes and errors are the same.

    Example:
        >>> group = JudgedGroup("red house", ["rote haus", "alt"], [7.5, -2.0], "little.en-de")
        >>> JudgedGroupCollator(tokenizer)([group])["labels"]  # doctest: +SKIP
        tensor([ 7.5000, -2.0000])
    """

    def __call__(self, examples: Sequence[JudgedGroup]) -> Batch:
        """Batch of the groups, `(groups * documents, length)` each, labels `(groups * documents,)`."""
        batch = super().__call__(examples)
        batch["labels"] = torch.tensor([label for example in examples for label in example.labels])
        return batch
