"""Random numbers that follow from a key alone.

They are the raw output of Philox under a hashed key: numpy promises those bits for all its versions, but not what
`Generator` makes of them.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np


def raw_draws(count: int, *key: int | str) -> np.ndarray:
    """Random uint64 `(count,)` that follow from the key alone; the first ones do not depend on `count`."""
    digest = blake2b("/".join(map(str, key)).encode(), digest_size=16).digest()
    return np.random.Philox(key=int.from_bytes(digest, "little")).random_raw(count)


def to_uniform(raw: np.ndarray) -> np.ndarray:
    """Random uint64 to float64 in [0, 1)."""
    return (raw >> np.uint64(11)) * 2.0**-53


def permutation(size: int, *key: int | str) -> np.ndarray:
    """The numbers below `size` in an order that follows from the key alone, int64 `(size,)`."""
    return np.argsort(raw_draws(size, *key), kind="stable")
