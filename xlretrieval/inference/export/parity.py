"""How far an exported graph is from its checkpoint, on random pairs of several lengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from xlretrieval.data.pairs import PairCollator
from xlretrieval.data.templates import EncodedPair

LENGTHS = (16, 128, 500, 2000)
ROWS = 3  # of different lengths, so that there is padding


@dataclass(frozen=True)
class LengthParity:
    """Scores of a graph against those of the checkpoint, at one length.

    Attributes:
        length: Tokens of the longest row.
        rows: Rows of the batch.
        largest_difference: Of a score; NaN when one is not finite.
        spread: Standard deviation of the checkpoint's scores over the rows.
    """

    length: int
    rows: int
    largest_difference: float
    spread: float


def random_rows(collator: PairCollator, length: int, rows: int, seed: int = 0) -> list[EncodedPair]:
    """Pairs of random tokens that are not special: row i fills `1 - i / (2 * rows)` of `length`, the first all of it.

    Args:
        collator: Frames them, and says how long a query may be.
        length: Tokens of the longest row, special ones included.
        rows: How many.
        seed: Of the random numbers.
    """
    generator = np.random.default_rng([seed, length])
    tokens = _plain_tokens(collator.tokenizer)
    made = []
    for row in range(rows):
        room = length - length * row // (2 * rows) - collator.template.specials
        query = max(1, min(int(generator.integers(1, collator.max_query_length + 1)), room // 2))
        ids = generator.choice(tokens, room).tolist()
        made.append(collator.template.join(ids[:query], ids[query:], length, collator.max_query_length))
    return made


def _plain_tokens(tokenizer: PreTrainedTokenizerBase) -> np.ndarray:
    return np.setdiff1d(np.arange(len(tokenizer)), tokenizer.all_special_ids)


def measure_parity(
    model: torch.nn.Module, graph: torch.nn.Module, collator: PairCollator, rows: int = ROWS
) -> list[LengthParity]:
    """Compares scores at `LENGTHS`, as far as the model takes them, and at its longest input where it is less.

    Args:
        model: The checkpoint.
        graph: The exported model.
        collator: The checkpoint's; its `max_length` is the longest input.
        rows: Rows of a batch.
    """
    lengths = sorted({min(length, collator.max_length) for length in LENGTHS})
    measured = []
    for length in lengths:
        batch = collator.pad(random_rows(collator, length, rows))
        with torch.inference_mode():
            wanted, got = (side(**batch).logits[:, 0].double() for side in (model, graph))
        difference = float((wanted - got).abs().max())
        measured.append(LengthParity(length, rows, difference, float(wanted.std())))
    return measured
