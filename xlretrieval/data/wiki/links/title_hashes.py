"""Hashes of titles: eight bytes stand for a title in tables of 20 million."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

from xlretrieval.data.wiki.wikitext.titles import normalise_title


def hash_titles(titles: Iterable[str]) -> np.ndarray:
    """64-bit BLAKE2b hashes of titles, which are normalised first.

    Among 20 million titles the chance that any two share a hash is 1 in 90,000. What is no title has the hash
    `NO_TITLE`.

    Returns:
        uint64 `(titles,)`.
    """
    names = (normalise_title(title).encode("utf-8", "surrogatepass") for title in titles)
    return np.frombuffer(b"".join([blake2b(name, digest_size=8).digest() for name in names]), dtype="<u8")


NO_TITLE = hash_titles([""])[0]
