"""Window + global attention of a batch without padding, in block-sparse kernels (flex_attention, on accelerators).

The rows of a batch stand one after the other in one sequence, and the mask keeps them apart: a kernel skips the blocks
of scores in which nobody sees anybody. The sequence is filled up to one of a few lengths, and the global queries to
one of a few numbers, so that kernels are compiled for few shapes, whatever lengths the batches have. It serves any
masks and precision; where `fused_attention.py` serves too, its attention takes a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.attention.flex_attention import BlockMask

from .attention import block_mask, flex_kernel
from .rows import FilledSequence

if TYPE_CHECKING:
    from torch import Tensor

# Edge of a kernel's blocks.
BLOCK = 128


@dataclass
class PackedRows(FilledSequence):
    """Where the tokens of a batch stand in the one sequence, and who sees whom there.

    Attributes:
        shape: As for the base, like `places` and `tokens`.
        places: See there.
        tokens: See there.
        global_slots: Slots of the global tokens, `(global slots,)`; those that only fill up have 0.
        global_tokens: How many of them there are.
        local_masks: For every half window the mask of the local rows.
        global_mask: That of the global ones.
    """

    shape: tuple[int, int]
    places: Tensor
    tokens: int
    global_slots: Tensor
    global_tokens: int
    local_masks: dict[int, BlockMask]
    global_mask: BlockMask


def bucket(count: int) -> int:
    """The next of few sizes: multiples of 128, from 2,048 on eight from one power of two to the next."""
    step = max(BLOCK, 1 << max(0, (count - 1).bit_length() - 4))
    return max(1, -(-count // step)) * step


def pack_rows(valid: Tensor, is_global: Tensor, windows: Iterable[int]) -> PackedRows:
    """Packs a batch with any padding and any global tokens. Asks the device for two numbers.

    Args:
        valid: Not padding, bool `(batch, length)`.
        is_global: Global tokens, bool `(batch, length)`; padding is never global.
        windows: Total window widths of the layers.
    """
    batch, length = valid.shape
    device = valid.device
    places = valid.flatten().nonzero()[:, 0]
    seen_by_all = is_global.flatten().index_select(0, places)
    global_slots = seen_by_all.nonzero()[:, 0]
    tokens, global_tokens = len(places), len(global_slots)
    places, global_slots = _filled(places, 0), _filled(global_slots, 0)
    holds = torch.arange(len(places), device=device) < tokens
    row = torch.where(holds, places // max(length, 1), -1)
    position = places % max(length, 1)
    seen_by_all = _filled(seen_by_all, False)
    row_of_global = row.index_select(0, global_slots)

    def local_mask(half: int) -> BlockMask:
        def sees(_: Tensor, __: Tensor, query: Tensor, key: Tensor) -> Tensor:
            near = (position[query] - position[key]).abs() <= half
            # Slots that fill up see themselves: a softmax over nothing is not a number.
            return ((row[query] == row[key]) & (row[query] >= 0) & (near | seen_by_all[key])) | (query == key)

        return block_mask(sees, 1, len(places), len(places), device)

    def sees_row(_: Tensor, __: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return row_of_global[query] == row[key]

    return PackedRows(
        shape=(batch, length),
        places=places,
        tokens=tokens,
        global_slots=global_slots,
        global_tokens=global_tokens,
        local_masks={half: local_mask(half) for half in {window // 2 for window in windows}},
        global_mask=block_mask(sees_row, 1, len(global_slots), len(places), device),
    )


def _filled(values: Tensor, value: int | bool) -> Tensor:
    filled = values.new_full((bucket(len(values)),), value)
    filled[: len(values)] = values
    return filled


def attend_packed(
    module: nn.Module, hidden_states: Tensor, query: Tensor, key: Tensor, value: Tensor, rows: PackedRows
) -> Tensor:
    """Window + global attention of packed rows.

    Args:
        module: The attention layer: its global projections, `split_heads`, `scaling`, `half_window`, `dropout_prob`.
        hidden_states: `(1, slots, hidden)`.
        query: Local queries, in the same shape; `key` and `value` alike.
        key: Local keys.
        value: Local values.
        rows: Where the rows stand.

    Returns:
        `(1, slots, hidden)`.

    Raises:
        ValueError: In training with dropout of the attention probabilities, which the kernel does not have.
    """
    kernel = flex_kernel(module, hidden_states.device)

    def attend(query: Tensor, key: Tensor, value: Tensor, mask: BlockMask) -> Tensor:
        heads = (module.split_heads(states) for states in (query, key, value))
        return kernel(*heads, block_mask=mask, scale=module.scaling).transpose(1, 2).flatten(2)

    local = attend(query, key, value, rows.local_masks[module.half_window])
    queries = module.query_global(hidden_states.index_select(1, rows.global_slots))
    every = attend(queries, module.key_global(hidden_states), module.value_global(hidden_states), rows.global_mask)
    # Also where no token is global: their projections get a gradient of zero, for which DistributedDataParallel waits.
    count = rows.global_tokens
    return local.index_copy(1, rows.global_slots[:count], every[:, :count])
