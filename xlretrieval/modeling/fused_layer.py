"""A whole layer of the long encoder for a batch without padding, as one step of autograd (CUDA, 16 bits).

Between its products a layer has attention and four passes over all states; the rest of the time a small batch takes is
what the processor needs to tell the device about them. Here that is one function forward and one backward, without a
graph between them: weights are cast in one launch, gradients are added where they belong by the products themselves,
and what is cheap to compute again is not stored. `fused_attention.py` computes the attention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from transformers.activations import GELUActivation
from transformers.models.bert.modeling_bert import BertIntermediate, BertOutput, BertSelfOutput

from .fused_attention import FusedRows, Launch, chances, run
from .fused_linear import is_plain, is_watched

if TYPE_CHECKING:
    from torch import Tensor

# Numbers that one program activates; of a gradient, columns and rows of one program. Slots are a multiple of the rows.
NUMBERS = 2048
COLUMNS = 512
ROWS = 32


@dataclass(frozen=True)
class _Settings:
    """What a layer has beside its weights.

    Attributes:
        rows: Where the rows stand.
        heads: How many.
        head_dim: Numbers of a head.
        half: A local token sees so many tokens before and after itself.
        scale: Of the scores.
        attention_dropout: Probability, for the weights of attention.
        dropouts: Probabilities, after attention and at the end of the layer.
        epsilons: Of both norms.
        learns: Whether a gradient will be asked for.
    """

    rows: FusedRows
    heads: int
    head_dim: int
    half: int
    scale: float
    attention_dropout: float
    dropouts: tuple[float, float]
    epsilons: tuple[float, float]
    learns: bool

    def with_seeds(self, seeds: Tensor | None) -> tuple[Launch, _Norm, _Norm]:
        """Attention and both norms, with what their dropout follows from: `(3,)`, None without any."""
        of_attention, *of_norms = [None] * 3 if seeds is None else seeds.split(1)
        launch = Launch(self.rows, self.scale, self.attention_dropout, of_attention, self.head_dim)
        norms = zip(self.dropouts, of_norms, self.epsilons, strict=True)
        return launch, *(_Norm(*settings, self.learns) for settings in norms)


def can_fuse(layer: nn.Module) -> bool:
    """Whether what a layer has inside is that of the checkpoints, without adapters, quantization or hooks, with GELU.

    Args:
        layer: A `BertLongLayer` and its `BertLongSelfAttention`.
    """
    if getattr(torch.nn.modules.module, "_has_any_global_hook", bool)():
        return False
    attention, middle, output = layer.attention, layer.intermediate, layer.output
    kinds = {attention.output: BertSelfOutput, middle: BertIntermediate, output: BertOutput}
    if any(type(module) is not kind for module, kind in kinds.items()):
        return False
    activation, drops = middle.intermediate_act_fn, (attention.output.dropout, output.dropout)
    if type(activation) is not GELUActivation or activation.act is not F.gelu:
        return False
    if any(type(module) is not nn.Dropout for module in drops):
        return False
    if any(map(is_watched, (attention, attention.self, activation, *drops, *kinds))):
        return False
    sides, linear, norms = _parts(layer)
    return all(map(is_plain, (*sides, *linear))) and all(is_plain(norm, nn.LayerNorm) for norm in norms)


def run_fused(layer: nn.Module, hidden_states: Tensor, rows: FusedRows) -> Tensor:
    """A layer that `can_fuse`.

    Args:
        layer: A `BertLongLayer`.
        hidden_states: `(1, slots, hidden)`.
        rows: Where the rows stand.

    Returns:
        `(1, slots, hidden)`.
    """
    sides, linear, norms = _parts(layer)
    parameters = [values for module in (*sides, *linear, *norms) for values in (module.weight, module.bias)]
    attention, drops = layer.attention.self, (layer.attention.output.dropout, layer.output.dropout)
    # Not a selection, whose gradient would be filled up.
    inputs = hidden_states.flatten(0, 1).to(rows.dtype).contiguous()
    settings = _Settings(
        rows,
        attention.num_attention_heads,
        attention.attention_head_size,
        attention.half_window,
        attention.scaling,
        attention.dropout_prob if attention.training else 0.0,
        tuple(drop.p if drop.training else 0.0 for drop in drops),
        tuple(norm.eps for norm in norms),
        torch.is_grad_enabled() and any(values.requires_grad for values in (inputs, *parameters)),
    )
    return _Layer.apply(inputs, settings, *parameters)[None]


def _parts(layer: nn.Module) -> tuple[tuple[nn.Module, ...], ...]:
    """Projections of all tokens, other linear layers, and norms."""
    attention, output = layer.attention.self, layer.attention.output
    sides = attention.query, attention.key, attention.value, attention.key_global, attention.value_global
    linear = attention.query_global, output.dense, layer.intermediate.dense, layer.output.dense
    return sides, linear, (output.LayerNorm, layer.output.LayerNorm)


class _Layer(torch.autograd.Function):
    """A layer, `(slots, hidden)` -> `(slots, hidden)`.

    Parameters are weight and bias in turn: of the five projections of all tokens, of that of global queries, of
    attention's output, of both products of the feed-forward part, and of two norms.
    """

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, settings: _Settings, *parameters: Tensor) -> Tensor:
        rows, heads = settings.rows, settings.heads
        first_weight, first_bias, last_weight, last_bias = parameters[18:]
        weight, bias, *linear = _cast(parameters[:18], inputs.dtype)
        of_query, query_bias, of_attended, attended_bias, of_middle, middle_bias, of_active, active_bias = linear
        # From the device's own generator, whose state checkpointing puts back; the processor does not wait for it.
        drops = any((settings.attention_dropout, *settings.dropouts))
        seeds = torch.randint(1 << 31, (3,), device=inputs.device) if drops else None
        launch, first, last = settings.with_seeds(seeds)

        projected = torch.addmm(bias, inputs, weight.t()).unflatten(1, (5, heads, -1))
        asking = inputs.index_select(0, rows.global_slots)
        queries = torch.addmm(query_bias, asking, of_query.t()).unflatten(1, (heads, -1))
        attended, logarithms = launch.attend(projected, queries, settings.half)
        attended = attended.flatten(1)
        states = torch.addmm(attended_bias, attended, of_attended.t())
        middle, *first_saved = first.forward(states, inputs, first_weight, first_bias)
        inner = torch.addmm(middle_bias, middle, of_middle.t())
        active = torch.empty_like(inner) if settings.learns else inner
        _activate(inner, active)
        states = torch.addmm(active_bias, active, of_active.t())
        output, *last_saved = last.forward(states, middle, last_weight, last_bias)
        if settings.learns:
            ctx.save_for_backward(
                *(inputs, asking, projected, queries, attended, logarithms, middle, inner, *first_saved, *last_saved),
                *(seeds, *parameters),
            )
            ctx.settings = settings
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inputs, asking, projected, queries, attended, logarithms, middle, inner, *saved = ctx.saved_tensors
        first_saved, last_saved, (seeds, *parameters) = saved[:3], saved[3:6], saved[6:]
        settings, (_, _, *needed) = ctx.settings, ctx.needs_input_grad
        launch, first, last = settings.with_seeds(seeds)
        # Cast again: copies kept until now would be as much as all weights in 16 bits.
        weight, _, of_query, _, of_attended, _, of_middle, _, of_active, _ = _cast(parameters[:18], inputs.dtype)

        upstream = gradient.contiguous()
        toward_middle, toward_states, of_last = last.backward(upstream, *last_saved, parameters[20])
        toward_inner = toward_states @ of_active
        active, inner_sums = _activate_backward(toward_inner, inner)
        active_pair = _pair(needed[16:18], toward_states, active, of_last[2])
        inner_pair = _pair(needed[14:16], toward_inner, middle, inner_sums)
        toward_middle.addmm_(toward_inner, of_middle)
        del active, toward_inner

        toward_inputs, toward_states, of_first = first.backward(toward_middle, *first_saved, parameters[18])
        attended_pair = _pair(needed[12:14], toward_states, attended, of_first[2])
        by_head = queries.shape[1:]
        toward_attended = (toward_states @ of_attended).unflatten(1, by_head)
        found = launch.gradients(
            projected, queries, toward_attended, attended.unflatten(1, by_head), logarithms, settings.half
        )
        toward_projected, toward_queries = (values.flatten(1) for values in found)
        both = any(needed[:10:2]), any(needed[1:10:2])
        sides = _pair(both, toward_projected, inputs, None)
        parts = zip(*([None] * 5 if values is None else values.chunk(5) for values in sides), strict=True)
        side_pairs = [values for pair in parts for values in pair]
        query_pair = _pair(needed[10:12], toward_queries, asking, None)
        if ctx.needs_input_grad[0]:
            toward_inputs.addmm_(toward_projected, weight)
            toward_inputs.index_add_(0, settings.rows.global_slots, toward_queries @ of_query)
        pairs = *side_pairs, *query_pair, *attended_pair, *inner_pair, *active_pair
        return toward_inputs, None, *pairs, *of_first[:2], *of_last[:2]


def _cast(parameters: Sequence[Tensor], dtype: torch.dtype) -> list[Tensor]:
    """In one launch and one piece of memory: weights and biases of the five projections of all tokens together, the
    others after them."""
    parameters = *parameters[:10:2], *parameters[1:10:2], *parameters[10:]
    sizes = [values.numel() for values in parameters]
    flat = parameters[0].new_empty(sum(sizes), dtype=dtype)
    parts = [part.view_as(values) for part, values in zip(flat.split(sizes), parameters, strict=True)]
    torch._foreach_copy_(parts, list(parameters))
    weights, biases = sum(sizes[:5]), sum(sizes[5:10])
    together = flat[:weights].view(-1, parameters[0].shape[1]), flat[weights : weights + biases]
    return [*together, *parts[10:]]


def _pair(
    needed: Sequence[bool], gradient: Tensor, states: Tensor, sums: Tensor | None
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of a linear layer's weight and bias, computed where they are needed; `sums` is that of the bias."""
    weight = gradient.t() @ states if needed[0] else None
    return weight, gradient.sum(0) if sums is None and needed[1] else sums


@dataclass(frozen=True)
class _Norm:
    """LayerNorm of the sum of a layer's input and what dropout leaves of its states.

    Attributes:
        dropout: Probability.
        seed: Of dropout, `(1,)`; None without any in the layer.
        epsilon: Of the norm.
        learns: Whether a gradient will be asked for.
    """

    dropout: float
    seed: Tensor | None
    epsilon: float
    learns: bool

    def forward(self, states: Tensor, residual: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
        """Output, and what `backward` is given; `states` are lost."""
        from .layer_kernels import add_and_normalise  # triton is not there on every machine, and takes its time

        slots, hidden = states.shape
        output = torch.empty_like(states) if self.learns else states
        means, scales = (states.new_empty(slots, dtype=torch.float32) for _ in range(2))
        given = states, residual, weight, bias, states, output, means, scales, self._seed(states), self.epsilon
        run(add_and_normalise, (slots,), *given, *chances(self.dropout), **self._sizes(hidden), KEEPS=self.learns)
        return output, states, means, scales

    def backward(
        self, gradient: Tensor, sums: Tensor, means: Tensor, scales: Tensor, weight: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of residual and states, which are one tensor without dropout; then those of the norm's weight and
        bias and the sum of those of the states, `(3, hidden)`."""
        from .layer_kernels import differentiate_norm

        slots, hidden = sums.shape
        of_residual = torch.empty_like(sums)
        of_states = torch.empty_like(sums) if self.dropout else of_residual
        partial = sums.new_empty((slots // ROWS, 3, hidden), dtype=torch.float32)
        given = gradient, sums, means, scales, weight, of_residual, of_states, partial, self._seed(sums)
        run(differentiate_norm, (slots // ROWS,), *given, *chances(self.dropout), **self._sizes(hidden), SPAN=ROWS)
        return of_residual, of_states, partial.sum(0)

    def _seed(self, like: Tensor) -> Tensor:
        """Any address where it is not read."""
        return like if self.seed is None else self.seed

    def _sizes(self, hidden: int) -> dict[str, int]:
        return {"SIZE": hidden, "WIDTH": 1 << (hidden - 1).bit_length(), "DROPS": self.dropout > 0, "warps": 2}


def _activate(states: Tensor, output: Tensor) -> None:
    """GELU, in place where both are one."""
    from .layer_kernels import activate

    count = states.numel()
    run(activate, (-(-count // NUMBERS),), states, output, count, BLOCK=NUMBERS)


def _activate_backward(gradient: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    """Puts the gradient of GELU's input in the place of that of its output; the output once more, and the sums of the
    gradient, `(inner,)`."""
    from .layer_kernels import differentiate_activation

    slots, inner = states.shape
    output, partial = torch.empty_like(states), states.new_empty((slots // ROWS, inner), dtype=torch.float32)
    grid = -(-inner // COLUMNS) * (slots // ROWS)
    run(differentiate_activation, (grid,), gradient, states, output, partial, SIZE=inner, BLOCK=COLUMNS, SPAN=ROWS)
    return output, partial.sum(0)
