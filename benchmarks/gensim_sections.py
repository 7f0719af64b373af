"""The peer of `wikitext_sections`: gensim's `segment_wiki` on one dump, one worker; prints seconds and sizes as JSON.

Imports nothing of this project, so that it also runs where only gensim is installed:

  PYTHON benchmarks/gensim_sections.py DUMP
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    from gensim.scripts.segment_wiki import segment_and_write_all_articles

    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "articles.jsonl"
        start = time.perf_counter()
        segment_and_write_all_articles(sys.argv[1], str(output), workers=1, include_interlinks=True)
        wall = time.perf_counter() - start
        usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        articles = sections = characters = 0
        for line in output.read_text(encoding="utf-8").splitlines():
            texts = json.loads(line)["section_texts"]
            articles += 1
            sections += len(texts)
            characters += sum(map(len, texts))
    cpu = sum(each.ru_utime + each.ru_stime for each in usage)
    result = {"wall": wall, "cpu": cpu, "articles": articles, "sections": sections, "characters": characters}
    print(json.dumps(result))
