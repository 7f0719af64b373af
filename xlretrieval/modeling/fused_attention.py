"""Window + global attention of a batch without padding, by kernels of its own (CUDA, 16 bits).

The sequence is cut into blocks of a row's tokens; tables say which tokens of their row they see, so rows of any length
share one launch, and nothing depends on the longest. `attention_kernels.py` computes them.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.autograd.function import once_differentiable

from .fused_linear import project
from .rows import FilledSequence

if TYPE_CHECKING:
    from torch import Tensor

# Products are fastest when the number of tokens divides by their tiles.
SLOTS = 128
# Tokens of a block, at most so many global tokens of a tile, and tokens of a span: what one program computes.
BLOCK = 64
TILE = 64
SPAN = 1024
# Global keys that are looked at together, whatever the batch: a score must not depend on what it is scored with.
KEYS = 32
# The smallest side of a product that tensor cores take.
_LEAST = 16
# Bytes of shared memory that the gradient of a full tile takes where heads have more than 64 numbers.
_WIDE = 106_496


@dataclass(frozen=True)
class FusedRows(FilledSequence):
    """Where the tokens of a batch stand in one sequence, row by row, the global ones of a row first.

    Attributes:
        shape: As for the base, like `places` and `tokens`.
        places: See there.
        tokens: See there.
        blocks: Of every block of tokens its first one, the row's first one, its first local one and one past its last
            one, and how many global tokens the rows before have; int32 `(blocks, 5)`.
        tiles: Of every tile of global tokens of a row the number of the first one among all global tokens, how many
            they are, the slot of the first one, and the row's first token, its first local one and one past its last
            one; int32 `(tiles, 6)`.
        firsts: The same with the first token of every row alone, and the row's number instead of both its number and
            its slot; int32 `(batch, 6)`.
        tile: Most global tokens of a tile, a power of 2.
        spans: How many spans the longest row has.
        global_slots: Slots of the global tokens, `(global tokens,)`.
        dtype: That of the states.
    """

    shape: tuple[int, int]
    places: Tensor
    tokens: int
    blocks: Tensor
    tiles: Tensor
    firsts: Tensor
    tile: int
    spans: int
    global_slots: Tensor
    dtype: torch.dtype


@lru_cache
def has_fused(device: torch.device, head_dim: int) -> bool:
    """Whether the kernels serve a device, NVIDIA from Ampere on, and heads of so many numbers, at most 128."""
    if device.type != "cuda" or torch.version.hip or find_spec("triton") is None or not torch.cuda.is_available():
        return False
    found = torch.cuda.get_device_properties(device)
    return found.major >= 8 and head_dim <= (128 if found.shared_memory_per_block_optin >= _WIDE else 64)


def find_fused_rows(valid: Tensor, is_global: Tensor, device: torch.device, dtype: torch.dtype) -> FusedRows | None:
    """The rows of a batch.

    Args:
        valid: Not padding, bool `(batch, length)`.
        is_global: Global tokens, bool `(batch, length)`; padding is never global.
        device: Where the model is. Masks that are there too are fetched, which waits until it has done all it was told
            to; masks on the processor wait for nothing.
        dtype: Of the states.

    Returns:
        None where a row is not one run with its global tokens first, and where there is no token.
    """
    batch, length = valid.shape
    valid, is_global = valid.cpu().numpy(), is_global.cpu().numpy()
    lengths, global_counts = valid.sum(1), is_global.sum(1)
    firsts = valid.argmax(1) if length else np.zeros(batch, dtype=np.int64)
    position = np.arange(length) - firsts[:, None]
    begun = position >= 0
    run = (begun & (position < lengths[:, None])) == valid
    leading = (begun & (position < global_counts[:, None])) == is_global
    tokens = int(lengths.sum())
    if not tokens or not (run & leading).all():
        return None
    places = np.zeros(-(-tokens // SLOTS) * SLOTS, dtype=np.int64)
    places[:tokens] = _numbers(np.arange(batch) * length + firsts, lengths)
    stops, counted = lengths.cumsum(), global_counts.cumsum() - global_counts
    starts = stops - lengths
    locals_ = starts + global_counts
    row, within = _pieces(lengths, BLOCK)
    blocks = np.stack([starts[row] + within, starts[row], locals_[row], stops[row], counted[row]], 1)
    tile = min(TILE, max(_LEAST, 1 << int(global_counts.max() - 1).bit_length()))
    row, within = _pieces(global_counts, tile)
    count = np.minimum(global_counts[row] - within, tile)
    tiles = np.stack([counted[row] + within, count, starts[row] + within, starts[row], locals_[row], stops[row]], 1)
    rows = np.arange(batch)
    first = np.stack([rows, np.ones_like(rows), rows, starts, locals_, stops], 1)
    indices = _move([places, _numbers(starts, global_counts)], device)
    tables = _move([table.astype(np.int32) for table in (blocks, tiles, first)], device)
    spans = -(-int(lengths.max()) // SPAN)
    return FusedRows((batch, length), indices[0], tokens, *tables, tile, spans, indices[1], dtype)


def _move(arrays: list[np.ndarray], device: torch.device) -> list[Tensor]:
    """To a device, all at once; nothing waits for it. Addresses divide by 16, as kernels are compiled for."""
    sizes = [-(-array.size // 4) * 4 for array in arrays]
    filled = [np.pad(array.ravel(), (0, size - array.size)) for array, size in zip(arrays, sizes, strict=True)]
    together = torch.from_numpy(np.concatenate(filled))
    together = (together.pin_memory() if device.type == "cuda" else together).to(device, non_blocking=True)
    parts = zip(together.split(sizes), arrays, strict=True)
    return [part[: array.size].view(array.shape) for part, array in parts]


def _numbers(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """So many numbers from every start on."""
    before = counts.cumsum() - counts
    return np.repeat(starts - before, counts) + np.arange(counts.sum())


def _pieces(counts: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cuts runs of so many into pieces of a size: the run of every piece, and where in it the piece begins."""
    numbers = -(-counts // size)
    return np.repeat(np.arange(len(counts)), numbers), _numbers(np.zeros_like(numbers), numbers) * size


def attend_fused(module: nn.Module, hidden_states: Tensor, rows: FusedRows) -> Tensor:
    """Window + global attention.

    Args:
        module: The attention layer: its projections, `num_attention_heads`, `scaling`, `half_window`, `dropout_prob`.
        hidden_states: `(1, slots, hidden)`.
        rows: Where the rows stand.

    Returns:
        `(1, slots, hidden)`.
    """
    states, heads = hidden_states.flatten(0, 1), module.num_attention_heads
    projections = (module.query, module.key, module.value, module.key_global, module.value_global)
    states, selected = _Select.apply(states, rows.global_slots)
    projected = project(projections, states).to(rows.dtype).unflatten(-1, (len(projections), heads, -1))
    queries = module.query_global(selected).to(rows.dtype).unflatten(-1, (heads, -1))
    dropout = module.dropout_prob if module.training else 0.0
    return _WindowAndGlobal.apply(projected, queries, rows, module.half_window, module.scaling, dropout)[None]


def attend_firsts(module: nn.Module, hidden_states: Tensor, rows: FusedRows) -> tuple[Tensor, Tensor]:
    """As `attend_fused`, for the first token of every row alone, which is global; without gradient.

    Returns:
        Their hidden states and what they attend to, `(batch, hidden)` each.
    """
    states, heads = hidden_states[0], module.num_attention_heads
    firsts = states.index_select(0, rows.firsts[:, 3].clamp(max=len(states) - 1))  # a row without a token: any
    sides = project((module.key_global, module.value_global), states).to(rows.dtype).unflatten(-1, (2, heads, -1))
    queries = module.query_global(firsts).to(rows.dtype).unflatten(-1, (heads, -1))
    output, logarithms = torch.empty_like(queries), states.new_empty((heads, len(queries)), dtype=torch.float32)
    launch = Launch(rows, module.scaling, 0.0, None, queries.shape[-1])
    launch.globals(sides, queries, output, logarithms, rows.firsts, _LEAST, 0)
    return firsts, output.flatten(1)


def chances(dropout: float) -> tuple[int, float]:
    """Below which of 31 random bits is dropped, and what the rest is multiplied by."""
    kept = 1 - dropout
    return min(round(dropout * (1 << 31)), (1 << 31) - 1), 1 / kept if kept else 0.0


def run(kernel: Any, grid: tuple[int, ...], *given: Any, warps: int = 4, **sizes: int) -> None:
    """Launches a kernel on the device of the first tensor it is given."""
    device = given[0].device
    elsewhere = device.type == "cuda" and device.index != torch.cuda.current_device()
    with torch.cuda.device(device) if elsewhere else nullcontext():
        kernel[grid](*given, num_warps=warps, num_stages=1, **sizes)


@dataclass(frozen=True)
class Launch:
    """Launches of the kernels, with what they have in common.

    Attributes:
        rows: The rows.
        scale: Of the scores.
        dropout: Probability.
        seed: Of dropout, `(1,)`; None without.
        head_dim: Numbers of a head.
    """

    rows: FusedRows
    scale: float
    dropout: float
    seed: Tensor | None
    head_dim: int

    def _run(self, kernel: Any, grid: tuple[int, ...], *given: Any, heads: int, **sizes: int) -> None:
        width = max(_LEAST, 1 << (self.head_dim - 1).bit_length())
        sizes |= {"HEADS": heads, "DIM": self.head_dim, "WIDTH": width, "BLOCK": BLOCK, "DROPS": self.dropout > 0}
        run(kernel, grid, *given, self.scale, *chances(self.dropout), **sizes)

    def attend(self, projected: Tensor, queries: Tensor, half: int) -> tuple[Tensor, Tensor]:
        """Output `(slots, heads, head_dim)` of all tokens, and logarithms `(heads, slots)`.

        Args:
            projected: Local query, key and value, and global key and value, `(slots, 5, heads, head_dim)`.
            queries: Those of the global tokens, `(global tokens, heads, head_dim)`.
            half: A local token sees so many tokens before and after itself.
        """
        slots, _, heads, _ = projected.shape
        output = projected.new_empty(projected[:, 0].shape)
        output[self.rows.tokens :] = 0
        logarithms = projected.new_empty((heads, slots), dtype=torch.float32)
        self.locals(projected, output, logarithms, half)
        self.globals(projected, queries, output, logarithms, self.rows.tiles, self.rows.tile, 3)
        return output, logarithms

    def locals(self, projected: Tensor, output: Tensor, logarithms: Tensor, half: int) -> None:
        """Output and logarithms of local tokens."""
        from .attention_kernels import attend_locals  # triton is not there on every machine, and takes its time

        heads, slots = logarithms.shape
        grid = len(self.rows.blocks), heads
        given = projected, output, logarithms, self.rows.blocks, self._seed(projected), half, slots
        self._run(attend_locals, grid, *given, heads=heads, TILE=KEYS)

    def globals(
        self, sides: Tensor, queries: Tensor, output: Tensor, logarithms: Tensor, tiles: Tensor, tile: int, part: int
    ) -> None:
        """Output and logarithms of global tokens; their keys are a part of `sides`, and their values the next one."""
        from .attention_kernels import attend_globals

        if not len(tiles):
            return
        heads, slots = logarithms.shape
        given = sides, queries, output, logarithms, tiles, self._seed(sides), slots
        sizes = {"PART": part, "PARTS": sides.shape[1], "TILE": tile}
        self._run(attend_globals, (len(tiles), heads), *given, heads=heads, **sizes)

    def gradients(
        self, projected: Tensor, queries: Tensor, gradient: Tensor, output: Tensor, logarithms: Tensor, half: int
    ) -> tuple[Tensor, Tensor]:
        """Gradients of `projected` and `queries`."""
        from .attention_kernels import differentiate_globals, differentiate_queries, differentiate_sides

        rows, (heads, slots) = self.rows, logarithms.shape
        means, of_projected = torch.empty_like(logarithms), torch.empty_like(projected)
        of_projected[rows.tokens :] = 0
        grid, seed = (len(rows.blocks), heads), self._seed(projected)
        last = of_projected, rows.blocks, seed, half, slots
        given = projected, gradient, output, logarithms, means
        self._run(differentiate_queries, grid, *given, *last, heads=heads, TILE=KEYS)
        given = projected, queries, gradient, logarithms, means
        self._run(differentiate_sides, grid, *given, *last, heads=heads, TILE=KEYS)
        if not len(queries):
            return of_projected, torch.zeros_like(queries)
        # Kernels are compiled anew for numbers that 16 divides, and for those that it does not.
        room = -(-len(queries) // 16) * 16
        sums = projected.new_empty((rows.spans, 3, room, *queries.shape[1:]), dtype=torch.float32)
        grid, last = (len(rows.tiles), heads, rows.spans), (sums, rows.tiles, seed, slots, room)
        self._run(differentiate_globals, grid, *given, *last, heads=heads, SPAN=SPAN, TILE=rows.tile)
        key, value, query = sums[:, :, : len(queries)].sum(0).to(projected.dtype)
        of_projected[rows.global_slots, 1:3] = torch.stack([key, value], 1)
        return of_projected, query

    def _seed(self, like: Tensor) -> Tensor:
        """Any address where it is not read."""
        return like if self.seed is None else self.seed


class _Select(torch.autograd.Function):
    """States, and those of some slots once more; its gradient is one sum, where that of an index fills and adds."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, slots: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(slots)
        return states.view_as(states), states.index_select(0, slots)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, of_selected: Tensor) -> tuple[Tensor, None]:
        return gradient.index_add(0, ctx.saved_tensors[0], of_selected), None


class _WindowAndGlobal(torch.autograd.Function):
    """Both softmaxes.

    `projected` has local query, key and value, and global key and value: `(slots, 5, heads, head_dim)`; `queries` are
    those of the global tokens, `(global tokens, heads, head_dim)`. Gives `(slots, hidden)`.
    """

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, queries: Tensor, rows: FusedRows, half: int, scale: float, dropout: float
    ) -> Tensor:
        projected, queries = projected.contiguous(), queries.contiguous()
        # From the device's own generator, whose state checkpointing puts back; the processor does not wait for it.
        seed = torch.randint(1 << 31, (1,), device=projected.device) if dropout else None
        launch = Launch(rows, scale, dropout, seed, projected.shape[-1])
        output, logarithms = launch.attend(projected, queries, half)
        # The seed among them: checkpointing computes all of them again, perhaps with other random numbers.
        ctx.save_for_backward(projected, queries, output, logarithms, seed)
        ctx.launch, ctx.half = replace(launch, seed=None), half
        return output.flatten(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        projected, queries, output, logarithms, seed = ctx.saved_tensors
        gradient = gradient.contiguous().view_as(output)
        found = replace(ctx.launch, seed=seed).gradients(projected, queries, gradient, output, logarithms, ctx.half)
        return *found, None, None, None, None
