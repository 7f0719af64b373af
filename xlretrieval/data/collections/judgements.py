"""Judgements of a collection: from one file or many, by the number of the topic, of documents that are there."""

from __future__ import annotations

from collections.abc import Sequence

from xlretrieval.data.files import read_lines
from xlretrieval.data.trec import Qrels, read_qrels

from .configuration import IR_DATASETS
from .documents import find_files
from .irds import read_irds_qrels
from .problems import Problems
from .store import DocumentStore
from .topics import topic_key


def read_judgements(paths: Sequence[str]) -> tuple[Qrels, dict[str, str]]:
    """Reads files, folders, patterns, and data sets of ir_datasets.

    Returns:
        The judgements, and the key of every query (see `topic_key`) -> its id in them.

    Raises:
        ValueError: A file is malformed or spells a query in two ways, or a document is judged twice for a query.
    """
    qrels: Qrels = {}
    ids: dict[str, str] = {}
    for path in paths:
        irds = path.startswith(IR_DATASETS)
        for source in [path] if irds else find_files([path]):
            found = read_irds_qrels(str(source).removeprefix(IR_DATASETS)) if irds else read_qrels(source)
            spelled: dict[str, str] = {}
            for query, judged in found.items():
                first = spelled.setdefault(topic_key(query), query)
                if first != query:
                    raise ValueError(
                        f"{source}: queries must have different numbers, got {first} and {query}. Spell them alike."
                    )
                known = qrels.setdefault(ids.setdefault(topic_key(query), query), {})
                again = [document for document in judged if document in known]
                if again:
                    raise ValueError(
                        f"{source}: a document must be judged once per query, got {again[0]} of query {query}, which "
                        "an earlier file has. Remove one of them."
                    )
                known |= judged
    return qrels, ids


def check_judged_documents(qrels: Qrels, documents: DocumentStore, paths: Sequence[str], problems: Problems) -> None:
    """Reports judged documents that are not in the collection, with file and line.

    Args:
        qrels: The judgements.
        documents: The collection.
        paths: What the judgements were read from.
        problems: Takes the judgements.

    Raises:
        ValueError: There is one, and problems are errors.
    """
    missing = [(query, id) for query, judged in qrels.items() for id in judged if id not in documents]
    if not missing:
        return
    places = _places(paths, set(missing))
    for query, document in missing:
        problems.report(
            "judged document that is not in the collection",
            places.get((query, document), ", ".join(paths)),
            f"a judged document must be in the collection, got {document} of query {query} which is not, one of "
            f"{len(missing):,}. Add the folder that has them, or set on_error to skip.",
        )


def _places(paths: Sequence[str], wanted: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """File and line of judgements; read again, since few collections need it."""
    places = {}
    for path in find_files([path for path in paths if not path.startswith(IR_DATASETS)]):
        for number, line in read_lines(path):
            cells = line.split()
            if len(cells) == 4 and (cells[0], cells[2]) in wanted:
                places[cells[0], cells[2]] = f"{path}, line {number}"
    return places
