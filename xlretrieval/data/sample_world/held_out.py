"""The sections that nothing may be trained on: those of articles whose split is "validation" or "test"."""

from __future__ import annotations

from dataclasses import dataclass

from ..splits import assign_split
from .layout import SampleArticle, SampleSection
from .pages import WikiPage

# The fractions that a corpus from the sample's dumps must be built with, so that it trains on none of this.
VALIDATION_FRACTION = 0.05
TEST_FRACTION = 0.15
SPLIT_SEED = 0


@dataclass(frozen=True, slots=True)
class HeldOutSection:
    """A section of a held-out article.

    Attributes:
        page_id: Number of its page.
        number: Its number on the page.
        article: The article.
        section: The section.
    """

    page_id: int
    number: int
    article: SampleArticle
    section: SampleSection

    @property
    def docno(self) -> str:
        """Its name as a document, such as "DE-005008-02"."""
        return f"{self.article.language.upper()}-{self.page_id:06}-{self.number:02}"


def held_out(pages: list[WikiPage], split: str) -> list[HeldOutSection]:
    """Sections with prose of a split's articles in one language, by page and number."""
    found = []
    for page in pages:
        if page.article is None:
            continue
        item = page.article.subject.item
        if assign_split(item, VALIDATION_FRACTION, TEST_FRACTION, SPLIT_SEED) != split:
            continue
        for number, section in enumerate(page.article.sections):
            if section.sentences:
                found.append(HeldOutSection(page.page_id, number, page.article, section))
    return found
