"""The dataset card of a corpus, with which `datasets.load_dataset(folder, "en-de")` finds its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .splits import SPLITS


def render_card(
    counts: Mapping[str, dict[str, Any]],
    languages: Mapping[str, tuple[str, str]],
    details: str = "",
    licence: Sequence[str] = (),
) -> str:
    """Markdown with a YAML head: a configuration per language pair, and one for the sections of each language.

    Args:
        counts: `{"sections": {language: n}, "pairs": {name: {split: n}}}`.
        languages: Name of each pair -> its two languages.
        details: Markdown that follows.
        licence: The Hub's names of the licences of the texts.
    """
    import yaml

    codes = sorted({code for pair in languages.values() for code in pair})
    configs = [{"config_name": name, "data_files": f"pairs/{name}.parquet"} for name in sorted(languages)]
    configs += [{"config_name": f"sections-{code}", "data_files": f"sections/{code}.parquet"} for code in codes]
    head = {"language": codes, **({"license": list(licence)} if licence else {}), "configs": configs}
    front = yaml.safe_dump(head, sort_keys=False)
    lines = [f"| {code} | {counts['sections'][code]:,} |" for code in codes]
    pair_lines = [
        f"| {name} | " + " | ".join(f"{splits[split]:,}" for split in SPLITS) + " |"
        for name, splits in counts["pairs"].items()
    ]
    first = min(languages)
    return f"""---
{front}---

# Aligned sections

Sections of articles that say the same in two languages, made with `xlretrieval`. What they were made from, with which
arguments, and what was dropped and why stands in `provenance.json`. The texts keep the licence of their source.

| language | sections |
|---|---|
{chr(10).join(lines)}

| pair | {" | ".join(SPLITS)} |
|---|---|---|---|
{chr(10).join(pair_lines)}

A pair holds row numbers: `source` and `source_negatives` count in the sections of its first language, `target` and
`target_negatives` in those of its second. The negatives are hard negatives: what a document on that side is told apart
from. No article is in two splits.

```python
from datasets import load_dataset

pairs = load_dataset("PATH", "{first}", split="train")  # the file; its column `split` divides it
sections = load_dataset("PATH", "sections-{languages[first][0]}", split="train")
print(sections[pairs[0]["source"]]["text"])
```
{details and chr(10) + details + chr(10)}"""
