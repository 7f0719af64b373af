"""Link tables: the same article has the same item in every language, whichever source says so."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlretrieval.data.wiki.links.building import LinkFiles, LinkTable, build_link_tables
from xlretrieval.data.wiki.links.components import join_pages
from xlretrieval.data.wiki.links.page_index import index_pages
from xlretrieval.data.wiki.links.title_hashes import hash_titles

SCHEMA = pa.schema(
    {
        "page_id": pa.int64(),
        "title": pa.string(),
        "redirect": pa.string(),
        "interlanguage": pa.list_(pa.struct({"language": pa.string(), "title": pa.string()})),
    }
)


def write_pages(path: Path, rows: Sequence[tuple]) -> Path:
    """Rows of page_id, title and, where there are any, redirect and language links."""
    full = [(*row, *[None] * (4 - len(row))) for row in rows]
    columns = dict(zip(SCHEMA.names, zip(*full, strict=True), strict=True))
    columns["interlanguage"] = [
        None if links is None else [{"language": code, "title": title} for code, title in links]
        for links in columns["interlanguage"]
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns, schema=SCHEMA), path)
    return path


def write_sql(path: Path, table: str, rows: Sequence[tuple]) -> Path:
    values = ",".join(f"({','.join('NULL' if value is None else repr(value) for value in row)})" for row in rows)
    path.write_text(f"INSERT INTO `{table}` VALUES {values};\n" if rows else "", encoding="utf-8")
    return path


ENGLISH = [
    (10, "Berlin"),
    (11, "Cologne"),
    (12, "Spree"),
    (20, "City of Berlin", "Berlin"),
    (21, "Berlin, Germany", "City of Berlin"),
    (22, "Ring", "Circle"),
    (23, "Circle", "Ring"),
    (24, "Nowhere", "Missing page"),
    (25, "Old Cologne", "Cologne"),
    (26, "Chain 1", "Chain 2"),
    (27, "Chain 2", "Chain 3"),
    (28, "Chain 3", "Chain 4"),
    (29, "Chain 4", "Chain 5"),
    (30, "Chain 5", "Spree"),
    (31, "Chain 0", "Chain 1"),
]
GERMAN = [(7, "Berlin"), (8, "Köln"), (9, "Spree"), (4, "Stadt Berlin"), (5, "Cöln", "Köln")]


@pytest.fixture
def pages(tmp_path: Path) -> dict[str, Path]:
    write_pages(tmp_path / "pages/de/0.parquet", GERMAN[:2])
    write_pages(tmp_path / "pages/de/1.parquet", GERMAN[2:])
    return {"en": write_pages(tmp_path / "pages/en.parquet", ENGLISH), "de": tmp_path / "pages/de"}


@pytest.fixture
def props(tmp_path: Path) -> dict[str, LinkFiles]:
    item = "wikibase_item"
    english = [(10, item, "Q64", None), (10, "defaultsort", "Q1", None), (11, item, "Q365", None)]
    english += [(25, item, "Q999", None), (12, item, "L5", None), (77, item, "Q5", None)]
    german = [(7, item, "Q64", None), (8, item, "Q365", None), (4, item, "Q64", None), (9, item, "Q1684", None)]
    redirects = [(4, 0, "Berlin", "", ""), (8, 4, "Projekt", "", ""), (1234, 0, "Köln", "", "")]
    return {
        "en": LinkFiles(page_props=write_sql(tmp_path / "en-props.sql", "page_props", english)),
        "de": LinkFiles(
            page_props=write_sql(tmp_path / "de-props.sql", "page_props", german),
            redirect=write_sql(tmp_path / "de-redirect.sql", "redirect", redirects[:1]),
        ),
    }


def test_wikidata_items_of_titles_and_pages(pages, props, tmp_path: Path) -> None:
    counts = build_link_tables(pages, props, tmp_path / "links")
    english, german = (LinkTable.load(tmp_path / "links", language) for language in ("en", "de"))
    titles = ["Berlin", "berlin", "City_of_Berlin", "Berlin, Germany", "Berlin#History", "Old Cologne", "Cologne"]
    assert english.items_of_titles(titles).tolist() == [64, 64, 64, 64, 64, 999, 365]
    assert english.items_of_titles(["Ring", "Nowhere", "Spree", "No such page", "", "#top"]).tolist() == [-1] * 6
    assert german.items_of_titles(["Cöln", "köln", "Berlin", "Stadt Berlin"]).tolist() == [365, 365, 64, 64]
    assert [english.item_of_page(number) for number in (10, 11, 12, 20, 99)] == [64, 365, -1, -1, -1]
    assert german.items_of_pages([7, 4, 9]).tolist() == [64, -1, 1684]
    assert german.page_ids.tolist() == [7, 8, 9] and german.page_items.tolist() == [64, 365, 1684]
    assert english.article_id(64) == "Q64"
    assert counts.source == "wikidata" and counts.components is None
    read = counts.languages["en"]
    assert (read.pages.articles, read.pages.redirects) == (3, 12)
    assert (read.pages.redirects_followed, read.pages.redirects_broken, read.pages.redirects_looped) == (8, 1, 3)
    assert (read.source.rows, read.source.not_an_item, read.source.of_other_pages) == (5, 1, 1)
    assert (read.articles_with_item, read.titles_with_item) == (2, 5)
    assert counts.languages["de"].pages.redirects_of_table == 1
    assert json.loads((tmp_path / "links/links.json").read_text()) == counts.as_dict()


def test_chains_of_five_redirects_are_followed_and_no_longer_ones(pages, props, tmp_path: Path) -> None:
    files = LinkFiles(write_sql(tmp_path / "p.sql", "page_props", [(12, "wikibase_item", "Q1684", None)]))
    build_link_tables({"en": pages["en"]}, {"en": files}, tmp_path / "links")
    table = LinkTable.load(tmp_path / "links", "en")
    assert table.items_of_titles(["Chain 1", "Chain 5", "Chain 0"]).tolist() == [1684, 1684, -1]


def test_redirects_that_only_their_table_knows(tmp_path: Path) -> None:
    rows = [(1, "A"), (2, "To A"), (3, "To a project page"), (4, "Known", "A"), (5, "B")]
    pages = {"en": write_pages(tmp_path / "en.parquet", rows)}
    redirects = [(2, 0, "A", "", ""), (3, 4, "A", "", ""), (4, 0, "B", "", ""), (99, 0, "A", "", "")]
    items = [(1, "wikibase_item", "Q1", None), (5, "wikibase_item", "Q2", None)]
    files = LinkFiles(
        page_props=write_sql(tmp_path / "p.sql", "page_props", items),
        redirect=write_sql(tmp_path / "r.sql", "redirect", redirects),
    )
    counts = build_link_tables(pages, {"en": files}, tmp_path / "links")
    table = LinkTable.load(tmp_path / "links", "en")
    assert table.items_of_titles(["To A", "To a project page", "Known"]).tolist() == [1, -1, 1]
    read = counts.languages["en"].pages
    assert (read.redirects_of_table, read.redirects_followed, read.redirects_broken) == (2, 2, 1)


def test_two_articles_with_one_wikidata_id_are_left_out(tmp_path: Path) -> None:
    pages = {"en": write_pages(tmp_path / "en.parquet", [(1, "A"), (2, "B"), (3, "C"), (4, "To A", "A")])}
    rows = [(page, "wikibase_item", value, None) for page, value in ((1, "Q1"), (2, "Q1"), (3, "Q3"))]
    files = {"en": LinkFiles(write_sql(tmp_path / "p.sql", "page_props", rows))}
    counts = build_link_tables(pages, files, tmp_path / "links")
    assert LinkTable.load(tmp_path / "links", "en").items_of_titles(["A", "B", "C", "To A"]).tolist() == [
        -1,
        -1,
        3,
        -1,
    ]
    assert counts.languages["en"].ambiguous == 2


@pytest.fixture
def langlinks(tmp_path: Path) -> dict[str, LinkFiles]:
    english = [(10, "de", "Berlin"), (10, "fr", ""), (11, "de", "Cöln"), (12, "de", "Spree"), (12, "de", "Havel")]
    english += [(12, "en", "Spree"), (12, "pl", "Sprewa"), (55, "de", "Berlin")]
    return {"en": LinkFiles(langlinks=write_sql(tmp_path / "en-links.sql", "langlinks", english))}


def test_language_links_join_articles_and_name_them(pages, langlinks, tmp_path: Path) -> None:
    counts = build_link_tables(pages, langlinks, tmp_path / "links")
    english, german = (LinkTable.load(tmp_path / "links", language) for language in ("en", "de"))
    items = english.items_of_titles(["Berlin", "Berlin, Germany", "Cologne", "Old Cologne", "Spree"])
    assert items.tolist() == [0, 0, 1, 1, 2]
    assert german.items_of_titles(["Berlin", "Köln", "Cöln", "Spree", "Stadt Berlin"]).tolist() == [0, 1, 1, 2, -1]
    assert [german.article_id(item) for item in range(3)] == ["de:Berlin", "de:Köln", "de:Spree"]
    with pytest.raises(ValueError, match="item must be one of the link tables, got 3"):
        german.article_id(3)
    with pytest.raises(ValueError, match="got -1"):
        german.article_id(-1)
    read = counts.languages["en"].source
    assert (read.rows, read.links, read.empty_titles) == (8, 3, 1)
    assert (read.of_other_languages, read.of_other_pages, read.unknown_titles) == (2, 1, 1)
    assert counts.source == "langlinks" and counts.components.components == 3


def test_ambiguous_pages_follow_mutual_links(tmp_path: Path) -> None:
    """English Bank leads to German Bank, which leads back; German Sitzbank leads to English Bank, and nothing back."""
    pages = {
        "en": write_pages(tmp_path / "en.parquet", [(1, "Bank"), (2, "X"), (3, "Y")]),
        "de": write_pages(tmp_path / "de.parquet", [(1, "Bank"), (2, "Sitzbank"), (3, "Z")]),
    }
    files = {
        "en": LinkFiles(langlinks=write_sql(tmp_path / "en.sql", "langlinks", [(1, "de", "Bank"), (2, "de", "Z")])),
        "de": LinkFiles(langlinks=write_sql(tmp_path / "de.sql", "langlinks", [(1, "en", "Bank"), (2, "en", "Bank")])),
    }
    counts = build_link_tables(pages, files, tmp_path / "links")
    table = LinkTable.load(tmp_path / "links", "de")
    assert [table.article_id(item) for item in table.items_of_titles(["Bank", "Z"])] == ["de:Bank", "de:Z"]
    assert table.items_of_titles(["Sitzbank"]).tolist() == [-1]
    assert (counts.components.ambiguous, counts.components.pages_decided, counts.components.pages_left_out) == (
        1,
        2,
        1,
    )


def test_the_order_of_input_changes_nothing(pages, langlinks, tmp_path: Path) -> None:
    build_link_tables(pages, langlinks, tmp_path / "a")
    turned = {
        "de": write_pages(tmp_path / "turned/de.parquet", GERMAN[::-1]),
        "en": write_pages(tmp_path / "turned/en.parquet", ENGLISH[::-1]),
    }
    build_link_tables(turned, langlinks, tmp_path / "b", languages=["en", "de"])
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert len(files) == 10
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_inline_links_and_codes_that_differ_from_the_wikis_name(tmp_path: Path) -> None:
    pages = {
        "en": write_pages(
            tmp_path / "en.parquet",
            [(1, "Water", None, [("simple", "water"), ("nan", "Chúi"), ("xx", "W")]), (2, "Fire", None, [])],
        ),
        "en-simple": write_pages(tmp_path / "simple.parquet", [(5, "Water")]),
        "zh-min-nan": write_pages(tmp_path / "nan.parquet", [(6, "Chúi")]),
    }
    counts = build_link_tables(pages, {}, tmp_path / "links")
    tables = [LinkTable.load(tmp_path / "links", language) for language in pages]
    assert [table.page_items.tolist() for table in tables] == [[0], [0], [0]]
    assert tables[0].article_id(0) == "en-simple:Water"
    assert counts.source == "inline" and counts.languages["en"].source.of_other_languages == 1


@pytest.mark.parametrize(
    ("languages", "options", "message"),
    [
        (("en", "de"), {"source": "sitelinks"}, "source must be one of auto, wikidata"),
        (("en", "de"), {"source": "wikidata"}, "must have page_props of every language, got none for 'de'"),
        (("en", "de"), {"source": "langlinks"}, "must have a langlinks table, got none"),
        (("en", "de"), {"source": "inline"}, "must join articles of de, en, got no links"),
        (("en", "fr"), {}, "languages must have pages, got none for 'fr'"),
    ],
)
def test_sources_that_will_not_do(pages, tmp_path: Path, languages, options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_link_tables(pages, {"en": LinkFiles()}, tmp_path / "links", languages, **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pages"]


def test_page_props_without_items_of_the_pages(pages, props, tmp_path: Path) -> None:
    other = write_sql(tmp_path / "other.sql", "page_props", [(777, "wikibase_item", "Q5", None)])
    with pytest.raises(
        ValueError, match=r"other\.sql: page_props must have Wikidata ids of the articles in 'de', got"
    ):
        build_link_tables(pages, {**props, "de": LinkFiles(page_props=other)}, tmp_path / "links")
    assert not (tmp_path / "links").exists()


def test_pages_that_do_not_read(tmp_path: Path, props) -> None:
    pages = {"en": write_pages(tmp_path / "en.parquet", [(1, "A"), (1, "B")])}
    with pytest.raises(ValueError, match="en.parquet: each page must be there once, got page 1 twice"):
        build_link_tables(pages, props, tmp_path / "links")
    pq.write_table(pa.table({"page_id": [1], "name": ["A"]}), tmp_path / "en.parquet")
    with pytest.raises(ValueError, match="must have the column 'title', got page_id, name"):
        build_link_tables(pages, props, tmp_path / "links")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="must hold Parquet files, got none"):
        build_link_tables({"en": tmp_path / "empty"}, props, tmp_path / "links")


def test_an_output_in_use_is_kept(pages, props, tmp_path: Path) -> None:
    build_link_tables(pages, props, tmp_path / "links")
    with pytest.raises(ValueError, match="output must be new or empty"):
        build_link_tables(pages, props, tmp_path / "links")
    build_link_tables(pages, props, tmp_path / "links", ["de"], overwrite=True)
    with pytest.raises(ValueError, match="must hold a link table for 'en', got de"):
        LinkTable.load(tmp_path / "links", "en")
    foreign = tmp_path / "home"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("dear")
    with pytest.raises(ValueError, match="output must be new or empty"):
        build_link_tables(pages, props, foreign, overwrite=True)
    assert (foreign / "letter.txt").exists()


def test_pages_that_share_a_title(tmp_path: Path) -> None:
    """An article stands for a title before a redirect, and then the older page; the other keeps a name of its own."""
    rows = [(1, "Bern", "Else"), (5, "bern", None, [("zh", "甲")]), (3, "Bern", None, [("zh", "乙")])]
    pages = {
        "en": write_pages(tmp_path / "en.parquet", rows),
        "zh": write_pages(tmp_path / "zh.parquet", [(1, "甲"), (2, "乙")]),
    }
    counts = build_link_tables(pages, {}, tmp_path / "links")
    assert counts.languages["en"].pages.same_title == 2
    table = LinkTable.load(tmp_path / "links", "en")
    assert table.items_of_titles(["Bern"])[0] == table.item_of_page(3)
    assert [table.article_id(table.item_of_page(number)) for number in (3, 5)] == ["en:Bern", "en:Bern#5"]


def walk(rows: list[tuple[int, str, str | None]], title: str) -> int | None:
    """The article that a title leads to, one step after the other."""
    by_title = {name: (page_id, target) for page_id, name, target in rows}
    for _ in range(6):
        if title not in by_title:
            return None
        page_id, target = by_title[title]
        if target is None:
            return page_id
        title = target
    return None


@given(st.lists(st.one_of(st.none(), st.integers(0, 13)), min_size=1, max_size=12), st.permutations(range(12)))
@settings(max_examples=80, deadline=None)
def test_redirects_lead_where_a_walk_leads(targets: list[int | None], numbers: list[int]) -> None:
    rows = [
        (numbers[place] + 1, f"T{place}", None if target is None else f"T{target}")
        for place, target in enumerate(targets)
    ]
    with tempfile.TemporaryDirectory() as folder:
        index, counts = index_pages(write_pages(Path(folder, "en.parquet"), rows))
    titles = [f"T{place}" for place in range(14)]
    found = index.articles_of_hashes(hash_titles(titles)).tolist()
    assert [None if row < 0 else int(index.page_ids[row]) for row in found] == [walk(rows, title) for title in titles]
    ends = (counts.redirects_followed, counts.redirects_broken, counts.redirects_looped)
    assert sum(ends) == counts.redirects == len(rows) - counts.articles


LINKS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=25)


@given(LINKS, st.lists(st.integers(0, 3), min_size=12, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_components_have_one_page_a_language(links: list[tuple[int, int]], languages: list[int], random) -> None:
    codes = np.array(languages)
    used = [(source, target) for source, target in links if languages[source] != languages[target]]

    def join(pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
        array = np.array(pairs, np.int64).reshape(-1, 2)
        placed, labels, counts = join_pages(array[:, 0], array[:, 1], codes)
        assert counts.components == len(set(labels.tolist()))
        return placed.tolist(), labels.tolist()

    placed, labels = join(used)
    members = [[page for page, label in zip(placed, labels, strict=True) if label == one] for one in set(labels)]
    assert all(len(group) == len({languages[page] for page in group}) >= 2 for group in members)
    shuffled = used * 256  # the same link any number of times is one link
    random.shuffle(shuffled)
    again = join(shuffled)
    assert again[0] == placed
    assert {frozenset(group) for group in members} == {
        frozenset(page for page, label in zip(*again, strict=True) if label == one) for one in set(again[1])
    }
