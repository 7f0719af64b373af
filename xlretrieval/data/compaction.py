"""Dropping sections that no pair refers to from the files of a corpus that is being written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .pair_table import list_parts
from .schema import PAIR_SCHEMA, ROWS_PER_GROUP, read_parquet


def used_rows(lengths: Mapping[str, int], pairs: Iterable[tuple[Path, tuple[str, str]]]) -> dict[str, np.ndarray]:
    """Which sections a pair refers to, as positive or negative.

    Args:
        lengths: Language -> number of its sections.
        pairs: Table of pairs, and its two languages.

    Returns:
        Language -> bool `(sections,)`.
    """
    used = {language: np.zeros(length, bool) for language, length in lengths.items()}
    for path, languages in pairs:
        table = read_parquet(path)
        for side, language in zip(("source", "target"), languages, strict=True):
            used[language][table[side].to_numpy()] = True
            used[language][list_parts(table[f"{side}_negatives"])[1]] = True
    return used


def renumber(path: Path, kept: Sequence[np.ndarray]) -> None:
    """Rewrites a table of pairs with the row numbers that remain.

    Args:
        path: The table.
        kept: Which sections stay, bool `(sections,)`, of its first and of its second language.
    """
    if all(mask.all() for mask in kept):
        return
    table = read_parquet(path)
    for side, mask in zip(("source", "target"), kept, strict=True):
        moved = np.cumsum(mask) - 1
        offsets, negatives = list_parts(table[f"{side}_negatives"])
        lists = pa.LargeListArray.from_arrays(offsets, moved[negatives])
        for name, column in ((side, pa.array(moved[table[side].to_numpy()])), (f"{side}_negatives", lists)):
            field = PAIR_SCHEMA.field(name)
            table = table.set_column(table.schema.get_field_index(name), field, column.cast(field.type))
    pq.write_table(table, path, compression="zstd", row_group_size=ROWS_PER_GROUP)


def keep_rows(path: Path, kept: np.ndarray) -> None:
    """Rewrites a Parquet file with the rows that `kept` marks, a batch at a time."""
    if kept.all():
        return
    partial = path.with_suffix(".kept")
    with pq.ParquetFile(path) as old, pq.ParquetWriter(partial, old.schema_arrow, compression="zstd") as new:
        first = 0
        for batch in old.iter_batches(ROWS_PER_GROUP):
            remaining = batch.filter(pa.array(kept[first : first + len(batch)]))
            first += len(batch)
            if len(remaining):
                new.write_batch(remaining)
    os.replace(partial, path)
