"""The pages in the XML of a dump, from a stream, with expat: mwxml leaks 100 bytes a page and reads no fragments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from xml.parsers import expat

from xlretrieval.data.wiki.records import Page
from xlretrieval.data.wiki.wikitext.titles import normalise_title

# "#REDIRECT [[Target]]" in any language, for dumps older than the element that says so (schema 0.4).
_REDIRECT_TEXT = re.compile(r"\s*#\s*[^\W\d]\w*\s*:?\s*\[\[\s*:?([^\[\]|#\n]+)")
_NUMBER = re.compile(r"-?[0-9]{1,9}")
_SCHEMA = re.compile(r"export-(\d+)\.(\d+)")
_FIELDS = {"mediawiki/page/title", "mediawiki/page/ns", "mediawiki/page/id", "mediawiki/page/revision/text"}
_SITE_FIELDS = {f"mediawiki/siteinfo/{name}" for name in ("dbname", "case", "base", "namespaces/namespace")}


class XMLError(ValueError):
    """The XML is not that of a dump: malformed, in an unknown encoding, cut, or with a document type of its own.

    Dumps never declare a document type, and attacks by entity expansion do.
    """


@dataclass
class PageCounts:
    """What a reader met in a dump; every page is in exactly one of these, but for the last two.

    Attributes:
        articles: Pages of the main namespace that are no redirects.
        redirects: Those that are.
        other_namespaces: Pages of other namespaces, which are not read.
        without_title: Pages without a title, dropped.
        without_id: Pages without a number, dropped.
        without_text: Articles without text (deleted or empty revisions), dropped.
        broken: Parts whose rest was lost because they are cut or damaged.
        broken_pages: Pages that were begun when they broke off; how many more were lost nobody knows.
    """

    articles: int = 0
    redirects: int = 0
    other_namespaces: int = 0
    without_title: int = 0
    without_id: int = 0
    without_text: int = 0
    broken: int = 0
    broken_pages: int = 0

    @property
    def pages(self) -> int:
        """Whole pages met."""
        return sum(asdict(self).values()) - self.broken - self.broken_pages

    def add(self, other: PageCounts) -> None:
        """Adds the counts of another reader."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


@dataclass(frozen=True, slots=True)
class SiteInfo:
    """What the head of a dump says of its wiki.

    Attributes:
        database: Its database, such as "dewiki"; "" in dumps older than 2013.
        base: Address of its main page, "" where there is none.
        case: "first-letter" where titles begin with a capital (all Wikipedias), or "case-sensitive".
        namespaces: Number -> name in the wiki's language, such as 6 -> "Datei".
    """

    database: str
    base: str
    case: str
    namespaces: Mapping[int, str]


class XMLPages:
    """Takes the XML in chunks and gives the pages that are whole.

    Args:
        counts: Added to.
        namespaces: Names of the namespaces, for schemas before 0.6, whose pages have no number of theirs. The head of
            the dump replaces it.
    """

    def __init__(self, counts: PageCounts, namespaces: Mapping[int, str] | None = None):
        self.site: SiteInfo | None = None
        self.in_page = False
        self.counts = counts
        self._namespaces = dict(namespaces or {})
        self._site_values: dict[str, str] = {}
        self._old_schema = False
        self._pages: list[Page] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._page: dict[str, str] = {}
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.buffer_size = 1 << 16
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype

    def feed(self, data: bytes) -> Iterator[Page]:
        """Takes more bytes and yields the pages that they complete, also those before an error.

        Raises:
            XMLError: They are not XML of a dump.
        """
        broken = self._parse(data, False)
        pages, self._pages = self._pages, []
        yield from pages
        if broken:
            raise XMLError(broken)

    def close(self) -> None:
        """Says that there are no more bytes.

        Raises:
            XMLError: The document is not at its end.
        """
        if broken := self._parse(b"", True):
            raise XMLError(broken)

    def _parse(self, data: bytes, is_last: bool) -> str:
        """What is wrong, "" if nothing."""
        try:
            self._parser.Parse(data, is_last)
        except (expat.ExpatError, ValueError, LookupError) as error:  # the last two for what encodings it declares
            return str(error)
        return ""

    def _refuse_doctype(self, name: str, *_: object) -> None:
        raise XMLError(f"document type {name!r} declared in line {self._parser.CurrentLineNumber}")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        # Some writers give the namespace a prefix.
        name = name.rpartition(":")[2]
        self._path.append(name)
        path = "/".join(self._path)
        if path in _FIELDS or path in _SITE_FIELDS:
            self._text = []
            # The text of other namespaces, a third of a dump, stays in expat.
            if name != "text" or self._page.get("ns", "0").strip() == "0":
                self._parser.CharacterDataHandler = self._text.append
            if name == "namespace":
                self._page["key"] = attributes.get("key", "")
        elif path == "mediawiki/page":
            self.in_page = True
            self._page = {}
        elif path == "mediawiki/page/redirect":
            self._page["redirect"] = attributes.get("title", "")
        elif path == "mediawiki":
            schema = _SCHEMA.search(attributes.get("xmlns", "") or attributes.get("version", ""))
            self._old_schema = bool(schema) and (int(schema[1]), int(schema[2])) < (0, 4)

    def _end(self, _: str) -> None:
        path = "/".join(self._path)
        name = self._path.pop()
        if path in _FIELDS:
            self._parser.CharacterDataHandler = None
            # Of several revisions the last stands.
            self._page[name] = "".join(self._text)
        elif path in _SITE_FIELDS:
            self._parser.CharacterDataHandler = None
            if name == "namespace":
                if _NUMBER.fullmatch(self._page["key"]):
                    self._namespaces[int(self._page["key"])] = "".join(self._text).strip()
            else:
                self._site_values[name] = "".join(self._text).strip()
        elif path == "mediawiki/page":
            self.in_page = False
            self._finish_page()
        elif path == "mediawiki/siteinfo":
            values = self._site_values
            self.site = SiteInfo(
                values.get("dbname", ""), values.get("base", ""), values.get("case", "first-letter"), self._namespaces
            )

    def _finish_page(self) -> None:
        page, counts = self._page, self.counts
        title = page.get("title", "").strip().replace("_", " ")
        if not title:
            counts.without_title += 1
        elif self._is_elsewhere(title, page.get("ns")):
            counts.other_namespaces += 1
        elif not (number := page.get("id", "").strip()).isdecimal():
            counts.without_id += 1
        else:
            text = page.get("text", "")
            redirect = self._redirect(page.get("redirect"), text)
            if redirect is None and not text.strip():
                counts.without_text += 1
                return
            if redirect is None:
                counts.articles += 1
            else:
                counts.redirects += 1
            self._pages.append(Page(int(number), title, redirect, text))

    def _is_elsewhere(self, title: str, number: str | None) -> bool:
        if number is not None:
            return number.strip() != "0"
        prefix, colon, _ = title.partition(":")
        return bool(colon) and prefix in self._namespaces.values()

    def _redirect(self, declared: str | None, text: str) -> str | None:
        if declared is None and not self._old_schema:
            return None
        if not declared:
            match = _REDIRECT_TEXT.match(text)
            declared = match[1] if match else declared
        if declared is None:
            return None
        return normalise_title(declared, self.site is None or self.site.case == "first-letter")
