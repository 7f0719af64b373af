"""The order in which windows are learnt from: it follows from the seed alone, however steps are cut and resumed."""

from __future__ import annotations

from math import ceil

import numpy as np
from torch.utils.data import Dataset

from .draws import permutation
from .question_features import QuestionFeatures, QuestionWindow


class WindowStream(Dataset):
    """Passes over the windows, each in another random order, one after the other without end.

    Index i is window i % examples_per_step of step i // examples_per_step. An epoch is one pass, filled up to whole
    steps; what its last step takes of the next pass is not taken again.

    Args:
        features: The windows.
        examples_per_step: Windows of one optimizer step, over all processes and accumulated micro-batches.
        seed: Of the orders.

    Raises:
        ValueError: There is no window.

    Attributes:
        steps_per_epoch: Optimizer steps of an epoch.
    """

    def __init__(self, features: QuestionFeatures, examples_per_step: int, seed: int):
        if not len(features):
            raise ValueError("There must be a window to learn from, got none. Give questions with answers.")
        self.features, self.seed = features, seed
        self.steps_per_epoch = ceil(len(features) / examples_per_step)
        self._size = self.steps_per_epoch * examples_per_step
        self._order: tuple[int, np.ndarray] = (-1, np.zeros(0, dtype=np.int64))  # of the pass that was asked for last

    @property
    def counts(self) -> dict[str, int]:
        """Of the features."""
        return self.features.counts

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> QuestionWindow:
        """Window of a non-negative index, which may lie beyond the length. Raises IndexError for a negative one."""
        if index < 0:
            raise IndexError(f"index must be at least 0, got {index}. Count from the start.")
        done, place = divmod(int(index), len(self.features))
        if self._order[0] != done:
            self._order = done, permutation(len(self.features), "windows", self.seed, done)
        return self.features[int(self._order[1][place])]
