"""One evaluation as a section of a card: means, the matrix of directions, every task, what was cut or dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from xlretrieval.evaluation.report import Measurement, markdown_table

from .evaluation import Evaluation, label
from .markdown import plain, table


def evaluation_section(evaluation: Evaluation, picture: str | None) -> dict[str, Any]:
    """What the card's template shows of an evaluation.

    Args:
        evaluation: The measurements.
        picture: Name of the heat map beside the card.
    """
    rows = [replace(row, task=plain(row.task), metric=plain(row.metric)) for row in evaluation.measurements]
    means = [replace(row, metric=label(row.metric)) for row in rows if row.task == "mean"]
    chance = evaluation.chance()
    return {
        "title": plain(evaluation.title),
        "protocol": plain(evaluation.protocol()).replace("&#96;", "`"),
        "chance": f"A random order has an MRR of {chance:.3f}." if chance is not None else "",
        "means": markdown_table(means, evaluation.digits) if means else "",
        "table": markdown_table([row for row in rows if row.task != "mean"], evaluation.digits),
        "matrix": direction_matrix(evaluation),
        "matrix_label": "P@1" if evaluation.task == "alignment" else label(evaluation.metric),
        "axes": "the text's language in rows and the question's in columns"
        if evaluation.task == "qa"
        else "the query's language in rows and the document's in columns",
        "intervals": any(row.after.low is not None for row in rows),
        "tested": any(row.test for row in rows),
        "compared": any(row.before for row in rows),
        "picture": picture,
        "notes": plain(losses(evaluation)),
    }


def direction_matrix(evaluation: Evaluation) -> str:
    """Query languages in rows, document languages in columns; "" where tasks are no directions.

    Of questions, the languages of the texts are in rows.
    """
    directions = evaluation.directions()
    if not directions:
        return ""
    queries = sorted({query for query, _ in directions})
    documents = sorted({document for _, document in directions})

    def cell(row: Measurement | None) -> str:
        if row is None:
            return ""
        text = f"{row.after.value:.{evaluation.digits}f}"
        if row.difference is None:
            return text
        difference = f"({row.difference.value:+.{evaluation.digits}f})"
        low, high = row.difference.low, row.difference.high
        beyond = low is not None and high is not None and not low <= 0 <= high
        return f"{text} **{difference}**" if beyond else f"{text} {difference}"

    lines = [[query, *(cell(directions.get((query, document))) for document in documents)] for query in queries]
    corner = "text \\ question" if evaluation.task == "qa" else "query \\ document"
    return table([corner, *documents], lines)


def losses(evaluation: Evaluation) -> str:
    """What was cut, dropped or missing, summed over tasks; "" when nothing was. Equal sides share a sentence."""
    sides: dict[str, list[str]] = {}
    for side in ("before", "after"):
        details = [detail for detail in evaluation.details if detail.get("side") == side]
        dropped: dict[str, int] = {}
        for detail in details:
            for reason, count in (detail.get("dropped") or {}).items():
                dropped[reason] = dropped.get(reason, 0) + count
        parts = [f"{count:,} dropped ({reason})" for reason, count in dropped.items()]
        if cut := sum(detail.get("truncated") or 0 for detail in details):
            parts.append(f"{cut:,} texts cut to the model's length")
        if short := sum(detail.get("short") or 0 for detail in details):
            parts.append(f"{short:,} queries with fewer candidates than asked for")
        if missing := sum(len(detail.get("missing") or ()) for detail in details):
            parts.append(f"{missing:,} judged queries that are not in the run and count 0")
        if parts:
            sides.setdefault(", ".join(parts), []).append(side)
    return " ".join(f"{' and '.join(names).capitalize()}: {text}." for text, names in sides.items())
