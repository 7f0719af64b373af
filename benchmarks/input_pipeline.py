"""How many tokens a second reach a training loop, against the loader of the code released in 2021?

Ours: `PretrainingDataset`, `StepSampler` and `PretrainingCollator` in a `DataLoader`, as `XLPretrainingTrainer` has
them, with 0, 1 and 2 workers. Theirs: written anew here from its description, not its code. The list of all examples
is pickled and held in memory; every example is tokenized on its way by the BERT tokenizer in Python, masked token by
token with `random`, and padded to the maximum length. Only real tokens count, on both sides; both take one thread a
process. Theirs draws a sentence ahead of time, which is not counted.

Texts are random words in sentences, with frequencies by Zipf's law and lengths as sections have them (log-normal,
median 113 tokens, deviation 1.06); the tokenizer is a WordPiece model trained on them. --corpus takes a corpus.

What one GPU consumes is an estimate, by the operations of a token that `benchmarks/work.py` counts.

  python -m benchmarks.input_pipeline [--repeats 5] [--batch 16] [--tokens 150000] [--corpus FOLDER]
"""

from __future__ import annotations

import argparse
import os
import pickle
import random
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from tokenizers import BertWordPieceTokenizer
from torch.utils.data import DataLoader, Dataset
from transformers import BertTokenizer
from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

from benchmarks import work
from benchmarks.measure import ratios, row, summary, write
from xlretrieval.data.collators import PretrainingCollator
from xlretrieval.data.sampling import PretrainingDataset, Schedule, StepSampler
from xlretrieval.data.sections import AlignedPair, AlignedSections, AlignedSectionsWriter, Section

MAX_LENGTH, MAX_QUERY_LENGTH, MASKED = 512, 64, 0.30
BATCHES_PER_STEP = 4
WORKERS = (0, 1, 2)
# Ours until a worker has met most of the words, which is after seconds of a training; theirs remembers nothing.
WARMUP_BATCHES = {"ours": 80, "released": 8}
MEDIAN_TOKENS, DEVIATION, TOKENS_PER_WORD = 113, 1.06, 1.4
GPU_TOKENS = work.tokens_per_second()


def words(count: int, generator: np.random.Generator) -> list[str]:
    """Different words of one to five syllables."""
    syllables = [a + b for a in "bcdfghklmnprstvz" for b in ("a", "e", "i", "o", "u", "ai", "en", "ör")]
    made: dict[str, None] = {}
    while len(made) < count:
        made["".join(generator.choice(syllables, generator.integers(1, 6)))] = None
    return list(made)


def text(length: int, vocabulary: list[str], weights: np.ndarray, generator: np.random.Generator) -> str:
    """Sentences of about 20 words, `length` words in all."""
    drawn = np.searchsorted(weights, generator.random(length))
    chosen = [vocabulary[min(index, len(vocabulary) - 1)] for index in drawn]
    starts = range(0, length, 20)
    return " ".join(" ".join(chosen[start : start + 20]).capitalize() + "." for start in starts)


def make_corpus(folder: Path, sections: int, seed: int) -> None:
    """Writes aligned sections of random words in two languages, with three hard negatives each."""
    generator = np.random.default_rng(seed)
    shape = np.log(MEDIAN_TOKENS / TOKENS_PER_WORD), DEVIATION
    with AlignedSectionsWriter(folder) as writer:
        for language in ("de", "en"):
            vocabulary = words(40_000, generator)
            weights = np.cumsum(1 / np.arange(2, len(vocabulary) + 2))
            weights /= weights[-1]
            lengths = np.maximum(generator.lognormal(*shape, sections).astype(int), 4)
            made = (text(length, vocabulary, weights, generator) for length in lengths)
            rows = (Section(str(row), language, str(row), "", (), body) for row, body in enumerate(made))
            writer.add_sections(language, rows)
        others = [[(row + step) % sections for step in (1, 2, 3)] for row in range(sections)]
        pairs = (AlignedPair(row, row, 1.0, rows, rows, "train") for row, rows in enumerate(others))
        writer.add_pairs("de-en", pairs)
        writer.finish({})


def train_vocabulary(texts: Iterable[str], folder: Path) -> Path:
    """A cased WordPiece vocabulary, as multilingual BERT has it."""
    trained = BertWordPieceTokenizer(lowercase=False)
    trained.train_from_iterator(texts, vocab_size=40_000, min_frequency=1, show_progress=False)
    return Path(trained.save_model(str(folder))[0])


class ReleasedLoader(Dataset):
    """Examples of one objective, read from a pickled list and prepared one by one in Python.

    Args:
        path: Pickled list of (query, documents); written by this benchmark.
        tokenizer: The BERT tokenizer in Python.
    """

    def __init__(self, path: Path, tokenizer: BertTokenizerLegacy):
        with path.open("rb") as file:
            self.examples = pickle.load(file)
        self.tokenizer = tokenizer

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        query, documents = self.examples[index]
        rows = [self._row(query, document, masked=len(documents) == 1) for document in documents]
        return {name: torch.tensor([row[name] for row in rows]) for name in rows[0]}

    def _row(self, query: str, document: str, masked: bool) -> dict[str, list[int]]:
        tokenizer = self.tokenizer
        first = tokenizer.tokenize(query)[:MAX_QUERY_LENGTH]
        second = tokenizer.tokenize(document)
        while len(first) + len(second) > MAX_LENGTH - 3:
            second.pop()
        labels = [-100] * MAX_LENGTH
        if masked:
            first = self._mask(first, labels)
        tokens = [tokenizer.cls_token, *first, tokenizer.sep_token, *second, tokenizer.sep_token]
        ids = tokenizer.convert_tokens_to_ids(tokens)
        types = [0] * (len(first) + 2) + [1] * (len(second) + 1)
        attended = [1] * len(ids)
        for part in (ids, types, attended):
            while len(part) < MAX_LENGTH:
                part.append(0)
        return {"input_ids": ids, "token_type_ids": types, "attention_mask": attended, "labels": labels}

    def _mask(self, tokens: list[str], labels: list[int]) -> list[str]:
        tokenizer, masked = self.tokenizer, []
        for position, token in enumerate(tokens, start=1):
            if random.random() < MASKED:
                labels[position] = tokenizer.convert_tokens_to_ids(token)
                action = random.random()
                if action < 0.8:
                    token = tokenizer.mask_token
                elif action < 0.9:
                    token = tokenizer.convert_ids_to_tokens(random.randrange(tokenizer.vocab_size))
            masked.append(token)
        return masked


def tokens_per_second(batches: Iterator[dict[str, torch.Tensor]], wanted: int, warmup: int) -> float:
    """Rate of real tokens after `warmup` batches, over at least `wanted` of them or until the loader ends."""
    for _ in range(warmup):
        next(batches)
    start, tokens = time.perf_counter(), 0
    for batch in batches:
        tokens += int(batch["attention_mask"].sum())
        if tokens >= wanted:
            break
    return tokens / (time.perf_counter() - start)


class Sides:
    """The loaders of one objective.

    Args:
        corpus: The corpus.
        objective: "qlm" or "rr".
        vocabulary: The WordPiece vocabulary file.
        batch: Examples of a batch.
        folder: For the pickled list.
    """

    def __init__(self, corpus: AlignedSections, objective: str, vocabulary: Path, batch: int, folder: Path):
        self.batch = batch
        per_step, steps = BATCHES_PER_STEP * batch, 5_000
        schedule = Schedule((objective,), corpus.pairs, seed=1)
        self.dataset = PretrainingDataset(corpus, schedule, per_step, steps_per_epoch=steps, seed=1)
        self.sampler = StepSampler(steps, per_step)
        fast = BertTokenizer(vocab=str(vocabulary), do_lower_case=False)
        self.collator = PretrainingCollator(fast, max_length=MAX_LENGTH, max_query_length=MAX_QUERY_LENGTH)
        examples = [self.dataset[index] for index in range(40 * batch)]
        listed = [(e.query, [e.document] if objective == "qlm" else e.documents) for e in examples]
        path = folder / f"{objective}.pickle"
        path.write_bytes(pickle.dumps(listed))
        self.released_dataset = ReleasedLoader(path, BertTokenizerLegacy(str(vocabulary), do_lower_case=False))

    def ours(self, workers: int) -> Iterator[dict[str, torch.Tensor]]:
        """Batches as the trainer gets them."""
        loader = DataLoader(
            self.dataset, self.batch, sampler=self.sampler, collate_fn=self.collator, num_workers=workers
        )
        return iter(loader)

    def released(self) -> Iterator[dict[str, torch.Tensor]]:
        """Batches of the released loader, in this process."""
        return iter(DataLoader(self.released_dataset, self.batch))

    def measure(self, repeats: int, wanted: int) -> dict:
        """Rates of all sides, which take turns, and how much faster ours is."""
        rates: dict[str, list[float]] = {f"{workers} workers": [] for workers in WORKERS} | {"released": []}
        for _ in range(repeats):
            for workers in WORKERS:
                ours = tokens_per_second(self.ours(workers), wanted, WARMUP_BATCHES["ours"])
                rates[f"{workers} workers"].append(ours)
            theirs = tokens_per_second(self.released(), wanted // 10, WARMUP_BATCHES["released"])
            rates["released"].append(theirs)
        per_worker = summary(rates["1 workers"])["median"]
        return {
            "tokens_per_second": {name: summary(values) for name, values in rates.items()},
            "times_released": ratios(rates["0 workers"], rates["released"]),
            "workers_for_an_h200": GPU_TOKENS / per_worker,
        }


def main() -> None:
    """Measures and writes results/input_pipeline.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batch", type=int, default=16, help="examples of a batch")
    parser.add_argument("--tokens", type=int, default=150_000, help="tokens of one turn of ours; a tenth of theirs")
    parser.add_argument("--sections", type=int, default=8_000, help="sections of a language")
    parser.add_argument("--corpus", type=Path, help="a corpus, in place of random words")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    # One thread of the tokenizer a process: a training process has the rest of the cores for other things.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.corpus is None:
            make_corpus(folder / "corpus", arguments.sections, seed=0)
        corpus = AlignedSections.load(arguments.corpus or folder / "corpus", cache_dir=folder / "cache")
        bodies = (section.text for code in corpus.languages for section in corpus.sections(code))
        vocabulary = train_vocabulary(bodies, folder)
        results = {
            objective: Sides(corpus, objective, vocabulary, arguments.batch, folder).measure(
                arguments.repeats, arguments.tokens
            )
            for objective in ("qlm", "rr")
        }
    table = []
    for objective, result in results.items():
        times, rate = result["times_released"], result["tokens_per_second"]["1 workers"]
        what = f"tokens a second to the training loop, {objective.upper()}, batches of {arguments.batch}"
        spread = times["min"], times["max"]
        table.append(row(what, "the loader released in 2021", times["median"], 10, spread))
        spread = rate["min"] / 150_000, rate["max"] / 150_000
        table.append(row(f"{what}, one worker", "150,000 a second", rate["median"] / 150_000, 1, spread))
    result = {"batch": arguments.batch, "h200_tokens_per_second": GPU_TOKENS, **results, "table": table}
    write("input_pipeline", result)


if __name__ == "__main__":
    main()
