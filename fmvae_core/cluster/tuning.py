"""The trials of a sweep, by Ray Tune: on this machine, or as a job on a cluster's head."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler, TrialScheduler

from fmvae_core.cluster.changes import Change
from fmvae_core.cluster.job import keeper_here, resources_of
from fmvae_core.cluster.sweep import TRIALS, Result, Sweep, results, trial_name
from fmvae_core.cluster.work import Evaluations, work
from fmvae_core.runs.files import EVALUATIONS_FILE, RECORD_FILE
from fmvae_core.runs.orders import Order
from fmvae_core.runs.record import write_record

_STORE_BYTES = 200_000_000
_RETRIES = 3
"""Of a trial whose worker has died."""


@contextmanager
def ray_here(processors: int) -> Iterator[None]:
    """Have a Ray of one's own on this machine for as long as the block lasts."""
    ray.init(
        address="local",
        num_cpus=processors,
        object_store_memory=_STORE_BYTES,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    try:
        yield
    finally:
        ray.shutdown()


def draw_trials(folder: Path, sweep: Sweep) -> None:
    """Make the run of each trial that has none yet; the same seed draws the same.

    Raises
    ------
    ValueError
        If a setting is unknown or a value that was drawn impossible.
    """
    random = np.random.RandomState(sweep.seed)
    domains = {
        name: getattr(tune, draw.function)(
            list(draw.arguments) if draw.function == "choice" else draw.arguments[0],
            *(() if draw.function == "choice" else draw.arguments[1:]),
        )
        for name, draw in sweep.draws().items()
    }
    for number in range(sweep.trials):
        values = {
            name: _plain(domain.sample(random_state=random)) for name, domain in domains.items()
        }
        run = folder / TRIALS / trial_name(number)
        record = sweep.trial(number, values)
        if not (run / RECORD_FILE).exists():
            write_record(run, record)


def tune_trials(
    folder: Path, sweep: Sweep, on_change: Callable[[list[Result]], None] = lambda found: None
) -> list[Result]:
    """Train the trials that are not over; return all, the best first.

    Ray must be there. A trial goes on from its own checkpoint, on whatever machine; the scheduler
    is told again what the trials have measured before, so that it judges as if nothing had
    stopped.

    Parameters
    ----------
    folder, sweep
        See `draw_trials`.
    on_change
        Given all trials whenever one has measured something or is over.
    """
    # Its own logs would load torch; what trials measure is in their runs.
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
    keeper = keeper_here(folder / TRIALS)
    over = {result.number for result in results(folder, sweep) if result.is_over}
    resources = resources_of(sweep.record, ray.cluster_resources())
    wanted = {"cpu": resources["num_cpus"], "gpu": resources["num_gpus"]}
    trainable = tune.with_resources(
        tune.with_parameters(_try, keeper=keeper, over=over, metric=sweep.metric), wanted
    )
    with tempfile.TemporaryDirectory(prefix="flatjam-sweep-") as scratch:
        tuner = tune.Tuner(
            trainable,
            param_space={"trial": tune.grid_search(list(range(sweep.trials)))},
            tune_config=tune.TuneConfig(
                metric=sweep.metric,
                mode="min" if sweep.is_less_better else "max",
                scheduler=_scheduler(sweep),
            ),
            run_config=tune.RunConfig(
                name="tune",
                # Nothing of it is read again: what is known of a trial is in its run.
                storage_path=scratch,
                failure_config=tune.FailureConfig(max_failures=_RETRIES),
                callbacks=[_Teller(folder, sweep, keeper, on_change)],
                verbose=0,
            ),
        )
        tuner.fit()
    return results(folder, sweep)


def _try(config: dict[str, Any], keeper: Any, over: set[int], metric: str) -> None:
    """Train a trial, on whatever machine Ray has chosen."""
    name = trial_name(config["trial"])

    def tell(changes: list[Change]) -> Order:
        order: Order = ray.get(keeper.take.remote(name, changes))
        return order

    def report(event: dict[str, Any]) -> None:
        if metric in event:
            tune.report({metric: event[metric], "step": event["step"]})

    files = ray.get(keeper.files.remote(name))
    if config["trial"] in over:
        Evaluations(report).read(files.get(EVALUATIONS_FILE, b""))
    else:
        work(files, tell, report)


def _scheduler(sweep: Sweep) -> TrialScheduler | None:
    if sweep.scheduler == "none":
        return None
    steps = sweep.record.config.optimiser.steps
    return ASHAScheduler(
        time_attr="step",
        max_t=steps,
        grace_period=max(1, steps // 9),
        reduction_factor=3,
        stop_last_trials=False,
    )


class _Teller(tune.Callback):
    """Tells of trials, and takes down which of them the scheduler has ended."""

    def __init__(
        self, folder: Path, sweep: Sweep, keeper: Any, on_change: Callable[[list[Result]], None]
    ) -> None:
        self._folder, self._sweep, self._keeper = folder, sweep, keeper
        self._on_change = on_change

    def __getstate__(self) -> dict[str, Any]:
        # Tune writes itself down, though nobody reads it; whom to tell is known here alone.
        return {**vars(self), "_on_change": None}

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: Any, **_: Any
    ) -> None:
        self._tell()

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
        number = trial.config["trial"]
        found = results(self._folder, self._sweep)
        if not any(result.number == number and result.is_over for result in found):
            note = "ended early: it was among the worse"
            ray.get(self._keeper.say.remote(trial_name(number), "stopped", note))
        self._tell()

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
        reason = f"Its workers died {_RETRIES + 1} times; --resume tries it again."
        name = trial_name(trial.config["trial"])
        ray.get(self._keeper.say.remote(name, "lost", reason=reason))
        self._tell()

    def _tell(self) -> None:
        self._on_change(results(self._folder, self._sweep))


def _plain(value: Any) -> Any:
    """Return a value that was drawn as JSON knows it."""
    return value.item() if isinstance(value, np.generic) else value
