"""What two answers may differ in and still be the same: case, punctuation, articles, space; by language.

The rules of MLQA (Lewis et al. 2020) and of SQuAD (Rajpurkar et al. 2016), as their official scorers apply them. They
are part of the measure: a better list of articles would give other numbers than the published ones.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable
from functools import lru_cache

# Language of the context -> what is taken for an article. Arabic writes its article together with the word, and the
# scorer cuts the two letters out wherever they stand. Hindi and Chinese have none.
_ARTICLES = {
    "en": re.compile(r"\b(?:a|an|the)\b"),
    "es": re.compile(r"\b(?:un|una|unos|unas|el|la|los|las)\b"),
    "de": re.compile(r"\b(?:ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "vi": re.compile(r"\b(?:của|là|cái|chiếc|những)\b"),
    "ar": re.compile("ال"),
    "hi": None,
    "zh": None,
}
LANGUAGES = tuple(_ARTICLES)
_ASCII_PUNCTUATION = frozenset(string.punctuation)


def normalise_mlqa(text: str, language: str) -> str:
    """Lower case, no Unicode punctuation, no articles, tokens joined by one space.

    Chinese characters (U+4E00 to U+9FA5) are a token each; what stands between them is split at white space.

    Args:
        text: An answer.
        language: Of the context: en, es, de, vi, ar, hi or zh.

    Raises:
        ValueError: The rules do not say what the articles of this language are.
    """
    rule = article_rule(language)
    text = "".join(character for character in text.lower() if not _is_punctuation(character))
    text = rule.sub(" ", text) if rule else text
    if language == "zh":
        text = "".join(f" {character} " if "\u4e00" <= character <= "\u9fa5" else character for character in text)
    return " ".join(text.split())


def normalise_squad(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, tokens joined by one space."""
    text = "".join(character for character in text.lower() if character not in _ASCII_PUNCTUATION)
    return " ".join(_ARTICLES["en"].sub(" ", text).split())


def normaliser(language: str) -> Callable[[str], str]:
    """`normalise_mlqa` for one language of contexts.

    Raises:
        ValueError: The rules do not know the language.
    """
    article_rule(language)
    return lambda text: normalise_mlqa(text, language)


def article_rule(language: str) -> re.Pattern[str] | None:
    """What the scorer removes as articles; None where the language has none.

    Raises:
        ValueError: The rules do not know the language.
    """
    if language not in _ARTICLES:
        raise ValueError(
            f"language of the contexts must be one of {', '.join(LANGUAGES)}, the languages of MLQA, got "
            f"{language!r}. Score answers in another language with SQuAD's rules."
        )
    return _ARTICLES[language]


@lru_cache(maxsize=65_536)  # a corpus has some thousand different characters
def _is_punctuation(character: str) -> bool:
    # The ASCII symbols $+<=>^`|~ are no punctuation to Unicode, but are to the scorer.
    return character in _ASCII_PUNCTUATION or unicodedata.category(character).startswith("P")
