"""From the wikitext of a page to its sections: headings, plain text, links."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping

from xlretrieval.data.wiki.records import PageSection

from .opaque import CutText, cut_opaque
from .plain_text import ITEM, Renderer
from .residues import clean
from .titles import LinkResolver, normalise_title

_HEADING = re.compile(r"^=.*=[ \t]*$", re.MULTILINE)
_LANGUAGE_LINK = re.compile(
    r"\[\[[ \t]*([a-z]{2,3}(?:-[a-z]{1,10})*|simple)[ \t]*:[ \t]*([^\[\]|{}<>\n#]{1,300}?)[ \t]*\]\]", re.ASCII
)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# A link of its own line, with a prefix: a category, in a dump that does not say what categories are called there.
_LONE_PREFIXED_LINK = re.compile(r"^[ \t]*\[\[[^\W\d_][^\[\]:|\n]*:(?![ \t])[^\[\]\n]+\]\][ \t]*$", re.MULTILINE)
# ":''See also: [[Bern]]''": a note above a section that points elsewhere.
_HATNOTE = re.compile(r"^:+[ \t]*''(?!').*$", re.MULTILINE)


class PageParser:
    """Parses the pages of one wiki; keeps what is the same for all of them.

    Args:
        namespaces: Number -> name in the wiki's language, as the head of its dump says; the English names are known.
        case: "first-letter" where titles begin with a capital, else "case-sensitive".

    Attributes:
        counts: What was found unbalanced, by kind.
    """

    def __init__(self, namespaces: Mapping[int, str], case: str = "first-letter"):
        self.counts: Counter[str] = Counter()
        self._renderer = Renderer(LinkResolver(namespaces, case))

    def parse(self, wikitext: str) -> list[PageSection]:
        """The sections of a page in reading order; the first is the lead, which may be empty."""
        cut = cut_opaque(wikitext, self.counts)
        sections = []
        for number, (path, start, body, end) in enumerate(self._split(cut)):
            source = _LONE_PREFIXED_LINK.sub("", _HATNOTE.sub(_hatnote, cut.text[body:end]))
            rendered, links = self._renderer.render(source)
            text, list_characters = _layout(clean(rendered, self.counts))
            length = cut.original_length(start, end)
            sections.append(PageSection(number, path, text, tuple(dict.fromkeys(links)), list_characters, length))
        return sections

    def _split(self, cut: CutText) -> Iterator[tuple[tuple[str, ...], int, int, int]]:
        """Heading path, start, start of the body, and end of every section."""
        path: list[tuple[int, str]] = []
        start = body = 0
        for match in _HEADING.finditer(cut.text):
            level, heading = self._heading(match.group())
            if not heading:
                continue
            yield tuple(name for _, name in path), start, body, match.start()
            start, body = match.span()
            while path and path[-1][0] >= level:
                path.pop()
            path.append((level, heading))
        yield tuple(name for _, name in path), start, body, len(cut.text)

    def _heading(self, line: str) -> tuple[int, str]:
        line = line.strip()
        inner = line.strip("=")
        left = len(line) - len(line.lstrip("="))
        right = len(line) - len(line.rstrip("="))
        level = min(left, right, 6)
        if not inner:
            return 0, ""
        source = line[level : len(line) - level]
        if not source.isalnum():
            source = clean(self._renderer.render(source.strip())[0])
        return level, " ".join(source.replace(ITEM, " ").split())


def parse_sections(wikitext: str, namespaces: Mapping[int, str]) -> list[PageSection]:
    """The sections of a page in reading order; the first is the lead, which may be empty.

    Args:
        wikitext: Source text of the page.
        namespaces: Number -> name in the wiki's language, as in `SiteInfo`; the English names are known.
    """
    return PageParser(namespaces).parse(wikitext)


def _hatnote(line: re.Match[str]) -> str:
    text = line.group()
    return "" if "[[" in text and text.rstrip(" \t.").endswith("''") else text


def _layout(text: str) -> tuple[str, int]:
    """Paragraphs with blank lines between them and list items on lines of their own; and the characters of the items.

    Lines without any letter or digit are left out.
    """
    blocks: list[str] = []
    items: list[str] = []
    paragraph: list[str] = []
    list_characters = 0

    def end_paragraph() -> None:
        if paragraph:
            items.append(" ".join(paragraph))
            paragraph.clear()

    def end_block() -> None:
        end_paragraph()
        if items:
            blocks.append("\n".join(items))
            items.clear()

    for line in text.split("\n"):
        is_item = ITEM in line
        line = " ".join(line.replace(ITEM, " ").split())
        if is_item:
            end_paragraph()
            if any(map(str.isalnum, line)):
                items.append(line)
                list_characters += len(line)
        elif not line:
            end_block()
        elif any(map(str.isalnum, line)):
            if items and not paragraph:
                end_block()
            paragraph.append(line)
    end_block()
    return "\n\n".join(blocks), list_characters


def inline_language_links(wikitext: str) -> dict[str, str]:
    """The links to the same article in other languages, which stand in the text of dumps older than 2013.

    Args:
        wikitext: Source text of a page.

    Returns:
        Language code -> title there, such as {"de": "Bern"}; the first of a language.
    """
    if "<!--" in wikitext:
        wikitext = _COMMENT.sub("", wikitext)
    found: dict[str, str] = {}
    for match in _LANGUAGE_LINK.finditer(wikitext):
        title = normalise_title(html.unescape(match[2]))
        if title:
            found.setdefault(match[1], title)
    return found
