"""What dumps say about the same article in other languages: Wikidata ids, tables of language links, inline links."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xlretrieval.data.wiki.records import wiki_language

from .page_index import PageIndex, iterate_pages
from .sql_rows import SqlCounts, read_sql_rows
from .title_hashes import hash_titles

_ITEM = re.compile(r"Q([1-9][0-9]{0,17})")
# Of each other language, so that 50 of them wait in about 500 MB.
_LINKS_AT_ONCE = 100_000
# Codes that links use beside the one in the wiki's name.
_ALIASES = {
    "be-tarask": "be-x-old",
    "cmn": "zh",
    "cz": "cs",
    "dk": "da",
    "gsw": "als",
    "jp": "ja",
    "lzh": "zh-classical",
    "minnan": "zh-min-nan",
    "nan": "zh-min-nan",
    "nb": "no",
    "rup": "roa-rup",
    "sgs": "bat-smg",
    "vro": "fiu-vro",
    "yue": "zh-yue",
}


@dataclass
class SourceCounts:
    """What was read of one wiki's page properties or language links.

    Attributes:
        rows: Rows or inline links read.
        not_utf8: Rows that are no UTF-8.
        not_an_item: Properties whose value is no Wikidata id.
        of_other_pages: Rows of pages that are not in the main namespace, or not articles.
        empty_titles: Links without a title, which MediaWiki writes.
        of_other_languages: Links to languages that nobody asked for, and to the wiki itself.
        unknown_titles: Links to titles that the other wiki does not have.
        links: Links that were used.
    """

    rows: int = 0
    not_utf8: int = 0
    not_an_item: int = 0
    of_other_pages: int = 0
    empty_titles: int = 0
    of_other_languages: int = 0
    unknown_titles: int = 0
    links: int = 0


def language_of_link(code: str) -> str:
    """Language code of a link's prefix: "simple" -> "en-simple", "nan" -> "zh-min-nan"."""
    code = code.strip().lower()
    return wiki_language(_ALIASES.get(code, code))


def read_items(path: Path, index: PageIndex, counts: SourceCounts) -> np.ndarray:
    """Wikidata ids of pages as numbers ("Q64" -> 64), from a `page_props` table.

    Returns:
        int64 `(pages,)`, -1 for a page without one. Redirects have them too, where Wikidata links to the redirect.
    """
    read = SqlCounts()
    where = {"pp_propname": "wikibase_item"}
    page_ids, values = array("q"), array("q")  # 7 million of either in English
    for page_id, value in read_sql_rows(
        path, "page_props", ["pp_page", "pp_value"], where=where, on_error="skip", counts=read
    ):
        counts.rows += 1
        if item := _ITEM.fullmatch(str(value)):
            page_ids.append(int(page_id))
            values.append(int(item[1]))
        else:
            counts.not_an_item += 1
    counts.not_utf8 += read.not_utf8
    items = np.full(len(index.page_ids), -1, np.int64)
    rows = index.rows_of_pages(np.array(page_ids, np.int64))
    known = rows >= 0
    items[rows[known]] = np.array(values, np.int64)[known]
    counts.of_other_pages += int((~known).sum())
    counts.links += int(known.sum())
    return items


def table_links(path: Path, counts: SourceCounts) -> Iterator[tuple[int, str, str]]:
    """Yields page number, language code as it stands there, and title of the rows of a `langlinks` table."""
    read = SqlCounts()
    columns = ["ll_from", "ll_lang", "ll_title"]
    for page_id, code, title in read_sql_rows(path, "langlinks", columns, on_error="skip", counts=read):
        yield int(page_id), str(code), str(title or "")
    counts.not_utf8 += read.not_utf8
    counts.rows += read.not_utf8


def inline_links(pages: Path) -> Iterator[tuple[int, str, str]]:
    """Yields the same of the language links in the text of pages, as dumps of before 2013 have them."""
    for batch in iterate_pages(pages, ["page_id", "interlanguage"]):
        filled = batch.filter(batch["interlanguage"].is_valid())
        for page_id, links in zip(filled["page_id"].to_pylist(), filled["interlanguage"].to_pylist(), strict=True):
            for link in links:
                yield page_id, link["language"] or "", link["title"] or ""


def resolve_links(
    links: Iterable[tuple[int, str, str]], language: str, indices: Mapping[str, PageIndex], counts: SourceCounts
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The articles that language links join.

    Args:
        links: Page number, language code and title.
        language: Language of the wiki that has the links.
        indices: Language -> its pages; links to other languages are counted only.
        counts: What becomes of the links is added to it.

    Returns:
        Other language -> rows of the articles here and there, redirects followed on either side.
    """
    codes: dict[str, str] = {}
    waiting: dict[str, tuple[list[int], list[str]]] = {other: ([], []) for other in indices}
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {other: [] for other in indices}
    for page_id, code, title in links:
        counts.rows += 1
        other = codes.get(code)
        if other is None:
            other = codes[code] = language_of_link(code)
        if not title.strip(" _"):
            counts.empty_titles += 1
        elif other == language or other not in indices:
            counts.of_other_languages += 1
        else:
            page_ids, titles = waiting[other]
            page_ids.append(page_id)
            titles.append(title)
            if len(titles) >= _LINKS_AT_ONCE:
                found[other].append(_resolve(page_ids, titles, indices[language], indices[other], counts))
                waiting[other] = ([], [])
    for other, (page_ids, titles) in waiting.items():
        found[other].append(_resolve(page_ids, titles, indices[language], indices[other], counts))
    joined = {other: tuple(map(np.concatenate, zip(*parts, strict=True))) for other, parts in found.items()}
    return {other: (here, there) for other, (here, there) in joined.items() if len(here)}


def _resolve(
    page_ids: list[int], titles: list[str], here: PageIndex, there: PageIndex, counts: SourceCounts
) -> tuple[np.ndarray, np.ndarray]:
    rows = here.rows_of_pages(np.array(page_ids, np.int64))
    sources = np.where(rows >= 0, here.articles[rows], -1) if len(here.articles) else rows
    targets = there.articles_of_hashes(hash_titles(titles))
    counts.of_other_pages += int((sources < 0).sum())
    counts.unknown_titles += int(((sources >= 0) & (targets < 0)).sum())
    used = (sources >= 0) & (targets >= 0)
    counts.links += int(used.sum())
    return sources[used], targets[used]
