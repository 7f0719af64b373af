"""Import of JSONL rows: what aligns, what is dropped, and what is refused."""

from __future__ import annotations

import collections
import gzip
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlretrieval.data.importers import ImportCounts, import_jsonl
from xlretrieval.data.sections import SPLITS, AlignedSections

Row = dict[str, Any]
# Any text that a file can hold: all of Unicode without half surrogate pairs.
unicode_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def row(sec: str | int, lang: str, text: str, doc: str = "d", **fields: Any) -> Row:
    return {"corpus": "c", "doc": doc, "sec": sec, "lang": lang, "doctitle": "", "text": text} | fields


def write_jsonl(path: Path, rows: Sequence[Row | str]) -> Path:
    lines = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in rows]
    content = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., tuple[ImportCounts, AlignedSections]]:
    """Imports rows and opens the result."""

    def run(rows: Sequence[Row | str], pairs: Sequence[str] = ("en-fr",), **options: Any) -> tuple:
        file = write_jsonl(tmp_path / "rows.jsonl", rows)
        counts = import_jsonl([file], pairs, tmp_path / "corpus", overwrite=True, **options)
        return counts, AlignedSections.load(tmp_path / "corpus", cache_dir=tmp_path / "cache")

    return run


def test_sections_align_by_corpus_document_and_section(texts_of: Callable, build: Callable) -> None:
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


def test_hard_negatives_are_the_nearest_of_the_document(texts_of: Callable, build: Callable) -> None:
    rows = [row(n, lang, f"{lang}{n}") for lang in ("en", "fr") for n in range(6) if (lang, n) != ("en", 3)]
    _, corpus = build(rows + [row(0, lang, f"{lang} other", doc="e") for lang in ("en", "fr")], max_negatives=3)

    pairs = {source: (target, there, here) for source, target, here, there in texts_of(corpus, "en-fr")}
    assert pairs["en0"] == ("fr0", ["fr1", "fr2", "fr3"], ["en1", "en2", "en4"])
    # fr3 is not aligned and serves as a negative all the same. Of two as near, the following one comes first.
    assert pairs["en2"] == ("fr2", ["fr3", "fr1", "fr4"], ["en4", "en1", "en5"])
    assert pairs["en5"] == ("fr5", ["fr4", "fr3", "fr2"], ["en4", "en2", "en1"])
    assert pairs["en other"] == ("fr other", [], [])


def test_a_negative_never_has_the_text_of_its_positive(texts_of: Callable, build: Callable) -> None:
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


def test_unaligned_sections_that_are_no_negatives_are_dropped(texts_of: Callable, build: Callable) -> None:
    rows = [row(n, "en", f"en{n}") for n in range(5)] + [row(0, "fr", "fr0"), row(9, "fr", "fr9")]
    counts, corpus = build(rows, max_negatives=1)

    assert texts_of(corpus, "en-fr") == [("en0", "fr0", ["en1"], ["fr9"])]
    assert counts.dropped == {"unaligned": 3}
    assert counts.sections == {"en": 2, "fr": 2}


def test_drops_are_counted_by_reason(texts_of: Callable, build: Callable, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_a_language_with_a_lower_case_subtag_is_found_in_the_data(texts_of: Callable, build: Callable) -> None:
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


def test_files_may_be_compressed_and_start_with_a_byte_order_mark(texts_of: Callable, tmp_path: Path) -> None:
    english = write_jsonl(tmp_path / "en.jsonl.gz", [row(1, "en", "One")])
    french = write_jsonl(tmp_path / "fr.jsonl", ["\ufeff" + json.dumps(row(1, "fr", "Un"))])
    import_jsonl([english, french], ["fr-en"], tmp_path / "corpus")

    corpus = AlignedSections.load(tmp_path / "corpus", cache_dir=tmp_path)
    assert texts_of(corpus, "fr-en") == [("Un", "One", [], [])]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(unicode_text, unicode_text, st.booleans()), min_size=1, max_size=8))
def test_any_text_survives_the_round_trip(
    texts_of: Callable, build: Callable, texts: list[tuple[str, str, bool]]
) -> None:
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

    monkeypatch.setattr("xlretrieval.data.writing.render_card", full_disk)
    for output in ("new", "old"):
        with pytest.raises(OSError, match="No space left"):
            import_jsonl([path], ["en-fr"], tmp_path / output, overwrite=True)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["old", "rows.jsonl"]
    assert {file: file.read_bytes() for file in (tmp_path / "old").rglob("*.*")} == before


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
