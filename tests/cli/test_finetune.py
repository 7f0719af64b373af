"""`xlretrieval finetune`: its tasks and their help."""

from __future__ import annotations

import pytest

from xlretrieval.cli.main import main


def test_help_names_the_tasks(capsys):
    with pytest.raises(SystemExit):
        main(["finetune", "--help"])
    printed = capsys.readouterr().out
    assert "ranking" in printed and "qa" in printed and "judged collections" in printed


def test_help_of_ranking_names_our_options(capsys):
    with pytest.raises(SystemExit):
        main(["finetune", "ranking", "--help"])
    printed = capsys.readouterr().out
    for option in ("--freeze_layers", "--fold_file", "--spread", "--head_learning_rate", "--early_stopping_patience"):
        assert option in printed
    assert main(["finetune", "ranking", "--list"]) == 0
    assert "--gradient_accumulation_steps" in capsys.readouterr().out


def test_an_unknown_task_is_an_error(capsys):
    with pytest.raises(SystemExit) as leaving:
        main(["finetune", "rankings"])
    assert leaving.value.code == 2 and "invalid choice: 'rankings'" in capsys.readouterr().err
