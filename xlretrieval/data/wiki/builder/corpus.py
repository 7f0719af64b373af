"""A build from end to end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from xlretrieval.data.files import write_text
from xlretrieval.data.languages import pair_readings, parse_pair
from xlretrieval.data.progress import progress_bars
from xlretrieval.data.wiki.alignment.aligner import Embed
from xlretrieval.data.wiki.links.building import LinkTable
from xlretrieval.data.wiki.tables.field_map import FieldMap
from xlretrieval.data.wiki.wikitext.prose import HeadingStatistics, ProseFilter
from xlretrieval.data.writing import AlignedSectionsWriter

from .assembly import Assembly, used_keys
from .card import describe_build
from .from_dumps import DumpSource
from .from_tables import TableSource
from .inventory import found_languages
from .options import BuildOptions, Workers
from .runner import Runner
from .shards import key_of, remove_partial_files, shard_counts, writing
from .sources import ArticleSource, Workplace, totals

_BYTES_PER_BUCKET = 256_000_000


@dataclass(frozen=True)
class BuildCounts:
    """What a build read, kept and dropped, stage by stage; it stands in the provenance.

    Attributes:
        scan: Language -> pages by kind.
        links: What the link tables were made of.
        parse: Language -> articles and sections by what became of them.
        align: Pair -> articles and sections by what became of them.
        corpus: Sections per language, and pairs per pair and split.
    """

    scan: dict[str, dict[str, int]]
    links: dict[str, Any]
    parse: dict[str, dict[str, int]]
    align: dict[str, dict[str, int]]
    corpus: dict[str, dict[str, Any]]


def build_corpus(
    dumps: str | Path | None,
    output: str | Path,
    options: BuildOptions,
    workers: Workers | None = None,
    overwrite: bool = False,
    source: str | None = None,
    field_map: FieldMap | None = None,
    embed: Callable[[], Embed] | None = None,
) -> BuildCounts:
    """Builds aligned sections from a folder of Wikipedia dumps, or from tables of parsed pages.

    Killed and started again, it goes on: finished shards stay in the work folder, which may be deleted afterwards.

    Args:
        dumps: Folder of dumps, as `xlretrieval wiki download` fills it; None with `source`.
        output: Folder of the corpus.
        options: What to build.
        workers: Who does it; all cores of this machine by default.
        overwrite: Replace a corpus that is already at `output`.
        source: Instead of dumps, Parquet files or "hub:NAME"; see `TableSource`.
        field_map: Names of the fields of `source`.
        embed: Returns what embeds texts, in every worker; with `options.encoder`, which names it.

    Returns:
        What was read, kept and dropped.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: A dump or a table is missing, damaged (with `on_error="raise"`) or does not fit, two wikis have no
            aligned section in common, or `output` is in use.
    """
    if (options.encoder is None) != (embed is None):
        raise ValueError(f"encoder must be given with what loads it, got {options.encoder!r}. Give both or neither.")
    if (dumps is None) == (source is None):
        raise ValueError(f"a build must have dumps or a source, got {dumps!r} and {source!r}. Give one of them.")
    pairs = _read_pairs(options.pairs, dumps)
    languages = sorted({code for pair in pairs.values() for code in pair})
    articles: ArticleSource
    if source is None:
        articles = DumpSource(Path(str(dumps)), languages, options)
    else:
        articles = TableSource(source, languages, options, field_map)
    with AlignedSectionsWriter(output, overwrite) as writer, progress_bars() as bars:
        place = _workplace(Path(output).resolve(), articles, options, workers or Workers(), bars)
        return _Build(place, articles, pairs, embed).run(writer)


def _workplace(
    output: Path, articles: ArticleSource, options: BuildOptions, workers: Workers, bars: Progress
) -> Workplace:
    runner = Runner(workers)
    folder = (workers.work or output.with_name(f"{output.name}.work")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    remove_partial_files(folder)
    buckets = options.buckets or max(1, round(articles.size / _BYTES_PER_BUCKET))
    return Workplace(folder, runner, bars, options, buckets)


class _Build:
    """The stages behind the source; each leaves its shards in a folder named after all that they follow from."""

    def __init__(
        self,
        place: Workplace,
        articles: ArticleSource,
        pairs: dict[str, tuple[str, str]],
        embed: Callable[[], Embed] | None,
    ):
        self.place, self.articles, self.pairs, self.embed = place, articles, pairs, embed
        options = place.options
        # Each key follows from the one before: a changed option repeats the stages behind it.
        limits = (options.max_page_characters, options.page_seconds)
        made_by = (version("xlretrieval"), articles.identity())
        self._parse_key = key_of("parse", made_by, sorted(pairs), limits, place.buckets)
        aligning = (options.min_characters, options.fit_articles, options.threshold, options.max_negatives)
        aligning += (options.encoder,)
        self._align_key = key_of("align", self._parse_key, aligning)

    def run(self, writer: AlignedSectionsWriter) -> BuildCounts:
        """All stages."""
        place, articles = self.place, self.articles
        scanned = articles.scan(place)
        links, link_counts = articles.link(place)
        wanted = self._write_wanted(links)
        parsed = articles.parse(place, wanted, self._folder("sections"), self._folder("headings"))
        aligned = self._align(self._fit_prose(links))
        self._check_pairs(aligned)
        assembly = self._assemble(writer, links)
        counts = BuildCounts(scanned, link_counts, parsed.counts, aligned, writer.counts())
        provenance = {
            "source": "wikipedia",
            "origin": place.options.origin,
            "arguments": asdict(place.options),
            "dumps": articles.describe(),
            "counts": asdict(counts),
            "dropped pages": parsed.dropped,
        }
        writer.finish(provenance, describe_build(provenance, assembly.examples), place.options.licence)
        return counts

    def _folder(self, kind: str) -> Path:
        key = self._align_key if kind in ("aligners", "pairs") else self._parse_key
        return self.place.folder / f"{kind}-{key}"

    def _write_wanted(self, links: Path) -> dict[str, Path]:
        """The items of each wiki that another one of a wanted pair has too."""
        items = {code: np.sort(LinkTable.load(links, code).page_items) for code in self.articles.languages}
        common: dict[str, list[np.ndarray]] = {code: [] for code in items}
        for source, target in self.pairs.values():
            both = np.intersect1d(items[source], items[target], assume_unique=True)
            common[source].append(both)
            common[target].append(both)
        paths = {code: self._folder("wanted") / f"{code}.npy" for code in items}
        for code, path in paths.items():
            if not path.exists():
                with writing(path) as partial, partial.open("wb") as file:
                    np.save(file, np.unique(np.concatenate(common[code])))
        return paths

    def _fit_prose(self, links: Path) -> dict[str, Any]:
        """Prose filters of all wikis; returns the arguments of `Candidates`."""
        filters = {code: self._folder("prose") / f"{code}.json" for code in self.articles.languages}
        for code, path in filters.items():
            if not path.exists():
                statistics = HeadingStatistics()
                for part in sorted((self._folder("headings") / code).glob("*.json")):
                    statistics.merge(HeadingStatistics.from_rows(json.loads(part.read_text(encoding="utf-8"))))
                rows = ProseFilter.fit(statistics).to_rows()
                write_text(path, json.dumps(rows, ensure_ascii=False, indent=0))
        return {
            "sections": {code: str(self._folder("sections") / code) for code in filters},
            "prose": {code: str(path) for code, path in filters.items()},
            "links": str(links),
            "min_characters": self.place.options.min_characters,
        }

    def _align(self, candidates: dict[str, Any]) -> dict[str, dict[str, int]]:
        """Learns and aligns all pairs."""
        place, options = self.place, self.place.options
        aligners = {pair: self._folder("aligners") / f"{pair}.aligner" for pair in self.pairs}
        tasks = [
            {"languages": self.pairs[pair], "output": str(output)}
            for pair, output in aligners.items()
            if not output.exists()
        ]
        setup = {"candidates": candidates, "buckets": place.buckets, "articles": options.fit_articles}
        setup |= {"threshold": options.threshold, "negatives": options.max_negatives}
        place.runner.run("fit", setup, tasks, place.bars, self.embed)
        outputs = {
            (pair, bucket): self._folder("pairs") / pair / f"{bucket:05}.parquet"
            for pair in self.pairs
            for bucket in range(place.buckets)
        }
        tasks = [
            {"pair": pair, "languages": self.pairs[pair], "bucket": bucket, "output": str(output)}
            for (pair, bucket), output in outputs.items()
            if not output.exists()
        ]
        setup = {"candidates": candidates, "aligners": {pair: str(path) for pair, path in aligners.items()}}
        place.runner.run("align", setup, tasks, place.bars, self.embed)
        return totals((pair, shard_counts(output)) for (pair, _), output in outputs.items())

    def _assemble(self, writer: AlignedSectionsWriter, links: Path) -> Assembly:
        assembly, bars = Assembly(writer, links, self.place.options), self.place.bars
        shards = {pair: (languages, self._folder("pairs") / pair) for pair, languages in self.pairs.items()}
        for pair, (languages, folder) in shards.items():
            assembly.choose_examples(pair, languages, folder)
        for language, keys in used_keys(shards).items():
            assembly.add_sections(language, self._folder("sections") / language, keys, bars)
        for pair, (languages, folder) in shards.items():
            assembly.add_pairs(pair, languages, folder, bars)
        return assembly

    def _check_pairs(self, aligned: Mapping[str, dict[str, int]]) -> None:
        for pair, counts in aligned.items():
            if not counts.get("pairs of sections"):
                found = ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "no article in common"
                raise ValueError(
                    f"pair {pair!r} must have aligned sections, got none ({found}). Check that the dumps are of the "
                    "same date, or lower --threshold or --min-characters."
                )


def _read_pairs(names: Sequence[str], dumps: str | Path | None) -> dict[str, tuple[str, str]]:
    """Pair -> its languages; a name like "en-zh-yue" is decided by the dumps that are there."""
    if dumps is None or all(len(pair_readings(name)) == 1 for name in names):
        return {name: parse_pair(name) for name in names}
    return {name: parse_pair(name, found_languages(dumps)) for name in names}
