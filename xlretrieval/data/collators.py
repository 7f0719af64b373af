"""Examples to batches: pairs of a query and a document as token ids, masked (QLM) or grouped (RR).

A batch holds what forward takes and nothing else. The query keeps its tokens up to its cap, the document gives way,
and what is cut is counted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from .draws import to_uniform
from .examples import QueryDocument, RankingGroup
from .padding import PAD_MULTIPLE, Batch
from .pairs import PairCollator

IGNORE_INDEX = -100
MASK_MODES = ("query", "document", "mixed")


class QueryLanguageModelingCollator(PairCollator):
    """Masks tokens of the query, which the model predicts from the document (QLM).

    Of the tokens that may be masked (those of the chosen side; never a special token that we placed) each is chosen
    with `mask_probability`, and at least one of a row. 80% of the chosen become the mask token, 10% a random token
    that is not special, 10% stay. What a row masks follows from its example's `seed` and its number of tokens alone.
    A row without a token to mask (an empty text) has no label.

    The released code also put special tokens in for random ones and could leave a row without a label.

    Args:
        tokenizer: As for `PairCollator`, like the next and the last two.
        max_length: See there.
        max_query_length: See there.
        mask_mode: "query" masks the query, "document" the document, "mixed" both.
        mask_probability: Share of the tokens that is masked, in (0, 1]; 0.30 in the paper.
        pad_to_multiple_of: See there.
        global_attention: See there.

    Raises:
        ValueError: As for `PairCollator`; the tokenizer has no mask token, or a value is out of range.

    Example:
        With the vocabulary `[PAD] [UNK] [CLS] [SEP] [MASK] the red house is old das rote haus ist alt`:

        >>> collator = QueryLanguageModelingCollator(tokenizer, pad_to_multiple_of=4)  # doctest: +SKIP
        >>> long = QueryDocument("the red house is old", "das rote haus", "en", "de", seed=1, pair="de-en")
        >>> short = QueryDocument("haus", "red house", "de", "en", seed=2, pair="de-en")
        >>> collator([long, short])  # doctest: +SKIP
        {'input_ids': tensor([[ 2,  5,  6,  7,  4,  9,  3, 10, 11, 12,  3,  0],
                              [ 2,  4,  3,  6,  7,  3,  0,  0,  0,  0,  0,  0]]),
         'attention_mask': tensor([[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0],
                                   [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]]),
         'token_type_ids': tensor([[0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0],
                                   [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]]),
         'global_attention_mask': tensor([[1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
                                          [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]]),
         'labels': tensor([[-100, -100,    6, -100,    8, -100, -100, -100, -100, -100, -100, -100],
                           [-100,   12, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100]])}
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int = 512,
        max_query_length: int = 64,
        mask_mode: str = "query",
        mask_probability: float = 0.30,
        pad_to_multiple_of: int = PAD_MULTIPLE,
        global_attention: bool = True,
    ):
        super().__init__(tokenizer, max_length, max_query_length, pad_to_multiple_of, global_attention)
        if mask_mode not in MASK_MODES:
            raise ValueError(f"mask_mode must be one of {', '.join(MASK_MODES)}, got {mask_mode!r}. Choose one.")
        if not 0 < mask_probability <= 1:
            raise ValueError(f"mask_probability must be in (0, 1], got {mask_probability}. The default is 0.3.")
        if tokenizer.mask_token_id is None:
            raise ValueError(
                f"Tokenizer must have a mask token for QLM, got {type(tokenizer).__name__} without. Take another."
            )
        self.mask_mode, self.mask_probability = mask_mode, mask_probability
        special = np.array(sorted({token for token in tokenizer.all_special_ids if token < len(tokenizer)}))
        # Number of ordinary ids below each special one; a sorted search then finds the n-th ordinary id, where a table
        # of all of them would send 2 MB to every worker.
        self._ordinary_below = special - np.arange(len(special))
        self._ordinary = len(tokenizer) - len(special)

    def __call__(self, examples: Sequence[QueryDocument]) -> Batch:
        """Batch of the examples, `(examples, length)` each."""
        rows = self.encode([example.query for example in examples], [example.document for example in examples])
        batch = self.pad(rows)
        ids = batch["input_ids"].numpy()
        labels = np.full_like(ids, IGNORE_INDEX)
        for index, (example, row) in enumerate(zip(examples, rows, strict=True)):
            sides = {"query": [row.query], "document": [row.document], "mixed": [row.query, row.document]}
            positions = np.concatenate([np.arange(side.start, side.stop) for side in sides[self.mask_mode]])
            if len(positions):
                self._mask(ids[index], labels[index], positions, example.seed)
        batch["labels"] = torch.from_numpy(labels)
        return batch

    def _mask(self, ids: np.ndarray, labels: np.ndarray, positions: np.ndarray, seed: int) -> None:
        """Masks one row in place, `(length,)`."""
        uniforms = to_uniform(np.random.Philox(key=seed).random_raw(3 * len(positions))).reshape(-1, 3)
        chosen = uniforms[:, 0] < self.mask_probability
        chosen[np.argmin(uniforms[:, 0])] = True
        positions, actions, words = positions[chosen], uniforms[chosen, 1], uniforms[chosen, 2]
        labels[positions] = ids[positions]
        ids[positions[actions < 0.8]] = self.tokenizer.mask_token_id
        replaced = (actions >= 0.8) & (actions < 0.9)
        ordinals = (words[replaced] * self._ordinary).astype(np.int64)
        ids[positions[replaced]] = ordinals + np.searchsorted(self._ordinary_below, ordinals, side="right")


class RelevanceRankingCollator(PairCollator):
    """Rows of a query with its document and with the negatives (RR), one group after the other.

    Arguments, attributes and errors are those of `PairCollator`.

    Example:
        With the vocabulary of `QueryLanguageModelingCollator`:

        >>> collator = RelevanceRankingCollator(tokenizer)  # doctest: +SKIP
        >>> group = RankingGroup("red house", ["rote haus", "alt"], "en", "de", seed=1, pair="de-en")
        >>> collator([group])  # doctest: +SKIP
        {'input_ids': tensor([[ 2,  6,  7,  3, 11, 12,  3,  0],
                              [ 2,  6,  7,  3, 14,  3,  0,  0]]),
         'attention_mask': tensor([[1, 1, 1, 1, 1, 1, 1, 0],
                                   [1, 1, 1, 1, 1, 1, 0, 0]]),
         'token_type_ids': tensor([[0, 0, 0, 0, 1, 1, 1, 0],
                                   [0, 0, 0, 0, 1, 1, 0, 0]]),
         'global_attention_mask': tensor([[1, 1, 1, 1, 0, 0, 0, 0],
                                          [1, 1, 1, 1, 0, 0, 0, 0]]),
         'labels': tensor([1., 0.])}
    """

    def __call__(self, examples: Sequence[RankingGroup]) -> Batch:
        """Batch of the groups, `(groups * documents, length)` each, labels `(groups * documents,)`.

        Raises:
            ValueError: Groups have different numbers of documents, or none.
        """
        sizes = {len(example.documents) for example in examples}
        if len(sizes) != 1 or 0 in sizes:
            raise ValueError(
                "Groups of a batch must have the same number of documents, at least 1, got "
                f"{', '.join(map(str, sorted(sizes)))}. Batch them apart."
            )
        documents = [document for example in examples for document in example.documents]
        batch = self.pad(self.encode([example.query for example in examples], documents))
        labels = torch.zeros(len(examples), sizes.pop())
        labels[:, 0] = 1.0
        batch["labels"] = labels.flatten()
        return batch


class PretrainingCollator:
    """Batches examples of either objective; those of one batch share it.

    Args:
        tokenizer: As for `QueryLanguageModelingCollator`, like all that follow.
        max_length: See there.
        max_query_length: See there.
        mask_mode: See there.
        mask_probability: See there.
        pad_to_multiple_of: See there.
        global_attention: See there.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int = 512,
        max_query_length: int = 64,
        mask_mode: str = "query",
        mask_probability: float = 0.30,
        pad_to_multiple_of: int = PAD_MULTIPLE,
        global_attention: bool = True,
    ):
        lengths, padding = (max_length, max_query_length), (pad_to_multiple_of, global_attention)
        self.collators = {
            "qlm": QueryLanguageModelingCollator(tokenizer, *lengths, mask_mode, mask_probability, *padding),
            "rr": RelevanceRankingCollator(tokenizer, *lengths, *padding),
        }

    def __call__(self, examples: Sequence[QueryDocument | RankingGroup]) -> Batch:
        """Batch of the examples, as the collator of their objective makes it.

        Raises:
            ValueError: They have different objectives.
        """
        objectives = {example.objective for example in examples}
        if len(objectives) != 1:
            raise ValueError(
                f"Examples of a batch must have one objective, got {', '.join(sorted(objectives))}. "
                "Let the examples of a step be a multiple of those of a batch."
            )
        return self.collators[objectives.pop()](examples)

    def counts(self) -> dict[str, int]:
        """Counts of both objectives together; see `PairCollator.counts`."""
        qlm, rr = (collator.counts() for collator in self.collators.values())
        return {name: count + rr[name] for name, count in qlm.items()}
