"""The table and the plot of all results: what was asked, what was to be reached, what was measured.

  python -m benchmarks.report

Reads the lists of `measure.row` under "table" in the results of the benchmarks below; prints them as Markdown and
draws `results/benchmarks.png`. A benchmark without a result is listed as not measured. Every row names the
device that it was measured on, or the instructions of the processor: a file `NAME_avx2.json` or `NAME_amx.json` stands
beside `NAME.json`, which is of one with AVX512.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.measure import RESULTS

EXPECTED = (
    "pretraining_step",
    "encoder",
    "encoder_bf16",
    "attention_memory",
    "reranking",
    "reranking_peers",
    "growth",
    "input_pipeline",
    "start",
    "utilisation",
    "processes",
    "wiki_workers",
    "alignment_quality",
    "search_index",
    "exports",
    "gpu",
)
KINDS = ("avx2", "amx", "default")
"""What `measure.write` puts behind the name of a result, of processors without AVX512 and of those with more."""


def rows_of(folder: Path) -> tuple[list[dict], list[str]]:
    """All rows in the order of the benchmarks, and the benchmarks without any."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    rows, missing = [], []
    for name in EXPECTED:
        results = [found[stem] for stem in (name, *(f"{name}_{kind}" for kind in KINDS)) if stem in found]
        rows += [
            {**row, "on": result.get("device", result["machine"]["instructions"])}
            for result in results
            for row in result.get("table", [])
        ]
        if not results:
            missing.append(name)
    return rows, missing


def markdown(rows: list[dict], missing: list[str]) -> str:
    """The rows as a table, the benchmarks without any at its end."""
    lines = ["| question | on | target | measured | reached |", "|---|---|---|---|---|"]
    for row in rows:
        measured = f"{row['measured']:.3g} ({row['min']:.3g} to {row['max']:.3g})"
        question = f"{row['question']}, against {row['against']}"
        reached = "yes" if row["reached"] else "no"
        lines.append(f"| {question} | {row['on']} | {row['target']:.3g} | {measured} | {reached} |")
    return "\n".join([*lines, *(f"| {name} | | | not measured | |" for name in missing)])


def microseconds_per_token(measured: dict[str, dict]) -> dict[str, dict[int, float]]:
    """Of every side, by length."""
    sides: dict[str, dict[int, float]] = {}
    for length, result in measured.items():
        for side, seconds in result["seconds"].items():
            sides.setdefault(side, {})[int(length)] = 1e6 * seconds / int(length)
    return sides


def draw(rows: list[dict], path: Path, encoder: dict | None) -> None:
    """Bars of the ratios with their spread against the targets; beside them time per token by length, if there."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    lengths = microseconds_per_token(encoder["step with dropout"]["lengths"]) if encoder else {}
    figure, axes = plt.subplots(
        1, 1 + bool(lengths), figsize=(11 + 5 * bool(lengths), 1.6 + 0.45 * len(rows)), squeeze=False
    )
    bars = axes[0][0]
    places = range(len(rows))
    measured = [row["measured"] for row in rows]
    whiskers = [[row["measured"] - row["min"] for row in rows], [row["max"] - row["measured"] for row in rows]]
    colours = ["#2a7f62" if row["reached"] else "#b5532a" for row in rows]
    bars.barh(places, measured, xerr=whiskers, color=colours, height=0.6, capsize=3)
    bars.scatter([row["target"] for row in rows], places, marker="|", s=260, color="black", zorder=3, label="target")
    bars.set_yticks(places, [f"{row['question']}\nagainst {row['against']}, {row['on']}" for row in rows], fontsize=8)
    bars.margins(y=0.01)
    bars.set_xscale("log")
    bars.invert_yaxis()
    bars.set_xlabel("ratio, median of the turns; whiskers from the smallest to the largest")
    bars.legend(loc="lower right")
    for name, values in lengths.items():
        axes[0][1].plot([int(length) for length in values], list(values.values()), marker="o", label=name)
    if lengths:
        axes[0][1].set(
            xscale="log", xlabel="tokens", ylabel="microseconds per token, one layer, training step with dropout"
        )
        axes[0][1].set_ylim(bottom=0)
        axes[0][1].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    """Prints the table and draws the plot."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    rows, missing = rows_of(RESULTS)
    print(markdown(rows, missing))
    encoder = RESULTS / "encoder.json"
    if rows:
        draw(rows, RESULTS / "benchmarks.png", json.loads(encoder.read_text()) if encoder.exists() else None)


if __name__ == "__main__":
    main()
