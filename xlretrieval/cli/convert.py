"""Turn a BERT or XLM-R checkpoint into a long one, or read a checkpoint released in 2021.

  xlretrieval convert --model google-bert/bert-base-multilingual-uncased --max-length 1024 --output mbert-long
  xlretrieval convert --model downloads/2021 --released --output mbert-long-2021

Positions are repeated up to the new length, the global projections start as copies of the local ones, the MLM head is
kept and tied. The result loads with the Auto classes, and with trust_remote_code where this package is not installed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("--model", required=True, help="Hub id or folder of the checkpoint")
    parser.add_argument("--output", required=True, type=Path, help="folder to write")
    parser.add_argument("--max-length", type=int, default=1024, help="longest input in tokens (default: 1024)")
    parser.add_argument(
        "--attention-window",
        type=int,
        nargs="+",
        default=[64],
        help="total width of the window, one number or one per layer (default: 64)",
    )
    parser.add_argument("--released", action="store_true", help="the checkpoint is of the code released in 2021")
    parser.add_argument("--overwrite", action="store_true", help="replace the output folder")


def run(arguments: argparse.Namespace) -> None:
    """Converts, writes the folder and says what is in it."""
    import transformers
    from transformers.utils import logging

    from xlretrieval import __version__
    from xlretrieval.cli.output import new_folder
    from xlretrieval.modeling.conversion import convert_to_long, read_released

    logging.set_verbosity_error()  # the loading report speaks of our heads; we say below what is new
    with new_folder(arguments.output, arguments.overwrite) as folder:
        if arguments.released:
            conversion = read_released(arguments.model)
        else:
            window = arguments.attention_window
            conversion = convert_to_long(
                arguments.model, arguments.max_length, window[0] if len(window) == 1 else window
            )
        conversion.save(folder)
        record = {
            "command": "convert",
            "arguments": {
                key: str(value) if isinstance(value, Path) else value
                for key, value in vars(arguments).items()
                if key not in ("command", "traceback")
            },
            "new_parameters": conversion.new_parameters,
            "versions": {"xlretrieval": __version__, "transformers": transformers.__version__},
        }
        (folder / "conversion.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    parameters = sum(parameter.numel() for parameter in conversion.model.parameters())
    print(f"{arguments.output}: {type(conversion.model).__name__}, {parameters:,} parameters")
    print(f"  longest input {conversion.tokenizer.model_max_length:,} tokens")
    if conversion.new_parameters:
        print(f"  not in the checkpoint, start at random: {', '.join(conversion.new_parameters)}")
