"""`xlretrieval evaluate alignment`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .report import checkpoints, notes_on, report

if TYPE_CHECKING:
    from collections.abc import Callable

    from xlretrieval.data.parallel import ParallelTexts
    from xlretrieval.evaluation.report import Measurement


def measure(arguments: argparse.Namespace, folder: Path | None) -> None:
    """Encodes aligned texts by each checkpoint and reports P@1."""
    from xlretrieval.evaluation.alignment import evaluate_alignment
    from xlretrieval.evaluation.report import Measurement, heat_map, mean_over_tasks
    from xlretrieval.inference.encoder import Encoder

    sides = checkpoints(arguments)
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
    notes = notes_on(details)
    report(arguments, folder, rows + mean_over_tasks([row for row in rows if row.metric == "P@1"]), details, notes, 1)
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
