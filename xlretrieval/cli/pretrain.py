"""Pretrain an encoder for cross-lingual retrieval with query language modeling (QLM) and relevance ranking (RR).

  xlretrieval pretrain config.yaml --max_steps 1000 --language_pairs en-de en-fr
  accelerate launch -m xlretrieval pretrain config.yaml

The configuration is YAML with any of the options; options given on the command line win. A run that was killed goes on
from its last whole checkpoint when the same command is given again. Besides the model, the output folder gets
pretraining.json (what was done), trainer_state.json (every log line) and curves.png.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import HfArgumentParser

    from xlretrieval.trainers.arguments import XLPretrainingArguments

TAKES_OPTIONS = True  # what the parser below does not know goes to `run` as arguments.options

# A run may be continued with more steps or other logging, not with another experiment.
IDENTITY = (
    "model corpus seed objectives qlm_weight rr_weight language_pairs mask_mode mask_probability negatives rr_loss "
    "max_length max_query_length examples_per_step"
).split()


@dataclass
class RunArguments:
    """What to train on what."""

    model: str = field(metadata={"help": "Hub id or folder of the encoder to start from, short or long."})
    corpus: str = field(metadata={"help": "Folder of aligned sections (`xlretrieval sections import`)."})
    attn_implementation: str | None = field(
        default=None, metadata={"help": "eager, sdpa (default) or flex_attention (GPU, dropout 0, slower)."}
    )
    resume: bool = field(default=True, metadata={"help": "Go on from the last whole checkpoint of the output folder."})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the configuration file, and an overview of the options as epilogue."""
    parser.add_argument("config", nargs="?", type=Path, help="YAML file with any of the options")
    parser.add_argument("--list", action="store_true", help="list every option, those of TrainingArguments included")
    parser.epilog = "options of pretraining (--list shows all):\n" + "\n".join(_overview())


def _overview() -> list[str]:
    """One line for every option of this project, and for those whose default is the paper's."""
    from xlretrieval.cli.training_options import option_lines
    from xlretrieval.trainers.arguments import XLPretrainingArguments

    return option_lines(RunArguments, XLPretrainingArguments)


def run(arguments: argparse.Namespace) -> None:
    """Trains, or lists the options."""
    from transformers import HfArgumentParser

    from xlretrieval.trainers.arguments import XLPretrainingArguments
    from xlretrieval.trainers.processes import closing_process_group

    parser = HfArgumentParser((RunArguments, XLPretrainingArguments), prog="xlretrieval pretrain", allow_abbrev=False)
    if arguments.list:
        parser.print_help()
        return
    run_arguments, training_arguments = parse_options(parser, arguments.config, arguments.options)
    with closing_process_group():
        pretrain(run_arguments, training_arguments)


def parse_options(
    parser: HfArgumentParser, config: Path | None, options: list[str]
) -> tuple[RunArguments, XLPretrainingArguments]:
    """Options of the file, then those of the command line, which win.

    Raises:
        ValueError: When the file is not a mapping of known options, or no output folder is named.
    """
    from xlretrieval.cli.configuration import load_yaml, nearest

    words: list[str] = []
    known = {action.dest for action in parser._actions}
    for name, value in (load_yaml(config) if config else {}).items():
        if name not in known:
            raise ValueError(f"{config}: an option must be known, got {name!r}.{nearest(name, known)}")
        if value is None:
            continue
        values = value if isinstance(value, list) else [json.dumps(value) if isinstance(value, dict) else value]
        words += [f"--{name}", *map(str, values)]
    parsed = parser.parse_args_into_dataclasses([*words, *options], look_for_args_file=False)
    if not any(word.split("=")[0] == "--output_dir" for word in [*words, *options]):
        raise ValueError("output_dir must be given, got none. Name the folder for the model.")
    return parsed


def pretrain(run_arguments: RunArguments, args: XLPretrainingArguments) -> None:
    """Loads model and corpus, trains, and writes the result beside what made it.

    Args:
        run_arguments: Model and corpus.
        args: Arguments of the trainer.
    """
    from transformers import set_seed

    from xlretrieval.data.sections import AlignedSections
    from xlretrieval.evaluation.report import write_json
    from xlretrieval.modeling.conversion import load_tokenizer
    from xlretrieval.modeling.xl_retrieval import load_xl_retrieval
    from xlretrieval.trainers.checkpoints import last_whole_checkpoint, train_to_the_end
    from xlretrieval.trainers.pretraining import XLPretrainingTrainer

    output = Path(args.output_dir)
    record = describe(run_arguments, args)
    found = last_whole_checkpoint(output) if run_arguments.resume else None
    args.eval_on_start = args.eval_strategy != "no" and found is None
    if found is not None:
        check_same_run(output, record)
    corpus = AlignedSections.load(run_arguments.corpus, pairs=args.language_pairs)
    tokenizer = load_tokenizer(run_arguments.model)
    set_seed(args.seed)  # heads that the checkpoint lacks are drawn from it
    options = {"attn_implementation": run_arguments.attn_implementation} if run_arguments.attn_implementation else {}
    model = load_xl_retrieval(run_arguments.model, dtype="float32", **options)
    trainer = XLPretrainingTrainer(model, args, corpus, processing_class=tokenizer)
    record["corpus_provenance"] = corpus.provenance
    record["pairs"] = {
        pair: {split: len(corpus.pair(pair).rows(split)) for split in ("train", "validation", "test")}
        for pair in trainer.schedule.pairs
    }
    if args.should_save:
        output.mkdir(parents=True, exist_ok=True)
        write_json(output / "pretraining.json", record)
    train_to_the_end(trainer, found)
    evaluated = [row["step"] for row in trainer.state.log_history if "eval_loss" in row]
    if trainer.held_out is not None and evaluated[-1:] != [trainer.state.global_step]:
        trainer.evaluate()
    trainer.save_model()
    trainer.save_state()
    if args.should_save:
        record["steps"] = trainer.state.global_step
        record["truncated"] = trainer.data_collator.counts()
        write_json(output / "pretraining.json", record)
        print_before_after(trainer.state.log_history)
        print(f"{output}: {type(model).__name__} after {trainer.state.global_step:,} steps")


def describe(run_arguments: RunArguments, args: XLPretrainingArguments) -> dict:
    """What the run is made of: arguments that differ from the defaults, all of ours, and versions."""
    import datasets
    import torch
    import transformers

    from xlretrieval import __version__

    # Not from a second instance: making one resets the process group that the first has joined.
    defaults = {option.name: option.default for option in fields(args)}
    values = args.to_dict()
    given = {name: value for name, value in values.items() if name in IDENTITY or value != defaults.get(name)}
    return {
        "command": "pretrain",
        "arguments": {**vars(run_arguments), **given, "examples_per_step": args.examples_per_step},
        "versions": {
            "xlretrieval": __version__,
            "transformers": transformers.__version__,
            "torch": torch.__version__,
            "datasets": datasets.__version__,
        },
    }


def check_same_run(output: Path, record: dict) -> None:
    """Refuses to continue another experiment in its folder.

    Raises:
        ValueError: When an argument that makes the experiment has changed.
    """
    path = output / "pretraining.json"
    if not path.exists():
        return
    before = json.loads(path.read_text(encoding="utf-8"))["arguments"]
    changed = [name for name in IDENTITY if before.get(name) != record["arguments"].get(name)]
    if changed:
        what = ", ".join(f"{name} {before.get(name)!r} -> {record['arguments'].get(name)!r}" for name in changed)
        raise ValueError(
            f"{output} must belong to this configuration to be continued, got other values: {what}. "
            "Choose another output_dir, or --resume false to start over."
        )


def print_before_after(log_history: list[dict]) -> None:
    """A table of the first and the last evaluation, as means over the language pairs."""
    from rich.console import Console
    from rich.table import Table

    evaluations = [row for row in log_history if "eval_loss" in row]
    if len(evaluations) < 2:
        return
    first, last = evaluations[0], evaluations[-1]
    table = Table("held-out articles", "before", "after", title=f"steps {first['step']} -> {last['step']}")
    for name in ("qlm_loss", "qlm_accuracy", "rr_loss", "rr_accuracy", "mrr", "sentence_p1"):
        table.add_row(name, f"{first[f'eval_{name}']:.4f}", f"{last[f'eval_{name}']:.4f}")
    Console().print(table)
