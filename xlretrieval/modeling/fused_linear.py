"""Linear layers on GPUs, where one large product is faster than several small ones, and only some sizes are fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

# Numbers of 16 bits that tensor cores read at once.
_ALIGNED = 8


def project(projections: Sequence[nn.Module], states: Tensor) -> Tensor:
    """Several linear layers of the same states in one product, `(n, hidden)` -> `(n, layers * hidden)`.

    It reads the states once, and its gradient is one product too, not a sum of several.
    """
    if not all(map(is_plain, projections)):
        return torch.cat([projection(states) for projection in projections], -1)
    weight = torch.cat([projection.weight for projection in projections])
    return F.linear(states, weight, torch.cat([projection.bias for projection in projections]))


def is_plain(module: nn.Module, kind: type[nn.Module] = nn.Linear) -> bool:
    """Whether it is its weight and bias, and nothing that an adapter, a quantization or a hook puts around it."""
    if type(module) is not kind or type(module.weight) is not nn.Parameter or module.bias is None:
        return False
    return not is_watched(module)


def is_watched(module: nn.Module) -> bool:
    """Whether something looks at what goes into a module or comes out of it, or at gradients, or takes its place."""
    hooks = module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks
    return any(hooks) or "forward" in vars(module)


def score_words(decoder: nn.Module, states: Tensor) -> Tensor:
    """The decoder's scores, `(..., hidden)` -> `(..., words)`, in 16 bits on a GPU with as many words as it likes.

    105,879 words are no multiple of 8, and products with them, forward and backward, take several times as long as
    with a word more.
    """
    device = states.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else states.dtype
    if device != "cuda" or dtype.itemsize != 2 or not is_plain(decoder) or not len(decoder.weight) % _ALIGNED:
        return decoder(states)
    return filled_linear(decoder, states.to(dtype))


def filled_linear(layer: nn.Linear, states: Tensor) -> Tensor:
    """What the layer gives, in the dtype of the states, computed with outputs that fill it up to a multiple of 8.

    Args:
        layer: With a bias.
        states: `(..., inputs)`.

    Returns:
        `(..., outputs)`, a part of a larger tensor.
    """
    outputs = len(layer.weight)
    weight = F.pad(layer.weight.to(states.dtype), (0, 0, 0, -outputs % _ALIGNED))
    return F.linear(states, weight, F.pad(layer.bias.to(states.dtype), (0, -outputs % _ALIGNED)))[..., :outputs]
