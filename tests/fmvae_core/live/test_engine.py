"""A real engine process without a sound card: what it says, and that it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from fmvae_core.ipc import Endpoint
from fmvae_core.live.engine import Engine
from fmvae_core.live.measure import EngineClient, Summary, measure_lateness, measure_swaps
from fmvae_core.live.messages import (
    EngineState,
    Play,
    Position,
    SetPhrase,
    SetSound,
    SetTransport,
    Swapped,
)
from fmvae_core.live.transport import Transport
from fmvae_core.music.instruments import CELLO
from fmvae_core.music.phrase import Note, Phrase
from tests.fmvae_core.live.conftest import StartEngine
from tests.fmvae_core.live.phrases import rock_beat, ticking

# A JACK server that nobody has started: as good as a machine with no sound card.
NO_AUDIO = {"FLATJAM_AUDIO_DRIVER": "jack", "JACK_DEFAULT_SERVER": "flatjam-nobody"}


def into_file(path: Path) -> dict[str, str]:
    return {"FLATJAM_AUDIO_DRIVER": "file", "FLATJAM_AUDIO_FILE": str(path)}


def read_wav(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return data.reshape(-1, 2) / 32768.0


def codes(state: EngineState) -> list[str]:
    return [problem.code for problem in state.problems]


def test_the_file_driver_writes_what_is_played(start_engine: StartEngine, tmp_path: Path) -> None:
    engine = start_engine(into_file(tmp_path / "out.wav"))
    client = engine.client
    client.send(SetPhrase(phrase=rock_beat(), revision=1))
    client.send(SetTransport(tempo=200.0, volume=1.0))
    client.send(Play())
    client.wait_for(Position, lambda position: position.beat > 4.0)
    assert engine.close() == 0
    sound = read_wav(tmp_path / "out.wav")
    assert np.abs(sound).max() > 0.2
    assert not os.path.exists(os.path.dirname(engine.endpoint.address)), "leaves nothing behind"


def test_a_melody_is_played_and_its_instrument_is_told(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    engine = start_engine(into_file(tmp_path / "out.wav"))
    client = engine.client
    tune = Phrase((Note(0.0, 60, 90, 1.0), Note(2.0, 64, 90, 2.0)), 1, is_drums=False)
    client.send(SetTransport(tempo=240.0, volume=1.0, instrument=CELLO))
    client.wait_for(EngineState, lambda state: state.instrument == CELLO)
    client.send(SetPhrase(phrase=tune, revision=1))
    client.send(Play())
    client.wait_for(Position, lambda position: position.beat > 3.0)
    assert engine.close() == 0
    assert np.abs(read_wav(tmp_path / "out.wav")).max() > 0.02


def test_the_state_is_told_on_connecting_and_at_each_change(
    start_engine: StartEngine, tmp_path: Path, soundfont: Path
) -> None:
    client = start_engine(into_file(tmp_path / "out.wav")).client
    state = client.state
    assert not state.playing
    assert state.soundfont == str(soundfont)
    assert str(soundfont) in state.soundfonts
    assert "file" in state.drivers
    assert state.problems == ()
    mark = client.mark()
    client.send(
        SetTransport(tempo=133.0, loop=False, metronome=True, metronome_level=0.25, volume=0.5)
    )
    state = client.wait_for(EngineState, since=mark)
    assert (state.tempo, state.loop, state.metronome) == (133.0, False, True)
    assert (state.metronome_level, state.volume) == (0.25, 0.5)


def test_swaps_are_told_and_older_revisions_ignored(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    client = start_engine(into_file(tmp_path / "out.wav")).client
    client.send(SetPhrase(phrase=ticking(), revision=5))
    assert client.wait_for(Swapped).first_new_time is None  # not playing
    client.send(SetTransport(tempo=240.0))
    client.send(Play())
    client.wait_for(Position, lambda p: (p.source, p.revision) == ("window", 5))
    mark = client.mark()
    client.send(SetPhrase(phrase=ticking(36), revision=4))
    client.send(SetPhrase(phrase=ticking(38), revision=1, source="somebody else"))
    swapped = client.wait_for(Swapped, since=mark)
    assert (swapped.revision, swapped.source) == (1, "somebody else")
    assert swapped.first_new_time is not None
    assert swapped.first_new_time > swapped.time
    client.wait_for(Position, lambda p: p.source == "somebody else", since=mark)


def test_without_loop_it_stops_at_the_end(start_engine: StartEngine, tmp_path: Path) -> None:
    client = start_engine(into_file(tmp_path / "out.wav")).client
    client.send(SetTransport(tempo=400.0, loop=False))
    client.send(SetPhrase(phrase=ticking(), revision=1))
    mark = client.mark()
    client.send(Play())
    client.wait_for(EngineState, lambda state: state.playing, since=mark)
    mark = client.mark()
    client.wait_for(EngineState, lambda state: not state.playing, since=mark)


def test_without_audio_it_says_so_and_plays_on(start_engine: StartEngine) -> None:
    client = start_engine(NO_AUDIO, sounds=False).client
    state = client.wait_for(EngineState, lambda state: bool(state.problems))
    assert codes(state) == ["no_audio"]
    assert state.driver is None
    assert "again" in state.problems[0].remedy
    client.send(SetPhrase(phrase=ticking(), revision=1))
    client.send(SetTransport(tempo=240.0))
    client.send(Play())
    first = client.wait_for(Position, lambda p: p.beat > 0.0)
    later = client.wait_for(Position, lambda p: p.time >= first.time + 0.7)
    moved = (later.time - first.time) * 4.0
    assert (later.beat - first.beat) % 4 == pytest.approx(moved % 4, abs=0.01)


def test_sound_comes_once_a_driver_is_chosen(start_engine: StartEngine, tmp_path: Path) -> None:
    environment = NO_AUDIO | {"FLATJAM_AUDIO_FILE": str(tmp_path / "out.wav")}
    client = start_engine(environment, sounds=False).client
    client.wait_for(EngineState, lambda state: codes(state) == ["no_audio"])
    client.send(SetSound(driver="file"))
    state = client.wait_for(EngineState, lambda state: state.driver == "file")
    assert state.problems == ()
    # A driver that cannot be had leaves the one that works.
    mark = client.mark()
    client.send(SetSound(driver="kazoo"))
    state = client.wait_for(EngineState, lambda state: bool(state.problems), since=mark)
    assert "kazoo" in state.problems[0].text
    assert state.driver == "file"


def test_another_font_keeps_the_driver_also_after_a_refused_one(
    start_engine: StartEngine, tmp_path: Path, soundfont: Path
) -> None:
    client = start_engine(into_file(tmp_path / "out.wav")).client
    client.send(SetSound(driver="kazoo"))
    client.wait_for(EngineState, lambda state: bool(state.problems))
    copy = tmp_path / "copy.sf2"
    copy.symlink_to(soundfont)
    client.send(SetSound(soundfont=str(copy)))
    state = client.wait_for(
        EngineState, lambda state: state.soundfont == str(copy) and state.driver is not None
    )
    assert state.driver == "file"
    assert str(copy) in state.soundfonts


def test_without_a_soundfont_it_says_so_until_one_is_chosen(
    start_engine: StartEngine, tmp_path: Path, soundfont: Path
) -> None:
    environment = into_file(tmp_path / "out.wav") | {"FLATJAM_SOUNDFONTS": str(tmp_path)}
    client = start_engine(environment, sounds=False).client
    state = client.wait_for(EngineState, lambda state: bool(state.problems))
    assert codes(state) == ["no_soundfont"]
    assert str(tmp_path) in state.problems[0].remedy
    client.send(Play())
    client.wait_for(Position)
    client.send(SetSound(soundfont=str(soundfont)))
    state = client.wait_for(EngineState, lambda state: state.soundfont == str(soundfont))
    assert state.problems == ()
    assert state.driver == "file"


def test_a_bad_soundfont_leaves_the_old_one(
    start_engine: StartEngine, tmp_path: Path, soundfont: Path
) -> None:
    client = start_engine(into_file(tmp_path / "out.wav")).client
    bad = tmp_path / "noise.sf2"
    bad.write_bytes(b"RIFF" + os.urandom(2000))
    for path in (bad, tmp_path / "nowhere.sf2"):
        mark = client.mark()
        client.send(SetSound(soundfont=str(path)))
        state = client.wait_for(EngineState, lambda state: bool(state.problems), since=mark)
        assert codes(state) == ["bad_soundfont"]
        assert str(path) in state.problems[0].text
        assert (state.soundfont, state.driver) == (str(soundfont), "file")
        mark = client.mark()
        client.send(SetSound(soundfont=""))
        client.wait_for(EngineState, lambda state: not state.problems, since=mark)


def test_without_fluidsynth_it_says_how_to_get_it(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    # What pyfluidsynth does where the library is not installed.
    (tmp_path / "fluidsynth.py").write_text("raise ImportError('no FluidSynth library')\n")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    client = start_engine({"PYTHONPATH": path}, sounds=False).client
    state = client.wait_for(EngineState, lambda state: bool(state.problems))
    assert codes(state) == ["no_fluidsynth"]
    assert "install" in state.problems[0].remedy.lower()
    client.send(Play())
    client.wait_for(Position)


def test_it_ends_when_nobody_comes_back(start_engine: StartEngine, tmp_path: Path) -> None:
    engine = start_engine(into_file(tmp_path / "out.wav"), linger=0.5)
    engine.client.close()
    assert engine.process.wait(20.0) == 0


def test_it_ends_on_a_signal(start_engine: StartEngine, tmp_path: Path) -> None:
    engine = start_engine(into_file(tmp_path / "out.wav"))
    engine.client.send(Play())
    engine.client.wait_for(Position)
    engine.process.send_signal(signal.SIGTERM)
    assert engine.process.wait(20.0) == 0


def test_a_second_client_hears_all_too(start_engine: StartEngine, tmp_path: Path) -> None:
    engine = start_engine(into_file(tmp_path / "out.wav"))
    other = EngineClient(engine.endpoint)
    try:
        other.send(SetTransport(tempo=99.0))
        engine.client.wait_for(EngineState, lambda state: state.tempo == 99.0)
        engine.client.send(Play())
        other.wait_for(Position)
    finally:
        other.close()


@pytest.mark.parametrize("line", ["", "nonsense\n", "[]\n", '{"address": "x"}\n'])
def test_started_by_hand_it_says_what_it_needs(line: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fmvae_core.live"], input=line, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "standard input" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, fmvae_core.live.__main__\n"
        "print({'torch', 'numba', 'numpy', 'fluidsynth', 'PySide6'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_measures_measure(start_engine: StartEngine, tmp_path: Path) -> None:
    client = start_engine(into_file(tmp_path / "out.wav")).client
    lateness = measure_lateness(client, 0.5)
    assert len(lateness) > 5
    assert all(value >= 0.0 for value in lateness)
    figures = measure_swaps(client, [ticking(36), ticking(38)], count=5, gap=0.05)
    assert len(figures.swap) == len(figures.told) == len(figures.first_new) == 5
    assert all(0.0 < swap <= told for swap, told in zip(figures.swap, figures.told, strict=True))
    summary = Summary.of(range(1, 201))
    assert (summary.p50, summary.p99, summary.max) == (100, 198, 200)
    with pytest.raises(ValueError, match="nothing"):
        Summary.of([])


def test_a_timer_that_fails_ends_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Transport) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Transport, "wake", fail)
    monkeypatch.setenv("FLATJAM_SOUNDFONTS", "")
    interval = sys.getswitchinterval()
    try:
        with pytest.raises(RuntimeError, match="timer"):
            Engine(Endpoint.new("engine")).run()
    finally:
        sys.setswitchinterval(interval)
