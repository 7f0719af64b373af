"""Tokens, masks and groups against batches of the code released in 2021."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertTokenizer

from xlretrieval.data.collators import IGNORE_INDEX, QueryLanguageModelingCollator, RelevanceRankingCollator
from xlretrieval.data.examples import QueryDocument, RankingGroup
from xlretrieval.data.tokenization import tokenize


def masked(query: str, document: str, seed: int = 0) -> QueryDocument:
    return QueryDocument(query, document, "en", "de", seed=seed, pair="de-en")


def ranked(query: str, documents: list[str], seed: int = 0) -> RankingGroup:
    return RankingGroup(query, documents, "en", "de", seed=seed, pair="de-en")


def unmasked(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Input ids as they were before masking."""
    return torch.where(batch["labels"] == IGNORE_INDEX, batch["input_ids"], batch["labels"])


@pytest.fixture(scope="module")
def released(oracle: Path) -> tuple[BertTokenizer, dict, Path]:
    folder = oracle / "collators"
    tokens = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    tokenizer = BertTokenizer(vocab={token: index for index, token in enumerate(tokens)})
    return tokenizer, np.load(folder / "collate.npz"), folder


# It parsed "[SEP]" and "[MASK]" in a text as special tokens. That is the fifth example, and ours are other ids there.
LITERAL_SPECIALS = "[MASK]"


def test_tokens_are_those_of_the_released_code(released: tuple) -> None:
    tokenizer, _, folder = released
    for entry in json.loads((folder / "tokenize.json").read_text()):
        if "[" not in entry["text"]:
            assert tokenize(tokenizer, [entry["text"]], [10_000]) == [entry["ids"][1:-1]]


def check_against_released(batch: dict[str, torch.Tensor], golden: dict, key: str, rows: Sequence[int]) -> None:
    """Compares masks and token types. Two differences are deliberate.

    Ours is padded to the longest row, theirs to the maximum; theirs has one mask of 0 (padding), 1 and 2 (global)
    where ours has an attention mask and a global attention mask.
    """
    width = batch["input_ids"].shape[1]
    for row in rows:
        mask = golden[f"{key}/attention_mask"][row]
        assert not mask[width:].any()
        assert batch["attention_mask"][row].tolist() == (mask[:width] > 0).tolist()
        if "global_attention_mask" in batch:
            assert batch["global_attention_mask"][row].tolist() == (mask[:width] == 2).tolist()
        else:
            assert mask.max() == 1
        types = golden[f"{key}/token_type_ids"][row][:width]
        assert batch["token_type_ids"][row].tolist() == types.tolist()


@pytest.mark.parametrize(("length", "is_global"), itertools.product((64, 128), (0, 1)))
def test_ranking_batches_are_those_of_the_released_code(released: tuple, length: int, is_global: int) -> None:
    tokenizer, golden, folder = released
    examples = json.loads((folder / "examples.json").read_text())["EX"]
    groups = [ranked(queries[0], documents) for _, _, _, queries, documents, _ in examples]
    collator = RelevanceRankingCollator(tokenizer, length, max_query_length=32, global_attention=bool(is_global))
    batch, key = collator(groups), f"rr/ex_L{length}/glb{is_global}"
    same = [row for row in range(10) if LITERAL_SPECIALS not in groups[row // 2].query]
    assert len(same) == 8
    check_against_released(batch, golden, key, same)
    width = batch["input_ids"].shape[1]
    assert batch["input_ids"][same].tolist() == golden[f"{key}/input_ids"][same, :width].tolist()
    assert batch["labels"].tolist() == golden[f"{key}/labels"].flatten().tolist()


def test_long_pairs_are_those_of_the_released_code_under_its_cut_of_the_query(released: tuple) -> None:
    tokenizer, golden, folder = released
    examples = json.loads((folder / "examples.json").read_text())["EXT"]
    ids, types = golden["rr/ext_L64/glb1/input_ids"], golden["rr/ext_L64/glb1/token_type_ids"]
    for row, (_, _, _, queries, documents, _) in enumerate(examples):
        # It cut the longer of the two token by token, so the query lost 375 of 406 tokens; ours has a cap.
        cap = int((types[row] == 0).sum()) - 2
        batch = RelevanceRankingCollator(tokenizer, 64, max_query_length=cap)([ranked(queries[0], documents)])
        assert batch["input_ids"][0].tolist() == ids[row].tolist()
        check_against_released(batch, {k: golden[k][row:] for k in golden}, "rr/ext_L64/glb1", [0])
    batch = RelevanceRankingCollator(tokenizer, 1024, max_query_length=1_000)(
        [ranked(queries[0], documents) for _, _, _, queries, documents, _ in examples]
    )
    assert batch["input_ids"].shape == (3, 856)
    assert batch["input_ids"].tolist() == golden["rr/ext_L1024/glb1/input_ids"][:, :856].tolist()
    check_against_released(batch, golden, "rr/ext_L1024/glb1", range(3))


@pytest.mark.parametrize(
    ("mode", "is_global", "probability"), itertools.product(("query", "document", "mixed"), (0, 1), (0.15, 0.3))
)
def test_masked_batches_are_those_of_the_released_code_but_for_the_draws(
    released: tuple, mode: str, is_global: int, probability: float
) -> None:
    tokenizer, golden, folder = released
    examples = json.loads((folder / "examples_qlm.json").read_text())
    key = f"qlm/{mode}/glb{is_global}/p{probability}"
    collator = QueryLanguageModelingCollator(
        tokenizer, 64, 32, mode, mask_probability=probability, global_attention=bool(is_global)
    )
    same = [row for row, example in enumerate(examples) if LITERAL_SPECIALS not in example[3][0]]
    assert len(same) == 4
    batches = [
        collator([masked(queries[0], documents[0], seed) for _, _, _, queries, documents, _ in examples])
        for seed in range(60)
    ]
    width = batches[0]["input_ids"].shape[1]
    ids, labels = (golden[f"{key}/{name}"][same, :width] for name in ("input_ids", "labels"))
    assert (golden[f"{key}/labels"][:, width:] == IGNORE_INDEX).all()
    before = np.where(labels == IGNORE_INDEX, ids, labels)
    eligible = np.zeros_like(before, dtype=bool)
    for batch in batches:
        check_against_released(batch, golden, key, same)
        assert unmasked(batch)[same].tolist() == before.tolist()
        eligible |= (batch["labels"][same] != IGNORE_INDEX).numpy()
    assert not ((labels != IGNORE_INDEX) & ~eligible).any()  # what it masked, we may mask
    sides = {"query": (0,), "document": (1,), "mixed": (0, 1)}[mode]
    types, text = golden[f"{key}/token_type_ids"][same, :width], ~np.isin(before, (0, 2, 3))
    assert (eligible == (np.isin(types, sides) & text)).all()  # all text of the side, and nothing else
    if mode == "mixed":  # it masked each side as the mode for that side alone does
        alone = [golden[f"qlm/{side}/glb{is_global}/p{probability}/labels"] for side in ("query", "document")]
        assert (golden[f"{key}/labels"] == np.maximum(*alone)).all()
