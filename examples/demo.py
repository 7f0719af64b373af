"""Pretrains a tiny long encoder on sections about invented villages, and shows that retrieval got better.

  python examples/demo.py --output demo

Every village has four sections in English, German and French. Sentences are put together from facts, so that a section
can only be found in another language by what it says, and the villages of the evaluation are never trained on.
Takes about two minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
from pathlib import Path

from tokenizers import BertWordPieceTokenizer
from transformers import BertConfig, BertTokenizer, set_seed

from xlretrieval.cli.main import main as xlretrieval
from xlretrieval.modeling.xl_retrieval import BertForXLRetrieval

LANGUAGES = ("en", "de", "fr")
FACTS = {
    "animal": [
        ("horses", "Pferde", "des chevaux"),
        ("goats", "Ziegen", "des chèvres"),
        ("geese", "Gänse", "des oies"),
        ("bees", "Bienen", "des abeilles"),
        ("sheep", "Schafe", "des moutons"),
        ("donkeys", "Esel", "des ânes"),
        ("cows", "Kühe", "des vaches"),
        ("rabbits", "Hasen", "des lapins"),
    ],
    "trade": [
        ("bakers", "Bäcker", "boulangers"),
        ("smiths", "Schmiede", "forgerons"),
        ("weavers", "Weber", "tisserands"),
        ("fishermen", "Fischer", "pêcheurs"),
        ("potters", "Töpfer", "potiers"),
        ("carpenters", "Zimmerleute", "charpentiers"),
        ("millers", "Müller", "meuniers"),
        ("shepherds", "Hirten", "bergers"),
    ],
    "place": [
        ("beside a lake", "an einem See", "au bord d'un lac"),
        ("on a hill", "auf einem Hügel", "sur une colline"),
        ("in a deep valley", "in einem tiefen Tal", "dans une vallée profonde"),
        ("at the edge of a forest", "am Rand eines Waldes", "à la lisière d'une forêt"),
        ("on an island", "auf einer Insel", "sur une île"),
        ("between two rivers", "zwischen zwei Flüssen", "entre deux rivières"),
    ],
    "season": [
        ("in spring", "im Frühling", "au printemps"),
        ("in summer", "im Sommer", "en été"),
        ("in autumn", "im Herbst", "en automne"),
        ("in winter", "im Winter", "en hiver"),
    ],
    "event": [
        ("a fire", "ein Brand", "un incendie"),
        ("a flood", "eine Flut", "une inondation"),
        ("a storm", "ein Sturm", "une tempête"),
        ("an earthquake", "ein Erdbeben", "un tremblement de terre"),
        ("a long war", "ein langer Krieg", "une longue guerre"),
    ],
    "building": [
        ("the old church", "die alte Kirche", "la vieille église"),
        ("the stone bridge", "die steinerne Brücke", "le pont de pierre"),
        ("the school", "die Schule", "l'école"),
        ("the town hall", "das Rathaus", "la mairie"),
        ("the watchtower", "den Wachturm", "la tour de guet"),
        ("the market hall", "die Markthalle", "la halle du marché"),
    ],
    "dish": [
        ("onion soup", "Zwiebelsuppe", "la soupe à l'oignon"),
        ("apple cake", "Apfelkuchen", "le gâteau aux pommes"),
        ("smoked fish", "geräucherten Fisch", "le poisson fumé"),
        ("plum jam", "Pflaumenmus", "la confiture de prunes"),
        ("black bread", "Schwarzbrot", "le pain noir"),
        ("sheep's cheese", "Schafskäse", "le fromage de brebis"),
    ],
}
SECTIONS = {
    "Place": [
        (
            "The village lies {place}, where one sees many {animal}.",
            "Das Dorf liegt {place}, wo man viele {animal} sieht.",
            "Le village se trouve {place}, où l'on voit {animal}.",
        ),
        (
            "Visitors come {season} and see {building}.",
            "Besucher kommen {season} und sehen {building}.",
            "Les visiteurs viennent {season} et voient {building}.",
        ),
    ],
    "Work": [
        (
            "Most families keep {animal}.",
            "Die meisten Familien halten {animal}.",
            "La plupart des familles élèvent {animal}.",
        ),
        (
            "For a long time the village was known for its {trade}.",
            "Lange war das Dorf für seine {trade} bekannt.",
            "Le village fut longtemps connu pour ses {trade}.",
        ),
    ],
    "History": [
        ("Then {event} came {season}.", "Dann kam {season} {event}.", "Puis {event} vint {season}."),
        (
            "On that day {building} was lost.",
            "An jenem Tag verlor man {building}.",
            "Ce jour-là, on perdit {building}.",
        ),
        ("The {trade} rebuilt it.", "Die {trade} bauten alles wieder auf.", "Les {trade} ont tout reconstruit."),
    ],
    "Feast": [
        (
            "The great feast is held {season}.",
            "Das große Fest wird {season} gefeiert.",
            "La grande fête a lieu {season}.",
        ),
        ("Later {animal} are shown.", "Später werden {animal} gezeigt.", "Plus tard on montre {animal}."),
    ],
}


def write_villages(path: Path, villages: int) -> None:
    """JSONL sections of invented villages; the same numbers of facts always give the same villages."""
    rng = random.Random(0)
    with path.open("w", encoding="utf-8") as lines:
        for village in range(villages):
            facts = {kind: rng.choice(choices) for kind, choices in FACTS.items()}
            for title, sentences in SECTIONS.items():
                for number, language in enumerate(LANGUAGES):
                    values = {kind: words[number] for kind, words in facts.items()}
                    text = " ".join(sentence[number].format(**values) for sentence in sentences)
                    row = {"doc": f"village {village}", "sec": title, "lang": language, "title": title, "text": text}
                    lines.write(json.dumps({**row, "doctitle": f"Village {village}"}, ensure_ascii=False) + "\n")


def write_encoder(folder: Path, rows: Path) -> None:
    """A small untrained BERT and its tokenizer."""
    tokenizer = BertWordPieceTokenizer(lowercase=True, strip_accents=False)
    texts = [json.loads(line)["text"] for line in rows.read_text(encoding="utf-8").splitlines()]
    tokenizer.train_from_iterator(texts, vocab_size=1000, show_progress=False)
    tokenizer = BertTokenizer(vocab=tokenizer.get_vocab(), model_max_length=64, strip_accents=False)
    set_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=192,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    BertForXLRetrieval(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def run(*words: object) -> None:
    """One command, as a user types it."""
    print("\n$ xlretrieval", *words, flush=True)
    if code := xlretrieval([str(word) for word in words]):
        raise SystemExit(code)


def main() -> None:
    """Writes the villages and goes the whole road on them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("demo"))
    parser.add_argument("--villages", type=int, default=240)
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    output = options.output
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    rows, corpus, start, trained = (output / name for name in ("sections.jsonl", "corpus", "start", "trained"))
    write_villages(rows, options.villages)
    run(
        "sections",
        "import",
        "--jsonl",
        rows,
        "--pairs",
        "de-en,en-fr",
        "--output",
        corpus,
        "--validation",
        0.1,
        "--test",
        0.2,
    )
    write_encoder(output / "short", rows)
    run("convert", "--model", output / "short", "--max-length", 128, "--attention-window", 16, "--output", start)
    config = {
        "model": start,
        "corpus": corpus,
        "output_dir": trained,
        "max_steps": options.steps,
        "per_device_train_batch_size": 32,
        "learning_rate": 2e-3,
        "lr_scheduler_type": "linear",
        "warmup_steps": 30,
        "max_length": 96,
        "max_query_length": 32,
        "eval_strategy": "steps",
        "eval_steps": options.steps // 3,
        "save_steps": options.steps,
        "logging_steps": 20,
    }
    (output / "pretrain.yaml").write_text("".join(f"{key}: {value}\n" for key, value in config.items()))
    run("pretrain", output / "pretrain.yaml")
    common = ("--before", start, "--model", trained, "--corpus", corpus, "--split", "test")
    report = output / "evaluation"
    run("evaluate", "alignment", *common, "--output", report / "alignment")
    run("evaluate", "ranking", *common, "--output", report / "ranking")
    print(f"\nCurves: {trained / 'curves.png'}   Tables: {report}   Model: {trained}")


if __name__ == "__main__":
    main()
