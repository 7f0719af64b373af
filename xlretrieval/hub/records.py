"""What runs leave beside a model, read back: configuration, pretraining, conversion, fine-tuning, log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .finetuning import RECORD, FineTuning, read_finetuning
from .json_records import read_record

PRETRAINING, CONVERSION, LOG, CURVES = "pretraining.json", "conversion.json", "trainer_state.json", "curves.png"
# A published record has it.
ORIGINS = "origins"
# A chain of base models longer than this is a circle.
_MOST_ORIGINS = 10


def _read_if_there(path: Path, finite: bool = True) -> dict[str, Any]:
    return read_record(path, finite) if path.is_file() else {}


@dataclass(frozen=True)
class ModelRecords:
    """A model folder's records; {} stands for a file that is not there.

    Of a fine-tuned model, the record of the pretraining is that of the model it was made from, where that is still at
    its place; with it come the log and the curves.

    Attributes:
        folder: The model folder.
        config: config.json.
        pretraining: pretraining.json of `xlretrieval pretrain`.
        conversion: conversion.json of `xlretrieval convert`.
        finetuning: What `xlretrieval finetune` recorded, None without.
        log: Rows of the log of the pretraining, in order.
        best_step: Step whose weights were loaded at the end, where the pretraining asked for its best checkpoint.
        parameters: Number of parameters in the weights, None without `*.safetensors`.
        curves: The training curves, a PNG, None without.
        origins: What the model was made from, the nearest first: names of folders, at the end perhaps a Hub id.
    """

    folder: Path
    config: dict[str, Any]
    pretraining: dict[str, Any]
    conversion: dict[str, Any]
    finetuning: FineTuning | None
    log: list[dict[str, Any]]
    best_step: int | None
    parameters: int | None
    curves: Path | None
    origins: tuple[str, ...]

    @property
    def pretrained(self) -> bool:
        """Whether there is a record of pretraining that came to its end: only then it counts its steps."""
        return bool(self.pretraining.get("steps"))

    @property
    def trained(self) -> bool:
        """Whether the last training of these weights came to its end."""
        return self.finetuning.finished if self.finetuning else self.pretrained

    @property
    def task(self) -> str:
        """What the model is for: "ranking", "qa", or "" for an encoder without one of these heads."""
        names = " ".join(self.config.get("architectures") or ())
        if "ForQuestionAnswering" in names:
            return "qa"
        labels = len(self.config.get("id2label") or [0])
        return "ranking" if labels == 1 and ("Retrieval" in names or "SequenceClass" in names) else ""

    @property
    def ranks(self) -> bool:
        """Whether an objective trained the relevance head."""
        tuned = self.finetuning is not None and self.finetuning.task == "ranking"
        return tuned or "rr" in self.arguments.get("objectives", [])

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of the pretraining, {} without one."""
        return self.pretraining.get("arguments", {})

    @property
    def base_model(self) -> str | None:
        """Hub id of the checkpoint at the beginning, None when that was a folder."""
        last = self.origins[-1] if self.origins else ""
        return last if last.count("/") == 1 else None


def read_model(folder: str | Path) -> ModelRecords:
    """Reads the records of a model folder.

    Args:
        folder: As `xlretrieval convert`, `pretrain` or `finetune` wrote it; any checkpoint will do.

    Raises:
        ValueError: There is no config.json, or a record is damaged (file and line named).
        OSError: A file cannot be read.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        inside = sorted(path.parent.relative_to(folder).as_posix() for path in folder.glob("fold-*/model/config.json"))
        run = f"one of its models: {', '.join(inside)}" if inside else "the folder that `xlretrieval pretrain` wrote"
        if not inside and (folder / "folds.txt").is_file():
            run = "the model of a fold; a run of folds keeps them with `--keep_models true`"
        raise ValueError(f"The model folder must hold config.json, got {folder} without one. Give {run}.")
    finetuning = read_finetuning(folder)
    home = _pretrained_folder(folder)
    pretraining = _read_if_there(home / PRETRAINING)
    # Fine-tuning leaves its own log in the model folder, and a published record stands beside no log of its own.
    with_log = home != folder or finetuning is None
    state = _read_if_there(home / LOG, finite=False) if with_log else {}
    best = pretraining.get("arguments", {}).get("load_best_model_at_end")
    return ModelRecords(
        folder=folder,
        config=read_record(folder / "config.json"),
        pretraining=pretraining,
        conversion=_read_if_there(folder / CONVERSION),
        finetuning=finetuning,
        log=state.get("log_history", []),
        best_step=state.get("best_global_step") if best else None,
        parameters=_count_parameters(folder),
        curves=home / CURVES if (home / CURVES).is_file() else None,
        origins=tuple(name for name, _ in _origins(folder)),
    )


def _count_parameters(folder: Path) -> int | None:
    """From the headers of the weights; a shared (tied) tensor is stored once and counts once."""
    from safetensors import SafetensorError, safe_open

    files = sorted(folder.glob("*.safetensors"))
    total = 0
    for path in files:
        try:
            with safe_open(path, framework="np") as tensors:
                for name in tensors.keys():  # noqa: SIM118 - this is no mapping
                    size = 1
                    for length in tensors.get_slice(name).get_shape():
                        size *= length
                    total += size
        except SafetensorError as error:
            raise ValueError(f"{path}: weights must be whole safetensors, got {error}. Write them again.") from None
    return total if files else None


def _pretrained_folder(folder: Path) -> Path:
    """Where the record of the pretraining is: the model's folder, or the nearest one it was made from."""
    folders = [folder, *(place for _, place in _origins(folder) if place is not None)]
    return next((place for place in folders if (place / PRETRAINING).is_file()), folder)


def _origins(folder: Path) -> list[tuple[str, Path | None]]:
    """Follows the records of what was trained or converted from what: (name, folder if it is one).

    Of a path only the last part is public. A folder may hold several records, the last step's first. A published one
    names all origins, as their folders are elsewhere.
    """
    for name in (RECORD, PRETRAINING, CONVERSION):
        if (names := _read_if_there(folder / name).get(ORIGINS)) is not None:
            return [(str(name), None) for name in names]
    origins: list[tuple[str, Path | None]] = []
    place: Path | None = folder
    while place is not None and len(origins) < _MOST_ORIGINS:
        models = list(filter(None, _start_models(place)))
        if not models:
            break
        place = None
        for model in models:
            path = Path(model)
            on_disk = path.exists() or path.is_absolute() or model.startswith(".") or model.count("/") > 1
            origins.append((path.name, path) if on_disk else (model, None))
            if path.is_dir():
                place = path
                break
    return origins


def _start_models(folder: Path) -> list[str | None]:
    """What the records of a folder name as the model that their run began with."""
    finetuning = read_finetuning(folder)
    records = [finetuning.record] if finetuning else []
    records.append(_read_if_there(folder / PRETRAINING) or _read_if_there(folder / CONVERSION))
    return [record.get("arguments", {}).get("model") for record in records]
