"""What a text must be before it is tokenized: an error that names its place, not one from within a tokenizer."""

from __future__ import annotations

from collections.abc import Sequence

from xlretrieval.data.values import is_unicode, shorten


def check_texts(texts: Sequence[object], what: str) -> None:
    """Raises where a text is none.

    Half of a surrogate pair is no text either: replaced, it would be a character that the document does not have, and
    no file of results could name it.

    Args:
        texts: The texts.
        what: How a message calls one, such as "Document".

    Raises:
        ValueError: One is no string, or has half of a surrogate pair; its place is named.
    """
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"{what} {index} must be text, got {shorten(text)}. Give a string, empty if need be.")
        if not is_unicode(text):
            place = next(place for place, character in enumerate(text) if "\ud800" <= character <= "\udfff")
            raise ValueError(
                f"{what} {index} must be Unicode text, got half of a surrogate pair at character {place}. Decode its "
                'bytes again, with errors="replace" if they are damaged.'
            )


def check_pairs(pairs: Sequence[object]) -> None:
    """Raises where a pair is not one of a query and a document.

    Raises:
        ValueError: As `check_texts`, or something is no pair; its place is named.
    """
    for index, pair in enumerate(pairs):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ValueError(f"Pair {index} must be a query and a document, got {shorten(pair)}. Give two strings.")
    check_texts([pair[0] for pair in pairs], "The query of pair")
    check_texts([pair[1] for pair in pairs], "The document of pair")
