"""Candidates that a checkpoint finds among all documents of a collection: to be ranked again, or to be measured."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xlretrieval.data.collections import Collection
    from xlretrieval.evaluation.candidates import RankingTask
    from xlretrieval.evaluation.ranking import Run

TOP_K = 100


def search(arguments: argparse.Namespace, collections: Sequence[Collection]) -> tuple[list[Collection], list[Run]]:
    """The collections with what the first stage found as candidates, in their provenance how; and the runs."""
    from xlretrieval.inference.encoder import Encoder
    from xlretrieval.inference.first_stage import first_stage

    encoder = Encoder.from_pretrained(arguments.first_stage)
    options = {"pooling": arguments.first_stage_pooling, "layer": arguments.first_stage_layer}
    searched, runs = [], []
    for collection in collections:
        run, counts = first_stage(encoder, collection, arguments.top_k, **options)
        found = collection.with_run(run)
        candidates = {
            "source": "first stage",
            "checkpoint": arguments.first_stage,
            "top_k": arguments.top_k,
            **options,
            "searched documents": counts["documents"],
            "truncated_documents": counts["truncated_documents"],
            "truncated_queries": counts["truncated_queries"],
            "documents": found.provenance["candidates"]["documents"],
        }
        searched.append(replace(found, provenance=found.provenance | {"candidates": candidates}))
        runs.append(run)
    return searched, runs


def found_note(task: RankingTask, candidates: dict[str, Any]) -> str:
    """How much of what is relevant the first stage left to find: nothing that comes later can rank the rest."""
    relevant = {
        query: {document for document, grade in judged.items() if grade > 0} for query, judged in task.qrels.items()
    }
    found = {query: len(documents.intersection(task.candidates[query])) for query, documents in relevant.items()}
    none = sum(not number for number in found.values())
    text = (
        f"{task.name}: the first {candidates['top_k']} of {candidates['searched documents']} documents by "
        f"{Path(candidates['checkpoint']).name} have {sum(found.values())} of {sum(map(len, relevant.values()))} "
        f"relevant ones, and none for {none} of {len(relevant)} queries"
    )
    cut = candidates["truncated_documents"] + candidates["truncated_queries"]
    return text + (f"; {cut} texts were cut to its length" if cut else "")


def as_system(arguments: argparse.Namespace, task: RankingTask, candidates: dict[str, Any]) -> dict[str, Any]:
    """What there is to say of the first stage where it is what is measured, as of a model that ranks candidates."""
    cut = {name: candidates[name] for name in ("truncated_documents", "truncated_queries")}
    return {
        "side": "after",
        "checkpoint": arguments.first_stage,
        "name": task.name,
        "queries": len(task.queries),
        "pairs": sum(map(len, task.candidates.values())),
        "short": task.short,
        "dropped": task.dropped,
        # Of the whole search; the note on it says so.
        "truncated": 0,
        **cut,
    }
