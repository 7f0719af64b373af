"""Tables of parsed pages: read once into shards, then their links resolved."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xlretrieval.data.wiki.links.building import LinkTable
from xlretrieval.data.wiki.records import PageSection
from xlretrieval.data.wiki.tables.field_map import FieldMap
from xlretrieval.data.wiki.tables.structured import StructuredCounts, read_structured
from xlretrieval.data.wiki.wikitext.prose import HeadingStatistics

from .articles import ARTICLES, article_row, contains, write_articles
from .shards import writing, writing_shard

_SECTION = pa.struct(
    {
        "heading_path": pa.list_(pa.string()),
        "text": pa.large_string(),
        "links": pa.list_(pa.string()),
        "list_characters": pa.int64(),
        "markup_characters": pa.int64(),
    }
)
_TABLE = pa.schema(
    {
        "language": pa.string(),
        "page_id": pa.int64(),
        "title": pa.string(),
        "item": pa.int64(),
        "sections": pa.large_list(_SECTION),
    }
)
_ROWS = 500


class Read:
    """Writes the articles of a table.

    Args:
        field_map: Attributes of a `FieldMap`.
        languages: Language codes to keep.
    """

    def __init__(self, field_map: dict[str, Any], languages: list[str]):
        self._field_map, self._languages = FieldMap(**field_map), languages

    def __call__(self, table: str, output: str) -> dict[str, Any]:
        """Reads a file, or a dataset of the Hub, into the shard `output`."""
        counts = StructuredCounts()
        stored: dict[str, Any] = {}
        rows: list[dict[str, Any]] = []
        with writing_shard(Path(output), _TABLE, stored) as writer:
            for page in read_structured(table, self._field_map, self._languages, counts):
                row = {name: getattr(page, name) for name in ("language", "page_id", "title", "item")}
                rows.append({**row, "sections": [asdict(section) for section in page.sections]})
                if len(rows) == _ROWS:
                    writer.write_table(pa.Table.from_pylist(rows, _TABLE))
                    rows.clear()
            writer.write_table(pa.Table.from_pylist(rows, _TABLE))
            values = asdict(counts)
            left_out = values.pop("parts_left_out")
            stored |= values | {f"parts left out: {kind}": count for kind, count in sorted(left_out.items())}
        return stored


class Resolve:
    """Writes the wanted articles of a shard, their links resolved.

    Args:
        links: Folder of the link tables.
        wanted: Language -> file with the items to keep, sorted.
        buckets: How many shares the articles are divided into.
    """

    def __init__(self, links: str, wanted: dict[str, str], buckets: int):
        self._links, self._wanted, self._buckets = links, wanted, buckets

    def __call__(self, language: str, shard: str, output: str, headings: str) -> dict[str, Any]:
        """Resolves the articles of a language in `shard` into the shard `output`."""
        table = LinkTable.load(self._links, language)
        wanted = np.load(self._wanted[language], mmap_mode="r")
        counts: Counter[str] = Counter()
        statistics = HeadingStatistics()
        rows = []
        with pq.ParquetFile(shard) as file:
            for batch in file.iter_batches(_ROWS):
                for row in batch.to_pylist():
                    if row["language"] != language:
                        continue
                    item = row["item"]
                    if table.item_of_page(row["page_id"]) != item:
                        counts["articles of an item that another has"] += 1
                    elif not contains(wanted, item):
                        counts["articles of no other wiki"] += 1
                    else:
                        sections = _sections(row["sections"])
                        counts["articles"] += 1
                        counts["sections"] += len(sections)
                        counts["characters of text"] += sum(len(section.text) for section in sections)
                        statistics.add_page(sections)
                        rows.append(article_row(item, row["page_id"], row["title"], sections, table))
        with writing(Path(headings)) as partial:
            partial.write_text(json.dumps(statistics.to_rows(), ensure_ascii=False), encoding="utf-8")
        stored: dict[str, Any] = {}
        with writing_shard(Path(output), ARTICLES, stored) as writer:
            write_articles(writer, rows, self._buckets)
            stored |= {"counts": dict(sorted(counts.items()))}
        return stored


def _sections(rows: list[dict[str, Any]]) -> list[PageSection]:
    return [
        PageSection(
            number,
            tuple(row["heading_path"]),
            row["text"],
            tuple(row["links"]),
            row["list_characters"],
            row["markup_characters"],
        )
        for number, row in enumerate(rows)
    ]
