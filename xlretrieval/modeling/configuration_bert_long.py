"""Configuration of the long cross-lingual encoder, model type `bert-long`.

This file and the modeling files beside it are copied into saved folders (`trust_remote_code`), so they import nothing
of this package but each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig


@strict
class BertLongConfig(PreTrainedConfig):
    r"""
    A BERT or XLM-R encoder whose self-attention is a window plus global tokens. The defaults are multilingual BERT
    (base, uncased) made long.

    Args:
        vocab_size (`int`, defaults to 105879): Number of tokens in the vocabulary.
        hidden_size (`int`, defaults to 768): Width of the hidden states.
        num_hidden_layers (`int`, defaults to 12): Number of layers.
        num_attention_heads (`int`, defaults to 12): Number of heads; divides `hidden_size`.
        intermediate_size (`int`, defaults to 3072): Width of the feed-forward layers.
        hidden_act (`str`, defaults to `"gelu"`): Activation of the feed-forward layers and of the MLM head.
        hidden_dropout_prob (`float`, defaults to 0.1): Dropout after embeddings, attention and feed-forward outputs.
        attention_probs_dropout_prob (`float`, defaults to 0.1): Dropout of the attention probabilities.
        max_position_embeddings (`int`, defaults to 1024): Rows of the position table. The longest input has
            `max_position_embeddings - position_offset` tokens.
        position_offset (`int`, defaults to 0): Row of the first position: 0 for BERT, `pad_token_id + 1` for XLM-R.
        type_vocab_size (`int`, defaults to 2): Number of token types: 2 for BERT, 1 for XLM-R.
        initializer_range (`float`, defaults to 0.02): Standard deviation of new weights.
        layer_norm_eps (`float`, defaults to 1e-12): Epsilon of the layer norms (1e-5 for XLM-R).
        attention_window (`int` or `list[int]`, defaults to 64): Total width of the window, for all layers or one per
            layer: a token attends to `attention_window // 2` tokens on each side, to itself and to global tokens.
        max_global_tokens (`int`, defaults to 128): Most global tokens a row may have in compiled and exported graphs,
            whose shapes cannot depend on the data; more than that fails loudly there. Outside of them the number of
            global tokens is counted, and any number works.
        classifier_dropout (`float`, *optional*): Dropout before the relevance head; `hidden_dropout_prob` by default.
        pad_token_id (`int`, defaults to 0): Id of the padding token.
        sep_token_id (`int`, defaults to 102): Id of the separator, from which the global tokens of a pair are derived
            when no `global_attention_mask` is given.
        tie_word_embeddings (`bool`, defaults to `True`): Whether the MLM decoder is the word embedding.
        num_labels (`int`, defaults to 1): Outputs of the relevance head: one logit, higher is more relevant.
    """

    model_type = "bert-long"
    # Where the package is installed, it registers its models here: a configuration comes before every model.
    before_first_use: ClassVar[Callable[[], None] | None] = None

    vocab_size: int = 105879
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float | int = 0.1
    attention_probs_dropout_prob: float | int = 0.1
    max_position_embeddings: int = 1024
    position_offset: int = 0
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    attention_window: int | list[int] = 64
    max_global_tokens: int = 128
    classifier_dropout: float | int | None = None
    pad_token_id: int | None = 0
    sep_token_id: int | None = 102
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    tie_word_embeddings: bool = True

    def __post_init__(self, **kwargs):
        prepare, BertLongConfig.before_first_use = BertLongConfig.before_first_use, None
        if prepare is not None:
            prepare()
        if self.id2label is None:
            kwargs.setdefault("num_labels", 1)
        if kwargs.get("num_labels", 1) is None:
            kwargs["num_labels"] = 1
        super().__post_init__(**kwargs)
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size must be a multiple of num_attention_heads, got {self.hidden_size} and "
                f"{self.num_attention_heads}. Change one of them."
            )
        windows = self.attention_window if isinstance(self.attention_window, list) else [self.attention_window]
        if min(windows, default=0) < 1:
            raise ValueError(f"attention_window must be positive, got {self.attention_window}. Take 64, for example.")

    @property
    def layer_windows(self) -> list[int]:
        """Total window width of every layer."""
        if isinstance(self.attention_window, int):
            return [self.attention_window] * self.num_hidden_layers
        if len(self.attention_window) != self.num_hidden_layers:
            raise ValueError(
                f"attention_window must be a number or one number for each of the {self.num_hidden_layers} layers, "
                f"got {len(self.attention_window)} numbers. Give one per layer."
            )
        return list(self.attention_window)

    @property
    def longest_input(self) -> int:
        """Longest input in tokens."""
        return self.max_position_embeddings - self.position_offset


__all__ = ["BertLongConfig"]
