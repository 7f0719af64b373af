"""Native encoders (dense attention) with the MLM head and the relevance head of this project.

The relevance head carries the name and shape that transformers gives it for sequence classification, so a saved folder
also loads with `AutoModelForSequenceClassification` and sentence-transformers' `CrossEncoder`, where this package is
not installed, and gives the same scores.
"""

from __future__ import annotations

import pickle

import torch
from torch import nn
from transformers import (
    AutoConfig,
    BertModel,
    BertPreTrainedModel,
    ModernBertModel,
    ModernBertPreTrainedModel,
    PreTrainedConfig,
    XLMRobertaModel,
    XLMRobertaPreTrainedModel,
)
from transformers.modeling_utils import PreTrainedModel
from transformers.models.bert.modeling_bert import BertOnlyMLMHead
from transformers.models.modernbert.modeling_modernbert import ModernBertPredictionHead
from transformers.models.xlm_roberta.modeling_xlm_roberta import XLMRobertaClassificationHead, XLMRobertaLMHead
from transformers.utils.generic import can_return_tuple

from .heads import XLRetrievalHeads, XLRetrievalOutput
from .modeling_bert_long import BertLongForXLRetrieval


class NativeXLRetrieval(XLRetrievalHeads):
    """Forward of a native encoder, with the signature of `BertLongForXLRetrieval`, so that batches are the same."""

    takes_token_type_ids = True

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        global_attention_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **kwargs,
    ) -> XLRetrievalOutput:
        """Scores pairs, and with `labels` returns a loss: token ids `(batch, length)` for QLM, `(batch,)` for RR.

        `global_attention_mask` changes nothing: in dense attention every token sees every other.
        """
        if self.takes_token_type_ids:
            kwargs["token_type_ids"] = token_type_ids
        outputs = self.base_model(
            input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            return_dict=True,
            **kwargs,
        )
        return self.run_heads(outputs, attention_mask, labels)


class BertForXLRetrieval(NativeXLRetrieval, BertPreTrainedModel):
    """BERT with both heads; loads any BERT pretraining checkpoint with only the relevance head new."""

    _tied_weights_keys = BertLongForXLRetrieval._tied_weights_keys

    def __init__(self, config):
        config.num_labels = 1
        super().__init__(config)
        self.num_labels = 1
        self.bert = BertModel(config)
        self.cls = BertOnlyMLMHead(config)
        dropout = config.hidden_dropout_prob if config.classifier_dropout is None else config.classifier_dropout
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(config.hidden_size, 1)
        self.post_init()

    get_output_embeddings = BertLongForXLRetrieval.get_output_embeddings
    set_output_embeddings = BertLongForXLRetrieval.set_output_embeddings
    masked_lm_head = BertLongForXLRetrieval.masked_lm_head
    relevance_head = BertLongForXLRetrieval.relevance_head


class XLMRobertaForXLRetrieval(NativeXLRetrieval, XLMRobertaPreTrainedModel):
    """XLM-R with both heads; loads XLM-R checkpoints and rerankers made of them (one label)."""

    _tied_weights_keys = {
        "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
        "lm_head.decoder.bias": "lm_head.bias",
    }

    def __init__(self, config):
        config.num_labels = 1
        super().__init__(config)
        self.num_labels = 1
        self.roberta = XLMRobertaModel(config, add_pooling_layer=False)
        self.lm_head = XLMRobertaLMHead(config)
        self.classifier = XLMRobertaClassificationHead(config)
        self.post_init()

    def get_output_embeddings(self) -> nn.Linear:
        return self.lm_head.decoder

    def set_output_embeddings(self, new_embeddings: nn.Linear) -> None:
        self.lm_head.decoder = new_embeddings
        self.lm_head.bias = new_embeddings.bias

    def masked_lm_head(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Vocabulary scores, `(n, hidden)` -> `(n, vocabulary)`."""
        return self.lm_head(hidden_states)

    def relevance_head(
        self, sequence: torch.Tensor, pooled: torch.Tensor | None, attention_mask: torch.Tensor | None
    ) -> torch.Tensor:
        """Relevance from the first token, `(batch, 1)`."""
        return self.classifier(sequence)


class ModernBertForXLRetrieval(NativeXLRetrieval, ModernBertPreTrainedModel):
    """ModernBERT (and mmBERT) with both heads. They share the prediction head's transform, as in transformers."""

    takes_token_type_ids = False
    _tied_weights_keys = {"decoder.weight": "model.embeddings.tok_embeddings.weight"}

    def __init__(self, config):
        config.num_labels = 1
        super().__init__(config)
        self.num_labels = 1
        self.model = ModernBertModel(config)
        self.head = ModernBertPredictionHead(config)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size, bias=config.decoder_bias)
        self.drop = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(config.hidden_size, 1)
        self.post_init()

    def get_output_embeddings(self) -> nn.Linear:
        return self.decoder

    def set_output_embeddings(self, new_embeddings: nn.Linear) -> None:
        self.decoder = new_embeddings

    def masked_lm_head(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Vocabulary scores, `(n, hidden)` -> `(n, vocabulary)`."""
        return self.decoder(self.head(hidden_states))

    def relevance_head(
        self, sequence: torch.Tensor, pooled: torch.Tensor | None, attention_mask: torch.Tensor | None
    ) -> torch.Tensor:
        """Relevance from the first token or the mean of all, as `config.classifier_pooling` says, `(batch, 1)`."""
        if self.config.classifier_pooling == "cls":
            pooled = sequence[:, 0]
        else:
            mask = sequence.new_ones(sequence.shape[:2]) if attention_mask is None else attention_mask
            pooled = (sequence * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
        return self.classifier(self.drop(self.head(pooled)))


XL_RETRIEVAL_MODELS: dict[str, type[PreTrainedModel]] = {
    "bert-long": BertLongForXLRetrieval,
    "bert": BertForXLRetrieval,
    "xlm-roberta": XLMRobertaForXLRetrieval,
    "modernbert": ModernBertForXLRetrieval,
}


# The arguments of `from_pretrained` that say where files are: they hold for configuration and tokenizer too.
HUB_ARGUMENTS = ("cache_dir", "local_files_only", "revision", "subfolder", "token")


def one_line(error: Exception) -> str:
    """What went wrong, on one line, and without torch's advice to load a pickle unsafely."""
    if isinstance(error, pickle.UnpicklingError):
        return "pickled objects other than tensors"
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def load_config(name_or_path: str, **kwargs) -> PreTrainedConfig:
    """Loads a checkpoint's configuration.

    Args:
        name_or_path: Hub id or folder.
        **kwargs: Any of `HUB_ARGUMENTS`.

    Raises:
        ValueError: When there is none, or it cannot be read.
    """
    try:
        return AutoConfig.from_pretrained(name_or_path, **kwargs)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"The model must be a Hub id or a folder with config.json, got {name_or_path} ({one_line(error)}). "
            "Check its name."
        ) from error


def load_xl_retrieval(name_or_path: str, **kwargs) -> PreTrainedModel:
    """Loads any supported checkpoint with both heads, new where the checkpoint has none.

    Args:
        name_or_path: Hub id or folder.
        **kwargs: For `from_pretrained`.

    Raises:
        ValueError: When there is no such checkpoint, or its model type has no model with both heads.
    """
    config = load_config(name_or_path, **{name: kwargs[name] for name in HUB_ARGUMENTS if name in kwargs})
    if config.model_type not in XL_RETRIEVAL_MODELS:
        raise ValueError(
            f"The model type must be one of {', '.join(XL_RETRIEVAL_MODELS)}, got {config.model_type!r} in "
            f"{name_or_path}. Take an encoder of one of these types."
        )
    return XL_RETRIEVAL_MODELS[config.model_type].from_pretrained(name_or_path, **kwargs)


__all__ = [
    "XL_RETRIEVAL_MODELS",
    "BertForXLRetrieval",
    "ModernBertForXLRetrieval",
    "XLMRobertaForXLRetrieval",
    "load_config",
    "load_xl_retrieval",
]
