"""The long encoder's last layer for the first token alone, which is all that the relevance head reads.

The first token is global: it attends to all tokens by projections of its own. So of the last layer at most those keys
and values are computed for every token, and everything else for one. Exact, and saves 8% of the time of 12 layers.
"""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from xlretrieval.modeling.attention import AttentionPattern
from xlretrieval.modeling.fused_attention import FusedRows, attend_firsts
from xlretrieval.modeling.modeling_bert_long import BertLongEncoder, BertLongForXLRetrieval, BertLongLayer
from xlretrieval.modeling.rows import Rows
from xlretrieval.modeling.tiled_attention import attend_folded, can_fold


class _FirstTokenLayer(nn.Module):
    """A layer of the same parameters; `(batch, length, hidden)` -> `(batch, 1, hidden)`."""

    def __init__(self, layer: BertLongLayer):
        super().__init__()
        self.attention, self.intermediate, self.output = layer.attention, layer.intermediate, layer.output

    def forward(self, hidden_states: torch.Tensor, pattern: AttentionPattern | Rows | FusedRows) -> torch.Tensor:
        attention = self.attention.self
        if isinstance(pattern, FusedRows):
            first, attended = (states[:, None] for states in attend_firsts(attention, hidden_states, pattern))
        elif isinstance(pattern, Rows):
            states = hidden_states.flatten(0, 1)
            first = states[pattern.starts][:, None]
            attended = self._attend_rows(states, first, pattern)
        else:
            first = hidden_states[:, :1].contiguous()
            query, key, value = (
                attention.split_heads(projected)
                for projected in (
                    attention.query_global(first),
                    attention.key_global(hidden_states),
                    attention.value_global(hidden_states),
                )
            )
            attended = self._attend(query, key, value, pattern.key_mask).transpose(1, 2).flatten(2)
        attended = self.attention.output(attended, first)
        return self.output(self.intermediate(attended), attended)

    def _attend_rows(self, states: torch.Tensor, first: torch.Tensor, rows: Rows) -> torch.Tensor:
        """`(tokens, hidden)` and the first of each row, `(rows, 1, hidden)` -> `(rows, 1, hidden)`."""
        attention = self.attention.self
        runs = [(start, length, 1) for start, length in zip(rows.starts, rows.lengths, strict=True)]
        if can_fold(attention, states):  # for one token of a row it always pays
            return attend_folded(attention, states, torch.tensor(rows.starts), runs)[:, None]
        query = attention.split_heads(attention.query_global(first))
        sides = attention.key_global(states), attention.value_global(states)
        attended = [
            self._attend(
                query[row, None], *(attention.split_heads(side[None, start : start + length]) for side in sides)
            )
            for row, (start, length, _) in enumerate(runs)
        ]
        return torch.cat(attended).transpose(1, 2).flatten(2)

    def _attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        scale = self.attention.self.scaling
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale)


class _FirstTokenEncoder(BertLongEncoder):
    """Layers whose last one gives a token a row: there is no padding to put back."""

    def with_padding(self, hidden_states: torch.Tensor, pattern: AttentionPattern | Rows | FusedRows) -> torch.Tensor:
        return hidden_states


def first_token_scorer(model: PreTrainedModel) -> PreTrainedModel:
    """A model of the same parameters that scores pairs as `model` does, and computes nothing else.

    Made when it is needed, which costs microseconds: what others do to the model until then holds for it too.

    Args:
        model: Returned as it is where it is no long encoder, its last layer is wrapped, as by FSDP, its attention is
            that of an accelerator, or it records what its layers give.
    """
    config = model.config
    if type(model) is not BertLongForXLRetrieval or config._attn_implementation == "flex_attention":
        return model
    if config.output_hidden_states or config.output_attentions:  # transformers hooks into the layers for these
        return model
    layers = model.bert.encoder.layer
    last = layers[-1]
    if type(last) is not BertLongLayer or last._forward_hooks or last._forward_pre_hooks or "forward" in vars(last):
        return model
    scorer, bert, encoder = (_with_own_modules(module) for module in (model, model.bert, model.bert.encoder))
    encoder.__class__ = _FirstTokenEncoder
    encoder.layer = nn.ModuleList([*layers[:-1], _FirstTokenLayer(last)])
    bert.encoder, scorer.bert = encoder, bert
    return scorer


def _with_own_modules(module: nn.Module) -> nn.Module:
    """A copy whose modules can be replaced; their parameters are those of the original."""
    copied = copy.copy(module)
    copied._modules = dict(module._modules)
    return copied
