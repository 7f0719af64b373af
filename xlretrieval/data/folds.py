"""Folds of cross validation: which part a query is in, and which part trains, chooses and tests.

Queries are known by the key of their topic, so that the same topic is in the same part in every direction: training
with its English wording and testing with its German one would test what was trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .collections.topics import topic_key
from .draws import permutation
from .files import read_lines, write_text

# Key of a topic -> number of its part, from 1.
Folds = dict[str, int]


@dataclass(frozen=True)
class Rotation:
    """The roles of the parts in one fold.

    Attributes:
        number: Of the fold, from 1.
        test: The part that is reported.
        dev: The part that the epoch is chosen by.
        train: The others.
    """

    number: int
    test: int
    dev: int
    train: tuple[int, ...]


def split_folds(queries: Iterable[str], folds: int = 5, seed: int = 611) -> Folds:
    """Deals queries into parts whose sizes differ by one at most.

    Args:
        queries: Query ids, in any order; those of one topic count once.
        folds: Number of parts.
        seed: Of the order in which they are dealt.

    Raises:
        ValueError: Fewer than three parts, or more parts than queries.

    Example:
        >>> split_folds(["41-AH", "42-AH", "43-AH"], folds=3)
        {'41': 3, '42': 2, '43': 1}
    """
    keys = sorted({topic_key(query) for query in queries})
    if folds < 3:
        raise ValueError(f"folds must be at least 3 (training, dev and test), got {folds}. The default is 5.")
    if len(keys) < folds:
        raise ValueError(f"folds must be at most the number of queries, got {folds} of {len(keys)}. Lower it.")
    order = permutation(len(keys), "folds", seed).tolist()
    part = {keys[index]: 1 + place % folds for place, index in enumerate(order)}
    return {key: part[key] for key in keys}


def read_folds(path: str | Path) -> Folds:
    """Reads lines `query fold`; folds are counted from any whole number and renumbered from 1.

    Raises:
        ValueError: With file and line: other columns, a fold that is no number, a query twice; fewer than three folds.
        OSError: The file cannot be read.
    """
    parts: Folds = {}
    lines: dict[str, int] = {}
    for number, line in read_lines(path):
        cells = line.split()
        if not cells:
            continue
        if len(cells) != 2 or not cells[1].isdecimal():
            raise ValueError(f"{path}, line {number}: a line must be 'query fold', got {line!r}. Repair the line.")
        key = topic_key(cells[0])
        if key in parts:
            raise ValueError(
                f"{path}, line {number}: a query must occur once, got {cells[0]} which is also in line {lines[key]}. "
                "Remove one of them."
            )
        parts[key], lines[key] = int(cells[1]), number
    names = sorted(set(parts.values()))
    if len(names) < 3:
        raise ValueError(
            f"{path}: there must be at least 3 folds (training, dev and test), got {len(names)}. Add some."
        )
    return {key: 1 + names.index(part) for key, part in parts.items()}


def write_folds(folds: Mapping[str, int], path: str | Path) -> None:
    """Writes lines `query fold`, whole or not at all."""
    write_text(path, "".join(f"{key} {part}\n" for key, part in folds.items()))


def check_folds(folds: Mapping[str, int], queries: Iterable[str]) -> int:
    """Number of queries in the folds that the collections do not have.

    Raises:
        ValueError: A query of the collections is in no fold, or a part has none of them.
    """
    keys = list(dict.fromkeys(map(topic_key, queries)))
    missing = [key for key in keys if key not in folds]
    if missing:
        raise ValueError(
            f"every query must be in a fold, got {len(missing)} without one, such as {', '.join(missing[:3])}. "
            "Add them to the fold file."
        )
    empty = sorted(set(folds.values()) - {folds[key] for key in keys})
    if empty:
        raise ValueError(f"every fold must have a query of the collections, got none in fold {empty[0]}. Merge folds.")
    return len(folds) - len(keys)


def rotations(number: int) -> list[Rotation]:
    """Fold i tests part i, chooses by the next one and trains on the rest, so every part is tested once.

    Example:
        >>> rotations(5)[4]
        Rotation(number=5, test=5, dev=1, train=(2, 3, 4))
    """
    rounds = []
    for test in range(1, number + 1):
        dev = test % number + 1
        train = tuple(part for part in range(1, number + 1) if part not in (test, dev))
        rounds.append(Rotation(test, test, dev, train))
    return rounds


def queries_of(folds: Mapping[str, int], queries: Iterable[str], *parts: int) -> list[str]:
    """The queries that are in these parts, in their order."""
    return [query for query in queries if folds[topic_key(query)] in parts]
