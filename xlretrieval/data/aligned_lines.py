"""Files of which line i says the same in each, read side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Literal, get_args

from .files import read_lines

OnEmpty = Literal["drop", "raise"]


def read_aligned_lines(paths: Sequence[str | Path]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yields the lines of all files together; memory does not grow with them.

    Args:
        paths: UTF-8 files, plain or `.gz`.

    Yields:
        Line number (from 1) and that line of each file.

    Raises:
        ValueError: With file and line: one file is longer than another, or not UTF-8.
        OSError: A file cannot be opened.
    """
    for number, lines in enumerate(zip_longest(*map(read_lines, paths), fillvalue=(0, None)), start=1):
        texts = [text for _, text in lines]
        if None in texts:
            short = paths[texts.index(None)]
            longer = next(path for path, text in zip(paths, texts, strict=True) if text is not None)
            raise ValueError(
                f"{longer}, line {number}: aligned files must have the same number of lines, got one more than the "
                f"{number - 1} of {short}. Download both again, or align them."
            )
        yield number, tuple(texts)


def refuse_empty(text: str, place: str, on_empty: OnEmpty) -> None:
    """Raises ValueError when `on_empty` is "raise" and a text has nothing but white space.

    Args:
        text: The text.
        place: File and line, for the message.
        on_empty: "drop" leaves it to the caller to drop and count the row.
    """
    if on_empty not in get_args(OnEmpty):
        raise ValueError(f"on_empty must be one of {', '.join(get_args(OnEmpty))}, got {on_empty!r}. Choose one.")
    if on_empty == "raise" and not text.strip():
        raise ValueError(
            f"{place}: a text must not be empty, got white space at most. Fill it in, or drop such rows (on_empty)."
        )
