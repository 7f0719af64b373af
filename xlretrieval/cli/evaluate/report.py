"""What both tasks of `xlretrieval evaluate` share: the checkpoints, the notes, the table, results.json."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlretrieval.cli.configuration import as_record

if TYPE_CHECKING:
    from xlretrieval.evaluation.report import Measurement


def checkpoints(arguments: argparse.Namespace) -> dict[str, str]:
    """before and after -> checkpoint.

    Raises:
        ValueError: There is no --model.
    """
    if not arguments.model:
        raise ValueError("--model must be given, got none. Name the checkpoint to measure.")
    return ({"before": arguments.before} if arguments.before else {}) | {"after": arguments.model}


def few(names: Sequence[str], most: int = 10) -> str:
    """The first names, and dots where there are more."""
    return ", ".join(names[:most]) + (" ..." if len(names) > most else "")


def notes_on(details: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was cut or dropped, one line per task; models for which it is the same share the line."""
    sides: dict[tuple[str, str], list[str]] = {}
    for detail in details:
        parts = [f"{count} {reason}" for reason, count in detail.get("dropped", {}).items()]
        sentences = [f"dropped: {', '.join(parts)}"] if parts else []
        cut = detail.get("truncated", 0)
        if "split" in detail and detail["truncated_documents"]:
            sentences.append(f"{detail['truncated_documents']} documents cut to their first passage")
            cut -= detail["truncated_documents"]
        if cut:
            sentences.append(f"{cut} texts cut to the model's length")
        if detail.get("split"):
            sentences.append(
                f"{detail['split']} of {detail['pairs']} documents longer than a passage, {detail['passages']} "
                "passages scored"
            )
        if detail.get("short"):
            sentences.append(f"{detail['short']} queries with fewer candidates than asked for")
        if sentences:
            sides.setdefault((detail["name"], "; ".join(sentences)), []).append(detail["side"])
    return [f"{name} ({' and '.join(models)}): {text}" for (name, text), models in sides.items()]


def report(
    arguments: argparse.Namespace,
    folder: Path | None,
    rows: Sequence[Measurement],
    details: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
    digits: int,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Prints the table and what was left out; writes both.

    Args:
        arguments: Of the command.
        folder: For table.md and results.json; None for neither.
        rows: Of the table.
        details: Per model and task.
        notes: One line each, below the table.
        digits: Decimals.
        extra: More for results.json.
    """
    import platform
    from importlib.metadata import version

    from rich.console import Console

    from xlretrieval.data.files import write_text
    from xlretrieval.evaluation.report import console_table, markdown_table, write_json

    console = Console()
    if not console.is_terminal:
        console = Console(width=160)  # a file or a pipe has no width; 80 would fold the intervals
    console.print(console_table(rows, f"{arguments.task}: {_subject(arguments)}", digits))
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
            "arguments": _record(arguments),
            "versions": {"python": platform.python_version()} | {package: version(package) for package in packages},
            "measurements": [row.as_dict() for row in rows],
            "details": details,
            **(extra or {}),
        },
    )


def _subject(arguments: argparse.Namespace) -> str:
    """What is measured."""
    model = arguments.model or getattr(arguments, "first_stage", None)
    return model or few([str(path) for path in arguments.run], 3)


def _record(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options; a run, baseline or judgements that are alone as a path, not as a list of one."""
    record = as_record(arguments)
    for name in ("run", "baseline", "qrels"):
        if isinstance(record.get(name), list) and len(record[name]) == 1:
            record[name] = record[name][0]
    return record
