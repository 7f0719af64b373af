"""How good is the alignment of sections where the truth is known, and what does its threshold trade?

  python -m benchmarks.alignment_quality

The built-in sample is built with a threshold of 0.02; then pairs below each threshold are left out. Precision: of the
pairs found, how many are true (a section may be one of two parts of the other). Recall: of the true pairs of whole
sections, how many are found. Truth includes sections that the build does not offer, such as those that are too short.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.measure import RESULTS, write
from xlretrieval.data.sample import write_sample
from xlretrieval.data.sections import AlignedSections
from xlretrieval.data.wiki.builder import BuildOptions, build_corpus

PAIRS = ["en-de", "en-es", "en-fr", "de-fr"]
THRESHOLDS = [0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]

Key = tuple[str, int, int]


def read_truth(path: Path) -> dict[str, dict[Key, str]]:
    """Pair, its codes sorted -> (article, section, section) -> "whole" or "part"."""
    truth: dict[str, dict[Key, str]] = defaultdict(dict)
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        truth[row["pair"]][row["item"], row["source_section"], row["target_section"]] = row["kind"]
    return truth


def read_found(corpus: AlignedSections, name: str) -> dict[Key, float]:
    """The same of a built corpus, with scores."""
    pair = corpus.pair(name)
    sides = [(pair.source_language, pair.source), (pair.target_language, pair.target)]
    first, second = sorted(sides, key=lambda side: side[0])
    found = {}
    for one, other, score in zip(first[1], second[1], pair.score, strict=True):
        section, partner = corpus.sections(first[0])[one], corpus.sections(second[0])[other]
        numbers = (int(entry.id.split("#")[1]) for entry in (section, partner))
        found[(section.article_id, *numbers)] = float(score)
    return found


def curve(found: dict[Key, float], truth: dict[Key, str]) -> list[dict[str, float]]:
    """Precision and recall at every threshold."""
    whole = {key for key, kind in truth.items() if kind == "whole"}
    points = []
    for threshold in THRESHOLDS:
        kept = {key for key, score in found.items() if score >= threshold}
        precision = len(kept & truth.keys()) / max(len(kept), 1)
        points.append({"threshold": threshold, "precision": precision, "recall": len(kept & whole) / len(whole)})
    return points


def draw(curves: dict[str, list[dict[str, float]]], path: Path) -> None:
    """Precision over recall, a line a pair."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, points in curves.items():
        axes.plot([point["recall"] for point in points], [point["precision"] for point in points], ".-", label=name)
    axes.set(xlabel="recall of whole sections", ylabel="precision", title="Alignment of the built-in sample")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Builds, compares, and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=float, default=1.0, help="fraction of the sample")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_sample(Path(folder) / "sample", size=options.size)
        corpus_folder = Path(folder) / "corpus"
        build_corpus(Path(folder) / "sample" / "dumps", corpus_folder, BuildOptions(PAIRS, threshold=THRESHOLDS[0]))
        truth = read_truth(Path(folder) / "sample" / "truth.jsonl")
        corpus = AlignedSections.load(corpus_folder, cache_dir=Path(folder) / "cache")
        curves = {
            name: curve(read_found(corpus, name), truth["-".join(sorted(name.split("-")))]) for name in corpus.pairs
        }
    draw(curves, RESULTS / "alignment_quality.png")
    means = [
        {key: float(np.mean([points[index][key] for points in curves.values()])) for key in points_at}
        for index, points_at in enumerate(next(iter(curves.values())))
    ]
    print("| threshold | precision | recall |\n|---|---|---|")
    for point in means:
        print(f"| {point['threshold']:.2f} | {point['precision']:.3f} | {point['recall']:.3f} |")
    write("alignment_quality", {"question": "alignment of the built-in sample", "mean": means, "pairs": curves})


if __name__ == "__main__":
    main()
