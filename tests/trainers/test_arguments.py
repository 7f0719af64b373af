"""Arguments: the paper's defaults, and one sentence for everything that cannot be."""

from __future__ import annotations

import pytest

from xlretrieval.trainers.arguments import XLPretrainingArguments


def test_defaults_are_the_papers(tmp_path):
    arguments = XLPretrainingArguments(output_dir=str(tmp_path))
    assert (arguments.learning_rate, arguments.max_grad_norm, arguments.num_train_epochs) == (1e-5, 5.0, 20.0)
    assert arguments.lr_scheduler_type == "constant" and arguments.weight_decay == 0
    assert (arguments.objectives, arguments.mask_mode, arguments.mask_probability) == (["qlm", "rr"], "query", 0.30)
    assert (arguments.negatives, arguments.max_length, arguments.max_query_length) == (1, 512, 64)
    assert arguments.rr_loss == "pairwise_logistic" and arguments.qlm_weight == arguments.rr_weight == 1.0


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("objectives", ["mlm"], "objectives must be of qlm, rr, got 'mlm'"),
        ("objectives", ["rr", "rr"], "objectives must name at least one objective, each once"),
        ("objectives", [], "objectives must name at least one"),
        ("mask_mode", "both", "mask_mode must be one of query, document, mixed, got 'both'"),
        ("mask_probability", 0.0, r"mask_probability must be in \(0, 1\], got 0.0"),
        ("rr_loss", "triplet", "rr_loss must be one of pairwise_logistic"),
        ("negatives", 0, "negatives must be at least 1, got 0"),
        ("qlm_weight", -1.0, "qlm_weight must not be negative, got -1.0"),
        ("eval_candidates", 1, "eval_candidates must be at least 2"),
        ("pairs_per_epoch", 0, "pairs_per_epoch must be at least 1"),
        ("auto_find_batch_size", True, "auto_find_batch_size must be false"),
    ],
)
def test_what_cannot_be(name, value, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        XLPretrainingArguments(output_dir=str(tmp_path), **{name: value})
