"""An index of 10,000 documents: how long it takes to make, how large it is, how fast it answers, what a graph misses.

Documents are sections of --jsonl files, or pages of the built-in sample; queries are the beginnings of others. By
default the encoder has 2 random layers of 128 and word pieces of the documents, and the reranker is as small: what an
index adds to its models is measured, not the models. Sides take turns: each query is asked of all of them.

  python -m benchmarks.search_index [--documents 10000] [--queries 200] [--model DIR] [--jsonl sections.jsonl.gz ...]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from benchmarks.measure import summary, write
from xlretrieval import Encoder, Reranker
from xlretrieval.data.files import read_lines
from xlretrieval.inference.search import Index

QUERY_CHARACTERS = 80
RERANKED = 20
APPROXIMATE_FROM = 1000


class TimedEncoder(Encoder):
    """Remembers documents, so that the second index takes no time to encode, and how long it computed."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase):
        super().__init__(model, tokenizer)
        self.seconds, self.known = 0.0, {}

    def encode(self, texts: Sequence[str], *words: object, **options: object) -> np.ndarray:
        """As the encoder does."""
        if len(texts) == 1:
            return super().encode(texts, *words, **options)
        start = time.perf_counter()
        if new := [text for text in texts if text not in self.known]:
            self.known |= dict(zip(new, super().encode(new, *words, **options), strict=True))
        self.seconds += time.perf_counter() - start
        return np.array([self.known[text] for text in texts])


def sections_of(files: list[Path], folder: Path) -> list[dict[str, str]]:
    """Documents of files or of the sample, evenly mixed, each text once."""
    rows: dict[str, dict[str, str]] = {}
    for path in files:
        for number, line in read_lines(path):
            row = json.loads(line)
            title = " > ".join(filter(None, (row.get("doctitle"), row.get("title"))))
            if len(row["text"]) >= QUERY_CHARACTERS:
                text = {"id": f"{path.stem}:{number}", "title": title, "language": row["lang"], "text": row["text"]}
                rows.setdefault(row["text"], text)
    if not files:
        from xlretrieval.data.sample import write_sample
        from xlretrieval.data.wiki.dumps.reading import read_pages

        write_sample(folder / "sample")
        for dump in sorted((folder / "sample" / "dumps").glob("*stream.xml.bz2")):
            for page in read_pages(dump):
                for number, text in enumerate(page.wikitext.split("\n\n")):
                    if len(text) >= QUERY_CHARACTERS:
                        name = f"{dump.name[:2]}:{page.title}:{number}"
                        row = {"id": name, "title": page.title, "language": dump.name[:2], "text": text}
                        rows.setdefault(text, row)
    found = list(rows.values())
    return [found[place] for place in np.random.default_rng(0).permutation(len(found))]


def random_models(texts: list[str], folder: Path) -> tuple[str, str]:
    """Folders of an encoder and a reranker that nobody trained, with word pieces of the texts."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizer

    pieces = BertWordPieceTokenizer(lowercase=True)
    pieces.train_from_iterator(texts, vocab_size=16_000, show_progress=False)
    tokenizer = BertTokenizer(vocab=pieces.get_vocab(), model_max_length=512, do_lower_case=True)
    size = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 512}
    config = BertConfig(vocab_size=len(tokenizer), num_labels=1, **size)
    torch.manual_seed(0)
    for name, kind in (("encoder", BertModel), ("reranker", BertForSequenceClassification)):
        kind(config).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return str(folder / "encoder"), str(folder / "reranker")


def build(documents: list[dict[str, str]], folder: Path, encoder: TimedEncoder, approximate_from: int) -> dict:
    """Builds an index; seconds, of which `encoder` for vectors that are not known yet, and megabytes by file."""
    encoder.seconds = 0.0
    began = time.perf_counter()
    Index.build(documents, folder, encoder, approximate_from=approximate_from)
    seconds = time.perf_counter() - began
    files = {path.name: path.stat().st_size / 1e6 for path in folder.rglob("*") if path.is_file()}
    return {
        "seconds": {"all": seconds, "encoder": encoder.seconds, "rest": seconds - encoder.seconds},
        "megabytes": {"all": sum(files.values()), **{name: size for name, size in files.items() if size > 0.01}},
    }


def opening(folder: Path, encoder: Encoder, query: str, language: str, repeats: int = 5) -> dict:
    """Seconds to open an index, and of the first query by words, which counts the words of its language."""
    opened, first, again = [], [], []
    for _ in range(repeats):
        began = time.perf_counter()
        index = Index.open(folder, encoder)
        opened.append(time.perf_counter() - began)
        for times in (first, again):
            began = time.perf_counter()
            index.search(query, language, passages=False)
            times.append(time.perf_counter() - began)
    return {"open": summary(opened), "first query by words": summary(first), "second": summary(again)}


def latency(sides: dict[str, dict], queries: list[tuple[str, str]]) -> tuple[dict, dict[str, list[list[str]]]]:
    """Milliseconds of a query by side, and the ids that each side found."""
    milliseconds: dict[str, list[float]] = {name: [] for name in sides}
    found: dict[str, list[list[str]]] = {name: [] for name in sides}
    for text, language in queries:
        for name, side in sides.items():
            options = {key: value for key, value in side.items() if key not in ("index", "words")}
            began = time.perf_counter()
            hits = side["index"].search(text, language if side["words"] else None, **options)
            milliseconds[name].append(1000 * (time.perf_counter() - began))
            found[name].append([hit.id for hit in hits])
    quantiles = {
        name: {"p50": float(np.quantile(values, 0.5)), "p95": float(np.quantile(values, 0.95))}
        for name, values in milliseconds.items()
    }
    return quantiles, found


def recall(found: list[list[str]], exact: list[list[str]], depth: int) -> float:
    """Mean share of the first `depth` of the exact ranking that are among the first `depth` found."""
    return float(
        np.mean([len(set(a[:depth]) & set(b[:depth])) / len(b[:depth]) for a, b in zip(found, exact, strict=True)])
    )


def changing(folder: Path, encoder: Encoder, more: list[dict[str, str]]) -> dict:
    """Seconds to add one document and to add a hundred, their encoding included, and to delete as many."""
    index, seconds = Index.open(folder, encoder), {}
    for name, rows in (("one", more[:1]), ("hundred", more[1:101])):
        began = time.perf_counter()
        index.add(rows, show_progress=False)
        seconds[f"add {name}"] = time.perf_counter() - began
        began = time.perf_counter()
        index.delete([row["id"] for row in rows])
        seconds[f"delete {name}"] = time.perf_counter() - began
    return seconds


def main() -> None:
    """Builds an exact index and one with a graph, and asks both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--model", help="encoder; by default a random one")
    parser.add_argument("--reranker", help="by default a random one")
    parser.add_argument("--jsonl", type=Path, nargs="*", default=[], help="sections; by default the built-in sample")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = sections_of(options.jsonl, folder)
        held_out = max(options.queries, len(rows) - options.documents)
        documents, others = rows[:-held_out][: options.documents], rows[-held_out:]
        queries = [(row["text"][:QUERY_CHARACTERS], row["language"]) for row in others[: options.queries]]
        models = random_models([row["text"] for row in documents], folder)
        loaded = Encoder.from_pretrained(options.model or models[0], dtype=torch.float32)
        encoder = TimedEncoder(loaded.model, loaded.tokenizer)
        result: dict = {
            "question": "an index: making, size, answers, recall of its graph",
            "documents": len(documents),
            "languages": sorted({row["language"] for row in documents}),
            "mean_characters": float(np.mean([len(row["text"]) for row in documents])),
            "queries": len(queries),
            "source": [path.name for path in options.jsonl] or "the built-in sample",
            "encoder": Path(options.model).name if options.model else "2 random layers of 128",
            "dimensions": int(encoder.model.config.hidden_size),
            "exact": build(documents, folder / "exact", encoder, 10**9),
            "graph": build(documents, folder / "graph", encoder, APPROXIMATE_FROM),
        }
        result["opening_seconds"] = opening(folder / "exact", encoder, *queries[0])
        reranker = Reranker.from_pretrained(options.reranker or models[1], dtype=torch.float32)
        exact, graph = (Index.open(folder / side, encoder, reranker) for side in ("exact", "graph"))
        first = {"rerank": False, "passages": False, "top_k": 100}
        result["query_milliseconds"], found = latency(
            {
                "vectors, exact": {"index": exact, "words": False, **first},
                "vectors, graph": {"index": graph, "words": False, **first},
                "vectors and words, exact": {"index": exact, "words": True, **first},
                f"and {RERANKED} reranked": {"index": exact, "words": True, "candidates": RERANKED, "passages": False},
                f"and {RERANKED} reranked, passages of 10": {"index": exact, "words": True, "candidates": RERANKED},
            },
            queries,
        )
        result["recall_of_graph"] = {
            f"@{depth}": recall(found["vectors, graph"], found["vectors, exact"], depth) for depth in (10, 100)
        }
        result["change_seconds"] = changing(folder / "exact", encoder, list(islice(others, 101)))
        began = time.perf_counter()
        for text, _ in queries:
            encoder.encode([text], show_progress=False)
        result["encode_query_milliseconds"] = 1000 * (time.perf_counter() - began) / len(queries)
    write("search_index", result)


if __name__ == "__main__":
    main()
