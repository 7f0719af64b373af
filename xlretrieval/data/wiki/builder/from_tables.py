"""Articles from tables of pages that were parsed elsewhere: Parquet files, or a dataset of the Hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from xlretrieval.data.files import write_text
from xlretrieval.data.wiki.links.link_table import folder_in_progress, write_table
from xlretrieval.data.wiki.links.title_hashes import hash_titles
from xlretrieval.data.wiki.tables.field_map import FieldMap
from xlretrieval.data.wiki.tables.structured import HUB

from .options import BuildOptions
from .shards import key_of, shard_counts
from .sources import ArticleSource, ParsedCounts, Workplace, stamp, totals


class TableSource(ArticleSource):
    """Tables with titles, Wikidata ids and headed text.

    Args:
        source: "hub:NAME" or "hub:NAME@CONFIGURATION", several of them separated by commas; or a Parquet file, or a
            folder of them.
        languages: Language codes.
        options: Of the build.
        field_map: Names of the fields.

    Raises:
        ValueError: A folder holds no Parquet file.
        FileNotFoundError: There is no such file.
    """

    def __init__(
        self, source: str, languages: Sequence[str], options: BuildOptions, field_map: FieldMap | None = None
    ):
        self.options = options
        self.languages = sorted(languages)
        self.field_map = field_map or FieldMap()
        self.tables = [part.strip() for part in source.split(",")] if source.startswith(HUB) else _files(Path(source))
        self.size = sum(Path(path).stat().st_size for path in self.tables if not path.startswith(HUB))

    def identity(self) -> Any:
        """Files or names, languages, and the field map."""
        tables = [path if path.startswith(HUB) else stamp(Path(path)) for path in self.tables]
        return tables, self.languages, asdict(self.field_map)

    def describe(self) -> dict[str, Any]:
        """The tables."""
        sizes = {path: None if path.startswith(HUB) else Path(path).stat().st_size for path in self.tables}
        return {"tables": {"date": "", "files": {Path(path).name: size or 0 for path, size in sizes.items()}}}

    def scan(self, place: Workplace) -> dict[str, dict[str, int]]:
        """Reads every table once into shards of the same shape."""
        outputs = self._shards(place)
        tasks = [
            {"table": table, "output": str(output)}
            for table, output in zip(self.tables, outputs, strict=True)
            if not output.exists()
        ]
        setup = {"field_map": asdict(self.field_map), "languages": self.languages}
        place.runner.run("read", setup, tasks, place.bars)
        return totals(("tables", shard_counts(output)) for output in outputs)

    def link(self, place: Workplace) -> tuple[Path, dict[str, Any]]:
        """Link tables from the titles and items of the articles themselves."""
        folder = place.folder / f"links-{key_of('tables', self.identity())}"
        counts: dict[str, Any] = {"source": "wikidata", "languages": {}}
        if not folder.exists():
            with folder_in_progress(folder, overwrite=False) as partial:
                for language in self.languages:
                    _write_links(partial / language, self._shards(place), language)
                write_text(partial / "links.json", "{}\n")
        return folder, counts

    def parse(self, place: Workplace, wanted: Mapping[str, Path], sections: Path, headings: Path) -> ParsedCounts:
        """Resolves the links of the wanted articles."""
        outputs = {
            (language, number): sections / language / f"{number:05}.parquet"
            for language in self.languages
            for number in range(len(self.tables))
        }
        shards = self._shards(place)
        tasks = [
            {
                "language": language,
                "shard": str(shards[number]),
                "output": str(output),
                "headings": str(headings / language / f"{number:05}.json"),
            }
            for (language, number), output in outputs.items()
            if not output.exists()
        ]
        setup = {
            "links": str(self.link(place)[0]),
            "wanted": {language: str(path) for language, path in wanted.items()},
            "buckets": place.buckets,
        }
        place.runner.run("resolve", setup, tasks, place.bars)
        counts = totals((language, shard_counts(output)["counts"]) for (language, _), output in outputs.items())
        return ParsedCounts(counts, {})

    def _shards(self, place: Workplace) -> list[Path]:
        folder = place.folder / f"tables-{key_of('tables', self.identity())}"
        return [folder / f"{number:05}.parquet" for number in range(len(self.tables))]


def _files(source: Path) -> list[str]:
    if not source.exists():
        raise FileNotFoundError(f"source must be Parquet files or hub:NAME, got {str(source)!r}. Check the path.")
    found = sorted(source.rglob("*.parquet")) if source.is_dir() else [source]
    if not found:
        raise ValueError(f"{source}: folder must hold Parquet files, got none. Give the folder that does.")
    return [str(path) for path in found]


def _write_links(folder: Path, shards: Sequence[Path], language: str) -> None:
    """The link table of a language; of pages with the same item or title, the first counts."""
    parts = [pq.read_table(path, columns=["language", "page_id", "title", "item"]) for path in shards]
    rows = [row for part in parts for row in part.to_pylist() if row["language"] == language]
    pages = {row["item"]: row["page_id"] for row in reversed(rows)}
    titles = {row["title"]: row["item"] for row in reversed(rows) if pages[row["item"]] == row["page_id"]}
    hashes = hash_titles(list(titles))
    by_hash, by_page = np.argsort(hashes, kind="stable"), sorted((page, item) for item, page in pages.items())
    write_table(
        folder,
        {
            "title_hashes": hashes[by_hash],
            "title_items": np.asarray(list(titles.values()), np.int64)[by_hash],
            "page_ids": np.asarray([page for page, _ in by_page], np.int64),
            "page_items": np.asarray([item for _, item in by_page], np.int64),
        },
    )
