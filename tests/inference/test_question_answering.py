"""Answers of a model: the batches that they come in do not matter, and the model is left as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from xlretrieval.data.answers.questions import Question
from xlretrieval.data.question_features import QuestionFeatures
from xlretrieval.inference.answer_extraction import ExtractionOptions
from xlretrieval.inference.question_answering import model_inputs, predict_answers, question_collator

SENTENCES = ["the red house is in the city.", "the blue river is on the mountain.", "music is in the water of people."]


@pytest.fixture(params=["short", "long", "modern"])
def answerer(request, tiny_checkpoint, long_folder: Path):
    """Model and tokenizer of a short or a long encoder, or of one without token types."""
    names = {"short": "BertForMaskedLM", "modern": "ModernBertModel"}
    folder = long_folder if request.param == "long" else tiny_checkpoint(names[request.param])
    torch.manual_seed(0)
    model = AutoModelForQuestionAnswering.from_pretrained(folder, num_labels=2)
    return model.train(), AutoTokenizer.from_pretrained(folder)


def features_of(tokenizer) -> QuestionFeatures:
    questions = [
        Question(str(n), "red? river?"[: 4 + n % 7], " ".join(SENTENCES[: 1 + n % 3] * 2), ("the",), (0,))
        for n in range(9)
    ]
    return QuestionFeatures(tokenizer, questions, 40, 8, 8)


def test_batches_do_not_matter(answerer) -> None:
    model, tokenizer = answerer
    features = features_of(tokenizer)
    assert len(features) > 9
    options = ExtractionOptions(null_threshold=0.0)
    one_by_one, together = (predict_answers(model, tokenizer, features, options, size) for size in (1, 10_000))
    assert model.training
    assert list(one_by_one) == [str(n) for n in range(9)]
    for name, answer in together.items():
        other = one_by_one[name]
        assert (answer.text, answer.span) == (other.text, other.span)
        assert answer.null_difference == pytest.approx(other.null_difference, abs=1e-4)


def test_the_model_gets_what_forward_names(answerer) -> None:
    model, tokenizer = answerer
    features = features_of(tokenizer)
    batch = question_collator(model, tokenizer, 40)([features[0]])
    names = set(model_inputs(model, batch))
    more = {"bert-long": {"token_type_ids", "global_attention_mask"}, "bert": {"token_type_ids"}, "modernbert": set()}
    assert names == {"input_ids", "attention_mask"} | more[model.config.model_type]


def test_scores_that_are_no_numbers(answerer) -> None:
    model, tokenizer = answerer
    with torch.no_grad():
        next(parameter for name, parameter in model.named_parameters() if "norm" in name.lower()).fill_(float("nan"))
    with pytest.raises(ValueError, match="Scores of tokens must be finite"):
        predict_answers(model, tokenizer, features_of(tokenizer))
