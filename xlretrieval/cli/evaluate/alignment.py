"""`xlretrieval evaluate alignment`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .alignment_texts import read_texts
from .report import checkpoints, notes_on, report

if TYPE_CHECKING:
    from collections.abc import Callable

    from xlretrieval.data.parallel import ParallelTexts
    from xlretrieval.evaluation.alignment import PairAlignment
    from xlretrieval.evaluation.report import Measurement
    from xlretrieval.inference.layer_encoder import LayerEncoder


def measure(arguments: argparse.Namespace, folder: Path | None) -> None:
    """Encodes aligned texts by each checkpoint and reports P@1."""
    from xlretrieval.evaluation.alignment import evaluate_pairs
    from xlretrieval.evaluation.report import Measurement, mean_over_tasks

    sides = checkpoints(arguments)
    sweep = _layers(arguments)
    texts = read_texts(arguments)
    results: dict[str, list[PairAlignment]] = {}
    for side, checkpoint in sides.items():
        encoder = _encoder(checkpoint, arguments, sweep)
        results[side] = evaluate_pairs(
            encoder, texts, similarity=arguments.similarity, neighbours=arguments.neighbours
        )
    rows: list[Measurement] = []
    for index, pair in enumerate(texts):
        hits = {side: results[side][index].result.hits * 100 for side in sides}
        for metric, pick in _directions(pair):
            before = pick(hits["before"]) if "before" in hits else None
            rows.append(Measurement.of(pair.name, metric, pick(hits["after"]), before))
    details = [
        {"side": side, "checkpoint": checkpoint} | result.as_dict()
        for side, checkpoint in sides.items()
        for result in results[side]
    ]
    means = mean_over_tasks([row for row in rows if row.metric == "P@1"])
    notes = [*notes_on(details), *_window_notes(details)]
    _write(arguments, folder, rows + means, details, notes, results, bool(sweep))


def _layers(arguments: argparse.Namespace) -> list[int] | str:
    """The layers to sweep: numbers, or "all"."""
    if not arguments.layers:
        return []
    if arguments.layers == ["all"]:
        return "all"
    try:
        return [int(layer) for layer in arguments.layers]
    except ValueError:
        raise ValueError(
            f"--layers must be `all` or numbers, got {','.join(arguments.layers)}. Write it like 0,4,8,12."
        ) from None


def _encoder(checkpoint: str, arguments: argparse.Namespace, sweep: list[int] | str) -> LayerEncoder:
    """The checkpoint; its first layer is the one of the table."""
    from xlretrieval.inference.encoder import Encoder
    from xlretrieval.inference.layer_encoder import LayerEncoder

    encoder = Encoder.from_pretrained(checkpoint)
    layers = range(encoder.model.config.num_hidden_layers + 1) if sweep == "all" else sweep
    return LayerEncoder(encoder, [arguments.layer, *layers], arguments.pooling, arguments.long, arguments.max_length)


def _directions(pair: ParallelTexts) -> list[tuple[str, Callable[[Any], Any]]]:
    """Name of each metric of a pair, and how to get it from `hits`."""
    source, target = pair.languages
    return [
        ("P@1", lambda hits: hits.mean(axis=0)),
        (f"P@1 {source}>{target}", lambda hits: hits[0]),
        (f"P@1 {target}>{source}", lambda hits: hits[1]),
    ]


def _window_notes(details: list[dict[str, Any]]) -> list[str]:
    """What was split; models of the same length share the line."""
    sides: dict[tuple[str, int, int], list[str]] = {}
    for detail in details:
        if "windows" in detail:
            key = detail["name"], detail["split_texts"], detail["windows"]
            sides.setdefault(key, []).append(detail["side"])
    return [
        f"{name} ({' and '.join(models)}): {split} texts longer than the input, the mean of {windows} windows"
        for (name, split, windows), models in sides.items()
    ]


def _write(
    arguments: argparse.Namespace,
    folder: Path | None,
    rows: list[Measurement],
    details: list[dict[str, Any]],
    notes: list[str],
    results: dict[str, list[PairAlignment]],
    swept: bool,
) -> None:
    """Prints and writes tables, numbers and pictures."""
    from xlretrieval.data.files import write_text
    from xlretrieval.evaluation.alignment_matrix import AlignmentMatrix
    from xlretrieval.evaluation.layer_sweep import LayerSweep, plot_layer_sweep, sweep_table
    from xlretrieval.evaluation.report import heat_map

    matrices = {side: AlignmentMatrix.of(alignments) for side, alignments in results.items()}
    extra: dict[str, Any] = {"matrix": {side: matrix.as_dict() for side, matrix in matrices.items()}}
    tables = [
        f"P@1 in percent, {side}: row source, column target.\n\n{matrix.markdown()}"
        for side, matrix in matrices.items()
        if len(matrix.languages) > 2
    ]
    sweeps = {side: LayerSweep.of(alignments) for side, alignments in results.items()} if swept else {}
    if sweeps:
        extra["layer_sweep"] = {side: sweep.as_dict() for side, sweep in sweeps.items()}
        tables.append(f"P@1 in percent by layer, mean over pairs.\n\n{sweep_table(sweeps)}")
    report(arguments, folder, rows, details, notes, 1, extra)
    if tables:
        print("\n" + "\n".join(tables))
    if not folder:
        return
    name = Path(arguments.model).name
    if tables:
        path = folder / "table.md"
        write_text(path, path.read_text(encoding="utf-8") + "\n" + "\n".join(tables))
    heat_map(folder / "heatmap.png", matrices["after"].cells, f"P@1 of {name}, %")
    if sweeps:
        plot_layer_sweep(folder / "layers.png", sweeps, f"P@1 by layer of {name}")
