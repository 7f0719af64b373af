"""Weights that are laid out once multiply as the layers do, also after they have changed."""

from __future__ import annotations

import copy
import platform
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from xlretrieval.inference import packed_linear
from xlretrieval.inference.packed_linear import PackedLinears
from xlretrieval.inference.reranker import Reranker

pytestmark = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64") or not torch.backends.mkldnn.is_available(),
    reason="needs an x86 processor and a torch with oneDNN",
)
PAIRS = [("fox", "the quick brown fox"), ("dog", "lazy"), ("zebra", "a zebra jumps over the dog " * 3)]


def packed(layer: nn.Module) -> PackedLinears:
    """Of a model that is one layer."""
    return PackedLinears(SimpleNamespace(base_model=layer))


@settings(max_examples=40, deadline=None)
@given(
    rows=st.sampled_from([0, 1, 7, 511, 600]),
    inputs=st.integers(1, 90),
    outputs=st.integers(1, 90),
    bias=st.booleans(),
    dimensions=st.integers(1, 3),
)
def test_the_product_of_the_layer(rows, inputs, outputs, bias, dimensions) -> None:
    torch.manual_seed(rows)
    layer = nn.Linear(inputs, outputs, bias=bias)
    states = torch.randn(*(1,) * (dimensions - 2), rows, inputs) if dimensions > 1 else torch.randn(inputs)
    with torch.inference_mode(), packed(layer).serve():
        found = layer(states)
    with torch.no_grad():
        torch.testing.assert_close(found, layer(states), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("inside", [False, True])
def test_a_changed_weight_is_laid_out_again(inside: bool) -> None:
    layer, states = nn.Linear(16, 16), torch.randn(3, 16)
    linears = packed(layer)

    def score() -> torch.Tensor:
        with torch.inference_mode(), linears.serve():
            return layer(states)

    before = score()
    with torch.inference_mode() if inside else torch.no_grad():
        layer.weight.mul_(2)
    doubled = score()
    torch.testing.assert_close(doubled - layer.bias, 2 * (before - layer.bias))
    layer.weight.data = torch.zeros(16, 16)
    torch.testing.assert_close(score(), layer.bias.expand(3, -1))


def test_a_long_encoder_is_served(long_checkpoint, monkeypatch) -> None:
    monkeypatch.setattr(PackedLinears, "serves", staticmethod(lambda model: False))
    options = {"max_query_length": 16}
    plain = Reranker.from_pretrained(long_checkpoint, "float32", "cpu", **options)
    expected = plain.score(PAIRS)
    monkeypatch.setattr(PackedLinears, "serves", staticmethod(lambda model: True))
    products = []
    own = packed_linear._PackedLinear.__torch_function__

    def count(self, func, types, args=(), kwargs=None):
        if func is torch.nn.functional.linear:
            products.append(id(args[1]) in self.weights)
        return own(self, func, types, args, kwargs)

    monkeypatch.setattr(packed_linear._PackedLinear, "__torch_function__", count)
    reranker = Reranker.from_pretrained(long_checkpoint, "float32", "cpu", **options)
    np.testing.assert_allclose(reranker.score(PAIRS), expected, atol=1e-5)
    assert products.count(True) > 6 * len(reranker.model.bert.encoder.layer) and products.count(False) == 2
    assert reranker.model.state_dict().keys() == plain.model.state_dict().keys()


def test_training_between_two_rankings(scorer, tokenizer, monkeypatch) -> None:
    monkeypatch.setattr(PackedLinears, "serves", staticmethod(lambda model: True))
    model = copy.deepcopy(scorer)
    reranker = Reranker(model, tokenizer, max_query_length=16)
    before = reranker.score(PAIRS)
    optimizer = torch.optim.AdamW(model.parameters(), 0.01)
    model(input_ids=torch.tensor([[2, 5, 3]])).logits.sum().backward()
    optimizer.step()
    after = reranker.score(PAIRS)
    monkeypatch.setattr(PackedLinears, "serves", staticmethod(lambda model: False))
    expected = Reranker(model, tokenizer, max_query_length=16).score(PAIRS)
    np.testing.assert_allclose(after, expected, atol=1e-5)
    assert np.abs(after - before).max() > 0.01


def test_which_models_are_served(scorer, monkeypatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    assert PackedLinears.serves(scorer)
    assert not PackedLinears.serves(copy.deepcopy(scorer).half())
    assert not PackedLinears.serves(copy.deepcopy(scorer).to("meta"))
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert not PackedLinears.serves(scorer)
