"""Rows of JSONL files: sections as objects, one a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from xlretrieval.data.files import read_lines
from xlretrieval.data.languages import is_language_code
from xlretrieval.data.values import is_unicode, shorten


class JsonlRow(NamedTuple):
    """One row of a JSONL file, checked."""

    corpus: str
    document: str
    section: str
    language: str
    document_title: str
    heading_path: tuple[str, ...]
    text: str

    @property
    def article_id(self) -> str:
        """The document within its corpus; the same in all languages."""
        return f"{self.corpus}/{self.document}" if self.corpus else self.document


_REQUIRED: dict[str, tuple[type, ...]] = {
    "doc": (str, int),
    "sec": (str, int),
    "lang": (str,),
    "doctitle": (str,),
    "text": (str,),
}
_OPTIONAL = ("corpus", "heading", "title")


def _parse_row(line: str, where: str) -> JsonlRow:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{where}: row must be valid JSON, got {shorten(line)} ({error}). Correct the line."
        ) from error
    if not isinstance(row, dict):
        raise ValueError(f"{where}: row must be a JSON object, got {shorten(row)}. Write one object a line.")
    for key, types in _REQUIRED.items():
        if key not in row:
            raise ValueError(f"{where}: row must have the field {key!r}, got {shorten(list(row))}. Add it.")
        # An exact test: a bool is an int to isinstance.
        if type(row[key]) not in types:
            names = " or ".join("a string" if kind is str else "an integer" for kind in types)
            raise ValueError(f"{where}: {key} must be {names}, got {shorten(row[key])}. Correct the field.")
    for key in _OPTIONAL:
        if row.get(key) is not None and type(row[key]) is not str:
            raise ValueError(f"{where}: {key} must be a string, got {shorten(row[key])}. Correct or leave it out.")
    if not is_language_code(row["lang"]):
        raise ValueError(
            f"{where}: lang must be a language code like 'en' or 'zh-Hans', got {shorten(row['lang'])}. Correct it."
        )
    corpus, heading, title = (row.get(key) or "" for key in _OPTIONAL)
    path = tuple(part for part in (heading, title) if part)
    parsed = JsonlRow(corpus, str(row["doc"]), str(row["sec"]), row["lang"], row["doctitle"], path, row["text"])
    # The line itself was valid UTF-8, so half a surrogate pair can only come from an escape.
    if "\\u" in line:
        for text in (*parsed[:5], *path, parsed.text):
            if not is_unicode(text):
                raise ValueError(f"{where}: text must be Unicode, got a lone surrogate in {shorten(text)}. Remove it.")
    return parsed


def read_jsonl(path: str | Path) -> Iterator[JsonlRow | None]:
    """Reads a JSONL file, plain or `.gz`.

    Rows are `{"corpus", "doc", "sec", "lang", "doctitle", "heading", "title", "text"}`; corpus, heading and title may
    be missing or null, other keys are ignored. `doc` and `sec` may be integers.

    Args:
        path: The file.

    Yields:
        A row, or None for a blank line.

    Raises:
        ValueError: A line is not UTF-8, not JSON, or lacks a field or has one of the wrong type; or the compressed
            data is damaged. The message names file and line.
        OSError: The file cannot be opened.
    """
    for number, line in read_lines(path):
        yield _parse_row(line, f"{path}, line {number}") if line.strip() else None
