"""Writing a corpus of aligned sections: of any size, and whole or not at all."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .compaction import keep_rows, renumber, used_rows
from .dataset_card import render_card
from .languages import is_language_code, parse_pair
from .pair_table import check_pair_rows, split_codes
from .schema import PAIR_SCHEMA, ROWS_PER_GROUP, SECTION_SCHEMA, AlignedPair, Section, read_parquet
from .splits import SPLITS

_CHARACTERS_PER_GROUP = 16_000_000


class _TableWriter:
    """A Parquet file that grows by row groups, so that at most 10,000 rows are Python objects at a time.

    Args:
        path: The file.
        schema: Its columns, which are attributes of the rows.
        check: Called with the rows to be written and the number of the first of them.
    """

    def __init__(self, path: Path, schema: pa.Schema, check: Callable[[pa.Table, int], None] | None = None):
        self.path = path
        self.length = 0
        self._schema = schema
        self._check = check
        self._file = pq.ParquetWriter(path, schema, compression="zstd")
        self._values = attrgetter(*schema.names)
        self._rows: list[tuple[Any, ...]] = []
        self._characters = 0

    def add(self, item: Section | AlignedPair, characters: int = 0) -> None:
        """Appends a row whose texts have so many characters."""
        self._rows.append(self._values(item))
        self._characters += characters
        self.length += 1
        if len(self._rows) >= ROWS_PER_GROUP or self._characters >= _CHARACTERS_PER_GROUP:
            self.flush()

    def flush(self) -> None:
        """Writes the rows that are not written yet."""
        if not self._rows:
            return
        columns = zip(zip(*self._rows, strict=True), self._schema, strict=True)
        arrays = [pa.array(column, field.type) for column, field in columns]
        self._rows, self._characters = [], 0
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        if self._check:
            self._check(table, self.length - len(table))
        self._file.write_table(table)

    def close(self) -> None:
        """Closes the file; rows that were not flushed are lost."""
        self._file.close()


class AlignedSectionsWriter:
    """Writes a corpus of any size; nothing appears at its place before `finish`, and then all of it.

    Everything is written to a hidden folder beside the destination. Leaving the `with` block without `finish`
    (an error, an interrupt) removes that folder and leaves the destination as it was.

    Args:
        folder: Where the corpus goes; its parents are made.
        overwrite: Replace a corpus that is already there. A folder that holds anything else is never replaced.

    Raises:
        ValueError: The destination is in use.

    Example:
        ```python
        with AlignedSectionsWriter("corpus") as writer:
            writer.add_sections("en", [Section("1", "en", "Bern", "Bern", ("History",), "Founded in 1191.")])
            writer.add_sections("de", [Section("7", "de", "Bern", "Bern", ("Geschichte",), "Gegründet 1191.")])
            writer.add_pairs("en-de", [AlignedPair(0, 0, split=assign_split("Bern", 0.01, 0.01, seed=0))])
            writer.finish({"arguments": {"dump": "2024-01-01"}})
        ```
    """

    def __init__(self, folder: str | Path, overwrite: bool = False):
        self.folder = Path(folder).resolve()
        self._overwrite = overwrite
        self._check_destination()
        self._partial = self._sibling("partial")
        for name in ("sections", "pairs"):
            (self._partial / name).mkdir(parents=True)
        self._sections: dict[str, _TableWriter] = {}
        self._pairs: dict[str, _TableWriter] = {}
        self._languages: dict[str, tuple[str, str]] = {}
        self._closed = False

    def __enter__(self) -> AlignedSectionsWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            for table in (*self._sections.values(), *self._pairs.values()):
                table.close()
        finally:
            shutil.rmtree(self._partial, ignore_errors=True)

    def add_sections(self, language: str, sections: Iterable[Section]) -> range:
        """Appends sections of one language and returns their row numbers.

        Raises:
            ValueError: `language` is no language code, or not that of a section; or the tables are closed.
        """
        self._check_open()
        if language not in self._sections:
            if not is_language_code(language):
                raise ValueError(f"language must be a code like 'en' or 'zh-Hans', got {language!r}. Correct it.")
            path = self._partial / "sections" / f"{language}.parquet"
            self._sections[language] = _TableWriter(path, SECTION_SCHEMA)
        table = self._sections[language]
        first = table.length
        for section in sections:
            if section.language != language:
                raise ValueError(
                    f"language of section {section.id!r} must be {language!r}, got {section.language!r}. "
                    "Add each language by itself."
                )
            table.add(section, len(section.text))
        return range(first, table.length)

    def add_pairs(self, name: str, pairs: Iterable[AlignedPair]) -> None:
        """Appends pairs of two languages, whose sections were added before.

        Raises:
            ValueError: The name is no pair of languages that have sections, is there in the other order, or a pair
                has a row number that does not exist, a negative that is its positive, or an unknown split.
        """
        self._check_open()
        if name not in self._pairs:
            self._open_pairs(name)
        for pair in pairs:
            self._pairs[name].add(pair)

    def _open_pairs(self, name: str) -> None:
        languages = parse_pair(name, self._sections)
        for language in languages:
            if language not in self._sections:
                raise ValueError(f"pair {name!r} must join languages that have sections, got {language!r}. Add them.")
        if "-".join(languages[::-1]) in self._pairs:
            raise ValueError(f"pair must be given in one order, got {name!r} and its reverse. Add to one of them.")
        source, target = (self._sections[language] for language in languages)

        def check(table: pa.Table, first_row: int) -> None:
            check_pair_rows(table, (source.length, target.length), f"pairs {name}", first_row)

        self._languages[name] = languages
        self._pairs[name] = _TableWriter(self._partial / "pairs" / f"{name}.parquet", PAIR_SCHEMA, check)

    def compact(self) -> dict[str, int]:
        """Drops the sections that no pair refers to, as positive or negative, and renumbers the rest.

        To be called after everything is added. It spares a builder from knowing in advance what will be aligned.

        Returns:
            Number of sections dropped, per language.
        """
        self._close()
        pairs = [(self._pairs[name].path, languages) for name, languages in self._languages.items()]
        used = used_rows({code: table.length for code, table in self._sections.items()}, pairs)
        for path, languages in pairs:
            renumber(path, [used[language] for language in languages])
        for code, mask in used.items():
            table = self._sections[code]
            keep_rows(table.path, mask)
            table.length = int(mask.sum())
            if not table.length:
                self._sections.pop(code).path.unlink()
        return {code: int((~mask).sum()) for code, mask in used.items()}

    def counts(self) -> dict[str, dict[str, Any]]:
        """What is in the corpus: `{"sections": {language: n}, "pairs": {name: {split: n}}}`."""
        self._close()
        pairs = {}
        for name in sorted(self._pairs):
            splits = split_codes(read_parquet(self._pairs[name].path, ["split"])["split"])
            pairs[name] = dict(zip(SPLITS, np.bincount(splits, minlength=len(SPLITS)).tolist(), strict=True))
        return {"sections": {code: self._sections[code].length for code in sorted(self._sections)}, "pairs": pairs}

    def finish(self, provenance: Mapping[str, Any], details: str = "", licence: Sequence[str] = ()) -> None:
        """Writes the card and the provenance and puts the corpus at its place.

        Args:
            provenance: What made it; anything JSON can hold. The versions of the libraries are added.
            details: Markdown for the card: where the texts are from, what was dropped, examples.
            licence: The Hub's names of the licences of the texts, for the card.

        Raises:
            ValueError: No pairs were added, an article stands in two splits, or the destination is in use by now.
        """
        empty = [name for name, table in self._pairs.items() if not table.length]
        if not self._pairs or empty:
            raise ValueError(
                f"corpus must have pairs, got none for {empty[0] if empty else 'any languages'}. Add some."
            )
        self._close()
        self._check_splits()
        versions = {name: version(name) for name in ("xlretrieval", "pyarrow", "numpy")}
        text = json.dumps({**provenance, "versions": versions}, indent=2, ensure_ascii=False, default=str)
        (self._partial / "provenance.json").write_text(text + "\n", encoding="utf-8")
        card = render_card(self.counts(), self._languages, details, licence)
        (self._partial / "README.md").write_text(card, encoding="utf-8")
        self._check_destination()
        replaced = self._sibling("replaced") if self.folder.exists() else None
        if replaced:
            self.folder.rename(replaced)
        try:
            self._partial.rename(self.folder)
        except OSError:
            if replaced:
                replaced.rename(self.folder)
            raise
        if replaced:
            shutil.rmtree(replaced)

    def _sibling(self, ending: str) -> Path:
        return self.folder.with_name(f".{self.folder.name}.{uuid.uuid4().hex[:8]}.{ending}")

    def _check_destination(self) -> None:
        if not self.folder.exists():
            return
        if not self.folder.is_dir():
            raise ValueError(f"output must be a folder, got the file {str(self.folder)!r}. Choose another.")
        found = {path.name for path in self.folder.iterdir()}
        if found and not self._overwrite:
            raise ValueError(f"output must be new or empty, got {str(self.folder)!r}. Choose another or overwrite it.")
        # Overwriting a home folder by a slip of the keyboard must not be possible.
        if foreign := found - {"sections", "pairs", "provenance.json", "README.md"}:
            raise ValueError(
                f"output to overwrite must hold aligned sections only, got {min(foreign)!r} in {str(self.folder)!r}. "
                "Choose another folder."
            )

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("sections and pairs must be added before compact, counts and finish. Add them earlier.")

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for table in (*self._sections.values(), *self._pairs.values()):
            table.flush()
            table.close()

    def _check_splits(self) -> None:
        for language in sorted({code for languages in self._languages.values() for code in languages}):
            column = read_parquet(self._sections[language].path, ["article_id"])["article_id"]
            articles = column.dictionary_encode().combine_chunks()
            article_of_row = articles.indices.to_numpy().astype(np.int64)
            placed = []  # article and split of every pair, as one number
            for name, languages in self._languages.items():
                if language in languages:
                    side = ("source", "target")[languages.index(language)]
                    pairs = read_parquet(self._pairs[name].path, [side, "split"])
                    article = article_of_row[pairs[side].to_numpy()]
                    placed.append(np.unique(article * len(SPLITS) + split_codes(pairs["split"])))
            article, split = np.divmod(np.unique(np.concatenate(placed)), len(SPLITS))
            if len(twice := np.flatnonzero(article[1:] == article[:-1])):
                first = twice[0]
                raise ValueError(
                    f"article {articles.dictionary[article[first]].as_py()!r} ({language}) must be in one split, got "
                    f"{SPLITS[split[first]]} and {SPLITS[split[first + 1]]}. Assign splits by article."
                )
