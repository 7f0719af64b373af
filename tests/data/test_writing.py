"""Writing a corpus: schemas, card, provenance; bad input and crashes leave nothing behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from xlretrieval.data.sections import AlignedPair, AlignedSections, AlignedSectionsWriter, Section

ENGLISH = ("The river rises in the north.", "Its mouth is a delta.", "Ships use it.", "Nobody aligned this.")
GERMAN = ("Der Fluss entspringt im Norden.", "Er mündet in ein Delta 𝄞.", "Schiffe befahren ihn.")


def test_schemas_are_the_contract(river_folder: Path) -> None:
    sections = pq.read_schema(river_folder / "sections" / "en.parquet")
    pairs = pq.read_schema(river_folder / "pairs" / "en-de.parquet")

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


def test_the_card_names_its_configurations(river_folder: Path) -> None:
    card = (river_folder / "README.md").read_text(encoding="utf-8")

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


def test_provenance_says_what_made_it(river_folder: Path, rivers: AlignedSections) -> None:
    assert rivers.provenance["arguments"] == {"dump": "invented"}
    assert set(rivers.provenance["versions"]) == {"xlretrieval", "pyarrow", "numpy"}
    assert json.loads((river_folder / "provenance.json").read_text()) == rivers.provenance


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


@pytest.mark.parametrize(
    "pair, message",
    [
        (AlignedPair(4, 0), "pairs en-de, row 0: source must be a row number below 4, got 4"),
        (AlignedPair(0, 0, target_negatives=[1, 0]), "target_negatives must not hold the positive itself, got 0"),
        (AlignedPair(0, 0, split="dev"), "split must be one of train, validation, test, got 'dev'"),
        (AlignedPair(0, 0, score=float("inf")), "score must be finite, got inf"),
    ],
)
def test_a_bad_pair_is_not_written(
    river_sections: Callable[..., list[Section]], tmp_path: Path, pair: AlignedPair, message: str
) -> None:
    with pytest.raises(ValueError, match=message), AlignedSectionsWriter(tmp_path / "corpus") as writer:
        writer.add_sections("en", river_sections("en", ENGLISH))
        writer.add_sections("de", river_sections("de", GERMAN))
        writer.add_pairs("en-de", [pair])
        writer.finish({})
    assert not list(tmp_path.iterdir())


def test_an_article_in_two_splits_is_refused(river_sections: Callable[..., list[Section]], tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"article 'River0' \((en|de)\) must be in one split, got train and test"),
        AlignedSectionsWriter(tmp_path / "corpus") as writer,
    ):
        writer.add_sections("en", river_sections("en", ENGLISH))
        writer.add_sections("de", river_sections("de", GERMAN))
        writer.add_pairs("en-de", [AlignedPair(0, 0), AlignedPair(1, 1, split="test")])
        writer.finish({})
    assert not list(tmp_path.iterdir())


def test_languages_and_names_are_checked(river_sections: Callable[..., list[Section]], tmp_path: Path) -> None:
    with AlignedSectionsWriter(tmp_path / "corpus") as writer:
        with pytest.raises(ValueError, match="language must be a code like 'en' or 'zh-Hans', got 'English'"):
            writer.add_sections("English", [])
        with pytest.raises(ValueError, match="language of section 'en0' must be 'de', got 'en'"):
            writer.add_sections("de", river_sections("en", ENGLISH))
        with pytest.raises(ValueError, match="pair 'de-fr' must join languages that have sections, got 'fr'"):
            writer.add_pairs("de-fr", [])
        with pytest.raises(ValueError, match="corpus must have pairs, got none"):
            writer.finish({})
        writer.add_sections("en", river_sections("en", ENGLISH))
        writer.add_pairs("en-de", [])
        with pytest.raises(ValueError, match="pair must be given in one order, got 'de-en' and its reverse"):
            writer.add_pairs("de-en", [])
        with pytest.raises(ValueError, match="corpus must have pairs, got none for en-de"):
            writer.finish({})
        writer.compact()
        with pytest.raises(ValueError, match="must be added before compact, counts and finish"):
            writer.add_pairs("en-de", [])


def test_an_output_in_use_is_left_alone(write_rivers: Callable[..., Path], tmp_path: Path) -> None:
    folder = write_rivers(tmp_path / "corpus")
    with pytest.raises(ValueError, match="output must be new or empty"):
        AlignedSectionsWriter(folder)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="output to overwrite must hold aligned sections only, got 'notes.txt'"):
        AlignedSectionsWriter(folder, overwrite=True)
    with pytest.raises(ValueError, match="output must be a folder, got the file"):
        AlignedSectionsWriter(folder / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_an_empty_folder_and_missing_parents_are_fine(write_rivers: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_rivers(tmp_path / "empty")
    write_rivers(tmp_path / "new" / "folder")

    assert AlignedSections.load(tmp_path / "empty").pairs == AlignedSections.load(tmp_path / "new" / "folder").pairs
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "new"]


def test_a_failure_leaves_the_old_corpus(
    write_rivers: Callable[..., Path],
    river_sections: Callable[..., list[Section]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = write_rivers(tmp_path / "corpus")
    rename = Path.rename

    def no_space(self: Path, target: Path) -> Path:
        if self.name.endswith(".partial"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    with pytest.raises(RuntimeError), AlignedSectionsWriter(folder, overwrite=True) as writer:
        writer.add_sections("en", river_sections("en", ENGLISH))
        raise RuntimeError("a crash in the middle")
    monkeypatch.setattr(Path, "rename", no_space)
    with pytest.raises(OSError, match="No space left"):
        write_rivers(folder, overwrite=True, english=("x",) * 4)

    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]
    assert AlignedSections.load(folder, cache_dir=tmp_path).sections("en").text(1) == "Its mouth is a delta."
