"""What is cut out of wikitext before it is parsed: comments, references and other tags whose content is no prose.

They may hold anything, and a reference that nobody closed would make the parser give up on all that follows.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from itertools import accumulate

# Extension tags, and HTML whose content is data or code. Their content is never text of the article.
OPAQUE_TAGS = (
    "categorytree ce chem code gallery graph hiero imagemap includeonly indicator inputbox mapframe maplink math "
    "pages poll pre quiz ref references score section source syntaxhighlight templatedata templatestyles timeline"
).split()
# Marks of a place, which some authors do not close.
_WITHOUT_CONTENT = {"section", "templatestyles"}

_NAMES = "|".join(sorted(OPAQUE_TAGS, key=len, reverse=True))
_MARKS = re.compile(rf"<!--|<(?P<close>/?)(?P<name>{_NAMES}|nowiki)(?=[\s/>])(?P<rest>[^<>]*)>", re.IGNORECASE)
ZERO_WIDTH = "\u200b"
_PARAGRAPH_END = re.compile(r"\n[ \t]*(?=\n)|\n(?==)")
_ESCAPED = {ord(sign): f"&#{ord(sign)};" for sign in "[]{}|<>='*#:;!_&~-"}


class CutText:
    """Wikitext without its opaque parts, which still knows how long it was.

    Attributes:
        text: What is left.
    """

    def __init__(self, pieces: list[str], removed: list[tuple[int, int]]):
        self.text = "".join(pieces)
        self._at = [position for position, _ in removed]
        self._total = [0, *accumulate(length for _, length in removed)]

    def original_length(self, start: int, end: int) -> int:
        """Characters of the source between two positions of `text`, what was cut there included."""
        # What was cut at the very end belongs to what stands before it.
        last = len(self._at) if end >= len(self.text) else bisect_left(self._at, end)
        cut = self._total[last] - self._total[bisect_left(self._at, start)]
        return end - start + cut


def cut_opaque(wikitext: str, counts: Counter[str] | None = None) -> CutText:
    """Cuts comments and opaque tags out of wikitext, in time linear in its length.

    `<nowiki>` stays, with its signs escaped. A tag that is not closed before its like opens again ends with its
    paragraph, and a comment that is never closed with the text.

    Args:
        wikitext: Source text of a page.
        counts: Unclosed tags and comments are added to it.
    """
    counts = Counter() if counts is None else counts
    marks = list(_MARKS.finditer(wikitext))
    following = _next_of_same_name(marks)
    pieces: list[str] = []
    removed: list[tuple[int, int]] = []
    length = position = 0
    for mark, follower in zip(marks, following, strict=True):
        if mark.start() < position:
            continue
        pieces.append(wikitext[position : mark.start()])
        length += mark.start() - position
        position = _end_of_element(wikitext, mark, follower, counts)
        shown = ""
        if (mark["name"] or "").lower() == "nowiki":
            shown = wikitext[mark.end() : position].removesuffix(follower.group() if follower else "")
            shown = shown.translate(_ESCAPED)
            pieces.append(shown)
        elif wikitext[position : position + 1] == "'" and wikitext.endswith("'", 0, mark.start()):
            # Two runs of quotes must not become one.
            shown = ZERO_WIDTH
            pieces.append(shown)
        removed.append((length, position - mark.start() - len(shown)))
        length += len(shown)
    pieces.append(wikitext[position:])
    return CutText(pieces, removed)


def _next_of_same_name(marks: list[re.Match[str]]) -> list[re.Match[str] | None]:
    found: list[re.Match[str] | None] = []
    latest: dict[str, re.Match[str]] = {}
    for mark in reversed(marks):
        name = (mark["name"] or "").lower()
        found.append(latest.get(name))
        latest[name] = mark
    return found[::-1]


def _end_of_element(wikitext: str, mark: re.Match[str], follower: re.Match[str] | None, counts: Counter[str]) -> int:
    """Where the comment, tag, or tag with content ends that begins at `mark`."""
    if mark["name"] is None:
        end = wikitext.find("-->", mark.end())
        if end < 0:
            counts["unclosed comment"] += 1
            return len(wikitext)
        return end + 3
    name = mark["name"].lower()
    if mark["close"] or mark["rest"].endswith("/") or name in _WITHOUT_CONTENT:
        return mark.end()
    if follower is not None and follower["close"]:
        return follower.end()
    counts[f"unclosed {name}"] += 1
    if name == "nowiki":
        return mark.end()
    limit = follower.start() if follower else len(wikitext)
    paragraph = _PARAGRAPH_END.search(wikitext, mark.end(), limit)
    return paragraph.start() if paragraph else limit
