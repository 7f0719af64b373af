"""Model cards: README.md of a model folder, written from the records of what was really run.

What is not recorded is left out or said to be unknown. The same records give the same card, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xlretrieval import __version__
from xlretrieval.data.files import write_bytes, write_text

from . import descriptions
from .card_evaluations import evaluation_section
from .card_metadata import EVAL_RESULTS_MARKER, card_metadata, eval_results_yaml, model_languages
from .evaluations import Evaluation, read_evaluations
from .limits import limits
from .markdown import plain, plain_rows
from .records import ModelRecords, read_model
from .versions import run_versions

MARKER = "<!-- Written by `xlretrieval card` from the records of the run; edits are lost when it runs again. -->"
TEMPLATE = Path(__file__).with_name("model_card.md")


@dataclass(frozen=True)
class CardOptions:
    """What a card says that no record knows.

    Args:
        name: How the examples load the model, as a Hub id; by default the folder's name.
        licence: Of the weights, as the Hub names licences.
        datasets: Hub ids of the data that the model was trained on.
        evaluation_datasets: Name of an evaluation's folder -> Hub id of its data. Only such evaluations go to
            `.eval_results`, as the Hub wants to know the dataset there.
    """

    name: str | None = None
    licence: str = "apache-2.0"
    datasets: Sequence[str] = ()
    evaluation_datasets: Mapping[str, str] = field(default_factory=dict)


def write_card(
    model_folder: str | Path,
    evaluations: Iterable[str | Path] = (),
    base_model: str | None = None,
    *,
    options: CardOptions | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes the model card, and beside it the pictures it shows.

    Args:
        model_folder: Folder with config.json and what the runs left: pretraining.json, conversion.json,
            trainer_state.json, curves.png.
        evaluations: Folders that `xlretrieval evaluate --output` wrote.
        base_model: Hub id of the checkpoint that it all began with; by default as the records say.
        options: What the records do not know.
        output: The file; by default README.md of the model folder.
        overwrite: Replace a file that was not written by this function.

    Returns:
        The file.

    Raises:
        ValueError: No model folder, a damaged record (file and line named), a foreign README.md without `overwrite`,
            or a dataset for an evaluation that is not there.
        OSError: A file cannot be read or written.
    """
    options = options or CardOptions()
    model = read_model(model_folder)
    results = read_evaluations(evaluations)
    path = Path(output) if output else model.folder / "README.md"
    before = _check_own(path, overwrite)
    if unknown := set(options.evaluation_datasets) - {evaluation.name for evaluation in results}:
        known = ", ".join(evaluation.name for evaluation in results) or "no evaluation"
        raise ValueError(
            f"A dataset must belong to an evaluation of the card ({known}), got {sorted(unknown)[0]!r}. "
            "Give the name of an evaluation's folder."
        )
    content = render_card(model, results, base_model or model.base_model, options)
    files = _pictures(model, results)
    for evaluation in results:
        if dataset := options.evaluation_datasets.get(evaluation.name):
            files[f".eval_results/{evaluation.name}.yaml"] = eval_results_yaml(evaluation, dataset).encode()
    for name, data in files.items():
        if not (path.parent / name).is_file() or (path.parent / name).read_bytes() != data:
            write_bytes(path.parent / name, data)
    write_text(path, content)
    _remove_stale(path.parent, before, files)
    return path


def _remove_stale(folder: Path, before: str, files: Mapping[str, bytes]) -> None:
    """Removes what an earlier card of ours had with it and this one has not: pictures it showed, results files."""
    stale = set(re.findall(r"\]\((evaluation-[a-z0-9-]+\.png)\)", before))
    for path in folder.glob(".eval_results/*.yaml"):
        if path.read_text(encoding="utf-8", errors="replace").startswith(EVAL_RESULTS_MARKER):
            stale.add(f".eval_results/{path.name}")
    for name in sorted(stale - set(files)):
        (folder / name).unlink(missing_ok=True)


def _check_own(path: Path, overwrite: bool) -> str:
    """The card that is there and was written by us, or ""."""
    if not path.exists():
        return ""
    content = path.read_text(encoding="utf-8", errors="replace")
    if MARKER in content:
        return content
    if not overwrite:
        raise ValueError(
            f"The card must not replace a file that this command did not write, got {path}. "
            "Choose another --output, or pass --overwrite."
        )
    return ""


def _pictures(model: ModelRecords, evaluations: Sequence[Evaluation]) -> dict[str, bytes]:
    """Name beside the card -> PNG."""
    pictures = {"curves.png": model.curves.read_bytes()} if model.curves else {}
    for evaluation in evaluations:
        if evaluation.heat_map:
            pictures[picture_name(evaluation)] = evaluation.heat_map.read_bytes()
    return pictures


def picture_name(evaluation: Evaluation) -> str:
    """Of the heat map's copy beside the card."""
    return f"evaluation-{evaluation.name}.png"


def render_card(
    model: ModelRecords, evaluations: Sequence[Evaluation], base_model: str | None, options: CardOptions
) -> str:
    """The card as text.

    Args:
        model: The model's records.
        evaluations: To report.
        base_model: Hub id, None when not known.
        options: What the records do not know.
    """
    from huggingface_hub import ModelCard

    name = options.name or model.folder.resolve().name
    metadata = card_metadata(
        model, evaluations, name, options.licence, base_model, options.datasets, options.evaluation_datasets
    )
    variables = {
        "marker": MARKER,
        "title": plain(name.split("/")[-1]),
        "name": _literal(name),
        "headlines": [plain(evaluation.headline()) for evaluation in evaluations],
        "remote_code": ", trust_remote_code=True" if "auto_map" in model.config else "",
        "package_version": plain(str(model.pretraining.get("versions", {}).get("xlretrieval", __version__))),
        "license": plain(options.licence),
        "limits": limits(model, evaluations),
        "versions": plain_rows(run_versions(model, evaluations)),
        "evaluations": [
            evaluation_section(evaluation, picture_name(evaluation) if evaluation.heat_map else None)
            for evaluation in evaluations
        ],
        "compared": any(row.before for evaluation in evaluations for row in evaluation.measurements),
    }
    card = ModelCard.from_template(
        metadata,
        template_str=TEMPLATE.read_text(encoding="utf-8"),
        **_model_variables(model, base_model),
        **_corpus_variables(model),
        **variables,
    )
    return re.sub(r"\n{3,}", "\n\n", str(card)).rstrip() + "\n"


def _literal(name: str) -> str:
    """A name inside of a Python string and a shell command."""
    if not re.fullmatch(r"[\w./+-]+", name) or name.startswith("-"):
        raise ValueError(
            f"The model's name must be letters, digits and any of . _ - + /, got {name!r}. Give another with --name."
        )
    return name


def _model_variables(model: ModelRecords, base_model: str | None) -> dict[str, Any]:
    arguments = model.arguments
    origins = list(model.origins)
    if base_model and base_model not in origins:
        origins.append(base_model)
    return {
        "trained": model.trained,
        "unfinished": bool(model.pretraining) and not model.trained,
        "ranks": "rr" in arguments.get("objectives", []),
        "languages": [plain(language) for language in model_languages(model)],
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
