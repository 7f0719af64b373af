"""The two heads of a cross-lingual retrieval encoder and what their forward returns, shared by every encoder.

The MLM head serves query language modeling (QLM), the one-logit relevance head serves relevance ranking (RR).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F
from transformers.loss.loss_utils import ForSequenceClassificationLoss
from transformers.utils import ModelOutput

if TYPE_CHECKING:
    from torch import Tensor

IGNORE_INDEX = -100


@dataclass
class XLRetrievalOutput(ModelOutput):
    """Output of the `*ForXLRetrieval` models.

    Attributes:
        loss: Scalar, when `labels` are given: of the head that the labels are for.
        logits: Relevance, `(batch, num_labels)`; with one label, higher is more relevant.
        mlm_logits: When `labels` are token ids: vocabulary scores `(labelled positions, vocabulary)` in row-major
            order of the positions whose label is not -100. The other positions are never computed.
        hidden_states: One `(batch, length, hidden)` per layer and the embeddings, when asked for.
        attentions: One `(batch, heads, length, length)` per layer, when asked for (eager attention only).
    """

    loss: torch.FloatTensor | None = None
    logits: torch.FloatTensor | None = None
    mlm_logits: torch.FloatTensor | None = None
    hidden_states: tuple[torch.FloatTensor, ...] | None = None
    attentions: tuple[torch.FloatTensor, ...] | None = None


def masked_lm_loss(head: Callable[[Tensor], Tensor], hidden_states: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the labelled positions, computing the vocabulary at those positions only.

    With 105,879 words and 30% of a 30-token query masked, this is some 10 of 512 positions.

    Args:
        head: Hidden states `(n, hidden)` -> vocabulary scores `(n, vocabulary)`.
        hidden_states: `(batch, length, hidden)`.
        labels: Token ids `(batch, length)`, -100 where there is nothing to predict.

    Returns:
        The mean loss over labelled positions (0, with a gradient of 0, when there is none) and the scores there,
        `(labelled positions, vocabulary)`.

    Raises:
        ValueError: The labels have another shape.
    """
    if labels.shape != hidden_states.shape[:2]:
        wanted, given = tuple(hidden_states.shape[:2]), tuple(labels.shape)
        raise ValueError(f"labels must be {wanted}, as many as tokens, got {given}. Pad them like the input.")
    labels = labels.flatten()
    is_labelled = labels != IGNORE_INDEX
    chosen = is_labelled.nonzero()[:, 0]  # once: an accelerator is waited for when it says how many there are
    logits = head(hidden_states.flatten(0, 1).index_select(0, chosen))
    loss = F.cross_entropy(logits.float(), labels.index_select(0, chosen), reduction="sum")
    return loss / is_labelled.sum().clamp(min=1), logits


def relevance_loss(logits: Tensor, labels: Tensor, config) -> Tensor:
    """Pointwise loss of the relevance head.

    One logit: binary cross-entropy against labels in [0, 1]. More, or a `config.problem_type`: the loss that
    transformers uses for sequence classification.

    Args:
        logits: `(batch, num_labels)`.
        labels: `(batch,)`, or `(batch, num_labels)` for multi-label classification.
        config: The model's configuration.
    """
    if config.num_labels == 1 and config.problem_type is None:
        return F.binary_cross_entropy_with_logits(logits.float().view(-1), labels.float().view(-1))
    return ForSequenceClassificationLoss(labels, logits.float(), config)


class XLRetrievalHeads:
    """Forward of an encoder with both heads. A model class adds it to its encoder and names its parts:

    - `masked_lm_head(hidden)`: `(n, hidden)` -> `(n, vocabulary)`;
    - `relevance_head(sequence, pooled, attention_mask)`: -> `(batch, num_labels)`.

    Which head the `labels` are for follows from their shape: integers of the input's shape `(batch, length)` are
    tokens to predict (QLM), one value per row is relevance (RR).
    """

    # The Trainer would otherwise see `**kwargs` and assume that the loss was divided by `num_items_in_batch` in here.
    accepts_loss_kwargs = False

    def run_heads(self, outputs, attention_mask: Tensor | None, labels: Tensor | None) -> XLRetrievalOutput:
        """Both heads on an encoder's outputs.

        Args:
            outputs: What the encoder returned: `last_hidden_state`, perhaps `pooler_output`, and the recorded states.
            attention_mask: `(batch, length)`, as given to the encoder.
            labels: As described for the class.
        """
        sequence = outputs.last_hidden_state
        logits = self.relevance_head(sequence, getattr(outputs, "pooler_output", None), attention_mask)
        loss = mlm_logits = None
        if labels is not None:
            if labels.shape == sequence.shape[:2] and not labels.is_floating_point():
                loss, mlm_logits = masked_lm_loss(self.masked_lm_head, sequence, labels)
            else:
                loss = relevance_loss(logits, labels, self.config)
        return XLRetrievalOutput(
            loss=loss,
            logits=logits,
            mlm_logits=mlm_logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
