"""The launch configurations: accelerate reads them, and what they start trains."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils.launch import prepare_multi_gpu_env
from warm_processes import free_port, run_warm

import xlretrieval.modeling.modeling_bert_long as modeling
from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
METRICS = ("step", "eval_qlm_loss", "eval_qlm_accuracy", "eval_rr_loss", "eval_mrr", "eval_sentence_p1")
KINDS = {"one_gpu": "NO", "ddp": "MULTI_GPU", "ddp_nodes": "MULTI_GPU", "fsdp2": "FSDP", "fsdp2_nodes": "FSDP"}


def test_every_configuration_is_known():
    assert {path.stem for path in (EXAMPLES / "accelerate").glob("*.yaml")} == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_accelerate_reads_the_configuration(name):
    config = load_config_from_file(str(EXAMPLES / "accelerate" / f"{name}.yaml"))
    assert config.distributed_type == KINDS[name]
    assert config.mixed_precision == "bf16"
    assert config.num_machines == (2 if name.endswith("_nodes") else 1)
    if KINDS[name] == "FSDP":
        assert config.fsdp_config["fsdp_version"] == 2
        assert hasattr(modeling, config.fsdp_config["fsdp_transformer_layer_cls_to_wrap"])


def test_the_slurm_script_is_a_shell_script():
    done = subprocess.run(["bash", "-n", str(EXAMPLES / "slurm" / "pretrain.sbatch")], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr


def start_slurm_script(folder: Path, srun: str) -> subprocess.Popen:
    """The script as SLURM starts it on the first of two machines, with a cluster that writes down what it is told."""
    answers = {
        "scontrol": 'echo "$@" >> scontrol.log; [ "$1" != show ] || { echo node7; sleep 0.2; echo node8; }',
        "accelerate": 'printf "%s\\n" "$@" > accelerate.log',
        "srun": srun,
    }
    for name, body in answers.items():
        (folder / name).write_text(f"#!/bin/bash\n{body}\n")
        (folder / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "SLURM_PROCID": "0"}
    environment |= {
        "SLURM_JOB_ID": "42",
        "SLURM_NNODES": "2",
        "SLURM_GPUS_ON_NODE": "4",
        "SLURM_JOB_NODELIST": "node[7-8]",
    }
    command = ["bash", str(EXAMPLES / "slurm" / "pretrain.sbatch"), "my config.yaml"]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("code", [0, 3])
def test_the_slurm_script_launches_and_ends_as_training_does(code, tmp_path):
    job = start_slurm_script(tmp_path, f'"$@"; exit {code}')
    job.communicate(timeout=30)
    assert job.returncode == code
    words = (tmp_path / "accelerate.log").read_text().splitlines()
    options = dict(zip(words[1:-4:2], words[2:-4:2], strict=True))
    assert options["--num_machines"] == "2" and options["--num_processes"] == "8" and options["--machine_rank"] == "0"
    assert options["--main_process_ip"] == "node7"
    assert words[-4:] == ["-m", "xlretrieval", "pretrain", "my config.yaml"]
    assert "requeue" not in (tmp_path / "scontrol.log").read_text()


@pytest.mark.parametrize("code", [0, 3])
def test_the_slurm_script_requeues_itself_before_the_time_limit(code, tmp_path):
    """The signal that SLURM was asked for puts the job back; the script still waits for what SLURM then ends."""
    lines = (EXAMPLES / "slurm" / "pretrain.sbatch").read_text().splitlines()
    assert "#SBATCH --requeue" in lines and "#SBATCH --signal=B:USR1@120" in lines
    job = start_slurm_script(tmp_path, f"touch running; while [ ! -e end ]; do sleep 0.05; done; exit {code}")
    wait_for(tmp_path / "running")
    job.send_signal(signal.SIGUSR1)
    wait_for(tmp_path / "scontrol.log", "requeue 42")
    assert job.poll() is None
    (tmp_path / "end").touch()
    assert "goes back into the queue" in job.communicate(timeout=30)[0]
    assert job.returncode == code


def wait_for(path: Path, text: str = "", seconds: float = 20) -> None:
    """Waits until a file is there and has the text."""
    end = time.monotonic() + seconds
    while not (path.exists() and text in path.read_text()):
        assert time.monotonic() < end, f"{path.name} without {text!r}"
        time.sleep(0.02)


@pytest.mark.slow
def test_two_processes_pretrain_under_the_ddp_configuration(long_folder, corpus_folder, tmp_path):
    config = tmp_path / "config.yaml"
    words = {
        "model": str(long_folder),
        "corpus": str(corpus_folder),
        "output_dir": str(tmp_path / "run"),
        "max_length": 64,
        "max_query_length": 16,
        "per_device_train_batch_size": 2,
        "max_steps": 2,
        "use_cpu": True,
        "ddp_backend": "gloo",
    }
    config.write_text(yaml.safe_dump(words))
    launch = ["-m", "accelerate.commands.launch", "--config_file", str(EXAMPLES / "accelerate" / "ddp.yaml")]
    launch += ["--num_processes", "2", "--mixed_precision", "no", "--main_process_port", str(free_port())]
    done = run_warm([*launch, "-m", "xlretrieval", "pretrain", config], OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr[-3000:]
    states = list((tmp_path / "run").rglob("trainer_state.json"))
    assert states and json.loads(states[0].read_text())["global_step"] == 2
    record = json.loads((tmp_path / "run" / "pretraining.json").read_text())
    assert record["steps"] == 2 and record["arguments"]["examples_per_step"] == 4
    assert (tmp_path / "run" / "model.safetensors").exists()


def launched(configuration: str) -> dict[str, str]:
    """What accelerate's launcher tells two processes, beside where they meet; those that it starts start cold."""
    words = ["--config_file", str(EXAMPLES / "accelerate" / configuration), "--num_processes", "2"]
    arguments = launch_command_parser().parse_args([*words, "--mixed_precision", "no", "script.py"])
    told = prepare_multi_gpu_env(_validate_launch_command(arguments)[0])
    return {name: value for name, value in told.items() if os.environ.get(name) != value}


@pytest.mark.slow
def test_fsdp2_is_the_run_of_one_process_and_resumes(long_folder, corpus_folder, tmp_path):
    """Parameters in shards over two processes: the same losses and weights; whole checkpoints, from which it goes on.

    The steps serve both objectives in turn, so each head has steps without a loss, in which its moments still decay.
    Layers that are computed again for the gradient, as long inputs need it, change nothing either.
    """
    script = EXAMPLES.parent / "tests" / "trainers" / "train_steps.py"
    launch = {"processes": 2, **launched("fsdp2.yaml")}
    options = {"model": str(long_folder), "corpus": str(corpus_folder), "negatives": 2, "max_steps": 4}
    options |= {"save_strategy": "steps", "save_steps": 2, "weight_decay": 0.1}
    # Numbers that do not divide: the processes make different numbers of forward passes.
    options |= {
        "eval_strategy": "steps",
        "eval_steps": 2,
        "eval_on_start": True,
        "eval_pairs": 7,
        "eval_candidates": 5,
    }
    evaluated: dict[str, list[dict]] = {}

    def train(name: str, launch: dict[str, Any], **more: object) -> list[float]:
        words = {**options, "output": str(tmp_path / name), "result_file": str(tmp_path / f"{name}.json"), **more}
        done = run_warm([script, json.dumps(words)], **launch)
        assert done.returncode == 0, done.stderr[-3000:]
        rows = json.loads((tmp_path / f"{name}.json").read_text())
        evaluated[name] = [{key: row[key] for key in METRICS} for row in rows if "eval_loss" in row]
        return [value for row in rows if "grad_norm" in row for value in (row["loss"], row["grad_norm"])]

    one = train("one", {}, per_device_train_batch_size=8)
    shards = {"per_device_train_batch_size": 4, "ddp_backend": "gloo"}
    two = train("two", launch, **shards)
    assert len(one) == 8 and two == pytest.approx(one, abs=1e-5)
    assert [row["step"] for row in evaluated["one"]] == [0, 2, 4]
    for mine, theirs in zip(evaluated["two"], evaluated["one"], strict=True):
        assert mine == pytest.approx(theirs, abs=1e-5)
    weights, sharded = (
        BertLongForXLRetrieval.from_pretrained(tmp_path / name / "checkpoint-4").state_dict()
        for name in ("one", "two")
    )
    for name, values in weights.items():
        # A softmax takes no notice of these: their gradients are rounding, which Adam turns into steps.
        if re.search(r"key(_global)?\.bias$|classifier\.bias$", name):
            continue
        torch.testing.assert_close(sharded[name], values, rtol=0, atol=1e-5, msg=name)
    checkpoint = tmp_path / "two" / "checkpoint-2"
    more = {"resume": str(checkpoint), "gradient_checkpointing": True, "eval_strategy": "no", "eval_on_start": False}
    resumed = train("resumed", launch, **shards, **more)
    assert resumed == pytest.approx(one, abs=1e-5)
    whole = BertLongForXLRetrieval.from_pretrained(checkpoint)
    before = BertLongForXLRetrieval.from_pretrained(long_folder)
    shapes = {name: value.shape for name, value in before.state_dict().items()}
    assert {name: value.shape for name, value in whole.state_dict().items()} == shapes
    assert not torch.equal(whole.bert.embeddings.word_embeddings.weight, before.bert.embeddings.word_embeddings.weight)
