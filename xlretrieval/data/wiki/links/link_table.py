"""The link table of one wiki on disk: sorted arrays that are mapped into memory."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from .page_index import look_up
from .title_hashes import hash_titles

_ARRAYS = ("title_hashes", "title_items", "page_ids", "page_items")
_NAMES = "names.arrow"
_COUNTS = "links.json"


class LinkTable:
    """Items of the titles and pages of one wiki. Made by `build_link_tables`, opened by `load`.

    Attributes:
        language: Language code.
        page_ids: Numbers of the articles that have an item, ascending, int64 `(articles,)`.
        page_items: Their items, each once, int64 `(articles,)`.
    """

    def __init__(self, language: str, arrays: Mapping[str, np.ndarray], names: pa.ChunkedArray | None):
        self.language = language
        self.page_ids = arrays["page_ids"]
        self.page_items = arrays["page_items"]
        self._title_hashes = arrays["title_hashes"]
        self._title_items = arrays["title_items"]
        self._names = names

    @classmethod
    def load(cls, folder: str | Path, language: str) -> LinkTable:
        """Maps the table of a language.

        Args:
            folder: Output of `build_link_tables`.
            language: Language code.

        Raises:
            ValueError: The folder holds no table of this language.
        """
        folder = Path(folder)
        found = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        if language not in found:
            raise ValueError(
                f"{folder}: folder must hold a link table for {language!r}, got {', '.join(found) or 'none'}. "
                "Build it."
            )
        arrays = {name: np.load(folder / language / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
        return cls(language, arrays, _map_names(folder / _NAMES))

    def items_of_titles(self, titles: Sequence[str]) -> np.ndarray:
        """Items of titles, which are normalised; redirects are followed.

        Returns:
            int64 `(titles,)`, -1 for a title that is not known.
        """
        return look_up(self._title_hashes, hash_titles(titles), self._title_items)

    def items_of_pages(self, page_ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """Items of articles by page number, int64 `(pages,)`, -1 for a page that is not known."""
        return look_up(self.page_ids, np.asarray(page_ids, np.int64), self.page_items)

    def item_of_page(self, page_id: int) -> int:
        """Item of an article by page number, -1 for a page that is not known."""
        return int(self.items_of_pages([page_id])[0])

    def article_id(self, item: int) -> str:
        """Name of an item: "Q64", or where there are no Wikidata ids the first of its pages, "de:Berlin".

        Raises:
            ValueError: There is no such item.
        """
        if item < 0 or (self._names is not None and item >= len(self._names)):
            raise ValueError(
                f"item must be one of the link tables, got {item}. Leave out titles without an item (-1)."
            )
        return f"Q{item}" if self._names is None else self._names[int(item)].as_py()


def write_table(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes the arrays of a link table."""
    folder.mkdir()
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", arrays[name])


def write_names(folder: Path, names: pa.Array) -> None:
    """Writes the names of the items, which are all tables' of the folder."""
    table = pa.table({"name": names})
    with pa.OSFile(str(folder / _NAMES), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _map_names(path: Path) -> pa.ChunkedArray | None:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()["name"] if path.exists() else None


@contextmanager
def folder_in_progress(output: Path, overwrite: bool) -> Iterator[Path]:
    """A folder beside the output, which becomes the output when the block ends without an error, and else vanishes.

    Raises:
        ValueError: The output is in use, and not by link tables that may be overwritten.
    """
    output = output.resolve()
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        if not (overwrite and (output / _COUNTS).is_file()):
            raise ValueError(
                f"output must be new or empty, or link tables to overwrite, got {str(output)!r}. "
                "Choose another folder."
            )
    partial = output.with_name(f".{output.name}.{uuid.uuid4().hex[:8]}.partial")
    partial.mkdir(parents=True)
    try:
        yield partial
        if output.exists():
            shutil.rmtree(output)
        partial.rename(output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
