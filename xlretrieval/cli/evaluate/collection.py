"""Rankings of TREC and CLEF collections by checkpoints."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .first_stage import as_system, found_note, search
from .ranked import Ranked, rank_tasks
from .report import checkpoints

if TYPE_CHECKING:
    from xlretrieval.data.collections import Collection, CollectionConfig
    from xlretrieval.evaluation.candidates import RankingTask
    from xlretrieval.evaluation.ranking import Run


def rank(arguments: argparse.Namespace, folder: Path | None) -> Ranked:
    """Ranks the candidates of every direction; a baseline run takes the place of the checkpoint before."""
    from xlretrieval.evaluation.collection_task import collection_task
    from xlretrieval.evaluation.ranking import read_run, write_run
    from xlretrieval.inference.distributed import main_first

    # A first stage alone is what is measured.
    sides = {} if arguments.first_stage and not arguments.model else checkpoints(arguments)
    _check_baseline(arguments)
    collections = main_first(lambda: _collections(arguments))
    found: list[Run] = []
    if arguments.candidates_run:
        run = read_run(arguments.candidates_run)
        collections = [_with_run(collection, run, arguments) for collection in collections]
    elif arguments.first_stage:
        collections, found = search(arguments, collections)
    tasks = [collection_task(collection, arguments.limit_queries, arguments.seed) for collection in collections]
    runs: dict[tuple[str, str], Run] = {}
    if arguments.baseline:
        if len(tasks) > 1:
            names = ", ".join(task.name for task in tasks)
            raise ValueError(f"--baseline must be of one direction, got {names}. Choose one by --direction.")
        run = read_run(arguments.baseline[0])
        runs[tasks[0].name, "before"] = _queries_of(tasks[0], run)
    for task, run in zip(tasks, found, strict=False):
        if folder:
            write_run(_queries_of(task, run), folder / "runs" / f"{task.name}.candidates.run", "first-stage")
        if not sides:
            runs[task.name, "after"] = _queries_of(task, run)
    languages = [_document_languages(*pair) for pair in zip(collections, tasks, strict=True)]
    ranked = rank_tasks(arguments, folder, tasks, sides, runs)
    for index, (collection, task) in enumerate(zip(collections, tasks, strict=True)):
        ranked.collections[task.name] = collection.provenance
        ranked.notes += _notes(task.name, collection.provenance)
        if not sides:
            ranked.details[task.name, "after"] = as_system(arguments, task, collection.provenance["candidates"])
        if (task.name, "before") in runs:
            ranked.details[task.name, "before"] = {"side": "before", "run": arguments.baseline[0], "name": task.name}
        if found:
            ranked.notes.append(found_note(task, collection.provenance["candidates"]))
        ranked.rankings[index] = replace(
            ranked.rankings[index],
            document_languages=languages[index],
            languages=None if languages[index] else task.languages,
        )
    return ranked


def _queries_of(task: RankingTask, run: Run) -> Run:
    return {query: run[query] for query in task.queries if query in run}


def _check_baseline(arguments: argparse.Namespace) -> None:
    if arguments.baseline and (arguments.before or len(arguments.baseline) > 1):
        got = "--before too" if arguments.before else f"{len(arguments.baseline)} files"
        raise ValueError(f"--baseline must be one run that the model is compared with, got {got}. Give one system.")


def _collections(arguments: argparse.Namespace) -> list[Collection]:
    """One per direction, or per language of queries when languages are mixed."""
    from xlretrieval.data.collections import load_collection, load_collection_config
    from xlretrieval.evaluation.collection_task import mix_languages

    settings = load_collection_config(arguments.collection)
    loaded = [
        load_collection(arguments.collection, direction, arguments.cache_dir)
        for direction in _directions(arguments, settings)
    ]
    if not arguments.mix_languages:
        return loaded
    by_query_language: dict[str, list[Collection]] = {}
    for collection in loaded:
        by_query_language.setdefault(collection.query_language, []).append(collection)
    return [mix_languages(group) for group in by_query_language.values()]


def _directions(arguments: argparse.Namespace, settings: CollectionConfig) -> list[str]:
    """The directions that are asked for, each checked before the first is read."""
    if arguments.direction == ["all"]:
        judged = [
            direction for direction in settings.directions if settings.parse_direction(direction)[1] in settings.qrels
        ]
        return judged or settings.directions
    try:
        pairs = [settings.parse_direction(direction) for direction in arguments.direction or [None]]
    except ValueError as error:
        raise ValueError(f"{arguments.collection}: --direction: {error}") from None
    return list(dict.fromkeys("-".join(pair) for pair in pairs))


def _with_run(collection: Collection, run: Run, arguments: argparse.Namespace) -> Collection:
    try:
        return collection.with_run(run, arguments.top_k)
    except ValueError as error:
        raise ValueError(f"{arguments.candidates_run}: {error}") from None


def _document_languages(collection: Collection, task: RankingTask) -> dict[str, str]:
    """Document -> language of all candidates and judged documents of a mixed pool; {} of another one."""
    from xlretrieval.evaluation.collection_task import MixedDocuments

    documents: Any = collection.documents
    if not isinstance(documents, MixedDocuments):
        return {}
    judged = (document for found in task.qrels.values() for document in found if document in documents)
    return {document: documents.language(document) for document in dict.fromkeys((*task.documents, *judged))}


def _notes(name: str, provenance: dict[str, Any]) -> Sequence[str]:
    """What was wrong in the files, and what candidates do not fit."""
    notes = []
    for part in provenance.get("mixed", {name: provenance}).values():
        for kind, found in part.get("problems", {}).items():
            notes.append(f"{name}: {kind}: {found['count']}, such as {found['examples'][0]}")
    unknown = provenance.get("candidates", {}).get("queries of the run that are not in the collection")
    if unknown:
        notes.append(f"{name}: {unknown} queries of the candidates' run are not in the collection")
    return notes
