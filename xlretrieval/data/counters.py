"""Counters that the workers of a `DataLoader` add to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.utils.data import get_worker_info

# One for the main process, and one for each of its workers, which then need no lock.
ROWS = 65


class WorkerCounters:
    """Counters in memory that a process shares with the workers of its `DataLoader`s.

    They include batches that a loader prepared ahead and did not use. Other processes, and copies unpickled elsewhere,
    count for themselves.

    Args:
        names: Of the counters.
    """

    def __init__(self, names: Sequence[str]):
        self.names = tuple(names)
        self._counts = torch.zeros(ROWS, len(self.names), dtype=torch.int64).share_memory_()

    def add(self, *counts: int) -> None:
        """Adds to every counter, in the order of their names."""
        worker = get_worker_info()
        self._counts[0 if worker is None else 1 + worker.id % (ROWS - 1)] += torch.tensor(counts)

    def totals(self) -> dict[str, int]:
        """Sums over all workers, by name."""
        return dict(zip(self.names, self._counts.sum(0).tolist(), strict=True))
