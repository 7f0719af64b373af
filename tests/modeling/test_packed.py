"""Packed rows give what the definition gives, for any masks, and compile for few shapes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.nn.attention.flex_attention import BlockMask

from xlretrieval.modeling import attention, packed_attention
from xlretrieval.modeling.attention import build_pattern
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval
from xlretrieval.modeling.packed_attention import bucket, pack_rows


def dense_kernel(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, block_mask: BlockMask, scale: float):
    """The kernel's definition by a dense mask; unlike the kernel on a processor it has a gradient."""
    queries, keys = (torch.arange(states.shape[2]) for states in (query, key))
    none = torch.zeros((), dtype=torch.long)
    mask = block_mask.mask_mod(none, none, queries[:, None], keys[None])
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask[None, None], scale=scale)


@st.composite
def masks(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor]:
    """Padding anywhere, global tokens anywhere, or nowhere, or nothing but padding."""
    batch, length = draw(st.integers(1, 4)), draw(st.integers(1, 90))
    torch.manual_seed(draw(st.integers(0, 2**31)))
    valid = torch.rand(batch, length) < draw(st.sampled_from([0.0, 0.5, 0.95, 1.0]))
    return valid, (torch.rand(batch, length) < draw(st.sampled_from([0.0, 0.1, 1.0]))) & valid


@settings(max_examples=25, deadline=None, derandomize=True)
@given(masks(), st.sampled_from([2, 10, 64]), st.booleans())
def test_the_definition(layer_of: Callable, masks: tuple[torch.Tensor, torch.Tensor], window: int, gradient: bool):
    valid, is_global = masks
    hidden = torch.randn(*valid.shape, 16, dtype=torch.float64, requires_grad=gradient)
    upstream = torch.randn_like(hidden) * valid[..., None]
    results = []
    for packed in (False, True):
        layer = layer_of(window, "eager").requires_grad_(gradient)
        if packed:
            rows = pack_rows(valid, is_global, [window])
            with pytest.MonkeyPatch.context() as patch:
                if gradient:
                    patch.setattr(packed_attention, "flex_kernel", lambda module, device: dense_kernel)
                output = rows.unpack(layer(rows.pack(hidden), rows)[0])
            assert output[~valid].eq(0).all()
        else:
            output = layer(hidden, build_pattern(valid, is_global, [window], "eager", 512))[0] * valid[..., None]
        results.append([output])
        if gradient:
            wanted = [hidden, *layer.parameters()]
            results[-1] += torch.autograd.grad((output * upstream).sum(), wanted)
    for expected, actual in zip(*results, strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9)


def model_of(implementation: str) -> BertLongForXLRetrieval:
    torch.manual_seed(0)
    config = BertLongConfig(
        vocab_size=120, hidden_size=32, num_attention_heads=4, intermediate_size=64, num_hidden_layers=2,
        max_position_embeddings=64, attention_window=16, attention_probs_dropout_prob=0.0, hidden_dropout_prob=0.0,
    )  # fmt: skip
    model = BertLongForXLRetrieval(config)
    model.set_attn_implementation(implementation)
    return model


def batch_of(lengths: list[int]) -> dict[str, torch.Tensor]:
    torch.manual_seed(2)
    valid = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
    ids = torch.randint(5, 100, valid.shape) * valid
    query = (torch.arange(max(lengths)) < 4) & valid
    labels = torch.where(query, ids, -100)
    return {"input_ids": ids, "attention_mask": valid.long(), "global_attention_mask": query.long(), "labels": labels}


@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_model_with_its_gradients(checkpointing: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(packed_attention, "flex_kernel", lambda module, device: dense_kernel)
    results = []
    for implementation in ("eager", "flex_attention"):
        model = model_of(implementation).train()
        if checkpointing:
            model.gradient_checkpointing_enable()
        output = model(**batch_of([60, 11, 30]))
        (output.loss + output.logits.sum()).backward()
        gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
        results.append((output.loss, output.logits, output.mlm_logits, gradients))
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-6)


def test_recorded_states_keep_the_padding(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("xlretrieval.modeling.modeling_bert_long.pack_rows", pytest.fail)
    inputs = batch_of([60, 11])
    with torch.no_grad():
        states = model_of("flex_attention").eval()(**inputs, output_hidden_states=True).hidden_states
    assert [tuple(state.shape) for state in states] == [(2, 60, 32)] * 3


@given(st.integers(0, 10**7))
def test_a_bucket_holds_and_wastes_little(count: int):
    size = bucket(count)
    assert size >= max(count, 128) and size % 128 == 0
    assert size - count < max(128, count / 8) or not count
    assert bucket(size) == size


def test_few_buckets():
    assert len({bucket(count) for count in range(1, 1 << 17)}) == 16 + 8 * 6


@pytest.mark.slow
def test_kernels_are_compiled_for_few_shapes(monkeypatch: pytest.MonkeyPatch):
    """As on CUDA, where mask and kernel are compiled: once for a bucket, not for every batch."""
    torch._dynamo.reset()
    graphs: list[torch.fx.GraphModule] = []

    def counting(graph: torch.fx.GraphModule, inputs: list) -> Callable:
        graphs.append(graph)
        return graph.forward

    own = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function, dynamic: own(function, dynamic=dynamic, backend=counting))
    monkeypatch.setattr(attention, "_COMPILED", {})
    cuda, block_mask, flex_kernel = torch.device("cuda"), attention.block_mask, attention.flex_kernel
    make = attention.create_block_mask

    def make_here(*sizes: object, device: torch.device) -> BlockMask:
        return make(*sizes, device="cpu")

    monkeypatch.setattr(attention, "create_block_mask", make_here)
    monkeypatch.setattr(packed_attention, "block_mask", lambda *sizes: block_mask(*sizes[:-1], cuda))
    monkeypatch.setattr(packed_attention, "flex_kernel", lambda module, device: flex_kernel(module, cuda))
    model, reference = model_of("flex_attention").eval(), model_of("eager").eval()

    def encode(tokens: int) -> None:
        """Two rows of any length and as many tokens as are left."""
        first = int(torch.randint(5, 40, ()))
        lengths = [first, *([60] * ((tokens - first) // 60)), max(5, (tokens - first) % 60)]
        inputs = batch_of(lengths)
        with torch.no_grad():
            torch.testing.assert_close(model(**inputs).logits, reference(**inputs).logits, rtol=1e-4, atol=1e-5)

    for tokens in (100, 230, 340):  # three buckets
        encode(tokens)
    compiled = len(graphs)
    for tokens in (470, 90, 890):  # buckets not met before among them
        encode(tokens)
    assert len(graphs) == compiled <= 12
    torch._dynamo.reset()
