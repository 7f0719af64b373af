"""How tokenizers frame one text and join two."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from transformers import BertTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from xlretrieval.data.collators import QueryLanguageModelingCollator, RelevanceRankingCollator
from xlretrieval.data.templates import pair_template, text_template


def encode_pair(
    tokenizer: PreTrainedTokenizerBase,
    query_ids: Sequence[int],
    document_ids: Sequence[int],
    max_length: int,
    max_query_length: int,
) -> tuple[list[int], list[int], int]:
    template = pair_template(tokenizer)
    template.check_lengths(max_length, max_query_length)
    row = template.join(query_ids, document_ids, max_length, max_query_length)
    return row.ids, row.token_type_ids, row.number_of_global


def test_pairs_are_joined_literally(bert: PreTrainedTokenizerBase, xlm_roberta: PreTrainedTokenizerBase) -> None:
    query, document = [10, 11, 12], [20, 21, 22, 23]
    assert encode_pair(bert, query, document, 8, 2) == ([2, 10, 11, 3, 20, 21, 22, 3], [0, 0, 0, 0, 1, 1, 1, 1], 4)
    assert encode_pair(xlm_roberta, query, document, 8, 2) == ([0, 10, 11, 2, 2, 20, 21, 2], [0] * 8, 4)
    assert encode_pair(bert, [], [20], 8, 2) == ([2, 3, 20, 3], [0, 0, 1, 1], 2)
    for tokenizer in (bert, xlm_roberta):  # as the tokenizer itself joins them
        query, document = (
            tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("red house", "das haus")
        )
        whole = tokenizer("red house", "das haus", return_token_type_ids=True)
        assert encode_pair(tokenizer, query, document, 64, 32)[:2] == (whole["input_ids"], whole["token_type_ids"])


def test_a_pair_wants_room_for_a_document(bert: PreTrainedTokenizerBase) -> None:
    with pytest.raises(ValueError, match="max_length must leave room for a document"):
        encode_pair(bert, [10], [20], max_length=67, max_query_length=64)
    assert len(encode_pair(bert, [10] * 99, [20] * 99, max_length=68, max_query_length=64)[0]) == 68


def test_an_empty_document_is_still_a_pair(
    bert: PreTrainedTokenizerBase, xlm_roberta: PreTrainedTokenizerBase
) -> None:
    # tokenizer("ab", "") may leave out the second separator; such a document would be scored as a single text.
    assert encode_pair(bert, [10], [], 8, 2) == ([2, 10, 3, 3], [0, 0, 0, 1], 3)
    assert encode_pair(xlm_roberta, [10], [], 8, 2) == ([0, 10, 2, 2, 2], [0] * 5, 3)


def test_what_is_cut_is_told(bert: PreTrainedTokenizerBase) -> None:
    template = pair_template(bert)
    rows = [template.join([10] * query, [20] * document, 9, 3) for query, document in ((3, 3), (4, 3), (3, 4), (2, 4))]
    assert [(row.truncated_query, row.truncated) for row in rows] == [
        (False, False),
        (True, False),
        (False, True),
        (False, False),
    ]
    assert (rows[3].query, rows[3].document) == (range(1, 3), range(4, 8))


def test_texts_are_framed_literally(bert: PreTrainedTokenizerBase, xlm_roberta: PreTrainedTokenizerBase) -> None:
    row = text_template(bert).frame([10, 11, 12], 4)
    assert (row.ids, row.token_type_ids, row.truncated) == ([2, 10, 11, 3], [0] * 4, True)
    row = text_template(xlm_roberta).frame([10, 11, 12], 5)
    assert (row.ids, row.token_type_ids, row.truncated) == ([0, 10, 11, 12, 2], [0] * 5, False)
    assert text_template(bert).frame([], 4).ids == [2, 3]
    with pytest.raises(ValueError, match="max_length must leave room for a text beside 2 special tokens, got 2"):
        text_template(bert).check_length(2)


def test_a_tokenizer_must_join_pairs_and_have_a_mask(tiny: BertTokenizer) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    backend = Tokenizer(models.WordLevel({"<unk>": 0, "a": 1, "b": 2, "<sep>": 3}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    with pytest.raises(ValueError, match="must put its separator '<sep>' between two texts, got the ids"):
        RelevanceRankingCollator(PreTrainedTokenizerFast(tokenizer_object=backend, sep_token="<sep>"))
    unpadded = BertTokenizer(vocab=tiny.vocab)
    unpadded.pad_token = None
    with pytest.raises(ValueError, match="must have a padding token"):
        RelevanceRankingCollator(unpadded)
    unmasking = BertTokenizer(vocab=tiny.vocab)
    unmasking.mask_token = None
    RelevanceRankingCollator(unmasking)
    with pytest.raises(ValueError, match="must have a mask token for QLM"):
        QueryLanguageModelingCollator(unmasking)
