"""What a collection is made of, as a YAML file or a mapping says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from xlretrieval.data.languages import is_language_code

from .documents import DocumentFiles
from .problems import OnError
from .sources import CLEF_SOURCES, DocumentSource
from .topics import FIELDS, parse_fields

IR_DATASETS = "irds:"

_KEYS = ("name", "documents", "topics", "qrels", "fields", "on_error")
_PART_KEYS = ("path", "source", "format", "encoding", "title_tags", "text_tags", "id_tags", "documents")
_TOPIC_KEYS = ("path", "encoding", "number", *FIELDS)


@dataclass(frozen=True)
class TopicFile:
    """A file of topics, or a data set of ir_datasets.

    Attributes:
        path: The file, or "irds:hc4/zh/dev".
        encoding: Of the file; the one it declares by default.
        number: What judgements name a topic by: its "id", or its "position" in the file, from 1. Those of Cranfield
            do the latter, while its topics keep the numbers of a larger set.
        attributes: Of an ir_datasets query: our field -> the name there, {"title": "ht_title"}.
    """

    path: str
    encoding: str | None = None
    number: str = "id"
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CollectionConfig:
    """What a collection is made of; paths are absolute, or start with "irds:".

    Attributes:
        name: Of the collection.
        documents: Language -> files of its sources, or an id of ir_datasets.
        topics: Language -> files.
        qrels: Language of the documents -> files.
        fields: Of the topics.
        on_error: "raise" or "skip".
    """

    name: str
    documents: dict[str, list[DocumentFiles | str]]
    topics: dict[str, list[TopicFile]]
    qrels: dict[str, list[str]]
    fields: tuple[str, ...] = ("title",)
    on_error: OnError = "raise"

    @property
    def directions(self) -> list[str]:
        """All pairs of a language of topics and one of documents."""
        return [f"{query}-{document}" for query in self.topics for document in self.documents]

    def parse_direction(self, direction: str | None) -> tuple[str, str]:
        """Languages of queries and documents; the only ones by default.

        Raises:
            ValueError: There is no such direction, or none is named and there are several.
        """
        pairs = {f"{query}-{document}": (query, document) for query in self.topics for document in self.documents}
        if direction is None and len(pairs) == 1:
            return next(iter(pairs.values()))
        if direction not in pairs:
            raise ValueError(f"direction must be one of {', '.join(pairs)}, got {direction!r}. Choose one of them.")
        return pairs[direction]


def load_collection_config(config: Mapping[str, Any] | str | Path) -> CollectionConfig:
    """Checks a configuration.

    Args:
        config: A YAML file, whose relative paths start at its folder, or a mapping, whose paths start at the working
            directory. See `load_collection` for the keys.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no YAML, or a key or value is wrong.
    """
    base, where, values = Path.cwd(), "configuration", config
    if isinstance(config, (str, Path)):
        base, where = Path(config).resolve().parent, str(config)
        try:
            values = yaml.safe_load(Path(config).read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ValueError(f"{where}: a configuration must be YAML in UTF-8, got: {error}. Correct it.") from None
    try:
        return _read(_mapping(values, "a configuration", _KEYS), base)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _read(values: Mapping[str, Any], base: Path) -> CollectionConfig:
    for key in ("name", "documents", "topics"):
        if not values.get(key):
            raise ValueError(f"a configuration must have {key!r}, got {', '.join(values) or 'nothing'}. Add it.")
    documents = {
        language: [_documents(part, language, base) for part in _list(parts)]
        for language, parts in _languages(values["documents"], "documents").items()
    }
    topics = {
        language: [_topics(part, base) for part in _list(parts)]
        for language, parts in _languages(values["topics"], "topics").items()
    }
    qrels = {
        language: [_absolute(path, base) for path in _list(paths)]
        for language, paths in _languages(values.get("qrels") or {}, "qrels").items()
    }
    unknown = [language for language in qrels if language not in documents]
    if unknown:
        raise ValueError(f"qrels must be of languages that have documents, got {unknown[0]!r}. Add its documents.")
    on_error = values.get("on_error", "raise")
    if on_error not in ("raise", "skip"):
        raise ValueError(f"on_error must be 'raise' or 'skip', got {on_error!r}. Choose one of them.")
    fields = parse_fields(values.get("fields", "title"))
    return CollectionConfig(str(values["name"]), documents, topics, qrels, fields, on_error)


def _mapping(value: Any, what: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} must be a mapping with the keys {', '.join(keys)}, got {value!r}. Write it so.")
    unknown = [key for key in value if key not in keys]
    if unknown:
        raise ValueError(f"{what} must have the keys {', '.join(keys)}, got {unknown[0]!r}. Correct it.")
    return value


def _languages(value: Any, what: str) -> Mapping[str, Any]:
    # YAML 1.1 reads the language code of Norwegian, `no`, as false.
    wrong = (
        [key for key in value if not (isinstance(key, str) and is_language_code(key))] if _is_mapping(value) else []
    )
    if not _is_mapping(value) or wrong:
        got = repr(wrong[0] if wrong else value)
        raise ValueError(f"{what} must be given by language code, like 'de: ...', got {got}. Name the language.")
    return value


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _absolute(path: Any, base: Path) -> str:
    if not isinstance(path, (str, Path)) or not str(path):
        raise ValueError(f"a path must be text, got {path!r}. Name a file, a folder or a pattern.")
    return str(path) if str(path).startswith(IR_DATASETS) else str(base / Path(path).expanduser())


def _topics(part: Any, base: Path) -> TopicFile:
    if not _is_mapping(part):
        return TopicFile(_absolute(part, base))
    values = _mapping(part, "a file of topics", _TOPIC_KEYS)
    attributes = {name: str(values[name]) for name in FIELDS if name in values}
    number = values.get("number", "id")
    if number not in ("id", "position"):
        raise ValueError(f"number of topics must be 'id' or 'position', got {number!r}. Choose one of them.")
    topics = TopicFile(_absolute(values.get("path"), base), values.get("encoding"), number, attributes)
    if attributes and not topics.path.startswith(IR_DATASETS):
        raise ValueError(
            f"names of fields must be for ir_datasets, got {attributes} for {topics.path}. Leave them out."
        )
    return topics


def _documents(part: Any, language: str, base: Path) -> DocumentFiles | str:
    if not _is_mapping(part):
        part = {"path": part}
    values = _mapping(part, "documents", _PART_KEYS)
    paths = tuple(_absolute(path, base) for path in _list(values.get("path")))
    if paths[0].startswith(IR_DATASETS):
        return paths[0]
    source = _source(values, language)
    return DocumentFiles(source, paths, values.get("format", "auto"))


def _source(values: Mapping[str, Any], language: str) -> DocumentSource:
    name = values.get("source")
    if name is not None and name not in CLEF_SOURCES:
        known = "; ".join(str(source) for source in CLEF_SOURCES.values() if source.language == language)
        raise ValueError(f"source must be a known one, got {name!r}. In {language!r} there are: {known or 'none'}.")
    path = _list(values["path"])[0]
    source = CLEF_SOURCES[name] if name else DocumentSource(str(path))
    if source.language not in ("", language):
        raise ValueError(f"source {name} must be in {source.language!r}, got {language!r}. Move it there.")
    changes: dict[str, Any] = {}
    for key in ("title_tags", "text_tags", "id_tags"):
        if key in values:
            changes[key] = tuple(str(tag).lower() for tag in _list(values[key]))
    if "encoding" in values:
        changes["encoding"] = str(values["encoding"])
    if "documents" in values:
        number = values["documents"]
        if number is not None and (type(number) is not int or number < 1):
            raise ValueError(f"documents must be a number or null, got {number!r}. Leave it out to count them.")
        changes["documents"] = number
    return replace(source, **changes)
