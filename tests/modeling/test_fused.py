"""Attention by kernels of its own is what the definition gives; without a GPU Triton's interpreter runs them."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from xlretrieval.inference.first_token import first_token_scorer
from xlretrieval.modeling import fused_attention
from xlretrieval.modeling.attention import build_pattern
from xlretrieval.modeling.compilation import compile_layers
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.fused_attention import SLOTS, FusedRows, find_fused_rows, has_fused
from xlretrieval.modeling.fused_layer import ROWS
from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval, BertLongModel

CPU = torch.device("cpu")


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row is several blocks, tiles and spans."""
    pytest.importorskip("triton")
    if os.environ["TRITON_INTERPRET"] != "1":
        pytest.skip("kernels are compiled here: run with TRITON_INTERPRET=1 too")
    for name, size in (("BLOCK", 32), ("TILE", 16), ("SPAN", 64)):
        monkeypatch.setattr(fused_attention, name, size)


@pytest.fixture
def on_a_processor(small_blocks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models take the kernels here too, in whatever precision they are."""

    def find(self: BertLongModel, valid, is_global, recorded, device) -> FusedRows | None:
        if recorded or self.config._attn_implementation != "sdpa":
            return find_own(self, valid, is_global, recorded, device)
        return find_fused_rows(valid, is_global & valid, device, self.dtype)

    monkeypatch.setattr(fused_attention, "SLOTS", ROWS)
    find_own = BertLongModel._find_rows
    monkeypatch.setattr(BertLongModel, "_find_rows", find)


@st.composite
def masks(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of any lengths with any number of global tokens first, somewhere among padding."""
    batch, length = draw(st.integers(1, 3)), draw(st.integers(1, 80))
    valid, is_global = torch.zeros(2, batch, length, dtype=torch.bool)
    for row in range(batch):
        tokens = draw(st.integers(0, length))
        first = draw(st.integers(0, length - tokens))
        valid[row, first : first + tokens] = True
        is_global[row, first : first + draw(st.integers(0, tokens))] = True
    return valid, is_global


@pytest.mark.usefixtures("small_blocks")
@settings(
    max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(masks(), st.sampled_from([2, 10, 64]))
def test_the_definition(layer_of: Callable, masks: tuple[torch.Tensor, torch.Tensor], window: int):
    valid, is_global = masks
    assume(valid.any())
    torch.manual_seed(0)
    hidden = torch.randn(*valid.shape, 16, dtype=torch.float64)
    upstream = torch.randn_like(hidden) * valid[..., None]
    results = []
    for dtype in (torch.float64, torch.float32):
        layer, states = layer_of(window, "eager").to(dtype), hidden.to(dtype).requires_grad_()
        if dtype == torch.float32:
            rows = find_fused_rows(valid, is_global, CPU, dtype)
            assert len(rows.places) % SLOTS == 0 and rows.tokens == valid.sum()
            output = rows.unpack(layer(rows.pack(states), rows)[0])
            assert output[~valid].eq(0).all()
        else:
            output = layer(states, build_pattern(valid, is_global, [window], "eager", 512))[0] * valid[..., None]
        wanted = [states, *layer.parameters()]
        gradients = torch.autograd.grad((output * upstream.to(dtype)).sum(), wanted)
        results.append([value.double() for value in (output, *gradients)])
    for expected, actual in zip(*results, strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of keys outside, whose gradients are not stored
def test_scores_far_below_zero():
    """A softmax takes no notice of a shift of all scores, and neither do its gradients."""
    valid = torch.ones(1, 21, dtype=torch.bool)
    rows = find_fused_rows(valid, valid & (torch.arange(21) < 3), CPU, torch.float32)
    torch.manual_seed(0)
    given, queries = torch.randn(len(rows.places), 5, 1, 16), torch.rand(3, 1, 16, requires_grad=True)
    given[:, 0] = torch.rand(len(rows.places), 1, 16)
    upstream, results = torch.randn(len(rows.places), 16), []
    for shift in (0.0, -100.0):
        projected = given.clone()
        projected[:, [1, 3]] += shift
        output = fused_attention._WindowAndGlobal.apply(projected.requires_grad_(), queries, rows, 4, 0.25, 0.0)
        results.append([output, *torch.autograd.grad((output * upstream).sum(), [projected, queries])])
    torch.testing.assert_close(*results, rtol=0, atol=1e-2)


@pytest.mark.parametrize("masks", [([1, 0, 1], [1, 0, 0]), ([1, 1, 1], [0, 1, 0]), ([0, 1, 1], [0, 0, 1])])
def test_rows_of_another_form(masks: tuple[list[int], list[int]]):
    valid, is_global = (torch.tensor([[1, 1, 1], mask], dtype=torch.bool) for mask in masks)
    is_global[0] = torch.tensor([True, False, False])
    assert find_fused_rows(valid, is_global, CPU, torch.float64) is None


def drawn_and_defined(device: str, dtype: torch.dtype, dropout: float) -> list[list[torch.Tensor]]:
    """Output and gradients with dropout, and those of the definition with what was dropped there.

    What was dropped shows when every token has a number of a head for itself, and all scores are equal.
    """
    lengths, global_counts, half, heads, dim = [50, 23, 64], [5, 0, 40], 9, 3, 64
    valid, is_global = (torch.arange(64) < torch.tensor(counts)[:, None] for counts in (lengths, global_counts))
    rows = find_fused_rows(valid, is_global, torch.device(device), dtype)
    options = {"device": device, "dtype": dtype}

    def attend(projected: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(1)
        output = fused_attention._WindowAndGlobal.apply(projected, queries, rows, half, 0.125, dropout)
        return output.unflatten(-1, (heads, dim))[: rows.tokens]

    position = torch.cat([torch.arange(length) for length in lengths])
    row = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    asks = position < torch.tensor(global_counts)[row]
    near = (position[:, None] - position).abs() <= half
    seen = ((near | asks | asks[:, None]) & (row[:, None] == row)).to(device)
    shape = len(rows.places), 5, heads, dim
    marks = torch.zeros(shape, **options)
    marks[: rows.tokens, [2, 4]] = torch.eye(64, **options)[position][:, None, None]
    found = attend(marks, torch.zeros(len(rows.global_slots), heads, dim, **options)) > 0
    kept = found.transpose(0, 1)[..., position] & seen
    assert (kept.sum() / heads / seen.sum()).item() == pytest.approx(1 - dropout, abs=0.02)
    assert not torch.equal(kept[0], kept[1])

    given = torch.randn(shape, **options), torch.randn(len(rows.global_slots), heads, dim, **options)
    upstream, results = torch.randn(rows.tokens, heads, dim, **options), []
    for exact in (False, True):
        precision = torch.float64 if exact else dtype
        projected, queries = inputs = [values.to(precision).requires_grad_() for values in given]
        if exact:
            query, key, value, global_key, global_value = projected[: rows.tokens].transpose(1, 2).unbind(2)
            local, of_globals = torch.einsum("qhd,khd->hqk", query, key), torch.zeros_like(kept, dtype=torch.float64)
            of_globals[:, asks] = torch.einsum("qhd,khd->hqk", queries, global_key)
            which = asks.to(device)[:, None]
            scores = torch.where(which, of_globals, local).mul(0.125).masked_fill(~seen, float("-inf"))
            weights = scores.softmax(-1) * kept / (1 - dropout)
            output = (weights * ~which) @ value.transpose(0, 1) + (weights * which) @ global_value.transpose(0, 1)
            output = output.transpose(0, 1)
        else:
            output = attend(projected, queries)
        results.append([output, *torch.autograd.grad((output * upstream).sum(), inputs)])
    return results


@pytest.mark.usefixtures("small_blocks")
def test_dropout():
    for actual, expected in zip(*drawn_and_defined("cpu", torch.float32, 0.3), strict=True):
        torch.testing.assert_close(actual.double(), expected, rtol=1e-4, atol=1e-5)


SIZES = {"vocab_size": 120, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
SIZES |= {"num_hidden_layers": 2, "max_position_embeddings": 1024, "attention_window": 16, "sep_token_id": 3}


def model_of(implementation: str = "sdpa", **sizes: Any) -> BertLongForXLRetrieval:
    torch.manual_seed(0)
    config = BertLongConfig(**SIZES | {"attention_probs_dropout_prob": 0.0, "hidden_dropout_prob": 0.0} | sizes)
    model = BertLongForXLRetrieval(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    model.set_attn_implementation(implementation)
    return model


def batch_of(lengths: list[int], query: int = 4) -> dict[str, torch.Tensor]:
    torch.manual_seed(2)
    valid = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
    ids = torch.randint(5, 100, valid.shape) * valid
    is_global = (torch.arange(max(lengths)) < query) & valid
    labels = torch.where(is_global, ids, -100)
    return {
        "input_ids": ids,
        "attention_mask": valid.long(),
        "global_attention_mask": is_global.long(),
        "labels": labels,
    }


@pytest.mark.usefixtures("on_a_processor")
@pytest.mark.parametrize("way", ["checkpointed", "an adapter", "an adapter, compiled"])
def test_a_model_with_its_gradients(way: str):
    results = []
    for implementation in ("eager", "sdpa"):
        layers = 2 if way == "checkpointed" else 1
        model = model_of(implementation, num_hidden_layers=layers).train()
        if way == "checkpointed":
            model.gradient_checkpointing_enable()
        if "compiled" in way and implementation == "sdpa":
            compile_layers(model, backend="aot_eager")
        if "an adapter" in way:
            for layer in model.bert.encoder.layer:
                layer.attention.self.value.register_forward_hook(lambda module, given, output: output * 2)
        output = model(**batch_of([40, 11, 30, 0]))
        (output.loss + output.logits[:3].sum()).backward()
        gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
        results.append((output.loss, output.logits[:3], output.mlm_logits, gradients))
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("on_a_processor")
def test_checkpointing_drops_the_same():
    gradients = []
    for checkpointed in (False, True):
        model = model_of(attention_probs_dropout_prob=0.3, hidden_dropout_prob=0.2, num_hidden_layers=1).train()
        if checkpointed:
            model.gradient_checkpointing_enable()
        torch.manual_seed(3)
        model(**batch_of([20, 11])).loss.backward()
        gradients.append({name: parameter.grad for name, parameter in model.named_parameters()})
    torch.testing.assert_close(*gradients)


@pytest.mark.usefixtures("on_a_processor")
def test_recorded_states_keep_the_padding():
    inputs = batch_of([60, 11])
    with torch.no_grad():
        states = model_of().eval()(**inputs, output_hidden_states=True).hidden_states
    assert [tuple(state.shape) for state in states] == [(2, 60, 32)] * 3


@pytest.mark.usefixtures("on_a_processor")
def test_the_first_tokens_alone():
    model, inputs = model_of().eval(), batch_of([60, 11, 4])
    del inputs["labels"]
    with torch.inference_mode():
        torch.testing.assert_close(
            first_token_scorer(model)(**inputs).logits, model(**inputs).logits, rtol=1e-5, atol=1e-6
        )
        last = model.bert.encoder.layer[-1].attention.self
        for projection in (last.query, last.key, last.value):
            projection.weight.fill_(float("nan"))
        assert first_token_scorer(model)(**inputs).logits.isfinite().all()


def test_a_compiled_copy_is_a_copy():
    model = model_of()
    compile_layers(model, backend="eager")
    copied = copy.deepcopy(model)
    for one, other in zip(copied.bert.encoder.layer, model.bert.encoder.layer, strict=True):
        assert one.after_attention.__self__ is one is not other
    assert list(copied.state_dict()) == list(model_of().state_dict())


CUDA = pytest.mark.skipif(not has_fused(torch.device("cuda"), 64), reason="needs a GPU of NVIDIA")


@CUDA
@pytest.mark.parametrize("lengths", [[700, 40, 130, 1000], [512] * 4])
def test_on_a_gpu_in_16_bits(lengths: list[int]):
    """As near to the definition in 32 bits as the definition in 16 is."""
    sizes = {"hidden_size": 256, "intermediate_size": 512, "attention_window": 256, "num_hidden_layers": 4}
    inputs = {name: values.cuda() for name, values in batch_of(lengths, 34).items()}
    found = []
    for implementation, bf16, compiled in (
        ("eager", False, 0),
        ("eager", True, 0),
        ("sdpa", True, 0),
        ("sdpa", True, 1),
    ):
        model = model_of(implementation, **sizes).cuda().train()
        if compiled:
            compile_layers(model)
        with torch.autocast("cuda", torch.bfloat16, enabled=bf16):
            output = model(**inputs)
        (output.loss + output.logits.float().sum()).backward()
        found.append(torch.cat([parameter.grad.flatten() for parameter in model.parameters()]))
    exact, *rounded = found
    allowed, *errors = [((values - exact).norm() / exact.norm()).item() for values in rounded]
    assert max(errors) < 4 * allowed < 0.2


@CUDA
@pytest.mark.parametrize("dropout", [0.1, 0.5])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_dropout_on_a_gpu(dropout: float, dtype: torch.dtype):
    for actual, expected in zip(*drawn_and_defined("cuda", dtype, dropout), strict=True):
        assert (actual - expected).norm() < 0.01 * expected.norm()


@CUDA
def test_a_gpu_sums_in_one_order():
    results = []
    for _ in range(2):
        model, inputs = model_of(hidden_size=256), batch_of([700, 40, 130, 1000], 34)
        model.cuda().train()
        with torch.autocast("cuda", torch.bfloat16):
            model(**{name: values.cuda() for name, values in inputs.items()}).loss.backward()
        layers = model.bert.encoder.named_parameters()
        results.append({name: parameter.grad for name, parameter in layers if parameter.grad is not None})
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])
