"""The table and the plots of all results: what was asked, what was to be reached, what was measured.

  python -m benchmarks.report

Reads the lists of `measure.row` under "table" in the results of the benchmarks below; prints them as Markdown and
draws `results/benchmarks.png`, and of the encoder, whose rows are many, `results/encoder.png`. A benchmark without a
result is listed as not measured. Every row names the device that it was measured on, or the instructions of the
processor: a file `NAME_avx2.json` or `NAME_amx.json` stands beside `NAME.json`, which is of one with AVX512.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Patch

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
REACHED, MISSED = "#2a7f62", "#b5532a"
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


def draw_ratios(rows: list[dict], path: Path) -> None:
    """Bars of the ratios with their spread against the targets, in two columns."""
    half = (len(rows) + 1) // 2
    figure = Figure(figsize=(18, 1.4 + 0.42 * half), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True)
    for bars, part in zip(axes, (rows[:half], rows[half:]), strict=True):
        places = range(len(part))
        measured = [row["measured"] for row in part]
        whiskers = [[row["measured"] - row["min"] for row in part], [row["max"] - row["measured"] for row in part]]
        colours = [REACHED if row["reached"] else MISSED for row in part]
        bars.barh(places, measured, xerr=whiskers, color=colours, height=0.6, capsize=3)
        bars.scatter([row["target"] for row in part], places, marker="|", s=220, color="black", zorder=3)
        labels = [f"{row['question']}, against {row['against']}, {row['on']}" for row in part]
        bars.set_yticks(places, [textwrap.fill(label, 60) for label in labels], fontsize=7)
        bars.set_ylim(half - 0.4, -0.6)
        bars.set_xscale("log")
        bars.axvline(1, color="grey", linewidth=0.8, zorder=0)
        bars.set_xlabel("ratio, median of the turns; whiskers: smallest and largest; stroke: target")
    axes[0].legend([Patch(color=REACHED), Patch(color=MISSED)], ["reached", "missed"], loc="lower right")
    figure.savefig(path, dpi=110)


def draw_encoder(results: dict[str, dict], path: Path) -> None:
    """Time per token by length: a row of panels for every result, forward, with the gradient, with dropout."""
    columns = {"forward": "forward", "step": "with the gradient", "step with dropout": "with gradient and dropout"}
    figure = Figure(figsize=(12, 0.6 + 2.6 * len(results)), layout="constrained")
    axes = figure.subplots(len(results), len(columns), sharex=True, squeeze=False)
    for panels, (name, result) in zip(axes, results.items(), strict=True):
        for panel, (column, title) in zip(panels, columns.items(), strict=True):
            sides: dict[str, dict[int, float]] = {}
            for length, measured in result[column]["lengths"].items():
                for side, seconds in measured["seconds"].items():
                    sides.setdefault(side, {})[int(length)] = 1e6 * seconds / int(length)
            for side, values in sides.items():
                panel.plot(list(values), list(values.values()), marker="o", markersize=3, label=side)
            panel.set_xscale("log", base=2)
            panel.xaxis.set_major_formatter("{x:.0f}")
            panel.set_ylim(bottom=0)
            panel.set_title(f"{name}, {title}", fontsize=9)
    for panel in axes[-1]:
        panel.set_xlabel("tokens")
    for panel in axes[:, 0]:
        panel.set_ylabel("microseconds a token", fontsize=8)
    axes[0][0].legend(loc="lower center", ncols=3, fontsize=8)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Prints the table and draws the plots."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    rows, missing = rows_of(RESULTS)
    print(markdown(rows, missing))
    if bars := [row for row in rows if not row["question"].startswith("encoder, ")]:
        draw_ratios(bars, RESULTS / "benchmarks.png")
    encoder = {}
    for path in sorted(RESULTS.glob("encoder*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        encoder[f"{result['precision']}, {result['machine']['instructions']}"] = result
    if encoder:
        draw_encoder(encoder, RESULTS / "encoder.png")


if __name__ == "__main__":
    main()
