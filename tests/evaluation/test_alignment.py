from types import SimpleNamespace

import numpy as np
import pytest

from xlretrieval.data.parallel import ParallelTexts
from xlretrieval.evaluation.alignment import evaluate_alignment, evaluate_pairs, precision_at_1
from xlretrieval.inference.encoder import Encoder


def naive(source: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """The definition, one text at a time, for vectors without ties."""

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / np.sqrt(a @ a) / np.sqrt(b @ b))

    n = len(source)
    forward = sum(max(range(n), key=lambda j: cosine(source[i], target[j])) == i for i in range(n))
    backward = sum(max(range(n), key=lambda i: cosine(source[i], target[j])) == j for j in range(n))
    return 100 * forward / n, 100 * backward / n


def noisy_pairs(n: int = 60, noise: float = 1.2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    source = rng.normal(size=(n, 16)).astype(np.float32)
    # Lengths vary by a factor of 100: a dot product would find other neighbours than the cosine.
    target = (source + noise * rng.normal(size=(n, 16))) * rng.uniform(0.1, 10, (n, 1))
    return source, target.astype(np.float32)


def test_equals_the_definition():
    source, target = noisy_pairs()
    result = precision_at_1(source, target)
    assert (result.forward, result.backward) == pytest.approx(naive(source, target))
    assert 0 < result.backward < result.forward < 100
    assert result.mean == pytest.approx((result.forward + result.backward) / 2)
    assert result.n == 60 and result.hits.shape == (2, 60)
    assert 100 * result.hits.mean(axis=1) == pytest.approx([result.forward, result.backward])


@pytest.mark.parametrize("block", [1, 7, 60, 1024])
def test_blocks_change_nothing(block):
    source, target = noisy_pairs()
    assert precision_at_1(source, target, block=block) == precision_at_1(source, target, block=13)


def test_random_vectors_are_at_chance():
    rng = np.random.default_rng(1)
    found = [precision_at_1(rng.normal(size=(50, 8)), rng.normal(size=(50, 8))).mean for _ in range(40)]
    assert np.mean(found) == pytest.approx(2.0, abs=0.7)


@pytest.mark.parametrize("n", [3, 97, 1025])
def test_one_vector_for_all_texts_gives_the_chance_of_a_draw(n):
    vector = np.random.default_rng(2).normal(size=768).astype(np.float32)
    result = precision_at_1(np.tile(vector, (n, 1)), np.tile(3 * vector, (n, 1)))
    assert (result.forward, result.backward) == pytest.approx((100 / n, 100 / n))


def test_zero_vectors_are_ties_too():
    assert precision_at_1(np.zeros((4, 3)), np.zeros((4, 3))).mean == 25


@pytest.mark.parametrize("scale", [1e-20, 1e-3, 1, 1e18])
def test_identical_distinct_vectors_give_100(scale):
    # As narrow a cone as an untrained [CLS] fills: cosines above 0.999999.
    rng = np.random.default_rng(3)
    vectors = ((rng.normal(size=768) + 1e-3 * rng.normal(size=(300, 768))) * scale).astype(np.float32)
    result = precision_at_1(vectors, vectors.copy(), block=64)
    assert (result.forward, result.backward) == (100, 100)


def test_a_tie_counts_its_share():
    source = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    target = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    result = precision_at_1(source, target)
    # Each source text sees three equal targets. Targets 0 and 2 share source rows 0 and 2; target 1 has two nearer.
    assert result.hits.tolist() == [[pytest.approx(1 / 3)] * 3, [0.5, 0.0, 0.5]]


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (np.ones((2, 3)), np.ones((3, 3)), r"same shape .* got \(2, 3\) and \(3, 3\)"),
        (np.ones((0, 3)), np.ones((0, 3)), "at least one row"),
        (np.ones((2, 2)), np.array([[1, 1], [1, np.nan]]), "target vectors must be finite, .* in row 1"),
    ],
)
def test_wrong_vectors_are_errors(source, target, message):
    with pytest.raises(ValueError, match=message):
        precision_at_1(source, target)


class LetterEncoder:
    """Counts letters in layer 2, and their squares in layer 0; remembers what it was asked."""

    layers = (2, 0)
    model = SimpleNamespace(config=SimpleNamespace(hidden_size=3))

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def encode(self, texts: list[str], batch_tokens: int, show_progress: bool | None, out: np.ndarray) -> np.ndarray:
        self.calls.append(list(texts))
        self.cut = np.array([len(text) > 4 for text in texts])
        self.windows = np.array([max(1, len(text) // 2) for text in texts])
        counts = np.array([[text.count(letter) for letter in "abc"] for text in texts], dtype=np.float32)
        assert out.shape == (2, len(texts), 3)
        out[:] = counts, counts**2
        return out


def test_every_language_is_encoded_once_whatever_pairs_it_is_in():
    pairs = [
        ParallelTexts(("xx", "yy"), ["aab", "c", "aab"], ["AAaab", "ccc", "bb"], "toy xx-yy", {"empty": 3}),
        ParallelTexts(("yy", "zz"), ["ccc", "a"], ["c", "ab"], "toy yy-zz"),
        ParallelTexts(("zz", "xx"), ["ab"], ["aab"], "toy zz-xx"),
    ]
    encoder = LetterEncoder()
    first, second, third = evaluate_pairs(encoder, pairs)
    assert encoder.calls == [["aab", "c"], ["AAaab", "ccc", "bb", "a"], ["c", "ab"]]
    # "aab" stands twice: it finds "AAaab", which is the translation of the first one only, and is found as one of two.
    assert first.result.hits.tolist() == [[1.0, 1.0, 0.0], [0.5, 1.0, 0.5]]
    assert first.as_dict() == {
        "name": "toy xx-yy",
        "languages": ("xx", "yy"),
        "n": 3,
        "forward": pytest.approx(200 / 3),
        "backward": pytest.approx(200 / 3),
        "mean": pytest.approx(200 / 3),
        "truncated": 1,
        "dropped": {"empty": 3},
        "split_texts": 1,
        "windows": 2,
        "by_layer": {"0": [pytest.approx(200 / 3)] * 2, "2": [pytest.approx(200 / 3)] * 2},
    }
    assert (second.texts.name, second.result.mean, second.truncated, second.split) == ("toy yy-zz", 100, 0, 0)
    assert third.result.n == 1
    with pytest.raises(ValueError, match=r"layer must be one of \(2, 0\), which are encoded, got 1"):
        evaluate_pairs(encoder, pairs, layer=1)


def test_one_pair_of_a_real_encoder(tiny_checkpoint):
    encoder = Encoder.from_pretrained(str(tiny_checkpoint("BertModel")), device="cpu")
    words = ["stadt", "fluss", "berg", "haus"]
    texts = ParallelTexts(("de", "en"), words, words, "same", {"empty": 1})
    result = evaluate_alignment(encoder, texts, pooling="cls", layer=1, show_progress=False)
    hits = result.pop("hits")
    assert hits.tolist() == [[1.0] * 4] * 2
    assert result == {
        "name": "same",
        "languages": ("de", "en"),
        "n": 4,
        "forward": 100,
        "backward": 100,
        "mean": 100,
        "truncated": 0,
        "dropped": {"empty": 1},
        "by_layer": {"1": [100, 100]},
    }
    turned = ParallelTexts(("de", "en"), words, words[1:] + words[:1], "turned")
    assert evaluate_alignment(encoder, turned, show_progress=False)["mean"] == 0
