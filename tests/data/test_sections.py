"""The corpus folder: what is written is what is read, from Python and from `datasets`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xlretrieval.data.sections import AlignedSections, Section

ENGLISH = ("The river rises in the north.", "Its mouth is a delta.", "Ships use it.", "Nobody aligned this.")
GERMAN = ("Der Fluss entspringt im Norden.", "Er mündet in ein Delta 𝄞.", "Schiffe befahren ihn.")


def test_a_pair_may_be_named_in_either_order(river_folder: Path, tmp_path: Path) -> None:
    corpus = AlignedSections.load(river_folder, pairs=["de-en"], cache_dir=tmp_path)

    assert corpus.pairs == ["en-de"]
    assert corpus.pair("de-en") is corpus.pair("en-de")
    assert corpus.pair("de-en").source_language == "en"


@pytest.mark.parametrize("config, column", [("en-de", "source"), ("sections-en", "text"), ("sections-de", "text")])
def test_the_folder_loads_with_datasets(
    river_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str, column: str
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    rows = datasets.load_dataset(str(river_folder), config, split="train", cache_dir=str(tmp_path))

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


def test_narrower_types_are_read(write_rivers: Callable[..., Path], tmp_path: Path) -> None:
    """As they come back from other tools: 32-bit rows, short strings."""
    folder = write_rivers(tmp_path / "corpus")
    for path in folder.glob("*/*.parquet"):
        pq.write_table(pa.Table.from_pylist(pq.read_table(path).to_pylist()), path)
    corpus = AlignedSections.load(folder, cache_dir=tmp_path)

    assert corpus.sections("de")[2] == Section("de2", "de", "River1", "River", ("Course",), "Schiffe befahren ihn.")
    assert corpus.pair("en-de").source_negatives(0).tolist() == [1, 2]


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="folder of aligned sections must exist, got '.*nowhere'"):
        AlignedSections.load(tmp_path / "nowhere")


def test_a_folder_without_pairs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must hold pairs/\*.parquet, got none"):
        AlignedSections.load(tmp_path)


def test_an_unknown_pair(river_folder: Path, rivers: AlignedSections) -> None:
    with pytest.raises(ValueError, match="pair must be one of en-de, got 'en-fr'"):
        AlignedSections.load(river_folder, pairs=["en-fr"])
    with pytest.raises(ValueError, match="pair must be one of en-de, got 'en-fr'"):
        rivers.pair("en-fr")
    with pytest.raises(ValueError, match="language must be one of de, en, got 'fr'"):
        rivers.sections("fr")


@pytest.mark.parametrize("pairs", ["en-de", []])
def test_pairs_must_be_a_list(river_folder: Path, pairs: Sequence[str]) -> None:
    with pytest.raises(ValueError, match="pairs must be a list of names"):
        AlignedSections.load(river_folder, pairs=pairs)


def test_damaged_files(write_rivers: Callable[..., Path], tmp_path: Path) -> None:
    folder = write_rivers(tmp_path / "corpus")
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
