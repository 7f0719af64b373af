"""Asking a command for help does not wait for torch."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator

import pytest

from xlretrieval.cli.main import COMMANDS, build_parser

# Their help shows the options that `TrainingArguments` gives them, and importing that takes torch.
TRAINING = ("pretrain", "finetune ranking", "finetune qa")


def command_names(parser: argparse.ArgumentParser, before: str = "") -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield before + name
                yield from command_names(below, f"{before}{name} ")


NAMES = sorted({name for top in COMMANDS for name in command_names(build_parser(top))} - set(TRAINING))


@pytest.mark.parametrize("name", NAMES)
def test_help_imports_no_torch(name: str) -> None:
    program = (
        f"import sys; sys.argv = ['xlretrieval', *{name.split()!r}, '--help']; import runpy\n"
        "try: runpy.run_module('xlretrieval', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        "sys.exit(', '.join({'torch', 'transformers', 'pandas'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"usage: xlretrieval {name}" in done.stdout


@pytest.mark.slow
def test_help_of_training_imports_no_models() -> None:
    program = (
        "import sys, runpy\n"
        f"for name in {TRAINING!r}:\n"  # one after the other: most of it is importing transformers
        "    sys.argv = ['xlretrieval', *name.split(), '--help']\n"
        "    try: runpy.run_module('xlretrieval', run_name='__main__')\n"
        "    except SystemExit as end: assert not end.code\n"
        "    assert 'xlretrieval.inference.batching' not in sys.modules, name\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("usage: xlretrieval") == len(TRAINING)


def test_nested_commands_are_found() -> None:
    assert {"rank", "index build", "evaluate ranking", "wiki download"} <= set(NAMES)
