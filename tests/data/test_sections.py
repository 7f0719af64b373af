"""The corpus folder: what is written is what is read, from Python, from `datasets`, and by row number."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from xlretrieval.data.sections import (
    AlignedPair,
    AlignedSections,
    AlignedSectionsWriter,
    Section,
    SectionTable,
    assign_split,
    parse_pair,
)

ENGLISH = ("The river rises in the north.", "Its mouth is a delta.", "Ships use it.", "Nobody aligned this.")
GERMAN = ("Der Fluss entspringt im Norden.", "Er mündet in ein Delta 𝄞.", "Schiffe befahren ihn.")


def make_sections(language: str, texts: Sequence[str]) -> list[Section]:
    return [
        Section(f"{language}{row}", language, f"River{row // 2}", "River", ("Course",) if row else (), text)
        for row, text in enumerate(texts)
    ]


def write_corpus(folder: Path, *, overwrite: bool = False, english: Sequence[str] = ENGLISH) -> Path:
    """Two articles: rows 0 and 1 are River0, the rest is River1. English row 3 stands in no pair."""
    with AlignedSectionsWriter(folder, overwrite=overwrite) as writer:
        assert writer.add_sections("en", make_sections("en", english)) == range(0, 4)
        assert writer.add_sections("de", make_sections("de", GERMAN)) == range(0, 3)
        writer.add_pairs(
            "en-de",
            [
                AlignedPair(0, 0, 0.5, source_negatives=[1, 2], target_negatives=[1]),
                AlignedPair(1, 1, source_negatives=[0], target_negatives=[0, 2]),
                AlignedPair(2, 2, split="test"),
            ],
        )
        writer.finish({"arguments": {"dump": "invented"}})
    return folder


@pytest.fixture(scope="module")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "corpus")


@pytest.fixture
def corpus(corpus_folder: Path, tmp_path: Path) -> AlignedSections:
    return AlignedSections.load(corpus_folder, cache_dir=tmp_path / "cache")


def edit_pairs(folder: Path, **columns: list) -> Path:
    """Replaces columns of pairs/en-de.parquet."""
    path = folder / "pairs" / "en-de.parquet"
    table = pq.read_table(path)
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    pq.write_table(table, path)
    return path


def test_sections_come_back_by_row(corpus: AlignedSections) -> None:
    english, german = corpus.sections("en"), corpus.sections("de")

    assert (corpus.languages, corpus.pairs, len(english), len(german)) == (["de", "en"], ["en-de"], 4, 3)
    assert english[0] == Section("en0", "en", "River0", "River", (), "The river rises in the north.")
    assert german[np.int64(1)] == Section("de1", "de", "River0", "River", ("Course",), "Er mündet in ein Delta 𝄞.")
    assert [english.text(row) for row in range(4)] == list(ENGLISH)
    assert [section.text for section in german] == list(GERMAN)
    assert [german.article_id(row) for row in range(3)] == ["River0", "River0", "River1"]
    assert german.article_ids.indices.to_pylist() == [0, 0, 1]
    assert german.article_ids.dictionary.to_pylist() == ["River0", "River1"]


def test_text_lengths_are_characters_not_bytes(corpus: AlignedSections) -> None:
    lengths = corpus.sections("de").text_lengths

    assert lengths.dtype == np.int64
    assert lengths.tolist() == [31, 25, 21]


@pytest.mark.parametrize("row", [-1, 3, 10**12])
def test_rows_outside_the_table_are_index_errors(corpus: AlignedSections, row: int) -> None:
    with pytest.raises(IndexError, match=rf"row must be in \[0, 3\), got {row}"):
        corpus.sections("de").text(row)


def test_pairs_are_arrays(corpus: AlignedSections) -> None:
    pair = corpus.pair("en-de")

    assert (pair.name, pair.source_language, pair.target_language, len(pair)) == ("en-de", "en", "de", 3)
    assert pair.source.tolist() == pair.target.tolist() == [0, 1, 2]
    assert (pair.score.dtype, pair.score.tolist()) == (np.float32, [0.5, 1.0, 1.0])
    assert [pair.source_negatives(i).tolist() for i in range(3)] == [[1, 2], [0], []]
    assert [pair.target_negatives(i).tolist() for i in range(3)] == [[1], [0, 2], []]
    assert [pair.rows(split).tolist() for split in ("train", "validation", "test")] == [[0, 1], [], [2]]
    with pytest.raises(ValueError, match="split must be one of train, validation, test, got 'dev'"):
        pair.rows("dev")


def test_a_pair_may_be_named_in_either_order(corpus_folder: Path, tmp_path: Path) -> None:
    corpus = AlignedSections.load(corpus_folder, pairs=["de-en"], cache_dir=tmp_path)

    assert corpus.pairs == ["en-de"]
    assert corpus.pair("de-en") is corpus.pair("en-de")
    assert corpus.pair("de-en").source_language == "en"


def test_tables_open_again_in_a_worker(corpus: AlignedSections) -> None:
    corpus.sections("en").text(0)
    state = pickle.dumps(corpus)
    copy = pickle.loads(state)

    assert len(state) < 2_000  # paths, not texts
    assert copy.sections("en").text(2) == "Ships use it."
    assert copy.pair("en-de").target_negatives(1).tolist() == [0, 2]
    assert list(pickle.loads(pickle.dumps(corpus.sections("de")))) == list(corpus.sections("de"))


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


def test_a_corpus_that_was_built_again_is_mapped_again(tmp_path: Path) -> None:
    folder, cache = write_corpus(tmp_path / "corpus"), tmp_path / "cache"
    path = folder / "sections" / "en.parquet"
    assert SectionTable(path, "en", cache).text(0) == "The river rises in the north."
    before = path.stat()

    write_corpus(folder, overwrite=True, english=("The river rises in the south.", *ENGLISH[1:]))
    # The worst case: a file system whose clock ticks so slowly that the new file looks as old as the first.
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert SectionTable(path, "en", cache).text(0) == "The river rises in the south."


def test_the_conversion_happens_once(corpus_folder: Path, tmp_path: Path) -> None:
    path = corpus_folder / "sections" / "en.parquet"
    SectionTable(path, "en", tmp_path).text(0)
    (arrow_file,) = tmp_path.glob("*.arrow")
    inode = arrow_file.stat().st_ino

    assert SectionTable(path, "en", tmp_path).text(3) == "Nobody aligned this."
    assert [file.stat().st_ino for file in tmp_path.glob("*.arrow")] == [inode]


@pytest.mark.parametrize("config, column", [("en-de", "source"), ("sections-en", "text"), ("sections-de", "text")])
def test_the_folder_loads_with_datasets(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str, column: str
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    rows = datasets.load_dataset(str(corpus_folder), config, split="train", cache_dir=str(tmp_path))

    expected = {"en-de": [0, 1, 2], "sections-en": list(ENGLISH), "sections-de": list(GERMAN)}
    assert rows[column][:] == expected[config]
    if config == "en-de":
        assert rows[1] == {
            "source": 1,
            "target": 1,
            "score": 1.0,
            "source_negatives": [0],
            "target_negatives": [0, 2],
            "split": "train",
        }


def test_the_card_names_its_configurations(corpus_folder: Path) -> None:
    card = (corpus_folder / "README.md").read_text(encoding="utf-8")

    assert yaml.safe_load(card.split("---")[1]) == {
        "language": ["de", "en"],
        "configs": [
            {"config_name": "en-de", "data_files": "pairs/en-de.parquet"},
            {"config_name": "sections-de", "data_files": "sections/de.parquet"},
            {"config_name": "sections-en", "data_files": "sections/en.parquet"},
        ],
    }
    assert "| en-de | 2 | 0 | 1 |" in card


def test_norwegian_is_not_false(tmp_path: Path) -> None:
    with AlignedSectionsWriter(tmp_path / "corpus") as writer:
        for language in ("en", "no"):
            writer.add_sections(language, [Section("1", language, "a", "", (), "fjord")])
        writer.add_pairs("en-no", [AlignedPair(0, 0)])
        writer.finish({})

    card = (tmp_path / "corpus" / "README.md").read_text(encoding="utf-8")
    assert yaml.safe_load(card.split("---")[1])["language"] == ["en", "no"]


def test_provenance_says_what_made_it(corpus_folder: Path, corpus: AlignedSections) -> None:
    assert corpus.provenance["arguments"] == {"dump": "invented"}
    assert set(corpus.provenance["versions"]) == {"xlretrieval", "pyarrow", "numpy"}
    assert json.loads((corpus_folder / "provenance.json").read_text()) == corpus.provenance


def test_schemas_are_the_contract(corpus_folder: Path) -> None:
    sections = pq.read_schema(corpus_folder / "sections" / "en.parquet")
    pairs = pq.read_schema(corpus_folder / "pairs" / "en-de.parquet")

    assert [f"{field.name} {field.type}" for field in sections] == [
        "id string",
        "language string",
        "article_id string",
        "article_title string",
        "heading_path list<element: string>",
        "text large_string",
    ]
    assert [f"{field.name} {field.type}" for field in pairs] == [
        "source int64",
        "target int64",
        "score float",
        "source_negatives list<element: int64>",
        "target_negatives list<element: int64>",
        "split string",
    ]


def test_narrower_types_are_read(tmp_path: Path) -> None:
    """As they come back from other tools: 32-bit rows, short strings."""
    folder = write_corpus(tmp_path / "corpus")
    for path in folder.glob("*/*.parquet"):
        pq.write_table(pa.Table.from_pylist(pq.read_table(path).to_pylist()), path)
    corpus = AlignedSections.load(folder, cache_dir=tmp_path)

    assert corpus.sections("de")[2] == Section("de2", "de", "River1", "River", ("Course",), "Schiffe befahren ihn.")
    assert corpus.pair("en-de").source_negatives(0).tolist() == [1, 2]


def test_compacting_renumbers(tmp_path: Path) -> None:
    texts = [f"text {row}" for row in range(6)]
    with AlignedSectionsWriter(tmp_path / "corpus") as writer:
        for language in ("en", "de", "fr"):
            writer.add_sections(language, [Section(text, language, "a", "", (), text) for text in texts])
        writer.add_pairs("en-de", [AlignedPair(5, 1, target_negatives=[4]), AlignedPair(2, 1, source_negatives=[3])])
        assert writer.compact() == {"en": 3, "de": 4, "fr": 6}
        assert writer.counts() == {
            "sections": {"de": 2, "en": 3},
            "pairs": {"en-de": {"train": 2, "validation": 0, "test": 0}},
        }
        writer.finish({})
    corpus = AlignedSections.load(tmp_path / "corpus", cache_dir=tmp_path)
    english, german, pair = corpus.sections("en"), corpus.sections("de"), corpus.pair("en-de")

    assert [section.text for section in english] == ["text 2", "text 3", "text 5"]
    assert [section.text for section in german] == ["text 1", "text 4"]
    assert [english.text(row) for row in pair.source] == ["text 5", "text 2"]
    assert [german.text(row) for row in pair.target] == ["text 1", "text 1"]
    assert [pair.source_negatives(i).tolist() for i in (0, 1)] == [[], [1]]
    assert [pair.target_negatives(i).tolist() for i in (0, 1)] == [[1], []]
    assert not (tmp_path / "corpus" / "sections" / "fr.parquet").exists()


# Errors when reading


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="folder of aligned sections must exist, got '.*nowhere'"):
        AlignedSections.load(tmp_path / "nowhere")


def test_a_folder_without_pairs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must hold pairs/\*.parquet, got none"):
        AlignedSections.load(tmp_path)


def test_an_unknown_pair(corpus_folder: Path, corpus: AlignedSections) -> None:
    with pytest.raises(ValueError, match="pair must be one of en-de, got 'en-fr'"):
        AlignedSections.load(corpus_folder, pairs=["en-fr"])
    with pytest.raises(ValueError, match="pair must be one of en-de, got 'en-fr'"):
        corpus.pair("en-fr")
    with pytest.raises(ValueError, match="language must be one of de, en, got 'fr'"):
        corpus.sections("fr")


@pytest.mark.parametrize("pairs", ["en-de", []])
def test_pairs_must_be_a_list(corpus_folder: Path, pairs: Sequence[str]) -> None:
    with pytest.raises(ValueError, match="pairs must be a list of names"):
        AlignedSections.load(corpus_folder, pairs=pairs)


@pytest.mark.parametrize(
    "columns, message",
    [
        ({"source": [0, 4, 2]}, "row 1: source must be a row number below 4, got 4"),
        ({"target": [0, 1, -1]}, "row 2: target must be a row number below 3, got -1"),
        ({"source_negatives": [[1, 2], [0], [1, 9]]}, "row 2: source_negatives must be a row number below 4, got 9"),
        ({"target_negatives": [[1], [], [1, 2]]}, "row 2: target_negatives must not hold the positive itself, got 2"),
        ({"split": ["train", "dev", "test"]}, "row 1: split must be one of train, validation, test, got 'dev'"),
        ({"score": [1.0, 1.0, float("nan")]}, "row 2: score must be finite, got nan"),
        ({"source": [0, None, 2]}, "row 1: source must have a value, got null"),
        ({"source": ["x", "y", "z"]}, "must hold source int64, target int64, score float, "),
    ],
)
def test_a_pair_that_breaks_a_rule(tmp_path: Path, columns: dict[str, list], message: str) -> None:
    path = edit_pairs(write_corpus(tmp_path / "corpus"), **columns)

    with pytest.raises(ValueError) as error:
        AlignedSections.load(tmp_path / "corpus")
    assert str(path) in str(error.value)
    assert message in str(error.value)


def test_damaged_files(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "corpus")
    sections, pairs = folder / "sections" / "en.parquet", folder / "pairs" / "en-de.parquet"

    (folder / "provenance.json").write_text("{")
    with pytest.raises(ValueError, match=r"provenance.json must be JSON"):
        AlignedSections.load(folder)
    pq.write_table(pq.read_table(sections).drop_columns(["article_id"]), sections)
    with pytest.raises(ValueError, match=r"en.parquet must have the column 'article_id', got none"):
        AlignedSections.load(folder)
    sections.write_bytes(b"no table")
    with pytest.raises(ValueError, match=r"en.parquet must be a Parquet file"):
        AlignedSections.load(folder)
    sections.unlink()
    with pytest.raises(ValueError, match=r"must hold sections/en.parquet, got none"):
        AlignedSections.load(folder)
    pairs.unlink()
    with pytest.raises(ValueError, match=r"must hold pairs/"):
        AlignedSections.load(folder)


def test_damaged_pages_are_named_and_leave_no_cache(tmp_path: Path) -> None:
    path = write_corpus(tmp_path / "corpus") / "sections" / "en.parquet"
    content = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(5)
    start = column.dictionary_page_offset or column.data_page_offset
    content[start + 8 : start + column.total_compressed_size] = bytes(column.total_compressed_size - 8)
    path.write_bytes(content)

    with pytest.raises(ValueError, match=r"en\.parquet must"):
        SectionTable(path, "en", tmp_path / "cache").text(0)
    assert not list((tmp_path / "cache").glob("*.arrow")) + list((tmp_path / "cache").glob("*.partial"))


def test_a_null_text_is_named_by_row(tmp_path: Path) -> None:
    path = write_corpus(tmp_path / "corpus") / "sections" / "en.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(5, "text", pa.array(["a", "b", None, "d"], pa.large_string())), path)

    with pytest.raises(ValueError, match=r"en\.parquet, row 2: text must have a value, got null"):
        SectionTable(path, "en", tmp_path / "cache").text(0)


# Errors when writing


@pytest.mark.parametrize(
    "pair, message",
    [
        (AlignedPair(4, 0), "pairs en-de, row 0: source must be a row number below 4, got 4"),
        (AlignedPair(0, 0, target_negatives=[1, 0]), "target_negatives must not hold the positive itself, got 0"),
        (AlignedPair(0, 0, split="dev"), "split must be one of train, validation, test, got 'dev'"),
        (AlignedPair(0, 0, score=float("inf")), "score must be finite, got inf"),
    ],
)
def test_a_bad_pair_is_not_written(tmp_path: Path, pair: AlignedPair, message: str) -> None:
    with pytest.raises(ValueError, match=message), AlignedSectionsWriter(tmp_path / "corpus") as writer:
        writer.add_sections("en", make_sections("en", ENGLISH))
        writer.add_sections("de", make_sections("de", GERMAN))
        writer.add_pairs("en-de", [pair])
        writer.finish({})
    assert not list(tmp_path.iterdir())


def test_an_article_in_two_splits_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"article 'River0' \((en|de)\) must be in one split, got train and test"),
        AlignedSectionsWriter(tmp_path / "corpus") as writer,
    ):
        writer.add_sections("en", make_sections("en", ENGLISH))
        writer.add_sections("de", make_sections("de", GERMAN))
        writer.add_pairs("en-de", [AlignedPair(0, 0), AlignedPair(1, 1, split="test")])
        writer.finish({})
    assert not list(tmp_path.iterdir())


def test_languages_and_names_are_checked(tmp_path: Path) -> None:
    with AlignedSectionsWriter(tmp_path / "corpus") as writer:
        with pytest.raises(ValueError, match="language must be a code like 'en' or 'zh-Hans', got 'English'"):
            writer.add_sections("English", [])
        with pytest.raises(ValueError, match="language of section 'en0' must be 'de', got 'en'"):
            writer.add_sections("de", make_sections("en", ENGLISH))
        with pytest.raises(ValueError, match="pair 'de-fr' must join languages that have sections, got 'fr'"):
            writer.add_pairs("de-fr", [])
        with pytest.raises(ValueError, match="corpus must have pairs, got none"):
            writer.finish({})
        writer.add_sections("en", make_sections("en", ENGLISH))
        writer.add_pairs("en-de", [])
        with pytest.raises(ValueError, match="pair must be given in one order, got 'de-en' and its reverse"):
            writer.add_pairs("de-en", [])
        with pytest.raises(ValueError, match="corpus must have pairs, got none for en-de"):
            writer.finish({})
        writer.compact()
        with pytest.raises(ValueError, match="must be added before compact, counts and finish"):
            writer.add_pairs("en-de", [])


def test_an_output_in_use_is_left_alone(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "corpus")
    with pytest.raises(ValueError, match="output must be new or empty"):
        AlignedSectionsWriter(folder)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="output to overwrite must hold aligned sections only, got 'notes.txt'"):
        AlignedSectionsWriter(folder, overwrite=True)
    with pytest.raises(ValueError, match="output must be a folder, got the file"):
        AlignedSectionsWriter(folder / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_an_empty_folder_and_missing_parents_are_fine(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_corpus(tmp_path / "empty")
    write_corpus(tmp_path / "new" / "folder")

    assert AlignedSections.load(tmp_path / "empty").pairs == AlignedSections.load(tmp_path / "new" / "folder").pairs
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "new"]


def test_a_failure_leaves_the_old_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_corpus(tmp_path / "corpus")
    rename = Path.rename

    def no_space(self: Path, target: Path) -> Path:
        if self.name.endswith(".partial"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    with pytest.raises(RuntimeError), AlignedSectionsWriter(folder, overwrite=True) as writer:
        writer.add_sections("en", make_sections("en", ENGLISH))
        raise RuntimeError("a crash in the middle")
    monkeypatch.setattr(Path, "rename", no_space)
    with pytest.raises(OSError, match="No space left"):
        write_corpus(folder, overwrite=True, english=("x",) * 4)

    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]
    assert AlignedSections.load(folder, cache_dir=tmp_path).sections("en").text(1) == "Its mouth is a delta."


# Splits and names


def test_the_split_of_an_article_never_changes() -> None:
    """Literal values: another release of the package must not move articles between training and test."""
    keys = [f"article {number}" for number in range(12)]

    assert " ".join(assign_split(key, 0.25, 0.25, seed=0) for key in keys[:7]) == (
        "test validation test test train test train"
    )
    assert [assign_split(key, 0.25, 0.25, seed=1) for key in keys[:4]] == ["test", "train", "test", "train"]
    # More validation articles are taken from training, not from test.
    test = {key for key in keys if assign_split(key, 0.25, 0.25, 0) == "test"}
    assert {key for key in keys if assign_split(key, 0.6, 0.25, 0) == "test"} == test


def test_split_fractions_are_met() -> None:
    splits = [assign_split(f"{number}", 0.1, 0.2, seed=3) for number in range(20_000)]

    assert splits.count("validation") == pytest.approx(2_000, abs=150)
    assert splits.count("test") == pytest.approx(4_000, abs=200)


@pytest.mark.parametrize("validation, test", [(-0.1, 0), (1.0, 0), (0.5, 0.5), (0, float("nan"))])
def test_fractions_out_of_range(validation: float, test: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        assign_split("a", validation, test, 0)


@pytest.mark.parametrize(
    "name, languages, expected",
    [
        ("en-fr", (), ("en", "fr")),
        ("en-zh-Hans", (), ("en", "zh-Hans")),
        ("zh-Hant-zh-Hans", (), ("zh-Hant", "zh-Hans")),
        ("en-pt-br", ("en", "pt-br"), ("en", "pt-br")),
    ],
)
def test_pair_names(name: str, languages: Sequence[str], expected: tuple[str, str]) -> None:
    assert parse_pair(name, languages) == expected


@pytest.mark.parametrize(
    "name, message",
    [
        ("enfr", "pair must be two language codes joined by a hyphen, got 'enfr'"),
        ("en_fr", "pair must be two language codes"),
        ("EN-FR", "pair must be two language codes"),
        ("en-", "pair must be two language codes"),
        ("", "pair must be two language codes"),
        ("en-en", "pair must join two different languages, got 'en-en'"),
        ("en-pt-br", "pair must have one reading, got 'en-pt-br', which is en and pt-br or en-pt and br"),
    ],
)
def test_bad_pair_names(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_pair(name)
