"""The text of a model card: the template, filled from records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlretrieval import __version__

from . import descriptions, finetuning_descriptions
from .card_evaluations import evaluation_section
from .card_metadata import card_metadata, model_languages
from .card_options import CardOptions, picture_name
from .evaluation import Evaluation
from .finetuning import RECORD, FineTuning
from .limits import limits
from .markdown import plain, plain_rows
from .records import ModelRecords
from .versions import run_versions

MARKER = "<!-- Written by `xlretrieval card` from the records of the run; edits are lost when it runs again. -->"
TEMPLATE = Path(__file__).with_name("model_card.md")
# Tokens of an input, shared by two windows, and of a question, where no training says them.
_WINDOWS = {"max_length": 384, "stride": 128, "max_query_length": 64}


def render_card(model: ModelRecords, evaluations: Sequence[Evaluation], options: CardOptions) -> str:
    """The card as text.

    Args:
        model: The model's records.
        evaluations: To report.
        options: What the records do not know.
    """
    from huggingface_hub import ModelCard

    name = options.name or _local_name(model)
    base_model = options.base_model or model.base_model
    card = ModelCard.from_template(
        card_metadata(model, evaluations, name, base_model, options),
        template_str=TEMPLATE.read_text(encoding="utf-8"),
        marker=MARKER,
        title=plain(name.split("/")[0 if name.count("/") > 1 else -1]),
        license=plain(options.licence),
        limits=limits(model, evaluations),
        **_usage_variables(model, name),
        **_model_variables(model, base_model),
        **_finetuning_variables(model.finetuning),
        **_corpus_variables(model),
        **_evaluation_variables(model, evaluations),
    )
    return re.sub(r"\n{3,}", "\n\n", str(card)).rstrip() + "\n"


def _local_name(model: ModelRecords) -> str:
    """The folder's name; of a model inside of the folder of its run, `run/fold-2/model`."""
    place = model.folder.resolve()
    inside = model.finetuning is not None and not (place / RECORD).is_file()
    return "/".join(place.parts[-3:] if inside else place.parts[-1:])


def _usage_variables(model: ModelRecords, name: str) -> dict[str, Any]:
    """How the model is loaded; only ways that work for its type."""
    if not re.fullmatch(r"[\w./+-]+", name) or name.startswith("-"):
        raise ValueError(
            f"The model's name must be letters, digits and any of . _ - + /, got {name!r}. Give another with --name."
        )
    has_code = "auto_map" in model.config
    arguments = model.finetuning.arguments if model.finetuning else {}
    return {
        "name": name,
        "on_hub": name.count("/") == 1,
        "task": model.task,
        "remote_code": ", trust_remote_code=True" if has_code else "",
        "loads_anywhere": has_code or model.config.get("model_type") != "bert-long",
        "windows": [arguments.get(key) or value for key, value in _WINDOWS.items()],
    }


def _model_variables(model: ModelRecords, base_model: str | None) -> dict[str, Any]:
    origins = list(model.origins)
    if base_model and base_model not in origins:
        origins.append(base_model)
    return {
        "trained": model.trained,
        "unfinished": bool(model.pretraining or model.finetuning) and not model.trained,
        "ranks": model.ranks,
        "history": _history(model) if model.trained else [],
        "origins": [f"`{plain(origin)}`" for origin in origins],
        "base": f"`{plain(origins[-1])}`" if origins else "",
        "architecture": plain_rows(descriptions.architecture(model)),
        "new_parameters": ", ".join(f"`{plain(name)}`" for name in model.conversion.get("new_parameters", [])),
        "objectives": plain_rows(descriptions.objectives(model)),
        "settings": plain_rows(descriptions.settings(model)) if model.pretraining else [],
        "truncated": descriptions.truncation(model),
        "held_out": [(what, f"{first:.3f}", f"{last:.3f}") for what, first, last in descriptions.held_out(model)],
        "curves": "curves.png" if model.curves else None,
    }


def _history(model: ModelRecords) -> list[str]:
    """What it was trained on, a sentence a training."""
    sentences, finetuning = [], model.finetuning
    if model.pretrained and (languages := model_languages(model, pretraining=True)):
        sentences.append(f"It was pretrained on pairs of aligned sections in {plain(', '.join(languages))}.")
    if finetuning is None:
        return sentences
    if finetuning.task == "qa":
        questions = finetuning.record.get("train", {}).get("questions")
        what = f"answer questions, with {questions:,} of them" if questions else "answer questions"
    else:
        what = f"rank documents, with the judged queries of {plain(', '.join(finetuning.data_sets)) or 'collections'}"
    sentences.append(f"{'Then it' if sentences else 'It'} was fine-tuned to {what}.")
    if finetuning.fold:
        sentences.append(f"These are the weights of fold {finetuning.fold} of a cross validation.")
    return sentences


def _finetuning_variables(finetuning: FineTuning | None) -> dict[str, Any]:
    if finetuning is None:
        return {"finetuning": None, "fold": None}
    return {
        "fold": finetuning.fold,
        "finetuning": {
            "settings": plain_rows(finetuning_descriptions.settings(finetuning)),
            "data": plain_rows(finetuning_descriptions.data(finetuning)),
            "folds": finetuning_descriptions.folds(finetuning),
            "data_sets": [(plain(name), *row) for name, *row in finetuning_descriptions.data_sets(finetuning)],
        },
    }


def _corpus_variables(model: ModelRecords) -> dict[str, Any]:
    if "pairs" not in model.pretraining:
        return {"corpus": None}
    corpus = descriptions.corpus(model.pretraining.get("corpus_provenance", {}), model.pretraining["pairs"])
    splits = ("train", "validation", "test")
    return {
        "corpus": corpus,
        "pairs": [
            (plain(pair), *(f"{counts.get(split, 0):,}" for split in splits)) for pair, counts in corpus.pairs.items()
        ],
        "sections": [(plain(language), f"{count:,}") for language, count in corpus.sections.items()],
        "counts": [(plain(what), f"{count:,}") for what, count in corpus.counts],
    }


def _evaluation_variables(model: ModelRecords, evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    lines = [evaluation.headline() for evaluation in evaluations]
    if model.finetuning and (line := finetuning_descriptions.headline(model.finetuning)):
        lines.insert(0, line)
    last = model.finetuning.record if model.finetuning else model.pretraining
    return {
        "headlines": [plain(line) for line in lines],
        "evaluations": [
            evaluation_section(evaluation, picture_name(evaluation) if evaluation.heat_map else None)
            for evaluation in evaluations
        ],
        "compared": any(row.before for evaluation in evaluations for row in evaluation.measurements),
        "versions": plain_rows(run_versions(model, evaluations)),
        "package_version": plain(str(last.get("versions", {}).get("xlretrieval", __version__))),
    }
