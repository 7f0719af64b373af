"""The dumps are those of MediaWiki, agree with each other, and the truth about them is true."""

from __future__ import annotations

import bz2
import hashlib
import itertools
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from xlretrieval.data.wiki.links.sql_rows import read_sql_rows
from xlretrieval.data.wiki.wikitext.parsing import parse_sections

LANGUAGES = ("de", "en", "es", "fr")
XML = "{http://www.mediawiki.org/xml/export-0.11/}"
FILE_NAMESPACE = {"de": "Datei", "en": "File", "es": "Archivo", "fr": "Fichier"}


def dump(sample: Path, language: str, name: str) -> Path:
    return sample / "dumps" / f"{language}wiki-20260101-{name}"


def pages(sample: Path, language: str) -> list[ElementTree.Element]:
    path = dump(sample, language, "pages-articles-multistream.xml.bz2")
    return ElementTree.fromstring(bz2.decompress(path.read_bytes())).findall(f"{XML}page")


def items(sample: Path, language: str) -> dict[int, str]:
    path = dump(sample, language, "page_props.sql.gz")
    rows = read_sql_rows(path, "page_props", ("pp_page", "pp_propname", "pp_value"))
    return {page: value for page, key, value in rows if key == "wikibase_item"}


@pytest.fixture(scope="module")
def sections(sample: Path) -> dict[str, dict[int, list]]:
    """German and English sections by page, as the wikitext parser finds them."""
    found: dict[str, dict[int, list]] = {}
    for language in ("de", "en"):
        numbers = items(sample, language)
        names = {6: FILE_NAMESPACE[language]}
        found[language] = {
            int(page.findtext(f"{XML}id")): parse_sections(page.findtext(f"{XML}revision/{XML}text"), names)
            for page in pages(sample, language)
            if int(page.findtext(f"{XML}id")) in numbers
        }
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_xml(sample: Path, language: str) -> None:
    found = pages(sample, language)
    numbers = [int(page.findtext(f"{XML}id")) for page in found]
    assert numbers == sorted(set(numbers))
    titles = [page.findtext(f"{XML}title") for page in found]
    assert len(titles) == len(set(titles))
    assert {page.findtext(f"{XML}ns") for page in found} >= {"0", "10", "14"}
    for page in found:
        text = page.findtext(f"{XML}revision/{XML}text")
        redirect = page.find(f"{XML}redirect")
        if redirect is not None:
            assert re.fullmatch(r"#[A-ZÓ]+ \[\[(.+)\]\]", text)[1] == redirect.get("title")
        assert page.find(f"{XML}revision/{XML}text").get("bytes") == str(len(text.encode()))


def test_siteinfo(sample: Path) -> None:
    content = bz2.decompress(dump(sample, "de", "pages-articles-multistream.xml.bz2").read_bytes())
    root = ElementTree.fromstring(content)
    assert root.findtext(f"{XML}siteinfo/{XML}dbname") == "dewiki"
    names = {one.get("key"): one.text for one in root.iter(f"{XML}namespace")}
    assert (names["0"], names["6"], names["14"]) == (None, "Datei", "Kategorie")


@pytest.mark.parametrize("language", LANGUAGES)
def test_streams_stand_where_the_index_says(sample: Path, language: str) -> None:
    index = bz2.decompress(dump(sample, language, "pages-articles-multistream-index.txt.bz2").read_bytes()).decode()
    data = dump(sample, language, "pages-articles-multistream.xml.bz2").read_bytes()
    streams: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for line in index.splitlines():
        offset, page, title = line.split(":", 2)
        streams[int(offset)].append((page, title))
    assert len(streams) > 10
    for offset, listed in streams.items():
        text = bz2.BZ2Decompressor().decompress(data[offset:]).decode()
        block = ElementTree.fromstring(f"<pages>{text}</pages>")
        assert [(page.findtext("id"), page.findtext("title")) for page in block] == listed
    assert [len(listed) for listed in streams.values()][:-1] == [100] * (len(streams) - 1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_checksums(sample: Path, language: str) -> None:
    lines = dump(sample, language, "sha1sums.txt").read_text().splitlines()
    assert len(lines) == 5
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha1((sample / "dumps" / name).read_bytes()).hexdigest() == digest


def test_language_links_agree_with_the_items(sample: Path) -> None:
    item_of = {language: items(sample, language) for language in LANGUAGES}
    by_title = {
        language: {
            page.findtext(f"{XML}title"): item_of[language].get(int(page.findtext(f"{XML}id")))
            for page in pages(sample, language)
        }
        for language in LANGUAGES
    }
    for language in LANGUAGES:
        rows = list(
            read_sql_rows(dump(sample, language, "langlinks.sql.gz"), "langlinks", ("ll_from", "ll_lang", "ll_title"))
        )
        told = [(page, other, title) for page, other, title in rows if title]
        assert 0 < len(rows) - len(told) < 10
        assert len(told) > 2_000
        for page, other, title in told:
            assert by_title[other][title] == item_of[language][page]


def test_page_numbers_differ_by_language(sample: Path) -> None:
    numbers = [set(items(sample, language)) for language in LANGUAGES]
    assert all(not one & other for one, other in itertools.combinations(numbers, 2))


@pytest.mark.parametrize("language", LANGUAGES)
def test_redirects(sample: Path, language: str) -> None:
    found = pages(sample, language)
    titles = {page.findtext(f"{XML}title") for page in found}
    by_id = {int(page.findtext(f"{XML}id")): page.find(f"{XML}redirect") for page in found}
    rows = list(
        read_sql_rows(dump(sample, language, "redirect.sql.gz"), "redirect", ("rd_from", "rd_namespace", "rd_title"))
    )
    assert len(rows) == sum(redirect is not None for redirect in by_id.values()) > 500
    assert all(by_id[page].get("title") == title.replace("_", " ") for page, _, title in rows)
    broken = [title for _, _, title in rows if title.replace("_", " ") not in titles]
    assert broken == ["CLDR"]


def truth(sample: Path) -> list[dict]:
    return [json.loads(line) for line in (sample / "truth.jsonl").read_text(encoding="utf-8").splitlines()]


def test_the_truth_names_sections_with_text(sample: Path, sections: dict[str, dict[int, list]]) -> None:
    item_of = {language: items(sample, language) for language in LANGUAGES}
    for row in truth(sample):
        if row["pair"] != "de-en":
            continue
        for side, language in zip(("source", "target"), row["pair"].split("-"), strict=True):
            page, number = row[f"{side}_page"], row[f"{side}_section"]
            assert item_of[language][page] == row["item"]
            assert sections[language][page][number].number == number
            assert len(sections[language][page][number].text) > 20


def test_the_truth_is_large_and_one_to_one(sample: Path) -> None:
    rows = truth(sample)
    whole = [row for row in rows if row["kind"] == "whole"]
    counts = Counter(row["pair"] for row in whole)
    assert set(counts) == {"de-en", "de-es", "de-fr", "en-es", "en-fr", "es-fr"}
    assert all(2_300 <= count <= 3_000 for count in counts.values()), counts
    parts = Counter(row["pair"] for row in rows if row["kind"] == "part")
    assert all(100 <= parts[pair] <= 300 for pair in counts), parts
    for side in ("source", "target"):
        places = Counter((row["pair"], row[f"{side}_page"], row[f"{side}_section"]) for row in whole)
        assert max(places.values()) == 1
    leads = [row for row in rows if row["topic"] == "lead"]
    assert all((row["source_section"], row["target_section"], row["kind"]) == (0, 0, "whole") for row in leads)
    orders = Counter(row["source_section"] == row["target_section"] for row in whole)
    assert orders[False] > 0.2 * len(whole)  # languages reorder and leave out


def test_some_sections_have_no_partner(sample: Path, sections: dict[str, dict[int, list]]) -> None:
    matched = {(row["source_page"], row["source_section"]) for row in truth(sample) if row["pair"] == "de-en"}
    prose = {
        (page, section.number)
        for page, found in sections["de"].items()
        for section in found
        if section.text and section.heading_path[-1:] not in (("Siehe auch",), ("Weblinks",))
    }
    assert 0.05 < len(prose - matched) / len(prose) < 0.3


def test_markup_is_what_parsers_meet(sample: Path) -> None:
    text = "\n".join(page.findtext(f"{XML}revision/{XML}text") for page in pages(sample, "de"))
    for markup in (
        "{{Infobox ",
        "<ref name=",
        "<references />",
        "[[Datei:",
        "|mini|",
        "{| class=",
        "[[Kategorie:",
        "<!-- ",
        "&nbsp;%",
        "\n* ",
        "{{Hauptartikel|",
        "#",
        "\n=== ",
    ):
        assert text.count(markup) > 5, markup


@pytest.mark.parametrize("language", ["de", "en"])
def test_no_markup_or_template_is_left_in_the_text(sections: dict[str, dict[int, list]], language: str) -> None:
    for found in sections[language].values():
        for section in found:
            assert not re.search(r"[{}]|\[\[|\]\]|<ref|  |\bNone\b", section.text), section.text
