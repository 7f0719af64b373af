"""Dumps: pages of the main namespace, from any compression, in parts, and what is wrong with broken ones."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlretrieval.data.wiki.dumps.reading import (
    DumpError,
    DumpPart,
    database_name,
    read_pages,
    read_siteinfo,
    split_dump,
)
from xlretrieval.data.wiki.dumps.xml_pages import PageCounts
from xlretrieval.data.wiki.records import Page

HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="de">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <dbname>dewiki</dbname>
    <base>https://de.wikipedia.org/wiki/Wikipedia:Hauptseite</base>
    <case>first-letter</case>
    <namespaces>
      <namespace key="0" case="first-letter" />
      <namespace key="6" case="first-letter">Datei</namespace>
      <namespace key="14" case="first-letter">Kategorie</namespace>
    </namespaces>
  </siteinfo>
"""
TAIL = "</mediawiki>\n"


def page(number: int, title: str, text: str = "Text.", namespace: int = 0, redirect: str = "") -> str:
    redirect = f'<redirect title="{redirect}" />' if redirect else ""
    return (
        f"  <page>\n    <title>{title}</title>\n    <ns>{namespace}</ns>\n    <id>{number}</id>{redirect}\n"
        f"    <revision><id>{number}99</id><contributor><id>7</id></contributor>"
        f'<text bytes="5" xml:space="preserve">{text}</text></revision>\n  </page>\n'
    )


PAGES = (
    page(1, "Bern", "'''Bern''' &amp; [[Aare]]\nü𝄞")
    + page(2, "Berne", "#WEITERLEITUNG [[Bern]]", redirect="Bern")
    + page(3, "Kategorie:Ort", "x", namespace=14)
    + page(4, "Leer", "")
    + page(6, "Thun")
)
XML = HEAD + PAGES + TAIL
WHOLE = [
    Page(1, "Bern", None, "'''Bern''' & [[Aare]]\nü𝄞"),
    Page(2, "Berne", "Bern", "#WEITERLEITUNG [[Bern]]"),
    Page(6, "Thun", None, "Text."),
]


def identity(data: bytes) -> bytes:
    return data


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("compress", [bz2.compress, gzip.compress, lzma.compress, identity])
def test_reads_every_compression_and_encoding_whatever_the_name(tmp_path: Path, compress, encoding: str) -> None:
    path = tmp_path / "dewiki.dump"
    path.write_bytes(compress(XML.encode(encoding)))
    counts = PageCounts()
    assert list(read_pages(path, counts=counts)) == WHOLE
    assert counts == PageCounts(articles=2, redirects=1, other_namespaces=1, without_text=1)
    assert counts.pages == 5


def test_siteinfo_is_the_head(tmp_path: Path) -> None:
    path = tmp_path / "dump.xml"
    path.write_text(XML, encoding="utf-8")
    site = read_siteinfo(path)
    assert (site.database, site.case) == ("dewiki", "first-letter")
    assert site.namespaces == {0: "", 6: "Datei", 14: "Kategorie"}
    path.write_text(f"<mediawiki>{PAGES}</mediawiki>", encoding="utf-8")
    assert (read_siteinfo(path).database, read_siteinfo(path).namespaces) == ("", {})


def test_a_wiki_is_named_by_its_file_then_by_its_head(tmp_path: Path) -> None:
    for name, expected in {
        "be_x_oldwiki-20261101-pages-articles.xml.bz2": "be_x_oldwiki",
        "frwiki.xml": "frwiki",
        "dump.xml": "dewiki",
    }.items():
        (tmp_path / name).write_text(XML, encoding="utf-8")
        assert database_name(tmp_path / name) == expected
    (tmp_path / "old.xml").write_text(XML.replace("<dbname>dewiki</dbname>", ""), encoding="utf-8")
    assert database_name(tmp_path / "old.xml") == "dewiki"
    (tmp_path / "bare.xml").write_text("<mediawiki></mediawiki>", encoding="utf-8")
    with pytest.raises(ValueError, match=r"bare\.xml: a dump must be named after its wiki"):
        database_name(tmp_path / "bare.xml")


def test_of_several_revisions_the_last_stands(tmp_path: Path) -> None:
    path = tmp_path / "history.xml"
    text = page(1, "Bern", "old").replace("</revision>", "</revision><revision><text>new</text></revision>")
    path.write_text(HEAD + text + TAIL, encoding="utf-8")
    assert list(read_pages(path)) == [Page(1, "Bern", None, "new")]


def test_schema_before_there_were_numbers_of_namespaces(tmp_path: Path) -> None:
    """In 0.3 the prefix tells the namespace, and a redirect is an element without a target, or text alone."""
    old = HEAD.replace("export-0.11", "export-0.3")
    titles = {
        "Bern": "Text.",
        "Datei:Bern.jpg": "x",
        "2001: A Space Odyssey": "Film.",
        "Berne": "#REDIRECT [[bern#x]]",
    }
    pages = "".join(page(number, title, text) for number, (title, text) in enumerate(titles.items(), 1))
    pages += page(9, "Bärn", "#WEITERLEITUNG: [[Bern]]").replace("<revision>", "<redirect /><revision>")
    path = tmp_path / "old.xml"
    path.write_text(old + pages.replace("<ns>0</ns>", "") + TAIL, encoding="utf-8")
    found = {p.title: p.redirect for p in read_pages(path)}
    assert found == {"Bern": None, "2001: A Space Odyssey": None, "Berne": "Bern", "Bärn": "Bern"}
    # Where the schema has the element, text alone makes no redirect.
    path.write_text(HEAD + page(1, "Liste", "#REDIRECT [[x]]") + TAIL, encoding="utf-8")
    assert [p.redirect for p in read_pages(path)] == [None]


def test_pages_without_title_or_number_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "dump.xml"
    broken = page(1, "") + page(2, "X").replace("<id>2</id>", "") + page(3, "Y").replace("<id>3</id>", "<id>z</id>")
    path.write_text(HEAD + broken + page(4, "Z") + TAIL, encoding="utf-8")
    counts = PageCounts()
    assert [p.title for p in read_pages(path, counts=counts)] == ["Z"]
    assert counts == PageCounts(articles=1, without_title=1, without_id=2)


@pytest.mark.parametrize("compress", [bz2.compress, gzip.compress, lzma.compress, identity])
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_a_cut_file_keeps_what_is_whole_or_says_how_much_that_is(tmp_path: Path, compress, on_error: str) -> None:
    many = "".join(
        page(number, f"Ort {number}", f"{number * 2654435761 % 2**32:b} " * 400) for number in range(1, 301)
    )
    data = compress((HEAD + many + TAIL).encode())
    path = tmp_path / "cut.xml"
    path.write_bytes(data[: len(data) * 2 // 3])
    counts = PageCounts()
    read = []
    if on_error == "skip":
        read = list(read_pages(path, "skip", counts))
        assert (counts.broken, counts.articles) == (1, len(read))
    else:
        with pytest.raises(DumpError, match=r"cut\.xml: .* whole pages\. Download it again, or .*skip") as error:
            for item in read_pages(path):
                read.append(item)
        assert f"after {len(read):,} whole pages" in str(error.value)
    # bz2 has blocks of 900 kB, of which a cut one is lost whole.
    assert 20 <= len(read) < 300
    assert [p.page_id for p in read] == list(range(1, len(read) + 1))


def test_a_page_that_is_cut_in_its_middle_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "cut.xml"
    path.write_text(XML[: XML.index("Thun") + 30], encoding="utf-8")
    counts = PageCounts()
    assert list(read_pages(path, "skip", counts)) == WHOLE[:2]
    assert (counts.broken, counts.broken_pages, counts.pages) == (1, 1, 4)


def test_damaged_bytes_and_damaged_xml_are_told(tmp_path: Path) -> None:
    path = tmp_path / "damaged.xml.gz"
    data = bytearray(gzip.compress(XML.encode()))
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(DumpError, match=r"damaged\.xml\.gz"):
        list(read_pages(path))
    path.write_text(XML.replace("</revision>", "", 1), encoding="utf-8")
    with pytest.raises(DumpError, match="mismatched tag: line 19"):
        list(read_pages(path))
    path.write_bytes(b"")
    with pytest.raises(DumpError, match="no element found"):
        list(read_pages(path))


def test_entities_cannot_be_declared(tmp_path: Path) -> None:
    """A kilobyte of nested entities would expand to gigabytes."""
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE bomb [<!ENTITY e0 "ha">{levels}]>' + XML.replace("Text.", "&e11;")
    path = tmp_path / "bomb.xml"
    path.write_text(bomb, encoding="utf-8")
    with pytest.raises(DumpError, match="document type 'bomb' declared in line 1 after 0 whole pages"):
        list(read_pages(path))
    counts = PageCounts()
    assert list(read_pages(path, "skip", counts)) == []
    assert counts.broken == 1


def test_heads_that_make_no_sense(tmp_path: Path) -> None:
    path = tmp_path / "odd.xml"
    path.write_text(XML.replace('key="6"', 'key="six"').replace('key="14"', ""), encoding="utf-8")
    assert read_siteinfo(path).namespaces == {0: ""}
    path.write_text('<?xml version="1.0" encoding="klingon"?>' + XML, encoding="utf-8")
    with pytest.raises(DumpError, match="unknown encoding: klingon after 0 whole pages"):
        list(read_pages(path))


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_whatever_is_wrong_is_a_dump_error_or_kept_whole(data: st.DataObject) -> None:
    """Bytes of a dump deleted, doubled or replaced: the error is ours, and skipping gives no other pages."""
    raw = XML.encode()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw)))
        piece = data.draw(
            st.binary(max_size=3) | st.just(raw[at : at + 40] * 2) | st.sampled_from([b"<", b"&", b"]]>"])
        )
        raw = raw[:at] + piece + raw[at + data.draw(st.integers(0, 60)) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutated.xml"
        path.write_bytes(raw)
        counts = PageCounts()
        kept = list(read_pages(path, "skip", counts))
        assert len(kept) == counts.articles + counts.redirects
        if counts.broken:
            with pytest.raises(DumpError):
                list(read_pages(path))
        else:
            assert list(read_pages(path)) == kept


def test_a_missing_file_is_no_broken_dump(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_pages(tmp_path / "none.xml", "skip"))
    with pytest.raises(IsADirectoryError):
        list(read_pages(tmp_path, "skip"))


def multistream(folder: Path, pages_per_stream: int = 2, pages: int = 11) -> tuple[Path, Path]:
    """A dump as Wikimedia publishes it: head, streams of pages, and the end, each compressed by itself."""
    dump = folder / "dewiki-20261101-pages-articles-multistream.xml.bz2"
    data, lines = bz2.compress(HEAD.encode()), []
    texts = [page(number, f"Ort {number}", f"Text {number} ü.") for number in range(1, pages + 1)]
    for first in range(0, pages, pages_per_stream):
        group = texts[first : first + pages_per_stream]
        lines += [f"{len(data)}:{first + at + 1}:Ort {first + at + 1}: x\n" for at in range(len(group))]
        data += bz2.compress("".join(group).encode())
    dump.write_bytes(data + bz2.compress(TAIL.encode()))
    index = folder / "dewiki-20261101-pages-articles-multistream-index.txt.bz2"
    index.write_bytes(bz2.compress("".join(lines).encode()))
    return dump, index


@pytest.mark.parametrize("target_bytes", [1, 500, 900, 10**9])
def test_parts_of_a_multistream_dump_are_all_of_it(tmp_path: Path, target_bytes: int) -> None:
    dump, index = multistream(tmp_path)
    parts = split_dump(dump, index, target_bytes)
    assert len(parts) == {1: 7, 10**9: 1}.get(target_bytes, len(parts))
    assert [part.start for part in parts[1:]] == [part.end for part in parts[:-1]]
    assert (parts[0].start, parts[-1].end) == (0, None)
    whole = list(read_pages(dump))
    assert [p.page_id for p in whole] == list(range(1, 12))
    assert [p for part in parts for p in read_pages(part)] == whole
    assert split_dump(dump, target_bytes=target_bytes) == parts, "the index beside the dump is found"


def test_a_dump_that_cannot_be_cut_is_one_part(tmp_path: Path) -> None:
    path = tmp_path / "dewiki.xml.gz"
    path.write_bytes(gzip.compress(XML.encode()))
    assert split_dump(path) == [DumpPart(str(path), 0, None)]


def test_an_index_must_fit_its_dump(tmp_path: Path) -> None:
    dump, index = multistream(tmp_path)
    dump.write_bytes(dump.read_bytes()[:700])
    with pytest.raises(ValueError, match=r"index\.txt\.bz2: an index must fit its dump, got offset .* of 700 bytes"):
        split_dump(dump, index)
    index.write_bytes(b"1:2:a\n0:3:b\n")
    with pytest.raises(ValueError, match=r"line 2: an index must have lines of offset:page:title"):
        split_dump(dump, index)
    index.write_bytes(b"1:2:a\nx:3:b")
    with pytest.raises(ValueError, match=r"line 2: .* got b'x:3:b'"):
        split_dump(dump, index)


def test_a_broken_part_names_its_bytes(tmp_path: Path) -> None:
    dump, index = multistream(tmp_path)
    parts = split_dump(dump, index, target_bytes=500)
    data = bytearray(dump.read_bytes())
    data[parts[1].start + 40] ^= 0xFF
    dump.write_bytes(bytes(data))
    with pytest.raises(DumpError, match=rf"bytes {parts[1].start:,} to {parts[1].end:,}: .* after 0 whole pages"):
        list(read_pages(parts[1]))
    assert list(read_pages(parts[0])), "its neighbour is whole"


def test_counts_of_parts_add_up() -> None:
    total = PageCounts(articles=2, broken=1)
    total.add(PageCounts(articles=3, without_id=1, broken_pages=1))
    assert asdict(total) == asdict(PageCounts(articles=5, without_id=1, broken=1, broken_pages=1))
    assert total.pages == 6


def test_real_dumps(shared: Path) -> None:
    """One dump of every kind: UTF-16 bz2, gzip of 2009 and 2010, xz cut in the middle of a page."""
    folder = shared / "data/wikidumps"
    expected = {
        "bgwiki-utf16-sample.xml.bz2": PageCounts(articles=1, other_namespaces=2),
        "enwiki-2009-inline-langlinks.xml.gz": PageCounts(articles=2, redirects=2),
        "frwiki-2010-inline-langlinks.xml.gz": PageCounts(articles=5, redirects=1),
        "viwiki-2023-truncated-100k-lines.xml.xz": PageCounts(
            articles=274, redirects=86, other_namespaces=610, broken=1, broken_pages=1
        ),
    }
    for name, wanted in expected.items():
        counts = PageCounts()
        assert len(list(read_pages(folder / name, "skip", counts))) == wanted.articles + wanted.redirects
        assert counts == wanted
    with pytest.raises(DumpError, match=r"viwiki.*line 100001.* after 970 whole pages"):
        list(read_pages(folder / "viwiki-2023-truncated-100k-lines.xml.xz"))
