"""Translation probabilities, learned by IBM model 1, in one sorted array that is looked up by arrays of hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_ITERATIONS = 6
_SHRINKAGE = 1.0
# About 1 GB while learning. One million articles with 6 frequent headings on either side have 36 million; what is left
# out are whole articles.
_MOST_CELLS = 12_000_000
_LOW = np.uint64(0xFFFFFFFF)
_HIGH = np.uint64(32)


@dataclass(frozen=True, slots=True)
class TranslationTable:
    """How much likelier than by chance two tokens translate each other.

    Attributes:
        keys: Source token in the upper, target token in the lower 32 bits, ascending, uint64 of shape (entries,).
        gains: Mean of log p(target | source) / p(target) and the same in the other direction, above 0, float32 of
            shape (entries,).
    """

    keys: np.ndarray
    gains: np.ndarray

    @classmethod
    def empty(cls) -> TranslationTable:
        """A table that knows nothing."""
        return cls(np.empty(0, np.uint64), np.empty(0, np.float32))

    def look_up(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Gains of all combinations, 0 where there is none: (sources,) and (targets,) give (sources, targets)."""
        if not len(self.keys):
            return np.zeros((len(source), len(target)))
        keys = _pair_keys(source[:, None], target[None, :])
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[places] == keys, self.gains[places], 0.0)

    def entries_of(self, source: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All entries of source tokens, given once each: source tokens, target tokens and gains, each (entries,)."""
        wide = source.astype(np.uint64)
        first = np.searchsorted(self.keys, wide << _HIGH)
        sizes = np.searchsorted(self.keys, wide << _HIGH | _LOW, side="right") - first
        places = np.repeat(first - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
        return np.repeat(source, sizes), (self.keys[places] & _LOW).astype(np.uint32), self.gains[places]


@dataclass(frozen=True, slots=True)
class Bags:
    """Bags of tokens, back to back.

    Attributes:
        tokens: uint32 of shape (tokens,).
        sizes: Tokens of each bag, int64 of shape (bags,).
    """

    tokens: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, bags: Sequence[np.ndarray]) -> Bags:
        """Puts bags together."""
        sizes = np.array([len(bag) for bag in bags], dtype=np.int64)
        return cls(np.concatenate(bags) if len(bags) else np.empty(0, np.uint32), sizes)

    def keep(self, mask: np.ndarray) -> Bags:
        """The bags with only some of their tokens."""
        bag = np.repeat(np.arange(len(self.sizes)), self.sizes)
        return Bags(self.tokens[mask], np.bincount(bag[mask], minlength=len(self.sizes)))

    def frequent(self, minimum: int) -> Bags:
        """The bags without tokens that occur fewer times."""
        _, ids, counts = np.unique(self.tokens, return_inverse=True, return_counts=True)
        return self.keep(counts[ids] >= minimum)

    def first(self, count: int) -> Bags:
        """The first bags."""
        return Bags(self.tokens[: self.sizes[:count].sum()], self.sizes[:count])


def learn_translations(
    source: Bags, target: Bags, minimum: int = 2, together: int = 1, least_gain: float = 0.0
) -> TranslationTable:
    """IBM model 1 in both directions over pairs of bags.

    Every token is explained by one token of the other bag or by none, which one is hidden; expectation maximisation
    finds the probabilities that explain all bags best (Brown et al. 1993, The Mathematics of Statistical Machine
    Translation, section 4.2). Probabilities are shrunk, `counts / (total + 1)`, since a token seen once is explained
    perfectly by any of its neighbours.

    Args:
        source: Bags of the one language.
        target: Bags of the other, as many.
        minimum: Tokens that occur fewer times are left out.
        together: Combinations that occur in fewer pairs of bags are left out.
        least_gain: Combinations with no larger gain are left out of the table.
    """
    source, target = source.frequent(minimum), target.frequent(minimum)
    enough = int(np.searchsorted(np.cumsum(source.sizes * target.sizes), _MOST_CELLS, side="right"))
    source, target = source.first(enough), target.first(enough)
    source_types, source_ids = np.unique(source.tokens, return_inverse=True)
    target_types, target_ids = np.unique(target.tokens, return_inverse=True)
    source_cell, target_cell = _cells(source.sizes, target.sizes)
    combined = source_ids[source_cell].astype(np.int64) * len(target_types) + target_ids[target_cell]
    types, cell_type, counts = np.unique(combined, return_inverse=True, return_counts=True)
    often = counts >= together
    if not often.any():
        return TranslationTable.empty()
    kept = often[cell_type]
    cell_type = (np.cumsum(often) - 1)[cell_type[kept]]
    given_source, given_target = np.divmod(types[often], len(target_types))
    forward = _log_gains(cell_type, target_cell[kept], given_source, given_target, target_ids)
    backward = _log_gains(cell_type, source_cell[kept], given_target, given_source, source_ids)
    gains = (forward + backward) / 2
    telling = np.flatnonzero(gains > least_gain)
    keys = _pair_keys(source_types[given_source[telling]], target_types[given_target[telling]])
    return TranslationTable(keys, gains[telling].astype(np.float32))


def _pair_keys(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    return source.astype(np.uint64) << _HIGH | target.astype(np.uint64)


def _cells(source_sizes: np.ndarray, target_sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of a source and a target token for all combinations within a pair of bags."""
    repeats = np.repeat(target_sizes, source_sizes)
    source_cell = np.repeat(np.arange(len(repeats), dtype=np.int32), repeats)
    shift = np.repeat(np.cumsum(target_sizes) - target_sizes, source_sizes) - np.cumsum(repeats) + repeats
    return source_cell, (np.repeat(shift, repeats) + np.arange(len(source_cell))).astype(np.int32)


def _log_gains(
    cell_type: np.ndarray, explained: np.ndarray, given: np.ndarray, result: np.ndarray, result_ids: np.ndarray
) -> np.ndarray:
    """Log of p(result | given) / p(result) of every type of combination, after expectation maximisation.

    Args:
        cell_type: Type of each combination, (cells,).
        explained: Position of the token that is to be explained, (cells,).
        given: Token that explains, by type, (types,).
        result: Token that is explained, by type, (types,).
        result_ids: Token at every position, (positions,).
    """
    chance = np.bincount(result_ids) / len(result_ids)
    counts = np.bincount(cell_type).astype(np.float64)
    for _ in range(_ITERATIONS):
        cells = _probabilities(counts, given)[cell_type]
        mass = np.bincount(explained, cells, minlength=len(result_ids)) + chance[result_ids]
        counts = np.bincount(cell_type, cells / mass[explained], minlength=len(given))
    return np.log(np.maximum(_probabilities(counts, given), 1e-12) / chance[result])


def _probabilities(counts: np.ndarray, given: np.ndarray) -> np.ndarray:
    return counts / (np.bincount(given, counts)[given] + _SHRINKAGE)
