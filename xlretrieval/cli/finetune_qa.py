"""Fine-tune an encoder to answer questions, and measure it on pairs of languages.

  xlretrieval finetune qa config.yaml --num_train_epochs 3
  torchrun --nproc_per_node 4 -m xlretrieval finetune qa config.yaml

The configuration is YAML with any of the options; options given on the command line win. `train` names SQuAD files;
`dev` and `test` name a folder or zip of MLQA or XQuAD, a SQuAD file, or hub:OWNER/NAME, and `configs` what of them,
such as mlqa.de.en (context, question). A run that was killed goes on from its last whole checkpoint when the same
command is given again. The output gets the model, finetuning.json (what was done), and of dev and test results.json,
table.md, a heat map, and the predictions.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xlretrieval.data.answers.questions import QuestionSet
    from xlretrieval.evaluation.question_answering import QuestionSetResult
    from xlretrieval.trainers.question_answering import QuestionAnsweringTrainer
    from xlretrieval.trainers.question_answering_arguments import QuestionAnsweringArguments

# What makes the result. How a step is cut into batches and processes is not among it; examples_per_step says what it
# contains.
_RESULT = (
    "seed learning_rate lr_scheduler_type warmup_steps weight_decay optim max_grad_norm num_train_epochs max_steps "
    "eval_strategy eval_steps load_best_model_at_end metric_for_best_model best_epoch early_stopping_patience "
    "freeze_embeddings max_length stride max_query_length n_best max_answer_length null_threshold bf16 fp16"
).split()


@dataclass
class QuestionAnsweringRun:
    """What to train on what."""

    model: str = field(metadata={"help": "Hub id or folder of the encoder to start from, of any type."})
    train: list[str] = field(metadata={"help": "SQuAD files to learn from, .json or .json.gz."})
    dev: str | None = field(
        default=None,
        metadata={"help": "Folder, zip, SQuAD file or hub:OWNER/NAME of the questions to choose the epoch by."},
    )
    dev_split: str = field(default="validation", metadata={"help": "Split of dev."})
    test: str | None = field(default=None, metadata={"help": "As dev, of the questions to report on."})
    test_split: str = field(default="test", metadata={"help": "Split of test."})
    configs: list[str] = field(
        default_factory=list, metadata={"help": "Such as mlqa.de.en (context, question); by default all there are."}
    )
    drop_wrong_questions: bool = field(
        default=False, metadata={"help": "Drop and list questions whose answer is not at its offset."}
    )
    attn_implementation: str | None = field(
        default=None, metadata={"help": "eager, sdpa (default) or flex_attention (GPU, dropout 0, slower)."}
    )
    resume: bool = field(default=True, metadata={"help": "Go on from the last whole checkpoint of the output folder."})


def overview() -> list[str]:
    """One line for every option of this project, and for those whose default is the protocol's."""
    from xlretrieval.cli.training_options import option_lines
    from xlretrieval.trainers.question_answering_arguments import QuestionAnsweringArguments

    return option_lines(QuestionAnsweringRun, QuestionAnsweringArguments)


def run(arguments: argparse.Namespace) -> None:
    """Fine-tunes, or lists the options.

    Args:
        arguments: With `config`, the YAML file or None, `options`, words of the command line, and `list`.
    """
    from transformers import HfArgumentParser

    from xlretrieval.cli.pretrain import parse_options
    from xlretrieval.trainers.processes import closing_process_group
    from xlretrieval.trainers.question_answering_arguments import QuestionAnsweringArguments

    parser = HfArgumentParser(
        (QuestionAnsweringRun, QuestionAnsweringArguments), prog="xlretrieval finetune qa", allow_abbrev=False
    )
    if arguments.list:
        parser.print_help()
        return
    run_arguments, args = parse_options(parser, arguments.config, arguments.options)
    with closing_process_group():
        finetune_qa(run_arguments, args)


def finetune_qa(run_arguments: QuestionAnsweringRun, args: QuestionAnsweringArguments) -> None:
    """Loads model and questions, trains, and writes the result beside what made it.

    Args:
        run_arguments: Model and questions.
        args: Arguments of the trainer.

    Raises:
        ValueError: With file and row, a question is wrong; or the output folder belongs to another run.
    """
    from transformers import set_seed

    from xlretrieval.cli.finetuning_record import check_same_run
    from xlretrieval.evaluation.report import write_json
    from xlretrieval.trainers.checkpoints import last_whole_checkpoint, train_to_the_end
    from xlretrieval.trainers.question_answerer import load_question_answerer
    from xlretrieval.trainers.question_answering import QuestionAnsweringTrainer

    output = Path(args.output_dir)
    record = describe(run_arguments, args)
    found = last_whole_checkpoint(output) if run_arguments.resume else None
    if run_arguments.resume:
        check_same_run(output, record)
    elif args.should_save:
        start_over(output)
    train = load_training_questions(run_arguments)
    dev = load_sets(run_arguments.dev, run_arguments.dev_split, run_arguments)
    test = load_sets(run_arguments.test, run_arguments.test_split, run_arguments)
    record["problems"] = [line for part in [*train, *dev, *test] for line in part.problems]
    set_seed(args.seed)  # a head that the checkpoint lacks is drawn from it
    model, tokenizer = load_question_answerer(run_arguments.model, run_arguments.attn_implementation)
    questions = [question for part in train for question in part.questions]
    trainer = QuestionAnsweringTrainer(model, args, questions, tokenizer, dev)
    record["train"] = trainer.train_dataset.counts
    if args.should_save:
        write_json(output / "finetuning.json", record)
    train_to_the_end(trainer, found)
    trainer.save_model()
    trainer.save_state()
    results = {"dev": answer_by_best_epochs(trainer, dev), "test": answer_by_best_epochs(trainer, test)}
    if not args.should_save:
        return
    record |= {"steps": trainer.state.global_step, "best": trainer.state.best_metric}
    write_json(output / "finetuning.json", record)
    for name, measured in results.items():
        if measured:
            write_results(output / name, measured, f"{name} of {output.name}", record)
    if args.push_to_hub:
        # Again, now that the results are there for the card.
        from xlretrieval.hub.publish import push_model

        push_model(output, trainer.hub_model_id, revision=args.hub_revision, token=args.hub_token, message="Results")
    print(f"{output}: {type(trainer.model).__name__} after {trainer.state.global_step:,} steps")


def start_over(output: Path) -> None:
    """Removes the checkpoints of an earlier run, from which a later one would go on; only from a folder of ours."""
    if (output / "finetuning.json").exists():
        for folder in [*output.glob("checkpoint-*"), output / "best"]:
            shutil.rmtree(folder, ignore_errors=True)


def load_training_questions(run_arguments: QuestionAnsweringRun) -> list[QuestionSet]:
    """The SQuAD files.

    Raises:
        ValueError: With file and row, a question is wrong, or two files share one.
        OSError: A file cannot be read.
    """
    from xlretrieval.data.answers.squad_format import read_squad

    on_problem = "drop" if run_arguments.drop_wrong_questions else "raise"
    files = [read_squad(path, on_problem) for path in run_arguments.train]
    seen: dict[str, str] = {}
    for path, part in zip(run_arguments.train, files, strict=True):
        for question in part.questions:
            if question.id in seen:
                raise ValueError(
                    f"{path}: a question id must occur once, got {question.id!r} of {seen[question.id]} again. "
                    "Name each file once."
                )
            seen[question.id] = path
    return files


def load_sets(source: str | None, split: str, run_arguments: QuestionAnsweringRun) -> list[QuestionSet]:
    """The sets of a source that `configs` names, or all of them."""
    from xlretrieval.data.answers.loading import load_question_sets

    on_problem = "drop" if run_arguments.drop_wrong_questions else "raise"
    return load_question_sets(source, run_arguments.configs, split, on_problem) if source else []


def describe(run_arguments: QuestionAnsweringRun, args: QuestionAnsweringArguments) -> dict[str, Any]:
    """Arguments that make the result, other ones that differ from their defaults, and versions."""
    import torch
    import transformers

    from xlretrieval import __version__

    # Not from a second instance: making one resets the process group that the first has joined.
    defaults = {option.name: option.default for option in fields(args)}
    values = args.to_dict()
    given = {name: value for name, value in values.items() if name in _RESULT or value != defaults.get(name)}
    of_run = {
        name: value for name, value in vars(run_arguments).items() if name not in ("resume", "test", "test_split")
    }
    return {
        "command": "finetune qa",
        "experiment": {
            **of_run,
            "examples_per_step": args.examples_per_step,
            **{name: values[name] for name in _RESULT},
        },
        "arguments": {**vars(run_arguments), **{name: _plain(value) for name, value in given.items()}},
        "versions": {
            "xlretrieval": __version__,
            "transformers": transformers.__version__,
            "torch": torch.__version__,
        },
    }


def _plain(value: object) -> object:
    return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else str(value)


def answer_by_best_epochs(trainer: QuestionAnsweringTrainer, sets: list[QuestionSet]) -> list[QuestionSetResult]:
    """Results of sets, each by the model of its pair's own best epoch where those were kept."""
    if not sets:
        return []
    if trainer.args.best_epoch != "pair":
        return trainer.answer(sets)
    from xlretrieval.trainers.question_answerer import load_question_answerer

    results, result_model = [], trainer.model
    for part in sets:
        folder = trainer.best_folder(part.name)
        trainer.model = result_model
        if folder.is_dir():
            trainer.model = load_question_answerer(str(folder))[0].to(result_model.device)
        results += trainer.answer([part])
    trainer.model = result_model
    return results


def write_results(folder: Path, results: list[QuestionSetResult], title: str, record: Mapping[str, Any]) -> None:
    """Writes results.json, table.md, heatmap.png and predictions, and prints the table."""
    from rich.console import Console

    from xlretrieval.data.files import write_text
    from xlretrieval.evaluation.question_answering import (
        answer_measurements,
        draw_matrix,
        mean_scores,
        notes_on_answers,
        write_predictions,
    )
    from xlretrieval.evaluation.report import console_table, markdown_table, write_json

    rows = answer_measurements(results)
    notes = notes_on_answers(results)
    table = markdown_table(rows, 1) + "".join(f"\n- {note}" for note in notes) + "\n"
    write_text(folder / "table.md", table)
    for result in results:
        write_predictions(folder / "predictions" / f"{result.name}.json", result.predictions)
    draw_matrix(folder / "heatmap.png", results, f"F1, {title}")
    content = {"mean": mean_scores(results), "sets": [result.as_dict() for result in results]}
    write_json(folder / "results.json", {**{key: record[key] for key in ("command", "versions")}, **content})
    console = Console()
    console.print(console_table(rows, title, 1))
    for note in notes:
        console.print(note, markup=False, highlight=False)
