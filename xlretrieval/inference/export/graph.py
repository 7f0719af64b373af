"""The graph of a reranker as an ONNX file, for batches of any size and inputs of any length.

Inputs are what a tokenizer gives for two texts (`input_ids`, `attention_mask` and, where it has them,
`token_type_ids`), so that any runtime can feed it; the output is one score per row. The long encoder derives its
global tokens from the ids inside the graph, as it does without a mask outside.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn
from transformers import PreTrainedModel

from xlretrieval.data.padding import Batch
from xlretrieval.modeling.attention import derive_global_mask

OPSET = 20  # the first with Gelu; onnxruntime reads it since 1.17
OUTPUT = "logits"


class _Scores(nn.Module):
    """The model with its inputs in a fixed order and nothing but the scores as output."""

    def __init__(self, model: PreTrainedModel, names: Sequence[str]):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *values: torch.Tensor) -> torch.Tensor:
        inputs = dict(zip(self.names, values, strict=True))
        logits = self.model(**inputs, return_dict=True).logits
        if self.model.config.model_type != "bert-long":
            return logits
        # The graph has a fixed number of slots for global tokens, and ONNX knows no assertion: a row that needs more
        # scores NaN instead of something wrong.
        config = self.model.config
        is_global = derive_global_mask(inputs["input_ids"], inputs["attention_mask"].bool(), config.sep_token_id)
        too_many = is_global.long().sum(-1, keepdim=True) > config.max_global_tokens
        return logits.masked_fill(too_many, float("nan"))


def write_graph(model: PreTrainedModel, sample: Batch, path: Path) -> list[str]:
    """Writes the graph; weights beyond 2 GB, the limit of an ONNX file, go into `<name>.data` beside it.

    Args:
        model: A sequence classifier on the CPU, in evaluation mode and float32.
        sample: Any batch of at least two rows. It says which inputs there are; `global_attention_mask` is left out.
        path: The file.

    Returns:
        Names of the inputs, in order.
    """
    names = [name for name in sample if name != "global_attention_mask"]
    sizes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            _Scores(model, names),
            tuple(sample[name] for name in names),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=names,
            output_names=[OUTPUT],
            dynamic_shapes=(tuple(sizes for _ in names),),
            custom_translation_table=_translations(),
        )
        program.save(path)
    return names


def _translations() -> dict[Callable, Callable]:
    """Operators that torch translates into something that cannot be built or that onnxruntime does not run."""
    import onnx_ir
    from onnxscript import opset20 as op

    def remainder(dividend, divisor):
        # torch's own takes no divisor that depends on the length. The blocks of the long encoder are numbered through
        # the batch, all numbers are non-negative.
        return op.Mod(dividend, divisor)

    def where(condition, chosen, other):
        # onnxruntime chooses between numbers only, and the global tokens are a choice between masks.
        if chosen.dtype == onnx_ir.DataType.BOOL:
            return op.Or(op.And(condition, chosen), op.And(op.Not(condition), other))
        return op.Where(condition, chosen, other)

    return {torch.ops.aten.remainder.Scalar: remainder, torch.ops.aten.where.self: where}


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences what the exporter says about torchvision and about its own internals."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
