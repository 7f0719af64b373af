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
# Most memory that laid out weights may take, in bytes.
_MOST = 1 << 30
# Numbers of a weight that are looked at to see that it has changed.
_SAMPLE = 256


class _Packed(NamedTuple):
    """A weight as oneDNN lays it out, and what it was then.

    Attributes:
        laid_out: What oneDNN multiplies by.
        weight: The weight, which keeps its address to itself.
        storage: Its numbers, likewise.
        version: How often it had been changed, as far as torch counts.
        sample: Some of its numbers: fused optimizers and `.data` change them without a count.
    """

    laid_out: torch.Tensor
    weight: torch.Tensor
    storage: torch.Tensor
    version: int
    sample: torch.Tensor

    @classmethod
    def of(cls, weight: torch.Tensor) -> _Packed:
        storage = weight.detach()
        laid_out = torch.ops.mkldnn._reorder_linear_weight(storage, _ROWS)
        return cls(laid_out, weight, storage, _version(weight), _sample(storage).clone())

    def is_stale(self, weight: torch.Tensor) -> bool:
        same = weight is self.weight and weight.data_ptr() == self.storage.data_ptr()
        return not (same and _version(weight) == self.version and torch.equal(_sample(weight.detach()), self.sample))


def _version(weight: torch.Tensor) -> int:
    return 0 if weight.is_inference() else weight._version


def _sample(weight: torch.Tensor) -> torch.Tensor:
    numbers = weight.flatten()
    return numbers[:: max(1, len(numbers) // _SAMPLE)]


class _PackedLinear(TorchFunctionMode):
    """Serves `F.linear` of weights that are in the table, in this thread and inside the block only."""

    def __init__(self, weights: dict[int, _Packed]):
        super().__init__()
        self.weights = weights

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if func is F.linear and not kwargs and id(args[1]) in self.weights:  # as nn.Linear calls it
            input, weight, *bias = args
            if input.numel() and input.dtype == weight.dtype and not torch.is_autocast_enabled("cpu"):
                laid_out, rows = self.weights[id(weight)].laid_out, input.reshape(-1, input.shape[-1])
                found = torch.ops.mkldnn._linear_pointwise(rows, laid_out, *(bias or [None]), "none", [], "")
                return found.view(*input.shape[:-1], -1)
        return func(*args, **(kwargs or {}))


class PackedLinears:
    """The linear layers of a model's encoder, laid out; the model itself stays as it is.

    It takes the memory of these weights once more. A weight that has changed since is laid out again. Left out are
    weights with more inputs than outputs, which from some 500 rows on are slower laid out than not (330 against 620
    GFLOP/s for 1,200 rows by 3,072 x 768 in bfloat16), and the pooler and what stands on the encoder: they see one row
    of a pair.

    Args:
        model: Where it `serves`.
    """

    def __init__(self, model: PreTrainedModel):
        self._model = model
        self._weights: dict[int, _Packed] = {}

    @classmethod
    def serves(cls, model: nn.Module) -> bool:
        """Whether the model's linear layers are faster for it, and take no more than 1 GiB laid out."""
        if not isinstance(model, PreTrainedModel):  # as an exported graph is not
            return False
        if model.device.type != "cpu" or model.dtype not in (torch.float32, torch.bfloat16):
            return False
        if torch.backends.cpu.get_cpu_capability() != "AVX512" or not torch.backends.mkldnn.is_available():
            return False
        if not all(hasattr(torch.ops.mkldnn, name) for name in ("_linear_pointwise", "_reorder_linear_weight")):
            return False
        return sum(weight.nbytes for weight in cls._weights_of(model)) <= _MOST

    @staticmethod
    def _weights_of(model: PreTrainedModel) -> Iterator[nn.Parameter]:
        for name, module in model.base_model.named_modules():
            plain = type(module) is nn.Linear and type(module.weight) is nn.Parameter
            if plain and name.split(".")[0] != "pooler" and len(module.weight) >= module.weight.shape[1]:
                yield module.weight

    @contextmanager
    def serve(self) -> Iterator[None]:
        """A context in which these layers multiply by the laid out weights, while the model is still one it serves."""
        if not self.serves(self._model):
            yield
            return
        known, weights = self._weights, {}
        for weight in self._weights_of(self._model):
            packed = known.get(id(weight))
            weights[id(weight)] = _Packed.of(weight) if packed is None or packed.is_stale(weight) else packed
        self._weights = weights  # another thread that is at it finds the same
        with _PackedLinear(weights):
            yield
