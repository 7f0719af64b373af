"""Tokenizers, a corpus of rivers, and how tests write and read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from made_once import made_once
from transformers import AutoTokenizer, BertTokenizer, PreTrainedTokenizerBase

from xlretrieval.data.sections import AlignedPair, AlignedSections, AlignedSectionsWriter, Section

ENGLISH = ("The river rises in the north.", "Its mouth is a delta.", "Ships use it.", "Nobody aligned this.")
GERMAN = ("Der Fluss entspringt im Norden.", "Er mündet in ein Delta 𝄞.", "Schiffe befahren ihn.")
TINY = "[PAD] [UNK] [CLS] [SEP] [MASK] the red house is old das rote haus ist alt".split()


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the whole sample of seed 0; the tests are skipped where Babel is missing."""
    pytest.importorskip("babel")
    from xlretrieval.data.sample import write_sample

    return made_once(tmp_path_factory, "sample", write_sample)


@pytest.fixture(scope="session")
def tiny() -> BertTokenizer:
    """A BERT tokenizer of 15 words, whose ids are their places in `TINY`."""
    return BertTokenizer(vocab={word: index for index, word in enumerate(TINY)})


@pytest.fixture(scope="session")
def bert(wordpiece_folder: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(wordpiece_folder)


@pytest.fixture(scope="session")
def xlm_roberta(unigram_folder: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(unigram_folder)


@pytest.fixture(scope="session")
def river_sections() -> Callable[..., list[Section]]:
    """Makes the sections of one language, two an article."""

    def make(language: str, texts: Sequence[str]) -> list[Section]:
        return [
            Section(f"{language}{row}", language, f"River{row // 2}", "River", ("Course",) if row else (), text)
            for row, text in enumerate(texts)
        ]

    return make


@pytest.fixture(scope="session")
def write_rivers(river_sections: Callable[..., list[Section]]) -> Callable[..., Path]:
    """Writes two articles: rows 0 and 1 are River0, the rest is River1. English row 3 stands in no pair."""

    def write(folder: Path, *, overwrite: bool = False, english: Sequence[str] = ENGLISH) -> Path:
        with AlignedSectionsWriter(folder, overwrite=overwrite) as writer:
            assert writer.add_sections("en", river_sections("en", english)) == range(0, 4)
            assert writer.add_sections("de", river_sections("de", GERMAN)) == range(0, 3)
            writer.add_pairs(
                "en-de",
                [
                    AlignedPair(0, 0, 0.5, source_negatives=[1, 2], target_negatives=[1]),
                    AlignedPair(1, 1, source_negatives=[0], target_negatives=[0, 2]),
                    AlignedPair(2, 2, split="test"),
                ],
            )
            writer.finish({"arguments": {"dump": "invented"}})
        return folder

    return write


@pytest.fixture(scope="session")
def river_folder(write_rivers: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rivers(tmp_path_factory.mktemp("rivers") / "corpus")


@pytest.fixture
def rivers(river_folder: Path, tmp_path: Path) -> AlignedSections:
    return AlignedSections.load(river_folder, cache_dir=tmp_path / "cache")
