"""Weights that are laid out once multiply as the layers do, also after they have changed."""

from __future__ import annotations

import copy
import platform
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
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


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models on this processor are, whatever it is."""
    monkeypatch.setattr(PackedLinears, "serves", staticmethod(lambda model: True))


def packed(layer: nn.Module) -> PackedLinears:
    """Of a model that is one layer."""
    return PackedLinears(SimpleNamespace(base_model=layer))


@pytest.mark.usefixtures("served")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.sampled_from([0, 1, 7, 600]),
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


def by_data(layer: nn.Linear) -> None:
    layer.weight.data.mul_(2)


def swap_twice(layer: nn.Linear) -> None:
    for factor in (4, 0.5):
        layer.weight.data = layer.weight.data * factor


def one_number(layer: nn.Linear) -> None:
    with torch.no_grad():
        layer.weight[0, 1] += 1


def fused_step(layer: nn.Linear) -> None:
    layer.weight.grad = torch.ones_like(layer.weight)
    torch.optim.AdamW([layer.weight], 0.1, fused=True).step()


def another_parameter(layer: nn.Linear) -> None:
    layer.weight = nn.Parameter(layer.weight.detach() + 1)


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("change", [by_data, swap_twice, one_number, fused_step, another_parameter])
def test_a_changed_weight_is_laid_out_again(change) -> None:
    layer, states = nn.Linear(32, 48), torch.randn(3, 32)
    linears = packed(layer)

    def score() -> torch.Tensor:
        with torch.inference_mode(), linears.serve():
            return layer(states)

    before = score()
    change(layer)
    with torch.no_grad():
        expected = layer(states)
    assert not torch.allclose(before, expected, atol=1e-3)
    torch.testing.assert_close(score(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("served")
def test_an_unchanged_weight_is_laid_out_once(monkeypatch) -> None:
    layer, calls = nn.Linear(32, 48), []
    own = packed_linear._Packed.of
    monkeypatch.setattr(packed_linear._Packed, "of", lambda weight: calls.append(weight) or own(weight))
    linears = packed(layer)
    for _ in range(3):
        with torch.inference_mode(), linears.serve():
            layer(torch.randn(3, 32))
    assert len(calls) == 1


def test_a_long_encoder_is_served(long_checkpoint, monkeypatch) -> None:
    expected = Reranker.from_pretrained(long_checkpoint, "float32", "cpu", max_query_length=16).score(PAIRS)
    monkeypatch.setattr(PackedLinears, "serves", staticmethod(lambda model: True))
    products: dict[bool, set] = {True: set(), False: set()}
    own = packed_linear._PackedLinear.__torch_function__

    def count(self, func, types, args=(), kwargs=None):
        if func is torch.nn.functional.linear:
            products[id(args[1]) in self.weights].add(tuple(args[1].shape))
        return own(self, func, types, args, kwargs)

    monkeypatch.setattr(packed_linear._PackedLinear, "__torch_function__", count)
    reranker = Reranker.from_pretrained(long_checkpoint, "float32", "cpu", max_query_length=16)
    np.testing.assert_allclose(reranker.score(PAIRS), expected, atol=1e-5)
    config = reranker.model.config
    hidden, inner = config.hidden_size, config.intermediate_size
    assert products[True] == {(hidden, hidden), (inner, hidden)}
    assert products[False] == {(hidden, inner), (hidden, hidden), (1, hidden)}  # the pooler's among them


@pytest.mark.usefixtures("served")
def test_training_between_two_rankings(scorer, tokenizer, monkeypatch) -> None:
    model = copy.deepcopy(scorer)
    reranker = Reranker(model, tokenizer, max_query_length=16)
    before = reranker.score(PAIRS)
    optimizer = torch.optim.AdamW(model.parameters(), 0.01, fused=True)
    model(input_ids=torch.tensor([[2, 5, 3]])).logits.sum().backward()
    optimizer.step()
    after = reranker.score(PAIRS)
    monkeypatch.setattr(PackedLinears, "serves", staticmethod(lambda model: False))
    expected = Reranker(model, tokenizer, max_query_length=16).score(PAIRS)
    np.testing.assert_allclose(after, expected, atol=1e-5)
    np.testing.assert_array_equal(reranker.score(PAIRS), expected)  # it is asked again, as devices change
    assert np.abs(after - before).max() > 0.01


def test_which_models_are_served(scorer, monkeypatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    assert PackedLinears.serves(scorer)
    assert not PackedLinears.serves(copy.deepcopy(scorer).half())
    assert not PackedLinears.serves(nn.Linear(4, 4))
    assert not PackedLinears.serves(copy.deepcopy(scorer).to("meta"))
    monkeypatch.setattr(packed_linear, "_MOST", 1000)
    assert not PackedLinears.serves(scorer)
    monkeypatch.undo()
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert not PackedLinears.serves(scorer)
