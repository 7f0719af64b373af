"""Native encoders with both heads: what they load, what others load of theirs, and what they compute."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel

from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval
from xlretrieval.modeling.xl_retrieval import (
    BertForXLRetrieval,
    ModernBertForXLRetrieval,
    XLMRobertaForXLRetrieval,
    load_xl_retrieval,
)

MakeCheckpoint = Callable[[str], Path]

# Each class with the transformers checkpoint that has its MLM head, and the parameters that are new in it.
MLM_CHECKPOINTS = {
    BertForXLRetrieval: ("BertForPreTraining", {"classifier.weight", "classifier.bias"}),
    XLMRobertaForXLRetrieval: (
        "XLMRobertaForMaskedLM",
        {f"classifier.{layer}.{kind}" for layer in ("dense", "out_proj") for kind in ("weight", "bias")},
    ),
    ModernBertForXLRetrieval: ("ModernBertForMaskedLM", {"classifier.weight", "classifier.bias"}),
}
PAIRS = [
    ("river", "a city on the water"),
    ("der fluss", "history of the country, the language and the music of people in the mountain city. " * 2),
    ("la ville", "eau"),
]
each_model = pytest.mark.parametrize("model_class", MLM_CHECKPOINTS, ids=lambda model_class: model_class.__name__)


def load_new(model_class: type[PreTrainedModel], folder: Path) -> PreTrainedModel:
    """The model of an MLM checkpoint, in evaluation mode; its relevance head is new."""
    torch.manual_seed(0)
    model = model_class.from_pretrained(folder).eval()
    with torch.no_grad():
        for parameter in model.classifier.parameters():
            parameter.normal_(std=0.3)  # biases too: new ones are zero, and a lost one would not show
    return model


def encode(folder: Path, pairs: list[tuple[str, str]] = PAIRS) -> dict[str, torch.Tensor]:
    """One padded batch of pairs."""
    queries, documents = zip(*pairs, strict=True)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return dict(tokenizer(list(queries), list(documents), padding=True, truncation=True, return_tensors="pt"))


@torch.no_grad()
def scores_of(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    return model.eval()(**batch).logits


def masked_labels(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """The ids of every third token as labels, padding left out."""
    chosen = torch.arange(batch["input_ids"].shape[1]) % 3 == 1
    return torch.where(chosen & batch["attention_mask"].bool(), batch["input_ids"], -100)


@each_model
def test_a_saved_folder_scores_the_same_in_transformers(
    tiny_checkpoint: MakeCheckpoint, tmp_path: Path, model_class: type[PreTrainedModel]
):
    folder = tiny_checkpoint(MLM_CHECKPOINTS[model_class][0])
    model = load_new(model_class, folder)
    model.save_pretrained(tmp_path)
    batch = encode(folder)
    lengths = batch["attention_mask"].sum(1)
    assert lengths.min() < lengths.max()

    plain, info = AutoModelForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)

    assert type(plain).__module__.startswith("transformers.")
    assert not info["missing_keys"]
    scores = scores_of(model, batch)
    assert scores.shape == (3, 1)
    assert scores.std() > 1e-3
    torch.testing.assert_close(scores_of(plain, batch), scores, rtol=0, atol=1e-5)
    torch.testing.assert_close(scores_of(load_xl_retrieval(tmp_path), batch), scores, rtol=0, atol=1e-5)


@pytest.mark.parametrize("model_class", [*MLM_CHECKPOINTS, BertLongForXLRetrieval])
def test_a_saved_folder_scores_the_same_in_a_cross_encoder(
    tiny_checkpoint: MakeCheckpoint, long_folder: Path, tmp_path: Path, model_class: type[PreTrainedModel]
):
    from sentence_transformers import CrossEncoder

    name, _ = MLM_CHECKPOINTS.get(model_class, (None, None))
    folder = tiny_checkpoint(name) if name else long_folder
    model = load_new(model_class, folder)
    model.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path)

    cross_encoder = CrossEncoder(str(tmp_path), activation_fn=torch.nn.Identity(), device="cpu")

    predicted = cross_encoder.predict(PAIRS, convert_to_tensor=True)
    torch.testing.assert_close(predicted, scores_of(model, encode(folder))[:, 0], rtol=0, atol=1e-5)


@each_model
def test_the_mlm_head_comes_from_the_checkpoint(tiny_checkpoint: MakeCheckpoint, model_class: type[PreTrainedModel]):
    name, new = MLM_CHECKPOINTS[model_class]
    folder = tiny_checkpoint(name)
    batch = encode(folder)
    labels = masked_labels(batch)

    model, info = model_class.from_pretrained(folder, output_loading_info=True)

    assert set(info["missing_keys"]) == new
    assert not info["mismatched_keys"]
    plain = getattr(transformers, name).from_pretrained(folder).eval()
    with torch.no_grad():
        output = model.eval()(**batch, labels=labels)
        expected = plain(**batch)
    expected = expected.prediction_logits if name == "BertForPreTraining" else expected.logits
    chosen = labels != -100
    torch.testing.assert_close(output.mlm_logits, expected[chosen], rtol=0, atol=1e-5)
    loss = torch.nn.functional.cross_entropy(expected[chosen], labels[chosen])
    torch.testing.assert_close(output.loss, loss, rtol=0, atol=1e-5)


@each_model
def test_the_word_embedding_is_the_mlm_decoder_after_loading(
    tiny_checkpoint: MakeCheckpoint, model_class: type[PreTrainedModel]
):
    model = model_class.from_pretrained(tiny_checkpoint(MLM_CHECKPOINTS[model_class][0]))
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


@each_model
def test_the_same_forward_parameters_as_the_long_encoder(model_class: type[PreTrainedModel]):
    expected = inspect.signature(BertLongForXLRetrieval.forward).parameters
    assert list(inspect.signature(model_class.forward).parameters) == list(expected)


@each_model
def test_global_tokens_change_nothing(tiny_checkpoint: MakeCheckpoint, model_class: type[PreTrainedModel]):
    folder = tiny_checkpoint(MLM_CHECKPOINTS[model_class][0])
    model, batch = load_new(model_class, folder), encode(folder)
    marked = scores_of(model, {**batch, "global_attention_mask": torch.ones_like(batch["input_ids"])})
    assert torch.equal(marked, scores_of(model, batch))


@each_model
def test_relevance_labels(tiny_checkpoint: MakeCheckpoint, model_class: type[PreTrainedModel]):
    folder = tiny_checkpoint(MLM_CHECKPOINTS[model_class][0])
    model, batch = load_new(model_class, folder), encode(folder)

    output = model(**batch, labels=torch.tensor([1.0, 0.0, 0.5]))

    first, second, third = output.logits[:, 0].detach().double().sigmoid().tolist()
    expected = -torch.tensor([first, 1 - second]).log().sum() - torch.tensor([third, 1 - third]).log().mean()
    assert output.loss.item() == pytest.approx(expected.item() / 3, abs=1e-5)
    assert output.mlm_logits is None
    output.loss.backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.classifier.parameters())


@each_model
def test_a_batch_without_masked_token_has_loss_zero(
    tiny_checkpoint: MakeCheckpoint, model_class: type[PreTrainedModel]
):
    folder = tiny_checkpoint(MLM_CHECKPOINTS[model_class][0])
    model, batch = load_new(model_class, folder), encode(folder)

    output = model(**batch, labels=torch.full_like(batch["input_ids"], -100))
    output.loss.backward()

    assert output.loss.item() == 0
    assert output.mlm_logits.shape == (0, model.config.vocab_size)
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert gradients
    assert all((gradient == 0).all() for gradient in gradients)


@each_model
def test_the_class_follows_from_the_model_type(tiny_checkpoint: MakeCheckpoint, model_class: type[PreTrainedModel]):
    assert type(load_xl_retrieval(tiny_checkpoint(MLM_CHECKPOINTS[model_class][0]))) is model_class


def test_the_class_of_a_long_encoder(long_folder: Path):
    assert type(load_xl_retrieval(long_folder)) is BertLongForXLRetrieval


def test_a_decoder_is_refused(tmp_path: Path):
    transformers.GPT2Config(vocab_size=9, n_embd=8, n_layer=1, n_head=2).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="must be one of bert-long, bert, xlm-roberta, modernbert, got 'gpt2'"):
        load_xl_retrieval(tmp_path)
