"""Measure alignment and ranking, for one model or before and after.

  xlretrieval evaluate alignment --model runs/qlm --before bert-base-multilingual-uncased \\
      --tatoeba data/tatoeba --pairs deu-eng,fra-eng --output results/tatoeba
  xlretrieval evaluate ranking --model runs/qlm-rr --corpus corpus --split test --output results/ranking
  xlretrieval evaluate ranking --run new.run --baseline old.run --qrels qrels.txt

Every table gives 95% bootstrap intervals; a difference is paired by text or query. The output folder holds
results.json (numbers, options, versions, what was cut or dropped), table.md, a heat map when there are two language
pairs or more, and for models the runs and qrels that were ranked.
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlretrieval.cli.configuration import ConfigurableOptions, as_record, comma_separated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xlretrieval.data.parallel import ParallelTexts
    from xlretrieval.evaluation.candidates import RankingTask
    from xlretrieval.evaluation.ranking import RankingResult, Run
    from xlretrieval.evaluation.report import Measurement


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the tasks and their options."""
    tasks = parser.add_subparsers(dest="task", metavar="TASK", required=True)
    for name, add, text in (
        ("alignment", _add_alignment, "P@1 of translations among the embeddings of texts"),
        ("ranking", _add_ranking, "rank held-out sections by a model, or measure run files"),
    ):
        task = tasks.add_parser(name, help=text, description=f"{text.capitalize()}.", allow_abbrev=False)
        add(ConfigurableOptions(task))


def _add_model(options: ConfigurableOptions) -> None:
    options.add("--model", metavar="M", help="checkpoint to measure: folder or name on the Hub")
    options.add("--before", metavar="M", help="checkpoint to compare it with")
    options.add("--corpus", type=Path, metavar="DIR", help="folder of aligned sections")
    options.add("--pairs", type=comma_separated, metavar="A-B,...", help="language pairs (of a corpus: default all)")
    options.add("--split", default="test", help="split of the corpus (default: test)")
    options.add("--pooling", choices=("mean", "cls"), default="mean", help="of token vectors (default: mean)")
    options.add(
        "--layer", type=int, default=-1, help="hidden state to embed with; 0 is embeddings (default: -1, last)"
    )
    options.add("--max-length", type=int, help="tokens per input (default: what the model takes)")
    options.add("--output", type=Path, metavar="DIR", help="folder to write")
    options.add("--overwrite", action="store_true", default=False, help="replace the output folder")


def _add_alignment(options: ConfigurableOptions) -> None:
    _add_model(options)
    options.add("--tatoeba", type=Path, metavar="DIR", help="folder of tatoeba.XXX-eng.XXX and .eng files")
    options.add("--xnli", type=Path, metavar="FILE", help="15-way XNLI, .tsv or .gz")
    options.add(
        "--jsonl",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="sections as rows {corpus, doc, sec, lang, doctitle, text}",
    )
    options.add("--limit", type=int, help="most texts per pair, drawn at random (default: all)")


def _add_ranking(options: ConfigurableOptions) -> None:
    _add_model(options)
    options.add("--candidates", type=int, default=20, help="documents per query (default: 20)")
    options.add("--queries", type=int, default=500, help="most queries per direction (default: 500)")
    options.add(
        "--hard", action=argparse.BooleanOptionalAction, default=True, help="hard negatives first (default: --hard)"
    )
    options.add(
        "--scorer",
        choices=("head", "embedding"),
        default="head",
        help="score by the relevance head, or by the cosine of embeddings (default: head)",
    )
    options.add("--seed", type=int, default=0, help="of the queries and candidates (default: 0)")
    options.add("--run", type=Path, metavar="FILE", help="TREC run to measure, instead of a model")
    options.add("--baseline", type=Path, metavar="FILE", help="TREC run to compare it with")
    options.add("--qrels", type=Path, metavar="FILE", help="TREC judgements of the runs")
    options.add(
        "--metrics",
        type=comma_separated,
        default=["AP", "RR", "nDCG@10"],
        metavar="M,...",
        help="in the notation of ir-measures (default: AP,RR,nDCG@10)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Measures, prints the table, and writes the output folder when there is one."""
    from xlretrieval.cli.output import new_folder

    arguments = arguments.configurable.resolve(arguments)
    if arguments.task == "alignment":
        measure = _alignment
    else:
        measure = _runs if arguments.run or arguments.qrels or arguments.baseline else _ranking
    with new_folder(arguments.output, arguments.overwrite) if arguments.output else nullcontext() as folder:
        measure(arguments, folder)
    if arguments.output:
        print(f"written to {arguments.output}")


def _require_model(arguments: argparse.Namespace) -> None:
    if not arguments.model:
        raise ValueError("--model must be given, got none. Name the checkpoint to measure.")


def _sides(arguments: argparse.Namespace) -> dict[str, str]:
    """before and after -> checkpoint."""
    _require_model(arguments)
    return ({"before": arguments.before} if arguments.before else {}) | {"after": arguments.model}


def _texts(arguments: argparse.Namespace) -> list[ParallelTexts]:
    """The aligned texts that were asked for."""
    from xlretrieval.data import parallel
    from xlretrieval.data.sections import AlignedSections, parse_pair

    sources = [name for name in ("tatoeba", "xnli", "jsonl", "corpus") if getattr(arguments, name)]
    if len(sources) != 1:
        raise ValueError(
            f"Aligned texts must come from one of --tatoeba, --xnli, --jsonl and --corpus, got "
            f"{' and '.join('--' + name for name in sources) or 'none'}. Give one of them."
        )
    if arguments.corpus:
        corpus = AlignedSections.load(arguments.corpus, arguments.pairs)
        texts = [parallel.aligned_section_texts(corpus, pair, arguments.split) for pair in corpus.pairs]
    elif not arguments.pairs:
        raise ValueError(f"--pairs must be given with --{sources[0]}, got none. Write it like de-en,fr-en.")
    elif arguments.tatoeba:
        texts = [parallel.read_tatoeba(arguments.tatoeba, pair) for pair in arguments.pairs]
    elif arguments.xnli:
        texts = [parallel.read_xnli15(arguments.xnli, *parse_pair(pair)) for pair in arguments.pairs]
    else:
        texts = [parallel.read_jsonl_sections(arguments.jsonl, *parse_pair(pair)) for pair in arguments.pairs]
    return [pair.sample(arguments.limit) for pair in texts]


def _alignment(arguments: argparse.Namespace, folder: Path | None) -> None:
    from xlretrieval.evaluation.alignment import evaluate_alignment
    from xlretrieval.evaluation.report import Measurement, heat_map, mean_over_tasks
    from xlretrieval.inference.encoder import Encoder

    sides = _sides(arguments)
    texts = _texts(arguments)
    results: dict[str, list[dict[str, Any]]] = {}
    for side, checkpoint in sides.items():
        encoder = Encoder.from_pretrained(checkpoint)
        results[side] = [
            evaluate_alignment(encoder, pair, arguments.pooling, arguments.layer, max_length=arguments.max_length)
            for pair in texts
        ]
    rows: list[Measurement] = []
    for index, pair in enumerate(texts):
        hits = {side: results[side][index]["hits"] * 100 for side in sides}
        for metric, pick in _directions(pair):
            before = pick(hits["before"]) if "before" in hits else None
            rows.append(Measurement.of(pair.name, metric, pick(hits["after"]), before))
    details = [
        {"side": side, "checkpoint": checkpoint} | {key: value for key, value in result.items() if key != "hits"}
        for side, checkpoint in sides.items()
        for result in results[side]
    ]
    notes = _notes(details)
    _report(arguments, folder, rows + mean_over_tasks([row for row in rows if row.metric == "P@1"]), details, notes, 1)
    if folder:
        cells = {}
        for result in results["after"]:
            cells[result["languages"]], cells[result["languages"][::-1]] = result["forward"], result["backward"]
        heat_map(folder / "heatmap.png", cells, f"P@1 of {Path(arguments.model).name}, %")


def _directions(pair: ParallelTexts) -> list[tuple[str, Callable[[Any], Any]]]:
    """Name of each metric of a pair, and how to get it from `hits`."""
    source, target = pair.languages
    return [
        ("P@1", lambda hits: hits.mean(axis=0)),
        (f"P@1 {source}>{target}", lambda hits: hits[0]),
        (f"P@1 {target}>{source}", lambda hits: hits[1]),
    ]


def _ranking(arguments: argparse.Namespace, folder: Path | None) -> None:
    from xlretrieval.data.sections import AlignedSections
    from xlretrieval.evaluation.candidates import held_out_candidates
    from xlretrieval.evaluation.ranking import evaluate_run, write_qrels, write_run
    from xlretrieval.evaluation.report import heat_map, mean_over_tasks

    sides = _sides(arguments)
    if not arguments.corpus:
        raise ValueError("--corpus must be given with --model, got none. Give a folder of aligned sections.")
    corpus = AlignedSections.load(arguments.corpus, arguments.pairs)
    tasks: list[RankingTask] = []
    for pair in corpus.pairs:
        tasks.extend(
            held_out_candidates(
                corpus,
                pair,
                arguments.split,
                arguments.queries,
                arguments.candidates,
                arguments.hard,
                arguments.seed,
            )
        )
    details, results = [], {}
    for side, checkpoint in sides.items():
        score = _scorer(arguments, checkpoint)
        for task in tasks:
            ranked, cut = score(task)
            results[task.name, side] = evaluate_run(ranked, task.qrels, arguments.metrics)
            counts = {"queries": len(task.queries), "short": task.short, "dropped": task.dropped, "truncated": cut}
            details.append({"side": side, "checkpoint": checkpoint, "name": task.name} | counts)
            if folder:
                write_run(ranked, folder / "runs" / f"{task.name}.{side}.run", side)
    rows = [row for task in tasks for row in _measurements(arguments, task.name, results)]
    notes = _notes(details)
    _report(arguments, folder, rows + mean_over_tasks(rows), details, notes, 3)
    if folder:
        for task in tasks:
            write_qrels(task.qrels, folder / "runs" / f"{task.name}.qrels")
        metric = arguments.metrics[0]
        cells = {task.languages: results[task.name, "after"].mean[metric] for task in tasks}
        heat_map(folder / "heatmap.png", cells, f"{metric} of {Path(arguments.model).name}", digits=3)


def _scorer(arguments: argparse.Namespace, checkpoint: str) -> Callable[[RankingTask], tuple[Run, int]]:
    """A function that ranks a task and says how many texts it cut."""
    from xlretrieval.evaluation.candidates import rank_candidates, rank_candidates_by_embedding
    from xlretrieval.inference.encoder import Encoder
    from xlretrieval.inference.reranker import Reranker

    if arguments.scorer == "head":
        reranker = Reranker.from_pretrained(checkpoint, max_length=arguments.max_length)
        return lambda task: (rank_candidates(reranker, task), reranker.truncated + reranker.truncated_queries)
    encoder = Encoder.from_pretrained(checkpoint)
    options = {"pooling": arguments.pooling, "layer": arguments.layer, "max_length": arguments.max_length}
    return lambda task: (rank_candidates_by_embedding(encoder, task, **options), encoder.truncated)


def _runs(arguments: argparse.Namespace, folder: Path | None) -> None:
    from xlretrieval.evaluation.ranking import evaluate_run, read_qrels, read_run

    given = [name for name in ("model", "corpus", "run", "baseline", "qrels") if getattr(arguments, name)]
    if {"run", "qrels"} - set(given) or {"model", "corpus"} & set(given):
        raise ValueError(
            "Ranking must be given --run and --qrels, or --model and --corpus, got "
            f"{', '.join('--' + name for name in given)}. Give one or the other."
        )
    qrels = read_qrels(arguments.qrels)
    name = arguments.run.name.removesuffix(".gz").removesuffix(".run")
    files = ({"before": arguments.baseline} if arguments.baseline else {}) | {"after": arguments.run}
    results, details, notes = {}, [], []
    for side, path in files.items():
        result = results[name, side] = evaluate_run(read_run(path), qrels, arguments.metrics)
        details.append({"side": side, "run": path, "missing": result.missing, "unjudged": result.unjudged})
        if result.missing:
            notes.append(
                f"{path}: {len(result.missing)} of {len(qrels)} judged queries are missing and count 0: "
                f"{_few(result.missing)}"
            )
        if result.unjudged:
            notes.append(
                f"{path}: {len(result.unjudged)} queries have no judgements and count nothing: {_few(result.unjudged)}"
            )
    _report(arguments, folder, _measurements(arguments, name, results), details, notes, 3)


def _measurements(
    arguments: argparse.Namespace, task: str, results: Mapping[tuple[str, str], RankingResult]
) -> list[Measurement]:
    """One row per metric of a task."""
    from xlretrieval.evaluation.report import Measurement

    before = results.get((task, "before"))
    return [
        Measurement.of(
            task,
            metric,
            results[task, "after"].values(metric),
            before.values(metric) if before else None,
            arguments.seed,
        )
        for metric in arguments.metrics
    ]


def _few(names: Sequence[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (" ..." if len(names) > most else "")


def _notes(details: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was cut or dropped, one line per task; models for which it is the same share the line."""
    sides: dict[tuple[str, str], list[str]] = {}
    for detail in details:
        parts = [f"{count} {reason}" for reason, count in detail["dropped"].items()]
        sentences = [f"dropped: {', '.join(parts)}"] if parts else []
        if detail["truncated"]:
            sentences.append(f"{detail['truncated']} texts cut to the model's length")
        if detail.get("short"):
            sentences.append(f"{detail['short']} queries with fewer candidates than asked for")
        if sentences:
            sides.setdefault((detail["name"], "; ".join(sentences)), []).append(detail["side"])
    return [f"{name} ({' and '.join(models)}): {text}" for (name, text), models in sides.items()]


def _report(
    arguments: argparse.Namespace,
    folder: Path | None,
    rows: Sequence[Measurement],
    details: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
    digits: int,
) -> None:
    """Prints the table and what was left out; writes both."""
    import platform
    from importlib.metadata import version

    from rich.console import Console

    from xlretrieval.data.files import write_text
    from xlretrieval.evaluation.report import console_table, markdown_table, write_json

    console = Console()
    if not console.is_terminal:
        console = Console(width=160)  # a file or a pipe has no width; 80 would fold the intervals
    console.print(console_table(rows, f"{arguments.task}: {arguments.model or arguments.run}", digits))
    for note in notes:
        console.print(note, markup=False, highlight=False)
    if not folder:
        return
    packages = (
        "xlretrieval",
        "torch",
        "transformers",
        "numpy",
        *(["ir-measures"] if arguments.task == "ranking" else []),
    )
    write_text(folder / "table.md", markdown_table(rows, digits) + "".join(f"\n- {note}" for note in notes) + "\n")
    write_json(
        folder / "results.json",
        {
            "command": f"evaluate {arguments.task}",
            "arguments": as_record(arguments),
            "versions": {"python": platform.python_version()} | {package: version(package) for package in packages},
            "measurements": [row.as_dict() for row in rows],
            "details": details,
        },
    )
