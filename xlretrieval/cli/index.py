"""Make a search index, change it, and look at it.

  xlretrieval index build --index DIR --model M documents.jsonl more.jsonl.gz
  cat documents.jsonl | xlretrieval index add --index DIR -
  xlretrieval index delete --index DIR id1 id2
  xlretrieval index info --index DIR

Rows of documents are {"id", "text"} and maybe "title" and "language". A document with the id of one that is there
replaces it. A command that is killed or fails leaves the index as it was. What every change did, with what was left
out and why, is added to history.jsonl in the index.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlretrieval.cli.configuration import ConfigurableOptions

if TYPE_CHECKING:
    from xlretrieval.data.collections import Problems
    from xlretrieval.inference.search import Index, SearchDocument

HISTORY = "history.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in (
        ("build", "make an index of documents"),
        ("add", "add documents to an index, or replace them"),
        ("delete", "delete documents by their ids"),
        ("info", "documents, languages, model and size of an index"),
    ):
        action = actions.add_parser(name, help=text, description=text, allow_abbrev=False)
        options = ConfigurableOptions(action)
        options.add("--index", type=Path, metavar="DIR", help="folder of the index")
        if name in ("build", "add"):
            action.add_argument("documents", nargs="*", metavar="FILE", help="JSON lines, plain or .gz; - for stdin")
            _add_document_options(options)
        if name == "build":
            _add_build_options(options)
        elif name == "add":
            options.add("--model", help="the encoder, where it is not any more where it was (default: remembered)")
        elif name == "delete":
            action.add_argument("ids", nargs="*", metavar="ID")
            options.add("--ids", dest="ids_file", type=Path, metavar="FILE", help="file with one id a line")


def _add_document_options(options: ConfigurableOptions) -> None:
    options.add("--collection", type=Path, metavar="YAML", help="take the documents of a collection instead of files")
    options.add(
        "--direction", metavar="A-B", help="of the collection, where it has several: en-de has documents in de"
    )
    options.add("--language", default="", metavar="CODE", help="of documents that do not say (default: unknown)")
    options.add(
        "--on-error",
        choices=("raise", "skip"),
        default="raise",
        help="what to do with bad rows: stop, or leave out and count (default: raise)",
    )
    options.add("--batch-tokens", type=int, metavar="N", help="tokens that are encoded at a time")


def _add_build_options(options: ConfigurableOptions) -> None:
    options.add("--model", help="encoder of documents and queries: folder or Hub id")
    options.add("--pooling", choices=("mean", "cls"), default="mean", help="how a vector is made (default: mean)")
    options.add("--layer", type=int, default=-1, metavar="N", help="of the encoder (default: -1, the last)")
    options.add(
        "--max-length", type=int, metavar="N", help="tokens of a document that are read (default: all it takes)"
    )
    options.add(
        "--approximate-from",
        type=int,
        default=50_000,
        metavar="N",
        help="documents from which vectors are searched by a graph, not one by one (default: 50000)",
    )
    options.add("--overwrite", action="store_true", default=False, help="replace an index in the folder")


def run(arguments: argparse.Namespace) -> None:
    """Builds, changes or describes an index."""
    arguments = arguments.configurable.resolve(arguments)
    if arguments.index is None:
        raise ValueError("--index must be given, got none. Name the folder of the index.")
    {"build": _write, "add": _write, "delete": _delete, "info": _info}[arguments.action](arguments)


def _write(arguments: argparse.Namespace) -> None:
    """Builds an index or adds to it."""
    if bool(arguments.documents) == bool(arguments.collection):
        got = "both" if arguments.documents else "neither"
        raise ValueError(f"Files of documents or --collection must be given, got {got}. Name what to index.")
    if arguments.action == "build" and not arguments.model:
        raise ValueError("--model must be given, got none. Name the encoder: a folder or a Hub id.")
    from xlretrieval.data.collections import Problems
    from xlretrieval.inference.search import Index

    problems = Problems(arguments.on_error)
    if arguments.action == "build":
        names = ("pooling", "layer", "max_length", "approximate_from", "batch_tokens", "overwrite")
        options = {name: getattr(arguments, name) for name in names}
        index = Index.build(_documents(arguments, problems), arguments.index, arguments.model, **options)
    else:
        index = Index.open(arguments.index, arguments.model)
        index.add(_documents(arguments, problems), batch_tokens=arguments.batch_tokens)
    changed = index.changed
    given = {"documents": arguments.documents, "collection": arguments.collection, "language": arguments.language}
    counts = {name: getattr(changed, name) for name in ("added", "replaced", "truncated")}
    _record(index, arguments.action, {**given, **counts, "problems": problems.record()})
    print(f"{arguments.index}: {changed.added:,} documents added", end="")
    print(f", of which {changed.replaced:,} replace older ones" if changed.replaced else "", end="")
    print(f"; it has {len(index):,}")
    if changed.truncated:
        print(f"  {changed.truncated:,} are longer than the encoder reads; the rest of them is found by words only")
    for kind, found in problems.record().items():
        print(f"  {kind}: {found['count']:,}, such as {found['examples'][0]}")


def _documents(arguments: argparse.Namespace, problems: Problems) -> Iterator[SearchDocument]:
    from xlretrieval.inference.search import SearchDocument
    from xlretrieval.inference.search.document_files import read_search_documents

    if not arguments.collection:
        yield from read_search_documents(arguments.documents, problems, arguments.language)
        return
    from xlretrieval.data.collections import load_collection

    collection = load_collection(arguments.collection, arguments.direction)
    for document in collection.documents.values():
        if document.content:
            yield SearchDocument(document.id, document.text, document.title, collection.document_language)
        else:
            problems.note("empty document", f"{collection.name}: {document.id}")


def _delete(arguments: argparse.Namespace) -> None:
    from xlretrieval.data.files import read_lines
    from xlretrieval.inference.search import Index

    ids = list(arguments.ids)
    if arguments.ids_file:
        ids += [line for _, line in read_lines(arguments.ids_file) if line.strip()]
    if not ids:
        raise ValueError("Ids must be given, got none. Write them, or name a file with --ids.")
    index = Index.open(arguments.index)
    deleted = index.delete(ids)
    _record(index, "delete", {"deleted": deleted})
    print(f"{arguments.index}: {deleted:,} documents deleted; it has {len(index):,}")


def _record(index: Index, action: str, what: dict[str, Any]) -> None:
    """Adds a line to the history."""
    import json

    import torch
    import transformers

    from xlretrieval import __version__
    from xlretrieval.data.files import write_text

    versions = {"xlretrieval": __version__, "transformers": transformers.__version__, "torch": torch.__version__}
    state = {"generation": index.manifest.generation, "documents_after": len(index), "model": index.manifest.model}
    line = json.dumps({"action": action, **what, **state, "versions": versions}, default=str, ensure_ascii=False)
    path = index.folder / HISTORY
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    write_text(path, f"{before}{line}\n")


def _info(arguments: argparse.Namespace) -> None:
    from rich.console import Console
    from rich.table import Table

    from xlretrieval.inference.search import Index

    index = Index.open(arguments.index)
    manifest = index.manifest
    size = sum(sum(entry.files.values()) for entry in manifest.segments)
    table = Table(box=None, pad_edge=False, show_header=False)
    languages = ", ".join(f"{code or 'unknown'} {number:,}" for code, number in index.languages.items())
    graphs = sum("graph.usearch" in entry.files for entry in manifest.segments)
    for name, value in (
        ("documents", f"{len(index):,}"),
        ("languages", languages or "none"),
        ("model", manifest.model or "without a name"),
        ("vectors", f"{manifest.dimensions} dimensions, {manifest.pooling} of layer {manifest.layer}"),
        ("size", f"{size / 1e6:,.1f} MB in {len(manifest.segments)} segments, {graphs} with a graph"),
        ("changes", f"{manifest.generation:,}"),
    ):
        table.add_row(name, value)
    Console(markup=False, highlight=False).print(table)
