"""A page to search and rerank in the browser, or a Hugging Face Space that shows it.

  xlretrieval app --index index --reranker my-reranker
  xlretrieval app --index me/my-index --reranker me/my-reranker --space my-space

Type a query in any language; the documents appear in the order of the reranker, with their scores, languages and best
passages, and beside them in the order of the first stage. Several indexes and rerankers may be given. The page needs
no network: nothing is loaded from elsewhere and nothing is sent.

With --space nothing is served; a folder is written that runs the same page as a Space. An index that is a folder is
copied into it, other names are those of dataset repositories on the Hub.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("--index", action="append", required=True, metavar="DIR", help="an index, or a dataset repository with one")
    add("--reranker", action="append", default=[], metavar="MODEL", help="folder, exported folder or Hub id")
    add("--encoder", metavar="MODEL", help="of the indexes (default: the one that each remembers)")
    add("--example", action="append", default=[], metavar="TEXT", help="example query (default: from the documents)")
    add("--candidates", type=int, default=30, help="documents that the reranker scores (default: 30)")
    add("--port", type=int, help="(default: the first free one from 7860)")
    add("--space", type=Path, metavar="DIR", help="write a Hugging Face Space there instead")
    add("--overwrite", action="store_true", help="replace the folder of the Space")


def run(arguments: argparse.Namespace) -> None:
    """Serves the page until it is interrupted, or writes the Space."""
    from .settings import PageSettings

    settings = PageSettings(
        indexes=arguments.index,
        rerankers=arguments.reranker,
        encoder=arguments.encoder,
        examples=arguments.example,
        candidates=arguments.candidates,
    )
    if arguments.space is not None:
        from xlretrieval.cli.output import new_folder

        from .space import write_space

        with new_folder(arguments.space, arguments.overwrite) as folder:
            write_space(settings, folder)
        print(
            f"{arguments.space}: a Space. Try it with `python app.py` there; then `hf upload NAME . --repo-type space`"
        )
        return
    from .page import serve

    serve(settings, arguments.port)
