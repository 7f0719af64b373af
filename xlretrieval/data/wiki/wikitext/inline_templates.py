"""Templates that carry words of a sentence, such as a number with its unit, and what they show.

All others are dropped with their content: what a template shows is known only to its wiki. These few are in the middle
of sentences often enough that texts without them have holes ("a diameter of and a mass of").
"""

from __future__ import annotations

import re
from collections.abc import Callable

_NAMED = re.compile(r"\s*([^\W\d][\w \-]*|\d+)\s*=(.*)", re.DOTALL)
_RANGE = {"-": "–", "–": "–", "to": " to ", "and": " and ", "or": " or ", "x": " × ", "by": " by ", "+/-": " ± "}


def _positional(values: list[str]) -> list[str]:
    """Parameters without a name, or named by their position."""
    found = []
    for value in values:
        named = _NAMED.match(value)
        if named is None:
            found.append(value.strip())
        elif named[1].isdigit():
            found.append(named[2].strip())
    return found


def _first(values: list[str]) -> str:
    return next(iter(_positional(values)), "")


def _last(values: list[str]) -> str:
    # "{{lang|la|Roma}}": the parameter before it is no text.
    return "".join(_positional(values)[1:2])


def _label(values: list[str]) -> str:
    found = _positional(values)
    return found[1] if len(found) > 1 and found[1] else "".join(found[:1])


def _all(values: list[str]) -> str:
    return " ".join(value for value in _positional(values) if value)


def _quantity(values: list[str]) -> str:
    """ "5|km|mi" -> "5 km", "5|to|10|km" -> "5 to 10 km"."""
    found = _positional(values)
    if len(found) > 3 and found[1] in _RANGE:
        return f"{found[0]}{_RANGE[found[1]]}{found[2]} {found[3]}"
    return " ".join(found[:2])


def _fraction(values: list[str]) -> str:
    return "/".join(_positional(values)[-2:])


def _century(values: list[str]) -> str:
    """ "XIX|e" and "XIX" -> "XIXe siècle"."""
    number, *ending = _positional(values)[:2] or [""]
    return f"{number}{''.join(ending) or 'e'} siècle"


def _power(values: list[str]) -> str:
    """ "250|km|2" -> "250 km²"."""
    found = _positional(values)
    exponent = {"2": "²", "3": "³"}.get("".join(found[2:3]), "")
    return " ".join(found[:2]) + exponent


def _as_of(values: list[str]) -> str:
    """ "2012" -> "As of 2012", "2012|lc=y" -> "as of 2012", "alt=Until 2012" -> "Until 2012"."""
    named = {match[1].strip(): match[2].strip() for match in map(_NAMED.match, values) if match}
    return named.get("alt") or f"{'a' if 'lc' in named else 'A'}s of {_first(values)}"


def _shows(text: str) -> Callable[[list[str]], str]:
    return lambda _: text


_GROUPS: tuple[tuple[Callable[[list[str]], str], str], ...] = (
    (_first, "nowrap nobr nobold noitalic small smaller big larger em strong abbr sub sup formatnum num nombre nts"),
    (_first, "quote cquote blockquote quotation zitat citazione citation_bloc"),
    (_first, "lien ill illm interlanguage_link nihongo 仮リンク 読み仮名 flag flagcountry"),
    (_last, "lang langue lingua transl transliteration"),
    (_label, "iw нп нп3 нп4 нп5 не_переведено"),
    (_all, "date date- ship"),
    (_quantity, "convert cvt unit val число"),
    (_power, "unité unité/2"),
    (_fraction, "frac fraction sfrac"),
    (_century, "s s- sp sp- siècle"),
    (_as_of, "as_of"),
    (_shows(" – "), "snd spnd spaced_ndash –"),
    (_shows("–"), "ndash"),
    (_shows("—"), "mdash —"),
    (_shows(" "), "nbsp spaces space"),
    (_shows("'"), "' apostrophe"),
    (_shows("'s"), "'s"),
    (_shows("e"), "e"),
    (_shows("er"), "er"),
)

_TEMPLATES = {name.replace("_", " "): show for show, names in _GROUPS for name in names.split()}
_SPACES = re.compile(r"[\s_]+")


def inline_template(name: str) -> Callable[[list[str]], str] | None:
    """What makes the text of a template of its parameters; None for a template that shows nothing.

    Args:
        name: As written; what follows a colon is a parameter.
    """
    name = _SPACES.sub(" ", name.partition(":")[0]).strip().lower()
    # "{{lang-la|Roma}}" shows the word, and in front of it the name of its language, which we leave out.
    return _first if name.startswith("lang-") else _TEMPLATES.get(name)
