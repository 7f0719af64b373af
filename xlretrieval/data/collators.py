"""Examples to batches: pairs of a query and a document as token ids, masked or grouped, padded to the longest row.

A batch holds what forward takes and nothing else. The query keeps its tokens up to its cap, the document gives way,
and what is cut is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypedDict

import numpy as np
import torch
from torch.utils.data import get_worker_info
from transformers import PreTrainedTokenizerBase

from xlretrieval.data.sampling import QueryDocument, RankingGroup, to_uniform

IGNORE_INDEX = -100
MASK_MODES = ("query", "document", "mixed")
# Only so many characters per wanted token are tokenized, so that a line of 200,000 characters costs little more than
# the tokens that are kept of it. Where a text has longer tokens, more of it is tokenized.
CHARACTERS_PER_TOKEN = 8
# Tokens at the end of such a piece that may be others than in the whole text. WordPiece makes one token of a word of
# more than 100 characters, and at most 100 of a shorter one.
UNSURE_TOKENS = 100
# Rows of counters: one for the main process, and one for each of its workers, which then need no lock.
COUNTER_ROWS = 65
COUNTERS = ("examples", "tokens", "truncated_queries", "truncated_documents")


class Batch(TypedDict, total=False):
    """What the collators return and forward takes.

    Attributes:
        input_ids: int64 `(rows, length)`.
        attention_mask: 1 for tokens, 0 for padding, int64 `(rows, length)`.
        token_type_ids: Only when the tokenizer names it among its `model_input_names`; int64 `(rows, length)`.
        global_attention_mask: Only with `global_attention`; 1 up to and including the first separator, int64
            `(rows, length)`.
        labels: QLM: ids of the masked tokens and -100 elsewhere, int64 `(rows, length)`. RR: 1 for the aligned
            document and 0 for negatives, float32 `(rows,)`.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    token_type_ids: torch.Tensor
    global_attention_mask: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True)
class EncodedPair:
    """One row of a batch, without padding.

    Attributes:
        ids: Token ids.
        token_type_ids: As many token types.
        query: Positions of the query's tokens.
        document: Positions of the document's tokens.
        number_of_global: Number of tokens up to and including the first separator.
    """

    ids: list[int]
    token_type_ids: list[int]
    query: range
    document: range
    number_of_global: int


@dataclass(frozen=True)
class PairTemplate:
    """How a tokenizer joins two texts: `prefix query middle document suffix`.

    Attributes:
        prefix: Special tokens before the query, as (id, token type).
        middle: Special tokens between query and document.
        suffix: Special tokens after the document.
        query_type: Token type of the query's tokens.
        document_type: Token type of the document's tokens.
        first_separator: Place of the first separator in `middle`.
    """

    prefix: tuple[tuple[int, int], ...]
    middle: tuple[tuple[int, int], ...]
    suffix: tuple[tuple[int, int], ...]
    query_type: int
    document_type: int
    first_separator: int

    @property
    def specials(self) -> int:
        """Number of tokens that are neither query nor document: 3 for BERT, 4 for XLM-R."""
        return len(self.prefix) + len(self.middle) + len(self.suffix)

    def check_lengths(self, max_length: int, max_query_length: int) -> None:
        """Raises ValueError when a query of `max_query_length` tokens leaves no token for a document."""
        if max_query_length < 1:
            raise ValueError(f"max_query_length must be at least 1, got {max_query_length}. The default is 64.")
        if max_length <= max_query_length + self.specials:
            raise ValueError(
                f"max_length must leave room for a document beside {max_query_length} query tokens and "
                f"{self.specials} special ones, got {max_length}. Raise it, or lower max_query_length."
            )

    def join(
        self, query_ids: Sequence[int], document_ids: Sequence[int], max_length: int, max_query_length: int
    ) -> EncodedPair:
        """Cuts the query to its cap and the document to the room that is left, and puts them together."""
        query = list(query_ids[:max_query_length])
        document = list(document_ids[: max_length - self.specials - len(query)])
        ids, types = [], []
        for special, text, kind in (
            (self.prefix, query, self.query_type),
            (self.middle, document, self.document_type),
            (self.suffix, [], 0),
        ):
            ids += [token for token, _ in special] + text
            types += [token_type for _, token_type in special] + [kind] * len(text)
        query_end = len(self.prefix) + len(query)
        document_start = query_end + len(self.middle)
        return EncodedPair(
            ids,
            types,
            query=range(len(self.prefix), query_end),
            document=range(document_start, document_start + len(document)),
            number_of_global=query_end + self.first_separator + 1,
        )


@lru_cache(maxsize=8)
def pair_template(tokenizer: PreTrainedTokenizerBase) -> PairTemplate:
    """Reads from an encoded probe how a tokenizer joins two texts; no tokenizer has another public way to tell.

    Raises:
        ValueError: It puts no separator between them.
    """
    first, second = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("a", "b"))
    probe = tokenizer("a", "b", return_token_type_ids=True)
    ids, types = probe["input_ids"], probe["token_type_ids"]
    query = _find(ids, first, 0)
    document = _find(ids, second, query + len(first))
    tokens = list(zip(ids, types, strict=True))
    middle = ids[query + len(first) : document]
    if tokenizer.sep_token_id is None or tokenizer.sep_token_id not in middle:
        raise ValueError(
            f"Tokenizer must put its separator {tokenizer.sep_token!r} between two texts, got the ids {middle} there. "
            "Set its post-processor, or take the tokenizer of an encoder."
        )
    return PairTemplate(
        prefix=tuple(tokens[:query]),
        middle=tuple(tokens[query + len(first) : document]),
        suffix=tuple(tokens[document + len(second) :]),
        query_type=types[query],
        document_type=types[document],
        first_separator=middle.index(tokenizer.sep_token_id),
    )


def _find(ids: list[int], part: list[int], start: int) -> int:
    for position in range(start, len(ids) - len(part) + 1):
        if part and ids[position : position + len(part)] == part:
            return position
    raise ValueError(f"Tokenizer must keep each of two texts as it is alone, got {ids} without {part}. Take another.")


def encode_pair(
    tokenizer: PreTrainedTokenizerBase,
    query_ids: Sequence[int],
    document_ids: Sequence[int],
    max_length: int,
    max_query_length: int,
) -> tuple[list[int], list[int], int]:
    """Token ids of a query and a document with the tokenizer's special tokens: `[CLS] q [SEP] d [SEP]` for BERT.

    Args:
        tokenizer: The model's tokenizer.
        query_ids: Token ids of the query without special tokens; those after `max_query_length` are cut.
        document_ids: Token ids of the document; it gets what is left of `max_length`.
        max_length: Most tokens of the result, special ones included.
        max_query_length: Most tokens of the query.

    Returns:
        Token ids, as many token types, and the number of tokens up to and including the first separator.

    Raises:
        ValueError: `max_length` leaves no room for a document beside `max_query_length` tokens.

    Example:
        >>> query_ids, document_ids = [10, 11, 12], [20, 21, 22, 23]
        >>> encode_pair(bert, query_ids, document_ids, max_length=8, max_query_length=2)  # doctest: +SKIP
        ([2, 10, 11, 3, 20, 21, 22, 3], [0, 0, 0, 0, 1, 1, 1, 1], 4)
        >>> encode_pair(xlm_roberta, query_ids, document_ids, max_length=8, max_query_length=2)  # doctest: +SKIP
        ([0, 10, 11, 2, 2, 20, 21, 2], [0, 0, 0, 0, 0, 0, 0, 0], 4)
    """
    template = pair_template(tokenizer)
    template.check_lengths(max_length, max_query_length)
    pair = template.join(query_ids, document_ids, max_length, max_query_length)
    return pair.ids, pair.token_type_ids, pair.number_of_global


class _Counting:
    """The counts of a collator by name."""

    def counts(self) -> dict[str, int]:
        """All counts, see `PairCollator.counts`."""
        raise NotImplementedError

    @property
    def examples(self) -> int:
        """Rows made so far, each a query and a document."""
        return self.counts()["examples"]

    @property
    def truncated_queries(self) -> int:
        """Rows whose query was cut to `max_query_length`."""
        return self.counts()["truncated_queries"]

    @property
    def truncated_documents(self) -> int:
        """Rows whose document was cut."""
        return self.counts()["truncated_documents"]


class PairCollator(_Counting):
    """Joins queries and documents into padded rows; the collators below add the labels.

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
        pad_to_multiple_of: int = 8,
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
        # [UNK] is what a text may really contain; the other special tokens are ours to place.
        self._reserved = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
        self._counters = torch.zeros(COUNTER_ROWS, len(COUNTERS), dtype=torch.int64).share_memory_()

    def counts(self) -> dict[str, int]:
        """What was made since the collator was: `examples` (rows), `tokens`, `truncated_queries` and `_documents`.

        The numbers lie in memory that is shared with the workers of a `DataLoader`. They include batches that a loader
        prepared ahead and did not use. Other processes, and copies unpickled elsewhere, count for themselves.
        """
        return dict(zip(COUNTERS, self._counters.sum(0).tolist(), strict=True))

    def tokenize(self, texts: Sequence[str], wanted: Sequence[int]) -> list[list[int]]:
        """Token ids without special tokens: the first `wanted` of each text are those of the whole text.

        There may be more than wanted, and always are where the text has more.
        """
        ids: list[list[int]] = [[] for _ in texts]
        pending = range(len(texts))
        characters = CHARACTERS_PER_TOKEN
        while pending:
            cuts = [characters * (wanted[index] + UNSURE_TOKENS) for index in pending]
            pieces = [texts[index][:cut] for index, cut in zip(pending, cuts, strict=True)]
            unsure = []
            for index, cut, row in zip(pending, cuts, self._token_ids(pieces), strict=True):
                ids[index] = row
                if cut < len(texts[index]) and len(row) < wanted[index] + UNSURE_TOKENS:
                    unsure.append(index)
            pending = unsure
            characters *= 8
        return ids

    def _token_ids(self, texts: list[str]) -> list[list[int]]:
        rows = self.tokenizer(
            texts,
            add_special_tokens=False,
            split_special_tokens=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )["input_ids"]
        return [row if self._reserved.isdisjoint(row) else self._without_reserved(row) for row in rows]

    def _without_reserved(self, row: list[int]) -> list[int]:
        # A Unigram model has its special tokens in its vocabulary and finds "</s>" in a text like any other piece.
        unknown = self.tokenizer.unk_token_id
        row = [unknown if token in self._reserved else token for token in row]
        return [token for token in row if token is not None]

    def encode(self, queries: Sequence[str], documents: Sequence[str]) -> list[EncodedPair]:
        """Rows of queries and documents: document i goes with query i // (len(documents) // len(queries))."""
        per_query = len(documents) // len(queries)
        room = self.max_length - self.template.specials
        wanted = [self.max_query_length] * len(queries) + [room] * len(documents)
        ids = self.tokenize([*queries, *documents], wanted)
        query_ids = [row for row in ids[: len(queries)] for _ in range(per_query)]
        rows = [
            self.template.join(query, document, self.max_length, self.max_query_length)
            for query, document in zip(query_ids, ids[len(queries) :], strict=True)
        ]
        cut_queries = sum(len(row.query) < len(query) for row, query in zip(rows, query_ids, strict=True))
        cut_documents = sum(
            len(row.document) < len(document) for row, document in zip(rows, ids[len(queries) :], strict=True)
        )
        self._count(len(rows), sum(len(row.ids) for row in rows), cut_queries, cut_documents)
        return rows

    def _count(self, *counts: int) -> None:
        worker = get_worker_info()
        self._counters[0 if worker is None else 1 + worker.id % (COUNTER_ROWS - 1)] += torch.tensor(counts)

    def pad(self, rows: Sequence[EncodedPair]) -> Batch:
        """The rows as tensors, without labels."""
        lengths = np.array([len(row.ids) for row in rows])
        multiple = self.pad_to_multiple_of
        length = min(-(-int(lengths.max()) // multiple) * multiple, self.max_length)
        ids = np.full((len(rows), length), self.tokenizer.pad_token_id, dtype=np.int64)
        types = np.full((len(rows), length), self.tokenizer.pad_token_type_id, dtype=np.int64)
        for index, row in enumerate(rows):
            ids[index, : len(row.ids)] = row.ids
            types[index, : len(row.ids)] = row.token_type_ids
        position = np.arange(length)
        batch = Batch(
            input_ids=torch.from_numpy(ids),
            attention_mask=torch.from_numpy((position < lengths[:, None]).astype(np.int64)),
        )
        if "token_type_ids" in self.tokenizer.model_input_names:
            batch["token_type_ids"] = torch.from_numpy(types)
        if self.global_attention:
            counts = np.array([row.number_of_global for row in rows])
            batch["global_attention_mask"] = torch.from_numpy((position < counts[:, None]).astype(np.int64))
        return batch


class QueryLanguageModelingCollator(PairCollator):
    """Masks tokens of the query, which the model predicts from the document (QLM).

    Of the tokens that may be masked (those of the chosen side; never a special token that we placed) each is chosen
    with `mask_probability`, and at least one of a row. 80% of the chosen become the mask token, 10% a random token
    that is not special, 10% stay. What a row masks follows from its example's `seed` and its number of tokens alone.
    A row without a token to mask (an empty text) has no label.

    The released code also put special tokens in for random ones and could leave a row without a label.

    Args:
        tokenizer: As for `PairCollator`, like the next and the last two.
        max_length: See there.
        max_query_length: See there.
        mask_mode: "query" masks the query, "document" the document, "mixed" both.
        mask_probability: Share of the tokens that is masked, in (0, 1]; 0.30 in the paper.
        pad_to_multiple_of: See there.
        global_attention: See there.

    Raises:
        ValueError: As for `PairCollator`; the tokenizer has no mask token, or a value is out of range.

    Example:
        With the vocabulary `[PAD] [UNK] [CLS] [SEP] [MASK] the red house is old das rote haus ist alt`:

        >>> collator = QueryLanguageModelingCollator(tokenizer, pad_to_multiple_of=4)  # doctest: +SKIP
        >>> long = QueryDocument("the red house is old", "das rote haus", "en", "de", seed=1, pair="de-en")
        >>> short = QueryDocument("haus", "red house", "de", "en", seed=2, pair="de-en")
        >>> collator([long, short])  # doctest: +SKIP
        {'input_ids': tensor([[ 2,  5,  6,  7,  4,  9,  3, 10, 11, 12,  3,  0],
                              [ 2,  4,  3,  6,  7,  3,  0,  0,  0,  0,  0,  0]]),
         'attention_mask': tensor([[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0],
                                   [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]]),
         'token_type_ids': tensor([[0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0],
                                   [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]]),
         'global_attention_mask': tensor([[1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
                                          [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]]),
         'labels': tensor([[-100, -100,    6, -100,    8, -100, -100, -100, -100, -100, -100, -100],
                           [-100,   12, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100]])}
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int = 512,
        max_query_length: int = 64,
        mask_mode: str = "query",
        mask_probability: float = 0.30,
        pad_to_multiple_of: int = 8,
        global_attention: bool = True,
    ):
        super().__init__(tokenizer, max_length, max_query_length, pad_to_multiple_of, global_attention)
        if mask_mode not in MASK_MODES:
            raise ValueError(f"mask_mode must be one of {', '.join(MASK_MODES)}, got {mask_mode!r}. Choose one.")
        if not 0 < mask_probability <= 1:
            raise ValueError(f"mask_probability must be in (0, 1], got {mask_probability}. The default is 0.3.")
        if tokenizer.mask_token_id is None:
            raise ValueError(
                f"Tokenizer must have a mask token for QLM, got {type(tokenizer).__name__} without. Take another."
            )
        self.mask_mode, self.mask_probability = mask_mode, mask_probability
        special = np.array(sorted({token for token in tokenizer.all_special_ids if token < len(tokenizer)}))
        # Number of ordinary ids below each special one; a sorted search then finds the n-th ordinary id, where a table
        # of all of them would send 2 MB to every worker.
        self._ordinary_below = special - np.arange(len(special))
        self._ordinary = len(tokenizer) - len(special)

    def __call__(self, examples: Sequence[QueryDocument]) -> Batch:
        """Batch of the examples, `(examples, length)` each."""
        rows = self.encode([example.query for example in examples], [example.document for example in examples])
        batch = self.pad(rows)
        ids = batch["input_ids"].numpy()
        labels = np.full_like(ids, IGNORE_INDEX)
        for index, (example, row) in enumerate(zip(examples, rows, strict=True)):
            sides = {"query": [row.query], "document": [row.document], "mixed": [row.query, row.document]}
            positions = np.concatenate([np.arange(side.start, side.stop) for side in sides[self.mask_mode]])
            if len(positions):
                self._mask(ids[index], labels[index], positions, example.seed)
        batch["labels"] = torch.from_numpy(labels)
        return batch

    def _mask(self, ids: np.ndarray, labels: np.ndarray, positions: np.ndarray, seed: int) -> None:
        """Masks one row in place, `(length,)`."""
        uniforms = to_uniform(np.random.Philox(key=seed).random_raw(3 * len(positions))).reshape(-1, 3)
        chosen = uniforms[:, 0] < self.mask_probability
        chosen[np.argmin(uniforms[:, 0])] = True
        positions, actions, words = positions[chosen], uniforms[chosen, 1], uniforms[chosen, 2]
        labels[positions] = ids[positions]
        ids[positions[actions < 0.8]] = self.tokenizer.mask_token_id
        replaced = (actions >= 0.8) & (actions < 0.9)
        ordinals = (words[replaced] * self._ordinary).astype(np.int64)
        ids[positions[replaced]] = ordinals + np.searchsorted(self._ordinary_below, ordinals, side="right")


class RelevanceRankingCollator(PairCollator):
    """Rows of a query with its document and with the negatives (RR), one group after the other.

    Arguments, attributes and errors are those of `PairCollator`.

    Example:
        With the vocabulary of `QueryLanguageModelingCollator`:

        >>> collator = RelevanceRankingCollator(tokenizer)  # doctest: +SKIP
        >>> group = RankingGroup("red house", ["rote haus", "alt"], "en", "de", seed=1, pair="de-en")
        >>> collator([group])  # doctest: +SKIP
        {'input_ids': tensor([[ 2,  6,  7,  3, 11, 12,  3,  0],
                              [ 2,  6,  7,  3, 14,  3,  0,  0]]),
         'attention_mask': tensor([[1, 1, 1, 1, 1, 1, 1, 0],
                                   [1, 1, 1, 1, 1, 1, 0, 0]]),
         'token_type_ids': tensor([[0, 0, 0, 0, 1, 1, 1, 0],
                                   [0, 0, 0, 0, 1, 1, 0, 0]]),
         'global_attention_mask': tensor([[1, 1, 1, 1, 0, 0, 0, 0],
                                          [1, 1, 1, 1, 0, 0, 0, 0]]),
         'labels': tensor([1., 0.])}
    """

    def __call__(self, examples: Sequence[RankingGroup]) -> Batch:
        """Batch of the groups, `(groups * documents, length)` each, labels `(groups * documents,)`.

        Raises:
            ValueError: Groups have different numbers of documents, or none.
        """
        sizes = {len(example.documents) for example in examples}
        if len(sizes) != 1 or 0 in sizes:
            raise ValueError(
                "Groups of a batch must have the same number of documents, at least 1, got "
                f"{', '.join(map(str, sorted(sizes)))}. Batch them apart."
            )
        documents = [document for example in examples for document in example.documents]
        batch = self.pad(self.encode([example.query for example in examples], documents))
        labels = torch.zeros(len(examples), sizes.pop())
        labels[:, 0] = 1.0
        batch["labels"] = labels.flatten()
        return batch


class PretrainingCollator(_Counting):
    """Batches examples of either objective; those of one batch share it.

    Args:
        tokenizer: As for `QueryLanguageModelingCollator`, like all that follow.
        max_length: See there.
        max_query_length: See there.
        mask_mode: See there.
        mask_probability: See there.
        pad_to_multiple_of: See there.
        global_attention: See there.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int = 512,
        max_query_length: int = 64,
        mask_mode: str = "query",
        mask_probability: float = 0.30,
        pad_to_multiple_of: int = 8,
        global_attention: bool = True,
    ):
        lengths, padding = (max_length, max_query_length), (pad_to_multiple_of, global_attention)
        self.collators = {
            "qlm": QueryLanguageModelingCollator(tokenizer, *lengths, mask_mode, mask_probability, *padding),
            "rr": RelevanceRankingCollator(tokenizer, *lengths, *padding),
        }

    def __call__(self, examples: Sequence[QueryDocument | RankingGroup]) -> Batch:
        """Batch of the examples, as the collator of their objective makes it.

        Raises:
            ValueError: They have different objectives.
        """
        objectives = {example.objective for example in examples}
        if len(objectives) != 1:
            raise ValueError(
                f"Examples of a batch must have one objective, got {', '.join(sorted(objectives))}. "
                "Let the examples of a step be a multiple of those of a batch."
            )
        return self.collators[objectives.pop()](examples)

    def counts(self) -> dict[str, int]:
        """Counts of both objectives together; see `PairCollator.counts`."""
        parts = [collator.counts() for collator in self.collators.values()]
        return {name: sum(part[name] for part in parts) for name in COUNTERS}
