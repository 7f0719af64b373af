"""A built corpus as a dataset of `datasets`: one row a pair, with the texts of both sides.

The folder itself loads with plain `load_dataset(folder, "en-de")`, as row numbers; this builder looks the texts up,
for whoever trains with something else than our trainers. It costs a copy of the texts per pair that they stand in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np

from xlretrieval.data.pair_table import PairTable
from xlretrieval.data.sections import AlignedSections
from xlretrieval.data.splits import SPLITS

# The version of the rows that this module makes; a change of the columns or their meaning raises it, and what
# `datasets` has in its cache is made anew.
VERSION = "1.0.0"
# A split is cut into so many parts at most: that many processes can prepare it, or workers stream it.
_PARTS = 64
_SIDE = {
    "id": datasets.Value("string"),
    "article_id": datasets.Value("string"),
    "title": datasets.Value("string"),
    "heading_path": datasets.List(datasets.Value("string")),
    "text": datasets.Value("large_string"),
}


@dataclass
class WikiConfig(datasets.BuilderConfig):
    """Settings of `Wiki`.

    Attributes:
        name: Language pair, "en-de"; the other order turns source and target around.
        version: Of the rows.
        max_negatives: Most hard negatives on each side of a row, nearest first.
    """

    name: str = ""
    version: datasets.Version | str | None = VERSION
    max_negatives: int = 4


class Wiki(datasets.GeneratorBasedBuilder):
    """Aligned sections of two languages, with the texts.

    A row is, for the pair "en-de":

        {"source": {"id": "en-Q64-2", "article_id": "Q64", "title": "Berlin", "heading_path": ["History"],
                    "text": "In 1237 ..."},
         "target": {"id": "de-Q64-5", "article_id": "Q64", "title": "Berlin", "heading_path": ["Geschichte"],
                    "text": "1237 wurde ..."},
         "score": 0.93,
         "source_negatives": ["Berlin lies on the Spree ..."],   # English texts: wrong documents for a German query
         "target_negatives": ["Berlin liegt ..."]}               # German texts, for an English query

    Splits are those of the corpus, "train", "validation" and "test", in the order of its pairs; one without pairs is
    not there. The cache notices when the corpus is built again.

    Args:
        config_name: Language pair of the corpus.
        data_dir: Folder of the corpus.
        max_negatives: Most hard negatives on each side of a row, nearest first.
        cache_dir: Where prepared data go; the cache of `datasets` by default.
        options: What else `datasets.DatasetBuilder` takes.

    Raises:
        FileNotFoundError: The folder does not exist.
        ValueError: It is no corpus, or has no such pair.

    Example:
        ```python
        wiki = Wiki(config_name="en-de", data_dir="corpus")
        wiki.download_and_prepare(num_proc=4)
        train = wiki.as_dataset(split="train")
        stream = wiki.as_streaming_dataset(split="train")  # without preparing anything
        ```
    """

    BUILDER_CONFIG_CLASS = WikiConfig

    def __init__(
        self,
        *,
        config_name: str,
        data_dir: str | Path,
        max_negatives: int = 4,
        cache_dir: str | None = None,
        **options: Any,
    ):
        if max_negatives < 0:
            raise ValueError(f"max_negatives must be at least 0, got {max_negatives}. Give 0 for none.")
        folder = Path(data_dir).resolve()
        pair = AlignedSections.load(folder, [config_name]).pair(config_name)
        options.setdefault("hash", _fingerprint(folder, pair))
        options.setdefault("dataset_name", "wiki")
        super().__init__(
            cache_dir=cache_dir,
            config_name=config_name,
            data_dir=str(folder),
            max_negatives=max_negatives,
            **options,
        )

    def _info(self) -> datasets.DatasetInfo:
        features = {
            "source": _SIDE,
            "target": _SIDE,
            "score": datasets.Value("float32"),
            "source_negatives": datasets.List(datasets.Value("large_string")),
            "target_negatives": datasets.List(datasets.Value("large_string")),
        }
        description = "Sections of Wikipedia articles that say the same in two languages, and hard negatives."
        return datasets.DatasetInfo(description=description, features=datasets.Features(features))

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        pair = AlignedSections.load(self.config.data_dir, [self.config.name]).pair(self.config.name)
        generators = []
        for split in SPLITS:
            length = len(pair.rows(split))
            if not length:
                continue
            bounds = np.linspace(0, length, min(_PARTS, length) + 1).astype(int).tolist()
            # Lists are what `datasets` divides among processes.
            parts = list(zip(bounds[:-1], bounds[1:], strict=True))
            generators.append(datasets.SplitGenerator(name=split, gen_kwargs={"split": split, "parts": parts}))
        return generators

    def _generate_examples(self, split: str, parts: list[tuple[int, int]]) -> Iterator[tuple[int, dict[str, Any]]]:
        corpus = AlignedSections.load(self.config.data_dir, [self.config.name])
        pair = corpus.pair(self.config.name)
        sides = {
            "source": (corpus.sections(pair.source_language), pair.source, pair.source_negatives),
            "target": (corpus.sections(pair.target_language), pair.target, pair.target_negatives),
        }
        if pair.name != self.config.name:
            sides = {"source": sides["target"], "target": sides["source"]}
        rows = pair.rows(split)
        for index in (index for first, end in parts for index in rows[first:end].tolist()):
            row: dict[str, Any] = {"score": float(pair.score[index])}
            for side, (sections, positives, negatives) in sides.items():
                section = sections[positives[index]]
                row[side] = {
                    "id": section.id,
                    "article_id": section.article_id,
                    "title": section.article_title,
                    "heading_path": list(section.heading_path),
                    "text": section.text,
                }
                nearest = negatives(index)[: self.config.max_negatives]
                row[f"{side}_negatives"] = [sections.text(negative) for negative in nearest]
            yield index, row


def _fingerprint(folder: Path, pair: PairTable) -> str:
    """Changes when one of the files is written anew; reading 50 GB of them for a hash would take minutes."""
    digest = hashlib.blake2b(digest_size=16)
    for name in (f"sections/{pair.source_language}", f"sections/{pair.target_language}", f"pairs/{pair.name}"):
        stat = (folder / f"{name}.parquet").stat()
        digest.update(f"{name}\n{stat.st_ino}\n{stat.st_size}\n{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
