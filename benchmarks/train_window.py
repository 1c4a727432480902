"""The Train tab beside a real training on the same processors, and what watching it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fmvae_core.data.corpus import save_corpus
from fmvae_core.runs.files import EVENTS_FILE
from fmvae_core.runs.orders import write_order
from fmvae_core.runs.record import RunRecord, RunState, read_state, write_state
from fmvae_core.runs.store import create_run
from fmvae_core.runs.supervisor import start_run
from fmvae_core.training.config import TrainingConfig, load_preset
from tests.corpora import tiny_corpus

_PRESET, _SIZE = "drums-2bar", "small"
_SECONDS = 40.0
_BEAT_MS = 5
_POINTS = 100_000
_MANY = 1_000_000
_APPEND_SECONDS = 0.1
_PATIENCE = 300.0
_STEPS, _ROUNDS = 30, 3


def measure() -> dict[str, Any]:
    """Return how the window and the sound fare beside a training, and what a run's telling costs.

    ``train_gui_stall_ms`` is the longest time between two beats of a 5 ms timer of the window, less
    these 5 ms, while a training of size small goes on on the same processors, two runs are drawn of
    which one has 100,000 points to which more are added ten times a second, and a groove plays;
    ``train_gui_stall_ms_p99`` its 99th percentile, ``train_xruns`` how often JACK lost sound
    meanwhile (``null`` without JACK). ``attach_1m_s`` is the time from the choice of a run of a
    million events to its course on the screen. ``train_overhead`` is the share by which processor
    time grows from bare steps to a run with supervisor, events and checkpoints, without
    evaluations; ``train_evaluation_share`` that of an evaluation, with the figures of the space,
    beside the steps between two of them.
    """
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FLATJAM_USER_DATA"] = f"{folder}/data"
        os.environ["FLATJAM_CONFIG"] = f"{folder}/config"
        return _costs(Path(folder) / "costs") | _window(Path(folder))


# --- the window -----------------------------------------------------------------------------------


def _window(folder: Path) -> dict[str, Any]:
    from PySide6.QtWidgets import QApplication

    from app.application import Application
    from app.state.settings import load_settings
    from app.theme import apply_theme
    from fmvae_core.files import resource

    corpus = folder / "frames.safetensors"
    save_corpus(tiny_corpus(performances=40, bars=40), corpus)
    with ExitStack() as stack:
        server = stack.enter_context(_sound())
        run = stack.enter_context(_training(corpus))
        long, many = _long_run(corpus, _POINTS), _long_run(corpus, _MANY)
        qt = QApplication.instance() or QApplication([])
        assert isinstance(qt, QApplication)
        apply_theme(qt)
        settings, _ = load_settings()
        flatjam = Application(settings, resource("models", "drums-2bar"), Path("/nonexistent"))
        flatjam.start()
        try:
            _until(qt, lambda: flatjam.model.is_ready and flatjam.explore.phrase is not None)
            _until(qt, lambda: flatjam.engine.state is not None)
            flatjam.tabs.show("train")
            tab = flatjam.tabs.train
            assert tab is not None
            _until(qt, lambda: len(tab.runs.runs) == 3)
            began = time.perf_counter()
            tab.view.table.choose({many})
            _until(qt, lambda: tab.view.plots.points()["KL"] > 0)
            attached = time.perf_counter() - began
            tab.view.table.choose({run, long})
            _until(qt, lambda: read_state(run).state == "running")
            flatjam.engine.play()
            beats, xruns = _beat(qt, long, server)
        finally:
            flatjam.window.close()
            flatjam.close()
    late = sorted(max(0.0, beat - _BEAT_MS) for beat in beats)
    return {
        "train_gui_stall_ms": late[-1],
        "train_gui_stall_ms_p99": late[int(0.99 * len(late))],
        "train_xruns": xruns,
        "attach_1m_s": attached,
    }


def _until(qt: Any, condition: Any) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        qt.processEvents()
        time.sleep(0.002)
        if time.monotonic() > end:
            raise TimeoutError("the window did not get there")


def _beat(qt: Any, long: Path, server: str | None) -> tuple[list[float], int | None]:
    """Let a timer beat; return milliseconds between beats, and how often sound was lost."""
    from PySide6.QtCore import QEventLoop, Qt, QTimer

    beats: list[float] = []
    last = time.perf_counter()

    def beat() -> None:
        nonlocal last
        now = time.perf_counter()
        beats.append(1000.0 * (now - last))
        last = now

    appender = subprocess.Popen(
        [sys.executable, "-c", _APPEND, str(long / EVENTS_FILE), str(_APPEND_SECONDS), str(_POINTS)]
    )
    # In a process of its own: whoever waits for this one's interpreter would lose sound itself.
    ears = None
    if server is not None:
        ears = subprocess.Popen(
            [sys.executable, "-c", _EARS, server],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert ears.stdout is not None
        assert ears.stdout.readline() == "ready\n"
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(beat)
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * _SECONDS), loop.quit)
    timer.start(_BEAT_MS)
    last = time.perf_counter()
    loop.exec()
    timer.stop()
    appender.terminate()
    appender.wait()
    xruns = None if ears is None else int(ears.communicate("", timeout=_PATIENCE)[0])
    return beats, xruns


_EARS = """
import sys, time, jack
lost = []
client = jack.Client("xruns", no_start_server=True, servername=sys.argv[1])
client.set_xrun_callback(lambda delay: lost.append(delay))
client.activate()
time.sleep(1)  # a new client may cost a period itself
lost.clear()
print("ready", flush=True)
sys.stdin.read()
print(len(lost))
client.close()
"""

_APPEND = """
import json, sys, time
path, apart, step = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
with open(path, "a") as file:
    while True:
        step += 1
        file.write(json.dumps({"kind": "step", "step": step, "kl": 20.0, "average": 0.02,
            "bound": 0.02, "beta": 0.5, "flatness": 0.1, "scale": 0.3, "learning_rate": 1e-3}))
        file.write("\\n")
        file.flush()
        time.sleep(apart)
"""


@contextmanager
def _sound() -> Iterator[str | None]:
    """Let the engine play on a JACK server of our own, where there is JACK; yield its name."""
    try:
        from tests.fmvae_core.live.jack import JackServer

        server = JackServer()
        server.start()
    except (ImportError, OSError, AssertionError) as error:
        print(f"without JACK ({error})")
        os.environ["FLATJAM_AUDIO_DRIVER"] = "file"
        os.environ["FLATJAM_AUDIO_FILE"] = os.devnull
        yield None
        return
    os.environ.update(server.environment)
    try:
        yield server.name
    finally:
        server.stop()


@contextmanager
def _training(corpus: Path) -> Iterator[Path]:
    """Let a real training go on, in a process of its own as the window starts it."""
    config = load_preset(_PRESET, _SIZE, {"optimiser": {"steps": 1_000_000}})
    run = create_run(RunRecord("beside", config, data=str(corpus), device="cpu"))
    process = start_run(run)
    try:
        yield run
    finally:
        write_order(run, "stop")
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _long_run(corpus: Path, count: int) -> Path:
    """Return a run that has logged so many steps."""
    config = load_preset(_PRESET, _SIZE)
    run = create_run(RunRecord(f"{count:,} events", config, data=str(corpus), device="cpu"))
    with open(run / EVENTS_FILE, "w", encoding="utf-8") as file:
        for step in range(1, count + 1):
            event = {"kind": "step", "step": step, "kl": 20 + step % 97, "average": 1 / step}
            event |= {"bound": 0.02, "beta": 0.5, "flatness": 0.1, "scale": 0.3, "nll": 300.0}
            file.write(json.dumps(event | {"constraint": 0.02, "learning_rate": 1e-3}) + "\n")
    write_state(run, RunState(state="finished", step=count, steps=count))
    return run


# --- what telling costs ---------------------------------------------------------------------------


def _costs(folder: Path) -> dict[str, float]:
    import torch

    from fmvae_core.training.hardware import Hardware
    from fmvae_core.training.steering import Watcher, steer
    from fmvae_core.training.trainer import Trainer

    torch.set_num_threads(1)
    corpus, hardware = tiny_corpus(performances=40, bars=40), Hardware.choose("cpu")
    data = folder / "frames.safetensors"
    save_corpus(corpus, data)
    config = load_preset(_PRESET, _SIZE, {"optimiser": {"steps": 1_000_000}})
    bare, run = folder / "bare", folder / "run"
    trainer = Trainer(config, corpus, bare, hardware)
    _past_the_initial_phase(trainer, config)
    trainer.run = run
    trainer.save()  # so that the run, too, begins past its first step
    trainer.run = bare
    record = RunRecord("costs", config, data=str(data), device="cpu", threads=1)
    times: dict[str, list[float]] = {"bare": [], "run": []}
    trainer.model.train()
    with hardware.full_precision():
        for _ in range(_ROUNDS):
            began = time.process_time()
            for _ in range(_STEPS):
                trainer.take_step()
            times["bare"].append(time.process_time() - began)
            times["run"].append(_steered(run, record, steer, Watcher))
        began = time.process_time()
        trainer.validate()
        trainer.look(is_last=True)
        evaluation = time.process_time() - began
    step = min(times["bare"]) / _STEPS
    return {
        "train_overhead": min(times["run"]) / min(times["bare"]) - 1,
        "train_evaluation_share": evaluation / (trainer.evaluate_every * step),
    }


def _past_the_initial_phase(trainer: Any, config: TrainingConfig) -> None:
    trainer.constraint = replace(trainer.constraint, phase_end=0)
    trainer.step = config.flatness.ramp // 1000 * 1000 + 1


def _steered(run: Path, record: RunRecord, steer: Any, watcher: Any) -> float:
    """Return the processor time of some steps of a run, from the first of them on."""
    began = first = 0.0

    def on_trainer(trainer: Any) -> None:
        nonlocal began, first
        began, first = time.process_time(), trainer.step
        here.append(trainer)

    here: list[Any] = []
    write_order(run, "run")
    steer(
        run,
        record,
        watcher(
            on_trainer=on_trainer, should_stop=lambda: bool(here) and here[0].step >= first + _STEPS
        ),
    )
    return time.process_time() - began
