"""Options of a build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from xlretrieval.data.languages import pair_readings
from xlretrieval.data.splits import check_fractions
from xlretrieval.data.wiki.links.building import LinkSource

WIKIPEDIA_LICENCE = ("cc-by-sa-4.0", "gfdl")


@dataclass(frozen=True)
class BuildOptions:
    """Checked options of a build; they stand in the provenance.

    Attributes:
        pairs: Language pairs to make, such as ["en-de", "en-fr"].
        link_source: What tells that articles are the same: "wikidata", "langlinks", "inline", or "auto" for the best
            that the dumps have.
        validation: Fraction of articles in the validation split.
        test: Fraction of articles in the test split.
        seed: Seed of the split.
        min_characters: Shortest section to align, in characters of plain text.
        max_negatives: Most hard negatives of a pair, on each side.
        threshold: Least confidence of a pair of sections, in [0, 1].
        fit_articles: Articles of a language pair that the alignment learns from.
        encoder: Name of the encoder whose embeddings of sections the alignment also goes by; None for none.
        max_page_characters: Longest page to parse, in characters of wikitext.
        page_seconds: Longest time for a page, in seconds.
        on_error: A cut or damaged dump stops the build ("raise") or gives what is whole ("skip").
        origin: Where the texts are from, for the dataset card.
        licence: The Hub's names of their licences, for the dataset card.
        part_bytes: Compressed bytes that one task reads, where a dump can be cut.
        buckets: Shares of articles that are aligned as one task; None for one per 256 MB of dumps.

    Raises:
        ValueError: A value is out of range, or a pair is no pair of languages or named twice.
    """

    pairs: Sequence[str]
    link_source: LinkSource = "auto"
    validation: float = 0.01
    test: float = 0.01
    seed: int = 0
    min_characters: int = 50
    max_negatives: int = 8
    threshold: float = 0.5
    fit_articles: int = 50_000
    encoder: str | None = None
    max_page_characters: int = 2_000_000
    page_seconds: float = 20.0
    on_error: Literal["raise", "skip"] = "raise"
    origin: str = "Wikipedia"
    licence: Sequence[str] = WIKIPEDIA_LICENCE
    part_bytes: int = field(default=32 << 20, repr=False)
    buckets: int | None = None

    def __post_init__(self) -> None:
        check_fractions(self.validation, self.test)
        if isinstance(self.pairs, str) or not self.pairs:
            raise ValueError(f"pairs must be a list of names like 'en-de', got {self.pairs!r}. Name at least one.")
        seen: set[frozenset[str]] = set()
        for name in self.pairs:
            if not pair_readings(name):
                raise ValueError(f"pair must be two language codes joined by a hyphen, got {name!r}. Write 'en-de'.")
            both = frozenset(pair_readings(name)[0])
            if both in seen:
                raise ValueError(f"pair must be named once, got {name!r} again. Leave one out.")
            seen.add(both)
        for name, least in (("min_characters", 1), ("max_negatives", 0), ("fit_articles", 1), ("part_bytes", 1)):
            if (value := getattr(self, name)) < least:
                raise ValueError(f"{name} must be at least {least}, got {value}. Raise it.")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold must be in [0, 1], got {self.threshold}. Correct it.")
        if self.buckets is not None and not 1 <= self.buckets <= 65_536:
            raise ValueError(f"buckets must be in [1, 65536], got {self.buckets}. Leave it out.")


@dataclass(frozen=True)
class Workers:
    """Who does the work of a build; it makes no difference to the result.

    Attributes:
        count: Processes; None for one per core of this machine, or as many as the cluster has.
        cluster: None for this machine, or a Ray cluster: "auto" for the one that this machine belongs to, an address
            such as "ray://head:10001", or "local" for one that is started here.
        work: Folder for intermediate files, which all machines must see; None for one beside the output.
    """

    count: int | None = None
    cluster: str | None = None
    work: Path | None = None

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise ValueError(f"workers must be at least 1, got {self.count}. Raise it.")
