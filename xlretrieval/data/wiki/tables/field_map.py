"""Which fields of a table of articles hold what: a few dotted names, written in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class FieldMap:
    """Names of fields; those inside of a structure are written with dots. The defaults are Wikimedia Enterprise's.

    Attributes:
        title: Title of the article.
        item: Wikidata id, "Q64" or 64.
        language: Language code, or name of the wiki's database ("dewiki"). See `fixed_language`.
        page_id: Number of the page; None where there is none, and then the rows are counted.
        sections: List of parts, nested or not, or the same as JSON text; None where `text` is used.
        text: Plain text in which lines like "== Heading ==" begin sections, instead of `sections`.
        heading: Of a part: its heading. In a part without `kind`, a heading makes it a section.
        kind: Of a part: "section", "paragraph", "list" or "list_item"; other kinds (tables, images) are left out.
        value: Of a part: its text.
        level: Of a part: depth of its heading (1 or 2 for the outermost), where sections are not nested.
        parts: Of a part: the parts inside.
        links: Of a part: its links, a list of structures.
        link_url: Of a link: its address.
        lead_heading: Heading that the data give to the text before the first heading.
        fixed_language: Language code of all rows, instead of `language`.
    """

    title: str = "name"
    item: str = "main_entity.identifier"
    language: str | None = "in_language.identifier"
    page_id: str | None = "identifier"
    sections: str | None = "sections"
    text: str | None = None
    heading: str = "name"
    kind: str = "type"
    value: str = "value"
    level: str = "level"
    parts: str = "has_parts"
    links: str = "links"
    link_url: str = "url"
    lead_heading: str | None = "Abstract"
    fixed_language: str | None = None

    def __post_init__(self) -> None:
        if (self.sections is None) == (self.text is None):
            raise ValueError(
                f"field map must have one of sections and text, got {self.sections!r} and {self.text!r}. Set the "
                "other to null."
            )
        if (self.language is None) == (self.fixed_language is None):
            raise ValueError(
                f"field map must have one of language and fixed_language, got {self.language!r} and "
                f"{self.fixed_language!r}. Set the other to null."
            )

    @classmethod
    def load(cls, path: str | Path) -> FieldMap:
        """Reads a field map from YAML: names of attributes and fields. What is not there has its default.

        A file that has `text` need not set `sections` to null, nor one that has `fixed_language` `language`.

        Raises:
            ValueError: The file is no mapping of the attributes' names to text.
            OSError: It cannot be opened.
        """
        import yaml

        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: field map must be YAML, got {error}. Correct it.") from None
        known = [field.name for field in fields(cls)]
        if not isinstance(content, Mapping):
            raise ValueError(f"{path}: field map must be names and fields, got {content!r}. Write 'title: name'.")
        for name, value in content.items():
            if name not in known:
                raise ValueError(f"{path}: field map must have names of {', '.join(known)}, got {name!r}. Correct it.")
            if not isinstance(value, str | None):
                raise ValueError(f"{path}: {name} must be the name of a field, got {value!r}. Put it into quotes.")
        settings: dict[str, Any] = dict(content)
        for name, other in (("text", "sections"), ("fixed_language", "language")):
            if settings.get(name) is not None:
                settings.setdefault(other, None)
        return cls(**settings)

    def row_fields(self) -> list[str]:
        """Fields that a row must have."""
        names = (self.title, self.item, self.language, self.page_id, self.sections, self.text)
        return [name for name in names if name is not None]


def field_of(row: Mapping[str, Any], name: str) -> Any:
    """Value of a field by its dotted name; None where a structure on the way is null or has no such field."""
    value: Any = row
    for part in name.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value
