"""Parsing pages that may not be parseable: a page that takes too long or too much memory costs itself, not the worker.

One page needed 30 GB in mwparserfromhell, and its tokenizer is C code that no signal handler interrupts. So pages are
parsed in a process of their own, which stays and is started again when a page was its end.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO

from xlretrieval.data.wiki.records import PageSection

from .guarded_parse import OUT_OF_MEMORY, read_frame, write_frame

_PACKAGE_FOLDER = Path(__file__).resolve().parents[4]
_PIPE_BYTES = 1 << 20


class PageGuardError(ValueError):
    """A page that was not parsed.

    Attributes:
        reason: "too long", "too slow", "too much memory" or "parser failed".
        detail: What the parser said, "" if nothing.
    """

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(f"{reason} ({detail})" if detail else reason)
        self.reason = reason
        self.detail = detail


class GuardedParser:
    """`PageParser` in a child process with limits; use it in a `with` block, or close it.

    The child starts with the first page, and dies with its parent at the latest when its page is done or its time up.

    Args:
        namespaces: Number -> name in the wiki's language, as in `SiteInfo`.
        case: "first-letter" where titles begin with a capital, else "case-sensitive".
        max_characters: Longest wikitext that is parsed; MediaWiki allows 2 MiB.
        seconds: Processor time that a page may take.
        memory_bytes: Address space that the child may take.

    Attributes:
        counts: What was found unbalanced in the pages, by kind.
        restarts: How many pages were the end of a child.

    Example:
        ```python
        with GuardedParser(read_siteinfo(path).namespaces) as parser:
            for page in read_pages(path):
                try:
                    sections = parser.parse(page.wikitext)
                except PageGuardError as error:
                    dropped[error.reason] += 1
        ```
    """

    def __init__(
        self,
        namespaces: Mapping[int, str],
        case: str = "first-letter",
        max_characters: int = 2_000_000,
        seconds: float = 20.0,
        memory_bytes: int = 2 << 30,
    ):
        for name, value in (("max_characters", max_characters), ("seconds", seconds), ("memory_bytes", memory_bytes)):
            if value <= 0:
                raise ValueError(f"{name} must be positive, got {value}. Leave it at its default.")
        self.counts: Counter[str] = Counter()
        self.restarts = 0
        self._max_characters = max_characters
        self._settings = {
            "namespaces": sorted(namespaces.items()),
            "case": case,
            "seconds": seconds,
            "memory_bytes": memory_bytes,
        }
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> GuardedParser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_child", None) is not None:
            self._kill()

    def parse(self, wikitext: str) -> list[PageSection]:
        """The sections of a page, as `PageParser.parse` gives them.

        Raises:
            PageGuardError: The page is over a limit. The next one will be parsed all the same.
            OSError: The child cannot be started.
        """
        if len(wikitext) > self._max_characters:
            raise PageGuardError("too long", f"{len(wikitext):,} characters")
        with self._lock:
            reply = self._exchange(wikitext)
        if "error" in reply:
            raise PageGuardError(reply["error"], reply.get("detail", ""))
        self.counts.update(reply["counts"])
        return [
            PageSection(number, tuple(path), text, tuple(links), list_characters, markup_characters)
            for number, (path, text, links, list_characters, markup_characters) in enumerate(reply["sections"])
        ]

    def close(self) -> None:
        """Ends the child; a later `parse` starts another."""
        with self._lock:
            self._kill()

    def _exchange(self, wikitext: str) -> dict:
        if self._child is not None and self._child.poll() is not None:
            self._kill()  # ended by somebody else since the last page, which is not this one's fault
        child = self._child or self._start()
        try:
            try:
                write_frame(child.stdin, wikitext)
                reply = read_frame(child.stdout)
            except (EOFError, BrokenPipeError):
                self.restarts += 1
                code = child.wait()
                reason = {-signal.SIGPROF: "too slow", OUT_OF_MEMORY: "too much memory"}.get(code, "parser failed")
                return {"error": reason, "detail": f"the process ended with {code}"}
            if reply.get("error") == "too much memory":
                # Freed memory is rarely given back, so the next page would meet the limit earlier.
                self.restarts += 1
                self._kill()
            return reply
        except BaseException:
            # Interrupted between request and reply: the next reply would be the wrong one.
            self._kill()
            raise
        finally:
            if child.poll() is not None:
                self._kill()

    def _start(self) -> subprocess.Popen[bytes]:
        paths = [str(_PACKAGE_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._child = subprocess.Popen(
            [sys.executable, "-m", "xlretrieval.data.wiki.wikitext.guarded_parse"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        for pipe in (self._child.stdin, self._child.stdout):
            _widen(pipe)
        try:
            write_frame(self._child.stdin, self._settings)
            read_frame(self._child.stdout)
        except (EOFError, BrokenPipeError):
            code = self._child.wait()
            self._kill()
            raise OSError(
                f"the process that parses pages must start, got exit code {code}. Raise memory_bytes if it is below "
                "256 MiB, and see what it wrote to standard error."
            ) from None
        return self._child

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                with contextlib.suppress(BrokenPipeError):  # of a request that it did not read
                    pipe.close()


def _widen(pipe: IO[bytes]) -> None:
    # A page fits into 1 MiB but rarely into the 64 KiB of a pipe; each filling costs two switches of processes.
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
