"""Progress bars of long work: on standard error, and only on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_Item = TypeVar("_Item")


def progress_bars() -> Progress:
    """Bars to be used in a `with` block."""
    console = Console(stderr=True)
    # How many rows a compressed file has is known only at its end: a count instead of a percentage.
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def track(progress: Progress, items: Iterable[_Item], description: str) -> Iterator[_Item]:
    """`Progress.track` for an iterable of unknown length, which leaves a full bar behind."""
    task = progress.add_task(description, total=None)
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        if done % 1_000 == 0:
            progress.update(task, completed=done)
    progress.update(task, completed=done, total=done)
