"""Questions to windows and batches: literal rows, answers on boundaries, and every place an answer can be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from xlretrieval.data.answers.questions import Question
from xlretrieval.data.context_tokens import tokenize_contexts
from xlretrieval.data.question_collator import QuestionCollator
from xlretrieval.data.question_features import NONE, PART, QuestionFeatures

CONTEXT = "the river is in the city. the house is red and blue."


@pytest.fixture(scope="session")
def wordpiece(wordpiece_folder: Path):
    return AutoTokenizer.from_pretrained(wordpiece_folder)


@pytest.fixture(scope="session")
def unigram(unigram_folder: Path):
    return AutoTokenizer.from_pretrained(unigram_folder)


def fast_tokenizer(backend, template: str, special: dict[str, str]):
    """A tokenizer of transformers around one of `tokenizers`."""
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    backend.add_special_tokens(list(special.values()))
    ids = [(token, backend.token_to_id(token)) for token in dict.fromkeys(special.values())]
    backend.post_processor = TemplateProcessing(single=template.split(" $B")[0], pair=template, special_tokens=ids)
    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)


@pytest.fixture(scope="session")
def bytelevel():
    """As ModernBERT's: bytes, of which a letter beyond ASCII takes several, and the space belongs to the next word."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = {piece: place for place, piece in enumerate([*letters, "re", "red", "\u0120r", "\u0120red"])}
    merges = [("r", "e"), ("re", "d"), ("\u0120", "r"), ("\u0120", "red")]
    backend = Tokenizer(models.BPE(vocab=pieces, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    return fast_tokenizer(backend, "[CLS] $A [SEP] $B [SEP]", special)


@pytest.fixture(scope="session")
def bytefallback():
    """As mmBERT's: pieces with the space before them, bytes for what has no piece, `<bos> a <eos> b <eos>`."""
    from tokenizers import Tokenizer, models, normalizers

    pieces = [*(f"<0x{byte:02X}>" for byte in range(256)), "\u2581", *"abcdehirtwxyz.,3", "re", "red", "\u2581red"]
    merges = [("r", "e"), ("re", "d"), ("\u2581", "red")]
    vocabulary = {piece: place for place, piece in enumerate(["<unk>", *pieces])}
    backend = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges, byte_fallback=True, unk_token="<unk>", fuse_unk=True)
    )
    backend.normalizer = normalizers.Replace(" ", "\u2581")
    special = {"cls_token": "<bos>", "sep_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
    return fast_tokenizer(backend, "<bos> $A <eos> $B <eos>", special)


def asked(context: str, answer: str | None, question: str = "is it red?", start: int | None = None) -> Question:
    if answer is None:
        return Question("q", question, context, (), ())
    return Question("q", question, context, (answer,), (context.index(answer) if start is None else start,))


def span(features: QuestionFeatures, index: int, tokenizer) -> list[str]:
    window = features[index]
    return tokenizer.convert_ids_to_tokens(window.row.ids[window.start : window.end + 1])


def test_a_literal_row(wordpiece) -> None:
    features = QuestionFeatures(wordpiece, [asked(CONTEXT, "red and blue")], 32, 4, 8)
    window = features[0]
    assert wordpiece.convert_ids_to_tokens(window.row.ids) == (
        "[CLS] is it red ? [SEP] the river is in the city . the house is red and blue . [SEP]".split()
    )
    assert (window.start, window.end, window.row.number_of_global) == (16, 18, 6)
    assert window.row.token_type_ids == [0] * 6 + [1] * 15
    assert features.row_lengths().tolist() == [21] and features.document_starts(np.array([0])).tolist() == [6]
    assert features.counts["windows"] == 1 and features.lost == features.unaligned == []


def test_a_batch_of_the_long_encoder(wordpiece) -> None:
    questions = [asked(CONTEXT, "city"), Question("r", "red", "the house", (), ())]
    features = QuestionFeatures(wordpiece, questions, 32, 4, 8)
    batch = QuestionCollator(wordpiece, 32, global_attention=True)([features[0], features[1]])
    assert batch["input_ids"].shape == (2, 24)
    assert batch["attention_mask"].sum(1).tolist() == [21, 6]
    assert batch["global_attention_mask"].tolist() == [[1] * 6 + [0] * 18, [1] * 3 + [0] * 21]
    assert (batch["start_positions"].tolist(), batch["end_positions"].tolist()) == ([11, 0], [11, 0])
    plain = QuestionCollator(wordpiece, 32, global_attention=False)([features[0]])
    assert "global_attention_mask" not in plain


def test_windows_share_the_stride(wordpiece) -> None:
    """11 tokens for the context beside 3 special and 4 of the question; 4 of them are in the window before."""
    features = QuestionFeatures(wordpiece, [asked(CONTEXT, "red and blue")], 18, 4, 4)
    assert list(zip(features.begin.tolist(), features.end.tolist(), strict=True)) == [(0, 11), (7, 14)]
    assert features.answer.tolist() == [[PART, PART], [10, 12]]
    assert span(features, 1, wordpiece) == ["red", "and", "blue"]
    # The first window has "red" alone: neither the answer nor none.
    training = QuestionFeatures(wordpiece, [asked(CONTEXT, "red and blue")], 18, 4, 4, training=True)
    assert len(training) == 1 and training.counts["windows with part of an answer, left out"] == 1
    assert training[0] == features[1]


def test_an_answer_on_the_boundary_is_lost_without_overlap(wordpiece) -> None:
    features = QuestionFeatures(wordpiece, [asked(CONTEXT, "red and blue")], 18, 0, 4)
    assert features.answer.tolist() == [[PART, PART], [PART, PART]]
    assert features.lost == ["q"] and features.counts["answers in no window"] == 1
    assert [(window.start, window.end) for window in (features[0], features[1])] == [(0, 0), (0, 0)]


def test_an_impossible_question(wordpiece) -> None:
    features = QuestionFeatures(wordpiece, [asked(CONTEXT, None)], 18, 4, 4, training=True)
    assert features.answer.tolist() == [[NONE, NONE]] * 2
    assert (features[0].start, features[0].end, features.counts["impossible"], features.lost) == (0, 0, 1, [])


def test_a_language_without_spaces() -> None:
    from transformers import BertTokenizer

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"莱茵河长发源于阿尔卑斯山公里有多？，。", "1230"]
    tokenizer = BertTokenizer(vocab={piece: place for place, piece in enumerate(pieces)})
    context = "莱茵河长1230公里，发源于阿尔卑斯山。"
    features = QuestionFeatures(tokenizer, [asked(context, "阿尔卑斯山", "有多长？")], 20, 5, 4)
    assert span(features, len(features) - 1, tokenizer) == list("阿尔卑斯山")
    number = QuestionFeatures(tokenizer, [asked(context, "长1230", "有多长？")], 32, 5, 4)
    # "1230公里" is one run of characters, but the Chinese ones are tokens of their own.
    assert span(number, 0, tokenizer) == ["长", "1230"] and number.unaligned == []


def test_an_answer_inside_a_token_is_counted(wordpiece) -> None:
    features = QuestionFeatures(wordpiece, [asked("the blue house", "lue")], 32, 4, 8)
    assert span(features, 0, wordpiece) == ["blue"] and features.unaligned == ["q"]


def test_the_space_before_a_word_is_not_the_word(unigram) -> None:
    context = "the  red house"
    tokens = tokenize_contexts(unigram, [context])[0]
    shown = [context[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True)]
    assert [text for text in shown if text] == ["the", "red", "house"]
    assert not any(text != text.strip() for text in shown)


def test_a_letter_of_several_bytes_is_found_and_whole(bytelevel, bytefallback) -> None:
    for tokenizer in (bytelevel, bytefallback):
        features = QuestionFeatures(tokenizer, [asked("red 莱茵河 red", "茵")], 40, 8, 8)
        window = features[0]
        assert window.end - window.start == 2 and features.unaligned == []  # three bytes
        features = QuestionFeatures(tokenizer, [asked("the red red", "red", start=8)], 40, 8, 8)
        assert len(span(features, 0, tokenizer)) == 1 and features.unaligned == []  # with the space before it


def test_marks_that_the_tokenizer_strips_belong_to_their_letter(wordpiece) -> None:
    context = "the cite\u0301\u200d is red"
    features = QuestionFeatures(wordpiece, [asked(context, "cite\u0301\u200d")], 40, 8, 8)
    assert span(features, 0, wordpiece) == ["c", "##i", "##t", "##e"] and features.unaligned == []


def test_special_tokens_in_a_text_stay_text(unigram, wordpiece) -> None:
    for tokenizer, text in ((unigram, "red </s> blue"), (wordpiece, "red [SEP] blue")):
        tokens = tokenize_contexts(tokenizer, [text])[0]
        assert tokenizer.sep_token_id not in tokens.ids.tolist()
        assert (text[tokens.starts[0] : tokens.ends[0]], text[tokens.starts[-1] : tokens.ends[-1]]) == ("red", "blue")


def test_a_question_is_cut_to_its_cap(wordpiece) -> None:
    features = QuestionFeatures(wordpiece, [asked(CONTEXT, "city", "is it red and blue?")], 32, 4, 3)
    assert wordpiece.convert_ids_to_tokens(features[0].row.ids)[:5] == ["[CLS]", "is", "it", "red", "[SEP]"]
    assert features.counts["questions cut"] == 1


WORDS = st.lists(
    st.sampled_from("the red  blue city. xyz zzzz, 3 water été 莱茵河 🏞️ النهر".split(" ")), min_size=1, max_size=40
)


@settings(max_examples=100, deadline=None)
@given(words=WORDS, data=st.data())
@pytest.mark.parametrize("kind", ["wordpiece", "unigram", "bytelevel", "bytefallback"])
def test_an_answer_no_longer_than_the_stride_is_whole_somewhere(kind: str, words: list[str], data, request) -> None:
    tokenizer = request.getfixturevalue(kind)
    context = " ".join(words)
    if not context.strip():
        return
    visible = [place for place, character in enumerate(context) if not character.isspace()]
    start = data.draw(st.sampled_from(visible))
    end = data.draw(st.sampled_from([place for place in visible if place >= start])) + 1
    stride = data.draw(st.integers(0, 9))
    features = QuestionFeatures(tokenizer, [asked(context, context[start:end], "red", start)], 22, stride, 8)
    tokens = features.contexts[0]
    # Windows cover the context without a gap, and share as many tokens as they should.
    assert features.begin[0] == 0 and features.end[-1] == len(tokens.ids)
    assert (features.end[:-1] - features.begin[1:] == stride).all()
    assert features.row_lengths().max() <= 22
    first, last = tokens.find(start, end)
    covered = context[tokens.starts[first] : tokens.ends[last]]
    assert context[start:end] in covered and (covered == context[start:end]) == (features.unaligned == [])
    if last - first + 1 <= stride:
        assert features.lost == []
    for index in range(len(features)):
        window = features[index]
        if window.start:
            begin = features.begin[index] - window.row.document.start
            assert (window.start + begin, window.end + begin) == (first, last)
            assert window.row.ids[window.start : window.end + 1] == tokens.ids[first : last + 1].tolist()


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ((32, 21, 8), "stride must be from 0 to 20, .*got 21"),
        ((32, -1, 8), "stride must be from 0 to 20, .*got -1"),
        ((11, 0, 8), "max_length must leave room for a document beside 8 query tokens and 3 special ones, got 11"),
    ],
)
def test_lengths_that_leave_no_room(lengths: tuple[int, int, int], message: str, wordpiece) -> None:
    with pytest.raises(ValueError, match=message):
        QuestionFeatures(wordpiece, [asked(CONTEXT, "city")], *lengths)
