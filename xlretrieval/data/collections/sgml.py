"""SGML as the campaigns distributed it: `<DOC>` after `<DOC>`, with simple tags in them.

There is no DTD to go by: end tags are left out, a bare `<` or `&` occurs in running text, and an XML parser would stop
at the first of them. So tags are found by their form, and of the rest only the text is kept.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from xlretrieval.data.wiki.dumps.compression import BROKEN, read_chunks

from .problems import Problems

# Longest document, and longest stretch between documents. The longest newspaper articles have 0.3 MB.
LONGEST_DOCUMENT = 1 << 26
# No tag of ours is longer, so one that a chunk cuts in two is found again.
_LONGEST_TAG = 1024

_DOCUMENT_TAG = re.compile(rb"<(/?)doc(?:\s[^<>]{0,1000})?>", re.IGNORECASE)
_ATTRIBUTES = r"""(?:\s+[A-Za-z_][\w.:-]*\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=]+))*"""
# A name at once after the bracket and attributes with values: "x <y and z> 3" is text. Comments and raw text end
# before the next one begins, or 20,000 that have no end would cost their number squared (11 s for 180 kB).
_MARKUP = re.compile(
    r"<!--(?:(?!<!--|-->).)*-->"
    r"|<!\[CDATA\[(?P<raw>(?:(?!<!\[CDATA\[|\]\]>).)*)\]\]>"
    rf"|<(?P<end>/?)(?P<name>[A-Za-z][\w.:-]*)(?:{_ATTRIBUTES})\s*(?P<empty>/?)>",
    re.DOTALL,
)
_SPACES = re.compile(r"[^\S\n]+")
_AROUND_BREAKS = re.compile(r" ?\n[ \n]*")
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")


class RawDocument(NamedTuple):
    """What stands between `<DOC>` and `</DOC>`, and the line of the former."""

    line: int
    content: bytes


class _Piece(NamedTuple):
    """Bytes up to a document tag; the tag's line, and whether it opens, closes, or (None) there is none."""

    content: bytes
    line: int
    opens: bool | None


def _pieces(path: Path, problems: Problems) -> Iterator[_Piece]:
    """Cuts a file at its document tags; holds one piece at a time."""
    # A byte array drops what is at its front for free: a document in many chunks would cost its length squared.
    buffer, start, searched, line = bytearray(), 0, 0, 1
    chunks = _readable_chunks(path, problems)
    while True:
        match = _DOCUMENT_TAG.search(buffer, searched)
        if match:
            content = bytes(buffer[start : match.start()])
            line += content.count(b"\n")
            yield _Piece(content, line, not match[1])
            line += match[0].count(b"\n")
            start = searched = match.end()
            continue
        if len(buffer) - start > LONGEST_DOCUMENT:
            line += buffer.count(b"\n", start, len(buffer) - _LONGEST_TAG)
            yield _Piece(b"", line, None)
            start = len(buffer) - _LONGEST_TAG
        chunk = next(chunks, None)
        if chunk is None:
            rest = bytes(buffer[start:])
            yield _Piece(rest, line + rest.count(b"\n"), None)
            return
        del buffer[:start]
        searched = max(0, len(buffer) - _LONGEST_TAG)
        start = 0
        buffer += chunk


def _readable_chunks(path: Path, problems: Problems) -> Iterator[bytes]:
    """Chunks of a file, up to where it is damaged."""
    path.stat()  # a file that is not there is no damage
    try:
        yield from read_chunks(path)
    except BROKEN as error:
        problems.report("damaged file", str(path), f"a file must be whole, got: {error}. Get the file again.")


def read_raw_documents(path: str | Path, problems: Problems) -> Iterator[RawDocument]:
    """Yields the documents of a file without reading into them.

    Args:
        path: Plain, gzip, bz2 or xz.
        problems: Takes documents that are cut off (the file or the next document comes before their end) or have more
            than 64 MiB, and damaged files; what comes before the damage is read.

    Raises:
        OSError: The file cannot be opened.
        ValueError: There is a problem, and problems are errors.
    """
    path = Path(path)
    opened: int | None = None  # the line
    for piece in _pieces(path, problems):
        if piece.opens is False and opened is not None:
            yield RawDocument(opened, piece.content)
        elif opened is not None:
            what = "<DOC>" if piece.opens else "the end of the file or 64 MiB of text"
            message = f"a document must end with </DOC>, got {what} at line {piece.line} first. Complete the document."
            problems.report("cut off document", f"{path}, line {opened}", message)
        elif piece.opens is False:
            problems.report(
                "end of no document",
                f"{path}, line {piece.line}",
                "</DOC> must follow a <DOC>, got none. Look for a damaged tag above.",
            )
        opened = piece.line if piece.opens else None


def decode_references(text: str) -> str:
    """`&amp;`, `&#228;` and `&#xe4;` become characters; what is no known reference is left as it is."""
    return _REFERENCE.sub(lambda match: html.unescape(match[0]), text)


def read_fields(text: str, names: Collection[str]) -> list[tuple[str, str]]:
    """The text in some elements, in the order of their beginnings.

    Other tags are dropped, and their text is kept where they stand in one of the elements. An element in another one
    of them is taken out of it. One without an end tag goes on to the end of the one around it.

    Args:
        text: What a document contains.
        names: Of the elements, in lower case.

    Returns:
        Name in lower case, and text without white space around it; "" for empty elements.

    Example:
        ```python
        read_fields("<TI>AT&amp;T</TI><TX><P>One.</P> Two.</TX>", ["ti", "tx"])
        # [("ti", "AT&T"), ("tx", "One. Two.")]
        ```
    """
    found: list[tuple[str, list[str]]] = []
    inside: list[int] = []  # numbers of the open elements, the innermost last
    position = 0

    def keep(piece: str) -> None:
        if inside:
            found[inside[-1]][1].append(piece)

    for match in _MARKUP.finditer(text):
        keep(decode_references(text[position : match.start()]))
        position = match.end()
        # Tags part words: "<P>One.</P><P>Two.</P>".
        keep(match["raw"] if match["raw"] is not None else " ")
        name = (match["name"] or "").lower()
        if name not in names:
            continue
        open_names = [found[index][0] for index in inside]
        if match["end"]:
            if name in open_names:
                del inside[len(inside) - 1 - open_names[::-1].index(name) :]
            continue
        if name in open_names:  # its end tag was left out
            del inside[open_names.index(name) :]
        found.append((name, []))
        if not match["empty"]:
            inside.append(len(found) - 1)
    keep(decode_references(text[position:]))
    return [(name, _tidy("".join(pieces))) for name, pieces in found]


def _tidy(text: str) -> str:
    """One space for several, no white space around line breaks."""
    return _AROUND_BREAKS.sub("\n", _SPACES.sub(" ", text)).strip()
