"""A small corpus in three languages and a tiny long encoder, for training in seconds."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from xlretrieval.data.importers import import_jsonl
from xlretrieval.data.sections import AlignedSections

sys.path.insert(0, str(Path(__file__).parent))  # for train_steps, which also runs as a script

LEXICON = {
    "en": "the city river house water mountain history language country people music red blue of in and is".split(),
    "de": "die stadt fluss haus wasser berg geschichte sprache land leute musik rot blau in auf und ist".split(),
    "fr": "la ville rivière maison eau montagne histoire langue pays gens musique rouge bleu de dans et est".split(),
}


def write_rows(path: Path, articles: int = 40, sections: int = 3) -> Path:
    """JSONL sections that translate each other word by word, of two to six sentences."""
    rng = np.random.default_rng(7)
    with path.open("w", encoding="utf-8") as lines:
        for article in range(articles):
            for section in range(sections):
                sentences = [rng.integers(17, size=rng.integers(5, 9)) for _ in range(rng.integers(2, 7))]
                for language, words in LEXICON.items():
                    text = " ".join(" ".join(words[i] for i in sentence).capitalize() + "." for sentence in sentences)
                    row = {"doc": f"a{article}", "sec": f"s{section}", "lang": language, "doctitle": f"A{article}"}
                    lines.write(json.dumps({**row, "title": "", "text": text}) + "\n")
    return path


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 sections in each of three languages, 30% of the articles held out."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = write_rows(folder / "rows.jsonl")
    import_jsonl([rows], ["en-de", "en-fr"], folder / "aligned", validation=0.15, test=0.15)
    return folder / "aligned"


@pytest.fixture(scope="session")
def corpus(corpus_folder: Path) -> AlignedSections:
    """The corpus, opened."""
    return AlignedSections.load(corpus_folder)


@pytest.fixture(scope="session")
def long_folder(wordpiece_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny long encoder without dropout, and its tokenizer."""
    import torch
    from transformers import AutoTokenizer

    from xlretrieval.modeling.configuration_bert_long import BertLongConfig
    from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval

    tokenizer = AutoTokenizer.from_pretrained(wordpiece_folder)
    torch.manual_seed(0)
    config = BertLongConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=96,
        attention_window=8,
        sep_token_id=tokenizer.sep_token_id,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.1,
    )
    folder = tmp_path_factory.mktemp("long")
    BertLongForXLRetrieval(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
