"""``python -m fmvae_core.cluster.job NAME``: a run as a job of Ray, on the cluster's head.

The run's folder is kept on the head, beyond the job and beyond Ray itself. A worker trains with a
copy of it and tells of all changes; where the worker or its machine dies, another goes on from the
last checkpoint that came.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError, TaskCancelledError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from fmvae_core.cluster.changes import run_files
from fmvae_core.cluster.keeper import Keeper, checkpoint_step
from fmvae_core.cluster.places import RUN_INPUT, kept_dir, show
from fmvae_core.cluster.work import work
from fmvae_core.files import alone_in
from fmvae_core.runs.files import CHECKPOINT_FILE, RECORD_FILE
from fmvae_core.runs.record import RunRecord, read_record, write_record
from fmvae_core.training.interrupts import interrupted

_TRIES = 5
"""Workers that may die, one after the other, without a new checkpoint between."""

_LOOK_SECONDS = 1.0


@ray.remote(max_retries=0)
def train(keeper: Any, name: str) -> int:
    """Train a run on whatever machine Ray chooses; return the engine's exit code."""
    return work(
        ray.get(keeper.files.remote(name)),
        lambda changes: ray.get(keeper.take.remote(name, changes)),
    )


def main() -> int:
    """Train the run of that name; return the exit code."""
    name = sys.argv[1]
    context: Any = ray.init(log_to_driver=False)
    folder = kept_dir() / name
    with alone_in(kept_dir() / f".{name}", patience=30.0), interrupted() as is_stopping:
        take_over(RUN_INPUT, folder)
        resources = reserve(folder)
        show(Path(context.address_info["session_dir"]) / "logs", name)
        keeper = keeper_here(kept_dir())
        tries = 0
        step = ray.get(keeper.step.remote(name))
        lost = ""
        while not is_stopping():
            note = f"{lost}waits for a free place on the cluster: {in_words(resources)}"
            ray.get(keeper.say.remote(name, "starting", note))
            ray.get(keeper.await_worker.remote(name))
            task = train.options(**resources).remote(keeper, name)
            while not ray.wait([task], timeout=_LOOK_SECONDS)[0]:
                if is_stopping():
                    ray.get(keeper.order.remote(name, "stop"))
                    if not ray.get(keeper.has_begun.remote(name)):
                        ray.cancel(task)
            try:
                return int(ray.get(task))
            except TaskCancelledError:
                break
            except RayTaskError as error:
                reason = f"Something went wrong on the cluster that should not have: {error.cause}."
                ray.get(keeper.say.remote(name, "failed", reason=reason))
                raise
            except RayError as error:
                print(f"the worker is gone: {error}", flush=True)
                reached = ray.get(keeper.step.remote(name))
                tries, step = (1, reached) if reached > step else (tries + 1, step)
                if tries == _TRIES:
                    reason = (
                        f"{_TRIES} workers died one after the other; the last: "
                        f"{type(error).__name__}. Where that is for want of memory, choose a "
                        "smaller batch size or model. Resume goes on from the last checkpoint."
                    )
                    ray.get(keeper.say.remote(name, "failed", reason=reason))
                    return 1
                lost = f"its worker died; it goes on from step {reached:,} elsewhere; "
        ray.get(keeper.say.remote(name, "stopped"))
    return 0


def keeper_here(base: Path) -> Any:
    """Return a keeper of runs, as an actor on this node."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    actor: Any = ray.remote(Keeper)
    return actor.options(num_cpus=0, scheduling_strategy=here).remote(base)


def take_over(sent: Path, folder: Path) -> None:
    """Put what was sent into the folder on the head, unless a run is further there."""
    folder.mkdir(parents=True, exist_ok=True)
    here, there = checkpoint_step(folder / CHECKPOINT_FILE), checkpoint_step(sent / CHECKPOINT_FILE)
    for name in (RECORD_FILE, *run_files(sent)):
        to = folder / name
        if name == RECORD_FILE or there > here or not to.exists():
            to.parent.mkdir(exist_ok=True)
            shutil.copyfile(sent / name, to)


def reserve(folder: Path) -> dict[str, float]:
    """Return what a run shall have for itself, and have its record say how many threads that is."""
    record = read_record(folder)
    resources = resources_of(record, ray.cluster_resources())
    write_record(folder, dataclasses.replace(record, threads=int(resources["num_cpus"])))
    return resources


def resources_of(record: RunRecord, cluster: dict[str, float]) -> dict[str, float]:
    """Return Ray's options for the place that a run needs.

    Parameters
    ----------
    record
        The run: a GPU where it says so, or leaves it open and the cluster has one; a processor for
        each thread that it names, else one.
    cluster
        All that the cluster has.
    """
    has_gpu = cluster.get("GPU", 0) >= 1
    wants_gpu = record.device.startswith("cuda") or (record.device == "auto" and has_gpu)
    return {"num_cpus": float(record.threads or 1), "num_gpus": float(wants_gpu)}


def in_words(resources: dict[str, float]) -> str:
    """Return what a run asks for, as one says it."""
    cpus, gpus = int(resources["num_cpus"]), int(resources["num_gpus"])
    parts = [f"{gpus} GPU{'s' if gpus > 1 else ''}"] if gpus else []
    return ", ".join([*parts, f"{cpus} processor{'s' if cpus > 1 else ''}"])


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(main())
