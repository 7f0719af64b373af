"""Peers in a process of their own, where they run as they do without this package.

The package asks torch for huge pages, which holds for a whole process, and changes what malloc keeps. In a process of
their own peers have neither, like a script that somebody writes with transformers alone. Where a benchmark runs with
THP_MEM_ALLOC_ENABLE=1 in its environment, they have huge pages too.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from benchmarks import HUGE_PAGES

_NAME = "THP_MEM_ALLOC_ENABLE"


@contextmanager
def without_package() -> Iterator[None]:
    """A context in which processes start with the environment that this one had before it imported the package."""
    ours = os.environ[_NAME]
    os.environ[_NAME] = HUGE_PAGES
    try:
        yield
    finally:
        os.environ[_NAME] = ours


class Apart:
    """An object in another process, built there; its methods are called from here. A context: then it ends.

    Args:
        build: A class or function of a module.
        *arguments: What it is called with there.
    """

    def __init__(self, build: Callable[..., Any], *arguments: object):
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, build, arguments), daemon=True)
        with without_package():
            self._process.start()
        theirs.close()
        self._answer()  # that it is built, which is no part of a turn

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.join()

    def __call__(self, method: str, *arguments: object) -> Any:
        """What the method gives, when it is done."""
        self._pipe.send((method, arguments))
        return self._answer()

    def _answer(self) -> Any:
        try:
            return self._pipe.recv()
        except EOFError:
            raise RuntimeError("A peer must answer, got the end of its process. See what it wrote above.") from None


def _serve(pipe: Connection, build: Callable[..., Any], arguments: tuple) -> None:
    built = build(*arguments)
    pipe.send(None)
    while True:
        try:
            method, given = pipe.recv()
        except EOFError:
            return
        pipe.send(getattr(built, method)(*given))
