"""A real engine process on a real JACK server, heard by another JACK client."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from fmvae_core.live.measure import EngineClient, EngineProcess
from fmvae_core.live.messages import (
    EngineState,
    Panic,
    Play,
    Position,
    SetPhrase,
    SetTransport,
    Stop,
)
from tests.fmvae_core.live.conftest import StartEngine
from tests.fmvae_core.live.jack import PERIOD, RATE, Ears, JackServer, onsets, wait_until
from tests.fmvae_core.live.phrases import rock_beat, ticking

AUDIBLE = 0.02
TEMPO = 240.0
BEAT = 60.0 / TEMPO


def play_ticking(engine: EngineProcess) -> None:
    """Hits a quarter of a second apart, in a loop of one second."""
    engine.client.send(SetTransport(tempo=TEMPO, volume=1.0))
    engine.client.send(SetPhrase(phrase=ticking(), revision=1))
    mark = engine.client.mark()
    engine.client.send(Play())
    engine.client.wait_for(Position, since=mark)


def check_in_time(ears: Ears, start: int, count: int) -> None:
    """Every hit since `start` is there, and in its place but for a few blocks of the synth.

    On a machine that is too busy, what the server itself fell behind is allowed for, a hit may lie
    where the ears missed a block, and for a while after sound was lost (an xrun) be less in place.
    """
    end = ears.now
    ears.listen(0.3)  # times are known from the blocks on both sides
    sound = ears.heard(start, end)
    stutter = ears.stutter(start, end)
    frames = onsets(sound, AUDIBLE)
    times = np.array([ears.time_of(start + frame) for frame in frames])
    holes = np.flatnonzero(np.isnan(sound[:, 0]))[::PERIOD].tolist()
    missed = np.array([ears.time_of(start + frame) for frame in holes])
    beats = (times - times[0]) / BEAT
    numbers = np.rint(beats)
    assert (np.diff(numbers) > 0).all(), f"a hit is doubled: {np.diff(times)}"
    for number in set(range(int(numbers[-1]))) - set(numbers.astype(int)):
        place = times[0] + number * BEAT
        assert (np.abs(missed - place) < 0.010 + stutter).any(), f"missing: {np.diff(times)}"
    assert numbers[-1] + 1 >= count
    off = (beats - numbers) * BEAT
    off = np.abs(off - np.median(off))
    assert off.max() < 0.25 * BEAT + stutter
    calm = ~np.array([ears.had_xrun(start + frame - 2 * RATE, start + frame) for frame in frames])
    assert (off[calm] < 0.006 + stutter).all(), f"off by {np.round(1000.0 * off, 1)} ms"


def test_it_plays_the_loop_in_time_and_without_a_gap(
    jack_server: JackServer, start_engine: StartEngine
) -> None:
    engine = start_engine(jack_server.environment)
    assert engine.client.state.driver == "jack"
    assert engine.client.state.sample_rate == RATE
    with Ears(jack_server) as ears:
        ears.attach()
        assert np.nanmax(np.abs(ears.listen(0.2))) == 0.0
        play_ticking(engine)
        start = ears.now
        ears.listen(4.2)
        check_in_time(ears, start, 16)


def test_a_swap_is_heard_and_leaves_no_gap(
    jack_server: JackServer, start_engine: StartEngine
) -> None:
    engine = start_engine(jack_server.environment)
    with Ears(jack_server) as ears:
        ears.attach()
        play_ticking(engine)
        start = ears.now
        before = ears.listen(1.1)
        for revision in range(2, 42):  # a slider that is dragged
            engine.client.send(SetPhrase(phrase=ticking((76, 77)[revision % 2]), revision=revision))
            ears.listen(0.025)
        after = ears.listen(1.1)
        check_in_time(ears, start, 11)
    spectra = [np.abs(np.fft.rfft(np.nan_to_num(s[:RATE, 0]))) for s in (before, after)]
    assert np.corrcoef(*spectra)[0, 1] < 0.5


def test_panic_is_silent_within_a_period(
    jack_server: JackServer, start_engine: StartEngine
) -> None:
    engine = start_engine(jack_server.environment)
    with Ears(jack_server) as ears:
        ears.attach()
        # A crash and a melody ring on for seconds if they are let.
        phrase = ticking(49)
        engine.client.send(SetPhrase(phrase=phrase, revision=1))
        engine.client.send(Play())
        wait_until(lambda: np.nanmax(np.abs(ears.listen(0.05))) > AUDIBLE, "sounding")
        mark = engine.client.mark()
        engine.client.send(Panic())
        engine.client.wait_for(EngineState, lambda state: not state.playing, since=mark)
        # The state came after the command was done; the ears may be a period behind the engine.
        silent_from = ears.now + 2 * PERIOD
        ears.listen(0.5)
        assert np.nanmax(np.abs(ears.heard(silent_from, ears.now))) == 0.0


def test_stop_lets_notes_end_and_play_begins_at_the_beginning(
    jack_server: JackServer, start_engine: StartEngine
) -> None:
    engine = start_engine(jack_server.environment)
    with Ears(jack_server) as ears:
        ears.attach()
        play_ticking(engine)
        mark = engine.client.mark()
        engine.client.send(Stop())
        engine.client.wait_for(EngineState, lambda state: not state.playing, since=mark)
        ears.listen(1.0)
        assert np.nanmax(np.abs(ears.listen(0.5))) < AUDIBLE
        mark = engine.client.mark()
        engine.client.send(Play())
        assert engine.client.wait_for(Position, since=mark).beat < 1.0


def test_a_window_that_stands_still_does_not_disturb_the_loop(
    jack_server: JackServer, start_engine: StartEngine
) -> None:
    engine = start_engine(jack_server.environment)
    window = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\n"
            "from fmvae_core.ipc import Endpoint\n"
            "from fmvae_core.live.measure import EngineClient\n"
            "client = EngineClient(Endpoint(*sys.argv[1:]))\n"
            "print(client.state.kind, flush=True)\n"
            "time.sleep(600)\n",
            engine.endpoint.address,
            engine.endpoint.key,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert window.stdout is not None
        assert window.stdout.readline().strip() == "engine_state"
        with Ears(jack_server) as ears:
            ears.attach()
            play_ticking(engine)
            start = ears.now
            ears.listen(0.5)
            window.send_signal(signal.SIGSTOP)
            ears.listen(2.0)
            window.send_signal(signal.SIGCONT)
            ears.listen(0.6)
            check_in_time(ears, start, 11)
    finally:
        window.kill()
        window.wait()
        if window.stdout is not None:
            window.stdout.close()


def test_a_dead_audio_server_is_reported_and_survived(
    jack_server: JackServer, start_engine: StartEngine
) -> None:
    engine = start_engine(jack_server.environment)
    play_ticking(engine)
    mark = engine.client.mark()
    jack_server.kill()
    lost = engine.client.wait_for(EngineState, lambda state: bool(state.problems), since=mark)
    assert [problem.code for problem in lost.problems] == ["audio_lost"]
    assert lost.playing
    assert lost.driver is None
    mark = engine.client.mark()
    first = engine.client.wait_for(Position, since=mark)
    later = engine.client.wait_for(Position, lambda p: p.time > first.time + 0.5, since=mark)
    turned = (later.time - first.time) / BEAT % first.beats
    assert (later.beat - first.beat) % first.beats == pytest.approx(turned, abs=0.01)

    jack_server.start()
    engine.client.wait_for(
        EngineState, lambda state: state.driver == "jack" and not state.problems, since=mark
    )
    with Ears(jack_server) as ears:
        ears.attach()
        wait_until(lambda: np.nanmax(np.abs(ears.listen(0.3))) > AUDIBLE, "sounding again")


def test_a_killed_window_leaves_the_music_to_the_next(
    jack_server: JackServer, start_engine: StartEngine
) -> None:
    engine = start_engine(jack_server.environment)
    with Ears(jack_server) as ears:
        ears.attach()
        play_ticking(engine)
        engine.client.close()  # no Quit
        assert engine.process.stdin is not None
        engine.process.stdin.close()  # nor does the end of its input mean anything
        start = ears.now
        ears.listen(1.5)
        check_in_time(ears, start, 5)
        engine.client = EngineClient(engine.endpoint)
        state = engine.client.wait_for(EngineState)
        assert state.playing
        assert state.tempo == TEMPO
        # It counts its revisions anew, and is listened to.
        mark = engine.client.mark()
        engine.client.send(SetPhrase(phrase=rock_beat(), revision=0))
        engine.client.wait_for(Position, lambda p: (p.revision, p.beats) == (0, 8), since=mark)
    assert engine.process.poll() is None
    assert os.path.exists(engine.endpoint.address)
