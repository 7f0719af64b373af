"""Runs the tasks of a stage in parallel: daft's native runner on this machine, Ray on a cluster."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.progress import Progress

from .options import Workers

# No usage statistics: nothing goes over the network that was not asked for.
_QUIET = {"DAFT_ANALYTICS_ENABLED": "0", "DO_NOT_TRACK": "true", "RAY_USAGE_STATS_ENABLED": "0"}


# A worker is one of many: with a thread for every core in each of them, two workers were no faster than one.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Runner:
    """Runs tasks; a worker is a process with one stage set up in it, and starts in a second or two.

    One worker on this machine is this process, but where texts are embedded: torch would use other threads here, whose
    sums differ in the last bits.

    Args:
        workers: How many, and where.

    Raises:
        ValueError: daft, or Ray for a cluster, is not installed, or the cluster does not answer.
    """

    def __init__(self, workers: Workers):
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        try:
            import daft
        except ImportError:
            raise ValueError("a build must have daft, which is not installed. Install `xlretrieval[wiki]`.") from None
        self._daft = daft
        self.count = workers.count or os.cpu_count() or 1
        self._alone = self.count == 1 and workers.cluster is None
        if workers.cluster is not None:
            self._connect(workers)

    def _connect(self, workers: Workers) -> None:
        try:
            import ray
        except ImportError:
            raise ValueError(
                "cluster must have Ray, which is not installed. Install `xlretrieval[wiki,cluster]`."
            ) from None
        address = None if workers.cluster == "local" else workers.cluster
        started = {"num_cpus": self.count, "include_dashboard": False} if address is None else {}
        if not ray.is_initialized():
            try:
                ray.init(address=address, log_to_driver=False, logging_level="error", **started)
            except (ConnectionError, OSError) as error:
                raise ValueError(
                    f"cluster must be a Ray cluster that answers, got {workers.cluster!r}: {error}. "
                    "Start it, or leave the option out."
                ) from None
        self._daft.set_runner_ray(noop_if_initialized=True)
        if workers.count is None:
            self.count = max(1, int(ray.cluster_resources().get("CPU", 1)))

    def run(
        self,
        stage: str,
        setup: Mapping[str, Any],
        tasks: Sequence[Mapping[str, Any]],
        bars: Progress,
        embed: Callable[[], Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Runs the tasks of a stage.

        Args:
            stage: A name in `STAGES`.
            setup: What a worker of the stage needs, as plain values.
            tasks: What each task needs, as plain values.
            bars: Shows how many are done.
            embed: For a stage that takes `embed`: called in every worker.

        Returns:
            What the tasks returned, in their order.

        Raises:
            ValueError: A task found something wrong in its input.
        """
        if not tasks:
            return []
        texts = [json.dumps([number, task]) for number, task in enumerate(tasks)]
        run = self._run_here if self._alone and embed is None else self._run_in_workers
        results: dict[int, dict[str, Any]] = {}
        for answer in bars.track(run((stage, json.dumps(setup), embed), texts), total=len(tasks), description=stage):
            number, result, error = json.loads(answer)
            if error is not None:
                raise ValueError(error)
            results[number] = result
        return [results[number] for number in range(len(tasks))]

    def _run_in_workers(self, worker: tuple, tasks: list[str]) -> Iterator[str]:
        daft = self._daft
        workers = daft.cls(_Worker, use_process=True, max_concurrency=min(self.count, len(tasks)))
        frame = daft.from_pydict({"task": tasks}).into_batches(1)
        frame = frame.select(workers(*worker).run(frame["task"]).alias("answer"))
        with _environment(_ONE_THREAD):  # of the workers, which start now
            for row in frame.iter_rows():
                yield row["answer"]

    def _run_here(self, worker: tuple, tasks: list[str]) -> Iterator[str]:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            yield from map(_Worker(*worker).run, tasks)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the processes that are started in the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _Worker:
    """One stage in a process of its own."""

    def __init__(self, stage: str, setup: str, embed: Callable[[], Any] | None):
        from .stages import STAGES

        objects = {"embed": embed()} if embed is not None else {}
        self._stage = STAGES[stage](**json.loads(setup), **objects)

    def run(self, task: str) -> str:
        """Runs one task; what is wrong with its input travels back as a message."""
        number, arguments = json.loads(task)
        try:
            return json.dumps([number, self._stage(**arguments), None])
        except (ValueError, OSError) as error:
            return json.dumps([number, None, str(error)])
