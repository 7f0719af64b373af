"""What a training step contains: draws that follow from the seed and the step's number alone.

Nothing here has state. Resuming, another number of workers or processes, and another cut of a step into micro-batches
change nothing, because the examples of step n are computed from (seed, n) wherever they are asked for. A seeded
shuffle with a position to restore does the same until the batch size changes between two runs.

Random numbers are the raw output of Philox under a hashed key: numpy promises those bits for all its versions, but not
what `Generator` makes of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, islice
from operator import index as as_index
from typing import Any, Literal

import numpy as np
from sentencex import segment
from torch.utils.data import Dataset, Sampler

from xlretrieval.data.sections import AlignedSections, PairTable

OBJECTIVES = ("qlm", "rr")
MIN_QUERY_CHARACTERS = 10
# A negative is drawn anew so often before all documents are searched for one that is allowed: a search costs
# milliseconds with 100,000 documents, and with a tenth of them forbidden one draw in 10**8 comes to it.
EASY_DRAWS = 8
# Consecutive indices ask for the same step; a loader that prefetches over its end asks for two.
CACHED_STEPS = 4


@dataclass(frozen=True, slots=True)
class QueryDocument:
    """A query and its document, for QLM.

    Attributes:
        query: One sentence of a section.
        document: The aligned section in the other language.
        query_language: Language code of the query.
        document_language: Language code of the document.
        seed: From which the collator draws the masks, 0 <= seed < 2**64.
        pair: The language pair as the corpus names it.
        objective: "qlm".
    """

    query: str
    document: str
    query_language: str
    document_language: str
    seed: int
    pair: str
    objective: Literal["qlm"] = "qlm"


@dataclass(frozen=True, slots=True)
class RankingGroup:
    """A query, its document and other documents, for RR.

    Attributes:
        query: One sentence of a section.
        documents: The aligned section first, then the negatives, all in the other language.
        query_language: Language code of the query.
        document_language: Language code of the documents.
        seed: As for `QueryDocument`.
        pair: The language pair as the corpus names it.
        objective: "rr".
    """

    query: str
    documents: list[str]
    query_language: str
    document_language: str
    seed: int
    pair: str
    objective: Literal["rr"] = "rr"


def raw_draws(count: int, *key: int | str) -> np.ndarray:
    """Random uint64 `(count,)` that follow from the key alone; the first ones do not depend on `count`."""
    digest = blake2b("/".join(map(str, key)).encode(), digest_size=16).digest()
    return np.random.Philox(key=int.from_bytes(digest, "little")).random_raw(count)


def to_uniform(raw: np.ndarray) -> np.ndarray:
    """Random uint64 to float64 in [0, 1)."""
    return (raw >> np.uint64(11)) * 2.0**-53


def permutation(size: int, *key: int | str) -> np.ndarray:
    """The numbers below `size` in an order that follows from the key alone, int64 `(size,)`."""
    return np.argsort(raw_draws(size, *key), kind="stable")


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


class _Direction:
    """One language pair of a split, with the queries on one side and the documents on the other.

    Args:
        corpus: Aligned sections.
        table: The pair.
        indices: Those of its pairs that are in the split.
        flipped: False asks in the first language of the pair, True in the second.
    """

    def __init__(self, corpus: AlignedSections, table: PairTable, indices: np.ndarray, flipped: bool):
        languages, rows = (table.source_language, table.target_language), (table.source, table.target)
        self.query_sections = corpus.sections(languages[flipped])
        self.document_sections = corpus.sections(languages[not flipped])
        self.query_rows, self.document_rows = rows[flipped], rows[not flipped]
        self.hard_negatives = table.source_negatives if flipped else table.target_negatives
        # A plain array: taking one number out of a memory-mapped one costs five times as much.
        self.document_lengths = np.asarray(self.document_sections.text_lengths)
        self.documents = np.unique(self.document_rows[indices])
        self._aligned = _several_values(self.query_rows, self.document_rows)

    def query(self, pair: int, uniform: float, min_characters: int) -> str:
        """A sentence of the pair's section on the query side; see `pick_sentence`."""
        text = self.query_sections.text(self.query_rows[pair])
        return pick_sentence(text, self.query_sections.language, uniform, min_characters)

    def aligned(self, pair: int) -> set[int]:
        """Rows of all documents that are aligned with the pair's query, in any split: none may be a negative."""
        return self._aligned.get(int(self.query_rows[pair])) or {int(self.document_rows[pair])}

    def may_oppose(self, row: int, aligned: set[int]) -> bool:
        """Whether a document may be a negative: it is not aligned with the query and has the text of none that is."""
        # Reading a text costs more than all the rest of a draw, so only those of the same length are read.
        lengths, text = self.document_lengths, self.document_sections.text
        return row not in aligned and not any(
            lengths[row] == lengths[other] and text(row) == text(other) for other in aligned
        )

    def draw_negatives(self, pair: int, uniforms: np.ndarray) -> list[int]:
        """Rows of negatives: easy with probability (3/4)^(number of hard ones), else a hard one; all different.

        Args:
            pair: Index of the pair.
            uniforms: In [0, 1), `(negatives, 2 + EASY_DRAWS)`.

        Raises:
            ValueError: No document is unlike the positive.
        """
        aligned, documents = self.aligned(pair), self.documents
        hard = self.hard_negatives(pair)
        easy = 0.75 ** len(hard)
        drawn: list[int] = []

        def differs(row: int) -> bool:
            return self.may_oppose(row, aligned)

        def allowed(row: int) -> bool:
            return row not in drawn and differs(row)

        for kind, choice, *easy_draws in uniforms.tolist():
            row = _choose(hard, choice, allowed) if kind >= easy else None
            if row is None:
                candidates = (int(documents[int(uniform * len(documents))]) for uniform in easy_draws)
                row = next(filter(allowed, candidates), None)
            if row is None:
                row = _choose(documents, choice, allowed)
            if row is None:  # fewer different texts than negatives: one comes twice
                row = _choose(documents, choice, differs)
            if row is None:
                raise ValueError(
                    f"Negatives in {self.document_sections.language!r} must differ from their positive, got "
                    f"{len(documents)} documents that all have its text or its query, "
                    f"{self.document_sections.text(self.document_rows[pair])[:40]!r}. Import more sections, or leave "
                    "the pair out."
                )
            drawn.append(row)
        return drawn


def _choose(rows: np.ndarray, uniform: float, allowed: Callable[[int], bool]) -> int | None:
    """One of the allowed rows, all equally likely, or None when there is none."""
    candidates = [row for row in rows.tolist() if allowed(row)]
    return candidates[int(uniform * len(candidates))] if candidates else None


def _several_values(keys: np.ndarray, values: np.ndarray) -> dict[int, set[int]]:
    """The values of the keys that occur more than once. Few do, so this is small however long the arrays are."""
    unique, counts = np.unique(keys, return_counts=True)
    several = np.isin(keys, unique[counts > 1])
    found: dict[int, set[int]] = {}
    for key, value in zip(keys[several].tolist(), values[several].tolist(), strict=True):
        found.setdefault(key, set()).add(value)
    return found


class _SplitPair:
    """One language pair of a corpus, restricted to a split.

    Args:
        corpus: Aligned sections.
        pair: Name of the pair.
        split: Name of the split.

    Raises:
        ValueError: The split has none of this pair.
    """

    def __init__(self, corpus: AlignedSections, pair: str, split: str):
        table = corpus.pair(pair)
        self.name = table.name
        self.indices = table.rows(split)
        if not len(self.indices):
            raise ValueError(
                f"split {split!r} must have sections of {pair}, got none. Import more, or leave the pair out."
            )
        self.directions = tuple(_Direction(corpus, table, self.indices, flipped) for flipped in (False, True))

    def check_negatives(self, negatives: int) -> None:
        """Raises ValueError when a group of 1 + `negatives` documents would have one twice."""
        for direction in self.directions:
            if len(direction.documents) <= negatives:
                raise ValueError(
                    f"negatives must be below the {len(direction.documents)} {direction.document_sections.language} "
                    f"documents of {self.name}, got {negatives}. Draw fewer, or leave the pair out."
                )


@dataclass(frozen=True, slots=True)
class _Step:
    """The draws of one step, one entry an example, in the order of their positions."""

    objective: str
    pair: _SplitPair
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
        self._pairs = {pair: _SplitPair(corpus, pair, split) for pair in schedule.pairs}
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

    def _pick(self, objective: str, pair: _SplitPair, first: int) -> np.ndarray:
        """Indices of the pairs at `first` and following places of the objective's stream, `(examples_per_step,)`."""
        passes, places = np.divmod(np.arange(first, first + self.examples_per_step), len(pair.indices))
        picked = [self._order(objective, pair, number)[places[passes == number]] for number in np.unique(passes)]
        return pair.indices[np.concatenate(picked)]

    def _order(self, objective: str, pair: _SplitPair, number: int) -> np.ndarray:
        # One order per stream is kept: steps come in order, so each is made once for all the steps of a pass.
        key = (objective, pair.name)
        if key not in self._orders or self._orders[key][0] != number:
            self._orders[key] = number, permutation(len(pair.indices), "pass", self.seed, *key, number)
        return self._orders[key][1]

    def _draw_negatives(
        self, number: int, pair: _SplitPair, pairs: np.ndarray, flipped: np.ndarray
    ) -> list[list[int]]:
        shape = (len(pairs), self.negatives, 2 + EASY_DRAWS)
        uniforms = to_uniform(raw_draws(int(np.prod(shape)), "negatives", self.seed, number)).reshape(shape)
        return [
            pair.directions[turned].draw_negatives(index, draws)
            for index, turned, draws in zip(pairs.tolist(), flipped.tolist(), uniforms, strict=True)
        ]

    @staticmethod
    def _longest_first(
        pair: _SplitPair, pairs: np.ndarray, flipped: np.ndarray, negatives: list[list[int]]
    ) -> np.ndarray:
        """Positions in the order of the longest document of each example, in characters."""
        # The longest come first, so that what does not fit into memory shows at once.
        lengths = np.empty(len(pairs), dtype=np.int64)
        drawn = np.array(negatives, dtype=np.int64).reshape(len(pairs), -1)
        for direction, chosen in zip(pair.directions, (~flipped, flipped), strict=True):
            rows = np.concatenate([direction.document_rows[pairs[chosen]][:, None], drawn[chosen]], axis=1)
            lengths[chosen] = direction.document_lengths[rows].max(axis=1)
        return np.argsort(-lengths, kind="stable")


def pick_sentence(text: str, language: str, uniform: float, min_characters: int = MIN_QUERY_CHARACTERS) -> str:
    """One sentence of a text.

    Args:
        text: The section.
        language: Its language code, for the rules of sentencex.
        uniform: Which of the sentences, in [0, 1).
        min_characters: Shorter ones, and those without a letter, are passed over.

    Returns:
        The sentence; the whole text when it has none.
    """
    sentences = [
        sentence
        for sentence in map(str.strip, segment(language, text))
        if len(sentence) >= min_characters and any(map(str.isalpha, sentence))
    ]
    return sentences[int(uniform * len(sentences))] if sentences else text.strip()


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


def evaluation_groups(
    corpus: AlignedSections, pair: str, split: str, candidates: int = 20, limit: int | None = None, seed: int = 0
) -> list[RankingGroup]:
    """Fixed queries of a split with candidate documents: the positive, its hard negatives, then random others.

    Queries are asked in the two languages in turn. A smaller limit gives the first of the same groups.

    Args:
        corpus: Aligned sections.
        pair: Language pair.
        split: Split.
        candidates: Documents per query; fewer where the split has fewer.
        limit: At most so many groups, all by default.
        seed: Of the choice, the sentences and the candidates.

    Raises:
        ValueError: The split has none of this pair, or no document beside a query's own.
    """
    if candidates < 2:
        raise ValueError(
            f"candidates must be at least 2, got {candidates}. A query needs one to rank its document by."
        )
    groups = []
    for direction, index, example in _evaluation_examples(corpus, pair, split, limit, seed):
        rows = _evaluation_negatives(direction, index, candidates - 1, f"candidates/{seed}/{example.pair}")
        if not rows:
            raise ValueError(
                f"split {split!r} must have a document of {pair} beside the query's own to rank, got none in "
                f"{example.document_language!r}. Hold out more articles."
            )
        documents = [example.document, *map(direction.document_sections.text, rows)]
        languages = (example.query_language, example.document_language)
        groups.append(RankingGroup(example.query, documents, *languages, example.seed, example.pair))
    return groups


def evaluation_pairs(
    corpus: AlignedSections, pair: str, split: str, limit: int | None = None, seed: int = 0
) -> list[QueryDocument]:
    """Fixed queries of a split with their documents: those of `evaluation_groups`, for the masked words.

    Args:
        corpus: Aligned sections.
        pair: Language pair.
        split: Split.
        limit: At most so many, all by default.
        seed: Of the choice, the sentences and the masks.

    Raises:
        ValueError: The split has none of this pair.
    """
    return [example for _, _, example in _evaluation_examples(corpus, pair, split, limit, seed)]


def _evaluation_examples(
    corpus: AlignedSections, pair: str, split: str, limit: int | None, seed: int
) -> Iterator[tuple[_Direction, int, QueryDocument]]:
    side = _SplitPair(corpus, pair, split)
    order = permutation(len(side.indices), "evaluation", seed, side.name)[:limit]
    for number, index in enumerate(side.indices[order].tolist()):
        direction = side.directions[number % 2]
        raw = raw_draws(2, "evaluation", seed, side.name, index)
        query = direction.query(index, float(to_uniform(raw[0])), MIN_QUERY_CHARACTERS)
        documents = direction.document_sections
        document = documents.text(direction.document_rows[index])
        languages = (direction.query_sections.language, documents.language)
        yield direction, index, QueryDocument(query, document, *languages, int(raw[1]), side.name)


def _evaluation_negatives(direction: _Direction, index: int, count: int, key: str) -> list[int]:
    """Rows of at most `count` documents: hard negatives in their order, then random ones of the split."""
    aligned = direction.aligned(index)
    others = direction.documents[permutation(len(direction.documents), key, index)]
    # A dict keeps the order and drops a hard negative that comes again at random.
    rows = dict.fromkeys(chain(direction.hard_negatives(index).tolist(), others.tolist()))
    return list(islice((row for row in rows if direction.may_oppose(row, aligned)), count))
