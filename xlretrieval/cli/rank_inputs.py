"""What `xlretrieval rank` ranks: queries, documents, and which documents go with which query."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xlretrieval.data.trec import Run
    from xlretrieval.evaluation.candidates import RankingTask

# What --query goes by in the output.
ONLY_QUERY = "1"


@dataclass(frozen=True)
class _Located:
    """A text, and where it is."""

    text: str
    where: str


def read_task(arguments: argparse.Namespace) -> RankingTask:
    """Reads what the options name, and checks that it fits together.

    Raises:
        ValueError: Options contradict each other; a line is wrong (file and line are named); an id occurs twice; a run
            names what is not there.
        OSError: A file cannot be opened.
    """
    from xlretrieval.data.trec import rank_documents, read_run
    from xlretrieval.evaluation.candidates import RankingTask

    if arguments.collection:
        return _collection_task(arguments)
    if bool(arguments.queries) == (arguments.query is not None):
        got = "both" if arguments.queries else "neither"
        raise ValueError(f"Ranking must be given --query or --queries, got {got}. Give one of them.")
    if arguments.query is not None:
        queries = {ONLY_QUERY: _Located(arguments.query, "--query")}
    else:
        queries = _read_queries(arguments.queries)
    for query in queries.values():
        if not query.text.strip():
            raise ValueError(f"{query.where}: a query must have text, got none. Say what to look for.")
    documents = _read_documents(arguments.documents)
    if arguments.run:
        run = read_run(arguments.run)
        _check_run(run, queries, documents, arguments.run)
        candidates = {query: rank_documents(run.get(query, {})) for query in queries}
    else:
        candidates = {query: list(documents) for query in queries}
    texts = {query: located.text for query, located in queries.items()}
    return RankingTask(("queries", "documents"), texts, documents, candidates, {})


def _collection_task(arguments: argparse.Namespace) -> RankingTask:
    """The queries and documents of a collection, as a run pairs them."""
    from xlretrieval.data.collections import load_collection
    from xlretrieval.data.trec import read_run
    from xlretrieval.evaluation.candidates import RankingTask

    others = {"--query": arguments.query is not None, "--queries": arguments.queries, "FILE": arguments.documents}
    if wrong := [name for name, given in others.items() if given]:
        raise ValueError(f"--collection has queries and documents, got {', '.join(wrong)} too. Leave one of them out.")
    if not arguments.run:
        raise ValueError("--collection must be given with --run, got it without. Name the run to rank again.")
    run = read_run(arguments.run)
    collection = load_collection(arguments.collection, arguments.direction, arguments.cache_dir)
    try:
        collection = collection.with_run(run)
    except ValueError as error:
        raise ValueError(f"{arguments.run}: {error}") from None
    languages = collection.query_language, collection.document_language
    documents = {
        document: collection.documents[document].content
        for candidates in collection.candidates.values()
        for document in candidates
    }
    return RankingTask(languages, collection.queries, documents, collection.candidates, {})


def _check_run(run: Run, queries: Mapping[str, object], documents: Mapping[str, object], path: Path) -> None:
    for query, found in run.items():
        if query not in queries:
            raise ValueError(f"{path}: queries of a run must be given, got {query}. Add it to the queries.")
        for document in found:
            if document not in documents:
                raise ValueError(
                    f"{path}: documents of a run must be given, got {document} of query {query}. Add it to the files."
                )


def _read_queries(path: Path) -> dict[str, _Located]:
    """Query id -> text, of lines `id TAB text` or of rows `{"id", "text"}`."""
    from xlretrieval.data.files import read_lines

    if ".jsonl" in path.suffixes:
        return _read_rows([path], "query")
    queries: dict[str, _Located] = {}
    for number, line in read_lines(path):
        where = f"{path}, line {number}"
        query_id, tab, text = line.partition("\t")
        if not line.strip():
            continue
        if not tab or query_id.split() != [query_id]:
            raise ValueError(f"{where}: a line must be an id of one word, a tab and a query, got {line!r}. Repair it.")
        _add(queries, query_id, _Located(text.strip(), where), "query")
    return queries


def _read_documents(paths: Sequence[str]) -> dict[str, str]:
    """Document id -> title and text, of files, or of standard input where there is none or it is called "-"."""
    if paths and list(paths) != ["-"]:
        if missing := [path for path in paths if not Path(path).exists()]:
            raise FileNotFoundError(f"No such file: {missing[0]}")
        found = _read_rows(paths, "document")
    else:
        if sys.stdin.isatty():
            raise ValueError("Documents must be given as files or on standard input, got neither. Name a JSONL file.")
        with TemporaryDirectory() as folder:
            file = Path(folder) / "stdin.jsonl"
            with file.open("wb") as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
            try:
                found = _read_rows([file], "document")
            except ValueError as error:
                raise ValueError(str(error).replace(str(file), "standard input")) from None
    return {document: located.text for document, located in found.items()}


def _read_rows(paths: Sequence[str | Path], what: str) -> dict[str, _Located]:
    from xlretrieval.data.collections import DocumentFiles, DocumentSource, Problems, read_documents

    rows: dict[str, _Located] = {}
    files = DocumentFiles(DocumentSource("JSONL"), tuple(map(str, paths)), "jsonl")
    for document, where in read_documents(files, Problems("raise")):
        if not document.content:
            raise ValueError(f"{where}: a {what} must have text, got none. Add it, or leave the row out.")
        _add(rows, document.id, _Located(document.content, where), what)
    return rows


def _add(texts: dict[str, _Located], name: str, located: _Located, what: str) -> None:
    if name in texts:
        raise ValueError(
            f"{located.where}: a {what} id must occur once, got {name} which is also in {texts[name].where}. "
            "Remove one of them."
        )
    texts[name] = located
