"""Answers of a model to questions, on one process or several."""

from __future__ import annotations

import inspect

import numpy as np
import torch
import torch.distributed as dist
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xlretrieval.data.progress import progress_bars
from xlretrieval.data.question_collator import QuestionCollator
from xlretrieval.data.question_features import QuestionFeatures

from .answer_extraction import AnswerExtractor, ExtractedAnswer, ExtractionOptions
from .batching import default_batch_tokens, evaluating, token_batches


def question_collator(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_length: int) -> QuestionCollator:
    """The collator of a model: question tokens are global in the long encoder."""
    return QuestionCollator(tokenizer, max_length, global_attention=model.config.model_type == "bert-long")


def model_inputs(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What forward names of a batch, without the answers, on the model's device.

    A tokenizer may make token types for a model that has none, as some of ModernBERT's do.
    """
    named = inspect.signature(model.forward).parameters
    chosen = (name for name in batch if name in named and name not in ("start_positions", "end_positions"))
    return {name: batch[name].to(model.device) for name in chosen}


def predict_answers(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    features: QuestionFeatures,
    options: ExtractionOptions | None = None,
    batch_tokens: int | None = None,
    description: str | None = None,
) -> dict[str, ExtractedAnswer]:
    """Answers questions; where processes are joined, each scores its share of the windows, and all get all answers.

    Args:
        model: With scores for the first and the last token of the answer.
        tokenizer: The model's.
        features: Windows of the questions, all of them (`training=False`).
        options: The rules of extraction.
        batch_tokens: Most tokens in a batch, padding included; by default 2,048 on a CPU and 131,072 elsewhere.
        description: Of a progress bar on a terminal; none by default.

    Returns:
        Question id -> answer, in the order of the questions.

    Raises:
        ValueError: A score is not finite.
    """
    rank, processes = (dist.get_rank(), dist.get_world_size()) if _joined() else (0, 1)
    collator = question_collator(model, tokenizer, features.max_length)
    extractor = AnswerExtractor(features, options)
    problem = None
    budget = default_batch_tokens(model.device) if batch_tokens is None else batch_tokens
    batches = token_batches(features.row_lengths().tolist(), budget)[rank::processes]
    try:
        with evaluating(model), progress_bars() as progress:
            for rows in progress.track(batches, description=description) if description else batches:
                batch = collator([features[row] for row in rows])
                outputs = model(**model_inputs(model, batch))
                scores = torch.stack([outputs.start_logits, outputs.end_logits]).float().cpu().numpy()
                extractor.add(np.array(rows), *scores)
    except ValueError as error:
        # Raised on all processes below: one that left alone would leave the others waiting for its scores.
        problem = str(error)
    states = [(extractor.state(), problem)]
    if processes > 1:
        states = [None] * processes
        dist.all_gather_object(states, (extractor.state(), problem))
    if problems := [of for _, of in states if of]:
        raise ValueError(problems[0])
    whole = AnswerExtractor(features, options)
    whole.merge([state for state, _ in states])
    return whole.answers()


def _joined() -> bool:
    return dist.is_available() and dist.is_initialized()
