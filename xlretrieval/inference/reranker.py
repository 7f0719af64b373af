"""Relevance scores of query-document pairs, and rankings by them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerBase

from xlretrieval.data.pairs import PairCollator
from xlretrieval.data.templates import EncodedPair
from xlretrieval.modeling.compilation import compile_layers, has_long_layers

from .batching import TOKENIZE_CHUNK, default_batch_tokens, evaluating, input_limit, to_device, token_batches
from .first_token import first_token_scorer
from .int8_linear import Int8Linears
from .loading import load_for_inference
from .packed_linear import PackedLinears
from .passages import LongDocuments, PassageEncoder, ScoreCounts
from .text_checks import check_pairs, check_texts

logger = logging.getLogger(__name__)

QUERY_TOKENS = 64  # the cap of pretraining
# What is held at a time, however many and long the documents are: texts that are tokenized together (some 50 bytes a
# character while they are) and tokens of rows that are scored together (some 16 bytes each).
_CHARACTERS = 1 << 22
_TOKENS = 1 << 22
# On an accelerator less: it scores one part while the processor encodes the next.
_ACCELERATED_CHARACTERS = 1 << 19
_ACCELERATED_TOKENS = 1 << 16


@dataclass
class _Part:
    """Pairs that are scored together."""

    first: int = 0
    rows: list[EncodedPair] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    counts: ScoreCounts = field(default_factory=ScoreCounts)


@dataclass
class _Launched:
    """Rows that are being scored.

    Attributes:
        rows: In the order of their batches.
        scores: As many; with CUDA on their way to the processor.
        ready: When they have arrived there.
    """

    rows: list[int]
    scores: torch.Tensor
    ready: torch.cuda.Event | None = None

    def wait(self) -> np.ndarray:
        """The scores, in the order of the rows, `(rows,)`."""
        if self.ready is not None:
            self.ready.synchronize()
        scores = np.zeros(len(self.rows), dtype=np.float32)
        scores[self.rows] = self.scores.cpu().numpy()
        return scores


class Reranker:
    """Scores how relevant documents are to a query, in whatever languages they are.

    Nothing changes on it when it scores, so threads may share one. On x86 processors with AVX512 most of the encoder's
    weights are kept once more, up to 1 GiB, as they are multiplied fastest; see `PackedLinears`.

    Args:
        model: A model for sequence classification with one logit; higher is more relevant.
        tokenizer: Its tokenizer.
        max_query_length: Most tokens of a query. A long document never takes room from the query. By default 64, or
            half of `max_length` where that is less.
        max_length: Most tokens of a pair, special ones included; by default what model and tokenizer take.
        long_documents: How a document is scored that is longer than that: "maxp" by its best passage, "meanp" by the
            mean of them, "firstp" by the first, which cuts the rest off.
        passage_tokens: Most tokens of a passage; by default all that the query leaves.
        passage_stride: Tokens from one passage to the next; by default half of a passage.
        compile: Whether to compile the model by `torch.compile`, one graph for all lengths. Takes a minute at the
            first call. A long encoder on an accelerator is compiled layer by layer, in place, where its layers do not
            have kernels of their own (NVIDIA, 16 bits).
        int8: Whether the encoder's linear layers multiply in 8-bit integers, on x86 processors; see `Int8Linears`.

    Attributes:
        collator: How pairs are encoded.

    Raises:
        ValueError: The model has another number of logits, `max_length` leaves no room for a document, passages do
            not fit, the tokenizer puts no separator between two texts, or 8 bits are not possible.

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
        long_documents: LongDocuments = "maxp",
        passage_tokens: int | None = None,
        passage_stride: int | None = None,
        compile: bool = False,
        int8: bool = False,
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
        self.passages = PassageEncoder(self.collator, long_documents, passage_tokens, passage_stride)
        if int8 and compile:
            raise ValueError("int8 must run without compile, got both. Leave compile out.")
        self._compiled = None
        if compile and has_long_layers(model) and model.device.type != "cpu":
            compile_layers(model)
        elif compile:
            self._compiled = torch.compile(model, dynamic=True)
        self._linears = Int8Linears(model) if int8 else None
        if not int8 and self._compiled is None and PackedLinears.serves(model):
            self._linears = PackedLinears(model)

    @classmethod
    def from_pretrained(
        cls,
        name: str,
        dtype: torch.dtype | str | None = None,
        device: torch.device | str | None = None,
        max_query_length: int | None = None,
        max_length: int | None = None,
        long_documents: LongDocuments = "maxp",
        passage_tokens: int | None = None,
        passage_stride: int | None = None,
        compile: bool = False,
    ) -> Reranker:
        """Loads a checkpoint that has a trained relevance head.

        Args:
            name: Folder or name on the Hub.
            dtype: Of the weights. "auto" is bfloat16 where the device multiplies it natively (CUDA of Ampere and
                later, x86 with AVX512-BF16 or AMX), else float32. "int8" is the same with the encoder's linear layers
                in 8 bits. By default as they are in the checkpoint.
            device: By default CUDA where there is one, else the CPU.
            max_query_length: As for the class, like all that follow.
            max_length: See there.
            long_documents: See there.
            passage_tokens: See there.
            passage_stride: See there.
            compile: See there.

        Raises:
            ValueError: The checkpoint has no relevance head (scores would be random), or more than one logit; or a
                file of it is damaged.
            OSError: No such checkpoint, or it has no tokenizer.
        """
        int8 = dtype == "int8"
        model, tokenizer, missing = load_for_inference(
            AutoModelForSequenceClassification, str(name), "auto" if int8 else dtype, device
        )
        if missing:
            raise ValueError(
                f"Checkpoint {name} must have a trained relevance head, got none for {', '.join(missing[:5])}. "
                "Fine-tune it first, or compare embeddings (Encoder; `--scorer embedding`)."
            )
        lengths = max_query_length, max_length
        return cls(model, tokenizer, *lengths, long_documents, passage_tokens, passage_stride, compile, int8)

    def score(
        self,
        pairs: Sequence[tuple[str, str]],
        batch_tokens: int | None = None,
        show_progress: bool | None = None,
    ) -> np.ndarray:
        """Scores pairs; the result does not depend on their order or on the batches.

        Pairs are encoded as in training, see `PairCollator`; special tokens that a text spells out are text, and an
        empty text is one. A document that is longer than the model takes is scored by its passages, and a warning
        tells when something was cut.

        Args:
            pairs: (query, document).
            batch_tokens: Most tokens in a batch, padding included; by default 2,048 on a CPU and 131,072 elsewhere.
            show_progress: By default, only on a terminal.

        Returns:
            Logits, `(pairs,)`, float32; higher is more relevant.

        Raises:
            ValueError: Something is no pair of texts (its place is named), or a score is not finite.
        """
        return self.score_counted(pairs, batch_tokens, show_progress)[0]

    def score_counted(
        self,
        pairs: Sequence[tuple[str, str]],
        batch_tokens: int | None = None,
        show_progress: bool | None = None,
        name_pair: Callable[[int], str] = "pair {}".format,
    ) -> tuple[np.ndarray, ScoreCounts]:
        """As `score`, with the numbers of documents that were split, and of texts that were cut.

        `name_pair` says what an error calls the pair at a place.
        """
        check_pairs(pairs)
        scores = np.zeros(len(pairs), dtype=np.float32)
        counts = ScoreCounts()

        def collect(part: _Part, launched: _Launched) -> None:
            found = launched.wait()
            owners = np.repeat(np.arange(len(part.numbers)), part.numbers) + part.first
            if not np.isfinite(found).all():
                row = int(np.flatnonzero(~np.isfinite(found))[0])
                raise ValueError(
                    f"Scores must be finite, got {found[row]} for {name_pair(int(owners[row]))}. Load the model with "
                    "dtype=torch.float32."
                )
            scores[part.first : part.first + len(part.numbers)] = self.passages.aggregate(found, part.numbers)

        with self._serving() as forward, _progress(len(pairs), show_progress) as progress:
            before: tuple[_Part, _Launched] | None = None
            for part in self._parts(pairs):
                progress.total += len(part.rows) - len(part.numbers)
                launched = self._launch(forward, part.rows, batch_tokens, progress)
                counts += part.counts
                part.rows = []
                if before is not None:  # only now: an accelerator already has more to do
                    collect(*before)
                before = part, launched
            if before is not None:
                collect(*before)
        if counts.truncated_documents or counts.truncated_queries:
            logger.warning(
                "%d documents and %d queries of %d pairs were cut (%d tokens a pair, %d a query)",
                counts.truncated_documents,
                counts.truncated_queries,
                len(pairs),
                self.collator.max_length,
                self.collator.max_query_length,
            )
        return scores, counts

    def score_rows(
        self, rows: Sequence[EncodedPair], batch_tokens: int | None = None, show_progress: bool | None = None
    ) -> np.ndarray:
        """Scores pairs that are encoded already, for callers that cut texts in their own way: see `collator.template`.

        Args:
            rows: The pairs.
            batch_tokens: As for `score`.
            show_progress: As for `score`.

        Returns:
            Logits, `(rows,)`, float32, as the model gives them, finite or not.
        """
        with self._serving() as forward, _progress(len(rows), show_progress) as progress:
            return self._launch(forward, rows, batch_tokens, progress).wait()

    @contextmanager
    def _serving(self) -> Iterator[Callable[..., Any]]:
        """The model's forward, in evaluation mode."""
        forward = first_token_scorer(self.model) if self._compiled is None else self._compiled
        with (
            evaluating(self.model, eager=self._compiled is None),
            nullcontext() if self._linears is None else self._linears.serve(),
        ):
            yield forward

    def _launch(
        self, forward: Callable[..., Any], rows: Sequence[EncodedPair], batch_tokens: int | None, progress: tqdm
    ) -> _Launched:
        """Scores rows; an accelerator may still be at it when this returns."""
        device = self.model.device
        budget = default_batch_tokens(device) if batch_tokens is None else batch_tokens
        order, logits = [], [torch.zeros(0, device=device)]
        for batch in token_batches([len(row.ids) for row in rows], budget):
            inputs = self.collator.pad([rows[row] for row in batch])
            logits.append(forward(**to_device(self.model, inputs)).logits[:, 0].float())
            order += batch
            progress.update(len(batch))
        scores = torch.cat(logits)
        if device.type != "cuda":
            return _Launched(order, scores)
        # Sent off now: asked for later, they would come after what was launched in the meantime.
        arrived = torch.empty(scores.shape, pin_memory=True).copy_(scores, non_blocking=True)
        return _Launched(order, arrived, torch.cuda.current_stream(device).record_event())

    def _parts(self, pairs: Sequence[tuple[str, str]]) -> Iterator[_Part]:
        """Encoded pairs, in parts that fit into memory."""
        on_cpu = self.model.device.type == "cpu"
        part, tokens = _Part(), 0
        for start, stop in _chunks(pairs, _CHARACTERS if on_cpu else _ACCELERATED_CHARACTERS):
            encoded = self.passages.encode(pairs[start:stop])
            part.rows += encoded.rows
            part.numbers += encoded.numbers
            part.counts += encoded.counts
            tokens += sum(len(row.ids) for row in encoded.rows)
            if tokens >= (_TOKENS if on_cpu else _ACCELERATED_TOKENS):
                yield part
                part, tokens = _Part(stop), 0
        if part.numbers:
            yield part

    def rank(self, query: str, documents: Sequence[str], top_k: int | None = None) -> list[tuple[int, float]]:
        """Ranks documents for one query.

        Args:
            query: The query.
            documents: The documents.
            top_k: How many to return; all by default.

        Returns:
            (index into `documents`, score), the best first; of equal scores, the earlier document.

        Raises:
            ValueError: The query has no text, a document is none (its place is named), or `top_k` is smaller than 1.
        """
        if not isinstance(query, str) or not query.strip():
            raise ValueError(f"A query must have text, got {query!r}. Say what to look for.")
        if isinstance(documents, str):
            raise ValueError("Documents must be a list of strings, got one string. Put it in a list.")
        if top_k is not None and top_k < 1:
            raise ValueError(f"top_k must be at least 1, got {top_k}. Leave it out for all documents.")
        check_texts(documents, "Document")
        scores = self.score([(query, document) for document in documents])
        order = np.argsort(-scores, kind="stable")[:top_k]
        return [(int(index), float(scores[index])) for index in order]


def _progress(rows: int, show: bool | None) -> tqdm:
    return tqdm(total=rows, desc="score", unit="passage", disable=None if show is None else not show)


def _chunks(pairs: Sequence[tuple[str, str]], most_characters: int) -> Iterator[tuple[int, int]]:
    """Where to cut the pairs so that those between two cuts are tokenized together."""
    start = characters = 0
    for stop, (_, document) in enumerate(pairs):
        if stop - start >= TOKENIZE_CHUNK or (characters + len(document) > most_characters and stop > start):
            yield start, stop
            start, characters = stop, 0
        characters += len(document)
    if start < len(pairs):
        yield start, len(pairs)
