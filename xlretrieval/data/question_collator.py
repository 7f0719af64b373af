"""Windows of questions to batches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import PreTrainedTokenizerBase

from .padding import PAD_MULTIPLE, Batch, leading_ones, pad_rows
from .question_features import QuestionWindow


class QuestionBatch(Batch, total=False):
    """What forward takes.

    Attributes:
        start_positions: First token of the answer, 0 where there is none, int64 `(rows,)`.
        end_positions: Its last token.
    """

    start_positions: torch.Tensor
    end_positions: torch.Tensor


class QuestionCollator:
    """Pads windows to the longest; the question's tokens are global for the long encoder.

    Args:
        tokenizer: The model's.
        max_length: Longest input.
        global_attention: Whether the model takes `global_attention_mask`.

    Example:
        For `[CLS] how long [SEP] the rhine is 1230 km [SEP]` with the answer "1230 km" a batch of one is

        >>> QuestionCollator(tokenizer, 64, global_attention=True)([window])  # doctest: +SKIP
        {'input_ids': [[2, 8, 9, 3, 20, 21, 22, 23, 24, 3, 0, 0, 0, 0, 0, 0]],
         'attention_mask': [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]],
         'token_type_ids': [[0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]],
         'global_attention_mask': [[1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
         'start_positions': [7], 'end_positions': [8]}
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_length: int, global_attention: bool):
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.global_attention = global_attention

    def __call__(self, windows: Sequence[QuestionWindow]) -> QuestionBatch:
        """A batch of the windows, in their order."""
        rows = [window.row for window in windows]
        batch = QuestionBatch(**pad_rows(self.tokenizer, rows, self.max_length, PAD_MULTIPLE))
        if self.global_attention:
            batch["global_attention_mask"] = leading_ones(
                [row.number_of_global for row in rows], batch["input_ids"].shape[1]
            )
        batch["start_positions"] = torch.tensor([window.start for window in windows])
        batch["end_positions"] = torch.tensor([window.end for window in windows])
        return batch
