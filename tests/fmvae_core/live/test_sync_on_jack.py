"""Clocks, knobs, OSC and the calibration with a real engine and real MIDI ports."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest
import rtmidi
from pythonosc.osc_message_builder import OscMessageBuilder

from fmvae_core.jam.journal import read_journal
from fmvae_core.jam.records import End, Ticks
from fmvae_core.jam.rules import State
from fmvae_core.live.control_messages import (
    Assignment,
    Control,
    ControlsState,
    LearnControl,
    OscState,
    SetOsc,
    SettingChanged,
)
from fmvae_core.live.jam_messages import (
    JamProblem,
    JamState,
    MidiPortsState,
    SetJam,
    SetMidi,
    StartJam,
    StopJam,
)
from fmvae_core.live.measure import EngineClient, EngineProcess
from fmvae_core.live.messages import EngineState, SetTransport
from fmvae_core.live.midi_clock import CONTINUE, SONG_POSITION, START, STOP, TICK, TICKS_PER_BEAT
from fmvae_core.live.midi_ports import VIRTUAL_PORT
from fmvae_core.live.sync_messages import (
    CalibrationState,
    SetSync,
    StartCalibration,
    SyncState,
)
from tests.fmvae_core.live.conftest import StartEngine
from tests.fmvae_core.live.jack import Ears, JackServer, onsets, wait_until
from tests.fmvae_core.live.kit import Kit, plugged

SNARE = 38


@pytest.fixture
def engine(
    jack_server: JackServer, start_engine: StartEngine, monkeypatch: pytest.MonkeyPatch
) -> EngineProcess:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack_server.name)
    return start_engine(jack_server.environment)


@contextmanager
def kit_of(client: EngineClient, output: str = "") -> Iterator[Kit]:
    """A kit that the engine listens to."""
    with plugged() as kit:
        client.send(SetMidi(inputs=("kit",), output=output))
        client.wait_for(
            MidiPortsState, lambda ports: ports.open_inputs == ("kit",) and ports.output == output
        )
        yield kit


class Master:
    """A clock that plays from a kit's process: it is as even as the machine lets it be."""

    def __init__(self, kit: Kit, tempo: float) -> None:
        self._kit = kit
        self.tempo = tempo
        self._next = time.monotonic() + 0.3

    def send(self, *data: int) -> None:
        self._kit.send(*data, at=self._next)
        self._kit.sent(1)

    def tick(self, count: int) -> list[float]:
        """Send ticks and return when they were sent."""
        for _ in range(count):
            self._kit.send(TICK, at=self._next)
            self._next += 60.0 / (self.tempo * TICKS_PER_BEAT)
        return self._kit.sent(count)

    def pause(self, seconds: float) -> None:
        self._next += seconds


def test_a_jam_starts_follows_survives_and_stops_with_a_midi_clock(engine: EngineProcess) -> None:
    client = engine.client
    with kit_of(client) as kit:
        client.send(SetSync(follow="midi"))
        client.send(StartJam(on_control=True))
        master = Master(kit, 130.0)
        master.tick(TICKS_PER_BEAT)
        client.wait_for(SyncState, lambda sync: sync.is_locked and sync.source == "kit:pads")
        mark = client.mark()
        master.send(START)
        sent = master.tick(6 * TICKS_PER_BEAT)
        begun = client.wait_for(JamState, lambda state: state.state is State.COUNT_IN, since=mark)
        assert begun.beat == 1
        assert begun.time == pytest.approx(sent[0], abs=0.3)
        listening = client.wait_for(JamState, lambda s: s.state is State.LISTENING, since=mark)
        assert listening.tempo == pytest.approx(130.0, rel=0.03)
        assert listening.time == pytest.approx(sent[4 * TICKS_PER_BEAT], abs=0.3)

        master.tempo = 90.0
        master.tick(4 * TICKS_PER_BEAT)
        client.wait_for(JamState, lambda s: s.tempo == pytest.approx(90.0, rel=0.03), since=mark)
        client.wait_for(EngineState, lambda s: s.tempo == pytest.approx(90.0, rel=0.03), since=mark)

        problem = client.wait_for(JamProblem, since=mark)  # the master is silent now
        assert "kit:pads has stopped" in problem.text
        client.wait_for(SyncState, lambda sync: not sync.is_locked, since=mark)
        silent = client.mark()
        client.wait_for(JamState, lambda state: state.beat == 3, since=silent)
        master.pause(max(0.0, time.monotonic() + 0.1 - master._next))
        master.tick(2 * TICKS_PER_BEAT)
        client.wait_for(SyncState, lambda sync: sync.is_locked, since=silent)
        master.send(STOP)
        client.wait_for(JamState, lambda state: state.state is State.IDLE, since=silent)


class ClockEar:
    """Hears the clock that the engine sends."""

    def __init__(self) -> None:
        self._heard: list[tuple[float, list[int]]] = []
        self._time = 0.0
        # No callback: a port that goes while it is called back waits for it for ever.
        self._port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "ear", 4096)
        self._port.ignore_types(timing=False)
        self._port.open_port(self._port.get_ports().index("Flatjam:out"), "in")

    @property
    def heard(self) -> list[tuple[float, list[int]]]:
        """Messages and when they came, in seconds after the first."""
        while (message := self._port.get_message()) is not None:
            self._time += message[1]
            self._heard.append((self._time, message[0]))
        return self._heard

    def kinds(self) -> list[int]:
        return [data[0] for _, data in self.heard]

    def times(self) -> list[float]:
        return [at for at, data in self.heard if data[0] == TICK]

    def wait_for(self, kind: int) -> None:
        wait_until(lambda: kind in self.kinds(), f"heard {kind:#x}")

    def close(self) -> None:
        self._port.delete()


def test_a_jam_sends_a_clock_that_starts_after_the_count_in(
    engine: EngineProcess, tmp_path: Path
) -> None:
    client = engine.client
    with kit_of(client, output=VIRTUAL_PORT):
        ear = ClockEar()
        client.send(SetSync(sends_clock=True))
        path = tmp_path / "take.jsonl"
        client.send(StartJam(tempo=150.0, journal=path))
        ear.wait_for(START)
        assert ear.kinds() == [TICK] * 96 + [START] + [TICK] * (len(ear.kinds()) - 97)
        gaps = [b - a for a, b in pairwise(ear.times())]
        assert median(gaps) == pytest.approx(60 / 150 / 24, rel=0.25)
        client.send(SetTransport(tempo=75.0))
        count = len(ear.heard)
        wait_until(lambda: len(ear.heard) > count + 60, "ticking")
        assert median(b - a for a, b in pairwise(ear.times()[-24:])) > 1.5 * median(gaps)
        client.send(StopJam())
        ear.wait_for(STOP)
        assert ear.kinds().count(START) == 1
        wait_until(lambda: isinstance(read_journal(path).records[-1], End), "ended, the journal")
        written = [r for r in read_journal(path).records if isinstance(r, Ticks)]
        assert sum(len(record.times) for record in written) == ear.kinds().count(TICK)

        client.send(SetSync(sends_clock=False))
        mark = client.mark()
        client.send(StartJam(tempo=240.0))
        client.wait_for(JamState, lambda state: state.state is State.LISTENING, since=mark)
        client.send(SetSync(sends_clock=True))  # whoever joins late is told where the song is
        ear.wait_for(CONTINUE)
        at = ear.kinds().index(CONTINUE)
        kind, low, high = ear.heard[at - 1][1]
        assert kind == SONG_POSITION
        assert (low + 128 * high) % 16 == 0
        ear.close()


def test_knobs_pedals_and_osc_steer_a_jam(engine: EngineProcess) -> None:
    client = engine.client
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with kit_of(client) as kit:
        client.send(LearnControl(target="adventure"))
        client.wait_for(ControlsState, lambda state: state.learning == "adventure")
        for value in (0, 20):
            kit.send(0xB0, 21, value)
        learnt = Assignment(target="adventure", control=Control(type="cc", number=21))
        client.wait_for(ControlsState, lambda state: state.assignments == (learnt,))
        for value in (0, 127):
            kit.send(0xB0, 21, value)
        client.wait_for(
            SettingChanged, lambda news: (news.setting, news.value) == ("adventure", 32.0)
        )
        start = Assignment(target="start_stop", control=Control(type="note", number=37))
        click = Assignment(target="level:click", control=Control(type="cc", number=7))
        client.send(SetJam(controls=(start, click)))
        mark = client.mark()
        client.send(StartJam(on_control=True, tempo=200.0))
        kit.send(0x99, 37, 90)
        client.wait_for(JamState, lambda state: state.state is State.COUNT_IN, since=mark)
        for value in (127, 0):
            kit.send(0xB0, 7, value)
        client.wait_for(SettingChanged, lambda news: news.setting == "level:click")

        client.send(SetOsc(port=port))
        client.wait_for(OscState, lambda state: state.port == port)
        _send_osc(port, "stop")
        client.wait_for(JamState, lambda state: state.state is State.IDLE, since=mark)
        mark = client.mark()
        _send_osc(port, "tempo", 123.0)
        _send_osc(port, "ask", "density", 3.0)
        _send_osc(port, "start")
        begun = client.wait_for(JamState, lambda s: s.state is State.COUNT_IN, since=mark)
        assert begun.tempo == 123.0
        asked = client.wait_for(SettingChanged, lambda s: s.setting == "ask:density", since=mark)
        assert asked.value == 3.0


def _send_osc(port: int, name: str, *values: str | float) -> None:
    builder = OscMessageBuilder(address=f"/flatjam/{name}")
    for value in values:
        builder.add_arg(value)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(builder.build().dgram, ("127.0.0.1", port))


def test_the_latency_is_measured_there_and_back(
    engine: EngineProcess, jack_server: JackServer
) -> None:
    client = engine.client
    reaction = 0.060
    with kit_of(client) as kit, Ears(jack_server) as ears:
        ears.attach()
        begin = ears.now
        client.send(StartCalibration(tempo=150.0, hits=8))
        heard: list[float] = []
        sent: list[float] = []

        def plays_along() -> bool:
            """Hit some time after each click that is heard."""
            clicks = onsets(ears.heard(begin, ears.now), 0.01, gap=0.2)
            for click in clicks[len(heard) :]:
                heard.append(ears.time_of(begin + click))
                kit.send(0x99, SNARE, 90, at=heard[-1] + reaction)
                sent.extend(kit.sent(1))
            return any(state.is_done for state in client.all(CalibrationState))

        wait_until(plays_along, "measured", 60.0)
        done = client.wait_for(CalibrationState, lambda state: state.is_done)
        late = median(b - a for a, b in zip(heard, sent, strict=True))
        assert done.median_ms is not None
        # The hits' own lateness, and what JACK and a busy machine take there and back.
        assert 1000.0 * late - 10.0 < done.median_ms < 1000.0 * late + 100.0
        assert done.port == "kit:pads"
        start = client.mark()
        client.send(StartJam(on_control=False))
        client.send(StartCalibration())
        problem = client.wait_for(JamProblem, since=start)
        assert "a jam is going on" in problem.text


def test_a_jam_follows_ableton_link_and_starts_and_stops_with_it(engine: EngineProcess) -> None:
    link = pytest.importorskip("link")
    client = engine.client
    other = link.Link(97.0)
    other.startStopSyncEnabled = True
    other.enabled = True
    try:
        client.send(StartJam(on_control=True, tempo=120.0))
        client.send(SetSync(follow="link"))
        try:
            wait_until(lambda: other.numPeers() > 0, "met", 10.0)
        except AssertionError:
            pytest.skip("no multicast here, which Link needs")
        client.wait_for(SyncState, lambda sync: sync.peers >= 1)
        _set_tempo(other, 160.0)
        client.wait_for(EngineState, lambda state: state.tempo == 160.0)
        mark = client.mark()
        _set_playing(other, True)
        client.wait_for(JamState, lambda s: s.state is State.LISTENING, since=mark)
        beat = client.wait_for(
            JamState, lambda s: s.state is State.LISTENING and s.beat == 3, since=mark
        )
        micros = other.clock().micros() + 1e6 * (beat.time - time.monotonic())
        phase = other.captureSessionState().phaseAtTime(int(micros), 4.0)
        assert phase == pytest.approx(2.0, abs=0.2)
        client.send(SetTransport(tempo=110.0))
        wait_until(
            lambda: other.captureSessionState().tempo() == pytest.approx(110.0), "told of the tempo"
        )
        _set_playing(other, False)
        client.wait_for(JamState, lambda s: s.state is State.IDLE, since=mark)
        client.send(StartJam())
        wait_until(lambda: other.captureSessionState().isPlaying(), "told of the start")
        client.send(StopJam())
        wait_until(lambda: not other.captureSessionState().isPlaying(), "told of the stop")
    finally:
        other.enabled = False


def _set_tempo(peer: object, tempo: float) -> None:
    state = peer.captureSessionState()  # type: ignore[attr-defined]
    state.setTempo(tempo, peer.clock().micros())  # type: ignore[attr-defined]
    peer.commitSessionState(state)  # type: ignore[attr-defined]


def _set_playing(peer: object, is_playing: bool) -> None:
    state = peer.captureSessionState()  # type: ignore[attr-defined]
    state.setIsPlaying(is_playing, peer.clock().micros())  # type: ignore[attr-defined]
    peer.commitSessionState(state)  # type: ignore[attr-defined]
