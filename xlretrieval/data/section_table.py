"""The sections of one language by row number, memory-mapped.

Parquet is what is stored and shared; it cannot be read row by row (a page has to be decoded whole), so a table of
sections is converted once into an uncompressed Arrow file in the cache and memory-mapped from there: 3 to 5
microseconds a text at random, against 35 through `datasets.Dataset.__getitem__`.
"""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from operator import index
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .progress import progress_bars
from .schema import SECTION_SCHEMA, Section, conform, count_rows

# Rows that the conversion holds at a time: its memory does not grow with the corpus.
_ROWS_PER_BATCH = 1_000


def default_cache() -> Path:
    """`xlretrieval` in the Hugging Face assets cache."""
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
        cache_dir: Folder for the Arrow file; `default_cache()` by default.

    Raises:
        ValueError: The file is not Parquet, lacks a column, or has no rows; at the first access also: it has a null
            or text that is not UTF-8.
    """

    def __init__(self, path: str | Path, language: str, cache_dir: str | Path | None = None):
        self.path = Path(path)
        self.language = language
        self._cache_dir = cache_dir
        self._length = count_rows(self.path, SECTION_SCHEMA)

    def __reduce__(self) -> tuple[Any, ...]:
        return SectionTable, (self.path, self.language, self._cache_dir)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, row: int) -> Section:
        section = {name: self._value(name, row) for name in SECTION_SCHEMA.names}
        return Section(**section | {"heading_path": tuple(section["heading_path"])})

    def __iter__(self) -> Iterator[Section]:
        return (self[row] for row in range(len(self)))

    def text(self, row: int) -> str:
        """Text of one section. Raises IndexError when `row` is not in [0, len)."""
        return self._value("text", row)

    def article_id(self, row: int) -> str:
        """Article of one section. Raises IndexError when `row` is not in [0, len)."""
        return self._value("article_id", row)

    @cached_property
    def article_ids(self) -> pa.DictionaryArray:
        """All articles, dictionary-encoded: `.indices.to_numpy()` are codes `(len,)`, `.dictionary` the names."""
        return self._table["article_id"].dictionary_encode().combine_chunks()

    @cached_property
    def text_lengths(self) -> np.ndarray:
        """Characters (code points) of every text, int64 `(len,)`, memory-mapped; counted during the conversion."""
        return np.load(self._arrow_file.with_suffix(".npy"), mmap_mode="r")

    def _value(self, column: str, row: int) -> Any:
        # Rows come out of numpy arrays, and comparing a numpy integer with ten Python ones costs a microsecond.
        row = index(row)
        if not 0 <= row < self._length:
            raise IndexError(f"row must be in [0, {self._length}), got {row}. {self.path} has no such section.")
        # By hand: an index into a chunked array walks over the chunks one by one.
        chunk = bisect_right(self._starts, row) - 1
        return self._chunks[column][chunk][row - self._starts[chunk]].as_py()

    @cached_property
    def _table(self) -> pa.Table:
        return pa.ipc.open_file(pa.memory_map(str(self._arrow_file))).read_all()

    @cached_property
    def _chunks(self) -> dict[str, list[pa.Array]]:
        return {name: self._table[name].chunks for name in SECTION_SCHEMA.names}

    @cached_property
    def _starts(self) -> list[int]:
        lengths = [len(chunk) for chunk in self._chunks["text"]]
        return np.cumsum([0, *lengths[:-1]]).tolist()

    @cached_property
    def _arrow_file(self) -> Path:
        from huggingface_hub.utils import WeakFileLock

        stat = self.path.stat()
        key = f"{self.path.resolve()}\n{stat.st_ino}\n{stat.st_size}\n{stat.st_mtime_ns}"
        folder = Path(self._cache_dir) if self._cache_dir is not None else default_cache()
        folder.mkdir(parents=True, exist_ok=True)
        arrow_file = folder / f"{self.language}-{hashlib.blake2b(key.encode(), digest_size=12).hexdigest()}.arrow"
        if not arrow_file.exists():
            with WeakFileLock(arrow_file.with_suffix(".lock")):
                if not arrow_file.exists():
                    self._convert(arrow_file)
        return arrow_file

    def _convert(self, arrow_file: Path) -> None:
        """Writes the Arrow file, and beside it the lengths; the Arrow file appears last and complete."""
        partial = arrow_file.with_suffix(".partial")
        try:
            lengths = self._write_arrow(partial)
            np.save(arrow_file.with_suffix(".npy"), lengths)
            os.replace(partial, arrow_file)
        except (pa.ArrowInvalid, OSError) as error:
            # Arrow reports damaged pages as OSError without a number; those with one are the disk's own.
            if getattr(error, "errno", None) is not None:
                raise
            raise ValueError(f"{self.path} must be readable, got: {error}. Build the corpus again.") from error
        finally:
            partial.unlink(missing_ok=True)

    def _write_arrow(self, path: Path) -> np.ndarray:
        """Writes all rows and returns the lengths of their texts, int64 `(len,)`."""
        lengths = np.empty(self._length, np.int64)
        first = 0
        with (
            pq.ParquetFile(self.path) as parquet,
            pa.ipc.new_file(str(path), SECTION_SCHEMA) as writer,
            progress_bars() as bars,
        ):
            batches = parquet.iter_batches(_ROWS_PER_BATCH, columns=SECTION_SCHEMA.names)
            total = -(-self._length // _ROWS_PER_BATCH)
            for batch in bars.track(batches, total=total, description=f"mapping {self.path.name}"):
                table = conform(pa.Table.from_batches([batch]), SECTION_SCHEMA, self.path, first)
                writer.write_table(table, max_chunksize=_ROWS_PER_BATCH)
                lengths[first : first + len(table)] = pc.utf8_length(table["text"]).to_numpy()
                first += len(table)
        return lengths
