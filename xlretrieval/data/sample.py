"""The built-in sample: a small multilingual world of dumps and collections, made from the facts of Unicode CLDR.

Real dumps take hours to download and days to judge. This world has the same formats and difficulties at a size that
one core writes in seconds, and it knows which sections say the same, so that the whole road can be run and measured
without a network.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from .sample_world.cldr import load_babel, table
from .sample_world.clef import write_clef
from .sample_world.dumps import write_dumps, write_truth
from .sample_world.facts import LANGUAGES
from .sample_world.held_out import SPLIT_SEED, TEST_FRACTION, VALIDATION_FRACTION
from .sample_world.layout import articles
from .sample_world.mlqa import write_mlqa
from .sample_world.pages import wiki_pages
from .sample_world.readme import CLEF_README, render_readme
from .sample_world.world import article_plans

__all__ = ["SPLIT_SEED", "TEST_FRACTION", "VALIDATION_FRACTION", "SampleCounts", "write_sample"]


@dataclass(frozen=True)
class SampleCounts:
    """What a sample holds.

    Attributes:
        articles: Articles by language.
        aligned: Aligned sections by language pair: "whole" ones, and "part" ones of topics that one side splits.
        questions: Questions by split, the same in all languages.
        clef: Topics, and documents and judgements by language.
    """

    articles: dict[str, int]
    aligned: dict[str, dict[str, int]]
    questions: dict[str, int]
    clef: dict[str, int]


def write_sample(output: str | Path, seed: int = 0, size: float = 1.0, overwrite: bool = False) -> SampleCounts:
    """Writes the sample world: dumps, the truth about them, and collections over the held-out articles.

    The same seed, size, Babel and zlib give the same bytes. Everything is written to a hidden folder beside the output
    and then renamed, so the sample is whole or not there.

    Args:
        output: The folder to write.
        seed: Another seed words and arranges the same facts differently.
        size: Which share of the articles, in (0, 1]; all of them make about 2,500 aligned sections per language pair.
        overwrite: Whether an earlier sample may be replaced.

    Returns:
        What was written.

    Raises:
        ValueError: Babel is not installed, `size` is out of range, or `output` is in use.

    Example:
        ```python
        counts = write_sample("sample")
        counts.aligned["de-en"]["whole"]
        ```
    """
    folder = Path(output)
    load_babel()
    if folder.exists():
        _check_replaceable(folder, overwrite)
    world = articles(article_plans(size), seed)
    pages = {language: wiki_pages(language, world[language], seed) for language in LANGUAGES}
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        write_dumps(partial / "dumps", pages)
        counts = SampleCounts(
            articles={language: len(world[language]) for language in LANGUAGES},
            aligned=write_truth(partial / "truth.jsonl", pages),
            questions=write_mlqa(partial / "mlqa", pages, seed),
            clef=write_clef(partial / "clef", pages, seed),
        )
        _write_provenance(partial, counts, seed, size)
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return counts


def _check_replaceable(folder: Path, overwrite: bool) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if not overwrite:
        raise ValueError(f"The output folder must be new or empty, got {folder}. Choose another, or pass overwrite.")
    if not (folder / "provenance.json").is_file() or not (folder / "truth.jsonl").is_file():
        raise ValueError(f"The folder to replace must hold a sample, got {folder}. Choose another.")


def _write_provenance(folder: Path, counts: SampleCounts, seed: int, size: float) -> None:
    from xlretrieval import __version__

    record = {
        "seed": seed,
        "size": size,
        "split": {"validation": VALIDATION_FRACTION, "test": TEST_FRACTION, "seed": SPLIT_SEED},
        "versions": {
            "xlretrieval": __version__,
            "babel": load_babel().__version__,
            "cldr": table("cldr").get("version", "unknown"),
        },
        "licenses": {"facts": "Unicode-3.0", "sentences": "Apache-2.0"},
        "counts": asdict(counts),
    }
    (folder / "provenance.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(render_readme(record), encoding="utf-8")
    (folder / "clef" / "README.md").write_text(CLEF_README, encoding="utf-8")
