"""Documents in the markup of the campaigns: what is written is read, and what is broken is named."""

from __future__ import annotations

import gzip
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlretrieval.data.collections import (
    CLEF_SOURCES,
    Document,
    DocumentFiles,
    DocumentSource,
    Problems,
    read_documents,
    sgml,
)

PLAIN = DocumentSource("plain")
LATIN = DocumentSource("latin", encoding="iso-8859-1")


def read(path: Path, source: DocumentSource = PLAIN, on_error: str = "raise") -> tuple[list[Document], Problems]:
    problems = Problems(on_error)
    return [found.document for found in read_documents(DocumentFiles(source, (str(path),)), problems)], problems


def doc(number: int, text: str = "Text.") -> str:
    return f"<DOC>\n<DOCNO>d{number}</DOCNO>\n<TEXT>{text}</TEXT>\n</DOC>\n"


# One document of each form of markup that the campaigns distributed; the words are ours.
FORMS = {
    "FR94": "<DOC>\n<DOCNO>FR940101-000001</DOCNO>\n<DOCID>FR940101-000001</DOCID>\n<DATE>940101</DATE>\n"
    "<TITLE>M\xfcll &amp; Meer</TITLE>\n<TEXT>\nErster Satz.\nZweiter.\n</TEXT>\n</DOC>\n",
    "SPIEGEL9495": "<DOC>\n<DOCNO> SPIEGEL9495-000001 </DOCNO>\n<TITLE>M\xfcll & Meer</TITLE>\n<AUTHOR>N. N.</AUTHOR>"
    "<LEAD>Erster Satz.</LEAD>\n<TEXT>Zweiter.</TEXT></DOC>",
    "SDA94": "<DOC><DOCNO>SDA.940101.0001</DOCNO><DOCID>SDA.940101.0001</DOCID><KW>Umwelt</KW>"
    "<TI>M\xfcll &#38; Meer</TI>\n<LD>Erster Satz.</LD>\n<TX>Zweiter.</TX></DOC>",
    "LATIMES94": "<DOC>\n<DOCNO> LA010194-0001 </DOCNO>\n<DOCID> 000001 </DOCID>\n<LENGTH><P>20 words </P></LENGTH>\n"
    "<HEADLINE>\n<P>M\xfcll &amp;\nMeer</P>\n</HEADLINE>\n<BYLINE><P>By N. N.</P></BYLINE>\n"
    "<TEXT>\n<P>\nErster Satz. </P>\n<P>\nZweiter. </P>\n</TEXT>\n<TYPE><P>Column</P></TYPE>\n</DOC>\n",
    "NRC9495": "<DOC>\n<DOCNO>NH19940103-0001</DOCNO>\n<BODY>\n<TI>\n<P>M\xfcll &amp; Meer</P>\n</TI>\n<LE>"
    "<P>Erster Satz.</P></LE><TE><P>Zweiter.</P></TE></BODY>\n</DOC>\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_markup(name: str, tmp_path: Path) -> None:
    source = CLEF_SOURCES[name]
    (tmp_path / "a.gz").write_bytes(gzip.compress(FORMS[name].encode("iso-8859-1")))
    ((document,), problems) = read(tmp_path, source)
    assert (document.title, document.text) == ("Müll & Meer", "Erster Satz.\nZweiter.")
    assert document.content == "Müll & Meer\nErster Satz.\nZweiter."
    assert document.id in (
        "FR940101-000001",
        "SPIEGEL9495-000001",
        "SDA.940101.0001",
        "LA010194-0001",
        "NH19940103-0001",
    )
    assert not problems.counts


def test_numbers_of_documents_add_up_to_those_of_the_languages() -> None:
    totals: dict[str, int] = {}
    for source in CLEF_SOURCES.values():
        totals[source.language] = totals.get(source.language, 0) + source.documents
    assert totals == {"de": 294_809, "en": 169_477, "es": 454_045, "fr": 177_452, "it": 157_558, "nl": 190_604}


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("<TI>AT&amp;T</TI><TX><P>One.</P><P>Two.</P></TX>", [("ti", "AT&T"), ("tx", "One. Two.")]),
        ("<ti>no end <tx>text", [("ti", "no end"), ("tx", "text")]),
        ("<TX>a<TX>b</TX>", [("tx", "a"), ("tx", "b")]),
        ("<TX>1 < 2, R&D &unknown; &#228;&#xe4;</TX>", [("tx", "1 < 2, R&D &unknown; ää")]),
        ("<TX>x <y and z> 3 <F P=105>bold</F></TX>", [("tx", "x <y and z> 3 bold")]),
        ("<TX>a<!-- <TI>no</TI> -->b<![CDATA[<c> &amp;]]></TX>", [("tx", "a b<c> &amp;")]),
        ("<TX/><KW>key</KW><TX></TX></TI>", [("tx", ""), ("tx", "")]),
        ("<ti>no end: &lt;1", [("ti", "no end: <1")]),
        ("<TX>&amp;lt;P></TX>", [("tx", "&lt;P>")]),
    ],
)
def test_fields(text: str, fields: list[tuple[str, str]]) -> None:
    assert sgml.read_fields(text, ["ti", "tx"]) == fields


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=8)
lines = st.lists(words, max_size=6).map(" ".join)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.tuples(lines, st.lists(words, min_size=1, max_size=4).map("\n".join)), min_size=1, max_size=5),
    chunk=st.integers(1, 40),
    latin=st.booleans(),
)
def test_what_is_written_is_read(
    texts: list[tuple[str, str]], chunk: int, latin: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = "".join(
        f"<DOC>\n<DOCNO>d{number}</DOCNO><TITLE>{escape(title)}</TITLE>\n<TEXT>\n{escape(text)}\n</TEXT>\n</DOC>\n"
        for number, (title, text) in enumerate(texts)
    ).encode("iso-8859-1" if latin else "utf-8", "xmlcharrefreplace")
    path = tmp_path / "a.sgml"
    path.write_bytes(content)
    # Tags are cut in two wherever a chunk may end.
    pieces = [content[start : start + chunk] for start in range(0, len(content), chunk)]
    monkeypatch.setattr(sgml, "read_chunks", lambda path: iter(pieces))
    documents, problems = read(path, LATIN if latin else PLAIN)
    assert documents == [Document(f"d{number}", title, text) for number, (title, text) in enumerate(texts)]
    assert not problems.counts


fragments = st.sampled_from(
    [
        b"<DOC>",
        b"</DOC>",
        b"<DOC id='1'>",
        b"<DOCNO>",
        b"</DOCNO>",
        b"d1",
        b"<TEXT>",
        b"</TEXT>",
        b"<!--",
        b"<![CDATA[",
    ]
    + [b"&#x110000;", b"&#0;", b"&#xd800;", b"\xff", b"\n", b"\x1f\x8b", b"BZh", b"<", b">", b"&", b'="', b" "]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=200), st.lists(fragments, max_size=25).map(b"".join)))
def test_any_bytes_are_read_or_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any"
    path.write_bytes(content)
    documents, problems = read(path, on_error="skip")
    for found in documents:
        assert found.id.split() == [found.id]
        (found.title + found.text).encode()
    errors = set(problems.counts) - {"title without text", "empty document", "file without documents"}
    if errors:
        with pytest.raises(ValueError, match="any.* must "):
            read(path)
    else:
        assert read(path)[0] == documents


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (doc(1) + "<DOC>\n<TEXT>a</TEXT>\n</DOC>", "document without id", r"line 5: .*an id in <DOCNO>, got none"),
        (
            doc(1) + "<DOC><DOCNO>d2\n<TEXT>a",
            "cut off document",
            r"line 5: .* </DOC>, got the end of the file .* line 6",
        ),
        ("<DOC><DOCNO>d0\n" + doc(1), "cut off document", r"line 1: .* </DOC>, got <DOC> at line 2"),
        (doc(1) + "<DOC\nid='2'\nlang='de'><TEXT></DOC>", "document without id", "line 5: "),
        ("<DOC\nid='1'>" + doc(1)[5:] + "</DOC>", "end of no document", "line 6: "),
        (doc(1) + "</DOC>", "end of no document", r"line 5: </DOC> must follow a <DOC>"),
        ("<DOC><DOCNO>a b</DOCNO></DOC>" + doc(1), "id that is no word", r"line 1: .* one word, got 'a b'"),
        ("<DOC><DOCNO></DOCNO></DOC>" + doc(1), "id that is no word", r"line 1: .* one word, got ''"),
        (doc(1) + doc(2, "a\n\xe9"), "not in the encoding", r"line 8: text must be utf-8, got byte 0xe9 at byte 27 "),
    ],
)
def test_what_is_broken_is_named_with_its_line(content: str, kind: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "bad.sgml").write_bytes(content.encode("iso-8859-1"))
    with pytest.raises(ValueError, match=rf"bad\.sgml, {message}"):
        read(tmp_path)
    documents, problems = read(tmp_path, on_error="skip")
    assert [found.id for found in documents] == ["d1"]
    assert dict(problems.counts) == {kind: 1}
    assert "bad.sgml, line" in problems.examples[kind][0]


def test_documents_before_the_damage_are_read(tmp_path: Path) -> None:
    whole = gzip.compress("".join(doc(number, f"{number * 7919}" * 40) for number in range(400)).encode())
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    documents, problems = read(tmp_path, on_error="skip")
    assert 0 < len(documents) < 400
    assert problems.counts["damaged file"] == 1
    with pytest.raises(ValueError, match=r"cut\.gz: a file must be whole"):
        read(tmp_path)


def test_a_document_that_never_ends_does_not_fill_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sgml, "LONGEST_DOCUMENT", 500_000)
    (tmp_path / "a").write_text("<DOC>\n" + "word\n" * 400_000 + "</DOC>\n" + doc(1))
    documents, problems = read(tmp_path, on_error="skip")
    assert [found.id for found in documents] == ["d1"]
    assert problems.examples["cut off document"][0].endswith("first. Complete the document.")
    assert problems.examples["end of no document"][0].startswith(f"{tmp_path}/a, line 400002: ")


def test_folders_are_read_by_name_without_hidden_files(tmp_path: Path) -> None:
    for name, number in (("b/1.sgml", 2), ("a/2.sgml", 1), (".git/x", 3), ("b/.x", 4)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(doc(number))
    (tmp_path / "README").write_text("Read me.")
    documents, problems = read(tmp_path)
    assert [found.id for found in documents] == ["d1", "d2"]
    assert problems.examples == {"file without documents": [str(tmp_path / "README")]}
    assert [found.id for found in read(tmp_path / "*/1.sgml")[0]] == ["d2"]


def test_documents_without_text_are_kept_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("<DOC><DOCNO>1</DOCNO></DOC>\n<DOC><DOCNO>2</DOCNO><TI>Title</TI></DOC>")
    documents, problems = read(tmp_path)
    assert documents == [Document("1", "", ""), Document("2", "Title", "")]
    assert problems.examples == {
        "empty document": [f"{tmp_path}/a, line 1: 1"],
        "title without text": [f"{tmp_path}/a, line 2: 2"],
    }


def test_rows_of_json(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "a", "title": "T", "text": "x"}\n\n{"id": 7, "text": "y"}\n')
    assert read(path)[0] == [Document("a", "T", "x"), Document("7", "", "y")]
    for row in (
        "[1]",
        '{"text": "x"}',
        '{"id": true}',
        '{"id": "a", "text": 1}',
        "{",
        '{"id": "a", "text": "\\ud800"}',
    ):
        path.write_text('{"id": "a"}\n' + row + "\n")
        with pytest.raises(ValueError, match=r"a\.jsonl, line 2: .* must be"):
            read(path)
        assert read(path, on_error="skip")[1].counts["bad row"] == 1


@pytest.mark.parametrize("encoding", ["utf-16", "latin-99", "rot13", "base64"])
def test_encodings_that_hide_the_tags_are_refused(encoding: str) -> None:
    with pytest.raises(ValueError, match=f"encoding must be one that contains ASCII, got '{encoding}'"):
        DocumentFiles(DocumentSource("a", encoding=encoding), ())


def test_real_documents(shared: Path) -> None:
    documents, problems = read(shared / "data/cranfield/cran.all.1400.xml.gz")
    assert len(documents) == 1_400 and problems.counts == {"empty document": 2}
    assert documents[66].id == "67"
    assert (
        documents[66].title
        == "dynamic stability of vehicles traversing ascending or descending paths through the atmosphere ."
    )
    documents, _ = read(shared / "data/patapsco/cc-news-zho-1000.jsonl.gz")
    assert len(documents) == 998
    assert documents[0].title == "北投图书馆栈道损坏 北市图：因宝可夢"
    documents, _ = read(shared / "data/patapsco/docs1.sgml")
    assert [(found.id, found.title) for found in documents] == [
        ("ABCDEF", "Aliens learn to code"),
        ("TUVXYZ", "Humans fly to Jupiter"),
    ]
    assert documents[1].text.startswith("They are very slow") and documents[1].text.endswith("asteroid strike.")
