"""How a tokenizer frames one text and joins two, with special tokens and token types.

Read from what it makes of a probe; no tokenizer has another public way to tell. Texts can then be cut as we like
before they are put together: the query keeps its tokens up to its cap, the document gives way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from transformers import PreTrainedTokenizerBase

Specials = tuple[tuple[int, int], ...]  # (id, token type) of special tokens


@dataclass(frozen=True)
class EncodedText:
    """One row of a batch, without padding.

    Attributes:
        ids: Token ids.
        token_type_ids: As many token types.
        truncated: Whether tokens of the text were cut; of a pair, tokens of the document.
    """

    ids: list[int]
    token_type_ids: list[int]
    truncated: bool


@dataclass(frozen=True)
class EncodedPair(EncodedText):
    """A row of two texts.

    Attributes:
        truncated_query: Whether tokens of the query were cut.
        query: Positions of the query's tokens.
        document: Positions of the document's tokens.
        number_of_global: Number of tokens up to and including the first separator.
    """

    truncated_query: bool
    query: range
    document: range
    number_of_global: int


@dataclass(frozen=True)
class TextTemplate:
    """How a tokenizer frames a text: `prefix text suffix`.

    Attributes:
        prefix: Special tokens before the text.
        suffix: Special tokens after it.
        text_type: Token type of the text's tokens.
    """

    prefix: Specials
    suffix: Specials
    text_type: int

    @property
    def specials(self) -> int:
        """Number of tokens that are not of the text."""
        return len(self.prefix) + len(self.suffix)

    def check_length(self, max_length: int) -> None:
        """Raises ValueError when `max_length` leaves no token for a text."""
        if max_length <= self.specials:
            raise ValueError(
                f"max_length must leave room for a text beside {self.specials} special tokens, got {max_length}. "
                "Raise it."
            )

    def frame(self, ids: Sequence[int], max_length: int) -> EncodedText:
        """Cuts the text to the room that is left and puts the special tokens around it."""
        kept = list(ids[: max_length - self.specials])
        row = _concatenate((self.prefix, kept, self.text_type), (self.suffix, [], 0))
        return EncodedText(*row, truncated=len(kept) < len(ids))


@dataclass(frozen=True)
class PairTemplate:
    """How a tokenizer joins two texts: `prefix query middle document suffix`.

    Attributes:
        prefix: Special tokens before the query.
        middle: Special tokens between query and document.
        suffix: Special tokens after the document.
        query_type: Token type of the query's tokens.
        document_type: Token type of the document's tokens.
        first_separator: Place of the first separator in `middle`.
    """

    prefix: Specials
    middle: Specials
    suffix: Specials
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
        """Cuts the query to its cap and the document to the room that is left, and puts them together.

        Args:
            query_ids: Token ids of the query without special tokens.
            document_ids: Token ids of the document; an empty one is still a pair, with all separators.
            max_length: Most tokens of the row, special ones included; see `check_lengths`.
            max_query_length: Most tokens of the query.

        Example:
            >>> row = pair_template(bert).join([10, 11, 12], [20, 21, 22, 23], 8, 2)  # doctest: +SKIP
            >>> row.ids, row.token_type_ids, row.number_of_global  # doctest: +SKIP
            ([2, 10, 11, 3, 20, 21, 22, 3], [0, 0, 0, 0, 1, 1, 1, 1], 4)
            >>> row = pair_template(xlm_roberta).join([10, 11, 12], [20, 21, 22, 23], 8, 2)  # doctest: +SKIP
            >>> row.ids, row.token_type_ids, row.number_of_global  # doctest: +SKIP
            ([0, 10, 11, 2, 2, 20, 21, 2], [0, 0, 0, 0, 0, 0, 0, 0], 4)
        """
        query = list(query_ids[:max_query_length])
        document = list(document_ids[: max_length - self.specials - len(query)])
        row = _concatenate(
            (self.prefix, query, self.query_type), (self.middle, document, self.document_type), (self.suffix, [], 0)
        )
        query_end = len(self.prefix) + len(query)
        document_start = query_end + len(self.middle)
        return EncodedPair(
            *row,
            truncated=len(document) < len(document_ids),
            truncated_query=len(query) < len(query_ids),
            query=range(len(self.prefix), query_end),
            document=range(document_start, document_start + len(document)),
            number_of_global=query_end + self.first_separator + 1,
        )


def _concatenate(*parts: tuple[Specials, list[int], int]) -> tuple[list[int], list[int]]:
    """Token ids and token types of parts, each special tokens and then a text of one token type."""
    ids, types = [], []
    for special, text, text_type in parts:
        ids += [token for token, _ in special] + text
        types += [token_type for _, token_type in special] + [text_type] * len(text)
    return ids, types


@lru_cache(maxsize=8)
def text_template(tokenizer: PreTrainedTokenizerBase) -> TextTemplate:
    """How a tokenizer frames a text."""
    text = _alone(tokenizer, "a")
    probe = tokenizer("a", return_token_type_ids=True)
    tokens = list(zip(probe["input_ids"], probe["token_type_ids"], strict=True))
    start = _find(probe["input_ids"], text, 0)
    return TextTemplate(tuple(tokens[:start]), tuple(tokens[start + len(text) :]), tokens[start][1])


@lru_cache(maxsize=8)
def pair_template(tokenizer: PreTrainedTokenizerBase) -> PairTemplate:
    """How a tokenizer joins two texts.

    Raises:
        ValueError: It puts no separator between them.
    """
    first, second = _alone(tokenizer, "a"), _alone(tokenizer, "b")
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


def _alone(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def _find(ids: list[int], part: list[int], start: int) -> int:
    for position in range(start, len(ids) - len(part) + 1):
        if part and ids[position : position + len(part)] == part:
            return position
    raise ValueError(f"Tokenizer must keep each text as it is alone, got {ids} without {part}. Take another.")
