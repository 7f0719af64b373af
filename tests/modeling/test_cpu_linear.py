"""Linear layers by oneDNN are those of torch."""

from __future__ import annotations

import platform

import pytest
import torch
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from xlretrieval.inference.batching import evaluating
from xlretrieval.modeling.cpu_linear import fast_linear

ON_X86 = platform.machine().lower() in ("x86_64", "amd64")
needs_onednn = pytest.mark.skipif(
    not ON_X86 or not torch.backends.mkldnn.is_available(), reason="needs an x86 processor and a torch with oneDNN"
)


@pytest.fixture(autouse=True)
def avx512(monkeypatch: pytest.MonkeyPatch) -> None:
    """In float32 oneDNN gives the same numbers where it is not the faster one."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")


@needs_onednn
@pytest.mark.parametrize("shape", [(5, 96), (1, 7, 96), (3, 40, 96), (0, 96), (96,)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
def test_the_same_numbers(shape, bias, dtype, atol) -> None:
    if dtype == torch.bfloat16 and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("needs a processor whose oneDNN has bfloat16")
    torch.manual_seed(0)
    layer, states = torch.nn.Linear(96, 33, bias=bias, dtype=dtype).eval(), torch.randn(shape).to(dtype)
    with torch.inference_mode():
        expected = layer(states)
        with fast_linear(layer):
            torch.testing.assert_close(layer(states), expected, rtol=0, atol=atol)
            # Rows that are not together in memory, as the first tokens are not.
            if len(shape) == 3:
                torch.testing.assert_close(layer(states[:, 0]), expected[:, 0], rtol=0, atol=atol)


@needs_onednn
def test_only_where_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    own = torch.ops.mkldnn._linear_pointwise
    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", lambda *args: calls.append(1) or own(*args))
    layer, states = torch.nn.Linear(8, 8), torch.randn(2, 8)
    with evaluating(layer):
        layer(states)
        assert len(calls) == 1
        # Mixed precision stays what it is, as do other dtypes.
        with torch.autocast("cpu", torch.bfloat16):
            assert layer(states).dtype == torch.bfloat16
        assert F.linear(states.double(), layer.weight.double()).dtype == torch.float64
    layer(states).sum().backward()
    with evaluating(layer, eager=False):
        layer(states)
    assert len(calls) == 1
    # Elsewhere MKL is as fast, and oneDNN has no products in bfloat16.
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    with evaluating(layer):
        layer(states)
    assert len(calls) == 1


@needs_onednn
@pytest.mark.parametrize("bias", [True, False])
def test_the_same_gradients(bias: bool) -> None:
    torch.manual_seed(0)
    layer, states = torch.nn.Linear(96, 33, bias=bias), torch.randn(3, 40, 96, requires_grad=True)
    parameters = [states, *layer.parameters()]
    # The gradient of a sum is one number for all rows; that of the square is not.
    for loss in (torch.Tensor.sum, lambda outputs: outputs.square().sum()):
        expected = torch.autograd.grad(loss(layer(states)), parameters)
        with fast_linear(layer):
            actual = torch.autograd.grad(loss(layer(states)), parameters)
        for one, other in zip(actual, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-3)


@needs_onednn
def test_layers_computed_again_for_the_gradient() -> None:
    """By the same products: checkpointing refuses what saves other tensors the second time."""
    torch.manual_seed(0)
    layer, states = torch.nn.Linear(6, 4), torch.randn(5, 6, requires_grad=True)
    layer(states).square().sum().backward()
    expected = [states.grad, layer.weight.grad, layer.bias.grad]
    states.grad = layer.weight.grad = layer.bias.grad = None
    with fast_linear(layer):
        checkpoint(layer, states, use_reentrant=False).square().sum().backward()
    for one, other in zip([states.grad, layer.weight.grad, layer.bias.grad], expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@needs_onednn
def test_frozen_weights_get_no_gradient() -> None:
    layer, states = torch.nn.Linear(8, 4).requires_grad_(False), torch.randn(2, 8, requires_grad=True)
    with fast_linear(layer):
        layer(states).sum().backward()
    torch.testing.assert_close(states.grad, layer.weight.sum(0).expand(2, 8))
    assert layer.weight.grad is None
