"""Texts to token ids: special tokens that a text spells out stay text, and of a very long line little is tokenized."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from .word_cache import word_cache

# Only so many characters per wanted token are tokenized, so that a line of 200,000 characters costs little more than
# the tokens that are kept of it. Where a text has longer tokens, more of it is tokenized.
CHARACTERS_PER_TOKEN = 8
# Tokens at the end of such a piece that may be others than in the whole text. WordPiece makes one token of a word of
# more than 100 characters, and at most 100 of a shorter one.
UNSURE_TOKENS = 100


def tokenize(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], wanted: Sequence[int]) -> list[list[int]]:
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
        for index, cut, row in zip(pending, cuts, token_ids(tokenizer, pieces), strict=True):
            ids[index] = row
            if cut < len(texts[index]) and len(row) < wanted[index] + UNSURE_TOKENS:
                unsure.append(index)
        pending = unsure
        characters *= 8
    return ids


def token_ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of whole texts, without special tokens."""
    rows = _encode(tokenizer, list(texts))
    # [UNK] is what a text may really contain; the other special tokens are ours to place. A Unigram model has them in
    # its vocabulary and finds "</s>" in a text like any other piece.
    unknown = tokenizer.unk_token_id
    reserved = set(tokenizer.all_special_ids) - {unknown}
    return [row if reserved.isdisjoint(row) else _replace(row, reserved, unknown) for row in rows]


def _encode(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> list[list[int]]:
    if not _is_plain(type(tokenizer)):
        return tokenizer(
            texts,
            add_special_tokens=False,
            split_special_tokens=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )["input_ids"]
    # Past the wrapper, which always asks for the offsets in the text: they cost a quarter of the time. It sets all
    # three of these anew in its own calls. Only where they differ: another thread may be encoding with them.
    backend = tokenizer.backend_tokenizer
    if not backend.encode_special_tokens:
        backend.encode_special_tokens = True
    if backend.truncation is not None:
        backend.no_truncation()
    if backend.padding is not None:
        backend.no_padding()
    if (cache := word_cache(tokenizer)) is not None:
        return cache.encode(texts)
    return [encoding.ids for encoding in backend.encode_batch_fast(texts, add_special_tokens=False)]


def _is_plain(kind: type[PreTrainedTokenizerBase]) -> bool:
    """Whether such a tokenizer gives its texts to the Rust library as they are."""
    return (
        issubclass(kind, PreTrainedTokenizerFast)
        and kind.__call__ is PreTrainedTokenizerFast.__call__
        and kind._encode_plus is PreTrainedTokenizerFast._encode_plus
    )


def _replace(row: list[int], reserved: set[int], unknown: int | None) -> list[int]:
    row = [unknown if token in reserved else token for token in row]
    return [token for token in row if token is not None]
