"""Articles on disk: rows in shards, in groups of rows by bucket, so that a bucket is read alone from all shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from xlretrieval.data.wiki.alignment.numbers import numbers_in
from xlretrieval.data.wiki.links.link_table import LinkTable
from xlretrieval.data.wiki.records import Article, ArticleSection, PageSection

SECTION = pa.struct(
    {
        "number": pa.int32(),
        "heading_path": pa.list_(pa.string()),
        "text": pa.large_string(),
        "items": pa.list_(pa.int64()),
        "list_characters": pa.int64(),
        "markup_characters": pa.int64(),
    }
)
ARTICLES = pa.schema(
    {
        "item": pa.int64(),
        "page_id": pa.int64(),
        "title": pa.string(),
        "sections": pa.large_list(SECTION),
    }
)


def contains(values: np.ndarray, value: int) -> bool:
    """Whether a value is among sorted values, which may be on disk."""
    place = int(np.searchsorted(values, value))
    return place < len(values) and int(values[place]) == value


def article_row(
    item: int, page_id: int, title: str, sections: Sequence[PageSection], table: LinkTable
) -> dict[str, Any]:
    """A row of `ARTICLES`: links become the items of what they lead to, each once in order; unknown ones go."""
    titles = [link for section in sections for link in section.links]
    items = iter(table.items_of_titles(titles).tolist())
    resolved = [[next(items) for _ in section.links] for section in sections]
    return {
        "item": item,
        "page_id": page_id,
        "title": title,
        "sections": [
            {
                "number": section.number,
                "heading_path": section.heading_path,
                "text": section.text,
                "items": [link for link in dict.fromkeys(links) if link >= 0],
                "list_characters": section.list_characters,
                "markup_characters": section.markup_characters,
            }
            for section, links in zip(sections, resolved, strict=True)
        ],
    }


def bucket_of(item: int, buckets: int) -> int:
    """The share of articles that an item belongs to."""
    return item % buckets


def write_articles(writer: pq.ParquetWriter, rows: Sequence[dict[str, Any]], buckets: int) -> None:
    """Writes rows of `ARTICLES`, one group of rows for every bucket, empty ones too."""
    by_bucket: list[list[dict[str, Any]]] = [[] for _ in range(buckets)]
    for row in rows:
        by_bucket[bucket_of(row["item"], buckets)].append(row)
    for group in by_bucket:
        writer.write_batch(pa.RecordBatch.from_pylist(group, ARTICLES), row_group_size=max(1, len(group)))


def read_bucket(folder: Path, bucket: int) -> pa.Table:
    """The rows of a bucket from all shards of a wiki, sorted by item; an item that occurs twice is there once."""
    tables = []
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            tables.append(file.read_row_group(bucket))
    table = pa.concat_tables(tables)
    order = pc.sort_indices(table, [("item", "ascending"), ("page_id", "ascending")])
    items = table["item"].take(order).to_numpy()
    first = [True, *(items[1:] != items[:-1])] if len(items) else []
    return table.take(order.filter(pa.array(first, pa.bool_())))


def shared_articles(first: pa.Table, second: pa.Table) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The rows of both tables, sorted by item, that have an item in common."""
    common = pc.filter(first["item"], pc.is_in(first["item"], second["item"].combine_chunks()))
    for start in range(0, len(common), 1_000):
        wanted = common.slice(start, 1_000).combine_chunks()
        yield from zip(
            first.filter(pc.is_in(first["item"], wanted)).to_pylist(),
            second.filter(pc.is_in(second["item"], wanted)).to_pylist(),
            strict=True,
        )


def page_section(row: dict[str, Any]) -> PageSection:
    """A section as the parser gave it, without its links."""
    path, characters = tuple(row["heading_path"]), (row["list_characters"], row["markup_characters"])
    return PageSection(row["number"], path, row["text"], (), *characters)


def article(row: dict[str, Any], sections: Sequence[dict[str, Any]], language: str, article_id: str) -> Article:
    """An article of some of its sections, as the alignment takes it."""
    return Article(
        article_id,
        language,
        row["page_id"],
        row["title"],
        [
            ArticleSection(
                section["number"],
                tuple(section["heading_path"]),
                section["text"],
                tuple(section["items"]),
                numbers_in(section["text"]),
            )
            for section in sections
        ],
    )
