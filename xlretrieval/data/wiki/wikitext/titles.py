"""Titles in links: which page they mean, and whether it is an article at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal
from urllib.parse import unquote

LinkKind = Literal["article", "text", "hidden"]

# The English names work in every wiki beside its own. "Image" is the name of "File" before 2008.
CANONICAL_NAMESPACES = {
    -2: "Media",
    -1: "Special",
    1: "Talk",
    2: "User",
    3: "User talk",
    4: "Project",
    5: "Project talk",
    6: "File",
    7: "File talk",
    8: "MediaWiki",
    9: "MediaWiki talk",
    10: "Template",
    11: "Template talk",
    12: "Help",
    13: "Help talk",
    14: "Category",
    15: "Category talk",
    100: "Portal",
    101: "Portal talk",
    118: "Draft",
    828: "Module",
}
_ALIASES = {"image": 6, "image talk": 7, "wp": 4, "wikipedia": 4}
_HIDDEN_NAMESPACES = (6, 14)

# A language code, as other Wikipedias are called in links. Prefixes of other sites that look like one stand below.
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z]{1,10})*|simple", re.ASCII)
_SITES = frozenset(
    "b betawikiversity bugzilla c commons d doi foundation gutenberg imdb irc m meta mw n oeis phab q rfc s species "
    "toollabs v voy w wikia wikibooks wikidata wikimedia wikinews wikipedia wikiquote wikisource wikispecies "
    "wikiversity wikivoyage wikt wiktionary wmf".split()
)
# Files whose namespace has a name that we are not told, in dumps with the head of another wiki.
_MEDIA = re.compile(
    r"[^:]+:.*\.(?:jpe?g|png|svg|gif|tiff?|webp|xcf|pdf|djvu|og[gav]|opus|flac|wav|midi?|mp3|webm|mpe?g|stl)",
    re.IGNORECASE | re.DOTALL,
)
_ILLEGAL = re.compile(r"[\x00-\x1f\x7f\[\]{}|<>#\ufffd]")
_SPACES = re.compile(r"[\s_]+")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")


class LinkResolver:
    """Tells what a link in a wiki means.

    Args:
        namespaces: Number -> name in the wiki's language, as the head of its dump says. The English names are known.
        case: "first-letter" where titles begin with a capital, else "case-sensitive".
    """

    def __init__(self, namespaces: Mapping[int, str], case: str = "first-letter"):
        names = {**CANONICAL_NAMESPACES, **{number: name for number, name in namespaces.items() if name}}
        self._numbers = {name.lower(): number for number, name in CANONICAL_NAMESPACES.items()}
        self._numbers |= _ALIASES
        self._numbers |= {_SPACES.sub(" ", name).strip().lower(): number for number, name in names.items()}
        self._capitalised = case == "first-letter"

    def resolve(self, target: str) -> tuple[LinkKind, str]:
        """What the target of a link means: what stands before the first "|" in "[[...]]".

        Returns:
            ("article", title) for a page of the main namespace; ("hidden", "") where the link shows nothing of the
            text (files and categories without a leading colon, links to other languages likewise); ("text", "")
            where it only shows its label.
        """
        target = _SPACES.sub(" ", target).strip()
        colon = target.startswith(":")
        title = target[1:].lstrip() if colon else target
        prefix, divided, rest = title.partition(":")
        if divided:
            prefix = prefix.strip()
            number = self._numbers.get(prefix.lower())
            if number is not None:
                return ("hidden" if number in _HIDDEN_NAMESPACES and not colon else "text"), ""
            if prefix.lower() in _SITES:
                return "text", ""
            if _LANGUAGE.fullmatch(prefix):
                return ("text" if colon or not rest.strip() else "hidden"), ""
            if not colon and _MEDIA.fullmatch(title):
                return "hidden", ""
        title = normalise_title(title, self._capitalised)
        return ("article", title) if title else ("text", "")


def normalise_title(title: str, capitalised: bool = True) -> str:
    """The title as the wiki stores it: no anchor, spaces for underscores, percent signs decoded, first letter capital.

    Args:
        title: Title as written in a link.
        capitalised: Whether titles begin with a capital.

    Returns:
        The title; "" if it is none, because it is empty (a link within the page), longer than 255 bytes, or holds
        signs that no title may hold.
    """
    title = title.partition("#")[0]
    if _PERCENT.search(title):
        title = unquote(title, errors="replace").partition("#")[0]
    title = unicodedata.normalize("NFC", _SPACES.sub(" ", title).strip(" :"))
    if capitalised and title:
        title = _capital(title[0]) + title[1:]
    if _ILLEGAL.search(title) or len(title.encode("utf-8", errors="replace")) > 255:
        return ""
    return title


def _capital(letter: str) -> str:
    # As MediaWiki does: letters without a single capital (ß) stay, and so do Georgian ones, which begin no sentence.
    upper = letter.upper()
    return letter if len(upper) != 1 or "\u10d0" <= letter <= "\u10ff" else upper
