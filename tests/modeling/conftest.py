"""A small attention layer in float64, for comparisons with the definition."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.modeling_bert_long import BertLongSelfAttention


@pytest.fixture(scope="session")
def layer_of() -> Callable[..., BertLongSelfAttention]:
    """Makes one by its window, with weights that are the same every time."""
    return make_layer


def make_layer(window: int, implementation: str = "sdpa", dropout: float = 0.0) -> BertLongSelfAttention:
    config = BertLongConfig(
        hidden_size=16, num_attention_heads=2, num_hidden_layers=1, attention_window=window,
        attention_probs_dropout_prob=dropout,
    )  # fmt: skip
    config._attn_implementation = implementation
    torch.manual_seed(0)
    layer = BertLongSelfAttention(config, 0).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.4)
    return layer
