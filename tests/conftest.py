"""Fixtures that several folders of tests use: the collections and golden outputs beside the repository, and tiny
tokenizers written here."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"

# Multilingual words, so that a text of a few words is a few tokens and word pieces occur.
WORDS = (
    "the a of in on and is was it to city river house water mountain history language country people music red blue "
    "der die das und ist in auf stadt fluss haus wasser berg geschichte sprache land leute musik rot blau "
    "le la les et est dans sur ville rivière maison eau montagne histoire langue pays gens musique rouge bleu"
).split()
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the collections and golden outputs; the test is skipped where they are not."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the shared data in {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def oracle(shared: Path) -> Path:
    """Folder of the released code's golden outputs."""
    return shared / "oracle"


@pytest.fixture(scope="session")
def wordpiece_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT tokenizer: 5 special tokens, 26 letters alone and continuing, some words of three languages."""
    from transformers import BertTokenizer

    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters), ".", ",", "?", *dict.fromkeys(WORDS)]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    folder = tmp_path_factory.mktemp("wordpiece")
    BertTokenizer(vocab=vocabulary, model_max_length=64).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def unigram_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An XLM-R tokenizer: `<s> a </s></s> b </s>`, padding id 1, a Unigram model over the same words."""
    from transformers import XLMRobertaTokenizer

    pieces = [*(f"▁{word}" for word in dict.fromkeys(WORDS)), "▁", *"abcdefghijklmnopqrstuvwxyzéèüöä.,?"]
    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    vocabulary = special + [(piece, -float(rank)) for rank, piece in enumerate(pieces, 1)] + [("<mask>", 0.0)]
    folder = tmp_path_factory.mktemp("unigram")
    XLMRobertaTokenizer(vocab=vocabulary, model_max_length=64).save_pretrained(folder)
    return folder
