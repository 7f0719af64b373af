"""Words of a text, for comparison with other texts of its language.

Texts are compared after compatibility normalisation (NFKC) and case folding. Chinese, Japanese, Thai, Lao, Khmer and
Burmese write no spaces between words, and a segmenter for each would be a dependency for each; their runs of letters
become all pairs of neighbouring characters, which retrieves about as well. Scripts decide, not language codes, so that
"iPhone手机" is "iphone" and "手机" everywhere. Nothing is stemmed and no word is left out: BM25 gives "the" no weight.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import regex

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー"
# `regex`, not `re`: its \w holds combining marks, without which Hindi words fall apart at their vowels.
_RUN = regex.compile(rf"(?V1)(?P<unspaced>[{_UNSPACED}]+)|[\w--[{_UNSPACED}]]+")


def words(text: str) -> Iterator[str]:
    """Yields the words of a text, in order.

    Example:
        ```python
        list(words("L'eau, 2 iPhones 手机壳")) == ["l", "eau", "2", "iphones", "手机", "机壳"]
        ```
    """
    for run in _RUN.finditer(unicodedata.normalize("NFKC", text).casefold()):
        if run["unspaced"] is None or len(run[0]) == 1:
            yield run[0]
        else:
            yield from (run[0][place : place + 2] for place in range(len(run[0]) - 1))
