"""From rows to batches for inference: input limits, sorting by length, a budget of tokens per batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xlretrieval.data.padding import PAD_MULTIPLE

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
        raise ValueError(f"batch_tokens must be at least 1, got {batch_tokens}. The default is 16384.")
    batches: list[list[int]] = []
    longest = 0
    for row in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        if not batches or (len(batches[-1]) + 1) * longest > batch_tokens:
            batches.append([])
            longest = -(-lengths[row] // PAD_MULTIPLE) * PAD_MULTIPLE
        batches[-1].append(row)
    return batches


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients inside; outside, every module is in the mode it was in."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module in training:
            module.training = True
