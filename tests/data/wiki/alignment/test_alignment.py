"""Sections of article pairs align one to one, the same in both directions and in every run."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlretrieval.data.wiki.alignment.aligner import SectionAligner
from xlretrieval.data.wiki.alignment.matching import assign, confidences
from xlretrieval.data.wiki.alignment.pair_model import PairModel
from xlretrieval.data.wiki.records import Article, ArticleSection

SUBJECTS = 12


def _word(language, number):
    return f"{language}{''.join(chr(97 + int(digit)) for digit in str(number))}"


def _section(rng, language, subject, number, topic):
    """A section on a subject: its heading, words, links and numbers are about it, the rest is chance."""
    words = [_word(language, word) for word in rng.zipf(1.3, size=30) % 400]
    words += [_word(language, 1000 + 20 * subject + word) for word in rng.integers(6, size=6)]
    items = {*rng.integers(900, 1000, size=3).tolist(), *rng.choice(topic, size=4, replace=False).tolist()}
    numbers = tuple(str(value) for value in dict.fromkeys(topic[:2]) if rng.random() < 0.7)
    heading = (f"{language} heading {subject}",)
    return ArticleSection(number, heading if subject else (), " ".join(words), tuple(sorted(items)), numbers)


def _world(pairs, seed=0, shuffle=True):
    """Article pairs of which each side lacks some sections, and which sections match."""
    rng = np.random.default_rng(seed)
    world = []
    for name in range(pairs):
        subjects = rng.choice(SUBJECTS, size=rng.integers(2, 8), replace=False)
        topics = {subject: (1000 + rng.integers(5000, size=8)).tolist() for subject in subjects}
        sides = []
        for language in ("de", "en"):
            chosen = [
                subject for subject in (rng.permutation(subjects) if shuffle else subjects) if rng.random() < 0.8
            ]
            sections = [_section(rng, language, s, n, topics[s]) for n, s in enumerate(chosen)]
            sides.append((chosen, Article(f"Q{name}", language, name, f"{language} {name}", sections)))
        (german, source), (english, target) = sides
        truth = {(german.index(s), english.index(s)) for s in german if s in english}
        world.append((source, target, truth))
    return world


@pytest.fixture(scope="module")
def world():
    return _world(250)


@pytest.fixture(scope="module")
def aligner(world):
    return SectionAligner.fit((source, target) for source, target, _ in world)


def test_matches_are_right(aligner, world):
    found = [{(m.source, m.target) for m in aligner.align(source, target)} for source, target, _ in world]
    right = sum(len(matches & truth) for matches, (_, _, truth) in zip(found, world, strict=True))
    assert right / sum(map(len, found)) > 0.97
    assert right / sum(len(truth) for _, _, truth in world) > 0.97


def test_a_higher_threshold_finds_fewer_matches(aligner, world):
    found = []
    for threshold in (0.1, 0.5, 0.9, 1.0):
        at = SectionAligner(aligner.rarities, aligner.pairs, threshold)
        matches = [match for source, target, _ in world[:50] for match in at.align(source, target)]
        assert all(match.score >= threshold for match in matches)
        found.append(len(matches))
    assert found == sorted(found, reverse=True) and found[0] > found[-1]


def test_both_directions_give_the_same(aligner, world):
    for source, target, _ in world[:50]:
        there = [
            (m.source, m.target, m.score, m.source_negatives, m.target_negatives)
            for m in aligner.align(source, target)
        ]
        back = [
            (m.target, m.source, m.score, m.target_negatives, m.source_negatives)
            for m in aligner.align(target, source)
        ]
        assert there == sorted(back)


def test_the_order_of_the_pairs_and_of_their_sides_makes_no_difference(aligner, world, tmp_path):
    mixed = [(target, source) if number % 3 else (source, target) for number, (source, target, _) in enumerate(world)]
    SectionAligner.fit(mixed[::-1]).save(tmp_path / "mixed.npz")
    aligner.save(tmp_path / "straight.npz")
    assert (tmp_path / "mixed.npz").read_bytes() == (tmp_path / "straight.npz").read_bytes()


def test_a_pair_with_an_empty_article_makes_no_difference(aligner, world):
    empty = Article("Q999999", "de", 1, "leer", [])
    full = Article("Q999998", "en", 1, "full", [])
    fitted = SectionAligner.fit([*((source, target) for source, target, _ in world), (empty, full)])
    source, target, _ = world[0]
    assert fitted.align(source, target) == aligner.align(source, target)
    assert aligner.align(empty, target) == aligner.align(source, full) == aligner.align(empty, full) == []


def test_where_positions_mean_nothing_they_are_not_believed(world):
    shuffled = SectionAligner.fit((source, target) for source, target, _ in world).pairs["de", "en"].position
    ordered = SectionAligner.fit((source, target) for source, target, _ in _world(250, 1, shuffle=False))
    ordered = ordered.pairs["de", "en"].position
    distances = np.array([0.0, 0.6])
    assert abs(shuffled.evidence(distances)).max() < 0.35
    near, far = ordered.evidence(distances)
    assert near > 0.5 and far < -1.0


def test_leads_do_not_teach_positions():
    """They match by being leads and always stand first, which says nothing about the sections that follow."""
    pairs = []
    for name in range(60):
        sides = []
        for language in ("de", "en"):
            sections = [ArticleSection(0, (), "1453 Rome", (), ("1453",))]
            sections += [ArticleSection(n, (f"{language} {n}",), f"{language} text") for n in range(1, 4)]
            sides.append(Article(f"Q{name}", language, name, f"{language} {name}", sections))
        pairs.append(tuple(sides))
    aligner = SectionAligner.fit(pairs)
    assert all([(match.source, match.target) for match in aligner.align(*pair)] == [(0, 0)] for pair in pairs)
    assert aligner.pairs["de", "en"].position == PairModel().position


def test_words_are_learned(world):
    """Without headings, links and numbers only what was learned about words is left."""
    fitted = SectionAligner.fit((source, target) for source, target, _ in world)
    unlearned = SectionAligner.fit(((source, target) for source, target, _ in world), rounds=0)
    right = {}
    for name, aligner in (("learned", fitted), ("not", unlearned)):
        right[name] = 0
        for source, target, truth in world[:100]:
            bare = [
                replace(article, sections=[ArticleSection(s.number, ("x",), s.text) for s in article.sections])
                for article in (source, target)
            ]
            rows, columns = assign(aligner.confidences(*bare), 0.0)
            right[name] += len(truth & set(zip(rows.tolist(), columns.tolist(), strict=True)))
    total = sum(len(truth) for _, _, truth in world[:100])
    assert right["learned"] / total > 0.6 > 0.5 > right["not"] / total


def test_negatives_are_the_others_nearest_first(aligner):
    text = ["Rom 1453 4711", "Rom 1453", "Bern", "Bonn", "Rom 1453 4711"]
    source = [ArticleSection(n, (f"a{n}",), t, numbers=tuple(t.split()[1:])) for n, t in enumerate(text)]
    target = [ArticleSection(n, (f"b{n}",), t, numbers=tuple(t.split()[1:])) for n, t in enumerate(text[:4])]
    pair = Article("Q1", "de", 1, "A", source[:4]), Article("Q1", "en", 1, "B", target)
    fitted = SectionAligner(aligner.rarities, {}, threshold=0.0)
    first = fitted.align(*pair)[0]
    assert (first.source, first.target) == (0, 0)
    assert first.source_negatives == first.target_negatives == (1, 2, 3)
    few = SectionAligner(aligner.rarities, {}, threshold=0.0, negatives=1).align(*pair)[0]
    assert few.source_negatives == few.target_negatives == (1,)
    twice = fitted.align(Article("Q1", "de", 1, "A", source), pair[1])[0]
    assert set(twice.source_negatives) == {1, 2, 3}, "a section with the text of the positive is no negative"


def test_a_lead_matches_a_lead_only(aligner):
    def article(language, *paths):
        sections = [ArticleSection(n, path, f"{language} text") for n, path in enumerate(paths)]
        return Article("Q1", language, 1, language, sections)

    scores = aligner.confidences(article("de", (), ("A",)), article("en", (), ("B",)))
    assert scores[0, 0] > 5 * max(scores[0, 1], scores[1, 0])


def test_embeddings_are_evidence(aligner):
    vectors = {"eins": [9.0, 0.0], "zwei": [0.0, 2.0], "one": [3.0, 0.3], "two": [0.0, 1.0]}
    source = Article("Q1", "de", 1, "A", [ArticleSection(0, ("p",), "eins"), ArticleSection(1, ("q",), "zwei")])
    target = Article("Q1", "en", 1, "B", [ArticleSection(0, ("r",), "two"), ArticleSection(1, ("s",), "one")])
    assert aligner.align(source, target) == []
    seeing = SectionAligner(aligner.rarities, aligner.pairs, embed=lambda texts: np.array([vectors[t] for t in texts]))
    assert [(match.source, match.target) for match in seeing.align(source, target)] == [(0, 1), (1, 0)]


def test_saved_and_loaded_it_aligns_the_same(aligner, world, tmp_path):
    aligner.save(tmp_path / "new" / "aligner.npz")
    loaded = SectionAligner.load(tmp_path / "new" / "aligner.npz")
    assert (loaded.threshold, loaded.negatives) == (aligner.threshold, aligner.negatives)
    for source, target, _ in world[:50]:
        assert loaded.align(source, target) == aligner.align(source, target)
    loaded.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "new" / "aligner.npz").read_bytes()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["aligner.npz"]


def test_what_is_no_aligner_is_said_so(tmp_path):
    path = tmp_path / "aligner.npz"
    for content in (b"", b"no aligner", b"PK\x03\x04 cut"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="aligner.npz must be a section aligner"):
            SectionAligner.load(path)
    np.savez(path, other=np.zeros(3))
    with pytest.raises(ValueError, match="aligner.npz must be a section aligner"):
        SectionAligner.load(path)
    np.savez(path, header=np.array([{"format": 1}], dtype=object))
    with pytest.raises(ValueError, match="aligner.npz must be a section aligner"):
        SectionAligner.load(path)
    with pytest.raises(FileNotFoundError):
        SectionAligner.load(tmp_path / "missing.npz")


@pytest.mark.parametrize(
    "options", [{"threshold": 1.5}, {"threshold": -0.1}, {"negatives": -1}, {"sample": -1}, {"rounds": -1}]
)
def test_options_out_of_range(options):
    with pytest.raises(ValueError, match=f"^{next(iter(options))} must"):
        SectionAligner.fit([], **options)


def test_nothing_depends_on_the_hash_seed(tmp_path):
    program = (
        "import sys; from xlretrieval.data.wiki.alignment.aligner import *\n"
        "from xlretrieval.data.wiki.records import *\n"
        "texts = ['the river 1990 flows', 'a mountain of 4000 m', 'music and dance']\n"
        "pairs = [tuple(Article(f'Q{n}', l, n, f'{l}{n}', [ArticleSection(i, (f'h{i}{l}',), f'{l} {t} {n}', (n, i)) "
        "for i, t in enumerate(texts)]) for l in ('en', 'fr')) for n in range(100)]\n"
        "aligner = SectionAligner.fit(pairs); aligner.save(sys.argv[1]); print(aligner.align(*pairs[3]))\n"
    )
    results = []
    for seed in ("1", "2"):
        path = tmp_path / f"{seed}.npz"
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", program, path], env=environment, capture_output=True, text=True, check=True
        )
        results.append((done.stdout, path.read_bytes()))
    assert results[0] == results[1] and "SectionMatch" in results[0][0]


_HEADINGS = st.lists(st.sampled_from(["History", "Geschichte", "Early life", "生平", "Überblick", ""]), max_size=2)
_SECTIONS = st.builds(
    ArticleSection,
    st.integers(0, 9),
    _HEADINGS.map(tuple),
    st.one_of(st.text(max_size=30), st.sampled_from(["Rome fell in 1453", "一四五三年 Rome", "Rom 1453"])),
    st.lists(st.integers(0, 2**40), max_size=3).map(tuple),
)


def _articles(language):
    return st.builds(
        Article, st.just("Q1"), st.just(language), st.just(1), st.just("T"), st.lists(_SECTIONS, max_size=6)
    )


@settings(max_examples=60, deadline=None)
@given(_articles("de"), st.sampled_from(["de", "en", "zh"]).flatmap(_articles), st.sampled_from([0.0, 0.3, 0.5]))
def test_any_two_articles_align_one_to_one(aligner, source, target, threshold):
    at = SectionAligner(aligner.rarities, aligner.pairs, threshold)
    matches = at.align(source, target)
    assert len({match.source for match in matches}) == len({match.target for match in matches}) == len(matches)
    assert all(threshold <= match.score <= 1.0 for match in matches)
    assert [match.source for match in matches] == sorted(match.source for match in matches)
    for match in matches:
        assert 0 <= match.source < len(source.sections) and 0 <= match.target < len(target.sections)
        assert match.source not in match.source_negatives and match.target not in match.target_negatives
    back = at.align(target, source)
    assert sorted((match.target, match.source, match.score) for match in back) == [
        (match.source, match.target, match.score) for match in matches
    ]


def test_no_surrogate_or_huge_article_stops_it(aligner):
    sections = [ArticleSection(n, ("\ud800",), f"\udfff {n} {_word('', n)} {1000 + n * 7}") for n in range(300)]
    articles = [Article("Q1", language, 1, "T", sections) for language in ("de", "en")]
    matches = SectionAligner(aligner.rarities, aligner.pairs, threshold=0.01).align(*articles)
    assert len(matches) > 290 and all(match.source == match.target for match in matches)


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 10**6))
def test_confidences_of_a_section_add_up_to_one_at_most(rows, columns, seed):
    scores = np.random.default_rng(seed).normal(0, 5, size=(rows, columns))
    found = confidences(scores)
    assert found.shape == (rows, columns) and (found >= 0).all() and (found <= 1).all()
    # Cauchy-Schwarz: a geometric mean of two distributions.
    assert found.sum() <= np.sqrt(rows * columns) + 1e-6
    assert confidences(scores.T) == pytest.approx(found.T)


def test_a_bad_combination_does_not_take_a_section_from_a_good_one():
    probabilities = np.array([[0.6, 0.55], [0.58, 0.0]])
    assert [places.tolist() for places in assign(probabilities, 0.0)] == [[0, 1], [1, 0]]
    probabilities = np.array([[0.9, 0.2], [0.2, 0.0]])
    assert [places.tolist() for places in assign(probabilities, 0.1)] == [[0], [0]]
