"""Sections by row number: memory-mapped, converted once, the same in every process."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xlretrieval.data.sections import AlignedPair, AlignedSections, AlignedSectionsWriter, Section, SectionTable

ENGLISH = ("The river rises in the north.", "Its mouth is a delta.", "Ships use it.", "Nobody aligned this.")
GERMAN = ("Der Fluss entspringt im Norden.", "Er mündet in ein Delta 𝄞.", "Schiffe befahren ihn.")


def test_sections_come_back_by_row(rivers: AlignedSections) -> None:
    english, german = rivers.sections("en"), rivers.sections("de")

    assert (rivers.languages, rivers.pairs, len(english), len(german)) == (["de", "en"], ["en-de"], 4, 3)
    assert english[0] == Section("en0", "en", "River0", "River", (), "The river rises in the north.")
    assert german[np.int64(1)] == Section("de1", "de", "River0", "River", ("Course",), "Er mündet in ein Delta 𝄞.")
    assert [english.text(row) for row in range(4)] == list(ENGLISH)
    assert [section.text for section in german] == list(GERMAN)
    assert [german.article_id(row) for row in range(3)] == ["River0", "River0", "River1"]
    assert german.article_ids.indices.to_pylist() == [0, 0, 1]
    assert german.article_ids.dictionary.to_pylist() == ["River0", "River1"]


def test_text_lengths_are_characters_not_bytes(rivers: AlignedSections) -> None:
    lengths = rivers.sections("de").text_lengths

    assert lengths.dtype == np.int64
    assert lengths.tolist() == [31, 25, 21]


@pytest.mark.parametrize("row", [-1, 3, 10**12])
def test_rows_outside_the_table_are_index_errors(rivers: AlignedSections, row: int) -> None:
    with pytest.raises(IndexError, match=rf"row must be in \[0, 3\), got {row}"):
        rivers.sections("de").text(row)


def test_tables_open_again_in_a_worker(rivers: AlignedSections) -> None:
    rivers.sections("en").text(0)
    state = pickle.dumps(rivers)
    copy = pickle.loads(state)

    assert len(state) < 2_000  # paths, not texts
    assert copy.sections("en").text(2) == "Ships use it."
    assert copy.pair("en-de").target_negatives(1).tolist() == [0, 2]
    assert list(pickle.loads(pickle.dumps(rivers.sections("de")))) == list(rivers.sections("de"))


def test_rows_are_found_across_chunks(tmp_path: Path) -> None:
    texts = [f"text {row} {'é' * (row % 7)}" for row in range(2_345)]
    with AlignedSectionsWriter(tmp_path / "corpus") as writer:
        for language in ("en", "de"):
            writer.add_sections(language, [Section(text, language, "a", "", (), text) for text in texts])
        writer.add_pairs("en-de", [AlignedPair(2_344, 0)])
        writer.finish({})
    table = AlignedSections.load(tmp_path / "corpus", cache_dir=tmp_path / "cache").sections("en")

    assert [table.text(row) for row in range(2_345)] == texts
    assert table.text_lengths.tolist() == [len(text) for text in texts]


def test_a_corpus_that_was_built_again_is_mapped_again(write_rivers: Callable[..., Path], tmp_path: Path) -> None:
    folder, cache = write_rivers(tmp_path / "corpus"), tmp_path / "cache"
    path = folder / "sections" / "en.parquet"
    assert SectionTable(path, "en", cache).text(0) == "The river rises in the north."
    before = path.stat()

    write_rivers(folder, overwrite=True, english=("The river rises in the south.", *ENGLISH[1:]))
    # The worst case: a file system whose clock ticks so slowly that the new file looks as old as the first.
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert SectionTable(path, "en", cache).text(0) == "The river rises in the south."


def test_the_conversion_happens_once(river_folder: Path, tmp_path: Path) -> None:
    path = river_folder / "sections" / "en.parquet"
    SectionTable(path, "en", tmp_path).text(0)
    (arrow_file,) = tmp_path.glob("*.arrow")
    inode = arrow_file.stat().st_ino

    assert SectionTable(path, "en", tmp_path).text(3) == "Nobody aligned this."
    assert [file.stat().st_ino for file in tmp_path.glob("*.arrow")] == [inode]


def test_damaged_pages_are_named_and_leave_no_cache(write_rivers: Callable[..., Path], tmp_path: Path) -> None:
    path = write_rivers(tmp_path / "corpus") / "sections" / "en.parquet"
    content = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(5)
    start = column.dictionary_page_offset or column.data_page_offset
    content[start + 8 : start + column.total_compressed_size] = bytes(column.total_compressed_size - 8)
    path.write_bytes(content)

    with pytest.raises(ValueError, match=r"en\.parquet must"):
        SectionTable(path, "en", tmp_path / "cache").text(0)
    assert not list((tmp_path / "cache").glob("*.arrow")) + list((tmp_path / "cache").glob("*.partial"))


def test_a_null_text_is_named_by_row(write_rivers: Callable[..., Path], tmp_path: Path) -> None:
    path = write_rivers(tmp_path / "corpus") / "sections" / "en.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(5, "text", pa.array(["a", "b", None, "d"], pa.large_string())), path)

    with pytest.raises(ValueError, match=r"en\.parquet, row 2: text must have a value, got null"):
        SectionTable(path, "en", tmp_path / "cache").text(0)
