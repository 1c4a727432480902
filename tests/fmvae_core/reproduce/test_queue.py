"""The queue behind the paper's figures: real processes, very small trainings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fmvae_core.data.corpus import load_corpus, save_corpus
from fmvae_core.files import alone_in
from fmvae_core.models.bundle import Bundle
from fmvae_core.reproduce.queue import Queue, corpus_in
from fmvae_core.reproduce.results import entries, mean, results, write_results
from fmvae_core.reproduce.rows import EXPERIMENTS, Row, place, rows, subject
from fmvae_core.runs.files import CHECKPOINT_FILE
from fmvae_core.training.checkpoint import load_checkpoint
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.trainer import Trainer
from tests.corpora import tiny_corpus

STEPS = 12
TABLE = """
[[rows]]
preset = "drums-2bar"
models = [{models}]
hold_out = ["density"]
share = 0.1

[rows.overrides.model]
latent_dim = 6
encoder_hidden = [12, 12]
conductor_hidden = 12
decoder_hidden = [12, 12]
prior_hidden = [16]

[rows.overrides.optimiser]
steps = {steps}
batch_size = 8
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder that holds a very small Groove."""
    folder = tmp_path / "data"
    save_corpus(tiny_corpus(performances=16, bars=8), folder / "groove.safetensors")
    return folder


def queue_of(
    tmp_path: Path, data: Path, models: str, steps: int = STEPS
) -> tuple[Queue, list[Row]]:
    table = tmp_path / "rows.toml"
    table.write_text(TABLE.format(models=models, steps=steps))
    queue = Queue(tmp_path / "out", "study", data, processes=2, device="cpu", table=table)
    return queue, rows(EXPERIMENTS, table)


def test_works_off_rows_side_by_side_and_only_once(tmp_path: Path, data: Path) -> None:
    queue, todo = queue_of(tmp_path, data, '"", "without-vhp@5"')
    states: list[tuple[str, str]] = []
    outcome = queue.work_off(todo, on_change=lambda *state: states.append(state))
    assert outcome.failed == {}
    assert sorted(outcome.finished) == sorted(row.key for row in todo)
    assert [state for _, state in states] == ["running", "running", "finished", "finished"]
    for row in todo:
        at = place(queue.out, "study", row)
        assert Bundle.open(at.bundle).latent_dim == (row.latents or 6)
        measured = at.measured
        assert measured is not None
        assert measured.subject == subject(row, "study")
        figures = json.loads(at.result.read_text("utf-8"))
        assert figures["table1"] == measured.figures["table1"]
        assert figures["provenance"]["configuration"]["optimiser"]["steps"] == STEPS

    states.clear()
    again = queue.work_off(todo, on_change=lambda *state: states.append(state))
    assert sorted(again.finished) == sorted(outcome.finished)
    assert states == []


def test_only_one_call_works_in_a_folder(tmp_path: Path, data: Path) -> None:
    queue, todo = queue_of(tmp_path, data, '""')
    with alone_in(queue.out), pytest.raises(ValueError, match="another process is at work in"):
        queue.work_off(todo)
    assert not place(queue.out, "study", todo[0]).folder.exists()


def test_a_stopped_queue_saves_its_trainings(tmp_path: Path, data: Path) -> None:
    queue, (row,) = queue_of(tmp_path, data, '""', steps=100_000)
    at = place(queue.out, "study", row)
    outcome = queue.work_off([row], should_stop=lambda: any(at.run.glob("*.jsonl")))
    assert outcome.stopped == [row.key]
    assert not outcome.finished
    assert load_checkpoint(at.run / CHECKPOINT_FILE).config == row.configuration("study")
    assert at.measured is None


def test_a_half_trained_row_goes_on(tmp_path: Path, data: Path) -> None:
    queue, (row,) = queue_of(tmp_path, data, '""')
    at = place(queue.out, "study", row)
    trainer = Trainer(
        row.configuration("study"),
        load_corpus(data / "groove.safetensors"),
        at.run,
        Hardware.choose("cpu"),
    )
    trainer.train(should_stop=lambda: trainer.step == 5)
    assert queue.work_off([row]).finished == [row.key]
    assert f"step 5 of {STEPS}" in at.log.read_text("utf-8")
    assert load_checkpoint(at.run / CHECKPOINT_FILE).step == STEPS


def test_rows_of_other_settings_do_not_share_a_table(tmp_path: Path, data: Path) -> None:
    queue, todo = queue_of(tmp_path, data, '""')
    queue.work_off(todo)
    changed, again = queue_of(tmp_path, data, '""', steps=STEPS + 1)
    outcome = changed.work_off(again)
    assert "trained with other settings" in outcome.failed[again[0].key]

    begun = place(queue.out, "study", todo[0])
    (begun.folder / "measured.safetensors").unlink()
    shutil.rmtree(begun.bundle)
    outcome = changed.work_off(again)
    assert "begun with other settings" in outcome.failed[again[0].key]


def test_a_row_that_fails_says_why_and_stops_no_other(tmp_path: Path, data: Path) -> None:
    queue, (row,) = queue_of(tmp_path, data, '""')
    at = place(queue.out, "study", row)
    at.bundle.mkdir(parents=True)
    outcome = queue.work_off([row])
    assert "is not a bundle" in outcome.failed[row.key]
    assert str(at.log) in outcome.failed[row.key]
    assert not outcome.finished

    (queue.out / "corpora" / "groove.safetensors").unlink()
    (data / "groove.safetensors").write_text("not a corpus")
    assert "is not a frames cache" in queue.work_off([row]).failed[row.key]


def test_the_rows_are_those_of_the_paper_in_order() -> None:
    every = rows()
    keys = [row.key for row in every]
    assert len(set(keys)) == len(keys)
    assert keys[:5] == [
        "drums-2bar.fm-music-vae.seed-0",
        "drums-2bar.no-flatness.seed-0",
        "drums-2bar.music-vae.seed-0",
        "drums-2bar.music-vae-512.seed-0",
        "drums-2bar.music-vae-parallel.seed-0",
    ]
    assert keys[10:14] == [
        "drums-4bar.fm-music-vae.seed-0",
        "drums-4bar.without-vhp.seed-0",
        "drums-4bar.music-vae.seed-0",
        "drums-4bar.fm-music-vae.without-density-50.seed-0",
    ]
    assert keys[-3:] == [
        "drums-4bar.music-vae.without-offset-10.seed-0",
        "piano-2bar.no-flatness.seed-0",
        "piano-2bar.music-vae-parallel.seed-0",
    ]
    assert {row.preset for row in rows(["table1"])} == {"drums-4bar", "piano-2bar", "cello-4bar"}
    assert all(row.hold_out is None for row in rows(["fig2"]))
    assert rows(["fig2", "table1"]) == every
    with pytest.raises(ValueError, match="choose fig2, table1, table2"):
        rows(["table3"])


@pytest.mark.parametrize("size", ["study", "paper"])
def test_every_row_can_be_configured(size: str) -> None:
    for row in rows():
        config = row.configuration(size)
        assert config.seed == row.seed
        assert config.hold_out == row.hold_out
        assert row.latents in (None, config.model.latent_dim)


def test_what_was_not_run_is_said(tmp_path: Path) -> None:
    every = rows()
    figures = results(entries(tmp_path, "study", every))
    assert list(figures) == ["drums-2bar", "drums-4bar", "piano-2bar", "cello-4bar"]
    ours = figures["drums-4bar"]["FM-Music-VAE (32D)"]
    assert ours["fig2"] == ours["table2"] == ours["flatness"] == ours["hit_f1"] == "not run"
    assert ours["table1"]["50%"] == dict.fromkeys(("density", "velocity", "offset"), "not run")
    assert figures["drums-2bar"]["MusicVAE (512D)"]["table1"] == "not run"
    write_results(tmp_path, "study", every)
    assert json.loads((tmp_path / "results.json").read_text("utf-8")) == figures
    text = (tmp_path / "results.md").read_text("utf-8")
    assert "not run" in text
    assert "![" not in text
    assert (tmp_path / "report.html").exists()


def test_what_one_seed_did_without_is_in_no_mean() -> None:
    calibrated = {"condition": 3.0, "before": {"condition": 9.0}, "histogram": {"4": 1}}
    for seeds in ([calibrated, {"condition": 5.0}], [{"condition": 5.0}, calibrated]):
        assert mean(seeds) == {"condition": 4.0}


def test_finds_corpora_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "groove-v1.0.0-midionly.zip").write_bytes(b"")
    (tmp_path / "cello_suites").mkdir()
    assert corpus_in(tmp_path, "groove") == tmp_path / "groove-v1.0.0-midionly.zip"
    assert corpus_in(tmp_path, "cello_suites") == tmp_path / "cello_suites"
    assert corpus_in(tmp_path, "ryans_mammoth") is None
    assert corpus_in(None, "groove") is None
    with pytest.raises(ValueError, match="is not a folder"):
        corpus_in(tmp_path / "nowhere", "groove")
