"""A BERT of a few thousand random parameters that spells words letter by letter."""

import string
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizer, CanineTokenizer

from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_lowercase]
WORDS += [f"##{letter}" for letter in string.ascii_lowercase]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads only wait for each other on matrices this small: on two busy cores the tests took 31 s instead of 4."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> BertTokenizer:
    folder: Path = tmp_path_factory.mktemp("tokenizer")
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return BertTokenizer.from_pretrained(folder, model_max_length=64)


@pytest.fixture(scope="session")
def python_tokenizer() -> CanineTokenizer:
    """One that is written in Python and spells letters as their code points; made once, as that takes seconds."""
    return CanineTokenizer()


def tiny_config(**changes: object) -> BertConfig:
    return BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=64,
        initializer_range=0.1,  # far apart vectors, so that a wrong row shows
        **changes,
    )


@pytest.fixture(scope="session")
def model() -> BertModel:
    torch.manual_seed(0)
    return BertModel(tiny_config()).eval()


@pytest.fixture(scope="session")
def scorer() -> BertForSequenceClassification:
    torch.manual_seed(1)
    return BertForSequenceClassification(tiny_config(num_labels=1)).eval()


@pytest.fixture(scope="session")
def long_checkpoint(tokenizer: BertTokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("long")
    torch.manual_seed(2)
    config = BertLongConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=64,
        attention_window=4,
        initializer_range=0.1,
        sep_token_id=tokenizer.sep_token_id,
    )
    BertLongForXLRetrieval(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


class Threads:
    """A process group of threads: what `torch.distributed` does for processes, as far as scoring asks for it."""

    def __init__(self, number: int):
        self.local, self.slots, self.barrier = threading.local(), [None] * number, threading.Barrier(number)

    def is_available(self) -> bool:
        return True

    def is_initialized(self) -> bool:
        return True

    def get_rank(self) -> int:
        return self.local.rank

    def get_world_size(self) -> int:
        return len(self.slots)

    def all_gather_object(self, gathered: list, value: object) -> None:
        self.slots[self.get_rank()] = value
        self.barrier.wait(60)
        gathered[:] = self.slots
        self.barrier.wait(60)

    def run(self, work: Callable[[int], object]) -> list:
        """What `work(rank)` returns on every thread."""

        def start(rank: int) -> object:
            self.local.rank = rank
            return work(rank)

        with ThreadPoolExecutor(len(self.slots)) as pool:
            futures = [pool.submit(start, rank) for rank in range(len(self.slots))]
        return [future.result() for future in futures]


@pytest.fixture
def threads() -> type[Threads]:
    """`threads(2)` is a group of two, to be put where a module has `torch.distributed`."""
    return Threads
