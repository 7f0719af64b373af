"""Lines that a run writes."""

from __future__ import annotations

from xlretrieval.trainers.log_lines import log_line


def test_training_and_evaluation_take_a_line_each():
    logs = {
        "loss": 2.41,
        "qlm_loss": 4.7,
        "qlm_loss_en-de": 4.6,
        "rr_loss": 0.1466,
        "learning_rate": 2.5e-4,
        "epoch": 1.2,
    }
    assert log_line(logs, 300, 1200) == "step 300 of 1,200  loss 2.41  qlm 4.7  rr 0.1466  lr 0.00025"
    logs = {"eval_loss": 5.125, "eval_mrr": 0.6388, "eval_mrr_en-fr": 0.6, "eval_runtime": 25.98}
    assert log_line(logs, 1200, 1200) == "step 1,200 of 1,200  held out  loss 5.125  MRR 0.6388"


def test_the_rest_takes_none():
    assert log_line({"train_runtime": 12.0, "train_loss": 2.0}, 5, 5) is None


def test_a_run_writes_them(long_folder, corpus_folder, tmp_path, capsys):
    from train_steps import train  # tests/trainers is on the path, see conftest

    options = {"model": str(long_folder), "corpus": str(corpus_folder), "output": str(tmp_path), "max_steps": 2}
    train(**options)
    printed = capsys.readouterr().out
    assert "step 1 of 2  loss " in printed and "step 2 of 2  loss " in printed
    assert "{" not in printed
