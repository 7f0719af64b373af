"""What a card says that no record knows, kept beside the card, so that it can be written again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .evaluation import Evaluation
from .evaluations import read_evaluation
from .json_records import public_record, read_record

CARD_RECORD = "card.json"


@dataclass(frozen=True)
class CardOptions:
    """What a card says that no record knows.

    Args:
        name: How the examples load the model, as a Hub id; by default the folder's name.
        licence: Of the weights, as the Hub names licences.
        datasets: Hub ids of the data that the model was trained on.
        evaluation_datasets: Name of an evaluation's folder -> Hub id of its data. Only such evaluations go to
            `.eval_results`, as the Hub wants to know the dataset there.
        base_model: Hub id of the checkpoint that it all began with; by default as the records say.
    """

    name: str | None = None
    licence: str = "apache-2.0"
    datasets: Sequence[str] = ()
    evaluation_datasets: Mapping[str, str] = field(default_factory=dict)
    base_model: str | None = None


def picture_name(evaluation: Evaluation) -> str:
    """Of the heat map's copy beside the card."""
    return f"evaluation-{evaluation.name}.png"


def figures_name(evaluation: str) -> str:
    """Of an evaluation's results.json beside the card."""
    return f"evaluation-{evaluation}.json"


def card_records(options: CardOptions, evaluations: Sequence[Evaluation]) -> dict[str, bytes]:
    """Name beside the card -> content: the options, and what was measured, without folders of this machine.

    Args:
        options: Of the card.
        evaluations: That were given to it.
    """
    content = {**asdict(options), "evaluations": [evaluation.name for evaluation in evaluations]}
    files = {figures_name(evaluation.name): public_record(evaluation.record) for evaluation in evaluations}
    return {
        name: (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()
        for name, record in {CARD_RECORD: content, **files}.items()
    }


def stored_names(folder: Path) -> list[str]:
    """Names of the evaluations of the card that was written last; [] without one, or where its record is damaged."""
    with suppress(ValueError, OSError):
        names = read_record(folder / CARD_RECORD).get("evaluations")
        return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return []


def stored_card(folder: Path) -> tuple[CardOptions, list[Evaluation]]:
    """The options and evaluations of the card that was written last; defaults and none without one.

    Raises:
        ValueError: A record is damaged (file named).
        OSError: An evaluation of the card is not there any more.
    """
    path = folder / CARD_RECORD
    if not path.is_file():
        return CardOptions(), []
    record = read_record(path)
    try:
        names = [str(name) for name in record.pop("evaluations")]
        options = CardOptions(**record)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: the file must hold the options of `xlretrieval card`, got {error}. Write the card again."
        ) from None
    evaluations = [
        read_evaluation(folder / figures_name(name), folder / f"evaluation-{name}.png", name) for name in names
    ]
    return options, evaluations
