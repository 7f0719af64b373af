"""Files of topics: the markup of CLEF and TREC, the XML of DIRECT, tab-separated lines, and JSON lines."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from xlretrieval.data.values import is_unicode, shorten
from xlretrieval.data.wiki.dumps.compression import BROKEN, read_chunks

from .documents import check_encoding
from .problems import Problems
from .sgml import decode_references
from .topics import FIELDS, Topic, topic_key

_RECORD = re.compile(r"<(/?)(top|topic)(?:\s[^<>]*)?>", re.IGNORECASE)
_LANGUAGE = re.compile(r"""\slang\s*=\s*["']?([A-Za-z]{2,3})""")
_TAG = re.compile(r"<(?P<end>/?)(?:(?P<language>[A-Za-z]{1,3})-)?(?P<name>[A-Za-z]+)(?:\s[^<>]*)?/?>")
_NAMES = {
    "num": "id",
    "identifier": "id",
    "title": "title",
    "desc": "description",
    "description": "description",
    "narr": "narrative",
    "narrative": "narrative",
}
# What classic TREC topics write after their tags, which have no end: "<num> Number: 301", "<desc> Description:".
_LABELS = {"id": "number", "title": "topic", "description": "description", "narrative": "narrative"}
_DECLARATION = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']""")
# CLEF 2000 and TREC 6-8 wrote one letter, ISO 639-3 has three.
_CODES = {"e": "en", "f": "fr", "g": "de", "d": "de", "i": "it", "s": "es"}
_CODES |= {"eng": "en", "fra": "fr", "deu": "de", "ita": "it", "spa": "es", "nld": "nl", "zho": "zh", "fas": "fa"}
_CODES |= {"rus": "ru", "kor": "ko", "jpn": "ja", "ara": "ar", "swe": "sv", "fin": "fi", "por": "pt"}


class _Value(NamedTuple):
    """One field of a topic; language is "" where the file does not say."""

    field: str
    language: str
    text: str


class _Entry(NamedTuple):
    where: str
    values: list[_Value]


def read_topics(
    path: str | Path, language: str | None = None, encoding: str | None = None, problems: Problems | None = None
) -> dict[str, Topic]:
    """Reads a file of topics, plain or compressed; its form is told by its content.

    - `<top>` with `<num> C041 </num>` and `<EN-title>` (CLEF 2000-2003) or `<num> Number: 301` and `<title>` (TREC),
      with end tags or without.
    - `<topic>` with `<identifier>41-AH</identifier>` and `<title>` (CLEF since 2004, and DIRECT).
    - Lines of `id`, `title` and maybe `description` and `narrative` with tabs between.
    - Rows `{"id", "title", ...}`, `{"id", "text"}`, or `{"topic_id", "topics": [{"lang", "topic_title", ...}, ...]}`.

    Args:
        path: The file.
        language: Which language to take where a file has several; fields without a language are always taken. Of
            several versions in one language the first one counts.
        encoding: Of the file; by default the one that its XML declaration names, or UTF-8.
        problems: Takes topics without an id, with the number of an earlier one, or cut off; and bad rows.

    Returns:
        Key of the topic (see `topic_key`) -> topic, in the order of the file.

    Raises:
        OSError: The file cannot be opened.
        ValueError: It is damaged, not in the encoding, has no topic (in this language); or there is a problem, and
            problems are errors.
    """
    problems = problems or Problems()
    text = _read_text(Path(path), encoding)
    if _RECORD.search(text):
        entries = _marked_up(str(path), text, problems)
    elif text.lstrip().startswith("{"):
        entries = _json_rows(str(path), text, problems)
    else:
        entries = _tab_separated(str(path), text, problems)
    topics: dict[str, Topic] = {}
    languages: dict[str, None] = {}
    for entry in entries:
        languages |= {value.language: None for value in entry.values if value.language}
        topic = _choose(entry, language)
        if len(topic.id.split()) != 1:
            message = f"a topic must have an id of one word, got {shorten(topic.id)}. Add it."
            problems.report("topic without id", entry.where, message)
        elif topic_key(topic.id) in topics:
            first = topics[topic_key(topic.id)]
            message = f"a topic must occur once, got {topic.id} which is {first.id} at {first.where}. Remove one."
            problems.report("duplicate topic", entry.where, message)
        else:
            topics[topic_key(topic.id)] = topic
    if not topics and not problems.counts:
        raise ValueError(f"{path}: a file must have topics, got none. Check the path.")
    if language and languages and language not in languages and not any(map(_has_text, topics.values())):
        found = ", ".join(languages)
        raise ValueError(f"{path}: topics must be in {language!r}, got only {found}. Name another file or language.")
    return topics


def _has_text(topic: Topic) -> bool:
    return any(getattr(topic, name) for name in FIELDS)


def _read_text(path: Path, encoding: str | None) -> str:
    path.stat()
    try:
        content = b"".join(read_chunks(path))
    except BROKEN as error:
        raise ValueError(f"{path}: a file must be whole, got: {error}. Get the file again.") from None
    if encoding is None:
        declared = _DECLARATION.match(content.removeprefix(codecs.BOM_UTF8))
        encoding = declared[1].decode("ascii", "replace") if declared else "utf-8"
    check_encoding(encoding)
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode(encoding)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        raise ValueError(
            f"{path}, line {line}: text must be {encoding}, got byte 0x{byte:02x}. Declare the right encoding, or "
            "convert the file."
        ) from None
    return text.replace("\r\n", "\n")


def _choose(entry: _Entry, language: str | None) -> Topic:
    """The fields in a language; the first of each counts."""
    chosen = {name: "" for name in ("id", *FIELDS)}
    for value in entry.values:
        if not chosen[value.field] and (not value.language or language is None or value.language == language):
            chosen[value.field] = value.text
    return Topic(**chosen, where=entry.where)


def _code(language: str) -> str:
    return _CODES.get(language.lower(), language.lower())


def _marked_up(path: str, text: str, problems: Problems) -> Iterator[_Entry]:
    opened: re.Match[str] | None = None
    line, counted = 1, 0
    where = path
    for match in [*_RECORD.finditer(text), None]:
        if opened and (match is None or not match[1]):
            message = f"a topic must end with </{opened[2]}>, got none. Complete the topic."
            problems.report("cut off topic", where, message)
        elif opened and match:
            language = _LANGUAGE.search(opened[0])
            body = text[opened.end() : match.start()]
            yield _Entry(where, list(_fields(body, _code(language[1]) if language else "")))
        opened = match if match and not match[1] else None
        if match:
            line, counted = line + text.count("\n", counted, match.start()), match.start()
            where = f"{path}, line {line}"


def _fields(text: str, language: str) -> Iterator[_Value]:
    """Fields from their tag to its end, or to the next tag of a field where it has none."""
    field, field_language, start, pieces = "", "", 0, []
    for match in [*_TAG.finditer(text), None]:
        name = _NAMES.get(match["name"].lower()) if match else None
        pieces.append(text[start : match.start()] if match else text[start:])
        start = match.end() if match else len(text)
        if match and not name:
            continue  # some other tag within the text
        if field:
            value = " ".join(decode_references(" ".join(pieces)).split())
            label = re.match(rf"{_LABELS[field]} ?: ?", value, re.IGNORECASE)
            yield _Value(field, field_language, value[label.end() :] if label else value)
        pieces = []
        field = name if match and not match["end"] else ""
        if match:
            field_language = _code(match["language"]) if match["language"] else language if field != "id" else ""


def _tab_separated(path: str, text: str, problems: Problems) -> Iterator[_Entry]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        cells = line.split("\t")
        where = f"{path}, line {number}"
        if not 2 <= len(cells) <= 4:
            message = (
                f"a line must have an id and one to three fields with tabs between, got {shorten(line)}. Repair it."
            )
            problems.report("bad topic line", where, message)
            continue
        yield _Entry(
            where, [_Value(name, "", cell.strip()) for name, cell in zip(("id", *FIELDS), cells, strict=False)]
        )


def _json_rows(path: str, text: str, problems: Problems) -> Iterator[_Entry]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            values = list(_row_values(json.loads(line)))
        except (ValueError, RecursionError, TypeError, AttributeError, KeyError) as error:
            problems.report(
                "bad topic line", where, f"a row must be a topic, got {shorten(line)} ({error}). Repair it."
            )
            continue
        yield _Entry(where, values)


def _row_values(row: dict) -> Iterator[_Value]:
    """The fields of a row; raises what access to a row of another form raises."""
    for key in ("topic_id", "id"):
        if key in row:
            yield _Value("id", "", str(row[key]))
    # Queries that are no topics have one text.
    versions = [("", {"title": row.get("text"), **row}, "")]
    versions += [(_code(version["lang"]), version, "topic_") for version in row.get("topics") or ()]
    for language, version, prefix in versions:
        for field in FIELDS:
            text = version.get(prefix + field) or ""
            if not isinstance(text, str) or not is_unicode(text):
                raise ValueError(f"{field} is no text")
            yield _Value(field, language, text.strip())
