"""Attention by a kernel for runs and windows is what the definition gives; the kernel is written down here."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from xlretrieval.inference.first_token import first_token_scorer
from xlretrieval.modeling import flash_attention
from xlretrieval.modeling.attention import build_pattern
from xlretrieval.modeling.compilation import compile_layers
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.flash_attention import TILE, FlashRows, find_flash_rows, has_flash
from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval, BertLongModel

CPU = torch.device("cpu")


def runs(query: torch.Tensor, key: torch.Tensor, bounds: tuple, half: int | None) -> Iterator[tuple]:
    """Of every run its queries, its keys, and which sees which; `(heads, n, head_dim)` each."""
    for start, stop, first, last in zip(bounds[0], bounds[0][1:], bounds[1], bounds[1][1:], strict=False):
        places = torch.arange(stop - start)[:, None] - torch.arange(last - first)
        seen = torch.ones_like(places, dtype=torch.bool) if half is None else places.abs() <= half
        yield slice(start, stop), slice(first, last), seen


def scores(query: torch.Tensor, key: torch.Tensor, seen: torch.Tensor, scale: float) -> torch.Tensor:
    products = query.transpose(0, 1) @ key.permute(1, 2, 0) * scale
    return products.masked_fill(~seen, float("-inf"))


def kernel(query, key, value, query_bounds, key_bounds, longest_query, longest_key, dropout, causal, debug, **options):
    """What torch's operator computes; of nothing to see the logarithm is infinite, as there."""
    assert not (dropout or causal or debug)
    half = options.get("window_size_left")
    assert options.get("window_size_right") == half and longest_query == query_bounds.diff().max()
    assert longest_key == key_bounds.diff().max() and len(query) and len(key)
    output, logarithm = torch.zeros_like(query), query.new_full(query.shape[1::-1], float("inf"))
    for rows, columns, seen in runs(query, key, (query_bounds, key_bounds), half):
        if seen.numel():
            found = scores(query[rows], key[columns], seen, options["scale"])
            output[rows] = (found.softmax(-1) @ value[columns].transpose(0, 1)).transpose(0, 1)
            logarithm[:, rows] = found.logsumexp(-1)
    return output, logarithm, torch.zeros(2), torch.zeros(()), torch.zeros(0)


def gradient_kernel(
    gradient, query, key, value, output, logarithm, query_bounds, key_bounds, longest_query, longest_key,
    dropout, causal, random, unused, **options: Any,
):  # fmt: skip
    """Its gradient, from output and logarithm that may be of more keys."""
    of_query, of_key, of_value = torch.zeros_like(query), torch.zeros_like(key), torch.zeros_like(value)
    half, scale = options.get("window_size_left"), options["scale"]
    for rows, columns, seen in runs(query, key, (query_bounds, key_bounds), half):
        found = scores(query[rows], key[columns], seen, scale)
        probabilities = (found - logarithm[:, rows, None]).exp()
        upstream = gradient[rows].transpose(0, 1)
        of_value[columns] = (probabilities.transpose(1, 2) @ upstream).transpose(0, 1)
        means = (gradient[rows] * output[rows]).sum(-1).t()[..., None]
        of_scores = probabilities * (upstream @ value[columns].permute(1, 2, 0) - means) * scale
        of_query[rows] = (of_scores @ key[columns].transpose(0, 1)).transpose(0, 1)
        of_key[columns] = (of_scores.transpose(1, 2) @ query[rows].transpose(0, 1)).transpose(0, 1)
    return of_query, of_key, of_value


@pytest.fixture
def written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flash_attention, "_forward", kernel)
    monkeypatch.setattr(flash_attention, "_backward", gradient_kernel)


@pytest.fixture
def on_a_processor(written_down: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models take the kernel here too, in whatever precision they are."""

    def find(self: BertLongModel, valid, is_global, recorded, device) -> FlashRows | None:
        if recorded or self.config._attn_implementation != "sdpa":
            return find_own(self, valid, is_global, recorded, device)
        return find_flash_rows(valid, is_global & valid, device, self.dtype)

    find_own = BertLongModel._find_rows
    monkeypatch.setattr(BertLongModel, "_find_rows", find)


@st.composite
def masks(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of any lengths with any number of global tokens first, somewhere among padding."""
    batch, length = draw(st.integers(1, 4)), draw(st.integers(1, 90))
    valid, is_global = torch.zeros(2, batch, length, dtype=torch.bool)
    for row in range(batch):
        tokens = draw(st.integers(0, length))
        first = draw(st.integers(0, length - tokens))
        valid[row, first : first + tokens] = True
        is_global[row, first : first + draw(st.integers(0, tokens))] = True
    return valid, is_global


@pytest.mark.usefixtures("written_down")
@settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(masks(), st.sampled_from([2, 10, 64]))
def test_the_definition(layer_of: Callable, masks: tuple[torch.Tensor, torch.Tensor], window: int):
    valid, is_global = masks
    assume(valid.any())
    torch.manual_seed(0)
    hidden = torch.randn(*valid.shape, 16, dtype=torch.float64, requires_grad=True)
    upstream = torch.randn_like(hidden) * valid[..., None]
    results = []
    for flash in (False, True):
        layer = layer_of(window, "eager")
        if flash:
            rows = find_flash_rows(valid, is_global, CPU, torch.float64)
            assert len(rows.places) % TILE == 0 and rows.tokens == valid.sum()
            output = rows.unpack(layer(rows.pack(hidden), rows)[0])
            assert output[~valid].eq(0).all()
        else:
            output = layer(hidden, build_pattern(valid, is_global, [window], "eager", 512))[0] * valid[..., None]
        wanted = [hidden, *layer.parameters()]
        results.append([output, *torch.autograd.grad((output * upstream).sum(), wanted)])
    for expected, actual in zip(*results, strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("masks", [([1, 0, 1], [1, 0, 0]), ([1, 1, 1], [0, 1, 0]), ([0, 1, 1], [0, 0, 1])])
def test_rows_of_another_form(masks: tuple[list[int], list[int]]):
    valid, is_global = (torch.tensor([[1, 1, 1], mask], dtype=torch.bool) for mask in masks)
    is_global[0] = torch.tensor([True, False, False])
    assert find_flash_rows(valid, is_global, CPU, torch.float64) is None


SIZES = {"vocab_size": 120, "hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 64}
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
@pytest.mark.parametrize("way", ["plain", "checkpointed", "compiled", "both", "an adapter"])
def test_a_model_with_its_gradients(way: str):
    results = []
    for implementation in ("eager", "sdpa"):
        model = model_of(implementation).train()
        if way in ("checkpointed", "both"):
            model.gradient_checkpointing_enable()
        if way in ("compiled", "both") and implementation == "sdpa":
            compile_layers(model, backend="aot_eager")
        if way == "an adapter":
            for layer in model.bert.encoder.layer:
                layer.attention.self.value.register_forward_hook(lambda module, given, output: output * 2)
        output = model(**batch_of([60, 11, 30, 0]))
        (output.loss + output.logits[:3].sum()).backward()
        gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
        results.append((output.loss, output.logits[:3], output.mlm_logits, gradients))
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-5)


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


CUDA = pytest.mark.skipif(not has_flash(torch.device("cuda"), 64), reason="needs a GPU with flash attention")


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
@pytest.mark.parametrize("dropout", [0.0, 0.1, 0.5])
def test_dropout_on_a_gpu(dropout: float):
    """The output is linear in the values, so their gradient gives it back; and it follows from the seed."""
    valid, is_global = (torch.arange(600) < torch.tensor(counts)[:, None] for counts in ([600, 77, 300], [20, 7, 32]))
    rows = find_flash_rows(valid, is_global, torch.device("cuda"), torch.bfloat16)
    options = {"device": "cuda", "dtype": torch.bfloat16, "requires_grad": True}
    projected = torch.randn(len(rows.places), 5, 4, 64, **options)
    queries = torch.randn(len(rows.global_slots), 4, 64, **options)

    def attend() -> torch.Tensor:
        torch.manual_seed(1)
        return flash_attention._WindowAndGlobal.apply(projected, queries, rows, 128, 0.125, dropout)

    output = attend()
    assert torch.equal(output, attend())
    (gradient,) = torch.autograd.grad(output, projected, output)
    values = (gradient.double() * projected.double())[:, [2, 4]].sum()
    torch.testing.assert_close(values, output.double().square().sum(), rtol=1e-2, atol=0)
