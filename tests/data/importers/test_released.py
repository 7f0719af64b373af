"""Import of the pickles released in 2021: both directions, derived articles, and what is refused."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xlretrieval.data.importers import import_released
from xlretrieval.data.sections import AlignedSections

EN_TEXT = {1: "The sea.", 2: "The coast.", 3: "The harbour.", 4: "The moon.", 5: "The sun."}
FR_TEXT = {11: "La mer.", 12: "La côte.", 13: "Le port.", 14: "La lune.", 15: "Le soleil."}
EN_NP = {1: {"p": 11, "n": [12, 13]}, 2: {"p": 12, "n": [11]}, 4: {"p": 14, "n": []}}
FR_NP = {11: {"p": 1, "n": [3]}, 12: {"p": 2, "n": [1, 99]}, 15: {"p": 5, "n": []}}


def write_released(
    folder: Path, pair: tuple[str, str] = ("en", "fr"), protocol: int = 4, **tables: Any
) -> dict[str, Path]:
    """`tables` are en_np, en_text, fr_np and fr_text; those not given are the ones above."""
    directory = folder / "".join(pair)
    directory.mkdir(parents=True, exist_ok=True)
    contents = {"en_np": EN_NP, "en_text": EN_TEXT, "fr_np": FR_NP, "fr_text": FR_TEXT}
    paths = {}
    for name, table in (tables or contents).items() if pair != ("en", "fr") else (contents | tables).items():
        paths[name] = directory / f"{name}.pkl"
        paths[name].write_bytes(table if isinstance(table, bytes) else pickle.dumps(table, protocol=protocol))
    return paths


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_released_pairs_of_both_directions(texts_of: Callable, tmp_path: Path, protocol: int) -> None:
    write_released(tmp_path / "data", protocol=protocol)
    counts = import_released(tmp_path / "data", ["en-fr"], tmp_path / "corpus")
    corpus = AlignedSections.load(tmp_path / "corpus", cache_dir=tmp_path)

    assert texts_of(corpus, "en-fr") == [
        ("The sea.", "La mer.", ["The harbour."], ["La côte.", "Le port."]),
        ("The coast.", "La côte.", ["The sea."], ["La mer."]),
        ("The moon.", "La lune.", [], []),
        ("The sun.", "Le soleil.", [], []),
    ]
    assert counts.read == 10
    assert counts.sections == {"en": 5, "fr": 5}
    assert counts.notes == {"negative without a text": 1, "sections in the largest derived article": 7}
    # 99 has no text and still joins; the largest article is sections 1 to 3, 11 to 13 and 99.
    assert [section.article_id for section in corpus.sections("fr")] == ["en:1", "en:1", "en:1", "en:4", "en:5"]
    assert [section.id for section in corpus.sections("en")] == ["1", "2", "3", "4", "5"]


def test_released_ids_may_be_strings_and_the_directory_either_way(texts_of: Callable, tmp_path: Path) -> None:
    tables = {
        "de_np": {"a": {"p": "x", "n": ["y"]}},
        "de_text": {"a": "Meer", "b": "Küste"},
        "en_np": {"x": {"p": "a", "n": []}},
        "en_text": {"x": "sea", "y": "coast", "z": "unused"},
    }
    write_released(tmp_path / "data", ("de", "en"), **tables)
    counts = import_released(tmp_path / "data", ["en-de"], tmp_path / "corpus")
    corpus = AlignedSections.load(tmp_path / "corpus", cache_dir=tmp_path)

    assert texts_of(corpus, "en-de") == [("sea", "Meer", ["coast"], [])]
    assert counts.dropped == {"unaligned": 2}


def test_a_conflict_of_the_directions_is_counted_and_kept(texts_of: Callable, tmp_path: Path) -> None:
    write_released(
        tmp_path / "data",
        en_np={1: {"p": 11, "n": [12]}, 2: {"p": 11, "n": [13]}},
        fr_np={11: {"p": 2, "n": [1, 3]}},
    )
    counts = import_released(tmp_path / "data", ["en-fr"], tmp_path / "corpus")
    corpus = AlignedSections.load(tmp_path / "corpus", cache_dir=tmp_path)

    # English 1 gives French 11, which gives English 2: both pairs stay. That 1 is a negative of 11 contradicts the
    # first pair and is dropped.
    assert texts_of(corpus, "en-fr") == [
        ("The sea.", "La mer.", [], ["La côte."]),
        ("The coast.", "La mer.", ["The harbour."], ["Le port."]),
    ]
    assert counts.notes["pair that the other direction contradicts"] == 1
    assert counts.notes["negative that is a positive"] == 1


def test_released_negatives_are_cleaned(texts_of: Callable, tmp_path: Path) -> None:
    write_released(
        tmp_path / "data",
        en_np={1: {"p": 11, "n": [11, 12, 12, 13, 14, 15, 16, 17]}},
        fr_np={},
        fr_text=FR_TEXT | {16: " ", 13: "La mer."},
    )
    counts = import_released(tmp_path / "data", ["en-fr"], tmp_path / "corpus", max_negatives=2)
    corpus = AlignedSections.load(tmp_path / "corpus", cache_dir=tmp_path)

    assert texts_of(corpus, "en-fr") == [("The sea.", "La mer.", [], ["La côte.", "La lune."])]
    assert counts.notes == {
        "negative that is a positive": 1,
        "negative given twice": 1,
        "negative with the text of its positive": 1,
        "negative beyond max_negatives": 1,
        "negative whose text was dropped": 1,
        "negative without a text": 1,
        "sections in the largest derived article": 8,
    }
    assert counts.dropped == {"empty text": 1, "unaligned": 6}


def test_released_pairs_lose_dropped_texts(tmp_path: Path) -> None:
    write_released(tmp_path / "data", en_text=EN_TEXT | {4: "\n", 5: "sun"})
    counts = import_released(tmp_path / "data", ["en-fr"], tmp_path / "corpus", min_characters=5)

    assert counts.pairs["en-fr"] == {"train": 2, "validation": 0, "test": 0}
    assert counts.notes["pair with a dropped text"] == 2
    assert (counts.dropped["empty text"], counts.dropped["shorter than 5 characters"]) == (1, 1)
    assert counts.read == sum(counts.sections.values()) + sum(counts.dropped.values())


def test_released_pairs_share_sections_and_derived_articles(texts_of: Callable, tmp_path: Path) -> None:
    """English 4 has another text beside German; English 5 and 1 are tied by a German negative only."""
    write_released(tmp_path / "data")
    write_released(
        tmp_path / "data",
        ("en", "de"),
        en_np={1: {"p": 21, "n": [25]}, 5: {"p": 25, "n": []}, 4: {"p": 24, "n": []}},
        en_text={1: "The sea.", 5: "The sun.", 4: "Another moon."},
        de_np={},
        de_text={21: "Das Meer.", 24: "Der Mond.", 25: "Die Sonne."},
    )
    counts = import_released(tmp_path / "data", ["en-fr", "en-de"], tmp_path / "corpus", validation=0.4)
    corpus = AlignedSections.load(tmp_path / "corpus", cache_dir=tmp_path)
    english = corpus.sections("en")

    assert [pair[:2] for pair in texts_of(corpus, "en-de")] == [
        ("The sea.", "Das Meer."),
        ("The sun.", "Die Sonne."),
        ("Another moon.", "Der Mond."),
    ]
    assert {section.id: section.article_id for section in english} == {
        "1": "de:21",
        "2": "de:21",
        "3": "de:21",
        "4": "de:24",
        "5": "de:21",
        "4@ende": "de:24",
    }
    assert counts.dropped == {"same in several pairs": 2}
    assert counts.notes["section id that has another text in another pair"] == 1


def test_one_giant_article_is_worth_a_warning(tmp_path: Path) -> None:
    many = range(1_001)
    write_released(
        tmp_path / "data",
        en_np={0: {"p": 0, "n": list(many)}},
        fr_np={},
        en_text={0: "en"},
        fr_text={number: f"fr {number}" for number in many},
    )
    with pytest.warns(UserWarning, match="the largest derived article has 1,002 of 1,002 sections"):
        import_released(tmp_path / "data", ["en-fr"], tmp_path / "corpus")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_released(tmp_path / "small")
        import_released(tmp_path / "small", ["en-fr"], tmp_path / "small corpus")


@pytest.mark.parametrize(
    "tables, message",
    [
        ({"en_np": {1: {"p": 77, "n": []}}}, "en_np.pkl, entry 1: section '77' must have a text in "),
        (
            {"fr_np": {11: {"p": 1, "n": []}, 66: {"p": 1, "n": []}}},
            "fr_np.pkl, entry 2: section '66' must have a text",
        ),
        ({"en_np": {1: {"p": 11}}}, "en_np.pkl, entry 1 (section '1') must be {'p': id, 'n': [ids]}, got {'p': 11}"),
        ({"en_np": {1: [11]}}, "en_np.pkl, entry 1 (section '1') must be {'p': id, 'n': [ids]}, got [11]"),
        ({"en_np": {1: {"p": [11], "n": []}}}, "section id must be Unicode or an integer, got [11]"),
        ({"en_np": {1: {"p": 11, "n": "12"}}}, "must be {'p': id, 'n': [ids]}"),
        ({"en_np": {1: {"p": 11, "n": ["\ud800"]}}}, "section id must be Unicode or an integer"),
        ({"en_np": [1]}, "en_np.pkl must hold a dict of sections, got [1]"),
        ({"en_text": EN_TEXT | {"1": "The sea."}}, "en_text.pkl, entry 6: section id must be unique, got '1' twice"),
        ({"en_text": EN_TEXT | {2: 5}}, "en_text.pkl, entry 2 (section '2') must be text in Unicode, got 5"),
        ({"en_text": EN_TEXT | {2: "\udc00"}}, "en_text.pkl, entry 2 (section '2') must be text in Unicode"),
        ({"en_np": {}, "fr_np": {}}, "corpus must have pairs, got none for en-fr"),
        ({"en_np": b""}, "en_np.pkl must be a pickle of dict, list, str and int only, got damaged data (EOFError)"),
        (
            {"en_np": pickle.dumps(EN_NP)[:-9]},
            "en_np.pkl must be a pickle of dict, list, str and int only, got damaged",
        ),
        ({"en_np": {1: {"p": 11, "n": (12, 13)}}}, "got the instruction TUPLE2"),
        ({"en_np": {1: {"p": 11, "n": None}}}, "got the instruction NONE"),
        ({"en_np": {1.5: {"p": 11, "n": []}}}, "got the instruction BINFLOAT"),
        ({"en_np": {1: {"p": 10**800, "n": []}}}, "got the instruction LONG4"),
    ],
)
def test_a_bad_release_is_named(tmp_path: Path, tables: dict[str, Any], message: str) -> None:
    write_released(tmp_path / "data", **tables)
    with pytest.raises(ValueError) as error:
        import_released(tmp_path / "data", ["en-fr"], tmp_path / "corpus")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_missing_releases(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="folder of the released pickles must exist"):
        import_released(tmp_path / "nowhere", ["en-fr"], tmp_path / "corpus")
    write_released(tmp_path / "data")["fr_text"].unlink()
    with pytest.raises(ValueError, match="must hold the directory 'ende' or 'deen', got: enfr"):
        import_released(tmp_path / "data", ["en-de"], tmp_path / "corpus")
    with pytest.raises(FileNotFoundError, match="fr_text.pkl"):
        import_released(tmp_path / "data", ["en-fr"], tmp_path / "corpus")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
