"""An encoder with a head for question answering: how it is loaded, and which part of it stays as it is."""

from __future__ import annotations

from transformers import AutoModelForQuestionAnswering, PreTrainedModel, PreTrainedTokenizerBase

from xlretrieval.modeling.conversion import load_tokenizer
from xlretrieval.modeling.xl_retrieval import load_config


def freeze_embeddings(model: PreTrainedModel) -> int:
    """Freezes what stands before the layers of any encoder; returns the number of parameters."""
    encoder = model.base_model
    modules = [module for name, module in encoder.named_children() if "emb" in name.lower()]
    parameters = {id(parameter): parameter for module in modules for parameter in module.parameters()}
    parameters |= {id(parameter): parameter for parameter in encoder.get_input_embeddings().parameters()}
    for parameter in parameters.values():
        parameter.requires_grad_(False)
    return sum(parameter.numel() for parameter in parameters.values())


def load_question_answerer(
    name_or_path: str, attn_implementation: str | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Loads any encoder with a head for question answering, a new one where the checkpoint has none.

    Args:
        name_or_path: Hub id or folder.
        attn_implementation: eager, sdpa or flex_attention; what transformers chooses by default.

    Raises:
        ValueError: There is no such checkpoint, or no such head for its type.
    """
    return _load(name_or_path, attn_implementation)[0], load_tokenizer(name_or_path)


def load_trained_question_answerer(name_or_path: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Loads an encoder that was trained to answer questions, in float32.

    Raises:
        ValueError: As for `load_question_answerer`; or the checkpoint has no head for question answering, so that
            every answer would be random.
    """
    model, missing = _load(name_or_path, None)
    if missing:
        raise ValueError(
            f"The checkpoint must be trained to answer questions, got {name_or_path} without {missing[0]}. Train it "
            "with `xlretrieval finetune qa`."
        )
    return model, load_tokenizer(name_or_path)


def _load(name_or_path: str, attn_implementation: str | None) -> tuple[PreTrainedModel, list[str]]:
    """The model, and the names of the weights that the checkpoint lacks."""
    config = load_config(name_or_path)
    if type(config) not in AutoModelForQuestionAnswering._model_mapping:
        raise ValueError(
            f"The model type must have a head for question answering in transformers, got {config.model_type!r} in "
            f"{name_or_path}. Take an encoder such as BERT, XLM-R or ModernBERT."
        )
    options = {"attn_implementation": attn_implementation} if attn_implementation else {}
    config.num_labels = 2  # a ranker has one
    model, report = AutoModelForQuestionAnswering.from_pretrained(
        name_or_path, config=config, dtype="float32", output_loading_info=True, **options
    )
    return model, sorted(report["missing_keys"])
