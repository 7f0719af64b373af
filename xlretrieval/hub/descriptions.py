"""A run in words and rows of tables, from its records alone: architecture, training, corpus. For cards and reports."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

from .records import ModelRecords

Rows = list[tuple[str, str]]

MASKED = {
    "query": "words of the query",
    "document": "words of the document",
    "mixed": "words of the query or of the document",
}
# Logged name -> what it is, and by what it is divided to lie between 0 and 1.
HELD_OUT = {
    "eval_mrr": ("MRR of the relevance head", 1.0),
    "eval_rr_accuracy": ("RR accuracy", 1.0),
    "eval_rr_loss": ("RR loss", 1.0),
    "eval_qlm_accuracy": ("QLM accuracy", 1.0),
    "eval_qlm_loss": ("QLM loss", 1.0),
    "eval_sentence_p1": ("sentence P@1 of embeddings", 100.0),
}


def architecture(model: ModelRecords) -> Rows:
    """What config.json and the weights say."""
    config = model.config
    rows: Rows = [("class", ", ".join(config.get("architectures") or ["not recorded"]))]
    if model.parameters is not None:
        rows.append(("parameters", f"{model.parameters:,}"))
    for key, name in (
        ("num_hidden_layers", "layers"),
        ("hidden_size", "width"),
        ("num_attention_heads", "attention heads"),
        ("intermediate_size", "width of the feed-forward layers"),
        ("vocab_size", "vocabulary"),
    ):
        if isinstance(config.get(key), int):
            rows.append((name, f"{config[key]:,}"))
    if isinstance(config.get("max_position_embeddings"), int):
        # XLM-R's table has rows that no position uses: its positions begin after the padding id.
        unused = config.get("position_offset", 0)
        if config.get("model_type") == "xlm-roberta":
            unused = config.get("pad_token_id", 1) + 1
        rows.append(("longest input", f"{config['max_position_embeddings'] - unused:,} tokens"))
    window = config.get("attention_window")
    if window is not None:
        per_layer = f"{window} tokens" if isinstance(window, int) else f"{', '.join(map(str, window))} tokens by layer"
        rows.append(("attention window", f"{per_layer}; query tokens are global, document tokens local"))
    if "max_global_tokens" in config:
        rows.append(("global tokens in compiled and exported graphs", f"at most {config['max_global_tokens']}"))
    if "dtype" in config:
        rows.append(("weights", str(config["dtype"])))
    return rows


def objectives(model: ModelRecords) -> Rows:
    """The objectives with weight, masking, loss and negatives."""
    arguments, rows = model.arguments, []
    for name in arguments.get("objectives", []):
        weight = f"weight {plain_value(arguments.get(f'{name}_weight'))}"
        if name == "qlm":
            mode = arguments.get("mask_mode")
            share = f"{arguments['mask_probability']:.0%}" if "mask_probability" in arguments else "a share"
            text = f"{weight}; {share} of the {MASKED.get(mode, str(mode))} are masked and predicted"
            rows.append(("query language modeling (QLM)", text))
        else:
            negatives = arguments.get("negatives")
            text = f"{weight}; {str(arguments.get('rr_loss')).replace('_', ' ')} loss, "
            text += f"{negatives} negative document{'' if negatives == 1 else 's'} per positive"
            rows.append(("relevance ranking (RR)", text))
    return rows


def settings(model: ModelRecords) -> Rows:
    """Steps, schedule and lengths."""
    arguments = model.arguments
    rows: Rows = []
    steps, pairs = model.pretraining.get("steps"), arguments.get("examples_per_step")
    if steps:
        rows.append(("optimizer steps", f"{steps:,}"))
    if pairs:
        total = f" ({steps * pairs:,} in all)" if steps else ""
        rows.append(("pairs of query and document per step", f"{pairs:,}{total}"))
    if model.best_step:
        rows.append(("weights are those of step", f"{model.best_step:,}, the best on held-out articles"))
    for name, text in (
        ("learning_rate", "learning rate"),
        ("lr_scheduler_type", "schedule of the learning rate"),
        ("warmup_steps", "warm-up steps"),
        ("weight_decay", "weight decay"),
        ("max_grad_norm", "largest gradient norm"),
        ("max_length", "longest pair in tokens"),
        ("max_query_length", "longest query in tokens"),
        ("seed", "seed"),
    ):
        if (value := _setting(model, name)) is not None:
            rows.append((text, value))
    for name in ("bf16", "fp16"):
        if arguments.get(name):
            rows.append(("mixed precision", name))
    if minutes := training_minutes(model):
        rows.append(("training time", f"{minutes:,.1f} minutes, evaluations included"))
    return rows


def truncation(model: ModelRecords) -> str:
    """What was cut to the longest pair, a sentence; "" when nothing was counted."""
    counts = model.pretraining.get("truncated") or {}
    if not counts.get("examples"):
        return ""
    return (
        f"Of {counts['examples']:,} rows that were encoded ({counts.get('tokens', 0):,} tokens), "
        f"{counts.get('truncated_queries', 0):,} queries and {counts.get('truncated_documents', 0):,} documents "
        "were cut to the longest lengths."
    )


def _setting(model: ModelRecords, name: str) -> str | None:
    """A recorded argument. What is not recorded had its default, which is known for this version of the package."""
    if name in model.arguments:
        return plain_value(model.arguments[name])
    from xlretrieval import __version__
    from xlretrieval.trainers.arguments import XLPretrainingArguments

    if model.pretraining.get("versions", {}).get("xlretrieval") != __version__:
        return None
    default = next((field.default for field in fields(XLPretrainingArguments) if field.name == name), None)
    return f"{plain_value(default)} (default)" if isinstance(default, int | float | str) and default else None


def plain_value(value: Any) -> str:
    """A number without needless digits."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def training_minutes(model: ModelRecords) -> float | None:
    """Wall-clock time of the training, None when it is not recorded. Of a resumed run, of its last part."""
    seconds = [row["train_runtime"] for row in model.log if "train_runtime" in row]
    return seconds[-1] / 60 if seconds else None


def held_out(model: ModelRecords) -> list[tuple[str, float, float]]:
    """(what, first, last evaluation of the training) on held-out articles; [] with fewer than two."""
    evaluated = [row for row in model.log if "eval_loss" in row]
    if len(evaluated) < 2:
        return []
    first, last = evaluated[0], evaluated[-1]
    return [
        (text, first[name] / scale, last[name] / scale)
        for name, (text, scale) in HELD_OUT.items()
        if isinstance(first.get(name), int | float) and isinstance(last.get(name), int | float)
    ]


@dataclass(frozen=True)
class CorpusDescription:
    """What a corpus is, from its provenance.

    Attributes:
        origin: Where it comes from, a phrase.
        sections: Language -> number of sections.
        pairs: Pair -> split -> number of pairs.
        counts: What was read, kept and dropped.
    """

    origin: str
    sections: dict[str, int]
    pairs: dict[str, dict[str, int]]
    counts: list[tuple[str, int]]


ORIGINS = {
    "jsonl": "JSON lines, whose own source is not recorded",
    "released": "the sections released with the paper in 2021",
    "wikipedia": "Wikipedia",
}


def corpus(provenance: Mapping[str, Any], pairs: Mapping[str, dict[str, int]] | None = None) -> CorpusDescription:
    """Describes a corpus.

    Args:
        provenance: provenance.json; {} when a corpus does not say.
        pairs: Pairs that were trained on, where that is not all of the corpus.
    """
    counts = provenance.get("counts", {})
    kept = counts.get("corpus", counts)
    origin = provenance.get("source")
    text = ORIGINS.get(origin, str(origin)) if origin else "a source that is not recorded"
    text = provenance.get("origin", text)
    dumps = [
        f"{language} {dump['date']}" for language, dump in provenance.get("dumps", {}).items() if dump.get("date")
    ]
    return CorpusDescription(
        origin=f"{text} ({', '.join(dumps)})" if dumps else text,
        sections=dict(kept.get("sections", {})),
        pairs=dict(kept.get("pairs", {}) if pairs is None else pairs),
        counts=_counts(counts, kept.get("sections", {})),
    )


def _counts(counts: Mapping[str, Any], languages: Collection[str]) -> list[tuple[str, int]]:
    """Numbers of an import as they are; of a build, where every stage counts by language or pair, their sums."""
    rows = [("sections read", counts["read"])] if isinstance(counts.get("read"), int) else []
    if counts.get("dropped") == {}:
        rows.append(("dropped", 0))
    for kind in ("dropped", "notes"):
        word = "dropped: " if kind == "dropped" else ""
        rows += [(f"{word}{reason}", count) for reason, count in counts.get(kind, {}).items()]
    for stage, name in (
        ("scan", "reading"),
        ("parse", "parsing"),
        ("align", "aligning"),
    ):
        sums: dict[str, int] = {}
        for kinds in counts.get(stage, {}).values():
            for kind, count in kinds.items():
                language, _, rest = kind.partition(" ")  # "de sections too short"
                text = (rest if language in languages else kind).replace("_", " ")
                sums[text] = sums.get(text, 0) + count
        rows += [(f"{name}: {kind}", count) for kind, count in sums.items() if count]
    return rows
