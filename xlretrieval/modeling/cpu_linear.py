"""Linear layers on x86 processors with AVX512 by oneDNN, forward and backward.

In float32 torch calls MKL, which leaves half of an AMD processor with AVX512 idle: 118 GFLOP/s on one core of an EPYC,
where oneDNN reaches 220 to 260 with the same weights, at the same accuracy. In bfloat16 torch calls oneDNN itself.
Linear layers are 70 to 90% of an encoder's time. Without AVX512 both are the same, 60 to 80 GFLOP/s, and oneDNN has no
bfloat16.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.autograd.graph import get_gradient_edge
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode


class _OneDnnLinear(TorchFunctionMode):
    """Calls oneDNN for `F.linear`, in this thread and inside the block only; the model stays as it is."""

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if func is F.linear:
            return _linear(*args, **(kwargs or {}))
        if func is torch.Tensor.backward and args[0].requires_grad:
            # torch takes a mode away while one of its functions runs, but layers that are computed again for the
            # gradient must be computed alike: checkpointing refuses anything else.
            with self:
                return _backward(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


class _Linear(torch.autograd.Function):
    """`F.linear` of rows, `(n, inputs)`, whose three products are oneDNN's."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        ctx.save_for_backward(rows, weight)
        return _product(rows, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rows, weight = ctx.saved_tensors
        gradient = gradient.contiguous()  # that of a sum is one number, which oneDNN reads a thousand times slower
        of_rows, of_weight, of_bias = ctx.needs_input_grad
        return (
            _product(gradient, weight.t()) if of_rows else None,
            _product(gradient.t(), rows.t()) if of_weight else None,
            gradient.sum(0) if of_bias else None,
        )


def _backward(
    loss: torch.Tensor,
    gradient: torch.Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """`Tensor.backward`, from the loss's place in the graph, in which no mode sees a tensor and asks to be called."""
    edge = get_gradient_edge(loss)
    torch.autograd.backward(edge, gradient, retain_graph, create_graph, inputs=inputs)


def _product(rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    return torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")


def _linear(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    served = input.dtype == weight.dtype and input.dtype in (torch.float32, torch.bfloat16) and input.dim() > 1
    if not served or not input.numel() or torch.is_autocast_enabled("cpu"):
        return F.linear(input, weight, bias)
    if not torch.is_grad_enabled():
        return _product(input.contiguous(), weight, bias)
    return _Linear.apply(input.reshape(-1, input.shape[-1]), weight, bias).unflatten(0, input.shape[:-1])


def is_on_cpu(model: nn.Module) -> bool:
    """Whether no parameter is elsewhere."""
    return all(parameter.device.type == "cpu" for parameter in model.parameters())


def fast_linear(model: nn.Module) -> AbstractContextManager:
    """A context in which the model's linear layers are fast, and their gradients too.

    Args:
        model: Left as it is where it is not on an x86 processor with AVX512, or torch was built without oneDNN.
    """
    avx512 = torch.backends.cpu.get_cpu_capability() == "AVX512"
    served = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    if is_on_cpu(model) and avx512 and served:
        return _OneDnnLinear()
    return nullcontext()
