"""A jam of melodies on a clock of the test's own: keys in, melodies out, and the take again."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from fmvae_core.ipc import Message
from fmvae_core.jam.check import differences
from fmvae_core.jam.export import write_midi_of
from fmvae_core.jam.journal import read_journal
from fmvae_core.jam.keeps import save_keep
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.jam.pads import Key
from fmvae_core.jam.replay import Replay
from fmvae_core.jam.rules import Settings
from fmvae_core.jam.takes import read_take, summarise
from fmvae_core.live.jam_messages import HumanKey, HumanPhrase, MachinePhrase, StartJam
from fmvae_core.live.take_events import human_events, machine_events
from fmvae_core.live.voices import DRUM_CHANNEL, KEYS_CHANNEL, MELODY_CHANNEL
from fmvae_core.music.phrase import Note, Phrase
from tests.fmvae_core.live.jack import wait_until
from tests.fmvae_core.live.test_jam import Band

PLAYED = ((4.0, 60), (5.0, 64), (6.0, 67), (12.0, 72), (13.5, 71))
"""Beat and pitch; each key is held for half a beat."""
ANSWER = (Note(-0.05, 48, 90, 1.0), Note(1.0, 52, 90, 0.5), Note(3.5, 55, 90, 0.5))


class Duo(Band):
    """The same with a model of melodies of one bar."""

    def __init__(self) -> None:
        super().__init__()
        self.jam.set_answerer(self._answer, 1, "melody")

    def _answer(self, message: Message) -> None:
        assert isinstance(message, AnswerRequest)
        self.requests.append(message)
        answer = Answer(
            number=message.number,
            phrase=Phrase(ANSWER, 1, message.phrase.tempo, is_drums=False),
            z_human=(1.0,),
            z_machine=(2.0,),
            heard=((0, 39),),
            sigma=1.0,
            changed_hits=3,
            bundle=self.bundle,
            milliseconds=5.0,
        )
        self.pending.append((self.now + self.takes, answer))

    def play(self, until: float) -> None:
        moves = [(beat, pitch, 80) for beat, pitch in PLAYED]
        moves += [(beat + 0.5, pitch, 0) for beat, pitch in PLAYED]
        for beat, pitch, velocity in sorted(moves):
            self.run(beat)
            self.jam.key(Key(self.time(beat), pitch, velocity))
        self.run(until)


@pytest.fixture
def duo() -> Duo:
    return Duo()


@pytest.fixture
def take(duo: Duo, tmp_path: Path) -> Path:
    path = tmp_path / "take.jsonl"
    duo.start_with(StartJam(settings=Settings(bars=1), journal=path))
    duo.play(20.0)
    duo.jam.stop()
    wait_until(lambda: read_journal(path).records[-1].kind == "end", "the journal's end")
    return path


def test_keys_become_melodies_and_are_answered_by_melodies(duo: Duo, take: Path) -> None:
    first, second = duo.all(HumanPhrase)[:2]
    assert not first.phrase.is_drums
    told = [(round(n.onset, 3), n.pitch, round(n.duration, 3)) for n in first.phrase.notes]
    assert told == [(0.0, 60, 0.5), (1.0, 64, 0.5), (2.0, 67, 0.5)]
    assert [note.pitch for note in second.phrase.notes] == [72, 71]
    assert not any(message.phrase.is_drums for message in duo.all(MachinePhrase))
    # The machine's first note is early in its phrase and comes on the beat.
    starts = [(beat, velocity) for beat, velocity in duo.starts(MELODY_CHANNEL) if beat < 12]
    assert starts == [(8.0, 90), (9.0, 90), (11.5, 90)]
    assert duo.starts(DRUM_CHANNEL) == []
    duo.check_in_time()
    keys = [(key.pitch, key.turn) for key in duo.all(HumanKey) if key.velocity]
    assert keys == [(60, 0), (64, 0), (67, 0), (72, 2), (71, 2)]


def test_a_key_that_is_still_down_is_in_the_phrase(duo: Duo) -> None:
    duo.start_with(StartJam(settings=Settings(bars=1)))
    duo.run(7.0)
    duo.jam.key(Key(duo.time(7.0), 60, 80))
    duo.run(9.0)
    duo.jam.key(Key(duo.time(9.0), 60, 0))
    (note,) = duo.all(HumanPhrase)[0].phrase.notes
    assert (round(note.onset, 3), round(note.duration, 3)) == (3.0, 1.0)


def test_the_take_can_be_had_again(take: Path, tmp_path: Path) -> None:
    journal = read_journal(take)
    assert list(differences(journal)) == []
    replay = Replay(journal)
    assert [[note.pitch for note in passage.phrase.notes] for passage in replay.human] == [
        [60, 64, 67],
        [72, 71],
    ]
    assert not any(passage.phrase.is_drums for passage in (*replay.human, *replay.machine))

    human = human_events(journal, replay)
    assert {event.channel for event in human} == {KEYS_CHANNEL}
    assert [round(replay.beat(event.time), 3) for event in human if not event.velocity] == [
        beat + 0.5 for beat, _ in PLAYED
    ]
    machine = {event.channel for event in machine_events(journal, replay)}
    assert MELODY_CHANNEL in machine
    assert DRUM_CHANNEL not in machine

    summary = summarise(take)
    assert (summary.hits, summary.answers) == (len(PLAYED), 2)

    write_midi_of(journal, tmp_path / "take.mid")
    tracks = mido.MidiFile(tmp_path / "take.mid").tracks
    for track, pitches in zip(tracks, ([60, 64, 67, 72, 71], [48, 52, 55]), strict=True):
        notes = [message for message in track if message.type == "note_on"]
        assert [note.note for note in notes][: len(pitches)] == pitches
        assert {note.channel for note in notes} == {0}


def test_what_was_kept_of_it_can_be_had_again(duo: Duo, take: Path, tmp_path: Path) -> None:
    path = save_keep(duo.jam.keep(120.0), tmp_path)
    replay = Replay(read_take(path))
    (human,), (machine,) = replay.human, replay.machine
    assert [note.pitch for note in human.phrase.notes] == [72, 71]
    assert human.phrase.notes[0].duration == pytest.approx(0.5)
    assert not machine.phrase.is_drums
    assert summarise(path).hits == 2
