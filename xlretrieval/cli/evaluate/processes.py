"""`evaluate ranking` on the processes that torchrun or `accelerate launch` starts: all score, one of them speaks."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def joined(arguments: argparse.Namespace) -> Iterator[bool]:
    """Joins the launcher's group for the length of the block. Without a launcher there is nothing to do.

    Args:
        arguments: Of the command.

    Yields:
        Whether this is the main process, which prints and writes.

    Raises:
        ValueError: The output folder is not new.
    """
    # Asked of the environment, because torch takes seconds to import, and run files need none.
    if arguments.task != "ranking" or int(os.environ.get("WORLD_SIZE", 1)) < 2:
        yield True
        return
    from transformers.utils.logging import disable_progress_bar

    from xlretrieval.cli.output import check_new_folder
    from xlretrieval.trainers.processes import closing_process_group, join_process_group

    if arguments.output:
        # By every process and before any of them writes: one that found out later would leave the others waiting.
        check_new_folder(arguments.output, arguments.overwrite)
    with closing_process_group():
        main = join_process_group() == 0
        if not main:
            # Counts of what was cut are added up and told by the main process.
            logging.getLogger("xlretrieval").setLevel(logging.ERROR)
            disable_progress_bar()
        yield main
