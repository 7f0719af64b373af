"""BERT and XLM-R checkpoints made long, and checkpoints released in 2021 read into today's classes.

Making long changes no weight: the window projections are the checkpoint's, the global ones start as their copies, the
learned positions are repeated until the new length is full. A long encoder whose tokens are all global computes what
the short one did.
"""

from __future__ import annotations

import json
import pickle
import re
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import AutoTokenizer, BertConfig, PreTrainedModel, PreTrainedTokenizerBase

from .configuration_bert_long import BertLongConfig
from .modeling_bert_long import BertLongForXLRetrieval
from .xl_retrieval import HUB_ARGUMENTS, XL_RETRIEVAL_MODELS, BertForXLRetrieval, load_config, one_line

CONVERTIBLE = ("bert", "xlm-roberta", "bert-long")

# XLM-R's names -> ours. Its classification head is a pooler and a linear layer in one module.
XLM_ROBERTA_NAMES = {
    r"^roberta\.": "bert.",
    r"^lm_head\.dense\.": "cls.predictions.transform.dense.",
    r"^lm_head\.layer_norm\.": "cls.predictions.transform.LayerNorm.",
    r"^lm_head\.": "cls.predictions.",
    r"^classifier\.dense\.": "bert.pooler.dense.",
    r"^classifier\.out_proj\.": "classifier.",
}
RELEASED_NAMES = {r"^mlm_cls\.": "cls.", r"^seqcls_classifier\.": "classifier."}


@dataclass
class Conversion:
    """A converted checkpoint.

    Attributes:
        model: The model, in evaluation mode.
        tokenizer: Its tokenizer, with the new maximum length.
        new_parameters: Names of the parameters that the checkpoint did not have and that start at random.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    new_parameters: list[str] = field(default_factory=list)

    def save(self, folder: str | Path) -> None:
        """Writes weights, configuration, code and tokenizer into `folder`."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


def convert_to_long(
    model: str, max_length: int = 1024, attention_window: int | list[int] = 64, **kwargs
) -> Conversion:
    """Turns a BERT or XLM-R checkpoint into a long one with both heads.

    Args:
        model: Hub id or folder of a checkpoint of type `bert`, `xlm-roberta` or `bert-long`.
        max_length: Longest input of the result in tokens, at least the checkpoint's own.
        attention_window: Total width of the window, for all layers or one per layer.
        **kwargs: For `from_pretrained`, such as `revision` or `dtype`.

    Raises:
        ValueError: When the checkpoint is of another architecture, longer than `max_length`, damaged or not there.
    """
    hub = {name: kwargs[name] for name in HUB_ARGUMENTS if name in kwargs}
    config = load_config(model, **hub)
    if config.model_type not in CONVERTIBLE:
        raise ValueError(
            f"The model type must be one of {', '.join(CONVERTIBLE)}, got {config.model_type!r} in {model}. "
            "Only these share the layers that are made long."
        )
    tokenizer = load_tokenizer(model, **hub)
    try:
        source, info = XL_RETRIEVAL_MODELS[config.model_type].from_pretrained(
            model, output_loading_info=True, **kwargs
        )
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, SafetensorError) as error:
        found = "tensors of other shapes" if "ignore_mismatched_sizes" in str(error) else one_line(error)
        raise ValueError(
            f"{model} must hold whole weights of the shapes in its config.json, and one relevance label if any, got "
            f"{found}. Download it again, or take another checkpoint."
        ) from error
    if source.num_labels != 1:
        raise ValueError(
            f"{model} must have one relevance label if any, got {source.num_labels}. Take another checkpoint."
        )
    is_xlm_roberta = config.model_type == "xlm-roberta"
    offset = config.pad_token_id + 1 if is_xlm_roberta else getattr(config, "position_offset", 0)
    long_config = long_configuration(source.config, tokenizer, offset, max_length, attention_window)
    weights = rename(source.state_dict(), XLM_ROBERTA_NAMES if is_xlm_roberta else {})
    weights["bert.embeddings.position_embeddings.weight"] = tile_positions(
        weights["bert.embeddings.position_embeddings.weight"], offset, max_length
    )
    for name in [name for name in weights if re.search(r"attention\.self\.(query|key|value)\.", name)]:
        weights.setdefault(re.sub(r"\.(query|key|value)\.", r".\1_global.", name), weights[name].clone())
    result = BertLongForXLRetrieval(long_config).to(source.dtype)
    missing = result.load_state_dict(weights, strict=False).missing_keys
    new = rename(dict.fromkeys(info["missing_keys"]), XLM_ROBERTA_NAMES)
    tokenizer.model_max_length = max_length
    return Conversion(result.eval(), tokenizer, sorted({*new, *missing}))


def long_configuration(
    config, tokenizer: PreTrainedTokenizerBase, offset: int, max_length: int, attention_window: int | list[int]
) -> BertLongConfig:
    """The configuration of the long encoder that keeps everything else of `config`.

    Raises:
        ValueError: When `max_length` is below the checkpoint's own length.
    """
    current = config.max_position_embeddings - offset
    if max_length < current:
        raise ValueError(
            f"max_length must be at least the checkpoint's own length {current}, got {max_length}. "
            "Truncate inputs instead of the encoder."
        )
    kept = (
        "vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act "
        "hidden_dropout_prob attention_probs_dropout_prob type_vocab_size initializer_range layer_norm_eps "
        "pad_token_id bos_token_id eos_token_id classifier_dropout tie_word_embeddings max_global_tokens"
    ).split()
    return BertLongConfig(
        **{name: getattr(config, name) for name in kept if hasattr(config, name)},
        max_position_embeddings=max_length + offset,
        position_offset=offset,
        attention_window=attention_window,
        sep_token_id=tokenizer.sep_token_id,
    )


def tile_positions(table: torch.Tensor, offset: int, length: int) -> torch.Tensor:
    """Repeats the learned positions until `length` of them are there, the last repetition cut where it ends.

    Args:
        table: `(offset + positions, hidden)`; the first `offset` rows are not positions and stay.
        offset: Number of those rows.
        length: Number of positions wanted.

    Returns:
        `(offset + length, hidden)`.
    """
    positions = table[offset:]
    rows = torch.arange(length, device=table.device) % positions.shape[0]
    return torch.cat([table[:offset], positions[rows]])


def rename(weights: dict, patterns: dict[str, str]) -> dict:
    """Applies the first pattern that matches to every name."""
    renamed = {}
    for name, weight in weights.items():
        for pattern, replacement in patterns.items():
            new_name, count = re.subn(pattern, replacement, name)
            if count:
                name = new_name
                break
        renamed[name] = weight
    return renamed


def load_tokenizer(model: str, **kwargs) -> PreTrainedTokenizerBase:
    """Loads a checkpoint's tokenizer.

    Raises:
        ValueError: When there is none, or it has no separator and classification tokens.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(model, **kwargs)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"A checkpoint must come with its tokenizer, got none in {model} ({one_line(error)}). Add its files."
        ) from error
    # Without a vocabulary transformers returns a tokenizer that knows its special tokens and nothing else.
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise ValueError(f"A checkpoint must come with its tokenizer, got none in {model}. Add its files.")
    if tokenizer.sep_token_id is None or tokenizer.cls_token_id is None:
        raise ValueError(
            f"A tokenizer must have cls and sep tokens, got {tokenizer.cls_token!r} and {tokenizer.sep_token!r} in "
            f"{model}. Set them in tokenizer_config.json."
        )
    return tokenizer


def read_released(folder: str | Path) -> Conversion:
    """Reads a checkpoint of the code released in 2021, short or long.

    Its MLM decoder is not tied to the embeddings and stays so; of its two-label ranking head, whose second logit it
    ranked by, the row of label 1 becomes the one-logit head. Stored position ids (absent, stale or right) are ignored.

    Args:
        folder: Holds `config.json`, `pytorch_model.bin` and the vocabulary.

    Raises:
        ValueError: When a file is missing, damaged or holds more than tensors, or the names are not that code's.
    """
    folder = Path(folder)
    for name in ("config.json", "pytorch_model.bin"):
        if not (folder / name).is_file():
            raise ValueError(f"A released checkpoint must have {name}, got none in {folder}. Give its folder.")
    try:
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{folder / 'config.json'} must be JSON, got {error}. Download it again.") from error
    weights = _load_tensors(folder / "pytorch_model.bin")
    if "seqcls_classifier.weight" not in weights or "mlm_cls.predictions.decoder.weight" not in weights:
        raise ValueError(
            f"{folder} must hold the heads mlm_cls and seqcls_classifier, got {', '.join(_heads(weights))}. "
            "Convert other checkpoints without --released."
        )
    weights = {name: weight for name, weight in weights.items() if not name.endswith("embeddings.position_ids")}
    weights = rename(weights, RELEASED_NAMES)
    for name in ("classifier.weight", "classifier.bias"):
        weights[name] = weights[name][1:2].clone()
    tokenizer = load_tokenizer(str(folder))
    settings["tie_word_embeddings"] = False
    is_long = any(".query_global." in name for name in weights)
    config = BertConfig(**{key: value for key, value in settings.items() if key != "model_type"})
    tokenizer.model_max_length = config.max_position_embeddings
    if is_long:
        window = settings.get("attention_window")
        if window is None:
            raise ValueError(f"{folder / 'config.json'} must have attention_window, got none. Add the trained window.")
        config = long_configuration(config, tokenizer, 0, config.max_position_embeddings, window)
    model = BertLongForXLRetrieval(config) if is_long else BertForXLRetrieval(config)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(
            f"{folder} must hold the weights that config.json describes, got {one_line(error)}. Download both again."
        ) from error
    return Conversion(model.eval(), tokenizer)


def _load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Reads named tensors and nothing else: a pickle that wants to run code is refused."""
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its unpickler or the zip reader meets
        raise ValueError(
            f"{path} must be a whole file of tensors, got {one_line(error)}. Download it again."
        ) from error
    if not isinstance(weights, dict) or not all(isinstance(weight, torch.Tensor) for weight in weights.values()):
        raise ValueError(
            f"{path} must hold named tensors and nothing else, got a {type(weights).__name__}. Download it again."
        )
    return weights


def _heads(weights: dict) -> list[str]:
    return sorted({name.split(".")[0] for name in weights} - {"bert"}) or ["none"]
