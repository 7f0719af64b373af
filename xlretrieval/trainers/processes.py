"""The end of a run on several processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch.distributed as dist


@contextmanager
def closing_process_group() -> Iterator[None]:
    """Leaves the process group at the end of the block, if training joined one.

    A process that exits with an open group may abort: threads of the backend still run while the interpreter is taken
    down ("terminate called without an active exception", about 1 in 12 runs of two short processes with gloo), and
    the launcher then calls a finished run a failure. When the block ends well, the processes wait for each other
    first, so that none is left talking to one that is gone; after an error there is nobody to wait for.
    """
    try:
        yield
        if _joined():
            dist.barrier()
    finally:
        if _joined():
            dist.destroy_process_group()


def _joined() -> bool:
    return dist.is_available() and dist.is_initialized()
