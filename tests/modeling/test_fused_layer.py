"""A layer as one step of autograd is what its modules give; without a GPU Triton's interpreter runs its kernels."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune
from torch.utils.checkpoint import checkpoint
from transformers.models.bert.modeling_bert import BertOutput

from xlretrieval.modeling import fused_attention
from xlretrieval.modeling.attention import build_pattern
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.fused_attention import FusedRows, find_fused_rows, has_fused
from xlretrieval.modeling.fused_layer import ROWS, can_fuse, run_fused
from xlretrieval.modeling.fused_linear import filled_linear
from xlretrieval.modeling.modeling_bert_long import BertLongLayer, BertLongSelfAttention

GPU = torch.device("cuda")
CUDA = pytest.mark.skipif(not has_fused(GPU, 64), reason="needs a GPU of NVIDIA")


@pytest.fixture
def interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels run on a processor, slowly: a batch is filled up to few slots."""
    monkeypatch.setattr(fused_attention, "SLOTS", ROWS)
    pytest.importorskip("triton")
    if os.environ["TRITON_INTERPRET"] != "1":
        pytest.skip("kernels are compiled here: run with TRITON_INTERPRET=1 too")


def layer_of(dropout: float = 0.0, heads: int = 3, head_dim: int = 16) -> BertLongLayer:
    hidden = heads * head_dim
    config = BertLongConfig(
        hidden_size=hidden, num_attention_heads=heads, intermediate_size=2 * hidden + 8, attention_window=16,
        num_hidden_layers=1, attention_probs_dropout_prob=0.0, hidden_dropout_prob=dropout,
    )  # fmt: skip
    config._attn_implementation = "eager"
    torch.manual_seed(0)
    layer = BertLongLayer(config, 0).train()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return layer


def masks_of(lengths: list[int], queries: int) -> tuple[torch.Tensor, torch.Tensor]:
    valid = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return valid, valid & (torch.arange(max(lengths)) < queries)


def mixed(values: np.ndarray) -> np.ndarray:
    """lowbias32, in 64 bits that are cut to 32."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        values = ((values ^ (values >> np.uint64(shift))) * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    return values ^ (values >> np.uint64(16))


def kept(seed: int, slots: int, hidden: int, dropout: float) -> torch.Tensor:
    """The factors of dropout, `(slots, hidden)`."""
    rows, columns = (np.arange(count, dtype=np.uint64) for count in (slots, hidden))
    values = mixed(rows ^ np.uint64(seed))[:, None] + mixed(columns ^ np.uint64(0x9E3779B9))
    values = ((values & np.uint64(0xFFFFFFFF)) * np.uint64(0x7FEB352D)) & np.uint64(0xFFFFFFFF)
    values = ((values ^ (values >> np.uint64(15))) * np.uint64(0x846CA68B)) & np.uint64(0xFFFFFFFF)
    return torch.from_numpy((values >> np.uint64(1)) >= dropout * 2**31) / (1 - dropout)


class Kept(nn.Module):
    """Dropout of what is known to be dropped."""

    def __init__(self, factors: torch.Tensor):
        super().__init__()
        self.factors = factors

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states * self.factors


def fused_and_defined(
    layer: BertLongLayer, lengths: list[int], queries: int, device: torch.device, dtype: torch.dtype
) -> list[dict[str, torch.Tensor]]:
    """Output, gradient of the input and gradients of all parameters; the second time by the modules in 64 bits."""
    valid, is_global = masks_of(lengths, queries)
    rows = find_fused_rows(valid, is_global, device, dtype)
    hidden, dropout = layer.output.dense.out_features, layer.output.dropout.p
    given, upstream = (torch.randn(*valid.shape, hidden) * valid[..., None] for _ in range(2))
    given, results = given.to(dtype), []
    for exact in (False, True):
        place, precision = (torch.device("cpu"), torch.float64) if exact else (device, dtype)
        layer = layer.to(place, precision)
        layer.zero_grad()
        states = given.detach().to(place, precision).requires_grad_()
        torch.manual_seed(1)
        if exact:
            seeds = [int(seed) for seed in torch.randint(1 << 31, (3,), device=device)]
            for module, seed in ((layer.attention.output, seeds[1]), (layer.output, seeds[2])):
                slots = kept(seed, len(rows.places), hidden, dropout)[None].to(device)
                module.dropout = Kept(rows.unpack(slots).to(place, precision))
            output = layer(states, build_pattern(valid, is_global, (16,), "eager", None))
        else:
            assert can_fuse(layer)
            output = rows.unpack(run_fused(layer, rows.pack(states), rows))
        output = output * valid[..., None].to(place)
        (output * upstream.to(place)).sum().backward()
        found = {"output": output, "input": states.grad} | {
            name: parameter.grad.clone() for name, parameter in layer.named_parameters()
        }
        results.append({name: values.detach().cpu().double() for name, values in found.items()})
    return results


@pytest.mark.usefixtures("interpreter")
@pytest.mark.parametrize(
    ("dropout", "lengths", "queries"),
    [(0.0, [22, 11, 31, 0], 4), (0.25, [22, 10], 4), (0.25, [32], 0), (0.0, [35, 20], 35)],
)
def test_the_definition(dropout: float, lengths: list[int], queries: int):
    found, expected = fused_and_defined(layer_of(dropout), lengths, queries, torch.device("cpu"), torch.float32)
    assert found.keys() == expected.keys() and len(found) == 24
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def packed(layer: BertLongLayer, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, FusedRows]:
    valid, is_global = masks_of([20, 11], 4)
    rows = find_fused_rows(valid, is_global, torch.device("cpu"), dtype)
    torch.manual_seed(2)
    return torch.randn(1, len(rows.places), layer.output.dense.out_features, dtype=dtype), rows


@pytest.mark.usefixtures("interpreter")
def test_without_a_gradient_it_gives_the_same():
    layer = layer_of().eval()
    states, rows = packed(layer)
    expected, given = run_fused(layer, states, rows), states.clone()
    assert expected.requires_grad
    with torch.no_grad():
        found = run_fused(layer, states, rows)
    assert torch.equal(found, expected) and not found.requires_grad
    assert torch.equal(states, given)


@pytest.mark.usefixtures("interpreter")
def test_frozen_parts():
    """What is not frozen learns as it does otherwise, also where the layer's input needs no gradient."""
    layer = layer_of()
    states, rows = packed(layer)
    gradients = []
    for frozen in ((), ("attention.self", "output.LayerNorm"), ("attention.output", "intermediate.dense")):
        layer.requires_grad_(True)
        layer.zero_grad()
        for part in frozen:
            layer.get_submodule(part).requires_grad_(False)
        (run_fused(layer, states.requires_grad_(not frozen), rows)[:, :31] ** 3).sum().backward()
        found = {name: value.grad for name, value in layer.named_parameters() if value.grad is not None}
        gradients.append(found)
        assert found.keys() == {name for name in gradients[0] if not name.startswith(frozen)} or not frozen
        torch.testing.assert_close(found, {name: gradients[0][name] for name in found})
    assert len(gradients[0]) == 22


@pytest.mark.usefixtures("interpreter")
def test_weights_of_32_bits_and_states_of_16():
    """As under autocast: gradients come in the dtype of the weights."""
    layer = layer_of()
    states, rows = packed(layer, torch.float16)  # the interpreter's products in bfloat16 are wrong
    output = run_fused(layer, states.requires_grad_(), rows)
    assert output.dtype == torch.float16
    wide_states = states.detach().float()  # as a hook may give them
    assert torch.equal(run_fused(layer, wide_states, rows), output)
    output.float().square().sum().backward()
    assert all(value.grad.dtype == torch.float32 for value in layer.parameters())
    with torch.no_grad():
        wide = run_fused(layer, states.float(), packed(layer)[1])
    torch.testing.assert_close(output.float()[:, :31], wide[:, :31], rtol=0.01, atol=0.01)


def hook(module: nn.Module, given: object, output: torch.Tensor) -> torch.Tensor:
    return output * 2


def replace_forward(layer: BertLongLayer) -> None:
    layer.attention.self.value.forward = lambda states: states


class Bottleneck(BertOutput):
    """An adapter that takes the place of a part."""


def subclass(layer: BertLongLayer) -> None:
    layer.output.__class__ = Bottleneck


def change_activation(layer: BertLongLayer) -> None:
    layer.intermediate.intermediate_act_fn = nn.ReLU()


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: layer.attention.self.value.register_forward_hook(hook),
        lambda layer: layer.attention.self.register_forward_hook(hook),
        lambda layer: layer.intermediate.register_forward_pre_hook(lambda module, given: None),
        lambda layer: layer.output.LayerNorm.register_forward_hook(hook),
        lambda layer: layer.output.dropout.register_forward_hook(hook),
        lambda layer: layer.output.dense.register_full_backward_hook(lambda module, given, output: None),
        lambda layer: layer.attention.output.register_full_backward_pre_hook(lambda module, output: None),
        lambda layer: nn.utils.parametrizations.weight_norm(layer.output.dense),
        lambda layer: prune.identity(layer.output.dense, "weight"),
        lambda layer: setattr(layer.output, "dense", nn.Sequential(layer.output.dense)),
        lambda layer: setattr(layer.output, "dropout", nn.AlphaDropout(0.1)),
        lambda layer: setattr(layer.output, "LayerNorm", nn.Identity()),
        replace_forward,
        subclass,
        change_activation,
    ],
)
def test_a_changed_layer_is_called_as_it_is(change: Callable[[BertLongLayer], object]):
    layer = layer_of()
    assert can_fuse(layer)
    change(layer)
    assert not can_fuse(layer)


def test_hooks_on_all_modules():
    handle = nn.modules.module.register_module_forward_hook(lambda module, given, output: None)
    try:
        assert not can_fuse(layer_of())
    finally:
        handle.remove()
    assert can_fuse(layer_of())


@pytest.mark.usefixtures("interpreter")
@pytest.mark.parametrize("kind", ["attention", "layer"])
def test_a_subclass_is_called_as_it_is(kind: str):
    class Attention(BertLongSelfAttention):
        def forward(self, hidden_states, pattern):
            return hidden_states * 0, None

    class Layer(BertLongLayer):
        def after_attention(self, attended, hidden_states, keep):
            return attended * 0

    layer = layer_of()
    states, rows = packed(layer)
    before = layer(states, rows)
    torch.testing.assert_close(before, run_fused(layer, states, rows))
    if kind == "attention":
        layer.attention.self.__class__ = Attention
    else:
        layer.__class__ = Layer
    assert not torch.allclose(layer(states, rows), before)


@pytest.mark.usefixtures("interpreter")
def test_computed_again_with_other_random_numbers():
    """A checkpoint that does not keep their state: the gradient has the dropout of the second time throughout."""
    layer = layer_of(0.3)
    states, rows = packed(layer)
    output = checkpoint(run_fused, layer, states, rows, use_reentrant=False, preserve_rng_state=False)
    torch.manual_seed(4)
    (output[:, :31] ** 2).sum().backward()
    found = {name: value.grad.clone() for name, value in layer.named_parameters()}
    layer.zero_grad()
    torch.manual_seed(4)
    again = run_fused(layer, states, rows)
    upstream = 2 * output.detach() * (torch.arange(output.shape[1]) < 31)[:, None]
    again.backward(upstream)
    torch.testing.assert_close(found, {name: value.grad for name, value in layer.named_parameters()})


@pytest.mark.parametrize("words", [37, 40])
def test_a_vocabulary_of_any_size(words: int):
    torch.manual_seed(0)
    layer, states = nn.Linear(16, words).double(), torch.randn(5, 16, dtype=torch.float64, requires_grad=True)
    results = []
    for score in (layer, lambda given: filled_linear(layer, given)):
        layer.zero_grad()
        scores = score(states)
        of_states, *gradients = torch.autograd.grad(scores.exp().sum(), [states, *layer.parameters()])
        results.append([scores, of_states, *gradients])
    torch.testing.assert_close(*results)


@CUDA
@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_on_a_gpu_in_16_bits(dropout: float, dtype: torch.dtype):
    layer = layer_of(dropout, heads=4, head_dim=64)
    found, expected = fused_and_defined(layer, [700, 33, 256], 32, GPU, dtype)
    for side in ("key", "key_global"):  # a softmax takes no notice of these biases: what is found is rounding
        rest, _ = (values.pop(f"attention.self.{side}.bias").norm() for values in (found, expected))
        assert rest < 0.1 * expected[f"attention.self.{side}.weight"].norm()
    for name, values in expected.items():
        error = (found[name] - values).norm() / values.norm()
        assert error < (0.02 if dtype == torch.bfloat16 else 0.005), (name, error)


@CUDA
def test_a_gpu_sums_in_one_order():
    layer = layer_of(0.1, heads=4, head_dim=64).to(GPU, torch.bfloat16)
    valid, is_global = masks_of([700, 33, 256], 32)
    rows = find_fused_rows(valid, is_global, GPU, torch.bfloat16)
    states = torch.randn(1, len(rows.places), 256, device=GPU, dtype=torch.bfloat16)
    results = []
    for _ in range(2):
        layer.zero_grad()
        torch.manual_seed(0)
        run_fused(layer, states, rows).float().square().sum().backward()
        results.append([parameter.grad for parameter in layer.parameters()])
    assert all(map(torch.equal, *results))
