"""How rare a token is in the sections of a language, counted in a table of fixed size."""

from __future__ import annotations

import numpy as np

from .signals import KINDS, Signals

# A language of 10 million different words puts about 10 rare ones into each slot, which makes a word seen once look
# like one seen 10 times: among 5 million sections its weight falls from 15 to 13. The table stays at 4 MB.
_SLOTS = 1 << 20
_SALT = {kind: number * 0x9E3779B1 for number, kind in enumerate(KINDS)}


class Rarity:
    """Section frequencies of all tokens of a language.

    Args:
        counts: Sections by slot, int32 of shape (1,048,576,).
        sections: Sections counted.
    """

    def __init__(self, counts: np.ndarray | None = None, sections: int = 0):
        self.counts = np.zeros(_SLOTS, np.int32) if counts is None else counts
        self.sections = sections

    def add(self, article: Signals) -> None:
        """Counts the sections of an article."""
        self.sections += len(article)
        for kind, table in article.tables.items():
            np.add.at(self.counts, _slots(kind, table.tokens), 1)

    def weights(self, kind: str, tokens: np.ndarray) -> np.ndarray:
        """Log of one over the share of sections that have the token, for tokens of any shape; 0 at the least."""
        seen = self.counts[_slots(kind, tokens)]
        return np.log((self.sections + 1.0) / (seen + 0.5)).clip(0.0)


def _slots(kind: str, tokens: np.ndarray) -> np.ndarray:
    salted = (tokens.astype(np.uint64) + np.uint64(_SALT[kind])) * np.uint64(0x9E3779B97F4A7C15)
    return (salted >> np.uint64(44)).astype(np.int64)
