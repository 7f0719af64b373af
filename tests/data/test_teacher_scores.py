"""Scores to distil from: a run, or a column of a table in three formats."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from xlretrieval.data.teacher_scores import read_teacher

ROWS = [
    {"query": "1", "document": "a", "bm25": 3.0, "cross": 7.5},
    {"query": "1", "document": "b", "bm25": 1.0, "cross": -2.25},
    {"query": "2", "document": "a", "bm25": 2.0, "cross": 0.5},
]
SCORES = {"1": {"a": 7.5, "b": -2.25}, "2": {"a": 0.5}}


def test_a_run(tmp_path: Path):
    path = tmp_path / "teacher.run"
    path.write_text("1 Q0 a 1 7.5 t\n1 Q0 b 2 -2.25 t\n2 Q0 a 1 0.5 t\n")
    assert read_teacher(path) == SCORES


def test_a_column_of_a_table(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "t.parquet")
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    lines = ["\t".join(ROWS[0]), *("\t".join(map(str, row.values())) for row in ROWS)]
    (tmp_path / "t.tsv.gz").write_bytes(gzip.compress("\n".join(lines).encode() + b"\n"))
    for name in ("t.parquet", "t.jsonl", "t.tsv.gz"):
        assert read_teacher(tmp_path / name, "cross") == SCORES
    assert read_teacher(tmp_path / "t.parquet", "bm25")["1"]["b"] == 1.0


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.jsonl", '{"query": 1, "document": "a"}\n', "line 1: a row must have query, document, s, got none for s"),
        ("t.jsonl", '{"query": 1, "document": "a", "s": "high"}\n', "line 1: s must be a finite number, got 'high'"),
        ("t.jsonl", '{"query": 1, "document": "a", "s": NaN}\n', "line 1: s must be a finite number"),
        ("t.jsonl", '{"query": 1,\n', "line 1: a line must be JSON"),
        ("t.jsonl", "[1]\n", "line 1: a line must be a JSON object"),
        ("t.tsv", "query\tdocument\ts\n1\ta\t1\n1\ta\t2\n", "line 3: a document must occur once per query, got a"),
        ("t.tsv", "query\tdocument\ts\n1\ta\n", "line 2: a row must have query, document, s"),
        ("t.tsv", "query\tdocument\ts\n", "a table must have at least one row"),
        ("t.parquet", "PAR1", "the table must be Parquet"),
    ],
)
def test_mistakes(name, text, message, tmp_path: Path):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message) as raised:
        read_teacher(tmp_path / name, "s")
    assert str(tmp_path / name) in str(raised.value)
