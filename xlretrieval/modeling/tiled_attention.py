"""Window + global attention on a processor, tile by tile.

The scores of a tile stay in the processor's cache, are dropped when it is done and computed again for the gradient: so
memory does not grow with the number of scores. Masks are needed only at the two edges of the window, rows need no
padding, and the mask of dropout is drawn 16 bits at a time, where torch draws a number for every score in four
nanoseconds, longer than all the rest takes together.

Where no gradient is asked for and few tokens are global, they attend to the hidden states themselves: q (W x) is
(q W) x, and W, folded into the few queries, need not be multiplied with every token; the mean of the values is W times
the mean of the states.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from .rows import Rows, Tile

if TYPE_CHECKING:
    from torch import Tensor


SIXTEEN_BITS = 1 << 16
# Folding replaces a product of all tokens by smaller ones, which are slower for their size: it pays below this share.
# With AVX512 the product of all tokens is oneDNN's, which is twice as fast as that of the smaller ones.
FOLDED_SHARE = 0.45 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 0.6
# In bfloat16 all are oneDNN's.
FOLDED_SHARE_BF16 = 0.7
# For every size of a product in bfloat16 oneDNN compiles kernels, which takes half a millisecond, and keeps those of
# the last 1,024 sizes. Rows of all lengths have more: without a gradient zeros fill them up to multiples of this.
SIZE_STEPS = {torch.bfloat16: 32}
may_fold: ContextVar[bool] = ContextVar("may_fold", default=True)
"""Set to False where linear layers are much faster than other products."""


class _Dropout:
    """Masks that follow from a seed: the gradient draws what the forward pass drew.

    Args:
        probability: Of dropping, above 0; rounded to a multiple of 1 / 65,536.
        seed: The seed.
    """

    def __init__(self, probability: float, seed: int):
        dropped = max(1, round(probability * SIXTEEN_BITS))
        self.highest_dropped = dropped - 1 - SIXTEEN_BITS // 2
        self.scale = SIXTEEN_BITS / (SIXTEEN_BITS - dropped) if dropped < SIXTEEN_BITS else 0.0
        self.generator = torch.Generator().manual_seed(seed)

    def mask(self, scores: Tensor) -> Tensor:
        """1 to keep and 0 to drop, in the shape and dtype of the scores."""
        words = torch.empty((scores.numel() + 3) // 4, dtype=torch.int64)
        # Without bounds the upper bit is always 0.
        words.random_(-(2**63), None, generator=self.generator)
        bits = words.view(torch.int16)[: scores.numel()].view(scores.shape)
        return torch.gt(bits, self.highest_dropped, out=torch.empty_like(scores))


class _TiledAttention(torch.autograd.Function):
    """Both softmaxes of all rows. Tokens first, `(tokens, hidden)`; global queries `(global tokens, hidden)`."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        global_query: Tensor,
        global_key: Tensor,
        global_value: Tensor,
        rows: Rows,
        half: int,
        heads: int,
        scale: float,
        dropout: float,
    ) -> Tensor:
        seed = int(torch.randint(2**62, ()).item()) if dropout else 0
        drop = _Dropout(dropout, seed) if dropout else None
        local_states = _by_head(query, heads) * scale, _by_head(key, heads), _by_head(value, heads)
        global_states = (
            _by_head(global_query, heads) * scale,
            _by_head(global_key, heads),
            _by_head(global_value, heads),
        )
        output = query.new_zeros(query.shape)
        by_token = output.unflatten(-1, (heads, -1))
        biases: dict[tuple, Tensor] = {}
        for states, tiles in zip((local_states, global_states), rows.tiles(half), strict=True):
            _attend_tiles(states, tiles, by_token, drop, biases)
        ctx.save_for_backward(*local_states, *global_states)
        ctx.settings = rows, half, scale, dropout, seed
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, half, scale, dropout, seed = ctx.settings
        drop = _Dropout(dropout, seed) if dropout else None
        saved = ctx.saved_tensors
        upstream = _by_head(gradient, saved[0].shape[0])
        if drop is not None:
            upstream = upstream * drop.scale
        biases: dict[tuple, Tensor] = {}
        results: list[Tensor | None] = []
        for states, tiles in zip((saved[:3], saved[3:]), rows.tiles(half), strict=True):
            query_gradient = torch.zeros_like(states[0])
            # Several tiles add to a key: in bfloat16 the sum would lose what the small ones bring.
            wide = torch.promote_types(gradient.dtype, torch.float32)
            key_gradient, value_gradient = (torch.zeros_like(side, dtype=wide) for side in states[1:])
            for tile in tiles:
                queries, keys, values = _of_tile(states, tile)
                probabilities = _probabilities(queries, keys, tile, biases)
                upward = upstream[:, tile.output : tile.output + queries.shape[1]]
                toward = torch.bmm(upward, values.transpose(1, 2))
                dropped = probabilities
                if drop is not None:
                    mask = drop.mask(probabilities)
                    toward.mul_(mask)
                    dropped = mask.mul_(probabilities)
                _add(value_gradient, tile, torch.bmm(dropped.transpose(1, 2), upward))
                scores = torch._softmax_backward_data(toward, probabilities, -1, toward.dtype)
                query_gradient[:, slice(*tile.queries)] = torch.bmm(scores, keys)
                _add(key_gradient, tile, torch.bmm(scores.transpose(1, 2), queries))
            results += [_by_token(query_gradient.mul_(scale)), _by_token(key_gradient), _by_token(value_gradient)]
        return *(result.to(gradient.dtype) for result in results), None, None, None, None, None


def attend_rows(
    module: nn.Module, hidden_states: Tensor, query: Tensor, key: Tensor, value: Tensor, rows: Rows
) -> Tensor:
    """Window + global attention of rows.

    Args:
        module: The attention layer: its global projections, `num_attention_heads`, `scaling`, `half_window`,
            `dropout_prob`.
        hidden_states: `(batch, length, hidden)`, or packed `(1, tokens, hidden)`.
        query: Local queries, in the same shape; `key` and `value` alike.
        key: Local keys.
        value: Local values.
        rows: Where the rows lie.

    Returns:
        In the shape of `hidden_states`; zero in the padding.
    """
    states = hidden_states.flatten(0, 1)
    query, key, value = (side.flatten(0, 1) for side in (query, key, value))
    dropout = module.dropout_prob if module.training else 0.0
    if not dropout and can_fold(module, states):
        folded: list[tuple[int, int, int]] = []
        others: list[tuple[int, int, int]] = []
        for run in zip(rows.starts, rows.lengths, rows.global_counts, strict=True):
            if run[2]:
                (folded if folding_pays(module, *run[1:]) else others).append(run)
        output = torch.zeros_like(query)
        _attend_without_gradient(module, (query, key, value), rows.tiles(module.half_window)[0], output)
        if folded:
            tokens = _global_tokens(folded)
            output.index_copy_(0, tokens, attend_folded(module, states, tokens, folded))
        if others:
            _attend_projected(module, states, others, output)
        return output.view(hidden_states.shape)
    global_query = module.query_global(states.index_select(0, rows.global_tokens))
    projected = query, key, value, global_query, module.key_global(states), module.value_global(states)
    # What autocast has to say it has said in the projections; the products go by what they get.
    with torch.autocast("cpu", enabled=False):
        output = _TiledAttention.apply(
            *projected, rows, module.half_window, module.num_attention_heads, module.scaling, dropout
        )
    return output.view(hidden_states.shape)


def _attend_projected(module: nn.Module, states: Tensor, runs: list[tuple[int, int, int]], output: Tensor) -> None:
    """Writes what the global tokens of some rows see to `output`; the rest as for `attend_folded`."""
    tokens = torch.cat([states[start : start + length] for start, length, _ in runs])
    sides = module.query_global(states[_global_tokens(runs)]), module.key_global(tokens), module.value_global(tokens)
    tiles, first_query, first_key = [], 0, 0
    for start, length, count in runs:
        keys = ((first_key, first_key + length),)
        tiles.append(Tile((first_query, first_query + count), start, keys))
        first_query, first_key = first_query + count, first_key + length
    _attend_without_gradient(module, sides, tiles, output)


def _attend_without_gradient(
    module: nn.Module, sides: tuple[Tensor, Tensor, Tensor], tiles: list[Tile], output: Tensor
) -> None:
    """Writes what queries see of keys and values to `output`, `(tokens, hidden)` like them."""
    heads, step = module.num_attention_heads, SIZE_STEPS.get(output.dtype, 1)
    query, key, value = (_by_head(side, heads) for side in sides)
    _attend_tiles((query * module.scaling, key, value), tiles, output.unflatten(-1, (heads, -1)), None, {}, step)


def _global_tokens(runs: list[tuple[int, int, int]]) -> Tensor:
    """The global tokens of rows."""
    return torch.cat([torch.arange(start, start + count) for start, _, count in runs])


def can_fold(module: nn.Module, states: Tensor) -> bool:
    """Whether `attend_folded` gives what the projections of all tokens would.

    Args:
        module: As for `attend_rows`.
        states: Tokens, `(tokens, hidden)`.
    """
    if torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"):
        return False
    for projection in (module.key_global, module.value_global):
        # What wraps a layer, as adapters do, adds to what its weight does.
        if type(projection) is not nn.Linear or type(projection.weight) is not nn.Parameter:
            return False
        if projection._forward_hooks or projection._forward_pre_hooks or "forward" in vars(projection):
            return False
        if projection.weight.dtype != states.dtype:
            return False
    return True


def folding_pays(module: nn.Module, length: int, count: int) -> bool:
    """Whether `attend_folded` is faster than projections of all tokens of a row.

    It is asked of every row by itself: another way of computing would show in the last bits, and those of a row must
    not depend on the rest of the batch.

    Args:
        module: As for `attend_rows`.
        length: Tokens of the row.
        count: How many of them are global.
    """
    if not may_fold.get():
        return False
    heads, hidden = module.num_attention_heads, module.key_global.in_features
    share = FOLDED_SHARE_BF16 if module.key_global.weight.dtype == torch.bfloat16 else FOLDED_SHARE
    return 0 < count * (heads * length + hidden) < share * hidden * length


def attend_folded(module: nn.Module, states: Tensor, tokens: Tensor, runs: list[tuple[int, int, int]]) -> Tensor:
    """Outputs of global tokens, without keys and values of all tokens. Exact up to rounding.

    Args:
        module: As for `attend_rows`.
        states: Tokens, `(tokens, hidden)`, for which the module `can_fold`.
        tokens: The global tokens, row by row, `(global tokens,)`.
        runs: Of every row its first token, its tokens and how many of them are global.

    Returns:
        `(global tokens, hidden)`.
    """
    heads = module.num_attention_heads
    query = _by_head(module.query_global(states.index_select(0, tokens)), heads) * module.scaling
    # The bias of the keys adds the same to all scores of a query, and the softmax takes it away again.
    queries = torch.bmm(query, module.key_global.weight.unflatten(0, (heads, -1)))
    mixed = torch.empty_like(queries)
    place, step = 0, SIZE_STEPS.get(states.dtype, 1)
    for start, length, count in runs:
        keys, own = _filled_up([states[start : start + length]], step), slice(place, place + count)
        scores = queries[:, own].flatten(0, 1) @ keys.t()
        if len(keys) > length:
            scores[:, length:] = float("-inf")
        mixed[:, own] = (scores.softmax(-1) @ keys).unflatten(0, (heads, count))
        place += count
    values = torch.bmm(mixed, module.value_global.weight.unflatten(0, (heads, -1)).transpose(1, 2))
    return _by_token(values) + module.value_global.bias


def _attend_tiles(
    states: tuple[Tensor, Tensor, Tensor],
    tiles: list[Tile],
    by_token: Tensor,
    drop: _Dropout | None,
    biases: dict[tuple, Tensor],
    step: int = 1,
) -> None:
    """Writes what the tiles' queries see to `by_token`, `(tokens, heads, head_dim)`; sizes are multiples of `step`."""
    for tile in tiles:
        queries, keys, values = _of_tile(states, tile, step)
        probabilities = _probabilities(queries, keys, tile, biases)
        if drop is not None:
            probabilities.mul_(drop.mask(probabilities))
        attended = torch.bmm(probabilities, values)
        if drop is not None:
            attended.mul_(drop.scale)
        count = tile.queries[1] - tile.queries[0]
        by_token[tile.output : tile.output + count].copy_(attended[:, :count].transpose(0, 1))


def _by_head(states: Tensor, heads: int) -> Tensor:
    """`(tokens, hidden)` -> `(heads, tokens, head_dim)`, contiguous: products of slices need no copy then."""
    return states.unflatten(-1, (heads, -1)).transpose(0, 1).contiguous()


def _filled_up(parts: list[Tensor], step: int) -> Tensor:
    """Parts of `(..., n, size)` one after the other, and zeros up to a multiple of `step`; no copy of a single one."""
    missing = -sum(part.shape[-2] for part in parts) % step
    if missing:
        zeros = parts[0].new_zeros(*parts[0].shape[:-2], missing, parts[0].shape[-1])
        parts = [*parts, zeros]
    return parts[0] if len(parts) == 1 else torch.cat(parts, -2)


def _by_token(states: Tensor) -> Tensor:
    return states.transpose(0, 1).flatten(1)


def _of_tile(states: tuple[Tensor, ...], tile: Tile, step: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values of a tile, `(heads, n, head_dim)` each, filled up to a multiple of `step`."""
    queries, *sides = states
    keys, values = (_filled_up([side[:, start:stop] for start, stop in tile.keys], step) for side in sides)
    return _filled_up([queries[:, slice(*tile.queries)]], step), keys, values


def _probabilities(queries: Tensor, keys: Tensor, tile: Tile, biases: dict[tuple, Tensor]) -> Tensor:
    """`(heads, queries, keys)`."""
    scores = torch.bmm(queries, keys.transpose(1, 2))
    for edge, triangle in ((tile.before, torch.tril), (tile.after, torch.triu)):
        if edge is None:
            continue
        first, stop, diagonal = edge
        place = scores.shape[1], stop - first, diagonal, triangle
        if place not in biases:
            hidden = torch.full(place[:2], float("-inf"), dtype=scores.dtype)
            biases[place] = triangle(hidden, diagonal)
        scores[:, :, first:stop] += biases[place]
    if scores.shape[2] > tile.key_count:
        scores[:, :, tile.key_count :] = float("-inf")
    return scores.softmax(-1)


def _add(sums: Tensor, tile: Tile, gradients: Tensor) -> None:
    """Adds the gradients of a tile's keys, `(heads, keys, head_dim)`, where they belong."""
    column = 0
    for start, stop in tile.keys:
        sums[:, start:stop] += gradients[:, column : column + stop - start]
        column += stop - start
