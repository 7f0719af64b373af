"""From shards of aligned articles to a corpus of aligned sections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.progress import Progress

from xlretrieval.data.schema import AlignedPair, Section
from xlretrieval.data.splits import assign_split
from xlretrieval.data.wiki.links.building import LinkTable
from xlretrieval.data.writing import AlignedSectionsWriter

from .aligning import section_key, split_key
from .options import BuildOptions

_ARTICLES_PER_BATCH = 200
EXAMPLES = 5


@dataclass(frozen=True)
class Example:
    """A pair of sections to be shown."""

    score: float
    source: Section
    target: Section


class Assembly:
    """Gives the sections that are in a pair their rows, and the pairs their row numbers.

    Args:
        writer: Of the corpus.
        links: Folder of the link tables.
        options: For the split.
    """

    def __init__(self, writer: AlignedSectionsWriter, links: Path, options: BuildOptions):
        self._writer, self._links, self._options = writer, links, options
        self._keys: dict[str, np.ndarray] = {}  # language -> sorted keys of its sections
        self._rows: dict[str, np.ndarray] = {}  # language -> their rows
        self._chosen: dict[str, list[tuple[float, tuple[str, int], tuple[str, int]]]] = {}
        self._shown: dict[tuple[str, int], Section] = {}  # language and key -> section of an example

    @property
    def examples(self) -> dict[str, list[Example]]:
        """Pair -> some of its pairs of sections, from all over it."""
        return {
            pair: [Example(score, self._shown[source], self._shown[target]) for score, source, target in chosen]
            for pair, chosen in self._chosen.items()
        }

    def choose_examples(self, pair: str, languages: tuple[str, str], shards: Path) -> None:
        """Chooses the pairs of sections that the card shows; before the sections are added."""
        columns = ["source", "target", "score"]
        table = pa.concat_tables(pq.read_table(path, columns=columns) for path in sorted(shards.glob("*.parquet")))
        places = np.unique(np.linspace(0, len(table) - 1, EXAMPLES + 2).round().astype(int)[1:-1])
        self._chosen[pair] = [
            (row["score"], (languages[0], row["source"]), (languages[1], row["target"]))
            for row in table.take(places).to_pylist()
        ]

    def add_sections(self, language: str, shards: Path, keys: np.ndarray, bars: Progress) -> None:
        """Writes the sections of a wiki that `keys`, sorted, name.

        Args:
            language: Language code.
            shards: Its article shards.
            keys: See `section_key`, int64.
            bars: Shows progress.
        """
        names = LinkTable.load(self._links, language)
        pages = np.unique(split_key(keys)[0])
        rows = np.full(len(keys), -1, np.int64)
        shown = {
            key for chosen in self._chosen.values() for _, *both in chosen for code, key in both if code == language
        }
        for path in bars.track(sorted(shards.glob("*.parquet")), description=f"writing {language}"):
            places, sections = [], []
            for place, section in _sections(path, language, names, keys, pages):
                if rows[place] < 0:  # a dump may hold a page twice
                    rows[place] = -2
                    places.append(place)
                    sections.append(section)
                    if (key := int(keys[place])) in shown:
                        self._shown[language, key] = section
            rows[places] = self._writer.add_sections(language, sections)
        self._keys[language], self._rows[language] = keys, rows

    def add_pairs(self, pair: str, languages: tuple[str, str], shards: Path, bars: Progress) -> None:
        """Writes the pairs of two languages whose sections were added."""
        names = LinkTable.load(self._links, languages[0])
        paths = sorted(shards.glob("*.parquet"))
        for path in bars.track(paths, description=f"writing {pair}"):
            self._writer.add_pairs(pair, self._pairs(path, languages, names))

    def _pairs(self, path: Path, languages: tuple[str, str], names: LinkTable) -> Iterator[AlignedPair]:
        options = self._options
        table = pq.read_table(path)
        split_of = {
            item: assign_split(names.article_id(item), options.validation, options.test, options.seed)
            for item in pc.unique(table["item"]).to_pylist()
        }
        columns = {name: table[name].to_pylist() for name in table.column_names}
        sides = [
            (self._rows_of(language, columns[side]), columns[f"{side}_negatives"])
            for side, language in zip(("source", "target"), languages, strict=True)
        ]
        (source, source_negatives), (target, target_negatives) = sides
        for index, item in enumerate(columns["item"]):
            yield AlignedPair(
                source[index],
                target[index],
                columns["score"][index],
                self._rows_of(languages[0], source_negatives[index]),
                self._rows_of(languages[1], target_negatives[index]),
                split_of[item],
            )

    def _rows_of(self, language: str, keys: list[int]) -> list[int]:
        return self._rows[language][np.searchsorted(self._keys[language], keys)].tolist()


def used_keys(pairs: Mapping[str, tuple[tuple[str, str], Path]]) -> dict[str, np.ndarray]:
    """The sections that pairs refer to, as positive or negative.

    Args:
        pairs: Pair -> its languages and its shards.

    Returns:
        Language -> sorted keys, int64.
    """
    found: dict[str, list[np.ndarray]] = {}
    for languages, shards in pairs.values():
        for path in sorted(shards.glob("*.parquet")):
            table = pq.read_table(path)
            for side, language in zip(("source", "target"), languages, strict=True):
                negatives = pc.list_flatten(table[f"{side}_negatives"]).to_numpy()
                keys = np.unique(np.concatenate([table[side].to_numpy(), negatives]))
                found.setdefault(language, []).append(keys)
    return {language: np.unique(np.concatenate(parts)) for language, parts in sorted(found.items())}


def _sections(
    path: Path, language: str, names: LinkTable, keys: np.ndarray, pages: np.ndarray
) -> Iterator[tuple[int, Section]]:
    """The sections of a shard that are among `keys`, which are of `pages`, with their place there."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_ARTICLES_PER_BATCH):
            wanted = pa.array(np.isin(batch["page_id"].to_numpy(), pages))
            for row in batch.filter(wanted).to_pylist():
                page_id, article_id = row["page_id"], names.article_id(row["item"])
                places = np.searchsorted(keys, [section_key(page_id, part["number"]) for part in row["sections"]])
                for place, part in zip(places.tolist(), row["sections"], strict=True):
                    if place < len(keys) and keys[place] == section_key(page_id, part["number"]):
                        yield (
                            place,
                            Section(
                                id=f"{language}:{page_id}#{part['number']}",
                                language=language,
                                article_id=article_id,
                                article_title=row["title"],
                                heading_path=tuple(part["heading_path"]),
                                text=part["text"],
                            ),
                        )
