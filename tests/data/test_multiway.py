import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlretrieval.data.multiway import (
    MultiwayTexts,
    language_of,
    line_files,
    read_line_aligned,
    read_ntrex,
    read_xnli15_languages,
)
from xlretrieval.data.parallel import (
    ParallelTexts,
    read_jsonl_pairs,
    read_jsonl_sections,
    read_tatoeba,
    read_xnli15,
)


def write(folder: Path, **files: str) -> dict[str, Path]:
    """Language -> file of the lines, and "ids"."""
    paths = {}
    for language, content in files.items():
        paths[language] = folder / f"UNv1.0.6way.{language}"
        paths[language].write_text(content, encoding="utf-8")
    return paths


def test_columns_of_a_table_are_read_at_once(tmp_path):
    path = tmp_path / "xnli.tsv.gz"
    path.write_bytes(gzip.compress(b"de\ten\tfr\nHallo\tHello\tSalut\nJa\tYes\t\nDrei\tThree\tTrois\n"))
    texts = read_xnli15_languages(path)
    assert texts.texts == {"de": ["Hallo", "Drei"], "en": ["Hello", "Three"], "fr": ["Salut", "Trois"]}
    assert (texts.name, texts.dropped) == ("xnli15", {"empty": 1})
    assert [pair.name for pair in texts.pairs()] == ["xnli15 de-en", "xnli15 de-fr", "xnli15 en-fr"]
    # Of two languages alone, the row that is empty in the third one stays.
    two = read_xnli15_languages(path, ["en", "de"]).pair("en", "de")
    assert two == read_xnli15(path, "en", "de")
    assert two == ParallelTexts(("en", "de"), ["Hello", "Yes", "Three"], ["Hallo", "Ja", "Drei"], "xnli15 en-de")
    with pytest.raises(ValueError, match="xnli15: the language must be one of de, en, fr, got 'sw'"):
        texts.pair("de", "sw")


def test_a_column_twice_or_without_a_name_is_an_error(tmp_path):
    (tmp_path / "x.tsv").write_text("de\ten\tde\na\tb\tc\n")
    with pytest.raises(ValueError, match=r"x\.tsv, line 1: the language must be a column .* got 'de' twice"):
        read_xnli15_languages(tmp_path / "x.tsv")
    (tmp_path / "x.tsv").write_text("de\t\na\tb\n")
    with pytest.raises(ValueError, match=r"x\.tsv, line 1: the language must be a column .* got ''"):
        read_xnli15_languages(tmp_path / "x.tsv")


def test_lines_are_texts(tmp_path):
    files = write(tmp_path, en="One\n\nThree\n", fr="Un\nDeux\nTrois", es="Uno\nDos\nTres\n")
    assert read_line_aligned(files) == MultiwayTexts(
        {"en": ["One", "Three"], "fr": ["Un", "Trois"], "es": ["Uno", "Tres"]}, "lines", {"empty": 1}
    )


def test_lines_are_joined_to_documents(tmp_path):
    files = write(
        tmp_path,
        en="A one.\nA two.\nB one.\n\nC one.\nA three.\n",
        fr="A un.\n\nB un.\nB deux.\n\nA trois.\n",
        ids="1990/a ar:1 en:1\n1990/a ar:2 en:2,3\n1990/b\n1990/b x\n1990/c y\n1990/a z\n",
    )
    ids = files.pop("ids")
    assert read_line_aligned(files, ids, "documents") == MultiwayTexts(
        {"en": ["A one. A two. A three.", "B one."], "fr": ["A un. A trois.", "B un. B deux."]},
        "documents",
        {"empty": 1},  # C has no French
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_no_line_is_lost_between_files_and_documents(tmp_path_factory, lines):
    """Every line that is not empty stands in its document once, or the document is counted as dropped."""
    folder = tmp_path_factory.mktemp("lines")
    sides = {
        code: "".join(f"{code}{number}\n" if line[place] else "\n" for number, line in enumerate(lines))
        for place, code in ((1, "en"), (2, "fr"))
    }
    files = write(folder, **sides, ids="".join(f"doc{line[0]} s{number}\n" for number, line in enumerate(lines)))
    texts = read_line_aligned({"en": files["en"], "fr": files["fr"]}, files["ids"])
    named = {line[0] for line in lines}
    assert len(texts.texts["en"]) + texts.dropped.get("empty", 0) == len(named)
    for place, code in ((1, "en"), (2, "fr")):
        words = [word for text in texts.texts[code] for word in text.split()]
        kept = [
            f"{code}{number}"
            for number, line in enumerate(lines)
            if line[place] and all(any(other[0] == line[0] and other[side] for other in lines) for side in (1, 2))
        ]
        assert sorted(words) == sorted(kept)


@pytest.mark.parametrize("short", ["en", "fr", "ids"])
def test_files_of_different_length_are_an_error_with_file_and_line(tmp_path, short):
    content = {name: "a\nb\n" if name == short else "a\nb\nc\n" for name in ("en", "fr", "ids")}
    files = write(tmp_path, **content)
    ids = files.pop("ids")
    with pytest.raises(ValueError, match=rf"line 3: aligned files must have .* one more than the 2 of .*\.{short}\."):
        read_line_aligned(files, ids)


def test_an_empty_text_can_be_an_error_with_file_and_line(tmp_path):
    files = write(tmp_path, en="a\nb\n", fr="c\n \n", ids="x\nx\n")
    ids = files.pop("ids")
    assert read_line_aligned(files, ids).texts == {"en": ["a b"], "fr": ["c"]}
    for place in (None, ids):
        with pytest.raises(ValueError, match=r"UNv1\.0\.6way\.fr, line 2: a text must not be empty"):
            read_line_aligned(files, place, on_empty="raise")
    (tmp_path / "x.tsv").write_text("de\ten\na\tb\nc\t\n")
    with pytest.raises(ValueError, match=r"x\.tsv, line 3, column en: a text must not be empty"):
        read_xnli15_languages(tmp_path / "x.tsv", on_empty="raise")
    (tmp_path / "tatoeba.deu-eng.deu").write_text("a\n\n")
    (tmp_path / "tatoeba.deu-eng.eng").write_text("b\nc\n")
    with pytest.raises(ValueError, match=r"tatoeba\.deu-eng\.deu, line 2: a text must not be empty"):
        read_tatoeba(tmp_path, "deu-eng", on_empty="raise")
    rows = [
        f'{{"doc": "d", "sec": 1, "lang": "{code}", "doctitle": "", "text": "{text}"}}'
        for code, text in (("en", "a"), ("fr", " "))
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows) + "\n")
    with pytest.raises(ValueError, match=r"rows\.jsonl, line 2: a text must not be empty"):
        read_jsonl_pairs([tmp_path / "rows.jsonl"], [("en", "fr")], on_empty="raise")
    with pytest.raises(ValueError, match="on_empty must be one of drop, raise, got 'skip'"):
        read_line_aligned(files, on_empty="skip")


def test_errors_of_lines_name_file_and_line(tmp_path):
    files = write(tmp_path, en="a\nb\n", fr="c\nd\n", ids="x\n \n")
    ids = files.pop("ids")
    with pytest.raises(
        ValueError, match=r"\.ids, line 2: a line must begin with the name of a document, got an empty"
    ):
        read_line_aligned(files, ids)
    files["fr"].write_bytes(b"c\n\xff\n")
    with pytest.raises(ValueError, match=r"\.fr, line 2: text must be UTF-8"):
        read_line_aligned(files)
    with pytest.raises(ValueError, match="lines: aligned texts must be of two languages or more, .* got 2 en"):
        read_line_aligned({"en": files["en"]})


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("UNv1.0.en-fr.fr", "fr"),
        ("UNv1.0.6way.en.gz", "en"),
        ("newstest2019-ref.zho-CN.txt", "zho-CN"),
        ("newstest2019-ref.srp-Latn.txt.gz", "srp-Latn"),
    ],
)
def test_the_end_of_a_name_is_the_language(name, language):
    assert language_of(Path("folder") / name) == language


@pytest.mark.parametrize("name", ["english", "texts.txt", "a.EN", "a.1990", "en"])
def test_a_name_without_a_language_is_an_error(name):
    with pytest.raises(ValueError, match="the name of a file must end with its language, like texts.en"):
        language_of(name)


def test_files_are_chosen_by_language():
    files = line_files(["a.en", "a.fr", "a.es"], ["es", "en"])
    assert files == {"es": Path("a.es"), "en": Path("a.en")} and list(files) == ["es", "en"]
    with pytest.raises(ValueError, match=r"Files must be of the language 'de' too, got en, fr\."):
        line_files(["a.en", "a.fr"], ["en", "de"])
    with pytest.raises(
        ValueError, match=r"b\.en: a language must have one file, got 'en' which is also that of a\.en"
    ):
        line_files(["a.en", "b.en"])


def test_ntrex_is_a_file_a_language(tmp_path):
    folder = tmp_path / "NTREX-128"
    folder.mkdir()
    for name, content in {
        "newstest2019-src.eng.txt": "One.\nTwo.\nThree.\n",
        "newstest2019-ref.deu.txt": "Eins.\nZwei.\nDrei.\n",
        "newstest2019-ref.fra-CA.txt": "Un.\nDeux.\nTrois.\n",
        "newstest2019-ref-2.spa.txt": "Uno.\n",
    }.items():
        (folder / name).write_text(content)
    texts = read_ntrex(folder)
    assert list(texts.texts) == ["deu", "fra-CA", "eng"] and texts.texts["fra-CA"] == ["Un.", "Deux.", "Trois."]
    assert read_ntrex(folder, ["eng", "deu"]).pair("eng", "deu").name == "ntrex eng-deu"
    with pytest.raises(FileNotFoundError, match="or its parent must hold DOCUMENT_IDS.tsv, got none"):
        read_ntrex(folder, documents=True)
    (tmp_path / "DOCUMENT_IDS.tsv").write_text("bbc.1\nbbc.1\nupi.2\n")
    documents = read_ntrex(folder, ["eng", "deu"], documents=True)
    assert documents.texts == {"eng": ["One. Two.", "Three."], "deu": ["Eins. Zwei.", "Drei."]}
    with pytest.raises(FileNotFoundError, match="must hold files like newstest2019-ref.deu.txt, got none"):
        read_ntrex(tmp_path)


def test_sections_of_many_pairs_are_those_of_each(tmp_path):
    path = tmp_path / "rows.jsonl"
    sections = [("en", 1), ("en", 2), ("fr", 1), ("de", 2), ("de", 1), ("fr", 3)]
    lines = [
        f'{{"doc": "d", "sec": {sec}, "lang": "{lang}", "doctitle": "", "text": "{lang}{sec}"}}'
        for lang, sec in sections
    ]
    path.write_text("\n".join(lines) + "\n")
    wanted = [("en", "fr"), ("de", "en"), ("de", "fr")]
    pairs = read_jsonl_pairs([path], wanted)
    assert pairs == [read_jsonl_sections([path], *pair) for pair in wanted]
    assert [(pair.source, pair.target) for pair in pairs] == [
        (["en1"], ["fr1"]),
        (["de2", "de1"], ["en2", "en1"]),
        (["de1"], ["fr1"]),
    ]
    assert [pair.dropped for pair in pairs] == [{"unaligned": 2}, {}, {"unaligned": 2}]


def test_real_xnli_has_15_languages(shared):
    texts = read_xnli15_languages(shared / "data" / "xnli15" / "xnli.15way.tsv.gz")
    assert list(texts.texts) == "ar bg de el en es fr hi ru sw th tr ur vi zh".split()
    assert len(texts.texts["sw"]) + texts.dropped.get("empty", 0) == 10_000 and len(texts.pairs()) == 105
