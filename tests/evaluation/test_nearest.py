import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlretrieval.evaluation.alignment import precision_at_1
from xlretrieval.evaluation.nearest import neighbour_means, translation_hits, unit_rows


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.sqrt(a @ a) / np.sqrt(b @ b))


def slow_csls(source: np.ndarray, target: np.ndarray, k: int) -> list[list[float]]:
    """2 cos(x, y) - r(x) - r(y), one pair at a time."""
    n = len(source)
    cosines = [[cosine(source[i], target[j]) for j in range(n)] for i in range(n)]
    of_source = [sum(sorted(cosines[i], reverse=True)[:k]) / min(k, n) for i in range(n)]
    of_target = [sum(sorted((row[j] for row in cosines), reverse=True)[:k]) / min(k, n) for j in range(n)]
    return [[2 * cosines[i][j] - of_source[i] - of_target[j] for j in range(n)] for i in range(n)]


def slow_hits(scores: np.ndarray) -> np.ndarray:
    """Shares of ties, for scores that are whole numbers or far apart."""
    gold = np.diag(scores)
    shares = []
    for rows in (scores, scores.T):
        best = rows.max(axis=1)
        shares.append(np.where(gold == best, 1 / (rows == best[:, None]).sum(axis=1), 0.0))
    return np.array(shares)


def noisy(n: int, dimensions: int = 12, noise: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(n, dimensions)).astype(np.float32)
    # One direction is added to half of the targets, so that there are hubs and CSLS finds others than the cosine.
    hub = (rng.random((n, 1)) < 0.5) * rng.normal(size=dimensions)
    return source, (source + noise * rng.normal(size=(n, dimensions)) + hub).astype(np.float32)


@pytest.mark.parametrize("k", [1, 3, 10, 80])
def test_csls_equals_the_slow_definition(k):
    source, target = noisy(50)
    scores = slow_csls(source, target, k)
    forward = [float(max(range(50), key=lambda j, i=i: scores[i][j]) == i) for i in range(50)]
    backward = [float(max(range(50), key=lambda i, j=j: scores[i][j]) == j) for j in range(50)]
    hits = translation_hits(source, target, "csls", k, block=16)
    assert hits.tolist() == [forward, backward]
    assert 0 < np.mean(hits) < 1


def test_csls_is_not_the_cosine_but_better_where_there_are_hubs():
    source, target = noisy(400, 24, 1.3)
    by_cosine, by_csls = (precision_at_1(source, target, similarity=name) for name in ("cosine", "csls"))
    assert by_csls.mean > by_cosine.mean + 1


@pytest.mark.parametrize("similarity", ["cosine", "csls"])
@pytest.mark.parametrize("block", [1, 7, 64, 200, 1024])
def test_blocks_give_what_the_whole_gives(similarity, block):
    source, target = noisy(120)
    whole = translation_hits(source, target, similarity, block=120)
    np.testing.assert_array_equal(translation_hits(source, target, similarity, block=block), whole)


def test_means_of_the_nearest_are_those_of_a_sort():
    source, target = (unit_rows(side, "x") for side in noisy(70))
    cosines = source @ target.T
    expected = np.stack([np.sort(side, axis=1)[:, -10:].mean(axis=1) for side in (cosines, cosines.T)])
    np.testing.assert_allclose(neighbour_means(source, target, 10, block=16), expected, atol=1e-12)
    np.testing.assert_allclose(neighbour_means(source, target, 500)[0], cosines.mean(axis=1), atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 4), st.data())
def test_ties_share_whatever_the_block(n, block, data):
    """Vectors of a few directions, so that most texts are tied and cosines are exactly -1, 0 or 1."""
    axes = st.lists(st.integers(0, 3), min_size=n, max_size=n)
    directions = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], dtype=np.float32)
    source, target = (directions[data.draw(axes)] * np.float32(3) for _ in range(2))
    expected = slow_hits(np.rint(source @ target.T / 9))
    np.testing.assert_allclose(translation_hits(source, target, block=block), expected)


@pytest.mark.parametrize("similarity", ["cosine", "csls"])
def test_a_narrow_cone_is_told_apart_as_float64_does(similarity):
    """All cosines are above 0.999999, as of an untrained [CLS]: nearly every text needs the exact pass."""
    rng = np.random.default_rng(4)
    source = rng.normal(size=64) + 1e-3 * rng.normal(size=(150, 64))
    target = source + 1.5e-3 * rng.normal(size=(150, 64))
    units = unit_rows(source, "source"), unit_rows(target, "target")
    scores = units[0] @ units[1].T
    assert scores.min() > 0.99999
    if similarity == "csls":
        means = [np.sort(side, axis=1)[:, -10:].mean(axis=1) for side in (scores, scores.T)]
        scores = 2 * scores - means[0][:, None] - means[1]
    expected = [(side.argmax(axis=1) == np.arange(150)).astype(float) for side in (scores, scores.T)]
    hits = translation_hits(source, target, similarity, block=32)
    np.testing.assert_array_equal(hits, expected)
    assert 0.2 < hits.mean() < 0.99


def test_a_difference_below_float32_decides():
    """Cosines 1e-9 apart are equal to the float32 pass; the other one is nearer all the same."""
    source = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    near, nearer = 1e-4, 0.5e-4
    target = np.array([[1.0, near, 0.0], [1.0, nearer, 0.0]])
    assert translation_hits(source, target)[0].tolist() == [0.0, 0.5]
    assert translation_hits(source, target[::-1])[0].tolist() == [1.0, 0.5]


def test_identical_texts_give_100_and_equal_ones_their_chance():
    vectors = noisy(200)[0]
    for similarity in ("cosine", "csls"):
        assert precision_at_1(vectors, vectors, similarity=similarity).mean == 100
        assert precision_at_1(vectors[:1].repeat(8, 0), vectors[:1].repeat(8, 0), similarity=similarity).mean == 12.5


@pytest.mark.parametrize("similarity", ["cosine", "csls"])
def test_random_vectors_are_at_chance(similarity):
    rng = np.random.default_rng(1)
    found = [
        precision_at_1(rng.normal(size=(50, 8)), rng.normal(size=(50, 8)), similarity=similarity).mean
        for _ in range(60)
    ]
    assert np.mean(found) == pytest.approx(2.0, abs=0.6)


def test_memory_is_not_that_of_the_matrix():
    source, target = noisy(3000, 4)
    tracemalloc.start()
    try:
        translation_hits(source, target, "csls", block=256)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3000 * 3000 * 8 / 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block": 0}, "block must be at least 1, got 0"),
        ({"similarity": "dot"}, "similarity must be one of cosine, csls, got 'dot'"),
        ({"similarity": "csls", "neighbours": 0}, "neighbours must be at least 1, got 0"),
    ],
)
def test_wrong_options_are_errors(options, message):
    with pytest.raises(ValueError, match=message):
        translation_hits(np.ones((2, 2)), np.ones((2, 2)), **options)
