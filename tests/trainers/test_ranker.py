"""Loading any encoder as a ranker."""

from __future__ import annotations

import pytest
import torch
from encoder_types import write_xlm  # tests/trainers is on the path, see conftest
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, XLMForSequenceClassification

from xlretrieval.inference.reranker import Reranker
from xlretrieval.modeling.xl_retrieval import BertForXLRetrieval
from xlretrieval.trainers.ranker import load_ranker


def test_encoders_with_both_heads_keep_them(tiny_checkpoint):
    model, _ = load_ranker(str(tiny_checkpoint("BertForMaskedLM")))
    assert type(model) is BertForXLRetrieval and model.dtype == torch.float32


def test_other_encoders_and_their_token_types(tmp_path):
    """XLM would add the embedding of the words number 0 and 1 to the query's and the document's."""
    folder = write_xlm(tmp_path / "xlm")
    assert "token_type_ids" in AutoTokenizer.from_pretrained(folder).model_input_names
    model, tokenizer = load_ranker(str(folder))
    assert type(model) is XLMForSequenceClassification and model.config.num_labels == 1
    assert tokenizer.model_input_names == ["input_ids", "attention_mask"]
    assert set(Reranker(model, tokenizer).collator.pad(Reranker(model, tokenizer).collator.encode(["a"], ["b"]))) == {
        "input_ids",
        "attention_mask",
    }


def test_another_head_is_an_error(tmp_path, wordpiece_folder):
    tokenizer = AutoTokenizer.from_pretrained(wordpiece_folder)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = BertConfig(vocab_size=len(tokenizer), num_labels=3, **sizes)
    BertForSequenceClassification(config).save_pretrained(tmp_path / "three")
    tokenizer.save_pretrained(tmp_path / "three")
    with pytest.raises(ValueError, match="must be an encoder with one logit or without a head, got .*three"):
        load_ranker(str(tmp_path / "three"))
    with pytest.raises(ValueError, match="/no/such/model"):
        load_ranker("/no/such/model")


def test_a_type_without_a_classifier_is_an_error(tmp_path, wordpiece_folder):
    tokenizer = AutoTokenizer.from_pretrained(wordpiece_folder)
    tokenizer.save_pretrained(tmp_path / "vision")
    (tmp_path / "vision" / "config.json").write_text('{"model_type": "clip"}')
    with pytest.raises(ValueError, match="must be an encoder with one logit"):
        load_ranker(str(tmp_path / "vision"))
