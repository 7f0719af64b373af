"""Cross-lingual alignment of an encoder: does a text's nearest neighbour in the other language say the same?

Sentences (XSA) or documents (XDA) of any number of languages: every text is encoded once, whatever pairs it is in.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from xlretrieval.data.parallel import ParallelTexts
from xlretrieval.data.progress import progress_bars, track
from xlretrieval.inference.encoder import Encoder
from xlretrieval.inference.layer_encoder import LayerEncoder, LongTexts, Pooling

from .nearest import Similarity, check_similarity, translation_hits


@dataclass(frozen=True)
class AlignmentResult:
    """Precision at 1 in percent.

    Args:
        forward: Source texts whose nearest target is their translation.
        backward: Target texts whose nearest source is their translation.
        mean: Of both.
        n: Number of pairs.
        hits: `(2, n)` in [0, 1]: the share of each source and each target text, for confidence intervals.
    """

    forward: float
    backward: float
    mean: float
    n: int
    hits: np.ndarray = field(repr=False, compare=False)


@dataclass(frozen=True)
class PairAlignment:
    """P@1 of one pair of languages.

    Attributes:
        texts: What was measured on.
        result: Of the layer in question.
        by_layer: Layer, counted from the embeddings -> P@1 from source to target and back, in percent.
        truncated: Distinct texts that were cut.
        split: Distinct texts that were split into windows.
        windows: Windows of those.
    """

    texts: ParallelTexts
    result: AlignmentResult
    by_layer: dict[int, tuple[float, float]]
    truncated: int
    split: int
    windows: int

    def as_dict(self) -> dict[str, object]:
        """For JSON: `name`, `languages`, `n`, `forward`, `backward`, `mean`, `truncated`, `dropped`, `by_layer`.

        `split_texts` and `windows` are there when texts were split.
        """
        result, texts = self.result, self.texts
        windows = {"split_texts": self.split, "windows": self.windows} if self.split else {}
        return {
            "name": texts.name,
            "languages": texts.languages,
            "n": result.n,
            "forward": result.forward,
            "backward": result.backward,
            "mean": result.mean,
            "truncated": self.truncated,
            "dropped": dict(texts.dropped),
            **windows,
            "by_layer": {str(layer): list(values) for layer, values in self.by_layer.items()},
        }


def precision_at_1(
    source: np.ndarray,
    target: np.ndarray,
    block: int = 1024,
    similarity: Similarity = "cosine",
    neighbours: int = 10,
) -> AlignmentResult:
    """P@1 in both directions, where row i of one side translates row i of the other.

    When the translation shares the highest similarity with others it counts 1 / (number of them): the chance to be
    drawn first. So an encoder that maps all texts to one vector gets 100/n, not 0 or 100 as the order of the rows
    would have it. Texts of distinct vectors that are the same on both sides get 100 by cosine; by CSLS a text among
    many near ones may still prefer one that stands alone. See `translation_hits`.

    Args:
        source: `(n, dimensions)`, of any scale. The cosine of a zero vector is 0.
        target: `(n, dimensions)`.
        block: Rows and columns compared at a time: memory is `block` x `block` similarities, never n x n.
        similarity: "cosine" or "csls".
        neighbours: k of CSLS.

    Returns:
        The precision in percent, per direction and their mean.

    Raises:
        ValueError: The shapes differ, there is no row, a value is not finite, or an option is out of range.
    """
    hits = translation_hits(source, target, similarity, neighbours, block)
    forward, backward = (float(value) for value in 100 * hits.mean(axis=1))
    return AlignmentResult(forward, backward, (forward + backward) / 2, len(source), hits)


def evaluate_pairs(
    encoder: LayerEncoder,
    pairs: Sequence[ParallelTexts],
    layer: int | None = None,
    similarity: Similarity = "cosine",
    neighbours: int = 10,
    batch_tokens: int | None = None,
    show_progress: bool | None = None,
) -> list[PairAlignment]:
    """P@1 of every pair and layer. Distinct texts of a language are encoded once, in one forward pass for all layers.

    So equal texts have equal vectors, whatever batch they would be in. Vectors of several layers lie in a temporary
    file: 13 layers of 15 x 10,000 texts and 768 dimensions take 6 GB there.

    Args:
        encoder: Gives the vectors.
        pairs: Aligned texts, of any number of languages.
        layer: Which of the encoder's layers `result` is of, counted from the embeddings; by default its first.
        similarity: "cosine" or "csls".
        neighbours: k of CSLS.
        batch_tokens: As for `LayerEncoder.encode`.
        show_progress: By default, only on a terminal.

    Returns:
        One result for each pair, in their order.

    Raises:
        ValueError: The encoder does not give the layer, or an option is out of range.
    """
    check_similarity(similarity, neighbours)
    layer = encoder.layers[0] if layer is None else layer
    if layer not in encoder.layers:
        raise ValueError(f"layer must be one of {encoder.layers}, which are encoded, got {layer}. Add it to them.")
    with _storage(len(encoder.layers) > 1) as folder:
        languages = {
            language: _Language.encode(
                encoder, texts, folder and folder / f"{number}.npy", batch_tokens, show_progress
            )
            for number, (language, texts) in enumerate(_distinct_texts(pairs).items())
        }
        with progress_bars() as bars:
            return [
                _compare(pair, languages, encoder.layers, layer, similarity, neighbours)
                for pair in track(bars, pairs, "comparing")
            ]


def _distinct_texts(pairs: Sequence[ParallelTexts]) -> dict[str, list[str]]:
    """Language -> its texts in all pairs, each once, in the order in which they come."""
    texts: dict[str, dict[str, None]] = {}
    for pair in pairs:
        for language, side in zip(pair.languages, (pair.source, pair.target), strict=True):
            texts.setdefault(language, {}).update(dict.fromkeys(side))
    return {language: list(found) for language, found in texts.items()}


@dataclass(frozen=True)
class _Language:
    """The distinct texts of a language, encoded.

    Attributes:
        rows: Text -> its row.
        vectors: `(layers, rows, hidden)`.
        cut: Whether the text was cut, `(rows,)`.
        windows: How many inputs it took, `(rows,)`.
    """

    rows: dict[str, int]
    vectors: np.ndarray
    cut: np.ndarray
    windows: np.ndarray

    @classmethod
    def encode(
        cls,
        encoder: LayerEncoder,
        texts: list[str],
        file: Path | None,
        batch_tokens: int | None,
        show_progress: bool | None,
    ) -> _Language:
        """Encodes texts; vectors are in `file` where one is given."""
        out = None
        if file:
            shape = len(encoder.layers), len(texts), encoder.model.config.hidden_size
            out = np.lib.format.open_memmap(file, "w+", np.float32, shape)
        vectors = encoder.encode(texts, batch_tokens, show_progress, out)
        return cls({text: row for row, text in enumerate(texts)}, vectors, encoder.cut, encoder.windows)


def _compare(
    pair: ParallelTexts,
    languages: dict[str, _Language],
    layers: Sequence[int],
    layer: int,
    similarity: Similarity,
    neighbours: int,
) -> PairAlignment:
    """P@1 of one pair, by every layer."""
    sides = [languages[language] for language in pair.languages]
    rows = [
        np.array([side.rows[text] for text in texts], dtype=np.int64)
        for side, texts in zip(sides, (pair.source, pair.target), strict=True)
    ]
    measured = {}
    for index, number in enumerate(layers):
        vectors = (side.vectors[index][own] for side, own in zip(sides, rows, strict=True))
        measured[number] = precision_at_1(*vectors, similarity=similarity, neighbours=neighbours)
    distinct = [np.unique(own) for own in rows]
    windows = np.concatenate([side.windows[own] for side, own in zip(sides, distinct, strict=True)])
    return PairAlignment(
        pair,
        measured[layer],
        {number: (measured[number].forward, measured[number].backward) for number in sorted(measured)},
        truncated=sum(int(side.cut[own].sum()) for side, own in zip(sides, distinct, strict=True)),
        split=int((windows > 1).sum()),
        windows=int(windows[windows > 1].sum()),
    )


@contextmanager
def _storage(on_disk: bool) -> Iterator[Path | None]:
    """A temporary folder, or None."""
    if not on_disk:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="alignment-") as folder:
        yield Path(folder)


def evaluate_alignment(
    encoder: Encoder,
    parallel_texts: ParallelTexts,
    pooling: Pooling = "mean",
    layer: int = -1,
    long: LongTexts = "truncate",
    max_length: int | None = None,
    **options: object,
) -> dict[str, object]:
    """Encodes one pair of aligned texts and measures P@1 of one layer.

    Args:
        encoder: The encoder.
        parallel_texts: The aligned texts.
        pooling: As for `LayerEncoder`, like the next three.
        layer: See there.
        long: See there.
        max_length: See there.
        **options: More for `evaluate_pairs`: `similarity`, `neighbours`, `batch_tokens`, `show_progress`.

    Returns:
        What `PairAlignment.as_dict` holds, and `hits` (`(2, n)` array).
    """
    layers = LayerEncoder(encoder, [layer], pooling, long, max_length)
    alignment = evaluate_pairs(layers, [parallel_texts], **options)[0]
    return {**alignment.as_dict(), "hits": alignment.result.hits}
