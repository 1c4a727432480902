"""What a real engine and a real model worker have recorded gives the same events again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from fmvae_core.cli import main
from fmvae_core.jam.journal import read_journal
from fmvae_core.jam.records import Answered, HumanHit, Played
from fmvae_core.jam.replay import Replay
from fmvae_core.jam.rules import How
from fmvae_core.live.jam_messages import JamState, MachinePhrase, PadHit, StartJam, StopJam
from fmvae_core.live.measure import EngineProcess
from fmvae_core.models.bundle import Bundle
from tests.fmvae_core.inference.processes import WorkerProcess
from tests.fmvae_core.live.jack import wait_until


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Path:
    """A jam of some turns, played on the pads of the screen."""
    folder = tmp_path_factory.mktemp("take")
    path = folder / "take.jsonl"
    sound = {"FLATJAM_AUDIO_DRIVER": "file", "FLATJAM_AUDIO_FILE": str(folder / "out.wav")}
    with (
        EngineProcess({**os.environ, **sound}) as engine,
        WorkerProcess(bundle.path, engine=engine.endpoint) as worker,
    ):
        worker.wait_until_open()
        client = engine.client
        client.wait_for(JamState, lambda state: state.can_answer)
        client.send(StartJam(journal=path, tempo=240.0, seed=11))
        for beat in range(200):
            finals = [phrase for phrase in client.all(MachinePhrase) if phrase.how is How.FINAL]
            client.send(PadHit(drum=beat % 3, velocity=60 + beat % 50))
            before = client.mark()
            client.wait_for(JamState, since=before)  # the next beat
            if len(finals) >= 3:
                break
        client.send(StopJam())
        wait_until(lambda: read_journal(path).records[-1].kind == "end", "the journal's end")
    return path


def test_the_recording_holds_what_was_played(take: Path) -> None:
    journal = read_journal(take)
    replay = Replay(journal)
    hits = [record for record in journal.records if isinstance(record, HumanHit)]
    finals = [r for r in journal.records if isinstance(r, Played) and r.how is How.FINAL]
    assert len(finals) >= 3
    assert len(replay.machine) >= 3
    heard = sum(hit.turn is not None for hit in hits)
    assert heard >= sum(len(passage.phrase.notes) for passage in replay.human) > 10
    way = replay.trajectories(replay.beats, replay.bundles[0])
    assert len(way.links) == len(way.machine) >= 3


def check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str]:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "argv", ["flatjam", "journal", *map(str, arguments), "--check"])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), capsys.readouterr().out


def test_it_comes_out_the_same_again(
    take: Path,
    bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, told = check(monkeypatch, capsys, take, "--bundle", bundle.path)
    answers = sum(isinstance(record, Answered) for record in read_journal(take).records)
    assert code == 0, told
    assert "the same turns, requests and answers played" in told
    assert f"{answers} of {answers} answers the same" in told


def _is_heard_hit(line: str) -> bool:
    return '"kind":"hit"' in line and '"turn":null' not in line


def test_what_was_changed_since_is_told(
    take: Path,
    bundle: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = take.read_text().splitlines()
    number = next(n for n, line in enumerate(lines) if _is_heard_hit(line))
    other = tmp_path / "other.jsonl"
    hit = HumanHit.model_validate_json(lines[number])
    lines[number] = hit.model_copy(update={"velocity": 5}).model_dump_json()
    other.write_text("\n".join(lines) + "\n")
    code, told = check(monkeypatch, capsys, other, "--bundle", bundle.path)
    assert code == 1
    assert "differs in phrase" in told
