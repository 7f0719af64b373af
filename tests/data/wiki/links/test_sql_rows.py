"""Rows of SQL dumps: what mysqldump writes is read back, and what is wrong is named by file, line and row."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlretrieval.data.wiki.links.sql_rows import SqlCounts, read_sql_rows

CREATE = """-- MySQL dump 10.19
/*!40101 SET NAMES binary */;
DROP TABLE IF EXISTS `page_props`;
CREATE TABLE `page_props` (
  `pp_page` int(10) unsigned NOT NULL,
  `pp_propname` varbinary(60) NOT NULL DEFAULT '' COMMENT 'a, `b`, (c);',
  `pp_value` blob NOT NULL,
  `pp_sortkey` decimal(10,2) DEFAULT NULL,
  PRIMARY KEY (`pp_page`,`pp_propname`),
  UNIQUE KEY `pp_propname_page` (`pp_propname`,`pp_page`)
) ENGINE=InnoDB DEFAULT CHARSET=binary;

LOCK TABLES `page_props` WRITE;
/*!40000 ALTER TABLE `page_props` DISABLE KEYS */;
"""
INSERT = "INSERT INTO `page_props` VALUES "
END = "/*!40000 ALTER TABLE `page_props` ENABLE KEYS */;\nUNLOCK TABLES;\n-- Dump completed on 2026-11-01\n"
COLUMNS = ("pp_page", "pp_propname", "pp_value", "pp_sortkey")


@pytest.fixture
def dump(tmp_path: Path):
    def write(content: str | bytes, name: str = "page_props.sql") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def read(path: Path, columns: tuple[str, ...] = COLUMNS, table: str = "page_props", **options: Any) -> list[tuple]:
    return list(read_sql_rows(path, table, columns, **options))


def literal(value: str | int | float | None, doubled: bool = False) -> str:
    if value is None:
        return "NULL"
    if not isinstance(value, str):
        return repr(value)
    text = value.replace("\\", "\\\\").replace("'", "''" if doubled else "\\'").replace('"', '\\"')
    for character, escape in (("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0"), ("\x1a", "\\Z")):
        text = text.replace(character, escape)
    return f"'{text}'"


def test_values_of_every_kind(dump) -> None:
    rows = (
        r"(64,'wikibase_item','Q64',NULL),(-7,'it\'s \"x\" \\ \n\r\t\0\Z \%','it''s',-12.50),"
        "(18446744073709551615,'',_binary 'a),(b;',1e-7),(0,'Дом 𝄞',0xC3A9,0);\n"
    )
    assert read(dump(CREATE + INSERT + rows + END)) == [
        (64, "wikibase_item", "Q64", None),
        (-7, 'it\'s "x" \\ \n\r\t\0\x1a %', "it's", -12.5),
        (18446744073709551615, "", "a),(b;", 1e-7),
        (0, "Дом 𝄞", "é", 0),
    ]


def test_columns_come_in_the_order_asked_for_and_others_are_not_decoded(dump) -> None:
    path = dump(CREATE.encode() + INSERT.encode() + b"(1,'\xff','Q1',2.5);\n" + END.encode())
    assert read(path, ("pp_value", "pp_page")) == [("Q1", 1)]


@pytest.mark.parametrize("value", ["'wikibase_item'", "_binary 'wikibase_item'"])
def test_where_keeps_equal_rows_and_counts_all(dump, value: str) -> None:
    path = dump(CREATE + INSERT + f"(1,'defaultsort','x',NULL),(2,{value},'Q5',NULL);\n" + END)
    counts = SqlCounts()
    assert read(path, ("pp_page",), where={"pp_propname": "wikibase_item"}, counts=counts) == [(2,)]
    assert (counts.rows, counts.not_utf8) == (2, 0)
    with pytest.raises(ValueError, match="letters, digits"):
        read(path, where={"pp_propname": "it's"})


def test_statements_of_many_lines_other_tables_and_column_lists(dump) -> None:
    text = (
        "CREATE TABLE other (\n  pp_page int\n);\nINSERT INTO `other` VALUES (1),(2);\n"
        "CREATE TABLE page_props (pp_page int NOT NULL, pp_value blob, KEY x (pp_page));\n"
        "INSERT INTO page_props VALUES\n(1,'a'),\n(2,'b');\n"
        "insert into `page_props` (`pp_value`, `pp_page`) values ('c',3) , ('d' , 4) ;\n"
    )
    assert read(dump(text), ("pp_page", "pp_value")) == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]


def test_without_create_table_the_columns_are_mediawikis(dump) -> None:
    path = dump("INSERT INTO `langlinks` VALUES (47926106,'fr',''),(5,'de','Köln');\n", "langlinks.sql")
    assert read(path, ("ll_title", "ll_from"), "langlinks") == [("", 47926106), ("Köln", 5)]
    path = dump("INSERT INTO `mystery` VALUES (1);\n", "mystery.sql")
    with pytest.raises(ValueError, match="mystery.sql, line 1: table 'mystery' must be defined by a CREATE TABLE"):
        read(path, ("a",), "mystery")


def test_gzip_is_told_by_content(dump) -> None:
    path = dump(gzip.compress((CREATE + INSERT + "(1,'a','b',NULL);\n" + END).encode()), "page_props.download")
    assert read(path, ("pp_page",)) == [(1,)]


def test_a_table_without_rows(dump) -> None:
    assert read(dump(CREATE + END)) == []


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        ("page", ("page_id",), r"must hold the table 'page', got none of it in 18 lines"),
        ("page_props", ("pp_page", "pp_item"), r"must have the column 'pp_item', got pp_page, pp_propname, pp_value"),
    ],
)
def test_missing_table_or_column(dump, table: str, columns: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(dump(CREATE + INSERT + "(1,'a','b',NULL);\n" + END), columns, table)


def test_text_that_is_not_utf8(dump) -> None:
    rows = b"(1,'a','b',NULL),(2,'a','\xe4\xf6',NULL),(3,'a','c',NULL);\n"
    path = dump(CREATE.encode() + INSERT.encode() + rows + END.encode())
    with pytest.raises(ValueError, match=r"page_props\.sql, line 15, row 2: text must be UTF-8, got byte 0xe4"):
        read(path)
    counts = SqlCounts()
    assert read(path, ("pp_page",), on_error="skip") == [(1,), (2,), (3,)]  # the bad column is not asked for
    assert read(path, ("pp_page", "pp_value"), on_error="skip", counts=counts) == [(1, "b"), (3, "c")]
    assert (counts.rows, counts.not_utf8) == (3, 1)


@pytest.mark.parametrize(
    ("row", "shown"),
    [("(2,'a','b')", "a list of values"), ("(2,'a','b',NULL,5)", "a list"), ("(2,'a','b',wrong)", "made of text")],
)
def test_a_row_that_does_not_read(dump, row: str, shown: str) -> None:
    path = dump(CREATE + INSERT + f"(1,'a','b',NULL),{row},(3,'a','b',NULL);\n" + END)
    with pytest.raises(ValueError, match=rf"page_props\.sql, line 15, row 2: a row must be .*{shown}"):
        read(path)


WHOLE = CREATE + INSERT + "(1,'a','b',NULL),(2,'a','b',NULL);\n" + INSERT + "(3,'a','b),(',NULL);\n" + END


def test_every_cut_is_noticed(dump) -> None:
    whole = read(dump(WHOLE))
    assert len(whole) == 3
    locked, unlocked = WHOLE.index("WRITE;") + 6, WHOLE.index("UNLOCK")
    for length in range(locked, unlocked):
        with pytest.raises(ValueError, match=r"line \d+: file must be whole, got one that is cut .* after \d rows"):
            read(dump(WHOLE[:length]))


@pytest.mark.parametrize("end", ["", "\n", ",", ",\n", ",(", ",\n(2,'d"])
def test_cuts_without_locks(dump, end: str) -> None:
    with pytest.raises(ValueError, match=r"line \d: file must be whole, got one that is cut or broken after 1 rows"):
        read(dump(f"INSERT INTO langlinks VALUES\n(1,'de','x'){end}"), ("ll_from",), "langlinks")


def test_a_cut_gzip_file_says_how_much_was_read(dump) -> None:
    rows = ",".join(f"({number},'{number * 7919 % 1009}','x',NULL)" for number in range(5_000))
    packed = gzip.compress((CREATE + f"{INSERT}{rows};\n" * 4 + END).encode())
    counts = SqlCounts()
    with pytest.raises(ValueError, match=r"cut or broken after [\d,]+ rows of 'page_props'.*Download it again"):
        read(dump(packed[: len(packed) // 2], "x.sql.gz"), counts=counts)
    assert 0 < counts.rows < 20_000


TEXT = st.text(st.characters(codec="utf-8"), max_size=20) | st.text("'\\\"(),;\n\0ab", max_size=12)
VALUES = TEXT | st.none() | st.integers(-(2**63), 2**64) | st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.lists(st.tuples(VALUES, VALUES, VALUES, VALUES), max_size=8),
    st.booleans(),
    st.sampled_from([",", ",\n", " , "]),
    st.permutations(COLUMNS),
)
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read(rows: list[tuple], doubled: bool, separator: str, columns: list[str]) -> None:
    written = separator.join(f"({','.join(literal(value, doubled) for value in row)})" for row in rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "page_props.sql")
        path.write_text(CREATE + (f"{INSERT}{written};\n" if rows else "") + END, encoding="utf-8", newline="")
        order = [COLUMNS.index(name) for name in columns]
        assert read(path, tuple(columns)) == [tuple(row[place] for place in order) for row in rows]


@given(st.binary(max_size=200) | st.text("(),'\\;ab1N\n", max_size=60).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_rows_or_a_clear_error(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "langlinks.sql")
        path.write_bytes(b"INSERT INTO langlinks VALUES " + content)
        try:
            rows = read(path, ("ll_from", "ll_lang"), "langlinks")
        except ValueError as error:
            assert "langlinks.sql" in str(error)
        else:
            assert all(len(row) == 2 for row in rows)
