"""`xlretrieval evaluate ranking`: runs from files or from models, measured, compared, tabulated and drawn."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .first_stage import TOP_K
from .ranked import Ranked
from .report import few, notes_on, report

if TYPE_CHECKING:
    from xlretrieval.evaluation.comparison import MeasuredRanking
    from xlretrieval.evaluation.language_bias import LanguageBias
    from xlretrieval.evaluation.report import Measurement

# What says nothing without a collection, and what says nothing without a reranker.
_OF_FIRST_STAGE = ("first_stage_pooling", "first_stage_layer")
_OF_COLLECTIONS = (
    *("direction", "candidates_run", "first_stage", *_OF_FIRST_STAGE),
    *("top_k", "limit_queries", "mix_languages", "cache_dir"),
)
_OF_PASSAGES = ("passage_tokens", "passage_stride")


def measure(arguments: argparse.Namespace, folder: Path | None, silent: bool = False) -> None:
    """Gets rankings from where the options say, and reports on them.

    Args:
        arguments: Of the command.
        folder: What is written goes here; None for nowhere.
        silent: Whether this process only helps to rank, and another one reports.
    """
    from xlretrieval.evaluation.language_bias import read_document_languages
    from xlretrieval.evaluation.ranking import check_metrics

    source = _source(arguments)
    # What can be wrong is checked before hours of scoring.
    check_metrics(arguments.metrics)
    languages = read_document_languages(arguments.document_languages) if arguments.document_languages else {}
    if source == "runs":
        from .runs import rank
    elif source == "collection":
        from .collection import rank
    else:
        from .held_out import rank
    ranked = rank(arguments, folder)
    if not silent:
        _report(arguments, folder, ranked, languages)


def _source(arguments: argparse.Namespace) -> str:
    """Where the rankings come from; options that contradict each other are errors."""
    given = [
        name for name in ("model", "corpus", "collection", "run", "baseline", "qrels") if getattr(arguments, name)
    ]
    names = ", ".join("--" + name for name in given)
    if {"run", "qrels"} & set(given) or ("baseline" in given and "collection" not in given):
        if {"run", "qrels"} - set(given) or {"model", "corpus", "collection"} & set(given):
            raise ValueError(
                f"Ranking must be given --run and --qrels, or --model and --corpus or --collection, got {names}. "
                "Give one or the other."
            )
        source = "runs"
    elif "corpus" in given and "collection" in given:
        raise ValueError(f"Ranking must be given --corpus or --collection, got {names}. Give one or the other.")
    else:
        source = "collection" if "collection" in given else "corpus"
    _refuse(arguments, _OF_COLLECTIONS if source != "collection" else (), "--collection")
    _refuse(arguments, _OF_PASSAGES if not arguments.passages else (), "--passages")
    _check_candidates(arguments)
    only_first_stage = arguments.first_stage and not arguments.model
    if arguments.passages and (source == "runs" or arguments.scorer == "embedding" or only_first_stage):
        got = "--run" if source == "runs" else "--first-stage alone" if only_first_stage else "--scorer embedding"
        raise ValueError(
            f"--passages must be given with a model that scores by its head, got {got}. Leave one of them out."
        )
    return source


def _check_candidates(arguments: argparse.Namespace) -> None:
    """Sets what is not given of the first stage, so that results.json has it."""
    if arguments.top_k is not None and not (arguments.candidates_run or arguments.first_stage):
        raise ValueError(
            "--top-k must be given with --candidates-run or --first-stage, got it without. Name what it cuts."
        )
    if arguments.first_stage is None:
        _refuse(arguments, _OF_FIRST_STAGE, "--first-stage")
        return
    if arguments.candidates_run:
        raise ValueError("Candidates must be of --candidates-run or --first-stage, got both. Give one or the other.")
    if arguments.before and not arguments.model:
        raise ValueError(
            "--before must be given with --model, got --first-stage alone. Add --model, or compare by --baseline."
        )
    for name, default in (("top_k", TOP_K), ("first_stage_pooling", "mean"), ("first_stage_layer", -1)):
        if getattr(arguments, name) is None:
            setattr(arguments, name, default)


def _refuse(arguments: argparse.Namespace, names: Sequence[str], wanted: str) -> None:
    wrong = [name for name in names if getattr(arguments, name) is not None and getattr(arguments, name) is not False]
    if wrong:
        option = "--" + wrong[0].replace("_", "-")
        raise ValueError(f"{option} must be given with {wanted}, got it without. Add {wanted}, or leave it out.")


def _report(
    arguments: argparse.Namespace, folder: Path | None, ranked: Ranked, document_languages: dict[str, str]
) -> None:
    """Measures and writes everything there is to say of the rankings."""
    from xlretrieval.evaluation.comparison import MeasuredRanking, measure
    from xlretrieval.evaluation.query_table import write_query_table
    from xlretrieval.evaluation.report import mean_over_tasks

    measured = [MeasuredRanking.of(ranking, arguments.metrics) for ranking in ranked.rankings]
    rows: list[Measurement] = measure(measured, arguments.seed)
    notes = [*notes_on(list(ranked.details.values())), *ranked.notes, *_absences(measured, ranked)]
    biases = _biases(document_languages, measured)
    extra: dict[str, Any] = {"collections": ranked.collections} if ranked.collections else {}
    if biases:
        extra["language_bias"] = {
            task: {side: bias.as_dict(arguments.seed) for side, bias in sides.items()}
            for task, sides in biases.items()
        }
        notes += [
            _bias_note(f"{task} ({side})", bias, arguments.seed)
            for task, sides in biases.items()
            for side, bias in sides.items()
        ]
    details = list(ranked.details.values())
    report(arguments, folder, rows + mean_over_tasks(rows), details, notes, 3, extra)
    if folder:
        write_query_table(measured, folder)
        _draw(arguments, folder, measured, biases)


def _absences(measured: Sequence[MeasuredRanking], ranked: Ranked) -> list[str]:
    """Names queries that are missing from a run, or that nobody judged; adds them to the details."""
    notes = []
    for task in measured:
        name = task.ranking.task
        for side, result in task.results.items():
            detail = ranked.details[name, side]
            detail |= {"missing": result.missing, "unjudged": result.unjudged}
            label = detail.get("run") or f"{name} ({side})"
            if result.missing:
                notes.append(
                    f"{label}: {len(result.missing)} of {len(task.ranking.qrels)} judged queries are missing and "
                    f"count 0: {few(result.missing)}"
                )
            if result.unjudged:
                notes.append(
                    f"{label}: {len(result.unjudged)} queries have no judgements and count nothing: "
                    f"{few(result.unjudged)}"
                )
    return notes


def _biases(
    document_languages: dict[str, str], measured: Sequence[MeasuredRanking]
) -> dict[str, dict[str, LanguageBias]]:
    """Task -> side -> bias, of tasks whose documents have languages."""
    from xlretrieval.evaluation.language_bias import language_bias

    biases = {}
    for task in measured:
        languages = document_languages or task.ranking.document_languages
        if languages:
            biases[task.ranking.task] = {
                side: language_bias(run, task.ranking.qrels, languages) for side, run in task.ranking.runs.items()
            }
    return biases


def _bias_note(label: str, bias: LanguageBias, seed: int) -> str:
    """Ranks by language and their tests in one line."""
    from xlretrieval.evaluation.report import format_p_value

    if bias.mixed_queries:
        ranks = [
            f"{entry['language']} {entry['mean_percentile']:.1f} (n={entry['relevant']})"
            for entry in bias.as_dict(seed)["languages"]
            if entry["mean_percentile"] is not None
        ]
        tests = [
            f"{test['first']}-{test['second']} {test['difference']:+.1f} over {test['queries']} queries, "
            f"p Holm {format_p_value(test['p_holm'])}"
            for test in bias.tests(seed)
            if test["p"] is not None
        ]
        text = f"mean rank percentile of relevant documents (0: top): {', '.join(ranks) or 'none were ranked'}"
        text += f"; {'; '.join(tests)}" if tests else ""
    else:
        text = "no query ranks documents of two languages, so there is no bias to measure"
    if bias.unknown:
        text += f"; {len(bias.unknown)} documents have no language: {few(bias.unknown)}"
    return f"{label}: {text}"


def _draw(
    arguments: argparse.Namespace,
    folder: Path,
    measured: Sequence[MeasuredRanking],
    biases: dict[str, dict[str, LanguageBias]],
) -> None:
    """Writes the plots that have something to show."""
    from xlretrieval.evaluation.language_bias import plot_language_bias
    from xlretrieval.evaluation.ranking_plots import (
        interpolated_precision,
        plot_precision_recall,
        plot_query_differences,
    )
    from xlretrieval.evaluation.report import heat_map

    metric = arguments.metrics[0]
    for task in measured:
        name, qrels = task.ranking.task, task.ranking.qrels
        stem = folder / "plots" / name.replace("/", "_")
        if "before" in task.results:
            after, before = (task.results[side].per_query for side in ("after", "before"))
            differences = {query: after[query][metric] - before[query][metric] for query in qrels}
            plot_query_differences(f"{stem}.differences.png", differences, metric, name)
        # With one relevant document per query, as among held-out sections, the curve is one number.
        if any(sum(relevance > 0 for relevance in judged.values()) > 1 for judged in qrels.values()):
            curves = {side: interpolated_precision(run, qrels) for side, run in task.ranking.runs.items()}
            plot_precision_recall(f"{stem}.precision-recall.png", curves, name)
        if name in biases:
            plot_language_bias(f"{stem}.language-bias.png", biases[name], name)
    cells = {task.ranking.languages: task.results["after"].mean[metric] for task in measured if task.ranking.languages}
    model = arguments.model or arguments.first_stage
    system = Path(model).name if model else "the runs"
    heat_map(folder / "heatmap.png", cells, f"{metric} of {system}", digits=3)
