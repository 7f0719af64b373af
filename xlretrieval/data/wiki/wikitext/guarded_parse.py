"""The child process of `GuardedParser`: parses one page after another, within limits that the system enforces.

  python -m xlretrieval.data.wiki.wikitext.guarded_parse

Frames of JSON come on standard input and go to standard output, each after its length in four bytes.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from typing import Any, BinaryIO

OUT_OF_MEMORY = 99
"""Exit status of a child whose memory is not enough even to say so."""

_LENGTH_BYTES = 4


def write_frame(stream: BinaryIO, value: Any) -> None:
    """Writes a value that JSON can hold."""
    # Wikitext may hold halves of surrogate pairs, which UTF-8 cannot.
    data = json.dumps(value, ensure_ascii=False).encode("utf-8", errors="surrogatepass")
    stream.write(len(data).to_bytes(_LENGTH_BYTES, "big") + data)
    stream.flush()


def read_frame(stream: BinaryIO) -> Any:
    """Reads the next value.

    Raises:
        EOFError: The other side is gone.
    """
    head = stream.read(_LENGTH_BYTES)
    length = int.from_bytes(head, "big")
    data = stream.read(length) if len(head) == _LENGTH_BYTES else b""
    if len(head) < _LENGTH_BYTES or len(data) < length:
        raise EOFError
    return json.loads(data.decode("utf-8", errors="surrogatepass"))


def _limit_time(seconds: float) -> None:
    # Seconds of the processor, not of the clock: what is dropped must not depend on what else the machine does. The
    # signal ends the process without asking Python, which would not get to it before the tokenizer returns. So the
    # process ends in time even when its parent was killed.
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _out_of_memory(error: BaseException | None) -> bool:
    # The tokenizer goes on for a while after an allocation failed, and then raises SystemError from MemoryError.
    while error is not None and not isinstance(error, MemoryError):
        error = error.__cause__ or error.__context__
    return error is not None


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answers until there are no more requests.

    The first request has the settings: `namespaces` (pairs of number and name), `case`, `seconds`, `memory_bytes`. All
    others are the wikitext of a page. A reply is `{"sections": [...], "counts": {...}}` or `{"error": reason}`.
    """
    settings = read_frame(requests)
    resource.setrlimit(resource.RLIMIT_AS, (settings["memory_bytes"], settings["memory_bytes"]))
    from .parsing import PageParser  # under the limit, so that one that leaves no room for a page is found out here

    parser = PageParser(dict(settings["namespaces"]), settings["case"])
    write_frame(replies, "ready")
    while True:
        try:
            wikitext = read_frame(requests)
        except EOFError:
            return
        _limit_time(settings["seconds"])
        parser.counts.clear()
        try:
            sections = [
                (s.heading_path, s.text, s.links, s.list_characters, s.markup_characters)
                for s in parser.parse(wikitext)
            ]
            reply: dict[str, Any] = {"sections": sections, "counts": dict(+parser.counts)}
        except Exception as error:  # whatever the parser raises costs one page
            if _out_of_memory(error):
                reply = {"error": "too much memory"}
            else:
                reply = {"error": "parser failed", "detail": f"{type(error).__name__}: {error}"}
        _limit_time(0)
        write_frame(replies, reply)


if __name__ == "__main__":
    # An interrupt goes to the whole group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except MemoryError:
        # Reading the page or writing its sections; too little is left for a reply.
        os._exit(OUT_OF_MEMORY)
