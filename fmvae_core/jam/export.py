"""A journal as a MIDI file: two tracks, the human's and the machine's."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from itertools import pairwise

import mido

from fmvae_core.files import replacing
from fmvae_core.jam.journal import Journal
from fmvae_core.jam.records import Answered, End, HumanHit, HumanKey, Played, TempoSet
from fmvae_core.jam.rules import on_the_downbeat
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.midi_file import DRUM_CHANNEL, TICKS_PER_BEAT
from fmvae_core.music.phrase import BEATS_PER_BAR, Note

_KEYS_CHANNEL = 0
_SHORTEST = 0.01  # beats

HUMAN_TRACK = "human"
MACHINE_TRACK = "machine"


def human_notes(journal: Journal, *, keys: bool = False) -> list[Note]:
    """Return what the human played; onsets in beats of the take.

    Parameters
    ----------
    keys
        Whether the keys of melodies are wanted, or hits, in the pitches of Table 4.
    """
    if keys:
        return _keys(journal)
    return sorted(
        Note(record.beat, DRUMS[record.drum].pitch, record.velocity)
        for record in journal.records
        if isinstance(record, HumanHit)
    )


def _keys(journal: Journal) -> list[Note]:
    """Return the keys that were pressed, each until it was let go or the take ended."""
    down: dict[int, HumanKey] = {}
    notes: list[Note] = []
    last = 0.0

    def let_go(pitch: int, beat: float) -> None:
        key = down.pop(pitch, None)
        if key is not None:
            lasts = max(_SHORTEST, beat - key.beat)
            notes.append(Note(key.beat, pitch, key.velocity, lasts))

    for record in journal.records:
        if isinstance(record, (HumanKey, End)):
            last = max(last, record.beat)
        if isinstance(record, HumanKey):
            let_go(record.pitch, record.beat)
            if record.velocity:
                down[record.pitch] = record
    for pitch in tuple(down):
        let_go(pitch, last)
    return sorted(notes)


def machine_notes(journal: Journal, *, keys: bool = False) -> list[Note]:
    """Return what the machine played, until the take was stopped; onsets in beats of the take.

    ``keys`` is whether its melodies are wanted, or its drums.
    """
    end = min((r.beat for r in journal.records if isinstance(r, End)), default=math.inf)
    answers = {r.answer.number: r.answer for r in journal.records if isinstance(r, Answered)}
    notes = []
    for record in journal.records:
        if not isinstance(record, Played) or record.number not in answers:
            continue
        phrase = answers[record.number].phrase
        if phrase.is_drums == keys:
            continue
        for note in on_the_downbeat(phrase).notes:
            onset = record.start + note.onset
            if onset < end:
                notes.append(Note(onset, note.pitch, note.velocity, note.duration))
    return sorted(notes)


def midi_of(journal: Journal) -> mido.MidiFile:
    """Return a take as a type 1 MIDI file: tempi and the human's hits, then the machine's.

    Beat 0 is where the count-in begins, so that bars are those of the jam.
    """
    tempi = {0: journal.head.tempo}
    for record in journal.records:
        if isinstance(record, TempoSet):
            tempi[_ticks(record.beat)] = record.tempo
    human = _events(human_notes(journal), DRUM_CHANNEL)
    human += _events(human_notes(journal, keys=True), _KEYS_CHANNEL)
    human += [
        (ticks, 0, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo)))
        for ticks, tempo in tempi.items()
    ]
    human.append((0, 0, mido.MetaMessage("time_signature", numerator=BEATS_PER_BAR, denominator=4)))
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
    file.tracks.append(_track(HUMAN_TRACK, human))
    machine = _events(machine_notes(journal), DRUM_CHANNEL)
    machine += _events(machine_notes(journal, keys=True), _KEYS_CHANNEL)
    file.tracks.append(_track(MACHINE_TRACK, machine))
    return file


def write_midi_of(journal: Journal, path: str | os.PathLike[str]) -> None:
    """Write a take as a MIDI file; an existing file is replaced only once all is written."""
    with replacing(path) as scratch:
        midi_of(journal).save(scratch)


_Event = tuple[int, int, mido.Message | mido.MetaMessage]


def _events(notes: Iterable[Note], channel: int) -> list[_Event]:
    """Return note-ons and note-offs with their ticks; offs first where both fall together."""
    by_pitch: dict[int, list[Note]] = {}
    for note in notes:
        by_pitch.setdefault(note.pitch, []).append(note)
    events: list[_Event] = []
    for pitch, row in by_pitch.items():
        after: list[float] = [following.onset for _, following in pairwise(row)] + [math.inf]
        for note, next_onset in zip(row, after, strict=True):
            start = _ticks(note.onset)
            # A drum that is hit again ends its first note, or the off would end the second.
            end = max(start + 1, _ticks(min(note.onset + note.duration, next_onset)))
            on = {"channel": channel, "note": pitch}
            events.append((start, 2, mido.Message("note_on", velocity=note.velocity, **on)))
            events.append((end, 1, mido.Message("note_off", velocity=0, **on)))
    return events


def _ticks(beat: float) -> int:
    return max(0, round(beat * TICKS_PER_BEAT))


def _track(name: str, events: list[_Event]) -> mido.MidiTrack:
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("track_name", name=name, time=0))
    now = 0
    for ticks, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=ticks - now))
        now = ticks
    track.append(mido.MetaMessage("end_of_track", time=0))
    return track
