"""A take is heard again, from any beat."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from fmvae_core.ipc import Message
from fmvae_core.jam.journal import Journal, JournalError
from fmvae_core.jam.replay import Replay
from fmvae_core.live.jam_messages import JamProblem, StartJam
from fmvae_core.live.playback import Playback
from fmvae_core.live.scheduler import QUEUE_SECONDS
from fmvae_core.live.take_events import human_events, machine_events
from fmvae_core.live.take_messages import PlayTake, StopTake, TakePosition
from fmvae_core.live.voices import SoundEvent
from tests.fmvae_core.jam.recordings import Plan, record
from tests.fmvae_core.live.conftest import StartEngine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("take")


@pytest.fixture(scope="module")
def journal(folder: Path) -> Journal:
    return record(folder, Plan(changes=((17.0, "faster"),), end=30.0))


class Player:
    """A playback, and its timer."""

    def __init__(self) -> None:
        self.now = 100.0
        self.heard: list[tuple[float, SoundEvent]] = []
        self.told: list[Message] = []
        self.released = 0
        self.playback = Playback(
            lambda: self.now, self._sound, self._release, self.told.append, lambda: None
        )

    def _sound(self, events: list[SoundEvent]) -> None:
        self.heard += [(self.now, event) for event in events]

    def _release(self) -> None:
        self.released += 1

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end and self.playback.is_running:
            self.playback.wake()
            self.now += 0.010

    @property
    def positions(self) -> list[TakePosition]:
        return [each for each in self.told if isinstance(each, TakePosition)]


def events_of(journal: Journal) -> list[SoundEvent]:
    replay = Replay(journal)
    events = [*human_events(journal, replay), *machine_events(journal, replay)]
    return sorted(events, key=lambda event: event.time)


def test_all_of_it_sounds_in_time(folder: Path, journal: Journal) -> None:
    player = Player()
    player.playback.start(PlayTake(path=folder / "take.jsonl"))
    player.run(60.0)
    assert not player.playback.is_running
    expected = [event for event in events_of(journal) if event.time <= Replay(journal).seconds]
    zero = player.heard[0][1].time
    assert zero == pytest.approx(100.05)
    heard = [(event.channel, event.pitch, event.velocity) for _, event in player.heard]
    assert heard[: len(expected)] == [(e.channel, e.pitch, e.velocity) for e in expected]
    for (at, event), wanted in zip(player.heard, expected, strict=False):
        assert event.time == pytest.approx(zero + wanted.time)
        assert at <= event.time <= at + QUEUE_SECONDS + 0.011
    beats = [position.beat for position in player.positions]
    assert beats == sorted(beats)
    assert beats[-1] == Replay(journal).beats
    assert [position.is_playing for position in player.positions[-2:]] == [True, False]


def test_it_begins_at_any_beat_and_stops_at_once(folder: Path, journal: Journal) -> None:
    player = Player()
    player.playback.start(PlayTake(path=folder / "take.jsonl", beat=13.5))
    player.run(1.0)
    later = [e for e in events_of(journal) if e.time >= Replay(journal).time(13.5)]
    assert [e.pitch for _, e in player.heard] == [e.pitch for e in later][: len(player.heard)]
    assert 13.4 < player.positions[0].beat < 13.6
    player.playback.start(PlayTake(path=folder / "take.jsonl", beat=5.0))
    assert player.released == 1
    player.run(0.1)
    player.playback.stop()
    assert player.released == 2
    assert not player.positions[-1].is_playing
    assert player.positions[-1].beat == pytest.approx(5.1, abs=0.1)


def test_what_is_no_take_is_refused_and_what_plays_goes_on(
    folder: Path, journal: Journal, tmp_path: Path
) -> None:
    player = Player()
    player.playback.start(PlayTake(path=folder / "take.jsonl"))
    (tmp_path / "x").write_text("hello\n")
    for path in (tmp_path / "x", tmp_path / "missing"):
        with pytest.raises(JournalError):
            player.playback.start(PlayTake(path=path))
    assert player.playback.is_running


def test_an_engine_plays_a_take_until_it_is_stopped_or_a_jam_begins(
    folder: Path, journal: Journal, tmp_path: Path, start_engine: StartEngine
) -> None:
    sound = tmp_path / "out.wav"
    engine = start_engine({"FLATJAM_AUDIO_DRIVER": "file", "FLATJAM_AUDIO_FILE": str(sound)})
    client, path = engine.client, folder / "take.jsonl"
    client.send(PlayTake(path=tmp_path / "missing"))
    client.wait_for(JamProblem)
    client.send(PlayTake(path=path, beat=4.0))
    client.wait_for(TakePosition, lambda position: position.beat > 7.0)
    client.send(StopTake())
    client.wait_for(TakePosition, lambda position: not position.is_playing)

    since = client.mark()
    client.send(PlayTake(path=path))
    client.wait_for(TakePosition, lambda position: position.is_playing, since)
    client.send(StartJam())
    client.wait_for(TakePosition, lambda position: not position.is_playing, since)
    assert engine.close() == 0
    with wave.open(str(sound)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.abs(samples.astype(int)).max() > 1000
