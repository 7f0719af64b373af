"""The pages of one wiki as arrays: which row has a page number or a title, and where redirects end."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .sql_rows import read_sql_rows
from .title_hashes import NO_TITLE, hash_titles

# A chain of redirects that MediaWiki's bots have not yet shortened has two or three links; five is generous.
LONGEST_CHAIN = 5
_ROWS_PER_BATCH = 65_536


@dataclass
class TitleCounts:
    """The pages of a wiki, by what their titles lead to.

    Attributes:
        articles: Pages that redirect nowhere.
        redirects: Pages that do.
        redirects_followed: Of these, those that end in an article.
        redirects_broken: Those that end in a page that is not there, or not in the main namespace.
        redirects_looped: Those that end nowhere, or after more than 5 redirects.
        redirects_of_table: Those that only the table of redirects knows.
        same_title: Pages whose normalised title is that of another, which stands for it, or no title.
    """

    articles: int = 0
    redirects: int = 0
    redirects_followed: int = 0
    redirects_broken: int = 0
    redirects_looped: int = 0
    redirects_of_table: int = 0
    same_title: int = 0


@dataclass(frozen=True)
class PageIndex:
    """The pages of one wiki, sorted by number; a page is spoken of by its row.

    Attributes:
        page_ids: int64 `(pages,)`, ascending.
        hashes: Hashes of the titles, uint64 `(pages,)`.
        articles: Row of the article that a page is or redirects to, -1 for none; int64 `(pages,)`.
        sorted_hashes: The hashes, ascending, each once; uint64 `(titles,)`.
        sorted_rows: Their rows, int64 `(titles,)`.
    """

    page_ids: np.ndarray
    hashes: np.ndarray
    articles: np.ndarray
    sorted_hashes: np.ndarray
    sorted_rows: np.ndarray

    def rows_of_pages(self, page_ids: np.ndarray) -> np.ndarray:
        """Rows of page numbers, -1 where there is no such page."""
        return look_up(self.page_ids, page_ids, np.arange(len(self.page_ids)))

    def articles_of_hashes(self, hashes: np.ndarray) -> np.ndarray:
        """Rows of the articles behind titles, redirects followed, -1 where there is none."""
        rows = look_up(self.sorted_hashes, hashes, self.sorted_rows)
        return np.where(rows >= 0, self.articles[rows], -1)

    def is_article(self) -> np.ndarray:
        """Which rows are articles, bool `(pages,)`."""
        return self.articles == np.arange(len(self.articles))

    def save(self, folder: Path) -> None:
        """Writes the arrays, to be mapped by `load`."""
        folder.mkdir(parents=True)
        for field in fields(self):
            np.save(folder / f"{field.name}.npy", getattr(self, field.name))

    @classmethod
    def load(cls, folder: Path) -> PageIndex:
        """Maps the arrays into memory."""
        return cls(**{field.name: np.load(folder / f"{field.name}.npy", mmap_mode="r") for field in fields(cls)})


def index_pages(pages: Path, redirects: Path | None = None) -> tuple[PageIndex, TitleCounts]:
    """Reads the pages of one wiki.

    Args:
        pages: Parquet file, or folder of them, with the columns page_id, title and redirect (the target's title, null
            for an article).
        redirects: The wiki's `redirect` table (SQL), for pages whose own text did not say that they redirect.

    Raises:
        ValueError: A column is missing, a page stands there twice, or a file does not read.
        OSError: A file cannot be opened.
    """
    page_ids, hashes, redirect, targets = _read_pages(pages)
    order = np.argsort(page_ids, kind="stable")
    page_ids, hashes, redirect, targets = page_ids[order], hashes[order], redirect[order], targets[order]
    twice = np.flatnonzero(page_ids[1:] == page_ids[:-1])
    if len(twice):
        raise ValueError(f"{pages}: each page must be there once, got page {page_ids[twice[0]]} twice. Remove one.")
    counts = TitleCounts()
    if redirects is not None:
        counts.redirects_of_table = _add_redirects(redirects, page_ids, redirect, targets)
    # Where two pages share a title, the article stands for it, then the older page.
    by_title = np.lexsort((page_ids, redirect, hashes))
    first = np.r_[True, hashes[by_title][1:] != hashes[by_title][:-1]][: len(by_title)]
    counts.same_title = int((~first).sum())
    by_title = by_title[first & (hashes[by_title] != NO_TITLE)]
    rows = np.arange(len(page_ids))
    following = np.where(redirect, look_up(hashes[by_title], targets, by_title), rows)
    articles = _follow(following, redirect, counts)
    counts.redirects = int(redirect.sum())
    counts.articles = len(redirect) - counts.redirects
    return PageIndex(page_ids, hashes, articles, hashes[by_title], by_title), counts


def iterate_pages(pages: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yields batches of some columns of a Parquet file or of all those in a folder.

    Raises:
        ValueError: There is no Parquet file, or a column is missing.
        OSError: A file cannot be opened.
    """
    files = sorted(pages.rglob("*.parquet")) if pages.is_dir() else [pages]
    if not files:
        raise ValueError(f"{pages}: folder must hold Parquet files, got none. Scan the dump first.")
    for path in files:
        with pq.ParquetFile(path) as file:
            found = file.schema_arrow.names
            if missing := [name for name in columns if name not in found]:
                raise ValueError(
                    f"{path}: pages must have the column {missing[0]!r}, got {', '.join(found)}. Scan the dump again."
                )
            yield from file.iter_batches(_ROWS_PER_BATCH, columns=list(columns))


def _read_pages(pages: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    parts = []
    for batch in iterate_pages(pages, ["page_id", "title", "redirect"]):
        page_ids = batch["page_id"].cast(pa.int64()).to_numpy(zero_copy_only=False)
        redirect = batch["redirect"].is_valid().to_numpy(zero_copy_only=False)
        targets = np.zeros(len(batch), "<u8")
        targets[redirect] = hash_titles(batch["redirect"].drop_null().to_pylist())
        parts.append((page_ids, hash_titles(batch["title"].to_pylist()), redirect, targets))
    if not parts:
        parts = [(np.zeros(0, np.int64), np.zeros(0, "<u8"), np.zeros(0, bool), np.zeros(0, "<u8"))]
    page_ids, hashes, redirect, targets = (np.concatenate(part) for part in zip(*parts, strict=True))
    return page_ids, hashes, redirect, targets


def _add_redirects(path: Path, page_ids: np.ndarray, redirect: np.ndarray, targets: np.ndarray) -> int:
    """Marks the pages that only the table knows as redirects, in place, and returns how many."""
    sources = array("q")
    hashes = [np.zeros(0, "<u8")]
    rows = read_sql_rows(path, "redirect", ["rd_from", "rd_namespace", "rd_title"])
    while part := list(islice(rows, _ROWS_PER_BATCH)):
        sources.extend([int(page_id) for page_id, _, _ in part])
        # What leaves the main namespace ends at no title of ours.
        hashes.append(hash_titles([title if namespace == 0 else "" for _, namespace, title in part]))
    places = look_up(page_ids, np.array(sources, np.int64), np.arange(len(page_ids)))
    new = (places >= 0) & ~redirect[places] if len(page_ids) else np.zeros(len(places), bool)
    redirect[places[new]] = True
    targets[places[new]] = np.concatenate(hashes)[new]
    return int(new.sum())


def _follow(following: np.ndarray, redirect: np.ndarray, counts: TitleCounts) -> np.ndarray:
    """Row where the redirects that start at each row end, -1 for none."""
    ends = following.copy()
    for _ in range(LONGEST_CHAIN - 1):
        on_the_way = np.flatnonzero((ends >= 0) & redirect[ends])
        if not len(on_the_way):
            break
        ends[on_the_way] = following[ends[on_the_way]]
    looped = (ends >= 0) & redirect[ends]
    counts.redirects_looped = int(looped.sum())
    counts.redirects_broken = int((ends < 0).sum())
    ends[looped] = -1
    counts.redirects_followed = int((redirect & (ends >= 0)).sum())
    return ends


def look_up(sorted_keys: np.ndarray, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Value of each key, -1 for keys that are not there. Keys are ascending, values as many; int64 `(keys,)`."""
    if not len(sorted_keys):
        return np.full(len(keys), -1, np.int64)
    places = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return np.where(sorted_keys[places] == keys, values[places], -1)
