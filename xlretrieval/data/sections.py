"""Aligned sections: the contract between whatever builds a corpus and everything that trains on it.

    corpus/
      sections/<language>.parquet   id, language, article_id, article_title, heading_path, text
      pairs/<a>-<b>.parquet         source, target, score, source_negatives, target_negatives, split
      provenance.json               arguments, versions, counts of what was read, kept and dropped, by reason
      README.md                     dataset card, so that `datasets.load_dataset("corpus", "en-de")` works

Pairs are row numbers, so a section that stands in six language pairs is stored once and a pair costs some 100 bytes
instead of two texts. Parquet is what is stored and shared; it cannot be read row by row (a page has to be decoded
whole), so a table of sections is converted once into an uncompressed Arrow file in the cache and memory-mapped from
there: 3 to 5 microseconds a text at random, against 35 through `datasets.Dataset.__getitem__`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from operator import attrgetter, index
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SPLITS = ("train", "validation", "test")

SECTION_SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "language": pa.string(),
        "article_id": pa.string(),
        "article_title": pa.string(),
        "heading_path": pa.list_(pa.string()),
        # 64-bit offsets: 1,000 sections of a few million characters overflow the 2 GiB of `string`.
        "text": pa.large_string(),
    }
)
PAIR_SCHEMA = pa.schema(
    {
        "source": pa.int64(),
        "target": pa.int64(),
        "score": pa.float32(),
        "source_negatives": pa.list_(pa.int64()),
        "target_negatives": pa.list_(pa.int64()),
        "split": pa.string(),
    }
)

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*")
_ROWS_PER_GROUP = 10_000
_CHARACTERS_PER_GROUP = 16_000_000


@dataclass(frozen=True, slots=True)
class Section:
    """One section of an article.

    Attributes:
        id: Unique within its language.
        language: Language code, "en" or "zh-Hans".
        article_id: The article it stands in; sections of one article are always in the same split.
        article_title: Title of the article, "" when unknown.
        heading_path: Headings from the outermost to the section's own, () when it has none.
        text: The text, without the headings.
    """

    id: str
    language: str
    article_id: str
    article_title: str
    heading_path: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class AlignedPair:
    """Two sections that say the same in two languages, as row numbers.

    Attributes:
        source: Row in the sections of the pair's first language.
        target: Row in the sections of the pair's second language.
        score: Confidence of the alignment, finite; 1 when it was given rather than computed.
        source_negatives: Rows of the first language: hard negatives when the document is in that language.
        target_negatives: Rows of the second language, likewise.
        split: "train", "validation" or "test".
    """

    source: int
    target: int
    score: float = 1.0
    source_negatives: Sequence[int] = ()
    target_negatives: Sequence[int] = ()
    split: str = "train"


def is_language_code(text: str) -> bool:
    """Whether `text` is two or three lower-case letters and optional subtags: "en", "zh-Hans", "be-tarask"."""
    return _LANGUAGE.fullmatch(text) is not None


def pair_readings(name: str) -> list[tuple[str, str]]:
    """All ways to read `name` as two language codes: one for "en-fr", two for "en-pt-br" (br is Breton)."""
    parts = name.split("-")
    readings = [("-".join(parts[:i]), "-".join(parts[i:])) for i in range(1, len(parts))]
    return [reading for reading in readings if all(map(is_language_code, reading))]


def parse_pair(name: str, languages: Collection[str] = ()) -> tuple[str, str]:
    """Splits "en-fr" into ("en", "fr").

    Args:
        name: The pair's name.
        languages: Languages that exist; they decide between several readings of a name.

    Raises:
        ValueError: `name` is not two different language codes, or can be read in several ways.
    """
    readings = pair_readings(name)
    readings = [reading for reading in readings if set(reading) <= set(languages)] or readings
    if not readings:
        raise ValueError(
            f"pair must be two language codes joined by a hyphen, got {name!r}. Write it like 'en-fr' or 'en-zh-Hans'."
        )
    if len(readings) > 1:
        ways = " or ".join(" and ".join(reading) for reading in readings)
        raise ValueError(f"pair must have one reading, got {name!r}, which is {ways}. Write subtags in upper case.")
    if readings[0][0] == readings[0][1]:
        raise ValueError(f"pair must join two different languages, got {name!r}. Give the other language.")
    return readings[0]


def check_fractions(validation: float, test: float) -> None:
    """Raises ValueError unless both fractions are at least 0 and leave something to train on."""
    for name, value in (("validation", validation), ("test", test)):
        if not 0 <= value < 1:
            raise ValueError(f"{name} must be a fraction in [0, 1), got {value}. Give for example 0.01.")
    if validation + test >= 1:
        raise ValueError(f"validation + test must be below 1, got {validation} + {test}. Leave some for training.")


def assign_split(article_key: str, validation: float, test: float, seed: int) -> str:
    """Split of an article, from a stable hash of its key: it depends on nothing else that is in the corpus.

    Test articles are those with the smallest hashes, validation articles the next, so another `validation` leaves the
    test articles as they were.

    Args:
        article_key: What identifies the article, the same in all its languages.
        validation: Expected fraction of articles in "validation".
        test: Expected fraction of articles in "test".
        seed: Another seed gives another, independent partition.

    Raises:
        ValueError: The fractions are out of range.
    """
    check_fractions(validation, test)
    digest = hashlib.blake2b(f"{seed}:{article_key}".encode(), digest_size=8).digest()
    position = int.from_bytes(digest, "big") / 2**64
    if position < test:
        return "test"
    return "validation" if position < test + validation else "train"


# Reading


def _read_schema(path: Path, expected: pa.Schema) -> pq.FileMetaData:
    """Metadata of a Parquet file that has the expected columns."""
    try:
        metadata = pq.read_metadata(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} must be a Parquet file, got: {error}. Build the corpus again.") from error
    missing = [name for name in expected.names if name not in metadata.schema.to_arrow_schema().names]
    if missing:
        raise ValueError(f"{path} must have the column {missing[0]!r}, got none. Build the corpus again.")
    return metadata


def _conform(table: pa.Table, schema: pa.Schema, path: Path, first_row: int = 0) -> pa.Table:
    """The columns of `schema` in its types (a round trip over the Hub may narrow or widen them), without nulls."""
    try:
        table = table.select(schema.names).cast(schema)
        table.validate(full=True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        types = ", ".join(f"{field.name} {field.type}" for field in schema)
        raise ValueError(f"{path} must hold {types}, got: {error}. Build the corpus again.") from error
    for name in schema.names:
        if table[name].null_count:
            row = first_row + pc.index(table[name].is_null(), True).as_py()
            raise ValueError(f"{path}, row {row}: {name} must have a value, got null. Build the corpus again.")
    return table


def _read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    # Not pq.read_table: it takes a folder named like `pairs=all` for a partition and adds a column.
    with pq.ParquetFile(path) as file:
        return file.read(columns)


def _default_cache() -> Path:
    # Not at the top of the file: a builder that only writes has no use for the Hub library.
    from huggingface_hub import cached_assets_path

    return cached_assets_path("xlretrieval", namespace="sections")


class SectionTable:
    """The sections of one language, memory-mapped. `table[row]` is a `Section`.

    Opening reads the Parquet file's metadata only. The first access to a row converts the file into an Arrow file in
    the cache (once; the other processes of the machine wait for it) and maps that. The Arrow file is named after the
    Parquet file's path, inode, size and time of change, so a corpus that was built again is converted again.
    Pickles as its path and is opened again where it is unpickled, so a worker process maps the same memory.

    Args:
        path: The Parquet file.
        language: Its language code.
        cache_dir: Folder for the Arrow file; `xlretrieval` in the Hugging Face assets cache by default.

    Raises:
        ValueError: The file is not Parquet, lacks a column, or has no rows; at the first access also: it has a null
            or text that is not UTF-8.
    """

    def __init__(self, path: str | Path, language: str, cache_dir: str | Path | None = None):
        self.path = Path(path)
        self.language = language
        self._cache_dir = cache_dir
        self._length = _read_schema(self.path, SECTION_SCHEMA).num_rows
        if not self._length:
            raise ValueError(f"{self.path} must hold at least one section, got none. Build the corpus again.")

    def __reduce__(self) -> tuple[Any, ...]:
        return SectionTable, (self.path, self.language, self._cache_dir)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, row: int) -> Section:
        chunk, offset = self._locate(row)
        values = [self._chunks[name][chunk][offset].as_py() for name in SECTION_SCHEMA.names]
        section = dict(zip(SECTION_SCHEMA.names, values, strict=True))
        return Section(**section | {"heading_path": tuple(section["heading_path"])})

    def __iter__(self) -> Iterator[Section]:
        return (self[row] for row in range(len(self)))

    def text(self, row: int) -> str:
        """Text of one section. Raises IndexError when `row` is not in [0, len)."""
        chunk, offset = self._locate(row)
        return self._texts[chunk][offset].as_py()

    def article_id(self, row: int) -> str:
        """Article of one section. Raises IndexError when `row` is not in [0, len)."""
        chunk, offset = self._locate(row)
        return self._chunks["article_id"][chunk][offset].as_py()

    @cached_property
    def article_ids(self) -> pa.DictionaryArray:
        """All articles, dictionary-encoded: `.indices.to_numpy()` are codes `(len,)`, `.dictionary` the names."""
        return self._table["article_id"].dictionary_encode().combine_chunks()

    @cached_property
    def text_lengths(self) -> np.ndarray:
        """Characters (code points) of every text, int64 `(len,)`, memory-mapped; counted during the conversion."""
        return np.load(self._arrow_file.with_suffix(".npy"), mmap_mode="r")

    def _locate(self, row: int) -> tuple[int, int]:
        # Rows come out of numpy arrays, and comparing a numpy integer with ten Python ones costs a microsecond.
        row = index(row)
        if not 0 <= row < self._length:
            raise IndexError(f"row must be in [0, {self._length}), got {row}. {self.path} has no such section.")
        chunk = bisect_right(self._starts, row) - 1
        return chunk, row - self._starts[chunk]

    @cached_property
    def _table(self) -> pa.Table:
        return pa.ipc.open_file(pa.memory_map(str(self._arrow_file))).read_all()

    @cached_property
    def _chunks(self) -> dict[str, list[pa.Array]]:
        return {name: self._table[name].chunks for name in SECTION_SCHEMA.names}

    @cached_property
    def _texts(self) -> list[pa.Array]:
        return self._chunks["text"]

    @cached_property
    def _starts(self) -> list[int]:
        lengths = [len(chunk) for chunk in self._texts]
        return np.cumsum([0, *lengths[:-1]]).tolist()

    @cached_property
    def _arrow_file(self) -> Path:
        from huggingface_hub.utils import WeakFileLock

        stat = self.path.stat()
        key = f"{self.path.resolve()}\n{stat.st_ino}\n{stat.st_size}\n{stat.st_mtime_ns}"
        folder = Path(self._cache_dir) if self._cache_dir is not None else _default_cache()
        folder.mkdir(parents=True, exist_ok=True)
        arrow_file = folder / f"{self.language}-{hashlib.blake2b(key.encode(), digest_size=12).hexdigest()}.arrow"
        if not arrow_file.exists():
            with WeakFileLock(arrow_file.with_suffix(".lock")):
                if not arrow_file.exists():
                    self._convert(arrow_file)
        return arrow_file

    def _convert(self, arrow_file: Path) -> None:
        """Writes the Arrow file, and beside it the lengths; the Arrow file appears last and complete."""
        from rich.console import Console
        from rich.progress import track

        # One batch of 1,000 rows at a time: the memory of the conversion does not grow with the corpus.
        rows = 1_000
        partial = arrow_file.with_suffix(".partial")
        lengths = np.empty(self._length, np.int64)
        console = Console(stderr=True)
        try:
            with pq.ParquetFile(self.path) as parquet, pa.ipc.new_file(str(partial), SECTION_SCHEMA) as writer:
                batches = track(
                    parquet.iter_batches(rows, columns=SECTION_SCHEMA.names),
                    description=f"mapping {self.path.name}",
                    total=-(-self._length // rows),
                    console=console,
                    disable=not console.is_terminal,
                )
                first = 0
                for batch in batches:
                    table = _conform(pa.Table.from_batches([batch]), SECTION_SCHEMA, self.path, first)
                    writer.write_table(table, max_chunksize=rows)
                    lengths[first : first + len(table)] = pc.utf8_length(table["text"]).to_numpy()
                    first += len(table)
            np.save(arrow_file.with_suffix(".npy"), lengths)
            os.replace(partial, arrow_file)
        except (pa.ArrowInvalid, OSError) as error:
            # Arrow reports damaged pages as OSError without a number; those with one are the disk's own.
            if getattr(error, "errno", None) is not None:
                raise
            raise ValueError(f"{self.path} must be readable, got: {error}. Build the corpus again.") from error
        finally:
            partial.unlink(missing_ok=True)


def _list_parts(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """A list column as `offsets (n + 1,)` and `values (offsets[-1],)`."""
    offsets = np.zeros(len(column) + 1, np.int64)
    np.cumsum(pc.list_value_length(column).to_numpy(), out=offsets[1:])
    return offsets, pc.list_flatten(column).to_numpy()


def _check_pairs(table: pa.Table, sizes: tuple[int, int], where: str, first_row: int = 0) -> None:
    """Raises ValueError unless every row number exists and no negative is the positive; `where` names the table."""

    def fail(row: int, what: str) -> None:
        raise ValueError(f"{where}, row {first_row + row}: {what}. Build the corpus again.")

    for side, size in zip(("source", "target"), sizes, strict=True):
        positives = table[side].to_numpy()
        offsets, negatives = _list_parts(table[f"{side}_negatives"])
        owners = np.repeat(np.arange(len(table)), np.diff(offsets))
        for name, rows, row_of in ((side, positives, None), (f"{side}_negatives", negatives, owners)):
            if len(bad := np.flatnonzero((rows < 0) | (rows >= size))):
                row = bad[0] if row_of is None else row_of[bad[0]]
                fail(row, f"{name} must be a row number below {size}, got {rows[bad[0]]}")
        if len(bad := np.flatnonzero(positives[owners] == negatives)):
            fail(owners[bad[0]], f"{side}_negatives must not hold the positive itself, got {negatives[bad[0]]}")
    if not (good := np.isfinite(table["score"].to_numpy())).all():
        row = int(np.argmin(good))
        fail(row, f"score must be finite, got {table['score'][row].as_py()}")
    known = pc.is_in(table["split"], pa.array(SPLITS))
    if not pc.all(known, min_count=0).as_py():
        row = pc.index(known, False).as_py()
        fail(row, f"split must be one of {', '.join(SPLITS)}, got {table['split'][row].as_py()!r}")


class PairTable:
    """The pairs of two languages, as numpy arrays: 21 bytes a pair and 8 for each negative.

    Pickles as its path and is read again where it is unpickled.

    Attributes:
        name: "en-de".
        source_language: The first language of the name; `source` and `source_negatives` are rows of its sections.
        target_language: The second language, likewise.
        source: Row numbers, int64 `(pairs,)`.
        target: Row numbers, int64 `(pairs,)`.
        score: Confidence of the alignment, float32 `(pairs,)`.

    Args:
        path: The Parquet file, named after the pair.
        languages: Its two languages, in the order of the name.
        sizes: Number of sections in each of the two.

    Raises:
        ValueError: The file is not Parquet, lacks a column, has no rows, or a row that breaks a rule.
    """

    def __init__(self, path: str | Path, languages: tuple[str, str], sizes: tuple[int, int]):
        self.path = Path(path)
        self.name = self.path.stem
        self.source_language, self.target_language = languages
        self._sizes = sizes
        _read_schema(self.path, PAIR_SCHEMA)
        table = _conform(_read_table(self.path, PAIR_SCHEMA.names), PAIR_SCHEMA, self.path)
        if not len(table):
            raise ValueError(f"{self.path} must hold at least one pair, got none. Build the corpus again.")
        _check_pairs(table, sizes, str(self.path))
        self.source, self.target, self.score = (table[name].to_numpy() for name in ("source", "target", "score"))
        self._source_negatives = _list_parts(table["source_negatives"])
        self._target_negatives = _list_parts(table["target_negatives"])
        self._splits = pc.index_in(table["split"], pa.array(SPLITS)).to_numpy().astype(np.uint8)

    def __reduce__(self) -> tuple[Any, ...]:
        return PairTable, (self.path, (self.source_language, self.target_language), self._sizes)

    def __len__(self) -> int:
        return len(self.source)

    def source_negatives(self, pair: int) -> np.ndarray:
        """Hard negatives for a document in the first language: rows, int64 `(n,)`, nearest first."""
        offsets, values = self._source_negatives
        return values[offsets[pair] : offsets[pair + 1]]

    def target_negatives(self, pair: int) -> np.ndarray:
        """Hard negatives for a document in the second language: rows, int64 `(n,)`, nearest first."""
        offsets, values = self._target_negatives
        return values[offsets[pair] : offsets[pair + 1]]

    def rows(self, split: str) -> np.ndarray:
        """Indices of the pairs in one split, int64 `(n,)`, ascending. Raises ValueError for an unknown split."""
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}. Choose one of them.")
        return np.flatnonzero(self._splits == SPLITS.index(split))


class AlignedSections:
    """A corpus: sections in several languages and the pairs between them. See `AlignedSections.load`.

    Attributes:
        folder: Where it is.
        languages: Codes of the languages in its pairs, sorted.
        pairs: Names of its pairs, sorted.
        provenance: What made it: arguments, versions, counts; {} when the folder does not say.

    Example:
        ```python
        corpus = AlignedSections.load("corpus", pairs=["en-de"])
        pair = corpus.pair("en-de")
        for index in pair.rows("train")[:3]:
            print(corpus.sections("en").text(pair.source[index]), "|", corpus.sections("de").text(pair.target[index]))
        ```
    """

    def __init__(
        self, folder: Path, sections: dict[str, SectionTable], pairs: dict[str, PairTable], provenance: dict[str, Any]
    ):
        self.folder = folder
        self.provenance = provenance
        self._sections = sections
        self._pairs = pairs
        self.languages = sorted(sections)
        self.pairs = sorted(pairs)

    @classmethod
    def load(
        cls, folder: str | Path, pairs: Sequence[str] | None = None, cache_dir: str | Path | None = None
    ) -> AlignedSections:
        """Opens a corpus; no text is read before it is asked for.

        Args:
            folder: A folder as described at the top of this module.
            pairs: Pairs to open, in either order ("fr-en" finds "en-fr"); all by default.
            cache_dir: Folder for the memory-mapped copies; `xlretrieval` in the Hugging Face assets cache by default.

        Raises:
            FileNotFoundError: The folder does not exist.
            ValueError: It holds no pairs, not the pair asked for, or one that breaks a rule (the message names file,
                row and value).
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise FileNotFoundError(f"folder of aligned sections must exist, got {str(folder)!r}. Check the path.")
        known = {path.stem for path in (folder / "sections").glob("*.parquet")}
        stored = {path.stem: parse_pair(path.stem, known) for path in sorted((folder / "pairs").glob("*.parquet"))}
        if not stored:
            raise ValueError(f"{folder} must hold pairs/*.parquet, got none. Make one with `xlretrieval sections`.")
        if isinstance(pairs, str) or (pairs is not None and not pairs):
            raise ValueError(f"pairs must be a list of names like 'en-fr', got {pairs!r}. Name at least one.")
        names = list(stored) if pairs is None else list(dict.fromkeys(_resolve(name, stored) for name in pairs))
        languages = sorted({language for name in names for language in stored[name]})
        if missing := [language for language in languages if language not in known]:
            raise ValueError(f"{folder} must hold sections/{missing[0]}.parquet, got none. Build the corpus again.")
        tables = {code: SectionTable(folder / "sections" / f"{code}.parquet", code, cache_dir) for code in languages}
        pair_tables = {}
        for name in names:
            source, target = stored[name]
            sizes = (len(tables[source]), len(tables[target]))
            pair_tables[name] = PairTable(folder / "pairs" / f"{name}.parquet", stored[name], sizes)
        return cls(folder, tables, pair_tables, _read_provenance(folder / "provenance.json"))

    def sections(self, language: str) -> SectionTable:
        """Sections of one language. Raises ValueError when the opened pairs do not have it."""
        if language not in self._sections:
            raise ValueError(f"language must be one of {', '.join(self.languages)}, got {language!r}. Choose another.")
        return self._sections[language]

    def pair(self, name: str) -> PairTable:
        """Pairs of two languages, named in either order; the table keeps the stored one. Raises ValueError."""
        stored = {table.name: (table.source_language, table.target_language) for table in self._pairs.values()}
        return self._pairs[_resolve(name, stored)]


def _resolve(name: str, stored: Mapping[str, tuple[str, str]]) -> str:
    """The stored name of a pair that is given in either order."""
    if name in stored:
        return name
    for other, (source, target) in stored.items():
        if name == f"{target}-{source}":
            return other
    raise ValueError(f"pair must be one of {', '.join(sorted(stored))}, got {name!r}. Choose one of them.")


def _read_provenance(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        provenance = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} must be JSON, got: {error}. Restore or delete it.") from error
    if not isinstance(provenance, dict):
        raise ValueError(f"{path} must be a JSON object, got {type(provenance).__name__}. Restore or delete it.")
    return provenance


# Writing


class _TableWriter:
    """A Parquet file that grows by row groups, so that at most 10,000 rows are Python objects at a time."""

    def __init__(self, path: Path, schema: pa.Schema):
        self.path = path
        self.length = 0
        self._schema = schema
        self._file = pq.ParquetWriter(path, schema, compression="zstd")
        self._values = attrgetter(*schema.names)
        self._rows: list[tuple[Any, ...]] = []
        self._characters = 0

    def add(self, item: Section | AlignedPair, characters: int = 0) -> bool:
        """Appends a row; True when a row group is full and `take` is due."""
        self._rows.append(self._values(item))
        self._characters += characters
        self.length += 1
        return len(self._rows) >= _ROWS_PER_GROUP or self._characters >= _CHARACTERS_PER_GROUP

    def take(self) -> pa.Table:
        """The rows that are not written yet."""
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(self._schema)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._rows, self._characters = [], 0
        return pa.Table.from_arrays(arrays, schema=self._schema)

    def write(self, table: pa.Table) -> None:
        if len(table):
            self._file.write_table(table)

    def close(self) -> None:
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
            if table.add(section, len(section.text)):
                table.write(table.take())
        return range(first, table.length)

    def add_pairs(self, name: str, pairs: Iterable[AlignedPair]) -> None:
        """Appends pairs of two languages, whose sections were added before.

        Raises:
            ValueError: The name is no pair of languages that have sections, is there in the other order, or a pair
                has a row number that does not exist, a negative that is its positive, or an unknown split.
        """
        self._check_open()
        if name not in self._pairs:
            source, target = parse_pair(name, self._sections)
            for language in (source, target):
                if language not in self._sections:
                    raise ValueError(
                        f"pair {name!r} must join languages that have sections, got {language!r}. Add them."
                    )
            if f"{target}-{source}" in self._pairs:
                raise ValueError(f"pair must be given in one order, got {name!r} and its reverse. Add to one of them.")
            self._languages[name] = (source, target)
            self._pairs[name] = _TableWriter(self._partial / "pairs" / f"{name}.parquet", PAIR_SCHEMA)
        for pair in pairs:
            if self._pairs[name].add(pair):
                self._flush_pairs(name)

    def compact(self) -> dict[str, int]:
        """Drops the sections that no pair refers to, as positive or negative, and renumbers the rest.

        To be called after everything is added. It spares a builder from knowing in advance what will be aligned.

        Returns:
            Number of sections dropped, per language.
        """
        self._close()
        used = {code: np.zeros(table.length, bool) for code, table in self._sections.items()}
        for name, languages in self._languages.items():
            table = _read_table(self._pairs[name].path)
            for side, language in zip(("source", "target"), languages, strict=True):
                used[language][table[side].to_numpy()] = True
                used[language][_list_parts(table[f"{side}_negatives"])[1]] = True
        moved = {code: np.cumsum(mask) - 1 for code, mask in used.items()}
        for name, languages in self._languages.items():
            if not all(used[language].all() for language in languages):
                _renumber(self._pairs[name].path, [moved[language] for language in languages])
        for code, table in self._sections.items():
            _filter_rows(table.path, used[code])
            table.length = int(used[code].sum())
        for code in [code for code, table in self._sections.items() if not table.length]:
            self._sections.pop(code).path.unlink()
        return {code: int((~mask).sum()) for code, mask in used.items()}

    def counts(self) -> dict[str, dict[str, Any]]:
        """What is in the corpus: `{"sections": {language: n}, "pairs": {name: {split: n}}}`."""
        self._close()
        pairs = {}
        for name in sorted(self._pairs):
            splits = _read_table(self._pairs[name].path, columns=["split"])["split"].to_numpy()
            pairs[name] = {split: int((splits == split).sum()) for split in SPLITS}
        return {"sections": {code: self._sections[code].length for code in sorted(self._sections)}, "pairs": pairs}

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Writes the card and the provenance and puts the corpus at its place.

        Args:
            provenance: What made it; anything JSON can hold. The versions of the libraries are added.

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
        (self._partial / "README.md").write_text(_card(self.counts(), self._languages), encoding="utf-8")
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

    def _flush_pairs(self, name: str) -> None:
        writer = self._pairs[name]
        table = writer.take()
        source, target = self._languages[name]
        sizes = (self._sections[source].length, self._sections[target].length)
        _check_pairs(table, sizes, f"pairs {name}", first_row=writer.length - len(table))
        writer.write(table)

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("sections and pairs must be added before compact, counts and finish. Add them earlier.")

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for table in self._sections.values():
            table.write(table.take())
            table.close()
        for name, table in self._pairs.items():
            self._flush_pairs(name)
            table.close()

    def _check_splits(self) -> None:
        in_pairs = {code for languages in self._languages.values() for code in languages}
        for language in sorted(in_pairs):
            sections = self._sections[language]
            column = _read_table(sections.path, columns=["article_id"])["article_id"]
            articles = column.dictionary_encode().combine_chunks()
            article_of_row = articles.indices.to_numpy()
            split_of_article = np.full(len(articles.dictionary), -1)
            for name, languages in self._languages.items():
                if language not in languages:
                    continue
                side = ("source", "target")[languages.index(language)]
                pairs = _read_table(self._pairs[name].path, columns=[side, "split"])
                split_of_pair = pc.index_in(pairs["split"], pa.array(SPLITS)).to_numpy()
                article_of_pair = article_of_row[pairs[side].to_numpy()]
                for split in range(len(SPLITS)):
                    members = np.unique(article_of_pair[split_of_pair == split])
                    known = split_of_article[members]
                    if len(bad := members[(known != -1) & (known != split)]):
                        raise ValueError(
                            f"article {articles.dictionary[bad[0]].as_py()!r} ({language}) must be in one split, got "
                            f"{SPLITS[split_of_article[bad[0]]]} and {SPLITS[split]}. Assign splits by article."
                        )
                    split_of_article[members] = split


def _renumber(path: Path, moved: Sequence[np.ndarray]) -> None:
    """Rewrites a table of pairs with new row numbers: `moved[side][old] = new`."""
    table = _read_table(path)
    for side, rows in zip(("source", "target"), moved, strict=True):
        offsets, negatives = _list_parts(table[f"{side}_negatives"])
        lists = pa.LargeListArray.from_arrays(offsets, rows[negatives]).cast(
            PAIR_SCHEMA.field(f"{side}_negatives").type
        )
        for name, column in ((side, pa.array(rows[table[side].to_numpy()])), (f"{side}_negatives", lists)):
            table = table.set_column(table.schema.get_field_index(name), PAIR_SCHEMA.field(name), column)
    pq.write_table(table, path, compression="zstd", row_group_size=_ROWS_PER_GROUP)


def _filter_rows(path: Path, keep: np.ndarray) -> None:
    """Rewrites a Parquet file with the rows that `keep` marks, a batch at a time."""
    if keep.all():
        return
    filtered = path.with_suffix(".filtered")
    with pq.ParquetFile(path) as old, pq.ParquetWriter(filtered, old.schema_arrow, compression="zstd") as new:
        first = 0
        for batch in old.iter_batches(_ROWS_PER_GROUP):
            kept = batch.filter(pa.array(keep[first : first + len(batch)]))
            first += len(batch)
            if len(kept):
                new.write_batch(kept)
    os.replace(filtered, path)


def _card(counts: Mapping[str, dict[str, Any]], languages: Mapping[str, tuple[str, str]]) -> str:
    """The dataset card: one configuration per language pair, and one for the sections of each language."""
    import yaml

    codes = sorted({code for pair in languages.values() for code in pair})
    configs = [{"config_name": name, "data_files": f"pairs/{name}.parquet"} for name in sorted(languages)]
    configs += [{"config_name": f"sections-{code}", "data_files": f"sections/{code}.parquet"} for code in codes]
    front = yaml.safe_dump({"language": codes, "configs": configs}, sort_keys=False)
    lines = [f"| {code} | {counts['sections'][code]:,} |" for code in codes]
    pair_lines = [
        f"| {name} | " + " | ".join(f"{splits[split]:,}" for split in SPLITS) + " |"
        for name, splits in counts["pairs"].items()
    ]
    first = min(languages)
    return f"""---
{front}---

# Aligned sections

Sections of articles that say the same in two languages, made with `xlretrieval`. What they were made from, with which
arguments, and what was dropped and why stands in `provenance.json`. The texts keep the licence of their source.

| language | sections |
|---|---|
{chr(10).join(lines)}

| pair | {" | ".join(SPLITS)} |
|---|---|---|---|
{chr(10).join(pair_lines)}

A pair holds row numbers: `source` and `source_negatives` count in the sections of its first language, `target` and
`target_negatives` in those of its second. The negatives are hard negatives: what a document on that side is told apart
from. No article is in two splits.

```python
from datasets import load_dataset

pairs = load_dataset("PATH", "{first}", split="train")  # the file; its column `split` divides it
sections = load_dataset("PATH", "sections-{languages[first][0]}", split="train")
print(sections[pairs[0]["source"]]["text"])
```
"""
