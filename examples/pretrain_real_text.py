"""Does joint pretraining make a small long encoder better at cross-lingual retrieval? Measured on real parallel text.

  python examples/pretrain_real_text.py --data parallel --output runs/real-text

`--data` holds JSONL sections (laws_en.jsonl.gz, laws_fr.jsonl.gz, phpdoc_{en,de,es,fr}.jsonl.gz). A base encoder is
trained from scratch with MLM and made long; from it, arms with equal steps go on: nothing more, QLM, RR, both, and
both with the document masked instead of the query. Held-out documents are measured: P@1 of sentences and of sections
(cosine of mean-pooled states), MAP and MRR over candidates by the relevance head, and again after the same short
ranking training for every arm, as a user would fine-tune. Everything that is done is skipped on a rerun.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from xlretrieval.data.importers import import_jsonl
from xlretrieval.data.parallel import ParallelTexts, read_tatoeba
from xlretrieval.data.sections import AlignedSections
from xlretrieval.evaluation.alignment import evaluate_alignment
from xlretrieval.evaluation.candidates import held_out_candidates, rank_candidates
from xlretrieval.evaluation.ranking import bootstrap_interval, evaluate_run
from xlretrieval.inference.encoder import Encoder
from xlretrieval.inference.reranker import Reranker
from xlretrieval.modeling.conversion import convert_to_long, load_tokenizer
from xlretrieval.modeling.xl_retrieval import load_xl_retrieval
from xlretrieval.trainers.arguments import XLPretrainingArguments
from xlretrieval.trainers.base import BaseEncoder, train_base_encoder
from xlretrieval.trainers.pretraining import XLPretrainingTrainer

TRAINED_PAIRS = ["en-fr", "en-de", "en-es"]
UNSEEN_PAIRS = ["de-fr", "de-es", "es-fr"]  # measured, never trained on
ARMS = {
    "nothing more": {},
    "qlm": {"objectives": ["qlm"]},
    "rr": {"objectives": ["rr"]},
    "qlm+rr": {},
    "document masking": {"mask_mode": "document"},
}


def build_corpus(options: argparse.Namespace) -> AlignedSections:
    """Laws in two languages and a manual in four; whole documents are held out."""
    folder = options.output / "corpus"
    if not folder.exists():
        names = ["laws_en", "laws_fr", "phpdoc_en", "phpdoc_de", "phpdoc_es", "phpdoc_fr"]
        files = [options.data / f"{name}.jsonl.gz" for name in names]
        import_jsonl(files, TRAINED_PAIRS + UNSEEN_PAIRS, folder, validation=0.02, test=0.06, min_characters=150)
    return AlignedSections.load(folder)


def train_base(options: argparse.Namespace, corpus: AlignedSections) -> Path:
    """Tokenizer and a short encoder trained with MLM on the training sections of all languages."""
    folder = options.output / "base"
    if (folder / "model.safetensors").exists():
        return folder
    size = BaseEncoder(
        vocabulary=options.vocabulary,
        hidden=options.hidden,
        layers=options.layers,
        heads=max(2, options.hidden // 64),
        length=options.base_length,
        steps=options.base_steps,
        batch=options.batch,
        learning_rate=options.learning_rate,
        seed=options.seed,
        bf16=options.bf16,
    )
    return train_base_encoder(corpus, folder, size)


def train_arm(
    options: argparse.Namespace, corpus: AlignedSections, start: Path, name: str, steps: int, **changes
) -> Path:
    """Pretrains from `start` and returns the folder of the result; the time it took stands beside it."""
    folder = options.output / name.replace(" ", "-")
    if (folder / "model.safetensors").exists():
        return folder
    arguments = XLPretrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=options.batch,
        learning_rate=options.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=50,
        language_pairs=TRAINED_PAIRS,
        max_length=options.max_length,
        max_query_length=48,
        negatives=options.negatives,
        logging_steps=100,
        save_strategy="no",
        seed=options.seed,
        bf16=options.bf16,
        **changes,
    )
    trainer = XLPretrainingTrainer(
        load_xl_retrieval(str(start), dtype=torch.float32),
        arguments,
        corpus,
        processing_class=load_tokenizer(str(start)),
    )
    began = time.time()
    trainer.train()
    minutes = (time.time() - began) / 60
    trainer.save_model()
    trainer.save_state()
    figures = {"minutes": minutes, "steps": steps, "examples": steps * arguments.examples_per_step}
    (folder / "figures.json").write_text(json.dumps({**figures, **trainer.data_collator.counts()}))
    return folder


def ranking(options: argparse.Namespace, corpus: AlignedSections, folder: Path) -> dict[str, list[float]]:
    """Reciprocal rank and average precision of every held-out query, both directions of every language pair."""
    reranker = Reranker.from_pretrained(str(folder), max_query_length=48, max_length=options.max_length)
    per_task: dict[str, list[float]] = {}
    for name in corpus.pairs:
        for task in held_out_candidates(corpus, name, "test", options.queries, options.candidates, seed=1):
            result = evaluate_run(rank_candidates(reranker, task, show_progress=False), task.qrels, ("AP", "RR"))
            for metric in ("AP", "RR"):
                per_task[f"{metric} {task.name}"] = [row[metric] for row in result.per_query.values()]
    return per_task


def alignment(options: argparse.Namespace, corpus: AlignedSections, folder: Path) -> dict[str, list[float]]:
    """P@1 (0 or 1) of every held-out section in both directions, and of Tatoeba's sentences where they are given."""
    encoder = Encoder.from_pretrained(str(folder))
    tasks = []
    for name in corpus.pairs:
        pair = corpus.pair(name)
        rows = pair.rows("test")[: options.queries]
        sides = [
            [corpus.sections(language).text(row) for row in side[rows]]
            for language, side in ((pair.source_language, pair.source), (pair.target_language, pair.target))
        ]
        tasks.append(("section", ParallelTexts((pair.source_language, pair.target_language), *sides, name)))
    if options.tatoeba:
        tasks += [("sentence", read_tatoeba(options.tatoeba, f"{code}-eng")) for code in ("deu", "fra", "spa")]
    hits = {}
    for kind, texts in tasks:
        result = evaluate_alignment(encoder, texts, max_length=options.max_length, show_progress=False)
        for direction, values in zip((texts.languages, texts.languages[::-1]), result["hits"], strict=True):
            hits[f"{kind} P@1 {'-'.join(direction)}"] = values.tolist()
    return hits


def table(measured: dict[str, dict[str, list[float]]], figures: dict[str, dict]) -> str:
    """Markdown: one row an arm; means over tasks, with 95% bootstrap intervals over queries."""
    columns = ["sentence P@1", "section P@1", "MAP head", "MRR head", "MAP tuned", "MRR tuned"]
    lines = [
        "| arm | " + " | ".join(columns) + " | minutes | tokens |",
        "|" + "---|" * (len(columns) + 3),
    ]
    names = {"MAP head": "AP", "MRR head": "RR", "MAP tuned": "tuned AP", "MRR tuned": "tuned RR"}
    for arm, values in measured.items():
        cells = []
        for column in columns:
            prefix = names.get(column, column) + " "
            pooled = [value for key, rows in values.items() if key.startswith(prefix) for value in rows]
            low, high = bootstrap_interval(pooled) if pooled else (float("nan"),) * 2
            mean = float(np.mean(pooled)) if pooled else float("nan")
            cells.append(f"{mean:.3f} [{low:.3f}, {high:.3f}]")
        cost = figures.get(arm, {})
        cells += [f"{cost.get('minutes', 0):.1f}", f"{cost.get('tokens', 0):,}"]
        lines.append(f"| {arm} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def per_pair_table(measured: dict[str, dict[str, list[float]]], metric: str) -> str:
    """Markdown: one row a direction, one column an arm."""
    tasks = [key for key in next(iter(measured.values())) if key.startswith(metric + " ")]
    lines = [f"| {metric} | " + " | ".join(measured) + " |", "|" + "---|" * (len(measured) + 1)]
    for task in tasks:
        means = (f"{np.mean(values[task]):.3f}" for values in measured.values())
        lines.append(f"| {task.removeprefix(metric + ' ')} | " + " | ".join(means) + " |")
    return "\n".join(lines)


def measure(options: argparse.Namespace, corpus: AlignedSections, arm: str, folder: Path) -> dict[str, list[float]]:
    """Everything about one arm, after a short ranking training from it too."""
    path = options.output / f"measured-{arm.replace(' ', '-')}.json"
    if not path.exists():
        tuned = train_arm(options, corpus, folder, f"{arm} tuned", options.tuning_steps, objectives=["rr"])
        values = alignment(options, corpus, folder) | ranking(options, corpus, folder)
        values |= {f"tuned {key}": rows for key, rows in ranking(options, corpus, tuned).items()}
        path.write_text(json.dumps(values))
    return json.loads(path.read_text())


def main() -> None:
    """Runs the arms that are asked for, then measures everything that is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the JSONL sections")
    parser.add_argument("--tatoeba", type=Path, help="folder of tatoeba.deu-eng.deu and so on, for sentence P@1")
    parser.add_argument("--output", type=Path, default=Path("runs/real-text"))
    parser.add_argument("--arms", nargs="*", default=list(ARMS), help=f"of {', '.join(ARMS)}")
    parser.add_argument("--train-only", action="store_true", help="stop before the evaluation")
    parser.add_argument("--steps", type=int, default=2000, help="steps of each arm")
    parser.add_argument("--base-steps", type=int, default=3000, help="MLM steps of the base")
    parser.add_argument("--tuning-steps", type=int, default=150, help="ranking steps before the second measurement")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--negatives", type=int, default=1)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--vocabulary", type=int, default=10_000)
    parser.add_argument("--base-length", type=int, default=96)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--attention-window", type=int, default=32)
    parser.add_argument("--queries", type=int, default=120, help="held-out queries per direction")
    parser.add_argument("--candidates", type=int, default=20)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    corpus = build_corpus(options)
    start = options.output / "long"
    if not (start / "model.safetensors").exists():
        base = train_base(options, corpus)
        convert_to_long(str(base), 2 * options.max_length, options.attention_window).save(start)
    folders = {}
    for arm in options.arms:
        folders[arm] = (
            start if arm == "nothing more" else train_arm(options, corpus, start, arm, options.steps, **ARMS[arm])
        )
    if options.train_only:
        return
    measured, figures = {}, {}
    for arm, folder in folders.items():
        measured[arm] = measure(options, corpus, arm, folder)
        path = folder / "figures.json"
        figures[arm] = json.loads(path.read_text()) if path.exists() else {}
    report = [table(measured, figures)]
    report += [per_pair_table(measured, metric) for metric in ("AP", "RR", "tuned AP", "tuned RR", "section P@1")]
    if options.tatoeba:
        report.append(per_pair_table(measured, "sentence P@1"))
    (options.output / "report.md").write_text("\n\n".join(report) + "\n", encoding="utf-8")
    print(report[0])


if __name__ == "__main__":
    main()
