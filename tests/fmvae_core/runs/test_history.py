"""Following logs that grow, and large ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from fmvae_core.runs.follower import SAMPLES, WHOLE_BYTES
from fmvae_core.runs.history import MOST_POINTS, History
from fmvae_core.training.events import EventLog


def step(number: int) -> str:
    values = {"constraint": 1 / number, "kl": 20.0, "beta": 0.5, "initial": number < 50}
    return json.dumps({"kind": "step", "step": number, **values}) + "\n"


def test_a_log_is_followed_as_it_grows_and_anew_when_a_run_is_resumed(tmp_path: Path) -> None:
    history = History(tmp_path)
    assert not history.read()
    with EventLog(tmp_path) as log:
        log.write("step", 10, {"constraint": 0.5})
        assert history.read()
        log.write("phase", 15, {"best": 0.4})
        log.write("step", 20, {"constraint": 0.25, "kl": 3.0})
        log.write("validation", 20, {"hit_f1": 0.8, "training_hit_f1": 0.9})
        assert history.read()
    steps, values = history.curve("constraint")
    assert steps.tolist() == [10, 20]
    assert values.tolist() == [0.5, 0.25]
    assert np.isnan(history.curve("kl")[1][0])
    assert history.curve("at.training_hit_f1")[1].tolist() == [0.9]
    assert history.phase_end == 15

    with EventLog(tmp_path, first_step=10):  # the leg after it was lost
        assert history.read()
    assert history.curve("constraint")[0].tolist() == [10]
    assert len(history.evaluations) == 0
    assert history.phase_end is None


def test_a_line_that_is_not_yet_whole_is_left_for_later(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_text(step(1) + step(2)[:20])
    history = History(tmp_path)
    history.read()
    assert history.curve("kl")[0].tolist() == [1]
    with open(log, "a") as file:
        file.write(step(2)[20:])
    history.read()
    assert history.curve("kl")[0].tolist() == [1, 2]


def test_of_a_large_log_few_points_are_read_from_its_whole_length(tmp_path: Path) -> None:
    count = 4 * WHOLE_BYTES // len(step(1000))
    log = tmp_path / "events.jsonl"
    log.write_text("".join(step(number) for number in range(1, count + 1)))
    history = History(tmp_path)
    history.read()
    steps, values = history.curve("constraint")
    assert len(steps) <= SAMPLES + 100
    assert (np.diff(steps) > 0).all()
    assert steps[0] == 1
    assert steps[-1] == count
    assert np.diff(steps).max() < 3 * count / SAMPLES
    np.testing.assert_allclose(values, 1 / steps)

    with open(log, "a") as file:
        file.write(step(count + 1))
    history.read()
    assert history.curve("constraint")[0][-1] == count + 1


def test_a_long_watch_keeps_its_curves_small(tmp_path: Path) -> None:
    history = History(tmp_path)
    for number in range(1, 3 * MOST_POINTS):
        history.steps.add({"kind": "step", "step": number, "kl": 1.0})
    steps, _ = history.curve("kl")
    assert MOST_POINTS <= len(steps) <= 2 * MOST_POINTS
    assert steps[0] == 1


def test_figures_of_the_space_are_a_series_of_their_own(tmp_path: Path) -> None:
    history = History(tmp_path)
    with EventLog(tmp_path) as log:
        log.write("validation", 10, {"hit_f1": 0.5})
        log.write("validation", 20, {"hit_f1": 0.6})
        log.write("space", 20, {"condition": 31.0})
    history.read()
    assert history.curve("at.hit_f1")[0].tolist() == [10, 20]
    steps, values = history.curve("space.condition")
    assert (steps.tolist(), values.tolist()) == ([20], [31.0])
