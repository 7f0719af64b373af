"""FlagEmbedding's reranker as a side of `benchmarks.reranking`, in an environment of its own.

  python flag_scorer.py CHECKPOINT PAIRS.json

Says when it is ready. Then scores all pairs for every line of standard input, and answers with one line of JSON: the
scores, and the seconds of the processor. Imports nothing of this project: the checkpoint brings its code along.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main() -> None:
    """Loads once, then serves."""
    from FlagEmbedding.inference.reranker.encoder_only.base import BaseReranker

    checkpoint, path = sys.argv[1:]
    pairs = [tuple(pair) for pair in json.loads(Path(path).read_text(encoding="utf-8"))]
    answers, sys.stdout = sys.stdout, sys.stderr  # what the library prints is no answer
    reranker = BaseReranker(checkpoint, trust_remote_code=True, devices="cpu", max_length=1024)
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for _ in sys.stdin:
        start = time.process_time()
        scores = reranker.compute_score_single_gpu(pairs, device="cpu")
        print(json.dumps({"scores": scores, "processor": time.process_time() - start}), file=answers, flush=True)


if __name__ == "__main__":
    main()
