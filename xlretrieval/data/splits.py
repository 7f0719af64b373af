"""Splits of a corpus: by article, from a hash, so that another corpus or another order moves no article."""

from __future__ import annotations

import hashlib

SPLITS = ("train", "validation", "test")


def check_fractions(validation: float, test: float) -> None:
    """Raises ValueError unless both fractions are at least 0 and leave something to train on."""
    for name, value in (("validation", validation), ("test", test)):
        if not 0 <= value < 1:
            raise ValueError(f"{name} must be a fraction in [0, 1), got {value}. Give for example 0.01.")
    if validation + test >= 1:
        raise ValueError(f"validation + test must be below 1, got {validation} + {test}. Leave some for training.")


def assign_split(article_key: str, validation: float, test: float, seed: int) -> str:
    """Split of an article, from a stable hash of its key: it depends on nothing else that is in the corpus.

    Test articles are those with the smallest hashes, validation articles the next, so another `validation` leaves the
    test articles as they were.

    Args:
        article_key: What identifies the article, the same in all its languages.
        validation: Expected fraction of articles in "validation".
        test: Expected fraction of articles in "test".
        seed: Another seed gives another, independent partition.

    Raises:
        ValueError: The fractions are out of range.
    """
    check_fractions(validation, test)
    digest = hashlib.blake2b(f"{seed}:{article_key}".encode(), digest_size=8).digest()
    position = int.from_bytes(digest, "big") / 2**64
    if position < test:
        return "test"
    return "validation" if position < test + validation else "train"
