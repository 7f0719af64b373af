"""Window + global attention of a batch without padding, by the flash attention that comes with torch (CUDA).

The kernel knows runs of tokens and a window, but no global tokens. So the softmax of a local token is computed in two
calls, over the local tokens of its row in the window and over the global ones, and put together by the logarithms of
their sums; the gradient of a part needs nothing but output and logarithm of the whole (Dao et al. 2022,
https://arxiv.org/abs/2205.14135, algorithm 4). Global tokens see their row in a third call.

Unlike flex_attention this has dropout, and compiles nothing. Gradients are summed in any order, as by most operations
there, unless `torch.use_deterministic_algorithms` is on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from .rows import FilledSequence

if TYPE_CHECKING:
    from torch import Tensor

# Products are fastest when the number of tokens divides by their tiles.
TILE = 128
_forward = torch.ops.aten._flash_attention_forward
_backward = torch.ops.aten._flash_attention_backward


@dataclass(frozen=True)
class Runs:
    """Runs of tokens, one after the other.

    Attributes:
        bounds: Where they begin and the last one ends, int32 `(runs + 1,)`.
        longest: Tokens of the longest.
    """

    bounds: Tensor
    longest: int


@dataclass(frozen=True)
class FlashRows(FilledSequence):
    """Where the tokens of a batch stand in one sequence, row by row, the global ones of a row first.

    Attributes:
        shape: As for the base, like `places` and `tokens`.
        places: See there.
        tokens: See there.
        rows: The rows.
        parts: Of every row its global tokens, and then its local ones.
        globals: The global tokens alone, row by row.
        globals_of_parts: Which of them the tokens of every part see in a call of their own: global tokens none.
        global_slots: Slots of the global tokens, `(global tokens,)`.
        lonely: Slots whose row has no global token, bool `(tokens,)`; None where there are none.
        dtype: That of the states.
    """

    shape: tuple[int, int]
    places: Tensor
    tokens: int
    rows: Runs
    parts: Runs
    globals: Runs
    globals_of_parts: Runs
    global_slots: Tensor
    lonely: Tensor | None
    dtype: torch.dtype


@lru_cache
def has_flash(device: torch.device, head_dim: int) -> bool:
    """Whether torch has these kernels for a device, NVIDIA from Ampere on, and for heads of so many numbers."""
    if head_dim % 8 or head_dim > 256:
        return False
    built = torch.backends.cuda.is_flash_attention_available() and not torch.version.hip
    if device.type != "cuda" or not torch.cuda.is_available() or not built:
        return False
    return torch.cuda.get_device_capability(device) >= (8, 0)


def find_flash_rows(valid: Tensor, is_global: Tensor, device: torch.device, dtype: torch.dtype) -> FlashRows | None:
    """The rows of a batch.

    Args:
        valid: Not padding, bool `(batch, length)`.
        is_global: Global tokens, bool `(batch, length)`; padding is never global.
        device: Where the model is. Masks that are there too are asked for their sums, which waits until it has done
            all it was told to; masks on the processor wait for nothing.
        dtype: Of the states, with 16 bits.

    Returns:
        None where a row is not one run with its global tokens first, and where there is no token.
    """
    batch, length = valid.shape
    lengths, global_counts = valid.sum(1), is_global.sum(1)
    firsts = valid.byte().argmax(1)
    position = torch.arange(length, device=valid.device) - firsts[:, None]
    begun = position >= 0
    run = (begun & (position < lengths[:, None])) == valid
    leading = (begun & (position < global_counts[:, None])) == is_global
    counts = torch.stack([lengths, global_counts, firsts, (run & leading).all(1).long()]).cpu().numpy()
    lengths, global_counts, firsts, fits = counts
    tokens = int(lengths.sum())
    if not fits.all() or not tokens:
        return None
    places = np.zeros(-(-tokens // TILE) * TILE, dtype=np.int64)
    places[:tokens] = _numbers(np.arange(batch) * length + firsts, lengths)
    starts = lengths.cumsum() - lengths
    lonely = np.repeat(global_counts == 0, lengths)
    move = partial(_move, device=device)

    def runs(counts: np.ndarray) -> Runs:
        return Runs(move(np.concatenate([[0], counts.cumsum()]).astype(np.int32)), int(counts.max()))

    return FlashRows(
        shape=(batch, length),
        places=move(places),
        tokens=tokens,
        rows=runs(lengths),
        parts=runs(np.stack([global_counts, lengths - global_counts], 1).ravel()),
        globals=runs(global_counts),
        globals_of_parts=runs(np.stack([np.zeros_like(global_counts), global_counts], 1).ravel()),
        global_slots=move(_numbers(starts, global_counts)),
        lonely=move(lonely) if lonely.any() else None,
        dtype=dtype,
    )


def _numbers(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """So many numbers from every start on."""
    before = counts.cumsum() - counts
    return np.repeat(starts - before, counts) + np.arange(counts.sum())


def _move(values: np.ndarray, device: torch.device) -> Tensor:
    """To a device; nothing waits for it."""
    moved = torch.from_numpy(values)
    return (moved.pin_memory() if device.type == "cuda" else moved).to(device, non_blocking=True)


def attend_flash(module: nn.Module, hidden_states: Tensor, rows: FlashRows) -> Tensor:
    """Window + global attention.

    Args:
        module: The attention layer: its projections, `num_attention_heads`, `scaling`, `half_window`, `dropout_prob`.
        hidden_states: `(1, slots, hidden)`.
        rows: Where the rows stand.

    Returns:
        `(1, slots, hidden)`.
    """
    states, heads = hidden_states[0], module.num_attention_heads
    projections = (module.query, module.key, module.value, module.key_global, module.value_global)
    projected = project(projections, states).to(rows.dtype).unflatten(-1, (len(projections), heads, -1))
    queries = module.query_global(states.index_select(0, rows.global_slots)).to(rows.dtype).unflatten(-1, (heads, -1))
    dropout = module.dropout_prob if module.training else 0.0
    return _WindowAndGlobal.apply(projected, queries, rows, module.half_window, module.scaling, dropout)[None]


def attend_firsts(module: nn.Module, hidden_states: Tensor, rows: FlashRows) -> tuple[Tensor, Tensor]:
    """As `attend_flash`, for the first token of every row alone, which is global; without gradient.

    Returns:
        Their hidden states and what they attend to, `(batch, hidden)` each.
    """
    states, heads = hidden_states[0], module.num_attention_heads
    batch, slots = rows.shape[0], len(rows.places)
    firsts = states.index_select(0, rows.rows.bounds[:-1].clamp(max=slots - 1))  # a row without a token: any
    sides = project((module.key_global, module.value_global), states).to(rows.dtype).unflatten(-1, (2, heads, -1))
    queries = module.query_global(firsts).to(rows.dtype).unflatten(-1, (heads, -1))
    every_one = Runs(torch.arange(batch + 1, dtype=torch.int32, device=states.device), 1)
    call = _Call(every_one, rows.rows, module.scaling, 0.0)
    return firsts, call.forward(queries, sides[:, 0], sides[:, 1])[0].flatten(1)


def project(projections: Sequence[nn.Module], states: Tensor) -> Tensor:
    """Several linear layers of the same states in one product, `(n, hidden)` -> `(n, layers * hidden)`.

    It reads the states once, and its gradient is one product too, not a sum of several.
    """
    if not all(map(_is_plain, projections)):
        return torch.cat([projection(states) for projection in projections], -1)
    weight = torch.cat([projection.weight for projection in projections])
    return F.linear(states, weight, torch.cat([projection.bias for projection in projections]))


def _is_plain(projection: nn.Module) -> bool:
    """Whether it is its weight and bias, and nothing that an adapter, a quantization or a hook puts around it."""
    if type(projection) is not nn.Linear or type(projection.weight) is not nn.Parameter:
        return False
    return not (projection._forward_hooks or projection._forward_pre_hooks or "forward" in vars(projection))


@dataclass(frozen=True)
class _Call:
    """A call of the kernel: runs of queries, the keys that each of them sees, and how far; None for all of a run."""

    queries: Runs
    keys: Runs
    scale: float
    dropout: float
    half: int | None = None

    def _sizes(self) -> tuple[Tensor, Tensor, int, int, float, bool]:
        runs = self.queries.bounds, self.keys.bounds, self.queries.longest, self.keys.longest
        return (*runs, self.dropout, False)

    def _options(self) -> dict[str, Any]:
        window = {} if self.half is None else {"window_size_left": self.half, "window_size_right": self.half}
        return {"scale": self.scale} | window

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Output `(queries, heads, head_dim)`, logarithm of the sum `(heads, queries)`, and two states of dropout.

        Of a query that sees nothing the output is 0, and the logarithm plus infinity.
        """
        return _forward(query, key, value, *self._sizes(), False, **self._options())[:4]

    def backward(
        self,
        gradient: Tensor,
        states: tuple[Tensor, Tensor, Tensor],
        output: Tensor,
        logarithm: Tensor,
        random: tuple[Tensor, Tensor],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of query, key and value; output and logarithm may be of a softmax over more keys.

        Where the logarithm is plus infinity, they are 0.
        """
        return _backward(gradient, *states, output, logarithm, *self._sizes(), *random, **self._options())


def _calls(rows: FlashRows, half: int, scale: float, dropout: float) -> tuple[_Call, _Call, _Call]:
    """Local tokens in the window, local tokens to global ones, and global tokens to their row."""
    return (
        _Call(rows.parts, rows.parts, scale, dropout, half),
        _Call(rows.parts, rows.globals_of_parts, scale, dropout),
        _Call(rows.globals, rows.rows, scale, dropout),
    )


class _WindowAndGlobal(torch.autograd.Function):
    """Both softmaxes.

    `projected` has local query, key and value, and global key and value: `(slots, 5, heads, head_dim)`; `queries` are
    those of the global tokens, `(global tokens, heads, head_dim)`. Gives `(slots, hidden)`.
    """

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, queries: Tensor, rows: FlashRows, half: int, scale: float, dropout: float
    ) -> Tensor:
        window, to_globals, of_globals = ctx.calls = _calls(rows, half, scale, dropout)
        ctx.rows = rows
        query, *sides, global_key, global_value = states = projected[: rows.tokens].unbind(1)
        output = projected.new_empty(projected[:, 0].shape)
        output[rows.tokens :] = 0
        local, logarithm, *ctx.random = window.forward(*states[:3])
        if not len(rows.global_slots):
            output[: rows.tokens] = local
            ctx.save_for_backward(projected, queries, output, logarithm)
            return output.flatten(1)
        sides = [side.index_select(0, rows.global_slots) for side in sides]
        other, of_other, *random = to_globals.forward(query, *sides)
        if rows.lonely is not None:
            of_other = of_other.masked_fill(rows.lonely, float("-inf"))
        # Global tokens see nothing in the second call: its logarithm is plus infinity, and so is that of both.
        share = torch.sigmoid(logarithm - of_other).to(local.dtype).t()[..., None]
        torch.lerp(other, local, share, out=output[: rows.tokens])
        logarithm = torch.logaddexp(logarithm, of_other) if any(ctx.needs_input_grad) else logarithm
        attended, of_attended, *last = of_globals.forward(queries, global_key, global_value)
        output[rows.global_slots] = attended
        ctx.random += [*random, *last]
        ctx.save_for_backward(projected, queries, output, logarithm, attended, of_attended, *sides)
        return output.flatten(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        projected, queries, output, logarithm, *of_globals_found = ctx.saved_tensors
        rows, (window, to_globals, of_globals) = ctx.rows, ctx.calls
        query, key, value, global_key, global_value = projected[: rows.tokens].unbind(1)
        gradient = gradient.view_as(output)[: rows.tokens]
        whole = output[: rows.tokens], logarithm
        found = window.backward(gradient, (query, key, value), *whole, ctx.random[:2])
        of_projected = torch.empty_like(projected)
        of_projected[rows.tokens :] = 0
        if not of_globals_found:
            of_projected[:, 3:] = 0
            torch.stack(found, 1, out=of_projected[: rows.tokens, :3])
            return of_projected, torch.zeros_like(queries), None, None, None, None
        attended, of_attended, *sides = of_globals_found
        other, *of_sides = to_globals.backward(gradient, (query, *sides), *whole, ctx.random[2:4])
        found[0].add_(other)
        seen = (queries, global_key, global_value), attended, of_attended, ctx.random[4:]
        of_queries, *rest = of_globals.backward(gradient.index_select(0, rows.global_slots), *seen)
        torch.stack([*found, *rest], 1, out=of_projected[: rows.tokens])
        of_projected[rows.global_slots, 1:3] = torch.stack(of_sides, 1)
        return of_projected, of_queries, None, None, None, None
