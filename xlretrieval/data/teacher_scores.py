"""Scores of a teacher to distil from: a run, or a column of a table."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .files import read_lines
from .trec import Run, read_run

_KEYS = ("query", "document")


def read_teacher(path: str | Path, column: str | None = None) -> Run:
    """Reads query -> document -> score.

    Args:
        path: Without `column` a run in TREC format. With it, a table of the columns `query`, `document` (ids) and
            that one: `.parquet`, `.jsonl`, or tab-separated with a header; the last two may be `.gz`.
        column: With the scores.

    Raises:
        ValueError: With file and row: a column is missing, a score is not a finite number, or a document occurs twice
            for a query; or the table is empty.
        OSError: The file cannot be read.
    """
    if column is None:
        return read_run(path)
    scores: Run = {}
    for where, row in _rows(Path(path)):
        missing = [name for name in (*_KEYS, column) if row.get(name) is None]
        if missing:
            raise ValueError(
                f"{path}, {where}: a row must have {', '.join((*_KEYS, column))}, got none for {missing[0]}. Add it."
            )
        query, document = (str(row[name]) for name in _KEYS)
        try:
            score = float(row[column])
        except (TypeError, ValueError):
            score = math.nan
        if not math.isfinite(score):
            raise ValueError(f"{path}, {where}: {column} must be a finite number, got {row[column]!r}. Correct it.")
        if document in scores.setdefault(query, {}):
            raise ValueError(
                f"{path}, {where}: a document must occur once per query, got {document} of query {query} again. "
                "Remove one of them."
            )
        scores[query][document] = score
    if not scores:
        raise ValueError(f"{path}: a table must have at least one row, got none. Check the path.")
    return scores


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    name = path.name.removesuffix(".gz")
    if name.endswith(".parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            batches = pq.ParquetFile(path).iter_batches()
            for number, row in enumerate((row for batch in batches for row in batch.to_pylist()), start=1):
                yield f"row {number}", row
        except pa.ArrowException as error:
            raise ValueError(f"{path}: the table must be Parquet, got: {error}. Write it again.") from None
    elif name.endswith(".jsonl"):
        for number, line in read_lines(path):
            if line.strip():
                yield f"line {number}", _object(path, number, line)
    else:
        header: list[str] = []
        for number, line in read_lines(path):
            cells = line.split("\t")
            if number == 1:
                header = cells
            elif line:
                yield f"line {number}", dict(zip(header, cells, strict=False))


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {number}: a line must be JSON, got: {error}. Correct it.") from None
    if not isinstance(row, dict):
        raise ValueError(f"{path}, line {number}: a line must be a JSON object, got {line[:40]!r}. Correct it.")
    return row
