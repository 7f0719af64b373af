"""What the aligner keeps of a corpus while it reads it once: counts, headings, and a sample of whole articles."""

from __future__ import annotations

import hashlib
import heapq
from array import array

import numpy as np

from .rarity import Rarity
from .signals import Signals
from .translations import Bags


class BagList:
    """Bags of tokens that grow one by one, four bytes a token, and come out in any order."""

    def __init__(self) -> None:
        self._tokens = array("I")
        self._sizes = array("I")

    def add(self, bag: np.ndarray) -> None:
        """Appends a bag."""
        self._tokens.frombytes(np.ascontiguousarray(bag, dtype=np.uint32).tobytes())
        self._sizes.append(len(bag))

    def in_order(self, order: np.ndarray) -> Bags:
        """The bags of these numbers, in their order."""
        tokens = np.array(self._tokens, dtype=np.uint32)
        sizes = np.array(self._sizes, dtype=np.int64)
        starts, chosen = (np.cumsum(sizes) - sizes)[order], sizes[order]
        shift = np.repeat(starts - np.cumsum(chosen) + chosen, chosen)
        return Bags(tokens[shift + np.arange(len(shift))], chosen)


class PairCollection:
    """Headings of all article pairs of two languages, and the signals of a sample.

    The order in which pairs come makes no difference: everything comes out in the order of the hashes of their names,
    and the sample are the pairs whose hashes are the smallest.

    Args:
        sample: Largest number of article pairs kept whole, some 50 kB each.
    """

    def __init__(self, sample: int) -> None:
        self._size = sample
        self._sample: list[tuple[int, int, Signals, Signals]] = []
        self._names = array("Q")
        self._headings = BagList(), BagList()

    def add(self, name: str, source: Signals, target: Signals) -> None:
        """Keeps what is needed of an article pair."""
        hashed = int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        self._headings[0].add(source.path_headings)
        self._headings[1].add(target.path_headings)
        # heapq puts the smallest first and drops it; negated, that is the largest hash, and of equal ones the newest.
        entry = (-hashed, -len(self._names), source, target)
        self._names.append(hashed)
        if len(self._sample) < self._size:
            heapq.heappush(self._sample, entry)
        elif self._size:
            heapq.heappushpop(self._sample, entry)

    def sample(self) -> list[tuple[Signals, Signals]]:
        """The article pairs that were kept whole."""
        ordered = sorted(self._sample, key=lambda entry: (-entry[0], -entry[1]))
        return [(source, target) for _, _, source, target in ordered]

    def headings(self) -> tuple[Bags, Bags]:
        """Headings by article pair, of either side."""
        order = np.argsort(np.array(self._names, dtype=np.uint64), kind="stable")
        return self._headings[0].in_order(order), self._headings[1].in_order(order)


class Corpus:
    """Everything that is kept of a corpus.

    Args:
        sample: See `PairCollection`.
    """

    def __init__(self, sample: int) -> None:
        self._size = sample
        self.rarities: dict[str, Rarity] = {}
        self.pairs: dict[tuple[str, str], PairCollection] = {}

    def add(self, name: str, source: Signals, target: Signals) -> None:
        """Counts an article pair, which is given in the order of `SectionAligner`."""
        for article in (source, target):
            self.rarities.setdefault(article.language, Rarity()).add(article)
        languages = source.language, target.language
        self.pairs.setdefault(languages, PairCollection(self._size)).add(name, source, target)
