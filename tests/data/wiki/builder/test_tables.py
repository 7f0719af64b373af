"""A build from tables of parsed pages."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xlretrieval.data.sections import AlignedSections
from xlretrieval.data.wiki.builder import BuildOptions, Workers, build_corpus
from xlretrieval.data.wiki.tables.field_map import FieldMap

YEARS = range(1800, 1830)


def rows(language: str) -> list[dict]:
    """Articles with a lead and two sections that share a year or a number across languages."""
    words = {
        "en": ("Village {0}", "Founding", "Trade", "The village was founded in the year {1}, on a hill by the lake.",
               "Some {2} smiths and bakers sell their goods on the market square.", "It is a village of {3} people."),
        "de": ("Dorf {0}", "Gründung", "Handel", "Das Dorf wurde im Jahr {1} gegründet, auf einem Hügel am See.",
               "Rund {2} Schmiede und Bäcker verkaufen ihre Waren auf dem Marktplatz.", "Ein Dorf mit {3} Leuten."),
    }[language]  # fmt: skip
    made = []
    for number, year in enumerate(YEARS):
        title, founding, trade, first, second, lead = (
            text.format(number, year, 100 + number, 5000 + number) for text in words
        )
        parts = [(founding, first), (trade, second)]
        if language == "de":
            parts.reverse()
        text = "\n".join([lead * 2, *(f"== {heading} ==\n{body}" for heading, body in parts)])
        made.append({"title": title, "qid": f"Q{number + 1}", "lang": language, "id": number + 1, "text": text})
    return made


@pytest.fixture
def table(tmp_path) -> Path:
    folder = tmp_path / "tables"
    folder.mkdir()
    for language in ("en", "de"):
        pq.write_table(pa.Table.from_pylist(rows(language)), folder / f"{language}.parquet")
    return folder


FIELDS = FieldMap(title="title", item="qid", language="lang", page_id="id", text="text", sections=None)


def test_builds_from_parquet(table, tmp_path):
    options = BuildOptions(["en-de"], min_characters=20, validation=0, test=0)
    counts = build_corpus(None, tmp_path / "corpus", options, Workers(1), source=str(table), field_map=FIELDS)
    assert counts.scan["tables"]["pages"] == 60 and counts.parse["en"]["articles"] == 30
    corpus = AlignedSections.load(tmp_path / "corpus")
    pair = corpus.pair("en-de")
    translated = {(): (), ("Founding",): ("Gründung",), ("Trade",): ("Handel",)}
    right = sum(
        translated[corpus.sections("en")[source].heading_path] == corpus.sections("de")[target].heading_path
        for source, target in zip(pair.source, pair.target, strict=True)
    )
    assert len(pair) >= 80 and right / len(pair) >= 0.97
    assert corpus.sections("en")[0].article_id.startswith("Q")


def test_a_field_that_is_not_there_is_named(table, tmp_path):
    wrong = FieldMap(title="name", item="qid", language="lang", page_id="id", text="text", sections=None)
    with pytest.raises(ValueError, match="table must have the field 'name', got"):
        build_corpus(None, tmp_path / "c", BuildOptions(["en-de"]), Workers(1), source=str(table), field_map=wrong)
    assert not (tmp_path / "c").exists()


def test_dumps_or_a_source_not_both(tmp_path):
    with pytest.raises(ValueError, match="a build must have dumps or a source"):
        build_corpus(None, tmp_path / "c", BuildOptions(["en-de"]))
