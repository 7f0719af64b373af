"""Sections of articles that come as nested parts or as text with heading lines, not as wikitext."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from xlretrieval.data.wiki.records import PageSection
from xlretrieval.data.wiki.wikitext.titles import LinkResolver

from .field_map import FieldMap, field_of

_HEADING = re.compile(r"(={1,6})\s*(\S.*?)\s*\1\s*")
_LIST_LINE = re.compile(r"\s*[*#•-]\s+")
_LINKS = LinkResolver({})


class _Draft:
    """A section that is being read."""

    def __init__(self, heading_path: tuple[str, ...]):
        self.heading_path = heading_path
        self._blocks: list[tuple[str, bool]] = []  # text, whether it is a list item
        self._links: dict[str, None] = {}

    def add(self, text: Any, is_item: bool) -> None:
        if isinstance(text, str) and (text := text.strip()):
            self._blocks.append((text, is_item))

    def add_links(self, titles: Sequence[str]) -> None:
        self._links.update(dict.fromkeys(titles))

    def finish(self, number: int) -> PageSection:
        text, previous = "", False
        for block, is_item in self._blocks:
            text += ("\n" if previous and is_item else "\n\n") * bool(text) + block
            previous = is_item
        in_lists = sum(len(block) for block, is_item in self._blocks if is_item)
        return PageSection(number, self.heading_path, text, tuple(self._links), in_lists, len(text))


def sections_of_parts(parts: Any, names: FieldMap, left_out: Counter[str]) -> list[PageSection]:
    """Sections of nested parts, or of a list of sections with levels.

    Text that stands before the first section, and a first section with `names.lead_heading`, is the lead.

    Args:
        parts: The parts.
        names: Names of their fields.
        left_out: Parts that are neither sections, paragraphs nor lists are counted here by kind.

    Raises:
        ValueError: The parts are no lists of structures.
    """
    drafts = [_Draft(())]
    _Reader(names, left_out, drafts).read(parts, drafts[0], ())
    return _finish(drafts)


def sections_of_text(text: str) -> list[PageSection]:
    """Sections of text with lines like "== Heading ==", the number of signs of which gives the depth."""
    drafts = [_Draft(())]
    open_headings: list[tuple[int, str]] = []
    block: list[str] = []

    def close() -> None:
        drafts[-1].add("\n".join(block), False)
        block.clear()

    for line in text.split("\n"):
        if heading := _HEADING.fullmatch(line.strip()):
            close()
            drafts.append(_Draft(_path(open_headings, len(heading[1]), heading[2])))
        elif not line.strip():
            close()
        elif item := _LIST_LINE.match(line):
            close()
            drafts[-1].add(line[item.end() :], True)
        else:
            block.append(line.strip())
    close()
    return _finish(drafts)


class _Reader:
    """Goes through nested parts.

    Args:
        names: Names of their fields.
        left_out: Counts the parts of no use.
        drafts: Gets the sections; the lead is in it.
    """

    def __init__(self, names: FieldMap, left_out: Counter[str], drafts: list[_Draft]):
        self._names, self._left_out, self._drafts = names, left_out, drafts

    def read(self, parts: Any, into: _Draft, path: tuple[str, ...]) -> None:
        """Reads the parts of a section, or of the article."""
        names = self._names
        open_headings: list[tuple[int, str]] = []
        for part in _list(parts, "parts"):
            kind, heading = field_of(part, names.kind), field_of(part, names.heading)
            draft, inner = into, path
            if kind == "section" or (kind is None and heading):
                heading = str(heading or "").strip()
                if len(self._drafts) > 1 or path or heading not in ("", names.lead_heading):
                    level = field_of(part, names.level)
                    inner = path + _path(open_headings, level if isinstance(level, int) else 1, heading)
                    draft = _Draft(inner)
                    self._drafts.append(draft)
            elif kind not in ("paragraph", "list", "list_item", None):
                self._left_out[str(kind)] += 1
                continue
            self._add(part, draft, kind == "list_item")
            self.read(field_of(part, names.parts), draft, inner)

    def _add(self, part: Mapping[str, Any], draft: _Draft, is_item: bool) -> None:
        draft.add(field_of(part, self._names.value), is_item)
        urls = [field_of(link, self._names.link_url) for link in _list(field_of(part, self._names.links), "links")]
        draft.add_links([title for url in urls if isinstance(url, str) and (title := _title(url))])


def _list(value: Any, what: str) -> Iterator[Mapping[str, Any]]:
    if value is None:
        return
    if not isinstance(value, list):
        raise ValueError(f"{what} must be a list, got {str(value)[:80]!r}")
    for element in value:
        if isinstance(element, Mapping):
            yield element
        elif element is not None:
            raise ValueError(f"{what} must hold structures, got {str(element)[:80]!r}")


def _path(open_headings: list[tuple[int, str]], level: int, heading: str) -> tuple[str, ...]:
    """Path of a heading; the headings that it closes are removed from those that are open."""
    while open_headings and open_headings[-1][0] >= level:
        open_headings.pop()
    open_headings.append((level, heading))
    return tuple(text for _, text in open_headings)


def _title(url: str) -> str:
    """Title of the page of the main namespace that an address leads to, "" for other addresses."""
    split = urlsplit(url)
    host = split.hostname or ""
    if split.path.startswith("./"):
        name = split.path[2:]
    elif split.path.startswith("/wiki/") and (not host or host.endswith("wikipedia.org")):
        name = split.path[len("/wiki/") :]
    else:
        return ""
    return _LINKS.resolve(unquote(name))[1]


def _finish(drafts: Sequence[_Draft]) -> list[PageSection]:
    return [draft.finish(number) for number, draft in enumerate(drafts)]
