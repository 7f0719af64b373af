"""Linear layers in 8-bit integers, on x86 processors.

Weights are rounded once, with a scale for every output; the rows that go in are rounded when they come, with a scale
for every token. So what a token becomes depends on that token alone. Sums are exact, in 32 bits. Everything else
(attention, layer norms, heads) stays in the precision of the model, and only by its rounding do scores depend on the
batch: in bfloat16 by their last bits.
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

from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval
from xlretrieval.modeling.tiled_attention import may_fold

_ZERO = 128  # what oneDNN multiplies fastest is unsigned; this stands for 0
_LARGEST = 127
_SMALLEST = 1e-30  # that a row of zeros is divided by
# Without VNNI the processor adds two products in 16 bits, and stops at their end: 2 * 255 * 64 is still below it.
_LARGEST_WITHOUT_VNNI = 63


class _Weight(NamedTuple):
    """A weight in 8 bits: as oneDNN lays it out, the scale of every output, and their zero points, which are 0."""

    packed: torch.Tensor
    scales: torch.Tensor
    zero_points: torch.Tensor


class _Rows(NamedTuple):
    """Rows in 8 bits, `(rows, inputs)`, and the scale of each, `(rows, 1)`, in the dtype of the products."""

    integers: torch.Tensor
    scale: torch.Tensor


# What may stand between layers that read the same rows without a change to them: queries, keys and values do.
_VIEWS = {torch.Tensor.view, torch.Tensor.flatten, torch.Tensor.unflatten, torch.Tensor.transpose}


class _Int8Linear(TorchFunctionMode):
    """Serves `F.linear` of weights that are in the table, in this thread and inside the block only."""

    def __init__(self, weights: dict[int, _Weight]):
        super().__init__()
        self.weights = weights
        self.last: tuple[torch.Tensor, _Rows] | None = None

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if func is F.linear and not kwargs and id(args[1]) in self.weights:  # as nn.Linear calls it
            if self.last is None or self.last[0] is not args[0]:
                self.last = args[0], _rounded_rows(args[0])
            return _linear(args[0], self.last[1], self.weights[id(args[1])], *args[2:])
        if func not in _VIEWS and getattr(func, "__name__", "") != "__get__":
            self.last = None
        return func(*args, **(kwargs or {}))


class Int8Linears:
    """The linear layers of a model's encoder in 8 bits; the model itself stays as it is.

    The pooler and what stands on the encoder are left out: they see one row of a pair, and give its score. So does the
    last layer of a long encoder, see `first_token_scorer`: of first tokens, which are much alike, 8 bits keep little
    that tells one from another.

    Args:
        model: On a CPU. Weights that are changed later are not seen.

    Raises:
        ValueError: The model is not on a CPU, or its torch has no 8-bit products for this processor.
    """

    def __init__(self, model: PreTrainedModel):
        if model.device.type != "cpu":
            raise ValueError(f"dtype int8 must run on a CPU, got {model.device}. Use bfloat16 there.")
        if not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.onednn, "qlinear_pointwise"):
            raise ValueError(
                "dtype int8 must have oneDNN's 8-bit products, which are for x86, got a torch without. Use auto."
            )
        self._model = model  # its weights are known by their address, which must stay theirs
        kept = ["pooler."]
        if type(model) is BertLongForXLRetrieval:
            kept.append(f"encoder.layer.{model.config.num_hidden_layers - 1}.")
        self._weights = {
            id(module.weight): _rounded(module.weight)
            for name, module in model.base_model.named_modules()
            if isinstance(module, nn.Linear) and not name.startswith(tuple(kept))
        }

    @contextmanager
    def serve(self) -> Iterator[None]:
        """A context in which these layers multiply in 8 bits."""
        token = may_fold.set(self._model.dtype == torch.bfloat16)  # products in float32 are too slow beside these
        try:
            with _Int8Linear(self._weights):
                yield
        finally:
            may_fold.reset(token)


def _rounded(weight: torch.Tensor) -> _Weight:
    values = weight.detach().float()
    vnni = getattr(torch.cpu, "_is_vnni_supported", bool)()  # what an older torch cannot tell counts as without
    largest = _LARGEST if vnni else _LARGEST_WITHOUT_VNNI
    scales = values.abs().amax(1).clamp_min(torch.finfo(torch.float32).tiny) / largest
    integers = (values / scales[:, None]).round().to(torch.int8)
    packed = torch.ops.onednn.qlinear_prepack(integers, None)
    return _Weight(packed, scales, torch.zeros(len(scales), dtype=torch.int64))


def _rounded_rows(input: torch.Tensor) -> _Rows:
    rows = input.reshape(-1, input.shape[-1])
    # What is not finite makes the scale so too, and with it the result.
    scale = rows.abs().amax(1, keepdim=True).float().clamp_min(_SMALLEST) / _LARGEST
    dtype = torch.bfloat16 if rows.dtype == torch.bfloat16 else torch.float32
    if dtype == torch.bfloat16:
        # Products are scaled in bfloat16: by a scale that it has, so that nothing is lost, and none that is too small.
        scale = (scale * (1 + 2**-8)).to(dtype)
    # In bfloat16 quotients are so too: above 64 they keep one bit behind the point, which costs next to nothing of
    # what rounding to integers does. Through signed integers, which torch converts to 5 times as fast.
    integers = (rows.to(dtype) / scale).round_().to(torch.int8)
    return _Rows(integers.view(torch.uint8).bitwise_xor_(_ZERO), scale)


def _linear(input: torch.Tensor, rows: _Rows, weight: _Weight, bias: torch.Tensor | None = None) -> torch.Tensor:
    given, no_output = (rows.integers, 1.0, _ZERO), (1.0, 0, rows.scale.dtype)
    sums = torch.ops.onednn.qlinear_pointwise(*given, *weight, None, *no_output, "none", [], "")
    if bias is None:
        result = sums.mul_(rows.scale)
    else:
        result = torch.addcmul(bias.to(sums.dtype), sums, rows.scale)
    return result.to(input.dtype).view(*input.shape[:-1], len(weight.scales))
