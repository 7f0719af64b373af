"""Fine-tune an encoder: to rank documents of judged collections, with cross validation, or to answer questions.

  xlretrieval finetune ranking config.yaml --num_train_epochs 10
  xlretrieval finetune qa config.yaml --num_train_epochs 3

The configuration is YAML with any of the options; options given on the command line win. A run that was killed goes on
when the same command is given again.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

TAKES_OPTIONS = True  # what the parser below does not know goes to `run` as arguments.options

# Task -> one line of help. The module `finetune_<task>` provides `overview()`, lines on its options, and
# `run(arguments)`.
TASKS = {
    "ranking": "rank documents of judged collections, with cross validation over the queries",
    "qa": "answer questions on texts, in pairs of languages",
}


class TaskParser(argparse.ArgumentParser):
    """Parser of one task, which imports its module when it is asked for help."""

    def format_help(self) -> str:
        """Adds the module's text, and a line for every option of the task."""
        task = self.prog.split()[-1]
        module = importlib.import_module(f"xlretrieval.cli.finetune_{task}")
        self.description = module.__doc__
        self.epilog = f"options of {task} (--list shows all):\n" + "\n".join(module.overview())
        return super().format_help()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the tasks; the options of each are read by its module."""
    tasks = parser.add_subparsers(dest="task", metavar="TASK", required=True, parser_class=TaskParser)
    for name, text in TASKS.items():
        task = tasks.add_parser(
            name, help=text, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
        )
        task.add_argument("config", nargs="?", type=Path, help="YAML file with any of the options")
        task.add_argument("--list", action="store_true", help="list every option, those of TrainingArguments included")


def run(arguments: argparse.Namespace) -> None:
    """Fine-tunes for the task, or lists its options."""
    importlib.import_module(f"xlretrieval.cli.finetune_{arguments.task}").run(arguments)
