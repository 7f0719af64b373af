"""Alignment of real sections: English and Chinese without links, and one article in six languages."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from xlretrieval.data.files import read_lines
from xlretrieval.data.wiki.alignment.aligner import SectionAligner
from xlretrieval.data.wiki.alignment.matching import assign
from xlretrieval.data.wiki.alignment.numbers import numbers_in
from xlretrieval.data.wiki.dumps.reading import read_pages, read_siteinfo
from xlretrieval.data.wiki.records import Article, ArticleSection
from xlretrieval.data.wiki.wikitext.parsing import PageParser

Pair = tuple[Article, Article, set[tuple[int, int]]]


def read_documents(paths: Sequence[Path]) -> list[list[dict[str, dict]]]:
    """For each document the rows of every language by section, of those sections that all languages have."""
    documents: dict[str, list[dict[str, dict]]] = defaultdict(lambda: [{} for _ in paths])
    for side, path in enumerate(paths):
        for _, line in read_lines(path):
            row = json.loads(line)
            documents[row["doc"]][side][row["sec"]] = row
    found = []
    for sides in documents.values():
        common = [section for section in sides[0] if all(section in side for side in sides)]
        if len(common) >= 2:
            found.append([{section: side[section] for section in common} for side in sides])
    return found


def shuffled_pairs(documents: list[list[dict[str, dict]]], removed: float, seed: int) -> list[Pair]:
    """Article pairs with the sections of either side in another order and some removed, and which of them match."""
    rng = np.random.default_rng(seed)
    pairs = []
    for number, sides in enumerate(documents):
        names = list(sides[0])
        kept = [[names[i] for i in rng.permutation(len(names)) if rng.random() >= removed] for _ in sides]
        articles = [
            _article(str(number), [rows[name] for name in order]) for rows, order in zip(sides, kept, strict=True)
        ]
        truth = {(kept[0].index(name), kept[1].index(name)) for name in kept[0] if name in kept[1]}
        pairs.append((*articles, truth))
    return pairs


def _article(name: str, rows: list[dict]) -> Article:
    language = rows[0]["lang"] if rows else ""
    sections = []
    for number, row in enumerate(rows):
        path = () if row["title"] in ("", "Introduction") else tuple(row["title"].split("|"))
        sections.append(ArticleSection(number, path, row["text"], (), numbers_in(row["text"])))
    return Article(name, language, 1, name, sections)


def alignment_curve(
    predictions: list[list[tuple[int, int, float]]], truth: list[set[tuple[int, int]]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Threshold, precision and recall after each prediction, from the most confident on."""
    scored = [
        (score, (source, target) in right)
        for matches, right in zip(predictions, truth, strict=True)
        for source, target, score in matches
    ]
    scored.sort(reverse=True)
    scores, right = np.array([score for score, _ in scored]), np.cumsum([correct for _, correct in scored])
    return scores, right / np.arange(1, len(scored) + 1), right / sum(map(len, truth))


def measure(pairs: list[Pair]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The curve, over every third pair, of an aligner that learned from all of them and never saw what matches."""
    aligner = SectionAligner.fit((source, target) for source, target, _ in pairs)
    predictions, measured = [], pairs[::3]
    for source, target, _ in measured:
        scores = aligner.confidences(source, target)
        rows, columns = assign(scores, 0.0)
        predictions.append([(int(i), int(j), float(scores[i, j])) for i, j in zip(rows, columns, strict=True)])
    return alignment_curve(predictions, [truth for _, _, truth in measured])


def test_the_curve_of_known_predictions():
    predictions = [[(0, 0, 0.9), (1, 2, 0.5)], [(0, 1, 0.7)]]
    scores, precision, recall = alignment_curve(predictions, [{(0, 0), (1, 1)}, {(0, 1), (2, 2)}])
    assert scores.tolist() == [0.9, 0.7, 0.5]
    assert precision.tolist() == pytest.approx([1.0, 1.0, 2 / 3])
    assert recall.tolist() == [0.25, 0.5, 0.5]


@pytest.fixture(scope="module")
def encyclopedia(shared):
    return read_documents([shared / "data" / "parallel" / f"wikisec_{language}.jsonl.gz" for language in ("en", "zh")])


@pytest.mark.slow
def test_shuffled_sections_find_their_partners(encyclopedia):
    assert len(encyclopedia) == 776
    pairs = shuffled_pairs(encyclopedia[::6], removed=0.0, seed=0)
    _, _, recall = measure(pairs)
    print(f"accuracy {recall[-1]:.4f}")
    assert recall[-1] >= 0.98


@pytest.mark.slow
def test_with_sections_missing_on_either_side(encyclopedia):
    scores, precision, recall = measure(shuffled_pairs(encyclopedia[::6], removed=0.3, seed=1))
    for threshold in (0.3, 0.5, 0.7, 0.9):
        last = np.searchsorted(-scores, -threshold, side="right") - 1
        print(f"threshold {threshold}: precision {precision[last]:.4f}, recall {recall[last]:.4f}")
    for least in (0.80, 0.85, 0.90, 0.95):
        print(f"recall {least}: precision {precision[recall >= least].max():.4f}")
    assert precision[recall >= 0.85].max() >= 0.95


TITLES = {"de": "Berlin", "en": "Berlin", "es": "Berlín", "fr": "Berlin", "it": "Berlino", "nl": "Berlijn"}


@pytest.fixture(scope="module")
def berlin(shared) -> dict[str, Article]:
    """The article in six languages; links count as the same where their titles are."""
    articles = {}
    for language, title in TITLES.items():
        path = shared / "data" / "wikidumps" / "berlin" / f"{language}wiki.xml.bz2"
        page = next(page for page in read_pages(path) if page.title == title)
        sections = PageParser(read_siteinfo(path).namespaces).parse(page.wikitext)
        articles[language] = Article(
            "Q64",
            language,
            page.page_id,
            title,
            [
                ArticleSection(
                    section.number,
                    section.heading_path,
                    section.text,
                    tuple(zlib.crc32(link.encode()) for link in section.links),
                    numbers_in(section.text),
                )
                for section in sections
                if len(section.text) >= 60
            ],
        )
    return articles


def test_an_article_in_many_languages(berlin):
    others = [language for language in berlin if language != "en"]
    aligner = SectionAligner.fit((berlin["en"], berlin[language]) for language in others)
    found = {}
    for language in others:
        for match in aligner.align(berlin["en"], berlin[language]):
            source = " > ".join(berlin["en"].sections[match.source].heading_path)
            target = " > ".join(berlin[language].sections[match.target].heading_path)
            found[language, source] = target
            print(f"| {language} | {match.score:.2f} | {source or '(lead)'} | {target or '(lead)'} |")
    assert {found[language, ""] for language in others} == {""}
    expected = {
        ("de", "Economy > Companies"): "Wirtschaft > Unternehmen",
        ("de", "Culture > Galleries and museums"): "Kultur > Museen",
        ("de", "Education > Higher education"): "Wissenschaft und Bildung > Hochschulen",
        ("de", "Infrastructure > Energy"): "Infrastruktur > Energieversorgung",
        ("es", "Culture > Galleries and museums"): "Cultura > Museos y pinacotecas",
        ("es", "Geography > Climate"): "Geografía > Clima",
        ("es", "History > Etymology"): "Toponimia",
        ("fr", "Demographics > Religion"): "Démographie > Religion",
        ("fr", "Sports"): "Culture > Sports",
        ("it", "Sports"): "Sport",
        ("nl", "Economy > Media"): "Media",
    }
    assert {key: found.get(key) for key in expected} == expected


def test_articles_on_different_subjects_hardly_match(berlin, shared):
    path = shared / "data" / "wikidumps" / "berlin" / "enwiki.xml.bz2"
    page = next(page for page in read_pages(path) if page.title == "Angela Merkel")
    sections = PageParser(read_siteinfo(path).namespaces).parse(page.wikitext)
    other = Article(
        "Q567",
        "en",
        page.page_id,
        page.title,
        [ArticleSection(s.number, s.heading_path, s.text, (), numbers_in(s.text)) for s in sections if s.text],
    )
    aligner = SectionAligner.fit((berlin["en"], berlin[language]) for language in ("de", "fr", "es"))
    found = [match for language in ("de", "fr", "es") for match in aligner.align(other, berlin[language])]
    print(len(found), "of", len(other.sections), "sections")
    assert len([match for match in found if match.source > 0]) <= 0.05 * 3 * len(other.sections)
