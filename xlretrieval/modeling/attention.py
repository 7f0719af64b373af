"""Window + global attention: who sees whom, and three ways to compute it.

Definition (total window width w, a 0/1 mask of global tokens, padding never attended to):

- a local token attends to the global tokens and to the tokens at most w // 2 away, in one softmax over both, a global
  token inside the window counting once, all with the `query`, `key` and `value` projections;
- a global token attends to every token, with `query_global`, `key_global` and `value_global`.

This is Longformer's attention (Beltagy et al. 2020, https://arxiv.org/abs/2004.05150) for any global mask and any
length. `eager` writes it down as one dense mask and is the reference. `sdpa` cuts the sequence into blocks of queries,
each with its neighbourhood and the gathered global keys, so memory and time grow linearly with the length.
`flex_attention` compiles the same mask into a block-sparse kernel (CUDA).

What padding tokens output is unspecified but finite: every token may attend to itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

if TYPE_CHECKING:
    from torch import Tensor

# Up to this length one dense block is cheaper than several overlapping ones: at 256 tokens and window 64 the blocks
# would hold as many scores as the whole matrix, and copy every key twice.
DENSE_LENGTH = 256
# Graphs of one function of flex_attention that torch may compile.
MAX_GRAPHS = 128


@dataclass
class AttentionPattern:
    """What all layers of one forward pass share: computed once, from the two masks.

    Attributes:
        valid: Not padding, bool `(batch, length)`.
        is_global: Global and not padding, bool `(batch, length)`.
        slots: Position of the s-th global token of a row, `(batch, slots)`; 0 where there are fewer.
        slot_valid: Whether the slot holds a token, bool `(batch, slots)`.
        slot_of_token: For a global token its slot, `(batch, length)`; arbitrary for local tokens.
        local_masks: For every half window the mask of the local rows, as its implementation wants it.
        key_mask: Keys of the global rows, bool `(batch, 1, 1, length)`.
    """

    valid: Tensor
    is_global: Tensor
    slots: Tensor
    slot_valid: Tensor
    slot_of_token: Tensor
    key_mask: Tensor
    local_masks: dict[int, Tensor | Blocks | BlockMask] = field(default_factory=dict)


@dataclass
class Blocks:
    """The sequences of a batch cut into blocks of queries, each with the keys it may see.

    Tokens are numbered through the batch, `row * length + position`, and gathered by number: no shape depends on how
    the length divides, so one compiled or exported graph serves every length.

    Attributes:
        queries: Token of every query, `(blocks of all rows, block)`.
        keys: Token of every key, `(blocks of all rows, block + 2 * half window + slots)`.
        mask: Which query sees which key, bool `(blocks of all rows, 1, queries, keys)`.
        outputs: Place of every token among all queries, `(batch, length)`.
    """

    queries: Tensor
    keys: Tensor
    mask: Tensor
    outputs: Tensor


def derive_global_mask(input_ids: Tensor | None, valid: Tensor, sep_token_id: int | None) -> Tensor:
    """Marks the global tokens from the input ids alone, without looking at values in Python.

    Of a pair (two separators or more) everything up to and including the first separator; of a single text the first
    token. The collators mark the same tokens.

    Args:
        input_ids: `(batch, length)`, or None when embeddings were given: then the first token is global.
        valid: Not padding, bool `(batch, length)`.
        sep_token_id: Id of the separator.

    Returns:
        Bool `(batch, length)`.
    """
    first = valid & (valid.long().cumsum(-1) == 1)
    if input_ids is None or sep_token_id is None:
        return first
    separator = ((input_ids == sep_token_id) & valid).long()
    separators = separator.cumsum(-1)
    query = valid & (separators - separator == 0)
    return torch.where(separators[:, -1:] >= 2, query, first)


def build_pattern(
    valid: Tensor, is_global: Tensor, windows: Iterable[int], implementation: str, max_global_tokens: int
) -> AttentionPattern:
    """Prepares the masks of one forward pass.

    Args:
        valid: Not padding, bool `(batch, length)`.
        is_global: Global tokens, bool `(batch, length)`; padding is never global.
        windows: Total window widths of the layers.
        implementation: `"eager"`, `"sdpa"` or `"flex_attention"`.
        max_global_tokens: Number of slots in compiled graphs; elsewhere the global tokens are counted.
    """
    batch, length = valid.shape
    is_global = is_global & valid
    rank = is_global.long().cumsum(-1)
    counts = rank[:, -1]
    if torch.compiler.is_compiling():
        slots = max_global_tokens
        torch._assert_async(
            (counts <= slots).all(),
            "a row must have at most config.max_global_tokens global tokens in a compiled graph. Raise it.",
        )
    else:
        # At least one slot, so that the global projections always get a gradient (zero when nothing is global):
        # DistributedDataParallel waits for every parameter.
        slots = max(1, int(counts.max())) if batch else 1
    # Tokens that are not global all write to the extra slot, which is cut off.
    position = torch.arange(length, device=valid.device).expand(batch, length)
    target = torch.where(is_global, rank - 1, slots).clamp(max=slots)
    slot_position = torch.zeros(batch, slots + 1, dtype=torch.long, device=valid.device)
    slot_position = slot_position.scatter(1, target, position)[:, :slots]
    slot_valid = torch.arange(slots, device=valid.device) < counts[:, None]
    pattern = AttentionPattern(
        valid=valid,
        is_global=is_global,
        slots=torch.where(slot_valid, slot_position, 0),
        slot_valid=slot_valid,
        slot_of_token=(rank - 1).clamp(min=0, max=slots - 1),
        # A row of nothing but padding attends to itself: a softmax over no key would be NaN, in the gradients too.
        key_mask=(valid | ~valid.any(-1, keepdim=True))[:, None, None, :],
    )
    build_mask = LOCAL_MASKS[implementation]
    for window in windows:
        half = window // 2
        if half not in pattern.local_masks:
            pattern.local_masks[half] = build_mask(pattern, half)
    return pattern


def _dense_mask(pattern: AttentionPattern, half: int) -> Tensor:
    """Mask of the local rows, bool `(batch, 1, length, length)`."""
    position = torch.arange(pattern.valid.shape[1], device=pattern.valid.device)
    distance = (position[:, None] - position[None, :]).abs()
    seen = ((distance <= half) | pattern.is_global[:, None, :]) & pattern.valid[:, None, :]
    return (seen | (distance == 0))[:, None]


def _block_size(half: int) -> int:
    """Queries per block. A block copies 2 * half keys it shares with its neighbours, so wide windows want more."""
    return max(64, 2 * half)


def _use_dense_block(length: int) -> bool:
    # A compiled or exported graph serves every length, so it does not branch on one.
    return not torch.compiler.is_compiling() and length <= DENSE_LENGTH


def _blocks(pattern: AttentionPattern, half: int) -> Tensor | Blocks:
    """Mask and positions of the local rows; for short inputs one dense block, that is, a mask alone."""
    batch, length = pattern.valid.shape
    if _use_dense_block(length):
        return _dense_mask(pattern, half)
    block, device = _block_size(half), pattern.valid.device
    blocks = (length + block - 1) // block
    number = torch.arange(batch * blocks, device=device)[:, None]
    row, start = number // blocks, number % blocks * block
    query = start + torch.arange(block, device=device)
    key = start + torch.arange(-half, block + half, device=device)
    # Outside of its row a block reads the nearest token; nothing attends to that.
    near_query, near_key = query.clamp(max=length - 1), key.clamp(0, length - 1)
    # Global keys are taken from the slots, so the window leaves them out: they count once.
    seen = (pattern.valid & ~pattern.is_global)[row, near_key] & (key >= 0) & (key < length)
    distance = key[:, None, :] - query[:, :, None]
    window = seen[:, None, :] & (distance.abs() <= half)
    # A global token sees itself in its slot, a token of padding only here.
    padding = ~pattern.valid[row, near_query] | (query >= length)
    window = window | (padding[:, :, None] & (distance == 0))
    slots = pattern.slot_valid[row].expand(-1, block, -1)
    slot_key = pattern.slots[row[:, 0]]
    return Blocks(
        queries=row * length + near_query,
        keys=row * length + torch.cat([near_key, slot_key], dim=-1),
        mask=torch.cat([window, slots], dim=-1)[:, None],
        outputs=torch.arange(batch, device=device)[:, None] * (blocks * block) + torch.arange(length, device=device),
    )


def _block_sparse_mask(pattern: AttentionPattern, half: int) -> BlockMask:
    valid, is_global = pattern.valid, pattern.is_global

    def sees(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        near = (query - key).abs() <= half
        return ((near | is_global[row, key]) & valid[row, key]) | (query == key)

    batch, length = valid.shape
    return block_mask(sees, batch, length, length, valid.device)


def block_mask(sees: Callable[..., Tensor], batch: int, queries: int, keys: int, device: torch.device) -> BlockMask:
    """The mask `sees(row, head, query, key)` of all heads, as the kernel of flex_attention wants it.

    Args:
        sees: Which query sees which key, of tensors of indices.
        batch: Rows.
        queries: Number of queries of a row.
        keys: Number of its keys.
        device: Where it is made.
    """
    # Compiled, the mask is evaluated block by block; otherwise the whole matrix would exist once.
    make = _compiled(create_block_mask) if device.type == "cuda" else create_block_mask
    return make(sees, batch, None, queries, keys, device=device)


LOCAL_MASKS: dict[str, Callable[[AttentionPattern, int], Tensor | Blocks | BlockMask]] = {
    "eager": _dense_mask,
    "sdpa": _blocks,
    "flex_attention": _block_sparse_mask,
}


def eager_attention(
    module: nn.Module, hidden_states: Tensor, query: Tensor, key: Tensor, value: Tensor, pattern: AttentionPattern
) -> tuple[Tensor, Tensor]:
    """The definition, written down: every score of every pair of tokens, then a mask. The reference of the others.

    Args:
        module: The attention layer: its global projections, `split_heads`, `scaling`, `half_window`, `dropout_prob`.
        hidden_states: `(batch, length, hidden)`.
        query: Local queries, `(batch, heads, length, head_dim)`; `key` and `value` alike.
        key: Local keys.
        value: Local values.
        pattern: The masks of this forward pass.

    Returns:
        The output `(batch, heads, length, head_dim)` and the probabilities `(batch, heads, length, length)`.
    """

    def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        scores = (query @ key.transpose(-1, -2)) * module.scaling
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        probabilities = F.dropout(scores.softmax(-1), module.dropout_prob, module.training)
        return probabilities @ value, probabilities

    output, probabilities = attend(query, key, value, pattern.local_masks[module.half_window])
    global_query, global_key, global_value = (
        module.split_heads(projection(hidden_states))
        for projection in (module.query_global, module.key_global, module.value_global)
    )
    global_output, global_probabilities = attend(global_query, global_key, global_value, pattern.key_mask)
    is_global = pattern.is_global[:, None, :, None]
    return (
        torch.where(is_global, global_output, output),
        torch.where(is_global, global_probabilities, probabilities),
    )


def blocked_attention(
    module: nn.Module, hidden_states: Tensor, query: Tensor, key: Tensor, value: Tensor, pattern: AttentionPattern
) -> tuple[Tensor, None]:
    """Window + global attention in memory linear in the length. Arguments as for `eager_attention`."""
    blocks = pattern.local_masks[module.half_window]
    if isinstance(blocks, Blocks):
        query, key, value = _take(query, blocks.queries), _take(key, blocks.keys), _take(value, blocks.keys)
        output = _take(_sdpa(module, query, key, value, blocks.mask), blocks.outputs)
    else:
        output = _sdpa(module, query, key, value, blocks)
    return _with_global_rows(module, hidden_states, output, pattern), None


def _take(states: Tensor, tokens: Tensor) -> Tensor:
    """Gathers tokens by number: `(rows, heads, length, head_dim)` and `(n, k)` -> `(n, heads, k, head_dim)`."""
    taken = states.transpose(1, 2).flatten(0, 1).index_select(0, tokens.flatten())
    return taken.unflatten(0, tokens.shape).transpose(1, 2)


def flex_local_attention(
    module: nn.Module, hidden_states: Tensor, query: Tensor, key: Tensor, value: Tensor, pattern: AttentionPattern
) -> tuple[Tensor, None]:
    """Window + global attention with the local rows in one block-sparse kernel. Arguments as for `eager_attention`.

    Raises:
        ValueError: In training with dropout of the attention probabilities, which the kernel does not have.
    """
    kernel = flex_kernel(module, query.device)
    mask = pattern.local_masks[module.half_window]
    output = kernel(query, key, value, block_mask=mask, scale=module.scaling)
    return _with_global_rows(module, hidden_states, output, pattern), None


def flex_kernel(module: nn.Module, device: torch.device) -> Callable:
    """The kernel of flex_attention: compiled on CUDA, elsewhere its definition, which has no gradient.

    Raises:
        ValueError: In training with dropout of the attention probabilities, which the kernel does not have.
    """
    if module.training and module.dropout_prob > 0:
        raise ValueError(
            f"attention_probs_dropout_prob must be 0 to train with flex_attention, got {module.dropout_prob}. "
            'Set it to 0 in the configuration, or use attn_implementation="sdpa".'
        )
    return _compiled(flex_attention, dynamic=True) if device.type == "cuda" else flex_attention


_COMPILED: dict[Callable, Callable] = {}


def _compiled(function: Callable, dynamic: bool | None = None) -> Callable:
    """A function of torch, compiled once per process, and only where a model uses it."""
    if torch.compiler.is_compiling():
        return function
    if function not in _COMPILED:
        compiled = torch.compile(function, dynamic=dynamic)

        def call(*args: object, **options: object) -> object:
            # Local and global masks, with a gradient and without, and every dtype are graphs of their own. Behind the
            # limit, 8 by default, torch would build the whole matrix of scores.
            with torch._dynamo.config.patch(recompile_limit=MAX_GRAPHS):
                return compiled(*args, **options)

        _COMPILED[function] = call
    return _COMPILED[function]


def _sdpa(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    dropout = module.dropout_prob if module.training else 0.0
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout, scale=module.scaling)


def _with_global_rows(module: nn.Module, hidden_states: Tensor, output: Tensor, pattern: AttentionPattern) -> Tensor:
    """Replaces the rows of global tokens in `output`, `(batch, heads, length, head_dim)`."""
    _, heads, _, dim = output.shape
    index = pattern.slots[:, :, None].expand(-1, -1, hidden_states.shape[-1])
    query = module.split_heads(module.query_global(hidden_states.gather(1, index)))
    key = module.split_heads(module.key_global(hidden_states))
    value = module.split_heads(module.value_global(hidden_states))
    rows = _sdpa(module, query, key, value, pattern.key_mask)
    back = pattern.slot_of_token[:, None, :, None].expand(-1, heads, -1, dim)
    return torch.where(pattern.is_global[:, None, :, None], rows.gather(2, back), output)


ATTENTION_FUNCTIONS: dict[str, Callable[..., tuple[torch.Tensor, torch.Tensor | None]]] = {
    "eager": eager_attention,
    "sdpa": blocked_attention,
    "flex_attention": flex_local_attention,
}
