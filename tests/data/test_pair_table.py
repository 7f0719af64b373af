"""Pairs as arrays of row numbers, and what a pair must not be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xlretrieval.data.sections import AlignedSections


def edit_pairs(folder: Path, **columns: list) -> Path:
    """Replaces columns of pairs/en-de.parquet."""
    path = folder / "pairs" / "en-de.parquet"
    table = pq.read_table(path)
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    pq.write_table(table, path)
    return path


def test_pairs_are_arrays(rivers: AlignedSections) -> None:
    pair = rivers.pair("en-de")

    assert (pair.name, pair.source_language, pair.target_language, len(pair)) == ("en-de", "en", "de", 3)
    assert pair.source.tolist() == pair.target.tolist() == [0, 1, 2]
    assert (pair.score.dtype, pair.score.tolist()) == (np.float32, [0.5, 1.0, 1.0])
    assert [pair.source_negatives(i).tolist() for i in range(3)] == [[1, 2], [0], []]
    assert [pair.target_negatives(i).tolist() for i in range(3)] == [[1], [0, 2], []]
    assert [pair.rows(split).tolist() for split in ("train", "validation", "test")] == [[0, 1], [], [2]]
    with pytest.raises(ValueError, match="split must be one of train, validation, test, got 'dev'"):
        pair.rows("dev")


@pytest.mark.parametrize(
    "columns, message",
    [
        ({"source": [0, 4, 2]}, "row 1: source must be a row number below 4, got 4"),
        ({"target": [0, 1, -1]}, "row 2: target must be a row number below 3, got -1"),
        ({"source_negatives": [[1, 2], [0], [1, 9]]}, "row 2: source_negatives must be a row number below 4, got 9"),
        ({"target_negatives": [[1], [], [1, 2]]}, "row 2: target_negatives must not hold the positive itself, got 2"),
        ({"split": ["train", "dev", "test"]}, "row 1: split must be one of train, validation, test, got 'dev'"),
        ({"score": [1.0, 1.0, float("nan")]}, "row 2: score must be finite, got nan"),
        ({"source": [0, None, 2]}, "row 1: source must have a value, got null"),
        ({"source": ["x", "y", "z"]}, "must hold source int64, target int64, score float, "),
    ],
)
def test_a_pair_that_breaks_a_rule(
    write_rivers: Callable[..., Path], tmp_path: Path, columns: dict[str, list], message: str
) -> None:
    path = edit_pairs(write_rivers(tmp_path / "corpus"), **columns)

    with pytest.raises(ValueError) as error:
        AlignedSections.load(tmp_path / "corpus")
    assert str(path) in str(error.value)
    assert message in str(error.value)
