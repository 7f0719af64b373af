"""The two directions of a released pair, merged into one set of pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from xlretrieval.data.schema import AlignedPair

from .released_files import Alignment


class ReleasedSide(NamedTuple):
    """One language of one released pair."""

    language: str
    alignment: Alignment
    texts_path: Path
    texts: dict[str, str]
    rows: dict[str, int]  # section id -> row in the corpus; a section whose text is too short has none


def merge_directions(
    source: ReleasedSide,
    target: ReleasedSide,
    split_of: Callable[[str, str], str],
    max_negatives: int,
    notes: Counter[str],
) -> Iterator[AlignedPair]:
    """Yields the pairs that either direction gives, each once.

    Args:
        source: The first language of the pair.
        target: The second.
        split_of: Split of a section, by its language and id.
        max_negatives: Most hard negatives on each side.
        notes: Counts contradictions, and pairs and negatives left out.
    """
    for says, answers in ((source, target), (target, source)):
        for number, (section, positive) in enumerate(says.alignment.positives.items(), start=1):
            for key, side in ((section, says), (positive, answers)):
                if key not in side.texts:
                    raise ValueError(
                        f"{says.alignment.path}, entry {number}: section {key!r} must have a text in "
                        f"{side.texts_path}, got none. Get both files from the same release."
                    )
            answer = answers.alignment.positives.get(positive)
            if answer is not None and answer != section:
                notes["pair that the other direction contradicts"] += 1
            if says is target and answer == section:
                continue
            if section not in says.rows or positive not in answers.rows:
                notes["pair with a dropped text"] += 1
                continue
            # The other direction gives its negatives for its own positive, which need not be this one.
            there = _hard_negatives(section, positive, says, answers, max_negatives, notes)
            back = _hard_negatives(positive, section, answers, says, max_negatives, notes) if answer == section else []
            ids, rows, negatives = (section, positive), (says.rows[section], answers.rows[positive]), (back, there)
            if says is target:
                ids, rows, negatives = ids[::-1], rows[::-1], negatives[::-1]
            yield AlignedPair(*rows, 1.0, *negatives, split_of(source.language, ids[0]))


def _hard_negatives(
    section: str, positive: str, says: ReleasedSide, answers: ReleasedSide, limit: int, notes: Counter[str]
) -> list[int]:
    """Rows of the hard negatives that one direction gives for the positive of `section`."""
    rows: list[int] = []
    for negative in says.alignment.negatives[section]:
        if negative not in answers.texts:
            notes["negative without a text"] += 1
        elif negative not in answers.rows:
            notes["negative whose text was dropped"] += 1
        elif negative == positive or answers.alignment.positives.get(negative) == section:
            notes["negative that is a positive"] += 1
        elif answers.texts[negative] == answers.texts[positive]:
            notes["negative with the text of its positive"] += 1
        elif answers.rows[negative] in rows:
            notes["negative given twice"] += 1
        elif len(rows) == limit:
            notes["negative beyond max_negatives"] += 1
        else:
            rows.append(answers.rows[negative])
    return rows
