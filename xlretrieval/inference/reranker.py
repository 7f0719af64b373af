"""Relevance scores of query-document pairs, and rankings by them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch
from tqdm.auto import tqdm
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerBase

from .batching import Features, evaluating, input_limit, pad_batch, token_batches
from .loading import load_for_inference

logger = logging.getLogger(__name__)

# Pairs tokenized at a time: the tokenizer's result keeps some 200 bytes a token, of which we keep the id.
TOKENIZE_CHUNK = 1024


def encode_pairs(
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[tuple[str, str]],
    max_query_length: int,
    max_length: int,
) -> tuple[list[Features], int, int]:
    """Token ids of pairs: the query is cut to its own cap only, the document to what is left.

    Args:
        tokenizer: Of the model.
        pairs: (query, document).
        max_query_length: Most tokens of a query, special ones not counted.
        max_length: Most tokens of a pair, special ones included.

    Returns:
        `input_ids` and perhaps `token_type_ids` of each pair, and how many queries and documents were cut.
    """
    room = max_length - tokenizer.num_special_tokens_to_add(pair=True)
    # Longer than the model takes is fine here, hence verbose=False: the cut comes below.
    queries, documents = (
        tokenizer(list(texts), add_special_tokens=False, verbose=False) for texts in zip(*pairs, strict=True)
    )
    rows: list[Features] = []
    cut_queries = cut_documents = 0
    for index in range(len(pairs)):
        query_length, document_length = (len(side["input_ids"][index]) for side in (queries, documents))
        kept_query = min(query_length, max_query_length)
        kept_document = min(document_length, room - kept_query)
        cut_queries += kept_query < query_length
        cut_documents += kept_document < document_length
        if tokenizer.is_fast:
            query, document = queries.encodings[index], documents.encodings[index]
            query.truncate(kept_query)
            document.truncate(kept_document)
            pair = tokenizer.backend_tokenizer.post_process(query, document)
            row = {"input_ids": pair.ids, "token_type_ids": pair.type_ids}
        else:
            query_ids, document_ids = queries["input_ids"][index], documents["input_ids"][index]
            row = tokenizer.prepare_for_model(query_ids[:kept_query], document_ids[:kept_document], verbose=False)
        rows.append({name: row[name] for name in ("input_ids", "token_type_ids") if name in _inputs(tokenizer)})
    return rows, cut_queries, cut_documents


def _inputs(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    return tokenizer.model_input_names


class Reranker:
    """Scores how relevant documents are to a query, in whatever languages they are.

    Args:
        model: A model for sequence classification with one logit; higher is more relevant.
        tokenizer: Its tokenizer.
        max_query_length: Most tokens of a query. A long document never takes room from the query.
        max_length: Most tokens of a pair, special ones included; by default what model and tokenizer take.

    Attributes:
        truncated: How many documents of the last `score` were cut.
        truncated_queries: How many queries of the last `score` were cut.

    Raises:
        ValueError: The model has another number of logits, or `max_length` leaves no room for a document.

    Example:
        >>> reranker = Reranker.from_pretrained("my-reranker")  # doctest: +SKIP
        >>> reranker.rank("capital of France", ["Berlin ist ...", "Paris ist die Hauptstadt ..."])  # doctest: +SKIP
        [(1, 3.2), (0, -4.1)]
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        max_query_length: int = 64,
        max_length: int | None = None,
    ):
        if model.config.num_labels != 1:
            raise ValueError(
                f"A reranker must have one logit, got {model.config.num_labels} labels. Convert the checkpoint: with "
                "two labels, weight and bias of the one logit are those of label 1 minus those of label 0."
            )
        self.model = model
        self.tokenizer = tokenizer
        self.max_query_length = max_query_length
        self.max_length = input_limit(model, tokenizer, max_length)
        room = self.max_length - tokenizer.num_special_tokens_to_add(pair=True)
        if not 1 <= max_query_length < room:
            raise ValueError(
                f"max_query_length must be between 1 and {room - 1}, to leave room for the document in "
                f"{self.max_length} tokens, got {max_query_length}. Lower it, or raise max_length."
            )
        self.truncated = self.truncated_queries = 0

    @classmethod
    def from_pretrained(
        cls,
        name: str,
        dtype: torch.dtype | str | None = None,
        device: torch.device | str | None = None,
        max_query_length: int = 64,
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

        Args:
            pairs: (query, document).
            batch_tokens: Most tokens in a batch, padding included.
            show_progress: By default, only on a terminal.

        Returns:
            Logits, `(pairs,)`, float32; higher is more relevant.

        Raises:
            ValueError: A score is not finite.
        """
        rows = self._tokenize(pairs)
        scores = np.zeros(len(rows), dtype=np.float32)
        disable = None if show_progress is None else not show_progress
        with evaluating(self.model), tqdm(total=len(rows), desc="score", unit="pair", disable=disable) as progress:
            for batch in token_batches([len(row["input_ids"]) for row in rows], batch_tokens):
                inputs = pad_batch([rows[row] for row in batch], self.tokenizer, self.max_length, self.model.device)
                scores[batch] = self.model(**inputs).logits[:, 0].float().cpu().numpy()
                progress.update(len(batch))
        if not np.isfinite(scores).all():
            raise ValueError(
                f"Scores must be finite, got {scores[~np.isfinite(scores)][0]} for pair "
                f"{int(np.flatnonzero(~np.isfinite(scores))[0])}. Load the model with dtype=torch.float32."
            )
        return scores

    def _tokenize(self, pairs: Sequence[tuple[str, str]]) -> list[Features]:
        """Token ids of each pair; counts and logs what was cut."""
        rows: list[Features] = []
        self.truncated = self.truncated_queries = 0
        for start in range(0, len(pairs), TOKENIZE_CHUNK):
            chunk = pairs[start : start + TOKENIZE_CHUNK]
            encoded, queries, documents = encode_pairs(self.tokenizer, chunk, self.max_query_length, self.max_length)
            rows.extend(encoded)
            self.truncated_queries += queries
            self.truncated += documents
        if self.truncated or self.truncated_queries:
            logger.warning(
                "%d documents and %d queries of %d pairs were cut (%d tokens a pair, %d a query)",
                self.truncated,
                self.truncated_queries,
                len(pairs),
                self.max_length,
                self.max_query_length,
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
