"""Tiny random checkpoints of the five encoder types, as their users have them."""

from __future__ import annotations

from pathlib import Path

ENCODERS = ("mbert", "mbert-long", "xlm-r", "modernbert", "xlm-100")


def encoder_folder(name: str, tiny_checkpoint, long_folder: Path, folder: Path) -> Path:
    """Folder of a checkpoint without a relevance head; only the long one has one."""
    if name == "mbert-long":
        return long_folder
    if name == "xlm-100":
        return write_xlm(folder / "xlm-100")
    return tiny_checkpoint({"mbert": "BertForMaskedLM", "xlm-r": "XLMRobertaForMaskedLM"}.get(name, "ModernBertModel"))


def write_xlm(folder: Path) -> Path:
    """An XLM as `xlm-mlm-100-1280` is: learnt positions, no language embeddings, `<s> a </s> b </s>`."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, XLMConfig, XLMWithLMHeadModel

    letters = "abcdefghijklmnopqrstuvwxyzäöüéè"
    pieces = ["<s>", "</s>", "<pad>", "<unk>", "<mask>", *letters, *(f"##{letter}" for letter in letters)]
    backend = Tokenizer(models.WordPiece({piece: place for place, piece in enumerate(pieces)}, unk_token="<unk>"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    pair = "<s> $A </s> $B:1 </s>:1"
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair=pair, special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        sep_token="</s>",
        cls_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=64,
        model_input_names=["input_ids", "attention_mask", "token_type_ids"],
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = XLMConfig(
        vocab_size=len(pieces),
        emb_dim=32,
        n_layers=4,
        n_heads=4,
        n_langs=100,
        use_lang_emb=False,
        max_position_embeddings=64,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    XLMWithLMHeadModel(config).save_pretrained(folder)
    return folder
