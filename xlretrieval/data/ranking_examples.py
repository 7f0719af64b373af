"""What a step of fine-tuning contains: judged queries of collections, each with a relevant document and others.

As in pretraining, the examples of step n follow from (seed, n) alone (see `sampling.py`), so a run that is cut into
other batches, spread over processes or killed and resumed is the same run.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from operator import index as as_index

from torch.utils.data import Dataset

from .collections.collection import Collection
from .draws import permutation
from .ranking_pools import Pools, ScoredByTeacher
from .sampling import CACHED_STEPS


@dataclass(frozen=True)
class CollectionQueries:
    """Queries of one collection, and how a run trains on them.

    Attributes:
        collection: With judgements.
        queries: Their ids; all of them when None.
        weight: How often an epoch sees each of its relevant documents, on average.
        loss: Name of the loss of its steps, see `trainers/losses.py`.
        teacher: Scores to learn from, query -> document -> score; then only documents that have one are used.
        negatives_from: "judged" or "candidates", see `Pools`.
    """

    collection: Collection
    queries: tuple[str, ...] | None = None
    weight: float = 1.0
    loss: str = "pairwise_logistic"
    teacher: ScoredByTeacher | None = None
    negatives_from: str = "judged"

    @property
    def name(self) -> str:
        """`"clef.en-de"`."""
        return f"{self.collection.name}.{self.collection.direction}"


@dataclass(frozen=True, slots=True)
class JudgedGroup:
    """A query with a relevant document and others.

    Attributes:
        query: Text.
        documents: Texts: the relevant one first.
        labels: 1 and zeros, or the teacher's scores.
        name: Of the collection and direction.
        objective: "rr".
    """

    query: str
    documents: list[str]
    labels: list[float]
    name: str
    objective: str = "rr"


class RankingDataset(Dataset):
    """Groups by index: index i is group i % examples_per_step of step i // examples_per_step.

    An example is a relevant document of a query; an epoch has each of them `weight` times. The examples of a data set
    are an endless stream of passes, each in another random order, and its steps are filled from the stream one after
    the other; so an epoch ends with whole steps, and what its last step takes of the next pass is not taken again.
    One step serves one data set, in an order drawn for every epoch.

    Negatives are drawn anew every time, without repetition as long as there are enough. Which documents they are
    drawn from says `Pools`.

    Args:
        parts: The data sets.
        examples_per_step: Examples of one optimizer step, over all processes and accumulated micro-batches.
        negatives: Negative documents of an example.
        seed: Of all draws.

    Raises:
        ValueError: A number is too small, two data sets have one name, or one gives no example.

    Example:
        ```python
        dataset = RankingDataset([CollectionQueries(load_collection("clef.yaml", "en-de"))], examples_per_step=16)
        dataset[0]  # JudgedGroup(query="Pesticides in baby food", documents=["Nitrofen ...", "Die Bahn ..."], ...)
        ```
    """

    def __init__(
        self, parts: Sequence[CollectionQueries], examples_per_step: int, negatives: int = 1, seed: int = 611
    ):
        for name, value in (("examples_per_step", examples_per_step), ("negatives", negatives), ("parts", len(parts))):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}. Raise it.")
        names = [part.name for part in parts]
        if len(set(names)) < len(names):
            raise ValueError(f"Data sets must have names of their own, got {', '.join(names)}. Rename a collection.")
        for part in parts:
            if not part.weight > 0:
                raise ValueError(f"weight of {part.name} must be above 0, got {part.weight}. Leave it out otherwise.")
        self.parts, self.examples_per_step = list(parts), examples_per_step
        self.negatives, self.seed = negatives, seed
        self.pools = [Pools(part.collection, part.queries, part.teacher, part.negatives_from) for part in parts]
        # The data set of every step of an epoch, not yet in order.
        self._served = [
            number
            for number, (part, pool) in enumerate(zip(self.parts, self.pools, strict=True))
            for _ in range(max(1, ceil(part.weight * len(pool.examples) / examples_per_step)))
        ]
        self._steps: OrderedDict[int, list[JudgedGroup]] = OrderedDict()
        self._schedule: tuple[int, list[tuple[int, int]]] = (-1, [])  # of the epoch that was asked for last

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of an epoch."""
        return len(self._served)

    def counts(self) -> dict[str, dict[str, int]]:
        """Per data set: queries, examples, and what was left out or had to be replaced."""
        return {part.name: pool.counts for part, pool in zip(self.parts, self.pools, strict=True)}

    def step(self, number: int) -> tuple[str, str]:
        """Objective and data set of a step, counted from 0."""
        return "rr", self.part(number).name

    def part(self, number: int) -> CollectionQueries:
        """The data set of a step."""
        return self.parts[self._place(number)[0]]

    def __len__(self) -> int:
        return self.steps_per_epoch * self.examples_per_step

    def __iter__(self) -> Iterator[JudgedGroup]:
        """The first epoch."""
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> JudgedGroup:
        """Group of a non-negative index, which may lie beyond the length. Raises IndexError for a negative one."""
        index = as_index(index)
        if index < 0:
            raise IndexError(f"index must be at least 0, got {index}. Count from the start.")
        number, position = divmod(index, self.examples_per_step)
        if number not in self._steps:
            self._steps[number] = self._draw(number)
            if len(self._steps) > CACHED_STEPS:
                self._steps.popitem(last=False)
        return self._steps[number][position]

    def _place(self, number: int) -> tuple[int, int]:
        """Data set of a step, and how many steps it has had before."""
        epoch, within = divmod(number, self.steps_per_epoch)
        if self._schedule[0] != epoch:
            had = [epoch * self._served.count(index) for index in range(len(self.parts))]
            places = []
            for place in permutation(self.steps_per_epoch, "schedule", self.seed, epoch).tolist():
                index = self._served[place]
                places.append((index, had[index]))
                had[index] += 1
            self._schedule = epoch, places
        return self._schedule[1][within]

    def _draw(self, number: int) -> list[JudgedGroup]:
        index, before = self._place(number)
        part, pool = self.parts[index], self.pools[index]
        groups = []
        for position in range(self.examples_per_step):
            done, place = divmod(before * self.examples_per_step + position, len(pool.examples))
            example = _order(len(pool.examples), "pass", self.seed, part.name, done)[place]
            query, relevant = pool.examples[example]
            key = ("negatives", self.seed, number, position)
            documents = [relevant, *pool.negatives(query, self.negatives, *key)]
            labels = [1.0] + [0.0] * self.negatives
            if part.teacher is not None:
                labels = [part.teacher[query][document] for document in documents]
            texts = [part.collection.documents.content(document) for document in documents]
            groups.append(JudgedGroup(part.collection.queries[query], texts, labels, part.name))
        # The longest first: examples of a micro-batch then need little padding, and what does not fit shows at once.
        return sorted(groups, key=lambda group: -max(map(len, group.documents)))


@lru_cache(maxsize=16)
def _order(size: int, *key: int | str) -> list[int]:
    return permutation(size, *key).tolist()
