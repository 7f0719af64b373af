"""Measure alignment, ranking and answers to questions, for one model or before and after.

  xlretrieval evaluate alignment --model runs/qlm --before bert-base-multilingual-uncased \\
      --tatoeba data/tatoeba --pairs deu-eng,fra-eng --output results/tatoeba
  xlretrieval evaluate alignment --model runs/qlm --xnli xnli.15way.orig.tsv --layers all --output results/xnli
  xlretrieval evaluate ranking --model runs/qlm-rr --corpus corpus --split test --output results/ranking
  xlretrieval evaluate ranking --model runs/clef --collection clef.yaml --direction en-de,en-fr --output results/clef
  xlretrieval evaluate ranking --model runs/clef --collection clef.yaml --first-stage runs/qlm --top-k 100
  torchrun --nproc_per_node 4 -m xlretrieval evaluate ranking --model runs/clef ...     (4 GPUs share the pairs)
  xlretrieval evaluate ranking --run new.run --baseline old.run --qrels qrels.txt
  xlretrieval evaluate qa --model runs/qa --questions MLQA_V1.zip --split test --output results/mlqa

Every table gives 95% bootstrap intervals; a difference is paired by text or query. Two systems are compared by paired
tests, corrected for the number of directions. The output folder holds results.json (numbers, options, versions, what
was cut or dropped), table.md, a heat map when there are two language pairs or more; and for rankings every query in
queries.tsv and queries.json, plots, and the runs and judgements of models; for answers, the predictions.
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext

from xlretrieval.cli.configuration import ConfigurableOptions

from .options import add_alignment_options, add_ranking_options
from .processes import joined
from .qa import add_qa_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the tasks and their options."""
    tasks = parser.add_subparsers(dest="task", metavar="TASK", required=True)
    for name, add, text in (
        ("alignment", add_alignment_options, "P@1 of translations among the embeddings of texts"),
        ("ranking", add_ranking_options, "rank collections or held-out sections by a model, or measure run files"),
        ("qa", add_qa_options, "exact match and F1 of answers to questions about texts in another language"),
    ):
        task = tasks.add_parser(name, help=text, description=f"{text.capitalize()}.", allow_abbrev=False)
        add(ConfigurableOptions(task))


def run(arguments: argparse.Namespace) -> None:
    """Measures, prints the table, and writes the output folder when there is one."""
    from xlretrieval.cli.output import new_folder

    arguments = arguments.configurable.resolve(arguments)
    if arguments.task == "alignment":
        from .alignment import measure
    elif arguments.task == "qa":
        from .qa import measure
    else:
        from .ranking import measure
    with joined(arguments) as main:
        writes = arguments.output and main
        with new_folder(arguments.output, arguments.overwrite) if writes else nullcontext() as folder:
            if main:
                measure(arguments, folder)
            else:
                measure(arguments, None, silent=True)
    if writes:
        print(f"written to {arguments.output}")
