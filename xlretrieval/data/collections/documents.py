"""Documents of a collection, one after the other: SGML and JSONL files, folders of them."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from xlretrieval.data.files import read_lines
from xlretrieval.data.values import is_unicode, shorten

from .problems import Problems
from .sgml import RawDocument, read_fields, read_raw_documents
from .sources import DocumentSource


@dataclass(frozen=True, slots=True)
class Document:
    """One document.

    Attributes:
        id: As in the judgements.
        title: "" when it has none.
        text: Without the title; "" when there is only a title.
    """

    id: str
    title: str
    text: str

    @property
    def content(self) -> str:
        """Title and text, as a model reads them."""
        return f"{self.title}\n{self.text}".strip("\n")


class LocatedDocument(NamedTuple):
    """A document, and where it is: "fr940101.sgml, line 12"."""

    document: Document
    where: str


@dataclass(frozen=True)
class DocumentFiles:
    """The files of one source.

    Attributes:
        source: How they are read.
        paths: Files, folders (all files below, but hidden ones) or patterns such as "fr/*.gz".
        format: "sgml", "jsonl", or "auto": JSONL where the name says so.
    """

    source: DocumentSource
    paths: tuple[str, ...]
    format: str = "auto"
    files: tuple[Path, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.format not in ("auto", "sgml", "jsonl"):
            raise ValueError(f"format must be auto, sgml or jsonl, got {self.format!r}. Choose one of them.")
        check_encoding(self.source.encoding)
        object.__setattr__(self, "files", tuple(find_files(self.paths)))


def find_files(paths: Sequence[str | Path]) -> list[Path]:
    """Files of files, folders and patterns, in the order of `paths` and then by name; none for what is not there."""
    found: dict[Path, None] = {}
    for path in map(str, paths):
        for match in [path] if Path(path).exists() else sorted(glob.glob(path, recursive=True)):
            root = Path(match)
            below = sorted(root.rglob("*")) if root.is_dir() else [root]
            for file in below:
                if file.is_file() and not any(part.startswith(".") for part in file.relative_to(root).parts):
                    found[file] = None
    return list(found)


def check_encoding(encoding: str) -> None:
    """Raises ValueError for what is no encoding, or one in which tags are not ASCII (UTF-16)."""
    try:
        ascii_tags = "<DOC>\n".encode(encoding) == b"<DOC>\n"
    except (LookupError, UnicodeError):
        ascii_tags = False
    if not ascii_tags:
        raise ValueError(
            f"encoding must be one that contains ASCII, got {encoding!r}. Name it like utf-8 or iso-8859-1, or "
            "convert the files."
        )


def read_documents(files: DocumentFiles, problems: Problems) -> Iterator[LocatedDocument]:
    """Yields the documents of a source; memory does not grow with their number.

    Documents without text are kept, since judgements and the numbers of the campaigns include them, and counted as
    "title without text" or "empty document". A file without any document (a read-me, a DTD) is counted as well.

    Args:
        files: What to read.
        problems: Takes documents without an id, with an id that is no single word, cut off, or with bytes that are not
            in the encoding; rows that are no JSON; damaged files.

    Raises:
        OSError: A file cannot be opened.
        ValueError: There is a problem, and problems are errors.
    """
    for path in files.files:
        jsonl = files.format == "jsonl" or files.format == "auto" and ".jsonl" in path.suffixes
        reader = _read_jsonl if jsonl else _read_sgml
        found, before = False, problems.counts.total()
        for document, where in reader(path, files.source, problems):
            found = True
            if not document.text:
                kind = "title without text" if document.title else "empty document"
                problems.note(kind, f"{where}: {document.id}")
            yield LocatedDocument(document, where)
        if not found and problems.counts.total() == before:
            problems.note("file without documents", str(path))


def _tags(names: Sequence[str]) -> str:
    return ", ".join(f"<{name.upper()}>" for name in names)


def _read_sgml(path: Path, source: DocumentSource, problems: Problems) -> Iterator[LocatedDocument]:
    names = frozenset((*source.id_tags, *source.title_tags, *source.text_tags))
    for raw in read_raw_documents(path, problems):
        text = _decode(path, raw, source.encoding, problems)
        if text is None:
            continue
        where = f"{path}, line {raw.line}"
        fields = read_fields(text, names)
        found = {name: value for name, value in reversed(fields) if name in source.id_tags}
        document_id = next((found[name] for name in source.id_tags if name in found), None)
        if document_id is None:
            message = f"a document must have an id in {_tags(source.id_tags)}, got none. Add it, or name the tag."
            problems.report("document without id", where, message)
        elif _is_word(document_id, where, problems):
            title = " ".join(value for name, value in fields if name in source.title_tags and value)
            body = "\n".join(value for name, value in fields if name in source.text_tags and value)
            yield LocatedDocument(Document(document_id, " ".join(title.split()), body), where)


def _decode(path: Path, raw: RawDocument, encoding: str, problems: Problems) -> str | None:
    try:
        return raw.content.decode(encoding)
    except UnicodeDecodeError as error:
        start = error.start
    line = raw.line + raw.content.count(b"\n", 0, start)
    byte = raw.content[start]
    problems.report(
        "not in the encoding",
        f"{path}, line {line}",
        f"text must be {encoding}, got byte 0x{byte:02x} at byte {start} of the document. "
        "Declare the right encoding, or convert the file.",
    )
    return None


def _is_word(document_id: str, where: str, problems: Problems) -> bool:
    if document_id.split() == [document_id] and is_unicode(document_id):
        return True
    problems.report(
        "id that is no word", where, f"a document id must be one word, got {shorten(document_id)}. Repair it."
    )
    return False


def _read_jsonl(path: Path, source: DocumentSource, problems: Problems) -> Iterator[LocatedDocument]:
    """Rows `{"id", "title", "text"}`; the title may be missing."""
    lines = read_lines(path)
    while True:
        try:
            number, line = next(lines)
        except StopIteration:
            return
        except ValueError as error:  # not UTF-8 or cut off: what comes after it cannot be read
            where, _, message = str(error).partition(": ")
            problems.report("damaged file", where, message)
            return
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        row = _parse_row(line)
        if isinstance(row, str):
            problems.report("bad row", where, row)
        elif _is_word(str(row["id"]), where, problems):
            title, text = (row.get(key) or "" for key in ("title", "text"))
            yield LocatedDocument(Document(str(row["id"]), " ".join(title.split()), text.strip()), where)


def _parse_row(line: str) -> dict | str:
    """The row, or what is wrong with it."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"a row must be JSON, got {shorten(line)} ({error}). Correct it."
    if not isinstance(row, dict) or type(row.get("id")) not in (str, int):
        return f'a row must be an object with an "id", got {shorten(row)}. Add it.'
    for key in ("title", "text"):
        value = row.get(key)
        if value is not None and (not isinstance(value, str) or not is_unicode(value)):
            return f"{key} must be Unicode text, got {shorten(value)}. Correct it."
    return row
