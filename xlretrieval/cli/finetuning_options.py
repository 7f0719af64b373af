"""Options of fine-tuning from a YAML file and the command line; the data sets may be mappings in both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from xlretrieval.cli.configuration import nearest, read_yaml

if TYPE_CHECKING:
    from transformers import HfArgumentParser

    from xlretrieval.trainers.data_sets import DataSet
    from xlretrieval.trainers.ranking_arguments import RankingArguments


SPREADS = ("data", "folds")


@dataclass
class RunArguments:
    """What to train on what."""

    model: str = field(metadata={"help": "Hub id or folder of the encoder to start from, of any type."})
    collections: list[str] = field(
        metadata={"help": "YAML files of collections; or mappings, with direction, weight, loss, teacher and others."}
    )
    direction: str | None = field(
        default=None, metadata={"help": "Languages of queries and documents, en-de, of collections that name none."}
    )
    folds: int = field(default=5, metadata={"help": "Parts that the queries are dealt into by the seed."})
    fold_file: str | None = field(default=None, metadata={"help": "Lines 'query fold', instead of dealing."})
    fold: int | None = field(default=None, metadata={"help": "Run this fold only, counted from 1."})
    spread: str = field(
        default="data",
        metadata={"help": "What processes share: the batches of a fold, or the folds.", "choices": list(SPREADS)},
    )
    keep_models: bool = field(default=False, metadata={"help": "Keep the best model of each fold, in fold-N/model."})
    final_model: bool = field(
        default=False,
        metadata={
            "help": "Train one more model, on all queries, for the median of the epochs that the folds chose; it "
            "goes into the output folder."
        },
    )
    cache_dir: str | None = field(default=None, metadata={"help": "Where documents go once they are converted."})
    attn_implementation: str | None = field(
        default=None, metadata={"help": "eager, sdpa (default) or flex_attention (GPU, dropout 0, slower)."}
    )


def finetuning_words(parser: HfArgumentParser, config: Path | None, options: Sequence[str]) -> list[str]:
    """The options of the file as words of a command line, then those of the command line, which win.

    Raises:
        ValueError: With file and line, an option is unknown or the file is no mapping; or no output folder is named.
        OSError: The file cannot be read.
    """
    words: list[str] = []
    known = {action.dest for action in parser._actions}
    for name, (line, value) in (read_yaml(config) if config else {}).items():
        if name not in known:
            raise ValueError(f"{config}, line {line}: an option must be known, got {name!r}.{nearest(name, known)}")
        if value is None:
            continue
        if name == "collections":
            _check_entries(value, f"{config}, line {line}")
        values = value if isinstance(value, list) else [value]
        words += [f"--{name}", *(json.dumps(part) if isinstance(part, dict) else str(part) for part in values)]
    words += options
    for name, what in (
        ("output_dir", "the folder for the results"),
        ("model", "one"),
        ("collections", "at least one"),
    ):
        if not any(word.split("=")[0] == f"--{name}" for word in words):
            where = f"{config}: " if config else ""
            raise ValueError(f"{where}{name} must be given, got none. Name {what}.")
    return words


def _check_entries(value: Any, where: str) -> None:
    from xlretrieval.trainers.data_sets import parse_data_set

    try:
        for entry in value if isinstance(value, list) else [value]:
            parse_data_set(entry)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def parse_words(
    parser: HfArgumentParser, words: Sequence[str]
) -> tuple[RunArguments, list[DataSet], RankingArguments]:
    """Words to arguments; makes the one instance of the training arguments.

    Raises:
        ValueError: A value is wrong, or a data set is.
    """
    from xlretrieval.trainers.data_sets import parse_data_set

    # Before the training arguments, which look for devices and join a group.
    entries = [_entry(text) for text in parser.parse_known_args(list(words))[0].collections]
    data_sets = [parse_data_set(entry) for entry in entries]
    run_arguments, args = parser.parse_args_into_dataclasses(list(words), look_for_args_file=False)
    if run_arguments.direction is not None:
        data_sets = [
            replace(data_set, direction=data_set.direction or run_arguments.direction) for data_set in data_sets
        ]
    return run_arguments, data_sets, args


def _entry(text: str) -> Any:
    """A mapping in YAML's short form, `{config: clef.yaml, weight: 2}`, or the name of a file."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"a data set must be a file or YAML, got {text!r} ({error}). Correct it.") from None
