"""What goes wrong in the middle of a jam, and what becomes of it: real processes, ports and files.

After each fault the jam goes on, what was played is in the journal, and nothing sounds on.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from fmvae_core.inference.messages import BundleReady, OpenBundle
from fmvae_core.jam import records
from fmvae_core.jam.journal import Journal, read_journal
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.jam.rules import How, Mode, Settings, State
from fmvae_core.live.jam_messages import (
    HumanPhrase,
    JamProblem,
    JamState,
    MachinePhrase,
    MidiPortsState,
    PadHit,
    SetMidi,
    StartJam,
    StopJam,
)
from fmvae_core.live.measure import EngineClient, EngineProcess
from fmvae_core.live.messages import EngineState, SetTransport
from fmvae_core.live.midi_ports import VIRTUAL_PORT
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.phrase import Phrase
from tests.factories import tiny_bundle
from tests.fmvae_core.inference.processes import WorkerProcess
from tests.fmvae_core.live.jack import Ears, JackServer, wait_until
from tests.fmvae_core.live.kit import Listener, plugged

TEMPO = 160.0
SNARE = 1
SILENT = 0.001
ANSWERED = (How.FINAL, How.PREPARED)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of one bar that was never trained, so that a turn lasts a second or two."""
    return tiny_bundle(tmp_path_factory.mktemp("bundles") / "one-bar", bars=1).path


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with JackServer() as server:
        yield server


@pytest.fixture(scope="module")
def engine(server: JackServer) -> Iterator[EngineProcess]:
    with EngineProcess({**os.environ, **server.environment}) as engine:
        engine.client.wait_for(EngineState, lambda state: state.driver == "jack")
        yield engine


@pytest.fixture(scope="module")
def worker(engine: EngineProcess, bundle: Path) -> Iterator[WorkerProcess]:
    with model(engine, bundle) as worker:
        yield worker


@pytest.fixture
def client(engine: EngineProcess, worker: WorkerProcess) -> EngineClient:
    """A client of an engine that all tests share, and that a model worker answers."""
    return engine.client


@contextmanager
def model(engine: EngineProcess, bundle: Path) -> Iterator[WorkerProcess]:
    """A model worker that has offered its answers, and has answered once."""
    mark = engine.client.mark()
    with WorkerProcess(bundle, engine=engine.endpoint) as worker:
        worker.wait_until_open()
        worker.connection.send(AnswerRequest(number=0, phrase=Phrase((), 1), is_final=True, seed=0))
        worker.mail.wait_for(Answer)
        engine.client.wait_for(JamState, lambda state: state.can_answer, since=mark)
        yield worker


def start(client: EngineClient, journal: Path, tempo: float = TEMPO) -> None:
    mark = client.mark()
    client.send(StartJam(settings=Settings(mode=Mode.TRADE, bars=1), tempo=tempo, journal=journal))
    client.wait_for(JamState, lambda state: state.state is State.COUNT_IN, since=mark)


def trade(client: EngineClient, hits: int = 3, play: Callable[[], None] | None = None) -> Phrase:
    """Play in the next turn of the human's; return what was heard, once the machine has begun.

    On a busy machine the turn may be over before all is played: what matters is that whatever is
    heard at last is heard once.
    """
    mark = client.mark()
    client.wait_for(JamState, lambda state: state.state is State.LISTENING, since=mark)
    for _ in range(hits):
        if play is None:
            client.send(PadHit(drum=SNARE, velocity=100))
        else:
            play()
    phrase = client.wait_for(HumanPhrase, since=mark)
    client.wait_for(MachinePhrase, lambda news: news.turn > phrase.turn, since=mark)
    return phrase.phrase


def answered(client: EngineClient, since: int) -> MachinePhrase:
    """Wait until the model's answer to something is played."""
    return client.wait_for(MachinePhrase, lambda phrase: phrase.how in ANSWERED, since=since)


def stop(client: EngineClient, journal: Path) -> Journal:
    """End the jam; return its journal, which is whole."""
    mark = client.mark()
    client.send(StopJam())
    client.wait_for(JamState, lambda state: state.state is State.IDLE, since=mark)
    wait_until(lambda: b'"kind":"end"' in journal.read_bytes(), "ended, the journal")
    read = read_journal(journal)
    assert not read.is_cut
    assert isinstance(read.records[-1], records.End)
    return read


def all_of(journal: Journal, kind: type[records.Record]) -> list:  # type: ignore[type-arg]
    return [record for record in journal.records if isinstance(record, kind)]


def check_silence(server: JackServer) -> None:
    """Nothing sounds once what was struck has died away."""
    with Ears(server) as ears:
        ears.attach()
        wait_until(
            lambda: np.nan_to_num(np.abs(ears.listen(0.5))).max() < SILENT, "silent, the engine"
        )


def test_a_port_is_unplugged_and_comes_back(
    client: EngineClient,
    server: JackServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    path = tmp_path / "take.jsonl"
    pitches = iter(drum.pitch for drum in DRUMS)  # one pad twice at once is one hit that rings
    client.send(SetMidi(inputs=("kit",)))
    with plugged() as kit:
        client.wait_for(MidiPortsState, lambda ports: ports.open_inputs == ("kit",))
        start(client, path)
        trade(client, 4, lambda: kit.send(0x99, next(pitches), 100))
        kit.sent(4)
        mark = client.mark()
    gone = client.wait_for(MidiPortsState, lambda ports: ports.missing == ("kit",), since=mark)
    assert gone.open_inputs == ()
    mark = client.mark()
    trade(client, 0)
    with plugged() as kit:
        client.wait_for(MidiPortsState, lambda ports: ports.open_inputs == ("kit",), since=mark)
        trade(client, 3, lambda: kit.send(0x99, next(pitches), 90))
        wait_until(lambda: path.read_bytes().count(b'"hit"') >= 7, "heard again")
        journal = stop(client, path)
    check_silence(server)
    hits = [(hit.drum, hit.velocity) for hit in all_of(journal, records.HumanHit)]
    assert hits == [(drum, 100 if drum < 4 else 90) for drum in range(7)]


def test_a_model_worker_hangs_and_another_dies(
    engine: EngineProcess,
    client: EngineClient,
    worker: WorkerProcess,
    server: JackServer,
    bundle: Path,
    tmp_path: Path,
) -> None:
    path = tmp_path / "take.jsonl"
    start(client, path)
    mark = client.mark()
    trade(client)
    answered(client, mark)
    worker.stop()
    mark = client.mark()
    client.wait_for(MachinePhrase, lambda phrase: phrase.how is How.REPEATED, since=mark)
    worker.go_on()
    mark = client.mark()
    answered(client, mark)
    with model(engine, bundle) as other:
        mark = client.mark()
        answered(client, mark)
        other.process.kill()
        other.process.wait()
        mark = client.mark()
        answered(client, mark)  # the first one's
    journal = stop(client, path)
    check_silence(server)
    turns = [record.turn for record in all_of(journal, records.Played)]
    assert turns == list(range(turns[0], turns[-1] + 1, 2)), "one answer in each of its turns"


def test_the_disk_is_full_for_a_while(
    engine: EngineProcess, client: EngineClient, server: JackServer, tmp_path: Path
) -> None:
    path = tmp_path / "take.jsonl"
    pid = engine.process.pid
    unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    start(client, path)
    trade(client)
    mark = client.mark()
    # As on a disk that is full, a write takes what fits, and the next one fails.
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (path.stat().st_size + 100, unlimited[1]))
    trade(client)
    problem = client.wait_for(JamProblem, since=mark)
    assert "cannot be written" in problem.text
    assert "goes on" in problem.remedy
    answered(client, mark)
    mark = client.mark()
    trade(client)
    assert len(all_of(read_journal(path), records.HumanHit)) < 9, "readable, as far as it fits"
    resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
    trade(client)
    journal = stop(client, path)
    assert len(all_of(journal, records.HumanHit)) == 12
    check_silence(server)


def test_a_window_stands_still_and_is_killed(
    engine: EngineProcess, client: EngineClient, server: JackServer, tmp_path: Path
) -> None:
    path = tmp_path / "take.jsonl"
    window = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\n"
            "from pathlib import Path\n"
            "from fmvae_core.ipc import Endpoint\n"
            "from fmvae_core.jam.rules import Settings\n"
            "from fmvae_core.live.jam_messages import JamState, StartJam\n"
            "from fmvae_core.live.measure import EngineClient\n"
            "client = EngineClient(Endpoint(*sys.argv[1:3]))\n"
            "settings = Settings(bars=1)\n"
            "path = Path(sys.argv[3])\n"
            "client.send(StartJam(settings=settings, tempo=160.0, journal=path))\n"
            "client.wait_for(JamState, lambda state: state.tempo > 0.0)\n"
            "print('jamming', flush=True)\n"
            "time.sleep(600)\n",
            engine.endpoint.address,
            engine.endpoint.key,
            str(path),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert window.stdout is not None
        assert window.stdout.readline().strip() == "jamming"
        window.send_signal(signal.SIGSTOP)
        for _ in range(2):
            mark = client.mark()
            trade(client)
            answered(client, mark)
    finally:
        window.kill()
        window.wait()
        if window.stdout is not None:
            window.stdout.close()
    mark = client.mark()
    trade(client)
    answered(client, mark)
    journal = stop(client, path)
    check_silence(server)
    assert len(all_of(journal, records.HumanHit)) == 9
    assert all_of(journal, records.Trouble) == []


def test_the_tempo_changes_and_no_note_of_the_machine_is_lost_or_stuck(
    client: EngineClient,
    server: JackServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    begin = client.mark()
    client.send(SetMidi(inputs=(), output=VIRTUAL_PORT))
    client.wait_for(MidiPortsState, lambda ports: ports.output == VIRTUAL_PORT)
    listener = Listener()
    start(client, tmp_path / "take.jsonl")
    for tempo in (90.0, 220.0, 60.0, 140.0, 200.0):
        mark = client.mark()
        client.wait_for(JamState, lambda state: state.state is State.ANSWERING, since=mark)
        client.send(SetTransport(tempo=tempo))
        client.wait_for(JamState, lambda state, wanted=tempo: state.tempo == wanted, since=mark)
    mark = client.mark()
    client.wait_for(JamState, lambda state: state.state is State.LISTENING, since=mark)
    journal = stop(client, tmp_path / "take.jsonl")
    said = Counter(
        (note.pitch, note.velocity)
        for phrase in client.all(MachinePhrase, since=begin)
        for note in phrase.phrase.notes
    )
    assert said
    wait_until(lambda: listener.starts() == said, "played, each note once")
    wait_until(lambda: listener.sounding() == set(), "ended, every note")
    listener.close()
    check_silence(server)
    assert [change.tempo for change in all_of(journal, records.TempoSet)] == [
        90.0,
        220.0,
        60.0,
        140.0,
        200.0,
    ]


def test_the_bundle_is_switched(
    client: EngineClient, worker: WorkerProcess, server: JackServer, bundle: Path, tmp_path: Path
) -> None:
    other = tiny_bundle(tmp_path / "two-bars", seed=1, bars=2).path
    path = tmp_path / "take.jsonl"
    start(client, path)
    mark = client.mark()
    trade(client)
    first = answered(client, mark)
    assert first.phrase.bars == 1
    worker.connection.send(OpenBundle(path=str(other)))
    worker.mail.wait_for(BundleReady, lambda ready: ready.path == str(other))
    second = client.wait_for(
        MachinePhrase,
        lambda phrase: phrase.how in ANSWERED and phrase.phrase.bars == 2,
        since=mark,
    )
    assert second.turn > first.turn
    client.wait_for(JamState, lambda state: state.bars == 2, since=mark)
    worker.connection.send(OpenBundle(path=str(bundle)))
    client.wait_for(JamState, lambda state: state.bars == 1, since=client.mark())
    journal = stop(client, path)
    check_silence(server)
    bundles = {record.answer.bundle for record in all_of(journal, records.Answered)}
    assert len(bundles) == 2
    starts = [(record.start, record.bars) for record in all_of(journal, records.Played)]
    for (at, bars), (following, _) in pairwise(starts):
        assert following >= at + 4 * bars, "no turn begins in another"


def test_the_audio_server_is_killed_and_restarted(
    client: EngineClient, server: JackServer, tmp_path: Path
) -> None:
    start(client, tmp_path / "take.jsonl")
    trade(client)
    mark = client.mark()
    server.kill()
    client.wait_for(EngineState, lambda state: state.driver is None, since=mark)
    phrase = trade(client)  # in silence
    assert answered(client, mark)
    mark = client.mark()
    server.start()
    client.wait_for(EngineState, lambda state: state.driver == "jack", since=mark)
    with Ears(server) as ears:
        ears.attach()
        trade(client)
        wait_until(lambda: np.nan_to_num(np.abs(ears.listen(0.2))).max() > 0.01, "sounding again")
    journal = stop(client, tmp_path / "take.jsonl")
    check_silence(server)
    played = all_of(journal, records.HumanHit)
    assert len(played) == 9
    assert phrase.bars == 1
    clicks = [record.start for record in all_of(journal, records.Played)]
    assert clicks == sorted(clicks)
    assert len(clicks) == len(set(clicks))


def test_the_engine_is_killed_and_its_journal_can_be_read(
    server: JackServer, bundle: Path, tmp_path: Path
) -> None:
    path = tmp_path / "take.jsonl"
    engine = EngineProcess({**os.environ, **server.environment})
    try:
        with model(engine, bundle):
            start(engine.client, path)
            trade(engine.client)
            # It is written within a second of its being played.
            wait_until(lambda: b'"kind":"played"' in path.read_bytes(), "written, what was played")
            engine.process.kill()
            engine.process.wait()
    finally:
        engine.close()
        Path(engine.endpoint.address).unlink(missing_ok=True)
    journal = read_journal(path)
    assert len(all_of(journal, records.HumanHit)) == 3
    assert all_of(journal, records.Played)
