"""Topics in the forms of every campaign."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlretrieval.data.collections import Problems, Topic, read_topics, topic_key, topic_queries

CLEF = """<top>
<num> C041 </num>
<EN-title> Pesticides in Baby Food </EN-title>
<EN-desc> Find reports on pesticides. </EN-desc>
<EN-narr> Relevant documents
say so. </EN-narr>
<DE-title> Pestizide </DE-title>
</top>

<top>
<num> C042
<EN-title> R&amp;D
<EN-desc> A &lt; B.
<DE-title> Forschung
</top>
"""
TREC = """<top>

<num> Number: 301
<title> Topic: International Crime: a list

<desc> Description:
Identify organizations.

<narr> Narrative:
A relevant document must name
the Description: or not.

</top>
"""
DIRECT = """<?xml version="1.0" encoding="ISO-8859-1"?>
<topics>
<topic lang="de">
<identifier>10.2452/41-AH</identifier>
<title>Müll &#38; Meer</title>
<description></description>
<narrative/>
</topic>
</topics>
"""


def write(folder: Path, content: str, encoding: str = "utf-8") -> Path:
    path = folder / "topics.txt"
    path.write_bytes(content.encode(encoding))
    return path


def fields(topic: Topic) -> tuple[str, str, str, str]:
    return topic.id, topic.title, topic.description, topic.narrative


def test_markup_of_clef_2000_to_2003(tmp_path: Path) -> None:
    path = write(tmp_path, CLEF)
    english = read_topics(path, "en")
    assert fields(english["41"]) == (
        "C041",
        "Pesticides in Baby Food",
        "Find reports on pesticides.",
        "Relevant documents say so.",
    )
    assert fields(english["42"]) == ("C042", "R&D", "A < B.", "")
    assert english["42"].where == f"{path}, line 10"
    assert [topic.title for topic in read_topics(path, "de").values()] == ["Pestizide", "Forschung"]
    with pytest.raises(ValueError, match=r"topics\.txt: topics must be in 'fr', got only en, de"):
        read_topics(path, "fr")


def test_markup_of_trec(tmp_path: Path) -> None:
    (topic,) = read_topics(write(tmp_path, TREC), "en").values()
    assert fields(topic) == (
        "301",
        "International Crime: a list",
        "Identify organizations.",
        "A relevant document must name the Description: or not.",
    )
    letters = TREC.replace("<title>", "<E-title>").replace("</top>", "<F-title> Crime international\n</top>")
    assert read_topics(write(tmp_path, letters), "fr")["301"].title == "Crime international"


def test_xml_of_direct_in_the_encoding_that_it_declares(tmp_path: Path) -> None:
    (topic,) = read_topics(write(tmp_path, DIRECT, "iso-8859-1"), "de").values()
    assert fields(topic) == ("10.2452/41-AH", "Müll & Meer", "", "")
    with pytest.raises(ValueError, match=r"topics\.txt, line 5: text must be utf-8, got byte 0xfc"):
        read_topics(write(tmp_path, DIRECT, "iso-8859-1"), "de", encoding="utf-8")
    assert read_topics(write(tmp_path, CLEF.replace("Baby", "Bäby"), "iso-8859-1"), "en", "iso-8859-1")


def test_lines_with_tabs_and_rows_of_json(tmp_path: Path) -> None:
    topics = read_topics(write(tmp_path, '301-AH\tNestlé "Brands"\r\n\r\n302-AH\ttitle\tdesc\tnarr\r\n'))
    assert [fields(topic) for topic in topics.values()] == [
        ("301-AH", 'Nestlé "Brands"', "", ""),
        ("302-AH", "title", "desc", "narr"),
    ]
    rows = (
        '{"id": 5, "title": "a", "description": null}\n'
        '{"topic_id": "6", "topics": [{"lang": "eng", "topic_title": "b"}, {"lang": "zho", "topic_title": "c"}, '
        '{"lang": "zho", "topic_title": "machine"}]}\n'
        '{"id": "7", "text": "d"}\n'
    )
    assert [fields(topic)[:2] for topic in read_topics(write(tmp_path, rows), "zh").values()] == [
        ("5", "a"),
        ("6", "c"),
        ("7", "d"),
    ]
    path = tmp_path / "topics.tsv.gz"
    path.write_bytes(gzip.compress(b"1\tone\n"))
    assert read_topics(path)["1"].title == "one"


@pytest.mark.parametrize(
    ("topic_id", "key"),
    [("C041", "41"), ("41-AH", "41"), ("10.2452/41-AH", "41"), ("041", "41"), ("41", "41"), ("0", "0")]
    + [
        ("MB01", "MB01"),
        ("q7", "q7"),
        ("q-7f3", "q-7f3"),
        ("41-AH-2", "41-AH-2"),
        ("PLAIN-12", "PLAIN-12"),
        ("12a", "12a"),
    ],
)
def test_topics_are_joined_by_number(topic_id: str, key: str) -> None:
    assert topic_key(topic_id) == key


def test_queries_are_combinations_of_fields(tmp_path: Path) -> None:
    topics = read_topics(write(tmp_path, CLEF), "en")
    assert topic_queries(topics) == {"41": "Pesticides in Baby Food", "42": "R&D"}
    problems = Problems()
    assert topic_queries(topics, "description+title+narrative", problems) == {
        "41": "Find reports on pesticides. Pesticides in Baby Food Relevant documents say so.",
        "42": "A < B. R&D",
    }
    assert problems.examples == {"topic without a field": [f"{tmp_path}/topics.txt, line 10: C042 has no narrative"]}
    assert topic_queries(topics, ["desc"]) == topic_queries(topics, "description")
    for wrong in ("titel", "", "title+title"):
        with pytest.raises(ValueError, match=r"fields must be some of title\+description\+narrative, got"):
            topic_queries(topics, wrong)


def test_an_empty_topic_is_named_or_counted(tmp_path: Path) -> None:
    topics = read_topics(write(tmp_path, CLEF), "en")
    with pytest.raises(
        ValueError, match=r"topics\.txt, line 10: a topic must have text in narrative, got none in C042"
    ):
        topic_queries(topics, "narrative")
    problems = Problems("skip")
    assert list(topic_queries(topics, "narrative", problems)) == ["41"]
    assert problems.counts == {"empty topic": 1}


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        ("<top><title>a</title></top>\n", "topic without id", r"line 1: .* an id of one word, got ''"),
        ("<top><num>1 2</num></top>\n", "topic without id", r"line 1: .* got '1 2'"),
        ("<top><num>1</num>\n<top><num>2</num><title>b</title></top>", "cut off topic", "line 1: .*</top>, got none"),
        ("<top><num>2</num></top>\n<top><num>1</num>", "cut off topic", "line 2: .*</top>, got none"),
        (
            "<top><num>C2</num></top>\n<top><num>2-AH</num></top>",
            "duplicate topic",
            r"line 2: .* got 2-AH which is C2 at",
        ),
        ("2\tb\nno tab\n", "bad topic line", "line 2: a line must have an id"),
        ('{"id": "2"}\n{"id": ', "bad topic line", "line 2: a row must be a topic"),
        ('{"id": "2"}\n{"id": "3", "topics": [1]}', "bad topic line", "line 2: a row must be a topic"),
        ('{"id": "2"}\n{"id": "3", "title": ["x"]}', "bad topic line", "line 2: .*title is no text"),
    ],
)
def test_what_is_broken_is_named_with_its_line(content: str, kind: str, message: str, tmp_path: Path) -> None:
    path = write(tmp_path, content)
    with pytest.raises(ValueError, match=rf"topics\.txt, {message}"):
        read_topics(path)
    problems = Problems("skip")
    assert set(read_topics(path, problems=problems)) <= {"2"}
    assert problems.counts == {kind: 1}


def test_files_without_topics_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a file must have topics, got none"):
        read_topics(write(tmp_path, "\n"))
    (tmp_path / "topics.gz").write_bytes(gzip.compress(TREC.encode())[:-20])
    with pytest.raises(ValueError, match=r"topics\.gz: a file must be whole"):
        read_topics(tmp_path / "topics.gz")
    with pytest.raises(FileNotFoundError):
        read_topics(tmp_path / "nothing")


pieces = st.sampled_from(
    ["<top>", "</top>", "<topic lang=de>", "<num>", "1", "\t", "\n", "{", '{"id": 1}', "<title>", "&#0;"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(st.binary(max_size=60), st.lists(pieces, max_size=12).map(lambda parts: "".join(parts).encode()))
)
def test_any_bytes_are_topics_or_a_value_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any"
    path.write_bytes(content)
    try:
        topics = read_topics(path)
    except ValueError as error:
        assert "must" in str(error)
    else:
        assert topics and all(topic_key(topic.id) == key for key, topic in topics.items())


def test_topics_of_clef_read_completely(shared: Path) -> None:
    folder = shared / "data/clef/topics"
    topics = {path.name.removesuffix("_topics.xml"): read_topics(path) for path in sorted(folder.glob("*.xml"))}
    assert {language: len(found) for language, found in topics.items()} == {
        "de": 155,
        "es": 97,
        "fr": 99,
        "it": 90,
        "nl": 156,
    }
    for found in topics.values():
        problems = Problems()
        assert len(topic_queries(found, "title+description+narrative", problems)) == len(found)
        assert not problems.counts
    assert len(topics["de"].keys() & topics["nl"].keys()) == 152
    assert len(topics["de"].keys() & topics["it"].keys()) == 89
    assert len(topics["es"].keys() & topics["nl"].keys()) == 93
    assert topics["nl"]["42"].title == "UN/US invasie op Haïti"
    titles = {path.name: read_topics(path) for path in folder.glob("clef06fr.*.tsv")}
    assert {name: len(found) for name, found in titles.items()} == dict.fromkeys(titles, 49) and len(titles) == 4


def test_topics_of_other_collections(shared: Path) -> None:
    cranfield = read_topics(shared / "data/cranfield/cran.qry.xml.gz")
    assert len(cranfield) == 225 and list(cranfield)[:4] == ["1", "2", "4", "8"]
    patapsco = shared / "data/patapsco"
    assert [topic.id for topic in read_topics(patapsco / "topics.txt").values()] == ["C141", "C142"]
    assert read_topics(patapsco / "topics.xml", "en")["2"].narrative == "Narrative of second test"
    assert read_topics(patapsco / "dev.topics.v1-0.jsonl", "en")["6"].title == "Gibraltar's Sovereignty After Brexit"
    assert read_topics(patapsco / "dev.topics.v1-0.jsonl", "zh")["5"].title == "尼日利亚当局应对博科圣地组织"
