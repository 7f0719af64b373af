"""How much faster is a pretraining step than by the released recipe, at equal weights and on the same examples?

The recipe of the code released in 2021: every pair padded to the maximum length, Longformer's attention as in
transformers, and the whole vocabulary computed at every position. Ours: padded to the longest pair of the batch, our
attention, rows without padding, the vocabulary at masked positions only. Both in fp32, and where the processor
multiplies bfloat16 ours in mixed precision too, with the optimizer's step, which is AdamW, fused, on all sides. A turn
is two steps, of which the second counts, as one of many. The recipe runs as it does without this package, in a process
of its own. The losses are compared first, without dropout.

Section lengths follow the text given with --jsonl; by default a log-normal distribution with median 113 and deviation
1.06, which is what sections of acts and regulations in two languages measure in tokens.

  python -m benchmarks.pretraining_step [--pairs 2] [--repeats 5] [--jsonl sections.jsonl.gz ...]
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import statistics
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from transformers import LongformerConfig, LongformerForMaskedLM

from benchmarks.apart import Apart
from benchmarks.measure import interleaved, ratios, row, summary, write
from xlretrieval.inference.precision import native_bf16
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.cpu_linear import fast_linear
from xlretrieval.modeling.cpu_memory import kept_memory
from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval

QUERY_TOKENS = 30
CLS, SEP, MASK = 101, 102, 103
OBJECTIVES = ("qlm", "rr")
CHARACTERS_PER_TOKEN = 4.3  # multilingual BERT on English and French legal text


def section_lengths(files: list[Path], count: int, seed: int) -> list[int]:
    """Document lengths in tokens, spread evenly over the distribution so that a small batch represents it."""
    if files:
        lengths = []
        for path in files:
            with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open() as lines:
                lengths += [len(json.loads(line)["text"]) / CHARACTERS_PER_TOKEN for line in lines]
        median = statistics.median(lengths)
        deviation = statistics.pstdev(math.log(max(length, 1)) for length in lengths)
    else:
        median, deviation = 113.0, 1.06
    normal = statistics.NormalDist()
    middles = [(index + 0.5) / count for index in range(count)]
    return [int(median * math.exp(deviation * normal.inv_cdf(middle))) for middle in middles]


def make_batch(lengths: list[int], pad_to: int | None, max_length: int, vocabulary: int, seed: int) -> dict:
    """Pairs `[CLS] query [SEP] document [SEP]`, 30% of the query masked; the same tokens whatever the padding."""
    generator = np.random.default_rng(seed)
    rows = []
    for length in lengths:
        document = generator.integers(1000, vocabulary, min(length, max_length - QUERY_TOKENS - 3))
        query = generator.integers(1000, vocabulary, QUERY_TOKENS)
        rows.append(([CLS, *query, SEP, *document, SEP], generator.random(QUERY_TOKENS) < 0.3))
    longest = pad_to or math.ceil(max(len(ids) for ids, _ in rows) / 8) * 8
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    attention, is_global, labels = torch.zeros_like(ids), torch.zeros_like(ids), torch.full_like(ids, -100)
    for place, (tokens, masked) in enumerate(rows):
        ids[place, : len(tokens)] = torch.tensor(tokens)
        attention[place, : len(tokens)] = 1
        is_global[place, : QUERY_TOKENS + 2] = 1
        places = torch.from_numpy(np.flatnonzero(masked) + 1)
        labels[place, places] = ids[place, places]
        ids[place, places] = MASK
    types = (torch.arange(longest)[None] >= QUERY_TOKENS + 2).long() * attention
    return {"ids": ids, "attention": attention, "global": is_global, "labels": labels, "types": types}


class Recipe(torch.nn.Module):
    """The released recipe, with today's transformers' Longformer and our weights."""

    def __init__(self, ours: BertLongForXLRetrieval):
        super().__init__()
        config = ours.config
        kept = "vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act".split()
        kept += "hidden_dropout_prob attention_probs_dropout_prob max_position_embeddings type_vocab_size".split()
        kept += ["layer_norm_eps", "pad_token_id", "sep_token_id", "attention_window"]
        longformer = LongformerForMaskedLM(LongformerConfig(**{name: getattr(config, name) for name in kept}))
        names = {"bert.": "longformer.", "cls.predictions.transform.dense": "lm_head.dense"}
        names |= {"cls.predictions.transform.LayerNorm": "lm_head.layer_norm", "cls.predictions.": "lm_head."}
        weights = {}
        for name, weight in ours.state_dict().items():
            prefix = next((prefix for prefix in names if name.startswith(prefix)), None)
            if prefix and not name.startswith("bert.pooler"):
                weights[names[prefix] + name[len(prefix) :]] = weight.clone()
        missing = longformer.load_state_dict(weights, strict=False).missing_keys
        if missing:
            raise RuntimeError(f"weights not copied: {missing}")
        self.longformer = longformer
        self.pooler = torch.nn.Linear(config.hidden_size, config.hidden_size)
        self.pooler.load_state_dict(ours.bert.pooler.dense.state_dict())
        self.classifier = torch.nn.Linear(config.hidden_size, 1)
        self.classifier.load_state_dict(ours.classifier.state_dict())

    def _encode(self, batch: dict) -> torch.Tensor:
        ids = batch["ids"]
        return self.longformer.longformer(
            ids,
            attention_mask=batch["attention"],
            global_attention_mask=batch["global"],
            token_type_ids=batch["types"],
            position_ids=torch.arange(ids.shape[1]).expand_as(ids),
        ).last_hidden_state

    def qlm(self, batch: dict) -> torch.Tensor:
        logits = self.longformer.lm_head(self._encode(batch))
        return F.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten())

    def scores(self, batch: dict) -> torch.Tensor:
        """Relevance, `(pairs, 1)`."""
        return self.classifier(torch.tanh(self.pooler(self._encode(batch)[:, 0])))

    def rr(self, batch: dict) -> torch.Tensor:
        scores = self.scores(batch).view(-1, 2)
        return F.softplus(scores[:, 1] - scores[:, 0]).mean()


class Ours:
    """Our step."""

    def __init__(self, model: BertLongForXLRetrieval):
        self.model = model

    def _inputs(self, batch: dict) -> dict:
        return {
            "input_ids": batch["ids"],
            "attention_mask": batch["attention"],
            "token_type_ids": batch["types"],
            "global_attention_mask": batch["global"],
        }

    def qlm(self, batch: dict) -> torch.Tensor:
        return self.model(**self._inputs(batch), labels=batch["labels"]).loss

    def rr(self, batch: dict) -> torch.Tensor:
        scores = self.model(**self._inputs(batch)).logits.view(-1, 2)
        return F.softplus(scores[:, 1] - scores[:, 0]).mean()


def build_model(layers: int, max_length: int) -> BertLongForXLRetrieval:
    """Ours; the same weights whenever it is called."""
    torch.manual_seed(0)
    model = BertLongForXLRetrieval(BertLongConfig(num_hidden_layers=layers, max_position_embeddings=max_length))
    tell_global_apart(model)
    return model


@torch.no_grad()
def tell_global_apart(model: BertLongForXLRetrieval) -> None:
    """Gives global projections other values than the local ones, so that swapping them would show."""
    for name, parameter in model.named_parameters():
        if "_global" in name:
            parameter.add_(torch.randn_like(parameter) * 0.01)


class RecipeSide:
    """The recipe's steps, in the process that this is built in.

    Args:
        layers: Of the encoder.
        max_length: What rows are padded to.
        lengths: Document lengths of the batch.
    """

    def __init__(self, layers: int, max_length: int, lengths: list[int]):
        ours = build_model(layers, max_length)
        self.recipe = Recipe(ours)
        self.batch = make_batch(lengths, max_length, max_length, ours.config.vocab_size, seed=1)
        self.optimizer = make_optimizer(self.recipe)

    def loss(self, objective: str) -> float:
        """The batch's, without dropout."""
        self.recipe.eval()
        with torch.no_grad():
            return getattr(self.recipe, objective)(self.batch).item()

    def step(self, objective: str) -> None:
        """One, in fp32."""
        self.recipe.train()
        getattr(self.recipe, objective)(self.batch).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()


class OurSide:
    """Our steps, as the package's trainers run them; arguments as of `RecipeSide`."""

    def __init__(self, layers: int, max_length: int, lengths: list[int]):
        self.model = build_model(layers, max_length)
        self.ours = Ours(self.model)
        self.batch = make_batch(lengths, None, max_length, self.model.config.vocab_size, seed=1)
        self.optimizer = make_optimizer(self.model)

    def loss(self, objective: str) -> float:
        """The batch's, without dropout."""
        self.model.eval()
        with torch.no_grad():
            return getattr(self.ours, objective)(self.batch).item()

    def step(self, objective: str, bf16: bool = False) -> None:
        """One, in fp32 or in mixed precision."""
        self.model.train()
        with kept_memory(self.model):
            with fast_linear(self.model):
                with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                    loss = getattr(self.ours, objective)(self.batch)
                loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()


def make_optimizer(model: torch.nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), 1e-5, weight_decay=0.0, fused=True)


def main() -> None:
    """Compares the losses, then the steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=2, help="pairs of a QLM step; an RR step has half as many groups")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--max-length", type=int, default=1024)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--jsonl", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    if arguments.pairs % 2:
        parser.error(f"--pairs must be even, got {arguments.pairs}: a group of relevance ranking has two documents.")
    lengths = section_lengths(arguments.jsonl, arguments.pairs, seed=0)
    shape = arguments.layers, arguments.max_length, lengths
    ours = OurSide(*shape)
    tokens = int(ours.batch["attention"].sum())
    result = {
        "question": "one pretraining step against the released recipe, fp32",
        "layers": arguments.layers,
        "vocabulary": ours.model.config.vocab_size,
        "pairs": arguments.pairs,
        "document_tokens": lengths,
        "tokens": tokens,
        "padded_tokens": {"recipe": arguments.pairs * arguments.max_length, "ours": ours.batch["ids"].numel()},
    }
    with Apart(RecipeSide, *shape) as recipe:
        result["losses"] = {
            objective: {"recipe": recipe("loss", objective), "ours": ours.loss(objective)} for objective in OBJECTIVES
        }
        for objective in OBJECTIVES:
            sides = {"recipe": partial(recipe, "step", objective), "ours": partial(ours.step, objective)}
            if native_bf16("cpu"):
                sides["ours, bf16"] = partial(ours.step, objective, bf16=True)
            seconds = interleaved(sides, arguments.repeats, untimed=1)
            result[objective] = {
                "seconds": {side: summary(values) for side, values in seconds.items()},
                "tokens_per_second": {side: tokens / summary(values)["median"] for side, values in seconds.items()},
                "speedup": {side: ratios(seconds["recipe"], seconds[side]) for side in sides if side != "recipe"},
            }
    result["table"] = [
        row(
            f"one {objective.upper()} pretraining step, {precision}",
            "the released recipe in fp32",
            speedup["median"],
            target,
            (speedup["min"], speedup["max"]),
        )
        for objective in OBJECTIVES
        for precision, side, target in (("fp32", "ours", 5), ("bf16", "ours, bf16", 12))
        if (speedup := result[objective]["speedup"].get(side))
    ]
    write("pretraining_step", result)


if __name__ == "__main__":
    main()
