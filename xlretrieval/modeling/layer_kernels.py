"""Triton kernels of what a layer does between its products; `fused_layer.py` launches them.

Each reads and writes every state once: dropout, the sum with the layer's input and LayerNorm (Ba et al. 2016,
https://arxiv.org/abs/1607.06450) are one pass, GELU (Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415) is
one, and so are their gradients, which sum those of biases and of the norm's weight on the way, always in one order.

States are contiguous, `(slots, hidden)` or `(slots, inner)`. Everything is computed in 32 bits.
"""

from __future__ import annotations

from .attention_kernels import jit, keep, load_seed, tl


@jit
def _of_row(row, dims, SIZE: tl.constexpr):
    """Where the numbers of a row stand."""
    return row.to(tl.int64) * SIZE + dims


@jit
def add_and_normalise(
    states, residual, weight, bias, sums, output, means, scales, seed, epsilon, threshold, boost,
    SIZE: tl.constexpr, WIDTH: tl.constexpr, DROPS: tl.constexpr, KEEPS: tl.constexpr,
):  # fmt: skip
    """LayerNorm of `residual` and what dropout leaves of `states`; `KEEPS`: stores what the gradient needs too."""
    row, dims = tl.program_id(0), tl.arange(0, WIDTH)
    inside, at = dims < SIZE, _of_row(row, dims, SIZE)
    values = tl.load(states + at, mask=inside, other=0.0).to(tl.float32)
    if DROPS:
        values = keep(values, load_seed(seed, DROPS), 0, row, dims, threshold, boost, 1)
    values += tl.load(residual + at, mask=inside, other=0.0).to(tl.float32)
    values = values.to(output.dtype.element_ty)  # as the gradient will read them
    if KEEPS:
        tl.store(sums + at, values, mask=inside)
    values = values.to(tl.float32)
    mean = tl.sum(values, 0) / SIZE
    centred = tl.where(inside, values - mean, 0.0)
    scale = 1.0 / tl.sqrt(tl.sum(centred * centred, 0) / SIZE + epsilon)
    stretched = centred * scale * tl.load(weight + dims, mask=inside, other=0.0).to(tl.float32)
    found = stretched + tl.load(bias + dims, mask=inside, other=0.0).to(tl.float32)
    tl.store(output + at, found.to(output.dtype.element_ty), mask=inside)
    if KEEPS:
        tl.store(means + row, mean)
        tl.store(scales + row, scale)


@jit
def differentiate_norm(
    gradient, sums, means, scales, weight, of_residual, of_states, partial, seed, threshold, boost,
    SIZE: tl.constexpr, WIDTH: tl.constexpr, SPAN: tl.constexpr, DROPS: tl.constexpr,
):  # fmt: skip
    """Gradients of both inputs of `add_and_normalise` for a span of rows, which are equal without dropout.

    `partial` is `(spans, 3, hidden)`: what the span adds to the gradients of the norm's weight and bias, and the sum
    of those of `states`, which is the gradient of the bias before.
    """
    span, dims = tl.program_id(0), tl.arange(0, WIDTH)
    inside, seed = dims < SIZE, load_seed(seed, DROPS)
    factor = tl.load(weight + dims, mask=inside, other=0.0).to(tl.float32)
    of_weight, of_bias = tl.zeros((WIDTH,), tl.float32), tl.zeros((WIDTH,), tl.float32)
    total = tl.zeros((WIDTH,), tl.float32)
    for step in range(SPAN):
        row = span * SPAN + step
        at = _of_row(row, dims, SIZE)
        upstream = tl.load(gradient + at, mask=inside, other=0.0).to(tl.float32)
        values = tl.load(sums + at, mask=inside, other=0.0).to(tl.float32)
        scale = tl.load(scales + row)
        normal = (values - tl.load(means + row)) * scale
        of_weight += upstream * normal
        of_bias += upstream
        upstream *= factor
        along, mean = tl.sum(upstream * normal, 0) / SIZE, tl.sum(upstream, 0) / SIZE
        found = (upstream - normal * along - mean) * scale
        tl.store(of_residual + at, found.to(of_residual.dtype.element_ty), mask=inside)
        if DROPS:
            found = keep(found, seed, 0, row, dims, threshold, boost, 1)
            tl.store(of_states + at, found.to(of_states.dtype.element_ty), mask=inside)
        total += found
    place = partial + span.to(tl.int64) * 3 * SIZE + dims
    tl.store(place, of_weight, mask=inside)
    tl.store(place + SIZE, of_bias, mask=inside)
    tl.store(place + 2 * SIZE, total, mask=inside)


@jit
def _normal(values):
    """The normal distribution's function, and its density times the square root of 2 pi.

    Abramowitz and Stegun 1964, 7.1.26, off by less than 8e-8: one exponential for both.
    """
    bell = tl.exp(-0.5 * values * values)
    part = 1.0 / (1.0 + 0.2316418883 * tl.abs(values))
    tail = 0.7107068705 + part * (-0.7265760135 + part * 0.5307027145)
    tail = part * (0.127414796 + part * (-0.142248368 + part * tail)) * bell
    return tl.where(values > 0.0, 1.0 - tail, tail), bell


@jit
def activate(states, output, count, BLOCK: tl.constexpr):
    """GELU of `count` numbers; in place where both are one."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    values = tl.load(states + at, mask=at < count, other=0.0).to(tl.float32)
    below, _ = _normal(values)
    tl.store(output + at, (values * below).to(output.dtype.element_ty), mask=at < count)


@jit
def differentiate_activation(
    gradient, states, output, partial, SIZE: tl.constexpr, BLOCK: tl.constexpr, SPAN: tl.constexpr
):
    """Gradient of GELU in the place of that of its output, and the output once more, for a span of rows.

    `partial` is `(spans, inner)`, the sums of the gradient.
    """
    blocks: tl.constexpr = (SIZE + BLOCK - 1) // BLOCK  # in one dimension: another one ends at 65,535
    dims, span = tl.program_id(0) % blocks * BLOCK + tl.arange(0, BLOCK), tl.program_id(0) // blocks
    inside, total = dims < SIZE, tl.zeros((BLOCK,), tl.float32)
    for step in range(SPAN):
        at = _of_row(span * SPAN + step, dims, SIZE)
        upstream = tl.load(gradient + at, mask=inside, other=0.0).to(tl.float32)
        values = tl.load(states + at, mask=inside, other=0.0).to(tl.float32)
        below, bell = _normal(values)
        tl.store(output + at, (values * below).to(output.dtype.element_ty), mask=inside)
        upstream *= below + values * bell * 0.3989422804014327
        tl.store(gradient + at, upstream.to(gradient.dtype.element_ty), mask=inside)
        total += upstream
    tl.store(partial + span.to(tl.int64) * SIZE + dims, total, mask=inside)
