"""The search collection: documents in two encodings, topics in four languages, judged pools."""

from __future__ import annotations

import html
import re
from collections import Counter, defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from xlretrieval.data.sample import SPLIT_SEED, TEST_FRACTION, VALIDATION_FRACTION
from xlretrieval.data.splits import assign_split
from xlretrieval.data.wiki.links.sql_rows import read_sql_rows

ENCODINGS = {"de": "iso-8859-1", "en": "utf-8", "es": "iso-8859-1", "fr": "utf-8"}
DOCUMENT = re.compile(
    r"<DOC>\n<DOCNO>(.+)</DOCNO>\n<TITLE>(.+)</TITLE>\n<TEXT>\n(.+)\n</TEXT>\n</DOC>\n",
)


def documents(sample: Path, language: str) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for path in sorted((sample / "clef" / "documents").glob(f"{language}-*.sgml")):
        content = path.read_bytes().decode(ENCODINGS[language])
        rows = DOCUMENT.findall(content)
        assert 0 < len(rows) == content.count("<DOC>") <= 200
        for docno, title, text in rows:
            assert docno not in found
            found[docno] = (html.unescape(title), html.unescape(text))
    return found


def topics(sample: Path, language: str) -> dict[str, tuple[str, str, str]]:
    root = ElementTree.parse(sample / "clef" / "topics" / f"{language}_topics.xml").getroot()
    return {
        topic.findtext("identifier"): tuple(topic.findtext(tag) for tag in ("title", "description", "narrative"))
        for topic in root
    }


def judgements(sample: Path, language: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (sample / "clef" / "qrels" / f"{language}_qrels.txt").read_text().splitlines():
        topic, zero, docno, relevance = line.split(" ")
        assert zero == "0" and docno not in found[topic]
        found[topic][docno] = int(relevance)
    return found


@pytest.mark.parametrize("language", ENCODINGS)
def test_judgements_are_of_documents_and_topics_that_exist(sample: Path, language: str) -> None:
    texts, asked = documents(sample, language), topics(sample, language)
    pools = judgements(sample, language)
    assert set(pools) == set(asked)
    assert len(pools) >= 100
    for pool in pools.values():
        assert set(pool) <= set(texts)
        assert 30 <= len(pool) <= 60
        assert 1 <= sum(pool.values()) <= 25
    assert sum(sum(pool.values()) for pool in pools.values()) / len(pools) > 2.5


def test_topics_are_the_same_in_all_languages(sample: Path) -> None:
    found = {language: topics(sample, language) for language in ENCODINGS}
    assert len({tuple(asked) for asked in found.values()}) == 1
    first = "401-AH"
    assert len({asked[first][2] for asked in found.values()}) == 4
    for asked in found.values():
        assert len({description for _, description, _ in asked.values()}) == len(asked)
        for title, description, narrative in asked.values():
            assert title and description.endswith("?") and narrative.endswith(".")


def test_a_topic_about_official_languages(sample: Path) -> None:
    """What is relevant speaks of the country or is about it, and says something about languages."""
    pools, texts = judgements(sample, "en"), documents(sample, "en")
    countries = {
        match[1]: topic
        for topic, (title, _, _) in topics(sample, "en").items()
        if (match := re.fullmatch(r"Languages: (.+)", title))
    }
    assert len(countries) >= 10
    for country, topic in countries.items():
        for docno, relevance in pools[topic].items():
            if relevance:
                title, text = texts[docno]
                assert country in title + text
                assert re.search(r"[Ll]anguage|[Ss]peak|[Oo]fficial|%", title + text), text


def test_hard_documents_are_of_the_same_articles_and_of_the_same_kind(sample: Path) -> None:
    near = far = 0
    for pool in judgements(sample, "de").values():
        articles = {docno.rsplit("-", 1)[0] for docno, relevance in pool.items() if relevance}
        for docno, relevance in pool.items():
            if not relevance:
                near += docno.rsplit("-", 1)[0] in articles
                far += docno.rsplit("-", 1)[0] not in articles
    assert near > 500 and far > 2_000


def test_encodings(sample: Path) -> None:
    german = b"".join(path.read_bytes() for path in sorted((sample / "clef" / "documents").glob("de-*.sgml")))
    assert b"f\xfcr" in german and b"&#8222;" in german
    with pytest.raises(UnicodeDecodeError):
        german.decode("utf-8")
    french = b"".join(path.read_bytes() for path in sorted((sample / "clef" / "documents").glob("fr-*.sgml")))
    assert "é" in french.decode("utf-8") and b"&#" not in french


@pytest.mark.parametrize("language", ENCODINGS)
def test_only_test_articles_are_searched(sample: Path, language: str) -> None:
    props = sample / "dumps" / f"{language}wiki-20260101-page_props.sql.gz"
    rows = read_sql_rows(props, "page_props", ("pp_page", "pp_propname", "pp_value"))
    items = {page: value for page, key, value in rows if key == "wikibase_item"}
    pages = {int(docno.split("-")[1]) for docno in documents(sample, language)}
    assert len(pages) > 80
    assert {assign_split(items[page], VALIDATION_FRACTION, TEST_FRACTION, SPLIT_SEED) for page in pages} == {"test"}


def test_documents_are_sentences(sample: Path) -> None:
    for language in ENCODINGS:
        found = documents(sample, language)
        assert len(found) > 300
        for _, text in found.values():
            assert text.endswith((".", ".”", "»", "“.")) and "  " not in text and "{" not in text
        repeated = Counter(text for _, text in found.values())
        assert sum(count for count in repeated.values() if count > 1) < 0.02 * len(found)


def test_fractions_leave_most_for_training() -> None:
    splits = Counter(assign_split(f"Q{i}", VALIDATION_FRACTION, TEST_FRACTION, SPLIT_SEED) for i in range(4_000))
    assert splits["train"] > 3_000
