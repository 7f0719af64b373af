"""The pairs of two languages as arrays of row numbers, checked when they are read and before they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .schema import PAIR_SCHEMA, conform, count_rows, read_parquet
from .splits import SPLITS


class PairTable:
    """The pairs of two languages, as numpy arrays: 21 bytes a pair and 8 for each negative.

    Pickles as its path and is read again where it is unpickled.

    Attributes:
        name: "en-de".
        source_language: The first language of the name; `source` and `source_negatives` are rows of its sections.
        target_language: The second language, likewise.
        source: Row numbers, int64 `(pairs,)`.
        target: Row numbers, int64 `(pairs,)`.
        score: Confidence of the alignment, float32 `(pairs,)`.

    Args:
        path: The Parquet file, named after the pair.
        languages: Its two languages, in the order of the name.
        sizes: Number of sections in each of the two.

    Raises:
        ValueError: The file is not Parquet, lacks a column, has no rows, or a row that breaks a rule.
    """

    def __init__(self, path: str | Path, languages: tuple[str, str], sizes: tuple[int, int]):
        self.path = Path(path)
        self.name = self.path.stem
        self.source_language, self.target_language = languages
        self._sizes = sizes
        count_rows(self.path, PAIR_SCHEMA)
        table = conform(read_parquet(self.path, PAIR_SCHEMA.names), PAIR_SCHEMA, self.path)
        check_pair_rows(table, sizes, str(self.path))
        self.source, self.target, self.score = (table[name].to_numpy() for name in ("source", "target", "score"))
        self._source_negatives = list_parts(table["source_negatives"])
        self._target_negatives = list_parts(table["target_negatives"])
        self._splits = split_codes(table["split"])

    def __reduce__(self) -> tuple[Any, ...]:
        return PairTable, (self.path, (self.source_language, self.target_language), self._sizes)

    def __len__(self) -> int:
        return len(self.source)

    def source_negatives(self, pair: int) -> np.ndarray:
        """Hard negatives for a document in the first language: rows, int64 `(n,)`, nearest first."""
        offsets, values = self._source_negatives
        return values[offsets[pair] : offsets[pair + 1]]

    def target_negatives(self, pair: int) -> np.ndarray:
        """Hard negatives for a document in the second language: rows, int64 `(n,)`, nearest first."""
        offsets, values = self._target_negatives
        return values[offsets[pair] : offsets[pair + 1]]

    def rows(self, split: str) -> np.ndarray:
        """Indices of the pairs in one split, int64 `(n,)`, ascending. Raises ValueError for an unknown split."""
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}. Choose one of them.")
        return np.flatnonzero(self._splits == SPLITS.index(split))


def list_parts(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """A list column as `offsets (n + 1,)` and `values (offsets[-1],)`."""
    offsets = np.zeros(len(column) + 1, np.int64)
    np.cumsum(pc.list_value_length(column).to_numpy(), out=offsets[1:])
    return offsets, pc.list_flatten(column).to_numpy()


def split_codes(column: pa.ChunkedArray) -> np.ndarray:
    """Place of every split in `SPLITS`, uint8 `(n,)`."""
    return pc.index_in(column, pa.array(SPLITS)).to_numpy().astype(np.uint8)


def check_pair_rows(table: pa.Table, sizes: tuple[int, int], where: str, first_row: int = 0) -> None:
    """Raises ValueError unless every row number exists and no negative is the positive.

    Args:
        table: Pairs with the columns of `PAIR_SCHEMA`, without nulls.
        sizes: Number of sections of the first and of the second language.
        where: Names the table in the message.
        first_row: Its first row in the message.
    """

    def fail(row: int, what: str) -> None:
        raise ValueError(f"{where}, row {first_row + row}: {what}. Build the corpus again.")

    for side, size in zip(("source", "target"), sizes, strict=True):
        positives = table[side].to_numpy()
        offsets, negatives = list_parts(table[f"{side}_negatives"])
        pairs = np.arange(len(table))
        owners = np.repeat(pairs, np.diff(offsets))
        for name, rows, row_of in ((side, positives, pairs), (f"{side}_negatives", negatives, owners)):
            if (bad := _first((rows < 0) | (rows >= size))) is not None:
                fail(row_of[bad], f"{name} must be a row number below {size}, got {rows[bad]}")
        if (bad := _first(positives[owners] == negatives)) is not None:
            fail(owners[bad], f"{side}_negatives must not hold the positive itself, got {negatives[bad]}")
    if (bad := _first(~np.isfinite(table["score"].to_numpy()))) is not None:
        fail(bad, f"score must be finite, got {table['score'][bad].as_py()}")
    if (bad := _first(~pc.is_in(table["split"], pa.array(SPLITS)).to_numpy())) is not None:
        fail(bad, f"split must be one of {', '.join(SPLITS)}, got {table['split'][bad].as_py()!r}")


def _first(mask: np.ndarray) -> int | None:
    """Place of the first True."""
    return int(np.argmax(mask)) if mask.any() else None
