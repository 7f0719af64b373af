"""Articles from a folder of Wikipedia dumps."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from xlretrieval.data.wiki.dumps.reading import split_dump
from xlretrieval.data.wiki.links.building import build_link_tables

from .inventory import find_dumps
from .options import BuildOptions
from .shards import key_of, shard_counts
from .sources import ArticleSource, ParsedCounts, Workplace, stamp, totals


class DumpSource(ArticleSource):
    """Wikipedia dumps.

    Args:
        folder: Folder of dumps, see `find_dumps`.
        languages: Language codes.
        options: Of the build.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: A dump is missing, or an index does not fit its dump.
    """

    def __init__(self, folder: Path, languages: Sequence[str], options: BuildOptions):
        self.options = options
        self.wikis = find_dumps(folder, languages)
        self.languages = sorted(self.wikis)
        self.size = sum(path.stat().st_size for wiki in self.wikis.values() for path in wiki.pages)
        self.parts = {
            language: [part for path in wiki.pages for part in split_dump(path, target_bytes=options.part_bytes)]
            for language, wiki in self.wikis.items()
        }

    def identity(self) -> Any:
        """Files and parts, and what else the pages follow from."""
        files = [stamp(path) for wiki in self.wikis.values() for path in wiki.files()]
        parts = {language: [asdict(part) for part in parts] for language, parts in self.parts.items()}
        return files, parts, self.options.on_error, self.options.link_source

    def describe(self) -> dict[str, Any]:
        """Language -> date and files."""
        return {
            language: {"date": wiki.date, "files": {path.name: path.stat().st_size for path in wiki.files()}}
            for language, wiki in self.wikis.items()
        }

    def scan(self, place: Workplace) -> dict[str, dict[str, int]]:
        """Pages of all wikis."""
        outputs = self._outputs(self._pages(place))
        tasks = [
            {**asdict(self.parts[language][number]), "output": str(output)}
            for (language, number), output in outputs.items()
            if not output.exists()
        ]
        setup = {"on_error": self.options.on_error, "inline": self._links_are_inline}
        place.runner.run("scan", setup, tasks, place.bars)
        return totals((language, shard_counts(output)) for (language, _), output in outputs.items())

    def link(self, place: Workplace) -> tuple[Path, dict[str, Any]]:
        """Link tables of all wikis."""
        folder = place.folder / f"links-{self._key}"
        if not folder.exists():
            task = place.bars.add_task("links", total=None)
            pages = {language: self._pages(place) / language for language in self.wikis}
            tables = {language: wiki.tables for language, wiki in self.wikis.items()}
            build_link_tables(pages, tables, folder, source=self.options.link_source)
            place.bars.update(task, total=1, completed=1)
        return folder, json.loads((folder / "links.json").read_text(encoding="utf-8"))

    def parse(self, place: Workplace, wanted: Mapping[str, Path], sections: Path, headings: Path) -> ParsedCounts:
        """Sections of the wanted articles."""
        outputs = self._outputs(sections)
        tasks = [
            {
                "language": language,
                **asdict(self.parts[language][number]),
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
            "on_error": self.options.on_error,
            "max_page_characters": self.options.max_page_characters,
            "page_seconds": self.options.page_seconds,
        }
        place.runner.run("parse", setup, tasks, place.bars)
        stored = [(language, shard_counts(output)) for (language, _), output in outputs.items()]
        dropped: dict[str, list[list[str]]] = {}
        for language, shard in stored:
            dropped.setdefault(language, []).extend(shard["dropped"])
        return ParsedCounts(totals((language, shard["counts"]) for language, shard in stored), dropped)

    @cached_property
    def _key(self) -> str:
        return key_of("dumps", self.identity())

    def _pages(self, place: Workplace) -> Path:
        return place.folder / f"pages-{self._key}"

    def _outputs(self, folder: Path) -> dict[tuple[str, int], Path]:
        """Language and number of every part, and its shard in a folder."""
        return {
            (language, number): folder / language / f"{number:05}.parquet"
            for language, parts in self.parts.items()
            for number in range(len(parts))
        }

    @cached_property
    def _links_are_inline(self) -> bool:
        """Whether language links have to be looked for in the text; see `build_link_tables`."""
        if self.options.link_source != "auto":
            return self.options.link_source == "inline"
        tables = [wiki.tables for wiki in self.wikis.values()]
        without_links = sum(table.langlinks is None for table in tables)
        with_links = without_links <= 1 and without_links < len(tables)
        return not with_links and not all(table.page_props for table in tables)
