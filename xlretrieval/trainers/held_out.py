"""What an evaluation during pretraining measures, on articles that training never sees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from sentencex import segment
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xlretrieval.data.collators import PretrainingCollator
from xlretrieval.data.examples import RankingGroup
from xlretrieval.data.held_out_examples import evaluation_groups, evaluation_pairs
from xlretrieval.data.sections import AlignedSections
from xlretrieval.evaluation.alignment import precision_at_1
from xlretrieval.inference.encoder import Encoder
from xlretrieval.inference.reranker import Reranker
from xlretrieval.modeling.heads import IGNORE_INDEX
from xlretrieval.trainers.arguments import XLPretrainingArguments


class HeldOut:
    """Fixed held-out examples and the metrics over them.

    Per language pair and as their mean: `qlm_loss`, `qlm_accuracy` (masked query tokens), `rr_loss`, `rr_accuracy`
    (positive above a negative, share of comparisons), `mrr` (over `eval_candidates` documents) and `sentence_p1` (P@1
    in percent between the first sentences of aligned sections, both directions, mean pooling). `loss` is the weighted
    sum of the objectives' losses.

    Args:
        corpus: The corpus.
        pairs: Language pairs.
        args: The arguments: split, sizes, seed.
        collator: Of the training run; masks of an example are always the same.

    Raises:
        ValueError: When a language pair has nothing held out.
    """

    def __init__(
        self, corpus: AlignedSections, pairs: list[str], args: XLPretrainingArguments, collator: PretrainingCollator
    ):
        self.args = args
        self.collator = collator
        self.masked, self.groups, self.sentences = {}, {}, {}
        for pair in pairs:
            if not len(corpus.pair(pair).rows(args.eval_split)):
                raise ValueError(
                    f"The split {args.eval_split!r} must have sections of {pair} to evaluate, got none. Hold articles "
                    "out when the corpus is built, or set eval_strategy to no."
                )
            self.masked[pair] = evaluation_pairs(corpus, pair, args.eval_split, args.eval_pairs, args.seed)
            self.groups[pair] = evaluation_groups(
                corpus, pair, args.eval_split, args.eval_candidates, args.eval_pairs, args.seed
            )
            self.sentences[pair] = list(first_sentences(corpus, pair, args.eval_split, args.eval_pairs))

    @property
    def size(self) -> int:
        """Number of held-out pairs, over the language pairs."""
        return sum(len(examples) for examples in self.masked.values())

    def evaluate(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, accelerator: Accelerator
    ) -> dict[str, float]:
        """Measures a model. Several processes share the examples, each is measured once."""
        training = model.training
        model.eval()
        per_pair: dict[str, dict[str, float]] = {}
        for pair in self.masked:
            metrics = self._masked_words(model, self.masked[pair], accelerator)
            metrics |= self._ranking(model, tokenizer, self.groups[pair], accelerator)
            metrics |= self._sentences(model, tokenizer, self.sentences[pair])
            per_pair[pair] = metrics
        model.train(training)
        result: dict[str, float] = defaultdict(float)
        for pair, metrics in per_pair.items():
            for name, value in metrics.items():
                result[name] += value / len(per_pair)
                result[f"{name}_{pair}"] = value
        weights = {"qlm": self.args.qlm_weight, "rr": self.args.rr_weight}
        result["loss"] = sum(weights[objective] * result[f"{objective}_loss"] for objective in self.args.objectives)
        return dict(result)

    def _masked_words(self, model: PreTrainedModel, examples: list, accelerator: Accelerator) -> dict[str, float]:
        sums = np.zeros(3)
        mine = examples[accelerator.process_index :: accelerator.num_processes]
        size = self.args.per_device_eval_batch_size
        for start in range(0, len(mine), size):
            batch = {name: value.to(model.device) for name, value in self.collator(mine[start : start + size]).items()}
            with torch.inference_mode():
                outputs = model(**batch)
            gold = batch["labels"][batch["labels"] != IGNORE_INDEX]
            correct = (outputs.mlm_logits.argmax(-1) == gold).sum()
            sums += [float(outputs.loss) * len(gold), float(correct), len(gold)]
        loss, correct, count = np.sum(gather_object([sums]), axis=0)
        return {"qlm_loss": float(loss / count), "qlm_accuracy": float(correct / count)}

    def _ranking(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        groups: list[RankingGroup],
        accelerator: Accelerator,
    ) -> dict[str, float]:
        mine = groups[accelerator.process_index :: accelerator.num_processes]
        # Documents are cut as in training.
        lengths = self.args.max_query_length, self.args.max_length
        reranker = Reranker(model, tokenizer, *lengths, long_documents="firstp")
        pairs = [(group.query, document) for group in mine for document in group.documents]
        scores = reranker.score(pairs, show_progress=False) if pairs else np.zeros(0)
        rows = []
        for group in mine:
            own, scores = scores[: len(group.documents)], scores[len(group.documents) :]
            rows.append(ranking_row(own))
        means = np.mean(gather_object(rows), axis=0)
        return dict(zip(("rr_loss", "rr_accuracy", "mrr"), map(float, means), strict=True))

    def _sentences(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, pairs: list[tuple[str, str]]
    ) -> dict[str, float]:
        encoder = Encoder(model.base_model, tokenizer)
        source, target = (
            encoder.encode(side, max_length=self.args.max_length, show_progress=False)
            for side in zip(*pairs, strict=True)
        )
        return {"sentence_p1": precision_at_1(source, target).mean}


def ranking_row(scores: np.ndarray) -> tuple[float, float, float]:
    """Pairwise logistic loss, share of negatives below the positive, and reciprocal rank of one group.

    Args:
        scores: Positive first. A tie counts half a negative below, and half a rank: a model that scores everything
            alike must not look good.
    """
    difference = scores[0] - scores[1:]
    below = (difference > 0).mean() + 0.5 * (difference == 0).mean()
    rank = 1 + (difference < 0).sum() + 0.5 * (difference == 0).sum()
    return float(np.logaddexp(0, -difference).mean()), float(below), float(1 / rank)


def first_sentences(corpus: AlignedSections, name: str, split: str, limit: int) -> Iterable[tuple[str, str]]:
    """First sentences of aligned sections, which translate each other more often than any others."""
    pair = corpus.pair(name)
    languages = (pair.source_language, pair.target_language)
    source, target = (corpus.sections(language) for language in languages)
    for row in pair.rows(split)[:limit]:
        texts = source.text(pair.source[row]), target.text(pair.target[row])
        first = [
            next((sentence.strip() for sentence in segment(language, text) if sentence.strip()), text)
            for language, text in zip(languages, texts, strict=True)
        ]
        yield first[0], first[1]
