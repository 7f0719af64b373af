"""Which sections of an article are offered to the alignment."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xlretrieval.data.wiki.links.building import LinkTable
from xlretrieval.data.wiki.records import Article
from xlretrieval.data.wiki.wikitext.prose import ProseFilter

from .articles import article, page_section, read_bucket, shared_articles

# What the row number of a section is made of, see `section_key`: 4,096 sections are ten times the longest article.
SECTIONS_PER_PAGE = 4_096


class Candidates:
    """Articles that two wikis share, with the sections that can be aligned.

    Args:
        sections: Language -> folder of article shards.
        prose: Language -> file of the wiki's prose filter.
        links: Folder of the link tables.
        min_characters: Shortest section.
    """

    def __init__(self, sections: dict[str, str], prose: dict[str, str], links: str, min_characters: int):
        self._sections = {language: Path(folder) for language, folder in sections.items()}
        self._prose = {language: _read_filter(path) for language, path in prose.items()}
        self._names = LinkTable.load(links, next(iter(sections)))
        self._min_characters = min_characters

    def article_pairs(
        self, languages: tuple[str, str], bucket: int, counts: Counter[str]
    ) -> Iterator[tuple[int, Article, Article]]:
        """Item and both articles, sorted by item; without those of which a side has no section left.

        Args:
            languages: The two languages.
            bucket: The share of articles.
            counts: Added to: articles and sections by what became of them.
        """
        tables = (read_bucket(self._sections[language], bucket) for language in languages)
        for rows in shared_articles(*tables):
            item = rows[0]["item"]
            counts["article pairs"] += 1
            both = [
                self._article(row, language, self._names.article_id(item), counts)
                for row, language in zip(rows, languages, strict=True)
            ]
            if all(side.sections for side in both):
                yield item, both[0], both[1]
            else:
                counts["article pairs without a section on one side"] += 1

    def _article(self, row: dict[str, Any], language: str, article_id: str, counts: Counter[str]) -> Article:
        kept = []
        for section in row["sections"]:
            reason = self._reason_to_drop(section, language)
            counts[f"{language} sections {reason or 'offered'}"] += 1
            if reason is None:
                kept.append(section)
        return article(row, kept, language, article_id)

    def _reason_to_drop(self, section: dict[str, Any], language: str) -> str | None:
        if not section["text"]:
            return "without text"
        if section["number"] >= SECTIONS_PER_PAGE:
            return f"beyond the {SECTIONS_PER_PAGE:,} of a page"
        if not self._prose[language].is_prose(page_section(section)):
            return "not prose"
        return "too short" if len(section["text"]) < self._min_characters else None


def _read_filter(path: str) -> ProseFilter:
    return ProseFilter.from_rows(json.loads(Path(path).read_text(encoding="utf-8")))
