"""What is left of markup after parsing, because it was unbalanced, is taken out of the text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from .plain_text import ITEM

_QUOTED_LINE = re.compile("^.*''.*$", re.MULTILINE)
_QUOTES = re.compile("'{2,}")
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff\x7f-\x9f]")
_MAGIC_WORD = re.compile(r"__[^\W\d_]{3,40}__")
# Variants of Chinese and Serbian: "-{zh-hans:A; zh-hant:B}-" shows one of them, "-{A}-" is A.
_VARIANTS = re.compile(r"-\{(?:[a-z-]{2,12}:)?([^{};]*)(?:;[^{}]*)?\}-")
_TRIGGERS = ("{", "}", "|", "<", "=", "[[", "]]", "!")
_TEMPLATE = re.compile(r"\{\{(?:(?!\n[ \t]*\n).)*?(?:\}\}|(?=\n[ \t]*\n)|\Z)", re.DOTALL)
_TABLE_LINE = re.compile(rf"^{ITEM}*[ \t]*(?:\{{\||\|[}}\-+]?|!).*(?:[|]|!!|=|\}}).*$|^[ \t]*\|.*$", re.MULTILINE)
_FILE = re.compile(r"\[\[[^\[\]|\n]*\.(?:jpe?g|png|svg|gif|tiff?|ogg|webm|pdf)\s*\|[^\n]*", re.IGNORECASE)
_FILE_OPTION = re.compile(
    r"\|\s*(?:thumb(?:nail)?|frame(?:less|d)?|border|left|right|center|centre|none|upright(?:=[\d.]+)?|\d+(?:x\d+)?px|"
    r"alt=[^|\]\n]*)(?=\s*[|\]\n]|\s*$)|\|\s*thumb\w*",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"<\s*(?:/\s*)?ref\b[^>\n]*>?", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][a-z0-9]{0,14}(?:\s[^<>\n]*)?/?>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\b[a-z]+\s*=\s*(?:\"[^\"\n]*\"|'[^'\n]*'?)|\bstyle\s*=\s*\"?[^\s|]*", re.IGNORECASE)
_ANY_MARK = re.compile(r"\{\{+|\}\}+|\[\[+|\]\]+|\{\||\|\}|\|(?=\s*thumb)|style(?=\s*=)|<(?=\s*ref)", re.IGNORECASE)
_EMPTY_BRACKETS = re.compile(r" ?(?:\([\s,;:/–—-]*\)|（[\s、，；：/–—-]*）|\[\s*\])")
_BRACKET_REST = re.compile(r"([(（])[\s,;:、，；]+(?=\S)|[,;、，；]\s*([)）])")
# "(AFI: ; in tedesco: Berlin)" and "(in )": what is left where a template said how it is pronounced or written.
_LABEL_REST = re.compile(r"([(;])\s*[^\W\d]{1,15}:\s*[;,](?=\s)|(\()[^\W\d]{1,6}:? (?=\))")
_LAST_LABEL_REST = re.compile(r"[,;]?\s*[^\W\d]{1,15}: ?(?=\))")
_DOUBLED_COMMA = re.compile(r",(?:\s*,)+")
_SPACE_BEFORE = re.compile(r"[ \t]+(?=[,.](?:\s|$)|[。、，،؛])")
_LEADING_COMMA = re.compile(r"^ ?[,;،、，] ?", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n(?: ?\n){2,}")
_SPACES = re.compile(r"[^\S\n]{2,}|[^\S\n ]")


def clean(text: str, counts: Counter[str] | None = None) -> str:
    """Text without quotes that make bold, invisible signs, rests of markup and brackets that templates left empty.

    Args:
        text: As rendered; `ITEM` before list items stays.
        counts: Texts with rests of markup are added to it.
    """
    if "''" in text:
        # Before what is invisible goes: it may stand between two runs of quotes.
        text = _QUOTED_LINE.sub(lambda line: _without_style(line.group()), text)
    text = _QUOTES.sub("'", _INVISIBLE.sub("", unicodedata.normalize("NFC", text)))
    # Short runs of space from here on: the patterns below look at a run once from each of its places.
    text = _collapse(text)
    if "__" in text:
        text = _MAGIC_WORD.sub(" ", text)
    if "-{" in text:
        text = _VARIANTS.sub(r"\1", text)
    marked = any(sign in text for sign in _TRIGGERS)
    if marked:
        text = _collapse(_without_residues(text, counts))
    if "(" in text or "（" in text or "[" in text:
        text = _LABEL_REST.sub(lambda match: match[1] or match[2], _DOUBLED_COMMA.sub(",", text))
        if ":)" in text or ": )" in text:
            text = _LAST_LABEL_REST.sub("", text)
        text = _BRACKET_REST.sub(lambda match: match[1] or match[2], text)
        text = _EMPTY_BRACKETS.sub("", text)
    text = _LEADING_COMMA.sub("", _SPACE_BEFORE.sub("", _SPACES.sub(" ", text)))
    # What was taken out may have stood between two halves of a mark.
    return _ANY_MARK.sub(" ", text) if marked else text


def _collapse(text: str) -> str:
    return _BLANK_LINES.sub("\n\n", _SPACES.sub(" ", text))


def _without_style(line: str) -> str:
    """A line without the quotes that make bold and italics.

    Four quotes are an apostrophe and bold, six or more are apostrophes and bold italics. Where both bold and italics
    would stay open, an apostrophe stands before italics: "l'''opera''" is "l'opera".
    """
    runs = list(_QUOTES.finditer(line))
    lengths = [min(len(run.group()), 5) if len(run.group()) != 4 else 3 for run in runs]
    apostrophes = [len(run.group()) - length for run, length in zip(runs, lengths, strict=True)]
    bold, italics = (sum(length in (one, 5) for length in lengths) for one in (3, 2))
    if bold % 2 and italics % 2:
        apostrophes[_elided(line, runs, lengths)] += 1
    left = iter(apostrophes)
    return _QUOTES.sub(lambda _: "'" * next(left), line)


def _elided(line: str, runs: list[re.Match[str]], lengths: list[int]) -> int:
    """Which run of three quotes is an apostrophe and italics: after a word of one letter, of more, after a space."""

    def rank(index: int) -> int:
        before = line[max(0, runs[index].start() - 2) : runs[index].start()]
        if len(runs[index].group()) > lengths[index]:
            return 1  # an apostrophe stands before it already
        if before[-1:].isspace():
            return 2
        return 0 if before[:-1].isspace() else 1

    return min((index for index, length in enumerate(lengths) if length in (3, 5)), key=rank)


def _without_residues(text: str, counts: Counter[str] | None) -> str:
    if counts is not None and _ANY_MARK.search(text):
        counts["unbalanced markup"] += 1
    if "<" in text:
        text = _TAG.sub(" ", _REFERENCE.sub(" ", text))
    if "{{" in text:
        text = _TEMPLATE.sub(" ", text)
    if "|" in text or "!" in text:
        text = _FILE_OPTION.sub(" ", _TABLE_LINE.sub("", _FILE.sub(" ", text)))
    if "=" in text:
        text = _ATTRIBUTE.sub(" ", text)
    return _ANY_MARK.sub(" ", text)
