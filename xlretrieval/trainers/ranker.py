"""Any encoder with one logit, to be fine-tuned as a ranker."""

from __future__ import annotations

from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerBase

from xlretrieval.modeling.conversion import load_tokenizer
from xlretrieval.modeling.xl_retrieval import XL_RETRIEVAL_MODELS, load_config, load_xl_retrieval, one_line

# The XLM of 2019 adds the word embedding of the token type's number where it is given one.
WITHOUT_TOKEN_TYPES = ("xlm",)


def load_ranker(
    name_or_path: str, attn_implementation: str | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Loads a checkpoint with a relevance head, a new one where it has none, in float32, and its tokenizer.

    Of the encoders with both heads (BERT, long BERT, XLM-R, ModernBERT) it is that model; of any other, such as
    XLM-100, the one for sequence classification. XLM models with language embeddings get none of them.

    Args:
        name_or_path: Hub id or folder.
        attn_implementation: As for `from_pretrained`.

    Raises:
        ValueError: There is no such checkpoint or tokenizer, its type has no classifier, or it has another head.
    """
    config = load_config(name_or_path)
    tokenizer = load_tokenizer(name_or_path)
    if config.model_type in WITHOUT_TOKEN_TYPES:
        names = [name for name in tokenizer.model_input_names if name != "token_type_ids"]
        tokenizer = load_tokenizer(name_or_path, model_input_names=names)
    options = {"dtype": "float32"} | ({"attn_implementation": attn_implementation} if attn_implementation else {})
    try:
        if config.model_type in XL_RETRIEVAL_MODELS:
            return load_xl_retrieval(name_or_path, **options), tokenizer
        return AutoModelForSequenceClassification.from_pretrained(name_or_path, num_labels=1, **options), tokenizer
    except (ValueError, RuntimeError) as error:  # the second is for a head of another shape
        raise ValueError(
            f"The model must be an encoder with one logit or without a head, got {name_or_path} ({one_line(error)}). "
            "Take another checkpoint."
        ) from error
