"""A second source beside dumps: tables of articles that are already parsed, from Parquet files or from the Hub.

What is needed is a title, a Wikidata id and headed text; a field map says where they are. Without one, the fields are
those of `wikimedia/structured-wikipedia`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from xlretrieval.data.wiki.links.language_links import language_of_link
from xlretrieval.data.wiki.records import PageSection

from .field_map import FieldMap, field_of
from .headed_text import sections_of_parts, sections_of_text

HUB = "hub:"
_ROWS_PER_BATCH = 256  # of whole articles, some of a megabyte
_ITEM = re.compile(r"Q?([1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class StructuredPage:
    """An article that came parsed.

    Attributes:
        item: Number of its Wikidata item, 64 for "Q64".
        language: Language code.
        page_id: The wiki's number of the page, or the number of the row.
        title: Its title.
        sections: In reading order; the lead is the first, and may be empty.
    """

    item: int
    language: str
    page_id: int
    title: str
    sections: Sequence[PageSection]


@dataclass
class StructuredCounts:
    """What became of the rows.

    Attributes:
        rows: Rows read.
        pages: Those that became pages.
        other_languages: Those of languages that nobody asked for.
        without_title: Those without a title.
        without_item: Those without a Wikidata id.
        without_text: Those without any text.
        parts_left_out: Kind -> parts that are neither sections, paragraphs nor lists.
    """

    rows: int = 0
    pages: int = 0
    other_languages: int = 0
    without_title: int = 0
    without_item: int = 0
    without_text: int = 0
    parts_left_out: Counter[str] = field(default_factory=Counter)


def read_structured(
    source: str | Path | Sequence[str | Path],
    field_map: FieldMap | None = None,
    languages: Collection[str] | None = None,
    counts: StructuredCounts | None = None,
) -> Iterator[StructuredPage]:
    """Yields the articles of tables, a few hundred in memory at a time.

    Args:
        source: Parquet files, or folders of them; or a dataset of the Hub, "hub:wikimedia/structured-wikipedia",
            with a configuration behind "@": "hub:wikimedia/structured-wikipedia@20240916.fr". It is streamed.
        field_map: Where the fields are.
        languages: Language codes to keep; all by default.
        counts: What becomes of the rows is added to it.

    Raises:
        ValueError: A field is missing (the message names the file and the columns that are there), or a row does not
            read (file and row are named).
        OSError: A file cannot be opened.
    """
    names = field_map or FieldMap()
    counts = StructuredCounts() if counts is None else counts
    wanted = None if languages is None else set(languages)
    if isinstance(source, str) and source.startswith(HUB):
        tables = [(source, _hub_rows(source, names))]
    else:
        paths = _files([source] if isinstance(source, str | Path) else source)
        tables = [(str(path), _parquet_rows(path, names)) for path in paths]
    for where, rows in tables:
        for number, row in enumerate(rows):
            counts.rows += 1
            try:
                page = _page(row, names, wanted, counts)
            except ValueError as error:
                raise ValueError(f"{where}, row {number}: {error}. Correct the row or the field map.") from None
            if page:
                counts.pages += 1
                yield page


def _files(sources: Sequence[str | Path]) -> list[Path]:
    found = []
    for source in map(Path, sources):
        inside = sorted(source.rglob("*.parquet")) if source.is_dir() else [source]
        if not inside:
            raise ValueError(f"{source}: folder must hold Parquet files, got none. Give the folder that does.")
        found += inside
    return found


def _parquet_rows(path: Path, names: FieldMap) -> Iterator[dict[str, Any]]:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: file must be Parquet, got {error}. Convert it or give another.") from None
    with file:
        for name in names.row_fields():
            _check_field(str(path), file.schema_arrow, name)
        columns = sorted({name.partition(".")[0] for name in names.row_fields()})
        for batch in file.iter_batches(_ROWS_PER_BATCH, columns=columns):
            yield from batch.to_pylist()


def _check_field(where: str, schema: pa.Schema, name: str) -> None:
    inside: pa.Schema | pa.StructType | None = schema
    for part in name.split("."):
        available = [] if inside is None else [column.name for column in inside]
        if inside is None or part not in available:
            raise ValueError(
                f"{where}: table must have the field {name!r}, got {', '.join(available) or 'no fields'} instead of "
                f"{part!r}. Name the right one in the field map."
            )
        kind = inside.field(part).type
        inside = kind if pa.types.is_struct(kind) else None


def _hub_rows(source: str, names: FieldMap) -> Iterator[dict[str, Any]]:
    from datasets import load_dataset

    repository, _, config = source.removeprefix(HUB).partition("@")
    dataset = load_dataset(repository, config or None, split="train", streaming=True)
    if dataset.features is not None:
        for name in names.row_fields():
            _check_field(source, dataset.features.arrow_schema, name)
    yield from dataset


def _page(
    row: dict[str, Any], names: FieldMap, languages: Collection[str] | None, counts: StructuredCounts
) -> StructuredPage | None:
    code = names.fixed_language or (field_of(row, names.language) if names.language else None)
    if not isinstance(code, str) or not code:
        raise ValueError(f"language must be a code, got {code!r}")
    language = language_of_link(code)
    title, item = field_of(row, names.title), _ITEM.fullmatch(str(field_of(row, names.item) or ""))
    if languages is not None and language not in languages:
        counts.other_languages += 1
    elif not isinstance(title, str) or not title.strip():
        counts.without_title += 1
    elif not item:
        counts.without_item += 1
    else:
        sections = _sections(row, names, counts)
        if any(section.text for section in sections):
            page_id = field_of(row, names.page_id) if names.page_id else counts.rows
            if not isinstance(page_id, int):
                raise ValueError(f"page number must be an integer, got {page_id!r}")
            return StructuredPage(int(item[1]), language, page_id, title.strip(), sections)
        counts.without_text += 1
    return None


def _sections(row: dict[str, Any], names: FieldMap, counts: StructuredCounts) -> list[PageSection]:
    if names.text is not None:
        text = field_of(row, names.text) or ""
        if not isinstance(text, str):
            raise ValueError(f"text must be text, got {str(text)[:80]!r}")
        return sections_of_text(text)
    parts = field_of(row, str(names.sections))
    if isinstance(parts, str):
        try:
            parts = json.loads(parts)
        except json.JSONDecodeError as error:
            raise ValueError(f"sections must be lists or JSON, got {error}") from None
    return sections_of_parts(parts, names, counts.parts_left_out)
