"""Articles that come parsed: nested parts as Wikimedia Enterprise has them, lists with levels, text with headings."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlretrieval.data.wiki.records import PageSection
from xlretrieval.data.wiki.tables.field_map import FieldMap
from xlretrieval.data.wiki.tables.headed_text import sections_of_text
from xlretrieval.data.wiki.tables.structured import StructuredCounts, StructuredPage, read_structured


def paragraph(text: str, *urls: str) -> dict:
    return {"type": "paragraph", "value": text, "links": [{"url": url, "text": "x"} for url in urls]}


def section(name: str, *parts: dict) -> dict:
    return {"type": "section", "name": name, "has_parts": list(parts)}


SPREE = {
    "name": "Spree",
    "identifier": 9,
    "main_entity": {"identifier": "Q1684", "url": "http://www.wikidata.org/entity/Q1684"},
    "in_language": {"identifier": "de", "name": "Deutsch"},
    "infoboxes": [{"name": "Fluss", "type": "infobox"}],
    "sections": [
        section(
            "Abstract",
            paragraph(
                "Die Spree fließt durch Berlin.",
                "https://de.wikipedia.org/wiki/Berlin#Lage",
                "https://de.wikipedia.org/wiki/Datei:Spree.jpg",
                "https://www.example.org/wiki/Karte",
            ),
        ),
        section(
            "Verlauf",
            paragraph("Sie entspringt im Bergland.", "https://de.wikipedia.org/wiki/Lausitzer_Bergland"),
            section("Quellen", paragraph("Es gibt drei.")),
            paragraph("Sie mündet in die Havel.", "./Havel"),
        ),
        section(
            "Orte",
            {
                "type": "list",
                "has_parts": [{"type": "list_item", "value": "Bautzen"}, {"type": "list_item", "value": "Cottbus"}],
            },
            {"type": "table", "value": "1 2 3"},
        ),
    ],
}
SPREE_PAGE = StructuredPage(
    1684,
    "de",
    9,
    "Spree",
    [
        PageSection(0, (), "Die Spree fließt durch Berlin.", ("Berlin",), 0, 30),
        PageSection(
            1,
            ("Verlauf",),
            "Sie entspringt im Bergland.\n\nSie mündet in die Havel.",
            ("Lausitzer Bergland", "Havel"),
            0,
            53,
        ),
        PageSection(2, ("Verlauf", "Quellen"), "Es gibt drei.", (), 0, 13),
        PageSection(3, ("Orte",), "Bautzen\nCottbus", (), 14, 15),
    ],
)


def write(path: Path, rows: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_nested_parts(tmp_path: Path) -> None:
    counts = StructuredCounts()
    assert list(read_structured(write(tmp_path / "de.parquet", [SPREE]), counts=counts)) == [SPREE_PAGE]
    assert counts == StructuredCounts(rows=1, pages=1, parts_left_out={"table": 1})


def test_parts_as_json_text(tmp_path: Path) -> None:
    row = SPREE | {"sections": json.dumps(SPREE["sections"])}
    assert list(read_structured([write(tmp_path / "de.parquet", [row])])) == [SPREE_PAGE]
    path = write(tmp_path / "bad.parquet", [row, row | {"sections": "[{"}])
    with pytest.raises(
        ValueError, match=r"bad\.parquet, row 1: sections must be lists or JSON, got .*Correct the row"
    ):
        list(read_structured(path))


def test_a_dataset_as_the_hub_has_it_is_streamed(tmp_path: Path) -> None:
    """`load_dataset` reads a folder with a card as it reads a repository."""
    write(tmp_path / "repository/20240916.de/train-0.parquet", [SPREE])
    card = "---\nconfigs:\n- config_name: 20240916.de\n  data_files: 20240916.de/train-*.parquet\n---\n"
    (tmp_path / "repository/README.md").write_text(card)
    source = f"hub:{tmp_path / 'repository'}"
    assert list(read_structured(f"{source}@20240916.de")) == [SPREE_PAGE]
    with pytest.raises(ValueError, match=r"hub:.*: table must have the field 'title', got .*identifier"):
        list(read_structured(f"{source}@20240916.de", FieldMap(title="title")))


def test_text_with_headings_and_a_field_map_from_yaml(tmp_path: Path) -> None:
    text = "Bern is a city.\nIt is old.\n\nIt lies on the Aare.\n== History ==\n=== Early ===\n* 1191\n* 1218\n"
    text += "\n==Today==\nBig."
    rows = [{"page": "Bern", "qid": 70, "body": text, "extra": 1}]
    yaml = tmp_path / "fields.yaml"
    yaml.write_text("title: page\nitem: qid\ntext: body\nfixed_language: en\npage_id: null\n")
    (page,) = read_structured(write(tmp_path / "folder/0.parquet", rows).parent, FieldMap.load(yaml))
    assert (page.item, page.language, page.page_id, page.title) == (70, "en", 1, "Bern")
    assert [(part.number, part.heading_path, part.text, part.list_characters) for part in page.sections] == [
        (0, (), "Bern is a city.\nIt is old.\n\nIt lies on the Aare.", 0),
        (1, ("History",), "", 0),
        (2, ("History", "Early"), "1191\n1218", 8),
        (3, ("Today",), "Big.", 0),
    ]


def test_a_list_of_sections_with_levels(tmp_path: Path) -> None:
    parts = [("", 1, "Lead."), ("A", 2, "1"), ("B", 3, "2"), ("C", 3, "3"), ("D", 2, "4")]
    row = {
        "t": "X",
        "q": "Q5",
        "l": "simplewiki",
        "s": [dict(zip(("title", "depth", "body"), part, strict=True)) for part in parts],
    }
    names = FieldMap("t", "q", "l", None, "s", heading="title", level="depth", value="body")
    (page,) = read_structured(write(tmp_path / "x.parquet", [row]), names)
    assert page.language == "en-simple"
    assert [(part.heading_path, part.text) for part in page.sections] == [
        ((), "Lead."),
        (("A",), "1"),
        (("A", "B"), "2"),
        (("A", "C"), "3"),
        (("D",), "4"),
    ]


def test_rows_of_no_use_are_counted(tmp_path: Path) -> None:
    french = {"in_language": {"identifier": "fr", "name": "français"}}
    rows = [
        SPREE,
        SPREE | french,
        SPREE | {"name": " "},
        SPREE | {"main_entity": None},
        SPREE | {"main_entity": {"identifier": "L7", "url": ""}},
        SPREE | {"sections": None},
        SPREE | {"sections": [section("Verlauf", paragraph("  "))]},
    ]
    counts = StructuredCounts()
    pages = list(read_structured(write(tmp_path / "de.parquet", rows), languages=["de", "en"], counts=counts))
    assert pages == [SPREE_PAGE]
    assert (counts.rows, counts.pages, counts.other_languages) == (7, 1, 1)
    assert (counts.without_title, counts.without_item, counts.without_text) == (1, 2, 2)


@pytest.mark.parametrize(
    ("row", "names", "message"),
    [
        (
            SPREE,
            {"item": "wikidata"},
            r"de\.parquet: table must have the field 'wikidata', got identifier, in_language",
        ),
        (SPREE, {"item": "main_entity.id"}, r"field 'main_entity.id', got identifier, url instead of 'id'"),
        (SPREE, {"item": "name.id"}, r"field 'name.id', got no fields instead of 'id'"),
        (SPREE | {"identifier": "nine"}, {}, r"de\.parquet, row 0: page number must be an integer, got 'nine'"),
        (SPREE | {"in_language": {"identifier": None}}, {}, r"row 0: language must be a code, got None"),
        (SPREE | {"sections": 7}, {}, r"row 0: parts must be a list, got '7'"),
        (SPREE | {"sections": ["a"]}, {}, r"row 0: parts must hold structures, got 'a'"),
        (SPREE, {"text": "name", "sections": None, "item": "identifier"}, None),
        (SPREE, {"text": "identifier", "sections": None}, r"row 0: text must be text, got '9'"),
    ],
)
def test_fields_that_are_not_there_or_wrong(tmp_path: Path, row: dict, names: dict, message: str | None) -> None:
    row = dict(sorted(row.items()))
    path = write(tmp_path / "de.parquet", [row])
    if message is None:
        assert [page.item for page in read_structured(path, FieldMap(**names))] == [9]
        return
    with pytest.raises(ValueError, match=message):
        list(read_structured(path, FieldMap(**names)))


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("title,text")
    with pytest.raises(ValueError, match=r"a\.parquet: file must be Parquet"):
        list(read_structured(tmp_path / "a.parquet"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="folder must hold Parquet files, got none"):
        list(read_structured(tmp_path / "empty"))


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("- title", r"fields\.yaml: field map must be names and fields"),
        ("titel: name", r"fields\.yaml: field map must have names of title, item, .*, got 'titel'"),
        ("title: 7", r"fields\.yaml: title must be the name of a field, got 7"),
        ("title: [", r"fields\.yaml: field map must be YAML"),
        ("sections: null", r"must have one of sections and text, got None and None"),
        ("language: null", r"must have one of language and fixed_language"),
    ],
)
def test_field_maps_that_do_not_read(tmp_path: Path, yaml: str, message: str) -> None:
    (tmp_path / "fields.yaml").write_text(yaml)
    with pytest.raises(ValueError, match=message):
        FieldMap.load(tmp_path / "fields.yaml")


@given(st.text(st.sampled_from("= \na*#é"), max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_has_sections_that_hold_all_its_words(text: str) -> None:
    sections = sections_of_text(text)
    assert [part.number for part in sections] == list(range(len(sections))) and sections[0].heading_path == ()
    found = "".join(part.text + "".join(part.heading_path[-1:]) for part in sections)
    assert sum(map(found.count, "aé")) == sum(map(text.count, "aé"))
