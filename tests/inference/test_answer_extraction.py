"""Scores to answers: literal cases, the published rules as a slow loop, and gold spans there and back."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer, BertTokenizer, XLMRobertaTokenizer

from xlretrieval.data.answers.loading import load_questions
from xlretrieval.data.answers.questions import Question
from xlretrieval.data.question_collator import QuestionCollator
from xlretrieval.data.question_features import QuestionFeatures
from xlretrieval.evaluation.answers import score_answers
from xlretrieval.inference.answer_extraction import AnswerExtractor, ExtractionOptions

CONTEXT = "the river is in the city. the house is red and blue."
FIRST = 6  # position of the context's first token, after "[CLS] is it red ? [SEP]"


@pytest.fixture(scope="session")
def wordpiece(wordpiece_folder: Path):
    return AutoTokenizer.from_pretrained(wordpiece_folder)


def one_window(wordpiece, answers: tuple[str, ...] = ("city",)) -> QuestionFeatures:
    starts = tuple(CONTEXT.index(answer) for answer in answers)
    return QuestionFeatures(wordpiece, [Question("q", "is it red?", CONTEXT, answers, starts)], 32, 4, 8)


def scores(length: int, **values: float) -> np.ndarray:
    """Scores of 0, but for positions p3=..., which come from the beginning of the context; null is the first token."""
    row = np.zeros((1, length), dtype=np.float32)
    for name, value in values.items():
        row[0, 0 if name == "null" else FIRST + int(name[1:])] = value
    return row


def extract(features: QuestionFeatures, start: np.ndarray, end: np.ndarray, **options):
    extractor = AnswerExtractor(features, ExtractionOptions(**options))
    extractor.add(np.arange(len(features)), start, end)
    return extractor.answers()


def test_the_pair_with_the_highest_sum(wordpiece) -> None:
    answer = extract(one_window(wordpiece), scores(24, p4=3, p8=2), scores(24, p5=3, p1=5, p12=2.5))["q"]
    # p1 ends before the good starts, and p5 is a better end for p4 than p12.
    assert answer.text == "the city"
    assert [(row.text, row.start, row.score) for row in answer.candidates[:4]] == [
        ("the city", 16, 6.0),
        ("the city. the house is red and blue", 16, 5.5),
        ("the river", 0, 5.0),
        ("river", 4, 5.0),
    ]
    assert sum(row.probability for row in answer.candidates) == pytest.approx(1)
    assert len(answer.candidates) == 20


def test_the_longest_answer(wordpiece) -> None:
    start, end = scores(24, p0=5), scores(24, p3=4, p2=3)
    assert extract(one_window(wordpiece), start, end, max_answer_length=4)["q"].text == "the river is in"
    assert extract(one_window(wordpiece), start, end, max_answer_length=3)["q"].text == "the river is"


def test_only_the_best_tokens_are_combined(wordpiece) -> None:
    start, end = scores(24, p5=5, p9=4, p2=3), scores(24, p3=5, p4=4, p6=1)
    assert extract(one_window(wordpiece), start, end, n_best=3)["q"].text == "is in"
    # The two best starts come after the two best ends: no span is left.
    answer = extract(one_window(wordpiece), start, end, n_best=2)["q"]
    assert (answer.text, answer.candidates, answer.null_difference) == ("", (), math.inf)


def test_the_null_threshold(wordpiece) -> None:
    start, end = scores(24, p4=3, null=4), scores(24, p5=3, null=3)
    features = one_window(wordpiece, ())
    answer = extract(features, start, end, null_threshold=0.0)["q"]
    assert (answer.text, answer.null_difference, answer.candidates[0].text) == ("", 1.0, "")
    assert extract(features, start, end, null_threshold=1.0)["q"].text == "the city"
    assert extract(features, start, end)["q"].text == "the city"
    assert [row.text for row in extract(features, start, end, null_threshold=1.0)["q"].candidates][:2] == [
        "",
        "the city",
    ]


def test_padding_and_the_question_are_no_answer(wordpiece) -> None:
    start, end = scores(24), scores(24)
    start[0, 21:], end[0, 21:] = np.nan, 99
    start[0, 3], end[0, 3] = 50, 50  # "red" in the question
    start[0, FIRST + 10], end[0, FIRST + 10] = 1, 1
    assert extract(one_window(wordpiece), start, end)["q"].text == "red"
    assert extract(one_window(wordpiece), start, end)["q"].candidates[0].start == CONTEXT.index("red")
    start[0, 4] = np.nan
    with pytest.raises(ValueError, match="Scores of tokens must be finite"):
        extract(one_window(wordpiece), start, end)


def test_the_best_window_wins_and_all_must_be_there(wordpiece) -> None:
    features = QuestionFeatures(wordpiece, [Question("q", "is it red?", CONTEXT, ("city",), (20,))], 20, 4, 8)
    assert len(features) == 2
    start = np.concatenate([scores(24, p2=2), scores(24, p3=2.5, null=-1)])
    end = np.concatenate([scores(24, p2=2), scores(24, p3=2.5)])
    answer = extract(features, start, end, null_threshold=9.0)["q"]
    begin = features.contexts[0].starts[features.begin[1] + 3]
    assert (answer.candidates[0].start, answer.candidates[0].score, answer.null_difference) == (begin, 5, -1 - 5)
    # In which order windows come, and in how many batches, changes nothing.
    parts = [AnswerExtractor(features, ExtractionOptions(null_threshold=9.0)) for _ in range(2)]
    parts[0].add(np.array([1]), start[1:], end[1:])
    with pytest.raises(ValueError, match="All 2 windows must be scored, got 1"):
        parts[0].answers()
    parts[1].add(np.array([0]), start[:1], end[:1])
    parts[0].merge([parts[1].state()])
    assert parts[0].answers() == {"q": answer}


@pytest.mark.parametrize("name", ["n_best", "max_answer_length"])
def test_numbers_below_1(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        ExtractionOptions(**{name: 0})


# --- Real questions -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(shared: Path) -> dict[str, object]:
    """A WordPiece and a Unigram tokenizer of 3,000 pieces, trained on XQuAD in five languages."""
    from tokenizers import BertWordPieceTokenizer, SentencePieceUnigramTokenizer

    texts = sorted(
        {
            text
            for language in ("ar", "de", "en", "es", "vi")
            for row in load_questions(shared / "data" / "xquad", f"xquad.{language}").questions
            for text in (row.context, row.question)
        }
    )
    wordpiece = BertWordPieceTokenizer(lowercase=True)
    wordpiece.train_from_iterator(texts, vocab_size=3000, show_progress=False)
    unigram = SentencePieceUnigramTokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    unigram.train_from_iterator(texts[::4], vocab_size=3000, unk_token="<unk>", show_progress=False)
    pieces = [
        (piece, score) for piece, score in json.loads(unigram.to_str())["model"]["vocab"] if piece not in special
    ]
    vocabulary = [*((piece, 0.0) for piece in special), *pieces, ("<mask>", 0.0)]
    return {
        "wordpiece": BertTokenizer(vocab=wordpiece.get_vocab(), do_lower_case=True),
        "unigram": XLMRobertaTokenizer(vocab=vocabulary),
    }


def real_sets(shared: Path) -> list:
    xquad = [load_questions(shared / "data" / "xquad", f"xquad.{pair}") for pair in ("ar.en", "vi.de", "es.ar")]
    mlqa = [load_questions(shared / "data" / "mlqa" / "dev", f"mlqa.{pair}") for pair in ("de.es", "es.en", "en.de")]
    return xquad + mlqa


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "long"), [("wordpiece", False), ("wordpiece", True), ("unigram", False)])
def test_gold_spans_there_and_back(kind: str, long: bool, trained, shared: Path) -> None:
    """Windows of 128 tokens with 32 in common: EM is 100 but for the questions that are counted."""
    tokenizer = trained[kind]
    for questions in real_sets(shared):
        rows = questions.questions[::8]
        features = QuestionFeatures(tokenizer, rows, 128, 32, 64)
        collator = QuestionCollator(tokenizer, 128, global_attention=long)
        extractor = AnswerExtractor(features, ExtractionOptions(max_answer_length=128))
        for first in range(0, len(features), 64):
            indices = np.arange(first, min(first + 64, len(features)))
            batch = collator([features[index] for index in indices])
            if long:
                after_question = batch["global_attention_mask"].sum(1).numpy()
                assert (after_question == features.document_starts(indices)).all()
            perfect = [np.zeros(batch["input_ids"].shape, np.float32) for _ in range(2)]
            for logits, side in zip(perfect, ("start_positions", "end_positions"), strict=True):
                logits[np.arange(len(indices)), batch[side].numpy()] = 10
            extractor.add(indices, *perfect)
        answers = {name: answer.text for name, answer in extractor.answers().items()}
        impossible = {*features.lost, *features.unaligned}
        # Answers of XQuAD and MLQA are short: windows lose none to speak of.
        assert len(features.lost) <= 2 and len(impossible) < 0.05 * len(rows)
        for row in rows:
            if row.id not in impossible:
                assert answers[row.id] == row.answers[0].strip(), row.id
        fit = {name: answer for name, answer in answers.items() if name not in impossible}
        references = {row.id: row.answers for row in rows if row.id in fit}
        assert score_answers(fit, references).exact_match == 100


def published_rules(
    features: QuestionFeatures, start: np.ndarray, end: np.ndarray, null_threshold: float | None
) -> dict[str, str]:
    """The post-processing that is published with SQuAD's baselines, as a loop over pairs of tokens."""
    result = {}
    for number, question in enumerate(features.questions):
        context = features.contexts[features.context_of[number]]
        spans, nulls = [], []
        for window in np.flatnonzero(features.question == number):
            row = features[int(window)].row
            starts, ends = start[window, : len(row.ids)], end[window, : len(row.ids)]
            nulls.append(float(starts[0]) + float(ends[0]))
            for first in np.argsort(starts)[-1:-21:-1].tolist():
                for last in np.argsort(ends)[-1:-21:-1].tolist():
                    if first not in row.document or last not in row.document:
                        continue
                    if last < first or last - first + 1 > 30:
                        continue
                    shift = int(features.begin[window]) - row.document.start
                    place = int(context.starts[first + shift]), int(context.ends[last + shift])
                    spans.append((float(starts[first]) + float(ends[last]), place))
        spans = sorted(spans, key=lambda span: -span[0])[:20]
        text = question.context[slice(*spans[0][1])] if spans else ""
        if null_threshold is not None and min(nulls) - (spans[0][0] if spans else 0) > null_threshold:
            text = ""
        result[question.id] = text
    return result


@pytest.mark.slow
@pytest.mark.parametrize("pair", ["en.de", "ar.vi"])
@pytest.mark.parametrize("null_threshold", [None, -1.0])
def test_agrees_with_the_published_rules(pair: str, null_threshold: float | None, trained, shared: Path) -> None:
    """200 questions of XQuAD, random scores with the right answer raised a little: the same answers, EM and F1."""
    questions = load_questions(shared / "data" / "xquad", f"xquad.{pair}").questions[:1000:5]
    features = QuestionFeatures(trained["wordpiece"], questions, 128, 32, 64)
    rng = np.random.default_rng(5)
    start, end = rng.normal(size=(2, len(features), 128)).astype(np.float32)
    for index in range(len(features)):
        window = features[index]
        start[index, window.start] += 2.5
        end[index, window.end] += 2.5
    answers = extract(features, start, end, null_threshold=null_threshold)
    ours = {name: answer.text for name, answer in answers.items()}
    theirs = published_rules(features, start, end, null_threshold)
    assert len(ours) == 200 and ours == theirs
    references = {row.id: row.answers for row in questions}
    ours, theirs = (score_answers(texts, references).summary() for texts in (ours, theirs))
    assert ours == theirs and 5 < ours["exact_match"] < 95 and ours["f1"] > ours["exact_match"]
