"""Documents of an index, and what is checked before one is taken in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xlretrieval.data.languages import is_language_code
from xlretrieval.data.values import is_unicode, shorten


@dataclass(frozen=True, slots=True)
class SearchDocument:
    """One document.

    Attributes:
        id: By which it is replaced and deleted.
        text: What is searched and shown.
        title: "" when it has none.
        language: Language code, "" when it is not known: the document is then found by its vector, and by its words
            only in a search over all languages.
    """

    id: str
    text: str
    title: str = ""
    language: str = ""

    @property
    def content(self) -> str:
        """Title and text, as a model reads them."""
        return f"{self.title}\n{self.text}".strip("\n")


def parse_document(row: SearchDocument | Mapping[str, Any]) -> SearchDocument:
    """Checks one document.

    Args:
        row: A document, or a mapping with "id", "text" and maybe "title" and "language"; other keys are ignored.

    Raises:
        ValueError: It has no id or no text, a field is no Unicode text, or the language is no code. The message does
            not say which document it is.
    """
    if isinstance(row, SearchDocument):
        row = {"id": row.id, "text": row.text, "title": row.title, "language": row.language}
    if not isinstance(row, Mapping):
        raise ValueError(f'a document must be a mapping with "id" and "text", got {shorten(row)}. Correct it.')
    values = {name: "" if (value := row.get(name)) is None else value for name in ("id", "text", "title", "language")}
    if type(values["id"]) is int:
        values["id"] = str(values["id"])
    for name, value in values.items():
        if not isinstance(value, str) or not is_unicode(value):
            raise ValueError(
                f"{name} must be Unicode text, without half surrogate pairs, got {shorten(value)}. Correct it."
            )
    if not values["id"].strip():
        raise ValueError(f"id must not be empty, got {shorten(row.get('id'))}. Give every document an id.")
    if not (values["text"].strip() or values["title"].strip()):
        raise ValueError(f"document {shorten(values['id'])} must have a text or a title, got neither. Leave it out.")
    if values["language"] and not is_language_code(values["language"]):
        raise ValueError(
            f"language must be a code such as 'de' or 'zh-Hans', got {values['language']!r}. Correct it, or leave it "
            "out."
        )
    return SearchDocument(**values)


def checked_documents(rows: Iterable[SearchDocument | Mapping[str, Any]]) -> Iterator[SearchDocument]:
    """Yields checked documents, each id once.

    Raises:
        ValueError: As `parse_document`, or an id occurs twice; the message has the position, counted from 0.
    """
    if isinstance(rows, str | Mapping):
        raise ValueError(f"documents must be a sequence of documents, got {shorten(rows)}. Put it in a list.")
    places: dict[str, int] = {}
    for number, row in enumerate(rows):
        try:
            document = parse_document(row)
        except ValueError as error:
            raise ValueError(f"documents[{number}]: {error}") from None
        first = places.setdefault(document.id, number)
        if first != number:
            raise ValueError(
                f"documents[{number}]: an id must occur once, got {shorten(document.id)} which is also "
                f"documents[{first}]. Remove one of them."
            )
        yield document
