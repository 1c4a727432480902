"""A whole jam: a kit on a real MIDI port, the engine, the model worker with the shipped bundle."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from fmvae_core.files import resource
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.jam.rules import How, State
from fmvae_core.live.jam_messages import (
    HumanPhrase,
    JamProblem,
    JamState,
    MachinePhrase,
    MidiPortsState,
    SetMidi,
    StartJam,
    StopJam,
)
from fmvae_core.live.measure import EngineProcess
from fmvae_core.live.midi_ports import VIRTUAL_PORT
from fmvae_core.music.phrase import Phrase
from tests.fmvae_core.inference.processes import WorkerProcess
from tests.fmvae_core.live.conftest import StartEngine
from tests.fmvae_core.live.jack import Ears, JackServer, wait_until
from tests.fmvae_core.live.kit import Kit, Listener, plugged
from tests.fmvae_core.live.phrases import rock_beat

TEMPO = 140.0
BEAT = 60.0 / TEMPO
TURN = 8.0  # beats
COUNT_IN = 4.0
HALF_STEP = 0.125


@contextmanager
def model(engine: EngineProcess) -> Iterator[WorkerProcess]:
    """A model worker that has offered its answers, and has answered once."""
    mark = engine.client.mark()
    with WorkerProcess(resource("models", "drums-2bar"), engine=engine.endpoint) as worker:
        worker.wait_until_open()
        worker.connection.send(AnswerRequest(number=0, phrase=Phrase((), 2), is_final=True, seed=0))
        worker.mail.wait_for(Answer)
        engine.client.wait_for(JamState, lambda state: state.can_answer, since=mark)
        yield worker


def play(kit: Kit, zero: float, turn: int, dice: random.Random) -> list[tuple[float, int]]:
    """Play a beat with a human's timing in a turn; return onsets (beats) and pitches."""
    start = COUNT_IN + turn * TURN
    played = []
    for note in rock_beat().notes:
        onset = note.onset + dice.uniform(-0.08, 0.08)
        if -HALF_STEP < onset < TURN - HALF_STEP:
            played.append((onset, note.pitch, note.velocity))
    played.sort()
    for onset, pitch, velocity in played:
        kit.send(0x99, pitch, velocity, at=zero + (start + onset) * BEAT)
    return [(onset, pitch) for onset, pitch, _ in played]


def test_a_drummer_trades_bars_with_the_machine(
    jack_server: JackServer, start_engine: StartEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack_server.name)
    engine = start_engine(jack_server.environment)
    client = engine.client
    dice = random.Random(4)
    with plugged() as kit, Ears(jack_server) as ears, model(engine) as worker:
        ears.attach()
        client.send(SetMidi(inputs=("kit",), output=VIRTUAL_PORT))
        client.wait_for(
            MidiPortsState,
            lambda ports: ports.open_inputs == ("kit",) and ports.output == VIRTUAL_PORT,
        )
        listener = Listener()
        client.send(StartJam(tempo=TEMPO))
        state = client.wait_for(JamState, lambda state: state.state is State.COUNT_IN)
        zero = state.time - (state.beat - 1) * BEAT

        played = {turn: play(kit, zero, turn, dice) for turn in (0, 2)}
        client.wait_for(MachinePhrase, lambda phrase: phrase.turn == 3)
        worker.process.kill()
        problem = client.wait_for(JamProblem)
        assert "repeats" in problem.text
        played[4] = play(kit, zero, 4, dice)
        client.wait_for(JamState, lambda s: not s.can_answer)
        client.wait_for(MachinePhrase, lambda phrase: phrase.turn == 5)
        ears.listen(0.2)
        mark = client.mark()
        end = client.wait_for(
            JamState, lambda s: s.state is State.LISTENING, since=mark, timeout=30.0
        )
        heard_from = ears.now
        assert np.nanmax(np.abs(ears.heard(heard_from - 48_000, heard_from))) > 0.02
        client.send(StopJam())
        client.wait_for(JamState, lambda s: s.state is State.IDLE, since=mark)

        # No hit of the human's is lost or doubled, and each is in its place.
        phrases = {phrase.turn: phrase.phrase for phrase in client.all(HumanPhrase)}
        assert sorted(phrases) == [0, 2, 4]
        for turn, meant_hits in played.items():
            # A busy machine may have kept the kit itself waiting.
            start = zero + (COUNT_IN + turn * TURN) * BEAT
            sent = kit.sent(len(meant_hits))
            hits = [((at - start) / BEAT, p) for at, (_, p) in zip(sent, meant_hits, strict=True)]
            heard = [(note.onset, note.pitch) for note in phrases[turn].notes]
            assert Counter(p for _, p in heard) == Counter(p for _, p in hits), (
                f"turn {turn}: played {sorted(hits)}, heard {heard}"
            )
            for pitch in {pitch for _, pitch in hits}:
                there = sorted(onset for onset, p in heard if p == pitch)
                meant = sorted(onset for onset, p in hits if p == pitch)
                assert there == pytest.approx(meant, abs=0.050 / BEAT)

        # The machine has answered, then repeated what it had.
        answers = client.all(MachinePhrase)
        assert [answer.turn for answer in answers] == [1, 3, 5]
        assert {answer.how for answer in answers[:2]} <= {How.FINAL, How.PREPARED}
        assert answers[2].how is How.REPEATED
        assert answers[0].phrase.notes
        assert end.finals + end.prepared == 2

        # What it said it plays is what came out of its port: each note once, none left sounding.
        wanted = Counter(
            (note.pitch, note.velocity) for answer in answers for note in answer.phrase.notes
        )
        wait_until(lambda: listener.starts() == wanted, "all played")
        wait_until(lambda: listener.sounding() == set(), "ended every note")
        first = min(at for at, message in listener.heard if message[0] & 0xF0 == 0x90)
        assert first > zero + (COUNT_IN + TURN) * BEAT - 0.002, "no note before its turn"
        listener.close()
        silent = ears.listen(3.0)
        assert np.nanmax(np.abs(silent[-24_000:])) < 0.02, "nothing is stuck"

        # A new worker is asked again.
        with model(engine):
            mark = client.mark()
            client.send(StartJam(tempo=220.0))
            client.wait_for(
                MachinePhrase, lambda phrase: phrase.how in (How.FINAL, How.PREPARED), since=mark
            )
