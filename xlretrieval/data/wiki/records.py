"""What passes from one step of the Wikipedia builder to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the main namespace, as it stands in a dump.

    Attributes:
        page_id: The wiki's number of the page.
        title: Its title, with spaces.
        redirect: Title of the page it redirects to, None for an article.
        wikitext: Source text of its newest revision in the dump.
    """

    page_id: int
    title: str
    redirect: str | None
    wikitext: str


@dataclass(frozen=True, slots=True)
class PageSection:
    """One section of a page, as its own wikitext says it; subsections are sections of their own.

    Attributes:
        number: Position in the page; 0 is the lead, which stands before the first heading.
        heading_path: Headings from the outermost to the section's own, () for the lead.
        text: Plain text: paragraphs separated by blank lines, list items as lines of their own.
        links: Titles of the linked pages of the main namespace, normalised, each once, in order of appearance.
        list_characters: How many characters of `text` stand in list items.
        markup_characters: Length of the section's wikitext, without its subsections.
    """

    number: int
    heading_path: tuple[str, ...]
    text: str
    links: tuple[str, ...]
    list_characters: int
    markup_characters: int


@dataclass(frozen=True, slots=True)
class ArticleSection:
    """A section as the alignment sees it: links are articles of any language, numbers are found in the text.

    Attributes:
        number: Position in the page; 0 is the lead.
        heading_path: Headings from the outermost to the section's own, () for the lead.
        text: Plain text.
        items: What it links to, as numbers that are the same in all languages (Wikidata's, where there are any).
        numbers: Numbers in the text, see `numbers_in`.
    """

    number: int
    heading_path: tuple[str, ...]
    text: str
    items: tuple[int, ...] = ()
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Article:
    """The sections of a page that can be aligned with those of the same article in another language.

    Attributes:
        article_id: Name of the article in all languages, such as "Q64".
        language: Language code.
        page_id: The wiki's number of the page.
        title: Its title.
        sections: In reading order.
    """

    article_id: str
    language: str
    page_id: int
    title: str
    sections: Sequence[ArticleSection]


@dataclass(frozen=True, slots=True)
class SectionMatch:
    """Two sections of an article pair that say the same.

    Attributes:
        source: Index into the sections of the first article.
        target: Index into the sections of the second.
        score: Confidence in [0, 1].
        source_negatives: Indices of the other sections of the first article, most plausible first.
        target_negatives: Likewise of the second.
    """

    source: int
    target: int
    score: float
    source_negatives: tuple[int, ...] = ()
    target_negatives: tuple[int, ...] = ()


def wiki_language(database: str) -> str:
    """Language code of a wiki's database name: "dewiki" -> "de", "be_x_oldwiki" -> "be-x-old".

    The one wiki whose code is not a language's is "simplewiki" -> "en-simple".
    """
    code = database.removesuffix("wiki").replace("_", "-")
    return "en-simple" if code == "simple" else code
