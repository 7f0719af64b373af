"""Checkpoints and golden outputs of the code released in 2021: our classes must reproduce its numbers.

The golden `attention_mask` has three values: 0 padding, 1 local, 2 global. float32 against float64 of that code
differs by up to 5e-6, so values are compared with an absolute tolerance of 2e-5, gradients with 1e-5 of the largest
gradient of the set (the gradient of a key's bias is rounding noise around 0 and has no scale of its own).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from xlretrieval.modeling import rows
from xlretrieval.modeling.conversion import convert_to_long, read_released
from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval, BertLongSelfAttention
from xlretrieval.modeling.xl_retrieval import BertForXLRetrieval

CASES = [
    ("short", "coll"),
    *((checkpoint, case) for checkpoint in ("long_converted", "long") for case in ("coll", "local", "scatter")),
]
ATOL = 2e-5


@pytest.fixture(scope="module")
def checkpoints(oracle: Path) -> Path:
    return oracle / "checkpoints_tiny"


@pytest.fixture(scope="module")
def golden(checkpoints: Path) -> dict[str, torch.Tensor]:
    with np.load(checkpoints / "golden.npz") as arrays:
        return {
            name: torch.tensor(arrays[name]).long() if arrays[name].dtype == np.int32 else torch.tensor(arrays[name])
            for name in arrays
        }


@pytest.fixture(params=["eager", "sdpa", "rows"])
def attention(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The implementation; "rows" is sdpa where it computes row by row, which so small models do not need."""
    if request.param == "rows":
        monkeypatch.setattr(rows, "ROW_COST", 0)
        return "sdpa"
    return request.param


class Case:
    """One checkpoint on one input, with the golden outputs."""

    def __init__(self, checkpoints: Path, golden: dict[str, torch.Tensor], checkpoint: str, case: str, attention: str):
        prefix = f"{checkpoint}/{case}/"
        self.golden = {name.removeprefix(prefix): golden[name] for name in golden if name.startswith(prefix)}
        self.model = read_released(checkpoints / checkpoint).model
        self.model.set_attn_implementation(attention)
        self.raw = torch.load(checkpoints / checkpoint / "pytorch_model.bin", weights_only=True)
        mask = self.golden["attention_mask"]
        self.valid = mask > 0
        self.labels = self.golden["mlm_labels"]
        self.inputs = {
            "input_ids": self.golden["input_ids"],
            "attention_mask": self.valid.long(),
            "token_type_ids": self.golden["token_type_ids"],
            "global_attention_mask": (mask == 2).long(),
        }
        if checkpoint == "short":
            assert (mask < 2).all()
            del self.inputs["global_attention_mask"]
        # In the scattered masks some labelled tokens became padding. What padding outputs is unspecified; the
        # released code's long attention leaves zeros there. With the same zeros even those tokens must agree.
        for module in self.model.modules():
            if isinstance(module, BertLongSelfAttention):
                module.register_forward_hook(self.clear_padding)

    def clear_padding(self, module: nn.Module, inputs: tuple, outputs: tuple) -> tuple:
        packed = outputs[0].shape[:2] != self.valid.shape  # without padding there is nothing to clear
        return outputs if packed else (outputs[0] * self.valid[:, :, None], outputs[1])

    def compare_gradients(self, objective: str) -> None:
        expected = {
            name.removeprefix(f"grad_{objective}/"): gradient
            for name, gradient in self.golden.items()
            if name.startswith(f"grad_{objective}/")
        }
        assert len(expected) >= 10
        largest = max(gradient.abs().max() for gradient in expected.values())
        parameters = dict(self.model.named_parameters())
        for name, gradient in expected.items():
            torch.testing.assert_close(
                parameters[name].grad, gradient, rtol=0, atol=1e-5 * float(largest), msg=lambda text, n=name: n + text
            )


@pytest.fixture(params=CASES, ids="/".join)
def case(request: pytest.FixtureRequest, checkpoints: Path, golden: dict[str, torch.Tensor], attention: str) -> Case:
    return Case(checkpoints, golden, *request.param, attention)


def test_hidden_states_of_tokens_and_the_pooled_first_token(case: Case):
    outputs = case.model.base_model(**case.inputs)
    torch.testing.assert_close(
        outputs.last_hidden_state[case.valid], case.golden["last_hidden"][case.valid], rtol=0, atol=ATOL
    )
    torch.testing.assert_close(outputs.pooler_output, case.golden["pooled"], rtol=0, atol=ATOL)


def test_masked_words(case: Case):
    outputs = case.model(**case.inputs, labels=case.labels)
    torch.testing.assert_close(outputs.mlm_logits, case.golden["mlm_logits_at_labels"], rtol=0, atol=ATOL)
    torch.testing.assert_close(outputs.loss, case.golden["mlm_loss"], rtol=0, atol=ATOL)
    outputs.loss.backward()
    case.compare_gradients("mlm")


def test_relevance(case: Case):
    """Its head has two labels and ranks by the second, which is our logit. Its loss needs both."""
    logits = case.model(**case.inputs).logits
    torch.testing.assert_close(logits[:, 0], case.golden["seqcls_logits"][:, 1], rtol=0, atol=ATOL)
    pooled = case.model.base_model(**case.inputs).pooler_output
    both = F.linear(pooled, case.raw["seqcls_classifier.weight"], case.raw["seqcls_classifier.bias"])
    torch.testing.assert_close(both, case.golden["seqcls_logits"], rtol=0, atol=ATOL)
    loss = F.cross_entropy(both, case.golden["y"].view(-1))
    torch.testing.assert_close(loss, case.golden["seqcls_loss"], rtol=0, atol=ATOL)
    loss.backward()
    case.compare_gradients("seqcls")


def test_without_the_zeros_at_padding_valid_labelled_tokens_still_agree(
    checkpoints: Path, golden: dict[str, torch.Tensor], attention: str
):
    model = read_released(checkpoints / "long").model
    model.set_attn_implementation(attention)
    mask, labels = golden["long/scatter/attention_mask"], golden["long/scatter/mlm_labels"]
    labelled = labels != -100
    assert (labelled & (mask == 0)).sum() == 5
    outputs = model(
        golden["long/scatter/input_ids"],
        attention_mask=mask > 0,
        token_type_ids=golden["long/scatter/token_type_ids"],
        global_attention_mask=mask == 2,
        labels=labels.where(mask > 0, -100),
    )
    expected = golden["long/scatter/mlm_logits_at_labels"][(mask > 0)[labelled]]
    torch.testing.assert_close(outputs.mlm_logits, expected, rtol=0, atol=ATOL)
    torch.testing.assert_close(
        outputs.loss, F.cross_entropy(expected, labels[labelled & (mask > 0)]), rtol=0, atol=ATOL
    )


@pytest.mark.parametrize(("checkpoint", "length"), [("short", 64), ("long", 128)])
@pytest.mark.parametrize("stored", ["absent", "stale", "right"])
def test_stored_position_ids_change_nothing(
    checkpoints: Path, tmp_path: Path, checkpoint: str, length: int, stored: str
):
    folder = tmp_path / checkpoint
    shutil.copytree(checkpoints / checkpoint, folder)
    weights = torch.load(folder / "pytorch_model.bin", weights_only=True)
    weights.pop("bert.embeddings.position_ids")
    if stored != "absent":
        weights["bert.embeddings.position_ids"] = torch.arange(length if stored == "right" else 40)[None]
    torch.save(weights, folder / "pytorch_model.bin")
    model = read_released(folder).model
    expected = read_released(checkpoints / checkpoint).model
    ids = torch.randint(5, 640, (2, length), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model(ids).logits, expected(ids).logits, rtol=0, atol=1e-6)


def test_classes_and_settings(checkpoints: Path):
    short, long = read_released(checkpoints / "short"), read_released(checkpoints / "long")
    assert type(short.model) is BertForXLRetrieval
    assert type(long.model) is BertLongForXLRetrieval
    assert long.model.config.attention_window == [16, 16]
    assert long.model.config.longest_input == 128
    assert short.tokenizer.model_max_length == 64
    assert long.tokenizer.model_max_length == 128
    for conversion in (short, long):
        assert conversion.new_parameters == []
        # The released MLM decoder was trained beside the embeddings, not tied to them.
        decoder = conversion.model.get_output_embeddings().weight
        assert not torch.equal(decoder, conversion.model.get_input_embeddings().weight)


@pytest.mark.parametrize("checkpoint", ["short", "long"])
def test_reading_saving_and_loading_again(checkpoints: Path, tmp_path: Path, checkpoint: str):
    conversion = read_released(checkpoints / checkpoint)
    conversion.save(tmp_path)
    again = type(conversion.model).from_pretrained(tmp_path)
    for (name, weight), (_, expected) in zip(
        again.state_dict().items(), conversion.model.state_dict().items(), strict=True
    ):
        assert torch.equal(weight, expected), name


def test_our_conversion_makes_the_encoder_that_theirs_made(checkpoints: Path):
    ours = convert_to_long(str(checkpoints / "base_src"), max_length=128, attention_window=16)
    theirs = read_released(checkpoints / "long_converted").model.bert.state_dict()
    for name, weight in ours.model.bert.state_dict().items():
        assert torch.equal(weight, theirs[name]), name
    assert ours.model.config.layer_windows == [16, 16]
    # The MLM head comes from the checkpoint and is tied, where the released code drew a new one.
    source = torch.load(checkpoints / "base_src" / "pytorch_model.bin", weights_only=True)
    assert torch.equal(
        ours.model.cls.predictions.transform.dense.weight, source["cls.predictions.transform.dense.weight"]
    )
    assert ours.model.cls.predictions.decoder.weight is ours.model.bert.embeddings.word_embeddings.weight
    assert ours.new_parameters == ["classifier.bias", "classifier.weight"]
