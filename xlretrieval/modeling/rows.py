"""Rows of a batch without their padding, and the tiles of scores that window + global attention needs of them.

A batch pads its rows to the longest: with sections of 60 to 400 tokens half of it is padding, and linear layers take
as long for padding as for words. Rows that are one run of tokens, the global ones first, as all collators of this
package make them, can stand one after the other instead. Only attention has to know where one ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

# Local queries of a tile. The scores of 12 heads, 128 queries and 672 keys are 4 MB, which a processor's cache holds.
TILE = 128
# What one more row costs, in floating-point operations of a layer: what rows without padding must save. Measured with
# sizes from 2 layers of 32 to 12 of 768: from 3 million a row on they are faster.
ROW_COST = 3_000_000
# Work of one token in a layer's linear parts over the square of the hidden size: two operations for each weight.
TOKEN_WORK = 28
# What tiles save of one score, over the hidden size: half a product of both.
SCORE_GAIN = 2


@dataclass(frozen=True)
class Tile:
    """Queries that are computed together, and the keys that at least one of them sees.

    Attributes:
        queries: First and one past the last: tokens, for global queries counted among the global tokens.
        output: Token of the first query.
        keys: Runs of tokens, one past the other in the scores.
        before: First and one past the last column where a key may lie too far before its query, and the diagonal of
            this rectangle up to which it does; None where none does.
        after: The same for keys too far after their query, from the diagonal on.
    """

    queries: tuple[int, int]
    output: int
    keys: tuple[tuple[int, int], ...]
    before: tuple[int, int, int] | None = None
    after: tuple[int, int, int] | None = None

    @property
    def key_count(self) -> int:
        """Columns of the scores."""
        return sum(stop - start for start, stop in self.keys)


@dataclass
class Rows:
    """Where the rows of a batch lie among its tokens.

    Attributes:
        starts: First token of every row.
        lengths: Tokens of every row.
        global_counts: How many of them, from the first on, are global.
        shape: Batch and length of the padded batch.
        places: Of every token its place in the padded batch, counted through it, `(tokens,)`; None where the hidden
            states keep their padding.
        global_tokens: All global tokens, row by row.
    """

    starts: list[int]
    lengths: list[int]
    global_counts: list[int]
    shape: tuple[int, int]
    places: Tensor | None
    global_tokens: Tensor
    _tiles: dict[int, tuple[list[Tile], list[Tile]]] = field(default_factory=dict)

    def tiles(self, half: int) -> tuple[list[Tile], list[Tile]]:
        """The tiles of local queries and of global ones.

        Args:
            half: A local token sees so many tokens before and after itself.
        """
        if half not in self._tiles:
            local_tiles, global_tiles, counted = [], [], 0
            for start, length, count in zip(self.starts, self.lengths, self.global_counts, strict=True):
                local_tiles += _local_tiles(start, length, count, half)
                if count:
                    keys = ((start, start + length),)
                    global_tiles.append(Tile((counted, counted + count), start, keys))
                counted += count
            self._tiles[half] = local_tiles, global_tiles
        return self._tiles[half]

    def pack(self, values: Tensor) -> Tensor:
        """`(batch, length, ...)` -> `(1, tokens, ...)`; as it is where padding stays."""
        return values if self.places is None else values.flatten(0, 1).index_select(0, self.places)[None]

    def unpack(self, states: Tensor) -> Tensor:
        """`(1, tokens, hidden)` -> `(batch, length, hidden)`, zero in the padding; as it is where padding stays."""
        if self.places is None:
            return states
        batch, length = self.shape
        padded = states.new_zeros(batch * length, states.shape[-1]).index_copy(0, self.places, states[0])
        return padded.unflatten(0, self.shape)


class FilledSequence:
    """The tokens of a batch in one sequence, whose last slots only fill it up.

    Attributes:
        shape: Batch and length of the padded batch.
        places: Of every slot its place in the padded batch, counted through it, `(slots,)`; those that fill up have 0.
        tokens: How many slots hold a token; they are the first.
    """

    shape: tuple[int, int]
    places: Tensor
    tokens: int

    def pack(self, values: Tensor) -> Tensor:
        """`(batch, length, ...)` -> `(1, slots, ...)`."""
        return values.flatten(0, 1).index_select(0, self.places)[None]

    def unpack(self, states: Tensor) -> Tensor:
        """`(1, slots, hidden)` -> `(batch, length, hidden)`, zero in the padding."""
        batch, length = self.shape
        padded = states.new_zeros(batch * length, states.shape[-1])
        return padded.index_copy(0, self.places[: self.tokens], states[0, : self.tokens]).unflatten(0, self.shape)


def _local_tiles(start: int, length: int, count: int, half: int) -> list[Tile]:
    """Tiles of a row's local tokens. Global keys are seen by all; a window next to them continues their run."""
    tiles = []
    for first in range(count, length, TILE):
        stop = min(first + TILE, length)
        low, high = max(count, first - half), min(length, stop + half)
        joined = low == count
        keys = ((start, start + high),) if joined else ((start, start + count), (start + low, start + high))
        column = count - low  # of a key within the row, its column
        before = after = None
        if stop - 1 - half > low:
            before = low + column, stop - 1 - half + column, first - half - low - 1
        if first + half + 1 < high:
            after = first + half + 1 + column, high + column, 0
        runs = keys if joined or count else keys[1:]
        tiles.append(Tile((start + first, start + stop), start + first, runs, before, after))
    return tiles


def find_rows(valid: Tensor, is_global: Tensor, hidden: int, may_pack: bool = True) -> Rows | None:
    """The rows of a batch, where computing them one by one pays.

    Args:
        valid: Not padding, bool `(batch, length)`.
        is_global: Global tokens, bool `(batch, length)`.
        hidden: Hidden size.
        may_pack: Whether hidden states may leave out the padding.

    Returns:
        None where a row is not one run with its global tokens first, and where the batch is so small that one
        operation on all of it costs less.
    """
    batch, length = valid.shape
    if not batch or not length:
        return None
    counts = torch.stack([valid.sum(1), (is_global & valid).sum(1), valid.byte().argmax(1)])
    lengths, global_counts, firsts = counts.tolist()
    tokens = sum(lengths)
    padding = batch * length - tokens if may_pack else 0
    gain = TOKEN_WORK * hidden**2 * padding + SCORE_GAIN * hidden * sum(n * n for n in lengths)
    if gain <= ROW_COST * batch:
        return None
    position = torch.arange(length, device=valid.device) - counts[2, :, None]
    run = (position >= 0) & (position < counts[0, :, None])
    if not torch.equal(run, valid) or not torch.equal(run & (position < counts[1, :, None]), is_global & valid):
        return None
    places, starts = None, [row * length + first for row, first in enumerate(firsts)]
    if padding:
        places = valid.flatten().nonzero()[:, 0]
        starts = [sum(lengths[:row]) for row in range(batch)]
    tokens_of_rows = [torch.arange(start, start + count) for start, count in zip(starts, global_counts, strict=True)]
    return Rows(starts, lengths, global_counts, (batch, length), places, torch.cat(tokens_of_rows))
