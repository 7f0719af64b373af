"""The report of a run as one HTML file that opens anywhere: no scripts, no network, pictures inside.

Text of documents is shown as text: the template escapes all of it, and the page forbids scripts and addresses besides.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlretrieval.data.files import write_text
from xlretrieval.evaluation.report import Estimate, Measurement

from . import descriptions
from .card_evaluations import losses
from .card_metadata import model_languages
from .corpus_examples import aligned_examples
from .evaluation import Evaluation, label
from .evaluations import read_evaluations
from .json_records import read_record
from .ranked_examples import RankedExample, first_relevant_rank, shown_candidates
from .records import ModelRecords, read_model
from .versions import run_versions

__all__ = ["RankedExample", "write_report_page"]

TEMPLATE = Path(__file__).with_name("report_page.html")


def write_report_page(
    path_html: str | Path,
    title: str,
    model_folder: str | Path,
    evaluations: Iterable[str | Path] = (),
    corpus_folder: str | Path | None = None,
    commands: Sequence[str | tuple[str, float]] = (),
    rankings: Sequence[RankedExample] = (),
    cache_dir: str | Path | None = None,
    notes: Sequence[str] = (),
) -> Path:
    """Writes the report: results first, then rankings, training, corpus, and how it was made.

    Args:
        path_html: The file; it is replaced.
        title: Of the page.
        model_folder: The trained model with its records.
        evaluations: Folders that `xlretrieval evaluate --output` wrote.
        corpus_folder: What it was trained on; for its counts and for examples of aligned sections.
        commands: What was run, in order; (command, minutes) where the time is known.
        rankings: Queries with their candidates before and after.
        cache_dir: Of the corpus, see `AlignedSections.load`.
        notes: What a reader of the headline should know besides; a paragraph each.

    Returns:
        The file.

    Raises:
        ValueError: A folder is not what it should be, or a record is damaged (the file is named).
        OSError: A file cannot be read or written.
    """
    model = read_model(model_folder)
    results = read_evaluations(evaluations)
    page = _template().render(
        title=title,
        notes=notes,
        model=_model(model),
        evaluations=[_evaluation(evaluation) for evaluation in results],
        rankings=[_ranking(example) for example in rankings],
        corpus=_corpus(Path(corpus_folder), cache_dir) if corpus_folder else None,
        commands=[(command, None) if isinstance(command, str) else command for command in commands],
        versions=run_versions(model, results),
    )
    write_text(path_html, page.rstrip() + "\n")
    return Path(path_html)


def _template() -> Any:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))


def _picture(path: Path | None) -> str:
    """A `data:` address of a PNG, "" without one."""
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}" if path else ""


def _model(model: ModelRecords) -> dict[str, Any]:
    return {
        "name": model.folder.resolve().name,
        "trained": model.trained,
        "languages": model_languages(model),
        "origins": model.origins,
        "architecture": descriptions.architecture(model),
        "objectives": descriptions.objectives(model),
        "settings": descriptions.settings(model) if model.pretraining else [],
        "held_out": [(what, f"{first:.3f}", f"{last:.3f}") for what, first, last in descriptions.held_out(model)],
        "curves": _picture(model.curves),
    }


@dataclass(frozen=True)
class Bar:
    """A value and its interval on the axis of a metric, in percent of its length.

    Attributes:
        value: End of the bar.
        low: Beginning of the whisker, None without an interval.
        high: End of the whisker.
    """

    value: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, estimate: Estimate | None, axis: float) -> Bar | None:
        """From an estimate and the end of an axis that begins at 0."""
        if estimate is None:
            return None
        numbers = (estimate.value, estimate.low, estimate.high)
        return cls(*(None if n is None else round(min(max(n / axis, 0), 1) * 100, 2) for n in numbers))


def _evaluation(evaluation: Evaluation) -> dict[str, Any]:
    rows = evaluation.rows()
    top = evaluation.summary()
    chance = evaluation.chance()
    shown = [*evaluation.rows(mean=True), *rows]
    axis = _axis(shown, evaluation.highest)
    better, worse, compared = evaluation.verdict()
    others = [row for row in evaluation.measurements if row.metric != evaluation.metric]
    return {
        "title": evaluation.title,
        "metric": label(evaluation.metric),
        "headline": _numbers(top, evaluation.digits, axis),
        "verdict": (better, worse, compared) if top.task == "mean" and compared else None,
        "unit": "%" if evaluation.task == "alignment" else "",
        "protocol": evaluation.protocol().replace("`", ""),
        "axis": f"{axis:g}",
        "chance": None if chance is None or chance > axis else round(chance / axis * 100, 2),
        "chance_value": "" if chance is None else f"{chance:.2f}",
        "compared": any(row.before for row in evaluation.measurements),
        "rows": [_numbers(row, evaluation.digits, axis) for row in shown],
        "others": [_numbers(row, evaluation.digits, axis) for row in others],
        "picture": _picture(evaluation.heat_map),
        "losses": losses(evaluation),
    }


def _axis(rows: Sequence[Measurement], highest: float) -> float:
    """Where the axis of the bars ends: bars of 2% on an axis to 100% could not be told apart."""
    ends = [0.0]
    for row in rows:
        for estimate in (row.before, row.after):
            if estimate is not None:
                ends.append(estimate.value if estimate.high is None else estimate.high)
    return next((part * highest for part in (0.1, 0.2, 0.5) if max(ends) <= part * highest), highest)


def _numbers(row: Measurement, digits: int, axis: float) -> dict[str, Any]:
    """A row of a table: numbers as text, bars, and what the difference means."""

    def interval(estimate: Estimate | None, sign: str = "") -> str:
        if estimate is None or estimate.low is None or estimate.high is None:
            return ""
        return f"{estimate.low:{sign}.{digits}f} to {estimate.high:{sign}.{digits}f}"

    difference = row.difference
    direction = ""
    if difference is not None and difference.low is not None and difference.high is not None:
        direction = "better" if difference.low > 0 else "worse" if difference.high < 0 else "unclear"
    return {
        "task": row.task,
        "metric": label(row.metric),
        "n": row.n,
        "after": f"{row.after.value:.{digits}f}",
        "after_interval": interval(row.after),
        "before": f"{row.before.value:.{digits}f}" if row.before else "",
        "before_interval": interval(row.before),
        "difference": f"{difference.value:+.{digits}f}" if difference else "",
        "difference_interval": interval(difference, "+"),
        "direction": direction,
        "bar": Bar.of(row.after, axis),
        "bar_before": Bar.of(row.before, axis),
    }


def _ranking(example: RankedExample) -> dict[str, Any]:
    return {
        "query": example.query,
        "query_language": example.query_language,
        "document_language": example.document_language,
        "candidates": len(example.after),
        "sides": [
            ("Before", shown_candidates(example.before), first_relevant_rank(example.before)),
            ("After", shown_candidates(example.after), first_relevant_rank(example.after)),
        ],
    }


def _corpus(folder: Path, cache_dir: str | Path | None) -> Mapping[str, Any]:
    record = folder / "provenance.json"
    corpus = descriptions.corpus(read_record(record) if record.is_file() else {})
    return {
        "origin": corpus.origin,
        "sections": corpus.sections,
        "pairs": corpus.pairs,
        "counts": corpus.counts,
        "examples": aligned_examples(folder, cache_dir=cache_dir),
    }
