"""The pages of a wiki: articles, redirects, and what stands in other namespaces, with their numbers."""

from __future__ import annotations

from dataclasses import dataclass

from .choices import Choices
from .facts import Entity
from .layout import SampleArticle
from .markup import LinkTargets, wikitext
from .namespaces import CATEGORY, KIND_CATEGORIES, MAIN_PAGE, REDIRECT, TEMPLATE

# Numbers of the first pages, so that no number means the same in two languages by accident.
_FIRST_PAGE = {"de": 5_000, "en": 100_000, "es": 30_000, "fr": 70_000}


@dataclass(frozen=True, slots=True)
class WikiPage:
    """A page as the dump holds it.

    Attributes:
        page_id: The wiki's number of the page.
        namespace: 0 for articles and their redirects.
        title: Full title, with its namespace.
        text: Wikitext.
        redirect: Title of the page it leads to, None for other pages.
        article: The article on it, None for other pages.
    """

    page_id: int
    namespace: int
    title: str
    text: str
    redirect: str | None = None
    article: SampleArticle | None = None


def wiki_pages(language: str, articles: list[SampleArticle], seed: int) -> list[WikiPage]:
    """All pages of a language, by number."""
    titles = {article.subject: article.title for article in articles}
    redirects = _redirects(articles)
    first = {target: title for title, target in reversed(redirects)}
    headings = {article.subject: article.sections[1].heading for article in articles if len(article.sections) > 1}
    by_title = {title: entity for entity, title in titles.items()}
    targets = LinkTargets(titles, {by_title[one]: title for one, title in first.items() if one in by_title}, headings)
    word = REDIRECT[language]
    drafts: list[tuple[int, str, str, str | None, SampleArticle | None]] = [
        (0, article.title, wikitext(article, targets, seed), None, article) for article in articles
    ]
    drafts += [(0, title, f"#{word} [[{target}]]", target, None) for title, target in redirects]
    drafts += _other_pages(language)
    choices = Choices(seed, "page numbers", language)
    page_id, pages = _FIRST_PAGE[language], []
    for namespace, title, text, redirect, article in choices.some(drafts, len(drafts)):
        page_id += 1 + choices.below(9)
        pages.append(WikiPage(page_id, namespace, title, text, redirect, article))
    return pages


def _redirects(articles: list[SampleArticle]) -> list[tuple[str, str]]:
    """Titles that lead to articles: codes, one chain in fifty, and one that leads nowhere."""
    taken = {article.title for article in articles}
    found: list[tuple[str, str]] = []

    def add(title: str, target: str) -> None:
        if title not in taken:
            taken.add(title)
            found.append((title, target))

    for number, article in enumerate(articles):
        code = f"CLDR {_code(article.subject)}"
        add(code, article.title)
        if article.title.endswith(")"):
            add(article.title.rsplit(" (", 1)[0], article.title)
        if number % 50 == 0:
            add(f"{code} (CLDR)", code)
    add("CLDR QO", "CLDR")
    return found


def _code(entity: Entity) -> str:
    return entity.key.replace("_", " ")


def _other_pages(language: str) -> list[tuple[int, str, str, str | None, SampleArticle | None]]:
    pages: list[tuple[int, str, str, str | None, SampleArticle | None]] = []
    for category in KIND_CATEGORIES[language].values():
        pages.append((14, f"{CATEGORY[language]}:{category}", f"{{{{{category}}}}}", None, None))
        pages.append((10, f"{TEMPLATE[language]}:{category}", "<noinclude>{{doc}}</noinclude>", None, None))
    main = MAIN_PAGE[language]
    pages.append((4 if ":" in main else 0, main, '__NOTOC__\n{| style="width:100%"\n| CLDR\n|}', None, None))
    return pages
