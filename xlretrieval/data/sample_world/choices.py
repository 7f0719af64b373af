"""Choices that follow from a key alone, so that no article, language or file changes another one's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ..draws import raw_draws

_Item = TypeVar("_Item")


class Choices:
    """A stream of choices under a key.

    Args:
        key: What names the stream, such as the seed, an article and a language.
    """

    def __init__(self, *key: int | str):
        self._key = key
        self._block = 0
        self._raw: list[int] = []

    def below(self, limit: int) -> int:
        """A number in [0, limit)."""
        if not self._raw:
            self._raw = raw_draws(64, *self._key, self._block).tolist()[::-1]
            self._block += 1
        return (self._raw.pop() * limit) >> 64

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.below(1_000_000) < probability * 1_000_000

    def one(self, items: Sequence[_Item]) -> _Item:
        """One of the items."""
        return items[self.below(len(items))]

    def some(self, items: Sequence[_Item], count: int) -> list[_Item]:
        """At most `count` different items, in random order."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(min(count, len(left)))]
