"""The long encoder as a plain transformers model: Auto classes, saving, labels, masks, folders with their own code,
sentence-transformers, compiled and exported graphs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from torch.nn import functional as F
from transformers import AutoConfig, AutoTokenizer

from xlretrieval.modeling.attention import build_pattern, derive_global_mask
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.conversion import Conversion, convert_to_long
from xlretrieval.modeling.modeling_bert_long import (
    AUTO_CLASSES,
    BertLongForMaskedLM,
    BertLongForQuestionAnswering,
    BertLongForXLRetrieval,
    BertLongModel,
)
from xlretrieval.modeling.xl_retrieval import XLMRobertaForXLRetrieval

MODELS = [BertLongModel, BertLongForXLRetrieval, BertLongForMaskedLM, BertLongForQuestionAnswering]
CLS, SEP = 2, 3


def tiny_config(**settings) -> BertLongConfig:
    shape = dict(
        vocab_size=120,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=512,
        initializer_range=0.2,
        attention_window=8,
        sep_token_id=SEP,
    )
    return BertLongConfig(**{**shape, **settings})


def build(model_class: type = BertLongForXLRetrieval, **settings):
    torch.manual_seed(0)
    return model_class(tiny_config(**settings)).eval()


def pairs(batch: int = 3, length: int = 40, query: int = 5) -> dict[str, torch.Tensor]:
    """`[CLS] query [SEP] document [SEP]`, the first row padded by a quarter."""
    ids = torch.randint(5, 120, (batch, length), generator=torch.Generator().manual_seed(length))
    mask = torch.ones_like(ids)
    mask[0, length - length // 4 :] = 0
    ids[:, 0], ids[:, query + 1] = CLS, SEP
    ids[torch.arange(batch), mask.sum(1) - 1] = SEP
    types = (torch.arange(length) > query + 1).long().expand(batch, length) * mask
    return {"input_ids": ids * mask, "attention_mask": mask, "token_type_ids": types}


# Auto classes and saving


@pytest.mark.parametrize(("auto_class", "model_class"), AUTO_CLASSES.items())
def test_auto_classes(auto_class: str, model_class: str):
    model = getattr(transformers, auto_class).from_config(tiny_config())
    assert type(model).__name__ == model_class
    assert type(AutoConfig.for_model("bert-long")) is BertLongConfig


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("model_class", MODELS)
def test_saved_and_loaded(tmp_path: Path, model_class: type, dtype: torch.dtype):
    model = build(model_class).to(dtype)
    model.save_pretrained(tmp_path)
    again, info = model_class.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    weights, expected = again.state_dict(), model.state_dict()
    assert weights.keys() == expected.keys()
    for name, weight in weights.items():
        assert weight.dtype is dtype
        assert torch.equal(weight, expected[name]), name
    torch.testing.assert_close(
        again(**pairs())[0], model(**pairs())[0], rtol=0, atol=1e-6 if dtype.itemsize > 2 else 0.1
    )
    assert {**again.config.to_dict(), "_name_or_path": ""} == model.config.to_dict()


@torch.no_grad()
def test_every_class_reads_what_another_saved(tmp_path: Path):
    model = build()
    model.save_pretrained(tmp_path)
    for model_class in MODELS:
        again = model_class.from_pretrained(tmp_path)
        for name, weight in again.base_model.encoder.state_dict().items():
            assert torch.equal(weight, model.bert.encoder.state_dict()[name])
    output = BertLongForMaskedLM.from_pretrained(tmp_path)(**pairs()).logits
    torch.testing.assert_close(output, model.cls(model.bert(**pairs()).last_hidden_state), rtol=0, atol=1e-5)


@pytest.mark.parametrize("class_name", ["BertForPreTraining", "BertForMaskedLM"])
def test_a_bert_checkpoint_loads_with_only_new_parts_missing(tiny_checkpoint: Callable[[str], Path], class_name: str):
    config = tiny_config(max_position_embeddings=64, vocab_size=118)
    model, info = BertLongForXLRetrieval.from_pretrained(
        tiny_checkpoint(class_name), config=config, output_loading_info=True
    )
    allowed = ("_global.", "classifier.", *(["bert.pooler."] if class_name == "BertForMaskedLM" else []))
    assert all(any(part in name for part in allowed) for name in info["missing_keys"])
    bert = transformers.AutoModel.from_pretrained(tiny_checkpoint(class_name))
    assert torch.equal(model.bert.embeddings.word_embeddings.weight, bert.embeddings.word_embeddings.weight)


# Labels


def test_token_labels_train_the_mlm_head():
    model, batch = build(), pairs()
    labels = torch.full_like(batch["input_ids"], -100)
    labels[0, 2], labels[2, 1], labels[2, 4] = 7, 8, 9
    output = model(**batch, labels=labels)
    hidden = model.bert(**batch).last_hidden_state
    scores = model.cls(hidden)[[0, 2, 2], [2, 1, 4]]
    assert output.mlm_logits.shape == (3, 120)
    torch.testing.assert_close(output.mlm_logits, scores, rtol=0, atol=1e-5)
    torch.testing.assert_close(output.loss, F.cross_entropy(scores, torch.tensor([7, 8, 9])), rtol=0, atol=1e-6)
    masked = BertLongForMaskedLM(model.config).eval()
    masked.load_state_dict(model.state_dict(), strict=False)
    torch.testing.assert_close(masked(**batch, labels=labels).loss, output.loss, rtol=0, atol=1e-6)
    assert masked(**batch).logits.shape == (3, 40, 120)


@pytest.mark.parametrize("labels", [torch.tensor([1, 0, 1]), torch.tensor([[1.0], [0.0], [1.0]])])
def test_row_labels_train_the_relevance_head(labels: torch.Tensor):
    model, batch = build(), pairs()
    output = model(**batch, labels=labels)
    assert output.logits.shape == (3, 1)
    assert output.mlm_logits is None
    expected = F.binary_cross_entropy_with_logits(output.logits[:, 0], torch.tensor([1.0, 0.0, 1.0]))
    torch.testing.assert_close(output.loss, expected)


def test_soft_and_class_labels():
    soft = torch.tensor([0.2, 0.9, 0.5])
    output = build()(**pairs(), labels=soft)
    torch.testing.assert_close(output.loss, F.binary_cross_entropy_with_logits(output.logits[:, 0], soft))
    classes = torch.tensor([2, 0, 1])
    output = build(num_labels=3)(**pairs(), labels=classes)
    assert output.logits.shape == (3, 3)
    torch.testing.assert_close(output.loss, F.cross_entropy(output.logits, classes))
    output = build(problem_type="regression")(**pairs(), labels=soft)
    torch.testing.assert_close(output.loss, F.mse_loss(output.logits[:, 0], soft))


def test_token_labels_have_the_shape_of_the_input():
    model = BertLongForMaskedLM(build().config)
    with pytest.raises(ValueError, match=r"labels must be \(2, 30\), as many as tokens, got \(2, 20\)"):
        model(**pairs(2, 30), labels=torch.full((2, 20), 5))


def test_without_labels_there_is_no_loss():
    output = build()(**pairs())
    assert (output.loss, output.mlm_logits) == (None, None)


@pytest.mark.parametrize("model_class", [BertLongForXLRetrieval, BertLongForMaskedLM])
def test_a_batch_with_nothing_to_predict_has_loss_zero(model_class: type):
    """The released code returned NaN."""
    model, batch = build(model_class), pairs()
    loss = model(**batch, labels=torch.full_like(batch["input_ids"], -100)).loss
    assert loss.item() == 0
    loss.backward()
    gradients = [parameter.grad for parameter in model.bert.encoder.parameters()]
    assert all(gradient is not None and gradient.count_nonzero() == 0 for gradient in gradients)


def test_answer_positions_outside_of_the_input_are_ignored():
    model, batch = build(BertLongForQuestionAnswering), pairs()
    output = model(**batch, start_positions=torch.tensor([9, 3, 99]), end_positions=torch.tensor([[12], [5], [40]]))
    expected = (
        F.cross_entropy(output.start_logits[:2], torch.tensor([9, 3]))
        + F.cross_entropy(output.end_logits[:2], torch.tensor([12, 5]))
    ) / 2
    torch.testing.assert_close(output.loss, expected)
    assert output.start_logits.shape == output.end_logits.shape == (3, 40)
    assert model(**batch).loss is None


# Global tokens


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([2, 7, 8, 3, 9, 9, 3], [1, 1, 1, 1, 0, 0, 0]),  # a pair: [CLS] 7 8 [SEP] 9 9 [SEP]
        ([2, 7, 8, 3, 9, 3, 0], [1, 1, 1, 1, 0, 0, 0]),
        ([0, 0, 2, 7, 3, 9, 3], [0, 0, 1, 1, 1, 0, 0]),  # padded on the left
        ([2, 7, 3, 3, 9, 3, 0], [1, 1, 1, 0, 0, 0, 0]),  # XLM-R: two separators between the texts
        ([2, 7, 8, 9, 9, 9, 3], [1, 0, 0, 0, 0, 0, 0]),  # one text
        ([0, 2, 7, 8, 9, 9, 3], [0, 1, 0, 0, 0, 0, 0]),
        ([2, 7, 8, 9, 9, 9, 9], [1, 0, 0, 0, 0, 0, 0]),  # one text without a separator
        ([2, 3, 9, 9, 9, 9, 3], [1, 1, 0, 0, 0, 0, 0]),  # an empty query
        ([2, 7, 3, 3, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0]),  # an empty document
        ([0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]),
    ],
)
def test_derived_global_tokens(ids: list[int], expected: list[int]):
    ids = torch.tensor([ids, [2, 7, 8, 9, 9, 9, 3]])
    mask = derive_global_mask(ids, ids != 0, sep_token_id=3)
    assert mask.dtype is torch.bool
    assert mask[0].int().tolist() == expected
    assert mask[1].int().tolist() == [1, 0, 0, 0, 0, 0, 0]  # rows do not depend on each other


def test_separators_in_padding_do_not_count():
    ids, valid = torch.tensor([[2, 7, 3, 3, 3]]), torch.tensor([[True, True, True, False, False]])
    assert derive_global_mask(ids, valid, 3).int().tolist() == [[1, 0, 0, 0, 0]]


@pytest.mark.parametrize(("ids", "separator"), [(None, 3), (torch.tensor([[0, 2, 3, 3]]), None)])
def test_without_ids_or_separator_the_first_token_is_global(ids: torch.Tensor | None, separator: int | None):
    valid = torch.tensor([[False, True, True, True]])
    assert derive_global_mask(ids, valid, separator).int().tolist() == [[0, 1, 0, 0]]


@torch.no_grad()
def test_a_given_global_mask_that_is_the_derived_one_changes_nothing():
    model, batch = build(), pairs()
    query = (torch.arange(40) <= 6).expand(3, 40)
    expected = model(**batch).logits
    assert torch.equal(model(**batch, global_attention_mask=query.long()).logits, expected)
    other = model(**batch, global_attention_mask=torch.zeros(3, 40, dtype=torch.long)).logits
    assert not torch.allclose(other, expected, atol=1e-3)


@torch.no_grad()
def test_embeddings_instead_of_ids():
    model, batch = build(), pairs()
    ids = batch.pop("input_ids")
    embeddings = model.get_input_embeddings()(ids)
    query = (torch.arange(40) <= 6).long().expand(3, 40)
    torch.testing.assert_close(
        model(inputs_embeds=embeddings, **batch, global_attention_mask=query).logits,
        model(ids, **batch).logits,
        rtol=0,
        atol=1e-6,
    )
    for wrong in ({}, {"input_ids": ids, "inputs_embeds": embeddings}):
        with pytest.raises(ValueError, match="Exactly one of input_ids and inputs_embeds must be given"):
            model(**wrong)


# Settings


@torch.no_grad()
@pytest.mark.parametrize(("window", "reach"), [([2, 2], 2), ([2, 8], 5), ([8, 2], 5), (8, 8), ([3, 1], 1)])
def test_every_layer_has_its_window(window: int | list[int], reach: int):
    model = build(BertLongModel, attention_window=window)
    ids, nothing = torch.randint(5, 120, (1, 30)), torch.zeros(1, 30, dtype=torch.long)
    changed = ids.clone()
    changed[0, 15] = (ids[0, 15] + 1) % 120
    difference = (
        model(ids, global_attention_mask=nothing)[0] - model(changed, global_attention_mask=nothing)[0]
    ).abs()
    moved = (difference.amax((0, 2)) > 1e-7).nonzero().flatten().tolist()
    assert moved == list(range(15 - reach, 15 + reach + 1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attention_window": 0}, "attention_window must be positive, got 0."),
        ({"attention_window": [4, -1]}, r"attention_window must be positive, got \[4, -1\]."),
        ({"attention_window": [4]}, "one number for each of the 2 layers, got 1 numbers"),
        ({"num_attention_heads": 5}, "hidden_size must be a multiple of num_attention_heads, got 32 and 5."),
    ],
)
def test_settings_that_cannot_be(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        build(**settings)


def test_too_long_an_input():
    with pytest.raises(ValueError, match=r"at most 512 tokens, got 513\. Truncate it"):
        build()(torch.full((1, 513), 7))


@torch.no_grad()
@pytest.mark.parametrize("tied", [True, False])
def test_tied_and_untied(tmp_path: Path, tied: bool):
    model = build(tie_word_embeddings=tied)
    assert (model.get_output_embeddings().weight is model.get_input_embeddings().weight) is tied
    model.cls.predictions.bias.copy_(torch.randn(120))
    model.save_pretrained(tmp_path)
    again = BertLongForXLRetrieval.from_pretrained(tmp_path)
    assert (again.get_output_embeddings().weight is again.get_input_embeddings().weight) is tied
    assert torch.equal(again.get_output_embeddings().weight, model.get_output_embeddings().weight)
    assert torch.equal(again.cls.predictions.decoder.bias, model.cls.predictions.decoder.bias)


@pytest.mark.parametrize("model_class", [BertLongForXLRetrieval, BertLongForMaskedLM])
@pytest.mark.parametrize("size", [131, 100])
def test_resized_vocabulary_stays_tied(tmp_path: Path, model_class: type, size: int):
    model = build(model_class)
    model.resize_token_embeddings(size)
    assert model.config.vocab_size == size
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert model.get_output_embeddings().weight.shape == (size, 32)
    assert model.cls.predictions.bias.shape == (size,)
    labels = torch.full((1, 6), size - 1)
    model(labels, labels=labels).loss.backward()
    model.save_pretrained(tmp_path)
    again, info = model_class.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"]
    assert torch.equal(again.cls.predictions.bias, model.cls.predictions.bias)


@torch.no_grad()
def test_hidden_states_and_attentions():
    model, batch = build(attn_implementation="eager"), pairs()
    output = model(**batch, output_hidden_states=True, output_attentions=True)
    assert [tuple(states.shape) for states in output.hidden_states] == [(3, 40, 32)] * 3
    assert [tuple(probabilities.shape) for probabilities in output.attentions] == [(3, 4, 40, 40)] * 2
    embeddings = model.bert.embeddings(batch["input_ids"], batch["token_type_ids"], None, None)
    assert torch.equal(output.hidden_states[0], embeddings)
    assert torch.equal(output.hidden_states[-1], model.bert(**batch).last_hidden_state)
    output = model(**batch)
    assert (output.hidden_states, output.attentions) == (None, None)
    assert isinstance(model(**batch, return_dict=False), tuple)


@torch.no_grad()
def test_attentions_need_eager():
    model = build(attn_implementation="sdpa")
    with pytest.raises(ValueError, match="eager"):
        model.config.output_attentions = True
        model(**pairs())


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_gradient_checkpointing_changes_no_gradient(implementation: str):
    found = []
    for checkpointing in (False, True):
        model = build(
            hidden_dropout_prob=0, attention_probs_dropout_prob=0, attn_implementation=implementation
        ).train()
        if checkpointing:
            model.gradient_checkpointing_enable()
        labels = pairs()["input_ids"]
        model(**pairs(), labels=labels).loss.backward()
        model(**pairs(), labels=torch.ones(3)).loss.backward()
        found.append({name: parameter.grad for name, parameter in model.named_parameters()})
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient, rtol=0, atol=1e-6, msg=name)


def test_implementations_can_be_switched():
    model, batch = build(), pairs()
    assert model.config._attn_implementation == "sdpa"
    expected = model(**batch).logits
    model.set_attn_implementation("eager")
    torch.testing.assert_close(model(**batch).logits, expected, rtol=0, atol=1e-5)


# Folders used without this package

WITHOUT_PACKAGE = """
import sys
sys.modules["xlretrieval"] = None
import torch
from transformers import AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification

folder, outputs = sys.argv[1:]
try:
    AutoModel.from_pretrained(folder)
except ValueError as error:
    assert "trust_remote_code" in str(error), error
else:
    raise AssertionError("code of a folder was run without being trusted")
batch = torch.load(outputs + "/batch.pt")
for name, auto_class in {"encoder": AutoModel, "relevance": AutoModelForSequenceClassification,
                         "words": AutoModelForMaskedLM}.items():
    model = auto_class.from_pretrained(folder, trust_remote_code=True)
    assert type(model).__module__.startswith("transformers_modules"), type(model)
    with torch.no_grad():
        torch.save(model(**batch)[0], f"{outputs}/{name}.pt")
"""


@torch.no_grad()
@pytest.mark.slow
def test_a_saved_folder_works_without_this_package(tmp_path: Path):
    folder, outputs = tmp_path / "model", tmp_path / "outputs"
    outputs.mkdir()
    build().save_pretrained(folder)
    torch.save(pairs(), outputs / "batch.pt")
    process = subprocess.run(
        [sys.executable, "-I", "-c", WITHOUT_PACKAGE, str(folder), str(outputs)],
        cwd=tmp_path,
        env={**os.environ, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    expected = {"encoder": BertLongModel, "relevance": BertLongForXLRetrieval, "words": BertLongForMaskedLM}
    for name, model_class in expected.items():
        output = model_class.from_pretrained(folder)(**pairs())[0]
        torch.testing.assert_close(torch.load(outputs / f"{name}.pt"), output, rtol=0, atol=1e-5)


# sentence-transformers


@torch.no_grad()
@pytest.mark.parametrize("class_name", ["BertForPreTraining", "XLMRobertaForMaskedLM"])
@pytest.mark.parametrize("long", [True, False])
def test_cross_encoder_gives_our_scores(
    tiny_checkpoint: Callable[[str], Path], tmp_path: Path, class_name: str, long: bool
):
    from sentence_transformers import CrossEncoder

    source = tiny_checkpoint(class_name)
    if long:
        convert_to_long(str(source), 64, attention_window=4).save(tmp_path)
    elif class_name.startswith("XLM"):
        model = XLMRobertaForXLRetrieval.from_pretrained(source)
        Conversion(model, AutoTokenizer.from_pretrained(source)).save(tmp_path)
    else:
        pytest.skip("short BERT is tested with the native encoders")
    texts = [
        ("the river", "der fluss und die stadt, das wasser in der stadt. la ville est dans les montagnes."),
        ("la langue", "sprache"),
        ("a city on the mountain", "die leute und das land"),
    ]
    scores = CrossEncoder(str(tmp_path), activation_fn=torch.nn.Identity()).predict(texts, batch_size=3)
    model = (BertLongForXLRetrieval if long else XLMRobertaForXLRetrieval).from_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for text, score in zip(texts, scores, strict=True):
        # One by one and without padding, so that batches of mixed lengths are shown to be right too.
        expected = model(**tokenizer(*text, truncation=True, max_length=64, return_tensors="pt")).logits
        assert abs(float(score) - float(expected)) < 1e-5


# Compiled and exported graphs


@torch.no_grad()
@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
def test_exported_graph_serves_every_batch_and_length(implementation: str):
    model = build(attn_implementation=implementation, max_global_tokens=24, num_hidden_layers=1)
    dimensions = {0: torch.export.Dim("batch", max=64), 1: torch.export.Dim("length", min=8, max=512)}
    example = pairs(3, 70)
    program = torch.export.export(model, (), example, dynamic_shapes=dict.fromkeys(example, dimensions)).module()
    for batch, length in ((1, 16), (2, 64), (2, 65), (5, 128), (1, 257), (3, 500)):
        inputs = pairs(batch, length)
        torch.testing.assert_close(program(**inputs).logits, model(**inputs).logits, rtol=0, atol=1e-5)
    with pytest.raises(RuntimeError, match="at most config.max_global_tokens global tokens"):
        program(**pairs(2, 100, query=30))
    assert model(**pairs(2, 100, query=30)).logits.isfinite().all()


@torch.no_grad()
@pytest.mark.slow
def test_compiled_without_breaks_and_without_many_graphs():
    from torch._dynamo.testing import CompileCounterWithBackend

    torch._dynamo.reset()
    counter = CompileCounterWithBackend("aot_eager")
    model = build(max_global_tokens=24, num_hidden_layers=1)
    compiled = torch.compile(model, fullgraph=True, backend=counter)
    for batch, length in ((3, 70), (2, 65), (5, 500), (4, 128), (2, 300)):
        inputs = pairs(batch, length)
        torch.testing.assert_close(compiled(**inputs).logits, model(**inputs).logits, rtol=0, atol=1e-5)
    assert counter.frame_count <= 2  # one for the first shape, one for all others
    with pytest.raises(RuntimeError, match="at most config.max_global_tokens global tokens"):
        compiled(**pairs(2, 100, query=30))
    torch._dynamo.reset()


@torch.no_grad()
@pytest.mark.slow
def test_inductor_computes_the_attention():
    """What is ours in the graph, compiled to the end; the whole model takes it most of a minute."""
    torch._dynamo.reset()
    model = build(max_global_tokens=24)
    attention, windows = model.bert.encoder.layer[0].attention.self, model.config.layer_windows

    def attend(hidden: torch.Tensor, valid: torch.Tensor, is_global: torch.Tensor) -> torch.Tensor:
        return attention(hidden, build_pattern(valid, is_global, windows, "sdpa", 24))[0]

    place = torch.arange(170)
    valid, is_global = (place < torch.tensor(counts)[:, None] for counts in ([170, 20, 99], [20, 20, 0]))
    given = torch.randn(3, 170, model.config.hidden_size), valid, is_global
    found = torch.compile(attend, fullgraph=True, dynamic=True)(*given)
    torch.testing.assert_close(found[valid], attend(*given)[valid], rtol=0, atol=1e-5)
    torch._dynamo.reset()


@pytest.mark.slow
def test_compiled_gradients():
    torch._dynamo.reset()
    model = build(num_hidden_layers=1, hidden_dropout_prob=0, attention_probs_dropout_prob=0).train()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    found = []
    for forward in (model, compiled):
        model.zero_grad()
        forward(**pairs(3, 70), labels=torch.tensor([1.0, 0.0, 1.0])).loss.backward()
        found.append({name: parameter.grad for name, parameter in model.bert.named_parameters()})
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient, rtol=0, atol=1e-6, msg=name)
    torch._dynamo.reset()
