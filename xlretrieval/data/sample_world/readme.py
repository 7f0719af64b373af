"""The description that a sample folder carries."""

from __future__ import annotations

from typing import Any

_TEXT = """# A small multilingual world

Written by `xlretrieval sample` (version {xlretrieval}) with seed {seed} and size {size}, from the facts of Unicode
CLDR {cldr} as Babel {babel} hands them out. Territories, languages, currencies, scripts and time zones have
articles in German, English, Spanish and French. The facts are CLDR's; the sentences are ours, and every language
draws its wording, its headings, its order and what it leaves out by itself. Wikidata ids, page numbers and dates
of revision are invented.

| folder or file | what it holds |
|---|---|
| `dumps/` | Wikipedia dumps of {articles}: multistream XML with its index, page_props, langlinks, redirect, SHA-1 |
| `truth.jsonl` | which sections say the same, a line for each pair |
| `clef/` | {documents} documents of held-out articles, {topics} topics, judgements |
| `mlqa/` | {test} test and {dev} development questions, context and question in any two languages |
| `provenance.json` | versions and counts |

## Truth

A line names the pair of languages, the item, pages, numbers of the sections (0 is the lead, every heading counts),
the topic and a kind: "whole" sections tell the same topic; where one language tells in two sections what another
one tells in one, both are a "part" of it.

{aligned}

{clef}
## MLQA-style collection

`mlqa/<split>-context-<c>-question-<q>.json` is SQuAD 1.1. An id means the same question in all sixteen files of a
split; `answer_start` counts characters.

## Split

The documents and the test questions are those of the articles that this puts into "test", the development questions
those of "validation":

```python
assign_split(item, validation={validation}, test={test_fraction}, seed={split_seed})
```

A corpus that is built from the dumps with the same fractions and seed trains on none of them.

## Licence

Facts: Unicode License v3 (Unicode-3.0), copyright Unicode, Inc. Sentences: Apache-2.0.
"""

CLEF_README = """# CLEF-style collection

`clef/documents/` holds SGML files of up to 200 documents, each a section. German and Spanish are ISO 8859-1,
English and French are UTF-8; what ISO 8859-1 lacks is a numeric character reference. `clef/topics/` has title,
description and narrative in four languages under the same identifiers. `clef/qrels/` has lines "topic 0 document
relevance" for pools of 30 to 60 documents: relevant ones state a fact of what is asked about; the others are
sections of the same articles or the same kind of section about something else. What is not in a pool is not
judged.
"""


def render_readme(record: dict[str, Any]) -> str:
    """Fills in the description from what provenance.json says."""
    counts = record["counts"]
    rows = ["| pair | whole | part |", "|---|---|---|"]
    rows += [f"| {pair} | {found['whole']:,} | {found['part']:,} |" for pair, found in counts["aligned"].items()]
    return _TEXT.format(
        **record["versions"],
        clef=f"#{CLEF_README}",
        seed=record["seed"],
        size=record["size"],
        articles=", ".join(f"{number:,} articles ({language})" for language, number in counts["articles"].items()),
        documents=f"{sum(number for name, number in counts['clef'].items() if name.startswith('documents_')):,}",
        topics=counts["clef"]["topics"],
        test=counts["questions"]["test"],
        dev=counts["questions"]["dev"],
        aligned="\n".join(rows),
        validation=record["split"]["validation"],
        test_fraction=record["split"]["test"],
        split_seed=record["split"]["seed"],
    )
