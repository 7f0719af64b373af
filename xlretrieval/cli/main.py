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
    "rank": "rank documents for queries, from files or standard input, or rerank a run",
    "index": "make a search index of documents, change it, look at it",
    "search": "search an index, for one query or many",
    "app": "serve a page to search and rerank in the browser, or write it as a Hugging Face Space",
    "card": "write the model card of a trained model from the records of its run",
    "push": "publish a model, or a corpus, on the Hub in one commit",
    "export": "write a reranker as an ONNX file, with int8 weights too",
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


def split_options(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Words for the parser of a command that takes any option, and words for the command itself.

    What follows the first option that is not one of these is the command's own: in `pretrain --model DIR`, DIR is the
    value of an option and not the configuration file.
    """
    of_parser = ("-h", "--help", "--list", "--traceback")
    start = next((i for i, word in enumerate(argv) if word.startswith("--") and word not in of_parser), len(argv))
    rest = argv[start:]
    return (
        [*argv[:start], *(word for word in rest if word in of_parser)],
        [word for word in rest if word not in of_parser],
    )


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
    module = importlib.import_module(f"xlretrieval.cli.{command}") if command in COMMANDS else None
    if getattr(module, "TAKES_OPTIONS", False):
        own, options = split_options(argv)
        arguments = parser.parse_args(own)
        arguments.options = options
    else:
        arguments = parser.parse_args(argv)
    try:
        module.run(arguments)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        if arguments.traceback:
            raise
        print(f"xlretrieval {arguments.command}: error: {_in_words(error)}", file=sys.stderr)
        return 2
    return 0


def _in_words(error: ValueError | OSError) -> str:
    """What went wrong; the system's own errors have a number and a reason, and no advice."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename} must be a path that can be used, got: {error.strerror}. Check it."
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
