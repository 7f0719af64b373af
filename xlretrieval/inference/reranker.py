"""Relevance scores of query-document pairs, and rankings by them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch
from tqdm.auto import tqdm
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerBase

from xlretrieval.data.pairs import PairCollator
from xlretrieval.data.templates import EncodedPair

from .batching import TOKENIZE_CHUNK, evaluating, input_limit, token_batches
from .loading import load_for_inference

logger = logging.getLogger(__name__)

QUERY_TOKENS = 64  # the cap of pretraining


class Reranker:
    """Scores how relevant documents are to a query, in whatever languages they are.

    Args:
        model: A model for sequence classification with one logit; higher is more relevant.
        tokenizer: Its tokenizer.
        max_query_length: Most tokens of a query. A long document never takes room from the query. By default 64, or
            half of `max_length` where that is less.
        max_length: Most tokens of a pair, special ones included; by default what model and tokenizer take.

    Attributes:
        collator: How pairs are encoded.
        truncated: How many documents of the last `score` were cut.
        truncated_queries: How many queries of the last `score` were cut.

    Raises:
        ValueError: The model has another number of logits, `max_length` leaves no room for a document, or the
            tokenizer puts no separator between two texts.

    Example:
        >>> reranker = Reranker.from_pretrained("my-reranker")  # doctest: +SKIP
        >>> reranker.rank("capital of France", ["Berlin ist ...", "Paris ist die Hauptstadt ..."])  # doctest: +SKIP
        [(1, 3.2), (0, -4.1)]
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        max_query_length: int | None = None,
        max_length: int | None = None,
    ):
        if model.config.num_labels != 1:
            raise ValueError(
                f"A reranker must have one logit, got {model.config.num_labels} labels. Convert the checkpoint: with "
                "two labels, weight and bias of the one logit are those of label 1 minus those of label 0."
            )
        self.model = model
        limit = input_limit(model, tokenizer, max_length)
        # As in training: native encoders know no global attention.
        self.collator = PairCollator(
            tokenizer,
            limit,
            min(QUERY_TOKENS, limit // 2) if max_query_length is None else max_query_length,
            global_attention=model.config.model_type == "bert-long",
        )
        self.truncated = self.truncated_queries = 0

    @classmethod
    def from_pretrained(
        cls,
        name: str,
        dtype: torch.dtype | str | None = None,
        device: torch.device | str | None = None,
        max_query_length: int | None = None,
        max_length: int | None = None,
    ) -> Reranker:
        """Loads a checkpoint that has a trained relevance head.

        Args:
            name: Folder or name on the Hub.
            dtype: Of the weights; by default as they are in the checkpoint.
            device: By default CUDA where there is one, else the CPU.
            max_query_length: As for the class.
            max_length: As for the class.

        Raises:
            ValueError: The checkpoint has no relevance head (scores would be random), or more than one logit.
            OSError: No such checkpoint.
        """
        model, tokenizer, missing = load_for_inference(AutoModelForSequenceClassification, str(name), dtype, device)
        if missing:
            raise ValueError(
                f"Checkpoint {name} must have a trained relevance head, got none for {', '.join(missing[:5])}. "
                "Fine-tune it first, or compare embeddings (Encoder; `--scorer embedding`)."
            )
        return cls(model, tokenizer, max_query_length, max_length)

    def score(
        self,
        pairs: Sequence[tuple[str, str]],
        batch_tokens: int = 16384,
        show_progress: bool | None = None,
    ) -> np.ndarray:
        """Scores pairs; the result does not depend on their order or on the batches.

        Pairs are encoded as in training, see `PairCollator`; special tokens that a text spells out are text.

        Args:
            pairs: (query, document).
            batch_tokens: Most tokens in a batch, padding included.
            show_progress: By default, only on a terminal.

        Returns:
            Logits, `(pairs,)`, float32; higher is more relevant.

        Raises:
            ValueError: A score is not finite.
        """
        return self.score_rows(self._encode(pairs), batch_tokens, show_progress)

    def score_rows(
        self, rows: Sequence[EncodedPair], batch_tokens: int = 16384, show_progress: bool | None = None
    ) -> np.ndarray:
        """Scores pairs that are encoded already, for callers that cut texts in their own way: see `collator.template`.

        Args:
            rows: The pairs.
            batch_tokens: As for `score`.
            show_progress: As for `score`.

        Returns:
            Logits, `(rows,)`, float32.

        Raises:
            ValueError: A score is not finite.
        """
        scores = np.zeros(len(rows), dtype=np.float32)
        disable = None if show_progress is None else not show_progress
        with evaluating(self.model), tqdm(total=len(rows), desc="score", unit="pair", disable=disable) as progress:
            for batch in token_batches([len(row.ids) for row in rows], batch_tokens):
                inputs = self.collator.pad([rows[row] for row in batch])
                inputs = {name: values.to(self.model.device) for name, values in inputs.items()}
                scores[batch] = self.model(**inputs).logits[:, 0].float().cpu().numpy()
                progress.update(len(batch))
        if not np.isfinite(scores).all():
            raise ValueError(
                f"Scores must be finite, got {scores[~np.isfinite(scores)][0]} for pair "
                f"{int(np.flatnonzero(~np.isfinite(scores))[0])}. Load the model with dtype=torch.float32."
            )
        return scores

    def _encode(self, pairs: Sequence[tuple[str, str]]) -> list[EncodedPair]:
        """Rows of the pairs; counts and logs what was cut."""
        rows: list[EncodedPair] = []
        for start in range(0, len(pairs), TOKENIZE_CHUNK):
            rows += self.collator.encode(*zip(*pairs[start : start + TOKENIZE_CHUNK], strict=True))
        self.truncated = sum(row.truncated for row in rows)
        self.truncated_queries = sum(row.truncated_query for row in rows)
        if self.truncated or self.truncated_queries:
            logger.warning(
                "%d documents and %d queries of %d pairs were cut (%d tokens a pair, %d a query)",
                self.truncated,
                self.truncated_queries,
                len(pairs),
                self.collator.max_length,
                self.collator.max_query_length,
            )
        return rows

    def rank(self, query: str, documents: Sequence[str], top_k: int | None = None) -> list[tuple[int, float]]:
        """Ranks documents for one query.

        Args:
            query: The query.
            documents: The documents.
            top_k: How many to return; all by default.

        Returns:
            (index into `documents`, score), the best first; of equal scores, the earlier document.
        """
        scores = self.score([(query, document) for document in documents])
        order = np.argsort(-scores, kind="stable")[:top_k]
        return [(int(index), float(scores[index])) for index in order]
