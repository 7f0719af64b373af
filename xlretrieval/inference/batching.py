"""From rows to batches for inference: input limits, sorting by length, a budget of tokens per batch."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xlretrieval.data.padding import PAD_MULTIPLE
from xlretrieval.modeling.cpu_linear import fast_linear
from xlretrieval.modeling.cpu_memory import kept_memory
from xlretrieval.modeling.modeling_bert_long import BertLongPreTrainedModel

# Texts or pairs tokenized at a time: the tokenizer's result keeps some 200 bytes a token, of which we keep the id.
TOKENIZE_CHUNK = 1024


def input_limit(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_length: int | None = None) -> int:
    """Longest input, in tokens with the special ones, that model and tokenizer take.

    RoBERTa-like models start at position `padding_idx + 1`, so their 514 positions hold 512 tokens.

    Args:
        model: The encoder.
        tokenizer: Its tokenizer; its `model_max_length` limits only when `max_length` is not given.
        max_length: What the user asks for.

    Raises:
        ValueError: `max_length` exceeds the position table.
    """
    positions = getattr(model.config, "max_position_embeddings", None)
    limits = [int(tokenizer.model_max_length)]
    if positions is not None and positions > 0:
        limits.append(positions - _position_offset(model))
        if max_length is not None and max_length > limits[-1]:
            raise ValueError(
                f"max_length must be at most {limits[-1]}, the positions of this model, got {max_length}. "
                "Lower it, or make the model longer with `xlretrieval convert`."
            )
    return max_length if max_length is not None else min(limits)


def default_batch_tokens(device: torch.device) -> int:
    """Tokens of a batch: few on a processor, whose caches then hold what layers pass on, many on an accelerator.

    Measured with 6 layers of 768 on two cores with AVX512: see `benchmarks/reranking.py --budgets`.
    """
    return 2048 if device.type == "cpu" else 131072


def _position_offset(model: PreTrainedModel) -> int:
    """Row of the position table that the first token takes."""
    if hasattr(model.config, "position_offset"):
        return model.config.position_offset
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return module.padding_idx + 1
    return 0


def token_batches(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Groups rows of similar length so that no batch has more than `batch_tokens` tokens, padding included.

    The longest come first: what does not fit into memory shows at once. A row longer than the budget is a batch of
    its own.

    Args:
        lengths: Number of tokens of each row.
        batch_tokens: Budget of one batch.

    Returns:
        Row numbers of each batch; every row is in one.
    """
    if batch_tokens < 1:
        raise ValueError(f"batch_tokens must be at least 1, got {batch_tokens}. Leave it out.")
    batches: list[list[int]] = []
    longest = 0
    for row in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        if not batches or (len(batches[-1]) + 1) * longest > batch_tokens:
            batches.append([])
            longest = -(-lengths[row] // PAD_MULTIPLE) * PAD_MULTIPLE
        batches[-1].append(row)
    return batches


# What the long encoder looks at to pack rows: on the processor it need not wait for the device, see its `forward`.
_MASKS = ("attention_mask", "global_attention_mask")


def to_device(model: PreTrainedModel, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A batch where the model wants it, without waiting for what an accelerator still has to do."""
    device = model.device
    if device.type == "cpu":
        return inputs
    stay = _MASKS if isinstance(model, BertLongPreTrainedModel) else ()
    pin = device.type == "cuda"
    return {
        name: values if name in stay else (values.pin_memory() if pin else values).to(device, non_blocking=True)
        for name, values in inputs.items()
    }


class _Evaluation:
    """Who uses a model for inference now, and which of its modules were in training mode before."""

    def __init__(self, model: nn.Module):
        self.users = 0
        self.training = [module for module in model.modules() if module.training]


# Two threads may score with one model: what the first one found is put back by the last one that leaves.
_EVALUATIONS: dict[nn.Module, _Evaluation] = {}
_EVALUATIONS_LOCK = threading.Lock()


@contextmanager
def evaluating(model: nn.Module, eager: bool = True) -> Iterator[None]:
    """Evaluation mode and no gradients inside; outside, every module is in the mode it was in.

    Args:
        model: May be shared by threads.
        eager: Whether it runs operation by operation, so that `fast_linear` serves; a compiled one has kernels of its
            own.
    """
    with _EVALUATIONS_LOCK:
        evaluation = _EVALUATIONS.setdefault(model, _Evaluation(model))
        evaluation.users += 1
        model.eval()
    try:
        with torch.inference_mode(), kept_memory(model), fast_linear(model) if eager else nullcontext():
            yield
    finally:
        with _EVALUATIONS_LOCK:
            evaluation.users -= 1
            if not evaluation.users:
                del _EVALUATIONS[model]
                for module in evaluation.training:
                    module.training = True
