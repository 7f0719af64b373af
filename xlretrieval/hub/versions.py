"""Versions of the libraries in every run that a card or report tells of."""

from __future__ import annotations

from collections.abc import Sequence

from .evaluation import Evaluation
from .records import ModelRecords


def run_versions(model: ModelRecords, evaluations: Sequence[Evaluation]) -> list[tuple[str, str]]:
    """(runs, versions); runs with the same versions share a row, runs that recorded none are left out.

    Args:
        model: The model's records, which hold those of its corpus too.
        evaluations: The evaluations.
    """
    runs = [
        ("corpus", model.pretraining.get("corpus_provenance", {}).get("versions", {})),
        ("conversion", model.conversion.get("versions", {})),
        ("training", model.pretraining.get("versions", {})),
        ("fine-tuning", model.finetuning.record.get("versions", {}) if model.finetuning else {}),
        *((f"evaluation {evaluation.name}", evaluation.versions) for evaluation in evaluations),
    ]
    rows: dict[str, list[str]] = {}
    for run, versions in runs:
        if versions:
            rows.setdefault(", ".join(f"{name} {version}" for name, version in versions.items()), []).append(run)
    return [(", ".join(names), versions) for versions, names in rows.items()]
