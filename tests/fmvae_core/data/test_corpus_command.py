"""`flatjam corpus`: what was read and skipped is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fmvae_core.cli import app
from fmvae_core.data.corpus import CorpusError
from fmvae_core.data.sources import open_corpus
from tests.corpora import groove_zip
from tests.fmvae_core.data.melodies import tune, write_tracks


def test_counts_are_shown(tmp_path: Path) -> None:
    archive = groove_zip(tmp_path / "groove.zip")
    result = CliRunner().invoke(app, ["corpus", "groove", "--data", str(archive)])
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.replace("│", " ").splitlines()]
    assert ["performances", "8", "1", "1", "10"] in lines
    assert ["phrases", "of", "4", "bars", "16", "2", "2", "20"] in lines
    assert ["not", "in", "4/4", "1"] in lines
    assert ["unreadable", "1"] in lines


def test_what_gives_no_phrase_is_counted(tmp_path: Path) -> None:
    for index in range(10):
        write_tracks(tmp_path / "airs" / f"{index}.mid", tune(index, 4 if index else 3))
    command = ["corpus", "midi_folder", "--data", str(tmp_path / "airs")]
    result = CliRunner().invoke(app, [*command, "--representation", "melody"])
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.replace("│", " ").splitlines()]
    short = [line for line in lines if line[:2] == ["shorter", "performances"]]
    assert [line[-1] for line in short] == ["0", "1"]  # than two bars, than four


def test_writes_a_frames_cache_to_train_from(tmp_path: Path) -> None:
    for index in range(10):
        write_tracks(tmp_path / "airs" / f"{index}.mid", tune(index, 4))
    command = ["corpus", "midi_folder", "--data", str(tmp_path / "airs")]
    command += ["--representation", "melody", "--out"]
    out = tmp_path / "airs.safetensors"
    result = CliRunner().invoke(app, [*command, str(out)])
    assert result.exit_code == 0, result.output
    assert "midi_folder: melody" in result.output
    assert "skipped" not in result.output
    assert len(open_corpus("midi_folder", out).performances) == 10
    result = CliRunner().invoke(app, [*command, str(tmp_path / "airs.npz")])
    assert isinstance(result.exception, CorpusError)
    with pytest.raises(CorpusError, match="choose groove, ryans_mammoth"):
        open_corpus("airs")
