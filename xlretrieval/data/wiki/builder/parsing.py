"""The second look at a dump: sections of the articles that another wanted wiki has too."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from xlretrieval.data.wiki.dumps.reading import DumpPart, read_pages, read_siteinfo
from xlretrieval.data.wiki.links.building import LinkTable
from xlretrieval.data.wiki.wikitext.guard import GuardedParser, PageGuardError
from xlretrieval.data.wiki.wikitext.prose import HeadingStatistics

from .articles import ARTICLES, article_row, contains, write_articles
from .shards import writing, writing_shard

# A heading that occurs once in a shard of some 10,000 articles is an article's own; there are millions of these.
_RARE_HEADING = 2


class Parse:
    """Writes the sections of the wanted articles of a dump part, their links resolved.

    Args:
        links: Folder of the link tables.
        wanted: Language -> file with the items to parse, sorted.
        buckets: How many shares the articles are divided into.
        on_error: What to do with a damaged dump, "raise" or "skip".
        max_page_characters: Longest page to parse.
        page_seconds: Longest time for a page.
    """

    def __init__(
        self,
        links: str,
        wanted: dict[str, str],
        buckets: int,
        on_error: str,
        max_page_characters: int,
        page_seconds: float,
    ):
        self._links, self._wanted, self._buckets, self._on_error = links, wanted, buckets, on_error
        self._limits = {"max_characters": max_page_characters, "seconds": page_seconds}

    def __call__(
        self, language: str, path: str, start: int, end: int | None, output: str, headings: str
    ) -> dict[str, Any]:
        """Parses bytes `start` to `end` of `path` into the shard `output`, and counts headings into `headings`."""
        site = read_siteinfo(path)
        table = LinkTable.load(self._links, language)
        wanted = np.load(self._wanted[language], mmap_mode="r")
        counts: Counter[str] = Counter()
        dropped: list[list[str]] = []
        statistics = HeadingStatistics()
        rows = []
        with GuardedParser(site.namespaces, site.case, **self._limits) as parser:
            for page in read_pages(DumpPart(path, start, end), self._on_error):
                if page.redirect is not None:
                    continue
                item = table.item_of_page(page.page_id)
                if item < 0 or not contains(wanted, item):
                    counts["articles of no other wiki" if item >= 0 else "articles without an item"] += 1
                    continue
                try:
                    sections = parser.parse(page.wikitext)
                except PageGuardError as error:
                    counts[f"articles dropped: {error.reason}"] += 1
                    dropped.append([page.title, str(error)])
                    continue
                counts["articles"] += 1
                counts["sections"] += len(sections)
                counts["characters of wikitext"] += len(page.wikitext)
                counts["characters of text"] += sum(len(section.text) for section in sections)
                statistics.add_page(sections)
                rows.append(article_row(item, page.page_id, page.title, sections, table))
            counts.update({f"unbalanced: {kind}": count for kind, count in parser.counts.items()})
        with writing(Path(headings)) as partial:
            rare = _RARE_HEADING if start or end else 1
            partial.write_text(json.dumps(statistics.to_rows(rare), ensure_ascii=False), encoding="utf-8")
        stored: dict[str, Any] = {}
        with writing_shard(Path(output), ARTICLES, stored) as writer:
            write_articles(writer, rows, self._buckets)
            stored |= {"counts": dict(sorted(counts.items())), "dropped": dropped}
        return stored
