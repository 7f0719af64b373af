"""Rows of token ids to tensors, padded to the longest row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from .templates import EncodedText

# Tensor cores want lengths that are multiples of 8; on a CPU it costs under 4 tokens a row on average.
PAD_MULTIPLE = 8


class Batch(TypedDict, total=False):
    """What forward takes.

    Attributes:
        input_ids: int64 `(rows, length)`.
        attention_mask: 1 for tokens, 0 for padding, int64 `(rows, length)`.
        token_type_ids: Only when the tokenizer names it among its `model_input_names`; int64 `(rows, length)`.
        global_attention_mask: Of pairs, only with `global_attention`; 1 up to and including the first separator, int64
            `(rows, length)`.
        labels: Only for training. QLM: ids of the masked tokens and -100 elsewhere, int64 `(rows, length)`. RR: 1 for
            the aligned document and 0 for negatives, float32 `(rows,)`.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    token_type_ids: torch.Tensor
    global_attention_mask: torch.Tensor
    labels: torch.Tensor


def leading_ones(counts: Sequence[int], length: int) -> torch.Tensor:
    """Masks with so many ones at the start of each row, int64 `(rows, length)`."""
    return torch.from_numpy((np.arange(length) < np.array(counts)[:, None]).astype(np.int64))


def pad_rows(
    tokenizer: PreTrainedTokenizerBase, rows: Sequence[EncodedText], max_length: int, multiple: int = PAD_MULTIPLE
) -> Batch:
    """Pads on the right, to the longest row rounded up to a multiple of `multiple`, but not beyond `max_length`.

    Args:
        tokenizer: Gives the padding ids, and says whether the model has token types.
        rows: The rows, at least one; none is longer than `max_length`.
        max_length: Longest input of the model.
        multiple: As above.

    Returns:
        `input_ids`, `attention_mask` and perhaps `token_type_ids`.
    """
    lengths = [len(row.ids) for row in rows]
    length = min(-(-max(lengths) // multiple) * multiple, max_length)
    ids = np.full((len(rows), length), tokenizer.pad_token_id, dtype=np.int64)
    types = np.full((len(rows), length), tokenizer.pad_token_type_id, dtype=np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row.ids)] = row.ids
        # By way of bytes in a third of the time: a token type is a small number.
        types[index, : len(row.ids)] = np.frombuffer(bytes(row.token_type_ids), dtype=np.uint8)
    batch = Batch(input_ids=torch.from_numpy(ids), attention_mask=leading_ones(lengths, length))
    if "token_type_ids" in tokenizer.model_input_names:
        batch["token_type_ids"] = torch.from_numpy(types)
    return batch
