"""The launch configurations: accelerate reads them, and what they start trains."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from accelerate.commands.config.config_args import load_config_from_file

import xlretrieval.modeling.modeling_bert_long as modeling
from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
KINDS = {"one_gpu": "NO", "ddp": "MULTI_GPU", "ddp_nodes": "MULTI_GPU", "fsdp2": "FSDP", "fsdp2_nodes": "FSDP"}


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


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
    command = [sys.executable, *launch, "-m", "xlretrieval", "pretrain", str(config)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    states = list((tmp_path / "run").rglob("trainer_state.json"))
    assert states and json.loads(states[0].read_text())["global_step"] == 2
    assert (tmp_path / "run" / "model.safetensors").exists()


@pytest.mark.slow
def test_fsdp2_is_the_run_of_one_process_and_resumes(long_folder, corpus_folder, tmp_path):
    """Parameters in shards over two processes: the same losses; whole checkpoints, from which it goes on."""
    script = EXAMPLES.parent / "tests" / "trainers" / "train_steps.py"
    launch = ["-m", "accelerate.commands.launch", "--config_file", str(EXAMPLES / "accelerate" / "fsdp2.yaml")]
    launch += ["--num_processes", "2", "--mixed_precision", "no", "--main_process_port", str(free_port())]
    options = {"model": str(long_folder), "corpus": str(corpus_folder), "negatives": 2, "max_steps": 4}

    def train(name: str, launcher: list[str], **more: object) -> list[float]:
        words = {**options, "output": str(tmp_path / name), "result_file": str(tmp_path / f"{name}.json"), **more}
        command = [sys.executable, *launcher, str(script), json.dumps(words)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
        assert done.returncode == 0, done.stderr[-3000:]
        rows = json.loads((tmp_path / f"{name}.json").read_text())
        return [value for line in rows for value in (line["loss"], line["grad_norm"])]

    one = train("one", [], per_device_train_batch_size=8)
    shards = {"per_device_train_batch_size": 4, "ddp_backend": "gloo", "save_strategy": "steps", "save_steps": 2}
    two = train("two", launch, **shards)
    assert len(one) == 8 and two == pytest.approx(one, abs=1e-5)
    checkpoint = tmp_path / "two" / "checkpoint-2"
    resumed = train("resumed", launch, **shards, resume=str(checkpoint))
    assert resumed == pytest.approx(one, abs=1e-5)
    whole = BertLongForXLRetrieval.from_pretrained(checkpoint)
    before = BertLongForXLRetrieval.from_pretrained(long_folder)
    shapes = {name: value.shape for name, value in before.state_dict().items()}
    assert {name: value.shape for name, value in whole.state_dict().items()} == shapes
    assert not torch.equal(whole.bert.embeddings.word_embeddings.weight, before.bert.embeddings.word_embeddings.weight)
