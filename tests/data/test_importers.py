"""Importers: what comes out of JSONL rows and of the released pickles, what is dropped, and what is refused."""

from __future__ import annotations

import collections
import gzip
import io
import json
import os
import pickle
import random
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlretrieval.data.importers import (
    ImportCounts,
    import_jsonl,
    import_released,
    print_counts,
    read_jsonl,
    read_plain_pickle,
)
from xlretrieval.data.sections import SPLITS, AlignedSections

Row = dict[str, Any]
# Any text that a file can hold: all of Unicode without half surrogate pairs.
unicode_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
per_example = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def row(sec: str | int, lang: str, text: str, doc: str = "d", **fields: Any) -> Row:
    return {"corpus": "c", "doc": doc, "sec": sec, "lang": lang, "doctitle": "", "text": text} | fields


def write_jsonl(path: Path, rows: Sequence[Row | str]) -> Path:
    lines = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in rows]
    content = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def texts_of(corpus: AlignedSections, name: str) -> list[tuple[str, str, list[str], list[str]]]:
    """The pairs as texts: source, target, negatives of the source side, of the target side."""
    pair = corpus.pair(name)
    source, target = corpus.sections(pair.source_language), corpus.sections(pair.target_language)
    return [
        (
            source.text(pair.source[i]),
            target.text(pair.target[i]),
            [source.text(negative) for negative in pair.source_negatives(i)],
            [target.text(negative) for negative in pair.target_negatives(i)],
        )
        for i in range(len(pair))
    ]


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., tuple[ImportCounts, AlignedSections]]:
    """Imports rows and opens the result."""

    def run(rows: Sequence[Row | str], pairs: Sequence[str] = ("en-fr",), **options: Any) -> tuple:
        file = write_jsonl(tmp_path / "rows.jsonl", rows)
        counts = import_jsonl([file], pairs, tmp_path / "corpus", overwrite=True, **options)
        return counts, AlignedSections.load(tmp_path / "corpus", cache_dir=tmp_path / "cache")

    return run


# JSONL


def test_sections_align_by_corpus_document_and_section(build: Callable) -> None:
    rows = [
        row("1", "en", "One.", doctitle="Law", heading="Part I", title="Start", label="1"),
        row("2", "en", "Two."),
        row("1", "en", "Other document.", doc="e"),
        row("1", "en", "Other corpus.", corpus="k"),
        row("2", "fr", "Deux."),
        row("1", "fr", "Un."),
        row("1", "fr", "Autre document.", doc="e"),
        {"doc": "free", "sec": 7, "lang": "en", "doctitle": "", "title": None, "text": "No corpus."},
        {"doc": "free", "sec": "7", "lang": "fr", "doctitle": "", "text": "Sans corpus."},
    ]
    counts, corpus = build(rows)

    assert texts_of(corpus, "en-fr") == [
        ("One.", "Un.", ["Two."], ["Deux."]),
        ("Two.", "Deux.", ["One."], ["Un."]),
        ("Other document.", "Autre document.", [], []),
        ("No corpus.", "Sans corpus.", [], []),
    ]
    first, last = corpus.sections("en")[0], corpus.sections("en")[3]
    assert (first.id, first.article_id, first.article_title) == ("c/d#1", "c/d", "Law")
    assert first.heading_path == ("Part I", "Start")
    assert (last.id, last.article_id, last.heading_path) == ("free#7", "free", ())
    assert counts.dropped == {"unaligned": 1}
    assert (counts.read, counts.sections) == (9, {"en": 4, "fr": 4})


def test_hard_negatives_are_the_nearest_of_the_document(build: Callable) -> None:
    rows = [row(n, lang, f"{lang}{n}") for lang in ("en", "fr") for n in range(6) if (lang, n) != ("en", 3)]
    _, corpus = build(rows + [row(0, lang, f"{lang} other", doc="e") for lang in ("en", "fr")], max_negatives=3)

    pairs = {source: (target, there, here) for source, target, here, there in texts_of(corpus, "en-fr")}
    assert pairs["en0"] == ("fr0", ["fr1", "fr2", "fr3"], ["en1", "en2", "en4"])
    # fr3 is not aligned and serves as a negative all the same. Of two as near, the following one comes first.
    assert pairs["en2"] == ("fr2", ["fr3", "fr1", "fr4"], ["en4", "en1", "en5"])
    assert pairs["en5"] == ("fr5", ["fr4", "fr3", "fr2"], ["en4", "en2", "en1"])
    assert pairs["en other"] == ("fr other", [], [])


def test_a_negative_never_has_the_text_of_its_positive(build: Callable) -> None:
    english = ["Repealed.", "A", "Repealed.", "B"]
    french = ["Abrogé.", "a", "Abrogé.", "b"]
    rows = [row(n, lang, text) for lang, texts in (("en", english), ("fr", french)) for n, text in enumerate(texts)]
    _, corpus = build(rows)

    assert [(source, there) for source, _, _, there in texts_of(corpus, "en-fr")] == [
        ("Repealed.", ["a", "b"]),
        ("A", ["Abrogé.", "Abrogé.", "b"]),
        ("Repealed.", ["b", "a"]),
        ("B", ["Abrogé.", "a", "Abrogé."]),
    ]


def test_unaligned_sections_that_are_no_negatives_are_dropped(build: Callable) -> None:
    rows = [row(n, "en", f"en{n}") for n in range(5)] + [row(0, "fr", "fr0"), row(9, "fr", "fr9")]
    counts, corpus = build(rows, max_negatives=1)

    assert texts_of(corpus, "en-fr") == [("en0", "fr0", ["en1"], ["fr9"])]
    assert counts.dropped == {"unaligned": 3}
    assert counts.sections == {"en": 2, "fr": 2}


def test_drops_are_counted_by_reason(build: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        row(1, "en", "Long enough."),
        row(1, "fr", "Assez long."),
        row(1, "fr", "The second of two is dropped."),
        row(2, "en", " \n\t"),
        row(3, "en", "  short  "),
        row(1, "de", "Niemand hat danach gefragt."),
        "   ",
        row(4, "en", "Aligned with nothing."),
    ]
    counts, corpus = build(rows, min_characters=6, max_negatives=0)

    assert counts.dropped == {
        "blank line": 1,
        "language of no requested pair": 1,
        "empty text": 1,
        "shorter than 6 characters": 1,
        "duplicate": 1,
        "unaligned": 1,
    }
    assert counts.pairs["en-fr"] == {"train": 1, "validation": 0, "test": 0}
    assert counts.read == 8 == sum(counts.sections.values()) + sum(counts.dropped.values())
    assert texts_of(corpus, "en-fr") == [("Long enough.", "Assez long.", [], [])]
    assert corpus.provenance["source"] == "jsonl"
    assert corpus.provenance["counts"]["dropped"] == counts.dropped
    assert corpus.provenance["arguments"]["min_characters"] == 6
    printed = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert {"read 8", "dropped duplicate 1", "sections en 1", "pairs en-fr train 1"} <= set(printed)


def test_untranslated_sections_are_noted(build: Callable) -> None:
    rows = [row(1, "en", "x = 1"), row(1, "fr", "x = 1"), row(2, "en", "Two"), row(2, "fr", "Deux")]
    assert build(rows)[0].notes == {"pair with the same text on both sides": 1}


def test_several_pairs_share_sections_and_splits(build: Callable) -> None:
    rows = [
        row(n, lang, f"{lang} {doc} {n}", doc=f"doc{doc}")
        for lang in ("en", "de", "fr")
        for doc in range(30)
        for n in range(2)
    ]
    counts, corpus = build(rows, pairs=["en-fr", "de-en"], validation=0.3, test=0.3)

    assert corpus.pairs == ["de-en", "en-fr"]
    assert counts.sections == {"de": 60, "en": 60, "fr": 60}
    splits: dict[str, set[str]] = collections.defaultdict(set)
    for name in corpus.pairs:
        pair = corpus.pair(name)
        for split in SPLITS:
            assert len(pair.rows(split)) >= 8
            for i in pair.rows(split):
                splits[corpus.sections(pair.source_language).article_id(pair.source[i])].add(split)
                splits[corpus.sections(pair.target_language).article_id(pair.target[i])].add(split)
    assert len(splits) == 30
    assert all(len(found) == 1 for found in splits.values())


def test_a_language_with_a_lower_case_subtag_is_found_in_the_data(build: Callable) -> None:
    _, corpus = build([row(1, "en", "Bus"), row(1, "pt-br", "Ônibus")], pairs=["en-pt-br"])
    assert texts_of(corpus, "en-pt-br") == [("Bus", "Ônibus", [], [])]
    assert corpus.languages == ["en", "pt-br"]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    rows = [row(n, lang, f"{lang} {n}", doc=f"{n // 3}") for lang in ("en", "fr") for n in range(30)]
    file = write_jsonl(tmp_path / "rows.jsonl.gz", rows)
    for name in ("a", "b"):
        import_jsonl([file], ["en-fr"], tmp_path / name, validation=0.2)

    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert len(files) == 5
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)


def test_a_line_of_200_000_characters(build: Callable) -> None:
    text = "Ein sehr langer Abschnitt. \N{MUSICAL SYMBOL G CLEF}" * 8_000
    _, corpus = build([row(1, "en", text), row(1, "fr", "court")])

    assert len(text) > 200_000
    assert corpus.sections("en").text(0) == text
    assert corpus.sections("en").text_lengths.tolist() == [len(text)]


def test_files_may_be_compressed_and_start_with_a_byte_order_mark(tmp_path: Path) -> None:
    english = write_jsonl(tmp_path / "en.jsonl.gz", [row(1, "en", "One")])
    french = write_jsonl(tmp_path / "fr.jsonl", ["\ufeff" + json.dumps(row(1, "fr", "Un"))])
    import_jsonl([english, french], ["fr-en"], tmp_path / "corpus")

    corpus = AlignedSections.load(tmp_path / "corpus", cache_dir=tmp_path)
    assert texts_of(corpus, "fr-en") == [("Un", "One", [], [])]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(unicode_text, unicode_text, st.booleans()), min_size=1, max_size=8))
def test_any_text_survives_the_round_trip(build: Callable, texts: list[tuple[str, str, bool]]) -> None:
    rows = []
    for number, (english, french, escaped) in enumerate(texts):
        for lang, text in (("en", english), ("fr", french)):
            # A full stop, as text of white space alone is dropped.
            line = row(number, lang, text + ".", doc=text, doctitle=text, title=text)
            rows.append(json.dumps(line | {"doc": "d"}, ensure_ascii=escaped))
    _, corpus = build(rows)

    assert [pair[:2] for pair in texts_of(corpus, "en-fr")] == [(en + ".", fr + ".") for en, fr, _ in texts]
    first = corpus.sections("en")[0]
    assert (first.article_title, first.heading_path) == (texts[0][0], (texts[0][0],))


@per_example
@given(
    content=st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")), compressed=st.booleans()
)
def test_random_bytes_are_value_errors(tmp_path: Path, content: bytes, compressed: bool) -> None:
    path = tmp_path / ("rows.jsonl.gz" if compressed else "rows.jsonl")
    path.write_bytes(content)
    try:
        rows = list(read_jsonl(path))
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert all(found is None for found in rows)


@per_example
@given(
    st.dictionaries(
        st.sampled_from(["corpus", "doc", "sec", "lang", "doctitle", "title", "heading", "text"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2),
    )
)
def test_random_fields_are_rows_or_value_errors(tmp_path: Path, fields: Row) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row("1", "en", "text") | fields))
    try:
        (found,) = read_jsonl(path)
    except ValueError as error:
        assert str(error).startswith(f"{path}, line 1: ")
    else:
        assert found is not None
        assert all(isinstance(value, str) for value in (*found[:5], *found.heading_path, found.text))


@pytest.mark.parametrize(
    "line, message",
    [
        ("{", "row must be valid JSON, got '{'"),
        ("[" * 100_000, "row must be valid JSON"),
        ("[1]", "row must be a JSON object, got [1]"),
        ({"doc": "d", "sec": 1, "lang": "en", "doctitle": ""}, "row must have the field 'text', got ['doc', 'sec'"),
        ({"doc": "d", "sec": 1, "text": "", "doctitle": ""}, "row must have the field 'lang'"),
        ({"doc": "d", "lang": "en", "text": "", "doctitle": ""}, "row must have the field 'sec'"),
        ({"sec": 1, "lang": "en", "text": "", "doctitle": ""}, "row must have the field 'doc'"),
        ({"doc": "d", "sec": 1, "lang": "en", "text": ""}, "row must have the field 'doctitle'"),
        (row(1, "en", "t") | {"text": None}, "text must be a string, got None"),
        (row(1, "en", "t") | {"sec": 1.5}, "sec must be a string or an integer, got 1.5"),
        (row(1, "en", "t") | {"sec": True}, "sec must be a string or an integer, got True"),
        (row(1, "en", "t") | {"title": ["a"]}, "title must be a string, got ['a']"),
        (row(1, "English", "t"), "lang must be a language code like 'en' or 'zh-Hans', got 'English'"),
        (row(1, "en_US", "t"), "lang must be a language code"),
        (
            r'{"doc": "d", "sec": 1, "lang": "en", "doctitle": "", "text": "a \ud800 b"}',
            "got a lone surrogate in 'a \\ud",
        ),
        (r'{"doc": "\udfff", "sec": 1, "lang": "en", "doctitle": "", "text": "a"}', "got a lone surrogate"),
        ('"\ud800"', "text must be UTF-8, got byte 0xed"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: Row | str, message: str) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [row(1, "en", "One"), row(1, "fr", "Un"), line])

    with pytest.raises(ValueError) as error:
        import_jsonl([path], ["en-fr"], tmp_path / "corpus")
    assert str(error.value).startswith(f"{path}, line 3: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert [file.name for file in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_truncated_gzip_file(tmp_path: Path) -> None:
    path = write_jsonl(
        tmp_path / "rows.jsonl.gz", [row(n, "en", random.Random(n).randbytes(20).hex()) for n in range(99)]
    )
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(ValueError, match=r"rows.jsonl.gz, after line \d+: the gzip stream must be whole"):
        import_jsonl([path], ["en-fr"], tmp_path / "corpus")


@pytest.mark.parametrize(
    "pairs, options, message",
    [
        (["en-de"], {}, "pair 'en-de' must be of languages that are in the files, got no section in 'de'"),
        (
            ["en-es"],
            {},
            "pair 'en-es' must have sections with the same corpus, doc and sec in both languages, got none",
        ),
        (["enfr"], {}, "pair must be two language codes joined by a hyphen, got 'enfr'"),
        (["en-en"], {}, "pair must join two different languages, got 'en-en'"),
        (["en-fr", "fr-en"], {}, "pairs must be different, got 'en-fr' and 'fr-en'"),
        ([], {}, "pairs must be a list of names like 'en-fr'"),
        ("en-fr", {}, "pairs must be a list of names like 'en-fr', got 'en-fr'"),
        (["en-fr"], {"validation": 1.5}, "validation must be a fraction in [0, 1), got 1.5"),
        (["en-fr"], {"validation": 0.5, "test": 0.5}, "validation + test must be below 1"),
        (["en-fr"], {"min_characters": -1}, "min_characters must be at least 0, got -1"),
        (["en-fr"], {"max_negatives": -1}, "max_negatives must be at least 0, got -1"),
    ],
)
def test_bad_arguments(tmp_path: Path, pairs: Sequence[str], options: dict[str, Any], message: str) -> None:
    rows = [row(1, "en", "One"), row(1, "fr", "Un"), row(2, "es", "Dos")]
    path = write_jsonl(tmp_path / "rows.jsonl", rows)

    with pytest.raises(ValueError) as error:
        import_jsonl([path], pairs, tmp_path / "corpus", **options)
    assert message in str(error.value)
    assert [file.name for file in tmp_path.iterdir()] == ["rows.jsonl"]


def test_missing_files_are_found_before_reading(tmp_path: Path) -> None:
    first = write_jsonl(tmp_path / "rows.jsonl", ["no JSON"])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        import_jsonl([first, tmp_path / "nowhere"], ["en-fr"], tmp_path / "corpus")
    with pytest.raises(ValueError, match="files must be a list of files, got"):
        import_jsonl(first, ["en-fr"], tmp_path / "corpus")


def test_a_crash_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [row(1, "en", "One"), row(1, "fr", "Un")])
    import_jsonl([path], ["en-fr"], tmp_path / "old")
    before = {file: file.read_bytes() for file in (tmp_path / "old").rglob("*.*")}

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("xlretrieval.data.sections._card", full_disk)
    for output in ("new", "old"):
        with pytest.raises(OSError, match="No space left"):
            import_jsonl([path], ["en-fr"], tmp_path / output, overwrite=True)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["old", "rows.jsonl"]
    assert {file: file.read_bytes() for file in (tmp_path / "old").rglob("*.*")} == before


# The released pickles

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
def test_released_pairs_of_both_directions(tmp_path: Path, protocol: int) -> None:
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


def test_released_ids_may_be_strings_and_the_directory_either_way(tmp_path: Path) -> None:
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


def test_a_conflict_of_the_directions_is_counted_and_kept(tmp_path: Path) -> None:
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


def test_released_negatives_are_cleaned(tmp_path: Path) -> None:
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


def test_released_pairs_share_sections_and_derived_articles(tmp_path: Path) -> None:
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


class Dangerous:
    """Unpickling it with the ordinary unpickler makes a folder."""

    def __init__(self, folder: Path):
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"mkdir {self.folder}",)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_nothing_in_a_pickle_is_executed(tmp_path: Path, protocol: int) -> None:
    trap, path = tmp_path / "trap", tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps({"p": Dangerous(trap)}, protocol=protocol))
    with pytest.raises(ValueError) as error:
        read_plain_pickle(path)
    assert str(path) in str(error.value)
    assert not trap.exists()
    if protocol >= 2:
        assert "got the class 'posix.system'" in str(error.value)
    pickle.loads(path.read_bytes())
    assert trap.exists()


@pytest.mark.parametrize(
    "value, name",
    [
        (collections.OrderedDict(a=1), "'collections.OrderedDict'"),
        ({"n": {1, 2}}, "the instruction EMPTY_SET"),
        ({"n": b"bytes"}, "the instruction SHORT_BINBYTES"),
        (Path("x"), "'pathlib.PosixPath'"),
    ],
)
def test_classes_are_refused_by_name(tmp_path: Path, value: object, name: str) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(value, protocol=4))
    with pytest.raises(ValueError, match=name):
        read_plain_pickle(path)


def test_a_pickle_cannot_ask_for_memory(tmp_path: Path) -> None:
    """Lengths and memo indices of gigabytes, in a few bytes."""
    path = tmp_path / "x.pkl"
    path.write_bytes(b"\x80\x02K\x01r\xff\xff\xff\x7f.")
    assert read_plain_pickle(path) == 1
    for content in (b"\x80\x04\x8d" + (2**40).to_bytes(8, "little") + b"a.", b"\x80\x04\x95" + b"\xff" * 7 + b"\x00."):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="got damaged data"):
            read_plain_pickle(path)


plain = st.recursive(
    st.integers(-(2**63), 2**63) | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@per_example
@given(value=plain, protocol=st.integers(2, 5))
def test_plain_data_comes_back(tmp_path: Path, value: Any, protocol: int) -> None:
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(value, protocol=protocol))
    assert read_plain_pickle(tmp_path / "x.pkl") == value


@per_example
@given(st.binary() | st.builds(lambda value, cut: pickle.dumps(value)[:cut], plain, st.integers(0, 50)))
def test_random_pickles_are_plain_data_or_value_errors(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pkl").write_bytes(content)
    try:
        value = read_plain_pickle(tmp_path / "x.pkl")
    except ValueError as error:
        assert "x.pkl must be a pickle of dict, list, str and int only" in str(error)
    else:
        assert type(value) in (dict, list, str, int)


def test_counts_print_as_a_table() -> None:
    from rich.console import Console

    out = io.StringIO()
    counts = ImportCounts(12_345, {"en": 7}, {"en-fr": {"train": 1}}, {"empty text": 2}, {"negative given twice": 3})
    print_counts(counts, Console(file=out, width=60))

    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert lines == [
        "count",
        "read 12,345",
        "dropped empty text 2",
        "sections en 7",
        "note negative given twice 3",
        "pairs en-fr train 1",
    ]


def test_real_manuals(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "parallel"
    files = [folder / f"{corpus}_{language}.jsonl.gz" for corpus in ("react", "phpdoc") for language in ("en", "de")]
    counts = import_jsonl(files, ["en-de"], tmp_path / "corpus", min_characters=50, validation=0.05, test=0.05)
    corpus = AlignedSections.load(tmp_path / "corpus", cache_dir=tmp_path)
    pair = corpus.pair("en-de")

    assert counts.read == 1_592 + 228 + 25_217 + 8_460
    assert counts.read == sum(counts.sections.values()) + sum(counts.dropped.values())
    assert len(pair) == sum(counts.pairs["en-de"].values()) > 7_000
    assert all(len(pair.rows(split)) > 100 for split in SPLITS)
    english, german = corpus.sections("en"), corpus.sections("de")
    for i in range(0, len(pair), 97):
        assert english[pair.source[i]].id == german[pair.target[i]].id
        assert all(german.article_id(row) == german.article_id(pair.target[i]) for row in pair.target_negatives(i))
        assert all(german.text(row) != german.text(pair.target[i]) for row in pair.target_negatives(i))
