"""Rank documents for queries by a trained model, whatever languages they are in.

  xlretrieval rank --model runs/qlm-rr --query "capital of France" documents.jsonl
  zcat sections.jsonl.gz | xlretrieval rank --model runs/qlm-rr --queries queries.tsv --top-k 10 > ranking.jsonl
  xlretrieval rank --model runs/clef --run bm25.run --collection clef.yaml --direction en-de --format trec \\
      --output reranked.run

Documents are rows {"id", "text"} and perhaps "title", in files or on standard input. Queries are lines of an id, a tab
and the text, or rows {"id", "text"} in a file called .jsonl; a --query goes by the id 1. Every document is scored for
every query; with --run, those that the run pairs with it, from the files or from a collection in the format of
`xlretrieval evaluate ranking`.

The output is rows {"query", "document", "rank", "score"}, the best first, or a TREC run. Long documents are scored by
their passages; what was split or cut is told on standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from xlretrieval.cli.configuration import ConfigurableOptions

if TYPE_CHECKING:
    from xlretrieval.data.trec import Run
    from xlretrieval.inference.passages import ScoreCounts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument(
        "documents", nargs="*", metavar="FILE", help="JSONL of documents, .gz or plain (default: standard input)"
    )
    options = ConfigurableOptions(parser)
    options.add("--model", metavar="M", help="checkpoint with a relevance head: folder or name on the Hub")
    options.add("--query", metavar="TEXT", help="the only query")
    options.add("--queries", type=Path, metavar="FILE", help="queries, .tsv or .jsonl")
    options.add("--run", type=Path, metavar="FILE", help="TREC run to rank again (default: every document)")
    options.add("--collection", type=Path, metavar="FILE", help="YAML file of queries and documents of the run")
    options.add("--direction", metavar="A-B", help="of the collection (default: the only one)")
    options.add("--cache-dir", type=Path, metavar="DIR", help="of converted collections (default: Hugging Face's)")
    options.add("--output", type=Path, metavar="FILE", help="file to write (default: standard output)")
    options.add("--format", choices=("jsonl", "trec"), default="jsonl", help="of the output (default: jsonl)")
    options.add("--top-k", type=int, metavar="K", help="documents per query (default: all)")
    options.add(
        "--dtype",
        default="auto",
        help="of the weights: auto (bfloat16 where it is native, else float32), float32, bfloat16, float16, or int8 "
        "(auto, and products in 8 bits: faster on a CPU, close scores may change places) (default: auto)",
    )
    options.add("--max-length", type=int, metavar="N", help="tokens per input (default: what the model takes)")
    options.add(
        "--long-documents",
        choices=("maxp", "meanp", "firstp"),
        default="maxp",
        help="score a document that is longer by its best, mean or first passage (default: maxp)",
    )
    options.add(
        "--batch-tokens", type=int, metavar="N", help="tokens per batch (default: 2,048 on a CPU, 131,072 elsewhere)"
    )
    options.add(
        "--compile",
        action="store_true",
        default=False,
        help="compile the model first; serves large rankings, and nothing where a long encoder has kernels of its own "
        "(NVIDIA, 16 bits)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Ranks and writes."""
    from xlretrieval.cli.rank_inputs import read_task

    arguments = arguments.configurable.resolve(arguments)
    if not arguments.model:
        raise ValueError("--model must be given, got none. Name a checkpoint with a relevance head.")
    for name in ("top_k", "batch_tokens"):
        if (value := getattr(arguments, name)) is not None and value < 1:
            raise ValueError(f"--{name.replace('_', '-')} must be at least 1, got {value}. Leave it out.")
    task = read_task(arguments)

    from xlretrieval.data.trec import rank_documents
    from xlretrieval.evaluation.reranking import rerank
    from xlretrieval.inference.reranker import Reranker

    reranker = Reranker.from_pretrained(
        arguments.model,
        arguments.dtype,
        max_length=arguments.max_length,
        long_documents=arguments.long_documents,
        compile=arguments.compile,
    )
    found, counts = rerank(reranker, task, arguments.batch_tokens)
    ranking = {
        query: {document: documents[document] for document in rank_documents(documents)[: arguments.top_k]}
        for query, documents in found.items()
    }
    _write(ranking, arguments.format, arguments.output)
    print(_told(ranking, counts), file=sys.stderr)


def _write(ranking: Run, form: str, output: Path | None) -> None:
    """Writes a file whole or not at all, or to standard output."""
    from xlretrieval.data.files import write_text
    from xlretrieval.data.trec import write_run

    def write(path: Path) -> None:
        if form == "trec":
            write_run(ranking, path)
        else:
            write_text(path, "".join(_rows(ranking)))

    if output:
        write(output)
        return
    with TemporaryDirectory() as folder:
        write(Path(folder) / "ranking")
        sys.stdout.write((Path(folder) / "ranking").read_text(encoding="utf-8"))


def _rows(ranking: Run) -> list[str]:
    return [
        json.dumps({"query": query, "document": document, "rank": rank, "score": score}, ensure_ascii=False) + "\n"
        for query, documents in ranking.items()
        for rank, (document, score) in enumerate(documents.items(), start=1)
    ]


def _told(ranking: Run, counts: ScoreCounts) -> str:
    """What was done, in one line."""
    text = f"{counts.pairs:,} documents scored for {len(ranking):,} queries"
    if counts.split:
        text += f"; {counts.split:,} longer than a passage"
    if counts.passages > counts.pairs:
        text += f", {counts.passages:,} passages in all"
    cut = [f"{counts.truncated_documents:,} documents", f"{counts.truncated_queries:,} queries"]
    cut = [part for part in cut if not part.startswith("0 ")]
    return text + (f"; cut: {' and '.join(cut)}" if cut else "")
