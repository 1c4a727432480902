"""Several processes that share each batch: as one that has it to itself."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.runs.files import CHECKPOINT_FILE
from fmvae_core.runs.orders import write_order
from fmvae_core.runs.record import read_state
from fmvae_core.runs.store import create_run
from fmvae_core.runs.supervisor import start_run
from fmvae_core.training.checkpoint import Checkpoint, load_checkpoint
from fmvae_core.training.config import TrainingConfig, load_preset
from fmvae_core.training.events import read_events
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.objective import Weights, loss
from fmvae_core.training.steering import steer
from fmvae_core.training.trainer import Trainer
from tests.corpora import tiny_corpus
from tests.corpora_config import tiny_config
from tests.fmvae_core.runs.processes import tiny_record, wait_for

ROOT = Path(__file__).resolve().parents[3]
STEPS = 50
MODEL = {
    "latent_dim": 6,
    "encoder_hidden": [12, 12],
    "conductor_hidden": 12,
    "decoder_hidden": [12, 12],
    "prior_hidden": [16],
    "prior_latent_dim": 6,
}
OTHERS = {
    "optimiser": {"steps": STEPS, "batch_size": 8, "learning_rate": 5e-3},
    "constraint": {"kappa": 0.05, "smoothing": 0.5, "initial_share": 0.4},
    "flatness": {"eta": 60.0, "points": 4, "directions": 3, "ramp": 5},
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def alone(config: TrainingConfig, run: Path, *, until: int = STEPS) -> Trainer:
    """Train in this process with 64 bits."""
    hardware = Hardware.choose("cpu", precision="64-true")
    trainer = Trainer(config, tiny_corpus(), run, hardware, resume=True)
    trainer.train(should_stop=lambda: trainer.step >= until)
    return trainer


def assert_same_weights(found: Checkpoint, expected: Checkpoint) -> None:
    assert found.step == expected.step
    assert found.constraint.phase_end == expected.constraint.phase_end
    assert found.constraint.beta == pytest.approx(expected.constraint.beta, rel=1e-4)
    assert found.tensors.keys() == expected.tensors.keys()
    for name, tensor in expected.tensors.items():
        assert tensor.dtype == torch.float64
        largest = tensor.abs().max().item()
        torch.testing.assert_close(found.tensors[name], tensor, rtol=1e-4, atol=1e-4 * largest)


def test_two_processes_follow_one_from_the_initial_phase_into_flatness(tmp_path: Path) -> None:
    """50 steps with two CPU processes, by the command, as with one and the same batch."""
    config = load_preset("drums-2bar", "small", {"model": MODEL, **OTHERS})
    record = tiny_record(tmp_path)
    assert record.data is not None
    settings = [
        f"--set={table}.{name}={json.dumps(value)}"
        for table, values in {"model": MODEL, **OTHERS}.items()
        for name, value in values.items()
    ]
    shared = tmp_path / "shared"
    subprocess.run(
        [
            *(sys.executable, "-m", "fmvae_core.cli", "train", "--size=small", *settings),
            *(f"--out={shared}", f"--data={record.data}", "--device=cpu", "--threads=1"),
            *("--devices=2", "--precision=64-true", "--deterministic"),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    alone(config, tmp_path / "alone")

    expected = [event for event in read_events(tmp_path / "alone") if event["kind"] != "phase"]
    found = [event for event in read_events(shared) if event["kind"] != "phase"]
    assert {event["eta"] for event in expected if event["kind"] == "step"} == {0.0, 60.0}
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.pop("kind") == theirs.pop("kind")
        assert ours == pytest.approx(theirs, rel=1e-4), theirs
    assert_same_weights(
        load_checkpoint(shared / CHECKPOINT_FILE),
        load_checkpoint(tmp_path / "alone" / CHECKPOINT_FILE),
    )
    assert read_state(shared).device == "2 × cpu"


def test_all_that_is_measured_of_a_batch_is_shared_exactly_and_memory_fitted_together(
    tmp_path: Path,
) -> None:
    """Loss and gradient in all variants, under torchrun; then one process has too little memory."""
    record = dataclasses.replace(tiny_record(tmp_path, 10), devices=2, precision="64-true")
    create_run(record, tmp_path).rename(tmp_path / "run")
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
            *(str(Path(__file__).with_name("shared_steps.py")), str(tmp_path)),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    found = json.loads((tmp_path / "found.json").read_text())
    assert found.pop("processes") == 2
    assert len(found) == 8
    assert max(found.values()) < 1e-9, found
    state = read_state(tmp_path / "run")
    assert (state.state, state.step, state.batch_size) == ("finished", 10, 4)
    assert state.note == "batches of 4: memory ran out"


def test_another_number_of_processes_goes_on_with_a_run_and_they_obey_together(
    tmp_path: Path,
) -> None:
    record = dataclasses.replace(tiny_record(tmp_path), devices=2, precision="64-true")
    run = create_run(record, tmp_path / "runs")
    alone(record.config, run, until=20)
    process = start_run(run)
    try:
        wait_for(run, "running", lambda state: state.step > 20)
        write_order(run, "pause")
        paused = wait_for(run, "paused")
        assert load_checkpoint(run / CHECKPOINT_FILE).step == paused.step
        write_order(run, "run")
        wait_for(run, "running", lambda state: state.step > paused.step)
        write_order(run, "stop")
        wait_for(run, "stopped")
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    stopped = load_checkpoint(run / CHECKPOINT_FILE)
    one = alone(record.config, tmp_path / "one", until=stopped.step)
    assert one.step == stopped.step > paused.step > 20
    assert_same_weights(stopped, load_checkpoint(tmp_path / "one" / CHECKPOINT_FILE))


@pytest.mark.skipif(sys.platform != "linux", reason="finds the other process in /proc")
def test_a_process_that_is_lost_ends_the_run_in_words_and_the_others_with_the_first(
    tmp_path: Path,
) -> None:
    record = dataclasses.replace(tiny_record(tmp_path), devices=2)
    run = create_run(record, tmp_path / "runs")
    process = start_run(run)
    try:
        wait_for(run, "running", lambda state: state.step > 0)
        for pid in (process.pid, _other(process.pid)):
            assert _listens_at(pid) <= {"0100007F"}  # 127.0.0.1, back to front
        os.kill(_other(process.pid), signal.SIGKILL)
        assert process.wait(60) != 0
        state = read_state(run)
        assert state.state in ("failed", "lost")  # Fabric may kill the first before it has told
        assert "Resume goes on from" in state.reason
        saved = load_checkpoint(run / CHECKPOINT_FILE).step

        process = start_run(run)
        wait_for(run, "running", lambda state: state.step > saved)
        other = _other(process.pid)
        process.kill()
        deadline = time.monotonic() + 60
        while Path(f"/proc/{other}").exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        process.kill()
        process.wait()


def _listens_at(pid: int) -> set[str]:
    """Return the addresses at which a process takes connections of TCP, in hexadecimal digits."""
    opened = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            opened.add(os.readlink(file))
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
    ]
    listening = [line for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in opened]
    return {line[1].partition(":")[0] for line in listening}


def _other(first: int) -> int:
    """Return the process that the first of two has started."""
    (other,) = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    return int(other)


def test_flatness_keeps_32_bits_where_the_rest_is_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny_config()
    torch.manual_seed(0)
    model = RecurrentVAE(config.model)
    hardware = Hardware.choose("cpu", precision="bf16-mixed")
    hardware.place(model)
    seen: list[tuple[torch.dtype, torch.dtype, bool]] = []
    decode, reconstruct = model.decode, model.reconstruct

    def decoding(z: torch.Tensor) -> torch.Tensor:
        raw = decode(z)
        seen.append((z.dtype, raw.dtype, torch.is_autocast_enabled("cpu")))
        return raw

    def reconstructing(*inputs: torch.Tensor) -> torch.Tensor:
        raw = reconstruct(*inputs)
        mixed.append(raw.dtype)
        return raw

    mixed: list[torch.dtype] = []
    monkeypatch.setattr(model, "decode", decoding)
    monkeypatch.setattr(model, "reconstruct", reconstructing)
    corpus = tiny_corpus()
    batch = torch.from_numpy(corpus.cut(corpus.windows(2))[:8])
    weights, generator = Weights(0.5, 60.0), hardware.generator(0)
    total, metrics = loss(model, batch, weights, config.flatness, generator, hardware)
    total.backward()
    assert mixed == [torch.bfloat16]
    assert seen == [(torch.float32, torch.float32, False)]
    assert metrics.flatness.dtype == metrics.nll.dtype == torch.float32
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("decoder", ["parallel", "autoregressive"])
def test_mixed_precision_learns(tmp_path: Path, decoder: str) -> None:
    config = tiny_config(20, model={"decoder": decoder}, optimiser={"scheduled_sampling": 1000.0})
    hardware = Hardware.choose("cpu", precision="bf16-mixed")
    Trainer(config, tiny_corpus(), tmp_path, hardware).train()
    first, last = (event for event in read_events(tmp_path) if event["kind"] == "step")
    assert last["nll"] < first["nll"]
    tensors = load_checkpoint(tmp_path / CHECKPOINT_FILE).tensors
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}


def test_a_run_of_64_bits_is_evaluated_and_kept_with_all_of_them(tmp_path: Path) -> None:
    alone(tiny_config(20), tmp_path, until=20)
    assert {event["kind"] for event in read_events(tmp_path)} >= {"step", "validation", "space"}
    tensors = load_checkpoint(tmp_path / CHECKPOINT_FILE).tensors
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float64}


def test_fabric_on_one_device_gives_the_same_bits_as_none(tmp_path: Path) -> None:
    from fmvae_core.training.many_devices import ManyDevices

    config = tiny_config(30)
    for name, hardware in {
        "plain": Hardware.choose("cpu", deterministic=True),
        "fabric": ManyDevices("cpu", 1, 1, "32-true", deterministic=True),
    }.items():
        Trainer(config, tiny_corpus(), tmp_path / name, hardware).train()
    assert read_events(tmp_path / "plain") == read_events(tmp_path / "fabric")
    assert not torch.are_deterministic_algorithms_enabled()


def test_deterministic_allows_nothing_else_while_it_trains() -> None:
    hardware = Hardware.choose("cpu", deterministic=True)
    with hardware.full_precision():
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    with Hardware.choose("cpu").full_precision():
        assert not torch.are_deterministic_algorithms_enabled()


def test_what_cannot_be_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Three(Hardware):
        size = 3

    three = Three(torch.device("cpu"))
    with pytest.raises(ValueError, match=r"batch of 8 .* by 3 processes.*optimiser\.batch_size"):
        Trainer(tiny_config(), tiny_corpus(), tmp_path, three)
    config = tiny_config(optimiser={"batch_size": 9}, flatness={"points": 2})
    with pytest.raises(ValueError, match=r"3 mixup points or more.*flatness\.points is 2"):
        Trainer(config, tiny_corpus(), tmp_path, three)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match="Apple"):
        Hardware.choose("mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    with pytest.raises(ValueError, match="one device"):
        Hardware.choose("mps", devices=2)
    monkeypatch.setitem(sys.modules, "fmvae_core.training.many_devices", None)
    with pytest.raises(ValueError, match=r"pip install 'flatjam\[devices\]'"):
        Hardware.choose("cpu", devices=2)
    run = create_run(dataclasses.replace(tiny_record(tmp_path), devices=2), tmp_path / "runs")
    with pytest.raises(ValueError, match="not installed"):
        steer(run, dataclasses.replace(tiny_record(tmp_path), devices=2))
    assert read_state(run).state == "failed"
