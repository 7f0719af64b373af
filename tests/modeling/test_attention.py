"""The attention against four independent references: Longformer's layer, dense BERT, dense BERT with a mask, and our
three implementations against each other on anything hypothesis thinks of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import BertConfig, BertModel, LongformerConfig
from transformers.models.longformer.modeling_longformer import LongformerSelfAttention

from xlretrieval.modeling import attention
from xlretrieval.modeling.attention import AttentionPattern, build_pattern
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.modeling_bert_long import BertLongModel, BertLongSelfAttention

IMPLEMENTATIONS = ["eager", "sdpa", "flex_attention"]
RECOVERED = Path(__file__).parent / "layer_attn_layer0_projections.npz"
PROJECTIONS = ["query", "key", "value"]
pytestmark = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def build_layer(window: int, implementation: str = "eager", hidden: int = 32, **settings) -> BertLongSelfAttention:
    """One attention layer in evaluation mode; every weight and bias random and large enough for peaked attention."""
    config = BertLongConfig(
        vocab_size=200,
        hidden_size=hidden,
        num_attention_heads=4,
        num_hidden_layers=1,
        attention_window=window,
        **settings,
    )
    config._attn_implementation = implementation
    layer = BertLongSelfAttention(config, 0).eval()
    with torch.no_grad():
        for index, parameter in enumerate(layer.parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=seeded(index)) * 1.2 / hidden**0.5)
    return layer


def attend(
    layer: BertLongSelfAttention, hidden: torch.Tensor, valid: torch.Tensor, is_global: torch.Tensor
) -> torch.Tensor:
    """The layer's output. flex_attention has no backward pass on CPU, and refuses inputs that need one."""
    implementation = layer.config._attn_implementation
    pattern = build_pattern(valid, is_global, layer.config.layer_windows, implementation, 16)
    with torch.set_grad_enabled(implementation != "flex_attention"):
        return layer(hidden, pattern)[0]


@contextmanager
def dense_length(length: int) -> Iterator[None]:
    """Up to `length` tokens sdpa uses one dense block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "DENSE_LENGTH", length)
        yield


def gradients(layer: BertLongSelfAttention, hidden: torch.Tensor, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    names, parameters = zip(*layer.named_parameters(), strict=True)
    results = torch.autograd.grad(loss, [hidden, *parameters])
    return dict(zip(("hidden", *names), results, strict=True))


def assert_gradients_close(actual: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], share: float = 1e-5):
    """Equal to `share` of the largest gradient of the whole set."""
    largest = max(float(gradient.abs().max()) for gradient in expected.values())
    for name, gradient in expected.items():
        difference = float((actual[name] - gradient).abs().max())
        assert difference <= share * largest, f"{name}: {difference} against a largest gradient of {largest}"


# Longformer


@pytest.fixture(scope="module")
def golden(oracle: Path) -> dict[str, torch.Tensor]:
    """One layer of the released code; mask 0 padding, 1 local, 2 global."""
    with np.load(oracle / "attention" / "layer_attn.npz") as arrays:
        return {name: torch.tensor(arrays[name]) for name in arrays}


def longformer_layer(layer: BertLongSelfAttention) -> LongformerSelfAttention:
    """Longformer's own layer with the same weights."""
    config = LongformerConfig(
        hidden_size=layer.query.in_features,
        num_attention_heads=layer.num_attention_heads,
        num_hidden_layers=1,
        attention_window=[2 * layer.half_window],
        attention_probs_dropout_prob=0.0,
    )
    result = LongformerSelfAttention(config, 0).eval()
    result.load_state_dict(layer.state_dict())
    return result


def longformer_attend(layer: LongformerSelfAttention, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Pads to a multiple of the window and translates the mask: -10000 padding, 0 local, +10000 global."""
    length = hidden.shape[1]
    padding = -length % (2 * layer.one_sided_attn_window_size)
    hidden = torch.nn.functional.pad(hidden, (0, 0, 0, padding))
    mask = torch.nn.functional.pad(mask, (0, padding))
    return layer(
        hidden,
        attention_mask=(mask - 1) * 10000.0,
        is_index_masked=mask == 0,
        is_index_global_attn=mask == 2,
        is_global_attn=bool((mask == 2).any()),
    )[0][:, :length]


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("dense_up_to", [256, 0])
def test_longformer_on_the_oracle_inputs(golden: dict[str, torch.Tensor], implementation: str, dense_up_to: int):
    """Prefix globals and padding; scattered globals; a hole of padding wider than the window; no globals."""
    layer = build_layer(64, implementation, hidden=64)
    reference = longformer_layer(layer)
    mask, upstream = golden["mask"], golden["grad_weight"] * (golden["mask"] > 0)[:, :, None]
    hidden = golden["hidden"].clone().requires_grad_()
    with dense_length(dense_up_to):
        output = attend(layer, hidden, mask > 0, mask == 2)
    expected = longformer_attend(reference, hidden, mask)
    torch.testing.assert_close(output[mask > 0], expected[mask > 0], rtol=0, atol=2e-5)
    if output.requires_grad:
        assert_gradients_close(
            gradients(layer, hidden, (output * upstream).sum()),
            gradients(reference, hidden, (expected * upstream).sum()),
        )


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize("dense_up_to", [256, 0])
def test_released_layer(golden: dict[str, torch.Tensor], implementation: str, dense_up_to: int):
    """Outputs and gradients of the released layer 0, which is stored without its weights.

    Its local projections follow from 10,000 stored outputs of local rows (a least squares fit, exact to 1e-6) and from
    the query's gradient, which fixes the basis within each head. The other gradients played no part in that. Global
    rows, of which there are too few to recover their projections, keep ours and are not compared.
    """
    layer = build_layer(64, implementation, hidden=64)
    with np.load(RECOVERED) as arrays:
        layer.load_state_dict({name: torch.tensor(arrays[name]) for name in arrays}, strict=False)
    mask = golden["mask"]
    hidden = golden["hidden"].clone().requires_grad_()
    with dense_length(dense_up_to):
        output = attend(layer, hidden, mask > 0, mask == 2)
    local = mask == 1
    torch.testing.assert_close(output[local], golden["out_layer0"][local], rtol=0, atol=2e-5)
    torch.testing.assert_close(golden["out_layer0_row3_alone"][0][local[3]], output[3][local[3]], rtol=0, atol=2e-5)
    upstream = golden["grad_weight"] * (mask > 0)[:, :, None]
    names = [*(f"{name}.{kind}" for name in PROJECTIONS for kind in ("weight", "bias")), "value_global.bias"]
    assert_gradients_close(
        gradients(layer, hidden, (output * upstream).sum()), {name: golden[f"grad_layer0/{name}"] for name in names}
    )


@pytest.mark.parametrize("window", [4, 8, 16])
@pytest.mark.parametrize("length", [5, 16, 70])
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_longformer_on_random_masks(implementation: str, window: int, length: int):
    layer = build_layer(window, implementation)
    mask = torch.multinomial(torch.tensor([0.2, 0.65, 0.15]), 4 * length, True, generator=seeded(length)).view(4, -1)
    hidden = torch.randn(4, length, 32, generator=seeded(window))
    with dense_length(0):
        output = attend(layer, hidden, mask > 0, mask == 2)
    expected = longformer_attend(longformer_layer(layer), hidden, mask)
    torch.testing.assert_close(output[mask > 0], expected[mask > 0], rtol=0, atol=1e-5)


# Dense BERT


def bert_and_long(window: int, implementation: str, layers: int = 2) -> tuple[BertModel, BertLongModel]:
    """Dense BERT, and the long encoder with its weights, the global projections copies of the local ones."""
    shape = dict(
        vocab_size=200,
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=80,
        initializer_range=0.2,
    )
    torch.manual_seed(3)
    bert = BertModel(BertConfig(**shape, attn_implementation="eager")).eval()
    long = BertLongModel(BertLongConfig(**shape, attention_window=window, attn_implementation=implementation)).eval()
    weights = {name: weight for name, weight in bert.state_dict().items() if "position_ids" not in name}
    for name in [name for name in weights if ".self." in name]:
        weights[name.replace(".weight", "_global.weight").replace(".bias", "_global.bias")] = weights[name]
    long.load_state_dict(weights)
    return bert, long


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    """Right padding, left padding and a hole."""
    mask = torch.ones(3, 70, dtype=torch.long)
    mask[0, 50:] = 0
    mask[1, :9] = 0
    mask[2, 20:45] = 0
    ids = torch.randint(5, 100, (3, 70), generator=seeded(0))
    return {"input_ids": ids, "attention_mask": mask}


@torch.no_grad()
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_everything_global_with_copied_projections_is_dense_bert(implementation: str, batch: dict[str, torch.Tensor]):
    bert, long = bert_and_long(8, implementation)
    valid = batch["attention_mask"].bool()
    with dense_length(0):
        output = long(**batch, global_attention_mask=batch["attention_mask"])
    expected = bert(**batch)
    torch.testing.assert_close(output.last_hidden_state[valid], expected.last_hidden_state[valid], rtol=0, atol=1e-5)
    # Row 1 starts with padding, and what padding outputs is unspecified.
    torch.testing.assert_close(output.pooler_output[[0, 2]], expected.pooler_output[[0, 2]], rtol=0, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("window", [1, 2, 7, 16, 64])
def test_dense_bert_with_the_mask_window_or_global(implementation: str, window: int, batch: dict[str, torch.Tensor]):
    bert, long = bert_and_long(window, implementation)
    valid = batch["attention_mask"].bool()
    is_global = (torch.rand(valid.shape, generator=seeded(1)) < 0.1) & valid
    position = torch.arange(70)
    near = (position[:, None] - position[None]).abs() <= window // 2
    seen = (near[None] | is_global[:, None, :] | is_global[:, :, None]) & valid[:, None, :]
    additive = torch.zeros(3, 1, 70, 70).masked_fill(~seen[:, None], torch.finfo(torch.float32).min)
    with dense_length(0):
        output = long(**batch, global_attention_mask=is_global.long()).last_hidden_state
    expected = bert(batch["input_ids"], attention_mask=additive).last_hidden_state
    torch.testing.assert_close(output[valid], expected[valid], rtol=0, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize(("length", "same"), [(33, True), (34, False)])
def test_a_window_of_64_covers_33_local_tokens_and_not_34(implementation: str, length: int, same: bool):
    bert, long = bert_and_long(64, implementation)
    ids = torch.randint(5, 100, (2, length), generator=seeded(0))
    with dense_length(0):
        output = long(ids, global_attention_mask=torch.zeros_like(ids)).last_hidden_state
    difference = float((output - bert(ids).last_hidden_state).abs().max())
    assert difference < 1e-5 if same else difference > 1e-3


# The three implementations against each other


@st.composite
def patterns(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Valid tokens, global tokens and a window; padding on the right, on the left and in holes."""
    batch, length = draw(st.integers(1, 3)), draw(st.integers(1, 300))
    generator = seeded(draw(st.integers(0, 2**31)))
    valid = torch.rand(batch, length, generator=generator) >= draw(st.sampled_from([0.0, 0.1, 0.6]))
    for row in range(batch):
        edges = sorted(draw(st.tuples(st.integers(0, length), st.integers(0, length))))
        where = draw(st.sampled_from(["none", "left", "right", "hole"]))
        if where == "left":
            valid[row, : edges[0]] = False
        elif where == "right":
            valid[row, edges[1] :] = False
        elif where == "hole":
            valid[row, edges[0] : edges[1]] = False
    is_global = torch.rand(batch, length, generator=generator) < draw(st.sampled_from([0.0, 0.02, 0.2, 1.0]))
    if draw(st.booleans()):
        is_global[:, : draw(st.integers(0, 40))] = True
    return valid, is_global, draw(st.integers(1, 128))


def full(length: int, is_global: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    mask = torch.zeros(1, length, dtype=torch.bool)
    mask[0, is_global] = True
    return torch.ones_like(mask), mask


@settings(max_examples=60, deadline=None, derandomize=True)
@given(patterns(), st.booleans())
@example((*full(1, []), 1), False)
@example((*full(257, [0, 255, 256]), 2), True)
@example((*full(300, []), 128), True)
@example((*full(65, list(range(65))), 1), True)
@example((torch.zeros(2, 5, dtype=torch.bool), torch.ones(2, 5, dtype=torch.bool), 3), True)
def test_eager_sdpa_and_flex_agree(pattern: tuple[torch.Tensor, torch.Tensor, int], with_gradients: bool):
    valid, is_global, window = pattern
    hidden = torch.randn(*valid.shape, 32, generator=seeded(0)).requires_grad_()
    upstream = torch.randn(*valid.shape, 32, generator=seeded(1)) * valid[:, :, None]
    results = {}
    for name, dense_up_to in (("eager", 0), ("sdpa", 256), ("sdpa", 0), ("flex_attention", 0)):
        if (name, dense_up_to) == ("sdpa", 256) and valid.shape[1] > 256:
            continue
        layer = build_layer(window, name)
        with dense_length(dense_up_to):
            output = attend(layer, hidden, valid, is_global)
        assert output.isfinite().all()
        results[name, dense_up_to] = output, layer
    expected, layer = results.pop(("eager", 0))
    with_gradients = with_gradients and bool(valid.any())
    expected_gradients = gradients(layer, hidden, (expected * upstream).sum()) if with_gradients else {}
    for output, layer in results.values():
        torch.testing.assert_close(output[valid], expected[valid], rtol=0, atol=1e-5)
        if output.requires_grad and with_gradients:
            assert_gradients_close(gradients(layer, hidden, (output * upstream).sum()), expected_gradients)


# What must not matter, and what must stay finite


@pytest.fixture(
    params=[*((name, 0) for name in IMPLEMENTATIONS), ("sdpa", 256)], ids=lambda param: f"{param[0]}-{param[1]}"
)
def layer(request: pytest.FixtureRequest) -> Iterator[BertLongSelfAttention]:
    name, dense_up_to = request.param
    with dense_length(dense_up_to):
        yield build_layer(8, name)


def test_padding_content_and_the_rest_of_the_batch_have_no_influence(layer: BertLongSelfAttention):
    generator = seeded(5)
    hidden = torch.randn(3, 90, 32, generator=generator)
    valid = torch.rand(3, 90, generator=generator) < 0.8
    is_global = torch.rand(3, 90, generator=generator) < 0.1
    expected = attend(layer, hidden, valid, is_global)
    # Marking padding as global must not matter either.
    loud = torch.where(valid[:, :, None], hidden, 1e4)
    torch.testing.assert_close(
        attend(layer, loud, valid, is_global | ~valid)[valid], expected[valid], rtol=0, atol=1e-6
    )
    for row in range(3):
        alone = attend(layer, hidden[row : row + 1], valid[row : row + 1], is_global[row : row + 1])
        torch.testing.assert_close(alone[0][valid[row]], expected[row][valid[row]], rtol=0, atol=1e-5)
    longer = torch.nn.functional.pad(hidden, (0, 0, 0, 200))
    wide_valid, wide_global = (torch.nn.functional.pad(mask, (0, 200)) for mask in (valid, is_global))
    padded = attend(layer, longer, wide_valid, wide_global)[:, :90]
    torch.testing.assert_close(padded[valid], expected[valid], rtol=0, atol=1e-5)


def test_a_row_of_nothing_but_padding_stays_finite(layer: BertLongSelfAttention):
    valid = torch.tensor([[True] * 40, [False] * 40])
    hidden = torch.randn(2, 40, 32, generator=seeded(0)).requires_grad_()
    output = attend(layer, hidden, valid, valid & (torch.arange(40) < 3))
    assert output.isfinite().all()
    if output.requires_grad:
        assert all(gradient.isfinite().all() for gradient in gradients(layer, hidden, output.sum()).values())


def test_without_a_global_token_the_global_projections_get_a_gradient_of_zero(layer: BertLongSelfAttention):
    """Zero, not none: DistributedDataParallel waits for every parameter."""
    hidden = torch.randn(2, 40, 32, generator=seeded(0)).requires_grad_()
    nothing = torch.zeros(2, 40, dtype=torch.bool)
    output = attend(layer, hidden, ~nothing, nothing)
    if not output.requires_grad:
        pytest.skip("flex_attention has no backward pass on CPU")
    found = gradients(layer, hidden, output.sum())
    for projection in PROJECTIONS:
        assert found[f"{projection}_global.weight"].count_nonzero() == 0
        assert found[f"{projection}_global.bias"].count_nonzero() == 0
    assert found["value.weight"].count_nonzero() > 0


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_half_precision_is_close_and_finite(implementation: str):
    generator = seeded(5)
    hidden = torch.randn(2, 90, 32, generator=generator)
    valid, is_global = torch.rand(2, 90, generator=generator) < 0.8, torch.rand(2, 90, generator=generator) < 0.1
    expected = attend(build_layer(8), hidden, valid, is_global)
    output = attend(build_layer(8, implementation).bfloat16(), hidden.bfloat16(), valid, is_global)
    assert output.dtype is torch.bfloat16
    assert output.isfinite().all()
    torch.testing.assert_close(output[valid].float(), expected[valid], rtol=0, atol=0.1)


# Details


def test_eager_probabilities_sum_to_one_and_are_zero_on_padding(batch: dict[str, torch.Tensor]):
    _, long = bert_and_long(8, "eager")
    valid = batch["attention_mask"].bool()
    is_global = (torch.arange(70) % 30 == 10).expand(3, -1) & valid
    attentions = long(**batch, global_attention_mask=is_global.long(), output_attentions=True).attentions
    assert [tuple(probabilities.shape) for probabilities in attentions] == [(3, 4, 70, 70)] * 2
    position = torch.arange(70)
    seen = (position[:, None] - position).abs() <= 4
    seen = (seen | is_global[:, None, :] | is_global[:, :, None]) & valid[:, None, :]
    for probabilities in attentions:
        rows = probabilities.transpose(1, 2)[valid]
        torch.testing.assert_close(rows.sum(-1), torch.ones(rows.shape[:2]), rtol=0, atol=1e-5)
        allowed = seen[valid][:, None, :].expand_as(rows)
        assert rows[~allowed].count_nonzero() == 0
        assert (rows[allowed] > 0).all()


def test_flex_attention_refuses_to_train_with_attention_dropout():
    layer = build_layer(8, "flex_attention", attention_probs_dropout_prob=0.1)
    hidden, everything = torch.randn(1, 5, 32), torch.ones(1, 5, dtype=torch.bool)
    attend(layer, hidden, everything, everything)
    with pytest.raises(ValueError, match=r"attention_probs_dropout_prob must be 0 .* got 0\.1\..*sdpa"):
        attend(layer.train(), hidden, everything, everything)


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize("is_global", [True, False])
def test_dropout_acts_on_local_and_on_global_rows(implementation: str, is_global: bool):
    layer = build_layer(8, implementation, attention_probs_dropout_prob=0.5)
    hidden, everything = torch.randn(1, 30, 32, generator=seeded(0)), torch.ones(1, 30, dtype=torch.bool)
    mask = everything if is_global else ~everything
    torch.manual_seed(0)
    expected = attend(layer, hidden, everything, mask)
    assert torch.equal(attend(layer, hidden, everything, mask), expected)
    layer.train()
    drawn = torch.stack([attend(layer, hidden, everything, mask) for _ in range(400)])
    assert not torch.equal(drawn[0], drawn[1])
    # Dropped probabilities are scaled up, so the mean over many draws is the value without dropout.
    assert float((drawn.mean(0) - expected).abs().mean().detach()) < 0.1


def test_memory_of_sdpa_grows_linearly():
    """Scores of the local rows: 176 per token, whatever the length, where a dense mask would have 8,192."""

    def elements(length: int) -> int:
        valid, is_global = full(length, list(range(48)))
        pattern: AttentionPattern = build_pattern(valid, is_global, [64], "sdpa", 128)
        return pattern.local_masks[32].mask.numel()

    assert elements(1024) == 1024 * (64 + 64 + 48)
    assert elements(8192) == 8 * elements(1024)
