"""Where the articles of a build come from: what every source can do, and what all of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import Progress

from .options import BuildOptions
from .runner import Runner


@dataclass(frozen=True)
class Workplace:
    """What the stages of a build work with.

    Attributes:
        folder: Of intermediate files.
        runner: Runs tasks.
        bars: Shows progress.
        options: Of the build.
        buckets: Shares that articles are divided into.
    """

    folder: Path
    runner: Runner
    bars: Progress
    options: BuildOptions
    buckets: int


class ArticleSource(ABC):
    """A source of articles in several languages.

    Attributes:
        languages: Language codes, sorted.
        size: Bytes to read.
    """

    languages: list[str]
    size: int

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What it is, for the provenance: language or name -> `date`, and `files` with their sizes."""

    @abstractmethod
    def scan(self, place: Workplace) -> dict[str, dict[str, int]]:
        """Finds out which articles there are; returns counts."""

    @abstractmethod
    def link(self, place: Workplace) -> tuple[Path, dict[str, Any]]:
        """Folder of the link tables, and what they were made of; after `scan`."""

    @abstractmethod
    def parse(self, place: Workplace, wanted: Mapping[str, Path], sections: Path, headings: Path) -> ParsedCounts:
        """Writes shards of articles, their links resolved.

        Args:
            place: Where and how.
            wanted: Language -> file of the sorted items to parse.
            sections: Folder of the article shards of all languages.
            headings: Folder of their heading statistics.
        """

    @abstractmethod
    def identity(self) -> Any:
        """What everything that is made from it follows from, as plain values."""


@dataclass(frozen=True)
class ParsedCounts:
    """What became of the articles.

    Attributes:
        counts: Language -> kind -> number.
        dropped: Language -> title of a page that was dropped, and why.
    """

    counts: dict[str, dict[str, int]]
    dropped: dict[str, list[list[str]]]


def totals(parts: Iterable[tuple[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Sums of counts by name, both sorted within."""
    sums: dict[str, Counter[str]] = {}
    for name, counts in parts:
        sums.setdefault(name, Counter()).update(counts)
    return {name: dict(sorted(counts.items())) for name, counts in sums.items()}


def stamp(path: Path) -> list[Any]:
    """What tells a file from another version of itself."""
    stat = path.stat()
    return [str(path), stat.st_size, stat.st_mtime_ns]
