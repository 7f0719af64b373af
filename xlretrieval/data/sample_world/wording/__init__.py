"""The words of the sample by language: sentences, headings, questions and search topics, all written by us."""

from __future__ import annotations

from . import (
    articles_de,
    articles_en,
    articles_es,
    articles_fr,
    formats_de,
    formats_en,
    formats_es,
    formats_fr,
    inquiries_de,
    inquiries_en,
    inquiries_es,
    inquiries_fr,
)
from .headings import HEADINGS

__all__ = ["HEADINGS", "QUESTIONS", "SENTENCES", "TOPICS"]

_INQUIRIES = {"de": inquiries_de, "en": inquiries_en, "es": inquiries_es, "fr": inquiries_fr}

# Language -> kind of fact -> sentences that say it. A kind with "@territory" adds sentences for such subjects.
SENTENCES: dict[str, dict[str, tuple[str, ...]]] = {
    "de": articles_de.SENTENCES | formats_de.SENTENCES,
    "en": articles_en.SENTENCES | formats_en.SENTENCES,
    "es": articles_es.SENTENCES | formats_es.SENTENCES,
    "fr": articles_fr.SENTENCES | formats_fr.SENTENCES,
}
# Language -> kind of fact -> (slot that answers, question).
QUESTIONS = {language: module.QUESTIONS for language, module in _INQUIRIES.items()}
# Language -> relation and kind of thing -> (title, description, narrative).
TOPICS = {language: module.TOPICS for language, module in _INQUIRIES.items()}
