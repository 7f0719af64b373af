import numpy as np
import pytest
import torch

from xlretrieval.inference.encoder import Encoder
from xlretrieval.inference.layer_encoder import LayerEncoder

TEXTS = ["a cat", "the quick brown fox", "zebra", "jumps over the lazy dog again", "a", "we meet at noon", "fox"]


@pytest.fixture
def encoder(model, tokenizer) -> Encoder:
    return Encoder(model, tokenizer)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_one_pass_gives_every_layer(encoder, pooling, monkeypatch):
    calls = []
    forward = encoder.model.forward
    monkeypatch.setattr(encoder.model, "forward", lambda **inputs: calls.append(inputs) or forward(**inputs))
    vectors = LayerEncoder(encoder, range(4), pooling).encode(TEXTS)
    assert vectors.shape == (4, 7, 32) and vectors.dtype == np.float32 and len(calls) == 1
    for layer in range(4):
        expected = encoder.encode(TEXTS, pooling=pooling, layer=layer, normalize=False)
        np.testing.assert_allclose(vectors[layer], expected, atol=1e-5)


def test_layers_are_counted_from_the_embeddings_each_once(encoder):
    assert LayerEncoder(encoder, [-1, 0, 3, -2]).layers == (3, 0, 2)
    with pytest.raises(ValueError, match="layer must be between -4 and 3, got 4. This model has 3 layers"):
        LayerEncoder(encoder, [4])


def test_query_style_is_the_query_of_a_pair_with_an_empty_document(encoder):
    tokenizer = encoder.tokenizer
    vectors = LayerEncoder(encoder, [-1], "query").encode(TEXTS)[0]
    for text, vector in zip(TEXTS, vectors, strict=True):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        row = [tokenizer.cls_token_id, *ids, tokenizer.sep_token_id, tokenizer.sep_token_id]
        types = [0] * (len(ids) + 2) + [1]
        with torch.no_grad():
            states = encoder.model(input_ids=torch.tensor([row]), token_type_ids=torch.tensor([types]))
        expected = states.last_hidden_state[0, 1 : 1 + len(ids)].mean(0).numpy()
        np.testing.assert_allclose(vector, expected, atol=1e-5)


def test_a_long_encoder_sees_all_tokens_of_a_query_style_text(long_checkpoint):
    encoder = Encoder.from_pretrained(long_checkpoint, device="cpu")
    text = "a long text of many letters for a window of four"
    ids = encoder.tokenizer(text, add_special_tokens=False)["input_ids"]
    row = torch.tensor([[encoder.tokenizer.cls_token_id, *ids, *[encoder.tokenizer.sep_token_id] * 2]])
    types = torch.tensor([[0] * (len(ids) + 2) + [1]])

    def states(marked: int) -> torch.Tensor:
        mask = (torch.arange(row.shape[1]) < marked).long()[None]
        with torch.no_grad():
            return encoder.model(input_ids=row, token_type_ids=types, global_attention_mask=mask).last_hidden_state

    vector = LayerEncoder(encoder, pooling="query").encode([text])[0, 0]
    expected = states(len(ids) + 2)[0, 1 : 1 + len(ids)].mean(0).numpy()
    np.testing.assert_allclose(vector, expected, atol=1e-5)
    assert not np.allclose(vector, states(1)[0, 1 : 1 + len(ids)].mean(0).numpy(), atol=1e-3)


def test_a_long_text_is_the_mean_of_its_windows(encoder):
    # Letters are tokens; 8 tokens leave 6. "abcdefghij" is "abcdef" and, ending with the text, "efghij".
    layers = LayerEncoder(encoder, [-1, 1], long="windows", max_length=8)
    vectors = layers.encode(["abcdefghij", "abcdef", "a", "abcdefghijklm"], batch_tokens=16)
    assert layers.windows.tolist() == [2, 1, 1, 3] and not layers.cut.any()

    def part(text: str, layer: int) -> np.ndarray:
        # A window begins inside a word, where the pieces are those of a continued one.
        ids = encoder.tokenizer("x" * (text[0] != "a") + text, add_special_tokens=False)["input_ids"][-len(text) :]
        row = torch.tensor([[encoder.tokenizer.cls_token_id, *ids, encoder.tokenizer.sep_token_id]])
        with torch.no_grad():
            return encoder.model(row, output_hidden_states=True).hidden_states[layer][0].mean(0).numpy()

    for place, layer in ((0, 3), (1, 1)):
        expected = [
            (part("abcdef", layer) + part("efghij", layer)) / 2,
            part("abcdef", layer),
            part("a", layer),
            (part("abcdef", layer) + part("ghijkl", layer) + part("hijklm", layer)) / 3,
        ]
        np.testing.assert_allclose(vectors[place], expected, atol=1e-5)


def test_what_is_cut_is_marked(encoder):
    layers = LayerEncoder(encoder, max_length=8)
    vectors = layers.encode(["abcdef", "abcdefg", "a"])
    assert layers.cut.tolist() == [False, True, False] and layers.windows.tolist() == [1, 1, 1]
    np.testing.assert_allclose(vectors[0, 1], vectors[0, 0], atol=1e-6)
    layers.encode(["a"])
    assert layers.cut.tolist() == [False]


@pytest.mark.parametrize("pooling", ["mean", "cls", "query"])
def test_batches_and_order_change_nothing(encoder, pooling, tmp_path):
    layers = LayerEncoder(encoder, [0, -1], pooling, "windows", max_length=12)
    vectors = layers.encode(TEXTS)
    order = np.random.default_rng(0).permutation(len(TEXTS))
    np.testing.assert_allclose(layers.encode([TEXTS[row] for row in order], 24), vectors[:, order], atol=1e-6)
    out = np.lib.format.open_memmap(tmp_path / "vectors.npy", "w+", np.float32, (2, len(TEXTS), 32))
    assert layers.encode(TEXTS, out=out) is out
    np.testing.assert_array_equal(np.load(tmp_path / "vectors.npy"), vectors)


def test_no_text_and_nothing_of_a_text_are_no_error(encoder):
    assert LayerEncoder(encoder).encode([]).shape == (1, 0, 32)
    assert np.isfinite(LayerEncoder(encoder, pooling="query").encode(["", "\u200b"])).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "max"}, "pooling must be one of mean, cls, query, got 'max'"),
        ({"long": "wrap"}, "long must be one of truncate, windows, got 'wrap'"),
        ({"max_length": 65}, "max_length must be at most 64"),
        ({"max_length": 3, "pooling": "query"}, "max_length must leave room for a text beside 3 special tokens"),
    ],
)
def test_wrong_options_are_errors(encoder, options, message):
    with pytest.raises(ValueError, match=message):
        LayerEncoder(encoder, **options)
