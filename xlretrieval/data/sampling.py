"""What a training step contains: draws that follow from the seed and the step's number alone.

Nothing here has state. Resuming, another number of workers or processes, and another cut of a step into micro-batches
change nothing, because the examples of step n are computed from (seed, n) wherever they are asked for. A seeded
shuffle with a position to restore does the same until the batch size changes between two runs.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import index as as_index
from typing import Any

import numpy as np
from torch.utils.data import Dataset, Sampler

from .directions import EASY_DRAWS, SplitPair
from .draws import permutation, raw_draws, to_uniform
from .examples import MIN_QUERY_CHARACTERS, QueryDocument, RankingGroup
from .sections import AlignedSections

OBJECTIVES = ("qlm", "rr")
# Consecutive indices ask for the same step; a loader that prefetches over its end asks for two.
CACHED_STEPS = 4


class Schedule:
    """Which objective and language pair a step serves.

    An iteration is one step of the first objective for every language pair, in an order drawn anew, then one of the
    next objective for every pair, and so on: the paper's schedule.

    Args:
        objectives: Of "qlm" and "rr", in order.
        pairs: Language pairs.
        seed: Of the order.

    Raises:
        ValueError: An objective is unknown, or a list is empty or names something twice.

    Example:
        >>> schedule = Schedule(("qlm", "rr"), ("de-en", "en-fr"), seed=1)
        >>> [schedule.step(number) for number in range(4)]
        [('qlm', 'de-en'), ('qlm', 'en-fr'), ('rr', 'en-fr'), ('rr', 'de-en')]
    """

    def __init__(self, objectives: Sequence[str], pairs: Sequence[str], seed: int = 0):
        for name, values in (("objectives", objectives), ("pairs", pairs)):
            if isinstance(values, str) or not values or len(set(values)) < len(values):
                raise ValueError(f"{name} must name at least one, each once, got {values!r}. Correct the list.")
        if unknown := [objective for objective in objectives if objective not in OBJECTIVES]:
            raise ValueError(f"objectives must be of {', '.join(OBJECTIVES)}, got {unknown[0]!r}. Correct the list.")
        self.objectives = tuple(objectives)
        self.pairs = tuple(pairs)
        self.seed = seed

    @property
    def steps_per_iteration(self) -> int:
        """Steps until every objective has served every language pair once."""
        return len(self.objectives) * len(self.pairs)

    def step(self, number: int) -> tuple[str, str]:
        """Objective and language pair of a step, counted from 0."""
        iteration, within = divmod(number, self.steps_per_iteration)
        position, turn = divmod(within, len(self.pairs))
        objective = self.objectives[position]
        order = permutation(len(self.pairs), "schedule", self.seed, iteration, objective)
        return objective, self.pairs[order[turn]]


@dataclass(frozen=True, slots=True)
class _Step:
    """The draws of one step, one entry an example, in the order of their positions."""

    objective: str
    pair: SplitPair
    pairs: list[int]
    flipped: list[bool]
    sentences: list[float]
    seeds: list[int]
    negatives: list[list[int]]


class PretrainingDataset(Dataset):
    """Examples by index: index i is example i % examples_per_step of step i // examples_per_step.

    The k-th example that an objective draws from a language pair is the k-th of an endless stream: all pairs of the
    split in random order, then all of them in another order, and so on. Its direction, the query's sentence, the
    negatives and the seed of the masks are drawn anew every time.

    Within a step examples stand in the order of their documents' lengths, the longest first, so that consecutive ones,
    which share a micro-batch, need little padding. That changes their order, never what they are.

    Args:
        corpus: Aligned sections.
        schedule: Objectives and language pairs of the steps.
        examples_per_step: Examples of one optimizer step, over all processes and accumulated micro-batches.
        negatives: Negative documents of an RR example.
        split: Of the corpus.
        seed: Of all draws.
        steps_per_epoch: Gives the dataset its length; `dataset[i]` goes on beyond it.
        min_query_characters: Shorter sentences are no queries, unless the section has no longer one.
        sort_by_length: Whether to order a step by length.

    Raises:
        ValueError: A number is too small, or a language pair has no section in the split or too few for the negatives.

    Example:
        ```python
        schedule = Schedule(("qlm", "rr"), corpus.pairs, seed=1)
        dataset = PretrainingDataset(corpus, schedule, examples_per_step=64, seed=1)
        dataset[0]  # QueryDocument(query="Founded in 1191.", document="Gegründet 1191.", query_language="en", ...)
        ```
    """

    def __init__(
        self,
        corpus: AlignedSections,
        schedule: Schedule,
        examples_per_step: int,
        negatives: int = 1,
        split: str = "train",
        seed: int = 0,
        steps_per_epoch: int = 1,
        min_query_characters: int = MIN_QUERY_CHARACTERS,
        sort_by_length: bool = True,
    ):
        for name, value in (
            ("examples_per_step", examples_per_step),
            ("negatives", negatives),
            ("steps_per_epoch", steps_per_epoch),
        ):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}. Raise it.")
        self.corpus, self.schedule, self.split, self.seed = corpus, schedule, split, seed
        self.examples_per_step, self.negatives = examples_per_step, negatives
        self.steps_per_epoch, self.min_query_characters = steps_per_epoch, min_query_characters
        self.sort_by_length = sort_by_length
        self._pairs = {pair: SplitPair(corpus, pair, split) for pair in schedule.pairs}
        if "rr" in schedule.objectives:
            for pair in self._pairs.values():
                pair.check_negatives(negatives)
        self._steps: OrderedDict[int, _Step] = OrderedDict()
        self._orders: dict[tuple[str, str], tuple[int, np.ndarray]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # Workers get the arguments and open the corpus themselves: a few hundred bytes instead of every row number.
        return type(self), (
            self.corpus,
            self.schedule,
            self.examples_per_step,
            self.negatives,
            self.split,
            self.seed,
            self.steps_per_epoch,
            self.min_query_characters,
            self.sort_by_length,
        )

    def __len__(self) -> int:
        return self.steps_per_epoch * self.examples_per_step

    def __iter__(self) -> Iterator[QueryDocument | RankingGroup]:
        """The first epoch; without this, Python would iterate over `dataset[i]`, which never ends."""
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> QueryDocument | RankingGroup:
        """Example of a non-negative index, which may lie beyond the length. Raises IndexError for a negative one."""
        index = as_index(index)
        if index < 0:
            raise IndexError(f"index must be at least 0, got {index}. Count from the start.")
        number, position = divmod(index, self.examples_per_step)
        step = self._step(number)
        pair = step.pairs[position]
        direction = step.pair.directions[step.flipped[position]]
        query = direction.query(pair, step.sentences[position], self.min_query_characters)
        documents = direction.document_sections
        common = (direction.query_sections.language, documents.language, step.seeds[position], step.pair.name)
        positive = documents.text(direction.document_rows[pair])
        if step.objective == "qlm":
            return QueryDocument(query, positive, *common)
        return RankingGroup(query, [positive, *map(documents.text, step.negatives[position])], *common)

    def _step(self, number: int) -> _Step:
        if number not in self._steps:
            self._steps[number] = self._draw(number)
            if len(self._steps) > CACHED_STEPS:
                self._steps.popitem(last=False)
        self._steps.move_to_end(number)
        return self._steps[number]

    def _draw(self, number: int) -> _Step:
        objective, name = self.schedule.step(number)
        pair, size = self._pairs[name], self.examples_per_step
        pairs = self._pick(objective, pair, number // self.schedule.steps_per_iteration * size)
        raw = raw_draws(3 * size, "example", self.seed, number).reshape(size, 3)
        flipped = raw[:, 0] >= 2**63
        negatives = self._draw_negatives(number, pair, pairs, flipped) if objective == "rr" else [[]] * size
        order = self._longest_first(pair, pairs, flipped, negatives) if self.sort_by_length else np.arange(size)
        return _Step(
            objective,
            pair,
            pairs[order].tolist(),
            flipped[order].tolist(),
            to_uniform(raw[order, 1]).tolist(),
            raw[order, 2].tolist(),
            [negatives[position] for position in order],
        )

    def _pick(self, objective: str, pair: SplitPair, first: int) -> np.ndarray:
        """Indices of the pairs at `first` and following places of the objective's stream, `(examples_per_step,)`."""
        passes, places = np.divmod(np.arange(first, first + self.examples_per_step), len(pair.indices))
        picked = [self._order(objective, pair, number)[places[passes == number]] for number in np.unique(passes)]
        return pair.indices[np.concatenate(picked)]

    def _order(self, objective: str, pair: SplitPair, number: int) -> np.ndarray:
        # One order per stream is kept: steps come in order, so each is made once for all the steps of a pass.
        key = (objective, pair.name)
        if key not in self._orders or self._orders[key][0] != number:
            self._orders[key] = number, permutation(len(pair.indices), "pass", self.seed, *key, number)
        return self._orders[key][1]

    def _draw_negatives(self, number: int, pair: SplitPair, pairs: np.ndarray, flipped: np.ndarray) -> list[list[int]]:
        shape = (len(pairs), self.negatives, 2 + EASY_DRAWS)
        uniforms = to_uniform(raw_draws(int(np.prod(shape)), "negatives", self.seed, number)).reshape(shape)
        return [
            pair.directions[turned].draw_negatives(index, draws)
            for index, turned, draws in zip(pairs.tolist(), flipped.tolist(), uniforms, strict=True)
        ]

    @staticmethod
    def _longest_first(
        pair: SplitPair, pairs: np.ndarray, flipped: np.ndarray, negatives: list[list[int]]
    ) -> np.ndarray:
        """Positions in the order of the longest document of each example, in characters."""
        # The longest come first, so that what does not fit into memory shows at once.
        lengths = np.empty(len(pairs), dtype=np.int64)
        drawn = np.array(negatives, dtype=np.int64).reshape(len(pairs), -1)
        for direction, chosen in zip(pair.directions, (~flipped, flipped), strict=True):
            rows = np.concatenate([direction.document_rows[pairs[chosen]][:, None], drawn[chosen]], axis=1)
            lengths[chosen] = direction.document_lengths[rows].max(axis=1)
        return np.argsort(-lengths, kind="stable")


class StepSampler(Sampler[int]):
    """Indices of an epoch in order, so that loaders cut steps into consecutive micro-batches.

    Args:
        steps_per_epoch: Optimizer steps of an epoch.
        examples_per_step: Examples of a step.
    """

    def __init__(self, steps_per_epoch: int, examples_per_step: int):
        self.size = steps_per_epoch * examples_per_step
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch, counted from 0."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.epoch * self.size, (self.epoch + 1) * self.size))
