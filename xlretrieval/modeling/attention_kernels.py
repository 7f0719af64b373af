"""Triton kernels of window + global attention for a batch without padding; `fused_attention.py` launches them.

One softmax a query, computed block by block (Dao et al. 2022, https://arxiv.org/abs/2205.14135): a local token's is
over the global tokens of its row and over the local ones in its window, a global token's over its row. Nothing else is
computed. Gradients are summed in one order, never by atomic additions, so they do not change from run to run.

Tensors are contiguous: `projected` `(slots, 5, heads, head_dim)` has query, key and value of local attention, then key
and value of global attention; `queries` `(global tokens, heads, head_dim)`; output and its gradient `(slots, heads,
head_dim)`; `logarithms` and `means` `(heads, slots)`, the logarithm to base 2 of a softmax's sum, and the product of
output and gradient. Tables of int32 say what a program computes, see `FusedRows`.
"""

from __future__ import annotations

try:
    import triton
    import triton.language as tl
except ImportError:  # models on a processor need none of this
    triton = tl = None


def jit(function):
    """Compiled at its first launch."""
    return function if triton is None else triton.jit(function)


@jit
def _tile(states, places, inside, dims, part, head, PARTS: tl.constexpr, HEADS: tl.constexpr, DIM: tl.constexpr):
    """One head of some tokens, `(tokens, head_dim)`; 0 outside."""
    offsets = ((places.to(tl.int64) * PARTS + part) * HEADS + head)[:, None] * DIM + dims[None]
    return tl.load(states + offsets, mask=inside[:, None] & (dims < DIM)[None], other=0.0)


@jit
def _put(
    states, values, places, inside, dims, part, head,
    PARTS: tl.constexpr, HEADS: tl.constexpr, DIM: tl.constexpr,
):  # fmt: skip
    """Stores what `_tile` loads."""
    offsets = ((places.to(tl.int64) * PARTS + part) * HEADS + head)[:, None] * DIM + dims[None]
    mask = inside[:, None] & (dims < DIM)[None]
    tl.store(states + offsets, values.to(states.dtype.element_ty), mask=mask)


@jit
def _mix(values):
    """A hash of 32 bits: lowbias32 (https://nullprogram.com/blog/2018/07/31/)."""
    values = (values ^ (values >> 16)) * 0x7FEB352D
    values = (values ^ (values >> 15)) * 0x846CA68B
    return values ^ (values >> 16)


@jit
def keep(values, seed, head, queries, keys, threshold, boost, HEADS: tl.constexpr):
    """Dropout, a function of seed, head, query and key, which forward and backward both know.

    Of 31 random bits those below the threshold are dropped; what is kept is multiplied by `boost`.
    """
    mixed = _mix((queries * HEADS + head).to(tl.uint32) ^ seed) + _mix(keys.to(tl.uint32) ^ 0x9E3779B9)
    mixed = mixed * 0x7FEB352D
    mixed = (mixed ^ (mixed >> 15)) * 0x846CA68B
    return tl.where((mixed >> 1).to(tl.int32) >= threshold, values * boost, 0.0)


@jit
def load_seed(seed, DROPS: tl.constexpr):
    """Without dropout any number: there is none at the address."""
    return tl.load(seed).to(tl.uint32) if DROPS else 0


@jit
def _near(queries, keys, known, half):
    """Which keys a local query sees in its window."""
    return tl.abs(queries - tl.where(known, keys, -1073741824)) <= half


@jit
def _attend(
    most, total, found, query, key, value, queries, keys, seen, seed, head, scale, threshold, boost,
    HEADS: tl.constexpr, DROPS: tl.constexpr,
):  # fmt: skip
    """One block of keys more: of every query the largest score, the sum and the output so far."""
    scores = tl.dot(query, tl.trans(key), input_precision="ieee") * (scale * 1.4426950408889634)
    scores = tl.where(seen, scores, float("-inf"))
    new = tl.maximum(most, tl.max(scores, 1))
    weights = tl.exp2(scores - new[:, None])
    decay = tl.exp2(most - new)
    total = total * decay + tl.sum(weights, 1)
    if DROPS:
        weights = keep(weights, seed, head, queries[:, None], keys[None], threshold, boost, HEADS)
    found = found * decay[:, None] + tl.dot(weights.to(value.dtype), value, input_precision="ieee")
    return new, total, found


@jit
def _start(BLOCK: tl.constexpr, WIDTH: tl.constexpr):
    """Of queries that have seen nothing; a finite score, whose differences are numbers."""
    most = tl.full((BLOCK,), -1e30, tl.float32)
    return most, tl.zeros((BLOCK,), tl.float32), tl.zeros((BLOCK, WIDTH), tl.float32)


@jit
def _finish(
    most, total, found, output, logarithms, places, asks, dims, head, slots,
    HEADS: tl.constexpr, DIM: tl.constexpr,
):  # fmt: skip
    """Stores output and logarithm; a query that sees nothing has 0."""
    total = tl.where(total > 0.0, total, 1.0)
    _put(output, found / total[:, None], places, asks, dims, 0, head, 1, HEADS, DIM)
    tl.store(logarithms + head.to(tl.int64) * slots + places, most + tl.log2(total), mask=asks)


@jit
def _block(blocks, half, BLOCK: tl.constexpr):
    """Of a block: the row's first token, its first local one, how many global tokens the rows before have, the block's
    tokens and which of them the row has, and where what their windows see begins and ends."""
    table = blocks + 5 * tl.program_id(0)
    first, row, local, stop = tl.load(table), tl.load(table + 1), tl.load(table + 2), tl.load(table + 3)
    places = first + tl.arange(0, BLOCK)
    low, high = tl.maximum(local, first - half), tl.minimum(stop, first + BLOCK + half)
    return row, local, tl.load(table + 4), places, places < stop, low, high


@jit
def attend_locals(
    projected, output, logarithms, blocks, seed, half, slots, scale, threshold, boost,
    HEADS: tl.constexpr, DIM: tl.constexpr, WIDTH: tl.constexpr, BLOCK: tl.constexpr, TILE: tl.constexpr,
    DROPS: tl.constexpr,
):  # fmt: skip
    """Local queries of a block: global keys of the row, then those in the window."""
    head, seed = tl.program_id(1), load_seed(seed, DROPS)
    row, local, _, places, inside, low, high = _block(blocks, half, BLOCK)
    within, dims = tl.arange(0, BLOCK), tl.arange(0, WIDTH)
    asks = inside & (places >= local)
    query = _tile(projected, places, asks, dims, 0, head, 5, HEADS, DIM)
    most, total, found = _start(BLOCK, WIDTH)
    for start in range(row, local, TILE):
        keys = start + tl.arange(0, TILE)
        known = keys < local
        key = _tile(projected, keys, known, dims, 1, head, 5, HEADS, DIM)
        value = _tile(projected, keys, known, dims, 2, head, 5, HEADS, DIM)
        most, total, found = _attend(
            most, total, found, query, key, value, places, keys, known[None], seed, head, scale, threshold, boost,
            HEADS, DROPS,
        )  # fmt: skip
    for start in range(low, high, BLOCK):
        keys = start + within
        known = keys < high
        key = _tile(projected, keys, known, dims, 1, head, 5, HEADS, DIM)
        value = _tile(projected, keys, known, dims, 2, head, 5, HEADS, DIM)
        seen = _near(places[:, None], keys[None], known[None], half)
        most, total, found = _attend(
            most, total, found, query, key, value, places, keys, seen, seed, head, scale, threshold, boost,
            HEADS, DROPS,
        )  # fmt: skip
    _finish(most, total, found, output, logarithms, places, asks, dims, head, slots, HEADS, DIM)


@jit
def attend_globals(
    sides, queries, output, logarithms, tiles, seed, slots, scale, threshold, boost, PART: tl.constexpr,
    PARTS: tl.constexpr, HEADS: tl.constexpr, DIM: tl.constexpr, WIDTH: tl.constexpr, TILE: tl.constexpr,
    BLOCK: tl.constexpr, DROPS: tl.constexpr,
):  # fmt: skip
    """Global queries of a tile: all keys of the row; they are part `PART` of `sides`, the values the part after it."""
    head, table, seed = tl.program_id(1), tiles + 6 * tl.program_id(0), load_seed(seed, DROPS)
    first, count, place = tl.load(table), tl.load(table + 1), tl.load(table + 2)
    row, stop = tl.load(table + 3), tl.load(table + 5)
    tile, within, dims = tl.arange(0, TILE), tl.arange(0, BLOCK), tl.arange(0, WIDTH)
    asks = tile < count
    query = _tile(queries, first + tile, asks, dims, 0, head, 1, HEADS, DIM)
    most, total, found = _start(TILE, WIDTH)
    for start in range(row, stop, BLOCK):
        keys = start + within
        known = keys < stop
        key = _tile(sides, keys, known, dims, PART, head, PARTS, HEADS, DIM)
        value = _tile(sides, keys, known, dims, PART + 1, head, PARTS, HEADS, DIM)
        most, total, found = _attend(
            most, total, found, query, key, value, place + tile, keys, known[None], seed, head, scale, threshold,
            boost, HEADS, DROPS,
        )  # fmt: skip
    _finish(most, total, found, output, logarithms, place + tile, asks, dims, head, slots, HEADS, DIM)


# In gradients a query outside needs no mask: its logarithm is infinite, which makes its weights 0. A key outside does
# where queries sum over it: its score is 0, and where all others are far below that, its weight is no number any more.
# What is found for a key outside is not stored.


@jit
def _query_gradient(
    of_query, query, key, value, upstream, mean, logarithm, queries, keys, known, half, seed, head, scale, threshold,
    boost, HEADS: tl.constexpr, NEAR: tl.constexpr, DROPS: tl.constexpr,
):  # fmt: skip
    """One block of keys more in the gradient of queries, over `scale`; `NEAR`: keys in the window alone."""
    scores = tl.dot(query, tl.trans(key), input_precision="ieee") * (scale * 1.4426950408889634)
    weights = tl.exp2(scores - logarithm[:, None])
    if NEAR:
        weights = tl.where(_near(queries[:, None], keys[None], known[None], half), weights, 0.0)
    else:
        weights = tl.where(known[None], weights, 0.0)
    of_weights = tl.dot(upstream, tl.trans(value), input_precision="ieee")
    if DROPS:
        of_weights = keep(of_weights, seed, head, queries[:, None], keys[None], threshold, boost, HEADS)
    of_scores = weights * (of_weights - mean[:, None])
    return of_query + tl.dot(of_scores.to(key.dtype), key, input_precision="ieee")


@jit
def _side_gradients(
    of_key, of_value, key, value, query, upstream, mean, logarithm, queries, keys, known, half, seed, head, scale,
    threshold, boost, HEADS: tl.constexpr, NEAR: tl.constexpr, DROPS: tl.constexpr,
):  # fmt: skip
    """One block of queries more in the gradients of keys, over `scale`, and of values."""
    scores = tl.dot(key, tl.trans(query), input_precision="ieee") * (scale * 1.4426950408889634)
    weights = tl.exp2(scores - logarithm[None])
    if NEAR:
        weights = tl.where(_near(queries[None], keys[:, None], known[None], half), weights, 0.0)
    of_weights = tl.dot(value, tl.trans(upstream), input_precision="ieee")
    kept = weights
    if DROPS:
        kept = keep(weights, seed, head, queries[None], keys[:, None], threshold, boost, HEADS)
        of_weights = keep(of_weights, seed, head, queries[None], keys[:, None], threshold, boost, HEADS)
    of_value += tl.dot(kept.to(upstream.dtype), upstream, input_precision="ieee")
    of_scores = weights * (of_weights - mean[None])
    of_key += tl.dot(of_scores.to(query.dtype), query, input_precision="ieee")
    return of_key, of_value


@jit
def _asking(gradient, means, logarithms, places, asks, dims, head, HEADS: tl.constexpr, DIM: tl.constexpr):
    """Gradient of the output of queries, their means and their logarithms; both addresses are those of the head."""
    upstream = _tile(gradient, places, asks, dims, 0, head, 1, HEADS, DIM)
    mean = tl.load(means + places, mask=asks, other=0.0)
    return upstream, mean, tl.load(logarithms + places, mask=asks, other=float("inf"))


@jit
def differentiate_queries(
    projected, gradient, output, logarithms, means, of_projected, blocks, seed, half, slots, scale, threshold, boost,
    HEADS: tl.constexpr, DIM: tl.constexpr, WIDTH: tl.constexpr, BLOCK: tl.constexpr, TILE: tl.constexpr,
    DROPS: tl.constexpr,
):  # fmt: skip
    """Gradient of local queries, 0 for global tokens; and the means of all tokens, which the other kernels read."""
    head, seed = tl.program_id(1), load_seed(seed, DROPS)
    row, local, _, places, inside, low, high = _block(blocks, half, BLOCK)
    within, dims = tl.arange(0, BLOCK), tl.arange(0, WIDTH)
    asks = inside & (places >= local)
    query = _tile(projected, places, asks, dims, 0, head, 5, HEADS, DIM)
    upstream = _tile(gradient, places, inside, dims, 0, head, 1, HEADS, DIM)
    attended = _tile(output, places, inside, dims, 0, head, 1, HEADS, DIM)
    mean = tl.sum(upstream.to(tl.float32) * attended.to(tl.float32), 1)
    at = head.to(tl.int64) * slots + places
    tl.store(means + at, mean, mask=inside)
    logarithm = tl.load(logarithms + at, mask=asks, other=float("inf"))
    of_query = tl.zeros((BLOCK, WIDTH), tl.float32)
    for start in range(row, local, TILE):
        keys = start + tl.arange(0, TILE)
        known = keys < local
        key = _tile(projected, keys, known, dims, 1, head, 5, HEADS, DIM)
        value = _tile(projected, keys, known, dims, 2, head, 5, HEADS, DIM)
        of_query = _query_gradient(
            of_query, query, key, value, upstream, mean, logarithm, places, keys, known, half, seed, head, scale,
            threshold, boost, HEADS, False, DROPS,
        )  # fmt: skip
    for start in range(low, high, BLOCK):
        keys = start + within
        known = keys < high
        key = _tile(projected, keys, known, dims, 1, head, 5, HEADS, DIM)
        value = _tile(projected, keys, known, dims, 2, head, 5, HEADS, DIM)
        of_query = _query_gradient(
            of_query, query, key, value, upstream, mean, logarithm, places, keys, known, half, seed, head, scale,
            threshold, boost, HEADS, True, DROPS,
        )  # fmt: skip
    _put(of_projected, of_query * scale, places, inside, dims, 0, head, 5, HEADS, DIM)


@jit
def differentiate_sides(
    projected, queries, gradient, logarithms, means, of_projected, blocks, seed, half, slots, scale, threshold, boost,
    HEADS: tl.constexpr, DIM: tl.constexpr, WIDTH: tl.constexpr, BLOCK: tl.constexpr, TILE: tl.constexpr,
    DROPS: tl.constexpr,
):  # fmt: skip
    """Gradients of keys and values: local ones of local tokens, then global ones of all tokens of a block."""
    head, seed = tl.program_id(1), load_seed(seed, DROPS)
    row, local, counted, places, inside, low, high = _block(blocks, half, BLOCK)
    within, dims = tl.arange(0, BLOCK), tl.arange(0, WIDTH)
    asks = inside & (places >= local)
    logarithms += head.to(tl.int64) * slots
    means += head.to(tl.int64) * slots

    key = _tile(projected, places, asks, dims, 1, head, 5, HEADS, DIM)
    value = _tile(projected, places, asks, dims, 2, head, 5, HEADS, DIM)
    of_key, of_value = tl.zeros((BLOCK, WIDTH), tl.float32), tl.zeros((BLOCK, WIDTH), tl.float32)
    for start in range(low, high, BLOCK):
        others = start + within
        known = others < high
        query = _tile(projected, others, known, dims, 0, head, 5, HEADS, DIM)
        upstream, mean, logarithm = _asking(gradient, means, logarithms, others, known, dims, head, HEADS, DIM)
        of_key, of_value = _side_gradients(
            of_key, of_value, key, value, query, upstream, mean, logarithm, others, places, known, half, seed, head,
            scale, threshold, boost, HEADS, True, DROPS,
        )  # fmt: skip
    _put(of_projected, of_key * scale, places, asks, dims, 1, head, 5, HEADS, DIM)
    _put(of_projected, of_value, places, asks, dims, 2, head, 5, HEADS, DIM)

    key = _tile(projected, places, inside, dims, 3, head, 5, HEADS, DIM)
    value = _tile(projected, places, inside, dims, 4, head, 5, HEADS, DIM)
    of_key, of_value = tl.zeros((BLOCK, WIDTH), tl.float32), tl.zeros((BLOCK, WIDTH), tl.float32)
    for start in range(row, local, TILE):
        others = start + tl.arange(0, TILE)
        known = others < local
        query = _tile(queries, others - row + counted, known, dims, 0, head, 1, HEADS, DIM)
        upstream, mean, logarithm = _asking(gradient, means, logarithms, others, known, dims, head, HEADS, DIM)
        of_key, of_value = _side_gradients(
            of_key, of_value, key, value, query, upstream, mean, logarithm, others, places, known, half, seed, head,
            scale, threshold, boost, HEADS, False, DROPS,
        )  # fmt: skip
    _put(of_projected, of_key * scale, places, inside, dims, 3, head, 5, HEADS, DIM)
    _put(of_projected, of_value, places, inside, dims, 4, head, 5, HEADS, DIM)


@jit
def differentiate_globals(
    projected, queries, gradient, logarithms, means, sums, tiles, seed, slots, askers, scale, threshold, boost,
    HEADS: tl.constexpr, DIM: tl.constexpr, WIDTH: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr,
    SPAN: tl.constexpr, DROPS: tl.constexpr,
):  # fmt: skip
    """What a span of a row's tokens adds to the gradients of global tokens: of local key and value, and of the query.

    `sums` is `(spans, 3, askers, heads, head_dim)`, with at least as many askers as there are global tokens.
    """
    head, span, table = tl.program_id(1), tl.program_id(2), tiles + 6 * tl.program_id(0)
    first, count, place = tl.load(table), tl.load(table + 1), tl.load(table + 2)
    row, local, stop = tl.load(table + 3), tl.load(table + 4), tl.load(table + 5)
    seed = load_seed(seed, DROPS)
    tile, within, dims = tl.arange(0, TILE), tl.arange(0, BLOCK), tl.arange(0, WIDTH)
    asks = tile < count
    places = place + tile
    logarithms += head.to(tl.int64) * slots
    means += head.to(tl.int64) * slots
    of_key, of_value = tl.zeros((TILE, WIDTH), tl.float32), tl.zeros((TILE, WIDTH), tl.float32)
    of_query = tl.zeros((TILE, WIDTH), tl.float32)
    key = _tile(projected, places, asks, dims, 1, head, 5, HEADS, DIM)
    value = _tile(projected, places, asks, dims, 2, head, 5, HEADS, DIM)
    query = _tile(queries, first + tile, asks, dims, 0, head, 1, HEADS, DIM)
    upstream, mean, logarithm = _asking(gradient, means, logarithms, places, asks, dims, head, HEADS, DIM)
    begin = row + span * SPAN
    end = tl.minimum(stop, begin + SPAN)
    for start in range(begin, end, BLOCK):
        others = start + within
        known = others < end
        asking = known & (others >= local)
        of_others, mean_of_others, logarithm_of_others = _asking(
            gradient, means, logarithms, others, asking, dims, head, HEADS, DIM
        )
        of_key, of_value = _side_gradients(
            of_key, of_value, key, value,
            _tile(projected, others, asking, dims, 0, head, 5, HEADS, DIM),
            of_others, mean_of_others, logarithm_of_others,
            others, places, asking, 0, seed, head, scale, threshold, boost, HEADS, False, DROPS,
        )  # fmt: skip
        of_query = _query_gradient(
            of_query, query,
            _tile(projected, others, known, dims, 3, head, 5, HEADS, DIM),
            _tile(projected, others, known, dims, 4, head, 5, HEADS, DIM),
            upstream, mean, logarithm, places, others, known, 0, seed, head, scale, threshold, boost, HEADS, False,
            DROPS,
        )  # fmt: skip
    indices = span * 3 * askers + first + tile
    _put(sums, of_key * scale, indices, asks, dims, 0, head, 1, HEADS, DIM)
    _put(sums, of_value, indices + askers, asks, dims, 0, head, 1, HEADS, DIM)
    _put(sums, of_query * scale, indices + 2 * askers, asks, dims, 0, head, 1, HEADS, DIM)
