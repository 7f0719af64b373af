"""Folds spread over the processes of a launcher, each of which trains on its own.

Folds do not depend on each other, so five of them on five GPUs need no gradient to be exchanged; with data parallel
training, all GPUs share the batches of one fold.
"""

from __future__ import annotations

import os

# What torchrun and `accelerate launch` tell their processes; whoever sees it joins a group.
_LAUNCHER = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT")


def leave_launcher() -> tuple[int, int]:
    """Makes this process one that was started alone, with the GPU that is its own.

    Must be called before arguments of a trainer are made, and before CUDA is used.

    Returns:
        Its rank and the number of processes; (0, 1) without a launcher.
    """
    rank, processes = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    local = int(os.environ.get("LOCAL_RANK", rank))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    devices = [device for device in visible.split(",") if device] if visible else []
    if processes > 1 and (devices or "CUDA_VISIBLE_DEVICES" not in os.environ):
        os.environ["CUDA_VISIBLE_DEVICES"] = devices[local % len(devices)] if devices else str(local)
    for name in _LAUNCHER:
        os.environ.pop(name, None)
    return rank, processes


def share(folds: int, rank: int, processes: int) -> list[int]:
    """The folds of one process, from 1.

    Example:
        >>> share(5, rank=0, processes=2)
        [1, 3, 5]
    """
    return list(range(1 + rank, folds + 1, processes))
