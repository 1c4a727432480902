"""Real processes of runs: paused, killed, resumed, stopped, and what goes wrong in words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fmvae_core.data.corpus import save_corpus
from fmvae_core.jam.in_progress import is_jam_in_progress, jamming
from fmvae_core.runs.files import CHECKPOINT_FILE
from fmvae_core.runs.orders import write_order
from fmvae_core.runs.record import RunError, read_state
from fmvae_core.runs.supervisor import start_run
from fmvae_core.training.checkpoint import load_checkpoint
from fmvae_core.training.events import read_events
from tests.corpora import tiny_corpus
from tests.corpora_config import tiny_config
from tests.fmvae_core.runs.processes import ENDLESS, Runs, wait_for


def failed(run: Path, process) -> str:
    assert process.wait(90) == 1
    state = read_state(run)
    assert state.state == "failed"
    return state.reason


def test_pauses_goes_on_and_stops_with_a_checkpoint(runs: Runs) -> None:
    run = runs.create()
    process = runs.start(run)
    wait_for(run, "running", lambda state: state.step > 0)
    with pytest.raises(RunError, match="going on already"):
        start_run(run)

    write_order(run, "pause")
    paused = wait_for(run, "paused")
    assert load_checkpoint(run / CHECKPOINT_FILE).step == paused.step
    write_order(run, "run")
    wait_for(run, "running", lambda state: state.step > paused.step)

    write_order(run, "stop")
    assert process.wait(60) == 0
    stopped = read_state(run)
    assert stopped.state == "stopped"
    assert stopped.phrases > 0
    assert load_checkpoint(run / CHECKPOINT_FILE).step == stopped.step


def test_is_niced_and_in_a_session_of_its_own(runs: Runs) -> None:
    run = runs.create()
    process = runs.start(run)
    wait_for(run, "running")
    assert os.getpriority(os.PRIO_PROCESS, process.pid) > os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getsid(process.pid) != os.getsid(0)
    runs.end(run)


def test_outlives_who_started_it(runs: Runs) -> None:
    run = runs.create()
    code = f"""
from pathlib import Path
from fmvae_core.runs.supervisor import start_run
start_run(Path({str(run)!r}))
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)
    try:
        wait_for(run, "running", lambda state: state.step > 0)
        runs.end(run)
    finally:
        if read_state(run).is_active:
            os.kill(read_state(run).pid, signal.SIGKILL)


def test_a_killed_run_is_told_as_lost_and_resumes_exactly(runs: Runs) -> None:
    # Long enough to be seen while it runs: how it stands is told once a second.
    whole, killed = runs.create(steps=400), runs.create(steps=400)
    process = runs.start(killed)
    wait_for(killed, "running", lambda state: state.step >= 20)
    write_order(killed, "pause")  # so that there is a checkpoint in the middle
    paused = wait_for(killed, "paused")
    write_order(killed, "run")
    wait_for(killed, "running", lambda state: state.step > paused.step)
    process.send_signal(signal.SIGKILL)
    process.wait()

    lost = wait_for(killed, "lost")
    assert "Resume goes on" in lost.reason
    runs.start(killed)
    wait_for(killed, "finished")
    runs.start(whole)
    wait_for(whole, "finished")
    assert read_events(killed) == read_events(whole)
    first, second = (load_checkpoint(run / CHECKPOINT_FILE) for run in (killed, whole))
    assert all(torch.equal(first.tensors[name], second.tensors[name]) for name in second.tensors)


def test_waits_while_a_jam_goes_on(runs: Runs) -> None:
    run = runs.create()
    with jamming():
        assert is_jam_in_progress()
        runs.start(run)
        wait_for(run, "jam")
    wait_for(run, "running", lambda state: state.step > 0)
    with jamming():
        wait_for(run, "jam")
    wait_for(run, "running")
    runs.end(run)


def test_sigterm_keeps_what_was_learnt(runs: Runs) -> None:
    run = runs.create()
    process = runs.start(run)
    wait_for(run, "running", lambda state: state.step > 0)
    process.terminate()
    assert process.wait(60) == 0
    assert read_state(run).state == "stopped"


def test_a_loss_that_is_no_number_is_told_in_words(runs: Runs) -> None:
    run = runs.create(optimiser={"steps": 500, "batch_size": 8, "learning_rate": 1e30})
    reason = failed(run, runs.start(run))
    assert "no longer a finite number" in reason
    assert "smaller learning rate" in reason


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prlimit is of Linux")
def test_where_memory_runs_out_the_batch_is_halved_and_told(runs: Runs) -> None:
    import resource

    # Enough phrases for batches of 64, each of which takes 1.5 GB for its samples of the prior.
    save_corpus(tiny_corpus(performances=30, bars=12), runs.folder / "frames.safetensors")
    run = runs.create(
        model={**tiny_config().model.to_dict(), "importance_samples": 40_000},
        optimiser={"steps": ENDLESS, "batch_size": 64},
    )
    process = runs.start(run)
    wait_for(run, "starting", lambda state: state.note == "reading the corpus")
    status = Path(f"/proc/{process.pid}/status").read_text()
    used = int(status.partition("VmSize:")[2].split()[0]) * 1024
    room = used + 900_000_000
    resource.prlimit(process.pid, resource.RLIMIT_AS, (room, room))
    state = wait_for(run, "running", lambda state: state.step > 0)
    assert 4 <= state.batch_size < 64
    assert state.note == f"batches of {state.batch_size}: memory ran out"
    assert load_checkpoint(run / CHECKPOINT_FILE).config.optimiser.batch_size == state.batch_size
    runs.end(run)


def test_a_missing_corpus_is_told_in_words(runs: Runs) -> None:
    run = runs.create()
    (runs.folder / "frames.safetensors").unlink()
    assert "frames.safetensors" in failed(run, runs.start(run))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prlimit is of Linux")
def test_a_full_disk_is_told_in_words_and_the_run_goes_on_later(runs: Runs) -> None:
    import resource

    run = runs.create()
    process = runs.start(run)
    wait_for(run, "running", lambda state: state.step >= 20)
    # No file may grow beyond this: the next checkpoint and the next events do not find room.
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (2048, 2048))
    reason = failed(run, process)
    assert "is full. Make room, then Resume" in reason
    runs.start(run)
    wait_for(run, "running")
    runs.end(run)
