"""A small encoder from scratch: tokenizer and masked language modeling on the texts of a corpus.

For experiments and demonstrations, where no pretrained checkpoint is at hand; a real run starts from multilingual BERT
or XLM-R, see `xlretrieval.modeling.conversion`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import BertWordPieceTokenizer
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    BertTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
    set_seed,
)

from xlretrieval.data.sections import AlignedSections
from xlretrieval.modeling.conversion import load_tokenizer
from xlretrieval.modeling.cpu_linear import fast_linear
from xlretrieval.modeling.cpu_memory import kept_memory
from xlretrieval.modeling.xl_retrieval import BertForXLRetrieval
from xlretrieval.trainers.log_lines import use_log_lines


@dataclass(frozen=True)
class BaseEncoder:
    """Size of the encoder, and how long it is trained.

    Attributes:
        vocabulary: Word pieces.
        hidden: Hidden size; the feed-forward layers have twice that.
        layers: Layers.
        heads: Attention heads.
        length: Positions, and tokens of a training text.
        steps: Optimizer steps.
        batch: Texts of a step.
        learning_rate: Highest; it rises over a twentieth of the steps and then falls to 0.
        seed: Of weights, order and masks.
        bf16: Train in bfloat16.
    """

    vocabulary: int = 8_000
    hidden: int = 128
    layers: int = 2
    heads: int = 2
    length: int = 96
    steps: int = 1_000
    batch: int = 32
    learning_rate: float = 1e-3
    seed: int = 0
    bf16: bool = False


def training_texts(corpus: AlignedSections) -> list[str]:
    """The different texts of the training split, of all languages, sorted."""
    texts = set()
    for name in corpus.pairs:
        pair = corpus.pair(name)
        rows = pair.rows("train")
        for language, side in ((pair.source_language, pair.source), (pair.target_language, pair.target)):
            table = corpus.sections(language)
            texts.update(table.text(row) for row in side[rows].tolist())
    return sorted(texts)


def train_base_encoder(
    corpus: AlignedSections, output: str | Path, options: BaseEncoder, work: str | Path | None = None
) -> Path:
    """Trains a tokenizer and a short BERT with both heads on the training sections, one by one, by masking words.

    The encoder sees no pair of sections: what it knows of other languages comes from names and shared word pieces.

    Args:
        corpus: Aligned sections.
        output: Folder of the result.
        options: Size and length.
        work: Folder of the Trainer; one beside `output` by default.

    Returns:
        `output`.
    """
    output = Path(output)
    texts = training_texts(corpus)
    trained = BertWordPieceTokenizer(lowercase=True)
    trained.train_from_iterator(texts, vocab_size=options.vocabulary, show_progress=False)
    tokenizer = BertTokenizer(vocab=trained.get_vocab(), model_max_length=options.length, do_lower_case=True)
    set_seed(options.seed)
    model = BertForXLRetrieval(_config(options, len(tokenizer)))
    trainer = Trainer(
        model,
        _arguments(options, work or output.with_name(f"{output.name}-training")),
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15, pad_to_multiple_of=8),
        train_dataset=_rows(texts, tokenizer, options),
    )
    use_log_lines(trainer)
    with kept_memory(model), fast_linear(model):
        trainer.train()
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)
    return output


def write_untrained(model: str | Path, output: str | Path, seed: int = 0) -> Path:
    """An encoder like `model` with random weights, to compare with; returns `output`."""
    tokenizer, config = load_tokenizer(str(model)), AutoConfig.from_pretrained(model)
    set_seed(seed)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(output)
    tokenizer.save_pretrained(output)
    return Path(output)


def _config(options: BaseEncoder, vocabulary: int) -> BertConfig:
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=options.hidden,
        num_hidden_layers=options.layers,
        num_attention_heads=options.heads,
        intermediate_size=2 * options.hidden,
        max_position_embeddings=options.length,
        # A small encoder cannot overfit so much text, and dropout costs a third of a step on a CPU.
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )


def _arguments(options: BaseEncoder, work: str | Path) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(work),
        max_steps=options.steps,
        per_device_train_batch_size=options.batch,
        learning_rate=options.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=max(1, options.steps // 20),
        train_sampling_strategy="group_by_length",
        logging_steps=max(1, options.steps // 20),
        save_strategy="no",
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=options.seed,
        bf16=options.bf16,
    )


def _rows(texts: list[str], tokenizer: BertTokenizer, options: BaseEncoder) -> list[dict[str, list[int]]]:
    """As many texts as the steps take, in a random order; the Trainer starts over where there are fewer."""
    order = np.random.default_rng(options.seed).permutation(len(texts))[: options.steps * options.batch]
    encoded = tokenizer([texts[index] for index in order], truncation=True, max_length=options.length)
    return [{"input_ids": ids} for ids in encoded["input_ids"]]
