import pickle
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from transformers import AutoTokenizer

from xlretrieval.data.collators import PretrainingCollator
from xlretrieval.data.draws import permutation, raw_draws, to_uniform
from xlretrieval.data.examples import QueryDocument, RankingGroup, pick_sentence
from xlretrieval.data.held_out_examples import evaluation_groups, evaluation_pairs
from xlretrieval.data.sampling import PretrainingDataset, Schedule, StepSampler
from xlretrieval.data.sections import AlignedPair, AlignedSections, AlignedSectionsWriter, Section

SIZE = 40


def section(language: str, row: int, text: str | None = None) -> Section:
    """Every sentence says which section it is from; lengths differ."""
    sentences = [f"Sentence {number} stands in {language}{row} alone." for number in range(1 + row % 7)]
    return Section(f"{language}{row}", language, f"article{row // 4}", "", (), text or " ".join(sentences))


def neighbours(row: int) -> list[int]:
    """The other sections of the article."""
    return [other for other in range(row // 4 * 4, row // 4 * 4 + 4) if other != row]


def write(folder: Path, sections: dict[str, list[Section]], pairs: dict[str, list[AlignedPair]]) -> AlignedSections:
    with AlignedSectionsWriter(folder / "corpus") as writer:
        for language, values in sections.items():
            writer.add_sections(language, values)
        for name, values in pairs.items():
            writer.add_pairs(name, values)
        writer.finish({})
    return AlignedSections.load(folder / "corpus", cache_dir=folder / "cache")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> AlignedSections:
    """Three languages of 40 sections, 4 an article; the last two articles are held out. Row i goes with row i."""
    sections = {language: [section(language, row) for row in range(SIZE)] for language in ("de", "en", "fr")}
    pairs = [
        AlignedPair(row, row, 1.0, neighbours(row), neighbours(row)[:1], "train" if row < 32 else "validation")
        for row in range(SIZE)
    ]
    return write(tmp_path_factory.mktemp("corpus"), sections, {"de-en": pairs, "de-fr": pairs, "en-fr": pairs})


@pytest.fixture
def make(corpus: AlignedSections) -> Callable[..., PretrainingDataset]:
    def make_dataset(objectives=("qlm", "rr"), pairs=("de-en", "de-fr", "en-fr"), examples_per_step=8, **kwargs):
        return PretrainingDataset(
            corpus, Schedule(objectives, pairs, seed=1), examples_per_step, **{"seed": 1} | kwargs
        )

    return make_dataset


def source(text: str) -> tuple[str, int]:
    """Language and row of a text made by `section`."""
    found = {(language, int(row)) for language, row in re.findall(r"(de|en|fr)(\d+) alone", text)}
    assert len(found) == 1
    return found.pop()


# Random numbers and the schedule


def test_random_numbers_are_the_same_on_every_machine_and_in_every_version() -> None:
    assert raw_draws(2, "example", 1, 0).tolist() == [14566125021146119690, 7445809015027985640]
    assert permutation(8, "pass", 1, "qlm", "de-en", 0).tolist() == [5, 3, 7, 4, 2, 1, 6, 0]


def test_draws_depend_on_the_key_and_not_on_how_many_are_taken() -> None:
    assert raw_draws(3, "a", 1).tolist() == raw_draws(100, "a", 1)[:3].tolist()
    assert raw_draws(3, "a", np.int64(1)).tolist() == raw_draws(3, "a", 1).tolist()
    assert len({raw_draws(1, *key).item() for key in [("a", 1), ("a", 2), ("b", 1), ("a", 1, 0), ("a", 11)]}) == 5


def test_uniform_draws_fill_the_unit_interval() -> None:
    assert to_uniform(np.array([0, 2**64 - 1], dtype=np.uint64)).tolist() == [0.0, 1 - 2**-53]
    assert abs(to_uniform(raw_draws(100_000, "u")).mean() - 0.5) < 0.005


def test_the_schedule_is_one_step_per_objective_and_pair_in_a_new_order_each_time() -> None:
    schedule = Schedule(("qlm", "rr"), ("de-en", "en-fr"), seed=1)
    assert [schedule.step(number) for number in range(4)] == [
        ("qlm", "de-en"),
        ("qlm", "en-fr"),
        ("rr", "en-fr"),
        ("rr", "de-en"),
    ]
    schedule = Schedule(("qlm", "rr"), ("a", "b", "c", "d"), seed=2)
    assert schedule.steps_per_iteration == 8
    orders = set()
    for iteration in range(50):
        steps = [schedule.step(8 * iteration + within) for within in range(8)]
        assert [objective for objective, _ in steps] == ["qlm"] * 4 + ["rr"] * 4
        for half in (steps[:4], steps[4:]):
            assert sorted(pair for _, pair in half) == ["a", "b", "c", "d"]
            orders.add(tuple(pair for _, pair in half))
    assert len(orders) == 24  # each of the orders of four comes in 100 draws, but for one in 15
    assert Schedule(("qlm",), ("a", "b"), seed=0).steps_per_iteration == 2


@pytest.mark.parametrize(
    ("objectives", "pairs", "message"),
    [
        (("mlm",), ("de-en",), "objectives must be of qlm, rr, got 'mlm'"),
        ((), ("de-en",), "objectives must name at least one"),
        (("qlm", "qlm"), ("de-en",), "objectives must name at least one, each once"),
        (("qlm",), (), "pairs must name at least one"),
        (("qlm",), "de-en", "pairs must name at least one, each once, got 'de-en'"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_an_error(objectives: tuple, pairs: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Schedule(objectives, pairs, seed=0)


# What an example is


def test_examples_are_sentences_with_the_aligned_section_of_the_other_language(make: Callable) -> None:
    dataset = make(negatives=2)
    for index in range(6 * 8 * 3):
        example = dataset[index]
        objective, pair = dataset.schedule.step(index // 8)
        assert (example.objective, example.pair) == (objective, pair)
        assert {example.query_language, example.document_language} == set(pair.split("-"))
        assert 0 <= example.seed < 2**64
        language, row = source(example.query)
        assert language == example.query_language
        assert re.fullmatch(r"Sentence \d stands in \w+ alone\.", example.query)
        if objective == "qlm":
            assert isinstance(example, QueryDocument)
            assert source(example.document) == (example.document_language, row)
        else:
            assert isinstance(example, RankingGroup)
            rows = [source(document) for document in example.documents]
            assert rows[0] == (example.document_language, row)
            assert len(set(rows)) == len(rows) == 3
            assert all(language == example.document_language and row < 32 for language, row in rows)


def test_the_draw_of_a_step_is_what_it_always_was(make: Callable) -> None:
    dataset = make(examples_per_step=3, pairs=("de-en",))
    assert [(example.query, example.seed) for example in (dataset[0], dataset[1], dataset[2])] == [
        ("Sentence 5 stands in de12 alone.", 116675158255420089),
        ("Sentence 2 stands in en9 alone.", 12116222635728113626),
        ("Sentence 0 stands in en29 alone.", 12589997062465596869),
    ]
    assert [[source(document) for document in dataset[index].documents] for index in (3, 4, 5)] == [
        [("de", 31), ("de", 6)],
        [("de", 11), ("de", 2)],
        [("de", 4), ("de", 7)],
    ]


def test_examples_do_not_depend_on_the_order_of_access_or_on_the_copy(make: Callable) -> None:
    dataset = make()
    examples = [dataset[index] for index in range(200)]
    order = np.random.default_rng(0).permutation(200)
    other = make()
    assert [other[index] for index in order] == [examples[index] for index in order]
    copy = pickle.loads(pickle.dumps(dataset))
    assert [copy[index] for index in range(150, 200)] == examples[150:]
    assert len(pickle.dumps(dataset)) < 2_000
    assert list(dataset) == examples[:8]


@pytest.mark.parametrize(("workers", "context"), [(2, "fork"), (1, "spawn")])
def test_workers_change_nothing(make: Callable, workers: int, context: str, wordpiece_folder: Path) -> None:
    dataset = make(steps_per_epoch=6)
    sampler = StepSampler(6, 8)
    sampler.set_epoch(1)
    collator = PretrainingCollator(AutoTokenizer.from_pretrained(wordpiece_folder), max_length=100)
    expected = [collator([dataset[index] for index in range(start, start + 4)]) for start in range(48, 96, 4)]
    counts = collator.counts()
    loader = DataLoader(
        dataset, 4, sampler=sampler, num_workers=workers, multiprocessing_context=context, collate_fn=collator
    )
    for batch, other in zip(loader, expected, strict=True):
        assert all(torch.equal(values, other[name]) for name, values in batch.items())
    # The counters are in shared memory, so what the workers cut is known here.
    assert counts["truncated_documents"] > 0
    assert collator.counts() == {name: 2 * count for name, count in counts.items()}


@pytest.mark.parametrize("size", [1, 2, 4])
def test_the_cut_into_micro_batches_changes_nothing(make: Callable, size: int, wordpiece_folder: Path) -> None:
    dataset = make(negatives=2)
    collator = PretrainingCollator(AutoTokenizer.from_pretrained(wordpiece_folder), max_length=100)
    for step in range(6):
        examples = [dataset[8 * step + position] for position in range(8)]
        whole = collator(examples)
        parts = [collator(examples[start : start + size]) for start in range(0, 8, size)]
        for name, rows in whole.items():
            pieces = [row for part in parts for row in part[name]]
            assert all(torch.equal(row[: len(p)] if p.ndim else row, p) for row, p in zip(rows, pieces, strict=True))


def test_other_seeds_and_other_steps_differ(make: Callable) -> None:
    dataset, other = make(), make(seed=2)
    assert all(dataset[index] != other[index] for index in range(48))
    assert len({dataset[index].seed for index in range(480)}) == 480
    same_place = [{dataset[48 * iteration + index].query for iteration in range(20)} for index in range(8)]
    assert all(len(queries) > 10 for queries in same_place)


def test_only_the_order_depends_on_sorting_and_the_longest_come_first(make: Callable) -> None:
    in_order, as_drawn = make(negatives=2), make(negatives=2, sort_by_length=False)
    for step in range(12):
        here = [in_order[8 * step + position] for position in range(8)]
        there = [as_drawn[8 * step + position] for position in range(8)]
        lengths = [len(e.document) if e.objective == "qlm" else max(map(len, e.documents)) for e in (*here, *there)]
        assert lengths[:8] == sorted(lengths[8:], reverse=True)
        assert sorted(here, key=lambda e: e.seed) == sorted(there, key=lambda e: e.seed)
        assert here == sorted(there, key=lambda e: -lengths[8 + there.index(e)])  # ties stay as drawn


@pytest.mark.parametrize("examples_per_step", [3, 7, 32, 50])
def test_every_pair_comes_once_before_any_comes_twice(make: Callable, examples_per_step: int) -> None:
    dataset = make(examples_per_step=examples_per_step)
    streams: dict[tuple[str, str], list[int]] = {}
    for step in range(6 * (100 // examples_per_step + 1)):
        examples = [dataset[step * examples_per_step + position] for position in range(examples_per_step)]
        key = (examples[0].objective, examples[0].pair)
        # Sorting by length mixes what a step draws over the end of a pass, so whole steps are looked at in between.
        streams.setdefault(key, []).extend(source(example.query)[1] for example in examples)
    assert len(streams) == 6
    for rows in streams.values():
        for end in range(0, len(rows) + 1, examples_per_step):
            counts = Counter(rows[:end])
            often = [counts[row] for row in range(32)]
            assert max(often) - min(often) <= 1
    passes = {tuple(rows[:examples_per_step]) for rows in streams.values()}
    assert len(passes) == 6  # the streams are not in the same order


def test_passes_are_in_different_orders(make: Callable) -> None:
    dataset = make(pairs=("de-en",), objectives=("qlm",), examples_per_step=32, sort_by_length=False)
    passes = [[source(dataset[32 * step + position].query)[1] for position in range(32)] for step in range(5)]
    assert all(sorted(rows) == list(range(32)) for rows in passes)
    assert len({tuple(rows) for rows in passes}) == 5


def test_both_directions_are_asked_equally_often_and_all_sentences(make: Callable) -> None:
    dataset = make(pairs=("de-en",), objectives=("qlm",))
    examples = [dataset[index] for index in range(4_000)]
    flipped = np.mean([example.query_language == "en" for example in examples])
    assert abs(flipped - 0.5) < 4 * 0.5 / 4_000**0.5
    sentences = Counter(example.query for example in examples if source(example.query) == ("de", 6))
    assert len(sentences) == 7  # all that the section has
    assert max(sentences.values()) < 3 * min(sentences.values())


# Negatives


@pytest.mark.parametrize("number", [0, 1, 3, 5])
def test_negatives_are_easy_with_three_quarters_to_the_number_of_hard_ones(tmp_path: Path, number: int) -> None:
    size = 400
    sections = {language: [section(language, row) for row in range(size)] for language in ("de", "en")}
    pairs = [
        AlignedPair(row, row, source_negatives=hard, target_negatives=hard)
        for row in range(size)
        for hard in [[(row + 1 + other) % size for other in range(number)]]
    ]
    dataset = PretrainingDataset(
        write(tmp_path, sections, {"de-en": pairs}), Schedule(("rr",), ("de-en",), 0), 100, seed=3
    )
    draws, offsets = 3_000, Counter()
    for index in range(draws):
        (_, positive), (_, negative) = map(source, dataset[index].documents)
        offsets[(negative - positive) % size] += 1
    assert offsets[0] == 0
    hard = sum(offsets[1 + other] for other in range(number))
    # A hard one may be drawn as an easy one, too.
    expected = 1 - 0.75**number * (1 - number / (size - 1))
    assert abs(hard / draws - expected) <= 4 * (expected * (1 - expected) / draws) ** 0.5
    for other in range(number):
        assert abs(offsets[1 + other] - hard / number) <= 4 * (hard / number) ** 0.5
    # 400 equally likely rows, up to the easy ones among some 1,000 draws: nearly all of them come.
    assert len(offsets) > (size - 1) * (1 - np.exp(-draws * 0.75**number / size)) * 0.9


def test_no_negative_has_the_positives_text_or_is_aligned_with_its_query(tmp_path: Path) -> None:
    texts = ["Same words in many sections here.", "Other words of the same length ok"]
    assert len(texts[0]) == len(texts[1])
    english = [section("en", row, texts[0] if row < 12 else texts[1] if row < 14 else None) for row in range(16)]
    sections = {"de": [section("de", row) for row in range(16)], "en": english}
    # Hard negatives with the positive's text are in the list; section de0 is aligned with en0 and en15.
    pairs = [AlignedPair(row, row, target_negatives=[(row + 1) % 16, (row + 2) % 16]) for row in range(16)]
    corpus = write(tmp_path, sections, {"de-en": [*pairs, AlignedPair(0, 15)]})
    dataset = PretrainingDataset(corpus, Schedule(("rr",), ("de-en",), 0), 17, negatives=3, seed=0)
    seen = Counter()
    for index in range(17 * 40):
        group = dataset[index]
        if group.document_language == "en":
            assert group.documents[0] not in group.documents[1:]
            if source(group.query) == ("de", 0):
                assert english[15].text not in group.documents[1:] and english[0].text not in group.documents[1:]
                seen["several positives"] += 1
            seen["groups"] += 1
    assert seen["several positives"] > 10 and seen["groups"] > 300


def test_a_negative_comes_twice_only_where_there_is_no_other(tmp_path: Path) -> None:
    texts = ["One text that several have.", "One text that several have.", "Another text that is unlike it."]
    sections = {
        "de": [section("de", row) for row in range(3)],
        "en": [section("en", row, text) for row, text in enumerate(texts)],
    }
    corpus = write(tmp_path, sections, {"de-en": [AlignedPair(row, row) for row in range(3)]})
    dataset = PretrainingDataset(corpus, Schedule(("rr",), ("de-en",), 0), 3, negatives=2, seed=0)
    for index in range(60):
        group = dataset[index]
        if group.document_language == "en" and group.documents[0] == texts[0]:
            assert group.documents[1:] == [texts[2]] * 2
        else:
            assert group.documents[0] not in group.documents[1:]


def test_a_corpus_of_one_text_has_no_negatives(tmp_path: Path) -> None:
    sections = {
        language: [section(language, row, "All are the same.") for row in range(4)] for language in ("de", "en")
    }
    corpus = write(tmp_path, sections, {"de-en": [AlignedPair(row, row) for row in range(4)]})
    dataset = PretrainingDataset(corpus, Schedule(("rr",), ("de-en",), 0), 4)
    with pytest.raises(ValueError, match="must differ from their positive, got 4 documents .* 'All are the same.'"):
        dataset[0]


def test_bad_arguments_are_errors(make: Callable, corpus: AlignedSections) -> None:
    with pytest.raises(ValueError, match="negatives must be below the 32 en documents of de-en, got 32"):
        make(negatives=32)
    make(negatives=31)
    make(objectives=("qlm",), negatives=32)
    with pytest.raises(ValueError, match="examples_per_step must be at least 1, got 0"):
        make(examples_per_step=0)
    with pytest.raises(ValueError, match="split 'test' must have sections of de-en, got none"):
        make(split="test")
    with pytest.raises(IndexError, match="index must be at least 0, got -1"):
        make()[-1]
    with pytest.raises(ValueError, match="split 'test' must have sections of de-en, got none"):
        evaluation_pairs(corpus, "de-en", "test")


# Sentences


@pytest.mark.parametrize(
    ("text", "language", "sentences"),
    [
        ("Dr. Smith came in. He left! No.", "en", ["Dr. Smith came in."]),
        (
            "Bern liegt an der Aare.\n\n1191, 1218, 1353\n\nEs ist schön dort.",
            "de",
            ["Bern liegt an der Aare.", "Es ist schön dort."],
        ),
        ("  1191. 1218. ", "de", ["1191. 1218."]),
        ("Short.", "en", ["Short."]),
        (
            "北京是中华人民共和国的首都。上海是中国最大的城市之一。",
            "zh",
            ["北京是中华人民共和国的首都。", "上海是中国最大的城市之一。"],
        ),
        ("", "en", [""]),
    ],
)
def test_queries_are_sentences_of_ten_characters_with_a_letter(text: str, language: str, sentences: list[str]) -> None:
    uniforms = (np.arange(len(sentences)) + 0.5) / len(sentences)
    assert [pick_sentence(text, language, uniform) for uniform in uniforms] == sentences
    assert pick_sentence(text, language, 0.0) == sentences[0]
    assert pick_sentence(text, language, 1 - 2**-53) == sentences[-1]


# Epochs and evaluation


def test_the_sampler_goes_on_where_the_epoch_before_ended() -> None:
    sampler = StepSampler(steps_per_epoch=2, examples_per_step=3)
    assert len(sampler) == 6
    assert list(sampler) == [0, 1, 2, 3, 4, 5]
    sampler.set_epoch(2)
    assert list(sampler) == [12, 13, 14, 15, 16, 17]


def test_the_length_of_the_dataset_is_an_epoch(make: Callable) -> None:
    dataset = make(steps_per_epoch=6)
    assert len(dataset) == 48
    assert dataset[48 * 1_000_000 + 5].query


def test_evaluation_groups_are_fixed_with_hard_negatives_first(corpus: AlignedSections) -> None:
    groups = evaluation_groups(corpus, "de-en", "validation", candidates=6, seed=0)
    assert groups == evaluation_groups(corpus, "en-de", "validation", candidates=6, seed=0)
    assert groups != evaluation_groups(corpus, "de-en", "validation", candidates=6, seed=1)
    assert groups[:3] == evaluation_groups(corpus, "de-en", "validation", candidates=6, limit=3, seed=0)
    assert [group.query_language for group in groups] == ["de", "en"] * 4
    for group in groups:
        rows = [source(document)[1] for document in group.documents]
        assert rows[0] == source(group.query)[1] and len(set(rows)) == 6 and min(rows) >= 32
        hard = neighbours(rows[0]) if group.document_language == "de" else neighbours(rows[0])[:1]
        assert rows[1 : 1 + len(hard)] == hard
    assert sorted(source(group.query)[1] for group in groups) == list(range(32, 40))
    assert all(len(g.documents) == 8 for g in evaluation_groups(corpus, "de-en", "validation"))


def test_evaluation_pairs_are_the_queries_of_the_groups(corpus: AlignedSections) -> None:
    pairs = evaluation_pairs(corpus, "de-en", "validation", limit=5, seed=3)
    groups = evaluation_groups(corpus, "de-en", "validation", limit=5, seed=3)
    assert [(p.query, p.document, p.seed, p.objective) for p in pairs] == [
        (g.query, g.documents[0], g.seed, "qlm") for g in groups
    ]
    assert len({pair.seed for pair in pairs}) == 5


def test_evaluation_needs_something_to_rank(corpus: AlignedSections, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="candidates must be at least 2, got 1"):
        evaluation_groups(corpus, "de-en", "validation", candidates=1)
    sections = {language: [section(language, 0)] for language in ("de", "en")}
    alone = write(tmp_path, sections, {"de-en": [AlignedPair(0, 0, split="test")]})
    assert len(evaluation_pairs(alone, "de-en", "test")) == 1
    with pytest.raises(ValueError, match="split 'test' must have a document of de-en beside the query's own"):
        evaluation_groups(alone, "de-en", "test")
