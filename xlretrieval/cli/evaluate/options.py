"""The options of `xlretrieval evaluate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from xlretrieval.cli.configuration import ConfigurableOptions, comma_separated


def _add_model(options: ConfigurableOptions, poolings: tuple[str, ...] = ("mean", "cls")) -> None:
    options.add("--model", metavar="M", help="checkpoint to measure: folder or name on the Hub")
    options.add("--before", metavar="M", help="checkpoint to compare it with")
    options.add("--corpus", type=Path, metavar="DIR", help="folder of aligned sections")
    options.add("--pairs", type=comma_separated, metavar="A-B,...", help="language pairs (of a corpus: default all)")
    options.add("--split", default="test", help="split of the corpus (default: test)")
    options.add("--pooling", choices=poolings, default="mean", help="of token vectors (default: mean)")
    options.add(
        "--layer", type=int, default=-1, help="hidden state to embed with; 0 is embeddings (default: -1, last)"
    )
    options.add("--max-length", type=int, help="tokens per input (default: what the model takes)")
    options.add("--output", type=Path, metavar="DIR", help="folder to write")
    options.add("--overwrite", action="store_true", default=False, help="replace the output folder")


def add_alignment_options(options: ConfigurableOptions) -> None:
    """Adds the options of `evaluate alignment`."""
    _add_model(options, ("mean", "cls", "query"))
    options.add("--tatoeba", type=Path, metavar="DIR", help="folder of tatoeba.XXX-eng.XXX and .eng files")
    options.add("--xnli", type=Path, metavar="FILE", help="15-way XNLI, .tsv or .gz")
    options.add("--ntrex", type=Path, metavar="DIR", help="folder of files like newstest2019-ref.deu.txt")
    options.add(
        "--lines", type=Path, nargs="+", metavar="FILE", help="files aligned by line, named like UNv1.0.6way.en"
    )
    options.add("--ids", type=Path, metavar="FILE", help="document of every line of --lines: join them to documents")
    options.add(
        "--documents", action="store_true", default=False, help="join sentences of --ntrex by DOCUMENT_IDS.tsv"
    )
    options.add(
        "--jsonl",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="sections as rows {corpus, doc, sec, lang, doctitle, text}",
    )
    options.add(
        "--languages",
        type=comma_separated,
        metavar="A,B,...",
        help="measure all pairs of these, instead of --pairs (default for --xnli, --ntrex, --lines: all there are)",
    )
    options.add("--limit", type=int, help="most texts per pair, drawn at random (default: all)")
    options.add(
        "--on-empty",
        choices=("drop", "raise"),
        default="drop",
        help="rows with an empty text: leave them out and count them, or end with file and line (default: drop)",
    )
    options.add(
        "--layers", type=comma_separated, metavar="N,...", help="plot P@1 by layer: `all` or some (default: none)"
    )
    options.add("--similarity", choices=("cosine", "csls"), default="cosine", help="of two vectors (default: cosine)")
    options.add("--neighbours", type=int, default=10, metavar="K", help="of csls (default: 10)")
    options.add(
        "--long",
        choices=("truncate", "windows"),
        default="truncate",
        help="cut texts longer than the input, or take the mean of their windows (default: truncate)",
    )


def add_ranking_options(options: ConfigurableOptions) -> None:
    """Adds the options of `evaluate ranking`."""
    _add_model(options)
    options.add("--candidates", type=int, default=20, help="documents per query of a corpus (default: 20)")
    options.add("--queries", type=int, default=500, help="most queries per direction of a corpus (default: 500)")
    options.add(
        "--hard", action=argparse.BooleanOptionalAction, default=True, help="hard negatives first (default: --hard)"
    )
    options.add(
        "--scorer",
        choices=("head", "embedding"),
        default="head",
        help="score by the relevance head, or by the cosine of embeddings (default: head)",
    )
    options.add("--seed", type=int, default=0, help="of draws, intervals and permutations (default: 0)")
    _add_collection(options)
    _add_passages(options)
    options.add("--run", type=Path, nargs="+", metavar="FILE", help="TREC runs to measure, instead of a model")
    options.add("--baseline", type=Path, nargs="+", metavar="FILE", help="TREC runs to compare with, one for each")
    options.add("--qrels", type=Path, nargs="+", metavar="FILE", help="TREC judgements: one for all runs, or for each")
    options.add(
        "--metrics",
        type=comma_separated,
        default=["AP", "RR", "nDCG@10"],
        metavar="M,...",
        help="in the notation of ir-measures, the first one is plotted (default: AP,RR,nDCG@10)",
    )
    options.add(
        "--document-languages",
        type=Path,
        metavar="FILE",
        help="TSV of document and language: compare the ranks of relevant documents by language",
    )


def _add_collection(options: ConfigurableOptions) -> None:
    options.add("--collection", type=Path, metavar="FILE", help="YAML file of a TREC or CLEF collection")
    options.add(
        "--direction",
        type=comma_separated,
        metavar="A-B,...",
        help="languages of queries and documents, several, or `all` (default: the only one)",
    )
    options.add("--candidates-run", type=Path, metavar="FILE", help="TREC run to rank again (default: judged pool)")
    options.add(
        "--first-stage",
        metavar="M",
        help="checkpoint whose embeddings find the candidates among all documents; without --model, it is measured",
    )
    options.add("--first-stage-pooling", choices=("mean", "cls"), help="of its token vectors (default: mean)")
    options.add("--first-stage-layer", type=int, metavar="N", help="its hidden state (default: -1, last)")
    options.add(
        "--top-k", type=int, metavar="K", help="candidates per query (default: all of a run, 100 of a first stage)"
    )
    options.add("--limit-queries", type=int, metavar="N", help="most queries, drawn by the seed (default: all)")
    options.add(
        "--mix-languages",
        action="store_true",
        default=False,
        help="let documents of all directions with the same language of queries compete in one pool",
    )
    options.add(
        "--cache-dir", type=Path, metavar="DIR", help="folder of converted documents (default: Hugging Face's cache)"
    )


def _add_passages(options: ConfigurableOptions) -> None:
    options.add(
        "--passages",
        choices=("maxp", "firstp", "meanp"),
        help="score long documents by their best, first or mean passage (default: cut to the model's length)",
    )
    options.add("--passage-tokens", type=int, metavar="N", help="tokens of a passage (default: what the query leaves)")
    options.add(
        "--passage-stride", type=int, metavar="N", help="tokens from one to the next (default: half a passage)"
    )
