"""Ranks of relevant documents by language: literal cases, and a system that favours one language."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xlretrieval.evaluation.language_bias import language_bias, plot_language_bias, read_document_languages

LANGUAGES = {"d1": "de", "d2": "de", "d3": "de", "f1": "fr", "f2": "fr"}
QRELS = {
    "q1": {"d1": 1, "f1": 2, "d2": 0, "f2": 1},
    "q2": {"d1": 1},
    "q3": {"d1": 1, "f1": 1},
}
# q1 ranks d1, d2, f1, x; q2 has German documents only; q3 is missing.
RUN = {"q1": {"d1": 4.0, "d2": 3.0, "f1": 2.0, "x": 1.0}, "q2": {"d1": 1.0, "d2": 0.0}}


def test_ranks_by_hand() -> None:
    bias = language_bias(RUN, QRELS, LANGUAGES)
    german, french = bias.languages
    assert (german.language, german.percentiles, german.queries) == ("de", [12.5], {"q1": 12.5})
    assert (french.language, french.percentiles, french.queries) == ("fr", [62.5], {"q1": 62.5})
    # Scores 4, 3, 2, 1: mean 2.5, standard deviation sqrt(1.25).
    assert german.scores == pytest.approx([1.5 / 1.25**0.5]) and french.scores == pytest.approx([-0.5 / 1.25**0.5])
    assert (german.ranked, french.ranked, german.unranked, french.unranked) == (2, 1, 0, 1)
    assert (bias.mixed_queries, bias.unknown) == (1, ["x"])
    # One query: both signs are as far from 0.
    assert bias.tests() == [
        {"first": "de", "second": "fr", "queries": 1, "difference": -50.0, "p": 1.0, "p_holm": 1.0},
    ]
    assert bias.as_dict()["languages"][0] == {
        "language": "de",
        "queries": 1,
        "relevant": 1,
        "unranked": 0,
        "ranked": 2,
        "mean_percentile": 12.5,
        "quartiles": [12.5, 12.5, 12.5],
        "mean_standardised_score": pytest.approx(1.5 / 1.25**0.5),
    }


def test_a_language_without_relevant_documents_has_no_percentile() -> None:
    bias = language_bias({"q1": {"d1": 1.0, "f1": 1.0}}, {"q1": {"d1": 1}}, LANGUAGES)
    assert bias.as_dict()["languages"][1]["mean_percentile"] is None
    assert bias.tests() == [
        {"first": "de", "second": "fr", "queries": 0, "difference": None, "p": None, "p_holm": None}
    ]


def favouring(bonus: float) -> tuple[dict, dict, dict]:
    """30 queries with 20 documents in each of three languages; German scores are raised."""
    rng = np.random.default_rng(0)
    languages = {f"{language}{number}": language for language in ("de", "en", "fr") for number in range(20)}
    run, qrels = {}, {}
    for query in map(str, range(30)):
        scores = rng.normal(size=60)
        qrels[query] = {document: int(rng.random() < 0.2) for document in languages}
        run[query] = {
            document: float(score + qrels[query][document] + (bonus if language == "de" else 0))
            for score, (document, language) in zip(scores, languages.items(), strict=True)
        }
    return run, qrels, languages


def test_a_favoured_language_is_found_and_no_other(tmp_path: Path) -> None:
    fair, unfair = language_bias(*favouring(0)), language_bias(*favouring(1.5))
    assert all(row["p_holm"] > 0.05 for row in fair.tests())
    found = {(row["first"], row["second"]): row for row in unfair.tests()}
    for pair in (("de", "en"), ("de", "fr")):
        assert found[pair]["p_holm"] < 0.001 and found[pair]["difference"] < -15
    assert found["en", "fr"]["p_holm"] > 0.05
    assert found["de", "en"]["p_holm"] > found["de", "en"]["p"]
    assert plot_language_bias(tmp_path / "bias.png", {"before": fair, "after": unfair}, "Language bias")
    assert (tmp_path / "bias.png").read_bytes().startswith(b"\x89PNG")
    assert not plot_language_bias(tmp_path / "none.png", {"after": language_bias({}, QRELS, LANGUAGES)}, "None")
    assert not (tmp_path / "none.png").exists()


def test_equal_scores_have_no_deviation() -> None:
    bias = language_bias({"q1": {"d1": 1.0, "f1": 1.0}}, {"q1": {"d1": 1, "f1": 1}}, LANGUAGES)
    assert [ranks.scores for ranks in bias.languages] == [[0.0], [0.0]]


def test_the_languages_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "languages.tsv"
    path.write_text("LEMONDE94-1\tfr\n\nSDA.94 1\tde\n")
    assert read_document_languages(path) == {"LEMONDE94-1": "fr", "SDA.94 1": "de"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\tde\nb de\n", "line 2: a line must have 2 columns .* got 1. Repair"),
        ("a\tde\tx\n", "line 1: a line must have 2 columns .* got 3. Repair"),
        ("a\tGerman language\n", "line 1: language must be a code like de or zh, got 'German language'"),
        ("a\tde\nb\tfr\na\tde\n", "line 3: a document must occur once, got a which is also in line 1"),
        ("\n", "a file must have at least one line, got none"),
    ],
)
def test_a_bad_file_is_an_error_with_a_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "languages.tsv"
    path.write_text(content)
    with pytest.raises(ValueError, match=f"languages.tsv.*{message}"):
        read_document_languages(path)
