"""Fine-tune a ranker on judged collections, with cross validation over the queries.

  xlretrieval finetune ranking config.yaml --num_train_epochs 10
  torchrun --nproc_per_node 4 -m xlretrieval finetune ranking config.yaml                  (4 GPUs on one fold)
  torchrun --nproc_per_node 5 -m xlretrieval finetune ranking config.yaml --spread folds   (a GPU for each fold)
  xlretrieval finetune ranking config.yaml --fold 3                                        (a job for each fold)

The configuration is YAML with any of the options; options given on the command line win. `collections` lists YAML
files of collections, or mappings: {config: clef.yaml, direction: en-de, weight: 1, loss: kl, teacher: teacher.run}.
Every query is tested by a model that was neither trained nor chosen with it. A run that was killed goes on in the
middle of a fold when the same command is given again, and ends with the same table. The output gets results.json,
table.md, a run and judgements for each data set, folds.txt, finetuning.json (what was done), and a folder a fold; with
--final_model true, also a model that was trained on all queries.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlretrieval.cli.finetuning_options import RunArguments

if TYPE_CHECKING:
    from xlretrieval.trainers.data_sets import DataSet
    from xlretrieval.trainers.ranking_arguments import RankingArguments


def overview() -> list[str]:
    """One line for every option of this project, and for those whose default is the protocol's."""
    from xlretrieval.cli.training_options import option_lines
    from xlretrieval.trainers.ranking_arguments import RankingArguments

    return option_lines(RunArguments, RankingArguments)


def run(arguments: argparse.Namespace) -> None:
    """Fine-tunes, or lists the options.

    Args:
        arguments: With `config`, the YAML file or None, `options`, words of the command line, and `list`.

    Raises:
        ValueError: An option, a collection or the output folder is wrong; the message says where.
        OSError: A file cannot be read.
    """
    from transformers import HfArgumentParser

    from xlretrieval.cli.finetuning_options import finetuning_words, parse_words
    from xlretrieval.trainers.processes import closing_process_group
    from xlretrieval.trainers.ranking_arguments import RankingArguments
    from xlretrieval.trainers.spreading import leave_launcher

    parser = HfArgumentParser(
        (RunArguments, RankingArguments), prog="xlretrieval finetune ranking", allow_abbrev=False
    )
    if arguments.list:
        parser.print_help()
        return
    words = finetuning_words(parser, arguments.config, arguments.options)
    # Before any TrainingArguments is made, which would join the launcher's group.
    spread = parser.parse_known_args(words)[0].spread == "folds"
    rank, processes = leave_launcher() if spread else (0, 1)
    run_arguments, data_sets, args = parse_words(parser, words)
    with closing_process_group():
        finetune(run_arguments, data_sets, args, rank, processes)


def finetune(
    run_arguments: RunArguments,
    data_sets: list[DataSet],
    args: RankingArguments,
    rank: int = 0,
    processes: int = 1,
) -> None:
    """Runs the folds, and writes the results when all are finished.

    Args:
        run_arguments: Model, folds, and which of them.
        data_sets: What to train on.
        args: Arguments of the trainer.
        rank: Of this process, where folds are spread.
        processes: Number of those.
    """
    from xlretrieval.cli.finetuning_record import check_same_run, describe, final_model
    from xlretrieval.data.folds import read_folds, split_folds, write_folds
    from xlretrieval.evaluation.report import write_json
    from xlretrieval.trainers.cross_validation import CrossValidation
    from xlretrieval.trainers.data_sets import load_data_sets
    from xlretrieval.trainers.fold_results import summarize
    from xlretrieval.trainers.ranker import load_ranker
    from xlretrieval.trainers.spreading import share

    if run_arguments.fold is not None and run_arguments.spread == "folds":
        raise ValueError(f"fold must not be given where folds are spread, got {run_arguments.fold}. Leave one out.")
    if run_arguments.final_model and (run_arguments.fold is not None or run_arguments.spread == "folds"):
        raise ValueError(
            "final_model must come after all folds, got a run of some. Leave it out here, and give it to a run of the "
            "same configuration without fold and spread when they are finished."
        )
    if args.push_to_hub:
        raise ValueError(
            "push_to_hub must be false, got True: each fold would replace the one before. Publish the model of all "
            "queries (final_model) or one fold (keep_models) with `xlretrieval push` afterwards."
        )
    output = Path(args.output_dir)
    parts, train_only, provenance = load_data_sets(data_sets, args.loss, run_arguments.cache_dir)
    queries = [query for part in parts for query in part.collection.queries]
    fold_file = run_arguments.fold_file
    folds = read_folds(fold_file) if fold_file else split_folds(queries, run_arguments.folds, args.seed)
    validation = CrossValidation(
        lambda: load_ranker(run_arguments.model, run_arguments.attn_implementation),
        args,
        parts,
        folds,
        train_only,
        run_arguments.keep_models,
    )
    record = describe(run_arguments, [asdict(data_set) for data_set in data_sets], args, folds)
    check_same_run(output, record)
    final = final_model(output)
    record |= {"final_model": final} if final else {}
    record |= {"collections": provenance, "topics of the fold file that no collection has": validation.unused}
    if args.should_save:
        write_json(output / "finetuning.json", record)
        write_folds(folds, output / "folds.txt")
    numbers = share(len(set(folds.values())), rank, processes)
    validation.run([run_arguments.fold] if run_arguments.fold is not None else numbers)
    results = validation.finished()
    if len(results) < len(validation.rotations):
        if args.should_save:
            done = ", ".join(str(result.fold) for result in results)
            print(f"{output}: folds {done} of {len(validation.rotations)} are finished")
        return
    if args.should_save:
        summary = summarize(results, parts, output)
        record |= {"folds": {result.fold: result.counts for result in results}}
        write_json(output / "finetuning.json", record)
        print_table(summary, output)
    if run_arguments.final_model and not final:
        final = validation.train_final(results)
        if args.should_save:
            write_json(output / "finetuning.json", record | {"final_model": final})
            print(f"{output}: the model of all queries, after {final['epochs']} epochs")


def print_table(summary: dict[str, Any], output: Path) -> None:
    """The folds and the MAP over all queries."""
    from rich.console import Console
    from rich.table import Table

    table = Table("fold", "queries", "best epoch", "dev MAP", "test MAP", title=str(output))
    for fold in summary["folds"]:
        cells = [f"{fold['best_epoch']:g}", f"{fold['dev_map']:.4f}", f"{fold['map']:.4f}"]
        table.add_row(str(fold["fold"]), str(fold["queries"]), *cells)
    table.add_row("all", str(summary["queries"]), "", "", f"{summary['map']:.4f}")
    Console().print(table)
    if len(summary["data"]) > 1:
        for name, of in summary["data"].items():
            print(f"{name}: MAP {of['map']:.4f} over {of['queries']} queries")
