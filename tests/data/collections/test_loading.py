"""From a YAML file to a collection: what is joined, what is counted, what is refused."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from xlretrieval.data.collections import Collection, Document, document_cache, load_collection
from xlretrieval.data.trec import read_qrels


@pytest.fixture
def load(tmp_path: Path):
    def call(config: Any, direction: str | None = None) -> Collection:
        return load_collection(config, direction, tmp_path / "cache")

    return call


def change(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_a_collection(little: Path, load) -> None:
    collection = load(little)
    assert (collection.name, collection.direction) == ("little", "en-de")
    # By the ids of the judgements, so that a run can be evaluated with their file.
    assert collection.queries == {"41-AH": "Bread Old bread.", "42-AH": "Bridges New bridges."}
    assert collection.qrels == {"41-AH": {"A2": 0, "A1": 1}, "42-AH": {"B1": 2, "A1": 0}}
    assert collection.candidates == collection.judged_pool() == {"41-AH": ["A1", "A2"], "42-AH": ["A1", "B1"]}
    assert collection.documents["B1"] == Document("B1", "Brücke", "Die Brücke ist neu.")
    folder = little.parent
    assert collection.provenance == {
        "files": {
            "documents": [f"{folder}/documents/a/1.sgml", f"{folder}/documents/b/1.sgml"],
            "topics": [f"{folder}/topics.txt"],
            "qrels": [f"{folder}/qrels.txt"],
        },
        "fields": ["title", "description"],
        "counts": {
            "documents": {"documents/a": 2, "documents/b/*.sgml": 1},
            "topics": 3,
            "topics without judgements": ["43"],
            "judged queries without a topic": ["44-AH"],
            "judgements": 4,
            "queries without a relevant document": [],
        },
        "problems": {},
        "candidates": {"source": "judged pool", "judged documents not in the collection": 0, "documents": 4},
    }


def test_candidates_of_a_run(little: Path, load) -> None:
    collection = load(little)
    run = {"41-AH": {"A1": 1.0, "A2": 1.0, "B1": 3.0}, "99": {"A1": 1.0}}
    ranked = collection.with_run(run, top_k=2)
    assert ranked.candidates == {"41-AH": ["B1", "A2"], "42-AH": []}
    assert ranked.provenance["candidates"] == {
        "source": "run",
        "top_k": 2,
        "queries without candidates": ["42-AH"],
        "queries of the run that are not in the collection": 1,
        "documents": 2,
    }
    assert collection.with_run(run).candidates["41-AH"] == ["B1", "A2", "A1"]
    with pytest.raises(ValueError, match="documents of a run must be in the collection, got X of query 41-AH"):
        collection.with_run({"41-AH": {"X": 1.0}})
    with pytest.raises(ValueError, match=r"queries of a run must be those of little \(41-AH, 42-AH, ...\), got 41"):
        collection.with_run({"41": {"A1": 1.0}})
    with pytest.raises(ValueError, match="top_k must be at least 1, got 0"):
        collection.with_run(run, top_k=0)


def test_documents_are_converted_once(little: Path, load, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(little).documents
    monkeypatch.setattr(document_cache, "build_store", None)
    assert load(little).documents.folder == first.folder
    monkeypatch.undo()
    path = little.parent / "documents/b/1.sgml"
    path.write_bytes(path.read_bytes().replace(b"neu.", b"alt."))
    assert load(little).documents["B1"].text == "Die Brücke ist alt."


def test_missing_files_are_listed_with_what_is_expected(tmp_path: Path, load) -> None:
    config = {
        "name": "clef",
        "documents": {"de": [{"source": "FR94", "path": "fr94"}, {"source": "SDA94", "path": ["sda/*.gz", "sda2"]}]},
        "topics": {"en": "topics.xml"},
        "qrels": {"de": "qrels.txt"},
    }
    with pytest.raises(ValueError) as error:
        load(config)
    here = Path.cwd()
    assert str(error.value).splitlines() == [
        "clef: files of a collection must be there, got none for:",
        f"- FR94 (Frankfurter Rundschau 1994, de): 139,715 documents in iso-8859-1 at {here}/fr94",
        "- SDA94 (Schweizerische Depeschenagentur 1994, de): 71,677 documents in iso-8859-1 at "
        f"{here}/sda/*.gz, {here}/sda2",
        f"- topics (en) at {here}/topics.xml",
        f"- qrels (de) at {here}/qrels.txt",
        "Get them from their distributor (licensed collections cannot be downloaded), or correct the paths.",
    ]


def test_incomplete_sources_are_listed(little: Path, load) -> None:
    change(little, "{path: documents/a, encoding: iso-8859-1}", "{source: FR94, path: documents/a}")
    message = (
        r"little: sources must be complete, got another number of documents:\n"
        r"- FR94 \(Frankfurter Rundschau 1994, de\): 139,715 documents in iso-8859-1, got 2 in .*documents/a\n"
    )
    with pytest.raises(ValueError, match=message):
        load(little)
    assert len(load(change(little, "path: documents/a", "documents: 2, path: documents/a")).documents) == 3
    assert len(load(change(little, "documents: 2", "documents: null")).documents) == 3


def test_judged_documents_that_are_not_there(little: Path, load, caplog: pytest.LogCaptureFixture) -> None:
    change(little.parent / "qrels.txt", "41-AH 0 A2 0", "41-AH 0 A9 1")
    message = r"qrels\.txt, line 1: a judged document must be in the collection, got A9 of query 41-AH which is not"
    with pytest.raises(ValueError, match=message):
        load(little)
    collection = load(change(little, "name: little", "on_error: skip\nname: little"))
    # It cannot be ranked, and stays in the judgements: what a collection lacks is not found.
    assert collection.candidates["41-AH"] == ["A1"] and collection.qrels["41-AH"] == {"A9": 1, "A1": 1}
    assert collection.provenance["candidates"]["judged documents not in the collection"] == 1
    problem = collection.provenance["problems"]["judged document that is not in the collection"]
    assert problem["count"] == 1 and "qrels.txt, line 1" in problem["examples"][0]
    assert "judged document that is not in the collection: 1, such as" in caplog.text


def test_problems_of_documents_are_counted_again_from_the_cache(little: Path, load) -> None:
    change(little, "name: little", "on_error: skip\nname: little")
    with (little.parent / "documents/a/1.sgml").open("a") as file:
        file.write("<DOC><DOCNO>A1</DOCNO><TEXT>again</TEXT></DOC>\n<DOC>")
    for _ in range(2):
        problems = load(little).provenance["problems"]
        assert {kind: found["count"] for kind, found in problems.items()} == {
            "cut off document": 1,
            "duplicate document": 1,
        }
        assert "1.sgml, line 11: " in problems["duplicate document"]["examples"][0]


def test_judgements_in_several_files_and_spellings(little: Path, load) -> None:
    (little.parent / "more.txt").write_text("C041 0 B1 1\nC043 0 A2 1\n")
    collection = load(change(little, "qrels.txt", "[qrels.txt, more.txt]"))
    assert (
        collection.qrels["41-AH"] == {"A2": 0, "A1": 1, "B1": 1} and collection.queries["C043"] == "Wind Strong wind."
    )
    (little.parent / "more.txt").write_text("041 0 A1 1\n")
    with pytest.raises(ValueError, match=r"more\.txt: a document must be judged once per query, got A1 of query 041"):
        load(little)
    (little.parent / "more.txt").write_text("043 0 A1 1\nC043 0 A2 1\n")
    with pytest.raises(ValueError, match=r"more\.txt: queries must have different numbers, got 043 and C043"):
        load(little)


def test_topics_by_position(little: Path, load, caplog: pytest.LogCaptureFixture) -> None:
    (little.parent / "qrels.txt").write_text("1 0 A1 1\n2 0 B1 1\n3 0 A2 1\n")
    with pytest.raises(ValueError, match="little: topics in 'en' must be judged in 'de', got none that is"):
        load(little)
    assert "3 of 3 judged queries have no topic (1, 2, 3, ...)" in caplog.text
    collection = load(change(little, "topics.txt", "{path: topics.txt, number: position}"))
    assert collection.queries == {"1": "Bread Old bread.", "2": "Bridges New bridges.", "3": "Wind Strong wind."}


def test_without_judgements_every_topic_is_a_query(little: Path, load) -> None:
    collection = load(change(little, "qrels: {de: qrels.txt}\n", ""))
    assert list(collection.queries) == ["C041", "C042", "C043"] and not collection.qrels and not collection.candidates
    assert collection.with_run({"C042": {"B1": 1.0}}).candidates["C042"] == ["B1"]


def test_directions(little: Path, load) -> None:
    change(little, "topics: {en: topics.txt}", "topics: {en: topics.txt, de: topics.txt}")
    assert load(little, "en-de").queries
    with pytest.raises(ValueError, match="direction must be one of en-de, de-de, got None"):
        load(little)
    with pytest.raises(ValueError, match="direction must be one of en-de, de-de, got 'de-en'"):
        load(little, "de-en")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: little", "names: little", "a configuration must have the keys name, .*, got 'names'"),
        ("name: little", "name:", "a configuration must have 'name', got"),
        ("documents: 1", "number: 1", "documents must have the keys path, .*, got 'number'"),
        ("documents: 1", "documents: many", "documents must be a number or null, got 'many'"),
        ("documents: 1", "format: pdf", "format must be auto, sgml or jsonl, got 'pdf'"),
        ("documents: 1", "encoding: utf-16", "encoding must be one that contains ASCII, got 'utf-16'"),
        ("documents: 1", "source: FR95", r"source must be a known one, got 'FR95'. In 'de' there are: FR94 \(Frank"),
        ("documents: 1", "source: EFE94", "source EFE94 must be in 'es', got 'de'"),
        ("path: documents/a,", "path: 7,", "a path must be text, got 7"),
        ("topics: {en:", "topics: {no:", "topics must be given by language code, like 'de: ...', got False"),
        ("topics: {en: topics.txt}", "topics: [topics.txt]", "topics must be given by language code"),
        (
            "topics: {en: topics.txt}",
            "topics: {en: {path: topics.txt, number: 3}}",
            "must be 'id' or 'position', got 3",
        ),
        ("topics: {en: topics.txt}", "topics: {en: {path: a, title: b}}", "names of fields must be for ir_datasets"),
        ("qrels: {de:", "qrels: {fr:", "qrels must be of languages that have documents, got 'fr'"),
        (
            "fields: title+description",
            "fields: all",
            r"fields must be some of title\+description\+narrative, got 'all'",
        ),
        ("name: little", "name: little\non_error: ignore", "on_error must be 'raise' or 'skip', got 'ignore'"),
        ("path: documents/a,", "path: documents/b/*.sgml,", "a source must be named once, got .* twice"),
        ("name: little", "name: [", "a configuration must be YAML in UTF-8"),
    ],
)
def test_wrong_configurations_are_named(old: str, new: str, message: str, little: Path, load) -> None:
    with pytest.raises(ValueError, match=f"little.*{message}"):
        load(change(little, old, new))


def test_cranfield_and_patapsco(shared: Path, load, caplog: pytest.LogCaptureFixture) -> None:
    cranfield = shared / "data/cranfield"
    config = {
        "name": "cranfield",
        "documents": {"en": {"path": cranfield / "cran.all.1400.xml.gz", "documents": 1_400}},
        "topics": {"en": {"path": cranfield / "cran.qry.xml.gz", "number": "position"}},
        "qrels": {"en": cranfield / "cranqrel.trec.txt"},
    }
    collection = load(config)
    assert (len(collection.documents), len(collection.queries)) == (1_400, 225)
    assert sum(map(len, collection.candidates.values())) == 1_837
    assert collection.provenance["problems"]["empty document"]["count"] == 2
    assert "aeroelastic" in collection.queries["1"] and "aeroelastic" in collection.documents["184"].content
    # By id, most judgements would join topics that they are not about: a warning says so.
    with caplog.at_level(logging.WARNING):
        load(config | {"topics": {"en": cranfield / "cran.qry.xml.gz"}})
    assert "73 of 225 judged queries have no topic" in caplog.text

    patapsco = shared / "data/patapsco"
    config = {
        "name": "patapsco",
        "fields": "title+description",
        "documents": {"zh": patapsco / "cc-news-zho-1000.jsonl.gz"},
        "topics": {"en": patapsco / "dev.topics.v1-0.jsonl", "zh": patapsco / "dev.topics.v1-0.jsonl"},
        "qrels": {"zh": patapsco / "zho.toy-dev.qrels.v1-0.txt"},
    }
    collection = load(config, "en-zh")
    assert (len(collection.documents), sum(map(len, collection.candidates.values()))) == (998, 44)
    assert collection.queries["5"].startswith("Nigerian authorities respond to Boko Haram How have")
    assert load(config, "zh-zh").queries["5"].startswith("尼日利亚当局应对博科圣地组织")
    with pytest.raises(ValueError, match=r"qrels_bad, line 5: relevance must be an integer, got '0.5'"):
        load(config | {"qrels": {"zh": patapsco / "qrels_bad"}}, "en-zh")
    with pytest.raises(ValueError, match=r"not_utf8\.txt, line 1: text must be utf-8, got byte 0xe9"):
        load(config | {"topics": {"en": patapsco / "not_utf8.txt"}})


@pytest.mark.parametrize(
    ("queries", "documents", "number", "unknown", "unanswered"),
    [
        ("de", "nl", 152, 4, []),
        ("de", "it", 89, 5, ["160-AH", "169-AH", "172-AH", "175-AH", "43-AH", "64-AH"]),
        ("es", "nl", 93, 63, []),
    ],
)
def test_directions_of_clef(
    shared: Path, tmp_path: Path, load, queries: str, documents: str, number: int, unknown: int, unanswered: list[str]
) -> None:
    folder = shared / "data/clef"
    path = folder / f"qrels/{documents}_qrels.txt.gz"
    # The documents are licensed: here they are their ids.
    names = sorted({document for found in read_qrels(path).values() for document in found})
    (tmp_path / "all.sgml").write_text("".join(f"<DOC><DOCNO>{name}</DOCNO><TI>{name}</TI></DOC>\n" for name in names))
    config = {
        "name": "clef",
        "documents": {documents: tmp_path / "all.sgml"},
        "topics": {queries: folder / f"topics/{queries}_topics.xml"},
        "qrels": {documents: path},
    }
    collection = load(config)
    assert (len(collection.queries), len(collection.documents)) == (number, len(names))
    counts = collection.provenance["counts"]
    assert len(counts["judged queries without a topic"]) == unknown
    assert sorted(counts["queries without a relevant document"]) == unanswered
    pool = {query: sorted(found) for query, found in collection.qrels.items()}
    assert collection.candidates == pool and len(pool) == number


def test_the_sample_collection(tmp_path: Path, load) -> None:
    pytest.importorskip("babel")
    from xlretrieval.data.sample import write_sample

    counts = write_sample(tmp_path / "sample", size=0.08).clef
    folder = tmp_path / "sample/clef"
    encodings = {"de": "iso-8859-1", "en": "utf-8", "es": "iso-8859-1", "fr": "utf-8"}
    config = {
        "name": "sample",
        "fields": "title+description+narrative",
        "documents": {
            language: {"path": folder / f"documents/{language}-*.sgml", "encoding": encoding}
            for language, encoding in encodings.items()
        },
        "topics": {language: folder / f"topics/{language}_topics.xml" for language in encodings},
        "qrels": {language: folder / f"qrels/{language}_qrels.txt" for language in encodings},
    }
    for query, document in (("en", "de"), ("fr", "es"), ("de", "en")):
        collection = load(config, f"{query}-{document}")
        assert len(collection.documents) == counts[f"documents_{document}"]
        assert len(collection.queries) == counts["topics"]
        assert sum(map(len, collection.candidates.values())) == counts[f"judgements_{document}"]
        assert not collection.provenance["problems"]
