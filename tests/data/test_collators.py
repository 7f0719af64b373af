"""Batches for QLM and RR: what comes out, what is cut, what is masked."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader
from transformers import BertTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from xlretrieval.data.collators import (
    IGNORE_INDEX,
    PretrainingCollator,
    QueryLanguageModelingCollator,
    RelevanceRankingCollator,
)
from xlretrieval.data.examples import QueryDocument, RankingGroup
from xlretrieval.data.templates import pair_template
from xlretrieval.data.tokenization import token_ids
from xlretrieval.modeling.attention import derive_global_mask


def masked(query: str, document: str, seed: int = 0) -> QueryDocument:
    return QueryDocument(query, document, "en", "de", seed=seed, pair="de-en")


def ranked(query: str, documents: list[str], seed: int = 0) -> RankingGroup:
    return RankingGroup(query, documents, "en", "de", seed=seed, pair="de-en")


def words(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> str:
    return " ".join(tokenizer.convert_ids_to_tokens(list(ids)))


def unmasked(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Input ids as they were before masking."""
    return torch.where(batch["labels"] == IGNORE_INDEX, batch["input_ids"], batch["labels"])


# What comes out


def test_a_masked_batch_literally(tiny: BertTokenizer) -> None:
    collator = QueryLanguageModelingCollator(tiny, pad_to_multiple_of=4)
    batch = collator([masked("the red house is old", "das rote haus", 1), masked("haus", "red house", 2)])
    assert {name: values.tolist() for name, values in batch.items()} == {
        "input_ids": [[2, 5, 6, 7, 4, 9, 3, 10, 11, 12, 3, 0], [2, 4, 3, 6, 7, 3, 0, 0, 0, 0, 0, 0]],
        "attention_mask": [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]],
        "token_type_ids": [[0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]],
        "global_attention_mask": [[1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
        "labels": [[-100, -100, 6, -100, 8] + [-100] * 7, [-100, 12] + [-100] * 10],
    }
    assert {values.dtype for values in batch.values()} == {torch.int64}


def test_a_ranking_batch_literally(tiny: BertTokenizer) -> None:
    batch = RelevanceRankingCollator(tiny)([ranked("red house", ["rote haus", "alt"])])
    assert {name: values.tolist() for name, values in batch.items()} == {
        "input_ids": [[2, 6, 7, 3, 11, 12, 3, 0], [2, 6, 7, 3, 14, 3, 0, 0]],
        "attention_mask": [[1, 1, 1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 1, 0, 0]],
        "token_type_ids": [[0, 0, 0, 0, 1, 1, 1, 0], [0, 0, 0, 0, 1, 1, 0, 0]],
        "global_attention_mask": [[1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0]],
        "labels": [1.0, 0.0],
    }
    assert batch["labels"].dtype == torch.float32


def test_groups_stand_one_after_the_other_positives_first(tiny: BertTokenizer) -> None:
    groups = [ranked("red", ["rote", "alt", "haus"]), ranked("old", ["alt", "das", "ist"])]
    batch = RelevanceRankingCollator(tiny)(groups)
    assert batch["labels"].tolist() == [1, 0, 0, 1, 0, 0]
    assert [words(tiny, row[[1, 3]]) for row in batch["input_ids"]] == [
        "red rote",
        "red alt",
        "red haus",
        "old alt",
        "old das",
        "old ist",
    ]


def test_native_encoders_get_no_global_attention_mask(tiny: BertTokenizer) -> None:
    batch = RelevanceRankingCollator(tiny, global_attention=False)([ranked("red", ["rote"])])
    assert list(batch) == ["input_ids", "attention_mask", "token_type_ids", "labels"]


def test_xlm_roberta_has_two_separators_and_no_token_types(xlm_roberta: PreTrainedTokenizerBase) -> None:
    collator = RelevanceRankingCollator(xlm_roberta, max_length=12, max_query_length=2)
    batch = collator([ranked("red house the", ["rot haus", "fluss"])])
    assert list(batch) == ["input_ids", "attention_mask", "global_attention_mask", "labels"]
    assert [words(xlm_roberta, row) for row in batch["input_ids"]] == [
        "<s> ▁red ▁house </s> </s> ▁rot ▁haus </s>",
        "<s> ▁red ▁house </s> </s> ▁fluss </s> <pad>",
    ]
    assert batch["attention_mask"].tolist() == [[1] * 8, [1] * 7 + [0]]
    assert batch["global_attention_mask"].tolist() == [[1, 1, 1, 1, 0, 0, 0, 0]] * 2
    template = pair_template(xlm_roberta)
    assert (template.specials, template.first_separator) == (4, 0)


def test_a_modernbert_like_tokenizer_has_no_token_types(tiny: BertTokenizer) -> None:
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tiny.backend_tokenizer,
        model_input_names=["input_ids", "attention_mask"],
        **{f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")},
    )
    batch = QueryLanguageModelingCollator(tokenizer)([masked("red house", "haus")])
    assert list(batch) == ["input_ids", "attention_mask", "global_attention_mask", "labels"]
    assert unmasked(batch).tolist() == [[2, 6, 7, 3, 12, 3, 0, 0]]


def test_the_model_derives_the_same_global_tokens(
    bert: PreTrainedTokenizerBase, xlm_roberta: PreTrainedTokenizerBase
) -> None:
    for tokenizer in (bert, xlm_roberta):
        batch = PretrainingCollator(tokenizer)([masked("red house [SEP] </s>", "das haus"), masked("river", "")])
        derived = derive_global_mask(batch["input_ids"], batch["attention_mask"].bool(), tokenizer.sep_token_id)
        assert derived.long().tolist() == batch["global_attention_mask"].tolist()


@pytest.mark.parametrize(("longest", "width"), [(3, 8), (5, 8), (6, 16), (13, 16), (14, 18), (40, 18)])
def test_rows_are_padded_to_the_longest_and_never_beyond_max_length(
    tiny: BertTokenizer, longest: int, width: int
) -> None:
    collator = RelevanceRankingCollator(tiny, max_length=18, max_query_length=4)
    assert collator([ranked("", ["haus " * longest, "alt"])])["input_ids"].shape == (2, width)


# Truncation


def test_the_document_gives_way_and_what_is_cut_is_counted(tiny: BertTokenizer) -> None:
    collator = PretrainingCollator(tiny, max_length=12, max_query_length=5)
    batch = collator([masked("the red house is old", "das rote haus ist alt"), masked("red", "das " * 8)])
    assert [words(tiny, row) for row in unmasked(batch)] == [
        "[CLS] the red house is old [SEP] das rote haus ist [SEP]",
        "[CLS] red [SEP] das das das das das das das das [SEP]",
    ]
    assert collator.counts() == {"examples": 2, "tokens": 24, "truncated_queries": 0, "truncated_documents": 1}
    batch = collator([ranked("the red house is old red", ["das", "alt " * 5])])
    assert words(tiny, batch["input_ids"][1]) == "[CLS] the red house is old [SEP] alt alt alt alt [SEP]"
    counts = collator.counts()
    assert (counts["examples"], counts["truncated_queries"], counts["truncated_documents"]) == (4, 2, 2)


def test_a_query_is_cut_at_its_cap_whatever_the_document(tiny: BertTokenizer) -> None:
    for cap, query_length, document_length in itertools.product((1, 3, 8), (1, 3, 8, 20), (0, 1, 50)):
        collator = RelevanceRankingCollator(tiny, max_length=12, max_query_length=cap)
        row = collator([ranked("red " * query_length, ["haus " * document_length])])["input_ids"][0].tolist()
        kept = min(cap, query_length)
        assert row.count(tiny.vocab["red"]) == kept
        assert row.count(tiny.vocab["haus"]) == min(document_length, 12 - 3 - kept)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (
            {"max_length": 67},
            "max_length must leave room for a document beside 64 query tokens and 3 special ones, got 67",
        ),
        ({"max_query_length": 0}, "max_query_length must be at least 1, got 0"),
        ({"pad_to_multiple_of": 0}, "pad_to_multiple_of must be at least 1, got 0"),
        ({"mask_mode": "both"}, "mask_mode must be one of query, document, mixed, got 'both'"),
        ({"mask_probability": 0.0}, r"mask_probability must be in \(0, 1\], got 0.0"),
    ],
)
def test_bad_arguments_are_errors(tiny: BertTokenizer, kwargs: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PretrainingCollator(tiny, **kwargs)


def test_batches_that_make_no_sense_are_errors(tiny: BertTokenizer) -> None:
    collator = PretrainingCollator(tiny)
    with pytest.raises(ValueError, match="must have the same number of documents, at least 1, got 1, 2"):
        collator([ranked("red", ["alt"]), ranked("red", ["alt", "haus"])])
    with pytest.raises(ValueError, match="must have the same number of documents, at least 1, got 0"):
        collator([ranked("red", [])])
    with pytest.raises(ValueError, match="must have one objective, got qlm, rr"):
        collator([masked("red", "alt"), ranked("red", ["alt"])])


def test_a_text_without_a_token_is_no_error(tiny: BertTokenizer) -> None:
    for mode in ("query", "document", "mixed"):
        batch = QueryLanguageModelingCollator(tiny, mask_mode=mode)([masked("", " "), masked("red", "alt")])
        assert batch["input_ids"][0].tolist() == [2, 3, 3, 0, 0, 0, 0, 0]
        assert (batch["labels"][0] == IGNORE_INDEX).all()
        assert (batch["labels"][1] != IGNORE_INDEX).any()


# Masks


def many(count: int, tokenizer: PreTrainedTokenizerBase, mode: str, size: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Input ids and labels of many examples of `size` + `size` words."""
    rng = np.random.default_rng(0)
    vocabulary = [word for word in tokenizer.get_vocab() if word.isalpha() and len(word) > 1]
    texts = [" ".join(rng.choice(vocabulary, size)) for _ in range(2 * count)]
    collator = QueryLanguageModelingCollator(tokenizer, max_length=2 * size + 3, max_query_length=size, mask_mode=mode)
    batch = collator([masked(texts[2 * i], texts[2 * i + 1], seed=i + 2**63) for i in range(count)])
    return batch["input_ids"].numpy(), batch["labels"].numpy()


@pytest.mark.parametrize(("mode", "count"), [("query", 2_000), ("document", 2_000), ("mixed", 1_000)])
def test_masking_rates_over_100_000_tokens(bert: PreTrainedTokenizerBase, mode: str, count: int) -> None:
    ids, labels = many(count, bert, mode)
    chosen = labels != IGNORE_INDEX
    assert chosen.sum() / 100_000 == pytest.approx(0.30, abs=0.01)
    assert (ids[chosen] == bert.mask_token_id).mean() == pytest.approx(0.8, abs=0.01)
    replaced = (ids[chosen] != bert.mask_token_id) & (ids[chosen] != labels[chosen])
    ordinary = len(bert) - len(bert.all_special_ids)
    assert replaced.mean() == pytest.approx(0.1 * (1 - 1 / ordinary), abs=0.01)
    counts = np.bincount(ids[chosen][replaced], minlength=len(bert))
    assert counts[bert.all_special_ids].sum() == 0
    assert (counts > 0).sum() == ordinary  # any other token may come
    assert not chosen[:, [0, 51, 102]].any()
    assert chosen[:, 1:51].any() == (mode != "document")
    assert chosen[:, 52:102].any() == (mode != "query")


def test_masks_at_different_places_are_independent(bert: PreTrainedTokenizerBase) -> None:
    _, labels = many(2_000, bert, "query")
    chosen = (labels != IGNORE_INDEX)[:, 1:51].astype(float)
    correlation = np.corrcoef(chosen.T)[np.triu_indices(50, 1)]
    assert abs(correlation).max() < 5 / 2_000**0.5
    assert np.corrcoef(chosen[:-1].ravel(), chosen[1:].ravel())[0, 1] == pytest.approx(0, abs=0.02)


def test_every_row_has_a_label_and_every_token_may_be_it(tiny: BertTokenizer) -> None:
    collator = QueryLanguageModelingCollator(tiny, mask_probability=1e-9)
    batch = collator([masked("the red house is old", "das haus", seed) for seed in range(500)])
    chosen = batch["labels"] != IGNORE_INDEX
    assert (chosen.sum(1) == 1).all()
    assert chosen.sum(0)[1:6].min() > 70
    every = QueryLanguageModelingCollator(tiny, mask_probability=1.0)([masked("the red", "das haus")])
    assert (every["labels"] != IGNORE_INDEX).sum() == 2


@pytest.mark.parametrize("mode", ["query", "document", "mixed"])
def test_masks_follow_from_the_seed_alone(bert: PreTrainedTokenizerBase, mode: str) -> None:
    collator = QueryLanguageModelingCollator(bert, mask_mode=mode, mask_probability=0.5)
    examples = [masked("the river of music " * (1 + i), "das haus ist rot und " * (1 + i % 5), i) for i in range(8)]
    whole = collator(examples)
    for size in (1, 2, 4):
        parts = [collator(examples[start : start + size]) for start in range(0, 8, size)]
        for name, rows in whole.items():
            pieces = [row for part in parts for row in part[name]]
            assert all(torch.equal(row[: len(piece)], piece) for row, piece in zip(rows, pieces, strict=True))
    again = pickle.loads(pickle.dumps(collator))(examples[::-1])
    assert torch.equal(again["labels"].flip(0), whole["labels"])
    assert torch.equal(again["input_ids"].flip(0), whole["input_ids"])
    other = collator([masked(e.query, e.document, e.seed + 8) for e in examples])
    assert not torch.equal(other["labels"], whole["labels"])
    assert torch.equal(unmasked(other), unmasked(whole))


def test_a_longer_limit_keeps_the_masks_of_what_was_there(bert: PreTrainedTokenizerBase) -> None:
    example = masked("the river", "das haus ist rot und blau " * 20, 5)
    short, long = (
        QueryLanguageModelingCollator(bert, max_length=length, max_query_length=8, mask_mode="mixed")([example])
        for length in (40, 80)
    )
    assert torch.equal(short["labels"][0, :39], long["labels"][0, :39])
    assert torch.equal(short["input_ids"][0, :39], long["input_ids"][0, :39])


# Workers


def test_workers_make_the_same_batches_and_count_them(tiny: BertTokenizer) -> None:
    examples = [masked("the red house is old " * 20, "das rote haus " * (1 + i), i) for i in range(12)]
    collator = PretrainingCollator(tiny, max_length=80)
    expected = [collator(examples[start : start + 2]) for start in range(0, 12, 2)]
    counts = collator.counts()
    assert counts["truncated_queries"] == 12 and counts["truncated_documents"] == 8
    loader = DataLoader(examples, 2, collate_fn=collator, num_workers=2, multiprocessing_context="fork")
    for batch, other in zip(loader, expected, strict=True):
        assert {name: values.tolist() for name, values in batch.items()} == {
            name: values.tolist() for name, values in other.items()
        }
    assert collator.counts() == {name: 2 * count for name, count in counts.items()}


# Any text

TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from("the red house das haus [SEP] </s> [MASK] <mask> xyz 水 . \n".split(" ")), max_size=40
    ).map(" ".join),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pairs=st.lists(st.tuples(TEXTS, TEXTS, st.integers(0, 2**64 - 1)), min_size=1, max_size=4),
    cap=st.integers(1, 20),
    room=st.integers(1, 30),
    mode=st.sampled_from(["query", "document", "mixed"]),
    double=st.booleans(),
)
def test_any_text_gives_a_batch_that_holds(
    pairs: list, cap: int, room: int, mode: str, double: bool, bert, xlm_roberta
) -> None:
    tokenizer = xlm_roberta if double else bert
    template = pair_template(tokenizer)
    max_length = cap + room + template.specials
    collator = QueryLanguageModelingCollator(tokenizer, max_length, cap, mode)
    batch = collator([masked(*pair) for pair in pairs])
    ids, labels, length = unmasked(batch), batch["labels"], batch["attention_mask"].sum(1)
    assert ids.shape[1] <= max_length and (ids.shape[1] % 8 == 0 or ids.shape[1] == max_length)
    assert set(ids[batch["attention_mask"] == 0].tolist()) <= {tokenizer.pad_token_id}
    reserved = torch.tensor(sorted(set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}))
    for row, (query, document, _) in enumerate(pairs):
        expected = template.join(*token_ids(tokenizer, [query, document]), max_length, cap)
        number = expected.number_of_global
        assert ids[row, : length[row]].tolist() == expected.ids
        assert batch["global_attention_mask"][row].nonzero().flatten().tolist() == list(range(number))
        assert number == ids[row].tolist().index(tokenizer.sep_token_id) + 1
        if not double:
            assert batch["token_type_ids"][row, : length[row]].tolist() == expected.token_type_ids
        text = ~torch.isin(ids[row], reserved)
        before = torch.arange(ids.shape[1]) < number
        eligible = text & {"query": before, "document": ~before, "mixed": text}[mode]
        chosen = labels[row] != IGNORE_INDEX
        assert not (chosen & ~eligible).any()
        assert chosen.any() == eligible.any()
        assert not torch.isin(
            batch["input_ids"][row, eligible & (batch["input_ids"][row] != ids[row])],
            torch.tensor([token for token in tokenizer.all_special_ids if token != tokenizer.mask_token_id]),
        ).any()
