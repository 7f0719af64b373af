"""The first look at a dump: which pages there are. It costs about a twentieth of parsing them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from xlretrieval.data.wiki.dumps.reading import DumpPart, read_pages
from xlretrieval.data.wiki.dumps.xml_pages import PageCounts
from xlretrieval.data.wiki.records import wiki_language
from xlretrieval.data.wiki.wikitext.parsing import inline_language_links

from .shards import writing_shard

PAGES = pa.schema(
    {
        "page_id": pa.int64(),
        "title": pa.string(),
        "redirect": pa.string(),
        "interlanguage": pa.list_(pa.struct({"language": pa.string(), "title": pa.string()})),
    }
)
_ROWS = 20_000


class Scan:
    """Writes the pages of a dump part.

    Args:
        on_error: What to do with a damaged dump, "raise" or "skip".
        inline: Whether to collect the language links that stand in the pages' text.
    """

    def __init__(self, on_error: str, inline: bool):
        self._on_error, self._inline = on_error, inline

    def __call__(self, path: str, start: int, end: int | None, output: str) -> dict[str, Any]:
        """Reads bytes `start` to `end` of `path` into the shard `output`."""
        counts = PageCounts()
        stored: dict[str, Any] = {}
        rows: list[dict[str, Any]] = []
        with writing_shard(Path(output), PAGES, stored) as writer:
            for page in read_pages(DumpPart(path, start, end), self._on_error, counts):
                links = inline_language_links(page.wikitext) if self._inline and page.redirect is None else {}
                rows.append(
                    {
                        "page_id": page.page_id,
                        "title": page.title,
                        "redirect": page.redirect,
                        "interlanguage": [
                            {"language": wiki_language(code), "title": title} for code, title in links.items()
                        ],
                    }
                )
                if len(rows) == _ROWS:
                    writer.write_table(pa.Table.from_pylist(rows, PAGES))
                    rows.clear()
            writer.write_table(pa.Table.from_pylist(rows, PAGES))
            stored |= asdict(counts)
        return stored
