"""Compiling a long encoder layer by layer (torch.compile): one graph for all layers, lengths and batches.

Between the products of a layer stand norms, dropout, activations and casts, each of which reads and writes all states.
Compiled, they are a few kernels. Attention stays as it is, since its calls depend on the rows of a batch, and so does
the model around the layers, which finds these rows by looking at values; a graph cannot. On NVIDIA's GPUs in 16 bits
layers have kernels of their own, and nothing is compiled but those that an adapter or a hook keeps from them.
"""

from __future__ import annotations

from types import MethodType

import torch
from transformers import PreTrainedModel

from .modeling_bert_long import BertLongLayer


def has_long_layers(model: PreTrainedModel) -> bool:
    """Whether it is a long encoder, or has one."""
    return any(isinstance(module, BertLongLayer) for module in model.modules())


def compile_layers(model: PreTrainedModel, backend: str = "inductor") -> None:
    """Compiles the layers in place; parameters and their names stay. It happens at the first calls, in seconds.

    Args:
        model: A long encoder, or a model that has one.
        backend: Of `torch.compile`.
    """
    # Random numbers as without it: dropout is the same, and faster, for a kernel of its own draws four at a time.
    options = {"fallback_random": True} if backend == "inductor" else None
    compiled = torch.compile(BertLongLayer.after_attention, dynamic=True, backend=backend, options=options)
    for module in model.modules():
        if isinstance(module, BertLongLayer):
            module.after_attention = MethodType(compiled, module)  # a copy of the module gets one of its own
