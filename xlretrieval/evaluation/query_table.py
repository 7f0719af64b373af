"""What happened on every query, as a table for spreadsheets and as JSON: means hide which queries were lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xlretrieval.data.files import write_text

from .comparison import MeasuredRanking
from .report import write_json


def query_rows(measured: Sequence[MeasuredRanking]) -> list[dict[str, object]]:
    """One row per task and query.

    Returns:
        Rows with `task`, `query`, `text` (where queries are known), `judged` and `relevant` (number of documents),
        and for each side `retrieved.after` (number of documents that were ranked; 0 for a missing query), `AP.after`,
        `AP.before` and so on; with two sides `AP.difference`. All rows have the same keys.
    """
    sides = [side for side in ("before", "after") if any(side in task.results for task in measured)]
    rows = []
    for task in measured:
        for query, judged in task.ranking.qrels.items():
            row: dict[str, object] = {
                "task": task.ranking.task,
                "query": query,
                "text": task.ranking.queries.get(query, ""),
                "judged": len(judged),
                "relevant": sum(relevance > 0 for relevance in judged.values()),
            }
            row |= {f"retrieved.{side}": len(task.ranking.runs[side].get(query, ())) for side in sides}
            for metric in task.results["after"].mean:
                values = {side: task.results[side].per_query[query][metric] for side in sides}
                row |= {f"{metric}.{side}": value for side, value in values.items()}
                if len(sides) == 2:
                    row[f"{metric}.difference"] = values["after"] - values["before"]
            rows.append(row)
    return rows


def write_query_table(measured: Sequence[MeasuredRanking], folder: str | Path) -> None:
    """Writes `queries.tsv` and `queries.json`, the rows of `query_rows`.

    In the TSV, numbers have six decimals and white space in texts is a space; in the JSON, all is as it is.
    """
    rows = query_rows(measured)
    lines = ["\t".join(rows[0])]
    lines += ["\t".join(_cell(value) for value in row.values()) for row in rows]
    write_text(Path(folder) / "queries.tsv", "".join(f"{line}\n" for line in lines))
    write_json(Path(folder) / "queries.json", rows)


def _cell(value: object) -> str:
    return f"{value:.6f}" if isinstance(value, float) else " ".join(str(value).split())
