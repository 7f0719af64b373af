"""Rows without padding and attention by tiles give what the definition gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from xlretrieval.modeling import rows as rows_module
from xlretrieval.modeling import tiled_attention
from xlretrieval.modeling.attention import build_pattern
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval
from xlretrieval.modeling.rows import find_rows
from xlretrieval.modeling.tiled_attention import _Dropout, can_fold, folding_pays, may_fold


@pytest.fixture
def always() -> Iterator[None]:
    """Rows are used however small the batch is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "ROW_COST", 0)
        yield


def masks(runs: list[tuple[int, int, int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Of rows given as padding before, tokens, global tokens."""
    length = max(before + tokens for before, tokens, _ in runs)
    valid, is_global = torch.zeros(2, len(runs), length, dtype=torch.bool)
    for row, (before, tokens, count) in enumerate(runs):
        valid[row, before : before + tokens] = True
        is_global[row, before : before + count] = True
    return valid, is_global


@st.composite
def runs(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    tokens = draw(st.lists(st.integers(0, 330), min_size=1, max_size=3).filter(any))
    return [(draw(st.integers(0, 9)), n, draw(st.integers(0, n))) for n in tokens]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(runs(), st.sampled_from([2, 34, 200, 512]), st.booleans())
def test_the_definition(layer_of: Callable, runs: list[tuple[int, int, int]], window: int, may_pack: bool):
    valid, is_global = masks(runs)
    torch.manual_seed(1)
    hidden = torch.randn(*valid.shape, 16, dtype=torch.float64, requires_grad=True)
    upstream = torch.randn_like(hidden) * valid[..., None]
    results = []
    for implementation in ("eager", "rows"):
        layer = layer_of(window, "eager")
        if implementation == "eager":
            output = layer(hidden, build_pattern(valid, is_global, [window], "eager", 512))[0]
        else:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(rows_module, "ROW_COST", 0)
                found = find_rows(valid, is_global, 16, may_pack)
            output = found.unpack(layer(found.pack(hidden), found)[0])
            assert output[~valid].eq(0).all()
        gradients = torch.autograd.grad((output * upstream).sum(), [hidden, *layer.parameters()])
        results.append([output * valid[..., None], *gradients])
    for expected, actual in zip(*results, strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(runs(), st.sampled_from([2, 34, 512]), st.sampled_from([0, 0.45, 1e9]), st.sampled_from([1, 8, 32]))
@example([(0, 40, 1), (2, 9, 0), (0, 9, 3), (1, 30, 9), (0, 5, 5)], 34, 0.45, 32)  # folded, none, projected
def test_without_a_gradient_projections_of_few_global_tokens_are_folded(
    layer_of: Callable, runs: list, window: int, share: float, step: int
):
    """Row by row: in a batch some may be, and others not. Sizes rounded up change nothing."""
    valid, is_global = masks(runs)
    torch.manual_seed(1)
    hidden = torch.randn(*valid.shape, 16, dtype=torch.float64)
    layer = layer_of(window, "eager")
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(rows_module, "ROW_COST", 0)
        patch.setattr(tiled_attention, "FOLDED_SHARE", share)
        patch.setitem(tiled_attention.SIZE_STEPS, torch.float64, step)
        expected = layer(hidden, build_pattern(valid, is_global, [window], "eager", 512))[0]
        found = find_rows(valid, is_global, 16)
        actual = found.unpack(layer(found.pack(hidden), found)[0])
    torch.testing.assert_close(actual, expected * valid[..., None], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_how_a_row_is_computed_does_not_depend_on_the_others(layer_of: Callable, dtype: torch.dtype, always: None):
    layer = layer_of(34).to(dtype)
    rows = [(0, 40, 1), (0, 9, 3), (0, 30, 9), (0, 40, 2)]
    valid, is_global = masks(rows)
    torch.manual_seed(1)
    hidden = torch.randn(*valid.shape, 16, dtype=dtype)
    assert len({folding_pays(layer, length, count) for _, length, count in rows}) == 2
    with torch.no_grad():
        found = find_rows(valid, is_global, 16)
        together = found.unpack(layer(found.pack(hidden), found)[0])
        for row, (_, length, _) in enumerate(rows):
            own = find_rows(valid[row, None, :length], is_global[row, None, :length], 16)
            alone = layer(hidden[row, None, :length], own)[0][0]
            # The same products, whose sums may be added up in another order in a longer batch.
            eps = 8 * torch.finfo(dtype).eps
            torch.testing.assert_close(together[row, :length], alone, rtol=eps, atol=eps)


@pytest.mark.parametrize("share", [0, 1e9])
def test_what_is_not_finite_stays_in_its_row(
    layer_of: Callable, always: None, monkeypatch: pytest.MonkeyPatch, share: float
):
    """So that an error about a score names the pair that it came from. In bfloat16 rows are rounded up."""
    monkeypatch.setattr(tiled_attention, "FOLDED_SHARE_BF16", share)
    valid, is_global = masks([(0, 40, 3), (0, 40, 3), (0, 40, 3)])
    hidden = torch.randn(*valid.shape, 16, dtype=torch.bfloat16)
    hidden[1] = float("nan")
    with torch.no_grad():
        found = find_rows(valid, is_global, 16)
        output = found.unpack(layer_of(34).bfloat16()(found.pack(hidden), found)[0])
    assert output.isfinite().all(-1).tolist() == [[True] * 40, [False] * 40, [True] * 40]


class Sizes(TorchDispatchMode):
    """The sizes of all products that are made inside."""

    def __init__(self):
        super().__init__()
        self.found: set[tuple] = set()

    def __torch_dispatch__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if func in (torch.ops.aten.mm.default, torch.ops.aten.bmm.default):
            self.found.add((tuple(args[0].shape), tuple(args[1].shape)))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("share", [0, 1e9])
def test_rows_of_all_lengths_have_products_of_few_sizes_in_bfloat16(
    layer_of: Callable, always: None, monkeypatch: pytest.MonkeyPatch, share: float
):
    """Kernels are compiled for every size, and there is room for those of 1,024."""
    monkeypatch.setattr(tiled_attention, "FOLDED_SHARE_BF16", share)
    sizes, layer = Sizes(), layer_of(34).bfloat16()
    for length in range(40, 296, 8):
        valid, is_global = masks([(0, length + more, 5) for more in range(8)])
        with torch.no_grad(), sizes:
            found = find_rows(valid, is_global, 16)
            layer(torch.randn(1, int(valid.sum()), 16, dtype=torch.bfloat16), found)
    assert len(sizes.found) < 60


def test_folding_only_where_it_pays(layer_of: Callable):
    layer = layer_of(4)
    assert folding_pays(layer, 20, 1)
    assert not folding_pays(layer, 20, 0)
    assert not folding_pays(layer, 20, 9)
    assert not folding_pays(layer, 400, 5) and folding_pays(layer.bfloat16(), 400, 5)
    token = may_fold.set(False)
    assert not folding_pays(layer, 20, 1)
    may_fold.reset(token)


def test_folding_only_where_the_weight_is_all(layer_of: Callable):
    layer, states = layer_of(4), torch.randn(20, 16, dtype=torch.float64)
    assert not can_fold(layer, states)
    with torch.no_grad():
        assert can_fold(layer, states)
        with torch.autocast("cpu", torch.bfloat16):
            assert not can_fold(layer, states)
        assert not can_fold(layer, states.bfloat16())
        hook = layer.value_global.register_forward_hook(lambda module, inputs, output: output * 2)
        assert not can_fold(layer, states)
        hook.remove()
        layer.key_global = torch.nn.Sequential(layer.key_global, torch.nn.Identity())
        assert not can_fold(layer, states)


def test_gradients_with_dropout(layer_of: Callable, always: None):
    """Of a function that draws its masks from one seed, against finite differences."""
    valid, is_global = masks([(0, 9, 3), (0, 5, 1)])
    found, layer = find_rows(valid, is_global, 16), layer_of(4, dropout=0.3).train()

    def attended(states: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(5)
        return layer(states, found)[0]

    states = torch.randn(1, 14, 16, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(attended, states)
    assert not torch.equal(attended(states), layer.eval()(states, found)[0])


def test_dropout_keeps_the_mean():
    drop = _Dropout(0.1, seed=3)
    kept = drop.mask(torch.empty(1000, 1001))
    assert set(kept.unique().tolist()) == {0.0, 1.0}
    assert float(kept.mean()) == pytest.approx(0.9, abs=1e-3)
    assert float(kept.mean()) * drop.scale == pytest.approx(1, abs=1e-3)
    # Neighbours are drawn apart: four of them share a random word.
    pairs = (kept[:, 1:] * kept[:, :-1]).mean()
    assert float(pairs) == pytest.approx(0.81, abs=2e-3)
    assert torch.equal(_Dropout(0.1, seed=3).mask(torch.empty(1000, 1001)), kept)
    assert _Dropout(1.0, seed=0).mask(torch.empty(100)).sum() == 0


@pytest.fixture(scope="module")
def model() -> BertLongForXLRetrieval:
    torch.manual_seed(0)
    config = BertLongConfig(
        vocab_size=120, hidden_size=32, num_attention_heads=4, intermediate_size=64, num_hidden_layers=2,
        max_position_embeddings=64, attention_window=16,
    )  # fmt: skip
    return BertLongForXLRetrieval(config)


def batch() -> dict[str, torch.Tensor]:
    valid, is_global = masks([(0, 60, 7), (0, 11, 5), (0, 30, 7)])
    torch.manual_seed(2)
    ids = torch.randint(5, 100, valid.shape) * valid
    labels = torch.where(is_global & (torch.rand(valid.shape) < 0.5), ids, -100)
    types = (valid & ~is_global).long()
    return {
        "input_ids": ids, "attention_mask": valid.long(), "token_type_ids": types,
        "global_attention_mask": is_global.long(), "labels": labels,
    }  # fmt: skip


def test_a_model_without_padding(model: BertLongForXLRetrieval, always: None, monkeypatch: pytest.MonkeyPatch):
    """Losses, scores, hidden states and gradients of all parameters."""
    inputs, model = batch(), model.eval()
    results = []
    for cost in (1e18, 0):
        monkeypatch.setattr(rows_module, "ROW_COST", cost)
        model.zero_grad()
        output = model(**inputs)
        (output.loss + output.logits.sum()).backward()
        gradients = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
        results.append((output.loss, output.mlm_logits, output.logits, gradients))
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-6)


def test_recorded_states_keep_their_shape(model: BertLongForXLRetrieval, always: None):
    inputs = batch()
    states = model(**inputs, output_hidden_states=True).hidden_states
    assert [tuple(state.shape) for state in states] == [(3, 60, 32)] * 3


def test_only_where_it_pays_and_rows_are_runs(monkeypatch: pytest.MonkeyPatch):
    valid, is_global = masks([(0, 60, 7), (0, 11, 5)])
    assert find_rows(valid, is_global, 32) is None
    assert find_rows(valid, is_global, 768).places is not None
    assert find_rows(valid, is_global, 1024, may_pack=False).places is None
    assert find_rows(valid, is_global, 256, may_pack=False) is None
    whole = torch.ones(1, 512, dtype=torch.bool)
    assert find_rows(whole, whole & (torch.arange(512) < 32), 768).places is None
    monkeypatch.setattr(rows_module, "ROW_COST", 0)
    holes, late = valid.clone(), is_global.clone()
    holes[0, 20] = False
    late[0, 40] = True
    assert find_rows(holes, is_global, 32) is None
    assert find_rows(valid, late, 32) is None
    assert find_rows(valid[:0], is_global[:0], 32) is None
