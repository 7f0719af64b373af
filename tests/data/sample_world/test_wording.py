"""Sentences, questions and topics of all languages say the same things, and read like the language."""

from __future__ import annotations

import string
from datetime import date

import pytest

from xlretrieval.data.sample_world.facts import Entity, Fact, Percent
from xlretrieval.data.sample_world.wording import HEADINGS, QUESTIONS, SENTENCES, TOPICS

LANGUAGES = ("de", "en", "es", "fr")


def slots(template: str) -> set[str]:
    return {slot for _, slot, _, _ in string.Formatter().parse(template) if slot}


@pytest.fixture(autouse=True)
def _babel() -> None:
    pytest.importorskip("babel")


@pytest.mark.parametrize(
    "table", [SENTENCES, HEADINGS, QUESTIONS, TOPICS], ids=["sentences", "headings", "questions", "topics"]
)
def test_all_languages_have_the_same_kinds(table: dict) -> None:
    assert set(table) == set(LANGUAGES)
    assert len({tuple(sorted(table[language])) for language in LANGUAGES}) == 1


def test_every_sentence_says_the_whole_fact() -> None:
    """But for the subject, and for what a sentence before it has just named."""
    named_before = {
        "territory.currency_code": {"currency"},
        "calendar.weekday": {"language"},
        "calendar.month": {"language"},
    }
    for kind in SENTENCES["en"]:
        base = kind.split("@")[0]
        said = [
            slots(template) - {"s"}
            for language in LANGUAGES
            for name in (base, kind)
            for template in SENTENCES[language].get(name, ())
        ]
        needed = set.union(*said) - named_before.get(base, set())
        assert all(needed <= one for one in said), kind


def test_sentences_end() -> None:
    for language in LANGUAGES:
        for kind, templates in SENTENCES[language].items():
            assert len(set(templates)) == len(templates)
            assert len(templates) >= 2 or "@" in kind
            for template in templates:
                assert template.endswith("."), template
                assert "  " not in template and " ." not in template and " ," not in template


def test_questions_ask_for_a_slot_that_they_do_not_give_away() -> None:
    for language in LANGUAGES:
        for kind, (answer, question) in QUESTIONS[language].items():
            assert answer not in slots(question), question
            assert answer == QUESTIONS["en"][kind][0]
            assert slots(question) == slots(QUESTIONS["en"][kind][1]), (language, kind)
            said = SENTENCES[language][kind if kind in SENTENCES[language] else kind.split("@")[0]]
            assert all(answer in slots(template) for template in said)


def test_french_puts_a_space_before_high_punctuation() -> None:
    for template in [one for templates in SENTENCES["fr"].values() for one in templates]:
        for sign in ":;?!":
            for before, after in zip(template, template[1:] + " ", strict=True):
                assert after != sign or before == " " or "{" in template[: template.index(sign)], template
        assert "'" not in template


@pytest.mark.parametrize(
    "language,text",
    [
        ("de", "Vom 1. März 1990 bis zum 2. Mai 1991 hieß das Geld Schweizer Franken."),
        ("en", "From March 1, 1990 to May 2, 1991 the money was the Swiss Franc."),
        ("es", "Del 1 de marzo de 1990 al 2 de mayo de 1991 el dinero se llamaba franco suizo."),
        ("fr", "Du 1er mars 1990 au 2 mai 1991, l’argent s’appelait franc suisse."),
    ],
)
def test_a_sentence_and_the_place_of_a_slot(language: str, text: str) -> None:
    from xlretrieval.data.sample_world.sentences import fill

    slots = {"currency": Entity("currency", "CHF"), "start": date(1990, 3, 1), "end": date(1991, 5, 2)}
    fact = Fact("territory.former", Entity("territory", "LI"), slots)
    sentence = fill(SENTENCES[language]["territory.former"][0], fact, language)
    assert sentence.text == text
    start, end = sentence.place("currency")
    assert "fran" in text[start:end].lower() and end - start < 20
    assert sentence.place("s") == (-1, -1)


def test_an_enumeration_is_one_answer() -> None:
    from xlretrieval.data.sample_world.sentences import fill

    days = (Entity("weekday", "5"), Entity("weekday", "6"))
    fact = Fact("territory.weekend", Entity("territory", "IR"), {"days": days})
    for language, answer in {
        "de": "Samstag und Sonntag",
        "en": "Saturday and Sunday",
        "fr": "samedi et dimanche",
    }.items():
        sentence = fill(SENTENCES[language]["territory.weekend"][0], fact, language)
        start, end = sentence.place("days")
        assert sentence.text[start:end] == answer


@pytest.mark.parametrize(
    "code,de,en,es,fr",
    [
        ("CH", "in der Schweiz", "in Switzerland", "en Suiza", "en Suisse"),
        ("NL", "in den Niederlanden", "in the Netherlands", "en Países Bajos", "aux Pays-Bas"),
        ("IR", "im Iran", "in Iran", "en Irán", "en Iran"),
        ("JP", "in Japan", "in Japan", "en Japón", "au Japon"),
        ("CU", "auf Kuba", "in Cuba", "en Cuba", "à Cuba"),
        ("IM", "auf der Isle of Man", "on the Isle of Man", "en Isla de Man", "sur l’Île de Man"),
        ("NF", "im Gebiet „Norfolkinsel“", "on Norfolk Island", "en Isla Norfolk", "sur l’Île Norfolk"),
    ],
)
def test_prepositions_of_places(code: str, de: str, en: str, es: str, fr: str) -> None:
    from xlretrieval.data.sample_world.names import name, pattern

    place = Entity("territory", code)
    found = {language: pattern(place, language, "in").format(name(place, language)) for language in LANGUAGES}
    assert found == {"de": de, "en": en, "es": es, "fr": fr}


def test_articles_of_languages() -> None:
    from xlretrieval.data.sample_world.places import definite

    assert [definite(name, "fr").format(name) for name in ("anglais", "hébreu", "hongrois", "yiddish", "turc")] == [
        "l’anglais",
        "l’hébreu",
        "le hongrois",
        "le yiddish",
        "le turc",
    ]


def test_numbers_shares_and_enumerations() -> None:
    from xlretrieval.data.sample_world.names import separators, written

    assert [written(12345.5, language) for language in LANGUAGES] == ["12.345,5", "12,345.5", "12.345,5", "12 345,5"]
    assert [written(Percent(4.25), language) for language in LANGUAGES] == ["4,25 %", "4.25%", "4,25 %", "4,25 %"]
    assert separators(3, "italiano", "es") == [", ", " e "]
    assert separators(3, "Italian", "en") == [", ", ", and "]
    assert separators(2, "italien", "fr") == [" et "]


def test_a_locale_does_not_answer_for_another_one() -> None:
    """Babel keeps what an alias stood for in tables that locales share."""
    from xlretrieval.data.sample_world.cldr import locale

    assert locale("rn").days["stand-alone"]["wide"][0] == "Ku wa mbere"
    assert locale("hi").days["stand-alone"]["wide"][0] == "सोमवार"
