"""Our metrics against trec_eval's, through pytrec_eval, over real judgements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xlretrieval.data.trec import Qrels, Run, read_qrels, read_run, write_run
from xlretrieval.evaluation.ranking import evaluate_run

pytrec_eval = pytest.importorskip("pytrec_eval")

NAMES = {"AP": "map", "RR": "recip_rank", "nDCG@10": "ndcg_cut_10", "P@5": "P_5", "R@100": "recall_100"}


def random_run(qrels: Qrels, rng: np.random.Generator) -> Run:
    """A run with ties, without some queries, with some queries and documents that nobody judged."""
    run: Run = {"9999-AH": {"X.1": 1.0}}
    for query, judged in qrels.items():
        if rng.random() < 0.1:
            continue
        names = np.array([*judged, *(f"X.{number}" for number in range(100))])
        chosen = rng.permutation(names)[: rng.integers(1, len(names))]
        # Few different scores, so most documents are tied; some differ by less than a float32 can tell.
        scores = rng.integers(0, 8, len(chosen)) + 1e-9 * rng.integers(0, 2, len(chosen))
        run[query] = dict(zip(chosen.tolist(), (scores - 4).tolist(), strict=True))
    return run


@pytest.mark.parametrize("language", ["de", "es", "fr", "it", "nl"])
def test_metrics_equal_those_of_trec_eval(shared: Path, tmp_path: Path, language: str) -> None:
    everything = read_qrels(shared / f"data/clef/qrels/{language}_qrels.txt.gz")
    rng = np.random.default_rng(len(everything))
    for number in range(10):
        queries = rng.permutation(list(everything))[:30].tolist()
        qrels = {query: everything[query] for query in queries}
        run = random_run(qrels, rng)
        result = evaluate_run(run, qrels, list(NAMES))
        theirs = pytrec_eval.RelevanceEvaluator(qrels, set(NAMES.values())).evaluate(run)
        for ours, name in NAMES.items():
            # trec_eval -c: over all judged queries, 0 for those that the run does not have.
            expected = sum(values[name] for values in theirs.values()) / len(qrels)
            assert result.mean[ours] == pytest.approx(expected, abs=1e-12), (number, ours)
        assert result.missing == [query for query in qrels if query not in run]
        assert result.unjudged == ["9999-AH"]
    # The file holds the same ranking.
    write_run(run, tmp_path / "run.txt")
    assert evaluate_run(read_run(tmp_path / "run.txt"), qrels, list(NAMES)) == result


def test_a_duplicate_line_is_an_error_with_its_number(shared: Path, tmp_path: Path) -> None:
    run = random_run(read_qrels(shared / "data/clef/qrels/it_qrels.txt.gz"), np.random.default_rng(0))
    write_run(run, tmp_path / "run.txt")
    lines = (tmp_path / "run.txt").read_text().splitlines()
    (tmp_path / "run.txt").write_text("\n".join([*lines, lines[41]]))
    with pytest.raises(ValueError, match=rf"run\.txt, line {len(lines) + 1}: .* which is also in line 42"):
        read_run(tmp_path / "run.txt")
