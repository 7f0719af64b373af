"""What a training step contains: draws that follow from the seed and the step's number alone.

Nothing here has state. Resuming, another number of workers or processes, and another cut of a step into micro-batches
change nothing, because the examples of step n are computed from (seed, n) wherever they are asked for.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from sentencex import segment
from torch.utils.data import Dataset, Sampler

from xlretrieval.data.sections import AlignedSections, PairTable, SectionTable

# First word of the keys below, so that no two kinds of draw share a stream.
SCHEDULE, PERMUTATION, STEP, EVALUATION = range(4)
OBJECTIVES = ("qlm", "rr")
MAX_REDRAWS = 20
CACHED_STEPS = 4


@dataclass(frozen=True, slots=True)
class QueryDocument:
    """A query and its document, for QLM.

    Attributes:
        query: One sentence of a section.
        document: The aligned section in the other language.
        pair: The language pair as the corpus names it.
        query_language: Language of the query.
        document_language: Language of the document.
        seed: From which the collator draws the masks, 0 <= seed < 2**63.
    """

    query: str
    document: str
    pair: str
    query_language: str
    document_language: str
    seed: int
    objective: str = "qlm"


@dataclass(frozen=True, slots=True)
class RankingGroup:
    """A query, its document and others, for RR.

    Attributes:
        query: One sentence of a section.
        documents: The aligned section first, then the negatives, all in the other language.
        pair: The language pair as the corpus names it.
        query_language: Language of the query.
        document_language: Language of the documents.
        seed: As for `QueryDocument`.
    """

    query: str
    documents: tuple[str, ...]
    pair: str
    query_language: str
    document_language: str
    seed: int
    objective: str = "rr"


def generator(*key: int) -> np.random.Generator:
    """Random numbers that follow from the key alone (non-negative integers)."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


class Schedule:
    """Which objective and language pair a step serves.

    An iteration is one step of the first objective for every language pair, in an order drawn anew, then one of the
    next objective for every pair, and so on: the paper's schedule.

    Args:
        objectives: Of `qlm` and `rr`, in order.
        pairs: Language pairs.
        seed: Of the order.
    """

    def __init__(self, objectives: Sequence[str], pairs: Sequence[str], seed: int):
        for name, values in (("objectives", objectives), ("pairs", pairs)):
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name} must name at least one, each once, got {list(values)}. Correct the list.")
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
        objective, turn = divmod(within, len(self.pairs))
        order = generator(SCHEDULE, self.seed, iteration, objective).permutation(len(self.pairs))
        return self.objectives[objective], self.pairs[order[turn]]


@dataclass(frozen=True, slots=True)
class _Step:
    """The draws of one step, one entry an example, in the order of their positions."""

    objective: str
    pair: PairTable
    rows: np.ndarray
    flipped: np.ndarray
    sentence: np.ndarray
    seeds: np.ndarray
    negatives: np.ndarray


class PretrainingDataset(Dataset):
    """Examples by index: index i is example i % examples_per_step of step i // examples_per_step.

    Within a step examples stand in the order of their documents' lengths, so that consecutive ones, which share a
    micro-batch, need little padding.

    Args:
        corpus: Aligned sections.
        schedule: Objectives and language pairs of the steps.
        examples_per_step: Examples of one optimizer step.
        negatives: Negative documents of an RR example.
        split: Of the corpus.
        seed: Of all draws.
        steps_per_epoch: Gives the dataset its length; an index may lie beyond it.
        min_query_characters: Shorter sentences are no queries, unless the section has no longer one.

    Raises:
        ValueError: When a language pair has no section in the split, or too few for the negatives.
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
        min_query_characters: int = 10,
    ):
        self.corpus, self.schedule, self.split, self.seed = corpus, schedule, split, seed
        self.examples_per_step, self.negatives = examples_per_step, negatives
        self.steps_per_epoch, self.min_query_characters = steps_per_epoch, min_query_characters
        self._pairs = {name: _SplitPair(corpus, name, split) for name in schedule.pairs}
        for name, pair in self._pairs.items():
            pair.check(name, negatives if "rr" in schedule.objectives else 0)
        self._steps: OrderedDict[int, _Step] = OrderedDict()

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_steps": OrderedDict()}

    def __len__(self) -> int:
        return self.steps_per_epoch * self.examples_per_step

    def __getitem__(self, index: int) -> QueryDocument | RankingGroup:
        number, position = divmod(index, self.examples_per_step)
        step = self._step(number)
        pair = self._pairs[step.pair.name]
        direction = int(step.flipped[position])
        queries, documents = pair.tables[direction], pair.tables[1 - direction]
        row = step.rows[position]
        query_row, document_row = pair.rows[direction][row], pair.rows[1 - direction][row]
        query = pick_sentence(
            queries.text(query_row), queries.language, step.sentence[position], self.min_query_characters
        )
        common = {
            "query": query,
            "pair": step.pair.name,
            "query_language": queries.language,
            "document_language": documents.language,
            "seed": int(step.seeds[position]),
        }
        if step.objective == "qlm":
            return QueryDocument(document=documents.text(document_row), **common)
        rows = [document_row, *step.negatives[position]]
        return RankingGroup(documents=tuple(documents.text(row) for row in rows), **common)

    def _step(self, number: int) -> _Step:
        if number not in self._steps:
            self._steps[number] = self._draw(number)
            if len(self._steps) > CACHED_STEPS:
                self._steps.popitem(last=False)
        return self._steps[number]

    def _draw(self, number: int) -> _Step:
        objective, name = self.schedule.step(number)
        pair, size = self._pairs[name], self.examples_per_step
        first = number // self.schedule.steps_per_iteration * size
        rows = pair.pick(np.arange(first, first + size), self.seed, self.schedule.objectives.index(objective))
        rng = generator(STEP, self.seed, number)
        flipped = rng.integers(2, size=size)
        sentence = rng.random(size)
        seeds = rng.integers(2**63, size=size)
        negatives = np.zeros((size, self.negatives if objective == "rr" else 0), dtype=np.int64)
        for position in range(size) if objective == "rr" else ():
            negatives[position] = pair.draw_negatives(rows[position], int(flipped[position]), self.negatives, rng)
        lengths = np.zeros(size, dtype=np.int64)
        for direction in (0, 1):
            chosen = flipped == direction
            table, side = pair.tables[1 - direction], pair.rows[1 - direction]
            shown = np.concatenate([side[rows[chosen]][:, None], negatives[chosen]], axis=1)
            lengths[chosen] = table.text_lengths[shown].max(axis=1, initial=0)
        order = np.argsort(lengths, kind="stable")
        return _Step(
            objective,
            pair.table,
            rows[order],
            flipped[order],
            sentence[order],
            seeds[order],
            negatives[order],
        )


class _SplitPair:
    """One language pair of a corpus in a split. Direction 0 asks in the first language, 1 in the second."""

    def __init__(self, corpus: AlignedSections, name: str, split: str):
        self.table = corpus.pair(name)
        self.split = split
        self.indices = self.table.rows(split)
        languages = (self.table.source_language, self.table.target_language)
        self.tables: tuple[SectionTable, SectionTable] = tuple(corpus.sections(language) for language in languages)
        self.rows = (self.table.source, self.table.target)
        # Documents of the first and of the second language that negatives are drawn from.
        self.pools = tuple(np.unique(side[self.indices]) for side in self.rows)

    def check(self, name: str, negatives: int) -> None:
        if not len(self.indices):
            raise ValueError(
                f"The split {self.split!r} must have sections of {name}, got none. Import more, or leave the pair out."
            )
        if min(map(len, self.pools)) <= negatives:
            raise ValueError(
                f"negatives must be below the {min(map(len, self.pools))} documents of {name} in the split "
                f"{self.split!r}, got {negatives}. Draw fewer."
            )

    def pick(self, stream: np.ndarray, seed: int, objective: int) -> np.ndarray:
        """Indices of pairs for numbers of the endless stream: every pair once in random order, then again."""
        passes, offsets = np.divmod(stream, len(self.indices))
        picked = np.empty(len(stream), dtype=np.int64)
        languages = int.from_bytes(self.table.name.encode(), "big")
        for number in np.unique(passes):
            order = _permutation(len(self.indices), PERMUTATION, seed, languages, objective, int(number))
            chosen = passes == number
            picked[chosen] = self.indices[order[offsets[chosen]]]
        return picked

    def hard_negatives(self, index: int, direction: int) -> np.ndarray:
        return self.table.target_negatives(index) if direction == 0 else self.table.source_negatives(index)

    def draw_negatives(self, index: int, direction: int, count: int, rng: np.random.Generator) -> list[int]:
        """Rows of negatives: easy with probability (3/4)^(number of hard ones), else a hard one; all different.

        A section with the positive's text is no negative. Where redrawing finds no new row, the group takes the next
        of the pool, so that it is always full.
        """
        documents, pool = self.tables[1 - direction], self.pools[1 - direction]
        positive = self.rows[1 - direction][index]
        hard = self.hard_negatives(index, direction)
        text = documents.text(positive)
        drawn: list[int] = []

        def allowed(row: int) -> bool:
            return row != positive and row not in drawn and documents.text(row) != text

        easy = 0.75 ** len(hard)
        for _ in range(count):
            for _ in range(MAX_REDRAWS):
                source = pool if rng.random() < easy else hard
                row = int(source[rng.integers(len(source))])
                if allowed(row):
                    break
            else:
                start = int(rng.integers(len(pool)))
                row = next((int(r) for r in np.roll(pool, -start) if allowed(int(r))), int(pool[start]))
            drawn.append(row)
        return drawn


@lru_cache(maxsize=64)
def _permutation(size: int, *key: int) -> np.ndarray:
    return generator(*key).permutation(size)


def pick_sentence(text: str, language: str, uniform: float, min_characters: int) -> str:
    """One sentence of a text.

    Args:
        text: The section.
        language: Its language, for the rules of sentencex.
        uniform: Which of the sentences, in [0, 1).
        min_characters: Shorter ones, and those without a letter, are passed over.

    Returns:
        The sentence; the whole text when it has none.
    """
    sentences = [sentence.strip() for sentence in segment(language, text)]
    sentences = [
        sentence for sentence in sentences if len(sentence) >= min_characters and any(map(str.isalpha, sentence))
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


def evaluation_pairs(corpus: AlignedSections, pair: str, split: str, limit: int, seed: int) -> list[QueryDocument]:
    """Fixed queries and documents of a split, directions in turn.

    Args:
        corpus: The corpus.
        pair: Language pair.
        split: Split.
        limit: At most so many; chosen evenly over the split.
        seed: Of sentences and masks.
    """
    groups = evaluation_groups(corpus, pair, split, 1, limit, seed)
    return [
        QueryDocument(
            group.query, group.documents[0], group.pair, group.query_language, group.document_language, group.seed
        )
        for group in groups
    ]


def evaluation_groups(
    corpus: AlignedSections, pair: str, split: str, candidates: int, limit: int, seed: int
) -> list[RankingGroup]:
    """Fixed queries with candidates of a split, directions in turn: the positive, its hard negatives, random others.

    Args:
        corpus: The corpus.
        pair: Language pair.
        split: Split.
        candidates: Documents per query, fewer where the split has fewer.
        limit: At most so many groups; chosen evenly over the split.
        seed: Of sentences and candidates.
    """
    side = _SplitPair(corpus, pair, split)
    count = min(limit, len(side.indices))
    groups = []
    for number, index in enumerate(side.indices[np.linspace(0, len(side.indices) - 1, count).astype(np.int64)]):
        direction = number % 2
        rng = generator(EVALUATION, seed, number)
        queries, documents = side.tables[direction], side.tables[1 - direction]
        positive = side.rows[1 - direction][index]
        uniform, mask_seed = rng.random(), int(rng.integers(2**63))
        text = documents.text(positive)
        chosen = [int(positive)]
        for row in [*side.hard_negatives(index, direction), *rng.permutation(side.pools[1 - direction])]:
            if len(chosen) == candidates:
                break
            if row not in chosen and documents.text(row) != text:
                chosen.append(int(row))
        query = pick_sentence(queries.text(side.rows[direction][index]), queries.language, uniform, 10)
        texts = tuple(documents.text(row) for row in chosen)
        groups.append(RankingGroup(query, texts, side.table.name, queries.language, documents.language, mask_seed))
    return groups
