"""Entry point of the `xlretrieval` command: parses the subcommand, runs it, turns bad input into exit code 2."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

# Subcommand -> one line of help. The module of the same name provides `add_arguments(parser)` and `run(arguments)`;
# with TAKES_OPTIONS = True, words that its parser does not know reach it as `arguments.options`.
COMMANDS: dict[str, str] = {
    "demo": "go the whole road on a built-in sample, in a few minutes and without a network",
    "sample": "write the built-in sample: small Wikipedias, and collections over them",
    "convert": "turn a BERT or XLM-R checkpoint into a long one, or read a checkpoint released in 2021",
    "wiki": "download Wikipedia dumps, build aligned sections from them, push them to the Hub",
    "sections": "import aligned sections into the corpus format",
    "pretrain": "pretrain an encoder for cross-lingual retrieval (QLM and RR)",
    "finetune": "fine-tune an encoder to rank documents, with cross validation, or to answer questions",
    "evaluate": "measure alignment, ranking and answers, for one model or before and after",
    "card": "write the model card of a trained model from the records of its run",
}


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Builds the parser. Only the module of `command` is imported, so `--help` stays fast."""
    parser = argparse.ArgumentParser(
        prog="xlretrieval", description="Cross-lingual retrieval in the Hugging Face ecosystem."
    )
    parser.add_argument("--traceback", action="store_true", help="show the whole traceback of an error")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, help_text in COMMANDS.items():
        module = importlib.import_module(f"xlretrieval.cli.{name}") if name == command else None
        subparser = subparsers.add_parser(
            name,
            help=help_text,
            description=module.__doc__ if module else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if module:
            module.add_arguments(subparser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: Arguments without the program name; the process's own by default.

    Returns:
        0 on success, 2 on bad input (the message names what is wrong and where), 130 when interrupted.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    command = next((word for word in argv if not word.startswith("-")), None)
    parser = build_parser(command)
    arguments, options = parser.parse_known_args(argv)
    module = importlib.import_module(f"xlretrieval.cli.{arguments.command}")
    if getattr(module, "TAKES_OPTIONS", False):
        arguments.options = options
    elif options:
        parser.error(f"unrecognized arguments: {' '.join(options)}")
    try:
        module.run(arguments)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        if arguments.traceback:
            raise
        print(f"xlretrieval {arguments.command}: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
