"""A sweep: one run tried with many settings, drawn at random. Its folder holds a run for each.

What shall be done and how each trial stands are files of the same kinds as those of any run, so a
sweep that was interrupted goes on from them: nothing else is remembered, and nothing pickled.
"""

from __future__ import annotations

import ast
import dataclasses
import json
import shutil
import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from fmvae_core.files import data_dir, replacing
from fmvae_core.runs.files import EVALUATIONS_FILE
from fmvae_core.runs.record import (
    RunError,
    RunRecord,
    StateName,
    read_record,
    stored_state,
    write_record,
)
from fmvae_core.training.config import changed

SWEEP_FILE = "sweep.json"
RESULTS_FILE = "results.json"
"""How the trials of a sweep on a cluster stand: what whoever follows it looks at."""

TRIALS = "trials"
"""Folder with a run for each trial."""

FORMAT = "flatjam-sweep"
FORMAT_VERSION = 1

Scheduler = Literal["none", "asha"]

_DRAWS = {
    "choice": None,
    "uniform": 2,
    "loguniform": 2,
    "quniform": 3,
    "qloguniform": 3,
    "randint": 2,
    "lograndint": 2,
}
"""What Ray Tune can draw from, and how many numbers it takes; a choice takes any values."""

_METRICS = {"drums": "hit_f1", "melody": "wrong_steps", "motion": "constraint"}


class SweepError(ValueError):
    """A sweep that cannot be read or used; the message says why and what to do."""


@dataclass(frozen=True)
class Draw:
    """How a setting is drawn: a function of Ray Tune's, and what it is given."""

    function: str
    arguments: tuple[Any, ...]

    @classmethod
    def parse(cls, text: str) -> Draw:
        """Return what a text like ``choice(16, 32)`` or ``loguniform(1e-4, 1e-2)`` means.

        Raises
        ------
        SweepError
            If it means nothing.
        """
        try:
            call = ast.parse(text.strip(), mode="eval").body
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
                raise ValueError("it is no call")
            arguments = tuple(ast.literal_eval(argument) for argument in call.args)
            count = _DRAWS[call.func.id]
            if call.keywords or len(arguments) != (count or max(1, len(arguments))):
                raise ValueError("it has other arguments")
        except (SyntaxError, ValueError, KeyError):
            known = ", ".join(name for name in _DRAWS)
            raise SweepError(
                f"'{text}' cannot be drawn from; write for example choice(16, 32, 64) or "
                f"loguniform(1e-4, 1e-2). There are {known}"
            ) from None
        return cls(call.func.id, arguments)


@dataclass(frozen=True)
class Sweep:
    """What a sweep shall do.

    Parameters
    ----------
    record
        The run that is tried.
    search
        What is drawn, by setting: ``{"model.latent_dim": "choice(16, 32)"}``.
    trials
        How many.
    scheduler
        ``asha`` ends those early that are among the worse (Li et al. 2018); ``none`` lets all end.
    metric
        Figure of the evaluations that is to be best.
    seed
        Of what is drawn; each trial trains with the record's own.
    cluster
        Address of the cluster; ``None`` is this machine.
    """

    record: RunRecord
    search: dict[str, str]
    trials: int
    scheduler: Scheduler
    metric: str
    seed: int = 0
    cluster: str | None = None

    @property
    def is_less_better(self) -> bool:
        """Whether the figure is an error."""
        return "f1" not in self.metric

    def draws(self) -> dict[str, Draw]:
        """Return what is drawn, by setting.

        Raises
        ------
        SweepError
            If nothing is to be drawn, or something cannot.
        """
        if not self.search:
            raise SweepError(
                "there is nothing to search; add for example "
                "--search 'optimiser.learning_rate=loguniform(1e-4, 1e-2)'"
            )
        return {name: Draw.parse(text) for name, text in self.search.items()}

    def check(self) -> None:
        """Check that every setting that is searched is there.

        Raises
        ------
        ValueError
            If one is unknown, or nothing is searched.
        """
        fields = self.record.config.to_dict()
        for name in self.draws():
            table, _, key = name.partition(".")
            if not isinstance(fields.get(table), dict) or key not in fields[table]:
                raise SweepError(
                    f"there is no setting '{name}'; those of a preset are written TABLE.NAME, such "
                    "as model.latent_dim"
                )

    def trial(self, number: int, values: dict[str, Any]) -> RunRecord:
        """Return the run of a trial.

        Raises
        ------
        ValueError
            If a setting is unknown or a value impossible.
        """
        tables: dict[str, dict[str, Any]] = {}
        for name, value in values.items():
            table, _, key = name.partition(".")
            tables.setdefault(table, {})[key] = value
        config = changed(self.record.config, tables)
        name = f"{self.record.name}, trial {number}"
        return dataclasses.replace(self.record, name=name, config=config, cluster=None)


@dataclass(frozen=True)
class Result:
    """How a trial stands.

    Parameters
    ----------
    number
        From 0.
    values
        What was drawn, by setting.
    figure
        The metric at its last evaluation, if it had one.
    reason
        Of a failure, in words.
    """

    number: int
    values: dict[str, Any]
    state: StateName
    step: int
    figure: float | None
    reason: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be done for it; a failed one would fail again."""
        return self.state in ("finished", "failed", "stopped")


def sweeps_dir() -> Path:
    """Return the folder of all sweeps, in the user's data folder."""
    return data_dir() / "sweeps"


def trial_name(number: int) -> str:
    """Return what the folder of a trial is called."""
    return f"{number:04}"


def default_metric(representation: str) -> str:
    """Return the figure that matters most."""
    return _METRICS[representation]


def read_space(file: Path) -> dict[str, str]:
    """Return what a TOML file has drawn: tables as those of the presets, with texts as values.

    Raises
    ------
    SweepError
        If it is no such file.
    """
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
        return {
            f"{table}.{name}": str(text)
            for table, entries in tables.items()
            for name, text in entries.items()
        }
    except (OSError, ValueError, AttributeError) as error:
        raise SweepError(f"{file} holds no settings to draw ({error})") from None


def to_json(sweep: Sweep) -> str:
    """Return a sweep as what `from_json` reads."""
    fields = {item.name: getattr(sweep, item.name) for item in dataclasses.fields(sweep)}
    head = {"format": FORMAT, "format_version": FORMAT_VERSION}
    return json.dumps({**head, **fields, "record": sweep.record.to_dict()}, indent=1) + "\n"


def write_sweep(folder: Path, sweep: Sweep) -> None:
    """Write what a sweep shall do into its folder."""
    with replacing(folder / SWEEP_FILE) as scratch:
        scratch.write_text(to_json(sweep), "utf-8")


def read_sweep(folder: Path) -> Sweep:
    """Return what the sweep in a folder shall do.

    Raises
    ------
    SweepError
        If there is none, or one of a newer format.
    """
    try:
        fields = json.loads((folder / SWEEP_FILE).read_text("utf-8"))
        if fields.pop("format") != FORMAT or fields.pop("format_version") > FORMAT_VERSION:
            raise SweepError(
                f"the sweep in {folder} is of a newer Flatjam; update to go on with it"
            )
        return Sweep(**{**fields, "record": RunRecord.from_dict(fields["record"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, SweepError):
            raise
        raise SweepError(f"{folder} holds no sweep that can be read ({error})") from None


def results(folder: Path, sweep: Sweep) -> list[Result]:
    """Return how the trials of a sweep stand that there are already, the best first."""
    found = []
    for number in range(sweep.trials):
        run = folder / TRIALS / trial_name(number)
        try:
            config = read_record(run).config.to_dict()
        except RunError:
            continue
        values = {}
        for name in sweep.search:
            table, _, key = name.partition(".")
            values[name] = config[table][key]
        state = stored_state(run)
        figure = _figure(run, sweep.metric)
        found.append(Result(number, values, state.state, state.step, figure, state.reason))
    sign = 1.0 if sweep.is_less_better else -1.0
    return sorted(
        found,
        key=lambda result: (
            result.figure is None,
            sign * (result.figure or 0.0),
            result.number,
        ),
    )


def results_json(found: list[Result]) -> str:
    """Return what `read_results` reads."""
    return json.dumps([dataclasses.asdict(result) for result in found])


def read_results(text: bytes | None) -> list[Result]:
    """Return what `results_json` told; nothing where it is not there, or not whole."""
    try:
        return [Result(**fields) for fields in json.loads(text or b"[]")]
    except (ValueError, TypeError):
        return []


def _figure(run: Path, metric: str) -> float | None:
    """Return the metric at the last evaluation of a run."""
    try:
        lines = (run / EVALUATIONS_FILE).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        try:
            event = json.loads(line)
        except ValueError:
            continue  # not written to its end yet
        if event["kind"] == "validation" and metric in event:
            return float(event[metric])
    return None


def keep_best(folder: Path, best: Result, sweep: Sweep, run: Path) -> None:
    """Copy the best trial into a folder of its own among the runs.

    Parameters
    ----------
    folder
        Of the sweep.
    best
        The trial.
    run
        Empty folder of the new run.
    """
    trial = folder / TRIALS / trial_name(best.number)
    shutil.copytree(trial, run, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
    record = sweep.trial(best.number, best.values)
    now = datetime.now().isoformat(timespec="seconds")
    tags = (*record.tags, "sweep")
    write_record(run, dataclasses.replace(record, created=now, tags=tags))
