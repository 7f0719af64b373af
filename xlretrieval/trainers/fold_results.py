"""What each fold measured, and the table over all of them.

A fold's folder has its runs, one per data set in TREC format, and `metrics.json`, which is written last: where it is,
the fold is finished. Nothing here depends on time or on how often a run was interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from xlretrieval.data.files import write_text
from xlretrieval.data.ranking_examples import CollectionQueries
from xlretrieval.data.trec import Run, read_run, write_qrels, write_run
from xlretrieval.evaluation.report import write_json
from xlretrieval.trainers.judged_queries import pooled_map


@dataclass(frozen=True)
class FoldResult:
    """One fold.

    Attributes:
        fold: Its number, from 1.
        best_epoch: The epoch with the best dev MAP.
        best_step: Its last optimizer step.
        dev_map: There, on the dev queries.
        map: There, on the test queries, each of which weighs the same.
        average_precision: Data set -> test query -> average precision.
        dev_maps: Epoch -> dev MAP, of all that were evaluated.
        counts: Examples, and what was cut or left out. What training cut is counted since the last start.
    """

    fold: int
    best_epoch: float
    best_step: int
    dev_map: float
    map: float
    average_precision: dict[str, dict[str, float]]
    dev_maps: dict[str, float] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)

    @property
    def queries(self) -> int:
        """Number of test queries, over the data sets."""
        return sum(map(len, self.average_precision.values()))


def fold_folder(output: Path, fold: int) -> Path:
    """`output/fold-1`."""
    return output / f"fold-{fold}"


def write_fold(result: FoldResult, runs: dict[str, Run], output: Path) -> None:
    """Writes the runs, then the metrics."""
    folder = fold_folder(output, result.fold)
    for name, run in runs.items():
        write_run(run, folder / f"{name}.run")
    write_json(folder / "metrics.json", asdict(result))


def read_fold(output: Path, fold: int) -> FoldResult | None:
    """A fold's result, or None when it is not finished.

    Raises:
        ValueError: The file is not what was written.
    """
    path = fold_folder(output, fold) / "metrics.json"
    if not path.exists():
        return None
    try:
        return FoldResult(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{path}: the metrics of a fold must be whole, got: {error}. Delete the fold's folder."
        ) from None


def summarize(results: Sequence[FoldResult], parts: Sequence[CollectionQueries], output: Path) -> dict[str, Any]:
    """Pools the folds, and writes `results.json`, `table.md`, and for each data set its run and judgements.

    Args:
        results: Of all folds.
        parts: The data sets that were tested.
        output: The folder with the folds.

    Returns:
        What `results.json` holds: the MAP over all queries, each in the fold that tests it, and that of every fold
        and data set.
    """
    pooled = {
        part.name: {query: value for result in results for query, value in result.average_precision[part.name].items()}
        for part in parts
    }
    for part in parts:
        run: Run = {}
        for result in results:
            path = fold_folder(output, result.fold) / f"{part.name}.run"
            run |= read_run(path) if result.average_precision[part.name] else {}
        write_run(run, output / f"{part.name}.run")
        write_qrels(
            {query: part.collection.qrels[query] for query in pooled[part.name]}, output / f"{part.name}.qrels"
        )
    summary = {
        "map": pooled_map(pooled),
        "queries": sum(map(len, pooled.values())),
        "data": {name: {"map": pooled_map({name: of}), "queries": len(of)} for name, of in pooled.items()},
        "folds": [
            {
                "fold": result.fold,
                "queries": result.queries,
                "best_epoch": result.best_epoch,
                "dev_map": result.dev_map,
                "map": result.map,
            }
            for result in results
        ],
        "average_precision": pooled,
    }
    write_json(output / "results.json", summary)
    write_text(output / "table.md", render_table(summary))
    return summary


def render_table(summary: dict[str, Any]) -> str:
    """The table of `summarize`, as Markdown."""
    lines = ["| fold | queries | best epoch | dev MAP | test MAP |", "|---|---|---|---|---|"]
    for fold in summary["folds"]:
        measured = f"{fold['dev_map']:.4f} | {fold['map']:.4f}"
        lines.append(f"| {fold['fold']} | {fold['queries']} | {fold['best_epoch']:g} | {measured} |")
    lines.append(f"| all | {summary['queries']} | | | **{summary['map']:.4f}** |")
    if len(summary["data"]) > 1:
        lines += ["", "| data set | queries | test MAP |", "|---|---|---|"]
        lines += [f"| {name} | {of['queries']} | {of['map']:.4f} |" for name, of in summary["data"].items()]
    return "\n".join(lines) + "\n"
