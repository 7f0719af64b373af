"""Search an index for one query or many.

  xlretrieval search --index DIR --query "Wo entspringt die Donau?" --language de
  xlretrieval search --index DIR --reranker M --queries topics.tsv --format trec --output run.trec

Queries are searched by their vectors, in documents of any language; with --language also by their words, in documents
of that language ("all": in every language). With --reranker, its scores order what is found.

--queries takes lines of id, tab and query; JSON lines {"id", "text"}; or topics of TREC and CLEF. One query on a
terminal is answered by a table, otherwise every query by JSON lines, or by a run in TREC format.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from xlretrieval.cli.configuration import ConfigurableOptions

if TYPE_CHECKING:
    from xlretrieval.inference.search import Hit, Index


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    options = ConfigurableOptions(parser)
    options.add("--index", type=Path, metavar="DIR", help="folder of the index")
    options.add("--model", help="its encoder, where it is not any more where it was (default: remembered)")
    options.add("--reranker", metavar="MODEL", help="orders what is found: folder or Hub id")
    options.add("--query", metavar="TEXT", help="what to look for")
    options.add("--queries", metavar="FILE", help="queries; - for stdin")
    options.add("--language", metavar="CODE", help="of the queries, or all: search documents by words too")
    options.add("--top-k", type=int, default=10, metavar="N", help="documents of a query (default: 10)")
    options.add("--candidates", type=int, default=100, metavar="N", help="documents to rerank (default: 100)")
    options.add("--format", choices=("table", "jsonl", "trec"), help="of the output")
    options.add("--output", type=Path, metavar="FILE", help="file to write (default: standard output)")


def run(arguments: argparse.Namespace) -> None:
    """Searches and prints."""
    arguments = arguments.configurable.resolve(arguments)
    if arguments.index is None:
        raise ValueError("--index must be given, got none. Name the folder of the index.")
    if (arguments.query is None) == (arguments.queries is None):
        got = "neither" if arguments.query is None else "both"
        raise ValueError(f"--query or --queries must be given, got {got}. Say what to look for.")
    terminal = arguments.query is not None and arguments.output is None and sys.stdout.isatty()
    form = arguments.format or ("table" if terminal else "jsonl")
    if form == "table" and (arguments.query is None or arguments.output is not None):
        raise ValueError("--format table must be for one --query on the terminal, got others. Take jsonl or trec.")
    from xlretrieval.inference.search import Index

    queries = {"query": arguments.query} if arguments.query is not None else _queries(arguments)
    index = Index.open(arguments.index, arguments.model, arguments.reranker)
    found = _search(index, queries, arguments, passages=form != "trec")
    if form == "table":
        _print_table(next(found)[1], arguments)
    elif form == "trec":
        _write_run(found, arguments.output)
    else:
        _write_rows(found, queries, arguments.output)


def _queries(arguments: argparse.Namespace) -> dict[str, str]:
    """Query id -> text."""
    from xlretrieval.data.collections import read_topics, topic_queries

    path = "/dev/stdin" if arguments.queries == "-" else arguments.queries
    language = None if arguments.language == "all" else arguments.language
    topics = read_topics(path, language)
    return {topics[key].id: text for key, text in topic_queries(topics).items()}


def _search(
    index: Index, queries: dict[str, str], arguments: argparse.Namespace, passages: bool
) -> Iterator[tuple[str, list[Hit]]]:
    from contextlib import nullcontext

    from xlretrieval.data.progress import progress_bars

    # A bar for one query would stand in the way of its answer.
    with progress_bars() if len(queries) > 1 else nullcontext() as bars:
        for name, text in bars.track(queries.items(), description="search") if bars else queries.items():
            options = arguments.language, arguments.top_k, arguments.candidates
            yield name, index.search(text, *options, passages=passages)


def _write_run(found: Iterator[tuple[str, list[Hit]]], output: Path | None) -> None:
    from xlretrieval.data.trec import write_run

    # As float32, in which trec_eval compares scores.
    run = {name: {hit.id: hit.score for hit in hits} for name, hits in found}
    if output is not None:
        write_run(run, output)
        return
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        write_run(run, path)
        sys.stdout.write(path.read_text(encoding="utf-8"))


def _write_rows(found: Iterator[tuple[str, list[Hit]]], queries: dict[str, str], output: Path | None) -> None:
    """One line a query: `{"id", "query", "hits": [...]}`."""
    lines = (
        json.dumps({"id": name, "query": queries[name], "hits": list(map(asdict, hits))}, ensure_ascii=False) + "\n"
        for name, hits in found
    )
    if output is None:
        for line in lines:
            sys.stdout.write(line)
            sys.stdout.flush()
        return
    from xlretrieval.data.files import write_text

    write_text(output, "".join(lines))


def _print_table(hits: list[Hit], arguments: argparse.Namespace) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not hits:
        console.print("Nothing was found: the index has no documents.")
        return
    scored = "score" if arguments.reranker else "fused"
    table = Table("", scored, "vector", "words", "language", "document", box=None, pad_edge=False)
    for column in table.columns[:4]:
        column.justify = "right"
    for rank, hit in enumerate(hits, start=1):
        table.add_row(
            str(rank),
            f"{hit.score:.3f}" if arguments.reranker else f"{hit.score:.4f}",
            str(hit.dense_rank or "-"),
            str(hit.words_rank or "-"),
            hit.language or "-",
            Text.assemble((_printable(hit.title or hit.id), "bold"), "\n", _printable(_passage(hit)), "\n"),
        )
    console.print(table)


def _passage(hit: Hit) -> str:
    """The best passage, with dots where text was left out."""
    if hit.passage is None:
        return ""
    start, end = hit.passage
    return ("... " if start > 0 else "") + hit.text[start:end] + (" ..." if end < len(hit.text.rstrip()) else "")


def _printable(text: str) -> str:
    """On one line, and without the control characters that data can hold."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))
