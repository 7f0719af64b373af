"""Aligned texts as data sets of `datasets`, prepared from local files."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets

from .languages import is_language_code
from .multiway import MultiwayTexts, line_files, read_line_aligned, read_ntrex, read_xnli15_languages
from .parallel import ParallelTexts, read_jsonl_sections, read_tatoeba

logger = logging.getLogger(__name__)

# A change of the columns or their meaning raises it, and what `datasets` has in its cache is made anew.
VERSION = "1.0.0"
KINDS = ("xnli15", "tatoeba", "ntrex", "ntrex-documents", "lines", "documents", "jsonl")
# These align two languages by themselves; the rows of the others say the same in all languages.
_PAIRS = ("tatoeba", "jsonl")


@dataclass
class AlignedTextsConfig(datasets.BuilderConfig):
    """Settings of `AlignedTexts`.

    Attributes:
        name: Kind and languages, "xnli15.de.en".
        version: Of the rows.
    """

    name: str = ""
    version: datasets.Version | str | None = VERSION


class AlignedTexts(datasets.GeneratorBasedBuilder):
    """The same sentence, section or document in several languages.

    A row is, for the configuration "xnli15.de.en":

        {"translation": {"de": "Guten Morgen.", "en": "Good morning."}}

    The only split is "test". Rows that are empty in one of the languages, and sections that the other one lacks, are
    left out, counted and logged. A configuration is a kind and
    its languages, two for "tatoeba" and "jsonl", two or more for the others. What `data_dir` is, by kind:

    - "xnli15": the file, `xnli.15way.orig.tsv` or `.gz`.
    - "tatoeba": the folder of `tatoeba.deu-eng.deu` and `.eng`.
    - "ntrex": the folder of `newstest2019-ref.deu.txt` and so on; "ntrex-documents" joins the sentences.
    - "lines": a folder of files that are aligned line by line, whose names end with the language: `UNv1.0.6way.en`.
      "documents" joins the lines of a document by the one file whose name ends with `.ids`.
    - "jsonl": a folder of `*.jsonl` or `*.jsonl.gz`, as for `read_jsonl_sections`.

    Args:
        config_name: As above.
        data_dir: As above.
        cache_dir: Where prepared data go; the cache of `datasets` by default.
        options: What else `datasets.DatasetBuilder` takes.

    Raises:
        FileNotFoundError: There is nothing at `data_dir`.
        ValueError: The configuration is unknown; when preparing, a file is wrong.

    Example:
        ```python
        xnli = AlignedTexts(config_name="xnli15.de.en.sw", data_dir="xnli.15way.orig.tsv")
        xnli.download_and_prepare()
        rows = xnli.as_dataset(split="test")
        ```
    """

    BUILDER_CONFIG_CLASS = AlignedTextsConfig

    def __init__(self, *, config_name: str, data_dir: str | Path, cache_dir: str | None = None, **options: Any):
        self.kind, self.languages = _parse(config_name)
        source = Path(data_dir).resolve()
        options.setdefault("hash", _fingerprint(source))
        options.setdefault("dataset_name", self.kind.replace("-", "_"))
        super().__init__(cache_dir=cache_dir, config_name=config_name, data_dir=str(source), **options)

    def _info(self) -> datasets.DatasetInfo:
        features = {"translation": {language: datasets.Value("large_string") for language in self.languages}}
        return datasets.DatasetInfo(
            description="The same text in several languages.", features=datasets.Features(features)
        )

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        return [datasets.SplitGenerator(name="test")]

    def _generate_examples(self) -> Iterator[tuple[int, dict[str, dict[str, str]]]]:
        texts = read_aligned(self.kind, self.config.data_dir, self.languages)
        for reason, count in texts.dropped.items():
            logger.warning("%s: %d rows left out: %s", self.config.name, count, reason)
        columns = (
            texts.texts
            if isinstance(texts, MultiwayTexts)
            else dict(zip(texts.languages, (texts.source, texts.target), strict=True))
        )
        for number, row in enumerate(zip(*columns.values(), strict=True)):
            yield number, {"translation": dict(zip(columns, row, strict=True))}


def read_aligned(kind: str, source: str | Path, languages: tuple[str, ...]) -> MultiwayTexts | ParallelTexts:
    """Reads aligned texts of any kind.

    Args:
        kind: As `AlignedTexts` lists them, like what `source` is.
        source: File or folder.
        languages: Two or more.

    Raises:
        ValueError: The kind is unknown, or as the reader of the kind says.
        OSError: As the reader says.
    """
    source = Path(source)
    if kind == "xnli15":
        return read_xnli15_languages(source, languages)
    if kind == "tatoeba":
        return read_tatoeba(source, "-".join(languages))
    if kind in ("ntrex", "ntrex-documents"):
        return read_ntrex(source, languages, documents=kind == "ntrex-documents")
    if kind == "jsonl":
        return read_jsonl_sections(sorted(source.glob("*.jsonl*")), *languages)
    if kind not in ("lines", "documents"):
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}. Choose one.")
    files = sorted(path for path in source.iterdir() if path.is_file())
    ids = [path for path in files if path.name.removesuffix(".gz").endswith(".ids")]
    if kind == "documents" and len(ids) != 1:
        raise ValueError(f"{source} must hold one file of document ids, *.ids, got {len(ids)}. Add it.")
    named = [
        path
        for path in files
        if path.name.removesuffix(".gz").removesuffix(".txt").endswith(tuple(f".{language}" for language in languages))
    ]
    return read_line_aligned(line_files(named, languages), ids[0] if kind == "documents" else None, kind)


def _parse(name: str) -> tuple[str, tuple[str, ...]]:
    """Kind and languages of a configuration."""
    kind, *languages = name.split(".")
    number = "two" if kind in _PAIRS else "two or more"
    right = len(languages) == 2 if kind in _PAIRS else len(languages) > 1
    if (
        kind not in KINDS
        or not right
        or len(set(languages)) < len(languages)
        or not all(map(is_language_code, languages))
    ):
        raise ValueError(
            f"configuration must be one of {', '.join(KINDS)} and {number} different languages, joined by dots, got "
            f"{name!r}. Write it like 'xnli15.de.en'."
        )
    return kind, tuple(languages)


def _fingerprint(source: Path) -> str:
    """Changes when a file of the source does."""
    if not source.exists():
        raise FileNotFoundError(f"{source} must be a file or folder of aligned texts, got nothing there. Check it.")
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(source.iterdir()) if source.is_dir() else [source]:
        stat = path.stat()
        digest.update(f"{path}\n{stat.st_ino}\n{stat.st_size}\n{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
