"""``flatjam journal`` tells what happened and writes MIDI."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fmvae_core.cli import main
from fmvae_core.music.midi_file import read_midi
from tests.fmvae_core.jam.test_journal import RECORDS, written


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "argv", ["flatjam", "journal", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    assert code is None or isinstance(code, int)
    return (code or 0, *capsys.readouterr())


def test_a_take_is_told_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    take, out = written(tmp_path / "take.jsonl"), tmp_path / "take.mid"
    code, told, error = run(monkeypatch, capsys, take, "--midi", out)
    assert code == 0, error
    rows = {
        cells[1].strip(): cells[2].strip()
        for line in told.splitlines()
        if len(cells := line.split("│")) == 4
    }
    assert rows["tempo"] == "120 bpm"
    assert rows["answers: final"] == "1"
    assert rows["answers: prepared"] == "0"
    assert rows["trouble"] == "the model has gone away"
    assert "end" not in rows
    assert [note.pitch for note in read_midi(out, track=1).notes] == [36]
    assert [note.pitch for note in read_midi(out, track=2).notes] == [36, 38]

    code, _, error = run(monkeypatch, capsys, take, "--midi", out)
    assert code == 2
    assert "--force" in error
    assert run(monkeypatch, capsys, take, "--midi", out, "--force")[0] == 0


def test_a_take_without_an_end_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    take = written(tmp_path / "take.jsonl", RECORDS[:-1])
    _, told, _ = run(monkeypatch, capsys, take)
    assert "its process was ended" in told


def test_what_is_no_journal_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x").write_text("hello\n")
    code, _, error = run(monkeypatch, capsys, tmp_path / "x")
    assert code == 2
    assert "is not a journal" in error
    assert len(error.strip().splitlines()) == 1
