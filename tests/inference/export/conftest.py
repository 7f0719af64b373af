"""Tiny rerankers that take long inputs, and an exported one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from made_once import made_once
from transformers import AutoTokenizer

from xlretrieval.inference.export.onnx_export import export_reranker
from xlretrieval.modeling import xl_retrieval
from xlretrieval.modeling.configuration_bert_long import BertLongConfig

LONGEST = {"bert-long": 2048, "modernbert": 2048, "bert": 512, "xlm-roberta": 512}
CONFIGURATIONS = {
    "bert-long": (BertLongConfig, {"attention_window": 8}),
    "bert": (transformers.BertConfig, {}),
    "xlm-roberta": (transformers.XLMRobertaConfig, {"type_vocab_size": 1}),
    "modernbert": (transformers.ModernBertConfig, {"local_attention": 16, "global_attn_every_n_layers": 2}),
}


@pytest.fixture(scope="session")
def make_reranker(
    wordpiece_folder: Path, unigram_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Folder of a random reranker of a model type, a new one by default: hidden size 32, 2 layers, 4 heads."""

    def make(model_type: str, folder: Path | None = None) -> Path:
        tokenizer = AutoTokenizer.from_pretrained(unigram_folder if model_type == "xlm-roberta" else wordpiece_folder)
        tokenizer.model_max_length = LONGEST[model_type]
        kind, more = CONFIGURATIONS[model_type]
        positions = LONGEST[model_type] + (2 if model_type == "xlm-roberta" else 0)  # it starts at position 2
        special = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "sep", "cls")}
        config = kind(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=48,
            max_position_embeddings=positions,
            bos_token_id=None,
            eos_token_id=None,
            **special,
            **more,
        )
        torch.manual_seed(5)
        model = xl_retrieval.XL_RETRIEVAL_MODELS[model_type](config)
        with torch.no_grad():  # far apart scores, as those of trained models
            for weight in model.parameters():
                weight.add_(0.2 * torch.randn(weight.shape))
        folder = folder or tmp_path_factory.mktemp(model_type)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def long_reranker(make_reranker: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A long encoder for 2,048 tokens."""
    return made_once(tmp_path_factory, "long-reranker", lambda folder: make_reranker("bert-long", folder))


@pytest.fixture(scope="session")
def exported(long_reranker: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That encoder exported, with a quantised graph."""

    def export(folder: Path) -> None:
        export_reranker(str(long_reranker), folder, int8=True)

    return made_once(tmp_path_factory, "exported", export)
