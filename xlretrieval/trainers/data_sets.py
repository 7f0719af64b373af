"""The data sets of a fine-tuning run: which collections, how they count, and what they learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from xlretrieval.data.collections import load_collection
from xlretrieval.data.ranking_examples import CollectionQueries
from xlretrieval.data.ranking_pools import NEGATIVES_FROM
from xlretrieval.data.teacher_scores import read_teacher
from xlretrieval.data.trec import read_run
from xlretrieval.trainers.losses import DISTILLATION_LOSSES, RANKING_LOSSES


@dataclass(frozen=True)
class DataSet:
    """One data set of a run.

    Attributes:
        config: YAML file of the collection, see `load_collection`.
        direction: "en-de"; may be left out where there is only one.
        weight: How often an epoch sees each relevant document, on average.
        loss: That of the run by default.
        teacher: Run, or table, of the scores to distil from.
        teacher_column: Of the table.
        run: Run whose documents are ranked; by default all judged ones are.
        top_k: Only so many of each query of it.
        negatives_from: "judged": documents judged not relevant; "candidates": those of the run that were not judged
            relevant.
        train_only: Whether all its queries train in every fold, and none is tested.
    """

    config: str
    direction: str | None = None
    weight: float = 1.0
    loss: str | None = None
    teacher: str | None = None
    teacher_column: str | None = None
    run: str | None = None
    top_k: int | None = None
    negatives_from: str = "judged"
    train_only: bool = False


# What each key takes; a whole number is a number too.
_KINDS: dict[str, tuple[type, ...]] = {"weight": (int, float), "top_k": (int,), "train_only": (bool,)}


def parse_data_set(entry: str | Mapping[str, Any]) -> DataSet:
    """The name of a YAML file, or a mapping with the keys of `DataSet`.

    Raises:
        ValueError: A key is unknown or missing, or a value is wrong.
    """
    if isinstance(entry, str):
        return DataSet(entry)
    names = [option.name for option in fields(DataSet)]
    if not isinstance(entry, Mapping):
        raise ValueError(f"a data set must be a file or a mapping of {', '.join(names)}, got {entry!r}. Write it so.")
    for name, value in entry.items():
        if name not in names:
            raise ValueError(f"a data set must have the keys {', '.join(names)}, got {name!r}. Correct it.")
        kinds = _KINDS.get(name, (str,))
        if value is not None and type(value) not in kinds:
            raise ValueError(f"{name} of a data set must be of type {kinds[-1].__name__}, got {value!r}. Correct it.")
    needed = [option.name for option in fields(DataSet) if option.default is MISSING]
    missing = [name for name in needed if entry.get(name) is None]
    if missing:
        raise ValueError(f"a data set must have {missing[0]!r}, got {', '.join(entry) or 'nothing'}. Add it.")
    data_set = DataSet(**{name: value for name, value in entry.items() if value is not None})
    losses = [*RANKING_LOSSES, *DISTILLATION_LOSSES]
    if data_set.loss is not None and data_set.loss not in losses:
        raise ValueError(f"loss of a data set must be one of {', '.join(losses)}, got {data_set.loss!r}. Choose one.")
    if data_set.negatives_from not in NEGATIVES_FROM:
        raise ValueError(
            f"negatives_from of a data set must be one of {', '.join(NEGATIVES_FROM)}, got "
            f"{data_set.negatives_from!r}. Choose one."
        )
    if not data_set.weight > 0:
        raise ValueError(f"weight of a data set must be above 0, got {data_set.weight}. Leave the data set out.")
    if data_set.loss in DISTILLATION_LOSSES and data_set.teacher is None:
        raise ValueError(f"loss {data_set.loss} must have a teacher, got none. Name its run as `teacher`.")
    return data_set


def load_data_sets(
    data_sets: Sequence[DataSet], loss: str, cache_dir: str | Path | None = None
) -> tuple[list[CollectionQueries], list[CollectionQueries], dict[str, Any]]:
    """Reads the collections with their candidates and teachers.

    Args:
        data_sets: What to read.
        loss: Of data sets that name none.
        cache_dir: As for `load_collection`.

    Returns:
        Those that are divided into folds, those that only train, and what was read of each.

    Raises:
        ValueError: A collection has no judgements, or is wrong; two have one name and direction; none is for testing.
        OSError: A file cannot be read.
    """
    tested: list[CollectionQueries] = []
    train_only: list[CollectionQueries] = []
    provenance: dict[str, Any] = {}
    for data_set in data_sets:
        collection = load_collection(data_set.config, data_set.direction, cache_dir)
        if not collection.qrels:
            raise ValueError(f"{data_set.config}: a collection must have judgements to train on, got none. Add qrels.")
        if data_set.run is not None:
            collection = collection.with_run(read_run(data_set.run), data_set.top_k)
        teacher = None if data_set.teacher is None else read_teacher(data_set.teacher, data_set.teacher_column)
        loss_name = data_set.loss or loss
        part = CollectionQueries(collection, None, data_set.weight, loss_name, teacher, data_set.negatives_from)
        if part.name in provenance:
            raise ValueError(
                f"{data_set.config}: a collection and direction must occur once, got {part.name} again. Remove one, "
                "or give the collection another name."
            )
        provenance[part.name] = collection.provenance
        (train_only if data_set.train_only else tested).append(part)
    if not tested:
        raise ValueError("A run must have a data set to test, got only ones with train_only. Add one.")
    return tested, train_only, provenance
