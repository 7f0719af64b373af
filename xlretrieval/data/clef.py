"""CLEF as a dataset of `datasets`: one row a query and one of its judged documents.

The documents are licensed, so nothing is downloaded: a YAML file names the folders that the user has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np

from .collections.collection import Collection
from .collections.configuration import load_collection_config
from .collections.document_cache import fingerprint
from .collections.loading import check_files, load_collection

# The version of the rows that this module makes; a change of the columns or their meaning raises it, and what
# `datasets` has in its cache is made anew.
VERSION = "1.0.0"
LANGUAGES = ("de", "en", "es", "fr", "it", "nl")
# The queries are cut into so many parts at most: that many processes can prepare them, or workers stream them.
_PARTS = 32


@dataclass
class ClefConfig(datasets.BuilderConfig):
    """Settings of `Clef`.

    Attributes:
        name: Languages of queries and documents, "en-de".
        version: Of the rows.
    """

    name: str = ""
    version: datasets.Version | str | None = VERSION


class Clef(datasets.GeneratorBasedBuilder):
    """The judged documents of every query, in one direction.

    A row is:

        {"query_id": "41-AH", "query": "Pesticides in Baby Food", "document_id": "FR940116-001334",
         "title": "Gift im Brei", "text": "...", "relevance": 0}

    Rows of a query follow each other, sorted by document. The only split is "test": folds go by query. Configurations
    are all directions between de, en, es, fr, it and nl, and the languages by themselves ("de-de"); which of them
    there are depends on the YAML file. The cache notices when a file changes.

    Args:
        config_name: Languages of queries and documents.
        data_dir: YAML file that names the folders; see `load_collection`.
        cache_dir: Where prepared data go; the cache of `datasets` by default.
        store_dir: Where converted documents go; `default_cache()` by default.
        options: What else `datasets.DatasetBuilder` takes.

    Raises:
        OSError: The YAML file cannot be read.
        ValueError: It is wrong, has no such direction, or a folder is missing (the message lists what is expected).

    Example:
        ```python
        clef = Clef(config_name="en-de", data_dir="clef.yaml")
        clef.download_and_prepare(num_proc=4)
        rows = clef.as_dataset(split="test")
        stream = clef.as_streaming_dataset(split="test")  # without preparing anything
        ```
    """

    BUILDER_CONFIG_CLASS = ClefConfig
    BUILDER_CONFIGS = [ClefConfig(name=f"{query}-{document}") for query in LANGUAGES for document in LANGUAGES]

    def __init__(
        self,
        *,
        config_name: str,
        data_dir: str | Path,
        cache_dir: str | None = None,
        store_dir: str | Path | None = None,
        **options: Any,
    ):
        path = Path(data_dir).resolve()
        self._store_dir = store_dir
        options.setdefault("hash", _fingerprint(path, config_name))
        options.setdefault("dataset_name", "clef")
        super().__init__(cache_dir=cache_dir, config_name=config_name, data_dir=str(path), **options)

    def _info(self) -> datasets.DatasetInfo:
        features = {
            "query_id": datasets.Value("string"),
            "query": datasets.Value("string"),
            "document_id": datasets.Value("string"),
            "title": datasets.Value("large_string"),
            "text": datasets.Value("large_string"),
            "relevance": datasets.Value("int32"),
        }
        description = "Queries in one language, their judged documents in another one."
        return datasets.DatasetInfo(description=description, features=datasets.Features(features))

    def _load(self) -> Collection:
        return load_collection(self.config.data_dir, self.config.name, self._store_dir)

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        collection = self._load()
        if not collection.qrels:
            raise ValueError(f"{self.config.data_dir}: a dataset must have qrels, got none. Add them.")
        queries = list(collection.queries)
        bounds = np.linspace(0, len(queries), min(_PARTS, len(queries)) + 1).astype(int).tolist()
        # Lists are what `datasets` divides among processes.
        parts = [queries[first:end] for first, end in zip(bounds[:-1], bounds[1:], strict=True)]
        return [datasets.SplitGenerator(name="test", gen_kwargs={"parts": parts})]

    def _generate_examples(self, parts: list[list[str]]) -> Iterator[tuple[str, dict[str, Any]]]:
        collection = self._load()
        for query in (query for part in parts for query in part):
            for document_id in collection.candidates[query]:
                document = collection.documents[document_id]
                yield (
                    f"{query} {document_id}",
                    {
                        "query_id": query,
                        "query": collection.queries[query],
                        "document_id": document_id,
                        "title": document.title,
                        "text": document.text,
                        "relevance": collection.qrels[query][document_id],
                    },
                )


def _fingerprint(path: Path, direction: str) -> str:
    """Changes when a file of the direction does."""
    settings = load_collection_config(path)
    query_language, document_language = settings.parse_direction(direction)
    files = check_files(settings, query_language, document_language)
    digest = hashlib.blake2b(fingerprint(settings.documents[document_language], settings.on_error).encode())
    digest.update(f"{settings}".encode())
    for name in (*files["topics"], *files["qrels"]):
        if Path(name).exists():  # the others are data sets of ir_datasets, which do not change
            stat = Path(name).stat()
            digest.update(f"{name}\n{stat.st_ino}\n{stat.st_size}\n{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]
