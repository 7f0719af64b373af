"""Wikitext: what of a page is text, what is a link, what is a list, and what is neither."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlretrieval.data.wiki.dumps.reading import read_pages, read_siteinfo
from xlretrieval.data.wiki.records import PageSection
from xlretrieval.data.wiki.wikitext.guard import GuardedParser
from xlretrieval.data.wiki.wikitext.parsing import PageParser, inline_language_links, parse_sections
from xlretrieval.data.wiki.wikitext.titles import LinkResolver, normalise_title

GERMAN = {0: "", 4: "Wikipedia", 6: "Datei", 10: "Vorlage", 14: "Kategorie"}
MARKUP = re.compile(r"\{\{|\}\}|\[\[|\]\]|<ref|\|thumb|style=|\{\||\|\}", re.IGNORECASE)


def lead(wikitext: str, namespaces: dict[int, str] = GERMAN) -> PageSection:
    """The only section of a page without headings."""
    (section,) = parse_sections(wikitext, namespaces)
    return section


def text(wikitext: str) -> str:
    return lead(wikitext).text


PAGE = """{{Infobox Ort
|Name = Bern
|Bild = [[Datei:Bern.jpg|thumb|Die [[Altstadt]]]]
}}
[[Datei:Bern.jpg|mini|Blick auf die [[Aare]], {{Coord|1|2}}]]
'''Bern''' ist die [[Bundesstadt (Schweiz)|Bundesstadt]] der [[Schweiz]].<ref name="a">{{Cite|t=x}} [[Quelle]]</ref>

Sie liegt an der [[aare#Lauf|Aare]].
== ''Geschichte'' ==
Gegründet [[1191]].<!-- [[Kommentar]] -->
* [[Berchtold V.]]
** ''zweiter'' Punkt
=== Mittelalter ===
{| class="wikitable"
|-
! Jahr !! [[Herrscher]]
|-
| 1191 || x
|}
Ein Satz.
== Einzelnachweise ==
<references />
[[Kategorie:Ort]]
[[en:Bern]]
"""


def test_a_page() -> None:
    sections = parse_sections(PAGE, GERMAN)
    assert [(s.number, s.heading_path, s.text, s.links, s.list_characters) for s in sections] == [
        (
            0,
            (),
            "Bern ist die Bundesstadt der Schweiz.\n\nSie liegt an der Aare.",
            ("Bundesstadt (Schweiz)", "Schweiz", "Aare"),
            0,
        ),
        (
            1,
            ("Geschichte",),
            "Gegründet 1191.\nBerchtold V.\nzweiter Punkt",
            ("1191", "Berchtold V."),
            len("Berchtold V.zweiter Punkt"),
        ),
        (2, ("Geschichte", "Mittelalter"), "Ein Satz.", (), 0),
        (3, ("Einzelnachweise",), "", (), 0),
    ]
    # What was cut counts: the wikitext is divided among its sections.
    assert sum(section.markup_characters for section in sections) == len(PAGE)
    assert sections[3].markup_characters == len(PAGE) - PAGE.index("== Einzel")


@pytest.mark.parametrize(
    ("wikitext", "expected"),
    [
        ("'''''beides''''' ''kursiv'' '''fett'''", "beides kursiv fett"),
        ("l'''opera'' e l''''Italia'''", "l'opera e l'Italia"),
        ("dell'''Eneide'' di '''Virgilio'''", "dell'Eneide di Virgilio"),
        ("''{{x}}''Wort '''{{y}}'''Ende", "Wort Ende"),
        ("a&nbsp;b &amp; &lt; 5 &#8364; &#xe9;", "a b & < 5 € é"),
        ("e\u0301", "é"),
        ("<nowiki>' * == [http://x y] {x}</nowiki>", "' * == [http://x y] {x}"),
        ("H<sub>2</sub>O, <small>klein</small>, <span style='color:red'>rot</span>", "H2O, klein, rot"),
        ("<blockquote>Zitat</blockquote>danach", "Zitat\n\ndanach"),
        ("Zeile<br />um<br>bruch", "Zeile um bruch"),
        ("eine\nZeile\n\nnoch eine", "eine Zeile\n\nnoch eine"),
        ("a<math>x^2</math>b<code>c</code><gallery>\nDatei:A.jpg|[[B]]\n</gallery>", "ab"),
        ("<syntaxhighlight lang='c'>int i; // <ref></syntaxhighlight>a", "a"),
        ("Text __TOC__ __INHALTSVERZEICHNIS__{{DEFAULTSORT:Bern}}", "Text"),
        ("[http://a.b Name] [http://a.b] http://c.d", "Name"),
        ("Bern ({{IPA|x}}; {{lang|fr|Berne}}) und (; ) ( )", "Bern (Berne) und"),
        ("Bern ([[IPA]]: {{IPA|x}}, it. ''Berna'') liegt", "Bern (it. Berna) liegt"),
        ("Bern (in {{x}}) liegt", "Bern liegt"),
        ("Stadt {{x}}, Land {{y}}.", "Stadt, Land."),
        ("{{x}}, und", "und"),
        ("{{convert|5|km|mi}} und {{Convert|3|to|4|m}}", "5 km und 3 to 4 m"),
        ("{{unité|250|km|2}}, {{Date|11|novembre|1866}}, {{s|XIX}}", "250 km², 11 novembre 1866, XIXe siècle"),
        ("{{formatnum:1234}} {{nowrap|a [[b]]}} {{As of|2012}} {{lang-la|Roma}}", "1234 a b As of 2012 Roma"),
        ("{{unbekannt|{{convert|5|km}}|[[Link]]}}x", "x"),
        ("-{zh-hans:软件; zh-hant:軟體}- -{A}-", "软件 A"),
        (":''Siehe auch: [[Thun]]''\nText", "Text"),
        ("a {{{1|b}}} c", "a c"),
        ("----\nText\n----", "Text"),
    ],
)
def test_text(wikitext: str, expected: str) -> None:
    assert text(wikitext) == expected


@pytest.mark.parametrize(
    ("wikitext", "expected", "links"),
    [
        ("[[Bern]]er [[bern|Stadt]]", "Berner Stadt", ("Bern",)),
        ("[[ New_York  City#Lage | dort ]]", "dort", ("New York City",)),
        ("[[#Lage|oben]]", "oben", ()),
        ("[[Caf%C3%A9]] [[AC/DC]] [[100%]]", "Caf%C3%A9 AC/DC 100%", ("Café", "AC/DC", "100%")),
        ("[[:Kategorie:Ort|Orte]] [[Datei:A.jpg]] [[:Datei:A.jpg]]", "Orte Datei:A.jpg", ()),
        ("[[Wikipedia:Hilfe|Hilfe]] [[Benutzer:X]] [[User:X|wir]]", "Hilfe Benutzer:X wir", ("Benutzer:X",)),
        ("[[en:Bern]] [[:en:Bern|englisch]] [[zh-min-nan:Bern]] [[be-x-old:Bern]]", "englisch", ()),
        ("[[wikt:Bär|Bär]] [[s:Bern]]", "Bär s:Bern", ()),
        ("[[2001: Odyssee im Weltraum]]", "2001: Odyssee im Weltraum", ("2001: Odyssee im Weltraum",)),
        ("[[|x]] [[Bern (Stadt)|]]", "x Bern", ("Bern (Stadt)",)),
        ("[[ßeta]] [[élan]] [[ა]]", "ßeta élan ა", ("ßeta", "Élan", "ა")),
        ("[[B]] [[A]] [[b]]", "B A b", ("B", "A")),
        ("[[Tập tin:A.png|nhỏ|chú [[thích]]]] Chữ", "Chữ", ()),
        ("[[Image:A.jpg|thumb|100px|''Caption'' with [[a]], {{b}}<ref>c</ref> and [http://d e]]]Text", "Text", ()),
    ],
)
def test_links(wikitext: str, expected: str, links: tuple[str, ...]) -> None:
    section = lead(wikitext)
    assert (section.text, section.links) == (expected, links)


def test_a_category_alone_on_its_line_goes_even_if_nobody_says_what_it_is_called() -> None:
    assert text("Text.\n[[Categoría:Berna| ]]\n[[Categoría:Suiza]]\n") == "Text."


def test_lists_are_lines_and_are_counted() -> None:
    section = lead(
        "Davor:\n* eins\n** [[zwei]]\n# drei\n; vier : fünf\n: sechs\n\nDanach.\n* {{leer}}\n<ul><li>sieben</li></ul>"
    )
    assert section.text == "Davor:\neins\nzwei\ndrei\nvier\nfünf\nsechs\n\nDanach.\nsieben"
    assert section.list_characters == len("einszweidreivierfünfsechssieben")


def test_headings_make_paths() -> None:
    wikitext = "=A=\n==B==\n====C====\n== ==\n===D '''d''' [[e|f]]<ref>g</ref>===  \n== x == y\n=== E ==\n"
    paths = [section.heading_path for section in parse_sections(wikitext, {})]
    assert paths == [(), ("A",), ("A", "B"), ("A", "B", "C"), ("A", "B", "D d f"), ("A", "= E")]
    assert parse_sections("", {}) == [PageSection(0, (), "", (), 0, 0)]
    assert [s.heading_path for s in parse_sections("<!--\n== x ==\n--><nowiki>\n== y ==\n</nowiki>", {})] == [()]


@pytest.mark.parametrize(
    ("wikitext", "expected", "kind"),
    [
        ("Davor. {{Infobox\n| a = b\n| c = d\n\nText [[Link]].", "Davor.\n\nText Link.", "unbalanced markup"),
        ("Text }} mehr ]] und [[offen", "Text mehr und offen", "unbalanced markup"),
        ("{| class=x\n|-\n| a || b\n| style='c' | d\n\nText.", "Text.", "unbalanced markup"),
        ("[[Datei:A.jpg|thumb|200px|Offene\n\nText.", "Text.", "unbalanced markup"),
        ("Text<ref>offen bis zum Absatz\n\nText.", "Text\n\nText.", "unclosed ref"),
        ("a<ref>b\n\nc<ref>d</ref>e", "a\n\nce", "unclosed ref"),
        ("Text</ref> mehr</div>", "Text mehr", ""),
        ("a <!-- b", "a", "unclosed comment"),
        ("a <nowiki> b", "a b", "unclosed nowiki"),
        ("a <gallery> b\n== C ==\nd", "a", "unclosed gallery"),
    ],
)
def test_unbalanced_markup_costs_its_paragraph_and_is_counted(wikitext: str, expected: str, kind: str) -> None:
    parser = PageParser(GERMAN)
    assert parser.parse(wikitext)[0].text == expected
    assert list(+parser.counts) == ([kind] if kind else [])


def test_titles_as_the_wiki_stores_them() -> None:
    assert normalise_title("  foo_bar__baz#anchor") == "Foo bar baz"
    assert normalise_title("iPod", capitalised=False) == "iPod"
    assert normalise_title("ǆ") == "Ǆ"
    for title in ("", " ", "#x", "a|b", "a[b", "a<b", "%0A", "x" * 256, "ü" * 128):
        assert normalise_title(title) == ""
    assert normalise_title("ü" * 127) == "Ü" + "ü" * 126
    assert LinkResolver({}, "case-sensitive").resolve("iPod") == ("article", "iPod")


def test_language_links_of_old_dumps(shared: Path) -> None:
    wikitext = "[[de:Bern]]\n[[de:Zweite]] [[:fr:Berne]] [[be-x-old:Бэрн#x]] [[simple:Bern_(city)]] [[File:x]] [[ja:]]"
    assert inline_language_links(wikitext + "<!-- [[nl:Bern]] --> [[ru:A&amp;B]]") == {
        "de": "Bern",
        "simple": "Bern (city)",
        "ru": "A&B",
    }
    pages = read_pages(shared / "data/wikidumps/frwiki-2010-inline-langlinks.xml.gz")
    links = inline_language_links(next(p.wikitext for p in pages if p.title == "Antoine Meillet"))
    assert (links["de"], links["en"], len(links)) == ("Antoine Meillet", "Antoine Meillet", 16)


PIECES = st.sampled_from(
    (
        "{{ }} [[ ]] | = == \n \n\n * ** # : ; '' ''' ''''' <ref> <ref/> </ref> <!-- --> {| |- |} || ! <nowiki> "
        "</nowiki> <div style='a'> </div> <br> & &amp; &#123; &#x5b; http://a.b [ ] ( ) Datei:a.jpg |thumb|b style=\" "
        "__TOC__ -{ }- {{{ }}} ITEM\x02 \u200b \ud800 \x00 ü 中 Kategorie: de: {{convert| {{lang| {{s| ---- _ % %5B "
        "<gallery> <table> <li>"
    ).split(" ")
)
WIKITEXT = st.lists(PIECES | st.text(max_size=5), max_size=60).map("".join)


@settings(deadline=None, max_examples=300)
@given(WIKITEXT)
def test_any_wikitext_gives_clean_text(wikitext: str) -> None:
    sections = parse_sections(wikitext, GERMAN)
    assert sum(section.markup_characters for section in sections) == len(wikitext)
    assert [section.number for section in sections] == list(range(len(sections)))
    for section in sections:
        for line in (section.text, *section.heading_path):
            assert not MARKUP.search(line)
            assert "''" not in line
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]|  |\n\n\n|^\s|\s$| \n|\n ", section.text)
        assert 0 <= section.list_characters <= len(section.text)
        assert len(set(section.links)) == len(section.links)
        for title in section.links:
            assert normalise_title(title) == title
        assert all(heading.strip() for heading in section.heading_path)
    assert parse_sections(wikitext, GERMAN) == sections


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text("abcü中 ,.(1", min_size=1).filter(lambda line: re.search(r"[a-zü]", line)), max_size=6))
def test_plain_text_stays(lines: list[str]) -> None:
    lines = [re.sub(r"[( ]+$", "", re.sub(r"[ ,.(]+", " ", line)).strip() for line in lines]
    assert parse_sections("\n\n".join(lines), {})[0].text == "\n\n".join(lines)


DUMPS = {
    # name: articles, sections, characters in thousands
    "berlin/arwiki.xml.bz2": (3, 53, 41),
    "berlin/dewiki.xml.bz2": (2, 95, 163),
    "berlin/enwiki.xml.bz2": (24, 540, 608),
    "berlin/eswiki.xml.bz2": (1, 25, 33),
    "berlin/frwiki.xml.bz2": (3, 104, 74),
    "berlin/itwiki.xml.bz2": (1, 50, 55),
    "berlin/jawiki.xml.bz2": (1, 49, 22),
    "berlin/nlwiki.xml.bz2": (2, 42, 52),
    "berlin/ruwiki.xml.bz2": (1, 30, 34),
    "berlin/simplewiki.xml.bz2": (1, 9, 4),
    "bgwiki-utf16-sample.xml.bz2": (1, 7, 8),
    "enwiki-2009-inline-langlinks.xml.gz": (2, 49, 89),
    "enwiki-2015-sample.xml.bz2": (106, 2367, 2884),
    "frwiki-2010-inline-langlinks.xml.gz": (5, 50, 39),
    "itwiki-2013-sample.xml.gz": (608, 8396, 4300),
    "nlwiki-2014-sample.xml.gz": (19, 285, 218),
    "viwiki-2023-truncated-100k-lines.xml.xz": (274, 4412, 5690),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if DUMPS[name][1] > 2000 else []) for name in DUMPS]
)
def test_real_dumps_give_clean_sections(shared: Path, name: str) -> None:
    path = shared / "data/wikidumps" / name
    parser = PageParser(read_siteinfo(path).namespaces)
    found = Counter[str]()
    for page in read_pages(path, "skip"):
        if page.redirect is None:
            found["articles"] += 1
            for section in parser.parse(page.wikitext):
                found["sections"] += 1
                found["characters"] += len(section.text)
                found["leaked"] += bool(MARKUP.search(section.text))
    articles, sections, thousands = DUMPS[name]
    assert (found["articles"], found["sections"]) == (articles, sections)
    assert found["characters"] == pytest.approx(thousands * 1000, rel=0.02, abs=600)
    assert found["leaked"] == 0


def mutated(pages: list[str], count: int) -> Iterator[str]:
    """Pages with one to five spans of up to 200 characters deleted, doubled or swapped."""
    draw = random.Random(0)
    for _ in range(count):
        text = draw.choice(pages)
        for _ in range(draw.randint(1, 5)):
            a, b = (draw.randrange(len(text) + 1) for _ in range(2))
            length = draw.randint(1, 200)
            kind = draw.choice(["delete", "double", "swap"])
            if kind == "delete":
                text = text[:a] + text[a + length :]
            elif kind == "double":
                text = text[: a + length] + text[a:]
            else:
                first, second = sorted((a, b))
                text = text[:first] + text[second : second + length] + text[first:second] + text[second + length :]
        yield text


@pytest.mark.slow
def test_two_thousand_mutated_pages(shared: Path) -> None:
    pages = []
    for name in ("itwiki-2013-sample.xml.gz", "nlwiki-2014-sample.xml.gz", "enwiki-2015-sample.xml.bz2"):
        pages += [p.wikitext for p in read_pages(shared / "data/wikidumps" / name) if len(p.wikitext) < 20_000]
    parser = PageParser(read_siteinfo(shared / "data/wikidumps/itwiki-2013-sample.xml.gz").namespaces)
    characters = sections = leaked = 0
    for wikitext in mutated(pages, 2000):
        found = parser.parse(wikitext)
        assert sum(section.markup_characters for section in found) == len(wikitext)
        characters += sum(len(section.text) for section in found)
        sections += len(found)
        leaked += sum(bool(MARKUP.search(section.text)) for section in found)
    assert leaked == 0
    assert sections > 10_000 and characters > 3_000_000
    assert parser.counts["unbalanced markup"] > 300


@pytest.mark.parametrize(
    "piece",
    [
        "<ref>",
        "<ref>a",
        " ",
        "\n",
        "( ",
        ", ",
        "''",
        "{{",
        "[[",
        "= ",
        'a="',
        "<",
        "|",
        "-{",
        "[[''",
        "\n:''[[a",
        "\n* ",
    ],
)
@pytest.mark.slow
def test_repetition_takes_linear_time(piece: str) -> None:
    """200,000 characters of the same, some of which would take minutes if time were quadratic."""
    with GuardedParser(GERMAN, seconds=4) as parser:
        parser.parse(f"(x < {piece * (200_000 // len(piece))} {{{{ [[ =")
