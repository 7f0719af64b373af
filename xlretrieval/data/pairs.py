"""Queries and documents to padded rows: the one way to encode a pair, for training and for inference."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from .counters import WorkerCounters
from .padding import PAD_MULTIPLE, Batch, leading_ones, pad_rows
from .templates import EncodedPair, pair_template
from .tokenization import tokenize


class PairCollator:
    """Joins queries and documents into padded rows; subclasses add the labels.

    Rows are padded on the right, to the longest row rounded up to a multiple of `pad_to_multiple_of`, never beyond
    `max_length`. Special tokens that a text spells out, such as "[SEP]" or "</s>", stay text.

    Args:
        tokenizer: The model's tokenizer.
        max_length: Longest row in tokens, special ones included.
        max_query_length: Longest query in tokens; a query is never cut below that.
        pad_to_multiple_of: As above; tensor cores want 8.
        global_attention: Whether to mark the tokens up to the first separator in `global_attention_mask`.

    Attributes:
        template: How the tokenizer joins two texts.

    Raises:
        ValueError: No token is left for a document, or the tokenizer has no padding token or puts no separator between
            two texts.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int = 512,
        max_query_length: int = 64,
        pad_to_multiple_of: int = PAD_MULTIPLE,
        global_attention: bool = True,
    ):
        self.tokenizer = tokenizer
        self.template = pair_template(tokenizer)
        self.template.check_lengths(max_length, max_query_length)
        if pad_to_multiple_of < 1:
            raise ValueError(f"pad_to_multiple_of must be at least 1, got {pad_to_multiple_of}. The default is 8.")
        if tokenizer.pad_token_id is None:
            raise ValueError(f"Tokenizer must have a padding token, got {type(tokenizer).__name__} without. Set one.")
        self.max_length, self.max_query_length = max_length, max_query_length
        self.pad_to_multiple_of, self.global_attention = pad_to_multiple_of, global_attention
        self._counters = WorkerCounters(("examples", "tokens", "truncated_queries", "truncated_documents"))

    def counts(self) -> dict[str, int]:
        """What was made since the collator was: `examples` (rows), `tokens`, `truncated_queries` and `_documents`.

        The workers of a `DataLoader` count too; see `WorkerCounters`.
        """
        return self._counters.totals()

    def encode(self, queries: Sequence[str], documents: Sequence[str]) -> list[EncodedPair]:
        """Rows of queries and documents: document i goes with query i // (len(documents) // len(queries))."""
        per_query = len(documents) // len(queries)
        room = self.max_length - self.template.specials
        wanted = [self.max_query_length] * len(queries) + [room] * len(documents)
        ids = tokenize(self.tokenizer, [*queries, *documents], wanted)
        rows = [
            self.template.join(ids[index // per_query], document, self.max_length, self.max_query_length)
            for index, document in enumerate(ids[len(queries) :])
        ]
        self._counters.add(
            len(rows),
            sum(len(row.ids) for row in rows),
            sum(row.truncated_query for row in rows),
            sum(row.truncated for row in rows),
        )
        return rows

    def pad(self, rows: Sequence[EncodedPair]) -> Batch:
        """The rows as tensors, without labels."""
        batch = pad_rows(self.tokenizer, rows, self.max_length, self.pad_to_multiple_of)
        if self.global_attention:
            length = batch["input_ids"].shape[1]
            batch["global_attention_mask"] = leading_ones([row.number_of_global for row in rows], length)
        return batch
