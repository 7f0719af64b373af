"""Vectors of several layers from one forward pass, of texts of any length: what the evaluation of alignment needs.

`Encoder` gives one layer of the beginning of a text. Here a long text can be the mean of its windows, every hidden
state can be had at the cost of one pass, and a text can be encoded the way pretraining encodes a query.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import torch
from tqdm.auto import tqdm

from xlretrieval.data.padding import leading_ones, pad_rows
from xlretrieval.data.templates import EncodedPair, EncodedText, pair_template, text_template
from xlretrieval.data.tokenization import token_ids, tokenize

from .batching import TOKENIZE_CHUNK, default_batch_tokens, evaluating, input_limit, token_batches
from .encoder import Encoder
from .passages import passage_starts

Pooling = Literal["mean", "cls", "query"]
LongTexts = Literal["truncate", "windows"]


class LayerEncoder:
    """Turns texts into vectors, one for each of the layers.

    Poolings are "mean", of the token vectors with the special tokens; "cls", the first; and "query", which encodes a
    text as pretraining encodes a query: as the query of a pair whose document is empty, all of its tokens global in a
    long encoder, and takes the mean of its tokens without the special ones. Those are the vectors that query language
    modelling trains to carry the words of the other language.

    Args:
        encoder: The model and its tokenizer.
        layers: Hidden states: 0 is the embeddings, -1 the last layer.
        pooling: As above.
        long: What becomes of a text that is longer than the input: "truncate" cuts it, "windows" takes the mean of
            the vectors of its windows. These follow each other without a gap; the last one ends with the text and
            overlaps, so that all are whole.
        max_length: Tokens of an input, special ones included; by default what model and tokenizer take.

    Attributes:
        layers: The layers, counted from the embeddings, each once: -1 and 12 may be the same.
        cut: Of each text of the last `encode`, whether it was cut, `(texts,)`.
        windows: Of each text of the last `encode`, how many inputs it took, `(texts,)`; 1 when it was not split.

    Raises:
        ValueError: An option is unknown, or the model has no such layer or length; "query" with a tokenizer that has
            no separator.

    Example:
        >>> layers = LayerEncoder(Encoder.from_pretrained("bert-base-multilingual-uncased"), layers=range(13))
        >>> layers.encode(["Wo ist der Bahnhof?", "Where is the station?"]).shape  # doctest: +SKIP
        (13, 2, 768)
    """

    def __init__(
        self,
        encoder: Encoder,
        layers: Sequence[int] = (-1,),
        pooling: Pooling = "mean",
        long: LongTexts = "truncate",
        max_length: int | None = None,
    ):
        for name, value, kind in (("pooling", pooling, Pooling), ("long", long, LongTexts)):
            if value not in get_args(kind):
                raise ValueError(f"{name} must be one of {', '.join(get_args(kind))}, got {value!r}. Choose one.")
        self.model, self.tokenizer = encoder.model, encoder.tokenizer
        self.pooling, self.long = pooling, long
        self.layers = tuple(dict.fromkeys(self._index(layer) for layer in layers))
        self.limit = input_limit(self.model, self.tokenizer, max_length)
        self._frame = pair_template(self.tokenizer) if pooling == "query" else text_template(self.tokenizer)
        self._room = self.limit - self._frame.specials
        if self._room < 1:
            raise ValueError(
                f"max_length must leave room for a text beside {self._frame.specials} special tokens, got "
                f"{self.limit}. Raise it."
            )
        self.cut, self.windows = np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64)

    def encode(
        self,
        texts: Sequence[str],
        batch_tokens: int | None = None,
        show_progress: bool | None = None,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Encodes texts; the result does not depend on their order, nor beyond rounding on the batches.

        Args:
            texts: The texts.
            batch_tokens: Most tokens in a batch, padding included; by default 2,048 on a CPU and 131,072 elsewhere.
            show_progress: By default, only on a terminal.
            out: Zeros to write into, such as a memory-mapped file: 10,000 texts and 13 layers of 768 take 400 MB.

        Returns:
            `(layers, texts, hidden)`, float32, not scaled.
        """
        rows, owners = self._rows(texts)
        shape = len(self.layers), len(texts), self.model.config.hidden_size
        vectors = np.zeros(shape, dtype=np.float32) if out is None else out
        budget = default_batch_tokens(self.model.device) if batch_tokens is None else batch_tokens
        batches = token_batches([len(row.ids) for row in rows], budget)
        disable = None if show_progress is None else not show_progress
        with evaluating(self.model), tqdm(total=len(rows), desc="encode", unit="text", disable=disable) as progress:
            for batch in batches:
                places = owners[batch]
                pooled = self._embed([rows[row] for row in batch])
                for layer, values in enumerate(pooled):
                    # A batch may hold several windows of a text; a plain += would keep one of them.
                    np.add.at(vectors[layer], places, values / self.windows[places, None].astype(np.float32))
                progress.update(len(batch))
        return vectors

    def _index(self, layer: int) -> int:
        """The layer counted from the embeddings."""
        last = self.model.config.num_hidden_layers
        if not -last - 1 <= layer <= last:
            raise ValueError(
                f"layer must be between {-last - 1} and {last}, got {layer}. This model has {last} layers; 0 is the "
                "embeddings."
            )
        return layer % (last + 1)

    def _rows(self, texts: Sequence[str]) -> tuple[list[EncodedText], np.ndarray]:
        """Inputs, and the text that each is of; counts what was cut and split."""
        rows: list[EncodedText] = []
        owners: list[int] = []
        self.cut, self.windows = np.zeros(len(texts), dtype=bool), np.ones(len(texts), dtype=np.int64)
        for start in range(0, len(texts), TOKENIZE_CHUNK):
            chunk = list(texts[start : start + TOKENIZE_CHUNK])
            if self.long == "windows":
                tokenized = token_ids(self.tokenizer, chunk)
            else:
                tokenized = tokenize(self.tokenizer, chunk, [self._room] * len(chunk))
            for number, ids in enumerate(tokenized, start=start):
                starts = passage_starts(len(ids), self._room, self._room) if self.long == "windows" else [0]
                self.cut[number] = self.long == "truncate" and len(ids) > self._room
                self.windows[number] = len(starts)
                rows += [self._framed(ids[place : place + self._room]) for place in starts]
                owners += [number] * len(starts)
        return rows, np.array(owners, dtype=np.int64)

    def _framed(self, ids: list[int]) -> EncodedText:
        if self.pooling == "query":
            return self._frame.join(ids, [], self.limit, self._room)
        return self._frame.frame(ids, self.limit)

    def _embed(self, rows: list[EncodedText] | list[EncodedPair]) -> list[np.ndarray]:
        """Vectors of one batch, `(rows, hidden)` of every layer."""
        inputs = dict(pad_rows(self.tokenizer, rows, self.limit))
        length = inputs["input_ids"].shape[1]
        weights = inputs["attention_mask"]
        if self.pooling == "cls":
            weights = leading_ones([1] * len(rows), length)
        elif self.pooling == "query":
            # A text of which the tokenizer keeps nothing is its first special token.
            ends = leading_ones([max(row.query.stop, row.query.start + 1) for row in rows], length)
            weights = ends - leading_ones([row.query.start for row in rows], length)
            if self.model.config.model_type == "bert-long":
                inputs["global_attention_mask"] = leading_ones([row.number_of_global for row in rows], length)
        inputs = {name: values.to(self.model.device) for name, values in inputs.items()}
        last = self.model.config.num_hidden_layers
        outputs = self.model(**inputs, output_hidden_states=any(layer != last for layer in self.layers))
        weights = weights.to(self.model.device, torch.float32)
        # Not hidden_states[-1] of the last layer: some models norm it once more.
        states = [
            outputs.last_hidden_state if layer == last else outputs.hidden_states[layer] for layer in self.layers
        ]
        counts = weights.sum(1, keepdim=True)
        return [((state.float() * weights[..., None]).sum(1) / counts).cpu().numpy() for state in states]
