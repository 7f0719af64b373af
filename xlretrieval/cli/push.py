"""Publish a model on the Hub, or a corpus as a dataset, in one commit; `hf auth login` first.

  xlretrieval push runs/qlm-rr me/qlm-rr --dry-run
  xlretrieval push runs/qlm-rr me/qlm-rr --private
  xlretrieval push clef-en-de/fold-1/model me/qlm-rr-clef --revision fold-1

Of a model: weights, configuration, tokenizer, the code for trust_remote_code, the records of its runs, and the card,
which is written anew from them with the options and evaluations of the last `xlretrieval card`. Checkpoints, states of
optimizers and pickles stay. A push that was killed has published nothing; given again, it sends what is missing.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of a model, or of a corpus")
    parser.add_argument("repo", metavar="REPO", help="name of the repository, such as me/qlm-rr")
    parser.add_argument("--private", action="store_true", help="make a new repository private")
    parser.add_argument("--revision", metavar="BRANCH", help="branch to publish on, made when needed (default: main)")
    parser.add_argument("--dry-run", action="store_true", help="only list the files and their sizes")
    parser.add_argument("--message", metavar="TEXT", help="of the commit")
    parser.add_argument(
        "--overwrite-card", action="store_true", help="replace a README.md that `xlretrieval card` did not write"
    )


def run(arguments: argparse.Namespace) -> None:
    """Publishes, and says where."""
    from xlretrieval.hub.publish import push_corpus, push_model

    options = {name: getattr(arguments, name) for name in ("private", "revision", "dry_run", "message")}
    folder = arguments.folder
    if (folder / "pairs").is_dir() and not (folder / "config.json").is_file():
        if arguments.overwrite_card:
            raise ValueError(
                f"--overwrite-card must be given with a model, got the corpus {folder}. Its card is that of its build."
            )
        address = push_corpus(folder, arguments.repo, **options)
    else:
        address = push_model(folder, arguments.repo, overwrite_card=arguments.overwrite_card, **options)
    if not arguments.dry_run:
        print(f"published at {address}")
