"""Beginning and end of a run on several processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist

if dist.is_available():
    # Its functions have the group as a default argument, evaluated at import. Imported by others once a group is
    # joined, they would keep the group and its threads until the interpreter is taken down: 2 of 20 runs aborted.
    import torch.distributed.nn  # noqa: F401


def join_process_group() -> int:
    """Joins the group of torchrun or `accelerate launch`, for runs without a trainer, which would do it.

    Each process gets the GPU of its local rank. The backend is gloo on GPUs too: what is exchanged are scores and
    counts, which are on the CPU. Others may wait a day for the main process, which converts collections and writes.

    Returns:
        The rank of this process.
    """
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count())
    if not dist.is_initialized():
        dist.init_process_group("gloo", timeout=timedelta(days=1))
    return dist.get_rank()


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
