"""A long model computes what the short one did: compared with transformers' own classes on inputs where every token is
global, or the window covers the input."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from xlretrieval.modeling.conversion import Conversion, convert_to_long, load_tokenizer, read_released, tile_positions
from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval
from xlretrieval.modeling.xl_retrieval import XLMRobertaForXLRetrieval

MakeCheckpoint = Callable[[str], Path]
RELEVANCE_HEAD = ["classifier.bias", "classifier.weight"]
MLM_HEAD = [
    "cls.predictions.bias",
    "cls.predictions.decoder.bias",
    "cls.predictions.transform.LayerNorm.bias",
    "cls.predictions.transform.LayerNorm.weight",
    "cls.predictions.transform.dense.bias",
    "cls.predictions.transform.dense.weight",
]
POOLER = ["bert.pooler.dense.bias", "bert.pooler.dense.weight"]


def encode(folder: Path) -> dict[str, torch.Tensor]:
    """Pairs of different lengths, the short one padded."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    pairs = [("the city", "die stadt und der fluss, le fleuve est dans la ville."), ("a river", "la rivière")]
    return dict(tokenizer(pairs, padding=True, return_tensors="pt"))


def everything_global(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**inputs, "global_attention_mask": inputs["attention_mask"]}


# The same numbers as the short model


@torch.no_grad()
@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize("class_name", ["BertModel", "XLMRobertaModel"])
def test_encoder(tiny_checkpoint: MakeCheckpoint, class_name: str, implementation: str):
    folder = tiny_checkpoint(class_name)
    short = getattr(transformers, class_name).from_pretrained(folder)
    long = convert_to_long(str(folder), max_length=150, attention_window=8).model.bert
    long.set_attn_implementation(implementation)
    inputs = encode(folder)
    valid = inputs["attention_mask"].bool()
    expected = short(**inputs).last_hidden_state
    output = long(**everything_global(inputs)).last_hidden_state
    torch.testing.assert_close(output[valid], expected[valid], rtol=0, atol=1e-5)
    # A window over the whole input does the same.
    wide = convert_to_long(str(folder), max_length=150, attention_window=200).model.bert
    output = wide(**inputs, global_attention_mask=torch.zeros_like(inputs["input_ids"])).last_hidden_state
    torch.testing.assert_close(output[valid], expected[valid], rtol=0, atol=1e-5)
    # And a narrow one does not, so the above shows something.
    output = long(**inputs, global_attention_mask=torch.zeros_like(inputs["input_ids"])).last_hidden_state
    assert float((output[valid] - expected[valid]).abs().max()) > 1e-2


@torch.no_grad()
def test_pooled_first_token_of_bert(tiny_checkpoint: MakeCheckpoint):
    folder = tiny_checkpoint("BertForPreTraining")
    inputs = encode(folder)
    expected = transformers.BertModel.from_pretrained(folder)(**inputs).pooler_output
    output = convert_to_long(str(folder), 128).model.bert(**everything_global(inputs)).pooler_output
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("class_name", ["BertForMaskedLM", "BertForPreTraining", "XLMRobertaForMaskedLM"])
def test_the_mlm_head_is_kept_and_tied(tiny_checkpoint: MakeCheckpoint, class_name: str):
    folder = tiny_checkpoint(class_name)
    inputs = encode(folder)
    outputs = getattr(transformers, class_name).from_pretrained(folder)(**inputs)
    expected = outputs.prediction_logits if class_name == "BertForPreTraining" else outputs.logits
    model = convert_to_long(str(folder), max_length=128).model
    labels = inputs["input_ids"].where(inputs["attention_mask"].bool(), -100)
    output = model(**everything_global(inputs), labels=labels)
    torch.testing.assert_close(output.mlm_logits, expected[labels != -100], rtol=0, atol=1e-5)
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight
    assert model.cls.predictions.decoder.bias is model.cls.predictions.bias


@torch.no_grad()
@pytest.mark.parametrize("class_name", ["XLMRobertaForSequenceClassification", "BertForSequenceClassification"])
def test_a_reranker_keeps_its_scores(tiny_checkpoint: MakeCheckpoint, class_name: str):
    folder = tiny_checkpoint(class_name)
    inputs = encode(folder)
    conversion = convert_to_long(str(folder), max_length=200)
    expected = AutoModelForSequenceClassification.from_pretrained(folder)(**inputs).logits
    assert expected.shape == (2, 1)
    torch.testing.assert_close(conversion.model(**everything_global(inputs)).logits, expected, rtol=0, atol=1e-5)
    assert conversion.new_parameters == MLM_HEAD


# Lengths


@pytest.mark.parametrize("length", [64, 65, 128, 150])
def test_positions_repeat_until_the_length_is_full(tiny_checkpoint: MakeCheckpoint, length: int):
    folder = tiny_checkpoint("BertModel")
    short = transformers.BertModel.from_pretrained(folder).embeddings.position_embeddings.weight
    model = convert_to_long(str(folder), length).model
    long = model.bert.embeddings.position_embeddings.weight
    assert long.shape == (length, 32)
    assert model.config.longest_input == length
    for position in range(length):
        assert torch.equal(long[position], short[position % 64])


@torch.no_grad()
@pytest.mark.parametrize("length", [64, 150])
def test_positions_of_xlm_roberta_start_after_the_padding_id(tiny_checkpoint: MakeCheckpoint, length: int):
    folder = tiny_checkpoint("XLMRobertaModel")
    short = transformers.XLMRobertaModel.from_pretrained(folder)
    model = convert_to_long(str(folder), length).model
    config = model.config
    assert (config.pad_token_id, config.position_offset, config.max_position_embeddings) == (1, 2, length + 2)
    assert (config.sep_token_id, config.type_vocab_size, config.layer_norm_eps) == (2, 1, 1e-5)
    # The longest input has a position for every token, and a repeated one reads as its original.
    ids = torch.randint(5, 90, (1, 64), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model.bert.embeddings(ids, None, None, None), short.embeddings(ids), rtol=0, atol=1e-6)
    far = model.bert.embeddings(ids.repeat(1, 3)[:, :length], None, None, None)
    torch.testing.assert_close(far[:, 64:], far[:, : length - 64].repeat(1, 2, 1)[:, : length - 64], rtol=0, atol=0)
    with pytest.raises(ValueError, match=f"at most {length} tokens, got {length + 1}"):
        model(torch.full((1, length + 1), 5))


def test_tile_positions_keeps_the_rows_before_the_offset():
    table = torch.tensor([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
    assert tile_positions(table, 2, 7).flatten().tolist() == [-2, -1, 0, 1, 2, 0, 1, 2, 0]
    assert tile_positions(table, 0, 6).flatten().tolist() == [-2, -1, 0, 1, 2, -2]


@torch.no_grad()
@pytest.mark.parametrize("class_name", ["BertForSequenceClassification", "XLMRobertaForSequenceClassification"])
def test_a_long_model_made_longer(tiny_checkpoint: MakeCheckpoint, tmp_path: Path, class_name: str):
    first = convert_to_long(str(tiny_checkpoint(class_name)), max_length=100, attention_window=[4, 8])
    first.model.config.max_global_tokens = 7
    for name, parameter in first.model.named_parameters():
        if "_global" in name:  # trained: no longer copies
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)), alpha=0.1)
    first.save(tmp_path)
    second = convert_to_long(str(tmp_path), max_length=250, attention_window=[4, 8])
    assert second.model.config.longest_input == 250
    assert second.model.config.max_global_tokens == 7
    assert second.new_parameters == []
    inputs = encode(tmp_path)
    torch.testing.assert_close(second.model(**inputs).logits, first.model(**inputs).logits, rtol=0, atol=1e-6)


# What comes with the model


def test_the_tokenizer_has_the_new_length(tiny_checkpoint: MakeCheckpoint, tmp_path: Path):
    conversion = convert_to_long(str(tiny_checkpoint("BertModel")), max_length=150)
    assert conversion.tokenizer.model_max_length == 150
    conversion.save(tmp_path)
    assert AutoTokenizer.from_pretrained(tmp_path).model_max_length == 150


@pytest.mark.parametrize(
    ("class_name", "expected"),
    [
        ("BertModel", [*RELEVANCE_HEAD, *MLM_HEAD]),
        ("BertForPreTraining", RELEVANCE_HEAD),
        ("BertForMaskedLM", [*POOLER, *RELEVANCE_HEAD]),
        ("XLMRobertaModel", [*POOLER, *RELEVANCE_HEAD, *MLM_HEAD]),
        ("XLMRobertaForMaskedLM", [*POOLER, *RELEVANCE_HEAD]),
        ("XLMRobertaForSequenceClassification", MLM_HEAD),
    ],
)
def test_new_parameters_are_those_the_checkpoint_has_not(
    tiny_checkpoint: MakeCheckpoint, class_name: str, expected: list[str]
):
    assert convert_to_long(str(tiny_checkpoint(class_name)), 128).new_parameters == expected


def test_global_projections_start_as_copies(tiny_checkpoint: MakeCheckpoint):
    weights = convert_to_long(str(tiny_checkpoint("BertModel")), 128).model.state_dict()
    copies = [name for name in weights if "_global." in name]
    assert len(copies) == 2 * 6
    for name in copies:
        assert torch.equal(weights[name], weights[name.replace("_global", "")])


def test_settings_of_the_checkpoint_are_kept(tiny_checkpoint: MakeCheckpoint, tmp_path: Path):
    folder = tmp_path / "bert"
    shutil.copytree(tiny_checkpoint("BertModel"), folder)
    settings = json.loads((folder / "config.json").read_text())
    settings |= {"hidden_act": "relu", "hidden_dropout_prob": 0.3, "attention_probs_dropout_prob": 0.2}
    settings |= {"layer_norm_eps": 1e-6, "classifier_dropout": 0.4}
    (folder / "config.json").write_text(json.dumps(settings))
    config = convert_to_long(str(folder), 128, attention_window=[4, 8]).model.config
    assert (config.hidden_act, config.hidden_dropout_prob, config.attention_probs_dropout_prob) == ("relu", 0.3, 0.2)
    assert (config.layer_norm_eps, config.classifier_dropout) == (1e-6, 0.4)
    assert (config.attention_window, config.layer_windows, config.num_labels) == ([4, 8], [4, 8], 1)
    assert (config.sep_token_id, config.pad_token_id) == (3, 0)


def test_saved_and_loaded_it_gives_the_same_scores(tiny_checkpoint: MakeCheckpoint, tmp_path: Path):
    conversion = convert_to_long(str(tiny_checkpoint("XLMRobertaForMaskedLM")), 128, attention_window=4)
    conversion.save(tmp_path)
    inputs = encode(tmp_path)
    again = BertLongForXLRetrieval.from_pretrained(tmp_path)
    torch.testing.assert_close(again(**inputs).logits, conversion.model(**inputs).logits, rtol=0, atol=1e-6)


def test_dtype(tiny_checkpoint: MakeCheckpoint):
    model = convert_to_long(str(tiny_checkpoint("BertModel")), 128, dtype=torch.bfloat16).model
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}


@torch.no_grad()
def test_xlm_roberta_with_both_heads(tiny_checkpoint: MakeCheckpoint, tmp_path: Path):
    """Our own short XLM-R, saved with both heads, has nothing new when it is made long."""
    model = XLMRobertaForXLRetrieval.from_pretrained(tiny_checkpoint("XLMRobertaForMaskedLM"))
    Conversion(model, AutoTokenizer.from_pretrained(tiny_checkpoint("XLMRobertaForMaskedLM"))).save(tmp_path)
    conversion = convert_to_long(str(tmp_path), 128)
    assert conversion.new_parameters == []
    inputs = encode(tmp_path)
    labels = inputs["input_ids"].where(inputs["attention_mask"].bool(), -100)
    expected, output = model(**inputs, labels=labels), conversion.model(**everything_global(inputs), labels=labels)
    torch.testing.assert_close(output.logits, expected.logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(output.loss, expected.loss, rtol=0, atol=1e-5)


# Refusals


def refused(match: str, function: Callable, *arguments) -> None:
    with pytest.raises(ValueError, match=match) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)


@pytest.fixture
def bert(tiny_checkpoint: MakeCheckpoint, tmp_path: Path) -> Path:
    """A copy of a BERT checkpoint, to break."""
    shutil.copytree(tiny_checkpoint("BertForPreTraining"), tmp_path / "bert")
    return tmp_path / "bert"


@pytest.fixture
def released(oracle: Path, tmp_path: Path) -> Path:
    """A copy of a released checkpoint, to break."""
    shutil.copytree(oracle / "checkpoints_tiny" / "long", tmp_path / "released")
    return tmp_path / "released"


class Intruder:
    """Unpickled, it would leave a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_shorter_than_the_checkpoint(bert: Path):
    refused(r"max_length must be at least the checkpoint's own length 64, got 63\.", convert_to_long, str(bert), 63)


def test_another_architecture(tmp_path: Path):
    config = transformers.GPT2Config(n_layer=1, n_head=2, n_embd=8, vocab_size=20, bos_token_id=0, eos_token_id=0)
    transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path)
    refused("must be one of bert, xlm-roberta, bert-long, got 'gpt2'", convert_to_long, str(tmp_path))


def test_no_folder(tmp_path: Path):
    refused("must be a Hub id or a folder with config.json, got", convert_to_long, str(tmp_path / "nothing"))


def test_no_weights(bert: Path):
    (bert / "model.safetensors").unlink()
    refused("must hold whole weights", convert_to_long, str(bert))


def test_broken_configuration(bert: Path):
    (bert / "config.json").write_text('{"model_type": "bert",')
    refused("config.json.*not a valid JSON file", convert_to_long, str(bert))


def test_no_tokenizer(bert: Path):
    """transformers itself would return one that knows nothing but its special tokens."""
    for path in bert.glob("tokenizer*"):
        path.unlink()
    refused("must come with its tokenizer, got none in", convert_to_long, str(bert))


def test_a_tokenizer_without_separator(tmp_path: Path):
    config = transformers.GPT2Config()
    config.save_pretrained(tmp_path)
    transformers.GPT2Tokenizer(vocab={"a": 0, "b": 1, "ab": 2, "c": 3}, merges=[]).save_pretrained(tmp_path)
    refused("must have cls and sep tokens, got None and None", load_tokenizer, str(tmp_path))


def test_several_labels(tiny_checkpoint: MakeCheckpoint, tmp_path: Path):
    config = transformers.BertConfig.from_pretrained(tiny_checkpoint("BertModel"), num_labels=3)
    transformers.BertForSequenceClassification(config).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny_checkpoint("BertModel")).save_pretrained(tmp_path)
    refused("one relevance label if any, got tensors of other shapes", convert_to_long, str(tmp_path))


@pytest.mark.parametrize("window", [0, -4, [4, 0], [4, 8, 16]])
def test_windows(bert: Path, window: int | list[int]):
    refused("attention_window must be", convert_to_long, str(bert), 128, window)


def test_truncated_weights(bert: Path):
    path = bert / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])
    refused("must hold whole weights", convert_to_long, str(bert))


def test_a_pickle_that_runs_code(bert: Path, tmp_path: Path):
    (bert / "model.safetensors").unlink()
    torch.save({"bert.x": Intruder(tmp_path / "run")}, bert / "pytorch_model.bin")
    refused("must hold whole weights .*got pickled objects other than tensors", convert_to_long, str(bert))
    assert not (tmp_path / "run").exists()


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("write", [torch.save, lambda thing, path: path.write_bytes(pickle.dumps(thing))])
def test_a_released_pickle_that_runs_code(released: Path, tmp_path: Path, write: Callable):
    write({"bert.x": Intruder(tmp_path / "run")}, released / "pytorch_model.bin")
    refused(r"pytorch_model\.bin must be .* got pickled objects other than tensors\.", read_released, released)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("size", [0, 1, 1000, 20000])
def test_a_released_file_cut_short(released: Path, size: int):
    path = released / "pytorch_model.bin"
    path.write_bytes(path.read_bytes()[:size])
    refused(r"pytorch_model\.bin must be a whole file of tensors, got .*Download it again\.", read_released, released)


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, torch.ones(3)], ids=["list", "numbers", "tensor"])
def test_a_released_file_of_other_things(released: Path, content: object):
    torch.save(content, released / "pytorch_model.bin")
    refused("must hold named tensors and nothing else, got a", read_released, released)


def test_released_without_the_released_heads(oracle: Path):
    folder = oracle / "checkpoints_tiny" / "base_src"
    refused(r"must hold the heads mlm_cls and seqcls_classifier, got cls\..*--released", read_released, folder)


@pytest.mark.parametrize("name", ["config.json", "pytorch_model.bin"])
def test_released_file_missing(released: Path, name: str):
    (released / name).unlink()
    refused(f"must have {name}, got none in", read_released, released)


def test_released_vocabulary_missing(released: Path):
    (released / "vocab.txt").unlink()
    refused("must come with its tokenizer, got none in", read_released, released)


def test_released_configuration_that_is_not_of_these_weights(released: Path):
    settings = json.loads((released / "config.json").read_text())
    (released / "config.json").write_text(json.dumps(settings | {"hidden_size": 64}))
    refused("must hold the weights that config.json describes, got", read_released, released)
    (released / "config.json").write_text(json.dumps({key: settings[key] for key in settings if "window" not in key}))
    refused(r"config\.json must have attention_window, got none\.", read_released, released)
    (released / "config.json").write_text("{")
    refused(r"config\.json must be JSON, got", read_released, released)
