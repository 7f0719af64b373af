"""Which sections are prose, told by what their headings mostly stand over, in any language.

References, links, literature and lists of works are called differently in each of 300 languages, but look the same in
all: lists of short lines, often nothing but references, mostly at the end of the article.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from xlretrieval.data.wiki.records import PageSection

# On English, Italian and Vietnamese articles "See also", "Bibliography", "Filmography" and the like have list shares
# above .8 and lines of 20 to 130 characters, "History" and "Geography" list shares below .2 and lines above 250.
# Lists of sights or events described in sentences, which are prose, have shares up to .9 and lines of 190 and more.
_LIST_SHARE = 0.8
_LINE_LENGTH = 150
# Behind three quarters of the article, where "Notes" and "External links" stand, less is enough.
_BACK_MATTER = 0.75
_BACK_LIST_SHARE = 0.7
_BACK_EMPTY_SHARE = 0.6
_THOUSAND = 1000


@dataclass(slots=True)
class HeadingCounts:
    """Sums over the sections under one heading; whole numbers, so that the order of adding changes nothing.

    Attributes:
        sections: How many there are.
        leaves: Those without subsections.
        empty_leaves: Those of them without text.
        filled: Sections with text.
        list_thousandths: Sum over `filled` of the share of characters in list items, in thousandths.
        lines: Lines of text.
        characters: Characters of text.
        markup_characters: Characters of wikitext.
        position_thousandths: Sum of their places in the article, 0 the lead and 1,000 the last section.
    """

    sections: int = 0
    leaves: int = 0
    empty_leaves: int = 0
    filled: int = 0
    list_thousandths: int = 0
    lines: int = 0
    characters: int = 0
    markup_characters: int = 0
    position_thousandths: int = 0

    def add(self, other: HeadingCounts) -> None:
        """Adds the sums of other sections."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    @property
    def list_share(self) -> float:
        """Mean share of characters in list items."""
        return self.list_thousandths / _THOUSAND / max(self.filled, 1)

    @property
    def line_length(self) -> float:
        """Mean characters of a line."""
        return self.characters / max(self.lines, 1)

    @property
    def position(self) -> float:
        """Mean place in the article, from 0 to 1."""
        return self.position_thousandths / _THOUSAND / max(self.sections, 1)

    @property
    def text_share(self) -> float:
        """Share of the wikitext that is text; references and links to the web have little."""
        return self.characters / max(self.markup_characters, 1)

    @property
    def is_back_matter(self) -> bool:
        """Whether it stands at the end of articles over lists or over nothing."""
        if self.position < _BACK_MATTER:
            return False
        empty_share = self.empty_leaves / max(self.leaves, 1)
        return empty_share >= _BACK_EMPTY_SHARE or (self.filled > 0 and self.list_share >= _BACK_LIST_SHARE)

    @property
    def is_list(self) -> bool:
        """Whether it stands over lists of short lines."""
        return self.filled > 0 and self.list_share >= _LIST_SHARE and self.line_length < _LINE_LENGTH


class HeadingStatistics:
    """Sums per heading over many pages of one wiki; shards are counted apart and merged.

    Attributes:
        headings: Last heading of the path in lower case -> its sums. Leads are not counted.
    """

    def __init__(self) -> None:
        self.headings: dict[str, HeadingCounts] = {}

    def add_page(self, sections: Sequence[PageSection]) -> None:
        """Counts all sections of one page, in reading order."""
        last = max(len(sections) - 1, 1)
        for index, section in enumerate(sections):
            if not section.heading_path:
                continue
            following = sections[index + 1].heading_path if index + 1 < len(sections) else ()
            depth = len(section.heading_path)
            is_leaf = not (len(following) > depth and following[:depth] == section.heading_path)
            counts = _counts(section)
            counts.leaves = int(is_leaf)
            counts.empty_leaves = int(is_leaf and not section.text)
            counts.position_thousandths = index * _THOUSAND // last
            self._at(_key(section.heading_path[-1])).add(counts)

    def merge(self, other: HeadingStatistics) -> None:
        """Adds the sums of other pages."""
        for heading, counts in other.headings.items():
            self._at(heading).add(counts)

    def to_rows(self, minimum: int = 1) -> list[dict[str, Any]]:
        """One row of plain values per heading, in alphabetical order; those with fewer sections are left out."""
        return [
            {"heading": heading, **asdict(counts)}
            for heading, counts in sorted(self.headings.items())
            if counts.sections >= minimum
        ]

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> HeadingStatistics:
        """The statistics that `to_rows` wrote; rows of one heading are added.

        Raises:
            KeyError: A row lacks a column.
        """
        statistics = cls()
        for row in rows:
            counts = HeadingCounts(**{field.name: int(row[field.name]) for field in fields(HeadingCounts)})
            statistics._at(row["heading"]).add(counts)
        return statistics

    def _at(self, heading: str) -> HeadingCounts:
        return self.headings.setdefault(heading, HeadingCounts())


class ProseFilter:
    """Tells prose from lists, references and the like.

    A heading that is frequent enough decides for all its sections, and a rare one leaves it to the section. Sections
    under a heading of back matter ("References" > "Books") go with it.

    Args:
        lists: Headings, in lower case, over lists.
        back_matter: Headings over lists or nothing at the end of articles.
        known: All headings that are frequent enough.
    """

    def __init__(self, lists: Iterable[str], back_matter: Iterable[str], known: Iterable[str]):
        self.lists = frozenset(lists)
        self.back_matter = frozenset(back_matter)
        self._known = frozenset(known)

    @classmethod
    def fit(cls, statistics: HeadingStatistics, minimum: int = 5) -> ProseFilter:
        """Learns the headings of a wiki.

        Args:
            statistics: Of all its pages.
            minimum: Sections from which on a heading decides.
        """
        known = {name: counts for name, counts in statistics.headings.items() if counts.sections >= minimum}
        return cls(
            lists=[name for name, counts in known.items() if counts.is_list],
            back_matter=[name for name, counts in known.items() if counts.is_back_matter],
            known=known,
        )

    def is_prose(self, section: PageSection) -> bool:
        """Whether a section is prose. A section without text is not, and a lead with text is."""
        if not section.text:
            return False
        if not section.heading_path:
            return True
        *above, heading = map(_key, section.heading_path)
        if not self.back_matter.isdisjoint(above):
            return False
        if heading in self._known:
            return heading not in self.lists and heading not in self.back_matter
        return not _counts(section).is_list

    def to_rows(self) -> list[dict[str, Any]]:
        """One row of plain values per heading: `heading`, `is_list`, `is_back_matter`, in alphabetical order."""
        return [
            {"heading": name, "is_list": name in self.lists, "is_back_matter": name in self.back_matter}
            for name in sorted(self._known)
        ]

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> ProseFilter:
        """The filter that `to_rows` wrote.

        Raises:
            KeyError: A row lacks a column.
        """
        rows = list(rows)
        return cls(
            lists=[row["heading"] for row in rows if row["is_list"]],
            back_matter=[row["heading"] for row in rows if row["is_back_matter"]],
            known=[row["heading"] for row in rows],
        )


def _key(heading: str) -> str:
    return heading.casefold()


def _counts(section: PageSection) -> HeadingCounts:
    """Sums of one section, of what it shows by itself."""
    characters = len(section.text)
    return HeadingCounts(
        sections=1,
        filled=int(characters > 0),
        list_thousandths=section.list_characters * _THOUSAND // max(characters, 1),
        lines=sum(1 for line in section.text.split("\n") if line),
        characters=characters,
        markup_characters=section.markup_characters,
    )
