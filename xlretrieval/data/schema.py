"""A section, an aligned pair, and the columns they are stored in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SECTION_SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "language": pa.string(),
        "article_id": pa.string(),
        "article_title": pa.string(),
        "heading_path": pa.list_(pa.string()),
        # 64-bit offsets: 1,000 sections of a few million characters overflow the 2 GiB of `string`.
        "text": pa.large_string(),
    }
)
PAIR_SCHEMA = pa.schema(
    {
        "source": pa.int64(),
        "target": pa.int64(),
        "score": pa.float32(),
        "source_negatives": pa.list_(pa.int64()),
        "target_negatives": pa.list_(pa.int64()),
        "split": pa.string(),
    }
)
ROWS_PER_GROUP = 10_000


@dataclass(frozen=True, slots=True)
class Section:
    """One section of an article.

    Attributes:
        id: Unique within its language.
        language: Language code, "en" or "zh-Hans".
        article_id: The article it stands in; sections of one article are always in the same split.
        article_title: Title of the article, "" when unknown.
        heading_path: Headings from the outermost to the section's own, () when it has none.
        text: The text, without the headings.
    """

    id: str
    language: str
    article_id: str
    article_title: str
    heading_path: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class AlignedPair:
    """Two sections that say the same in two languages, as row numbers.

    Attributes:
        source: Row in the sections of the pair's first language.
        target: Row in the sections of the pair's second language.
        score: Confidence of the alignment, finite; 1 when it was given rather than computed.
        source_negatives: Rows of the first language: hard negatives when the document is in that language.
        target_negatives: Rows of the second language, likewise.
        split: "train", "validation" or "test".
    """

    source: int
    target: int
    score: float = 1.0
    source_negatives: Sequence[int] = ()
    target_negatives: Sequence[int] = ()
    split: str = "train"


def count_rows(path: Path, schema: pa.Schema) -> int:
    """Number of rows, at least 1, of a Parquet file that has the columns of `schema`; reads its metadata only."""
    try:
        metadata = pq.read_metadata(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} must be a Parquet file, got: {error}. Build the corpus again.") from error
    missing = [name for name in schema.names if name not in metadata.schema.to_arrow_schema().names]
    if missing:
        raise ValueError(f"{path} must have the column {missing[0]!r}, got none. Build the corpus again.")
    if not metadata.num_rows:
        raise ValueError(f"{path} must hold at least one row, got none. Build the corpus again.")
    return metadata.num_rows


def conform(table: pa.Table, schema: pa.Schema, path: Path, first_row: int = 0) -> pa.Table:
    """The columns of `schema` in its types (a round trip over the Hub may narrow or widen them), without nulls."""
    try:
        table = table.select(schema.names).cast(schema)
        table.validate(full=True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        types = ", ".join(f"{field.name} {field.type}" for field in schema)
        raise ValueError(f"{path} must hold {types}, got: {error}. Build the corpus again.") from error
    for name in schema.names:
        if table[name].null_count:
            row = first_row + pc.index(table[name].is_null(), True).as_py()
            raise ValueError(f"{path}, row {row}: {name} must have a value, got null. Build the corpus again.")
    return table


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Columns of a Parquet file, all by default."""
    # Not pq.read_table: it takes a folder named like `pairs=all` for a partition and adds a column.
    with pq.ParquetFile(path) as file:
        return file.read(columns)
