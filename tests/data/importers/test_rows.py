"""Rows of JSONL files: whatever the bytes are, a row or an error that names the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlretrieval.data.importers import read_jsonl

ROW = {"corpus": "c", "doc": "d", "sec": "1", "lang": "en", "doctitle": "", "text": "text"}
per_example = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@per_example
@given(
    content=st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")), compressed=st.booleans()
)
def test_random_bytes_are_value_errors(tmp_path: Path, content: bytes, compressed: bool) -> None:
    path = tmp_path / ("rows.jsonl.gz" if compressed else "rows.jsonl")
    path.write_bytes(content)
    try:
        rows = list(read_jsonl(path))
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert all(found is None for found in rows)


@per_example
@given(
    st.dictionaries(
        st.sampled_from(["corpus", "doc", "sec", "lang", "doctitle", "title", "heading", "text"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2),
    )
)
def test_random_fields_are_rows_or_value_errors(tmp_path: Path, fields: dict[str, Any]) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROW | fields))
    try:
        (found,) = read_jsonl(path)
    except ValueError as error:
        assert str(error).startswith(f"{path}, line 1: ")
    else:
        assert found is not None
        assert all(isinstance(value, str) for value in (*found[:5], *found.heading_path, found.text))
