"""Products in 8 bits: what the integers say, and rankings close to those in float32."""

from __future__ import annotations

import copy
import platform
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau
from torch import nn

from xlretrieval.inference import int8_linear
from xlretrieval.inference.int8_linear import Int8Linears, _linear, _rounded, _rounded_rows, _Weight
from xlretrieval.inference.precision import native_bf16
from xlretrieval.inference.reranker import Reranker
from xlretrieval.modeling import rows, tiled_attention

pytestmark = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64") or not torch.backends.mkldnn.is_available(),
    reason="needs an x86 processor and a torch with oneDNN",
)
WORDS = ["a", "b", "fox", "dog", "zebra", "lazy", "quick", "brown", "jumps", "over"]
PAIRS = [(WORDS[n % 10], " ".join(WORDS[(n * k + 3) % 10] for k in range(2 + n % 7))) for n in range(40)]


def by_integers(states: torch.Tensor, layer: nn.Linear, largest: int) -> torch.Tensor:
    """The definition in float64: both sides rounded, multiplied as integers, and scaled back."""
    rows, weight = states.double(), layer.weight.detach().double()
    row_scale = rows.abs().amax(-1, keepdim=True).clamp_min(1e-30) / 127
    weight_scale = weight.abs().amax(1).clamp_min(1e-30) / largest
    sums = (rows / row_scale).round().long() @ (weight / weight_scale[:, None]).round().long().T
    bias = 0 if layer.bias is None else layer.bias.detach().double()
    return sums.double() * row_scale * weight_scale + bias


def product(states: torch.Tensor, weight: _Weight, bias: torch.Tensor | None = None) -> torch.Tensor:
    return _linear(states, _rounded_rows(states), weight, bias)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(0, 9),
    inputs=st.integers(1, 300),
    outputs=st.integers(1, 40),
    bias=st.booleans(),
    wide=st.booleans(),
    spread=st.floats(-3, 3),
    seed=st.integers(0, 2**31),
)
@example(rows=2, inputs=260, outputs=16, bias=True, wide=False, spread=0.0, seed=997)  # a weight on an edge
def test_the_product_of_the_integers(rows, inputs, outputs, bias, wide, spread, seed) -> None:
    torch.manual_seed(seed)
    layer = nn.Linear(inputs, outputs, bias=bias)
    states = torch.randn(rows, inputs) * 10**spread
    # Where the processor has VNNI, the narrower weights are right too; without it the wider ones may not be.
    wide = wide and torch.cpu._is_vnni_supported()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cpu, "_is_vnni_supported", lambda: wide)
        packed = _rounded(layer.weight)
    largest = 127 if wide else 63
    expected = by_integers(states, layer, largest)
    found = product(states, packed, layer.bias).double()
    # A value of the rows, or a weight, on the edge between two integers may fall to either side.
    step = states.double().abs().amax(-1, keepdim=True) * layer.weight.detach().abs().max().double()
    assert ((found - expected).abs() <= 1.1 * step * (1 / 127 + 1 / largest) + 1e-5).all()
    assert (found - expected).abs().median() <= 1e-5 * (1 + expected.abs().max()) if rows else True


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 300), st.integers(1, 40), st.booleans(), st.integers(0, 2**31))
def test_products_in_bfloat16_lose_no_more_than_its_bits(rows, inputs, outputs, bias, seed) -> None:
    """Sums are rounded when they are written and when they are scaled, by a scale that is a number that it has."""
    torch.manual_seed(seed)
    layer = nn.Linear(inputs, outputs, bias=bias, dtype=torch.bfloat16)
    states = torch.randn(rows, inputs, dtype=torch.bfloat16)
    rounded, weight = _rounded_rows(states), _rounded(layer.weight)
    assert rounded.scale.dtype == torch.bfloat16
    integers = rounded.integers.double() - 128
    assert integers.abs().max() <= 127
    quotients = states.double() / rounded.scale.double()
    # Half of a step, and of numbers above 64 a quarter, by which bfloat16 has rounded them before.
    assert ((integers - quotients).abs() <= torch.where(quotients.abs() < 64, 0.625, 0.75)).all()
    largest = 127 if torch.cpu._is_vnni_supported() else 63
    scale = layer.weight.detach().double().abs().amax(1).clamp_min(1e-30) / largest
    weights = (layer.weight.detach().float() / scale.float()[:, None]).round().double()
    products = integers @ weights.T * rounded.scale.double() * scale
    expected = products + (0 if layer.bias is None else layer.bias.detach().double())
    found = _linear(states, rounded, weight, layer.bias)
    assert found.dtype == torch.bfloat16
    assert ((found.double() - expected).abs() <= 2**-8 * (products.abs() + expected.abs()) + 1e-30).all()


def test_sums_do_not_stop_at_16_bits() -> None:
    layer = nn.Linear(1024, 8, bias=False)
    nn.init.ones_(layer.weight)
    found = product(torch.ones(3, 1024), _rounded(layer.weight))
    torch.testing.assert_close(found, torch.full((3, 8), 1024.0), rtol=1e-6, atol=0)


def test_zeros_stay_zero_and_what_is_not_finite_stays_so() -> None:
    layer = nn.Linear(16, 4)
    states = torch.randn(4, 16)
    states[0], states[1, 3], states[2, 3] = 0, float("nan"), float("inf")
    found = product(states, _rounded(layer.weight), layer.bias)
    torch.testing.assert_close(found[0], layer.bias.detach())
    assert not found[1:3].isfinite().any() and found[3].isfinite().all()


def test_rankings_are_close_and_do_not_depend_on_the_batch(long_checkpoint) -> None:
    exact = Reranker.from_pretrained(long_checkpoint, "float32", "cpu", max_query_length=16)
    int8 = Reranker.from_pretrained(long_checkpoint, "int8", "cpu", max_query_length=16)
    scores = int8.score(PAIRS)
    expected = exact.score(PAIRS)
    assert not np.array_equal(scores, expected)  # something was rounded
    assert kendalltau(scores, expected).statistic > 0.9
    # What is not multiplied in integers is in bfloat16 where the processor has it, scores too: they keep 8 bits.
    close = 2**-6 * np.abs(scores).max() if native_bf16("cpu") else 2e-2 * expected.std()
    for batch_tokens in (1, 50, 100_000):
        np.testing.assert_allclose(int8.score(PAIRS, batch_tokens), scores, rtol=0, atol=close)
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(lambda _: int8.score(PAIRS), range(4)):
            np.testing.assert_array_equal(found, scores)
    with ThreadPoolExecutor(2) as pool:  # one thread's integers are not another's
        found = list(pool.map(lambda reranker: reranker.score(PAIRS), (exact, int8)))
    np.testing.assert_array_equal(found[0], expected)


def test_all_layers_of_the_encoder_are_served_but_the_last(long_checkpoint, monkeypatch) -> None:
    """Of which the first token is computed alone."""
    shapes = []
    own = int8_linear._linear
    monkeypatch.setattr(
        int8_linear, "_linear", lambda states, *others: shapes.append(states.shape) or own(states, *others)
    )
    monkeypatch.setattr(rows, "ROW_COST", 0)
    monkeypatch.setattr(tiled_attention, "folding_pays", lambda *row: False)
    int8 = Reranker.from_pretrained(long_checkpoint, "int8", "cpu", max_query_length=16)
    int8.score(PAIRS[:3])
    layers = len(int8.model.bert.encoder.layer)
    assert len(shapes) == 9 * (layers - 1)
    assert tiled_attention.may_fold.get()


def test_rows_are_rounded_once_until_something_may_have_changed_them(monkeypatch) -> None:
    encoder = nn.ModuleDict({"first": nn.Linear(8, 8), "second": nn.Linear(8, 8)})
    encoder.base_model, encoder.device, encoder.dtype = encoder, torch.device("cpu"), torch.float32
    int8, states, calls = Int8Linears(encoder), torch.randn(1, 4, 8), []
    own = int8_linear._rounded_rows
    monkeypatch.setattr(int8_linear, "_rounded_rows", lambda rows: calls.append(1) or own(rows))
    with torch.inference_mode(), int8.serve():
        encoder["first"](states).view(4, 8).transpose(0, 1)
        second = encoder["second"](states)
        assert len(calls) == 1
        states.mul_(2)
        doubled = encoder["second"](states)
        assert len(calls) == 2
        encoder["second"](states + 0)
        assert len(calls) == 3
    torch.testing.assert_close(doubled - encoder["second"].bias, 2 * (second - encoder["second"].bias))
    assert len(calls) == 3


def test_serves_any_encoder_and_leaves_the_model_as_it_is(scorer, tokenizer, tmp_path) -> None:
    before = copy.deepcopy(scorer.state_dict())
    int8 = Reranker(scorer, tokenizer, max_query_length=16, int8=True)
    float_scores = Reranker(scorer, tokenizer, max_query_length=16).score(PAIRS)
    scores = int8.score(PAIRS)
    assert 0 < np.abs(scores - float_scores).max() < 0.2 * float_scores.std() + 1e-3
    assert {name: values.dtype for name, values in scorer.state_dict().items()} == {
        name: values.dtype for name, values in before.items()
    }
    assert all(torch.equal(values, before[name]) for name, values in scorer.state_dict().items())
    int8.model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again = Reranker.from_pretrained(str(tmp_path), "float32", "cpu", max_query_length=16)
    np.testing.assert_allclose(again.score(PAIRS), float_scores, atol=1e-6)


def test_says_where_it_cannot_serve(scorer, tokenizer, monkeypatch) -> None:
    with pytest.raises(ValueError, match="int8 must run without compile, got both"):
        Reranker(scorer, tokenizer, compile=True, int8=True)
    with pytest.raises(ValueError, match="dtype int8 must run on a CPU, got meta"):
        Reranker(copy.deepcopy(scorer).to("meta"), tokenizer, int8=True)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    with pytest.raises(ValueError, match="dtype int8 must have oneDNN's 8-bit products"):
        Reranker(scorer, tokenizer, int8=True)
