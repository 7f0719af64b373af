"""Ids by words are those of the whole text, whatever it holds and whatever happens to the tokenizer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken
from transformers import BertTokenizer

from xlretrieval.data import word_cache
from xlretrieval.data.tokenization import token_ids
from xlretrieval.data.word_cache import WordCache

PIECES = [*"abcdefghijklmnopqrstuvwxyzABCé水家.,'-", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyzé0123456789")]
VOCABULARY = {piece: number for number, piece in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PIECES])}
TEXTS = [
    "a house, an old house",
    "Éa é\u0301 ",
    "水家 a",
    "[MASK] [SEP]b",
    "",
    "  a\n\nb\tc ",
    "x" * 200,
    "don't -- b",
]


def tokenizer_of(lower: bool) -> BertTokenizer:
    return BertTokenizer(vocab=VOCABULARY, do_lower_case=lower)


def whole(tokenizer: BertTokenizer, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]


LOWER, CASED = tokenizer_of(True), tokenizer_of(False)
awkward = st.sampled_from(list(" \n\t\r\u00a0\u2028\u3000\x1c\x85\u200b\u0301\ufeff\x00\ufffdΣσςİßﬁ") + TEXTS)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.one_of(st.characters(exclude_categories=["Cs"]), awkward)).map("".join), max_size=4))
def test_any_text(texts: list[str]) -> None:
    for tokenizer in (LOWER, CASED):
        cache = WordCache(tokenizer.backend_tokenizer)
        tokenizer.backend_tokenizer.encode_special_tokens = True
        tokenizer.backend_tokenizer.no_truncation()
        for _ in range(2):  # worked out, then remembered
            assert cache.encode(texts) == [whole(tokenizer, text) for text in texts]


def test_serves_bert_and_nothing_else(bert, xlm_roberta) -> None:
    assert isinstance(word_cache.word_cache(bert), WordCache)
    assert word_cache.word_cache(bert) is word_cache.word_cache(bert)
    assert word_cache.word_cache(xlm_roberta) is None


def test_a_changed_tokenizer_forgets() -> None:
    tokenizer = tokenizer_of(True)
    assert token_ids(tokenizer, ["A zeta é"]) == [whole(tokenizer, "A zeta é")]
    tokenizer.backend_tokenizer.normalizer = tokenizer_of(False).backend_tokenizer.normalizer
    assert token_ids(tokenizer, ["A zeta é"]) == [whole(tokenizer, "A zeta é")]
    tokenizer.backend_tokenizer.model.max_input_chars_per_word = 3
    assert token_ids(tokenizer, ["A zeta é"]) == [whole(tokenizer, "A zeta é")]
    tokenizer.add_tokens(["a"])  # which is there already, and is now found in words
    assert token_ids(tokenizer, ["ba zeta"]) == [whole(tokenizer, "ba zeta")]
    tokenizer.add_tokens([AddedToken("zeta", single_word=True), AddedToken("old house")])
    texts = ["a zeta b", "an old house", "azeta"]
    assert token_ids(tokenizer, texts) == [whole(tokenizer, text) for text in texts]
    assert len(tokenizer) - 1 in token_ids(tokenizer, ["an old house"])[0]
    assert word_cache.word_cache(tokenizer) is None


def test_keeps_a_bounded_number_of_words_and_none_of_texts_without_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = WordCache(CASED.backend_tokenizer)
    cache.encode(["水" * 500, "a b"])
    assert set(cache._words) == {"a", "b"}
    monkeypatch.setattr(word_cache, "MAX_KEPT", 20)
    for start in range(0, 400, 10):
        texts = [" ".join(map(str, range(start, start + 10)))]
        assert cache.encode(texts) == [whole(CASED, texts[0])]
        assert len(cache._words) <= 30
    cache = WordCache(LOWER.backend_tokenizer)
    cache.encode([" ".join(chr(0x300 + n) for n in range(15))])  # no ids at all, but words
    assert cache._kept >= 15
    cache.encode(["a b " * 50 + "x" * 300])
    assert max(map(len, cache._words)) < 100


def test_threads_may_share_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_cache, "MAX_KEPT", 50)
    cache = WordCache(CASED.backend_tokenizer)
    texts = [" ".join(map(str, range(start, start + 20))) for start in range(0, 300, 7)]
    expected = [whole(CASED, text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: [cache.encode([text])[0] for text in texts], range(20)):
            assert found == expected
