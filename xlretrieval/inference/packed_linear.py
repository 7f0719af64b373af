"""Linear layers whose weights are laid out once, as oneDNN multiplies them, on x86 processors with AVX512.

torch lays a weight out anew for every product, which in bfloat16 takes as long as multiplying some hundred rows. On
two cores with AMX, 300 rows by 768 x 3,072 go from 420 to 890 GFLOP/s, 4,096 from 570 to 880; in float32 300 from 194
to 247, and many are as fast as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from transformers import PreTrainedModel

# Rows that a weight is laid out for; fewer multiply as fast.
_ROWS = 4096
# From so many rows on a weight with more inputs than outputs is slower laid out than not: 330 against 620 GFLOP/s for
# 1,200 rows by 3,072 x 768 in bfloat16.
_FEW_ROWS = 512


class _Packed(NamedTuple):
    """A weight as oneDNN lays it out, and of what: its storage and how often it had been changed."""

    weight: torch.Tensor
    state: tuple[int, int]


class _PackedLinear(TorchFunctionMode):
    """Serves `F.linear` of weights that are in the table, in this thread and inside the block only."""

    def __init__(self, weights: dict[int, _Packed]):
        super().__init__()
        self.weights = weights

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if func is F.linear and not kwargs and id(args[1]) in self.weights:  # as nn.Linear calls it
            input, weight, *bias = args
            rows = input.numel() // input.shape[-1]
            fast = rows < _FEW_ROWS or weight.shape[1] <= weight.shape[0]
            if rows and fast and input.dtype == weight.dtype and not torch.is_autocast_enabled("cpu"):
                packed = self.weights[id(weight)].weight
                flat = input.reshape(rows, -1)
                found = torch.ops.mkldnn._linear_pointwise(flat, packed, *(bias or [None]), "none", [], "")
                return found.view(*input.shape[:-1], -1)
        return func(*args, **(kwargs or {}))


class PackedLinears:
    """The linear layers of a model's encoder, laid out; the model itself stays as it is.

    It takes the memory of these weights once more. A weight that has changed since is laid out again. The pooler and
    what stands on the encoder are left out: they see one row of a pair.

    Args:
        model: On a CPU.
    """

    def __init__(self, model: PreTrainedModel):
        self._model = model  # its weights are known by their address, which must stay theirs
        self._weights: dict[int, _Packed] = {}

    @staticmethod
    def serves(model: nn.Module) -> bool:
        """Whether the model's linear layers are faster for it."""
        if not isinstance(model, PreTrainedModel):  # as an exported graph is not
            return False
        if model.device.type != "cpu" or model.dtype not in (torch.float32, torch.bfloat16):
            return False
        avx512 = torch.backends.cpu.get_cpu_capability() == "AVX512"
        names = "_linear_pointwise", "_reorder_linear_weight"
        return avx512 and torch.backends.mkldnn.is_available() and all(hasattr(torch.ops.mkldnn, it) for it in names)

    @contextmanager
    def serve(self) -> Iterator[None]:
        """A context in which these layers multiply by the laid out weights."""
        for name, module in self._model.base_model.named_modules():
            if type(module) is nn.Linear and name.split(".")[0] != "pooler":
                weight = module.weight
                state = weight.data_ptr(), 0 if weight.is_inference() else weight._version
                if id(weight) not in self._weights or self._weights[id(weight)].state != state:
                    laid_out = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), _ROWS)
                    self._weights[id(weight)] = _Packed(laid_out, state)
        with _PackedLinear(self._weights):
            yield
