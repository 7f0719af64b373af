import logging

import numpy as np
import pytest
import torch
from transformers import (
    BertForMaskedLM,
    BertForSequenceClassification,
    BertModel,
    RobertaConfig,
    RobertaModel,
)

from xlretrieval.data.tokenization import token_ids
from xlretrieval.inference.batching import input_limit, token_batches
from xlretrieval.inference.encoder import Encoder

TEXTS = ["a cat", "the quick brown fox", "", "zebra", "jumps over the lazy dog again", "a", "we meet at noon", "fox"]


def plain(model: BertModel, tokenizer, text: str, layer: int = -1, pooling: str = "mean") -> np.ndarray:
    """One text at a time, without padding, as transformers does it."""
    with torch.no_grad():
        outputs = model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True)
    states = outputs.hidden_states[layer][0]
    return (states.mean(0) if pooling == "mean" else states[0]).numpy()


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("layer", [-1, 0, 2, 3])
def test_vectors_are_those_of_one_text_at_a_time(model, tokenizer, pooling, layer):
    vectors = Encoder(model, tokenizer).encode(TEXTS, pooling=pooling, layer=layer, normalize=False)
    expected = np.stack([plain(model, tokenizer, text, layer, pooling) for text in TEXTS])
    assert vectors.dtype == np.float32 and vectors.shape == (8, 32)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_vectors_do_not_depend_on_batches_or_order(model, tokenizer):
    encoder = Encoder(model, tokenizer)
    vectors = encoder.encode(TEXTS)
    for batch_tokens in (1, 40, 64):
        np.testing.assert_allclose(encoder.encode(TEXTS, batch_tokens=batch_tokens), vectors, atol=1e-6)
    order = np.random.default_rng(0).permutation(len(TEXTS))
    np.testing.assert_allclose(encoder.encode([TEXTS[row] for row in order]), vectors[order], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_no_text_gives_no_vector(model, tokenizer):
    assert Encoder(model, tokenizer).encode([]).shape == (0, 32)


def test_hidden_states_are_asked_for_only_when_needed(model, tokenizer, monkeypatch):
    asked = []
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda **kw: asked.append(kw["output_hidden_states"]) or forward(**kw))
    encoder = Encoder(model, tokenizer)
    for layer in (-1, 3, 1):
        encoder.encode(["a"], layer=layer)
    assert asked == [False, False, True]


def test_the_mode_of_every_module_is_restored(model, tokenizer):
    model.train()
    model.embeddings.eval()
    try:
        vectors = Encoder(model, tokenizer).encode(TEXTS)
        assert model.training and model.encoder.layer[0].training and not model.embeddings.training
        model.eval()
        np.testing.assert_array_equal(Encoder(model, tokenizer).encode(TEXTS), vectors)
    finally:
        model.eval()


def test_truncation_is_counted_and_logged_once(model, tokenizer, caplog):
    encoder = Encoder(model, tokenizer)
    exact, long = "abcdef", "abcdefg"
    with caplog.at_level(logging.WARNING):
        encoder.encode([exact, long, "a", long], max_length=8, batch_tokens=8)
    assert encoder.truncated == 2
    assert [record.getMessage() for record in caplog.records] == ["2 of 4 texts were cut to 8 tokens"]
    encoder.encode(["a"])
    assert encoder.truncated == 0


def test_inputs_end_at_the_models_positions(model, tokenizer):
    encoder = Encoder(model, tokenizer)
    assert encoder.encode(["a" * 100]).shape == (1, 32) and encoder.truncated == 1
    with pytest.raises(ValueError, match="max_length must be at most 64, the positions of this model, got 65"):
        encoder.encode(["a"], max_length=65)


def test_roberta_positions_start_behind_the_padding_id(tokenizer):
    config = RobertaConfig(
        vocab_size=99,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        max_position_embeddings=34,
    )
    assert input_limit(RobertaModel(config), tokenizer) == 32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "max"}, "pooling must be 'mean' or 'cls', got 'max'"),
        ({"layer": 4}, "layer must be between -4 and 3, got 4"),
        ({"batch_tokens": 0}, "batch_tokens must be at least 1, got 0"),
    ],
)
def test_wrong_options_are_errors(model, tokenizer, options, message):
    with pytest.raises(ValueError, match=message):
        Encoder(model, tokenizer).encode(["a"], **options)


def test_one_string_is_not_a_list_of_texts(model, tokenizer):
    with pytest.raises(ValueError, match="texts must be a sequence of strings"):
        Encoder(model, tokenizer).encode("a cat")


def test_batches_hold_every_row_once_within_the_budget():
    lengths = [3, 9, 17, 8, 2, 30, 1]
    batches = token_batches(lengths, 32)
    assert batches == [[5], [2], [1, 3], [0, 4, 6]]
    assert token_batches([], 32) == []


@pytest.mark.parametrize("kind", [BertModel, BertForMaskedLM, BertForSequenceClassification])
def test_checkpoints_with_heads_load_quietly(model, tokenizer, tmp_path, caplog, kind):
    headed = kind(model.config)
    body = headed if kind is BertModel else headed.bert
    body.load_state_dict(model.state_dict(), strict=False)
    headed.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    caplog.clear()
    encoder = Encoder.from_pretrained(str(tmp_path), device="cpu")
    assert not caplog.records
    assert type(encoder.model) is BertModel and not encoder.model.training
    np.testing.assert_array_equal(encoder.encode(TEXTS), Encoder(model, tokenizer).encode(TEXTS))


def test_long_encoders_load_without_their_heads(long_checkpoint):
    encoder = Encoder.from_pretrained(long_checkpoint, device="cpu")
    assert type(encoder.model).__name__ == "BertLongModel"
    vectors = encoder.encode([*TEXTS, "a long text " * 4])
    np.testing.assert_allclose(encoder.encode([*TEXTS, "a long text " * 4], batch_tokens=1), vectors, atol=1e-6)


def test_tokenizers_written_in_python_count_too(model, python_tokenizer):
    encoder = Encoder(model, python_tokenizer)
    rows = encoder._encode_rows(["abc", "a" * 6, "a" * 7], 8)
    assert [len(row.ids) for row in rows] == [5, 8, 8] and encoder.truncated == 1


def test_special_tokens_in_a_text_are_text(model, tokenizer):
    # [ and ] are not in the vocabulary; the tokenizer itself would make one separator of the five characters.
    (row,) = Encoder(model, tokenizer)._encode_rows(["a [SEP] b"], 64)
    assert tokenizer.convert_ids_to_tokens(row.ids) == "[CLS] a [UNK] s ##e ##p [UNK] b [SEP]".split()


def test_a_very_long_line_is_tokenized_in_part(model, tokenizer, monkeypatch):
    tokenized = []
    monkeypatch.setattr(
        "xlretrieval.data.tokenization.token_ids",
        lambda tokenizer, texts: tokenized.extend(map(len, texts)) or token_ids(tokenizer, texts),
    )
    encoder = Encoder(model, tokenizer)
    vectors = encoder.encode(["ab cd " * 40_000, "ab cd " * 20], max_length=16)
    assert tokenized == [8 * (14 + 100), 120]
    assert encoder.truncated == 2
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_there_must_be_room_for_a_text(model, tokenizer):
    with pytest.raises(ValueError, match="max_length must leave room for a text beside 2 special tokens, got 2"):
        Encoder(model, tokenizer).encode(["a"], max_length=2)


def test_a_checkpoint_without_encoder_weights_is_an_error(model, tokenizer, tmp_path):
    weights = {name: value for name, value in model.state_dict().items() if ".layer.1." not in name}
    model.save_pretrained(tmp_path, state_dict=weights)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"must hold all weights of BertModel, got none for encoder\.layer\.1\."):
        Encoder.from_pretrained(tmp_path)


def test_dtype_is_of_the_weights_and_vectors_stay_float32(model, tokenizer, tmp_path):
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    encoder = Encoder.from_pretrained(tmp_path, dtype="bfloat16", device="cpu")
    assert encoder.model.dtype == torch.bfloat16
    vectors = encoder.encode(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, Encoder(model, tokenizer).encode(TEXTS), atol=0.05)
