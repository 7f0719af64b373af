"""Examples to batches: pairs of a query and a document as token ids, masked or grouped, padded to the longest row.

A batch holds what forward takes and nothing else. The query keeps its tokens up to its cap, the document gives way,
and what is cut is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from xlretrieval.data.sampling import QueryDocument, RankingGroup

IGNORE_INDEX = -100
# Text is cut to this many characters per allowed token before it is tokenized, so that a line of a million characters
# costs no more than the tokens that are kept of it; where that leaves too few tokens the whole text is tokenized.
CHARACTERS_PER_TOKEN = 24


@dataclass(frozen=True)
class PairTemplate:
    """How a tokenizer joins two texts: ids and token types around the query and the document."""

    prefix: tuple[int, ...]
    middle: tuple[int, ...]
    suffix: tuple[int, ...]
    query_type: int
    document_type: int
    middle_types: tuple[int, ...]
    first_separator: int

    @property
    def specials(self) -> int:
        """Number of tokens that are neither query nor document."""
        return len(self.prefix) + len(self.middle) + len(self.suffix)


def pair_template(tokenizer: PreTrainedTokenizerBase) -> PairTemplate:
    """Reads from an encoded probe how the tokenizer joins two texts.

    Raises:
        ValueError: When it puts no separator between them.
    """
    first, second = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("a", "b"))
    probe = tokenizer("a", "b", return_token_type_ids=True)
    ids, types = probe["input_ids"], probe.get("token_type_ids", [0] * len(probe["input_ids"]))
    start = next(i for i in range(len(ids)) if ids[i : i + len(first)] == first)
    after = start + len(first)
    second_start = next(i for i in range(after, len(ids)) if ids[i : i + len(second)] == second)
    middle = ids[after:second_start]
    if tokenizer.sep_token_id not in middle:
        raise ValueError(
            f"A tokenizer must put its separator between two texts, got the ids {middle}. Set its post-processor."
        )
    return PairTemplate(
        prefix=tuple(ids[:start]),
        middle=tuple(middle),
        suffix=tuple(ids[second_start + len(second) :]),
        query_type=types[start],
        document_type=types[second_start],
        middle_types=tuple(types[after:second_start]),
        first_separator=middle.index(tokenizer.sep_token_id),
    )


class PairCollator:
    """Joins queries and documents into padded rows; the collators below add labels.

    Args:
        tokenizer: The model's tokenizer.
        max_length: Longest row in tokens, special ones included.
        max_query_length: Longest query in tokens; a query is never cut below that.
        pad_to_multiple_of: Rows are padded to the longest, rounded up to a multiple of this.
        global_attention: Whether to mark the tokens up to the first separator in `global_attention_mask`.

    Attributes:
        truncated: Counters `(texts, cut queries, cut documents)` in shared memory, so that worker processes count too.

    Raises:
        ValueError: When no token is left for a document.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int = 512,
        max_query_length: int = 64,
        pad_to_multiple_of: int = 8,
        global_attention: bool = True,
    ):
        self.tokenizer = tokenizer
        self.template = pair_template(tokenizer)
        self.max_length, self.max_query_length = max_length, max_query_length
        self.pad_to_multiple_of, self.global_attention = pad_to_multiple_of, global_attention
        if max_length <= max_query_length + self.template.specials:
            raise ValueError(
                f"max_length must leave room for a document beside {max_query_length} query tokens and "
                f"{self.template.specials} special ones, got {max_length}. Raise it, or lower max_query_length."
            )
        self.with_types = "token_type_ids" in tokenizer.model_input_names
        self.truncated = torch.zeros(4, dtype=torch.long).share_memory_()

    def counts(self) -> dict[str, int]:
        """What was joined and cut since the collator was made, over all its worker processes."""
        names = ("rows", "tokens", "truncated_queries", "truncated_documents")
        return dict(zip(names, self.truncated.tolist(), strict=True))

    def tokenize(self, texts: Sequence[str], limit: int) -> tuple[list[list[int]], int]:
        """Token ids without special tokens, at most `limit` each, and how many texts had more.

        Special tokens written out in a text, such as "[SEP]", are text.
        """
        budget = max(limit * CHARACTERS_PER_TOKEN, 256)
        ids = self._ids([text[:budget] for text in texts])
        for index, text in enumerate(texts):
            if len(text) > budget and len(ids[index]) <= limit:
                ids[index] = self._ids([text])[0]
        cut = sum(len(row) > limit or len(text) > budget for row, text in zip(ids, texts, strict=True))
        return [row[:limit] for row in ids], cut

    def _ids(self, texts: list[str]) -> list[list[int]]:
        return self.tokenizer(
            texts,
            add_special_tokens=False,
            split_special_tokens=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )["input_ids"]

    def join(self, queries: Sequence[str], documents: Sequence[str]) -> dict[str, torch.Tensor]:
        """Rows of a query and a document each.

        Returns:
            `input_ids`, `attention_mask`, and as configured `token_type_ids`, `global_attention_mask`; all
            `(rows, length)`.
        """
        query_rows, cut_queries = self.tokenize(queries, self.max_query_length)
        room = self.max_length - self.template.specials
        # A document longer than the room beside the shortest query is cut here, one beside a longer query below.
        document_rows, _ = self.tokenize(documents, room)
        return self.assemble(query_rows, document_rows, documents, cut_queries)

    def assemble(
        self, queries: list[list[int]], documents: list[list[int]], texts: Sequence[str], cut_queries: int
    ) -> dict[str, torch.Tensor]:
        """Puts token ids between the special ones and pads."""
        template, cut_documents = self.template, 0
        rows, global_counts, document_starts = [], [], []
        for query, document, text in zip(queries, documents, texts, strict=True):
            room = self.max_length - template.specials - len(query)
            cut_documents += len(document) > room or len(text) > max(
                (self.max_length - template.specials) * CHARACTERS_PER_TOKEN, 256
            )
            rows.append([*template.prefix, *query, *template.middle, *document[:room], *template.suffix])
            global_counts.append(len(template.prefix) + len(query) + template.first_separator + 1)
            document_starts.append(len(template.prefix) + len(query) + len(template.middle))
        longest = max(map(len, rows))
        step = self.pad_to_multiple_of
        length = min(-(-longest // step) * step, max(self.max_length, longest))
        lengths = np.array([len(row) for row in rows])
        position = np.arange(length)[None]
        ids = np.full((len(rows), length), self.tokenizer.pad_token_id, dtype=np.int64)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = row
        valid = position < lengths[:, None]
        batch = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(valid.astype(np.int64))}
        if self.with_types:
            types = np.full_like(ids, template.query_type)
            types[position >= np.array(document_starts)[:, None]] = template.document_type
            for index, start in enumerate(document_starts):
                types[index, start - len(template.middle) : start] = template.middle_types
            batch["token_type_ids"] = torch.from_numpy(types * valid)
        if self.global_attention:
            is_global = position < np.array(global_counts)[:, None]
            batch["global_attention_mask"] = torch.from_numpy(is_global.astype(np.int64))
        self.truncated += torch.tensor([len(rows), int(lengths.sum()), cut_queries, cut_documents])
        return batch


class QueryLanguageModelingCollator(PairCollator):
    """Masks words of the query, which the model predicts from the document (QLM).

    Of the maskable tokens (never special ones) each is chosen with `mask_probability`, at least one in a row. Of the
    chosen, 80% become the mask token, 10% a random word, 10% stay. `labels` holds their ids, -100 elsewhere. Masks
    follow from the example's seed alone.

    Args:
        tokenizer: As for `PairCollator`, like the arguments that are not listed here.
        mask_mode: `"query"` masks the query, `"document"` the document, `"mixed"` both.
        mask_probability: Share of the maskable tokens.
        **kwargs: For `PairCollator`.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        mask_mode: str = "query",
        mask_probability: float = 0.30,
        **kwargs,
    ):
        super().__init__(tokenizer, **kwargs)
        if mask_mode not in ("query", "document", "mixed"):
            raise ValueError(f"mask_mode must be query, document or mixed, got {mask_mode!r}. Choose one.")
        if not 0 < mask_probability <= 1:
            raise ValueError(f"mask_probability must be in (0, 1], got {mask_probability}. The default is 0.3.")
        self.mask_mode, self.mask_probability = mask_mode, mask_probability

    @cached_property
    def _words(self) -> np.ndarray:
        """Ids that may replace a token: all but the special ones."""
        return np.setdiff1d(np.arange(len(self.tokenizer)), self.tokenizer.all_special_ids)

    def __call__(self, examples: Sequence[QueryDocument]) -> dict[str, torch.Tensor]:
        """Batch of the examples, `(examples, length)` each."""
        template = self.template
        queries = [example.query for example in examples]
        documents = [example.document for example in examples]
        query_rows, cut = self.tokenize(queries, self.max_query_length)
        document_rows, _ = self.tokenize(documents, self.max_length - template.specials)
        batch = self.assemble(query_rows, document_rows, documents, cut)
        ids = batch["input_ids"].numpy()
        labels = np.full_like(ids, IGNORE_INDEX)
        ends = batch["attention_mask"].sum(1).numpy() - len(template.suffix)
        for row, (example, query) in enumerate(zip(examples, query_rows, strict=True)):
            begin = len(template.prefix)
            sides = [np.arange(begin, begin + len(query))]
            sides.append(np.arange(begin + len(query) + len(template.middle), ends[row]))
            if self.mask_mode != "mixed":
                sides = [sides[self.mask_mode == "document"]]
            self._mask(ids[row], labels[row], np.concatenate(sides), example.seed)
        batch["labels"] = torch.from_numpy(labels)
        return batch

    def _mask(self, ids: np.ndarray, labels: np.ndarray, maskable: np.ndarray, seed: int) -> None:
        if not len(maskable):  # a text of nothing that the tokenizer knows
            return
        rng = np.random.Generator(np.random.Philox(key=seed))
        chosen = maskable[rng.random(len(maskable)) < self.mask_probability]
        if not len(chosen):
            chosen = maskable[rng.integers(len(maskable), size=1)]
        labels[chosen] = ids[chosen]
        kind = rng.random(len(chosen))
        ids[chosen[kind < 0.8]] = self.tokenizer.mask_token_id
        replaced = chosen[(kind >= 0.8) & (kind < 0.9)]
        ids[replaced] = self._words[rng.integers(len(self._words), size=len(replaced))]


class RelevanceRankingCollator(PairCollator):
    """Rows of a query with its document and with the negatives (RR), groups one after the other.

    `labels`, float `(rows,)`, is 1 for the document and 0 for the negatives.
    """

    def __call__(self, examples: Sequence[RankingGroup]) -> dict[str, torch.Tensor]:
        """Batch of the groups, `(groups * documents, length)` each.

        Raises:
            ValueError: When groups have different numbers of documents.
        """
        sizes = {len(example.documents) for example in examples}
        if len(sizes) != 1:
            raise ValueError(
                f"Groups of a batch must have the same number of documents, got {sorted(sizes)}. Batch them apart."
            )
        size = sizes.pop()
        query_rows, cut = self.tokenize([example.query for example in examples], self.max_query_length)
        documents = [document for example in examples for document in example.documents]
        document_rows, _ = self.tokenize(documents, self.max_length - self.template.specials)
        repeated = [query for query in query_rows for _ in range(size)]
        batch = self.assemble(repeated, document_rows, documents, cut)
        labels = torch.zeros(len(examples), size)
        labels[:, 0] = 1.0
        batch["labels"] = labels.flatten()
        return batch


class PretrainingCollator:
    """Batches examples of either objective; those of one batch share it.

    Args:
        tokenizer: The model's tokenizer.
        mask_mode: As for `QueryLanguageModelingCollator`.
        mask_probability: As for `QueryLanguageModelingCollator`.
        **kwargs: For `PairCollator`.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        mask_mode: str = "query",
        mask_probability: float = 0.30,
        **kwargs,
    ):
        self.collators = {
            "qlm": QueryLanguageModelingCollator(
                tokenizer, mask_mode=mask_mode, mask_probability=mask_probability, **kwargs
            ),
            "rr": RelevanceRankingCollator(tokenizer, **kwargs),
        }

    def __call__(self, examples: Sequence[QueryDocument | RankingGroup]) -> dict[str, torch.Tensor]:
        """Batch of the examples. Raises ValueError when they are of both objectives."""
        objectives = {example.objective for example in examples}
        if len(objectives) != 1:
            raise ValueError(
                f"Examples of a batch must have one objective, got {sorted(objectives)}. "
                "Let the examples of a step be a multiple of the batch size."
            )
        return self.collators[objectives.pop()](examples)

    def counts(self) -> dict[str, int]:
        """Counts of both collators together; see `PairCollator.counts`."""
        totals = [collator.counts() for collator in self.collators.values()]
        return {name: sum(total[name] for total in totals) for name in totals[0]}
