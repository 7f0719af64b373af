"""Which articles and link targets of different wikis are the same: tables from titles and pages to items.

An item is a number that is the same in all languages: Wikidata's where the dumps have `page_props`, else the number of
a component of pages that language links join. A table costs 16 bytes a title and as much an article, and is mapped
into memory: 20 million titles are 320 MB on disk, and workers share them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlretrieval.data.wiki.wikitext.titles import normalise_title

from .components import ComponentCounts, join_pages
from .language_links import SourceCounts, inline_links, read_items, resolve_links, table_links
from .link_table import LinkTable, folder_in_progress, write_names, write_table
from .page_index import PageIndex, TitleCounts, index_pages, iterate_pages

__all__ = ["LinkCounts", "LinkFiles", "LinkSource", "LinkTable", "build_link_tables"]

LinkSource = Literal["auto", "wikidata", "langlinks", "inline"]
_SOURCES = ("auto", "wikidata", "langlinks", "inline")


@dataclass(frozen=True)
class LinkFiles:
    """The tables (SQL, plain or gzip) that were dumped with the pages of a wiki; None for one that is not there."""

    page_props: Path | None = None
    langlinks: Path | None = None
    redirect: Path | None = None


@dataclass
class LanguageLinkCounts:
    """What a link table was made of.

    Attributes:
        pages: The wiki's pages.
        source: The properties or language links read.
        ambiguous: Articles left out because another of the language has the same Wikidata id.
        articles_with_item: Articles in the table.
        titles_with_item: Titles in the table, with redirects.
    """

    pages: TitleCounts = field(default_factory=TitleCounts)
    source: SourceCounts = field(default_factory=SourceCounts)
    ambiguous: int = 0
    articles_with_item: int = 0
    titles_with_item: int = 0


@dataclass
class LinkCounts:
    """What link tables were made of.

    Attributes:
        source: "wikidata", "langlinks" or "inline".
        languages: Language -> counts.
        components: How pages were joined; None for Wikidata.
    """

    source: str
    languages: dict[str, LanguageLinkCounts] = field(default_factory=dict)
    components: ComponentCounts | None = None

    def as_dict(self) -> dict[str, Any]:
        """The counts as JSON holds them."""
        return asdict(self)


def build_link_tables(
    pages: Mapping[str, str | Path],
    dumps: Mapping[str, LinkFiles],
    output: str | Path,
    languages: Sequence[str] | None = None,
    source: LinkSource = "auto",
    overwrite: bool = False,
) -> LinkCounts:
    """Makes the link tables of several wikis, all or none.

    Sources in the order of preference: Wikidata ids ("auto" takes them if every language has `page_props`); the
    `langlinks` tables (if at most one language has none: each pair then has the links of one side at least); links
    inside the text. Sources are not mixed within a run: items of different sources could not be compared.

    With Wikidata ids, a redirect that has an item of its own keeps it (Wikidata may link to redirects, and what the
    redirect names is the better answer); others stand for the article that they lead to.

    Args:
        pages: Language -> Parquet file, or folder of them: page_id, title, redirect (target's title or null), and for
            inline links interlanguage (lists of language and title).
        dumps: Language -> its SQL tables; a language may be missing.
        output: The folder to make: `<language>/*.npy`, `links.json` and, without Wikidata ids, `names.arrow`.
        languages: Languages to make tables for; all of `pages` by default.
        source: The source to use instead of choosing one.
        overwrite: Replace link tables that are there.

    Raises:
        ValueError: No source will do, a file does not read, or `output` is in use.
        OSError: A file cannot be opened.
    """
    languages = sorted(pages if languages is None else set(languages))
    if missing := [language for language in languages if language not in pages]:
        raise ValueError(f"languages must have pages, got none for {missing[0]!r}. Scan its dump first.")
    files = {language: dumps.get(language, LinkFiles()) for language in languages}
    paths = {language: Path(pages[language]) for language in languages}
    chosen = _choose(source, files)
    counts = LinkCounts(chosen, {language: LanguageLinkCounts() for language in languages})
    with folder_in_progress(Path(output), overwrite) as folder:
        indices = _index(paths, files, folder / "indices", counts)
        if chosen == "wikidata":
            for language, index in indices.items():
                own = read_items(files[language].page_props, index, counts.languages[language].source)
                _write(folder / language, index, own, counts.languages[language])
                if not counts.languages[language].articles_with_item:
                    raise ValueError(
                        f"{files[language].page_props}: page_props must have Wikidata ids of the articles in "
                        f"{language!r}, got none. Check that it belongs to the dump, or choose another source."
                    )
        else:
            _join(paths, files, indices, folder, counts)
        shutil.rmtree(folder / "indices")
        text = json.dumps(counts.as_dict(), indent=2) + "\n"
        (folder / "links.json").write_text(text, encoding="utf-8")
    return counts


def _choose(source: str, files: Mapping[str, LinkFiles]) -> str:
    if source not in _SOURCES:
        raise ValueError(f"source must be one of {', '.join(_SOURCES)}, got {source!r}. Choose one of them.")
    without_props = [language for language, tables in files.items() if tables.page_props is None]
    without_links = [language for language, tables in files.items() if tables.langlinks is None]
    if source == "wikidata" and without_props:
        raise ValueError(
            f"source wikidata must have page_props of every language, got none for {without_props[0]!r}. Download it."
        )
    if source == "langlinks" and len(without_links) == len(files):
        raise ValueError("source langlinks must have a langlinks table, got none. Download them.")
    if source != "auto":
        return source
    if not without_props:
        return "wikidata"
    return "langlinks" if len(without_links) <= 1 and len(without_links) < len(files) else "inline"


def _index(
    paths: Mapping[str, Path], files: Mapping[str, LinkFiles], folder: Path, counts: LinkCounts
) -> dict[str, PageIndex]:
    """Indexes one wiki after the other; the arrays wait on disk, since all of them at once need not fit."""
    indices = {}
    for language, path in paths.items():
        index, counts.languages[language].pages = index_pages(path, files[language].redirect)
        index.save(folder / language)
        del index
        indices[language] = PageIndex.load(folder / language)
    return indices


def _join(
    paths: Mapping[str, Path],
    files: Mapping[str, LinkFiles],
    indices: Mapping[str, PageIndex],
    folder: Path,
    counts: LinkCounts,
) -> None:
    """Makes tables of components: a page is spoken of by its row, plus the number of rows of the languages before."""
    lengths = [len(index.page_ids) for index in indices.values()]
    offsets = dict(zip(indices, np.cumsum([0, *lengths]).tolist(), strict=False))
    sources, targets = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for language, index_path in paths.items():
        read = counts.languages[language].source
        if counts.source == "inline":
            links = inline_links(index_path)
        elif (table := files[language].langlinks) is not None:
            links = table_links(table, read)
        else:
            continue
        for other, (here, there) in resolve_links(links, language, indices, read).items():
            sources.append(here + offsets[language])
            targets.append(there + offsets[other])
    languages = np.repeat(np.arange(len(lengths), dtype=np.int16), lengths)
    placed, labels, counts.components = join_pages(np.concatenate(sources), np.concatenate(targets), languages)
    if not len(placed):
        raise ValueError(
            f"source {counts.source} must join articles of {', '.join(paths)}, got no links between them. Check that "
            "the dumps belong together, or choose another source."
        )
    labels, names = _number_by_name(placed, labels, languages[placed], paths, indices, offsets)
    write_names(folder, names)
    for language, index in indices.items():
        first, last = offsets[language], offsets[language] + len(index.page_ids)
        own = np.full(last - first, -1, np.int64)
        inside = slice(*np.searchsorted(placed, [first, last]))
        own[placed[inside] - first] = labels[inside]
        _write(folder / language, index, own, counts.languages[language])


def _number_by_name(
    placed: np.ndarray,
    labels: np.ndarray,
    languages: np.ndarray,
    paths: Mapping[str, Path],
    indices: Mapping[str, PageIndex],
    offsets: Mapping[str, int],
) -> tuple[np.ndarray, pa.Array]:
    """Names each component after the first of its pages in "language:Title", and numbers them by their names.

    Returns:
        New labels, and the names in their order. Neither depends on the order of the input.
    """
    # All pages of a component have different languages, so that the codes decide which name is the first; the colon
    # belongs to the comparison: "en-simple:" stands before "en:".
    rank = np.argsort(np.argsort([f"{language}:" for language in paths]))
    order = np.lexsort((rank[languages], labels))
    first = order[np.r_[True, labels[order][1:] != labels[order][:-1]]]
    names = []
    for language, path in paths.items():
        index, offset = indices[language], offsets[language]
        rows = placed[first] - offset
        inside = np.flatnonzero((rows >= 0) & (rows < len(index.page_ids)))
        names.append((inside, _titles(path, index, rows[inside], language)))
    where = np.concatenate([inside for inside, _ in names])
    unordered = pa.chunked_array([titles for _, titles in names]).combine_chunks()
    named = unordered.take(pa.array(np.argsort(where)))  # the name of component 0, 1, ...
    by_name = pc.sort_indices(named).to_numpy()
    numbers = np.empty(len(by_name), np.int64)
    numbers[by_name] = np.arange(len(by_name))
    return numbers[labels], named.take(pa.array(by_name))


def _titles(path: Path, index: PageIndex, rows: np.ndarray, language: str) -> pa.Array:
    """Names "language:Title" of some rows. A page whose title stands for another page gets its number behind "#"."""
    wanted = np.zeros(len(index.page_ids), bool)
    wanted[rows] = True
    own_title = np.zeros(len(index.page_ids), bool)
    own_title[index.sorted_rows] = True
    found_rows, found = [np.zeros(0, np.int64)], []
    for batch in iterate_pages(path, ["page_id", "title"]):
        batch_rows = index.rows_of_pages(batch["page_id"].to_numpy(zero_copy_only=False))
        mask = wanted[batch_rows]
        found_rows.append(batch_rows[mask])
        for row, title in zip(
            batch_rows[mask].tolist(), batch["title"].filter(pa.array(mask)).to_pylist(), strict=True
        ):
            number = "" if own_title[row] else f"#{index.page_ids[row]}"
            found.append(f"{language}:{normalise_title(title)}{number}")
    # `rows` come in the order of the components, the titles in that of the file.
    order = np.argsort(np.concatenate(found_rows))
    places = np.searchsorted(np.concatenate(found_rows)[order], rows)
    return pa.array(found, pa.large_string()).take(pa.array(order[places]))


def _write(folder: Path, index: PageIndex, own: np.ndarray, counts: LanguageLinkCounts) -> None:
    """Writes the table of a wiki of which some rows have items of their own."""
    articles = np.flatnonzero(index.is_article() & (own >= 0))
    _, places, occurrences = np.unique(own[articles], return_inverse=True, return_counts=True)
    shared = occurrences[places] > 1
    own[articles[shared]] = -1
    articles = articles[~shared]
    items = np.where(own >= 0, own, np.where(index.articles >= 0, own[index.articles], -1)) if len(own) else own
    title_items = items[index.sorted_rows]
    known = title_items >= 0
    counts.ambiguous = int(shared.sum())
    counts.articles_with_item = len(articles)
    counts.titles_with_item = int(known.sum())
    write_table(
        folder,
        {
            "title_hashes": index.sorted_hashes[known],
            "title_items": title_items[known],
            "page_ids": index.page_ids[articles],
            "page_items": own[articles],
        },
    )
