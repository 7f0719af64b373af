"""Write the model card of a model folder from what the runs recorded.

  xlretrieval card runs/qlm-rr --evaluation results/alignment --evaluation results/ranking
  xlretrieval card runs/qlm-rr --evaluation results/ranking --name me/qlm-rr --output model_cards/qlm-rr/README.md
  xlretrieval card clef-en-de/fold-1/model

The card tells languages, objectives, corpus, curves, fine-tuning with its folds or answers, before and after, limits
and how to use the model. Everything in it comes from config.json, pretraining.json, conversion.json, finetuning.json,
trainer_state.json and the results.json of the evaluations; what they do not say is left out. Pictures are copied
beside the card. `xlretrieval push` writes the card of a model folder again, with the same options and evaluations.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="model folder")
    parser.add_argument(
        "--evaluation",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="results of `xlretrieval evaluate`; may be given several times",
    )
    parser.add_argument("--base-model", metavar="ID", help="Hub id it all began with (default: as recorded)")
    parser.add_argument("--name", help="how the examples load the model, as its Hub id (default: the folder's name)")
    parser.add_argument("--license", default="apache-2.0", metavar="L", help="of the weights (default: apache-2.0)")
    parser.add_argument(
        "--dataset",
        action="append",
        default=[],
        metavar="ID",
        help="Hub id of the training data; may be given several times",
    )
    parser.add_argument(
        "--evaluation-dataset",
        action="append",
        default=[],
        metavar="NAME=ID",
        help="Hub id of the data of the evaluation in folder NAME; writes .eval_results/NAME.yaml",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="file to write (default: DIR/README.md)")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that this command did not write")


def run(arguments: argparse.Namespace) -> None:
    """Writes the card and says where it is."""
    from xlretrieval.hub.card import CardOptions, write_card

    options = CardOptions(
        name=arguments.name,
        licence=arguments.license,
        datasets=arguments.dataset,
        evaluation_datasets=dict(map(_parse_dataset, arguments.evaluation_dataset)),
    )
    path = write_card(
        arguments.folder,
        arguments.evaluation,
        arguments.base_model,
        options=options,
        output=arguments.output,
        overwrite=arguments.overwrite,
    )
    print(f"written to {path}")


def _parse_dataset(text: str) -> tuple[str, str]:
    name, separator, dataset = text.partition("=")
    if not (name and separator and dataset.count("/") == 1):
        raise ValueError(f"--evaluation-dataset must be NAME=ORGANISATION/DATASET, got {text!r}. Write it like that.")
    return name, dataset
