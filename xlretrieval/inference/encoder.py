"""Embeddings of texts, from any encoder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from tqdm.auto import tqdm
from transformers import AutoModel, PreTrainedModel, PreTrainedTokenizerBase

from xlretrieval.data.padding import pad_rows
from xlretrieval.data.templates import EncodedText, text_template
from xlretrieval.data.tokenization import tokenize

from .batching import TOKENIZE_CHUNK, default_batch_tokens, evaluating, input_limit, token_batches
from .loading import load_for_inference

logger = logging.getLogger(__name__)


class Encoder:
    """Turns texts into vectors.

    Works for every encoder that `AutoModel` loads: BERT, XLM-R, ModernBERT, our long ones; heads are left out.

    Args:
        model: The encoder, without a head.
        tokenizer: Its tokenizer.

    Attributes:
        truncated: How many texts of the last `encode` were longer than the model takes.

    Example:
        >>> encoder = Encoder.from_pretrained("bert-base-multilingual-uncased")
        >>> vectors = encoder.encode(["Wo ist der Bahnhof?", "Where is the station?"])
        >>> vectors.shape, float(vectors[0] @ vectors[1])  # doctest: +SKIP
        ((2, 768), 0.81)
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase):
        self.model = model
        self.tokenizer = tokenizer
        self.truncated = 0

    @classmethod
    def from_pretrained(
        cls,
        name_or_dir: str,
        dtype: torch.dtype | str | None = None,
        device: torch.device | str | None = None,
    ) -> Encoder:
        """Loads a checkpoint, with or without a head.

        Args:
            name_or_dir: Folder or name on the Hub.
            dtype: Of the weights; by default as they are in the checkpoint.
            device: By default CUDA where there is one, else the CPU.

        Raises:
            ValueError: The checkpoint lacks weights of the encoder, so vectors would be random.
            OSError: No such checkpoint.
        """
        model, tokenizer, missing = load_for_inference(AutoModel, str(name_or_dir), dtype, device)
        # Vectors are made of hidden states, so a checkpoint may lack the pooler (masked LM checkpoints do).
        missing = [name for name in missing if not name.startswith("pooler.")]
        if missing:
            raise ValueError(
                f"Checkpoint {name_or_dir} must hold all weights of {type(model).__name__}, got none for "
                f"{', '.join(missing[:5])}{' ...' if len(missing) > 5 else ''}. Check `model_type` in its config.json."
            )
        return cls(model, tokenizer)

    def encode(
        self,
        texts: Sequence[str],
        pooling: Literal["mean", "cls"] = "mean",
        layer: int = -1,
        max_length: int | None = None,
        batch_tokens: int | None = None,
        normalize: bool = True,
        show_progress: bool | None = None,
    ) -> np.ndarray:
        """Encodes texts; the result does not depend on their order or on the batches.

        Special tokens that a text spells out, such as "[SEP]", are text.

        Args:
            texts: The texts.
            pooling: `"mean"` of the token vectors, special tokens included and padding not, or `"cls"`: the first.
            layer: Index into the hidden states: 0 is the embeddings, -1 the last layer. In multilingual BERT, middle
                layers (7 or 8 of 12) align languages better than the last.
            max_length: Tokens per text, special ones included; by default what model and tokenizer take. What is
                beyond is cut, counted in `truncated` and logged.
            batch_tokens: Most tokens in a batch, padding included; by default 2,048 on a CPU and 131,072 elsewhere.
            normalize: Whether to scale the vectors to length 1, so that a dot product is the cosine.
            show_progress: By default, only on a terminal.

        Returns:
            `(texts, hidden)`, float32.

        Raises:
            ValueError: An unknown pooling, a layer or a length that the model does not have, or a single string.
        """
        if isinstance(texts, str):
            raise ValueError(f"texts must be a sequence of strings, got the string {texts[:40]!r}. Put it in a list.")
        if pooling not in ("mean", "cls"):
            raise ValueError(f"pooling must be 'mean' or 'cls', got {pooling!r}. Choose one of them.")
        layer = self._last_or_index(layer)
        limit = input_limit(self.model, self.tokenizer, max_length)
        rows = self._encode_rows(texts, limit)
        vectors = np.zeros((len(texts), self.model.config.hidden_size), dtype=np.float32)
        budget = default_batch_tokens(self.model.device) if batch_tokens is None else batch_tokens
        batches = token_batches([len(row.ids) for row in rows], budget)
        disable = None if show_progress is None else not show_progress
        with evaluating(self.model), tqdm(total=len(rows), desc="encode", unit="text", disable=disable) as progress:
            for batch in batches:
                inputs = pad_rows(self.tokenizer, [rows[row] for row in batch], limit)
                inputs = {name: values.to(self.model.device) for name, values in inputs.items()}
                vectors[batch] = self._embed(inputs, pooling, layer).cpu().numpy()
                progress.update(len(batch))
        if normalize:
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors

    def _last_or_index(self, layer: int) -> int:
        """-1 for the last layer under any of its two names, else the index counted from the embeddings."""
        layers = self.model.config.num_hidden_layers
        if not -layers - 1 <= layer <= layers:
            raise ValueError(
                f"layer must be between {-layers - 1} and {layers}, got {layer}. This model has {layers} layers; "
                "0 is the embeddings."
            )
        return -1 if layer in (-1, layers) else layer % (layers + 1)

    def _encode_rows(self, texts: Sequence[str], limit: int) -> list[EncodedText]:
        """Rows of the texts, each cut to `limit` tokens; counts and logs what was cut."""
        template = text_template(self.tokenizer)
        template.check_length(limit)
        rows: list[EncodedText] = []
        for start in range(0, len(texts), TOKENIZE_CHUNK):
            chunk = texts[start : start + TOKENIZE_CHUNK]
            ids = tokenize(self.tokenizer, chunk, [limit - template.specials] * len(chunk))
            rows += [template.frame(row, limit) for row in ids]
        self.truncated = sum(row.truncated for row in rows)
        if self.truncated:
            logger.warning("%d of %d texts were cut to %d tokens", self.truncated, len(texts), limit)
        return rows

    def _embed(self, inputs: dict[str, torch.Tensor], pooling: str, layer: int) -> torch.Tensor:
        """Vectors of one batch, `(rows, hidden)`, float32. Other layers than the last cost the memory of all."""
        outputs = self.model(**inputs, output_hidden_states=layer != -1)
        states = outputs.last_hidden_state if layer == -1 else outputs.hidden_states[layer]
        states = states.float()
        if pooling == "cls":
            return states[:, 0]
        mask = inputs["attention_mask"][..., None].to(states.dtype)
        return (states * mask).sum(1) / mask.sum(1)
