"""Which parameters fine-tuning moves, for every type of encoder."""

from __future__ import annotations

import pytest
import torch
from encoder_types import ENCODERS, encoder_folder  # tests/trainers is on the path, see conftest
from transformers import BertConfig, BertForSequenceClassification

from xlretrieval.trainers.freezing import freeze_lower
from xlretrieval.trainers.ranker import load_ranker


@pytest.fixture(params=ENCODERS)
def model(request, tiny_checkpoint, long_folder, tmp_path) -> torch.nn.Module:
    return load_ranker(str(encoder_folder(request.param, tiny_checkpoint, long_folder, tmp_path)))[0]


def trainable(model: torch.nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def scored(model: torch.nn.Module) -> set[str]:
    """Parameters that have a gradient when pairs are scored in training."""
    model.train()
    ids = torch.randint(5, 20, (2, 16))
    model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.sum().backward()
    return {name for name, parameter in model.named_parameters() if parameter.grad is not None}


def test_the_upper_layers_and_the_head_are_left(model):
    layers = model.config.num_hidden_layers
    assert freeze_lower(model, layers - 1) == layers - 1
    left = trainable(model)
    last = {name for name in left if f".{layers - 1}." in name}
    assert last and not any(f".{layer}." in name for name in left for layer in range(layers - 1))
    assert not any("embedding" in name or "layer_norm_emb" in name for name in left)
    assert not any("predictions" in name or "lm_head" in name or "decoder" in name for name in left)
    assert any(name.startswith(("classifier", "sequence_summary")) for name in left)
    assert left == scored(model)


def test_nothing_else_than_what_no_score_reaches(model):
    embedding = model.get_input_embeddings().weight
    assert freeze_lower(model, -1) == -1
    assert embedding.requires_grad
    assert trainable(model) == scored(model)


def test_embeddings_alone(model):
    assert freeze_lower(model, 0) == 0
    left = trainable(model)
    assert not any("embeddings" in name for name in left) and any(".0." in name for name in left)
    assert left == scored(model)


def test_attention_without_a_gradient_on_a_processor(long_folder):
    """A trainer freezes before it moves the model to its device."""
    expected = load_ranker(str(long_folder))[0]
    model = load_ranker(str(long_folder))[0]
    model.set_attn_implementation("flex_attention")
    assert freeze_lower(model, 0) == freeze_lower(expected, 0)
    assert trainable(model) == trainable(expected)
    assert model.config._attn_implementation == "flex_attention"


def test_the_papers_protocol_is_the_default():
    config = BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=12, num_attention_heads=2, intermediate_size=8, num_labels=1
    )
    model = BertForSequenceClassification(config)
    assert freeze_lower(model) == 9
    left = trainable(model)
    assert {name.split(".")[3] for name in left if ".layer." in name} == {"9", "10", "11"}
    assert {name.rsplit(".", 1)[0] for name in left if ".layer." not in name} == {"bert.pooler.dense", "classifier"}


def test_mistakes(model):
    with pytest.raises(ValueError, match="freeze_layers must be between -1 and the"):
        freeze_lower(model, 99)
