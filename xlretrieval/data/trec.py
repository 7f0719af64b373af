"""Runs and relevance judgements in the format of TREC."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .files import read_lines, write_text

# Query -> document -> score, or relevance.
Run = dict[str, dict[str, float]]
Qrels = dict[str, dict[str, int]]


def _read_table(path: str | Path, columns: Sequence[str], value: int, kind: type) -> dict[str, dict[str, float]]:
    """Reads query, document (columns 0 and 2) and one value; every error names file and line."""
    table: dict[str, dict[str, float]] = {}
    places: dict[tuple[str, str], int] = {}
    for number, line in read_lines(path):
        cells = line.split()
        if not cells:
            continue
        if len(cells) != len(columns):
            raise ValueError(
                f"{path}, line {number}: a line must have {len(columns)} columns ({' '.join(columns)}), got "
                f"{len(cells)}. Repair the line."
            )
        query, document = cells[0], cells[2]
        try:
            parsed = kind(cells[value])
        except ValueError:
            parsed = math.nan
        if not math.isfinite(parsed):
            expected = "an integer" if kind is int else "a finite number"
            raise ValueError(
                f"{path}, line {number}: {columns[value]} must be {expected}, got {cells[value]!r}. Repair the line."
            )
        if (query, document) in places:
            raise ValueError(
                f"{path}, line {number}: a document must occur once per query, got {document} of query {query} which "
                f"is also in line {places[query, document]}. Remove one of them."
            )
        places[query, document] = number
        table.setdefault(query, {})[document] = parsed
    if not table:
        raise ValueError(f"{path}: a file must have at least one line, got none. Check the path.")
    return table


def read_run(path: str | Path) -> Run:
    """Reads a run: lines `query Q0 document rank score tag`, plain or `.gz`. The score counts, not the rank.

    Raises:
        ValueError: With file and line: another number of columns, a score that is not a finite number, a document
            twice for a query (both lines are named), not UTF-8; or an empty file.
    """
    return _read_table(path, ("query", "Q0", "document", "rank", "score", "tag"), 4, float)


def read_qrels(path: str | Path) -> Qrels:
    """Reads judgements: lines `query iteration document relevance`, plain or `.gz`.

    Raises:
        ValueError: As `read_run`; the relevance must be an integer.
    """
    return _read_table(path, ("query", "iteration", "document", "relevance"), 3, int)


def rank_documents(documents: Mapping[str, float]) -> list[str]:
    """Documents as trec_eval ranks them: by score as float32, ties by document id, the later one first."""
    return sorted(documents, key=lambda document: (np.float32(documents[document]), document), reverse=True)


def _identifier(value: str, what: str) -> str:
    """An id that survives a file of whitespace-separated columns."""
    if not value or value.split() != [value]:
        raise ValueError(f"A {what} id must be one word, got {value!r}. Replace the white space in it.")
    return value


def write_run(run: Mapping[str, Mapping[str, float]], path: str | Path, tag: str = "xlretrieval") -> None:
    """Writes a run in TREC format, whole or not at all; ranks are the ones that trec_eval would give.

    Raises:
        ValueError: An id contains white space, or a score is not finite.
    """
    lines = []
    for query, documents in run.items():
        for rank, document in enumerate(rank_documents(documents), start=1):
            score = float(documents[document])
            if not math.isfinite(score):
                raise ValueError(
                    f"A score must be finite, got {score} for document {document} of query {query}. "
                    "Look for NaN in the model."
                )
            ids = _identifier(query, "query"), _identifier(document, "document")
            lines.append(f"{ids[0]} Q0 {ids[1]} {rank} {score!r} {_identifier(tag, 'tag')}\n")
    write_text(path, "".join(lines))


def write_qrels(qrels: Mapping[str, Mapping[str, int]], path: str | Path) -> None:
    """Writes judgements in TREC format, whole or not at all.

    Raises:
        ValueError: An id contains white space.
    """
    lines = [
        f"{_identifier(query, 'query')} 0 {_identifier(document, 'document')} {int(relevance)}\n"
        for query, documents in qrels.items()
        for document, relevance in documents.items()
    ]
    write_text(path, "".join(lines))
