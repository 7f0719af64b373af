"""Documents of an index from JSON lines, each with the file and the line it is in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from xlretrieval.data.collections.problems import Problems
from xlretrieval.data.files import read_lines
from xlretrieval.data.values import shorten

from .documents import SearchDocument, parse_document

STANDARD_INPUT = "-"


def read_search_documents(
    paths: Sequence[str | Path], problems: Problems, language: str = ""
) -> Iterator[SearchDocument]:
    """Yields the documents of files, every id once; memory grows with the number of ids only.

    Args:
        paths: Files of rows `{"id", "text"}` and maybe `"title"` and `"language"`, plain or `.gz`; "-" is the
            standard input.
        problems: Takes rows that are no document, and documents with the id of an earlier one.
        language: Of rows that do not say.

    Raises:
        OSError: A file cannot be opened.
        ValueError: There is a problem, and problems are errors; or a file is not UTF-8 or cut off.
    """
    places: dict[str, str] = {}
    for path in paths:
        name = "standard input" if str(path) == STANDARD_INPUT else str(path)
        for number, line in read_lines("/dev/stdin" if str(path) == STANDARD_INPUT else path):
            if not line.strip():
                continue
            where = f"{name}, line {number}"
            try:
                document = parse_document(_row(line))
            except ValueError as error:
                problems.report("no document", where, str(error))
                continue
            first = places.setdefault(document.id, where)
            if first != where:
                message = f"an id must occur once, got {shorten(document.id)} which is also at {first}. Remove one."
                problems.report("duplicate document", where, message)
                continue
            yield document if document.language else replace(document, language=language)


def _row(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"a row must be JSON, got {shorten(line)} ({error}). Correct it.") from None
