"""Texts as token ids with the place of every token, so that an answer can be cut out of the text as it stands there.

Words are not looked for: a span is a range of tokens, and a token is a range of characters, which holds for languages
that write no spaces too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerBase

# Texts tokenized at a time: the tokenizer's result keeps some 200 bytes a token, of which we keep 12.
_CHUNK = 512
# Combining marks, and invisible characters such as joiners.
_MARKS = ("Mn", "Mc", "Me", "Cf")


@dataclass(frozen=True, slots=True)
class ContextTokens:
    """A text's tokens, without special ones.

    Attributes:
        ids: Token ids, int32 `(tokens,)`.
        starts: First character of each token, int32 `(tokens,)`; white space that a token begins with is left out.
        ends: Character after its last; equal to the start for a token of nothing but white space.
    """

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    def find(self, start: int, end: int) -> tuple[int, int] | None:
        """First and last token that have a character of `start` to `end`; None when no token has one."""
        found = np.flatnonzero((self.ends > start) & (self.starts < end) & (self.starts < self.ends))
        return (int(found[0]), int(found[-1])) if len(found) else None


def tokenize_contexts(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[ContextTokens]:
    """Tokenizes whole texts.

    A special token that a text spells out stays text; where a Unigram model finds one all the same, it becomes the
    unknown token.

    Raises:
        ValueError: The tokenizer cannot tell where its tokens are.
    """
    if not tokenizer.is_fast:
        raise ValueError(
            f"The tokenizer must tell where its tokens are, got {type(tokenizer).__name__}, which cannot. "
            "Load it with AutoTokenizer, and with a tokenizer.json beside the model."
        )
    unknown = tokenizer.unk_token_id
    reserved = np.array(sorted(set(tokenizer.all_special_ids) - {unknown}), dtype=np.int32)
    result = []
    for first in range(0, len(texts), _CHUNK):
        chunk = list(texts[first : first + _CHUNK])
        encoded = tokenizer(
            chunk,
            add_special_tokens=False,
            split_special_tokens=True,
            return_offsets_mapping=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )
        for text, ids, offsets in zip(chunk, encoded["input_ids"], encoded["offset_mapping"], strict=True):
            ids = np.array(ids, dtype=np.int32)
            starts, ends = np.array(offsets, dtype=np.int32).reshape(-1, 2).T
            special = np.isin(ids, reserved)
            if special.any() and unknown is None:
                ids, starts, ends = ids[~special], starts[~special], ends[~special]
            elif special.any():
                ids[special] = unknown
            result.append(ContextTokens(ids, *_trimmed(text, starts, ends)))
    return result


def _trimmed(text: str, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Character ranges without white space at their ends: many tokenizers count the space before a word to it."""
    length = len(text)
    visible = np.fromiter((not character.isspace() for character in text), dtype=bool, count=length)
    places = np.arange(length, dtype=np.int32)
    following = np.append(np.where(visible, places, length), length)
    following = np.minimum.accumulate(following[::-1])[::-1]
    preceding = np.maximum.accumulate(np.append(0, np.where(visible, places + 1, 0)))
    first = np.minimum(following[starts], ends)
    last = np.maximum(preceding[ends], first)
    _take_in_marks(text, visible, first, last)
    return first.astype(np.int32), last.astype(np.int32)


def _take_in_marks(text: str, visible: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> None:
    """Gives marks that no token has, such as accents that a tokenizer strips, to the token before them, in place.

    Else an answer that ends in one would be cut out without it.
    """
    covered = np.zeros(len(text) + 1, dtype=np.int32)
    np.add.at(covered, starts, 1)
    np.add.at(covered, ends, -1)
    for place in np.flatnonzero(visible & (np.cumsum(covered)[:-1] == 0)).tolist():
        if unicodedata.category(text[place]) in _MARKS:
            ends[(ends == place) & (starts < ends)] = place + 1
