"""Rankings from run files."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .ranked import Ranked


def rank(arguments: argparse.Namespace, folder: Path | None) -> Ranked:
    """Reads runs, what they are compared with, and judgements.

    Args:
        arguments: With as many `baseline` as `run`, or none; and one `qrels`, or as many.
        folder: Unused: the runs are files already.
    """
    from xlretrieval.evaluation.comparison import Ranking
    from xlretrieval.evaluation.ranking import read_qrels, read_run

    runs, baselines, qrels = arguments.run, arguments.baseline or [], arguments.qrels
    for option, given, allowed in (
        ("--baseline", baselines, {0, len(runs)}),
        ("--qrels", qrels, {1, len(runs)}),
    ):
        if len(given) not in allowed:
            raise ValueError(
                f"{option} must be given {' or '.join(map(str, sorted(allowed - {0})))} files for {len(runs)} runs, "
                f"got {len(given)}. Name them in the order of the runs."
            )
    judged = [read_qrels(path) for path in qrels]
    ranked = Ranked([], {})
    for index, name in enumerate(task_names(runs)):
        files = ({"before": baselines[index]} if baselines else {}) | {"after": runs[index]}
        ranked.rankings.append(
            Ranking(
                name,
                judged[index if len(judged) > 1 else 0],
                {side: read_run(path) for side, path in files.items()},
                languages=_languages(name),
            )
        )
        ranked.details |= {(name, side): {"side": side, "run": path, "name": name} for side, path in files.items()}
    return ranked


def task_names(paths: Sequence[Path]) -> list[str]:
    """Names of the tasks: those of the files, with their folders where two files have the same.

    Raises:
        ValueError: Two are the same all the same.
    """
    stems = [path.name.removesuffix(".gz").removesuffix(".run") for path in paths]
    counts = Counter(stems)
    names = [
        stem if counts[stem] == 1 else f"{path.absolute().parent.name}/{stem}"
        for path, stem in zip(paths, stems, strict=True)
    ]
    name, number = Counter(names).most_common(1)[0]
    if number > 1:
        raise ValueError(f"Runs must have different names, got {name} {number} times. Rename the files or folders.")
    return names


def _languages(name: str) -> tuple[str, str] | None:
    """Of a run that is called after its direction, "en-de.run" or "en-de.after.run"."""
    from xlretrieval.data.languages import parse_pair

    try:
        return parse_pair(name.rsplit("/", 1)[-1].split(".")[0])
    except ValueError:
        return None
