"""Prose: headings of references, links and lists are known by what stands below them, in any language."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from xlretrieval.data.wiki.dumps.reading import read_pages, read_siteinfo
from xlretrieval.data.wiki.records import PageSection
from xlretrieval.data.wiki.wikitext.parsing import PageParser
from xlretrieval.data.wiki.wikitext.prose import HeadingStatistics, ProseFilter

PROSE = "Sie wurde im Jahr 1191 gegründet und war lange Zeit die größte Stadt nördlich der Alpen. " * 4
ITEMS = "Erster Punkt\nZweiter Punkt\nDritter Punkt"


def page(*sections: tuple[str, str]) -> list[PageSection]:
    """A page of a lead and sections `heading/subheading: text`; texts of several lines are lists."""
    made = [PageSection(0, (), PROSE, (), 0, 400)]
    for number, (path, text) in enumerate(sections, start=1):
        items = len(text) if "\n" in text else 0
        made.append(PageSection(number, tuple(path.split("/")), text, (), items, len(text) + 50))
    return made


ARTICLE = page(
    ("Geschichte", PROSE),
    ("Kultur", ""),
    ("Kultur/Theater", PROSE),
    ("Werke", ITEMS),
    ("Klima", PROSE),
    ("Siehe auch", ITEMS),
    ("Einzelnachweise", ""),
    ("Weblinks", ITEMS),
)


@pytest.fixture(scope="module")
def statistics() -> HeadingStatistics:
    counted = HeadingStatistics()
    for _ in range(5):
        counted.add_page(ARTICLE)
    return counted


def test_headings_are_judged_by_what_they_stand_over(statistics: HeadingStatistics) -> None:
    prose = ProseFilter.fit(statistics)
    assert prose.lists == {"werke", "siehe auch", "weblinks"}
    assert prose.back_matter == {"siehe auch", "einzelnachweise", "weblinks"}
    assert [s.heading_path for s in ARTICLE if prose.is_prose(s)] == [
        (),
        ("Geschichte",),
        ("Kultur", "Theater"),
        ("Klima",),
    ]


def test_a_frequent_heading_decides_and_a_rare_one_does_not(statistics: HeadingStatistics) -> None:
    prose = ProseFilter.fit(statistics)
    odd = page(
        ("WEBLINKS", PROSE), ("Geschichte", ITEMS), ("Bilder", ITEMS), ("Sagen", PROSE), ("Weblinks/Karten", PROSE)
    )
    assert [prose.is_prose(section) for section in odd] == [True, False, True, False, True, False]
    # Six times are needed here, so every section speaks for itself.
    strict = ProseFilter.fit(statistics, minimum=6)
    assert [strict.is_prose(section) for section in odd] == [True, True, False, False, True, True]


def test_a_parent_without_text_of_its_own_is_no_back_matter() -> None:
    """Most sections "Kultur" at the end of articles are empty because everything is in their subsections."""
    counted = HeadingStatistics()
    for _ in range(9):
        counted.add_page(
            page(("Geschichte", PROSE), ("Lage", PROSE), ("Klima", PROSE), ("Kultur", ""), ("Kultur/Film", PROSE))
        )
    filled = page(("Kultur", PROSE))[1]
    assert ProseFilter.fit(counted).is_prose(filled)


def test_lists_of_sentences_are_prose() -> None:
    sights = PageSection(1, ("Bauwerke",), "\n".join([PROSE] * 3), (), len(PROSE) * 3, 2000)
    assert ProseFilter([], [], []).is_prose(sights)


def test_sections_without_text_are_never_prose() -> None:
    prose = ProseFilter([], [], [])
    assert not prose.is_prose(PageSection(0, (), "", (), 0, 20))
    assert not prose.is_prose(PageSection(1, ("Geschichte",), "", (), 0, 20))


def test_shards_add_up_in_any_order(statistics: HeadingStatistics) -> None:
    other = HeadingStatistics()
    other.add_page(page(("Geschichte", ITEMS), ("Geschichte/Mittelalter", PROSE)))
    one, two = HeadingStatistics(), HeadingStatistics()
    for merged, order in ((one, (statistics, other)), (two, (other, statistics))):
        for shard in order:
            merged.merge(shard)
    assert one.to_rows() == two.to_rows()
    assert one.headings["geschichte"].sections == 6
    assert one.headings["geschichte"].leaves == 5
    assert one.headings["geschichte"].list_share == pytest.approx(1 / 6)
    assert statistics.headings["geschichte"].sections == 5, "what is added stays as it was"


def test_rows_are_plain_values_and_come_back(statistics: HeadingStatistics) -> None:
    rows = statistics.to_rows()
    assert [row["heading"] for row in rows] == sorted(row["heading"] for row in rows)
    assert {type(value) for row in rows for value in row.values()} == {str, int}
    assert HeadingStatistics.from_rows(rows).to_rows() == rows
    assert HeadingStatistics.from_rows(rows + rows).headings["klima"].sections == 10
    assert statistics.to_rows(minimum=6) == []
    assert rows[1] | {"heading": "geschichte"} == {
        "heading": "geschichte",
        "sections": 5,
        "leaves": 5,
        "empty_leaves": 0,
        "filled": 5,
        "list_thousandths": 0,
        "lines": 5,
        "characters": 5 * len(PROSE),
        "markup_characters": 5 * (len(PROSE) + 50),
        "position_thousandths": 5 * 125,
    }
    prose = ProseFilter.fit(statistics)
    again = ProseFilter.from_rows(prose.to_rows())
    assert again.to_rows() == prose.to_rows()
    assert [again.is_prose(s) for s in ARTICLE] == [prose.is_prose(s) for s in ARTICLE]


REAL = {
    "enwiki-2015-sample.xml.bz2": (
        "references, external links, see also, further reading, notes, footnotes, bibliography",
        "history, etymology, geography, economy, education, culture, climate, politics, religion",
    ),
    "itwiki-2013-sample.xml.gz": (
        "altri progetti, collegamenti esterni, voci correlate, note, bibliografia, galleria fotografica, opere",
        "storia, economia, biografia, clima, geografia fisica, cultura, trama, amministrazione, sport, musei",
    ),
    "nlwiki-2014-sample.xml.gz": ("externe links, zie ook", "geschiedenis"),
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n[:2] != "nl" else n for n in REAL])
def test_headings_of_real_wikis(shared: Path, name: str) -> None:
    path = shared / "data/wikidumps" / name
    parser = PageParser(read_siteinfo(path).namespaces)
    shards = [HeadingStatistics() for _ in range(3)]
    draw = random.Random(0)
    for item in read_pages(path):
        if item.redirect is None:
            draw.choice(shards).add_page(parser.parse(item.wikitext))
    counted = HeadingStatistics()
    for shard in shards:
        counted.merge(shard)
    prose = ProseFilter.fit(counted)
    no_prose, is_prose = (headings.split(", ") for headings in REAL[name])
    marked = prose.lists | prose.back_matter
    assert [heading for heading in no_prose if heading not in marked] == []
    assert [heading for heading in is_prose if heading in marked] == []
