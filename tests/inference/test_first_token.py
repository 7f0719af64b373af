"""The last layer for the first token alone: the same scores, without what they do not need."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from xlretrieval.inference.first_token import first_token_scorer
from xlretrieval.inference.reranker import Reranker
from xlretrieval.modeling import rows, tiled_attention

PAIRS = [("a cat", "the quick brown fox"), ("zebra", ""), ("fox", "jumps over the lazy dog" * 2), ("a", "b")]


@pytest.fixture
def model(long_checkpoint):
    model = AutoModelForSequenceClassification.from_pretrained(long_checkpoint).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():  # biases and norms too, so that nothing left out goes unnoticed
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model


@pytest.mark.parametrize("way", ["eager", "sdpa", "rows", "folded rows", "flex_attention"])
def test_the_same_scores(model, tokenizer, way, monkeypatch) -> None:
    model.set_attn_implementation("sdpa" if "rows" in way else way)
    reranker = Reranker(model, tokenizer, max_query_length=16)
    batch = reranker.collator.pad(reranker.passages.encode(PAIRS).rows)
    with torch.inference_mode():
        expected = model(**batch).logits[:, 0].numpy()
    assert np.ptp(expected) > 0.01
    if "rows" in way:
        monkeypatch.setattr(rows, "ROW_COST", 0)
        monkeypatch.setattr(tiled_attention, "FOLDED_SHARE", 1e9 if way == "folded rows" else 0)
    np.testing.assert_allclose(reranker.score(PAIRS), expected, atol=1e-6)


def test_nothing_else_is_computed(model, tokenizer) -> None:
    reranker = Reranker(model, tokenizer, max_query_length=16)
    scores = reranker.score(PAIRS)
    last = model.bert.encoder.layer[-1].attention.self
    with torch.no_grad():
        for projection in (last.query, last.key, last.value):
            projection.weight.fill_(float("nan"))
    np.testing.assert_array_equal(reranker.score(PAIRS), scores)
    # The model is what it was, and what is done to its parameters holds.
    assert len(model.bert.encoder.layer) == 2 and model.bert.encoder.layer[-1].attention.self is last
    with torch.no_grad():
        model.classifier.bias.add_(1.0)
    np.testing.assert_allclose(reranker.score(PAIRS), scores + 1, atol=1e-6)


def test_a_model_that_records_its_layers(model, tokenizer) -> None:
    """What it records does not depend on how often it has scored."""
    ids = torch.ones(1, 8, dtype=torch.long)
    expected = copy.deepcopy(model)(ids, output_hidden_states=True).hidden_states
    scores = Reranker(model, tokenizer, max_query_length=16).score(PAIRS)
    model.config.output_hidden_states = True
    reranker = Reranker(model, tokenizer, max_query_length=16)
    for _ in range(3):
        np.testing.assert_allclose(reranker.score(PAIRS), scores, atol=1e-6)
    found = model(ids).hidden_states
    assert len(found) == len(expected)
    for states, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(states, wanted)


def test_other_models_are_left_as_they_are(model, scorer) -> None:
    assert first_token_scorer(scorer) is scorer
    handle = model.bert.encoder.layer[-1].register_forward_hook(lambda *_: None)
    assert first_token_scorer(model) is model
    handle.remove()
    assert first_token_scorer(model) is not model
