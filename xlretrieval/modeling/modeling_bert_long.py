"""BERT and XLM-R with window + global attention, and the heads for retrieval, masked words and answers.

Module names are those of BERT checkpoints, so that one loads with nothing but the global projections missing. XLM-R is
the same encoder with a position offset, another padding id and one token type (see `conversion.py`).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import (
    BaseModelOutput,
    BaseModelOutputWithPooling,
    MaskedLMOutput,
    QuestionAnsweringModelOutput,
)
from transformers.modeling_utils import PreTrainedModel
from transformers.models.bert.modeling_bert import (
    BertIntermediate,
    BertLMPredictionHead,
    BertOnlyMLMHead,
    BertOutput,
    BertPooler,
    BertSelfOutput,
)
from transformers.utils.generic import can_return_tuple, merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from .attention import ATTENTION_FUNCTIONS, AttentionPattern, build_pattern, derive_global_mask
from .configuration_bert_long import BertLongConfig
from .fused_attention import FusedRows, attend_fused, find_fused_rows, has_fused
from .fused_layer import can_fuse, run_fused
from .fused_linear import is_watched, score_words
from .heads import XLRetrievalHeads, XLRetrievalOutput, masked_lm_loss
from .packed_attention import PackedRows, attend_packed, pack_rows
from .rows import Rows, find_rows
from .tiled_attention import attend_rows

# How a batch is attended to: with its padding by a pattern, or without by its rows.
Pattern = AttentionPattern | Rows | PackedRows | FusedRows

# Which class of this file serves which Auto class: for registration, and for folders used without this package.
AUTO_CLASSES = {
    "AutoModel": "BertLongModel",
    "AutoModelForPreTraining": "BertLongForXLRetrieval",
    "AutoModelForSequenceClassification": "BertLongForXLRetrieval",
    "AutoModelForMaskedLM": "BertLongForMaskedLM",
    "AutoModelForQuestionAnswering": "BertLongForQuestionAnswering",
}


class BertLongEmbeddings(nn.Module):
    """Word, position and token type embeddings, `(batch, length)` -> `(batch, length, hidden)`.

    Positions are computed, not kept in a buffer: a buffer that is not in the checkpoint comes back from
    `from_pretrained` as uninitialised memory.
    """

    def __init__(self, config: BertLongConfig):
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.position_offset = config.position_offset

    def forward(
        self,
        input_ids: torch.Tensor | None,
        token_type_ids: torch.Tensor | None,
        position_ids: torch.Tensor | None,
        inputs_embeds: torch.Tensor | None,
    ) -> torch.Tensor:
        if inputs_embeds is None:
            inputs_embeds = self.word_embeddings(input_ids)
        batch, length, _ = inputs_embeds.shape
        if position_ids is None:
            position_ids = torch.arange(length, device=inputs_embeds.device)[None] + self.position_offset
        if token_type_ids is None:
            token_type_ids = torch.zeros((batch, length), dtype=torch.long, device=inputs_embeds.device)
        embeddings = inputs_embeds + self.token_type_embeddings(token_type_ids)
        embeddings = embeddings + self.position_embeddings(position_ids)
        return self.dropout(self.LayerNorm(embeddings))


class BertLongSelfAttention(nn.Module):
    """Window + global self-attention; `attention.py` defines and computes it."""

    def __init__(self, config: BertLongConfig, layer_idx: int):
        super().__init__()
        self.config = config
        self.num_attention_heads = config.num_attention_heads
        self.attention_head_size = config.hidden_size // config.num_attention_heads
        self.scaling = self.attention_head_size**-0.5
        self.half_window = config.layer_windows[layer_idx] // 2
        self.dropout_prob = config.attention_probs_dropout_prob
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.query_global = nn.Linear(config.hidden_size, config.hidden_size)
        self.key_global = nn.Linear(config.hidden_size, config.hidden_size)
        self.value_global = nn.Linear(config.hidden_size, config.hidden_size)

    def split_heads(self, states: torch.Tensor) -> torch.Tensor:
        """`(batch, length, hidden)` -> `(batch, heads, length, head_dim)`."""
        return states.unflatten(-1, (self.num_attention_heads, self.attention_head_size)).transpose(1, 2)

    def forward(self, hidden_states: torch.Tensor, pattern: Pattern) -> tuple[torch.Tensor, torch.Tensor | None]:
        if isinstance(pattern, FusedRows):
            return attend_fused(self, hidden_states, pattern), None
        projected = [projection(hidden_states) for projection in (self.query, self.key, self.value)]
        if isinstance(pattern, Rows):
            return attend_rows(self, hidden_states, *projected, pattern), None
        if isinstance(pattern, PackedRows):
            return attend_packed(self, hidden_states, *projected, pattern), None
        query, key, value = (self.split_heads(states) for states in projected)
        attend = ATTENTION_FUNCTIONS[self.config._attn_implementation]
        output, probabilities = attend(self, hidden_states, query, key, value, pattern)
        return output.transpose(1, 2).flatten(2), probabilities


class BertLongAttention(nn.Module):
    """Attention and what follows it, under the names of BERT; `BertLongLayer` calls them."""

    def __init__(self, config: BertLongConfig, layer_idx: int):
        super().__init__()
        self.self = BertLongSelfAttention(config, layer_idx)
        self.output = BertSelfOutput(config)


class BertLongLayer(GradientCheckpointingLayer):
    def __init__(self, config: BertLongConfig, layer_idx: int):
        super().__init__()
        self.attention = BertLongAttention(config, layer_idx)
        self.intermediate = BertIntermediate(config)
        self.output = BertOutput(config)

    def forward(self, hidden_states: torch.Tensor, pattern: Pattern) -> torch.Tensor:
        if isinstance(pattern, FusedRows) and self._is_own() and can_fuse(self):
            return run_fused(self, hidden_states, pattern)
        attended, _ = self.attention.self(hidden_states, pattern)
        return self.after_attention(attended, hidden_states, isinstance(pattern, FusedRows))

    def _is_own(self) -> bool:
        """Whether no subclass computes a part of it; sharding makes the layer itself one."""
        own = type(self.attention) is BertLongAttention and type(self.attention.self) is BertLongSelfAttention
        return own and type(self).after_attention is BertLongLayer.after_attention

    def after_attention(self, attended: torch.Tensor, hidden_states: torch.Tensor, keep: bool) -> torch.Tensor:
        """The rest of the layer, which looks at every token by itself.

        Args:
            attended: `(batch, length, hidden)`.
            hidden_states: The layer's input, in the same shape.
            keep: Whether states keep the dtype of `attended`. Mixed precision makes norms give 32 bits, which are
                twice as much to write and to read, and products round them to 16 anyway.
        """
        dtype = attended.dtype
        attended = self.attention.output(attended, hidden_states)
        attended = attended.to(dtype) if keep else attended
        output = self.output(self.intermediate(attended), attended)
        return output.to(dtype) if keep else output


class BertLongEncoder(nn.Module):
    def __init__(self, config: BertLongConfig):
        super().__init__()
        self.layer = nn.ModuleList(BertLongLayer(config, index) for index in range(config.num_hidden_layers))

    def forward(self, hidden_states: torch.Tensor, pattern: Pattern) -> BaseModelOutput:
        for layer in self.layer:
            hidden_states = layer(hidden_states, pattern)
        return BaseModelOutput(last_hidden_state=self.with_padding(hidden_states, pattern))

    def with_padding(self, hidden_states: torch.Tensor, pattern: Pattern) -> torch.Tensor:
        """The last layer's states, `(batch, length, hidden)`."""
        return hidden_states if isinstance(pattern, AttentionPattern) else pattern.unpack(hidden_states)


class BertLongPreTrainedModel(PreTrainedModel):
    """Weights, saving and loading of the long encoder."""

    config_class = BertLongConfig
    config: BertLongConfig
    base_model_prefix = "bert"
    supports_gradient_checkpointing = True
    accepts_loss_kwargs = False
    _supports_sdpa = True
    _supports_flex_attn = True
    _no_split_modules = ["BertLongEmbeddings", "BertLongLayer"]
    _can_record_outputs = {"hidden_states": BertLongLayer, "attentions": BertLongSelfAttention}
    # Older checkpoints carry this buffer, sometimes of a stale length; positions are computed here.
    _keys_to_ignore_on_load_unexpected = [r"embeddings\.position_ids"]

    @classmethod
    def _can_set_attn_implementation(cls) -> bool:
        return True  # transformers guesses from the source text; our dispatch is in ATTENTION_FUNCTIONS

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, BertLMPredictionHead):
            init.zeros_(module.bias)

    def save_pretrained(self, save_directory, *args, **kwargs):
        """As in transformers; the saved configuration names every class of this file, not only the saved one."""
        if self._auto_class is not None:
            module = BertLongPreTrainedModel.__module__.rpartition(".")[2]
            self.config.auto_map = {auto: f"{module}.{name}" for auto, name in AUTO_CLASSES.items()}
        return super().save_pretrained(save_directory, *args, **kwargs)


class BertLongModel(BertLongPreTrainedModel):
    """The long encoder: hidden states and the pooled first token.

    Args:
        config: The configuration.
        add_pooling_layer: Whether to add the tanh pooler over the first token.
    """

    def __init__(self, config: BertLongConfig, add_pooling_layer: bool = True):
        super().__init__(config)
        self.gradient_checkpointing = False
        self.embeddings = BertLongEmbeddings(config)
        self.encoder = BertLongEncoder(config)
        self.pooler = BertPooler(config) if add_pooling_layer else None
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embeddings.word_embeddings

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        self.embeddings.word_embeddings = value

    @merge_with_config_defaults
    @capture_outputs
    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        global_attention_mask: torch.Tensor | None = None,
        **kwargs,
    ) -> BaseModelOutputWithPooling:
        """Encodes a batch.

        Args:
            input_ids: `(batch, length)`.
            attention_mask: 1 for tokens, 0 for padding, `(batch, length)`; all ones by default. This one and
                `global_attention_mask` may be on the processor while the model is not: then nothing waits for it.
            token_type_ids: 0 for the first text, 1 for the second, `(batch, length)`; zeros by default.
            position_ids: Rows of the position table, `(batch, length)`; counted from `position_offset` by default.
            inputs_embeds: Instead of `input_ids`, `(batch, length, hidden)`.
            global_attention_mask: 1 for global tokens, `(batch, length)`. By default, of a pair everything up to and
                including the first separator, of a single text the first token.
            **kwargs: `output_hidden_states`, `output_attentions`, `return_dict`.

        Raises:
            ValueError: When the input is longer than the position table, or given twice or not at all.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("Exactly one of input_ids and inputs_embeds must be given. Pass one of them.")
        given = input_ids if inputs_embeds is None else inputs_embeds
        batch, length = given.shape[:2]
        if not torch.compiler.is_compiling() and length > self.config.longest_input:
            raise ValueError(
                f"An input must have at most {self.config.longest_input} tokens, got {length}. Truncate it, or "
                "convert the checkpoint with a larger --max-length."
            )
        if attention_mask is None:
            valid = torch.ones((batch, length), dtype=torch.bool, device=given.device)
        else:
            valid = attention_mask.bool()
        if global_attention_mask is None:
            valid = valid.to(given.device)
            is_global = derive_global_mask(input_ids, valid, self.config.sep_token_id)
        else:
            is_global = global_attention_mask.bool()
        # Recorded states must have the shape of the input.
        recorded = any(
            kwargs.get(name, getattr(self.config, name, False))
            for name in ("output_hidden_states", "output_attentions")
        )
        rows = self._find_rows(valid, is_global, recorded, given.device)
        if rows is None:
            pattern = build_pattern(
                valid.to(given.device),
                is_global.to(given.device),
                self.config.layer_windows,
                self.config._attn_implementation,
                self.config.max_global_tokens,
            )
            hidden_states = self.embeddings(input_ids, token_type_ids, position_ids, inputs_embeds)
            hidden_states = self.encoder(hidden_states, pattern).last_hidden_state
        else:
            hidden_states = self._encode_rows(rows, input_ids, token_type_ids, position_ids, inputs_embeds)
        return BaseModelOutputWithPooling(
            last_hidden_state=hidden_states,
            pooler_output=self.pooler(hidden_states) if self.pooler is not None else None,
        )

    def _find_rows(
        self, valid: torch.Tensor, is_global: torch.Tensor, recorded: bool, device: torch.device
    ) -> Rows | PackedRows | FusedRows | None:
        """The rows of a batch where they are computed without its padding; a graph does not depend on values."""
        implementation, config = self.config._attn_implementation, self.config
        if torch.compiler.is_compiling():
            return None
        if implementation == "sdpa" and device.type == "cpu":
            return find_rows(valid, is_global, config.hidden_size, may_pack=not recorded)
        if recorded or not valid.numel():
            return None
        if implementation == "sdpa" and has_fused(device, config.hidden_size // config.num_attention_heads):
            autocast = torch.is_autocast_enabled(device.type)
            dtype = torch.get_autocast_dtype(device.type) if autocast else self.dtype
            valid = valid.to(is_global.device)
            return find_fused_rows(valid, is_global & valid, device, dtype) if dtype.itemsize == 2 else None
        if implementation == "flex_attention":
            valid, is_global = valid.to(device), is_global.to(device)
            return pack_rows(valid, is_global & valid, config.layer_windows)
        return None

    def _encode_rows(
        self, rows: Rows | PackedRows | FusedRows, input_ids, token_type_ids, position_ids, inputs_embeds
    ) -> torch.Tensor:
        """Hidden states `(batch, length, hidden)` of inputs as `forward` takes them, computed without padding."""
        if position_ids is None:
            device = (input_ids if inputs_embeds is None else inputs_embeds).device
            position_ids = torch.arange(rows.shape[1], device=device)[None] + self.config.position_offset
        given = (
            None if values is None else rows.pack(values.expand(*rows.shape, *values.shape[2:]))
            for values in (input_ids, token_type_ids, position_ids, inputs_embeds)
        )
        hidden_states = self.embeddings(*given)
        if isinstance(rows, FusedRows):
            hidden_states = hidden_states.to(rows.dtype)
        return self.encoder(hidden_states, rows).last_hidden_state


class BertLongForXLRetrieval(XLRetrievalHeads, BertLongPreTrainedModel):
    """The long encoder with the MLM head (QLM) and the relevance head (RR). See `XLRetrievalHeads` for the labels."""

    _tied_weights_keys = {
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    }

    def __init__(self, config: BertLongConfig):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.bert = BertLongModel(config)
        self.cls = BertOnlyMLMHead(config)
        dropout = config.hidden_dropout_prob if config.classifier_dropout is None else config.classifier_dropout
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def get_output_embeddings(self) -> nn.Linear:
        return self.cls.predictions.decoder

    def set_output_embeddings(self, new_embeddings: nn.Linear) -> None:
        self.cls.predictions.decoder = new_embeddings
        self.cls.predictions.bias = new_embeddings.bias

    def masked_lm_head(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Vocabulary scores, `(..., hidden)` -> `(..., vocabulary)`."""
        if type(self.cls) is not BertOnlyMLMHead or is_watched(self.cls):
            return self.cls(hidden_states)
        head = self.cls.predictions
        if type(head) is not BertLMPredictionHead or is_watched(head):
            return self.cls(hidden_states)
        return score_words(head.decoder, head.transform(hidden_states))

    def relevance_head(
        self, sequence: torch.Tensor, pooled: torch.Tensor | None, attention_mask: torch.Tensor | None
    ) -> torch.Tensor:
        """Relevance from the pooled first token, `(batch, num_labels)`."""
        return self.classifier(self.dropout(pooled))

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
        """Scores pairs, and with `labels` returns a loss: token ids `(batch, length)` for QLM, `(batch,)` for RR."""
        outputs = self.bert(
            input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            global_attention_mask=global_attention_mask,
            return_dict=True,
            **kwargs,
        )
        return self.run_heads(outputs, attention_mask, labels)


class BertLongForMaskedLM(BertLongPreTrainedModel):
    """The long encoder with the MLM head. With `labels`, only the labelled positions are computed."""

    _tied_weights_keys = BertLongForXLRetrieval._tied_weights_keys

    def __init__(self, config: BertLongConfig):
        super().__init__(config)
        self.bert = BertLongModel(config, add_pooling_layer=False)
        self.cls = BertOnlyMLMHead(config)
        self.post_init()

    get_output_embeddings = BertLongForXLRetrieval.get_output_embeddings
    set_output_embeddings = BertLongForXLRetrieval.set_output_embeddings
    masked_lm_head = BertLongForXLRetrieval.masked_lm_head

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
    ) -> MaskedLMOutput:
        """Predicts words.

        Without `labels` (`(batch, length)`, -100 for nothing to predict) `logits` is `(batch, length, vocabulary)`;
        with them it is `(labelled positions, vocabulary)`, in row-major order.
        """
        outputs = self.bert(
            input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            global_attention_mask=global_attention_mask,
            return_dict=True,
            **kwargs,
        )
        if labels is None:
            loss, logits = None, self.masked_lm_head(outputs.last_hidden_state)
        else:
            loss, logits = masked_lm_loss(self.masked_lm_head, outputs.last_hidden_state, labels)
        return MaskedLMOutput(
            loss=loss, logits=logits, hidden_states=outputs.hidden_states, attentions=outputs.attentions
        )


class BertLongForQuestionAnswering(BertLongPreTrainedModel):
    """The long encoder with scores for the first and the last token of the answer."""

    def __init__(self, config: BertLongConfig):
        super().__init__(config)
        self.bert = BertLongModel(config, add_pooling_layer=False)
        self.qa_outputs = nn.Linear(config.hidden_size, 2)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        global_attention_mask: torch.Tensor | None = None,
        start_positions: torch.Tensor | None = None,
        end_positions: torch.Tensor | None = None,
        **kwargs,
    ) -> QuestionAnsweringModelOutput:
        """Scores answer spans: `start_logits` and `end_logits`, `(batch, length)` each.

        `start_positions` and `end_positions`, `(batch,)`, give the mean of both cross-entropies as `loss`; a position
        outside the input is ignored.
        """
        outputs = self.bert(
            input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            global_attention_mask=global_attention_mask,
            return_dict=True,
            **kwargs,
        )
        start_logits, end_logits = self.qa_outputs(outputs.last_hidden_state).unbind(-1)
        loss = None
        if start_positions is not None and end_positions is not None:
            length = start_logits.shape[1]
            losses = [
                F.cross_entropy(logits.float(), positions.view(-1).clamp(0, length), ignore_index=length)
                for logits, positions in ((start_logits, start_positions), (end_logits, end_positions))
            ]
            loss = (losses[0] + losses[1]) / 2
        return QuestionAnsweringModelOutput(
            loss=loss,
            start_logits=start_logits,
            end_logits=end_logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )


__all__ = [
    "BertLongForMaskedLM",
    "BertLongForQuestionAnswering",
    "BertLongForXLRetrieval",
    "BertLongModel",
    "BertLongPreTrainedModel",
]
