"""Link tables from real titles: the links inside dumps of 2010, and Wikidata's sitelinks as tables of old and new."""

from __future__ import annotations

import bz2
import json
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xlretrieval.data.wiki.dumps.reading import read_pages
from xlretrieval.data.wiki.links.building import LinkFiles, LinkTable, build_link_tables
from xlretrieval.data.wiki.records import wiki_language
from xlretrieval.data.wiki.wikitext.parsing import inline_language_links

WIKIS = ("enwiki", "dewiki", "simplewiki", "hywiki", "zhwiki", "be_x_oldwiki", "zh_min_nanwiki", "ocwiki")
LINK = pa.list_(pa.struct({"language": pa.string(), "title": pa.string()}))


def write_pages(path: Path, rows: list[tuple[int, str, str | None, list[tuple[str, str]] | None]]) -> Path:
    columns = list(zip(*rows, strict=True))
    links = [
        None if row is None else [{"language": code, "title": title} for code, title in row] for row in columns[3]
    ]
    arrays = [pa.array(columns[0], pa.int64()), pa.array(columns[1]), pa.array(columns[2], pa.string())]
    pq.write_table(pa.table([*arrays, pa.array(links, LINK)], ["page_id", "title", "redirect", "interlanguage"]), path)
    return path


def text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"') + "'"


def write_sql(path: Path, table: str, rows: list[str]) -> Path:
    path.write_text(f"INSERT INTO `{table}` VALUES {','.join(rows)};\n", encoding="utf-8")
    return path


def test_inline_links_of_a_dump_of_2010(shared: Path, tmp_path: Path) -> None:
    dump = shared / "data/wikidumps/frwiki-2010-inline-langlinks.xml.gz"
    french = [page for page in read_pages(dump) if page.redirect is None]
    links = {page.title: inline_language_links(page.wikitext) for page in french}
    english = sorted({found["en"] for found in links.values()})
    rows = [(page.page_id, page.title, None, list(links[page.title].items())) for page in french]
    pages = {
        "fr": write_pages(tmp_path / "fr.parquet", rows),
        "en": write_pages(tmp_path / "en.parquet", [(i, title, None, None) for i, title in enumerate(english)]),
    }
    counts = build_link_tables(pages, {}, tmp_path / "links")
    tables = {language: LinkTable.load(tmp_path / "links", language) for language in pages}
    pairs = {"Antoine Meillet": "Antoine Meillet", "Algèbre linéaire": "Linear algebra", "Algorithmique": "Algorithm"}
    for title, partner in pairs.items():
        (item,) = tables["fr"].items_of_titles([title])
        assert item == tables["en"].items_of_titles([partner])[0] >= 0
        assert tables["fr"].article_id(item) == f"en:{partner}"
    assert counts.source == "inline" and counts.components.components == len(french) == len(english) == 5
    assert counts.languages["fr"].source.of_other_languages > 100


@pytest.fixture(scope="module")
def sitelinks(shared: Path) -> dict[str, dict[int, str]]:
    """Language -> item -> title, of 1,704 items."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    with bz2.open(shared / "data/wikidumps/wikidata-sample.json.bz2", "rt", encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("{"):
                continue
            item = json.loads(line.rstrip().rstrip(","))
            for wiki, link in item.get("sitelinks", {}).items():
                if wiki in WIKIS and ":" not in link["title"]:
                    found[wiki_language(wiki)][int(item["id"][1:])] = link["title"]
    return dict(found)


@pytest.mark.parametrize("source", ["wikidata", "langlinks"])
def test_sitelinks_come_back(sitelinks: dict[str, dict[int, str]], tmp_path: Path, source: str) -> None:
    """All titles, in six scripts, have the items that Wikidata gives them; by links alone, they are grouped alike."""
    codes = {"en-simple": "simple", "be-x-old": "be-tarask", "zh-min-nan": "nan"}  # as links write them
    pages, files = {}, {}
    for language, titles in sitelinks.items():
        rows = [(item + 1000, title, None, None) for item, title in titles.items()]
        pages[language] = write_pages(tmp_path / f"{language}.parquet", rows)
        props = [f"({item + 1000},'wikibase_item','Q{item}',NULL)" for item in titles]
        links = [
            f"({item + 1000},'{codes.get(other, other)}',{text(partners[item])})"
            for item in titles
            for other, partners in sitelinks.items()
            if other != language and item in partners
        ]
        files[language] = LinkFiles(
            write_sql(tmp_path / f"{language}-props.sql", "page_props", props) if source == "wikidata" else None,
            write_sql(tmp_path / f"{language}-links.sql", "langlinks", links),
        )
    counts = build_link_tables(pages, files, tmp_path / "links")
    assert counts.source == source
    groups = defaultdict(set)
    for language, titles in sitelinks.items():
        table = LinkTable.load(tmp_path / "links", language)
        found = dict(zip(titles, table.items_of_titles(list(titles.values())).tolist(), strict=True))
        if source == "wikidata":
            assert found == {item: item for item in titles}
            assert table.article_id(found[min(found)]) == f"Q{min(found)}"
        else:
            alone = [item for item in titles if sum(item in other for other in sitelinks.values()) == 1]
            assert [item for item, number in found.items() if number < 0] == alone
            for item, number in found.items():
                if number >= 0:
                    groups[item].add(number)
    assert all(len(numbers) == 1 for numbers in groups.values())
    if source == "langlinks":
        assert len(groups) == counts.components.components == len(set.union(*groups.values())) > 300
        assert counts.components.ambiguous == 0
