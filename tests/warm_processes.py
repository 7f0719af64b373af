"""Python programs in processes of their own, without the seconds that importing torch and transformers takes.

`multiprocessing`'s fork server has imported them and does nothing else, so what it forks is as fresh as a new
interpreter but for two things: libraries have read their environment variables already, and a process ends without
taking down its interpreter. Tests of either start `sys.executable`.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import runpy
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest import mock

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "accelerate.commands.launch",
        "sentence_transformers",
        "xlretrieval.inference.reranker",
        "xlretrieval.trainers.pretraining",
        "xlretrieval.trainers.question_answering",
        "xlretrieval.trainers.ranking",
    ]
)
GRACE = 10.0  # seconds that the others have left after the first that failed


@dataclass(frozen=True)
class Ended:
    """What a program, or several processes of it, left behind.

    Attributes:
        returncode: Exit code, the first that is not 0; negative for a signal.
        stdout: What was written, in the order of the writing.
        stderr: The same.
    """

    returncode: int
    stdout: str
    stderr: str


def start_warm(words: Sequence[object], stdout: Path, stderr: Path, **environment: str) -> BaseProcess:
    """Starts `python *words`: a file, or `-m` and a module, and its arguments.

    Args:
        words: The command line behind `python`.
        stdout: File that output is appended to.
        stderr: The same of errors.
        **environment: Variables beside those of this process.
    """
    with mock.patch.dict(os.environ, OMP_NUM_THREADS="1"):
        forkserver.ensure_running()
    given = ([str(word) for word in words], [str(stdout), str(stderr)], {**os.environ, **environment})
    process = _CONTEXT.Process(target=_main, args=given)
    process.start()
    return process


def run_warm(words: Sequence[object], processes: int = 1, timeout: float = 300, **environment: str) -> Ended:
    """Runs it to its end; several processes find each other as under a launcher, and end with the first that fails.

    Raises:
        AssertionError: It took longer than `timeout` seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "stdout", Path(folder) / "stderr"
        running = [start_warm(words, *files, **place, **environment) for place in _places(processes)]
        end, failed = time.monotonic() + timeout, 0
        while any(process.is_alive() for process in running) and time.monotonic() < end:
            if not failed and (failed := next((process.exitcode for process in running if process.exitcode), 0)):
                end = min(end, time.monotonic() + GRACE)
            time.sleep(0.02)
        late = not failed and any(process.is_alive() for process in running)
        for process in running:
            process.kill()
            process.join()
        told = [path.read_text() if path.exists() else "" for path in files]
        assert not late, f"{words} took more than {timeout} seconds: {told[1][-3000:]}"
        return Ended(failed or next((process.exitcode for process in running if process.exitcode), 0), *told)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def _places(processes: int) -> list[dict[str, str]]:
    """What a launcher tells each process."""
    if processes == 1:
        return [{}]
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    meeting |= dict.fromkeys(("WORLD_SIZE", "LOCAL_WORLD_SIZE"), str(processes))
    return [{**meeting, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes)]


def _main(words: list[str], files: list[str], environment: dict[str, str]) -> None:
    for descriptor, path in enumerate(files, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    gc.freeze()  # what the server imported; to walk it at every collection would also copy its pages
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        sys.path.insert(0, str(Path(words[0]).parent))
        runpy.run_path(words[0], run_name="__main__")
