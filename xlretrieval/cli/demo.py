"""The whole road on the built-in sample, on this machine, without a network, in a few minutes.

  xlretrieval demo --output demo

Small Wikipedias in English, German, Spanish and French are written from the facts of Unicode CLDR; aligned sections
are built from them; a tiny encoder is trained from scratch by masking words, made long, and pretrained for retrieval
with QLM and RR; articles that it never saw show what that brought. At the end there are tables before and after,
curves, a model card, and report.html, which tells all of it.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xlretrieval.hub.ranked_examples import RankedExample

_PAIRS = "en-de,en-es,en-fr"
_BASE = {"vocabulary": 4_000, "hidden": 128, "layers": 2, "heads": 4, "length": 96, "learning_rate": 1e-3}
_MAX_LENGTH, _MAX_QUERY_LENGTH = 128, 48
_QUERIES = 200  # in each direction: more take longer than the intervals are worth
_RANDOM_WEIGHTS = (
    "To compare with: an encoder with random weights has an alignment P@1 of {:.1f}%. It averages random vectors of "
    "word pieces, and names, numbers and quotations that all languages of the sample share give a section away."
)
# Marks a folder as one that a demo may replace.
_MARK = "demo.json"
_SHOWN_RANKINGS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument("--output", type=Path, default=Path("demo"), metavar="DIR", help="folder to write")
    parser.add_argument("--size", type=float, default=1.0, metavar="F", help="fraction of the sample (default: 1)")
    text = "steps of masking words before (default: 1000)"
    parser.add_argument("--base-steps", type=int, default=1_000, metavar="N", help=text)
    parser.add_argument("--steps", type=int, default=1_200, metavar="N", help="steps of QLM and RR (default: 1200)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes of the build (default: 1)")


def run(arguments: argparse.Namespace) -> None:
    """Goes the road, and says at the end what it brought."""
    for name in ("base_steps", "steps", "workers"):  # before anything is written
        if getattr(arguments, name) < 1:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} must be at least 1, got {getattr(arguments, name)}. Raise it.")
    demo = _Demo(arguments.output)
    demo.clear()
    demo.write_sample(arguments.size)
    demo.build(arguments.workers)
    demo.train_base(arguments.base_steps)
    demo.pretrain(arguments.steps)
    demo.evaluate()
    demo.report()


class _Demo:
    """The folders of a demo, and what was run in it."""

    def __init__(self, output: Path):
        self.output = output
        self.sample, self.corpus, self.evaluation = output / "sample", output / "corpus", output / "evaluation"
        self.base, self.start, self.trained = output / "base", output / "start", output / "trained"
        self.untrained = output / "untrained"
        self.commands: list[tuple[str, float]] = []

    def clear(self) -> None:
        """Replaces a former demo, and nothing else."""
        if self.output.exists() and any(self.output.iterdir()):
            if not (self.output / _MARK).is_file():
                raise ValueError(
                    f"output must be new, empty or a former demo, got {str(self.output)!r}. Choose another folder."
                )
            shutil.rmtree(self.output)
        self.output.mkdir(parents=True, exist_ok=True)
        (self.output / _MARK).write_text("{}\n", encoding="utf-8")

    def command(self, *words: object) -> None:
        """Runs a command as a user types it."""
        from xlretrieval.cli.main import main

        line = shlex.join(["xlretrieval", *map(str, words)])
        print(f"\n$ {line}", flush=True)
        began = time.monotonic()
        if code := main([str(word) for word in words]):
            raise SystemExit(code)
        self.commands.append((line, (time.monotonic() - began) / 60))

    def write_sample(self, size: float) -> None:
        """Small Wikipedias, and collections over what is held out."""
        self.command("sample", "--output", self.sample, "--size", size)

    def build(self, workers: int) -> None:
        """Aligned sections."""
        from xlretrieval.data.sample import TEST_FRACTION, VALIDATION_FRACTION

        words = ["--pairs", _PAIRS, "--output", self.corpus, "--work", self.output / "work"]
        words += ["--validation", VALIDATION_FRACTION, "--test", TEST_FRACTION]
        words += ["--origin", "the built-in sample", "--licence", "unicode-3.0,apache-2.0"]
        words += ["--workers", workers]
        self.command("wiki", "build", "--dumps", self.sample / "dumps", *words)

    def train_base(self, steps: int) -> None:
        """A tiny encoder from scratch, made long: multilingual BERT in small."""
        from xlretrieval.data.sections import AlignedSections
        from xlretrieval.trainers.base import BaseEncoder, train_base_encoder, write_untrained

        what = f"tokenizer and a tiny encoder, {steps:,} steps of masked words"
        print(f"\n# {what}", flush=True)
        began = time.monotonic()
        corpus = AlignedSections.load(self.corpus)
        train_base_encoder(corpus, self.base, BaseEncoder(steps=steps, **_BASE), self.output / "work")
        self.commands.append((f"# {what}", (time.monotonic() - began) / 60))
        words = ["--max-length", 2 * _MAX_LENGTH, "--attention-window", 32, "--output", self.start]
        self.command("convert", "--model", self.base, *words)
        write_untrained(self.start, self.untrained)

    def pretrain(self, steps: int) -> None:
        """QLM and RR in turn."""
        options = {
            "model": self.start,
            "corpus": self.corpus,
            "output_dir": self.trained,
            "max_steps": steps,
            "per_device_train_batch_size": 32,
            "learning_rate": 1e-3,
            "lr_scheduler_type": "linear",
            "warmup_steps": max(1, steps // 20),
            "max_length": _MAX_LENGTH,
            "max_query_length": _MAX_QUERY_LENGTH,
            "eval_strategy": "steps",
            "eval_steps": max(1, steps // 4),
            "eval_pairs": 60,
            "save_steps": steps,
            "logging_steps": max(1, steps // 40),
        }
        config = self.output / "pretrain.yaml"
        config.write_text("".join(f"{name}: {value}\n" for name, value in options.items()), encoding="utf-8")
        self.command("pretrain", config)

    def evaluate(self) -> None:
        """Before and after, on articles that neither the encoder nor the tokenizer has seen."""
        common = ["--corpus", self.corpus, "--split", "test", "--max-length", _MAX_LENGTH]
        # What names and numbers that all languages share give away, before anything was learned.
        untrained = ["--before", self.untrained, "--model", self.start, *common]
        self.command("evaluate", "alignment", *untrained, "--output", self.evaluation / "untrained")
        common += ["--before", self.start, "--model", self.trained]
        self.command("evaluate", "alignment", *common, "--output", self.evaluation / "alignment")
        common += ["--queries", _QUERIES]
        self.command("evaluate", "ranking", *common, "--output", self.evaluation / "ranking")

    def report(self) -> None:
        """Card, page, and one line of what it brought."""
        from xlretrieval.hub.report_page import write_report_page

        folders = [self.evaluation / "alignment", self.evaluation / "ranking"]
        self.command("card", self.trained, *(word for folder in folders for word in ("--evaluation", folder)))
        page = self.output / "report.html"
        title = "Cross-lingual pretraining on the built-in sample"
        rankings = _rankings(self.corpus, self.start, self.trained)
        notes = [_RANDOM_WEIGHTS.format(value) for _, value, _ in _means(self.evaluation / "untrained")]
        options = {"commands": self.commands, "rankings": rankings, "notes": notes}
        write_report_page(page, title, self.trained, folders, self.corpus, **options)
        minutes = sum(minutes for _, minutes in self.commands)
        (self.output / _MARK).write_text(json.dumps({"commands": self.commands}, indent=2) + "\n", encoding="utf-8")
        print(f"\nAfter {minutes:.1f} minutes, on articles that were held out, before -> after QLM and RR:")
        for folder in folders:
            for metric, before, after in _means(folder):
                print(f"  {folder.name} {metric}: {before:.3f} -> {after:.3f} ({after - before:+.3f})")
        print("".join(f"  {note}\n" for note in notes), end="")
        print(f"Report: {page}   Card: {self.trained / 'README.md'}   Curves: {self.trained / 'curves.png'}")


def _means(evaluation: Path) -> list[tuple[str, float, float]]:
    """Metric, before and after, as means over the directions."""
    results = json.loads((evaluation / "results.json").read_text(encoding="utf-8"))
    rows = [row for row in results["measurements"] if row["task"] == "mean"]
    return [(row["metric"], row["before"]["value"], row["after"]["value"]) for row in rows]


def _rankings(corpus_folder: Path, before: Path, after: Path) -> list[RankedExample]:
    """Some queries with their candidates, as both models rank them."""
    from xlretrieval.data.sections import AlignedSections
    from xlretrieval.evaluation.candidates import held_out_candidates
    from xlretrieval.hub.ranked_examples import RankedExample
    from xlretrieval.inference.reranker import Reranker

    corpus = AlignedSections.load(corpus_folder)
    rerankers = [
        # Documents are cut as where the models are measured.
        Reranker.from_pretrained(
            str(folder), max_length=_MAX_LENGTH, max_query_length=_MAX_QUERY_LENGTH, long_documents="firstp"
        )
        for folder in (before, after)
    ]
    examples = []
    for name in corpus.pairs[:_SHOWN_RANKINGS]:
        task = next(iter(held_out_candidates(corpus, name, "test", 1, 20)))
        query_id, query = next(iter(task.queries.items()))
        documents = {key: task.documents[key] for key in task.candidates[query_id]}
        both = []
        for reranker in rerankers:
            scores = reranker.score([(query, text) for text in documents.values()])
            relevant = task.qrels[query_id]
            scored = zip(documents.items(), scores.tolist(), strict=True)
            both.append([(text, score, key in relevant) for (key, text), score in scored])
        examples.append(RankedExample(query, *task.languages, *both))
    return examples
