"""What a section shows that is the same in every language, or can be learned: numbers, links, words, headings.

Tokens are 32-bit hashes from here on: two of the some 2,000 different words of an article pair collide in one of 2,000
articles. So tables over a corpus are plain integers, which need no pickle and do not depend on Python's hash seed.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import methodcaller

import numpy as np

from xlretrieval.data.wiki.records import Article

from .numbers import numbers_in

KINDS = ("items", "numbers", "words")

# Scripts written without spaces between words: their words are pairs of neighbouring characters.
_CONTINUOUS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
# Thai, Lao, Burmese and Khmer digits are within the ranges, and no words.
_WORD = re.compile(rf"(?:(?!\d)[{_CONTINUOUS}\U00020000-\U0003ffff])+|[^\W\d_{_CONTINUOUS}\U00020000-\U0003ffff]+")
_FIRST_CONTINUOUS = "\u0e00"
_IS_CONTINUOUS = re.compile(rf"[{_CONTINUOUS}\U00020000-\U0003ffff]")
_NOT_WORD = re.compile(r"[\W_]+")
_encode = methodcaller("encode", "utf-8", "surrogatepass")
_MARKS = re.compile(r"[\u0300-\u036f]")


@dataclass(frozen=True, slots=True)
class TokenTable:
    """Which token stands in which section; each combination once.

    Attributes:
        tokens: Hashes, ascending, uint32 of shape (entries,).
        sections: Index of the section, int32 of shape (entries,).
    """

    tokens: np.ndarray
    sections: np.ndarray


@dataclass(frozen=True, slots=True)
class Signals:
    """An article as numbers.

    Attributes:
        language: Language code.
        lengths: Logarithm of one plus the characters of each section, (sections,).
        headings: Hash of the whole heading of each section, 0 for the lead, uint32 of shape (sections,).
        parents: Hash of the heading one level up, 0 where there is none, uint32 of shape (sections,).
        heading_words: Hashes of the words of each section's heading.
        heading_letters: Which pair of neighbouring letters stands in which section's heading.
        path_headings: Hashes of all headings of the article, each once, ascending.
        tables: Tokens by kind, see `KINDS`.
    """

    language: str
    lengths: np.ndarray
    headings: np.ndarray
    parents: np.ndarray
    heading_words: tuple[np.ndarray, ...]
    heading_letters: TokenTable
    path_headings: np.ndarray
    tables: dict[str, TokenTable]

    def __len__(self) -> int:
        return len(self.lengths)


def hash_token(token: str) -> int:
    """The token as a number in [1, 2**32), the same on every machine and in every run."""
    return zlib.crc32(_encode(token)) or 1


def _hashes(tokens: Iterable[str]) -> np.ndarray:
    return np.maximum(np.fromiter(map(zlib.crc32, map(_encode, tokens)), dtype=np.int64), 1)


def words_in(text: str) -> set[str]:
    """The words of a text, casefolded; of scripts without spaces all pairs of neighbouring characters."""
    words: set[str] = set()
    for run in set(_WORD.findall(text.casefold())):
        if run[0] >= _FIRST_CONTINUOUS and _IS_CONTINUOUS.match(run):
            words.update(map("".join, zip(run, run[1:], strict=False)) if len(run) > 1 else run)
        elif len(run) > 1:
            words.add(run)
    return words


def _letter_pairs(heading: str) -> set[str]:
    """Pairs of neighbouring letters without accents, a word's first also with the space before it."""
    letters = " " + _MARKS.sub("", unicodedata.normalize("NFKD", heading))
    return {first + second for first, second in zip(letters, letters[1:], strict=False) if second != " "}


def normalise_heading(heading: str) -> str:
    """A heading without case, punctuation and differences of width: " Early  life: " -> "early life"."""
    return _NOT_WORD.sub(" ", unicodedata.normalize("NFKC", heading).casefold()).strip()


def signals_of(article: Article) -> Signals:
    """Reads the signals of an article; costs about a millisecond for 10,000 characters."""
    sections = article.sections
    paths = [tuple(map(normalise_heading, section.heading_path)) for section in sections]
    numbers = [section.numbers or numbers_in(section.text) for section in sections]
    words = [words_in(section.text) for section in sections]
    path_headings = sorted({hash_token(heading) for path in paths for heading in path})
    return Signals(
        language=article.language,
        lengths=np.log1p(np.array([len(section.text) for section in sections], dtype=np.float64)),
        headings=np.array([hash_token(path[-1]) if path else 0 for path in paths], dtype=np.uint32),
        parents=np.array([hash_token(path[-2]) if len(path) > 1 else 0 for path in paths], dtype=np.uint32),
        heading_words=tuple(_sorted_hashes(words_in(path[-1])) if path else _sorted_hashes(()) for path in paths),
        heading_letters=_table([_letter_pairs(path[-1]) if path else () for path in paths]),
        path_headings=np.array(path_headings, dtype=np.uint32),
        tables={
            "items": _table([map(_item_token, section.items) for section in sections]),
            "numbers": _table(numbers),
            "words": _table(words),
        },
    )


def _item_token(item: int) -> str:
    return f"Q{item}"


def _sorted_hashes(tokens: Iterable[str]) -> np.ndarray:
    return np.sort(_hashes(tokens)).astype(np.uint32)


def _table(sections: Sequence[Iterable[str]]) -> TokenTable:
    """Sorted by token, then by section; a set's order never reaches the result."""
    hashes = [_hashes(tokens) for tokens in sections]
    if not hashes:
        return TokenTable(np.empty(0, np.uint32), np.empty(0, np.int32))
    section = np.repeat(np.arange(len(hashes), dtype=np.int64), [len(row) for row in hashes])
    keys = np.unique(np.concatenate(hashes) << 31 | section)
    return TokenTable((keys >> 31).astype(np.uint32), (keys & 0x7FFFFFFF).astype(np.int32))
