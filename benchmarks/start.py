"""How long until something happens: `import xlretrieval`, `--help`, and the first score of a reranker.

Every turn is a fresh process; the sides of a comparison take turns. The first score is split into importing, loading
the folder, and scoring one pair, for our `Reranker` and for sentence-transformers' `CrossEncoder` on the same BERT
classifier with random weights (`--model` takes a folder of your own).

  python -m benchmarks.start [--turns 7] [--help-turns 1] [--layers 6] [--model FOLDER]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import row, summary, write

# A first import is not the place for these; each takes a tenth of a second to three seconds.
HEAVY = ("torch", "transformers", "pandas", "pyarrow", "sklearn", "scipy", "datasets", "matplotlib", "accelerate")
STAGES = ("import", "load", "score")
_TIMED = """
import json, sys, time
start = time.perf_counter()
from {module} import {name}
imported = time.perf_counter()
model = {load}
loaded = time.perf_counter()
score = float({score})
done = time.perf_counter()
print(json.dumps(dict(seconds=[imported - start, loaded - imported, done - loaded], score=score,
                      modules=sorted(set(sys.modules) & set({heavy!r})))))
"""
_SIDES = {
    "Reranker": {
        "module": "xlretrieval",
        "name": "Reranker",
        "load": "Reranker.from_pretrained({folder!r}, dtype='float32', device='cpu')",
        "score": "model.score([({query!r}, {document!r})])[0]",
    },
    "CrossEncoder": {
        "module": "sentence_transformers",
        "name": "CrossEncoder",
        "load": "CrossEncoder({folder!r}, device='cpu')",
        "score": "model.predict([({query!r}, {document!r})])[0]",
    },
}
QUERY, DOCUMENT = "when was the city founded", "the city was founded in 1191 by a duke"


def run(*arguments: str) -> tuple[float, str]:
    """Seconds and standard output of a fresh Python process. Raises CalledProcessError when it fails."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def heavy_modules(*arguments: str) -> list[str]:
    """Those of `HEAVY` that are loaded when `python -X importtime ...` ends."""
    command = [sys.executable, "-X", "importtime", *arguments]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
    names = {line.rsplit("|", 1)[-1].strip() for line in lines if line.startswith("import time:")}
    return sorted(names & set(HEAVY))


_LIST_COMMANDS = """
import argparse, json
from xlretrieval.cli.main import COMMANDS, build_parser
def names(parser):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield [name]
                yield from ([name, *rest] for rest in names(below))
print(json.dumps([path for name in COMMANDS for path in names(build_parser(name)) if path[0] == name]))
"""


def subcommands() -> list[list[str]]:
    """All subcommands and their own, as the parsers have them."""
    return json.loads(run("-c", _LIST_COMMANDS)[1])


def light_starts(turns: int, help_turns: int) -> dict[str, dict]:
    """Seconds of an empty process, the import, `--help` and, with `help_turns`, that of every subcommand, and what
    heavy they load."""
    commands = {"empty process": ["-c", "pass"], "import xlretrieval": ["-c", "import xlretrieval"]}
    commands["--help"] = ["-m", "xlretrieval", "--help"]
    paths = subcommands() if help_turns else []
    rare = {" ".join(path) + " --help": ["-m", "xlretrieval", *path, "--help"] for path in paths}
    seconds: dict[str, list[float]] = {name: [] for name in (*commands, *rare)}
    for turn in range(max(turns, help_turns)):
        for name, command in (commands | rare if turn < help_turns else commands).items():
            seconds[name].append(run(*command)[0])
    return {
        name: {"seconds": summary(seconds[name]), "heavy": heavy_modules(*command)}
        for name, command in (commands | rare).items()
    }


def make_classifier(folder: Path, layers: int) -> None:
    """Saves a BERT classifier of hidden size 768 with 30,000 words and random weights."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    words = {*QUERY.split(), *DOCUMENT.split()}
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(words)]
    vocabulary += [f"w{number}" for number in range(30_000 - len(vocabulary))]
    BertTokenizer(vocab={word: index for index, word in enumerate(vocabulary)}).save_pretrained(folder)
    config = BertConfig(vocab_size=len(vocabulary), num_hidden_layers=layers, num_labels=1)
    BertForSequenceClassification(config).save_pretrained(folder)


def first_scores(folder: str, turns: int) -> dict[str, dict]:
    """Seconds to the first score by stage, of the whole process, and the scores, by side."""
    found: dict[str, dict] = {side: {"stages": [], "whole": []} for side in _SIDES}
    for _ in range(turns):
        for side, parts in _SIDES.items():
            filled = {key: part.format(folder=folder, query=QUERY, document=DOCUMENT) for key, part in parts.items()}
            whole, output = run("-c", _TIMED.format(**filled, heavy=HEAVY))
            reply = json.loads(output.splitlines()[-1])
            found[side] |= {"score": reply["score"], "heavy": reply["modules"]}
            found[side]["stages"].append(reply["seconds"])
            found[side]["whole"].append(whole)
    for side in found.values():
        stages = zip(STAGES, zip(*side.pop("stages"), strict=True), strict=True)
        side["seconds"] = {name: summary(values) for name, values in stages} | {"whole": summary(side.pop("whole"))}
    return found


def main() -> None:
    """Measures and writes results/start.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7, help="processes of a side")
    parser.add_argument(
        "--help-turns", type=int, default=1, help="processes for the --help of each subcommand; 0 leaves them out"
    )
    parser.add_argument("--layers", type=int, default=6, help="layers of the random classifier")
    parser.add_argument("--model", help="folder of a reranker, in place of the random classifier")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.model is None:
            make_classifier(Path(folder), arguments.layers)
        light = light_starts(arguments.turns, arguments.help_turns)
        scores = first_scores(arguments.model or folder, arguments.turns)
    table = []
    for name, limit in (("import xlretrieval", 0.3), ("--help", 0.5)):
        seconds = light[name]["seconds"]
        spread = limit / seconds["max"], limit / seconds["min"]
        table.append(row(f"start: {name}", f"{limit} s", limit / seconds["median"], 1, spread))
    ours, theirs = (scores[side]["seconds"]["whole"]["median"] for side in _SIDES)
    table.append(row("first score in a fresh process", "sentence-transformers CrossEncoder", theirs / ours, 1))
    write("start", {"turns": arguments.turns, "light": light, "first_score": scores, "table": table})


if __name__ == "__main__":
    main()
