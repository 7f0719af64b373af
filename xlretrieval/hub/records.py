"""What runs leave beside a model and a corpus, read back: configuration, pretraining, conversion, log, provenance."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A chain of base models longer than this is a circle.
_MOST_ORIGINS = 10


def read_record(path: str | Path, finite: bool = True) -> dict[str, Any]:
    """A JSON object.

    Args:
        path: The file.
        finite: Refuse NaN and infinity, which the log of a run that diverged may hold.

    Raises:
        ValueError: It is not UTF-8, not JSON (line named), not an object, or has a number that is not finite.
        OSError: It cannot be read.
    """
    again = "Run the command that writes it again."

    def refuse(constant: str) -> float:
        if finite:
            raise ValueError(f"{path}: numbers must be finite, got {constant}. {again}")
        return float(constant)

    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=refuse)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: the file must be UTF-8, got {error}. {again}") from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path}, line {error.lineno}: the file must be whole JSON, got {error.msg}. {again}"
        ) from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: the file must hold a JSON object, got {type(content).__name__}. {again}")
    return content


def _read_if_there(path: Path, finite: bool = True) -> dict[str, Any]:
    return read_record(path, finite) if path.is_file() else {}


@dataclass(frozen=True)
class ModelRecords:
    """A model folder's records; {} stands for a file that is not there.

    Attributes:
        folder: The model folder.
        config: config.json.
        pretraining: pretraining.json of `xlretrieval pretrain`.
        conversion: conversion.json of `xlretrieval convert`.
        log: Rows of the Trainer's log, in order.
        best_step: Step whose weights were loaded at the end, where the run asked for its best checkpoint.
        parameters: Number of parameters in the weights, None without `*.safetensors`.
        curves: The training curves, a PNG, None without.
        origins: What the model was made from, the nearest first: names of folders, at the end perhaps a Hub id.
    """

    folder: Path
    config: dict[str, Any]
    pretraining: dict[str, Any]
    conversion: dict[str, Any]
    log: list[dict[str, Any]]
    best_step: int | None
    parameters: int | None
    curves: Path | None
    origins: tuple[str, ...]

    @property
    def trained(self) -> bool:
        """Whether there is a record of pretraining that came to its end: only then it counts its steps."""
        return bool(self.pretraining.get("steps"))

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
        folder: As `xlretrieval pretrain` or `xlretrieval convert` wrote it; any checkpoint will do.

    Raises:
        ValueError: There is no config.json, or a record is damaged (file and line named).
        OSError: A file cannot be read.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise ValueError(
            f"The model folder must hold config.json, got {folder} without one. "
            "Give the folder that `xlretrieval pretrain` or `xlretrieval convert` wrote."
        )
    state = _read_if_there(folder / "trainer_state.json", finite=False)
    pretraining = _read_if_there(folder / "pretraining.json")
    best = pretraining.get("arguments", {}).get("load_best_model_at_end")
    return ModelRecords(
        folder=folder,
        config=read_record(folder / "config.json"),
        pretraining=pretraining,
        conversion=_read_if_there(folder / "conversion.json"),
        log=state.get("log_history", []),
        best_step=state.get("best_global_step") if best else None,
        parameters=_count_parameters(folder),
        curves=folder / "curves.png" if (folder / "curves.png").is_file() else None,
        origins=tuple(_origins(folder)),
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


def _origins(folder: Path) -> list[str]:
    """Follows the records of what was trained or converted from what; of a path only the last part is public."""
    origins: list[str] = []
    while len(origins) < _MOST_ORIGINS:
        record = _read_if_there(folder / "pretraining.json") or _read_if_there(folder / "conversion.json")
        model = record.get("arguments", {}).get("model")
        if not model:
            break
        folder = Path(model)
        on_disk = folder.exists() or folder.is_absolute() or model.startswith(".") or model.count("/") > 1
        origins.append(folder.name if on_disk else model)
        if not on_disk:
            break
    return origins
