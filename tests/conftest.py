"""Fixtures that several folders of tests use: the collections and golden outputs beside the repository, tiny
tokenizers and tiny checkpoints made here."""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for warm_processes and made_once
# Before triton is: without a GPU its interpreter runs the kernels.
os.environ.setdefault("TRITON_INTERPRET", "1" if shutil.which("nvidia-smi") is None else "0")
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before transformers is imported: no test looks a name up on the Hub

SHARED = Path(__file__).resolve().parents[2] / "shared"

# Multilingual words, so that a text of a few words is a few tokens and word pieces occur.
WORDS = (
    "the a of in on and is was it to city river house water mountain history language country people music red blue "
    "der die das und ist in auf stadt fluss haus wasser berg geschichte sprache land leute musik rot blau "
    "le la les et est dans sur ville rivière maison eau montagne histoire langue pays gens musique rouge bleu"
).split()
LEXICON = {
    "en": "the city river house water mountain history language country people music red blue of in and is".split(),
    "de": "die stadt fluss haus wasser berg geschichte sprache land leute musik rot blau in auf und ist".split(),
    "fr": "la ville rivière maison eau montagne histoire langue pays gens musique rouge bleu de dans et est".split(),
}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module", autouse=True)
def passed_over_by_collection() -> None:
    """What is imported stays; accelerate collects garbage twice in a training, each time walking it for .3 s."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Libraries that count their objects at the end call what is still frozen leaked."""
    gc.unfreeze()


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


@pytest.fixture(scope="session")
def tiny_checkpoint(
    tmp_path_factory: pytest.TempPathFactory, wordpiece_folder: Path, unigram_folder: Path
) -> Callable[[str], Path]:
    """Folder of a tiny random checkpoint with its tokenizer, by the name of its transformers class.

    Hidden size 32, 2 layers, 4 heads, longest input 64. Every parameter is random, biases and norms too, so that
    nothing swapped or left out goes unnoticed.
    """
    import torch
    import transformers

    tokenizers = {"Bert": wordpiece_folder, "XLMRoberta": unigram_folder, "ModernBert": wordpiece_folder}
    made: dict[str, Path] = {}

    def make(class_name: str) -> Path:
        if class_name in made:
            return made[class_name]
        family = next(name for name in ("ModernBert", "XLMRoberta", "Bert") if class_name.startswith(name))
        tokenizer = transformers.AutoTokenizer.from_pretrained(tokenizers[family])
        settings = {
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 48,
            "max_position_embeddings": 64 + (tokenizer.pad_token_id + 1 if family == "XLMRoberta" else 0),
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": None,
            "eos_token_id": None,
            "num_labels": 1,
        }
        if family == "XLMRoberta":
            settings |= {"type_vocab_size": 1, "layer_norm_eps": 1e-5}
        if family == "ModernBert":
            settings |= {"cls_token_id": tokenizer.cls_token_id, "sep_token_id": tokenizer.sep_token_id}
            settings |= {"local_attention": 16, "global_attn_every_n_layers": 2}
        config = getattr(transformers, f"{family}Config")(**settings)
        model = getattr(transformers, class_name)(config)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                offset = 1.0 if "norm" in name.lower() and name.endswith("weight") else 0.0
                parameter.copy_(offset + 0.2 * torch.randn(parameter.shape, generator=generator))
        made[class_name] = tmp_path_factory.mktemp(class_name)
        model.save_pretrained(made[class_name])
        tokenizer.save_pretrained(made[class_name])
        return made[class_name]

    return make


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
    from xlretrieval.data.importers import import_jsonl

    rows = write_rows(folder / "rows.jsonl")
    import_jsonl([rows], ["en-de", "en-fr"], folder / "aligned", validation=0.15, test=0.15)
    return folder / "aligned"


@pytest.fixture(scope="session")
def corpus(corpus_folder: Path):
    """The corpus, opened."""
    from xlretrieval.data.sections import AlignedSections

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


def write_judged_collection(folder: Path, queries: int = 20) -> Path:
    """A YAML file of English queries of two words over German documents, in which both, one or none occur.

    Every query has 3 relevant documents (both words) and 9 that were judged not relevant, of which 5 have one word.
    """
    rng = np.random.default_rng(11)
    words = len(LEXICON["en"]) - 4  # the last ones are function words
    pairs = [(first, second) for first in range(words) for second in range(first + 1, words)]
    chosen = [pairs[index] for index in rng.permutation(len(pairs))[:queries]]
    documents, topics, qrels = [], [], []
    for number, pair in enumerate(chosen, start=1):
        topics.append(f"{number}\t{' '.join(LEXICON['en'][word] for word in pair)}\n")
        others = [word for word in range(len(LEXICON["de"])) if word not in pair]
        for place, held in enumerate([pair] * 3 + [pair[:1]] * 3 + [pair[1:]] * 2 + [()] * 4):
            text = [*held, *rng.choice(others, 8 - len(held), replace=False)]
            name = f"D{number:02}{place:02}"
            documents.append({"id": name, "text": " ".join(LEXICON["de"][word] for word in rng.permutation(text))})
            qrels.append(f"{number} 0 {name} {int(len(held) == 2)}\n")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "documents.jsonl").write_text("".join(json.dumps(row) + "\n" for row in documents), encoding="utf-8")
    (folder / "topics.tsv").write_text("".join(topics), encoding="utf-8")
    (folder / "qrels.txt").write_text("".join(qrels), encoding="utf-8")
    config = "name: little\ndocuments: {de: documents.jsonl}\ntopics: {en: topics.tsv}\nqrels: {de: qrels.txt}\n"
    (folder / "little.yaml").write_text(config, encoding="utf-8")
    return folder / "little.yaml"


@pytest.fixture(scope="session")
def judged_yaml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """YAML file of 20 judged queries; the folder `cache` beside it is for its documents."""
    return write_judged_collection(tmp_path_factory.mktemp("judged"))


@pytest.fixture(scope="session")
def judged(judged_yaml: Path):
    """The collection, opened."""
    from xlretrieval.data.collections import load_collection

    return load_collection(judged_yaml, cache_dir=judged_yaml.parent / "cache")
