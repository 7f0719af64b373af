"""A run is the same run however it is cut: into micro-batches, processes, workers, or by a kill in the middle."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
import torch
from accelerate import accelerator
from train_steps import train  # tests/trainers is on the path, see conftest
from warm_processes import run_warm

from xlretrieval.modeling import compilation
from xlretrieval.trainers import step_mean

SCRIPT = Path(__file__).with_name("train_steps.py")
OBJECTIVES = [["rr"], ["qlm", "rr"]]


def names(values: object) -> str:
    return "+".join(values) if isinstance(values, list) else str(values)


def start(tmp_path: Path, processes: int = 1, **options) -> tuple[int, list[dict]]:
    """Trains in processes of their own: their exit code and the log lines of the first."""
    result = tmp_path / f"result-{len(list(tmp_path.iterdir()))}.json"
    done = run_warm([SCRIPT, json.dumps({**options, "result_file": str(result)})], processes)
    if done.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(done.stderr[-3000:])
    return done.returncode, json.loads(result.read_text()) if result.exists() else []


def assert_same(first: list[dict], second: list[dict], tolerance: float) -> None:
    assert [row["step"] for row in first] == [row["step"] for row in second]
    for one, other in zip(first, second, strict=True):
        keys = {key for key in one if key.startswith(("loss", "qlm", "rr"))}
        assert keys == {key for key in other if key.startswith(("loss", "qlm", "rr"))}
        for key in keys:
            assert one[key] == pytest.approx(other[key], abs=tolerance), (one["step"], key)


@pytest.mark.slow
@pytest.mark.parametrize("objectives", OBJECTIVES, ids=names)
def test_batches_accumulation_and_processes(objectives, long_folder, corpus_folder, tmp_path):
    options = {
        "model": str(long_folder),
        "corpus": str(corpus_folder),
        "output": str(tmp_path / "run"),
        "objectives": objectives,
        "negatives": 2,
        "max_steps": 12,
    }
    whole = train(**options, per_device_train_batch_size=8)
    assert len(whole) == 12
    cut = train(**options, per_device_train_batch_size=2, gradient_accumulation_steps=4)
    assert_same(whole, cut, 1e-5)
    _, shared = start(tmp_path, processes=2, **options, per_device_train_batch_size=4, ddp_backend="gloo")
    assert_same(whole, shared, 1e-5)


def test_compiled_layers(long_folder, corpus_folder, tmp_path, monkeypatch):
    options = {"model": str(long_folder), "corpus": str(corpus_folder), "max_steps": 4}
    compiled = []
    monkeypatch.setattr(
        step_mean, "compile_layers", lambda *given: (compiled.append(given), compilation.compile_layers(*given))
    )
    monkeypatch.setattr(accelerator, "is_compiled_module", lambda model: pytest.fail("compiled as a whole"))
    plain = train(**options, output=str(tmp_path / "plain"))
    assert not compiled
    fast = train(**options, output=str(tmp_path / "fast"), torch_compile_backend="aot_eager")
    assert [given[1] for given in compiled] == ["aot_eager"]
    assert_same(plain, fast, 1e-5)


TWELVE_STEPS = {
    "max_steps": 12,
    "per_device_train_batch_size": 2,
    "gradient_accumulation_steps": 2,
    "pairs_per_epoch": 4,  # an epoch is 4 steps, so epochs end before and after the kill
}


@pytest.fixture(scope="module")
def twelve_steps(long_folder, corpus_folder, tmp_path_factory) -> list[dict]:
    """Log lines of the run that nobody kills."""
    output = tmp_path_factory.mktemp("whole")
    return train(model=str(long_folder), corpus=str(corpus_folder), output=str(output), **TWELVE_STEPS)


@pytest.mark.slow
@pytest.mark.parametrize("step", [7, 11])
def test_killed_and_resumed_anywhere(step, twelve_steps, long_folder, corpus_folder, tmp_path):
    """Two runs, one killed after `step` steps: the remaining losses are the same numbers."""
    options = {"model": str(long_folder), "corpus": str(corpus_folder), "output": str(tmp_path), **TWELVE_STEPS}
    code, _ = start(tmp_path, **options, save_strategy="steps", save_steps=1, kill_at=step + 1)
    assert code == -signal.SIGKILL
    resumed = train(**options, resume=str(tmp_path / f"checkpoint-{step}"))
    assert [row["step"] for row in resumed] == list(range(1, 13))
    for one, other in zip(twelve_steps[step:], resumed[step:], strict=True):
        assert one["loss"] == other["loss"]
        assert one["grad_norm"] == other["grad_norm"]


def test_resumed_with_dropout(long_folder, corpus_folder, tmp_path):
    """The random state of dropout is restored too."""
    from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval

    model = BertLongForXLRetrieval.from_pretrained(
        long_folder, hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.2
    )
    folder = tmp_path / "dropout"
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((long_folder / name).read_bytes())
    options = {"model": str(folder), "corpus": str(corpus_folder), "output": str(tmp_path / "run"), "max_steps": 6}
    options |= {"save_strategy": "steps", "save_steps": 3}
    whole = train(**options)
    resumed = train(**options, resume=str(tmp_path / "run" / "checkpoint-3"))
    assert [row["loss"] for row in whole] == [row["loss"] for row in resumed]


@pytest.mark.slow
def test_workers_change_nothing(long_folder, corpus_folder, tmp_path):
    options = {"model": str(long_folder), "corpus": str(corpus_folder), "output": str(tmp_path), "max_steps": 8}
    alone = train(**options)
    for workers in (1, 3):
        assert_same(alone, train(**options, dataloader_num_workers=workers), 0)


def test_epochs_differ_and_follow_each_other(long_folder, corpus_folder, tmp_path):
    """Two epochs of two steps are the first four steps of one long epoch: the sampler is told which epoch it is."""
    options = {"model": str(long_folder), "corpus": str(corpus_folder), "output": str(tmp_path), "max_steps": 8}
    short = train(**options, objectives=["qlm"], pairs_per_epoch=4)  # two language pairs: two steps an epoch
    long = train(**options, objectives=["qlm"], pairs_per_epoch=16)
    assert [row["loss"] for row in short] == [row["loss"] for row in long]
    assert len({row["loss"] for row in short}) == 8
    assert torch.tensor([row["epoch"] for row in short]).ceil().tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
