"""Does a system favour documents for the language they are in, where documents of several languages compete?

Relevant documents should stand equally high whatever their language. How high is measured by rank percentiles, since
the pools of queries differ in size and logits in scale; languages are compared query by query, since queries differ in
difficulty and a language may have its relevant documents on the easy ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from xlretrieval.data.files import read_lines
from xlretrieval.data.languages import is_language_code
from xlretrieval.data.trec import Qrels, Run, rank_documents

from .figures import png_axes
from .significance import holm, randomisation_test


@dataclass
class LanguageRanks:
    """Where the relevant documents of one language stand.

    Args:
        language: Of the documents.
        percentiles: Of every relevant document that was ranked, in percent: 0 is the top of its query's ranking, 100
            the bottom; rank r of n is 100 (r - 0.5) / n.
        scores: Of the same, standardised within the query: how many standard deviations above the mean score.
        queries: Query -> mean percentile of its relevant documents in this language.
        unranked: Relevant documents that are not in the run of a mixed ranking: they have no rank.
        ranked: All documents of this language in mixed rankings, relevant or not.
    """

    language: str
    percentiles: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    queries: dict[str, float] = field(default_factory=dict)
    unranked: int = 0
    ranked: int = 0

    def summary(self) -> dict[str, Any]:
        """For JSON: mean and quartiles of percentiles, mean score; None where nothing relevant was ranked."""
        known = bool(self.percentiles)
        quartiles = np.quantile(self.percentiles, [0.25, 0.5, 0.75]).tolist() if known else [None] * 3
        return {
            "language": self.language,
            "queries": len(self.queries),
            "relevant": len(self.percentiles),
            "unranked": self.unranked,
            "ranked": self.ranked,
            "mean_percentile": float(np.mean(self.percentiles)) if known else None,
            "quartiles": quartiles,
            "mean_standardised_score": float(np.mean(self.scores)) if known else None,
        }


@dataclass(frozen=True)
class LanguageBias:
    """Of one system on one task.

    Args:
        languages: One entry per language, by its code.
        mixed_queries: Queries whose ranking has documents of more than one language; the others are left out.
        unknown: Documents of the run or the judgements that have no language, in order of first sight: they count in
            ranks, and for no language.
    """

    languages: list[LanguageRanks]
    mixed_queries: int
    unknown: list[str]

    def tests(self, seed: int = 0) -> list[dict[str, Any]]:
        """Paired randomisation test of every two languages, over queries with relevant documents in both.

        Returns:
            Rows with `first`, `second`, `queries`, `difference` (mean percentile of the first minus that of the
            second, positive when the second stands higher), `p` and `p_holm` (over all pairs). `difference` and the
            p-values are None where there is no such query.
        """
        rows: list[dict[str, Any]] = []
        for first, second in combinations(self.languages, 2):
            both = [query for query in first.queries if query in second.queries]
            row: dict[str, Any] = {"first": first.language, "second": second.language, "queries": len(both)}
            row |= {"difference": None, "p": None, "p_holm": None}
            if both:
                differences = np.array([first.queries[query] - second.queries[query] for query in both])
                p = float(randomisation_test(differences[:, None], seed=seed)[0])
                row |= {"difference": float(differences.mean()), "p": p}
            rows.append(row)
        tested = [row for row in rows if row["p"] is not None]
        for row, p in zip(tested, holm([row["p"] for row in tested]), strict=True):
            row["p_holm"] = p
        return rows

    def as_dict(self, seed: int = 0) -> dict[str, Any]:
        """For JSON."""
        return {
            "languages": [ranks.summary() for ranks in self.languages],
            "tests": self.tests(seed),
            "mixed_queries": self.mixed_queries,
            "unknown": self.unknown,
        }


def language_bias(run: Run, qrels: Qrels, document_languages: Mapping[str, str]) -> LanguageBias:
    """Ranks of the relevant documents by the language they are in.

    Args:
        run: Query -> document -> score.
        qrels: Query -> document -> relevance.
        document_languages: Document -> language.
    """
    found: dict[str, LanguageRanks] = {}
    unknown: dict[str, None] = {}
    mixed = 0
    for query, judged in qrels.items():
        ranking = rank_documents(run.get(query, {}))
        languages = [document_languages.get(document) for document in ranking]
        unknown |= {document: None for document in (*ranking, *judged) if document not in document_languages}
        if len({language for language in languages if language}) < 2:
            continue
        mixed += 1
        _add_query(found, query, ranking, run[query], judged, document_languages)
    return LanguageBias([found[language] for language in sorted(found)], mixed, list(unknown))


def _add_query(
    found: dict[str, LanguageRanks],
    query: str,
    ranking: list[str],
    scores: Mapping[str, float],
    judged: Mapping[str, int],
    document_languages: Mapping[str, str],
) -> None:
    """Adds one mixed ranking to what was found of each language."""
    values = np.array([scores[document] for document in ranking])
    deviation = values.std() or 1.0
    places = {document: rank for rank, document in enumerate(ranking)}
    for document in ranking:
        if language := document_languages.get(document):
            found.setdefault(language, LanguageRanks(language)).ranked += 1
    own: dict[str, list[float]] = {}
    for document, relevance in judged.items():
        language = document_languages.get(document)
        if relevance <= 0 or language is None:
            continue
        ranks = found.setdefault(language, LanguageRanks(language))
        if document not in places:
            ranks.unranked += 1
            continue
        rank = places[document]
        own.setdefault(language, []).append(100 * (rank + 0.5) / len(ranking))
        ranks.scores.append(float((values[rank] - values.mean()) / deviation))
    for language, percentiles in own.items():
        found[language].percentiles.extend(percentiles)
        found[language].queries[query] = float(np.mean(percentiles))


def read_document_languages(path: str | Path) -> dict[str, str]:
    """Reads lines `document <tab> language`, plain or `.gz`.

    Raises:
        ValueError: With file and line: another number of columns, something that is no language code, a document twice
            (both lines are named), not UTF-8; or an empty file.
        OSError: The file cannot be opened.
    """
    languages: dict[str, str] = {}
    places: dict[str, int] = {}
    for number, line in read_lines(path):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != 2 or not cells[0]:
            raise ValueError(
                f"{path}, line {number}: a line must have 2 columns (document, language) with a tab between them, got "
                f"{len(cells)}. Repair the line."
            )
        document, language = cells
        if not is_language_code(language):
            raise ValueError(
                f"{path}, line {number}: language must be a code like de or zh, got {language!r}. Repair the line."
            )
        if document in places:
            raise ValueError(
                f"{path}, line {number}: a document must occur once, got {document} which is also in line "
                f"{places[document]}. Remove one of them."
            )
        places[document], languages[document] = number, language
    if not languages:
        raise ValueError(f"{path}: a file must have at least one line, got none. Check the path.")
    return languages


def plot_language_bias(path: str | Path, systems: Mapping[str, LanguageBias], title: str) -> bool:
    """Draws the percentiles of relevant documents as boxes, a group per system and a box per language, as a PNG.

    Args:
        path: The file.
        systems: Name -> bias.
        title: Above the plot.

    Returns:
        Whether it was drawn: without relevant documents in mixed rankings there is nothing to show.
    """
    boxes = [
        (ranks.percentiles, ranks.language if len(systems) == 1 else f"{ranks.language}\n{name}")
        for name, bias in systems.items()
        for ranks in bias.languages
        if ranks.percentiles
    ]
    if not boxes:
        return False
    with png_axes(path, (2 + 0.9 * max(4, len(boxes)), 4.5)) as axes:
        axes.boxplot([values for values, _ in boxes], showmeans=True, widths=0.6)
        names = [f"{name}\nn={len(values)}" for values, name in boxes]
        axes.set_xticks(range(1, len(boxes) + 1), names)
        axes.set(ylim=(101, -1), ylabel="rank percentile of relevant documents\n(0: top)", title=title)
        axes.grid(axis="y", alpha=0.3)
    return True
