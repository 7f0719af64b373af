"""The sample as Wikipedia dumps, and the truth about its aligned sections."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .dump_files import DATE, multistream, sql_table
from .facts import LANGUAGES
from .layout import SampleSection
from .pages import WikiPage


def write_dumps(folder: Path, pages: dict[str, list[WikiPage]]) -> None:
    """Writes the files of all wikis, under the names that Wikimedia gives them, with their SHA-1."""
    folder.mkdir(parents=True)
    for language in LANGUAGES:
        database = f"{language}wiki"
        xml, index = multistream(language, pages[language])
        files = {
            "pages-articles-multistream.xml.bz2": xml,
            "pages-articles-multistream-index.txt.bz2": index,
            "page_props.sql.gz": sql_table(database, "page_props", _page_props(pages[language])),
            "langlinks.sql.gz": sql_table(database, "langlinks", _langlinks(language, pages)),
            "redirect.sql.gz": sql_table(database, "redirect", _redirects(pages[language])),
        }
        sums = []
        for suffix, content in files.items():
            name = f"{database}-{DATE}-{suffix}"
            (folder / name).write_bytes(content)
            sums.append(f"{hashlib.sha1(content, usedforsecurity=False).hexdigest()}  {name}\n")
        (folder / f"{database}-{DATE}-sha1sums.txt").write_text("".join(sums), encoding="utf-8")


def _page_props(pages: list[WikiPage]) -> list[tuple[int, str, str, float | None]]:
    rows: list[tuple[int, str, str, float | None]] = []
    for page in pages:
        if page.article:
            rows.append((page.page_id, "defaultsort", page.title.upper(), None))
            rows.append((page.page_id, "wikibase_item", page.article.subject.item, None))
    return rows


def _langlinks(language: str, pages: dict[str, list[WikiPage]]) -> list[tuple[int, str, str]]:
    titles = {
        other: {page.article.subject: page.title for page in pages[other] if page.article} for other in LANGUAGES
    }
    rows = []
    for number, page in enumerate(page for page in pages[language] if page.article):
        rows += [
            (page.page_id, other, titles[other][page.article.subject])
            for other in LANGUAGES
            if other != language and page.article and page.article.subject in titles[other]
        ]
        if number % 200 == 0:  # as in real dumps, some titles are empty
            rows.append((page.page_id, "it", ""))
    return rows


def _redirects(pages: list[WikiPage]) -> list[tuple[int, int, str, str, str]]:
    return [(page.page_id, 0, page.redirect.replace(" ", "_"), "", "") for page in pages if page.redirect]


def write_truth(path: Path, pages: dict[str, list[WikiPage]]) -> dict[str, dict[str, int]]:
    """Writes which sections say the same, a line each, and returns counts by pair and kind.

    "whole" sections have the same parts of a topic; where one language tells in two sections what another one tells
    in one, both are a "part" of it.
    """
    counts: dict[str, Counter[str]] = {}
    lines = []
    for source, target in itertools.combinations(sorted(LANGUAGES), 2):
        name = f"{source}-{target}"
        counts[name] = Counter(whole=0, part=0)
        others = {page.article.subject: page for page in pages[target] if page.article}
        for page in pages[source]:
            other = others.get(page.article.subject) if page.article else None
            if page.article is None or other is None or other.article is None:
                continue
            pages_of_pair = {"source_page": page.page_id, "target_page": other.page_id}
            for row in _matches(page.article.sections, other.article.sections):
                counts[name][row["kind"]] += 1
                ids = {"pair": name, "item": page.article.subject.item, **pages_of_pair}
                lines.append(json.dumps({**ids, **row}, ensure_ascii=False) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return {name: dict(found) for name, found in counts.items()}


def _matches(sections: Sequence[SampleSection], others: Sequence[SampleSection]) -> list[dict[str, int | str]]:
    rows: list[dict[str, int | str]] = []
    for number, section in enumerate(sections):
        for place, other in enumerate(others):
            if section.topic == other.topic and set(section.parts) & set(other.parts):
                kind = "whole" if section.parts == other.parts else "part"
                rows.append({"source_section": number, "target_section": place, "topic": section.topic, "kind": kind})
    return rows
