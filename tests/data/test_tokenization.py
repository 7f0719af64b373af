"""Texts to token ids: nothing in a text becomes a special token, and long texts cost little."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import BatchEncoding, BertTokenizer, PreTrainedTokenizerBase

from xlretrieval.data import tokenization
from xlretrieval.data.collators import RelevanceRankingCollator
from xlretrieval.data.examples import RankingGroup
from xlretrieval.data.templates import pair_template
from xlretrieval.data.tokenization import token_ids, tokenize


def ranked(query: str, documents: list[str], seed: int = 0) -> RankingGroup:
    return RankingGroup(query, documents, "en", "de", seed=seed, pair="de-en")


def words(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> str:
    return " ".join(tokenizer.convert_ids_to_tokens(list(ids)))


@pytest.mark.parametrize(
    ("query", "document"),
    [("red [SEP] house [MASK]", "[CLS] haus [PAD]"), ("red </s> house <mask>", "<s>haus</s> <pad>")],
)
def test_special_tokens_in_a_text_are_text(
    bert: PreTrainedTokenizerBase, xlm_roberta: PreTrainedTokenizerBase, query: str, document: str
) -> None:
    for tokenizer in (bert, xlm_roberta):
        ids = RelevanceRankingCollator(tokenizer)([ranked(query, [document])])["input_ids"][0].tolist()
        template = pair_template(tokenizer)
        placed = [token for token, _ in (*template.prefix, *template.middle, *template.suffix)]
        special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id, tokenizer.pad_token_id}
        assert [token for token in ids if token in special] == placed
        assert (
            words(tokenizer, ids).split().index(words(tokenizer, placed[1:2])) > 3
        )  # both words of the query are before


def test_a_special_token_in_a_text_is_spelled_out(bert: PreTrainedTokenizerBase) -> None:
    row = RelevanceRankingCollator(bert)([ranked("red [SEP]", ["haus"])])["input_ids"][0]
    assert (
        words(bert, row[:10]) == "[CLS] red [UNK] s ##e ##p [UNK] [SEP] haus [SEP]"
    )  # [ and ] are not in the vocabulary


@pytest.mark.parametrize(
    "text", ["house", "house ", " ", "a", "水", "[SEP]", "</s>", "river.,? " * 40 + "x" * 300 + " "]
)
def test_a_line_of_200_000_characters_gives_the_same_tokens(
    bert: PreTrainedTokenizerBase, xlm_roberta: PreTrainedTokenizerBase, text: str
) -> None:
    text = (text * 200_000)[:200_000]
    for tokenizer in (bert, xlm_roberta):
        if tokenizer is xlm_roberta and " " not in text[:400]:
            continue  # the whole is one word to a Unigram model, which may cut it elsewhere near the end
        collator = RelevanceRankingCollator(tokenizer, max_length=128, max_query_length=32)
        whole = token_ids(tokenizer, [text])[0]
        batch = collator([ranked(text, [text])])
        expected = pair_template(tokenizer).join(whole, whole, 128, 32).ids
        assert batch["input_ids"][0, : len(expected)].tolist() == expected
        room = 128 - pair_template(tokenizer).specials - min(32, len(whole))
        assert collator.counts()["truncated_documents"] == (len(whole) > room)


def test_the_tokenizer_sees_little_of_a_long_text(tiny: BertTokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenized: list[int] = []

    def watched(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
        tokenized.extend(map(len, texts))
        return token_ids(tokenizer, texts)

    monkeypatch.setattr(tokenization, "token_ids", watched)
    RelevanceRankingCollator(tiny)([ranked("red house " * 20_000, ["das haus " * 20_000, "alt"])])
    assert tokenized == [8 * (64 + 100), 8 * (509 + 100), 3]


def test_long_texts_raise_no_warning(tiny: BertTokenizer, caplog: pytest.LogCaptureFixture) -> None:
    tokenizer = BertTokenizer(vocab=tiny.vocab, model_max_length=16)
    RelevanceRankingCollator(tokenizer)([ranked("red " * 50, ["haus " * 900])])
    assert not caplog.records


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(
        st.tuples(
            st.sampled_from(["house", "xyz", "水", "x" * 99, "x" * 101, "x" * 250, ".", " " * 50]), st.integers(1, 60)
        ),
        max_size=12,
    ),
    wanted=st.integers(1, 40),
)
def test_cutting_a_text_before_tokenizing_changes_no_token(pieces: list, wanted: int, bert) -> None:
    text = " ".join(" ".join([piece] * count) for piece, count in pieces)
    whole, found = token_ids(bert, [text])[0], tokenize(bert, [text], [wanted])[0]
    assert found[:wanted] == whole[:wanted]
    assert (len(found) > wanted) == (len(whole) > wanted)


PIECES = st.sampled_from(
    ["red", "House", " ", "  ", "\n", "[SEP]", "</s>", "<mask>", "haus", "ü", "水", "\u200b", "x" * 120, "."]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=30), max_size=5))
def test_ids_are_those_of_the_tokenizer(
    bert: PreTrainedTokenizerBase, xlm_roberta: PreTrainedTokenizerBase, texts: list[str]
) -> None:
    for tokenizer in (bert, xlm_roberta):
        reserved = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
        asked = tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"] if texts else []
        expected = [[tokenizer.unk_token_id if id_ in reserved else id_ for id_ in row] for row in asked]
        assert token_ids(tokenizer, texts) == expected


def test_what_was_asked_before_does_not_matter(bert: PreTrainedTokenizerBase) -> None:
    texts = ["red house is old", "haus", "red [SEP] house"]
    before = token_ids(bert, texts)
    cut = bert(texts, truncation=True, max_length=4, padding="max_length")["input_ids"]
    assert [len(row) for row in cut] == [4, 4, 4]
    assert token_ids(bert, texts) == before
    assert bert(texts, truncation=True, max_length=4, padding="max_length")["input_ids"] == cut


def test_a_tokenizer_that_changes_texts_itself_is_asked(bert: PreTrainedTokenizerBase) -> None:
    class Reversing(BertTokenizer):
        def __call__(self, text: list[str], **options: bool) -> BatchEncoding:
            return super().__call__([part[::-1] for part in text], **options)

    reversing = Reversing(vocab=bert.get_vocab())
    assert token_ids(reversing, ["der"]) == token_ids(bert, ["red"])
