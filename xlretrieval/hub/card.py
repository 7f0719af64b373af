"""Model cards: README.md of a model folder, written from the records of what was really run.

What is not recorded is left out or said to be unknown. The same records give the same card, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xlretrieval.data.files import write_bytes

from .card_metadata import EVAL_RESULTS_MARKER, eval_results_yaml
from .card_options import CardOptions, card_records, figures_name, picture_name, stored_card, stored_names
from .card_text import MARKER, render_card
from .evaluation import Evaluation
from .evaluations import read_evaluations
from .records import CURVES, ModelRecords, read_model

__all__ = ["Card", "CardOptions", "compose_card", "recompose_card", "write_card"]


@dataclass(frozen=True)
class Card:
    """A card that is not written yet.

    Attributes:
        text: Of README.md.
        files: What goes with it: pictures, `.eval_results`, and the records to write it again.
    """

    text: str
    files: dict[str, bytes]


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

    In the model folder it also leaves card.json and the figures of the evaluations, so that the card can be written
    again when the model is published.

    Args:
        model_folder: Folder with config.json and what the runs left: pretraining.json, conversion.json,
            finetuning.json, trainer_state.json, curves.png. Of the model of a fold, the records of the run are those
            two folders up.
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
    if base_model:
        options = replace(options, base_model=base_model)
    model = read_model(model_folder)
    taken = [evaluation.name for evaluation in model.finetuning.evaluations] if model.finetuning else []
    path = Path(output) if output else model.folder / "README.md"
    card = compose_card(model, read_evaluations(evaluations, taken), options, path, overwrite)
    if path.parent.resolve() != model.folder.resolve():  # nothing is published from there
        card = replace(card, files={name: data for name, data in card.files.items() if not name.endswith(".json")})
    save_card(card, path)
    return path


def compose_card(
    model: ModelRecords, evaluations: Sequence[Evaluation], options: CardOptions, path: Path, overwrite: bool = False
) -> Card:
    """Makes a card, and writes nothing.

    Args:
        model: The model's records.
        evaluations: Others than those of the fine-tuning.
        options: What the records do not know.
        path: Where the card is to stand.
        overwrite: Whether a file there may be one that is not ours.

    Raises:
        ValueError: As for `write_card`.
    """
    _check_own(path, overwrite)
    if unknown := set(options.evaluation_datasets) - {evaluation.name for evaluation in evaluations}:
        known = ", ".join(evaluation.name for evaluation in evaluations) or "no evaluation"
        raise ValueError(
            f"A dataset must belong to an evaluation of the card ({known}), got {sorted(unknown)[0]!r}. "
            "Give the name of an evaluation's folder."
        )
    every = [*(model.finetuning.evaluations if model.finetuning else ()), *evaluations]
    files = {CURVES: model.curves.read_bytes()} if model.curves else {}
    files |= {picture_name(of): of.heat_map.read_bytes() for of in every if of.heat_map}
    for evaluation in evaluations:
        if dataset := options.evaluation_datasets.get(evaluation.name):
            files[f".eval_results/{evaluation.name}.yaml"] = eval_results_yaml(evaluation, dataset).encode()
    return Card(render_card(model, every, options), files | card_records(options, evaluations))


def recompose_card(model: ModelRecords, name: str, overwrite: bool = False) -> Card:
    """The card of a model folder once more: with the options and evaluations of the one that was written last.

    Args:
        model: The model's records.
        name: How the examples load the model, as a Hub id.
        overwrite: Whether README.md may be one that is not ours.

    Raises:
        ValueError: As for `write_card`.
        OSError: An evaluation of the card is not there any more.
    """
    options, evaluations = stored_card(model.folder)
    return compose_card(model, evaluations, replace(options, name=name), model.folder / "README.md", overwrite)


def is_own(path: Path) -> bool:
    """Whether a card was written by us."""
    return path.is_file() and MARKER in path.read_text(encoding="utf-8", errors="replace")


def _check_own(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite and not is_own(path):
        raise ValueError(
            f"The card must not replace a file that this command did not write, got {path}. "
            "Choose another --output, or pass --overwrite."
        )


def save_card(card: Card, path: Path) -> None:
    """Writes a card and what goes with it; removes what an earlier card of ours had with it and this one has not."""
    before = path.read_text(encoding="utf-8") if is_own(path) else ""
    stale = set(re.findall(r"\]\((evaluation-[a-z0-9-]+\.png)\)", before))
    stale |= {figures_name(name) for name in stored_names(path.parent)}
    for results in path.parent.glob(".eval_results/*.yaml"):
        if results.read_text(encoding="utf-8", errors="replace").startswith(EVAL_RESULTS_MARKER):
            stale.add(f".eval_results/{results.name}")
    for name, data in {**card.files, path.name: card.text.encode()}.items():
        if not (path.parent / name).is_file() or (path.parent / name).read_bytes() != data:
            write_bytes(path.parent / name, data)
    for name in sorted(stale - set(card.files)):
        (path.parent / name).unlink(missing_ok=True)
